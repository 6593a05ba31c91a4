"""Loop: rounds of two steps, each of which may wait, until the body breaks."""

import gc
import itertools
import weakref

import pytest

import libactor as la

LIMIT = 30


def count_to(limit):
    """A body that breaks with the sum of what it was called with once it was called with ``limit``."""
    seen = []
    return lambda n: seen.append(n) or (la.Break(sum(seen)) if n == limit else la.Continue())


@pytest.fixture
def numbers():
    return itertools.count()


# LP LoopTest.Sync
def test_steps_that_return_values_run_at_once_and_without_a_deep_stack(numbers):
    assert la.loop(lambda: next(numbers), count_to(20_000)).get(0) == sum(range(20_001))


def test_steps_that_return_futures_that_are_ready_run_at_once_as_well(numbers):
    body = count_to(20_000)

    assert la.loop(lambda: la.ready(next(numbers)), lambda n: la.ready(body(n))).get(0) == sum(range(20_001))


# LP LoopTest.Async
def test_each_step_is_waited_for():
    items, flows, log = [la.Promise() for _ in range(2)], [la.Promise() for _ in range(2)], []
    rounds = iter(items)
    result = la.loop(lambda: log.append("iterate") or next(rounds).future, lambda n: log.append(n) or flows[n].future)

    assert log == ["iterate"]
    items[0].set(0)
    assert log == ["iterate", 0]
    flows[0].set(la.Continue())
    assert log == ["iterate", 0, "iterate"]
    items[1].set(1)
    assert result.is_pending()
    flows[1].set(la.Break("done"))

    assert result.get(0) == "done"


def test_many_rounds_that_wait_do_not_need_a_deep_stack(numbers):
    promises = [la.Promise() for _ in range(5_000)]
    result = la.loop(lambda: promises[next(numbers)].future, count_to(len(promises) - 1))

    for n, promise in enumerate(promises):
        promise.set(n)

    assert result.get(0) == sum(range(5_000))


# Goal: loops that set one another off do not stack up. Method: each body sets the promise that the next loop waits for.
def test_many_loops_in_a_row_do_not_need_a_deep_stack():
    promises = [la.Promise() for _ in range(3_000)]
    ends = [
        la.loop(lambda promise=promise: promise.future, lambda _, following=following: la.Break(following.set(1)))
        for promise, following in itertools.pairwise(promises)
    ]

    promises[0].set(1)

    assert [end.get(0) for end in ends] == [True] * len(ends)


# LP LoopTest.DiscardIterate
@pytest.mark.parametrize("obedient", [True, False])
def test_a_discard_reaches_the_iterate_that_is_waited_for_and_no_body_follows(obedient):
    step, called = la.Promise(), []
    result = la.loop(lambda: step.future, called.append)

    result.discard()
    assert step.future.has_discard()
    assert result.is_pending()

    step.discard() if obedient else step.set(1)
    assert result.is_discarded()
    assert called == []


# LP LoopTest.DiscardBody
@pytest.mark.parametrize("obedient", [True, False])
def test_a_discard_reaches_the_body_that_is_waited_for_and_no_round_follows(obedient, numbers):
    step = la.Promise()
    result = la.loop(lambda: next(numbers), lambda _: step.future)

    result.discard()
    assert step.future.has_discard()
    assert result.is_pending()

    step.discard() if obedient else step.set(la.Continue())
    assert result.is_discarded()
    assert next(numbers) == 1


def test_a_value_that_came_in_spite_of_a_discard_is_the_result():
    step = la.Promise()
    result = la.loop(lambda: 1, lambda _: step.future)

    result.discard()
    step.set(la.Break("done"))

    assert result.get(0) == "done"


# Goal: a discard between two waits is not lost. Method: the body asks for one and then returns a future.
def test_a_discard_asked_for_by_a_step_reaches_the_future_it_returns():
    first, second, results = la.Promise(), la.Promise(), []
    results.append(la.loop(lambda: first.future, lambda _: results[0].discard() and second.future))

    first.set(1)

    assert second.future.has_discard()


def test_a_discard_ends_a_loop_that_never_waits(numbers):
    first, results = la.Promise(), []

    def iterate():
        return first.future if next(numbers) == 0 else 1

    results.append(la.loop(iterate, lambda _: results[0].discard() and la.Continue()))
    first.set(1)

    assert results[0].is_discarded()


@pytest.mark.parametrize("where", ["iterate", "body"])
@pytest.mark.parametrize("how", ["raise", "fail"])
def test_a_step_that_fails_ends_the_loop(where, how):
    def broken(*_):
        if how == "raise":
            raise KeyError(where)
        return la.failed(KeyError(where))

    result = la.loop(broken if where == "iterate" else lambda: 1, broken if where == "body" else str)

    with pytest.raises(KeyError, match=where):
        result.get(0)


def test_what_ends_a_program_passes_through_a_step_and_fails_the_loop():
    step = la.Promise()
    result = la.loop(lambda: step.future, lambda _: (_ for _ in ()).throw(SystemExit(3)))

    with pytest.raises(SystemExit):
        step.set(1)

    assert isinstance(result.exception(), SystemExit)


