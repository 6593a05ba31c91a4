"""Household: the work of a supervisor: it starts, watches, restarts and stops its children as the plan says."""

# Who calls: libactor/supervision/supervisor.py, in the supervisor's turns only; what children, timers and futures have
#   to tell comes into them as a Report, by the control lane.
# Invariants: 1. steps of the plan are taken as they come; what they bring about is told later, by reports, so no step
#   is taken inside another.    2. a report on a life that is over, or after the end of the supervisor, changes nothing.
#   3. who waits for a child to be up, or down, hears of it or finds the future failed or abandoned.
# A child is up once its on_start is through, a supervisor once its children are. It is known by an event that is put
#   into the child's mailbox ahead of all else: it is the first that is served.
# All time is that of the runtime's clock; jitter comes from the supervisor's own stream. Nothing here waits.
# Source: Erlang/OTP supervisor, in the order of starting, stopping and giving up.

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from libactor._core._impl import terminate
from libactor._core.errors import RestartsExhausted
from libactor._core.randomness import random_stream
from libactor.events import Report
from libactor.future import Future, Promise, ready
from libactor.supervision.charge import Charge
from libactor.supervision.plan import Phase, Plan, Step
from libactor.supervision.restarts import wants_restart

if TYPE_CHECKING:
    from libactor._core.clock import Timer
    from libactor.actor import Actor
    from libactor.pid import PID
    from libactor.process import Process
    from libactor.supervision.child import Child, ChildState
    from libactor.supervision.restarts import RandomStream, Strategy

log = logging.getLogger("libactor")


