"""Shares under load: what frameworks hold of a full cluster, with the rule of passing.py and by share alone."""

# Who calls: python -m bench.allocator_shares, which prints it; tests/allocation/test_passing.py, which holds it to what
#   it is for.
# Not a line of the others: these figures are shares, not times. A framework has an endless backlog of equal tasks, uses
#   of each offer what it can, and hands back the rest under a filter, as most do.

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

from bench.allocator_profiles import place_tasks
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.model import (
    AgentAdded,
    AgentID,
    FilterExpired,
    FrameworkAdded,
    FrameworkID,
    Grant,
    OfferUsed,
    Resources,
    ResourcesRecovered,
    WeightChanged,
)

AGENTS = 30
ROUNDS = 120
FILTER_ROUNDS = 5
TASK_ROUNDS = 10  # on average
SEED = 4711
PROFILE_ROUNDS = 60  # in which the rule has all tasks run


@dataclass
class Load:
    """An endless backlog of equal tasks."""

    task: Resources
    weight: float = 1.0
    fits: float = 1.0  # how often an agent is of use, for a reason that nobody else knows


WEIGHTS = {"gold": Load(Resources.of(cpus=2, mem=64), weight=3.0), "lead": Load(Resources.of(cpus=2, mem=64))}
SIZES = {"big": Load(Resources.of(cpus=4, mem=64)), "small": Load(Resources.of(cpus=1, mem=64))}
HALF, FEW = (
    {"picky": Load(Resources.of(cpus=2, mem=64), fits=fits), "any": Load(Resources.of(cpus=2, mem=64))}
    for fits in (0.5, 0.3)
)
CASES = (
    ("weights 3 : 1, a task takes all cpus of an agent", WEIGHTS, "cpus:2;mem:512"),
    ("a task of a whole agent, and of a quarter", SIZES, "cpus:4;mem:4096"),
    ("an agent in two is of use to picky", HALF, "cpus:2;mem:512"),
    ("three agents in ten are", FEW, "cpus:2;mem:512"),
)


class Churn:
    """A cluster in which tasks begin and end."""

    def __init__(self, loads: Mapping[str, Load], agent: str, options: Mapping[str, int]) -> None:
        self.allocator = HierarchicalAllocator(**options)  # type: ignore[arg-type]
        self.loads = loads
        self.rng = random.Random(SEED)
        self.numbers = count(1)
        self.pending: list[tuple[float, int, Grant, Resources | None]] = []  # tasks that end; None: filters
        for number in range(AGENTS):
            total = Resources.parse(agent)
            name = f"agent{number}"
            self.allocator.apply(AgentAdded(agent_id=AgentID(name), hostname=name, total=total))
        for name, load in loads.items():
            self.allocator.apply(WeightChanged(name, load.weight))
            self.allocator.apply(FrameworkAdded(framework_id=FrameworkID(name), roles=(name,)))

    def step(self, now: int) -> None:
        """One round: what ends, and then offers and their answers."""
        while self.pending and self.pending[0][0] <= now:
            _, number, grant, task = heapq.heappop(self.pending)
            if task is None:
                self.allocator.apply(FilterExpired(number))
            else:
                self.recover(grant, task)
        for grant in self.allocator.plan(self.rng).grants:
            self.answer(now, grant)

    def answer(self, now: int, grant: Grant) -> None:
        """Run what fits, and hand back the rest."""
        load, left = self.loads[grant.framework_id], grant.resources
        task = load.task
        is_of_use = load.fits == 1.0 or self.rng.random() < load.fits
        while is_of_use and left.contains(task):
            left -= task
            ends = now + self.rng.expovariate(1 / TASK_ROUNDS)
            heapq.heappush(self.pending, (ends, next(self.numbers), grant, task))
        used = grant.resources - left
        if used:
            who = {"framework_id": grant.framework_id, "role": grant.role, "agent_id": grant.agent_id}
            self.allocator.apply(OfferUsed(**who, resources=used))  # type: ignore[arg-type]
        if left:
            number = next(self.numbers)
            self.recover(grant, left, filter_id=number, declined=not used)
            heapq.heappush(self.pending, (now + FILTER_ROUNDS, number, grant, None))

    def recover(self, grant: Grant, resources: Resources, filter_id: int | None = None, declined: bool = False) -> None:
        """Give something back."""
        self.allocator.apply(
            ResourcesRecovered(
                framework_id=grant.framework_id,
                role=grant.role,
                agent_id=grant.agent_id,
                resources=resources,
                filter_id=filter_id,
                declined=declined,
            )
        )


def mean_shares(loads: Mapping[str, Load], agent: str, **options: int) -> dict[str, float]:
    """Return mean dominant shares in a full cluster, once a quarter of the rounds is over."""
    churn, shares = Churn(loads, agent, options), Counter[str]()
    for now in range(ROUNDS):
        churn.step(now)
        if now >= ROUNDS // 4:
            shares.update({name: churn.allocator.dominant_share(FrameworkID(name)) for name in loads})
    return {name: share / (ROUNDS - ROUNDS // 4) for name, share in shares.items()}


def report() -> str:
    """Return the table, in Markdown."""
    lines = ["| under load | | probe_every=8 | probe_every=0, as Mesos |", "|---|---|---:|---:|"]
    for what, loads, agent in CASES:
        ruled, alone = (mean_shares(loads, agent, probe_every=every) for every in (8, 0))
        lines += [f"| {what} | share of {name} | {ruled[name]:.2f} | {alone[name]:.2f} |" for name in loads]
    placed = [place_tasks(100, PROFILE_ROUNDS, probe_every=every).placed for every in (8, 0)]
    lines.append(f"| three profiles, {PROFILE_ROUNDS} rounds | tasks placed | {placed[0]:,} | {placed[1]:,} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(report())
