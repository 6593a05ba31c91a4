"""Recover: a chain goes on although what it waited for was lost."""

import gc
import weakref

import pytest

import libactor as la

LIMIT = 30


@pytest.fixture
def promise():
    return la.Promise()


# LP FutureTest.RecoverFailed
def test_a_failure_is_recovered_from(promise):
    error = ValueError("no")
    recovered = promise.future.recover(lambda future: [future.exception()])

    promise.fail(error)

    assert recovered.get(0) == [error]


# LP FutureTest.RecoverDiscarded
def test_a_discarded_future_is_recovered_from(promise):
    recovered = promise.future.recover(lambda future: la.ready(future.is_discarded()))

    promise.discard()

    assert recovered.get(0) is True


# LP FutureTest.RecoverAbandoned
@pytest.mark.parametrize("early", [True, False])
def test_an_abandoned_future_is_recovered_from(early):
    promise = la.Promise()
    future = promise.future
    if early:
        del promise
    recovered = future.recover(lambda lost: lost.is_abandoned())
    if not early:
        del promise

    gc.collect()

    assert recovered.get(0) is True
    assert not recovered.is_abandoned()


def test_a_value_passes_through(promise):
    called = []
    recovered = promise.future.recover(called.append)

    promise.set(1)

    assert recovered.get(0) == 1
    assert called == []


def test_what_the_function_raises_fails_the_result():
    with pytest.raises(IndexError):
        la.failed(ValueError("no")).recover(lambda _: [].pop()).get(0)


def test_abandonment_of_the_future_the_function_returned_comes_down(promise):
    recovered = promise.future.recover(lambda _: la.Promise().future)

    promise.discard()
    gc.collect()

    assert recovered.is_abandoned()


# LP FutureTest.RecoverDiscard
def test_the_future_the_function_returns_is_not_discarded_at_once_but_can_be_later(promise):
    inner, heard = la.Promise(), []
    recovered = promise.future.recover(lambda _: inner.future)

    assert recovered.discard()
    assert promise.future.has_discard()
    promise.discard()
    assert not recovered.has_discard()
    assert not inner.future.has_discard()

    recovered.on_discard(lambda: heard.append("discard"))
    assert recovered.discard()
    assert not recovered.discard()
    assert recovered.has_discard()
    assert inner.future.has_discard()
    assert heard == ["discard"]


def test_who_subscribed_before_the_loss_hears_of_a_discard_after_it_once(promise):
    inner, heard = la.Promise(), []
    recovered = promise.future.recover(lambda _: inner.future)
    recovered.on_discard(lambda: heard.append("early"))

    promise.discard()
    recovered.discard()
    recovered.discard()

    assert heard == ["early"]


def test_a_discard_of_the_end_of_a_chain_reaches_what_a_recovery_returned(promise):
    inner = la.Promise()
    end = promise.future.recover(lambda _: inner.future).then(str).recover(str).then(str)
    promise.discard()

    end.discard()

    assert inner.future.has_discard()


def test_a_complete_result_takes_no_discard(promise):
    recovered = promise.future.recover(lambda _: 1)

    promise.discard()

    assert not recovered.discard()
    assert not recovered.has_discard()


# Goal: what is abandoned may still complete, and then the function has had its say. Method: a collect, whose result is
# abandoned with one member and fails with another.
@pytest.mark.parametrize("complete", ["set", "fail"])
def test_the_function_is_called_once_and_decides(promise, complete):
    lost, calls = la.Promise(), []
    source = la.collect([promise.future, lost.future]) if complete == "fail" else promise.future
    if complete == "set":
        source._abandon()
    recovered = source.recover(lambda _: calls.append("recover") or "recovered")

    del lost
    gc.collect()
    getattr(promise, complete)(ValueError("late"))

    assert calls == ["recover"]
    assert recovered.get(0) == "recovered"


def test_a_recovered_future_crosses_to_an_actor(runtime, promise):
    class Keeper(la.Actor):
        def keep(self, future):
            self.future = future
            return "kept"

    pid = la.spawn(Keeper())

    assert la.dispatch(pid, Keeper.keep, promise.future.recover(str)).get(LIMIT) == "kept"


def test_a_recovery_may_be_deferred(runtime, promise):
    class Medic(la.Actor):
        def heal(self, future):
            return type(future.exception()).__name__

    recovered = promise.future.recover(la.defer(la.spawn(Medic()), Medic.heal))

    promise.fail(KeyError("no"))

    assert recovered.get(LIMIT) == "KeyError"


def test_a_recovery_that_nobody_keeps_goes_without_the_collector():
    future = la.Future()
    seen = weakref.ref(future)
    future.recover(str)
    gc.disable()
    try:
        del future
        assert seen() is None
    finally:
        gc.enable()


def test_a_long_chain_of_recoveries_does_not_need_a_deep_stack(promise):
    end = promise.future
    for _ in range(10_000):
        end = end.recover(lambda future: la.failed(ValueError("again")))

    promise.fail(ValueError("first"))

    with pytest.raises(ValueError, match="again"):
        end.get(0)
