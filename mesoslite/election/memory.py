"""Memory: an election among the masters of one program, whose members may be cut off and expire."""

# Who calls: tests and the simulator, and a cluster of several masters in one process.
# A member is what a session of ZooKeeper is: it stands, follows, and is thrown out when it was silent for too long.
# Invariants: 1. of those that stand the one with the lowest number leads, and no number is used twice.
#   2. a member that is cut off hears nothing: the others may have another leader while it believes that it leads, which
#   is what the epoch of the registry is for.
# Source: Mesos src/master/contender/zookeeper.cpp, src/master/detector/zookeeper.cpp.

from __future__ import annotations

import threading

import libactor as la
from mesoslite.model import Leader, MasterInfo

from .leadership import Candidacy, Followers, WonLeadership, stands_already


class MemoryElection:
    """Who stands, by number; members are made by ``join``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = 0
        self._version = 0  # of what is told
        self._standing: dict[int, Candidacy] = {}
        self._members: dict[MemoryMember, None] = {}  # in the order in which they came
        self._cut_off: set[MemoryMember] = set()

    def join(self) -> MemoryMember:
        """A new member, that stands for nothing yet; whoever starts others again and again lets it ``leave``."""
        member = MemoryMember(self)
        with self._lock:
            self._members[member] = None
        self._tell()
        return member

    def leave(self, member: MemoryMember) -> None:
        """The member has ended: it stands no more, is told nothing any more, and is forgotten."""
        with self._lock:
            self._members.pop(member, None)
            self._cut_off.discard(member)
        self.expire(member)

    # ---- faults ----

    def cut_off(self, member: MemoryMember) -> None:
        """The others give the member up, and it hears nothing of that."""
        with self._lock:
            self._cut_off.add(member)
            self._drop(member.candidacy)
        self._tell()

    def expire(self, member: MemoryMember) -> None:
        """The member's session is over, and it knows: what it had is lost. Cut off it follows nobody."""
        with self._lock:
            candidacy, member.candidacy = member.candidacy, None
            self._drop(candidacy)
            is_cut_off = member in self._cut_off
            self._version += 1
            version = self._version
        if candidacy is not None:
            candidacy.end()
        if is_cut_off:
            member.followers.tell(None, version)
        self._tell()

    def mend(self, member: MemoryMember) -> None:
        """A member that was cut off hears of everything again, first of all that its candidacy is over."""
        with self._lock:
            self._cut_off.discard(member)
            candidacy = member.candidacy
            is_over = candidacy is not None and self._standing.get(candidacy.leader.number) is not candidacy
        if is_over:
            self.expire(member)
        else:
            self._tell()

    # ---- what members ask ----

    def stand(self, member: MemoryMember, info: MasterInfo) -> Candidacy:
        """Enter a member among those that stand."""
        with self._lock:
            if member.candidacy is not None:
                raise stands_already(info)
            candidacy = member.candidacy = Candidacy(Leader(info, self._numbers))
            self._numbers += 1
            if member not in self._cut_off:
                self._standing[candidacy.leader.number] = candidacy
        self._tell()
        return candidacy

    def _drop(self, candidacy: Candidacy | None) -> None:
        if candidacy is not None:
            self._standing.pop(candidacy.leader.number, None)

    def _tell(self) -> None:
        """Let whoever can hear know who leads."""
        with self._lock:
            first = self._standing[min(self._standing)] if self._standing else None
            self._version += 1
            version = self._version
            hearing = [member for member in self._members if member not in self._cut_off]
        if first is not None:
            first.win()
        for member in hearing:
            member.followers.tell(first.leader if first is not None else None, version)


class MemoryMember:
    """One master, or one that only follows; implements Contender and Detector."""

    def __init__(self, election: MemoryElection) -> None:
        self._election = election
        self.candidacy: Candidacy | None = None
        self.followers = Followers()

    def contend(self, info: MasterInfo) -> la.Future[WonLeadership]:
        """See Contender."""
        return self._election.stand(self, info).won

    def withdraw(self) -> bool:
        """See Contender."""
        stood = self.candidacy is not None
        self._election.expire(self)
        return stood

    @property
    def leader(self) -> Leader | None:
        """Who leads at the moment, as far as it has heard."""
        return self.followers.leader

    def detect(self, previous: Leader | None = None) -> la.Future[Leader | None]:
        """See Detector."""
        return self.followers.detect(previous)
