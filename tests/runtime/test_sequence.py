"""Sequence: functions that start one after the other, whatever comes of those before."""

import gc
import random
import threading
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

import libactor as la

LIMIT = 30


@pytest.fixture
def sequence():
    return la.Sequence()


class Steps:
    """Functions for a sequence: what was started, and the promise that ends each."""

    def __init__(self, count):
        self.promises = [la.Promise() for _ in range(count)]
        self.started = []

    def function(self, n):
        return lambda: self.started.append(n) or self.promises[n].future

    def add_to(self, sequence):
        return [sequence.add(self.function(n)) for n in range(len(self.promises))]


# LP SequenceTest.Serialize
def test_each_starts_when_the_one_before_has_come_to_its_end(sequence):
    steps = Steps(4)
    futures = steps.add_to(sequence)

    for n, promise in enumerate(steps.promises):
        assert steps.started == list(range(n + 1))
        assert futures[n].is_pending()
        promise.set(n)

    assert [future.get(0) for future in futures] == [0, 1, 2, 3]


@pytest.mark.parametrize("end", ["fail", "discard", "abandon"])
def test_the_next_one_starts_however_the_one_before_ends(sequence, end):
    steps = Steps(2)
    first, second = steps.add_to(sequence)
    if end == "abandon":
        steps.promises[0] = None
    elif end == "fail":
        steps.promises[0].fail(ValueError("no"))
    else:
        steps.promises[0].discard()

    assert steps.started == [0, 1]
    steps.promises[1].set("a")
    assert second.get(0) == "a"
    assert (first.is_abandoned(), first.exception() is not None, first.is_discarded()).index(True) == (
        ["abandon", "fail", "discard"].index(end)
    )


def test_one_that_is_abandoned_and_completed_later_starts_nothing_twice(sequence):
    promise, steps = la.Promise(), Steps(2)
    late = promise.future
    sequence.add(lambda: late)
    steps.add_to(sequence)

    del promise
    assert steps.started == [0]
    late._complete(1, "late")

    assert steps.started == [0]


# LP SequenceTest.DiscardOne
def test_one_that_is_discarded_before_its_turn_is_left_out(sequence):
    steps = Steps(3)
    futures = steps.add_to(sequence)

    futures[1].discard()
    steps.promises[0].set(0)

    assert futures[1].is_discarded()
    assert steps.started == [0, 2]
    steps.promises[2].set(2)
    assert futures[2].get(0) == 2


def test_a_discard_of_the_one_that_runs_reaches_it_and_those_behind_wait_for_what_comes_of_it(sequence):
    steps = Steps(2)
    running, behind = steps.add_to(sequence)

    running.discard()

    assert steps.promises[0].future.has_discard()
    assert running.is_pending()
    assert steps.started == [0]
    steps.promises[0].set("after all")
    assert running.get(0) == "after all"
    assert steps.started == [0, 1]
    assert not behind.has_discard()


# LP SequenceTest.DiscardAll
def test_when_it_goes_away_all_are_discarded_and_none_is_started():
    sequence, steps = la.Sequence(), Steps(4)
    futures = steps.add_to(sequence)

    del sequence
    assert steps.promises[0].future.has_discard()
    assert all(future.is_pending() for future in futures)
    steps.promises[0].discard()

    assert all(future.is_discarded() for future in futures)
    assert steps.started == [0]


def test_when_it_goes_away_none_starts_because_the_one_before_gives_up_at_once():
    sequence, steps = la.Sequence(), Steps(3)
    steps.promises[0].future.on_discard(steps.promises[0].discard)
    futures = steps.add_to(sequence)

    del sequence

    assert all(future.is_discarded() for future in futures)
    assert steps.started == [0]


# LP SequenceTest.Random
def test_a_random_lot_is_served_in_order_and_what_is_discarded_is_left_out(sequence):
    choose, steps = random.Random(7), Steps(1_000)
    futures = steps.add_to(sequence)
    discarded = {n for n in range(1, 1_000) if choose.random() < 0.5}
    for n in discarded:
        futures[n].discard()

    for n in range(1_000):
        if n not in discarded:
            steps.promises[n].set(n)

    assert steps.started == [n for n in range(1_000) if n not in discarded]
    assert [n for n, future in enumerate(futures) if future.is_discarded()] == sorted(discarded)


# Goal: order and exclusion for any history. Method: the model is a list; its first is the one that runs.
@given(st.lists(st.tuples(st.sampled_from(["add", "discard", "set", "fail", "drop"]), st.integers(0, 9)), max_size=40))
def test_it_behaves_as_a_list_does(history):
    sequence, steps, futures, line, asked = la.Sequence(), Steps(0), [], [], set()
    expected = []
    for action, n in history:
        if action == "add":
            n = len(futures)
            steps.promises.append(la.Promise())
            futures.append(sequence.add(steps.function(n)))
            if not line:
                expected.append(n)
            line.append(n)
        elif action == "discard":
            if n in line:
                futures[n].discard()
                asked.add(n)
        elif line:
            running = line.pop(0)
            while line and line[0] in asked:
                line.pop(0)
            if line:
                expected.append(line[0])
            promise, steps.promises[running] = steps.promises[running], None
            if action == "set":
                promise.set(running)
            elif action == "fail":
                promise.fail(ValueError("no"))
            del promise

        assert steps.started == expected
        assert [n for n in line if not futures[n].is_pending()] == []


