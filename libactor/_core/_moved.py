"""Moved: a value on its way to its one receiver, and move(), which puts it there."""

# Who takes the value out: the copier of values, by the plan MOVED of this type.
# Twin: csrc/moved.c.

from __future__ import annotations

from typing import Any, final

from libactor._core._policy import policy


@final
class Moved:
    """A value on its way: see ``move``."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def move(value: Any, /) -> Moved:
    """Hand ``value`` itself to the receiver instead of a copy; the sender must not touch it again.

    Of an ``Owned`` the receiver gets the object, and the holder is empty from now on. The result is only good as an
    argument of dispatch, tell, post, defer, delay or as a handler's result; moved once more it stays what it is.
    Raises: MovedError for an empty Owned.
    """
    if type(value) is Moved:
        return value
    return Moved(value.release() if type(value) is policy.owned_type else value)
