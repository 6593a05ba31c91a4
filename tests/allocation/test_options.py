"""Options of the allocator: what they change, what is refused, and policies of one's own."""

from typing import Any

import pytest

from mesoslite.allocator import HierarchicalAllocator, PolicySource
from mesoslite.model import InvalidRequest, Resources

from .cluster import Cluster


@pytest.mark.parametrize(
    ("minimum", "offers"),
    [("cpus:0.01|mem:32", 0), ("cpus:0.001", 1), ("", 1), ("mem:2", 0), ([], 1), ([Resources.of(mem=1)], 1)],
)
def test_minimum_of_an_offer_is_given_as_text_or_as_resources(minimum: Any, offers: int) -> None:
    cluster = Cluster(agents=1, total="cpus:0.005;mem:1", min_allocatable=minimum)
    cluster.add_framework("a")

    assert len(cluster.plan()) == offers


@pytest.mark.parametrize("excluded", ["mem", " mem , gpus", ["mem"]])
def test_resources_that_do_not_count_are_given_as_text_or_as_names(excluded: Any) -> None:
    cluster = Cluster(agents=2, total="cpus:1;mem:32", fairness_excluded=excluded)
    cluster.add_framework("a")
    (first, _) = cluster.plan()
    cluster.recover(first, Resources.parse("cpus:1"))

    assert cluster.allocator.dominant_share(first.framework_id) == 0.5


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"min_allocatable": "cpus"}, "cpus"),
        ({"min_allocatable": "|"}, "no minimum of an offer"),
        ({"min_allocatable": [Resources()]}, "no minimum of an offer"),
        ({"min_allocatable": ["cpus:1"]}, "expected Resources"),
        ({"fairness_excluded": ","}, "name of a resource"),
        ({"fairness_excluded": [7]}, "name of a resource"),
        ({"min_allocatable": " "}, "no minimum of an offer"),
        ({"min_allocatable": "cpus(ads):1"}, "reserved for nobody"),
        ({"min_allocatable": 3}, "got 3 for min_allocatable"),
        ({"min_allocatable": None}, "got None for min_allocatable"),
        ({"fairness_excluded": 3}, "got 3 for fairness_excluded"),
        ({"fairness_excluded": " "}, "name of a resource"),
        ({"fairness_excluded": "cpus;mem"}, "name of a resource"),
        ({"fairness_excluded": "cpus:1"}, "name of a resource"),
        ({"fairness_excluded": "cpus,mem,disk"}, "let cpus or mem count"),
        ({"filter_gpus": "no"}, "got 'no' for filter_gpus, expected True or False"),
        ({"region": 3}, "got 3 for region"),
        ({"probe_every": 1}, "would always ask those first"),
        ({"probe_every": -8}, "got -8 for probe_every"),
        ({"probe_every": 2.5}, "got 2.5 for probe_every"),
        ({"probe_every": True}, "got True for probe_every"),
        ({"probe_every": "8"}, "got '8' for probe_every"),
        ({"role_sorter": "fair"}, "nothing named 'fair'"),
    ],
)
def test_option_that_can_never_work_is_refused(options: Any, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        HierarchicalAllocator(**options)


def test_class_makes_a_policy_for_each_start() -> None:
    source = PolicySource(HierarchicalAllocator)

    assert source.take() is not source.take()


def test_policy_as_an_object_serves_once() -> None:
    policy = HierarchicalAllocator()
    source = PolicySource(policy)

    assert source.take() is policy
    with pytest.raises(InvalidRequest, match="has served a cluster already"):
        source.take()


@pytest.mark.parametrize("wrong", [None, 7, object()])
def test_what_is_no_policy_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidRequest, match="is no allocation policy; it needs the methods apply, begin"):
        PolicySource(wrong)


@pytest.mark.parametrize(
    ("make", "problem"), [(dict, "is no allocation policy"), (lambda n: n, "cannot make a policy")]
)
def test_what_makes_no_policy_is_refused_when_one_is_needed(make: Any, problem: str) -> None:
    source = PolicySource(make)

    with pytest.raises(InvalidRequest, match=problem):
        source.take()
