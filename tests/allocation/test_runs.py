"""Runs: in slices, between which anything may happen; pause, hold-off, maintenance."""

import random

import pytest

from mesoslite.model import (
    AgentActivated,
    AgentDeactivated,
    AgentID,
    AgentRemoved,
    AgentUnavailable,
    FilterExpired,
    FrameworkActivated,
    FrameworkDeactivated,
    FrameworkID,
    FrameworkRemoved,
    Grant,
    InternalError,
    InverseGrant,
    InverseOfferAnswered,
    Paused,
    QuotaChanged,
    RecoveryBegun,
    RecoveryOver,
    Resources,
    Resumed,
    Revived,
    Unavailability,
)

from .cluster import Cluster

A = FrameworkID("a")
AGENT = AgentID("agent0")
SOON = Unavailability(1_000)


def in_slices(cluster: Cluster, work: int) -> tuple[list[Grant], int]:
    cycle = cluster.allocator.begin(random.Random(0))
    slices = 1
    while not cycle.advance(work):
        slices += 1
    assert cycle.plan is not None
    return list(cycle.plan.grants), slices


def test_run_in_slices_decides_what_one_at_a_time_does() -> None:
    def cluster() -> Cluster:
        made = Cluster(agents=50)
        made.allocator.apply(QuotaChanged("web", (("cpus", 20_000),), (("cpus", 30_000),)))
        for framework in "abc":
            made.add_framework(framework, "ads")
        made.add_framework("d", "web")
        return made

    whole, sliced = cluster().plan(), in_slices(cluster(), 7)

    assert sliced[0] == whole
    assert sliced[1] > 5


def test_slice_does_about_as_much_as_it_is_told() -> None:
    cluster = Cluster(agents=100)
    cluster.add_framework("a")
    cycle = cluster.allocator.begin(random.Random(0))

    cycle.advance(10)

    assert 1 <= cycle.visited <= 10


def test_only_one_run_is_under_way() -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a")
    cluster.allocator.begin(random.Random(0))

    with pytest.raises(InternalError, match="under way"):
        cluster.allocator.begin(random.Random(0))


@pytest.mark.parametrize("gone", ["framework", "agent"])
def test_what_vanishes_during_a_run_is_not_in_its_plan(gone: str) -> None:
    cluster = Cluster(agents=10)
    cluster.add_framework("a")
    cycle = cluster.allocator.begin(random.Random(0))
    cycle.advance(10)

    for number in range(10):
        if gone == "agent":
            cluster.allocator.apply(AgentRemoved(AgentID(f"agent{number}")))
    if gone == "framework":
        cluster.allocator.apply(FrameworkRemoved(A))
    cycle.advance(1_000)
    cluster.audit()

    assert cycle.plan is not None
    assert cycle.plan.grants == ()


def test_what_is_given_back_during_a_run_is_for_the_next() -> None:
    cluster = Cluster(agents=3)
    cluster.add_framework("a")
    grants = cluster.plan()
    cluster.recover(grants[0])
    cycle = cluster.allocator.begin(random.Random(0))

    cluster.recover(grants[1])
    cycle.advance(1_000)

    assert cycle.plan is not None
    assert [grant.agent_id for grant in cycle.plan.grants] == [grants[0].agent_id]
    assert [grant.agent_id for grant in cluster.plan()] == [grants[1].agent_id]


def test_nothing_is_offered_while_paused_and_nothing_is_forgotten() -> None:
    cluster = Cluster(agents=4)
    cluster.add_framework("a")
    cycle = cluster.allocator.begin(random.Random(0))
    cycle.advance(3)

    cluster.allocator.apply(Paused())
    assert cycle.plan is not None
    offered = len(cycle.plan.grants)
    assert 0 < offered < 4
    assert cluster.plan() == []

    cluster.allocator.apply(Resumed())
    assert len(cluster.plan()) == 4 - offered


def test_offers_are_held_off_until_four_in_five_agents_are_back() -> None:
    cluster = Cluster()
    cluster.allocator.apply(QuotaChanged("web", (("cpus", 1_000),)))
    cluster.add_framework("a", "web")
    cluster.allocator.apply(RecoveryBegun(5))

    for number in range(3):
        cluster.add_agent(f"agent{number}")
    assert cluster.plan() == []

    cluster.add_agent("agent3")
    assert len(cluster.plan()) == 4


def test_hold_off_ends_when_it_is_over() -> None:
    cluster = Cluster(agents=1)
    cluster.allocator.apply(QuotaChanged("web", (("cpus", 1_000),)))
    cluster.add_framework("a", "web")
    cluster.allocator.apply(RecoveryBegun(100))
    assert cluster.plan() == []

    cluster.allocator.apply(RecoveryOver())

    assert cluster.served() == ["a"]


def test_without_quota_nothing_is_held_off() -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a")

    cluster.allocator.apply(RecoveryBegun(100))

    assert cluster.served() == ["a"]


