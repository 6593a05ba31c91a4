"""Seat: a master's place in the election, through which it stands and follows; what it asks is done between steps."""

# Who calls: masters, as Contender and Detector; master_machine.py looks after it at each step.
# An election completes the futures of all who wait when it is asked something. Were a master to ask it from its own
#   host, those of other hosts would be completed there, past the network; so the simulator asks, which is on no host.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libactor as la

if TYPE_CHECKING:
    from mesoslite.election import MemoryElection
    from mesoslite.model import Leader, MasterInfo


class Seat:
    """Implements Contender and Detector for one start of a master."""

    def __init__(self, election: MemoryElection) -> None:
        self.election = election
        self.member = election.join()
        self._wanted: MasterInfo | None = None
        self._won: la.Promise[Any] = la.Promise()
        self._is_withdrawn = False

    def contend(self, info: MasterInfo) -> la.Future[Any]:
        """See Contender."""
        self._wanted = info
        return self._won.future

    def withdraw(self) -> bool:
        """See Contender."""
        self._is_withdrawn = True
        return self.member.candidacy is not None

    def detect(self, previous: Leader | None = None) -> la.Future[Leader | None]:
        """See Detector."""
        return self.member.detect(previous)

    def tick(self) -> None:
        """Do what was asked."""
        wanted, self._wanted = self._wanted, None
        if wanted is not None and not self._is_withdrawn:
            self.member.contend(wanted).on_ready(self._won.set).on_discarded(self._won.discard)
        if self._is_withdrawn and self.member.candidacy is not None:
            self.leave()

    def leave(self) -> None:
        """It stands no more, and the others know."""
        self.election.leave(self.member)
