"""Futures: waiting, raising, chaining. What the cell below does is in test_future_cell.py."""

import contextlib
import gc
import threading
import weakref

import pytest

import libactor as la

LIMIT = 30


@pytest.fixture
def promise():
    return la.Promise()


# LP FutureTest.Future
def test_get_returns_the_value_that_a_promise_delivers(promise):
    promise.set(1)

    assert promise.future.get(LIMIT) == 1
    assert promise.future.get(0) == 1


def test_get_waits_for_another_thread(promise, start):
    waiting = start(lambda: promise.future.get(LIMIT))

    promise.set(1)

    assert waiting() == 1


def test_many_threads_may_wait_for_one_future(promise, start):
    waiting = [start(lambda: promise.future.get(LIMIT)) for _ in range(20)]

    promise.set(1)

    assert [wait() for wait in waiting] == [1] * 20


@pytest.mark.parametrize("timeout", [0, 0.001, -1])
def test_get_gives_up_after_its_time_and_says_so(promise, timeout):
    with pytest.raises(TimeoutError, match="still pending"):
        promise.future.get(timeout)


# Goal: a wait ends although its time was over before the thread came to sleep. Method: a time so short that it is, in
# some of many rounds.
def test_get_gives_up_after_the_shortest_of_times(promise, start):
    def give_up():
        for _ in range(5_000):
            with contextlib.suppress(TimeoutError):
                promise.future.get(5e-7)

    wait = start(give_up)

    assert wait() is None


def test_get_takes_any_time_for_an_answer(promise, start):
    waiting = [start(lambda: promise.future.get(float("inf"))), start(lambda: promise.future.get(1e300))]

    promise.set(1)

    assert [wait() for wait in waiting] == [1, 1]


# Goal: a thread that polls a future does not fill it with callbacks.
def test_a_get_that_gave_up_leaves_nothing_behind(promise, traced_memory):
    def give_up(times):
        for _ in range(times):
            with pytest.raises(TimeoutError):
                promise.future.get(0)
        gc.collect()
        return traced_memory()

    before = give_up(10)

    assert give_up(1000) - before < 20_000


def test_get_of_a_discarded_future_says_so(promise):
    promise.discard()

    with pytest.raises(la.Discarded):
        promise.future.get(LIMIT)


def test_a_thread_that_waits_is_released_by_abandonment(start):
    promise = la.Promise()
    future = promise.future
    waiting = start(lambda: future.get(LIMIT))

    del promise
    gc.collect()

    with pytest.raises(la.Abandoned):
        waiting()


class Moody(Exception):
    """Takes other arguments than it hands on to its base."""

    def __init__(self, mood, *, degree):
        super().__init__(f"{mood} to a degree of {degree}")
        self.mood = mood


def broken_bytes():
    try:
        b"\xff".decode()
    except UnicodeDecodeError as error:
        return error


def public_attributes(error):
    values = {name: getattr(error, name, None) for name in dir(error) if not name.startswith("_")}
    return {name: value for name, value in values.items() if not callable(value)}


ERRORS = [
    ValueError("no", 3),
    KeyError("key"),
    OSError(2, "No such file", "the name"),
    broken_bytes(),
    ImportError("no", name="module", path="path"),
    StopIteration(4),
    SystemExit(3),
    ExceptionGroup("several", [ValueError("a"), KeyError("b")]),
    SyntaxError("bad", ("file", 1, 2, "text")),
    Moody("glum", degree=3),
]


@pytest.mark.parametrize("original", ERRORS, ids=lambda error: type(error).__name__)
def test_a_failure_is_raised_as_a_fresh_exception_that_equals_it(promise, original):
    promise.fail(original)

    with pytest.raises(type(original)) as raised:
        promise.future.get(LIMIT)

    fresh = raised.value
    assert fresh is not original
    assert fresh.__cause__ is original
    assert (type(fresh), str(fresh), fresh.args) == (type(original), str(original), original.args)
    assert public_attributes(fresh) == public_attributes(original)


def test_notes_of_one_reader_are_not_seen_by_another(promise):
    original = ValueError("no")
    original.add_note("from the start")
    promise.fail(original)

    for _ in range(2):
        with pytest.raises(ValueError, match="no") as raised:
            promise.future.get(LIMIT)
        assert raised.value.__notes__ == ["from the start"]
        raised.value.add_note("mine")