class Household:
    """The children of one supervisor, and what is known of them."""

    __slots__ = (
        "_charges",
        "_nested",
        "_over",
        "_plan",
        "_process",
        "_stream",
        "_shutdown",
        "_starting",
        "_waiters",
        "_waits",
    )

    # _process: of the supervisor, once it has started.    _nested: the class of supervisors, whose children count.
    # _starting: the first children that are not up yet.    _waiters: who waits until there are none.
    # _waits: the timers of rounds.    _over: the supervisor has begun to stop.

    def __init__(self, strategy: Strategy, shutdown: float, stream: RandomStream | None, nested: type[Actor]) -> None:
        self._plan = Plan(strategy)
        self._shutdown = shutdown
        self._stream = stream
        self._nested: Any = nested
        self._process: Process
        self._charges: dict[str, Charge] = {}
        self._starting: set[str] = set()
        self._waiters: list[Promise[None]] = []
        self._waits: dict[int, Timer] = {}
        self._over = False

    # Users' wishes.

    def add(self, child: Child) -> Charge:
        """Take on a child, which is not started yet. Raises: ValueError for an id that is taken."""
        known = self._charges.get(child.id)
        if known is not None:
            raise ValueError(
                f"Supervisor: id got {child.id!r}, which another child has, that is {self._state(known).state}; "
                "expected one of its own for each"
            )
        charge = self._charges[child.id] = Charge(child)
        self._plan.add(child.id, child.restart)
        return charge

    def begin(self, process: Process) -> None:
        """Start the children that were taken on, in order."""
        self._process = process
        self._starting = set(self._charges)
        self._obey(self._plan.start(self._charges))

    def started(self) -> Future[None]:
        """Ready once the first children are up."""
        if not self._starting:
            return ready(None)
        self._waiters.append(Promise())
        return self._waiters[-1].future

    def start_child(self, child: Child) -> Future[PID[Any]]:
        """Take on a child and start it; it is forgotten if that fails."""
        charge = self.add(child)
        charge.asked = charge.fresh = True
        future = charge.await_rise()
        self._obey(self._plan.start([child.id]))
        return future

    def terminate_child(self, name: str) -> Future[None]:
        """Stop a child, and keep it down."""
        charge = self._find("terminate_child", name)
        up = self._plan.phase(name) is not Phase.DOWN
        future = charge.await_end() if up else ready(None)
        self._obey(self._plan.stop(name))
        if not up:
            self._settle(charge)
        return future

    def restart_child(self, name: str) -> Future[PID[Any]]:
        """Start a child at once, or, if it is up, stop and start it."""
        charge = self._find("restart_child", name)
        charge.asked = not self._plan.is_wanted(name)
        future = charge.await_rise()
        self._obey(self._plan.again(name))
        return future

    def delete_child(self, name: str) -> None:
        """Forget a child that is down for good."""
        charge = self._find("delete_child", name)
        if self._plan.phase(name) is not Phase.DOWN or self._plan.is_wanted(name):
            raise ValueError(f"delete_child: {name!r} is {self._state(charge).state}; terminate it first")
        self._forget(charge)

    def states(self) -> tuple[ChildState, ...]:
        """What there is to tell of each child, in order."""
        return tuple(self._state(charge) for charge in self._charges.values())

    def end(self, reason: BaseException | None) -> Future[None]:
        """Stop all children, the last one first; ready once they have stopped, or are left behind."""
        self._over = True
        for timer in self._waits.values():
            timer.cancel()
        told, self._waiters = self._waiters, []
        for promise in told if reason is not None else ():
            assert reason is not None
            promise.fail(reason)
        for charge in self._charges.values():
            if reason is not None:
                charge.fail_rise(reason)
            charge.rise = []  # those of a supervisor that was terminated are abandoned
            if charge.deadline is not None:
                charge.deadline.cancel()
            self._follow(charge, None)
        running = [charge for charge in self._charges.values() if charge.process is not None]
        return self._stop_last(running, self._process.runtime.clock.now() + self._shutdown)

    # What happens to children.

    def _risen(self, charge: Charge, life: int) -> None:
        name = charge.child.id
        if self._is_old(charge, life) or self._plan.phase(name) is not Phase.STARTING:
            return
        if not self._plan.is_expected_to_end(name):
            charge.note_rise(self._process.runtime.clock.now_ns())
            self._note_start(name)
        self._obey(self._plan.up(name))

    def _ended(self, charge: Charge, life: int, process: Process | None, reason: BaseException | None) -> None:
        """A life of a child is over: its actor has stopped with ``reason``, or could not be made because of it."""
        if self._is_old(charge, life):
            if process is not None:
                self._process.runtime.census.leave(process)
            return
        if process is not None:
            reason = process.reason
        name, up_ns, asked = charge.child.id, charge.up_ns, charge.asked
        expected = self._plan.is_expected_to_end(name)
        charge.note_end(reason)
        if expected:
            self._obey(self._plan.gone(name))
            self._settle(charge)
        elif not asked and wants_restart(charge.child.restart, reason):
            self._restart(charge, up_ns, reason)
        else:
            log.info("%s: child %s %s; it is not restarted", self._process.pid, name, _say(reason))
            self._obey(self._plan.given_up(name))
            self._settle(charge, forget=charge.fresh)

    def _restart(self, charge: Charge, up_ns: int | None, reason: BaseException | None) -> None:
        """Have a child started again; raises RestartsExhausted if that is once too often."""
        child = charge.child
        now_ns = self._process.runtime.clock.now_ns()
        allowed = charge.budget.spend(now_ns)
        count = charge.budget.spent
        if not allowed:
            raise _exhausted(self._process.pid, child, count, reason) from reason
        if self._stream is None:
            self._stream = random_stream()
        delay = charge.delays.draw(0 if up_ns is None else now_ns - up_ns, self._stream)
        charge.restarts += 1
        self._process.runtime.census.count_restart()
        log.warning(
            "%s: child %s %s; restart %d (%d of %d within %g s) in %.3f s",
            self._process.pid, child.id, _say(reason), charge.restarts, count, child.intensity, child.period, delay,
        )  # fmt: skip
        self._obey(self._plan.failed(child.id, delay))

    def _overdue(self, charge: Charge, life: int) -> None:
        """The time a child has to stop is over."""
        if self._is_old(charge, life):
            return
        self._leave(charge, charge.child.shutdown)
        self._obey(self._plan.gone(charge.child.id))
        self._settle(charge)

    def _leave(self, charge: Charge, seconds: float) -> None:
        """Go on without a child that does not stop: what it has been started as may be started again beside it."""
        process = charge.process
        if process is None:
            return
        log.error("%s: child %s did not stop within %.3f s; left behind", self._process.pid, charge.child.id, seconds)
        runtime = self._process.runtime
        runtime._forget(process)
        charge.life += 1  # what will be heard of it is old
        charge.note_end(None)
        self._follow(charge, None)

    def _due(self, number: int) -> None:
        self._waits.pop(number, None)
        if not self._over:
            self._obey(self._plan.due(number))

    # Steps.

    def _obey(self, steps: Iterable[Step]) -> None:
        for step in steps:
            if step.what == "start":
                self._start(self._charges[step.id])
            elif step.what == "stop":
                self._stop(self._charges[step.id])
            else:
                self._waits[step.number] = self._timer(step.seconds, partial(self._due, step.number))

    def _start(self, charge: Charge) -> None:
        """Make the actor and spawn it, at the PID it had, if it had one."""
        charge.life += 1
        runtime, us, name = self._process.runtime, self._process.pid, charge.child.id
        if runtime._closed:  # this supervisor is about to be stopped
            return
        try:
            actor = charge.child.start()
            mailbox = ... if charge.child.mailbox is None else charge.child.mailbox
            known = charge.pid or runtime.census.find(us.id, name)
            charge.pid = runtime._spawn_as(actor, name if known is None else known, mailbox)
        except Exception as error:
            log.error("%s: child %s could not be started", us, name, exc_info=error)
            self._report(partial(self._ended, charge, charge.life, None, error))
            return
        runtime.census.enter(us.id, charge.pid)
        self._follow(charge, charge.pid._process)
        self._watch(charge, charge.pid, actor)

    def _watch(self, charge: Charge, pid: PID[Any], actor: Any) -> None:
        """Have it reported when a child that was spawned is up, and when it has ended."""
        process = charge.process = pid._process
        risen = partial(self._report, partial(self._risen, charge, charge.life))
        if isinstance(actor, self._nested):  # no dispatch: its mailbox may have a bound, and be full
            household = actor._libactor_household
            process.deliver_first(Report(lambda: household.started().on_ready(lambda _: risen())))
        else:
            process.deliver_first(Report(risen))
        ended = partial(self._ended, charge, charge.life, process, None)
        unheard = partial(process.runtime.census.leave, process)
        process.stopped.on_ready(lambda _: self._process.deliver_urgent(Report(ended, unheard)))

    def _follow(self, charge: Charge, process: Process | None) -> None:
        """The last life of a child is followed by that of ``process``; by none if that is None."""
        last, charge.last = charge.last, None
        if last is not None:
            self._process.runtime.census.leave(last, process)

    def _stop(self, charge: Charge) -> None:
        if charge.process is None:  # it could not be started, which will be heard of
            return
        assert charge.pid is not None
        terminate(charge.pid)
        if charge.child.shutdown != float("inf"):
            charge.deadline = self._timer(charge.child.shutdown, partial(self._overdue, charge, charge.life))

    def _stop_last(self, running: list[Charge], deadline: float) -> Future[None]:
        """Stop the last child that runs, then the one before it, until ``deadline``; then ask the rest at once."""
        while running and running[-1].process is None:
            running.pop()
        if not running:
            return ready(None)
        charge = running.pop()
        runtime = self._process.runtime
        seconds = max(0.0, min(charge.child.shutdown, deadline - runtime.clock.now()))
        assert charge.pid is not None
        assert charge.process is not None
        terminate(charge.pid)
        stopped: Future[None] = charge.process.stopped
        late = partial(self._leave_late, charge, seconds)
        return stopped.after(seconds, late, runtime=runtime).then(lambda _: self._stop_last(running, deadline))

    def _leave_late(self, charge: Charge, seconds: float, _: Future[None]) -> None:
        self._leave(charge, seconds)

    # Helpers.

    def _settle(self, charge: Charge, *, forget: bool = False) -> None:
        """If a child is down for good: tell those who wait for it to be up, and forget a temporary one."""
        name = charge.child.id
        if self._plan.is_wanted(name) or self._plan.phase(name) is not Phase.DOWN:
            return
        error = charge.reason or RuntimeError(f"{self._process.pid}: child {name} was terminated before it was up")
        charge.fail_rise(error)
        self._follow(charge, None)
        self._note_start(name)
        if forget or charge.child.restart == "temporary":
            self._forget(charge)

    def _forget(self, charge: Charge) -> None:
        self._plan.remove(charge.child.id)
        del self._charges[charge.child.id]

    def _note_start(self, name: str) -> None:
        """One of the first children is up, or will not be."""
        if name not in self._starting:
            return
        self._starting.discard(name)
        if not self._starting:
            told, self._waiters = self._waiters, []
            for promise in told:
                promise.set(None)

    def _is_old(self, charge: Charge, life: int) -> bool:
        return self._over or charge.life != life

    def _find(self, operation: str, name: Any) -> Charge:
        if not isinstance(name, str):
            raise TypeError(f"{operation}: id got {name!r}, expected text")
        charge = self._charges.get(name)
        if charge is None:
            raise ValueError(f"{operation}: id got {name!r}, expected that of one of the {len(self._charges)} children")
        return charge

    def _state(self, charge: Charge) -> ChildState:
        name = charge.child.id
        return charge.state(self._plan.phase(name), self._plan.is_wanted(name))

    def _report(self, function: Callable[[], object]) -> None:
        """Have ``function`` called in the supervisor, ahead of what others want of it."""
        self._process.deliver_urgent(Report(function))

    def _timer(self, seconds: float, function: Callable[[], object]) -> Timer:
        timer: Timer = self._process.runtime.clock.timer(seconds, partial(self._report, function))
        return timer


def _say(reason: BaseException | None) -> str:
    return "was terminated" if reason is None else f"failed with {reason!r}"


def _exhausted(supervisor: PID[Any], child: Child, count: int, reason: BaseException | None) -> RestartsExhausted:
    error = RestartsExhausted(
        f"{supervisor}: child {child.id} ended {count} times within {child.period:g} s, of which {child.intensity} are "
        f"allowed; the last time it {_say(reason)}"
    )
    error.child, error.count, error.period, error.reason = child.id, count, child.period, reason
    return error
