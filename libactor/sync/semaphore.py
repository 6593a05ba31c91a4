"""Semaphore: so many at a time, in the order of asking."""

# Who calls: users.
# Invariant: while anybody waits no permit is free: release hands it over, and nobody can come in between.
# A discard leaves the line, as one of Queue.get does. One that comes when the permit is already on its way changes
#   nothing; `then` would not call its function then, so what follows a permit hangs on on_ready.
# Source: none in libprocess. FIFO and the handing over are those of its mutex.

from __future__ import annotations

from collections import OrderedDict
from typing import final

from libactor._core._impl import hop
from libactor._core.values import register_immutable
from libactor.future import Future, Promise
from libactor.sync.waiters import Waiters, hold, leave_on_discard, lock


@final
class Semaphore:
    """``permits`` that are waited for by futures; in coroutines ``async with semaphore``.

    Any thread, actor or task may release one. When it goes away, those who wait find their futures abandoned.
    Raises: TypeError, ValueError if ``permits`` is not a whole number of 1 or more.
    """

    __slots__ = ("__weakref__", "_free", "_permits", "_waiters")

    def __init__(self, permits: int = 1) -> None:
        if not isinstance(permits, int):
            raise TypeError(f"Semaphore: got {permits!r}, expected a whole number of permits")
        if permits < 1:
            raise ValueError(
                f"Semaphore: got {permits!r} permits, expected 1 or more, or nobody could ever acquire one"
            )
        self._permits = self._free = permits
        self._waiters: Waiters[None] = OrderedDict()

    def acquire(self) -> Future[None]:
        """A future that is ready when the caller has a permit: at once, or after those who asked before.

        A discard leaves the line, and the future is discarded. It may come too late: if the future is ready all the
        same, the permit is to be released. Callbacks of ``on_ready`` are called then, functions of ``then`` are not.
        """
        promise: Promise[None] = Promise()
        future = promise.future
        with lock:
            free = self._free > 0
            if free:
                self._free -= 1
            else:
                self._waiters[future] = promise
        if free:
            promise.set(None)
        else:
            leave_on_discard(future, self._waiters)
        return future

    def release(self) -> None:
        """Hand a permit to whoever has waited longest. Raises: RuntimeError if none is taken."""
        with lock:
            promise = None
            if self._waiters:
                promise = self._waiters.popitem(False)[1]
            elif self._free < self._permits:
                self._free += 1
            else:
                raise RuntimeError(
                    f"release: all {self._permits} permits of this Semaphore are free; call it once for each acquire() "
                    "that became ready"
                )
        if promise is not None:
            hop(promise.set, None)

    async def __aenter__(self) -> None:
        await hold(self.acquire(), self._give_up)

    async def __aexit__(self, *_: object) -> None:
        self.release()

    def _give_up(self, future: Future[None]) -> None:
        future.discard()
        future.on_ready(lambda _: self.release())  # it has a permit, or is about to get it

    def __repr__(self) -> str:
        return f"<Semaphore, {self._free} of {self._permits} free, {len(self._waiters)} waiting>"


register_immutable(Semaphore)