def test_readers_share_no_traceback(promise):
    promise.fail(ValueError("no"))
    depths = []
    for _ in range(3):
        with pytest.raises(ValueError, match="no") as raised:
            promise.future.get(LIMIT)
        depths.append(len(raised.traceback))

    assert len(set(depths)) == 1


def test_exception_looks_without_waiting(promise):
    error = ValueError("no")

    assert promise.future.exception() is None
    promise.fail(error)
    assert promise.future.exception() is error
    assert la.ready(1).exception() is None


# LP FutureTest.Stringify
def test_a_future_shows_its_state(promise):
    abandoned = la.Promise().future
    gc.collect()
    states = [promise.future, la.ready(1), la.failed(ValueError()), abandoned]
    promise.future.discard()

    assert [repr(future) for future in states] == [
        "<Future Pending (with discard)>",
        "<Future Ready>",
        "<Future Failed>",
        "<Future Abandoned>",
    ]
    assert [future.exception() is None for future in states] == [True, True, False, True]
    promise.discard()
    assert repr(promise.future) == "<Future Discarded (with discard)>"


# LP FutureTest.OnAny
def test_callbacks_come_in_order_those_for_any_outcome_last(promise):
    seen = []
    future = promise.future
    assert future.on_any(lambda done: seen.append(("any", done.get(0)))) is future
    future.on_ready(lambda value: seen.append(("ready", value)))
    future.on_failed(lambda _: seen.append("failed")).on_discarded(lambda: seen.append("discarded"))

    promise.set(1)

    assert seen == [("ready", 1), ("any", 1)]


# LP FutureTest.Then
def test_then_takes_a_function_of_the_value_or_one_that_returns_a_future(promise):
    inner = la.Promise()
    plain, nested = promise.future.then(lambda k: k + 1), promise.future.then(lambda _: inner.future)

    promise.set(1)

    assert plain.get(0) == 2
    assert nested.is_pending()
    inner.set(5)
    assert nested.get(0) == 5


# LP FutureTest.Chain
@pytest.mark.parametrize(
    ("complete", "state"),
    [
        (lambda p: p.set(1), "is_ready"),
        (lambda p: p.fail(ValueError("no")), "is_failed"),
        (lambda p: p.discard(), "is_discarded"),
    ],
)
def test_an_outcome_runs_down_a_chain(promise, complete, state):
    end = promise.future
    for _ in range(100):
        end = end.then(lambda k: k + 1)

    complete(promise)

    assert getattr(end, state)()
    assert end.exception() is promise.future.exception()


def test_an_exception_in_a_step_fails_the_rest_of_the_chain():
    called = []

    end = la.ready(1).then(lambda _: [].pop()).then(called.append)

    with pytest.raises(IndexError):
        end.get(0)
    assert called == []


def test_what_ends_a_program_passes_through_a_step_and_fails_the_chain(promise):
    def leave(_):
        raise SystemExit(3)

    end = promise.future.then(leave)

    with pytest.raises(SystemExit):
        promise.set(1)
    assert isinstance(end.exception(), SystemExit)


# LP FutureTest.Discard1
def test_a_discard_of_the_end_reaches_the_start_and_its_honouring_the_end(promise):
    end = promise.future.then(lambda k: k).then(lambda k: k)

    assert end.discard()

    assert promise.future.has_discard()
    assert end.is_pending()
    promise.discard()
    assert end.is_discarded()


# LP FutureTest.Discard2
def test_after_a_discard_the_next_step_is_not_run_although_the_value_came(promise):
    called = []
    end = promise.future.then(called.append)

    end.discard()
    promise.set(1)

    assert end.is_discarded()
    assert called == []


def test_a_discard_of_the_start_alone_keeps_the_next_step_from_running_as_well(promise):
    called = []
    end = promise.future.then(called.append)

    promise.future.discard()
    promise.set(1)

    assert end.is_discarded()
    assert called == []


# LP FutureTest.Discard3
def test_after_a_discard_a_failure_is_still_a_failure(promise):
    end = promise.future.then(lambda k: k)

    end.discard()
    promise.fail(ValueError("no"))

    assert end.is_failed()
    assert isinstance(end.exception(), ValueError)


def test_a_discard_reaches_the_future_that_a_step_returned(promise):
    inner = la.Promise()
    end = promise.future.then(lambda _: inner.future)
    promise.set(1)

    end.discard()

    assert inner.future.has_discard()
    assert not promise.future.has_discard()


