"""Who may touch an object: Owned has one holder, Shared has many, and move hands an object to the next one."""

# Who calls: users; move also stands in arguments and results (libactor/_core/values.py takes the object out there).
# Invariant: of several threads that take the object out of one Owned, one gets it and the others get MovedError: the
#   object lies in a list, and list.pop is one step.
# An Owned lets go of its object when move is called, not when the receiver gets it: nobody has it in between.
# Rejected: counting references to find out whether the sender kept one; a frame, a cache or a debugger may hold one.
# Source: libprocess owned.hpp, shared.hpp. Shared::own, which waits until all others have gone, has no counterpart.

from __future__ import annotations

from typing import Any, Generic, TypeVar, cast, final, overload

from libactor._core.errors import MovedError
from libactor._core.values import Moved, register_immutable

T = TypeVar("T")


@final
class Owned(Generic[T]):
    """An object with one holder. ``move`` hands it over; from then on whoever uses this holder gets MovedError."""

    __slots__ = ("_held",)

    def __init__(self, value: T) -> None:
        self._held = [value]

    @property
    def value(self) -> T:
        """The object. Raises: MovedError once it was handed over."""
        held = self._held[:]
        if not held:
            raise self._moved()
        return held[0]

    def release(self) -> T:
        """Take the object out, so that this holder is empty. Raises: MovedError if it was handed over before."""
        try:
            return self._held.pop()
        except IndexError:
            raise self._moved() from None

    def share(self) -> Shared[T]:
        """Give the object up to all who get the result. Raises: MovedError if it was handed over before."""
        return Shared(self.release())

    def __repr__(self) -> str:
        return f"Owned({', '.join(map(repr, self._held[:])) or '<moved>'})"

    def _moved(self) -> MovedError:
        return MovedError("this Owned is empty, its object was handed over; make another one, or share it instead")


@final
class Shared(Generic[T]):
    """An object that crosses by reference, on the caller's word that threads may use it at the same time."""

    __slots__ = ("_value",)

    def __init__(self, value: T) -> None:
        self._value = value

    @property
    def value(self) -> T:
        """The object."""
        return self._value

    def __repr__(self) -> str:
        return f"Shared({self._value!r})"


register_immutable(Shared)


@overload
def move(value: Owned[T]) -> T: ...
@overload
def move(value: T) -> T: ...
def move(value: Any) -> Any:
    """Hand ``value`` itself to the receiver instead of a copy; the sender must not touch it again.

    Of an ``Owned`` the receiver gets the object, and the holder is empty from now on. The result is only good as an
    argument of dispatch, tell, post, defer, delay or as a handler's result. Raises: MovedError for an empty Owned.
    """
    return cast(Any, Moved(value.release() if type(value) is Owned else value))
