"""CountDownLatch: a gate that opens when so many have reported."""

# Who calls: users.
# Source: libprocess count_down_latch.hpp.

from __future__ import annotations

from typing import final

from libactor._core.values import register_immutable
from libactor.future import Future
from libactor.sync.latch import Latch
from libactor.sync.waiters import lock


@final
class CountDownLatch:
    """A gate that opens with the ``count``-th call of ``decrement``; one of 0 is open from the start.

    When it goes away unopened, those who wait find their futures abandoned.
    Raises: TypeError, ValueError if ``count`` is not a whole number of 0 or more.
    """

    __slots__ = ("__weakref__", "_count", "_latch")

    def __init__(self, count: int = 1) -> None:
        if not isinstance(count, int):
            raise TypeError(f"CountDownLatch: got {count!r}, expected a whole number")
        if count < 0:
            raise ValueError(f"CountDownLatch: got {count!r}, expected 0 or more")
        self._count = count
        self._latch = Latch()
        if count == 0:
            self._latch.trigger()

    def decrement(self) -> bool:
        """Count one down; False, and nothing else, if the gate was open."""
        with lock:
            if self._count == 0:
                return False
            self._count -= 1
            last = self._count == 0
        if last:
            self._latch.trigger()
        return True

    def triggered(self) -> Future[None]:
        """A future, one for each call, that is ready when the gate is open. A discard gives up that one."""
        return self._latch.triggered()

    def __repr__(self) -> str:
        return f"<CountDownLatch, {self._count} to go>"


register_immutable(CountDownLatch)
