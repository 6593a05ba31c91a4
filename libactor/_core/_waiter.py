"""Waiter: a thread that sleeps until somebody wakes it, or for some time."""

# Who calls: RunQueue (_run_queue.py), for workers and for those who wait until all is idle. Whoever wakes one has taken
#   it off its list before. Twin: csrc/waiter.c.

from __future__ import annotations

import math
import os
import threading


class Waiter:
    """A thread that waits in the queue; ``gate`` is held until somebody unparks it."""

    __slots__ = ("bell", "gate", "woken")

    def __init__(self, bell: int = -1) -> None:
        self.gate = threading.Lock()
        self.gate.acquire()
        self.bell = bell  # an eventfd to ring instead, for one that sleeps in epoll
        self.woken = False

    def wake(self) -> None:
        """Let it go on."""
        self.woken = True
        if self.bell < 0:
            self.gate.release()
        else:
            os.eventfd_write(self.bell, 1)

    def sleep(self, timeout: float | None) -> None:
        """Sleep at the gate until woken, or for so many seconds."""
        self.gate.acquire(timeout=-1 if timeout is None else timeout)


def clip(timeout: float | None) -> float | None:
    """Seconds within what a lock can wait; None stays None."""
    if timeout is None:
        return None
    if math.isnan(timeout):
        raise ValueError("timeout is NaN, expected seconds or None")
    return min(max(timeout, 0), threading.TIMEOUT_MAX)
