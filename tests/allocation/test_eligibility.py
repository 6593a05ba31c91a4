"""Eligibility: which clients an agent is for: capabilities, regions, what is worth an offer, whitelist."""

import pytest

from mesoslite.model import (
    GPU_RESOURCES,
    MULTI_ROLE,
    REGION_AWARE,
    AgentID,
    AgentsWhitelisted,
    AgentUpdated,
    FrameworkID,
    FrameworkUpdated,
    Resources,
    RoleMinimum,
)

from .cluster import Cluster


def test_agent_with_gpus_is_for_frameworks_that_know_gpus() -> None:
    cluster = Cluster(agents=1, total="cpus:4;gpus:1")
    cluster.add_framework("a")
    assert cluster.plan() == []

    cluster.add_framework("b", capabilities=(GPU_RESOURCES,))
    assert cluster.served() == ["b"]


def test_gpus_are_for_everybody_if_they_are_not_filtered() -> None:
    cluster = Cluster(agents=1, total="cpus:4;gpus:1", filter_gpus=False)
    cluster.add_framework("a")

    assert cluster.served() == ["a"]


@pytest.mark.parametrize(
    ("masters", "agents", "count"), [("x", "y", 0), ("x", "x", 1), ("x", None, 1), (None, "y", 1), (None, None, 1)]
)
def test_agent_of_another_region_is_for_frameworks_that_know_regions(
    masters: str | None, agents: str | None, count: int
) -> None:
    cluster = Cluster(region=masters)
    cluster.add_agent("agent", region=agents)
    cluster.add_framework("a")
    assert len(cluster.plan()) == count

    cluster.add_framework("b", capabilities=(REGION_AWARE,))
    assert len(cluster.plan()) == 1 - count


def test_agent_that_knows_no_roles_of_several_is_for_frameworks_of_one() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", capabilities=("HIERARCHICAL_ROLE",))
    cluster.add_framework("a", "x", "y", capabilities=(MULTI_ROLE,))
    assert cluster.plan() == []

    cluster.add_framework("b", "x")
    assert cluster.served() == ["b"]


def test_agent_that_knows_no_roles_below_roles_is_for_those_at_the_top() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", capabilities=("MULTI_ROLE",))
    cluster.add_framework("a", "x/y")
    assert cluster.plan() == []

    cluster.allocator.apply(AgentUpdated(agent_id=AgentID("agent"), capabilities=("HIERARCHICAL_ROLE",)))
    assert cluster.served() == ["a"]


@pytest.mark.parametrize(
    ("alternatives", "count"), [((), 1), (("cpus:1",), 1), (("cpus:8", "mem:1"), 1), (("cpus:8",), 0)]
)
def test_framework_says_itself_what_is_worth_an_offer(alternatives: tuple[str, ...], count: int) -> None:
    cluster = Cluster(agents=1, total="cpus:4;mem:16")
    minimum = RoleMinimum("x", tuple([Resources.parse(least) for least in alternatives]))
    cluster.add_framework("a", "x", min_allocatable=(minimum,))

    assert len(cluster.plan()) == count


def test_minimum_of_one_framework_may_be_below_that_of_all() -> None:
    cluster = Cluster(agents=1, total="cpus:0.005;mem:1")
    cluster.add_framework("a")
    cluster.add_framework("b", min_allocatable=(RoleMinimum("*", ()),))

    assert cluster.served() == ["b"]


def test_subscription_replaces_roles_capabilities_and_minimum() -> None:
    cluster = Cluster(agents=1, total="cpus:4;gpus:1")
    cluster.add_framework("a", "x", "y", min_allocatable=(RoleMinimum("x", (Resources.of(cpus=9),)),))

    cluster.allocator.apply(
        FrameworkUpdated(framework_id=FrameworkID("a"), roles=("x",), capabilities=(GPU_RESOURCES,))
    )

    (grant,) = cluster.plan()
    assert grant.role == "x"


def test_role_that_is_left_keeps_what_is_held_and_its_filters_end() -> None:
    cluster = Cluster(agents=2)
    cluster.add_framework("a", "x")
    first, second = cluster.plan()
    filter_id = cluster.recover(first, filtered=True)

    ended = cluster.allocator.apply(FrameworkUpdated(framework_id=FrameworkID("a"), roles=("y",)))

    assert ended == (filter_id,)
    assert [grant.role for grant in cluster.plan()] == ["y"]
    cluster.recover(second)
    assert cluster.served() == ["a"]


def test_only_listed_agents_are_offered() -> None:
    cluster = Cluster(agents=2)
    cluster.add_framework("a")
    cluster.allocator.apply(AgentsWhitelisted(("agent1", "agent2")))
    cluster.add_agent("agent2")
    cluster.add_agent("agent3")
    assert sorted(grant.agent_id for grant in cluster.plan()) == ["agent1", "agent2"]

    cluster.allocator.apply(AgentsWhitelisted(None))
    assert sorted(grant.agent_id for grant in cluster.plan()) == ["agent0", "agent3"]


def test_agent_that_shrinks_below_what_is_held_has_nothing_free_until_enough_came_back() -> None:
    cluster = Cluster(agents=1, total="cpus:4;mem:400")
    cluster.add_framework("a")
    (grant,) = cluster.plan()

    cluster.allocator.apply(AgentUpdated(agent_id=grant.agent_id, total=Resources.parse("cpus:2;mem:600")))
    assert cluster.allocator.available(grant.agent_id) == Resources.parse("mem:200")
    assert cluster.allocator.dominant_share("a") == 2.0

    cluster.recover(grant, Resources.of(cpus=1))
    assert cluster.allocator.available(grant.agent_id) == Resources.parse("mem:200")

    cluster.recover(grant, Resources.of(cpus=2))
    assert cluster.allocator.available(grant.agent_id) == Resources.parse("cpus:1;mem:200")


def test_agent_that_grows_is_offered_what_is_new() -> None:
    cluster = Cluster(agents=1, total="cpus:4;mem:400")
    cluster.add_framework("a")
    cluster.plan()

    cluster.allocator.apply(AgentUpdated(agent_id=AgentID("agent0"), total=Resources.parse("cpus:5;mem:400")))

    (grant,) = cluster.plan()
    assert grant.resources == Resources.of(cpus=1)
