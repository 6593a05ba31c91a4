"""Select: the first of several futures that is ready."""

import gc
import threading

import pytest

import libactor as la

LIMIT = 30


@pytest.fixture
def promises():
    return [la.Promise() for _ in range(3)]


@pytest.fixture
def selected(promises):
    return la.select([promise.future for promise in promises])


# LP FutureTest.Select
def test_the_first_that_is_ready_wins_and_is_what_one_gets(promises, selected):
    promises[1].set("second")
    promises[0].set("first")

    assert selected.get(0) is promises[1].future
    assert selected.get(0).get(0) == "second"


def test_one_that_is_ready_from_the_start_wins(promises):
    promises[2].set(2)

    assert la.select(promise.future for promise in promises).get(0) is promises[2].future


@pytest.mark.parametrize("lose", ["fail", "discard"])
def test_what_does_not_become_ready_does_not_win(promises, selected, lose):
    promises[0].fail(ValueError("no")) if lose == "fail" else promises[0].discard()
    assert selected.is_pending()

    promises[1].set(1)

    assert selected.get(0) is promises[1].future


# LP FutureTest.Select
def test_a_discard_is_honoured_and_reaches_no_member(promises, selected):
    selected.discard()

    assert selected.is_discarded()
    assert not any(promise.future.has_discard() for promise in promises)


def test_when_nobody_can_win_any_more_it_is_abandoned(promises, selected):
    promises.pop().fail(ValueError("no"))
    promises.pop().discard()
    gc.collect()
    assert not selected.is_abandoned()

    promises.pop()
    gc.collect()

    assert selected.is_abandoned()
    assert la.select([]).is_abandoned()


def test_losing_twice_counts_once():
    lost, left = la.Promise(), la.Promise()
    selected = la.select([lost.future, left.future])

    lost.future._abandon()
    lost.fail(ValueError("no"))
    assert not selected.is_abandoned()

    left.set(1)
    assert selected.get(0) is left.future


def test_of_many_threads_one_wins(count, together):
    rounds = [[la.Promise() for _ in range(2)] for _ in range(count(2_000))]
    results, barrier = (
        [la.select([promise.future for promise in promises]) for promises in rounds],
        threading.Barrier(2),
    )

    def deliver(number):
        barrier.wait(LIMIT)
        for promises in rounds:
            promises[number].set(number)

    together(*[lambda number=number: deliver(number) for number in range(2)])

    for promises, result in zip(rounds, results, strict=True):
        assert result.get(0) in [promise.future for promise in promises]


@pytest.mark.parametrize("members", [[], ["failed"]])
def test_who_waits_for_a_selection_of_nobody_is_told_so(members):
    futures = [la.failed(ValueError("boom")) for _ in members]

    with pytest.raises(la.Abandoned, match="select: none of the futures can become ready any more"):
        la.select(futures).get(60)
