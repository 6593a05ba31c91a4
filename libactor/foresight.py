"""Foresight: marks an error that is no mistake of the code it comes from, so that nobody needs to see its lines."""

# Who calls: whoever raises such an error in an actor; Process asks how to log the end of that, and filters of logs may.
# Invariant: a mark changes nothing but the log: links and futures get the error as any other.
# Rejected: a class of errors to inherit from: an OSError of the system would have to become another one first.

from __future__ import annotations

from typing import TypeVar

ErrorT = TypeVar("ErrorT", bound="BaseException | type[BaseException]")

_MARK = "_libactor_foreseen"


def foreseen(error: ErrorT) -> ErrorT:
    """Mark an error, or a class of errors as its decorator, and return it.

    An actor that it ends is one line in the log instead of a traceback: at INFO if an actor is linked to it, or
    supervises it, which is to say why then; at ERROR otherwise.
    """
    setattr(error, _MARK, True)
    return error


def is_foreseen(error: BaseException) -> bool:
    """Whether the error, or its class, was marked."""
    return hasattr(error, _MARK)
