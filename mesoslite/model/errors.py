"""Errors of the cluster manager: each type says who must act, each text says what to do."""

# Who raises: every package of mesoslite. Who catches: the HTTP layer (a type becomes a status code), the
#   command line (a text and an exit code), and handlers that answer a caller with the text.
# Invariants: 1. every type is built from one text, so that a copy made from ``args`` is equal to the
#   original.
#   2. texts name the operation, what was got, what was wanted and the next step, without a full stop.
# Rejected: one type per cause; a caller acts on who is to blame, a person reads the text.


class MesosliteError(Exception):
    """Base of every error that mesoslite raises on purpose."""


class InvalidRequest(MesosliteError, ValueError):
    """The caller asked for something that can never be granted; correct the request (HTTP 400)."""


class InvalidResources(InvalidRequest):
    """A text or a mapping does not describe resources; correct it."""


class InsufficientResources(MesosliteError, ValueError):
    """More was taken from a resource vector than it holds; take less, or wait for more."""


class NotFound(MesosliteError, LookupError):
    """What was named is not, or no longer, known; look up the current name (HTTP 404)."""


class FrameworkEnded(MesosliteError):
    """A framework was ended from outside: its cluster was closed, or somebody terminated it."""


class InternalError(MesosliteError):
    """An invariant of mesoslite is broken; stop and report it."""
