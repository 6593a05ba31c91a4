"""Fairness: who gets how much once everybody has taken what fits."""

import pytest

from mesoslite.model import InvalidRequest, WeightChanged

from .cluster import Cluster


# Source: Ghodsi et al., Dominant Resource Fairness, NSDI 2011, the example of section 4.1.
@pytest.mark.parametrize("roles", [("*", "*"), ("ads", "web")], ids=["one role", "a role each"])
def test_example_of_the_drf_paper_gives_three_and_two_tasks(roles: tuple[str, str]) -> None:
    cluster = Cluster(agents=1, total="cpus:9;mem:18000")
    cluster.add_framework("a", roles[0])
    cluster.add_framework("b", roles[1])

    tasks = cluster.fill({"a": "cpus:1;mem:4000", "b": "cpus:3;mem:1000"})

    assert tasks == {"a": 3, "b": 2}
    assert cluster.allocator.dominant_share("a") == cluster.allocator.dominant_share("b") == 2 / 3


def test_role_of_twice_the_weight_gets_twice_as_much() -> None:
    cluster = Cluster(agents=1, total="cpus:12;mem:12000")
    cluster.allocator.apply(WeightChanged("ads", 2.0))
    cluster.add_framework("a", "ads")
    cluster.add_framework("b", "web")

    tasks = cluster.fill({"a": "cpus:1;mem:1000", "b": "cpus:1;mem:1000"})

    assert tasks == {"a": 8, "b": 4}


def test_weight_changed_later_counts_from_then_on() -> None:
    cluster = Cluster(agents=1, total="cpus:12;mem:12000")
    cluster.add_framework("a", "ads")
    cluster.add_framework("b", "web")
    cluster.allocator.apply(WeightChanged("web", 3.0))

    tasks = cluster.fill({"a": "cpus:1;mem:1000", "b": "cpus:1;mem:1000"})

    assert tasks == {"a": 3, "b": 9}


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_weight_that_is_not_above_zero_is_refused(weight: float) -> None:
    cluster = Cluster()

    with pytest.raises(InvalidRequest, match="weight"):
        cluster.allocator.apply(WeightChanged("ads", weight))


def test_roles_share_equally_however_many_frameworks_each_has() -> None:
    cluster = Cluster(agents=1, total="cpus:12;mem:12000")
    cluster.add_framework("a", "ads")
    for framework in "bcd":
        cluster.add_framework(framework, "web")

    tasks = cluster.fill(dict.fromkeys("abcd", "cpus:1;mem:1000"))

    assert tasks == {"a": 6, "b": 2, "c": 2, "d": 2}


def test_equals_take_turns_agent_by_agent() -> None:
    cluster = Cluster(agents=4)
    for framework in "dbca":
        cluster.add_framework(framework)

    grants = cluster.plan()

    assert [grant.framework_id for grant in grants] == ["a", "b", "c", "d"]


def test_share_counts_all_roles_of_a_framework_together() -> None:
    cluster = Cluster(agents=4)
    cluster.add_framework("a", "ads", "web")

    before = cluster.allocator.dominant_share("a")
    cluster.plan("agent0", "agent1")

    assert (before, cluster.allocator.dominant_share("a")) == (0.0, 0.5)


def test_shares_follow_a_growing_cluster() -> None:
    cluster = Cluster(agents=2)
    cluster.add_framework("a")
    cluster.plan("agent0")
    cluster.add_framework("b")

    # Now a holds half of the memory; with big in, b's whole agent1 will be the larger share of the cpus.
    cluster.add_agent("big", "cpus:1;mem:100000")
    cluster.add_agent("small", "cpus:1;mem:32")

    assert cluster.served("agent1") == ["b"]
    assert cluster.served("small") == ["a"]
