"""Offer timeouts: when an offer that nobody answers has stood for long enough."""

# Who calls: offering.py, inside the master actor, which also lends the timer.
# All offers have the same time, so they are due in the order in which they were told: a queue and one timer do, where
#   a timer for each of 50,000 offers would cost more than the offers.
# Invariant: a timer is set exactly while the queue is not empty and nobody goes through it.
# Source: Mesos src/master/master.cpp (offerTimeout).

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mesoslite.model import OfferID

WAIT_LEAST = 0.001  # seconds; a clock may show less than the deadline when its timer is due, by rounding


class OfferTimeouts:
    """The offers of one master that wait for an answer, oldest first; ``seconds`` is how long each may, None for ever.

    ``later(seconds)`` has ``due`` asked for in so many seconds.
    """

    def __init__(self, seconds: float | None, now: Callable[[], float], later: Callable[[float], object]) -> None:
        self._seconds = seconds
        self._now = now
        self._later = later
        self._waiting: deque[tuple[float, tuple[OfferID, ...]]] = deque()  # with the deadline

    def watch(self, offer_ids: Iterable[OfferID]) -> None:
        """Begin to count for offers that were told just now."""
        if self._seconds is None:
            return
        if not self._waiting:
            self._later(self._seconds)
        self._waiting.append((self._now() + self._seconds, tuple(offer_ids)))

    def due(self) -> tuple[OfferID, ...]:
        """Some offers whose time is up, answered meanwhile or not; ask until there are none, then the timer is set."""
        if not self._waiting:
            return ()
        left = self._waiting[0][0] - self._now()
        if left > 0:
            self._later(max(left, WAIT_LEAST))
            return ()
        return self._waiting.popleft()[1]
