"""Collect: all values in order, or the first that went wrong."""

import gc

import pytest

import libactor as la


@pytest.fixture
def promises():
    return [la.Promise() for _ in range(3)]


@pytest.fixture
def collected(promises):
    return la.collect([promise.future for promise in promises])


# LP CollectTest.Ready
def test_values_come_in_the_order_of_the_futures(promises, collected):
    for n in (2, 0):
        promises[n].set(n)
    assert collected.is_pending()

    promises[1].set(1)

    assert collected.get(0) == [0, 1, 2]


# LP CollectTest.Ready
def test_nothing_to_wait_for_is_ready_at_once():
    assert la.collect([]).get(0) == []


def test_any_iterable_will_do_and_one_future_may_stand_twice():
    future = la.ready(1)

    assert la.collect(future for _ in range(2)).get(0) == [1, 1]


# LP CollectTest.Failure
def test_the_first_failure_fails_it_at_once(promises, collected):
    promises[1].fail(ValueError("no"))
    promises[0].fail(KeyError("later"))

    with pytest.raises(ValueError, match="no"):
        collected.get(0)


def test_a_discarded_member_fails_it(promises, collected):
    promises[1].discard()

    with pytest.raises(RuntimeError, match="was discarded"):
        collected.get(0)


# LP CollectTest.DiscardPropagation
@pytest.mark.parametrize("obedient", [True, False])
def test_a_discard_reaches_every_member_and_is_honoured(promises, collected, obedient):
    if obedient:
        for promise in promises:
            promise.future.on_discard(promise.discard)

    collected.discard()

    assert all(promise.future.has_discard() for promise in promises)
    assert collected.is_discarded()


# LP CollectTest.AbandonedPropagation
def test_an_abandoned_member_abandons_it(promises, collected):
    promises.pop(1)
    gc.collect()

    assert collected.is_abandoned()


def test_members_may_complete_in_many_threads(count, together):
    promises = [la.Promise() for _ in range(count(20_000))]
    collected = la.collect(promise.future for promise in promises)

    together(*[lambda part=part: [promises[n].set(n) for n in range(part, len(promises), 4)] for part in range(4)])

    assert collected.get(0) == list(range(len(promises)))
