"""Offer filters: what they keep away, and what ends them."""

import pytest

from mesoslite.model import (
    AgentID,
    AgentRemoved,
    Delta,
    FilterExpired,
    FrameworkActivated,
    FrameworkDeactivated,
    FrameworkID,
    InternalError,
    Resources,
    Revived,
)

from .cluster import Cluster

A = FrameworkID("a")


def refusing_cluster() -> Cluster:
    """One agent, refused as a whole by framework a in its role ads, under filter 1."""
    cluster = Cluster(agents=1)
    cluster.add_framework("a", "ads")
    (grant,) = cluster.plan()
    cluster.recover(grant, filtered=True)
    return cluster


def test_refused_resources_are_kept_away_until_the_filter_expires() -> None:
    cluster = refusing_cluster()

    assert cluster.plan() == []

    cluster.allocator.apply(FilterExpired(1))
    assert cluster.served() == ["a"]


def test_refused_resources_go_to_another_framework() -> None:
    cluster = refusing_cluster()

    cluster.add_framework("b", "ads")

    assert cluster.served() == ["b"]


def test_filter_is_for_one_agent_only() -> None:
    cluster = refusing_cluster()

    cluster.add_agent("agent1")

    assert [grant.agent_id for grant in cluster.plan()] == ["agent1"]


def test_filter_is_for_one_role_only() -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a", "ads", "web")
    (grant,) = cluster.plan()

    cluster.recover(grant, filtered=True)

    assert [again.role for again in cluster.plan()] == ["web"]


# Goal: a filter blocks what it refused and less. Method: refuse a part, then let more or less become available.
@pytest.mark.parametrize(("freed", "count"), [("", 0), ("cpus:0.001", 1), ("mem:0.001", 1), ("cpus:1;mem:1", 1)])
def test_filter_blocks_only_offers_within_what_was_refused(freed: str, count: int) -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a")
    (grant,) = cluster.plan()
    cluster.recover(grant, Resources.parse("cpus:1;mem:64"), filtered=True)

    cluster.recover(grant, Resources.parse(freed))

    assert len(cluster.plan()) == count


def test_filter_blocks_less_than_was_refused() -> None:
    cluster = refusing_cluster()
    cluster.add_framework("b")
    (grant,) = cluster.plan()

    cluster.recover(grant, Resources.of(cpus=1), filtered=True)

    assert cluster.plan() == []


@pytest.mark.parametrize(
    "deltas",
    [
        (Revived(A),),
        (Revived(A, ("ads",)),),
        (FrameworkDeactivated(A), FrameworkActivated(A)),
    ],
)
def test_revival_and_reconnection_drop_filters(deltas: tuple[Delta, ...]) -> None:
    cluster = refusing_cluster()

    for delta in deltas:
        cluster.allocator.apply(delta)

    assert cluster.served() == ["a"]


def test_revival_of_another_role_keeps_the_filter() -> None:
    cluster = refusing_cluster()

    cluster.allocator.apply(Revived(A, ("web",)))

    assert cluster.plan() == []


def test_agent_that_comes_back_is_not_filtered() -> None:
    cluster = refusing_cluster()

    cluster.allocator.apply(AgentRemoved(AgentID("agent0")))
    cluster.add_agent("agent0")

    assert cluster.served() == ["a"]


def test_filter_that_is_gone_may_still_expire() -> None:
    cluster = refusing_cluster()
    cluster.allocator.apply(Revived(A))
    (grant,) = cluster.plan()
    cluster.recover(grant, filtered=True)

    cluster.allocator.apply(FilterExpired(1))

    assert cluster.plan() == []


def test_each_of_several_filters_blocks_for_itself() -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a")
    (grant,) = cluster.plan()
    cluster.recover(grant, Resources.of(cpus=1), filtered=True)
    cluster.recover(grant, Resources.of(cpus=1), filtered=True)

    (again,) = cluster.plan()
    cluster.recover(again, Resources.of(cpus=1))
    assert cluster.plan() == []

    cluster.allocator.apply(FilterExpired(1))
    assert cluster.plan() == []

    cluster.allocator.apply(FilterExpired(2))
    assert cluster.served() == ["a"]


def test_filter_number_used_twice_is_an_error() -> None:
    cluster = refusing_cluster()
    cluster.allocator.apply(Revived(A))
    (grant,) = cluster.plan()
    cluster.recover(grant, Resources.of(cpus=1), filtered=True)
    cluster.filter_count -= 1

    with pytest.raises(InternalError, match="filter 2 is set twice"):
        cluster.recover(grant, Resources.of(cpus=1), filtered=True)