# LP FutureTest.AbandonedChain
def test_abandonment_runs_down_a_chain():
    promise = la.Promise()
    end = promise.future.then(lambda k: k).repair(lambda _: 0).then(lambda k: k)

    del promise
    gc.collect()

    assert end.is_abandoned()


def test_abandonment_of_the_future_a_step_returned_comes_down(promise):
    end = promise.future.then(lambda _: la.Promise().future)

    promise.set(1)
    gc.collect()

    assert end.is_abandoned()


# LP FutureTest.Repair
def test_repair_runs_on_failure_only(promise):
    error = ValueError("no")
    discarded = la.Promise()
    repaired = promise.future.repair(lambda future: future.exception())
    ready, gone = la.ready(1).repair(lambda _: 2), discarded.future.repair(lambda _: 2)

    promise.fail(error)
    discarded.discard()

    assert repaired.get(0) is error
    assert ready.get(0) == 1
    assert gone.is_discarded()


def test_repair_may_return_a_future_and_may_fail():
    assert la.failed(ValueError("no")).repair(lambda _: la.ready(2)).get(0) == 2
    with pytest.raises(IndexError):
        la.failed(ValueError("no")).repair(lambda _: [].pop()).get(0)


def test_repair_runs_although_a_discard_was_asked_for_and_hands_it_on(promise):
    inner = la.Promise()
    end = promise.future.repair(lambda _: inner.future)

    end.discard()
    promise.fail(ValueError("no"))

    assert end.is_pending()
    assert inner.future.has_discard()


@pytest.mark.parametrize("chain", [lambda f: f.then(str), lambda f: f.repair(str), lambda f: f.on_any(str)])
def test_a_chain_that_nobody_keeps_goes_without_the_collector(chain):
    promise = la.Promise()
    seen = weakref.ref(promise.future)
    chain(promise.future)
    gc.disable()
    try:
        del promise
        assert seen() is None
    finally:
        gc.enable()


# Goal: the end of a chain is reached however long it is. Method: ten times what Python's stack would hold.
@pytest.mark.parametrize("step", [lambda k: k + 1, lambda k: la.ready(k + 1)], ids=["value", "future"])
def test_a_long_chain_does_not_need_a_deep_stack(promise, step):
    end = promise.future
    for _ in range(10_000):
        end = end.then(step)

    promise.set(0)

    assert end.get(0) == 10_000


@pytest.fixture
def spiral():
    """The promises and the end of a loop of continuations, each of which returns the future of the next round."""
    promises = [la.Promise() for _ in range(5_000)]

    def go_round(n):
        return promises[n].future.then(lambda _: go_round(n + 1)) if n + 1 < len(promises) else promises[n].future

    return promises, go_round(0)


def test_a_loop_of_continuations_does_not_need_a_deep_stack(spiral):
    promises, end = spiral

    for promise in promises:
        promise.set("done")

    assert end.get(0) == "done"


def test_a_discard_reaches_the_last_round_of_a_loop_of_continuations(spiral):
    promises, end = spiral
    for promise in promises[:-1]:
        promise.set(None)

    end.discard()

    assert promises[-1].future.has_discard()


def test_abandonment_of_the_last_round_reaches_the_start_of_a_loop_of_continuations(spiral):
    promises, end = spiral
    for promise in promises[:-1]:
        promise.set(None)

    promises.clear()
    del promise
    gc.collect()

    assert end.is_abandoned()


# Goal: hops of a chain that are put off are not waited for in vain. Method: wait for one at each depth of a chain.
def test_a_step_deep_in_a_chain_may_wait_for_a_chain_of_its_own(promise):
    def step(k):
        return la.ready(k).then(lambda k: la.ready(k + 1)).then(lambda k: k).get(LIMIT)

    end = promise.future
    for _ in range(100):
        end = end.then(step)

    promise.set(0)

    assert end.get(0) == 100


def test_callbacks_registered_by_many_threads_run_each_once(promise, count, together):
    seen, barrier = [], threading.Barrier(5)

    def subscribe():
        barrier.wait(LIMIT)
        for _ in range(count(5_000)):
            promise.future.on_ready(seen.append)

    def deliver():
        barrier.wait(LIMIT)
        promise.set(1)

    together(*[subscribe] * 4, deliver)

    assert seen == [1] * (4 * count(5_000))
