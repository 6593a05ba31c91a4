"""The allocator's plans, on a cluster with one framework to ten agents in one role: how long one takes."""

# No peer: Mesos measures with other parameters, so no ratio is given. Only plan() is timed, not the deltas before it.
# Plans check the allocator's books by assert as they go, as they do in production.

from __future__ import annotations

import random
from collections.abc import Iterable
from time import perf_counter

from bench.benchmarks import expect
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.model import (
    AgentAdded,
    AgentID,
    FrameworkAdded,
    FrameworkID,
    Grant,
    Plan,
    Resources,
    ResourcesRecovered,
)

AGENTS_PER_FRAMEWORK = 10
IDLE_PLANS = 1_000
SEED = 4711
TOTAL = Resources.of(cpus=24, mem=4096, disk=4096)


class AllocatorPlans:
    """Each method builds a cluster of so many agents and times one plan."""

    def first_plan(self, agents: int) -> float:
        """Every agent is new."""
        allocator = _cluster(agents)
        plan, seconds = _timed_plan(allocator)
        expect(len(plan.grants), agents, "grants of the first plan")
        return seconds

    def full_plan(self, agents: int) -> float:
        """Every agent was offered and declined."""
        allocator = _cluster(agents)
        first, _ = _timed_plan(allocator)
        _decline(allocator, first.grants)
        plan, seconds = _timed_plan(allocator)
        expect(len(plan.grants), agents, "grants of the plan after all were declined")
        return seconds

    def changed_plan(self, agents: int) -> float:
        """One agent in a hundred was declined, at least one."""
        allocator = _cluster(agents)
        first, _ = _timed_plan(allocator)
        declined = first.grants[: max(1, agents // 100)]
        _decline(allocator, declined)
        plan, seconds = _timed_plan(allocator)
        expect(len(plan.grants), len(declined), "grants of the plan after some were declined")
        return seconds

    def idle_plan(self, agents: int) -> float:
        """Nothing changed since the first plan: the mean of many."""
        allocator = _cluster(agents)
        first, _ = _timed_plan(allocator)
        expect(len(first.grants), agents, "grants of the first plan")
        rng = random.Random(SEED)
        start = perf_counter()
        plans = [allocator.plan(rng) for _ in range(IDLE_PLANS)]
        seconds = perf_counter() - start
        expect(sum([len(plan.grants) for plan in plans]), 0, "grants of idle plans")
        return seconds / IDLE_PLANS


def _cluster(agents: int) -> HierarchicalAllocator:
    allocator = HierarchicalAllocator()
    for number in range(agents):
        agent_id = AgentID(f"agent-{number}")
        allocator.apply(AgentAdded(agent_id=agent_id, hostname=f"host-{number}", total=TOTAL))
    for number in range(max(1, agents // AGENTS_PER_FRAMEWORK)):
        allocator.apply(FrameworkAdded(framework_id=FrameworkID(f"framework-{number}"), roles=("*",)))
    return allocator


def _timed_plan(allocator: HierarchicalAllocator) -> tuple[Plan, float]:
    rng = random.Random(SEED)
    start = perf_counter()
    plan = allocator.plan(rng)
    return plan, perf_counter() - start


def _decline(allocator: HierarchicalAllocator, grants: Iterable[Grant]) -> None:
    for grant in grants:
        allocator.apply(
            ResourcesRecovered(
                framework_id=grant.framework_id, role=grant.role, agent_id=grant.agent_id, resources=grant.resources
            )
        )
