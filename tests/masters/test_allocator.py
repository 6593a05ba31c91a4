"""The allocator's actor: runs in slices and batches, filters that outlast a run, hold-off, pause, metrics."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import libactor as la
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.master.allocation import SLICE_SECONDS, STEPS_MAX, Allocator
from mesoslite.master.allocator_messages import Applied, Granted, InverseAnswered, Recovered
from mesoslite.model import (
    AgentAdded,
    AgentID,
    AgentUnavailable,
    AvailableConverted,
    Delta,
    FilterExpired,
    FrameworkAdded,
    FrameworkID,
    FrameworkRemoved,
    FrameworkUpdated,
    Grant,
    InverseGrant,
    MesosliteError,
    Plan,
    QuotaChanged,
    RandomStream,
    RecoveryBegun,
    Resources,
    Unavailability,
    WeightChanged,
    constants,
)

A, AGENT = FrameworkID("a"), AgentID("agent")
TOTAL = Resources.of(cpus=4, mem=1024)
SOON = Unavailability(1)


class SlowCycle:
    """A run of so many steps, in each of which ``pass_time`` is called."""

    def __init__(self, steps: int, log: list[object], pass_time: Callable[[], object] = lambda: None) -> None:
        self.left = steps
        self.log = log
        self.pass_time = pass_time
        self.plan: Plan | None = None

    def advance(self, work: int) -> bool:
        self.left -= 1
        self.log.append("step")
        self.pass_time()
        if not self.left:
            self.plan = Plan()
        return self.plan is not None


class SlowPolicy:
    """Knows nothing, notes everything, and takes so many steps for a run."""

    def __init__(self, steps: int = 1) -> None:
        self.steps = steps
        self.log: list[object] = []
        self.pass_time: Callable[[], object] = lambda: None

    def apply(self, delta: Delta) -> tuple[int, ...]:
        self.log.append(delta)
        return ()

    def begin(self, rng: RandomStream) -> SlowCycle:
        self.log.append("run")
        return SlowCycle(self.steps, self.log, self.pass_time)

    def dominant_share(self, framework_id: FrameworkID) -> float:
        return 0.0

    def available(self, agent_id: AgentID) -> Resources:
        return TOTAL


class Master(la.Actor):
    """Takes what is granted."""

    def __init__(self) -> None:
        super().__init__(la.generate_id("master"))
        self.granted: list[Granted] = []

    @la.handles(Granted)
    def take(self, message: Granted) -> None:
        self.granted.append(message)


class Stage:
    """An allocator, its master, and time that stands still."""

    def __init__(self, runtime: la.Runtime, policy: Any) -> None:
        self.runtime = runtime
        runtime.clock.pause()
        self.master_actor = Master()
        self.master = la.spawn(self.master_actor)
        self.allocator = la.spawn(Allocator(policy))
        la.dispatch(self.allocator, Allocator.attach, self.master).get(timeout=60)
        self.settle()

    def settle(self) -> None:
        self.runtime.clock.settle()

    def tell(self, *messages: Any) -> None:
        for message in messages:
            la.post(self.allocator, message, sender=self.master)
        self.settle()

    def apply(self, *deltas: Delta) -> None:
        self.tell(*[Applied(delta) for delta in deltas])

    def advance(self, seconds: float) -> None:
        self.runtime.clock.advance(seconds)
        self.settle()

    def grants(self) -> list[Grant]:
        """What was granted since this was last asked."""
        grants = [grant for message in self.master_actor.granted for grant in message.grants]
        self.master_actor.granted.clear()
        return grants

    def give_back(self, grant: Grant, seconds: float = 0.0) -> None:
        self.tell(
            Recovered(
                framework_id=grant.framework_id,
                role=grant.role,
                agent_id=grant.agent_id,
                resources=grant.resources,
                refuse_seconds=seconds,
                declined=True,
            )
        )

    def snapshot(self) -> dict[str, float]:
        future = self.runtime.metrics.snapshot()
        self.settle()
        return future.get(timeout=60)


@pytest.fixture
def runtime() -> Iterator[la.Runtime]:
    with la.Runtime() as runtime:
        yield runtime


def agent(name: str = "agent") -> AgentAdded:
    return AgentAdded(agent_id=AgentID(name), hostname=name, total=TOTAL)


def framework(name: str = "a", *roles: str) -> FrameworkAdded:
    return FrameworkAdded(framework_id=FrameworkID(name), roles=roles or ("*",))


def test_events_that_wait_together_share_one_run(runtime: la.Runtime) -> None:
    policy = SlowPolicy()
    stage = Stage(runtime, policy)
    policy.log.clear()

    stage.apply(*[agent(f"agent{number}") for number in range(10)])

    assert policy.log.count("run") <= 2
    assert policy.log[-2:] == ["run", "step"]


# Goal: others have their turn while a run is under way. Method: a message that is posted as a run begins comes after
#   its first slice; runs before it had nothing to do.
@pytest.mark.parametrize(
    ("step_seconds", "steps"), [(SLICE_SECONDS * 1.01, 1), (SLICE_SECONDS / 3.9, 4), (0.0, STEPS_MAX)], ids=str
)
def test_messages_are_handled_between_the_slices_of_a_run(runtime: la.Runtime, step_seconds: float, steps: int) -> None:
    policy = SlowPolicy()
    stage = Stage(runtime, policy)
    for _ in range(3):
        stage.advance(1)
    policy.log.clear()
    policy.steps, policy.pass_time = 2 * STEPS_MAX, lambda: runtime.clock.advance(step_seconds)

    def crowd(actor: Allocator) -> None:
        actor.want_run()
        la.post(actor.pid, Applied(framework()), sender=stage.master)

    la.execute(stage.allocator, lambda: crowd(stage.allocator._process.actor)).get(timeout=60)
    stage.settle()

    assert policy.log[: 2 + steps] == ["run", *steps * ["step"], framework()]
    assert policy.log.count("step") == policy.steps * policy.log.count("run")


def test_what_is_granted_says_what_was_known_as_it_was_begun_and_as_it_was_decided(runtime: la.Runtime) -> None:
    stage = Stage(runtime, HierarchicalAllocator())
    actor: Any = stage.allocator._process.actor
    stage.apply(framework())
    limit = Applied(QuotaChanged("else", limits=(("cpus", 1),)))
    advance = actor._checks.advance

    def advanced(cycle: Any, work: int) -> bool:
        actor._checks.advance = advance
        actor.applied(limit, stage.master)
        return bool(advance(cycle, work))

    actor._checks.advance = advanced
    stage.apply(agent())

    *_, last = stage.master_actor.granted
    assert (last.begun, last.seen) == (actor._deltas - 1, actor._deltas)


def test_runs_repeat_every_second_from_the_end_of_the_last(runtime: la.Runtime) -> None:
    policy = SlowPolicy()
    stage = Stage(runtime, policy)
    policy.log.clear()

    for _ in range(3):
        stage.advance(0.5)
    assert policy.log.count("run") == 1

    stage.advance(0.5)
    assert policy.log.count("run") == 2


def test_filter_of_no_time_is_none(runtime: la.Runtime) -> None:
    stage = Stage(runtime, HierarchicalAllocator())
    stage.apply(agent(), framework())
    (grant,) = stage.grants()

    stage.give_back(grant)
    stage.advance(1)

    assert stage.grants() == [grant]


# Goal: what was just refused is not offered by the next run, however short the filter. Method: shorter than a run.
def test_filter_lasts_for_an_interval_at_least(runtime: la.Runtime) -> None:
    stage = Stage(runtime, HierarchicalAllocator())
    stage.apply(agent(), framework())
    (grant,) = stage.grants()

    stage.give_back(grant, seconds=0.001)
    stage.advance(0.5)
    assert stage.grants() == []

    stage.advance(0.5)
    stage.advance(1)
    assert stage.grants() == [grant]


# Goal: a filter outlasts a run that begins after it was set. Method: no run ends in its time, for the run before hangs.
def test_filter_outlasts_a_run_even_if_runs_are_slow(runtime: la.Runtime) -> None:
    policy = SlowPolicy()
    stage = Stage(runtime, policy)
    actor: Any = stage.allocator._process.actor
    policy.steps = 1_000_000_000  # of which none is done: the run is taken out of the actor's hands
    la.execute(stage.allocator, lambda: setattr(actor, "_cycle", SlowCycle(1, policy.log))).get(timeout=60)

    stage.tell(Recovered(framework_id=A, role="*", agent_id=AGENT, resources=TOTAL, refuse_seconds=1.0))
    stage.advance(5)
    assert FilterExpired(1) not in policy.log

    policy.steps = 1
    la.dispatch(stage.allocator, Allocator.advance).get(timeout=60)
    stage.settle()
    stage.advance(1)
    assert FilterExpired(1) in policy.log


def test_agents_are_waited_for_ten_minutes_at_most(runtime: la.Runtime) -> None:
    stage = Stage(runtime, HierarchicalAllocator())
    stage.apply(QuotaChanged("web", (("cpus", 1_000),)), RecoveryBegun(100), agent(), framework("a", "web"))
    stage.advance(599)
    assert stage.grants() == []

    stage.advance(1)
    stage.advance(1)

    assert [grant.framework_id for grant in stage.grants()] == ["a"]


def test_nothing_is_granted_while_paused(runtime: la.Runtime) -> None:
    stage = Stage(runtime, HierarchicalAllocator())
    la.dispatch(stage.allocator, Allocator.pause).get(timeout=60)
    stage.apply(agent(), framework())
    stage.advance(1)
    assert stage.grants() == []

    la.dispatch(stage.allocator, Allocator.resume).get(timeout=60)
    stage.advance(1)

    assert len(stage.grants()) == 1


@pytest.mark.parametrize(
    ("delta", "error"),
    [
        (AvailableConverted(agent_id=AGENT, before=Resources.of(cpus=9), after=Resources.of(cpus=9)), "is available"),
        (QuotaChanged("*", (("cpus", 1),)), "cannot have one"),
        (WeightChanged("web", 0.0), "got 0.0 as weight, expected a weight"),
    ],
)
def test_what_is_refused_is_told_to_whoever_asked_and_stops_nobody(
    runtime: la.Runtime, delta: Delta, error: str
) -> None:
    stage = Stage(runtime, HierarchicalAllocator())
    stage.apply(agent())

    with pytest.raises(MesosliteError, match=error):
        la.dispatch(stage.allocator, Allocator.apply, delta).get(timeout=60)

    stage.apply(framework())
    assert len(stage.grants()) == 1


def test_inverse_offers_are_passed_on_and_their_filters_end(runtime: la.Runtime) -> None:
    stage = Stage(runtime, HierarchicalAllocator())
    stage.apply(agent(), framework())
    stage.apply(AgentUnavailable(AGENT, SOON))
    asked = (InverseGrant(framework_id=A, agent_id=AGENT, unavailability=SOON),)
    assert stage.master_actor.granted[-1].inverse == asked
    stage.master_actor.granted.clear()

    stage.tell(InverseAnswered(framework_id=A, agent_id=AGENT, accepted=False, refuse_seconds=5))
    stage.advance(4)
    assert stage.master_actor.granted == []

    stage.advance(1)
    stage.advance(1)
    assert stage.master_actor.granted[-1].inverse == asked


# Goal: no timer without a filter. Method: the role was left, and no service is due.
def test_filter_that_the_policy_did_not_make_has_no_timer(runtime: la.Runtime) -> None:
    stage = Stage(runtime, HierarchicalAllocator())
    stage.apply(agent(), framework("a", "web"))
    (grant,) = stage.grants()
    stage.apply(FrameworkUpdated(framework_id=A, roles=("ads",)))
    stage.advance(1)
    before = runtime.clock.pending

    stage.give_back(grant, seconds=1e9)
    for name in (A, FrameworkID("gone")):
        stage.tell(InverseAnswered(framework_id=name, agent_id=AGENT, accepted=False, refuse_seconds=1e9))

    assert runtime.clock.pending == before


@pytest.mark.parametrize("seconds", [1e300, float("inf"), float("nan"), -1.0])
def test_answer_to_an_inverse_offer_filters_for_no_longer_than_a_decline(runtime: la.Runtime, seconds: float) -> None:
    policy = SlowPolicy()
    stage = Stage(runtime, policy)

    stage.tell(InverseAnswered(framework_id=A, agent_id=AGENT, accepted=False, refuse_seconds=seconds))
    stage.advance(5 if seconds < 1 or seconds != seconds else constants.REFUSE_SECONDS_MAX)
    stage.advance(1)

    assert FilterExpired(1) in policy.log


def test_allocator_that_ends_leaves_no_timer(runtime: la.Runtime) -> None:
    runtime.clock.pause()
    before = runtime.clock.pending
    stage = Stage(runtime, HierarchicalAllocator())
    stage.apply(QuotaChanged("web", (("cpus", 1_000),)), agent(), framework())
    for grant in stage.grants():
        stage.give_back(grant, seconds=1e6)
    stage.apply(AgentUnavailable(AGENT, SOON), RecoveryBegun(9), RecoveryBegun(9))
    stage.tell(InverseAnswered(framework_id=A, agent_id=AGENT, accepted=False, refuse_seconds=1e6))
    assert runtime.clock.pending >= before + 4

    la.terminate(stage.allocator)
    stage.settle()

    assert runtime.clock.pending == before


def test_metrics_have_mesoss_names(runtime: la.Runtime) -> None:
    stage = Stage(runtime, HierarchicalAllocator())
    stage.apply(QuotaChanged("web", (("cpus", 1_000),), (("cpus", 2_000),)), agent(), framework("a", "web"))
    (grant,) = stage.grants()
    stage.give_back(grant, seconds=5)
    stage.advance(1)

    told = stage.snapshot()

    prefix = "allocator/mesos/"
    assert told[prefix + "allocation_runs"] >= 2
    assert {prefix + "allocation_run_ms", prefix + "allocation_run_latency_ms/p99"} <= told.keys()
    assert {prefix + "event_queue_dispatches", "allocator/event_queue_dispatches"} <= told.keys()
    assert told[prefix + "resources/cpus/total"] == 4
    assert told[prefix + "resources/mem/offered_or_allocated"] == 0
    assert told[prefix + "quota/roles/web/resources/cpus/guarantee"] == 1
    assert told[prefix + "quota/roles/web/resources/cpus/limit"] == 2
    assert told[prefix + "quota/roles/web/resources/cpus/offered_or_allocated"] == 0
    assert told[prefix + "roles/web/shares/dominant"] == 0
    assert told[prefix + "offer_filters/roles/web/active"] == 1


def test_metrics_of_a_role_end_with_its_last_framework_and_its_quota(runtime: la.Runtime) -> None:
    stage = Stage(runtime, HierarchicalAllocator())
    stage.apply(QuotaChanged("web", (("cpus", 1_000),)), framework("a", "web"))
    assert any("roles/web" in name for name in stage.snapshot())

    stage.apply(FrameworkRemoved(A), QuotaChanged("web"))

    assert not any("roles/web" in name for name in stage.snapshot())


def test_second_allocator_of_a_runtime_lives_without_metrics(runtime: la.Runtime) -> None:
    Stage(runtime, HierarchicalAllocator())
    second = Stage(runtime, HierarchicalAllocator())

    second.apply(agent(), framework("a", "rôle&"))

    assert len(second.grants()) == 1
