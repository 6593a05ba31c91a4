"""Quota: guarantees are held back for those who have them, limits are never exceeded."""

import pytest

from mesoslite.model import (
    FrameworkID,
    InvalidRequest,
    QuotaChanged,
    Resources,
    ResourcesRecovered,
    Revived,
    Suppressed,
    Usage,
)
from mesoslite.model.kinds import Disk, DiskSource, DiskType, Kind
from mesoslite.model.portions import Portion
from mesoslite.model.resource_text import MEGABYTES_MAX, QUANTITY_MAX

from .cluster import Cluster

A, B = FrameworkID("a"), FrameworkID("b")


def quota(role: str, guarantees: str = "", limits: str = "") -> QuotaChanged:
    return QuotaChanged(role, Resources.parse(guarantees).quantities, Resources.parse(limits).quantities)


def granted(cluster: Cluster) -> dict[str, Resources]:
    """Plan, and return what each framework got in all."""
    sums: dict[str, Resources] = {}
    for grant in cluster.plan():
        sums[grant.framework_id] = sums.get(grant.framework_id, Resources()) + grant.resources
    return sums


def test_guarantee_comes_before_fair_share() -> None:
    cluster = Cluster(agents=1, total="cpus:4;mem:400")
    cluster.allocator.apply(quota("web", guarantees="cpus:3;mem:300"))
    cluster.add_framework("a", "ads")
    cluster.add_framework("b", "web")

    assert granted(cluster)["b"].contains(Resources.parse("cpus:3;mem:300"))


def test_guarantee_is_held_back_as_long_as_nobody_there_wants_it() -> None:
    cluster = Cluster(agents=4, total="cpus:1;mem:100")
    cluster.allocator.apply(quota("web", guarantees="cpus:3;mem:300"))
    cluster.add_framework("a", "ads")

    assert granted(cluster) == {"a": Resources.parse("cpus:1;mem:100")}

    cluster.add_framework("b", "web")
    assert granted(cluster) == {"b": Resources.parse("cpus:3;mem:300")}


def test_resource_that_is_not_guaranteed_is_not_held_back() -> None:
    cluster = Cluster(agents=1, total="cpus:4;mem:400;disk:10")
    cluster.allocator.apply(quota("web", guarantees="cpus:4"))
    cluster.add_framework("a", "ads")

    assert granted(cluster) == {"a": Resources.parse("mem:400;disk:10")}


def test_limit_is_never_exceeded_and_the_rest_goes_to_others() -> None:
    cluster = Cluster(agents=1, total="cpus:4;mem:400")
    cluster.allocator.apply(quota("ads", limits="cpus:1;mem:100"))
    cluster.add_framework("a", "ads")
    cluster.add_framework("b", "web")

    assert granted(cluster) == {"a": Resources.parse("cpus:1;mem:100"), "b": Resources.parse("cpus:3;mem:300")}


def test_resource_without_limit_is_not_limited() -> None:
    cluster = Cluster(agents=1, total="cpus:4;mem:400")
    cluster.allocator.apply(quota("ads", limits="cpus:1"))
    cluster.add_framework("a", "ads")

    assert granted(cluster) == {"a": Resources.parse("cpus:1;mem:400")}


def test_limit_of_zero_lets_nothing_through() -> None:
    cluster = Cluster(agents=1)
    cluster.allocator.apply(QuotaChanged("ads", (), (("cpus", 0), ("mem", 0))))
    cluster.add_framework("a", "ads")

    assert cluster.plan() == []


# Goal: an agent that quota has kept back is looked at once there is room again, and not before.
def test_agents_held_back_by_a_limit_are_granted_when_there_is_room_again() -> None:
    cluster = Cluster(agents=2, total="cpus:1;mem:100")
    cluster.allocator.apply(quota("ads", limits="cpus:1;mem:100"))
    cluster.add_framework("a", "ads")
    (grant,) = cluster.plan()
    assert cluster.visited() == 0

    cluster.recover(grant, filtered=True)

    (second,) = cluster.plan()
    assert second.agent_id != grant.agent_id


def test_agents_held_back_are_granted_when_the_limit_is_raised() -> None:
    cluster = Cluster(agents=2, total="cpus:1;mem:100")
    cluster.allocator.apply(quota("ads", limits="cpus:1;mem:100"))
    cluster.add_framework("a", "ads")
    cluster.plan()

    cluster.allocator.apply(quota("ads", limits="cpus:2;mem:200"))

    assert granted(cluster) == {"a": Resources.parse("cpus:1;mem:100")}


