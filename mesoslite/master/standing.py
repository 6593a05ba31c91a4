"""Standing: a master's part in an election: whether it leads, and who does meanwhile."""

# Who calls: candidate.py, inside the master actor, which is told in turn by ``won`` and ``end``, from any thread.
# A master stands as soon as it starts. It begins to lead when it is elected, and ends when that is over, or its
#   candidacy is: whoever composes starts another one, which stands anew. Without a contender nobody else stands.
# Invariants: 1. it begins to lead at most once.    2. ``end`` is called for a loss at most as often as there are signs
#   of it, and not after ``stop``.
# That another leads counts only if that one's number is higher: what a detector has said before this master was
#   elected may arrive after it.
# Source: Mesos src/master/master.cpp (contended, lostCandidacy, detected).

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import Leader, MasterStanding

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import Contender, Detector, Leadership, MasterInfo


class Standing:
    """One master's standing; both of what elections are asked through may be left out."""

    def __init__(self, contender: Contender | None, detector: Detector | None) -> None:
        self._contender = contender
        self._detector = detector
        self._leader: Leader | None = None
        self._own: Leader | None = None  # once it leads
        self.serves = False  # it leads and has read the registry
        self._is_over = False
        self._detecting: la.Future[Any] | None = None

    def start(self, info: MasterInfo, won: Callable[[Leadership | None], object], end: Callable[[str], object]) -> None:
        """Stand: ``won`` is called with the leadership, or None if nobody else stands; ``end`` with why it is over.

        Raises: InvalidRequest, if the contender stands already.
        """
        self._info, self._end = info, end
        if self._detector is not None:
            self._detect(None)
        if self._contender is None:
            won(None)
            return
        over = "its candidacy is over, and it never led"
        elected: la.Future[Leadership] = self._contender.contend(info)
        elected.on_ready(won).on_failed(lambda error: self._lose(f"it could not stand for leadership: {error}"))
        elected.on_discarded(lambda: self._lose(over)).on_abandoned(lambda: self._lose(over))

    def stop(self) -> None:
        """Stand no more, and lead no more: the others hear of it at once."""
        self._is_over = True
        if self._detecting is not None:
            self._detecting.discard()
        if self._contender is not None:
            self._contender.withdraw()

    def begin(self, leadership: Leadership | None) -> bool:
        """It leads from now on; whether it still does: another one may have taken over before it had its turn."""
        self._own = self._leader = leadership.leader if leadership is not None else Leader(self._info)
        if leadership is None:
            return True
        over = "its leadership is lost; another master leads, or will"
        leadership.lost.on_any(lambda _: self._lose(over)).on_abandoned(lambda: self._lose(over))
        return bool(leadership.lost.is_pending())

    def serve(self) -> None:
        """What there is to know is known: whoever asks is answered from now on."""
        self.serves = True

    @property
    def leads(self) -> bool:
        """Whether it was elected; it ends when that is over."""
        return self._own is not None

    def describe(self) -> MasterStanding:
        """How it stands, for others."""
        return MasterStanding(leader=self._leader, leads=self.leads, serves=self.serves)

    def _detect(self, previous: Leader | None) -> None:
        assert self._detector is not None
        self._detecting = self._detector.detect(previous)
        self._detecting.on_ready(la.defer(self._detected))

    def _detected(self, leader: Leader | None) -> None:
        own = self._own
        if own is None:  # that this one leads it begins to say when it does
            self._leader = leader if leader is None or leader.info.id != self._info.id else None
        elif leader is not None and leader.number > own.number:
            self._leader = leader
            self._lose(f"the master {leader.info.id} leads now")
        self._detect(leader)

    def _lose(self, why: str) -> None:
        if not self._is_over:
            self._end(why)
