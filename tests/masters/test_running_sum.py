"""Running sums are what the same resources come to that are added and taken away one by one."""

import pytest

from mesoslite.master.running_sum import RunningSum
from mesoslite.model import NOTHING, InsufficientResources, Resources

PARTS = [Resources.parse(text) for text in ("cpus:1;mem:32", "cpus(web):2", "gpus:1", "cpus:0.5;cpus(web):1;disk:8")]


def test_a_running_sum_is_the_sum_of_what_was_added_and_not_taken():
    running, sums = RunningSum(), NOTHING
    for part in PARTS * 2:
        running.add(part)
        sums = sums + part
        assert running.total == sums
    for part in PARTS * 2:
        running.take(part)
        sums = sums - part
        assert running.total == sums
    assert running.total.is_empty


def test_what_came_again_and_again_counts_as_often_as_it_came():
    running = RunningSum()
    for part in (PARTS[0], PARTS[0], PARTS[3], PARTS[0], PARTS[0]):
        running.add(part)
    running.take(PARTS[0])
    running.add(PARTS[0])
    assert running.total == Resources.parse("cpus:4.5;mem:128;cpus(web):1;disk:8")


@pytest.mark.parametrize("text", ["cpus:2", "mem:1", "cpus(web):1"])
def test_what_is_not_in_a_running_sum_cannot_be_taken(text):
    running = RunningSum()
    running.add(Resources.of(cpus=1))
    with pytest.raises(InsufficientResources):
        running.take(Resources.parse(text))