# ---- what a function may be and do ----


def test_values_are_results_as_well_and_an_exception_is_a_failure(sequence):
    assert sequence.add(lambda: 7).get(0) == 7
    with pytest.raises(IndexError):
        sequence.add([].pop).get(0)

    assert sequence.add(lambda: 8).get(0) == 8


def test_an_interrupt_fails_its_step_comes_out_and_holds_nobody_up(sequence):
    promise = la.Promise()

    def interrupt():
        raise KeyboardInterrupt

    first = sequence.add(lambda: promise.future)
    interrupted, behind = sequence.add(interrupt), sequence.add(lambda: 7)
    with pytest.raises(KeyboardInterrupt):
        promise.set(1)

    assert first.get(0) == 1
    assert isinstance(interrupted.exception(), KeyboardInterrupt)
    assert behind.get(0) == 7


def test_a_function_may_add_another_one_which_follows_those_that_wait(sequence):
    promise, log = la.Promise(), []
    sequence.add(lambda: promise.future)
    sequence.add(lambda: (log.append("b"), sequence.add(lambda: log.append("d"))))
    sequence.add(lambda: log.append("c"))

    promise.set(1)

    assert log == ["b", "c", "d"]


def test_a_failure_that_is_let_go_leaves_nothing_for_the_collector(sequence):
    class Held:
        pass

    def fail(held):
        raise ValueError("no")

    held = Held()
    seen = weakref.ref(held)
    gc.disable()
    try:
        sequence.add(lambda held=held: fail(held)).exception()
        del held
        assert seen() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("function", [None, 7, la.ready(1)])
def test_what_cannot_be_called_is_refused_when_it_is_added(sequence, function):
    with pytest.raises(TypeError, match=r"add: got .*, expected a function"):
        sequence.add(function)

    assert sequence.add(lambda: 1).get(0) == 1


@pytest.mark.parametrize("wrap", [lambda n: n, la.ready])
def test_many_that_end_at_once_do_not_need_a_deep_stack(sequence, wrap):
    promise = la.Promise()
    sequence.add(lambda: promise.future)
    futures = [sequence.add(lambda n=n: wrap(n)) for n in range(5_000)]

    promise.set(1)

    assert [future.get(0) for future in futures] == list(range(5_000))


def test_many_that_are_discarded_do_not_need_a_deep_stack(sequence):
    steps = Steps(5_000)
    futures = steps.add_to(sequence)
    for future in futures:
        future.discard()

    steps.promises[0].discard()

    assert all(future.is_discarded() for future in futures)


# ---- threads and actors ----


def test_threads_that_add_are_served_one_at_a_time_and_each_in_its_order(count, together, sequence):
    each, inside, met, log = count(1_000), [], [], []

    def step(name, n):
        inside.append(1)
        met.append(len(inside))
        log.append((name, n))
        inside.pop()

    def add(name):
        return [sequence.add(lambda n=n: step(name, n)) for n in range(each)]

    futures = together(*[lambda name=name: add(name) for name in "abc"])
    la.collect([future for part in futures for future in part]).get(LIMIT)

    assert met == [1] * (3 * each)
    for name in "abc":
        assert [n for who, n in log if who == name] == list(range(each))


class Server(la.Actor):
    def __init__(self):
        super().__init__()
        self.log = []

    def serve(self, n):
        self.log.append((n, threading.get_ident() == self.thread))
        return la.after(1).then(lambda _: self.log.append(n) or n)

    def seen(self):
        return self.log

    thread = None


def test_an_actor_is_asked_for_the_next_only_when_it_has_done_the_last(paused, sequence):
    pid = la.spawn(Server())
    futures = [sequence.add(la.defer(pid, Server.serve, n)) for n in range(3)]

    for n in range(3):
        paused.clock.settle()
        assert [future.is_ready() for future in futures] == [True] * n + [False] * (3 - n)
        paused.clock.advance(1)
    paused.clock.settle()

    assert [future.get(LIMIT) for future in futures] == [0, 1, 2]


def test_an_actor_that_stops_holds_nobody_up(paused, sequence):
    pid = la.spawn(Server())
    asked = sequence.add(la.defer(pid, Server.serve, 1))
    queued = sequence.add(lambda: "next")
    la.terminate(pid)
    paused.clock.settle()

    paused.clock.advance(1)
    paused.clock.settle()

    assert queued.get(LIMIT) == "next"
    assert not asked.is_pending() or asked.is_abandoned()


def test_it_says_how_it_is(sequence):
    promise = la.Promise()
    sequence.add(lambda: promise.future)
    sequence.add(lambda: 1)

    assert repr(sequence) == "<Sequence, busy, 1 waiting>"
