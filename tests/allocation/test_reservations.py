"""Reserved, shared and revocable resources, and conversions of one into another."""

import pytest

from mesoslite.model import (
    NOTHING,
    RESERVATION_REFINEMENT,
    REVOCABLE_RESOURCES,
    SHARED_RESOURCES,
    AgentID,
    AgentUpdated,
    AllocationConverted,
    AvailableConverted,
    FrameworkID,
    InsufficientResources,
    InternalError,
    InvalidRequest,
    QuotaChanged,
    Resources,
    ResourcesRecovered,
    RoleMinimum,
    Usage,
)
from mesoslite.model.kinds import Disk, Kind, Persistence, Reservation, ReservationType
from mesoslite.model.portions import Portion

from .cluster import Cluster

ALL = (RESERVATION_REFINEMENT, REVOCABLE_RESOURCES, SHARED_RESOURCES)
WEB = Reservation(ReservationType.DYNAMIC, "web")
VOLUME = Resources.from_portions(
    [Portion(Kind("disk", reservations=(WEB,), disk=Disk(persistence=Persistence("v1", "p")), shared=True), 1_000_000)]
)
REVOCABLE = Resources.from_portions([Portion(Kind("cpus", revocable=True), 5_000)])
AGENT = AgentID("agent")
A = FrameworkID("a")


def parse(text: str) -> Resources:
    return Resources.parse(text)


def test_reserved_resources_go_to_their_role_and_roles_below_only() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", "cpus(web):4;mem(web):400;cpus:1;mem:64")
    cluster.add_framework("a", "ads")
    cluster.add_framework("b", "web/x")

    grants = {grant.framework_id: grant.resources for grant in cluster.plan()}

    assert grants["b"].contains(parse("cpus(web):4;mem(web):400"))
    assert sum(list(grants.values()), Resources()) == parse("cpus(web):4;mem(web):400;cpus:1;mem:64")


def test_role_above_does_not_get_what_is_reserved_below() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", "cpus(web/x):4;mem(web/x):400")
    cluster.add_framework("a", "web")

    assert cluster.plan() == []


def test_refined_reservation_is_for_frameworks_that_know_them() -> None:
    refined = (
        parse("cpus:4")
        .pushed(Reservation(ReservationType.STATIC, "web"))
        .pushed(Reservation(ReservationType.DYNAMIC, "web/x"))
    )
    cluster = Cluster()
    cluster.add_agent("agent", refined)
    cluster.add_framework("a", "web/x")
    assert cluster.plan() == []

    cluster.add_framework("b", "web/x", capabilities=ALL)
    assert cluster.served() == ["b"]


def test_revocable_resources_are_for_frameworks_that_know_them() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", REVOCABLE + parse("cpus:1"))
    cluster.add_framework("a")
    cluster.add_framework("b", capabilities=ALL)

    grants = {grant.framework_id: grant.resources for grant in cluster.plan()}

    assert grants in ({"a": parse("cpus:1"), "b": REVOCABLE}, {"b": REVOCABLE + parse("cpus:1")})


def test_revocable_resources_do_not_count_against_quota_but_in_shares() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", REVOCABLE + parse("cpus:5"))
    cluster.allocator.apply(QuotaChanged("ads", (("cpus", 1_000),), (("cpus", 1_000),)))
    cluster.add_framework("a", "ads", capabilities=ALL)

    (grant,) = cluster.plan()

    assert grant.resources == REVOCABLE + parse("cpus:1")
    assert cluster.allocator.dominant_share(A) == 0.6


def test_revocable_resources_do_not_count_towards_a_guarantee_though_they_are_reserved() -> None:
    cluster = Cluster()
    reserved = Portion(Kind("cpus", reservations=(Reservation(ReservationType.STATIC, "web"),), revocable=True), 3_000)
    cluster.add_agent("agent", parse("cpus:3;mem:400") + Resources.from_portions([reserved]))
    cluster.allocator.apply(QuotaChanged("web", (("cpus", 3_000),)))
    cluster.add_framework("a", "ads")

    (grant,) = cluster.plan()

    assert grant.resources == parse("mem:400")


def test_shared_volume_is_offered_again_while_somebody_uses_it_but_once_a_run() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", VOLUME + parse("cpus:4"))
    for framework in "ab":
        cluster.add_framework(framework, "web", capabilities=ALL)
    (first,) = cluster.plan()
    assert first.resources == VOLUME + parse("cpus:4")

    cluster.recover(first, parse("cpus:3"))
    (second,) = cluster.plan()

    assert second.framework_id != first.framework_id
    assert second.resources == VOLUME + parse("cpus:3")


