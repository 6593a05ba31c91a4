"""Sizes: a cluster in which each agent is of another size, and most frameworks want nothing and hand all of it back."""

# Who calls: bench/allocator.py. What the rule of mesoslite/allocator/passing.py costs where it costs most: what each
#   framework has refused differs from what the others have, and no two offers are alike.
# Tasks end at once, so each round every agent is offered whole.

from __future__ import annotations

import random
from collections.abc import Sequence

from bench.allocator_clusters import SEED, timed
from bench.benchmarks import expect
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

ROLES = 50
ROUNDS = 12
USES = 25  # one framework in so many uses what it is offered


def plan_of_different_sizes(count: int, frameworks: int, probe_every: int) -> float:
    """Return the seconds of the last of ``ROUNDS`` plans for so many agents."""
    rng = random.Random(SEED)
    allocator = HierarchicalAllocator(probe_every=probe_every)
    for number in range(count):
        total = Resources.of(cpus=rng.randint(100, 6_400) / 100, mem=rng.randint(500, 64_000))
        allocator.apply(AgentAdded(agent_id=AgentID(f"agent-{number}"), hostname="host", total=total))
    ids = [FrameworkID(f"framework-{number}") for number in range(frameworks)]
    for number, framework_id in enumerate(ids):
        allocator.apply(FrameworkAdded(framework_id=framework_id, roles=(f"role-{number % ROLES}",)))
    users = set(ids[::USES])
    grants: Sequence[Grant] = ()
    seconds = 0.0
    for _ in range(ROUNDS):
        for grant in grants:
            _answer(allocator, grant, uses=grant.framework_id in users)
        plans: list[Sequence[Grant]] = []
        seconds = timed(lambda: plans.append(allocator.plan(rng).grants))  # noqa: B023 - called at once
        (grants,) = plans
        expect(len(grants), count, "grants of agents of different sizes")
    return seconds


def _answer(allocator: HierarchicalAllocator, grant: Grant, uses: bool) -> None:
    who = {"framework_id": grant.framework_id, "role": grant.role, "agent_id": grant.agent_id}
    if uses:
        allocator.apply(OfferUsed(**who, resources=grant.resources))  # type: ignore[arg-type]
    allocator.apply(ResourcesRecovered(**who, resources=grant.resources, declined=not uses))  # type: ignore[arg-type]
