"""Corners that random runs seldom come to: roles that were left, two refusals of one client, volumes offered anew."""

import pytest

from mesoslite.model import (
    AgentID,
    AgentUpdated,
    AllocationConverted,
    FrameworkID,
    FrameworkRemoved,
    InsufficientResources,
    QuotaChanged,
    Resources,
    ResourcesRecovered,
    RoleMinimum,
    Usage,
    WeightChanged,
)
from mesoslite.model.kinds import Disk, Kind, Persistence, Reservation, ReservationType
from mesoslite.model.portions import Portion

from .cluster import Cluster

WEB = Reservation(ReservationType.DYNAMIC, "web")


def test_role_that_everybody_left_is_served_as_a_new_one_though_its_weight_is_known() -> None:
    cluster = Cluster(agents=1)
    cluster.allocator.apply(WeightChanged("ads", 2.0))
    cluster.add_framework("a", "ads/x")
    cluster.add_framework("b", "web")
    served = []
    for _ in range(3):
        (grant,) = cluster.plan()
        served.append(grant.framework_id)
        cluster.recover(grant)

    cluster.allocator.apply(FrameworkRemoved(FrameworkID("a")))
    cluster.add_framework("c", "ads/x")

    assert served == ["a", "b", "a"]
    assert cluster.served() == ["c"]


# Goal: "filters block everybody here" is not said because one has refused twice. Method: two refusals of one client
# that keep away what is free, one of another that does not.
def test_two_refusals_of_one_client_do_not_count_for_two_clients() -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a")
    (grant,) = cluster.plan()
    cluster.recover(grant, Resources.parse("cpus:2;mem:512"), filtered=True)
    cluster.recover(grant, Resources.parse("cpus:2;mem:500"), filtered=True)
    cluster.add_framework("b")
    (other,) = cluster.plan()
    cluster.recover(other, Resources.parse("cpus:1;mem:32"), filtered=True)
    assert (other.framework_id, cluster.plan()) == ("b", [])

    cluster.recover(other, Resources.parse("cpus:0.5;mem:16"))

    assert cluster.served() == ["b"]


def test_shared_volume_alone_is_offered_by_each_run_to_who_wants_anything() -> None:
    reservation = Reservation(ReservationType.DYNAMIC, "ads", "operator")
    kind = Kind("disk", reservations=(reservation,), disk=Disk(persistence=Persistence("v")), shared=True)
    volume = Resources.from_portions([Portion(kind, 64_000)])
    cluster = Cluster()
    cluster.add_agent("agent0", volume + Resources.of(cpus=1))
    cluster.add_framework("a", "ads", capabilities=("SHARED_RESOURCES",), min_allocatable=(RoleMinimum("ads", ()),))

    offers = [[grant.resources for grant in cluster.plan()] for _ in range(3)]

    assert offers == [[volume + Resources.of(cpus=1)], [volume], [volume]]


# Goal: who says itself what is worth an offer is asked though its role has too little room for anybody else.
@pytest.mark.parametrize("is_limited_first", [True, False])
def test_client_with_a_lower_minimum_takes_what_little_its_limit_leaves(is_limited_first: bool) -> None:
    cluster = Cluster(agents=1)
    limit = QuotaChanged("web", (), (("cpus", 0), ("mem", 20_000)))
    if is_limited_first:
        cluster.allocator.apply(limit)
    cluster.add_framework("a", "web", min_allocatable=(RoleMinimum("web", (Resources.parse("mem:1"),)),))

    if not is_limited_first:
        cluster.allocator.apply(limit)

    assert [str(grant.resources) for grant in cluster.plan()] == ["mem:20"]


def test_what_a_framework_that_is_gone_gives_back_where_it_holds_nothing_is_fine() -> None:
    cluster = Cluster(agents=1)
    cpu = Resources.parse("cpus:1")
    cluster.add_agent("other", used=(Usage(FrameworkID("gone"), "web", cpu),))

    cluster.allocator.apply(
        ResourcesRecovered(
            framework_id=FrameworkID("gone"),
            role="web",
            agent_id=AgentID("agent0"),
            resources=Resources.parse("cpus:1"),
        )
    )

    assert str(cluster.allocator.available(AgentID("agent0"))) == "cpus:4; mem:1024"


def test_nothing_of_an_agent_that_is_short_is_converted() -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a", "web")
    cluster.plan()
    cluster.allocator.apply(AgentUpdated(agent_id=AgentID("agent0"), total=Resources.parse("cpus:2;mem:512")))
    before = Resources.parse("cpus:1")
    conversion = AllocationConverted(
        framework_id=FrameworkID("a"), role="web", agent_id=AgentID("agent0"), before=before, after=before.pushed(WEB)
    )

    with pytest.raises(InsufficientResources, match="less now than is held"):
        cluster.allocator.apply(conversion)

    assert str(cluster.allocator.allocated(AgentID("agent0"))) == "cpus:4; mem:1024"
    cluster.audit()