def test_headroom_is_free_again_once_the_quota_is_gone() -> None:
    cluster = Cluster(agents=2, total="cpus:1;mem:100")
    cluster.allocator.apply(quota("web", guarantees="cpus:2;mem:200"))
    cluster.add_framework("a", "ads")
    assert cluster.plan() == []

    cluster.allocator.apply(quota("web"))

    assert granted(cluster) == {"a": Resources.parse("cpus:2;mem:200")}


def test_quota_counts_what_is_held_already() -> None:
    cluster = Cluster(agents=2, total="cpus:1;mem:100")
    cluster.add_framework("a", "ads")
    grants = cluster.plan()
    cluster.recover(grants[0])

    cluster.allocator.apply(quota("ads", limits="cpus:1;mem:100"))

    assert cluster.plan() == []


def test_roles_below_share_the_quota_of_the_top() -> None:
    cluster = Cluster(agents=4, total="cpus:1;mem:100")
    cluster.allocator.apply(quota("eng", guarantees="cpus:3;mem:300", limits="cpus:3;mem:300"))
    cluster.add_framework("a", "eng/ads")
    cluster.add_framework("b", "eng/web/x")
    cluster.add_framework("c", "other")

    sums = granted(cluster)

    assert sums["a"] + sums["b"] == Resources.parse("cpus:3;mem:300")
    assert sums["c"] == Resources.parse("cpus:1;mem:100")


def test_guarantee_is_taken_by_fair_share_within_the_role() -> None:
    cluster = Cluster(agents=4, total="cpus:1;mem:100")
    cluster.allocator.apply(quota("web", guarantees="cpus:4;mem:400"))
    cluster.add_framework("a", "web")
    cluster.add_framework("b", "web")

    assert granted(cluster) == dict.fromkeys("ab", Resources.parse("cpus:2;mem:200"))


def test_reservations_count_towards_the_guarantee_first() -> None:
    cluster = Cluster()
    cluster.add_agent("reserved", "cpus(web):2;mem(web):200")
    cluster.add_agent("free", "cpus:2;mem:200")
    cluster.allocator.apply(quota("web", guarantees="cpus:2;mem:200"))
    cluster.add_framework("a", "ads")

    assert granted(cluster) == {"a": Resources.parse("cpus:2;mem:200")}


def test_limit_leaves_the_roles_own_reservations_to_it() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", "cpus(web):2;mem(web):200;cpus:2;mem:200")
    cluster.allocator.apply(quota("web", limits="cpus:2;mem:200"))
    cluster.add_framework("b", "web")

    assert granted(cluster) == {"b": Resources.parse("cpus(web):2;mem(web):200")}


def test_suppressed_role_does_not_get_its_guarantee_and_gets_it_when_revived() -> None:
    cluster = Cluster(agents=2, total="cpus:1;mem:100")
    cluster.allocator.apply(quota("web", guarantees="cpus:1;mem:100"))
    cluster.add_framework("a", "ads")
    cluster.add_framework("b", "web")
    cluster.allocator.apply(Suppressed(B))
    assert granted(cluster) == {"a": Resources.parse("cpus:1;mem:100")}

    cluster.allocator.apply(Revived(B))

    assert granted(cluster) == {"b": Resources.parse("cpus:1;mem:100")}


def test_guarantee_of_one_role_is_not_cut_by_that_of_another() -> None:
    cluster = Cluster(agents=4, total="cpus:1;mem:100")
    for role in ("web", "ads"):
        cluster.allocator.apply(quota(role, guarantees="cpus:2;mem:200", limits="cpus:2;mem:200"))
    cluster.add_framework("a", "ads")
    cluster.add_framework("b", "web")

    assert granted(cluster) == dict.fromkeys("ab", Resources.parse("cpus:2;mem:200"))


def test_guarantee_above_the_cluster_holds_everything_back() -> None:
    cluster = Cluster(agents=2)
    cluster.allocator.apply(quota("web", guarantees="cpus:100;mem:100000"))
    cluster.add_framework("a", "ads")

    assert cluster.plan() == []


def test_idle_role_is_not_visited_again_and_again() -> None:
    cluster = Cluster(agents=3)
    cluster.allocator.apply(quota("web", guarantees="cpus:1;mem:1", limits="cpus:1;mem:1"))
    cluster.add_framework("b", "web")
    cluster.plan()

    assert cluster.visited() == 0


def test_limited_role_takes_what_is_reserved_for_it_on_an_agent_that_has_more() -> None:
    cluster = Cluster()
    cluster.allocator.apply(QuotaChanged("web", (), (("cpus", 1_000), ("mem", 0))))
    cluster.add_agent("agent", "cpus(web):1;cpus:3;mem:300")
    cluster.add_framework("b", "web")
    cluster.add_framework("c", "ads")

    assert granted(cluster) == {"b": Resources.parse("cpus(web):1"), "c": Resources.parse("cpus:3;mem:300")}


