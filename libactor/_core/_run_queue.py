"""RunQueue: the actors that have something to do, and the workers that wait for one."""

# Who calls: any thread pushes; workers pop (libactor/worker.py); whoever settles the clock waits for idleness.
# Invariants: 1. first in, first out.    2. a push unparks one worker if, and only if, one is parked; the worker that
#   was parked last goes first, because its caches are warm.    3. `busy` counts the workers that are neither parked nor
#   on leave; whoever unparks a worker counts it busy at once, so that "nothing queued and nobody busy" means idle.
# No lost wake-up: a worker looks at the queue and enters the list of parked workers under one lock, and a push
#   appends and looks at that list under the same lock.
#   That lock is re-entrant, because a finalizer or a signal handler may run in this thread between any two calls and
#   push too; so no section makes a call between looking at the queue and changing it.
# Parking is a lock per parked worker and not one condition variable: a push then wakes exactly the worker it chose.
# Twin: csrc/run_queue.c; both pass tests/runtime/test_run_queue.py. Source: libprocess run_queue.hpp.

from __future__ import annotations

import math
import threading
from collections import deque
from typing import Any, final


class _Parked:
    """A thread that waits in the queue; ``gate`` is held until somebody unparks it."""

    __slots__ = ("gate", "woken")

    def __init__(self) -> None:
        self.gate = threading.Lock()
        self.gate.acquire()
        self.woken = False


@final
class RunQueue:
    """FIFO of runnable actors with parking for workers and for those who wait until all is idle."""

    __slots__ = ("_busy", "_closed", "_idle_waiters", "_items", "_lock", "_parked")

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._parked: list[_Parked] = []  # workers; the last one parked is the first to go
        self._idle_waiters: list[_Parked] = []
        self._busy = 0
        self._closed = False
        self._lock = threading.RLock()

    def push(self, item: Any, /) -> None:
        """Append ``item`` and unpark a worker if one is parked."""
        with self._lock:
            self._items.append(item)
            self._unpark()

    def pop(self, timeout: float | None = None) -> Any:
        """The next item; None after ``timeout`` seconds, after wake(), once the queue is closed and empty, or when
        another worker was quicker.

        None as timeout waits without bound. The caller must be counted busy (enter) and is again on return.
        Raises: ValueError if ``timeout`` is NaN.
        """
        bound = _clip(timeout)
        with self._lock:
            if self._items:
                return self._items.popleft()
        parked = _Parked()
        with self._lock:
            if self._items:
                return self._items.popleft()
            if self._closed or bound == 0:
                return None
            self._parked.append(parked)
            self._leave()
        interrupted = True
        try:
            _wait(parked, bound)
            interrupted = False
        finally:
            with self._lock:
                self._return(parked, interrupted)
        with self._lock:
            return self._items.popleft() if self._items else None

    def wake(self) -> None:
        """Let one parked worker look around: its pop returns None if there is nothing to run."""
        with self._lock:
            self._unpark()

    def close(self) -> None:
        """Unpark every worker; pop no longer waits."""
        with self._lock:
            self._closed = True
            while self._parked:
                self._unpark()

    def enter(self) -> None:
        """Count the calling worker busy: when it starts, and when a handler of its returns from a wait."""
        with self._lock:
            self._busy += 1

    def leave(self) -> None:
        """Take the calling worker off the count: when it ends, and when a handler of its is about to wait."""
        with self._lock:
            self._leave()

    def wait_idle(self, timeout: float | None = None) -> bool:
        """Wait until nothing is queued and no worker is busy; False if ``timeout`` seconds pass before.

        Raises: ValueError if ``timeout`` is NaN; in the main thread, what a signal handler raises.
        """
        bound = _clip(timeout)
        parked = _Parked()
        with self._lock:
            if not self._items and self._busy == 0:
                return True
            if bound == 0:
                return False
            self._idle_waiters.append(parked)
        try:
            _wait(parked, bound)
        finally:
            with self._lock:
                if not parked.woken:
                    self._idle_waiters.remove(parked)
        return parked.woken

    @property
    def closed(self) -> bool:
        """True after close()."""
        return self._closed

    def __len__(self) -> int:
        return len(self._items)

    def _unpark(self) -> None:
        if self._parked:
            parked = self._parked.pop()
            parked.woken = True
            self._busy += 1
            parked.gate.release()

    def _return(self, parked: _Parked, interrupted: bool) -> None:
        """Count a worker that has stopped waiting; one that was interrupted hands on a wake-up that it got."""
        if not parked.woken:
            self._parked.remove(parked)
            self._busy += 1
        elif interrupted and self._items:
            self._unpark()

    def _leave(self) -> None:
        self._busy -= 1
        if self._busy == 0 and not self._items:
            while self._idle_waiters:
                waiter = self._idle_waiters.pop()
                waiter.woken = True
                waiter.gate.release()


def _clip(timeout: float | None) -> float | None:
    """Seconds within what a lock can wait; None stays None."""
    if timeout is None:
        return None
    if math.isnan(timeout):
        raise ValueError("timeout is NaN, expected seconds or None")
    return min(max(timeout, 0), threading.TIMEOUT_MAX)


def _wait(parked: _Parked, timeout: float | None) -> None:
    parked.gate.acquire(timeout=-1 if timeout is None else timeout)
