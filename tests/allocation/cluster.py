"""A small cluster for tests: an allocator, and frameworks that take tasks of one size and give back the rest."""

import random
from typing import Any

from mesoslite.allocator import HierarchicalAllocator
from mesoslite.model import (
    AgentAdded,
    AgentID,
    FrameworkAdded,
    FrameworkID,
    Grant,
    OfferUsed,
    Resources,
    ResourcesRecovered,
)


class Cluster:
    """Wraps an allocator with short words; ids are plain text."""

    def __init__(
        self, agents: int = 0, total: str = "cpus:4;mem:1024", is_audited: bool = True, **options: Any
    ) -> None:
        self.allocator = HierarchicalAllocator(**options)
        self.audit = self.allocator._check if is_audited else lambda: None
        self.filter_count = 0
        for number in range(agents):
            self.add_agent(f"agent{number}", total)

    def add_agent(self, agent_id: str, total: str | Resources = "cpus:4;mem:1024", **fields: Any) -> None:
        """Add an agent; ``fields`` are the delta's others."""
        resources = Resources.parse(total) if isinstance(total, str) else total
        self.allocator.apply(AgentAdded(agent_id=AgentID(agent_id), hostname=agent_id, total=resources, **fields))

    def add_framework(
        self, framework_id: str, *roles: str, active: bool = True, suppressed: tuple[str, ...] = (), **fields: Any
    ) -> None:
        """Add a framework; ``fields`` are the delta's others."""
        self.allocator.apply(
            FrameworkAdded(
                framework_id=FrameworkID(framework_id),
                roles=roles or ("*",),
                active=active,
                suppressed_roles=suppressed,
                **fields,
            )
        )

    def plan(self, *agents: str, seed: int = 0, rng: random.Random | None = None) -> list[Grant]:
        """Plan for these agents, or for those that changed, and check the invariants; ``rng`` goes on over several."""
        plan = self.allocator.plan(rng or random.Random(seed), [AgentID(agent) for agent in agents] or None)
        self.audit()
        return list(plan.grants)

    def visited(self, seed: int = 0) -> int:
        """Plan, and return how many agents were looked at for that."""
        cycle = self.allocator.begin(random.Random(seed))
        assert cycle.advance(1_000_000)
        return cycle.visited

    def served(self, *agents: str) -> list[str]:
        """Plan, and return just the frameworks that were granted something, in alphabetical order."""
        return sorted(grant.framework_id for grant in self.plan(*agents))

    def decline(self, grant: Grant) -> None:
        """Hand back a whole offer, without a filter."""
        self.recover(grant, declined=True)

    def use(self, grant: Grant, resources: Resources | None = None) -> None:
        """Run something on part of an offer, and hand back the rest."""
        used = grant.resources if resources is None else resources
        self.allocator.apply(
            OfferUsed(framework_id=grant.framework_id, role=grant.role, agent_id=grant.agent_id, resources=used)
        )
        self.recover(grant, grant.resources - used)

    def recover(
        self, grant: Grant, resources: Resources | None = None, filtered: bool = False, declined: bool = False
    ) -> int | None:
        """Give back a grant or part of it; return the number of the filter, if it is to be filtered."""
        self.filter_count += filtered
        filter_id = self.filter_count if filtered else None
        self.allocator.apply(
            ResourcesRecovered(
                framework_id=grant.framework_id,
                role=grant.role,
                agent_id=grant.agent_id,
                resources=grant.resources if resources is None else resources,
                filter_id=filter_id,
                declined=declined,
            )
        )
        self.audit()
        return filter_id

    def fill(self, demands: dict[str, str]) -> dict[str, int]:
        """Let each framework take one task a grant until nobody takes any more; return the numbers of tasks."""
        tasks = dict.fromkeys(demands, 0)
        while grants := self.plan():
            for grant in grants:
                demand = Resources.parse(demands[grant.framework_id])
                if grant.resources.contains(demand):
                    tasks[grant.framework_id] += 1
                    self.recover(grant, grant.resources - demand)
                else:
                    self.recover(grant, filtered=True)
        return tasks
