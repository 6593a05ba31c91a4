"""Agents that come at once are in the books as if they had come one after the other."""

import random
from typing import Any

import pytest

from mesoslite.model import (
    AgentAdded,
    AgentID,
    FrameworkID,
    InternalError,
    InvalidRequest,
    QuotaChanged,
    RecoveryBegun,
    Resources,
    Unavailability,
    Usage,
)

from .cluster import Cluster

FRAMEWORKS, ROLES = ("a", "b", "gone"), ("web", "ads", "ads/tv")
TOTALS = ("cpus:4;mem:1024", "cpus:2;mem:64;ports:[1-9]", "cpus(web):3;cpus:1;mem:99", "cpus:1")


def agents(rng: random.Random) -> tuple[AgentAdded, ...]:
    """Some of them use the same, as one object or as equal ones, and some use more than they have."""
    uses = [usages(rng) for _ in range(2)]
    return tuple(
        [
            AgentAdded(
                agent_id=AgentID(f"new{number}"),
                hostname=f"host{number}",
                total=Resources.parse(rng.choice(TOTALS)),
                used=rng.choice(uses) if rng.random() < 0.8 else usages(rng),
                unavailability=Unavailability(1) if rng.random() < 0.1 else None,
            )
            for number in range(rng.randrange(1, 9))
        ]
    )


def usages(rng: random.Random) -> tuple[Usage, ...]:
    return tuple(
        [
            Usage(FrameworkID(rng.choice(FRAMEWORKS)), rng.choice(ROLES), Resources.of(cpus=rng.choice((0, 0.5, 1))))
            for _ in range(rng.randrange(4))
        ]
    )


def clusters(rng: random.Random) -> tuple[Cluster, Cluster]:
    both = (Cluster(6, "cpus:1;mem:64"), Cluster(6, "cpus:1;mem:64"))
    quota = QuotaChanged("ads", guarantees=(("cpus", 2_000),)) if rng.random() < 0.3 else None
    for cluster in both:
        cluster.add_framework("a", *ROLES)
        cluster.add_framework("b", "web")
        if quota is not None:
            cluster.allocator.apply(quota)
    return both


def counts(cluster: Cluster) -> dict[tuple[FrameworkID, str], int]:
    """How often each framework was served in each role, which decides whose turn it is among equals."""
    return {key: client.standing.count for key, client in cluster.allocator._books.shares.clients.items()}


@pytest.mark.parametrize("seed", range(30))
def test_together_is_as_one_by_one(seed: int) -> None:
    rng = random.Random(seed)
    together, apart = clusters(rng)
    some = agents(rng)
    runs = [cluster.allocator.begin(random.Random(seed)) for cluster in (together, apart)]
    for run in runs:
        run.advance(1)

    together.allocator.add_agents(some)
    for one in some:
        apart.allocator.apply(one)
    for run in runs:
        while not run.advance(1):
            pass
    assert runs[0].plan == runs[1].plan

    for each in FRAMEWORKS:
        framework_id = FrameworkID(each)
        assert together.allocator.dominant_share(framework_id) == apart.allocator.dominant_share(framework_id)
    for one in some:
        assert together.allocator.available(one.agent_id) == apart.allocator.available(one.agent_id)
    assert counts(together) == counts(apart)
    assert together.plan(seed=seed) == apart.plan(seed=seed)
    apart.audit()


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [("agent_id", "agent0", InternalError), ("agent_id", "agent2", InternalError), ("total", 3, InvalidRequest)],
)
def test_if_one_cannot_be_nothing_has_changed(field: str, value: Any, error: type[Exception]) -> None:
    cluster = Cluster(agents=1)
    fields: dict[str, Any] = {"agent_id": "agent9", "hostname": "h", "total": Resources.of(cpus=1), field: value}
    good = [AgentAdded(agent_id=AgentID(f"agent{n}"), hostname="h", total=Resources.of(cpus=1)) for n in (1, 2)]

    with pytest.raises(error):
        cluster.allocator.add_agents((*good, AgentAdded(**fields)))

    cluster.add_framework("a")
    assert {grant.agent_id for grant in cluster.plan()} == {"agent0"}


def test_agents_that_come_amid_a_run_may_be_granted_by_the_next() -> None:
    cluster = Cluster(agents=3)
    cluster.add_framework("a")
    cycle = cluster.allocator.begin(random.Random(0))
    cycle.advance(1)
    cluster.allocator.add_agents((AgentAdded(agent_id=AgentID("new"), hostname="h", total=Resources.of(cpus=1)),))
    while not cycle.advance(1):
        pass

    assert {grant.agent_id for grant in cluster.plan()} == {"new"}


def test_agents_that_come_together_end_the_waiting_for_agents() -> None:
    cluster = Cluster()
    cluster.add_framework("a", "web")
    cluster.allocator.apply(QuotaChanged("web", guarantees=(("cpus", 1_000),)))
    cluster.allocator.apply(RecoveryBegun(2))
    some = [AgentAdded(agent_id=AgentID(name), hostname="h", total=Resources.of(cpus=1)) for name in ("x", "y")]
    before = cluster.plan()

    cluster.allocator.add_agents(tuple(some))

    assert (before, len(cluster.plan())) == ([], 2)
