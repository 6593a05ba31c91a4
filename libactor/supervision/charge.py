"""Charge: one child in the care of a supervisor, from start to end, over all its incarnations."""

# Who calls: libactor/supervision/household.py, in the supervisor's turns.
# What happens to a child is told as (charge, life): a life is one start, whatever comes of it, so that nothing that is
#   heard late of an old incarnation is taken for news of the new one.

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from libactor._core.exceptions import fresh_exception
from libactor.future import Future, Promise
from libactor.supervision.child import Child, ChildState
from libactor.supervision.plan import Phase
from libactor.supervision.restarts import Budget, Delays

if TYPE_CHECKING:
    from libactor._core.clock import Timer
    from libactor.pid import PID
    from libactor.process import Process

log = logging.getLogger("libactor")


class Charge:
    """One child of a supervisor."""

    __slots__ = (
        "asked", "budget", "child", "deadline", "delays", "down", "fresh", "last", "life", "pid", "process", "reason",
        "restarts", "rise", "up_ns",
    )  # fmt: skip

    # asked: its start was asked for by a user, and is not repeated if it fails.    pid: None before its first start.
    # fresh: it was not up yet, and is forgotten if it cannot be started.    life: the starts so far.
    # process: of its present life; None if there is none.    last: of the life before, until it is followed, or will
    # not be.    reason: what ended it last, without the
    # traceback, which would keep that incarnation.
    # up_ns: when it was last known to be up; None since it ended.    restarts: by its supervisor, so far.
    # deadline: the timer of the time it has to stop.    rise, down: who waits until it is up, and until it is down.

    def __init__(self, child: Child) -> None:
        self.child = child
        self.budget = Budget(child.intensity, child.period)
        self.delays = Delays(child.backoff)
        self.asked = self.fresh = False
        self.pid: PID[Any] | None = None
        self.process: Process | None = None
        self.last: Process | None = None
        self.life = self.restarts = 0
        self.up_ns: int | None = None
        self.reason: BaseException | None = None
        self.deadline: Timer | None = None
        self.rise: list[Promise[PID[Any]]] = []
        self.down: list[Promise[None]] = []

    def await_rise(self) -> Future[PID[Any]]:
        """A future of its PID once it is up."""
        self.rise.append(Promise())
        return self.rise[-1].future

    def await_end(self) -> Future[None]:
        """A future that is ready once it is down."""
        self.down.append(Promise())
        return self.down[-1].future

    def note_rise(self, now_ns: int) -> None:
        """It is up: tell those who wait for that."""
        self.up_ns = now_ns
        self.asked = self.fresh = False
        told, self.rise = self.rise, []
        for promise in told:
            assert self.pid is not None
            promise.set(self.pid)

    def note_end(self, reason: BaseException | None) -> None:
        """It has ended, or is no longer cared for: tell those who wait for that."""
        self.reason = None if reason is None else fresh_exception(reason)
        if self.process is not None:
            self.last = self.process
        self.process = self.up_ns = None
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None
        told, self.down = self.down, []
        for promise in told:
            promise.set(None)

    def fail_rise(self, error: BaseException) -> None:
        """It will not come up: tell those who wait for that."""
        told, self.rise = self.rise, []
        self.asked = False
        for promise in told:
            promise.fail(error)

    def state(self, phase: Phase, wanted: bool) -> ChildState:
        """What there is to tell of it."""
        names: Any = {Phase.UP: "running", Phase.STARTING: "starting", Phase.STOPPING: "stopping"}
        state = names.get(phase, "waiting" if wanted else "stopped")
        return ChildState(self.child.id, state, self.pid, self.child.restart, self.restarts, self.reason)
