"""What a supervisor decides without clock and actors: budgets, delays, and how far a failure reaches."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import libactor as la
from libactor.supervision.child import Backoff, Child
from libactor.supervision.restarts import STRATEGIES, Budget, Delays, reach, wants_restart

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("restart", "reason", "again"),
    [
        ("permanent", None, True),
        ("permanent", ValueError(), True),
        ("transient", None, False),
        ("transient", ValueError(), True),
        ("temporary", None, False),
        ("temporary", ValueError(), False),
    ],
)
def test_the_kind_of_child_and_the_reason_decide_whether_it_comes_again(restart, reason, again):
    assert wants_restart(restart, reason) is again


@pytest.mark.parametrize(
    ("strategy", "reached"), [("one_for_one", ["c"]), ("one_for_all", list("abcd")), ("rest_for_one", ["c", "d"])]
)
def test_the_strategy_decides_how_far_a_failure_reaches(strategy, reached):
    assert reach(strategy, list("abcd"), "c") == reached
    assert reach(strategy, ["c"], "c") == ["c"]


def test_a_budget_is_spent_within_its_period_and_comes_back_after_it():
    budget = Budget(2, 5.0)

    spent = [budget.spend(second * SECOND) for second in (0, 1, 2)]
    later = [budget.spend(second * SECOND) for second in (8, 9)]

    assert spent == [True, True, False]
    assert later == [True, True]


def test_a_restart_counts_until_its_period_is_over_to_the_nanosecond():
    within, after = Budget(1, 5.0), Budget(1, 5.0)

    assert (within.spend(0), within.spend(5 * SECOND)) == (True, False)
    assert (after.spend(0), after.spend(5 * SECOND + 1)) == (True, True)


def test_an_intensity_of_nothing_allows_no_restart():
    assert Budget(0, 5.0).spend(0) is False


# Goal: the sliding window is the plain definition. Method: count all restarts of the past anew at each.
@given(st.integers(0, 4), st.integers(0, 20), st.lists(st.integers(0, 10), max_size=40))
def test_a_budget_is_exhausted_exactly_when_more_than_allowed_fall_into_one_period(intensity, period, gaps):
    budget, now, past, answers, expected = Budget(intensity, period), 0, [], [], []

    for gap in gaps:
        now += gap * SECOND
        past.append(now)
        answers.append(budget.spend(now))
        expected.append(sum(now - period * SECOND <= then for then in past) <= intensity)
        if not answers[-1]:
            break

    assert answers == expected


def test_delays_grow_by_the_factor_up_to_the_maximum():
    delays = Delays(Backoff(0.5, 3.0, factor=2.0, jitter=0.0))

    assert [delays.draw(0, random.Random(1)) for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_a_child_that_was_up_long_enough_begins_with_the_first_delay_again():
    delays = Delays(Backoff(1.0, 60.0, jitter=0.0, reset_after=10.0))

    drawn = [delays.draw(up * SECOND, random.Random(1)) for up in (0, 0, 9, 10, 0)]

    assert drawn == [1.0, 2.0, 4.0, 1.0, 2.0]


def test_without_a_backoff_there_is_no_delay():
    assert Delays(None).draw(0, random.Random(1)) == 0.0


@given(st.floats(0, 10), st.floats(0, 1000), st.floats(1, 10), st.floats(0, 1), st.integers(0), st.integers(1, 30))
def test_a_delay_is_within_its_jitter_and_never_above_the_maximum(minimum, more, factor, jitter, seed, count):
    backoff = Backoff(minimum, minimum + more, factor=factor, jitter=jitter)
    delays, plain = Delays(backoff), minimum

    for _ in range(count):
        delay = delays.draw(0, random.Random(seed))
        slack = 1e-9 * (1 + plain)
        assert plain * (1 - jitter) - slack <= delay <= min(plain * (1 + jitter) + slack, backoff.maximum)
        plain = min(plain * factor, backoff.maximum)


def test_the_same_stream_gives_the_same_delays():
    streams = [random.Random(7), random.Random(7)]
    delays = [Delays(Backoff(0.1, 10.0)) for _ in streams]

    drawn = [[each.draw(0, stream) for _ in range(10)] for each, stream in zip(delays, streams, strict=True)]

    assert drawn[0] == drawn[1]


class Worker(la.Actor):
    pass


async def coroutine():
    return Worker()


@pytest.mark.parametrize(
    ("fields", "error", "text"),
    [
        ({"start": Worker()}, TypeError, "start got the actor .*; expected its class, or a function"),
        ({"start": "Worker"}, TypeError, "start got 'Worker', expected an actor's class"),
        ({"start": coroutine}, TypeError, "start got the coroutine function .* expected a plain one"),
        ({"id": None}, TypeError, "id got None, expected text"),
        ({"id": ""}, ValueError, "id got '', expected text without '@' and '/'"),
        ({"id": "a@b"}, ValueError, "id got 'a@b', expected text without"),
        ({"restart": "always"}, ValueError, "restart got 'always', expected one of permanent, transient, temporary"),
        ({"restart": None}, ValueError, "restart got None, expected one of"),
        ({"restart": []}, ValueError, r"restart got \[\], expected one of"),
        ({"shutdown": -1}, ValueError, "shutdown got -1, expected 0 or more"),
        ({"shutdown": float("nan")}, ValueError, "shutdown got nan, expected 0 or more"),
        ({"shutdown": "5"}, TypeError, "shutdown got '5', expected a number"),
        ({"intensity": 1.5}, TypeError, "intensity got 1.5, expected a whole number"),
        ({"intensity": True}, TypeError, "intensity got True, expected a whole number"),
        ({"intensity": -1}, ValueError, "intensity got -1, expected 0 or more"),
        ({"period": float("inf")}, ValueError, "period got inf, expected 0 or more"),
        ({"period": None}, TypeError, "period got None, expected a number"),
        ({"backoff": 1.0}, TypeError, "backoff got 1.0, expected a Backoff, or None"),
        ({"mailbox": 100}, TypeError, "got the mailbox 100, expected a Bounded, such as"),
    ],
)
def test_a_wrong_child_is_refused_with_the_field_that_is_wrong(fields, error, text):
    with pytest.raises(error, match=f"Child: {text}"):
        Child(**{"start": Worker, "id": "worker"} | fields)


@pytest.mark.parametrize(
    ("fields", "error", "text"),
    [
        ({"minimum": -0.1}, ValueError, "minimum got -0.1, expected 0 or more"),
        ({"minimum": 11}, ValueError, "maximum got 10.0, expected 11 or more"),
        ({"maximum": float("inf")}, ValueError, "maximum got inf, expected 0.1 or more"),
        ({"factor": 0.5}, ValueError, "factor got 0.5, expected 1 or more"),
        ({"jitter": 1.1}, ValueError, "jitter got 1.1, expected 0 to 1"),
        ({"jitter": "much"}, TypeError, "jitter got 'much', expected a number"),
        ({"reset_after": float("nan")}, ValueError, "reset_after got nan, expected 0 or more"),
    ],
)
def test_a_wrong_backoff_is_refused_with_the_field_that_is_wrong(fields, error, text):
    with pytest.raises(error, match=f"Backoff: {text}"):
        Backoff(**{"minimum": 0.1, "maximum": 10.0} | fields)


def test_children_and_backoffs_are_values():
    backoff = Backoff(0.1, 10.0)

    assert Child(Worker, "one", backoff=backoff) == Child(Worker, "one", backoff=Backoff(0.1, 10.0))
    with pytest.raises(AttributeError):
        backoff.minimum = 1.0


def test_every_strategy_reaches_the_one_that_failed():
    assert all("b" in reach(strategy, list("abc"), "b") for strategy in STRATEGIES)
