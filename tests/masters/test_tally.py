"""Tally: what has gone is not remembered by its name, which agents choose."""

import pytest

from mesoslite import Resources
from mesoslite.master.tally import Tally

REVOCABLE = '[{"name": "gone", "type": "SCALAR", "scalar": {"value": 2}, "revocable": {}}]'


@pytest.mark.parametrize("gone", ["gone:2", REVOCABLE])
def test_what_is_taken_back_leaves_no_name_behind(gone: str) -> None:
    tally = Tally()
    tally.add(Resources.parse("cpus:1"))

    tally.add(Resources.parse(gone))
    tally.take(Resources.parse(gone))

    assert (dict(tally.firm), dict(tally.revocable)) == ({"cpus": 1000}, {})


def test_what_goes_as_it_came_leaves_no_name_behind_either() -> None:
    tally, one = Tally(), Resources.parse("cpus:1")
    for _ in range(3):
        tally.add(one)
    tally.take(one)
    assert tally
    tally.take(one)
    tally.take(one)

    assert not tally
    assert dict(tally.firm) == {}


def test_what_came_again_and_again_counts_as_often_as_it_came() -> None:
    tally, one, other = Tally(), Resources.parse("cpus:1;cpus(web):1"), Resources.parse("cpus:2;mem:1")
    for part in (one, one, other, one):
        tally.add(part)
    tally.take(one)
    tally.add(one)

    assert dict(tally.firm) == {"cpus": 8000, "mem": 1000}
