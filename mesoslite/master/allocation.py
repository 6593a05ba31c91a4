"""Allocator: the actor around the allocation policy: when to plan, in what pieces, and when a filter's time is up."""

# Who calls: the master sends it Applied, AgentsCame, Recovered and InverseAnswered, in the order things happened,
#   and gets Granted back.
# A run follows at once when an agent or a framework has come (events that wait together share one run), and every
#   `interval` seconds, counted from the end of the last one, for what was given back meanwhile, as in Mesos: a run for
#   every finished task would offer one crumb at a time to whoever happens to be next.
# Invariants: 1. a run goes in slices of about SLICE_SECONDS; messages that wait are handled between two of them. So
#   neither a cluster of 50,000 agents nor a storm of revivals keeps anybody waiting. The time is looked at after each
#   step of STEP_WORK: by how long runs before took nobody knows how long the next takes, as one finds nothing to give,
#   and the next has all to give away.
#   2. a filter lasts for as long as was said, at least for one interval, and for one whole run begun after it: what was
#   just refused is not offered again at once, however slow the runs are.
# The policy is handed in by the composition root: it is pure, and siblings do not import each other.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (batch, allocate, recoverResources, recover).

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

import libactor as la
from mesoslite.model import (
    AgentAdded,
    AgentID,
    AgentUnavailable,
    AgentUpdated,
    AllocationCycle,
    AllocationPolicy,
    Delta,
    Explainer,
    Explanation,
    FigureSource,
    FilterExpired,
    Filters,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkID,
    InvalidRequest,
    InverseOfferAnswered,
    NotFound,
    Offer,
    OfferUsed,
    Paused,
    RecoveryBegun,
    RecoveryOver,
    Resources,
    ResourcesRecovered,
    Resumed,
    Revived,
    constants,
    with_offers,
)

from .allocation_metrics import AllocationMetrics
from .allocator_messages import AgentsCame, Applied, Granted, InverseAnswered, Recovered
from .plan_checks import PlanChecks

if TYPE_CHECKING:
    from collections.abc import Iterator

# What is worth a run at once.
PROMPT = frozenset((AgentAdded, AgentUpdated, AgentUnavailable, FrameworkAdded, FrameworkActivated, Revived))
QUIET = (ResourcesRecovered, OfferUsed)  # there are most of these, and nothing follows from them but ended filters

SLICE_SECONDS = 0.002  # of a run, before others have their turn
INTERVAL_LEAST, INTERVAL_MOST = 0.001, 86_400.0  # seconds; below, runs would do nothing but begin
THROUGH = object()
STEP_WORK = 64  # clients looked at, some tenths of a millisecond
STEPS_MAX = 64  # in a slice: a clock that stands still must not make it endless


class Filter(NamedTuple):
    """A filter that stands: its timer, and how many runs had begun when it was set."""

    timer: la.Timer
    runs_begun: int


