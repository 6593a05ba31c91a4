"""Run: a function in an actor of its own, which is gone when the function has returned, whatever it did."""

import pytest

import libactor as la

LIMIT = 30


@pytest.fixture(autouse=True)
def nobody_left(runtime):
    """After each test no actor of it is there."""
    yield
    for pid in runtime.pids():
        assert la.wait(pid, LIMIT)
    assert runtime.pids() == ()


def add(a, b, *, times=1):
    return (a + b) * times


# LP ProcessTest.Thunk
def test_a_function_runs_with_its_arguments(runtime):
    assert la.run(add, 1, 2).get(LIMIT) == 3
    assert la.run(add, 1, b=2, times=3).get(LIMIT) == 9
    assert la.run(lambda: None).get(LIMIT) is None


# LP ProcessTest.Async
def test_many_functions_run_and_a_future_is_flattened(runtime, count):
    sums = la.collect([la.run(add, n, 1) for n in range(count(1_000))])
    chained = la.run(lambda: la.run(add, 1, 1).then(lambda two: la.run(add, two, 1)))

    assert sums.get(LIMIT) == list(range(1, count(1_000) + 1))
    assert chained.get(LIMIT) == 3


def test_it_runs_in_an_actor_of_its_own(runtime):
    def where():
        return repr(la.defer(add))  # works only inside an actor, and names it

    here, there = (la.run(where).get(LIMIT) for _ in range(2))

    assert here.startswith("<Deferred add in run(")
    assert here != there


def test_functions_that_block_do_not_hold_one_another_up(runtime):
    first, second = la.Promise(), la.Promise()

    def meet(mine, other):
        mine.set(None)
        return other.future.get(LIMIT)

    both = [la.run(meet, la.move(first), la.move(second)), la.run(meet, la.move(second), la.move(first))]

    assert la.collect(both).get(LIMIT) == [None, None]


def test_arguments_and_result_are_passed_by_value_or_moved(runtime):
    numbers, thing = [1], object()
    kept = []

    def append(numbers):
        numbers.append(2)
        kept.append(numbers)
        return numbers

    result = la.run(append, numbers).get(LIMIT)

    assert (numbers, result) == ([1], [1, 2])
    assert result is not kept[0]
    assert la.run(la.move, la.move(thing)).get(LIMIT) is thing


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit("no"), KeyboardInterrupt("no")])
def test_a_failure_is_that_of_the_future(runtime, error, caplog):
    def fail():
        raise error

    with pytest.raises(type(error), match="no"):
        la.run(fail).get(LIMIT)


def test_a_discard_before_it_begins_keeps_it_from_being_called(runtime, hold):
    opened, _ = hold(la.spawn(la.Actor("busy")))
    future = la.run(pytest.fail, "called")

    future.discard()
    opened.set(None)

    with pytest.raises(la.Discarded):
        future.get(LIMIT)
    la.terminate(runtime.find("busy"))


def test_a_discard_reaches_the_future_that_the_function_returned(paused):
    promise = la.Promise()
    future = la.run(lambda: promise.future)
    paused.clock.settle(LIMIT)

    future.discard()

    assert promise.future.has_discard()
    assert promise.discard()
    assert future.is_discarded()


def test_the_actor_is_gone_although_the_future_it_returned_is_not_complete(paused):
    promise = la.Promise()

    future = la.run(lambda: promise.future)
    paused.clock.settle(LIMIT)

    assert paused.pids() == ()
    promise.set(1)
    assert future.get(LIMIT) == 1


def test_what_cannot_run_is_refused_and_leaves_no_actor(runtime):
    with pytest.raises(TypeError, match="run: got 3, expected a function"):
        la.run(3)
    with pytest.raises(la.NotPassable, match=r"argument 2 of run\(add\): builtins\.object"):
        la.run(add, 1, object())
    with pytest.raises(la.NotPassable, match=r"argument b of run\(add\)"):
        la.run(add, 1, b=object())

    assert runtime.pids() == ()


def test_arguments_that_do_not_fit_fail_the_future(runtime):
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        la.run(add, 1).get(LIMIT)


def test_it_needs_a_runtime_that_is_open(runtime, start):
    outside = start(lambda: la.run(add, 1, 2))
    runtime.close()

    with pytest.raises(la.NoRuntime, match="run: no runtime is current"):
        outside()
    with pytest.raises(la.SpawnError, match="is closed"):
        la.run(add, 1, 2)
