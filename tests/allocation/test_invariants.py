"""What must hold of any two-level scheduler, on long random runs, said without the rules by which it decides."""

# Goal: whatever the rules are, nothing is there twice, nobody gets what is another's, nobody gets past a limit.
# Method: watch what plans do to the books of the oracle, which only adds up deltas and grants.

import random
from collections import Counter
from collections.abc import Callable
from itertools import combinations

import pytest

from mesoslite.model import AgentID, FrameworkID, Grant, Plan, Quantities, QuotaChanged, Resources
from mesoslite.model.kinds import ValueType
from tests.thoroughness import usually

from .cluster import Cluster
from .oracle import paths
from .oracle_rules import EVERYTHING, GUARANTEES
from .scenario import SCENARIO_FEATURES, Scenario

STEPS = 300
# Features that keep offers away from everybody are left out, so that many are made.
FEWER = {"activation", "capabilities", "constraints", "gpus", "hold_off", "minimum", "pause", "regions", "whitelist"}
FEATURES = frozenset(SCENARIO_FEATURES) - FEWER - {"maintenance", "slices", "suppression"}


class Watched(Scenario):
    """A run in which each plan is looked at before and after it is taken."""

    def plan(self) -> None:
        self.granted = 0
        free = {agent_id: self.oracle.free(agent_id) for agent_id in self.oracle.agents}
        consumed = {top: self.oracle.consumed(top) for top in self.oracle.quotas}
        before = len(self.happened)

        super().plan()

        (plan,) = [plan for plan in self.happened[before:] if isinstance(plan, Plan)]
        self.granted = len(plan.grants)
        self.check_grants(plan, free)
        self.check_limits(consumed)
        self.check_agents()

    def check_grants(self, plan: Plan, free: dict[str, Resources]) -> None:
        """Nothing is granted twice or to somebody it is not for, only what was free, shared things once."""
        for agent_id, available in free.items():
            grants = [grant for grant in plan.grants if grant.agent_id == agent_id]
            assert available.not_shared().contains(sum([one.resources.not_shared() for one in grants], Resources()))
            volumes = [volume for one in grants for volume in one.resources.shared().others]
            assert available.shared().contains(Resources.from_portions(volumes))
        for grant in plan.grants:
            framework = self.oracle.frameworks[grant.framework_id]
            assert framework.active
            assert grant.role in set(framework.roles) - framework.suppressed
            assert set(grant.resources.reserved_by_role()) <= set(paths(grant.role))
            assert not grant.resources.revocable() or "REVOCABLE_RESOURCES" in framework.delta.capabilities

    def check_limits(self, before: dict[str, Counter[str]]) -> None:
        """Nobody gets past a limit; who is past it, because it was lowered, gets nothing of that."""
        for top, quota in self.oracle.quotas.items():
            for name, limit in quota.limits:
                assert self.oracle.consumed(top)[name] <= max(limit, before[top][name])

    def check_agents(self) -> None:
        """What is held and what is free is what there is; no port or item is held twice."""
        for agent_id, agent in self.oracle.agents.items():
            held = [resources for key, resources in self.oracle.held.items() if key[0] == agent_id]
            for one, other in combinations(held, 2):
                assert not _numbers_and_items(one) & _numbers_and_items(other)
            if self.oracle.is_short(agent_id):
                continue
            everything = sum([resources.not_shared() for resources in held], Resources())
            everything += self.allocator.available(AgentID(agent_id)).not_shared()
            assert everything == agent.total.not_shared()


def _numbers_and_items(resources: Resources) -> set[object]:
    found: set[object] = set()
    for portion in resources.others:
        if portion.kind.type is not ValueType.SCALAR:
            found.update([(portion.kind, item) for item in portion.items])
            found.update([(portion.kind, port) for first, last in portion.ranges for port in range(first, last + 1)])
    return found


@pytest.mark.parametrize("seed", range(usually(1, 10)))
def test_nothing_is_there_twice_nobody_gets_what_is_not_for_him_or_gets_past_a_limit(seed: int) -> None:
    run = Watched(random.Random(seed), FEATURES)

    run.run(STEPS)

    plans = [plan for plan in run.happened if isinstance(plan, Plan)]
    assert sum([len(plan.grants) for plan in plans]) > 30


