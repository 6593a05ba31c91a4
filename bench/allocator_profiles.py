"""The three profiles of Mesos's MultiFrameworkAllocations: 19,500 tasks of 554 frameworks, until all run."""

# Who calls: bench/allocator.py.
# On 80 agents. Four frameworks with 4,000 small tasks each in roles of their own, 500 frameworks with 5 tasks each in
#   one role, 50 with 20 tasks each in roles of their own. Each launches what fits of an offer, but no more at a time
#   than its profile says, and hands back the rest without a filter; nobody suppresses, also when all its tasks run.
#   Nothing ever ends.
# That is all the help the allocator gets; Mesos's places 4,205 of these tasks, and then none.

from __future__ import annotations

from dataclasses import dataclass

from bench.allocator_clusters import Cluster, agents, apply_all, timed
from bench.benchmarks import expect
from mesoslite.model import (
    AllocationPolicy,
    FrameworkAdded,
    FrameworkID,
    Grant,
    OfferUsed,
    Resources,
    ResourcesRecovered,
)

AGENT = Resources.parse("cpus:64;mem:488000")
AGENTS = 80
TASKS = 19_500
ROUNDS_MAX = 100_000


@dataclass
class Scheduler:
    """A framework: what each of its tasks wants, how many of them at most in one offer, how many are still to come."""

    framework_id: FrameworkID
    role: str
    task: Resources
    at_once: int
    left: int

    def answer(self, allocator: AllocationPolicy, grant: Grant) -> int:
        """Launch what fits and hand back the rest; how many tasks that were."""
        rest, launched = grant.resources, 0
        while self.left and launched < self.at_once and rest.contains(self.task):
            rest -= self.task
            launched += 1
            self.left -= 1
        if launched:
            used = grant.resources - rest
            allocator.apply(
                OfferUsed(framework_id=self.framework_id, role=self.role, agent_id=grant.agent_id, resources=used)
            )
        if rest:
            allocator.apply(
                ResourcesRecovered(
                    framework_id=self.framework_id,
                    role=self.role,
                    agent_id=grant.agent_id,
                    resources=rest,
                    declined=not launched,
                )
            )
        return launched


def schedulers(percent: int) -> list[Scheduler]:
    """The frameworks of all three profiles; with less than 100 percent, each kind is so much fewer (at least one)."""
    marathon = Resources.parse("cpus:0.07;mem:400")
    jenkins = Resources.parse("cpus:0.1;mem:4000")
    spark = Resources.parse("cpus:1;mem:1000")

    def some(count: int) -> range:
        return range(max(1, count * percent // 100))

    return [
        *[
            Scheduler(FrameworkID(f"Marathon-{n}"), f"roleA-{n}", marathon, 100, 4_000 * percent // 100)
            for n in some(4)
        ],
        *[Scheduler(FrameworkID(f"Jenkins-{n}"), "roleB", jenkins, 1, 5) for n in some(500)],
        *[Scheduler(FrameworkID(f"SparkDispatcher-{n}"), f"roleC-{n}", spark, 5, 20) for n in some(50)],
    ]


@dataclass(frozen=True)
class Placing:
    """What became of the tasks: how many run, of how many, after how many rounds, in how many seconds."""

    placed: int
    wanted: int
    rounds: int
    seconds: float


def place_tasks(percent: int, rounds_max: int, **options: int) -> Placing:
    """Plan and answer offers until every task runs, or for so many rounds; the seconds are the frameworks' too."""
    cluster = Cluster(**options)
    everyone = {scheduler.framework_id: scheduler for scheduler in schedulers(percent)}
    wanted = sum([scheduler.left for scheduler in everyone.values()])
    apply_all(cluster.allocator, agents(AGENTS, AGENT, None, 1))
    for scheduler in everyone.values():
        added = FrameworkAdded(framework_id=scheduler.framework_id, roles=(scheduler.role,))
        cluster.allocator.apply(added)
    placed = rounds = 0

    def run() -> None:
        nonlocal placed, rounds
        while placed < wanted and rounds < rounds_max:
            rounds += 1
            cluster.plan()
            for grant in cluster.grants:
                placed += everyone[grant.framework_id].answer(cluster.allocator, grant)

    seconds = timed(run)
    return Placing(placed, wanted, rounds, seconds)


def launch_everything(percent: int) -> float:
    """Return the seconds until every task runs."""
    placing = place_tasks(percent, ROUNDS_MAX)
    expect(placing.placed, placing.wanted, f"tasks that run after {placing.rounds} rounds")
    return placing.seconds
