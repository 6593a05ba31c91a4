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


class NotAuthorized(InvalidRequest):
    """The ACLs deny the caller what was asked; have them changed, or ask for something else (HTTP 403)."""


class InsufficientResources(MesosliteError, ValueError):
    """More was taken from a resource vector than it holds; take less, or wait for more."""


class NotFound(MesosliteError, LookupError):
    """What was named is not, or no longer, known; look up the current name (HTTP 404)."""


class Conflict(MesosliteError, ValueError):
    """What was asked does not go with what there is now; change one of them, or ask again later (HTTP 409)."""


class InTransition(Conflict):
    """Something else is under way with what was named; ask again (HTTP 503)."""


class FrameworkEnded(MesosliteError):
    """A framework was ended from outside: its cluster was closed, or somebody terminated it."""


class AllocatorFailed(MesosliteError):
    """An allocation policy has failed or broken its contract, and the master has ended with it; mend the policy."""


class NotLeader(MesosliteError):
    """The master that was asked does not lead, or not yet; ask whom the text names, or again (HTTP 307, 503)."""


class LeadershipLost(MesosliteError):
    """A master has ended since it leads no more, or never will; start another one, which stands anew."""


class MasterEnded(MesosliteError):
    """The master has ended by itself, as the text says; start another cluster."""


class RegistryRefused(MesosliteError, ValueError):
    """What was asked does not fit what the registry holds, such as to admit an agent twice; look it up again."""


class RegistryFailed(MesosliteError):
    """The registry cannot be used, or not any more: the master must end. What is in it is what was acknowledged."""


class Fenced(RegistryFailed):
    """A later master has taken the registry over; end, it leads now."""


class RegistryCorrupt(RegistryFailed):
    """What is stored is not what was stored, or is no registry; restore it, or put another one in its place."""


class RegistryTooNew(RegistryFailed):
    """The registry was written by a master that can do more; start one that can, or a later release."""


class RegistryLocked(RegistryFailed):
    """Another program keeps the registry locked; end that, then start again."""


class InternalError(MesosliteError):
    """An invariant of mesoslite is broken; stop and report it."""
