"""TimeSeries: bounded in time and in number, and what is left says as much as it can of what there was."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import libactor as la


class FakeClock:
    """A clock that stands where it is put."""

    def __init__(self, now=0.0):
        self.now_ns = lambda: round(now * 1e9)

    def stand(self, now):
        self.now_ns = lambda: round(now * 1e9)


@pytest.fixture
def clock():
    return FakeClock()


def values(series):
    return [point.value for point in series.get()]


# LP TimeSeriesTest.Set
def test_values_are_kept_in_order_of_time_whatever_order_they_come_in(paused):
    series = la.TimeSeries()
    now = paused.clock.now()

    series.set(3, now)
    series.set(1, now - 2)
    series.set(2, now - 1)

    assert series.get() == [(now - 2, 1), (now - 1, 2), (now, 3)]
    assert series.latest() == (now, 3)
    assert len(series) == 3


def test_a_second_value_for_an_instant_takes_the_place_of_the_first(clock):
    series = la.TimeSeries(clock=clock)
    series.set("a")
    series.set("b", 1)

    series.set("c", 0)
    series.set("d", 1)

    assert values(series) == ["c", "d"]


def test_without_values_it_is_empty(clock):
    series = la.TimeSeries(clock=clock)

    assert (len(series), series.get(), series.latest()) == (0, [], None)


def test_a_range_includes_both_its_ends(clock):
    series = la.TimeSeries(clock=clock)
    for second in range(10):
        series.set(second, second)

    assert [point.value for point in series.get(3, 5)] == [3, 4, 5]
    assert [point.value for point in series.get(start=8)] == [8, 9]
    assert [point.value for point in series.get(stop=1)] == [0, 1]
    assert series.get(5, 3) == series.get(10) == series.get(stop=-1) == []


# LP TimeSeriesTest.Sparsify
def test_beyond_its_capacity_every_other_point_of_the_older_half_goes_and_then_again(clock):
    series = la.TimeSeries(math.inf, 10, clock=clock)
    for second in range(10):
        series.set(second, second)
    rounds = []

    for second in range(10, 16):
        series.set(second, second)
        rounds.append(values(series))

    assert rounds == [
        [0, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        [0, 2, 4, 5, 6, 7, 8, 9, 10, 11],
        [0, 2, 4, 6, 7, 8, 9, 10, 11, 12],
        [0, 2, 4, 6, 8, 9, 10, 11, 12, 13],
        [0, 4, 6, 8, 9, 10, 11, 12, 13, 14],
        [0, 4, 8, 9, 10, 11, 12, 13, 14, 15],
    ]


def test_the_newer_half_is_complete_and_the_first_point_is_kept_however_many_come(clock):
    series = la.TimeSeries(math.inf, 100, clock=clock)

    for second in range(100_000):
        series.set(second, second)

    kept = values(series)
    assert len(kept) == 100
    assert kept[0] == 0
    assert kept[-50:] == list(range(100_000 - 50, 100_000))


# LP TimeSeriesTest.Truncate
def test_what_is_as_old_as_the_window_goes_but_for_the_newest(paused):
    series = la.TimeSeries(10)
    for second in range(5):
        series.set(second)
        paused.clock.advance(1)

    paused.clock.advance(6)
    series.truncate()
    assert values(series) == [2, 3, 4]  # 1 is ten seconds old

    paused.clock.advance(1000)
    series.truncate()
    assert values(series) == [4]


def test_what_is_set_long_ago_is_forgotten_at_once_unless_it_is_all_there_is(clock):
    clock.stand(1000)
    series = la.TimeSeries(10, clock=clock)
    series.set("old", 1)
    assert values(series) == ["old"]

    series.set("new")
    series.set("older", 0)

    assert values(series) == ["new"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"window": 0}, ValueError),
        ({"window": -1}, ValueError),
        ({"window": math.nan}, ValueError),
        ({"window": "week"}, TypeError),
        ({"capacity": 2}, ValueError),
        ({"capacity": True}, ValueError),
        ({"capacity": 5.0}, TypeError),
        ({"capacity": None}, TypeError),
    ],
)
def test_a_window_or_a_capacity_that_will_not_do_is_refused(clock, arguments, error):
    with pytest.raises(error, match=r"TimeSeries: got the .*expected"):
        la.TimeSeries(clock=clock, **arguments)


@pytest.mark.parametrize(("time", "error"), [(math.nan, ValueError), (math.inf, ValueError), ("noon", TypeError)])
def test_a_time_that_is_none_is_refused_and_nothing_is_entered(clock, time, error):
    series = la.TimeSeries(clock=clock)

    with pytest.raises(error, match="seconds since the epoch"):
        series.set(1, time)
    with pytest.raises(error, match="seconds since the epoch"):
        series.get(time)

    assert len(series) == 0


def test_without_a_clock_and_a_runtime_it_says_so():
    with pytest.raises(la.NoRuntime, match="TimeSeries"):
        la.TimeSeries()


class Model:
    """What a TimeSeries is to do, the slow way: a dict of instants, and the number of the point to go next."""

    def __init__(self, window, capacity):
        self.window, self.capacity, self.points, self.next = window, capacity, {}, 1

    def set(self, now, time, value):
        if self.points and time not in self.points and time < max(self.points):
            self.next = 1
        self.points[time] = value
        self.truncate(now)
        if len(self.points) > self.capacity:
            if self.next >= len(self.points) // 2:
                self.next = 1
            del self.points[sorted(self.points)[self.next]]
            self.next += 1

    def truncate(self, now):
        newest = max(self.points)
        old = [time for time in self.points if time <= now - self.window and time != newest]
        for time in old:
            del self.points[time]
        if old:
            self.next = max(1, self.next - len(old))


@given(
    window=st.integers(1, 60),
    capacity=st.integers(3, 12),
    steps=st.lists(st.tuples(st.integers(0, 5), st.integers(-40, 3))),
)
def test_it_does_what_the_model_does(window, capacity, steps):
    clock = FakeClock()
    series, model, now = la.TimeSeries(window, capacity, clock=clock), Model(window, capacity), 0
    for number, (step, offset) in enumerate(steps):
        now += step
        clock.stand(now)

        series.set(number, now + offset)
        model.set(now, now + offset, number)

        assert series.get() == sorted(model.points.items())
        assert 1 <= len(series) <= capacity
        assert series.latest().time == max(model.points)


@given(st.floats(-1e9, 4e9), st.floats(-1e9, 4e9))
def test_times_come_out_as_they_went_in(first, second):
    series = la.TimeSeries(math.inf, clock=FakeClock())

    series.set(1, first)
    series.set(2, second)

    assert {point.time for point in series.get()} <= {round(first, 9), round(second, 9), first, second}
