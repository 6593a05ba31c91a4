"""After: a future whose time has come, and a future that is not waited for any longer."""

import gc
import threading
import weakref

import pytest

import libactor as la

LIMIT = 30


@pytest.fixture
def promise():
    return la.Promise()


# ---- after(seconds) ----


# LP AfterTest.After
def test_a_future_is_ready_at_its_time_and_not_before(paused):
    future = la.after(10)

    paused.clock.advance(9.999)
    assert future.is_pending()

    paused.clock.advance(0.001)
    assert future.get(0) is None


def test_a_discard_cancels_the_timer_and_is_honoured(paused):
    future = la.after(10)

    future.discard()
    assert future.is_discarded()

    paused.clock.advance(10)
    assert paused.clock.fire_due() == 0
    assert future.is_discarded()


def test_a_discard_after_its_time_changes_nothing(paused):
    future = la.after(10)
    paused.clock.advance(10)

    assert not future.discard()
    assert future.is_ready()


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_a_time_that_is_none_is_refused(paused, promise, seconds):
    with pytest.raises(ValueError, match="number of seconds"):
        la.after(seconds)
    with pytest.raises(ValueError, match="number of seconds"):
        promise.future.after(seconds, str)


def test_without_a_runtime_it_says_so_and_takes_one(promise):
    with pytest.raises(la.NoRuntime, match="after"):
        la.after(1)
    with pytest.raises(la.NoRuntime, match="after"):
        promise.future.after(1, str)


def test_the_runtime_can_be_named(paused, promise):
    other = la.Runtime()
    other.clock.pause()
    alarm, late = la.after(1, runtime=other), promise.future.after(1, lambda _: "late", runtime=other)

    paused.clock.advance(1)
    assert alarm.is_pending()
    assert late.is_pending()

    other.clock.advance(1)
    assert alarm.is_ready()
    assert late.get(0) == "late"
    other.close()


def test_an_actor_goes_by_the_clock_of_its_runtime(paused):
    class Sleeper(la.Actor):
        def nap(self):
            return la.after(5).then(lambda _: "awake")

    with la.Runtime():
        future = la.dispatch(paused.spawn(Sleeper()), Sleeper.nap)
    paused.clock.settle()

    paused.clock.advance(5)

    assert future.get(LIMIT) == "awake"


# LP ProcessTest.TimerAfterReinitialize
def test_a_timer_fires_in_a_runtime_that_was_opened_after_another_was_closed():
    for _ in range(3):
        with la.Runtime():
            assert la.after(0.001).get(LIMIT) is None


# Goal: nobody waits for ever without a word. Method: let go of a runtime with a timer that has not fired.
def test_an_alarm_is_abandoned_with_the_clock_that_would_have_rung_it():
    runtime = la.Runtime()
    future = la.after(3600, runtime=runtime)

    runtime.close()
    del runtime
    gc.collect()

    assert future.is_abandoned()


def test_alarms_that_were_discarded_leave_no_memory(paused, traced_memory):
    def discard(times):
        for _ in range(times):
            la.after(3600).discard()
        gc.collect()
        return traced_memory()

    before = discard(200)

    assert discard(5_000) - before < 100_000


# ---- Future.after ----


# LP FutureTest.After1
def test_the_function_is_called_at_the_full_time_although_a_discard_was_asked_for(paused, promise):
    inner = la.Promise()
    late = promise.future.after(10, lambda future: inner.future)

    paused.clock.advance(5)
    late.discard()
    assert promise.future.has_discard()
    paused.clock.advance(4.999)
    assert not inner.future.has_discard()

    paused.clock.advance(0.001)
    assert inner.future.has_discard()
    inner.set("late")
    assert late.get(0) == "late"


# LP FutureTest.After2
@pytest.mark.parametrize("complete", ["set", "fail", "discard"])
@pytest.mark.parametrize("early", [True, False])
def test_a_future_that_completes_in_time_cancels_the_timer(paused, promise, complete, early):
    outcome = {"set": lambda: promise.set(1), "fail": lambda: promise.fail(ValueError()), "discard": promise.discard}
    if early:
        outcome[complete]()
    called = []
    in_time = promise.future.after(10, called.append)
    if not early:
        paused.clock.advance(9)
        outcome[complete]()

    paused.clock.advance(10)

    assert paused.clock.fire_due() == 0
    assert called == []
    assert in_time._outcome() == promise.future._outcome()


def test_the_function_sees_the_future_that_is_late_and_decides(paused, promise):
    late = promise.future.after(1, lambda future: ("late", future is promise.future))

    paused.clock.advance(1)
    promise.set("too late")

    assert late.get(0) == ("late", True)


def test_what_the_function_raises_fails_the_result(paused, promise):
    late = promise.future.after(1, lambda _: [].pop())

    paused.clock.advance(1)

    with pytest.raises(IndexError):
        late.get(0)


def test_abandonment_passes_at_once_and_the_function_is_called_in_its_time(paused):
    late = la.Promise().future.after(1, lambda _: "late")
    gc.collect()
    assert late.is_abandoned()

    paused.clock.advance(1)

    assert late.get(0) == "late"


# LP FutureTest.After3
@pytest.mark.parametrize("in_time", [True, False])
def test_neither_a_timer_that_fired_nor_one_that_was_cancelled_keeps_the_future(paused, in_time):
    promise = la.Promise()
    seen = weakref.ref(promise.future)
    promise.future.after(1, lambda _: 1)
    gc.disable()
    try:
        if in_time:
            promise.set(1)
        paused.clock.advance(1)
        del promise
        assert seen() is None
    finally:
        gc.enable()


# Goal: whoever comes first decides, and the result completes once. Method: the timer and the promise race, often.
def test_completion_and_timer_may_come_at_once(paused, count, together):
    rounds = count(2_000)
    promises, barrier = [la.Promise() for _ in range(rounds)], threading.Barrier(2)
    results = [promise.future.after(1, lambda _: "late") for promise in promises]

    def deliver():
        barrier.wait(LIMIT)
        for promise in promises:
            promise.set("in time")

    def fire():
        barrier.wait(LIMIT)
        paused.clock.advance(1)

    together(deliver, fire)

    assert all(result.get(0) in ("late", "in time") for result in results)
