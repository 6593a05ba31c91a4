"""Following: an election, as the agents and frameworks of a cluster see it."""

# Who calls: masters.py makes one; agents and connections of frameworks ask it, from any thread.
# Invariants: 1. once it is closed it tells nothing: that masters end with their cluster is no news.
#   2. once it is over, with an error, whoever asks hears that error.

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import libactor as la

if TYPE_CHECKING:
    from mesoslite.model import Detector, Leader, MasterEnded


class Following:
    """Who leads, by ``detector``, until it is closed, or over; implements Detector."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._lock = threading.Lock()
        self._is_closed = False
        self._error: MasterEnded | None = None
        self._waiting: set[la.Promise[Leader | None]] = set()

    def detect(self, previous: Leader | None = None) -> la.Future[Leader | None]:
        """See Detector."""
        promise: la.Promise[Leader | None] = la.Promise()
        with self._lock:
            error = self._error
            self._waiting.add(promise)
        if error is not None:
            promise.fail(error)
            return promise.future
        found: la.Future[Leader | None] = self._detector.detect(previous)

        def discard() -> None:
            found.discard()
            self._forget(promise)
            promise.discard()

        found.on_ready(lambda leader: self._tell(promise, leader))
        return promise.future.on_discard(discard)

    def close(self) -> None:
        """Tell nobody anything any more."""
        with self._lock:
            self._is_closed = True

    def end(self, error: MasterEnded) -> None:
        """Nobody will lead any more: tell that to whoever asks, and to whoever waits."""
        with self._lock:
            self._error = error
            waiting, self._waiting = self._waiting, set()
        for promise in waiting:
            promise.fail(error)

    def _tell(self, promise: la.Promise[Leader | None], leader: Leader | None) -> None:
        if not self._is_closed:
            self._forget(promise)
            promise.set(leader)

    def _forget(self, promise: la.Promise[Leader | None]) -> None:
        with self._lock:
            self._waiting.discard(promise)
