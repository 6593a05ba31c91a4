"""Who may touch an object: Owned has one holder, Shared has many, and move hands an object to the next one."""

# Who calls: users; move also stands in arguments and results (libactor/_core/values.py takes the object out there).
# Invariant: of several threads that take the object out of one Owned, one gets it and the others get MovedError: the
#   object lies in a list, and list.pop is one step.
# An Owned lets go of its object when move is called, not when the receiver gets it: nobody has it in between.
# Who shares an object is told by the Shared objects that stand for it, not by references to one of them: each has its
#   own hold on the _Share, whose end is the end of the last of them. So a Shared crosses as another Shared.
# Rejected: counting references to the object itself; a frame, a cache or a debugger may hold one.
# Source: libprocess owned.hpp, shared.hpp.

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Generic, TypeVar, final, overload

from libactor._core._impl import configure
from libactor._core.errors import MovedError
from libactor._core.values import register_copy
from libactor.future import Future, Promise, failed

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


class _Share(Generic[T]):
    """The end of sharing one object: whoever asked to own it, if anybody did, gets it when the last Shared has gone."""

    __slots__ = ("claims", "promise", "value")

    def __init__(self, value: T) -> None:
        self.value = value
        self.claims = [None]  # one: whoever pops it may own
        self.promise: Promise[Owned[T]] | None = None

    def __del__(self) -> None:
        if self.promise is not None:
            self.promise.set(Owned(self.value))


@final
class Shared(Generic[T]):
    """An object of several holders, on the caller's word that threads may use it at the same time.

    Each Shared is one of its holders; the receiver of one gets another. ``own`` takes the object back.
    """

    __slots__ = ("_held",)

    def __init__(self, value: T) -> None:
        self._held = [_Share(value)]

    @property
    def value(self) -> T:
        """The object. Raises: MovedError after ``reset`` or ``own``."""
        return self._share().value

    def share(self) -> Shared[T]:
        """Another holder of the object. Raises: MovedError after ``reset`` or ``own``."""
        another: Shared[T] = Shared.__new__(Shared)
        another._held = [self._share()]
        return another

    def unique(self) -> bool:
        """Whether this is the only holder of the object; False for one that is empty."""
        held = self._held[:]
        return bool(held) and sys.getrefcount(held[0]) == _REFERENCES_IN_UNIQUE

    def reset(self) -> None:
        """Hold the object no longer; whoever uses this holder gets MovedError."""
        self._held.clear()

    def own(self) -> Future[Owned[T]]:
        """Give this holder up for the object, which is there once all others have gone or were reset.

        One holder of an object can be given up so: a second ``own`` gives a failed future, and changes nothing.
        """
        held = self._held[:]
        if not held:
            return failed(self._moved())
        share = held.pop()
        try:
            share.claims.pop()
        except IndexError:
            return failed(MovedError("ownership has already been transferred; ask one holder of an object, once"))
        share.promise = Promise()
        self.reset()
        return share.promise.future

    def __repr__(self) -> str:
        return f"Shared({', '.join(repr(share.value) for share in self._held[:]) or '<moved>'})"

    def _share(self) -> _Share[T]:
        held = self._held[:]
        if not held:
            raise self._moved()
        return held[0]

    def _moved(self) -> MovedError:
        return MovedError("this Shared is empty after reset or own; make another one with share() before")


_REFERENCES_IN_UNIQUE = 3  # by the Shared, by the list `held`, and by the call of getrefcount

register_copy(Shared, Shared.share)

configure(owned_type=Owned)

if TYPE_CHECKING:

    @overload
    def move(value: Owned[T], /) -> T: ...
    @overload
    def move(value: T, /) -> T: ...
    def move(value: Any, /) -> Any: ...
else:
    from libactor._core._impl import move  # noqa: F401
