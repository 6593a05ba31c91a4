"""Await_all: the futures themselves, once all of them are complete."""

import gc

import pytest

import libactor as la


@pytest.fixture
def promises():
    return [la.Promise() for _ in range(3)]


@pytest.fixture
def awaited(promises):
    return la.await_all([promise.future for promise in promises])


# LP AwaitTest.Success
def test_it_is_ready_with_the_futures_when_the_last_is_complete(promises, awaited):
    for n in (2, 0):
        promises[n].set(n)
    assert awaited.is_pending()

    promises[1].set(1)

    assert awaited.get(0) == [promise.future for promise in promises]
    assert [future.get(0) for future in awaited.get(0)] == [0, 1, 2]


# LP AwaitTest.Failure
# LP AwaitTest.Discarded
def test_a_failed_and_a_discarded_future_count_as_complete(promises, awaited):
    promises[0].fail(ValueError("no"))
    promises[1].discard()
    assert awaited.is_pending()

    promises[2].set(2)

    assert [repr(future) for future in awaited.get(0)] == ["<Future Failed>", "<Future Discarded>", "<Future Ready>"]


def test_nothing_to_wait_for_is_ready_at_once():
    assert la.await_all([]).get(0) == []


def test_any_iterable_will_do_and_one_future_may_stand_twice():
    future = la.ready(1)

    assert la.await_all(future for _ in range(2)).get(0) == [future, future]


# LP AwaitTest.DiscardPropagation
@pytest.mark.parametrize("obedient", [True, False])
def test_a_discard_reaches_every_member_and_is_honoured(promises, awaited, obedient):
    if obedient:
        for promise in promises:
            promise.future.on_discard(promise.discard)

    awaited.discard()

    assert all(promise.future.has_discard() for promise in promises)
    assert awaited.is_discarded()


# LP AwaitTest.AbandonedPropagation
def test_an_abandoned_member_abandons_it(promises, awaited):
    promises.pop(1)
    gc.collect()

    assert awaited.is_abandoned()


# LP AwaitTest.AwaitSingleDiscard
def test_a_chain_breaks_out_on_a_discard_although_what_it_waits_for_takes_no_notice():
    stubborn = la.Promise()
    chain = la.await_all([stubborn.future]).then(lambda futures: futures[0])

    chain.discard()

    assert chain.is_discarded()
    assert stubborn.future.is_pending()


# LP AwaitTest.AwaitSingleAbandon
def test_a_chain_hears_that_the_one_future_it_waits_for_is_abandoned():
    promise = la.Promise()
    chain = la.await_all([promise.future]).then(lambda futures: futures[0])

    del promise
    gc.collect()

    assert chain.is_abandoned()


def test_members_may_complete_in_many_threads(count, together):
    promises = [la.Promise() for _ in range(count(20_000))]
    awaited = la.await_all(promise.future for promise in promises)

    together(*[lambda part=part: [promises[n].set(n) for n in range(part, len(promises), 4)] for part in range(4)])

    assert [future.get(0) for future in awaited.get(0)] == list(range(len(promises)))


@pytest.mark.parametrize("join", [la.collect, la.await_all, la.select])
def test_a_long_chain_of_them_does_not_need_a_deep_stack(join):
    promise = la.Promise()
    end = promise.future
    for _ in range(3_000):
        end = join([end])

    promise.set(1)

    assert end.is_ready()