# Goal: a run that is stopped leaves nothing out. Method: after any slice, in the guarantees' stage too, pause it; who
#   is guaranteed something cannot have it, so that stage visits all agents, and leaves all of them to the other.
@pytest.mark.parametrize("work", range(1, 12))
def test_agents_of_a_run_that_was_stopped_are_granted_by_the_next(work: int) -> None:
    cluster = Cluster(agents=3, total="cpus:4;gpus:1")
    cluster.allocator.apply(QuotaChanged("web", (("cpus", 1_000),)))
    cluster.add_framework("a", "web")
    cluster.add_framework("b", "ads", capabilities=("GPU_RESOURCES",))
    cluster.allocator.begin(random.Random(1)).advance(work)

    cluster.allocator.apply(Paused())
    cluster.allocator.apply(Resumed())
    cluster.plan()

    assert [cluster.allocator.available(AgentID(f"agent{number}")).get("gpus") for number in range(3)] == [0, 0, 0]


# ---- maintenance ----


def asked(cluster: Cluster) -> list[InverseGrant]:
    return list(cluster.allocator.plan(random.Random(0)).inverse)


def held_cluster() -> Cluster:
    """Framework a holds all of agent0, which is to be serviced."""
    cluster = Cluster(agents=1)
    cluster.add_framework("a")
    cluster.add_framework("b")
    cluster.plan()
    cluster.allocator.apply(AgentUnavailable(AGENT, SOON))
    return cluster


def answer(cluster: Cluster, accepted: bool | None, filter_id: int | None = None) -> None:
    cluster.allocator.apply(
        InverseOfferAnswered(framework_id=A, agent_id=AGENT, accepted=accepted, filter_id=filter_id)
    )


ASKED = [InverseGrant(framework_id=A, agent_id=AGENT, unavailability=SOON)]


def test_who_holds_something_on_an_agent_to_be_serviced_is_asked_once() -> None:
    cluster = held_cluster()

    assert [asked(cluster), asked(cluster)] == [ASKED, []]


def test_who_gets_something_on_it_later_is_asked_too() -> None:
    cluster = Cluster()
    cluster.add_agent("agent0", unavailability=SOON)
    assert asked(cluster) == []

    cluster.add_framework("a")

    assert asked(cluster) == ASKED


def test_who_has_answered_is_asked_again_once_the_filter_ends() -> None:
    cluster = held_cluster()
    asked(cluster)

    answer(cluster, accepted=False, filter_id=7)
    assert asked(cluster) == []

    cluster.allocator.apply(FilterExpired(7))
    assert asked(cluster) == ASKED


@pytest.mark.parametrize("accepted", [True, None])
def test_who_has_answered_without_a_filter_is_asked_again(accepted: bool | None) -> None:
    cluster = held_cluster()
    asked(cluster)

    answer(cluster, accepted)

    assert asked(cluster) == ASKED


def test_revival_and_another_time_end_the_filters() -> None:
    cluster = held_cluster()
    asked(cluster)
    answer(cluster, accepted=True, filter_id=7)

    assert cluster.allocator.apply(Revived(A)) == (7,)
    assert asked(cluster) == ASKED

    answer(cluster, accepted=True, filter_id=8)
    assert cluster.allocator.apply(AgentUnavailable(AGENT, Unavailability(5))) == (8,)
    assert [grant.unavailability.start for grant in asked(cluster)] == [5]


def test_nobody_is_asked_to_leave_an_agent_that_may_not_be_offered_or_is_not_serviced() -> None:
    cluster = held_cluster()
    cluster.allocator.apply(AgentDeactivated(AGENT))
    assert asked(cluster) == []

    cluster.allocator.apply(AgentActivated(AGENT))
    cluster.allocator.apply(AgentUnavailable(AGENT, None))
    assert asked(cluster) == []


def test_framework_that_is_away_is_asked_when_it_is_back() -> None:
    cluster = held_cluster()
    cluster.allocator.apply(FrameworkDeactivated(A))
    assert asked(cluster) == []

    cluster.allocator.apply(FrameworkActivated(A))

    assert asked(cluster) == ASKED


def test_filters_of_both_sorts_have_one_row_of_numbers() -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a")
    (grant,) = cluster.plan()
    cluster.recover(grant, Resources.of(cpus=1), filtered=True)

    with pytest.raises(InternalError, match="filter 1 is set twice"):
        answer(cluster, accepted=False, filter_id=1)


def test_filter_of_an_answer_may_expire_after_the_service_was_called_off() -> None:
    cluster = held_cluster()
    asked(cluster)
    answer(cluster, accepted=True, filter_id=7)
    cluster.allocator.apply(AgentUnavailable(AGENT, None))

    cluster.allocator.apply(FilterExpired(7))

    assert asked(cluster) == []


def test_who_is_on_an_agent_that_may_not_be_offered_is_asked_once_it_may() -> None:
    cluster = held_cluster()
    cluster.allocator.apply(AgentDeactivated(AGENT))
    assert asked(cluster) == []

    cluster.allocator.apply(AgentActivated(AGENT))

    assert asked(cluster) == ASKED
