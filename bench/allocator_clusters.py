"""Clusters for the allocator's benchmarks, with the parameters of Mesos's own; and what is done to them."""

# Who calls: bench/allocator.py.
# Sizes of agents, what is used of them and how labels differ are those of Mesos's hierarchical_allocator_tests.cpp and
#   hierarchical_allocator_benchmarks.cpp; who is the used part's owner goes round the frameworks, as there.
# Times are the processor's: one thread does it all and waits for nothing.

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from time import process_time

import msgspec

from mesoslite.allocator import HierarchicalAllocator
from mesoslite.model import (
    AgentAdded,
    AgentID,
    Delta,
    FrameworkAdded,
    FrameworkID,
    Grant,
    Plan,
    Resources,
    ResourcesRecovered,
    Usage,
)
from mesoslite.model.kinds import Disk, Kind, Persistence, Reservation, ReservationType, Volume
from mesoslite.model.labels import Label
from mesoslite.model.portions import Portion

SEED = 4711
LABELS = 12
CAPABILITIES = ("REVOCABLE_RESOURCES", "SHARED_RESOURCES")


def ports(pieces: int) -> str:
    """So many ports, no two of them neighbours, as text."""
    return ",".join([f"{31_000 + 2 * n}-{31_000 + 2 * n}" for n in range(pieces)])


SMALL_AGENT = Resources.parse("cpus:2;mem:1024;disk:4096;ports:[31000-32000]")
SMALL_USED = Resources.parse(f"cpus:1;mem:128;disk:1024;ports:[{ports(4)}]")
LARGE_AGENT = Resources.parse("cpus:24;mem:4096;disk:4096;ports:[31000-32000]")
DECLINING_USED = Resources.parse(f"cpus:16;mem:2014;disk:1024;ports:[{ports(16)}]")
SUPPRESSING_USED = Resources.parse("cpus:16;mem:1024;disk:1024")
VOLUME_ROLE = "test"
VOLUME_RESERVATION = (Reservation(ReservationType.STATIC, VOLUME_ROLE),)
VOLUME_AGENT = Resources.parse("cpus(test):24;mem(test):4096;disk(test):3072;ports(test):[31000-32000]")
VOLUME_USED = Resources.parse(f"cpus(test):16;mem(test):1024;disk(test):1024;ports(test):[{ports(16)}]")


class Cluster:
    """An allocator with agents and frameworks, what its last plan granted, and a number for each filter."""

    def __init__(self, sorter: str = "drf", **options: int) -> None:
        self.allocator = HierarchicalAllocator(role_sorter=sorter, framework_sorter=sorter, **options)  # type: ignore[arg-type]
        self.rng = random.Random(SEED)
        self.grants: Sequence[Grant] = ()
        self.filters = 0

    def add_frameworks(self, count: int, role: str = "*") -> None:
        """Add so many frameworks that want offers in one role."""
        for number in range(count):
            framework_id = FrameworkID(f"framework-{number}")
            self.allocator.apply(FrameworkAdded(framework_id=framework_id, roles=(role,), capabilities=CAPABILITIES))

    def plan(self) -> Plan:
        """Make a plan and keep its grants."""
        plan = self.allocator.plan(self.rng)
        self.grants = plan.grants
        return plan

    def decline(self, grants: Iterable[Grant], filtered: bool = False) -> None:
        """Give back whole offers, without filters or for good."""
        for grant in grants:
            self.filters += filtered
            self.allocator.apply(
                ResourcesRecovered(
                    framework_id=grant.framework_id,
                    role=grant.role,
                    agent_id=grant.agent_id,
                    resources=grant.resources,
                    filter_id=self.filters if filtered else None,
                    declined=True,
                )
            )


def agents(count: int, total: Resources, used: Resources | None, frameworks: int, role: str = "*") -> list[AgentAdded]:
    """So many agents, of which each has one framework run something."""
    return [
        AgentAdded(
            agent_id=AgentID(f"agent-{number}"),
            hostname=f"host-{number}",
            total=total,
            used=() if used is None else (Usage(FrameworkID(f"framework-{number % frameworks}"), role, used),),
        )
        for number in range(count)
    ]


def volume_cluster(count: int, frameworks: int) -> Cluster:
    """Agents that are reserved for one role as a whole, each with a volume of 1 GB, every other one's shared."""
    cluster = Cluster()
    cluster.add_frameworks(frameworks, VOLUME_ROLE)
    deltas: list[Delta] = []
    for number, agent in enumerate(agents(count, VOLUME_AGENT, VOLUME_USED, frameworks, VOLUME_ROLE)):
        disk = Disk(persistence=Persistence(f"volume-{number}"), volume=Volume("data"))
        kind = Kind("disk", reservations=VOLUME_RESERVATION, disk=disk, shared=number % 2 == 1)
        volume = Resources.from_portions([Portion(kind, 1_024_000)])
        deltas.append(msgspec.structs.replace(agent, total=agent.total + volume))
    apply_all(cluster.allocator, deltas)
    return cluster


def labelled(cpus: float, role: str, text: str) -> Resources:
    """CPUs that are reserved with labels, of which the last one differs."""
    labels = [Label(f"key-{n}", f"value-{n}") for n in range(LABELS - 1)]
    labels.append(Label("last", text))
    return reserved(Resources.of(cpus=cpus), role, tuple(labels))


def reserved(resources: Resources, role: str, labels: tuple[Label, ...] = ()) -> Resources:
    """The same scalars, reserved for a role by a call."""
    reservation = Reservation(ReservationType.DYNAMIC, role, "operator", labels)
    return Resources.from_portions(
        [Portion(Kind(name, reservations=(reservation,)), milli) for name, milli in resources.quantities]
    )


def apply_all(allocator: HierarchicalAllocator, deltas: Iterable[Delta]) -> None:
    """Tell the allocator what happened."""
    for delta in deltas:
        allocator.apply(delta)


def timed(work: Callable[[], object]) -> float:
    """Do the work; the seconds a processor was at it."""
    start = process_time()
    work()
    return process_time() - start
