"""Latch: a gate that is opened once, for all who wait and all who come."""

# Who calls: users; CountDownLatch.
# Each who asks has a future of its own: of one that all shared, a cancelled task would ask for the discard of all.
# Rejected: an actor that is terminated to open the gate, as libprocess does it; nothing here needs one.
# Source: libprocess latch.hpp.

from __future__ import annotations

from collections import OrderedDict
from typing import final

from libactor._core.values import register_immutable
from libactor.future import Future, Promise
from libactor.sync.waiters import Waiters, leave_on_discard, let_in, lock, take_all


@final
class Latch:
    """A gate that ``trigger`` opens, once and for all. When it goes away unopened, those who wait are abandoned."""

    __slots__ = ("__weakref__", "_open", "_waiters")

    def __init__(self) -> None:
        self._open = False
        self._waiters: Waiters[None] = OrderedDict()

    def trigger(self) -> bool:
        """Open the gate; True for the one call that did, False afterwards."""
        with lock:
            if self._open:
                return False
            self._open = True
        let_in(take_all(self._waiters))
        return True

    def triggered(self) -> Future[None]:
        """A future, one for each call, that is ready when the gate is open. A discard gives up that one."""
        promise: Promise[None] = Promise()
        future = promise.future
        with lock:
            is_open = self._open
            if not is_open:
                self._waiters[future] = promise
        if is_open:
            promise.set(None)
        else:
            leave_on_discard(future, self._waiters)
        return future

    def wait(self, timeout: float | None = None) -> bool:
        """Wait, in a thread or in a handler, until the gate is open; False after ``timeout`` seconds."""
        future = self.triggered()
        try:
            future.get(timeout)
        except TimeoutError:
            return self._open
        finally:
            future.discard()  # leave the line: the time is over, or Ctrl-C
        return True

    def __repr__(self) -> str:
        return f"<Latch {'triggered' if self._open else 'pending'}, {len(self._waiters)} waiting>"


register_immutable(Latch)
