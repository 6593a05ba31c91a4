"""Viewing: what readers see of a master, as methods of its actor."""

# Who calls: whoever serves readers dispatches them to the master's PID; master.py inherits them. Nothing changes by it.
# What has changed since the last View is taken over in slices, others served meanwhile; in the step in which nothing is
#   left to be taken over, all who have asked until then are answered. So no answer is older than its question.
# Whoever follows begins to hear what happens in that same step: nothing is told twice, and nothing is lost.
# While nobody asks, changes are taken over as well, once nothing has changed for IDLE_SECONDS, or if so much waits that
#   most has gone: so the first reader need not wait for all of it, and what has gone is not remembered for nobody.
# Source: Mesos src/master/master.cpp (ReadOnlyHandler: requests of one batch share an answer).

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import libactor as la
from mesoslite.model import happenings
from mesoslite.model.view import NotModified, View

from .candidate import Candidate, led

if TYPE_CHECKING:
    from .chronicle import Chronicle
    from .ledger import Ledger
    from .shown.shown import Shown
    from .slices import Slices

IDLE_SECONDS = 1.0
WAITING_MAX = 50_000  # changes, beyond one for each task that there is
READERS = "readers"  # all of them are one to Slices

Answer: TypeAlias = Callable[[View], object]


class Viewing(Candidate):
    """The part of a master that readers look at."""

    _chronicle: Chronicle
    _ledger: Ledger
    _reading: Slices
    _shown: Shown
    _asked: list[Answer] | None = None  # who is answered next, while changes are taken over
    _waited = 0  # changes, when it was looked last

    @led
    def view(self, known_number: int | None = None) -> la.Future[View | NotModified]:
        """What readers see, never older than the question; if that has ``known_number``, only that."""
        told: la.Promise[View | NotModified] = la.Promise()
        self._ask(lambda view: told.set(NotModified(view.number) if view.number == known_number else view))
        return told.future

    @led
    def follow_view(
        self, pid: la.PID[Any], kinds: frozenset[type[happenings.Happening]] = happenings.KINDS
    ) -> la.Future[None]:
        """Post to ``pid`` what readers see, and then what happens after that, of these kinds, until it ends.

        Ready once the View is posted; it fails with InvalidRequest for what is no kind of happening.
        """
        begun: la.Promise[None] = la.Promise()

        def begin(view: View) -> None:
            la.post(pid, view)
            self._chronicle.follow(pid, kinds)
            la.link(pid)
            begun.set(None)

        self._chronicle.check(kinds)
        self._ask(begin)
        return begun.future

    def _want_reading(self) -> None:
        la.tell(self.pid, Viewing._read_on)

    def _read_on(self) -> None:
        self._reading.advance()

    def _ask(self, answer: Answer) -> None:
        """Have ``answer`` called with what readers see, once all that has changed until now is taken over."""
        if self._asked is not None:
            self._asked.append(answer)
        elif not self._ledger.changes:
            answer(self._shown.seal(self._tenure()))
        else:
            self._asked = [answer]
            self._reading.take(READERS, self._take_over())

    def _take_over(self) -> Iterator[None]:
        yield from self._shown.packing()
        view = self._shown.seal(self._tenure())
        asked, self._asked = self._asked or [], None
        for answer in asked:
            answer(view)

    def _take_over_if_idle(self) -> None:
        waits = len(self._ledger.changes)
        if waits and self._asked is None and (waits == self._waited or self._is_too_much(waits)):
            self._ask(lambda view: None)
        self._waited = len(self._ledger.changes)
        la.delay(IDLE_SECONDS, self.pid, Viewing._take_over_if_idle)

    def _is_too_much(self, waits: int) -> bool:
        """Whether much of what waits can only be of what has gone."""
        if waits <= WAITING_MAX:
            return False
        return waits > WAITING_MAX + sum([len(framework.tasks) for framework in self._ledger.frameworks.values()])
