"""Sums and rests that are one object for all who have the same are what plus and minus say."""

import pytest

from mesoslite.model import InsufficientResources, Resources
from mesoslite.model.sums import KEPT_MAX, LENGTH_MAX, one_of_equal, rest_of, total_of

TOTALS = ("cpus:4;mem:64", "cpus:4;mem:64;ports:[1-9]", "cpus(web):2;cpus:2;mem:64")


@pytest.mark.parametrize("total", TOTALS)
@pytest.mark.parametrize("held", ["cpus:1;mem:32", "cpus:2;mem:64", ""])
def test_a_rest_is_the_difference(total, held):
    rest = rest_of(Resources.parse(total), Resources.parse(held))
    assert rest == Resources.parse(total) - Resources.parse(held)


def test_the_rest_of_equals_is_one_object():
    [rest, other] = [rest_of(Resources.of(cpus=4, mem=9), Resources.of(cpus=1)) for _ in range(2)]
    assert rest is other


@pytest.mark.parametrize("total", TOTALS)
def test_what_is_not_there_leaves_no_rest(total):
    for _ in range(2):
        with pytest.raises(InsufficientResources):
            rest_of(Resources.parse(total), Resources.of(cpus=5))


@pytest.mark.parametrize("size", [LENGTH_MAX, LENGTH_MAX + 1])
def test_long_names_are_not_kept(size):
    part = Resources.from_mapping({"a" * size: 4})
    sums = [total_of([part, part]) for _ in range(2)]
    rests = [rest_of(part, Resources.from_mapping({"a" * size: 1})) for _ in range(2)]
    assert (sums[0], rests[0]) == (sums[1], rests[1])
    assert (sums[0] is sums[1], rests[0] is rests[1]) == (size == LENGTH_MAX, size == LENGTH_MAX)


@pytest.mark.parametrize(("text", "is_kept"), [("cpus:3;mem:5", True), ("cpus:3;ports:[1-9]", False)])
def test_equal_resources_become_one_object_if_they_are_small(text, is_kept):
    one, other = [one_of_equal(Resources.parse(text)) for _ in range(2)]
    assert one == other == Resources.parse(text)
    assert (one is other) == is_kept


def test_no_more_than_so_many_are_kept():
    part, first = Resources.of(cpus=1), total_of([Resources.of(cpus=1)] * 2)
    assert total_of([part] * 2) is first
    for milli in range(KEPT_MAX):
        total_of([Resources.from_milli({"mem": milli + 1})] * 2)
    assert total_of([part] * 2) == first
    assert total_of([part] * 2) is not first