def test_shared_volumes_of_one_agent_are_each_offered_once_a_run() -> None:
    ads, disk = Reservation(ReservationType.DYNAMIC, "ads"), Disk(persistence=Persistence("v2", "p"))
    other = Resources.from_portions([Portion(Kind("disk", reservations=(ads,), disk=disk, shared=True), 1_000_000)])
    cluster = Cluster()
    cluster.add_agent("agent", VOLUME + other)
    for framework, role in (("a", "web"), ("b", "ads"), ("c", "ads")):
        cluster.add_framework(framework, role, capabilities=ALL, min_allocatable=(RoleMinimum(role, ()),))

    grants = cluster.plan()

    assert sorted([grant.role for grant in grants]) == ["ads", "web"]
    assert sum([grant.resources for grant in grants], NOTHING) == VOLUME + other


def test_shared_volume_that_an_agent_names_twice_is_there_once() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", VOLUME + VOLUME)

    cluster.allocator.apply(AvailableConverted(agent_id=AGENT, before=VOLUME, after=parse("disk:1000").pushed(WEB)))

    cluster.audit()
    assert cluster.allocator.available(AGENT) == parse("disk:1000").pushed(WEB)


def test_shared_volume_counts_once_for_all_that_use_it() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", VOLUME + parse("cpus:4;disk:1000"))
    for framework in "ab":
        cluster.add_framework(framework, "web", capabilities=ALL)
    (first,) = cluster.plan()
    cluster.recover(first, parse("cpus:4;disk:1000"))
    (second,) = cluster.plan()
    cluster.recover(second, parse("cpus:4;disk:1000"))

    shares = cluster.allocator._books.shares.roles.books["web"].sum.held

    assert shares == {"disk": 1_000_000}
    cluster.recover(first, VOLUME)
    assert shares == {"disk": 1_000_000}
    cluster.recover(second, VOLUME)
    assert shares == {}


def test_framework_reserves_what_it_was_offered() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", "cpus:4;mem:400")
    cluster.add_framework("a", "web")
    (grant,) = cluster.plan()
    reserved = parse("cpus:4").pushed(WEB)

    cluster.allocator.apply(
        AllocationConverted(framework_id=A, role="web", agent_id=AGENT, before=parse("cpus:4"), after=reserved)
    )
    cluster.recover(grant, reserved + parse("mem:400"))
    cluster.add_framework("b", "ads")

    grants = {grant.framework_id: grant.resources for grant in cluster.plan()}
    assert grants["a"].contains(reserved)


def test_conversion_of_more_than_is_held_is_an_error_and_changes_nothing() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", "cpus:4;mem:400")
    cluster.add_framework("a", "web")
    cluster.plan()
    before, after = parse("cpus:5"), parse("cpus:5").pushed(WEB)

    with pytest.raises(InternalError, match="framework a converts cpus:5"):
        cluster.allocator.apply(
            AllocationConverted(framework_id=A, role="web", agent_id=AGENT, before=before, after=after)
        )
    cluster.audit()


def test_operator_reserves_what_is_free_and_is_refused_what_is_not() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", "cpus:4;mem:400")
    change = AvailableConverted(agent_id=AGENT, before=parse("cpus:4"), after=parse("cpus:4").pushed(WEB))
    cluster.add_framework("a", "ads")
    (grant,) = cluster.plan()
    with pytest.raises(InsufficientResources, match="of which nothing is available"):
        cluster.allocator.apply(change)

    cluster.recover(grant)
    cluster.allocator.apply(change)

    (again,) = cluster.plan()
    assert again.resources == parse("mem:400")


# Goal: a grant of what was converted meanwhile can be given back. Method: convert part of what somebody holds.
def test_operator_may_convert_what_is_granted_and_comes_back() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", "cpus:4;mem:400")
    cluster.add_framework("a", "ads")
    (grant,) = cluster.plan()
    before, after = parse("cpus:1"), parse("cpus:1").pushed(WEB)
    cluster.allocator.apply(AvailableConverted(agent_id=AGENT, before=before, after=after, forced=True))
    assert cluster.allocator.available(AGENT) == after

    cluster.recover(grant)

    cluster.audit()
    assert cluster.allocator.available(AGENT) == parse("cpus:3;mem:400") + after


def test_operator_may_do_away_with_a_shared_volume_that_is_granted_and_comes_back() -> None:
    cluster = volume_cluster()
    plain_disk = parse("disk:1000").pushed(WEB)
    cluster.allocator.apply(AvailableConverted(agent_id=AGENT, before=VOLUME, after=plain_disk, forced=True))
    assert cluster.allocator._books.agents[AGENT].is_short

    cluster.allocator.apply(ResourcesRecovered(framework_id=A, role="web", agent_id=AGENT, resources=VOLUME))

    cluster.audit()
    assert cluster.allocator.available(AGENT) == plain_disk


