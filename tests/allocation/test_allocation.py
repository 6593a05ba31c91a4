"""Allocation: what is granted, when, and what the deltas do to it."""

import pytest

from mesoslite.model import (
    NOTHING,
    AgentActivated,
    AgentAdded,
    AgentDeactivated,
    AgentID,
    AgentRemoved,
    Delta,
    FilterExpired,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkDeactivated,
    FrameworkID,
    FrameworkRemoved,
    Grant,
    InternalError,
    NotFound,
    Resources,
    ResourcesRecovered,
    Revived,
    Suppressed,
    Usage,
)
from mesoslite.model.kinds import Kind
from mesoslite.model.portions import Portion

from .cluster import Cluster

TOTAL = Resources.parse("cpus:4;mem:1024")
A, AGENT0 = FrameworkID("a"), AgentID("agent0")


def test_framework_is_granted_all_of_an_agent_once() -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a", "ads")

    grants = cluster.plan()

    assert grants == [Grant(framework_id=A, role="ads", agent_id=AGENT0, resources=TOTAL)]
    assert cluster.plan() == []


def test_grant_counts_as_allocated_until_it_is_recovered() -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a")
    (grant,) = cluster.plan()

    booked = (cluster.allocator.allocated(AGENT0), cluster.allocator.available(AGENT0))
    cluster.recover(grant)

    assert booked == (TOTAL, NOTHING)
    assert (cluster.allocator.allocated(AGENT0), cluster.allocator.available(AGENT0)) == (NOTHING, TOTAL)


def test_recovered_resources_are_granted_again() -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a")
    (grant,) = cluster.plan()
    cluster.recover(grant, Resources.of(cpus=1))

    (again,) = cluster.plan()

    assert again.resources == Resources.of(cpus=1)


@pytest.mark.parametrize(
    ("total", "count"), [("cpus:0.009;mem:31.999", 0), ("cpus:0.01", 1), ("mem:32", 1), ("disk:99999", 0)]
)
def test_only_what_is_worth_an_offer_is_granted(total: str, count: int) -> None:
    cluster = Cluster(agents=1, total=total)
    cluster.add_framework("a")

    assert len(cluster.plan()) == count


def test_plan_for_named_agents_leaves_the_others_for_later() -> None:
    cluster = Cluster(agents=3)
    cluster.add_framework("a")

    first = cluster.plan("agent1", "agent1", "unknown")
    rest = cluster.plan()

    assert [grant.agent_id for grant in first] == ["agent1"]
    assert sorted(grant.agent_id for grant in rest) == ["agent0", "agent2"]


def test_one_seed_gives_one_plan_and_another_seed_another() -> None:
    def plan(seed: int) -> list[Grant]:
        cluster = Cluster(agents=20)
        for framework in "abc":
            cluster.add_framework(framework)
        return cluster.plan(seed=seed)

    assert plan(1) == plan(1)
    assert plan(1) != plan(2)


def test_inactive_agent_is_not_granted_and_keeps_what_is_held() -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a")
    (grant,) = cluster.plan()
    cluster.recover(grant, Resources.of(cpus=1))

    cluster.allocator.apply(AgentDeactivated(AGENT0))
    assert cluster.plan() == []
    assert cluster.allocator.allocated(AGENT0) == TOTAL - Resources.of(cpus=1)

    cluster.allocator.apply(AgentActivated(AGENT0))
    assert cluster.served() == ["a"]


@pytest.mark.parametrize(
    ("stop", "start"),
    [
        (FrameworkDeactivated(A), FrameworkActivated(A)),
        (Suppressed(A), Revived(A)),
        (Suppressed(A, ("ads", "web")), Revived(A, ("web",))),
    ],
)
def test_framework_gets_nothing_until_it_wants_offers_again(stop: Delta, start: Delta) -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a", "ads", "web")

    cluster.allocator.apply(stop)
    assert cluster.plan() == []

    cluster.allocator.apply(start)
    assert cluster.served() == ["a"]


def test_suppressing_one_role_leaves_the_other() -> None:
    cluster = Cluster(agents=2)
    cluster.add_framework("a", "ads", "web")

    cluster.allocator.apply(Suppressed(A, ("ads",)))

    assert [grant.role for grant in cluster.plan()] == ["web", "web"]


def test_reviving_one_role_leaves_the_other_suppressed() -> None:
    cluster = Cluster(agents=2)
    cluster.add_framework("a", "ads", "web")
    cluster.allocator.apply(Suppressed(A))

    cluster.allocator.apply(Revived(A, ("web",)))

    assert [grant.role for grant in cluster.plan()] == ["web", "web"]


def test_framework_may_start_inactive_or_suppressed() -> None:
    cluster = Cluster(agents=3)
    cluster.add_framework("a", active=False)
    cluster.add_framework("b", suppressed=("*",))
    cluster.add_framework("c", "ads", "web", suppressed=("ads",))

    assert {(grant.framework_id, grant.role) for grant in cluster.plan()} == {("c", "web")}


def test_removed_framework_frees_what_it_held() -> None:
    cluster = Cluster(agents=2)
    cluster.add_framework("a")
    cluster.plan()
    cluster.add_framework("b")
    assert cluster.plan() == []

    cluster.allocator.apply(FrameworkRemoved(A))

    assert cluster.allocator.dominant_share(A) == 0.0
    assert cluster.served() == ["b", "b"]


