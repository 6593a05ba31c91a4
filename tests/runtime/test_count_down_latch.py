"""CountDownLatch: a gate that opens when so many have reported."""

import gc

import pytest

import libactor as la

LIMIT = 30


# LP CountDownLatchTest.Triggered
def test_it_opens_with_the_last_one_and_not_before():
    latch = la.CountDownLatch(5)
    early = latch.triggered()

    for _ in range(4):
        assert latch.decrement()
        assert early.is_pending()
    assert latch.decrement()

    assert early.is_ready()
    assert latch.triggered().is_ready()


# LP CountDownLatchTest.Threads
def test_threads_count_down_together_and_each_report_counts_once(count, together):
    each = count(1_000)
    latch = la.CountDownLatch(4 * each)
    opened = latch.triggered()

    reports = together(*[lambda: sum(latch.decrement() for _ in range(each + 10))] * 4)

    assert sum(reports) == 4 * each
    assert opened.is_ready()


def test_one_too_many_changes_nothing():
    latch = la.CountDownLatch()
    latch.decrement()

    assert not latch.decrement()

    assert latch.triggered().is_ready()


def test_one_of_nothing_is_open_from_the_start():
    latch = la.CountDownLatch(0)

    assert latch.triggered().is_ready()
    assert not latch.decrement()


def test_one_who_gives_up_takes_nobody_along():
    latch = la.CountDownLatch(1)
    given_up, other = latch.triggered(), latch.triggered()

    given_up.discard()
    latch.decrement()

    assert given_up.is_discarded()
    assert other.is_ready()


def test_actors_report_and_a_thread_waits(runtime):
    latch = la.CountDownLatch(3)
    for _ in range(3):
        la.execute(la.spawn(la.Actor()), latch.decrement)

    assert latch.triggered().get(LIMIT) is None


def test_those_who_wait_are_abandoned_with_it():
    latch = la.CountDownLatch(2)
    waiting = latch.triggered()

    gc.disable()
    try:
        del latch
        assert waiting.is_abandoned()
    finally:
        gc.enable()


def test_a_count_below_zero_is_refused():
    with pytest.raises(ValueError, match="CountDownLatch: got -1, expected 0 or more"):
        la.CountDownLatch(-1)


@pytest.mark.parametrize("count", [1.0, float("nan"), "2", None])
def test_what_is_no_whole_number_is_refused(count):
    with pytest.raises(TypeError, match=r"CountDownLatch: got .*, expected a whole number"):
        la.CountDownLatch(count)


def test_a_count_may_be_huge():
    latch = la.CountDownLatch(10**30)
    latch.decrement()

    assert repr(latch) == f"<CountDownLatch, {10**30 - 1} to go>"
