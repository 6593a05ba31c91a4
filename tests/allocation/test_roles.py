"""Hierarchical roles: shares and weights level by level."""

import pytest

from mesoslite.model import AgentAdded, AgentID, FrameworkID, FrameworkRemoved, Resources, Usage, WeightChanged

from .cluster import Cluster

TASK = "cpus:1;mem:100"


def test_siblings_share_what_their_parent_gets() -> None:
    cluster = Cluster(agents=1, total="cpus:12;mem:1200")
    for framework, role in (("a", "eng/ads"), ("b", "eng/web"), ("c", "ops")):
        cluster.add_framework(framework, role)

    assert cluster.fill(dict.fromkeys("abc", TASK)) == {"a": 3, "b": 3, "c": 6}


def test_weights_count_at_each_level() -> None:
    cluster = Cluster(agents=1, total="cpus:16;mem:1600")
    for role, weight in (("eng", 3.0), ("eng/ads", 2.0)):
        cluster.allocator.apply(WeightChanged(role, weight))
    for framework, role in (("a", "eng/ads"), ("b", "eng/web"), ("c", "ops")):
        cluster.add_framework(framework, role)

    assert cluster.fill(dict.fromkeys("abc", TASK)) == {"a": 8, "b": 4, "c": 4}


def test_role_with_roles_below_competes_with_them_as_one_of_them() -> None:
    cluster = Cluster(agents=1, total="cpus:12;mem:1200")
    for framework, role in (("a", "eng"), ("b", "eng/web"), ("c", "ops")):
        cluster.add_framework(framework, role)

    assert cluster.fill(dict.fromkeys("abc", TASK)) == {"a": 3, "b": 3, "c": 6}


@pytest.mark.parametrize("sorter", ["drf", "random"])
def test_roles_come_and_go_in_any_order(sorter: str) -> None:
    cluster = Cluster(agents=1, role_sorter=sorter, framework_sorter=sorter)
    for framework, role in (("a", "x/y"), ("b", "x"), ("c", "x/y/z"), ("d", "x/w")):
        cluster.add_framework(framework, role)
        cluster.recover(cluster.plan()[0], Resources.of(cpus=1))

    for framework in "bacd":
        cluster.allocator.apply(FrameworkRemoved(FrameworkID(framework)))
        cluster.plan()

    assert cluster.allocator.available(AgentID("agent0")) == Resources.parse("cpus:4;mem:1024")


def test_what_runs_on_a_new_agent_counts_for_all_roles_above() -> None:
    cluster = Cluster()
    used = (Usage(FrameworkID("old"), "eng/ads", Resources.of(cpus=2, mem=200)),)
    cluster.allocator.apply(
        AgentAdded(agent_id=AgentID("x"), hostname="x", total=Resources.of(cpus=4, mem=400), used=used)
    )
    cluster.add_framework("a", "eng/web")
    cluster.add_framework("b", "ops")

    assert cluster.served() == ["b"]


# Goal: the number of words in a path or of roles is no trap. Method: more of either than recursion or squares bear.
def test_deep_role_is_served() -> None:
    cluster = Cluster(agents=1, is_audited=False)
    cluster.add_framework("a", "/".join(["r"] * 128))
    cluster.add_framework("b", "r/r")

    assert cluster.served() == ["b"]


def test_framework_of_very_many_roles_is_served() -> None:
    cluster = Cluster(agents=3, is_audited=False)
    roles = tuple(f"role{number:05}" for number in range(20_000))
    cluster.add_framework("a", *roles)

    assert sorted(grant.role for grant in cluster.plan()) == list(roles[:3])
