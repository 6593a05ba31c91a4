"""Polling: the epoll in which the worker in charge sleeps, and what it has brought."""

# Who calls: RunQueue (_run_queue.py). libactor/poller.py owns epoll and serves what it brings.
# Waking: a worker that sleeps here is rung by the bell, an eventfd that is registered edge triggered, so that each ring
#   is an event and nobody has to read it. A ring that comes too late wakes the next sleep for nothing.
# Twin: csrc/poll.c.

from __future__ import annotations

import os
import select

from libactor._core.clock import monotonic_ns

POLL_NS = 1_000_000  # how long actors may keep a worker from looking at epoll
ARRIVALS_MAX = 64  # descriptors that one look at epoll brings


class Polling:
    """``bell`` is the eventfd to ring; -1: there is no epoll, and the worker sleeps at its gate."""

    __slots__ = ("_arrivals", "_epoll", "_looked_ns", "bell")

    def __init__(self) -> None:
        self._epoll: select.epoll | None = None
        self._looked_ns = 0  # when it was last asked
        self._arrivals: list[tuple[int, int]] = []  # that nobody has taken yet
        self.bell = -1

    def use(self, epoll: int, bell: int) -> None:
        """Sleep there from now on; ``epoll`` -1: nowhere."""
        self._epoll = None if epoll < 0 else select.epoll.fromfd(os.dup(epoll))  # it closes what it is given
        self.bell = -1 if epoll < 0 else bell

    def ask(self, timeout: float | None) -> None:
        """Ask epoll, for ``timeout`` seconds, or until something arrives or the bell rings."""
        epoll = self._epoll
        arrivals = [] if epoll is None else epoll.poll(timeout, ARRIVALS_MAX)
        self._looked_ns = monotonic_ns()
        self._arrivals += [arrival for arrival in arrivals if arrival[0] != self.bell]

    def look(self, now_ns: int) -> bool:
        """Whether there are arrivals, between two turns: asked of the kernel when it was not for a while."""
        if not self._arrivals and self._epoll is not None and now_ns - self._looked_ns >= POLL_NS:
            self.ask(0)
        return bool(self._arrivals)

    def take(self) -> list[tuple[int, int]]:
        """What has arrived since the last call."""
        arrivals, self._arrivals = self._arrivals, []
        return arrivals

    def is_ready(self) -> bool:
        """Whether something has arrived that the worker in charge has not come to."""
        epoll = self._epoll
        if epoll is None:
            return False
        asked = select.poll()  # of epoll itself, which keeps what it has for the worker
        asked.register(epoll, select.POLLIN)
        return bool(asked.poll(0))