# Method: nothing else has changed since all of it was refused for a while.
def test_what_an_operator_reserves_is_offered_by_the_next_plan() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", "cpus:4;mem:400")
    cluster.add_framework("a", "web")
    (grant,) = cluster.plan()
    cluster.recover(grant, filtered=True)
    assert (cluster.plan(), cluster.plan()) == ([], [])

    after = parse("cpus:1").pushed(WEB)
    cluster.allocator.apply(AvailableConverted(agent_id=AGENT, before=parse("cpus:1"), after=after))

    assert [grant.resources for grant in cluster.plan()] == [parse("cpus:3;mem:400") + after]


def test_reservation_counts_for_quota_as_soon_as_it_is_made() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", "cpus:4;mem:400")
    cluster.allocator.apply(QuotaChanged("web", (("cpus", 4_000),), ()))
    cluster.add_framework("a", "ads")
    assert [grant.resources for grant in cluster.plan()] == [parse("mem:400")]

    cluster.allocator.apply(
        AvailableConverted(agent_id=AGENT, before=parse("cpus:2"), after=parse("cpus:2").pushed(WEB))
    )
    cluster.add_agent("other", "cpus:3;mem:300")

    assert sum([grant.resources for grant in cluster.plan()], Resources()) == parse("cpus:3;mem:300")


def volume_cluster() -> Cluster:
    """Frameworks a and b in role web; a has made the shared volume of what it was offered, and holds it."""
    cluster = Cluster()
    cluster.add_agent("agent", "cpus:4;disk(web):1000")
    for framework in "ab":
        cluster.add_framework(framework, "web", capabilities=ALL)
    plain_disk = parse("disk:1000").pushed(WEB)
    cluster.allocator.apply(AvailableConverted(agent_id=AGENT, before=parse("disk(web):1000"), after=plain_disk))
    cluster.plan()
    cluster.allocator.apply(
        AllocationConverted(framework_id=A, role="web", agent_id=AGENT, before=plain_disk, after=VOLUME)
    )
    cluster.audit()
    return cluster


def test_shared_volume_that_was_made_of_an_offer_is_offered_to_others() -> None:
    cluster = volume_cluster()

    cluster.allocator.apply(ResourcesRecovered(framework_id=A, role="web", agent_id=AGENT, resources=parse("cpus:4")))

    (grant,) = cluster.plan()
    assert (grant.framework_id, grant.resources) == ("b", VOLUME + parse("cpus:4"))


def test_shared_volume_is_done_away_with_by_its_last_holder_only() -> None:
    cluster = volume_cluster()
    cluster.allocator.apply(ResourcesRecovered(framework_id=A, role="web", agent_id=AGENT, resources=parse("cpus:4")))
    (grant,) = cluster.plan()
    plain_disk = parse("disk:1000").pushed(WEB)
    destroyed = AllocationConverted(framework_id=A, role="web", agent_id=AGENT, before=VOLUME, after=plain_disk)
    with pytest.raises(InsufficientResources, match="is used or offered"):
        cluster.allocator.apply(destroyed)
    cluster.audit()

    cluster.recover(grant)
    cluster.allocator.apply(destroyed)

    cluster.audit()
    assert cluster.allocator.allocated(AGENT) == plain_disk
    assert cluster.allocator.available(AGENT) == parse("cpus:4")


def test_operator_does_not_do_away_with_a_shared_volume_in_use() -> None:
    cluster = volume_cluster()
    destroyed = AvailableConverted(agent_id=AGENT, before=VOLUME, after=parse("disk:1000").pushed(WEB))

    with pytest.raises(InsufficientResources, match="is used or offered"):
        cluster.allocator.apply(destroyed)

    cluster.allocator.apply(ResourcesRecovered(framework_id=A, role="web", agent_id=AGENT, resources=VOLUME))
    cluster.allocator.apply(destroyed)
    cluster.audit()


def test_agent_whose_tasks_use_a_shared_volume_that_it_lacks_is_short_until_it_is_given_back() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", "cpus:4", used=(Usage(A, "web", VOLUME), Usage(A, "ads", VOLUME)))

    for role in ("web", "ads"):
        assert cluster.allocator._books.agents[AGENT].is_short
        cluster.allocator.apply(ResourcesRecovered(framework_id=A, role=role, agent_id=AGENT, resources=VOLUME))
        cluster.audit()

    assert not cluster.allocator._books.agents[AGENT].is_short
    assert cluster.allocator.available(AGENT) == parse("cpus:4")


