"""What a run decides: in slices, and without what is about those who left meanwhile."""

import itertools
import random

import pytest

from mesoslite.allocator.roles import RoleBook
from mesoslite.model import (
    AgentID,
    AgentRemoved,
    AgentUnavailable,
    Paused,
    Resources,
    Resumed,
    Unavailability,
)
from mesoslite.model.kinds import Disk, Kind, Persistence, Reservation, ReservationType
from mesoslite.model.portions import Portion

from .cluster import Cluster

SOON = Unavailability(1)


def serviced(count: int) -> Cluster:
    """Agents of which each is to be serviced and held by a framework."""
    cluster = Cluster(count)
    cluster.add_framework("a")
    assert len(cluster.plan()) == count
    for number in range(count):
        cluster.allocator.apply(AgentUnavailable(AgentID(f"agent{number}"), SOON))
    return cluster


def test_frameworks_are_asked_to_leave_a_few_agents_at_a_time() -> None:
    cycle = serviced(20).allocator.begin(random.Random(0))
    asked = [0]

    while not cycle.advance(1):
        asked.append(len(cycle._decided.inverse))

    assert cycle.plan is not None
    assert len(cycle.plan.inverse) == 20
    assert max(after - before for before, after in itertools.pairwise(asked)) == 1


@pytest.mark.parametrize("happens", ["failure", "pause"])
def test_who_was_asked_by_a_run_that_came_to_nothing_is_asked_again(happens: str) -> None:
    cluster = serviced(5)
    cycle = cluster.allocator.begin(random.Random(0))
    cycle.advance(4)
    assert 0 < len(cycle._decided.inverse) < 5

    if happens == "failure":
        cycle.abort()
    else:
        cluster.allocator.apply(Paused())
        cluster.allocator.apply(Resumed())
    told = cycle.plan.inverse if cycle.plan is not None else ()

    asked = [*told, *cluster.allocator.plan(random.Random(0)).inverse]
    assert sorted(each.agent_id for each in asked) == [f"agent{number}" for number in range(5)]


# Goal: what is decided about those who are gone is left out, and what was decided since they came back is not. Method:
# all agents leave in the middle of a run, and come back; it has come to some of them.
def test_run_leaves_out_what_it_decided_before_somebody_left() -> None:
    cluster = Cluster(3)
    cluster.add_framework("a")
    cycle = cluster.allocator.begin(random.Random(0))
    cycle.advance(3)
    before = [grant.agent_id for grant in cycle._decided.grants]
    assert 0 < len(before) < 3

    for number in range(3):
        cluster.allocator.apply(AgentRemoved(AgentID(f"agent{number}")))
        cluster.add_agent(f"agent{number}")
    while not cycle.advance(1):
        pass

    assert cycle.plan is not None
    granted = [grant.agent_id for grant in cycle.plan.grants]
    assert sorted(before + granted) == [f"agent{number}" for number in range(3)]
    assert sorted([grant.agent_id for grant in cluster.plan()]) == sorted(before)


# Goal: a grant of a shared volume does not look at all roles below those it counts for. Method: nobody lists them.
def test_shared_volume_is_counted_by_those_who_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    volume = Portion(
        Kind(
            "disk",
            reservations=(Reservation(ReservationType.DYNAMIC, "x", "p"),),
            disk=Disk(persistence=Persistence("v")),
            shared=True,
        ),
        64_000,
    )
    cluster = Cluster(min_allocatable="", is_audited=False)
    for number in range(20):
        cluster.add_framework(f"f{number}", f"x/r{number}", capabilities=("SHARED_RESOURCES",))
    cluster.add_agent("agent", Resources.from_portions([volume]))
    listed: list[RoleBook] = []
    subtree = RoleBook.subtree
    monkeypatch.setattr(RoleBook, "subtree", lambda role: listed.append(role) or subtree(role))  # type: ignore[func-returns-value]

    grants = [grant for _ in range(3) for grant in cluster.plan()]
    cluster.recover(grants[0])

    assert len(grants) == 3
    assert listed == []
    cluster.allocator._check()
