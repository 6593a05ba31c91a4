"""Mutex: one at a time, in the order of asking."""

# Who calls: users.
# Invariant: while anybody waits it is locked: unlock hands it over, and nobody can come in between.
# A discard does not take a lock() back, as in libprocess: the lock comes in its turn, so that unlock is due once for
#   each lock(), whatever became of it in between, and `lock().then(f).on_any(lambda _: mutex.unlock())` is right
#   although `then` does not call f after a discard. `async with` does both itself, and leaves the line at once.
# Source: libprocess mutex.hpp.

from __future__ import annotations

from collections import OrderedDict
from typing import final

from libactor._core._impl import hop
from libactor._core.values import register_immutable
from libactor.future import Future, Promise
from libactor.sync.waiters import Waiters, hold, lock, withdraw


@final
class Mutex:
    """A lock that is waited for by a future; in coroutines ``async with mutex``. It is not re-entrant.

    Any thread, actor or task may unlock it. When it goes away, those who wait find their futures abandoned.
    """

    __slots__ = ("__weakref__", "_locked", "_waiters")

    def __init__(self) -> None:
        self._locked = False
        self._waiters: Waiters[None] = OrderedDict()

    def lock(self) -> Future[None]:
        """A future that is ready when the caller has the lock: at once, or after those who asked before.

        A discard does not take it back: it is ready in its turn all the same, and ``unlock`` is due.
        """
        promise: Promise[None] = Promise()
        future = promise.future
        with lock:
            if self._locked:
                self._waiters[future] = promise
                return future
            self._locked = True
        promise.set(None)
        return future

    def unlock(self) -> None:
        """Hand the lock to whoever has waited longest. Raises: RuntimeError if it is not locked."""
        with lock:
            if not self._locked:
                raise RuntimeError("unlock: this Mutex is not locked; call it once for each lock() that became ready")
            promise = None
            if self._waiters:
                promise = self._waiters.popitem(False)[1]
            else:
                self._locked = False
        if promise is not None:
            hop(promise.set, None)

    async def __aenter__(self) -> None:
        await hold(self.lock(), self._give_up)

    async def __aexit__(self, *_: object) -> None:
        self.unlock()

    def _give_up(self, future: Future[None]) -> None:
        if not withdraw(future, self._waiters):
            future.on_ready(lambda _: self.unlock())  # it has the lock, or is about to get it

    def __repr__(self) -> str:
        return f"<Mutex {'locked' if self._locked else 'unlocked'}, {len(self._waiters)} waiting>"


register_immutable(Mutex)
