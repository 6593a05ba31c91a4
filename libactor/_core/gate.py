"""Gate: where one thread sleeps until another opens it, its own signal handler does, or the time is over."""

# Who calls: a thread that waits for a future (libactor/waiting.py), and in the Python core one that waits for room in a
#   mailbox (_lanes.py).
# Invariants: 1. it is for one wait, and may be opened before it, and several times.    2. opening it is one step, and
#   takes no lock: a finalizer or a signal handler may do it in the very thread that waits.    3. a wait with a bound
#   ends, however short that is, and a main thread that waits notices signals.
# Rejected: queue.SimpleQueue. Up to Python 3.12 its get() goes on with what is left of the timeout, when it has only
#   just begun or a signal came, without looking whether that is below zero, which means without bound: a thread that
#   the system has stop just there sleeps for ever. threading.Event: its lock is not re-entrant.

from __future__ import annotations

import threading

from libactor._core.clock import NANOSECONDS, SECONDS_MAX, monotonic_ns

SIGNALS_NOTICED_S = 0.2  # at the latest, by a main thread that waits


class Gate:
    """Closed at first."""

    __slots__ = ("_closed",)

    def __init__(self) -> None:
        self._closed = threading.Lock()  # released by whoever opens the gate
        self._closed.acquire()

    def open(self) -> None:
        """Let the thread go on that waits, or comes to wait."""
        try:
            self._closed.release()
        except RuntimeError:
            return  # it is open

    def wait(self, timeout: float = SECONDS_MAX) -> bool:
        """Sleep until the gate is open; False if ``timeout`` seconds are over before.

        In the main thread a signal that comes in the moment before the thread sleeps does not wake it (CPython looks
        for signals before, and the system interrupts only who sleeps), so there it looks up now and then.
        """
        if threading.current_thread() is not threading.main_thread():
            return self._closed.acquire(timeout=timeout)
        end = monotonic_ns() + round(timeout * NANOSECONDS)
        left = timeout
        while not self._closed.acquire(timeout=max(0.0, min(left, SIGNALS_NOTICED_S))):
            if left <= SIGNALS_NOTICED_S:
                return False
            left = (end - monotonic_ns()) / NANOSECONDS
        return True
