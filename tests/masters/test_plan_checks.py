"""What a policy answers is checked before the master hears of it, and why it was wrong reaches everybody."""

import random
from types import SimpleNamespace
from typing import Any

import pytest

from mesoslite import Cluster, Framework
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.master import plan_checks
from mesoslite.master.plan_checks import PlanChecks
from mesoslite.model import (
    AgentAdded,
    AgentID,
    AgentRemoved,
    AllocatorFailed,
    Delta,
    FrameworkAdded,
    FrameworkID,
    FrameworkRemoved,
    FrameworkUpdated,
    Grant,
    InverseGrant,
    MasterEnded,
    Plan,
    Resources,
    Unavailability,
)

A, F = AgentID("agent"), FrameworkID("f")
CPU = Resources.of(cpus=1)


def grant(**other: Any) -> Grant:
    return Grant(**{"framework_id": F, "role": "web", "agent_id": A, "resources": CPU, **other})


class Puppet:
    """Answers as it is told to."""

    def __init__(self, plan: object = None, applied: object = ()) -> None:
        self.plan = plan
        self.applied = applied

    def apply(self, delta: Delta) -> Any:
        return self.applied

    def begin(self, rng: object) -> Any:
        return SimpleNamespace(advance=lambda work: True, plan=self.plan)

    def dominant_share(self, framework_id: FrameworkID) -> float:
        return 0.0

    def available(self, agent_id: AgentID) -> Resources:
        return CPU


def review(plan: object, *meanwhile: Delta) -> None:
    """Let a policy answer so; meanwhile something happens."""
    checks = PlanChecks(Puppet(plan))
    checks.apply(AgentAdded(agent_id=A, hostname="h", total=CPU))
    checks.apply(FrameworkAdded(framework_id=F, roles=("web", "ads")))
    cycle = checks.begin(random.Random(0))
    for delta in meanwhile:
        checks.apply(delta)
    for _ in checks.review(cycle):
        pass


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (grant(agent_id=AgentID("x")), "of agent 'x' to framework 'f', but there is no such agent"),
        (grant(agent_id=[]), r"of agent \[\].*there is no such agent"),
        (grant(framework_id=FrameworkID("x")), "but there is no such framework"),
        (grant(role="x"), "under the role 'x', which it is not in; its roles are ads, web"),
        (grant(role=None), "under the role None, expected a text"),
        (grant(resources=Resources()), "grant something"),
        (grant(resources="cpus:1"), "expected Resources, got str"),
        (None, "granted None, expected a Grant"),
        ((F, "web", A, CPU), r"granted \('f', .*expected a Grant"),
    ],
)
def test_wrong_grant_is_refused_with_the_policy_named(wrong: Any, problem: str) -> None:
    with pytest.raises(AllocatorFailed, match=f"allocation policy Puppet: .*{problem}.*; mend the policy"):
        review(Plan((grant(), wrong)))


@pytest.mark.parametrize("plan", [None, (), [], Plan([grant()]), Plan((), None)])  # type: ignore[arg-type]
def test_plan_that_is_none_is_refused(plan: object) -> None:
    with pytest.raises(AllocatorFailed, match="expected a Plan of tuples"):
        review(plan)


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (InverseGrant(framework_id=F, agent_id=AgentID("x"), unavailability=Unavailability(1)), "no such agent"),
        (InverseGrant(framework_id=F, agent_id=A, unavailability=None), "expected an InverseGrant with"),  # type: ignore[arg-type]
        (3, "expected an InverseGrant"),
    ],
)
def test_wrong_inverse_grant_is_refused(wrong: Any, problem: str) -> None:
    with pytest.raises(AllocatorFailed, match=problem):
        review(Plan((), (wrong,)))


# Goal: a plan of very many is looked at in steps. Method: what is wrong stands at the end, and is found there.
@pytest.mark.parametrize("part", ["grants", "inverse"])
def test_a_large_plan_is_looked_at_in_steps(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan_checks, "GRANTS_IN_STEP", 2)
    asked = InverseGrant(framework_id=F, agent_id=A, unavailability=Unavailability(1))
    plan = Plan((*[grant()] * 4, 3)) if part == "grants" else Plan((), (*[asked] * 4, 3))  # type: ignore[arg-type]
    checks = PlanChecks(Puppet(plan))
    checks.apply(AgentAdded(agent_id=A, hostname="h", total=CPU))
    checks.apply(FrameworkAdded(framework_id=F, roles=("web",)))
    steps = checks.review(checks.begin(random.Random(0)))

    assert [next(steps), next(steps)] == [None, None]
    with pytest.raises(AllocatorFailed, match=r"3, expected an? "):
        next(steps)