def test_removed_agent_is_no_longer_known() -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a")
    cluster.plan()

    cluster.allocator.apply(AgentRemoved(AGENT0))

    assert cluster.allocator.dominant_share(A) == 0.0
    assert cluster.plan(AGENT0) == []
    with pytest.raises(NotFound, match="agent0"):
        cluster.allocator.available(AGENT0)
    with pytest.raises(NotFound, match="agent0"):
        cluster.allocator.allocated(AGENT0)


def test_tasks_on_a_new_agent_count_for_frameworks_that_come_later() -> None:
    cluster = Cluster()
    cluster.allocator.apply(
        AgentAdded(
            agent_id=AGENT0,
            hostname="h",
            total=TOTAL,
            used=(Usage(A, "*", Resources.of(cpus=1)), Usage(A, "*", Resources.of(cpus=1))),
        )
    )
    cluster.add_framework("a")
    cluster.add_framework("b")

    assert cluster.allocator.dominant_share(A) == 0.5
    assert cluster.served() == ["b"]


@pytest.mark.parametrize("gone", [FrameworkRemoved(A), AgentRemoved(AGENT0)])
def test_recovering_from_what_is_gone_changes_nothing(gone: Delta) -> None:
    cluster = Cluster(agents=2)
    cluster.add_framework("a")
    grants = cluster.plan()
    cluster.allocator.apply(gone)
    before = cluster.allocator.available(AgentID("agent1"))

    cluster.recover(next(grant for grant in grants if grant.agent_id == AGENT0), filtered=True)

    assert cluster.allocator.available(AgentID("agent1")) == before


def test_recovering_nothing_changes_nothing() -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a")
    (grant,) = cluster.plan()

    cluster.recover(grant, NOTHING, filtered=True)

    assert cluster.allocator.allocated(AGENT0) == TOTAL


def test_recovering_more_than_is_held_is_an_error_that_names_both() -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a")
    (grant,) = cluster.plan()
    cluster.recover(grant, Resources.of(cpus=3))

    with pytest.raises(InternalError, match=r"framework a gives back cpus:2 as role '\*' on agent agent0.*cpus:1;"):
        cluster.recover(grant, Resources.of(cpus=2))
    assert cluster.allocator.available(AGENT0) == Resources.of(cpus=3)


# Goal: no agent is turned away that comes back smaller, or with revocable tasks before it said what is revocable.
def test_agent_whose_tasks_use_more_than_it_has_is_short_until_they_end() -> None:
    cluster = Cluster()
    revocable = Resources.from_portions([Portion(Kind("cpus", revocable=True), 2_000)])
    used = (Usage(A, "*", Resources.of(cpus=5)), Usage(A, "ads", revocable))
    cluster.add_agent("agent0", TOTAL, used=used)
    cluster.add_framework("b")
    assert cluster.allocator.available(AGENT0) == Resources.of(mem=TOTAL.get("mem"))
    (grant,) = cluster.plan()

    for usage in used:
        cluster.allocator.apply(
            ResourcesRecovered(framework_id=A, role=usage.role, agent_id=AGENT0, resources=usage.resources)
        )
        cluster.audit()

    cluster.recover(grant)
    assert cluster.allocator.available(AGENT0) == TOTAL


@pytest.mark.parametrize(
    "delta",
    [
        AgentAdded(agent_id=AGENT0, hostname="h", total=TOTAL),
        FrameworkAdded(framework_id=A, roles=("*",)),
        AgentRemoved(AgentID("other")),
        AgentActivated(AgentID("other")),
        AgentDeactivated(AgentID("other")),
        FrameworkRemoved(FrameworkID("other")),
        FrameworkActivated(FrameworkID("other")),
        FrameworkDeactivated(FrameworkID("other")),
        Suppressed(FrameworkID("other")),
        Revived(FrameworkID("other")),
    ],
    ids=lambda delta: type(delta).__name__,
)
def test_delta_that_cannot_follow_is_an_error_that_names_its_subject(delta: Delta) -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a")

    with pytest.raises(InternalError, match=r"agent0|framework a |other"):
        cluster.allocator.apply(delta)


# Goal: a cluster at rest costs nothing. Method: runs say how many agents they looked at.
def test_agents_that_did_not_change_are_not_visited_again() -> None:
    cluster = Cluster(agents=3)
    cluster.add_framework("a")
    for grant in cluster.plan():
        cluster.recover(grant, filtered=True)

    first, second = cluster.visited(), cluster.visited()
    cluster.allocator.apply(FilterExpired(1))

    assert (first, second, cluster.visited()) == (3, 0, 1)


def test_recovery_is_for_the_role_it_was_granted_to() -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a", "ads", "web")
    (grant,) = cluster.plan()

    with pytest.raises(InternalError, match="holds nothing"):
        cluster.allocator.apply(
            ResourcesRecovered(framework_id=A, role="web", agent_id=AGENT0, resources=grant.resources)
        )


def test_each_client_on_an_agent_that_comes_with_them_counts_in_its_role() -> None:
    cluster = Cluster()
    for framework, role in (("first", "ads"), ("second", "ads"), ("third", "bids")):
        cluster.add_framework(framework, role)
    parts = (("first", "ads", 1), ("second", "ads", 1), ("third", "bids", 2))
    used = tuple([Usage(FrameworkID(who), role, Resources.of(cpus=cpus)) for who, role, cpus in parts])

    cluster.add_agent("agent0", "cpus:4", used=used)
    cluster.add_agent("agent1", "cpus:4;mem:1024")

    assert cluster.served("agent1") == ["third"]  # the roles hold as much, and one of them was granted less often
