"""Any sequence of deltas and plans: nothing is offered twice, and each choice is that of the reference."""

# Goal: the kept order, the changed agents and the books never drift from a state computed from scratch.
# Method: a Hypothesis state machine feeds both; plans are checked grant by grant, then for what they left.

import random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from mesoslite.allocator import HierarchicalAllocator
from mesoslite.model import (
    AgentActivated,
    AgentAdded,
    AgentDeactivated,
    AgentID,
    AgentRemoved,
    Delta,
    FilterExpired,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkDeactivated,
    FrameworkID,
    FrameworkRemoved,
    Plan,
    Resources,
    ResourcesRecovered,
    Revived,
    Suppressed,
    Usage,
    WeightChanged,
)

from .reference import Reference

AGENTS = [AgentID(f"agent{number}") for number in range(4)]
FRAMEWORKS = [FrameworkID(f"framework{number}") for number in range(4)]
ROLES = ["ads", "web", "*"]
role_sets = st.lists(st.sampled_from(ROLES), min_size=1, unique=True).map(tuple)
any_roles = st.lists(st.sampled_from(ROLES), unique=True).map(tuple)
totals = st.builds(
    lambda cpus, mem, gpus: Resources.of(cpus=cpus, mem=mem, gpus=gpus),
    st.sampled_from([0.005, 1, 4, 9]),
    st.sampled_from([0, 16, 64, 1024]),
    st.sampled_from([0, 2]),
)


class Allocation(RuleBasedStateMachine):
    """The allocator beside its reference."""

    def __init__(self) -> None:
        super().__init__()
        self.allocator = HierarchicalAllocator(filter_gpus=False)
        self.reference = Reference()
        self.filter_count = 0

    def apply(self, delta: Delta) -> None:
        self.allocator.apply(delta)
        self.reference.apply(delta)

    @rule(agent_id=st.sampled_from(AGENTS), total=totals, data=st.data())
    def add_agent(self, agent_id: AgentID, total: Resources, data: st.DataObject) -> None:
        if agent_id in self.reference.totals:
            return
        users = data.draw(st.lists(st.tuples(st.sampled_from(FRAMEWORKS), st.sampled_from(ROLES)), max_size=2))
        part = Resources.from_milli({name: milli // 3 for name, milli in total.quantities})
        used = tuple(Usage(framework_id, role, part) for framework_id, role in users if part)
        self.apply(AgentAdded(agent_id=agent_id, hostname="h", total=total, used=used))

    @precondition(lambda self: self.reference.totals)
    @rule(data=st.data(), kind=st.sampled_from([AgentRemoved, AgentActivated, AgentDeactivated]))
    def change_agent(self, data: st.DataObject, kind: type) -> None:
        self.apply(kind(data.draw(st.sampled_from(sorted(self.reference.totals)))))

    @rule(framework_id=st.sampled_from(FRAMEWORKS), roles=role_sets, active=st.booleans(), suppressed=any_roles)
    def add_framework(
        self, framework_id: FrameworkID, roles: tuple[str, ...], active: bool, suppressed: tuple[str, ...]
    ) -> None:
        if framework_id in self.reference.frameworks:
            return
        self.apply(FrameworkAdded(framework_id=framework_id, roles=roles, active=active, suppressed_roles=suppressed))

    @precondition(lambda self: self.reference.frameworks)
    @rule(data=st.data(), kind=st.sampled_from([FrameworkRemoved, FrameworkActivated, FrameworkDeactivated]))
    def change_framework(self, data: st.DataObject, kind: type) -> None:
        self.apply(kind(data.draw(st.sampled_from(sorted(self.reference.frameworks)))))

    @precondition(lambda self: self.reference.frameworks)
    @rule(data=st.data(), kind=st.sampled_from([Suppressed, Revived]), roles=any_roles)
    def change_interest(self, data: st.DataObject, kind: type, roles: tuple[str, ...]) -> None:
        self.apply(kind(data.draw(st.sampled_from(sorted(self.reference.frameworks))), roles))

    @precondition(lambda self: self.reference.held)
    @rule(data=st.data(), thirds=st.integers(1, 3), is_filtered=st.booleans())
    def recover(self, data: st.DataObject, thirds: int, is_filtered: bool) -> None:
        agent_id, framework_id, role = key = data.draw(st.sampled_from(sorted(self.reference.held)))
        part = {name: milli * thirds // 3 for name, milli in self.reference.held[key].quantities}
        self.filter_count += is_filtered
        self.apply(
            ResourcesRecovered(
                framework_id=FrameworkID(framework_id),
                role=role,
                agent_id=AgentID(agent_id),
                resources=Resources.from_milli(part),
                filter_id=self.filter_count if is_filtered else None,
            )
        )

    @rule(agent_id=st.sampled_from(AGENTS), framework_id=st.sampled_from(FRAMEWORKS))
    def recover_from_the_gone(self, agent_id: AgentID, framework_id: FrameworkID) -> None:
        if agent_id in self.reference.totals and (
            framework_id in self.reference.frameworks or (agent_id, framework_id, "*") in self.reference.held
        ):
            return
        self.apply(
            ResourcesRecovered(framework_id=framework_id, role="*", agent_id=agent_id, resources=Resources.of(cpus=1))
        )

    @precondition(lambda self: self.filter_count)
    @rule(data=st.data())
    def expire_filter(self, data: st.DataObject) -> None:
        self.apply(FilterExpired(data.draw(st.integers(1, self.filter_count))))

    @rule(role=st.sampled_from(ROLES), weight=st.sampled_from([0.5, 1.0, 3.0]))
    def change_weight(self, role: str, weight: float) -> None:
        self.apply(WeightChanged(role, weight))

    @rule(seed=st.integers(0, 9))
    def plan_for_changed_agents(self, seed: int) -> None:
        plan = self.allocator.plan(random.Random(seed))

        self.follow(plan)
        assert {agent: self.reference.choice(agent) for agent in self.reference.totals} == dict.fromkeys(
            self.reference.totals
        ), "an agent that could be granted was not visited"

    @rule(seed=st.integers(0, 9), agents=st.lists(st.sampled_from(AGENTS)))
    def plan_for_some_agents(self, seed: int, agents: list[AgentID]) -> None:
        plan = self.allocator.plan(random.Random(seed), agents)

        self.follow(plan)
        assert {grant.agent_id for grant in plan.grants} <= set(agents)
        assert all(self.reference.choice(agent) is None for agent in agents if agent in self.reference.totals)

    def follow(self, plan: Plan) -> None:
        """Check each grant against the reference's choice at that moment, and let it take the grant too."""
        for grant in plan.grants:
            assert self.reference.choice(grant.agent_id) == (grant.framework_id, grant.role)
            assert grant.resources == self.reference.available(grant.agent_id)
            self.reference.grant(grant)

    @invariant()
    def books_balance(self) -> None:
        self.allocator._check()
        for agent_id, total in self.reference.totals.items():
            available = self.allocator.available(AgentID(agent_id))
            assert available == self.reference.available(agent_id)
            assert self.allocator.allocated(AgentID(agent_id)) + available == total


TestAllocation = Allocation.TestCase
TestAllocation.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