@pytest.mark.parametrize(
    ("delta", "problem"),
    [
        (quota("*", "cpus:1"), "role '\\*' cannot have one"),
        (quota("a/b", "cpus:1"), "only top-level"),
        (quota("", "cpus:1"), "only top-level"),
        (quota("a", "cpus:2", "cpus:1"), "raise the limit"),
        (QuotaChanged("a", (("cpus", -1),)), "cannot have -1"),
        (QuotaChanged("a", (), (("mem", MEGABYTES_MAX * 1_000 + 1),)), "give a name and an amount"),
        (QuotaChanged("a", (("disk", MEGABYTES_MAX * 1_000 + 1),), ()), "give a name and an amount"),
        (QuotaChanged("a", (), (("cpus", QUANTITY_MAX * 1_000 + 1),)), "give a name and an amount"),
        (QuotaChanged("a", (("cpus", 1), ("cpus", 1))), "twice"),
        (QuotaChanged("a", (("", 1),)), "give a name"),
    ],
)
def test_quota_that_none_can_be_is_refused(delta: QuotaChanged, problem: str) -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a", "a")

    with pytest.raises(InvalidRequest, match=problem):
        cluster.allocator.apply(delta)
    assert cluster.served() == ["a"]


def test_recovery_from_a_framework_that_left_gives_its_room_back() -> None:
    cluster = Cluster(agents=1)
    cluster.allocator.apply(quota("web", limits="cpus:4;mem:1024"))
    cluster.add_framework("b", "web")
    (grant,) = cluster.plan()

    cluster.allocator.apply(
        ResourcesRecovered(framework_id=B, role="web", agent_id=grant.agent_id, resources=grant.resources)
    )

    assert cluster.served() == ["b"]


# Source: docs/allocator.md, the run with numbers.
def test_run_with_numbers_of_the_documents_is_one() -> None:
    cluster = Cluster(agents=3)
    cluster.allocator.apply(quota("web", guarantees="cpus:2;mem:512", limits="cpus:3"))
    for role in ("web", "batch", "ads"):
        cluster.add_framework(role, role)

    grants = cluster.plan()

    assert [(grant.role, str(grant.resources)) for grant in grants if grant.agent_id == grants[0].agent_id] == [
        ("web", "cpus:3; mem:1024"),
        ("ads", "cpus:1"),
    ]
    assert sorted((grant.role, str(grant.resources)) for grant in grants)[1:3] == [
        ("ads", "cpus:4; mem:1024"),
        ("batch", "cpus:4; mem:1024"),
    ]


def mount(size: int, root: str) -> Resources:
    source = DiskSource(DiskType.MOUNT, root=root)
    return Resources.from_portions([Portion(Kind("disk", disk=Disk(source=source)), size * 1_000)])


# Goal: whoever lacks a disk is not served before his turn with all but that disk. Method: a disk that comes only whole,
# and is more than the role may have; web has much already, so that it is the turn of ads.
def test_guarantee_does_not_give_what_brings_the_role_no_nearer_to_it() -> None:
    cluster = Cluster()
    cluster.add_agent("agent0", "cpus:9;mem:100", used=(Usage(B, "web", Resources.parse("cpus:9;mem:100")),))
    cluster.add_agent("agent1", Resources.parse("cpus:1;mem:100") + mount(100, "/m1"))
    cluster.allocator.apply(quota("web", guarantees="disk:50", limits="disk:50"))
    cluster.add_framework("a", "ads")
    cluster.add_framework("b", "web")

    assert granted(cluster) == {"a": Resources.parse("cpus:1;mem:100")}


def test_disk_that_is_larger_than_what_lacks_is_had_beyond_the_guarantee_or_not() -> None:
    cluster = Cluster(min_allocatable="")
    cluster.add_agent("agent0", Resources.parse("cpus:1;mem:100") + mount(100, "/m1"))
    cluster.allocator.apply(quota("web", guarantees="disk:50"))
    cluster.add_framework("b", "web")
    assert granted(cluster) == {"b": Resources.parse("cpus:1;mem:100")}

    cluster.add_agent("agent1", "disk:50")

    assert granted(cluster) == {"b": mount(100, "/m1") + Resources.parse("disk:50")}


def test_whole_disks_are_chosen_by_the_limit_and_by_what_others_lack_at_once() -> None:
    cluster = Cluster(min_allocatable="")
    cluster.add_agent("agent0", mount(60, "/m1") + mount(50, "/m2"))
    cluster.allocator.apply(quota("ads", guarantees="disk:60"))
    cluster.allocator.apply(quota("web", limits="disk:60"))
    cluster.add_framework("b", "web")

    assert granted(cluster) == {"b": mount(50, "/m2")}
