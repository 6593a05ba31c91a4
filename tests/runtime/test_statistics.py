"""Statistics: extremes and percentiles, by the line between two values."""

import math
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import libactor as la

PARTS = {"p25": 2500, "p50": 5000, "p75": 7500, "p90": 9000, "p95": 9500, "p99": 9900, "p999": 9990, "p9999": 9999}
NUMBERS = st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False)


# LP StatisticsTest.Empty
def test_no_values_have_no_statistics(paused):
    assert la.Statistics.of([]) is None
    assert la.Statistics.of(la.TimeSeries()) is None


# LP StatisticsTest.Single
def test_a_single_value_has_no_statistics(paused):
    series = la.TimeSeries()
    series.set(1.0)

    assert la.Statistics.of([1.0]) is None
    assert la.Statistics.of(series) is None


# LP StatisticsTest.StatisticsFromTimeSeries
def test_the_values_of_a_time_series_count_and_not_their_times(paused):
    series = la.TimeSeries()
    for value in range(-5, 6):
        series.set(value)
        paused.clock.advance(1)

    found = la.Statistics.of(series)

    assert found == la.Statistics.of(range(-5, 6))
    assert (found.count, found.min, found.max) == (11, -5, 5)
    assert (found.p25, found.p50, found.p75, found.p90) == (-2.5, 0, 2.5, 4)
    assert found.p9999 == pytest.approx(4.999)


# LP StatisticsTest.StatisticsFromDurationList
def test_durations_are_numbers_of_seconds_in_any_order():
    found = la.Statistics.of([5, 0.5, 3.25, 1, 2])

    assert (found.count, found.min, found.p50, found.max) == (5, 0.5, 2, 5)
    assert (found.p25, found.p75, found.p90) == pytest.approx((1, 3.25, 4.3))


def slow_percentile(numbers, part):
    """By exact fractions, from the definition."""
    place = Fraction(part, 10_000) * (len(numbers) - 1)
    low, high = Fraction(numbers[math.floor(place)]), Fraction(numbers[math.ceil(place)])
    return low + (high - low) * (place - math.floor(place))


@given(st.lists(NUMBERS, min_size=2, max_size=60))
@example([0, 5e-324])
def test_percentiles_are_those_of_the_definition(numbers):
    found = la.Statistics.of(numbers)

    ordered = sorted(map(float, numbers))
    scale = max(abs(ordered[0]), abs(ordered[-1]))
    error = Fraction(scale) / 10**12 + Fraction(math.ulp(0.0))  # of the least of numbers there is no part
    assert (found.count, found.min, found.max) == (len(numbers), ordered[0], ordered[-1])
    for name, part in PARTS.items():
        assert abs(Fraction(getattr(found, name)) - slow_percentile(ordered, part)) <= error


@given(st.lists(NUMBERS, min_size=2))
def test_percentiles_rise_between_the_extremes(numbers):
    found = la.Statistics.of(numbers)

    row = [found.min, *(getattr(found, name) for name in PARTS), found.max]
    assert all(map(math.isfinite, row))
    assert row == sorted(row)


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(2, 30))
def test_of_equal_values_all_percentiles_are_that_value(value, count):
    found = la.Statistics.of([value] * count)

    assert {found.min, found.max, *(getattr(found, name) for name in PARTS)} == {value}


def test_percentiles_are_exact_where_a_value_stands():
    found = la.Statistics.of(range(10_001))

    assert [getattr(found, name) for name in PARTS] == list(PARTS.values())


@pytest.mark.parametrize(
    ("value", "error"),
    [(math.nan, ValueError), (math.inf, ValueError), (10**400, ValueError), ("1", TypeError), (None, TypeError)],
)
def test_what_is_no_finite_number_is_refused(value, error):
    with pytest.raises(error, match=r"Statistics: got .* expected a .*number"):
        la.Statistics.of([1, 2, value])


def test_statistics_cannot_be_changed_and_cross_by_reference(runtime):
    found = la.Statistics.of([1, 2])

    assert la.run(lambda given: given is found, found).get(30)
    with pytest.raises(AttributeError):
        found.count = 3