class Allocator(la.Actor):
    """Keeps time for a policy and passes its grants to ``master``; ``interval`` in seconds between periodic runs.

    It ends with AllocatorFailed if the policy fails, or answers what cannot be (plan_checks.py).
    ``recovery_timeout``: for how many seconds a new master's agents are waited for at most.
    """

    def __init__(
        self,
        policy: AllocationPolicy,
        interval: float = constants.ALLOCATION_INTERVAL_SECONDS,
        recovery_timeout: float = constants.ALLOCATION_RECOVERY_SECONDS,
    ) -> None:
        super().__init__(la.generate_id("hierarchical-allocator"))
        self._policy = policy
        self._checks = PlanChecks(policy)
        self._interval = checked_interval(interval)
        self._recovery_timeout = recovery_timeout
        self._master: la.PID[Any] | None = None
        self._random = la.random_stream()
        self._filter_ids = itertools.count(1)
        self._filters: dict[int, Filter] = {}  # by number
        self._overdue: list[int] = []  # filters whose time is up, but which have to outlast a run
        self._cycle: AllocationCycle | None = None  # the run under way
        self._review: Iterator[None] | None = None  # of its plan, once it is through
        self._deltas = 0  # that were told by Applied
        self._begun = 0  # as many were known when the run under way began
        self._runs_begun = 0
        self._runs_done = 0
        self._is_wanted = False  # a run that has not begun
        self._periodic: la.Timer | None = None
        self._recovery: la.Timer | None = None

    def on_start(self) -> None:
        """Be ready for a master."""
        read = Allocator.figure if isinstance(self._policy, FigureSource) else None
        self._metrics = AllocationMetrics(self.runtime.metrics, self.pid, read)

    def on_stop(self) -> None:
        """Tell nothing any more, and leave no timer behind."""
        self._metrics.withdraw()
        timers = [standing.timer for standing in self._filters.values()]
        timers += [timer for timer in (self._periodic, self._recovery) if timer is not None]
        for timer in timers:
            timer.cancel()

    def attach(self, master: la.PID[Any]) -> None:
        """Send grants to ``master`` from now on, begin the periodic runs, and tell how they go."""
        self._master = master
        self._metrics.tell()
        la.link(master)
        self.want_run()

    # ---- what happened ----

    @la.handles(Applied)
    def applied(self, message: Applied, sender: la.PID[Any] | None) -> None:
        """Tell the policy, and plan soon if somebody has come."""
        if not self._is_told(message, sender):
            return
        self._deltas += 1
        delta = message.delta
        ended = self._checks.tell(delta)
        if ended or type(delta) not in QUIET:
            self._note_ended(delta, ended)
            self._follow(delta)

    @la.handles(AgentsCame)
    def agents_came(self, message: AgentsCame, sender: la.PID[Any] | None) -> None:
        """Tell the policy, and plan soon."""
        if self._is_told(message, sender):
            self._deltas += len(message.agents)
            self._checks.tell_agents(message.agents)
            self.want_run()

    def _follow(self, delta: Delta) -> None:
        if type(delta) in PROMPT:
            self.want_run()
        if type(delta) is RecoveryBegun:
            if self._recovery is not None:
                self._recovery.cancel()
            self._recovery = la.delay(self._recovery_timeout, self.pid, Allocator.end_recovery)

    def apply(self, delta: Delta) -> None:
        """As Applied, for what may be refused (conversions of what is free, quotas, weights, constraints): by dispatch.

        Raises: InvalidRequest, InsufficientResources; then nothing has changed, and the actor goes on.
        """
        self._note_ended(delta, self._checks.apply(delta))
        self._follow(delta)

    @la.handles(Recovered)
    def recovered(self, message: Recovered, sender: la.PID[Any] | None) -> None:
        """Tell the policy, and set the timer of the filter if there is to be one."""
        if not self._is_told(message, sender):
            return
        filter_id = next(self._filter_ids) if message.refuse_seconds else None
        self._apply_filter(
            ResourcesRecovered(
                framework_id=message.framework_id,
                role=message.role,
                agent_id=message.agent_id,
                resources=message.resources,
                filter_id=filter_id,
                declined=message.declined,
            ),
            message.refuse_seconds,
        )

    @la.handles(InverseAnswered)
    def inverse_answered(self, message: InverseAnswered, sender: la.PID[Any] | None) -> None:
        """Tell the policy, and set the timer of the filter if there is to be one."""
        if not self._is_told(message, sender):
            return
        seconds = Filters(message.refuse_seconds).duration_seconds()
        filter_id = next(self._filter_ids) if seconds else None
        self._apply_filter(
            InverseOfferAnswered(
                framework_id=message.framework_id,
                agent_id=message.agent_id,
                accepted=message.accepted,
                filter_id=filter_id,
            ),
            seconds,
        )

    def pause(self) -> None:
        """Offer nothing until ``resume``."""
        self._apply(Paused())

    def resume(self) -> None:
        """Offer again, from the next run on."""
        self._apply(Resumed())

    def end_recovery(self) -> None:
        """Wait for agents no longer; the next periodic run makes use of it."""
        self._apply(RecoveryOver())

    def _is_told(self, message: object, sender: la.PID[Any] | None) -> bool:
        """Whether it is the master who says so; from anybody else it is dropped."""
        if self._master is not None and sender == self._master:
            return True
        self._metrics.drop(message, sender)
        return False

    def _apply(self, delta: Delta) -> None:
        self._note_ended(delta, self._checks.tell(delta))

    def _note_ended(self, delta: Delta, filter_ids: tuple[int, ...]) -> None:
        for filter_id in filter_ids:
            ended = self._filters.pop(filter_id, None)
            if ended is not None:
                ended.timer.cancel()
        self._metrics.follow(delta)

    # ---- filters ----

    def _apply_filter(self, delta: ResourcesRecovered | InverseOfferAnswered, seconds: float) -> None:
        """Tell the policy, and set a timer if that makes a filter."""
        ended = self._checks.tell(delta)
        self._note_ended(delta, ended)
        filter_id = delta.filter_id
        if filter_id is not None and filter_id not in ended:
            timer = la.delay(max(seconds, self._interval), self.pid, Allocator.filter_expired, filter_id)
            self._filters[filter_id] = Filter(timer, self._runs_begun)

    def filter_expired(self, filter_id: int) -> None:
        """Tell the policy, now or once the filter has outlasted a run; the next one makes use of it."""
        standing = self._filters.get(filter_id)  # a revival may have overtaken it
        if standing is None:
            return
        if self._runs_done > standing.runs_begun:
            del self._filters[filter_id]
            self._checks.tell(FilterExpired(filter_id))
        else:
            self._overdue.append(filter_id)

    # ---- runs ----

    def want_run(self) -> None:
        """Plan as soon as what waits now is done."""
        if not self._is_wanted:
            self._is_wanted = True
            self._metrics.run_wanted()
            if self._cycle is None:
                la.tell(self.pid, Allocator.run)

    def run(self) -> None:
        """Begin a run if one is wanted and none is under way, and do a slice of it."""
        if self._cycle is not None or not self._is_wanted:
            return
        self._metrics.run_begins()
        self._is_wanted = False
        self._runs_begun += 1
        self._begun = self._deltas
        self._cycle = self._checks.begin(self._random)
        self.advance()

    def advance(self) -> None:
        """Do a slice of the run under way, or of looking at its plan once it is through."""
        cycle, clock = self._cycle, self.runtime.clock
        if cycle is None:
            return
        if self._review is None:
            end = clock.now() + SLICE_SECONDS
            for _ in range(STEPS_MAX):
                if self._checks.advance(cycle, STEP_WORK):
                    self._review = self._checks.review(cycle)
                    break
                if clock.now() >= end:
                    break
        if self._review is not None and next(self._review, THROUGH) is THROUGH:
            self._review = None
            self._end(cycle)
        else:
            la.tell(self.pid, Allocator.advance)

    def _end(self, cycle: AllocationCycle) -> None:
        self._cycle = None
        self._runs_done += 1
        self._metrics.run_ends()
        plan = cycle.plan
        if plan is not None and (plan.grants or plan.inverse) and self._master is not None:
            la.post(self._master, Granted(plan.grants, plan.inverse, self._checks.name, self._deltas, self._begun))
        overdue, self._overdue = self._overdue, []
        for filter_id in overdue:
            self.filter_expired(filter_id)
        if self._periodic is not None:
            self._periodic.cancel()
        self._periodic = la.delay(self._interval, self.pid, Allocator.want_run)
        if self._is_wanted:
            la.tell(self.pid, Allocator.run)

    # ---- readers ----

    def dominant_share(self, framework_id: FrameworkID) -> float:
        """The largest share of the cluster a framework is using or being offered, by the policy's books."""
        return self._policy.dominant_share(framework_id)

    def available(self, agent_id: AgentID) -> Resources:
        """What is free on an agent by the policy's books; raises NotFound for an unknown one."""
        return self._policy.available(agent_id)

    def explain(
        self, framework_id: FrameworkID, agent_ids: tuple[AgentID, ...], offers: tuple[tuple[Offer, ...], ...] = ()
    ) -> tuple[Explanation, ...]:
        """Why a framework got, or did not get, an offer of each agent; raises NotFound if the policy cannot say.

        ``offers`` are those of each agent that nobody has answered yet.
        """
        policy = self._policy
        if not isinstance(policy, Explainer):
            raise NotFound(f"explain: the allocation policy {type(policy).__name__} does not explain what it decides")
        explanations = [self._timed(policy.explain(framework_id, agent_id)) for agent_id in agent_ids]
        if not offers:
            return tuple(explanations)
        return tuple([with_offers(one, standing) for one, standing in zip(explanations, offers, strict=True)])

    def _timed(self, explanation: Explanation) -> Explanation:
        """An explanation that also says when filters end."""
        findings = list(explanation.findings)
        for at, finding in enumerate(findings):
            standing = self._filters.get(finding.filter_id) if finding.filter_id is not None else None
            if standing is not None:
                left = max(0.0, standing.timer.deadline_ns / 1e9 - self.runtime.clock.now())
                findings[at] = msgspec.structs.replace(finding, text=f"{finding.text}; that ends in {left:.1f} s")
        return msgspec.structs.replace(explanation, findings=tuple(findings))

    def figure(self, name: str) -> float:
        """One of the policy's figures, for metrics; raises NotFound for one that it does not have."""
        if not isinstance(self._policy, FigureSource):
            raise NotFound(f"allocator: this policy has no figure {name!r}")
        return self._policy.figure(name)

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        """Without its master there is nothing to do."""
        la.terminate(self.pid)


def checked_interval(seconds: object) -> float:
    """Return the time between runs. Raises: InvalidRequest, unless it is a millisecond to a day."""
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not INTERVAL_LEAST <= seconds <= INTERVAL_MOST:  # type: ignore[operator]
        raise InvalidRequest(
            f"allocator: got an allocation interval of {seconds!r}, expected seconds from {INTERVAL_LEAST:g} to "
            f"{INTERVAL_MOST:g}; 1 is Mesos's"
        )
    return seconds  # type: ignore[return-value]
