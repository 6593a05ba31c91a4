"""Leadership and followers: what both elections hand out, and who waits for it."""

# Who calls: the elections of this package; masters and agents hold what they return.
# Futures are completed outside of locks: a callback may ask the election again.

from __future__ import annotations

import threading
from dataclasses import dataclass

import libactor as la
from mesoslite.model import InvalidRequest, Leader, MasterInfo


@dataclass(frozen=True)
class WonLeadership:
    """That a master leads, until ``lost`` is ready; implements Leadership. The registry gives it its epoch."""

    leader: Leader
    lost: la.Future[None]
    epoch: int | None = None


class Candidacy:
    """One master's standing, from ``contend`` until it is over: at most one leadership."""

    def __init__(self, leader: Leader) -> None:
        self.leader = leader
        self._won: la.Promise[WonLeadership] = la.Promise()
        self._lost: la.Promise[None] = la.Promise()

    @property
    def won(self) -> la.Future[WonLeadership]:
        """The future of its leadership."""
        return self._won.future

    def win(self) -> None:
        """It leads from now on; a second time does nothing."""
        self._won.set(WonLeadership(self.leader, self._lost.future))

    def end(self) -> None:
        """It is over: a leadership is lost, and who waits for one waits in vain. A second time does nothing."""
        self._won.discard()
        self._lost.set(None)


class Followers:
    """Knows who leads, or None, and tells of the next. Each member has its own: they may hear at different times."""

    def __init__(self, leader: Leader | None = None) -> None:
        self._lock = threading.Lock()
        self._leader = leader
        self._version = -1
        self._waiting: dict[la.Promise[Leader | None], Leader | None] = {}  # with who led when they asked

    @property
    def leader(self) -> Leader | None:
        """Who leads at the moment."""
        return self._leader

    def detect(self, previous: Leader | None) -> la.Future[Leader | None]:
        """See Detector."""
        promise: la.Promise[Leader | None] = la.Promise()
        with self._lock:
            leader = self._leader
            if leader == previous:
                self._waiting[promise] = previous
        if leader != previous:
            promise.set(leader)
        return promise.future.on_discard(lambda: self._forget(promise))

    def _forget(self, promise: la.Promise[Leader | None]) -> None:
        with self._lock:
            self._waiting.pop(promise, None)
        promise.discard()

    def tell(self, leader: Leader | None, version: int) -> None:
        """``leader`` leads from now on, unless something later was told already: threads may overtake one another."""
        with self._lock:
            if version <= self._version:
                return
            self._leader, self._version = leader, version
            ready = [promise for promise, previous in self._waiting.items() if previous != leader]
            for promise in ready:
                del self._waiting[promise]
        for promise in ready:
            promise.set(leader)


def stands_already(info: MasterInfo) -> InvalidRequest:
    """The error for a second candidacy at the same time."""
    return InvalidRequest(f"contend: the master {info.id} stands for leadership already; withdraw it first")
