"""Promises deliver once, or hand delivery over, or abandon what they owed."""

import gc

import pytest

import libactor as la


@pytest.fixture
def promise():
    return la.Promise()


OUTCOMES = {
    "set": lambda promise: promise.set(1),
    "fail": lambda promise: promise.fail(ValueError("no")),
    "discard": lambda promise: promise.discard(),
    "associate": lambda promise: promise.associate(la.ready(2)),
}


@pytest.mark.parametrize("first", OUTCOMES)
@pytest.mark.parametrize("second", OUTCOMES)
def test_only_the_first_delivery_counts(promise, first, second):
    assert OUTCOMES[first](promise)
    before = promise.future._outcome()

    assert not OUTCOMES[second](promise)
    assert promise.future._outcome() == before


def test_a_failure_must_be_an_exception(promise):
    for error in ("no", ValueError):
        with pytest.raises(TypeError, match="expected an exception object"):
            promise.fail(error)

    assert promise.future.is_pending()


# LP FutureTest.Associate
@pytest.mark.parametrize("outcome", ["set", "fail", "discard"])
@pytest.mark.parametrize("early", [True, False])
def test_an_associated_future_comes_out_as_its_source(promise, outcome, early):
    source = la.Promise()
    if early:
        OUTCOMES[outcome](source)
    assert promise.associate(source.future)
    if not early:
        OUTCOMES[outcome](source)

    assert promise.future._outcome() == source.future._outcome()


# LP FutureTest.Associate
def test_setting_a_future_is_associating_with_it(promise):
    source = la.Promise()

    assert promise.set(source.future)
    assert not promise.set(3)
    source.set(1)

    assert promise.future.get(0) == 1


# LP FutureTest.Associate
def test_an_associated_promise_delivers_no_more_although_its_future_is_pending(promise):
    source = la.Promise()
    promise.associate(source.future)

    assert not promise.set(1)
    assert not promise.fail(ValueError())
    assert not promise.discard()
    assert not promise.associate(la.ready(1))
    assert promise.future.is_pending()


# LP FutureTest.Associate
@pytest.mark.parametrize("early", [True, False])
def test_a_discard_reaches_the_associated_source(promise, early):
    source = la.Promise()
    if early:
        promise.future.discard()
    promise.associate(source.future)
    if not early:
        promise.future.discard()

    assert source.future.has_discard()
    assert promise.future.is_pending()


# LP FutureTest.Abandoned
def test_a_promise_that_goes_away_abandons_its_future():
    promise = la.Promise()
    future, seen = promise.future, []
    future.on_abandoned(lambda: seen.append("before"))

    del promise
    gc.collect()
    future.on_abandoned(lambda: seen.append("after"))

    assert future.is_abandoned()
    assert future.is_pending()
    assert seen == ["before", "after"]


# LP FutureTest.Abandoned
def test_a_promise_that_delivered_abandons_nothing():
    promise = la.Promise()
    future = promise.future
    promise.set(1)

    del promise
    gc.collect()

    assert not future.is_abandoned()
    assert future.get(0) == 1


# LP FutureTest.Abandoned
def test_an_associated_future_is_abandoned_with_its_source_and_not_with_its_promise():
    promise = la.Promise()
    future, source = promise.future, la.Promise()
    promise.associate(source.future)

    del promise
    gc.collect()
    assert not future.is_abandoned()

    del source
    gc.collect()
    assert future.is_abandoned()


def test_a_discarded_future_tells_the_delivering_side(promise):
    promise.future.on_discard(promise.discard)

    promise.future.discard()

    assert promise.future.is_discarded()


def test_ready_and_failed_futures_are_complete_from_the_start():
    error = ValueError("no")

    assert la.ready(1).get(0) == 1
    assert la.failed(error).exception() is error
