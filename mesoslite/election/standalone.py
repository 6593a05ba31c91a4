"""Standalone: a master that is alone leads at once; others are told its address."""

# Who calls: whoever starts a master or an agent without ZooKeeper.
# Nothing keeps a second program from doing the same: its registry fences the first one (registry/sqlite.py).
# Source: Mesos src/master/contender/standalone.cpp, src/master/detector/standalone.cpp.

from __future__ import annotations

import threading

import libactor as la
from mesoslite.model import Leader, MasterInfo

from .leadership import Candidacy, Followers, WonLeadership, stands_already


class StandaloneMember:
    """Leads as soon as it stands; implements Contender and Detector. ``leader``: whom to follow until then."""

    def __init__(self, leader: Leader | None = None) -> None:
        self._lock = threading.Lock()
        self._candidacy: Candidacy | None = None
        self._version = 0
        self._followers = Followers(leader)

    def contend(self, info: MasterInfo) -> la.Future[WonLeadership]:
        """See Contender."""
        with self._lock:
            if self._candidacy is not None:
                raise stands_already(info)
            version = self._next_version()
            candidacy = self._candidacy = Candidacy(Leader(info, version))
        self._followers.tell(candidacy.leader, version)
        candidacy.win()
        return candidacy.won

    def withdraw(self) -> bool:
        """See Contender."""
        with self._lock:
            candidacy, self._candidacy = self._candidacy, None
            version = self._next_version()
        if candidacy is None:
            return False
        self._followers.tell(None, version)
        candidacy.end()
        return True

    @property
    def leader(self) -> Leader | None:
        """Who leads at the moment, as far as it has heard."""
        return self._followers.leader

    def detect(self, previous: Leader | None = None) -> la.Future[Leader | None]:
        """See Detector."""
        return self._followers.detect(previous)

    def appoint(self, leader: Leader | None) -> None:
        """Follow ``leader`` from now on, or nobody: a master elsewhere has a new address."""
        with self._lock:
            version = self._next_version()
        self._followers.tell(leader, version)

    def _next_version(self) -> int:
        self._version += 1
        return self._version