def test_conversion_of_a_shared_volume_that_the_agent_has_lost_is_refused_and_changes_nothing() -> None:
    cluster = volume_cluster()
    cluster.allocator.apply(AgentUpdated(agent_id=AGENT, total=parse("cpus:4")))
    held = cluster.allocator.allocated(AGENT)
    after = parse("disk:1000").pushed(WEB)

    with pytest.raises(InsufficientResources, match="has less now than is held"):
        cluster.allocator.apply(
            AllocationConverted(framework_id=A, role="web", agent_id=AGENT, before=VOLUME, after=after)
        )

    assert cluster.allocator.allocated(AGENT) == held
    cluster.allocator.apply(ResourcesRecovered(framework_id=A, role="web", agent_id=AGENT, resources=held))
    cluster.audit()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (parse("cpus:1"), parse("cpus:3").pushed(WEB)),
        (parse("cpus:1"), parse("mem:1")),
        (parse("cpus:1"), NOTHING),
        (parse("cpus:1;ports:[1-2]"), parse("cpus:1;ports:[1-3]")),
        (NOTHING, parse("cpus:1")),
        (parse("disk:1000"), VOLUME),
    ],
    ids=str,
)
def test_conversion_into_other_amounts_is_refused_and_changes_nothing(before: Resources, after: Resources) -> None:
    cluster = Cluster()
    total = VOLUME + parse("cpus:4;disk:1000;ports:[1-9]")
    cluster.add_agent("agent", total)
    by_operator = AvailableConverted(agent_id=AGENT, before=before, after=after)
    with pytest.raises(InvalidRequest, match="not as much of each name"):
        cluster.allocator.apply(by_operator)
    cluster.audit()
    cluster.add_framework("a", "web", capabilities=ALL)
    (grant,) = cluster.plan()

    with pytest.raises(InvalidRequest, match="not as much of each name"):
        cluster.allocator.apply(
            AllocationConverted(framework_id=A, role="web", agent_id=AGENT, before=before, after=after)
        )

    cluster.recover(grant)
    assert cluster.allocator.available(AGENT) == total


def test_another_copy_of_a_shared_volume_is_no_other_amount() -> None:
    cluster = volume_cluster()

    cluster.allocator.apply(
        AllocationConverted(framework_id=A, role="web", agent_id=AGENT, before=NOTHING, after=VOLUME)
    )

    cluster.audit()
    assert cluster.allocator.allocated(AGENT) == parse("cpus:4") + VOLUME + VOLUME


# Goal: a grant on its way does not keep a shared volume alive. Method: it is destroyed while another holds a copy.
def test_forced_conversion_does_away_with_a_shared_volume_that_others_still_hold() -> None:
    cluster = volume_cluster()
    cluster.allocator.apply(ResourcesRecovered(framework_id=A, role="web", agent_id=AGENT, resources=parse("cpus:4")))
    (grant,) = cluster.plan()
    plain_disk = parse("disk:1000").pushed(WEB)

    cluster.allocator.apply(
        AllocationConverted(framework_id=A, role="web", agent_id=AGENT, before=VOLUME, after=plain_disk, forced=True)
    )
    cluster.recover(grant)

    cluster.audit()
    assert cluster.allocator.allocated(AGENT) == plain_disk
    assert cluster.allocator.available(AGENT) == parse("cpus:4")


def test_forced_conversion_is_done_where_the_agent_is_short() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", "cpus(web):1;cpus:3")
    for framework in "ab":
        cluster.add_framework(framework, "web", capabilities=ALL)
    (grant,) = cluster.plan()
    static = grant.resources.reserved()
    cluster.allocator.apply(AgentUpdated(agent_id=AGENT, total=parse("cpus:2")))
    reserved = parse("cpus:2").pushed(WEB)

    cluster.allocator.apply(
        AllocationConverted(
            framework_id=grant.framework_id,
            role="web",
            agent_id=AGENT,
            before=parse("cpus:2"),
            after=reserved,
            forced=True,
        )
    )

    cluster.audit()
    assert cluster.allocator.allocated(AGENT) == parse("cpus:1") + static + reserved
    assert cluster.allocator.available(AGENT) == NOTHING
    cluster.allocator.apply(
        ResourcesRecovered(
            framework_id=grant.framework_id, role="web", agent_id=AGENT, resources=parse("cpus:1") + static + reserved
        )
    )
    cluster.audit()
    assert cluster.allocator.available(AGENT) == reserved
