"""Filters: how long a refusal lasts."""

import math

import pytest

from mesoslite.model import Filters

YEAR = 365 * 24 * 60 * 60


@pytest.mark.parametrize(
    ("refuse_seconds", "lasts"),
    [(0, 0), (-1, 5), (math.nan, 5), (2.5, 2.5), (0.1, 0.1), (YEAR, YEAR), (YEAR + 1, YEAR), (math.inf, YEAR)],
)
def test_refusal_lasts_as_long_as_mesos_makes_it_last(refuse_seconds: float, lasts: float) -> None:
    assert Filters(refuse_seconds).duration_seconds() == lasts


def test_refusal_lasts_five_seconds_by_default() -> None:
    assert Filters().duration_seconds() == 5.0
