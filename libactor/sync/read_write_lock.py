"""ReadWriteLock: many readers or one writer, in the order of asking."""

# Who calls: users.
# Invariants: 1. no writer waits for ever: who asks to read while anybody waits goes to the end of the line.
#   2. whoever waits at the front could not go in now; what changes that is followed by a look at the line (_admit).
# A discard does not take a read_lock() or write_lock() back, as in Mutex, and for the same reason.
# Source: libprocess rwlock.hpp.

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import final

from libactor._core.values import register_immutable
from libactor.future import Future, Promise
from libactor.sync.waiters import hold, let_in, lock, withdraw


class _Waiter(Promise[None]):
    """The promise to one who wants to read, or to write."""

    __slots__ = ("writes",)

    def __init__(self, writes: bool) -> None:
        super().__init__()
        self.writes = writes


@final
class ReadWriteLock:
    """A lock that readers share and a writer has alone; in coroutines ``async with lock.read()``, ``lock.write()``.

    It is not re-entrant, neither way. Any thread, actor or task may unlock it. When it goes away, those who wait find
    their futures abandoned.
    """

    __slots__ = ("__weakref__", "_reading", "_waiters", "_writing")

    def __init__(self) -> None:
        self._reading = 0
        self._writing = False
        self._waiters: OrderedDict[Future[None], _Waiter] = OrderedDict()

    def read_lock(self) -> Future[None]:
        """A future that is ready when the caller may read: at once, unless somebody writes or anybody waits.

        A discard does not take it back: it is ready in its turn all the same, and ``read_unlock`` is due.
        """
        waiter = _Waiter(writes=False)
        future = waiter.future
        with lock:
            if self._writing or self._waiters:
                self._waiters[future] = waiter
                return future
            self._reading += 1
        waiter.set(None)
        return future

    def write_lock(self) -> Future[None]:
        """A future that is ready when the caller may write: when nobody else reads or writes, in the order of asking.

        A discard does not take it back: it is ready in its turn all the same, and ``write_unlock`` is due.
        """
        waiter = _Waiter(writes=True)
        future = waiter.future
        with lock:
            if self._writing or self._reading or self._waiters:
                self._waiters[future] = waiter
                return future
            self._writing = True
        waiter.set(None)
        return future

    def read_unlock(self) -> None:
        """Let the next one in after the last reader. Raises: RuntimeError if nobody reads."""
        with lock:
            if self._reading == 0:
                raise RuntimeError(
                    "read_unlock: nobody reads under this ReadWriteLock; call it once for each read_lock() that became "
                    "ready"
                )
            self._reading -= 1
            admitted = self._admit()
        let_in(admitted)

    def write_unlock(self) -> None:
        """Let in the next writer, or all readers that wait before it. Raises: RuntimeError if nobody writes."""
        with lock:
            if not self._writing:
                raise RuntimeError(
                    "write_unlock: nobody writes under this ReadWriteLock; call it once for each write_lock() that "
                    "became ready"
                )
            self._writing = False
            admitted = self._admit()
        let_in(admitted)

    def read(self) -> Section:
        """What to read under in a coroutine: ``async with lock.read()``."""
        return Section(self, self.read_lock, self.read_unlock)

    def write(self) -> Section:
        """What to write under in a coroutine: ``async with lock.write()``."""
        return Section(self, self.write_lock, self.write_unlock)

    def _admit(self) -> list[Promise[None]]:
        """Take out of the line all who may go in now, and count them in; the lock is held.

        A finalizer may do the same between any two calls: so each is counted in first, and out again if it is gone.
        """
        admitted: list[Promise[None]] = []
        while self._waiters:
            waiter = self._first()
            if waiter is None:
                continue
            if self._writing or (waiter.writes and self._reading):
                break
            if waiter.writes:
                self._writing = True
            else:
                self._reading += 1
            if self._waiters.pop(waiter.future, None) is not None:
                admitted.append(waiter)
            elif waiter.writes:
                self._writing = False
            else:
                self._reading -= 1
        return admitted

    def _first(self) -> _Waiter | None:
        """Who waits at the front; None if nobody does, or if that changed while we looked."""
        try:
            return next(iter(self._waiters.values()), None)
        except RuntimeError:  # a finalizer took somebody out
            return None

    def _give_up(self, future: Future[None], unlock: Callable[[], None]) -> None:
        if not withdraw(future, self._waiters):
            future.on_ready(lambda _: unlock())  # it is in, or about to be let in
            return
        with lock:
            admitted = self._admit()  # those behind it may have waited for it alone
        let_in(admitted)

    def __repr__(self) -> str:
        state = "writing" if self._writing else f"{self._reading} reading"
        return f"<ReadWriteLock, {state}, {len(self._waiters)} waiting>"


@final
class Section:
    """One way into a ReadWriteLock, for ``async with``; it may be used again, and by several tasks."""

    __slots__ = ("_enter", "_leave", "_owner")

    def __init__(self, owner: ReadWriteLock, enter: Callable[[], Future[None]], leave: Callable[[], None]) -> None:
        self._owner = owner
        self._enter = enter
        self._leave = leave

    async def __aenter__(self) -> None:
        await hold(self._enter(), lambda future: self._owner._give_up(future, self._leave))

    async def __aexit__(self, *_: object) -> None:
        self._leave()


register_immutable(ReadWriteLock)