@pytest.mark.parametrize(
    "gone", [AgentRemoved(A), FrameworkRemoved(F), FrameworkUpdated(framework_id=F, roles=("ads",))]
)
def test_grant_of_what_has_gone_during_the_run_is_the_masters_to_hand_back(gone: Delta) -> None:
    review(Plan((grant(),)), gone)


def test_what_was_gone_before_the_run_is_no_more_known() -> None:
    checks = PlanChecks(Puppet(Plan((grant(),))))
    checks.apply(AgentAdded(agent_id=A, hostname="h", total=CPU))
    checks.apply(FrameworkAdded(framework_id=F, roles=("web",)))
    checks.apply(AgentRemoved(A))

    with pytest.raises(AllocatorFailed, match="no such agent"):
        next(checks.review(checks.begin(random.Random(0))))


def test_apply_that_answers_nothing_is_refused() -> None:
    with pytest.raises(AllocatorFailed, match="Puppet: apply gave None for AgentRemoved, expected a tuple"):
        PlanChecks(Puppet(applied=None)).apply(AgentRemoved(A))


class BeginsNothing(HierarchicalAllocator):
    def begin(self, rng: Any, agents: Any = None) -> Any:
        return None


class Greedy(HierarchicalAllocator):
    """Grants everything twice."""

    def begin(self, rng: Any, agents: Any = None) -> Any:
        run = super().begin(rng, agents)
        run.advance(1_000_000)
        grants = run.plan.grants if run.plan is not None else ()
        return SimpleNamespace(advance=lambda work: True, plan=Plan(grants * 2))


@pytest.mark.real
def test_start_says_at_once_why_the_master_has_stopped() -> None:
    with pytest.raises(MasterEnded, match=r"AllocatorFailed: allocation policy BeginsNothing: begin gave None"):
        Cluster(allocator=BeginsNothing).start()


# Goal: whoever is there hears why. Method: a policy that fails as the first framework comes.
@pytest.mark.real
def test_framework_and_readers_hear_why_the_master_has_stopped() -> None:
    why = "allocation policy Greedy: granted .* of it only 'nothing' is free; mend the policy"
    with Cluster(allocator=Greedy) as cluster:
        ended = cluster.submit(Framework("f"))

        with pytest.raises(Exception, match=why):
            ended.get(timeout=60)
        with pytest.raises(MasterEnded, match=why):
            cluster.state()
        assert "AllocatorFailed" in cluster.stopped.get(timeout=60)


class Taker(Puppet):
    """A policy that takes agents together, or fails to."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__(Plan((grant(),)))
        self.error = error
        self.taken: list[tuple[AgentAdded, ...]] = []

    def add_agents(self, agents: tuple[AgentAdded, ...]) -> None:
        self.taken.append(agents)
        if self.error is not None:
            raise self.error


AGENTS = tuple([AgentAdded(agent_id=AgentID(name), hostname="h", total=CPU) for name in ("agent", "other")])


@pytest.mark.parametrize("policy", [Taker(), Puppet(Plan((grant(),)))], ids=["together", "one by one"])
def test_agents_that_come_at_once_may_be_granted_whether_the_policy_takes_them_together_or_not(policy: Puppet) -> None:
    checks = PlanChecks(policy)
    checks.apply(FrameworkAdded(framework_id=F, roles=("web",)))

    checks.tell_agents(AGENTS)

    assert list(checks.review(checks.begin(random.Random(0))))
    assert not isinstance(policy, Taker) or policy.taken == [AGENTS]


def test_a_policy_that_fails_on_agents_is_named() -> None:
    with pytest.raises(AllocatorFailed, match=r"policy Taker: add_agents of 2 failed: ValueError\('oh'\)"):
        PlanChecks(Taker(ValueError("oh"))).tell_agents(AGENTS)
    with pytest.raises(AllocatorFailed, match="policy Puppet: apply gave None for AgentAdded"):
        PlanChecks(Puppet(applied=None)).tell_agents(AGENTS)