# Goal: a guarantee can be had whatever others did before, as long as all guarantees fit. Method: greedy frameworks take
# all they are offered, over and over; then those with a guarantee come, and one plan must do.
@pytest.mark.parametrize("seed", range(20))
def test_guarantees_that_fit_together_are_met_as_soon_as_somebody_wants_them(seed: int) -> None:
    rng = random.Random(seed)
    cluster = Cluster()
    sizes = [(rng.randint(1, 8), rng.randint(1, 8) * 64) for _ in range(rng.randint(1, 6))]
    for number, (cpus, mem) in enumerate(sizes):
        cluster.add_agent(f"agent{number}", f"cpus:{cpus};mem:{mem}")
    guarantees = _guarantees(rng, sum([cpus for cpus, _ in sizes]), sum([mem for _, mem in sizes]))
    for role, quantities in guarantees.items():
        cluster.allocator.apply(QuotaChanged(role, quantities))
    for framework in ("greedy0", "greedy1"):
        cluster.add_framework(framework, framework)
    while cluster.plan():
        pass

    for role in guarantees:
        cluster.add_framework(f"of-{role}", role if rng.random() < 0.5 else f"{role}/below")

    met: dict[str, Counter[str]] = {role: Counter() for role in guarantees}
    for grant in cluster.plan():
        met[paths(grant.role)[0]].update(grant.resources.scalars())
    assert met == {role: Counter(dict(quantities)) for role, quantities in guarantees.items()}


def _guarantees(rng: random.Random, cpus: int, mem: int) -> dict[str, Quantities]:
    """Of some roles, together at most what there is; all of it, half the time."""
    roles = [f"role{number}" for number in range(rng.randint(1, 3))]
    wholes = [cpus * 1_000, mem * 1_000]
    cuts = [
        sorted([rng.randint(0, whole) // 64_000 * 64_000 // (64 if whole == wholes[0] else 1) for _ in roles])
        for whole in wholes
    ]
    for cut, whole in zip(cuts, wholes, strict=True):
        if rng.random() < 0.5:
            cut[-1] = whole
    parts = [[high - low for low, high in zip([0, *cut], cut, strict=False)] for cut in cuts]
    return {
        role: tuple([(name, milli) for name, milli in (("cpus", parts[0][at]), ("mem", parts[1][at])) if milli])
        for at, role in enumerate(roles)
    }


# Goal: deltas between two slices of a run keep the books true, whoever vanishes. Method: advance by the least there is,
# let something happen, and have the oracle judge each grant when it is made; then a whole plan leaves nothing out.
@pytest.mark.parametrize("seed", range(usually(5, 50)))
def test_whatever_happens_between_slices_each_grant_is_right_when_it_is_made(seed: int) -> None:
    rng = random.Random(seed)
    run = Scenario(rng, (FEATURES - {"some_agents"}) | {"activation"})
    happen = [action for action in run.actions if action != run.plan]
    for _ in range(30):
        run.pick(happen)()

    for _ in range(25):
        _interleave(run, happen)
        run.plan()


def _interleave(run: Scenario, happen: list[Callable[[], None]]) -> None:
    cycle = run.allocator.begin(random.Random(run.rng.randint(0, 9)))
    run.oracle.begin()
    is_through = False
    while not is_through:
        seen = len(cycle._decided.grants)
        passed = {client.key for client in cycle._asked}
        is_through = cycle.advance(1)
        for grant in cycle._decided.grants[seen:]:
            assert _is_right(run, grant, passed), grant
            passed = set()
            run.oracle.grant(grant)
        run.compare_books()
        if not is_through and run.rng.random() < 0.5:
            run.pick(happen)()
    assert cycle.plan is not None
    gone = [
        grant
        for grant in cycle.plan.grants
        if grant.agent_id not in run.oracle.agents or grant.framework_id not in run.oracle.frameworks
    ]
    assert not gone


def _is_right(run: Scenario, grant: Grant, passed: set[tuple[FrameworkID, str]]) -> bool:
    """Whether the grant is the next of its agent, in either stage."""
    return any(grant in run.oracle.choices(grant.agent_id, passed) for run.oracle.stage in (GUARANTEES, EVERYTHING))