@pytest.mark.parametrize("where", ["iterate", "body"])
def test_a_step_that_is_abandoned_abandons_the_loop(where):
    steps = [la.Promise()]
    result = la.loop(lambda: steps[0].future if where == "iterate" else 1, lambda _: steps[0].future)

    steps.clear()
    gc.collect()

    assert result.is_abandoned()


def test_a_body_must_say_how_to_go_on():
    with pytest.raises(TypeError, match=r"returned 3, expected Continue\(\) or Break\(value\)"):
        la.loop(lambda: 1, lambda _: 3).get(0)


def test_a_break_with_a_future_ends_as_that_future():
    last = la.Promise()
    result = la.loop(lambda: 1, lambda _: la.Break(last.future))
    assert result.is_pending()

    last.set("done")

    assert result.get(0) == "done"


def test_a_loop_that_nobody_keeps_goes_without_the_collector():
    steps = [la.Promise()]
    seen = weakref.ref(steps[0].future)
    result = weakref.ref(la.loop(lambda: steps[0].future, str))
    gc.disable()
    try:
        steps.clear()
        assert seen() is None
        assert result() is None
    finally:
        gc.enable()


# LP AfterTest.Loop
def test_a_loop_waits_by_the_clock(paused, numbers):
    result = la.loop(lambda: la.after(1), lambda _: la.Break("done") if next(numbers) == 9 else la.Continue())

    for _ in range(9):
        paused.clock.advance(1)
    assert result.is_pending()

    paused.clock.advance(1)
    assert result.get(0) == "done"


# Goal: what comes after a timer may set the next one, whoever fires it. Method: real time, in which the workers do.
@pytest.mark.real
def test_a_loop_waits_in_real_time(runtime, numbers):
    result = la.loop(lambda: la.after(0.001), lambda _: la.Break("done") if next(numbers) == 9 else la.Continue())

    assert result.get(LIMIT) == "done"


# ---- in an actor ----


class Host(la.Actor):
    """Runs the steps of a loop, which note in which actor they find themselves."""

    def __init__(self):
        super().__init__()
        self.rounds = 0

    def inside(self):
        return self._is_current()


class Echo(la.Actor):
    def echo(self, value):
        return value


def test_every_step_runs_in_the_actor_it_is_given(runtime):
    host = Host()
    pid, echo, inside = la.spawn(host), la.spawn(Echo()), []

    def iterate():
        inside.append(host._is_current())
        return la.dispatch(echo, Echo.echo, len(inside))

    def body(n):
        inside.append(host._is_current())
        return la.dispatch(echo, Echo.echo, la.Break(n) if n > 100 else la.Continue())

    assert la.loop(iterate, body, pid).get(LIMIT) == 101
    assert inside == [True] * 102


def test_what_a_loop_in_an_actor_breaks_with_leaves_it_by_value(runtime):
    pid, state = la.spawn(Host()), [1]

    value = la.loop(lambda: 1, lambda _: la.Break(state), pid).get(LIMIT)

    assert value == [1]
    assert value is not state
    with pytest.raises(la.NotPassable, match="result of a loop"):
        la.loop(lambda: 1, lambda _: la.Break(object()), pid).get(LIMIT)


def test_each_reader_of_what_a_loop_in_an_actor_breaks_with_gets_a_copy(runtime):
    result = la.loop(lambda: 1, lambda _: la.Break([1]), la.spawn(Host()))

    first = result.get(LIMIT)
    first.append(2)

    assert result.get(LIMIT) == [1]


def test_a_future_that_a_loop_in_an_actor_breaks_with_leaves_it_by_value(runtime):
    pid, state = la.spawn(Host()), [1]
    result = la.loop(lambda: 1, lambda _: la.Break(la.ready(state)), pid)

    result.get(LIMIT).append(2)

    assert state == [1]


def test_what_a_loop_in_an_actor_moves_arrives_as_itself(runtime):
    pid, state = la.spawn(Host()), [1]

    assert la.loop(lambda: 1, lambda _: la.Break(la.move(state)), pid).get(LIMIT) is state


def test_a_step_that_raises_in_the_actor_fails_the_loop_and_the_actor_lives(runtime):
    pid = la.spawn(Host())

    with pytest.raises(IndexError):
        la.loop([].pop, str, pid).get(LIMIT)
    assert la.dispatch(pid, Host.inside).get(LIMIT) is True


@pytest.mark.parametrize("started", [True, False])
def test_a_loop_is_abandoned_when_its_actor_has_stopped(runtime, started):
    pid, step = la.spawn(Host()), la.Promise()
    stop = [lambda: la.terminate(pid), lambda: la.wait(pid, LIMIT)]
    if not started:
        [act() for act in stop]
    result = la.loop(lambda: step.future, lambda _: la.Continue(), pid)
    if started:
        [act() for act in (lambda: la.dispatch(pid, Host.inside).get(LIMIT), *stop)]

    step.set(1)

    assert result.is_abandoned()


def test_a_loop_runs_in_the_actor_of_a_pid_only():
    with pytest.raises(TypeError, match="expected the PID"):
        la.loop(lambda: 1, str, Host())
