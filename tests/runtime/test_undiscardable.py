"""Undiscardable: a barrier that outcomes pass and discards do not."""

import gc

import pytest

import libactor as la


@pytest.fixture
def promise():
    return la.Promise()


# LP FutureTest.UndiscardableFuture
def test_a_discard_does_not_pass_and_the_value_does(promise):
    shielded = la.undiscardable(promise.future)

    shielded.discard()
    assert shielded.has_discard()
    assert not promise.future.has_discard()

    promise.set(1)
    assert shielded.get(0) == 1


# LP FutureTest.UndiscardableLambda
def test_a_discard_of_a_chain_does_not_reach_what_a_shielded_step_returned(promise):
    end = la.ready(20).then(la.undiscardable(lambda k: promise.future.then(lambda n: n + k)))

    end.discard()
    assert not promise.future.has_discard()

    promise.set(1)
    assert end.get(0) == 21


@pytest.mark.parametrize("complete", ["set", "fail", "discard"])
def test_every_outcome_passes(promise, complete):
    shielded = la.undiscardable(promise.future)

    {"set": lambda: promise.set(1), "fail": lambda: promise.fail(ValueError()), "discard": promise.discard}[complete]()

    assert shielded._outcome() == promise.future._outcome()


def test_abandonment_passes():
    promise = la.Promise()
    shielded = la.undiscardable(promise.future)

    del promise
    gc.collect()

    assert shielded.is_abandoned()


def test_a_plain_value_of_a_shielded_function_passes_through():
    assert la.ready(1).then(la.undiscardable(lambda k: k + 1)).get(0) == 2


def test_what_is_neither_a_future_nor_a_function_is_refused():
    with pytest.raises(TypeError, match="expected a future or a function"):
        la.undiscardable(5)
