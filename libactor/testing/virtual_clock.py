"""VirtualClock: the time of a deterministic runtime, which moves when there is nothing else to do."""

# Who calls: users, as any Clock; the simulation fires what is due, one timer after the other, and jumps to the next.
# Invariants: 1. time moves only by jump and advance.    2. of timers with the same deadline the stream of choices says
#   which fires first; choice 0 is the one that was set first.
# `_due` holds the timers whose time has come: those of the heap would have to be sorted out for each choice. It is in
#   order of deadline, because what comes in later was set later, for a time that was not over.

from __future__ import annotations

import heapq
import logging
from bisect import bisect_right
from collections.abc import Callable

from libactor._core.clock import NANOSECONDS, NEVER, Clock, Timer, _nanoseconds

log = logging.getLogger("libactor")

EPOCH_NS = 1_767_225_600 * NANOSECONDS  # 2026-01-01, when every run begins
LATER = 1 << 62  # than any timer in its order of setting


class VirtualClock(Clock):
    """As any Clock, but nothing makes it go on except the run itself.

    After ``pause`` it moves by ``advance`` only, until ``resume``; else the run jumps to the next timer when no actor
    has anything left to do.
    """

    def __init__(self, settle: Callable[[], None], choose: Callable[[int], int], start_ns: int = EPOCH_NS) -> None:
        super().__init__(lambda: None, lambda timeout: True)
        self._paused_ns = start_ns
        self._settle = settle
        self._choose = choose
        self._held = False
        self._due: list[tuple[int, int, Timer]] = []

    @property
    def paused(self) -> bool:
        """True between pause and resume."""
        return self._held

    def pause(self) -> None:
        """Let time move by ``advance`` only."""
        self._held = True

    def resume(self) -> None:
        """Let time jump to the next timer again, whenever no actor has anything left to do."""
        self._held = False

    def advance(self, seconds: float) -> None:
        """Move the clock and fire what falls due; what the timers set off runs on: see ``settle``."""
        self._paused_ns = self.now_ns() + _nanoseconds(seconds, "advance")
        self.fire_due()

    def settle(self, timeout: float | None = None) -> bool:
        """Run until every actor has served all its events and no timer is due; time stands still. Always True."""
        self._settle()
        return True

    def close(self) -> None:
        """See Clock.close."""
        due, self._due = self._due, []
        super().close()
        thunks = [timer.thunk for _, _, timer in due]
        for _, _, timer in due:
            timer.thunk = None
        del due, thunks

    @property
    def pending(self) -> int:
        """See Clock.pending."""
        return super().pending + len(self._due)

    def has_due(self) -> bool:
        """Whether fire_next may have something to do; once per step."""
        return bool(self._due) or self._next_ns <= self.now_ns()

    def fire_next(self) -> None:
        """Fire one timer of those that are due, by choice among those of the first deadline."""
        thunk = self._take_due(self.now_ns(), LATER)
        if thunk is None:
            return
        try:
            thunk()
        except BaseException:  # SystemExit too: neither the other timers nor the run are at fault
            log.exception("clock: what a timer was set for failed")

    def next_ns(self) -> int:
        """The deadline of the first timer that is not due yet; NEVER without one, or while the clock is paused."""
        self.next_deadline()  # drops those that were cancelled
        return NEVER if self._held else self._next_ns

    def jump(self, now_ns: int) -> None:
        """Move the clock forward; what falls due is fired by fire_next."""
        self._paused_ns = max(now_ns, self.now_ns())

    def _take_due(self, now: int, first_new: int) -> Callable[[], object] | None:
        """What the chosen timer of those due at ``now`` was set for; None if none is, or only those from
        ``first_new`` on."""
        with self._lock:
            while self._heap and self._heap[0][0] <= now:
                self._due.append(heapq.heappop(self._heap))
            self._note_next()
            thunk = None
            while thunk is None and self._due and self._due[0][1] < first_new:
                timer = self._due.pop(self._choose(self._count_first(first_new)))[2]
                thunk, timer.thunk = timer.thunk, None
                self._cancelled -= thunk is None
            return thunk

    def _compact(self) -> None:
        self._due[:] = [entry for entry in self._due if entry[2].thunk is not None]
        super()._compact()

    def _count_first(self, first_new: int) -> int:
        """How many timers have the first deadline, those from ``first_new`` on left out."""
        due, deadline_ns = self._due, self._due[0][0]
        if due[-1][0] == deadline_ns and due[-1][1] < first_new:
            return len(due)
        if due[1][0] != deadline_ns:
            return 1
        return bisect_right(due, (deadline_ns, first_new), key=lambda entry: entry[:2])
