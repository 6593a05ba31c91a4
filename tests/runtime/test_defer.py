"""Defer: callbacks of futures that run in an actor, with the arguments of the moment they were bound."""

import functools

import pytest

import libactor as la

LIMIT = 30


class Counter(la.Actor):
    def __init__(self, n=0):
        super().__init__()
        self.n = n
        self.errors = []

    def add(self, k):
        self.n += k
        return self.n

    def add_both(self, a, b):
        return self.add(a * 10 + b)

    def total(self, numbers, _=None):
        return sum(numbers)

    def note(self, error):
        self.errors.append(error)
        return repr(error)

    @staticmethod
    def double(k):
        return 2 * k


@pytest.fixture
def pid(runtime):
    return la.spawn(Counter())


# LP ProcessTest.Defer1
def test_a_deferred_method_runs_in_the_actor_and_answers_with_a_future(pid):
    deferred = la.defer(pid, Counter.add)

    assert deferred(2).get(LIMIT) == 2
    assert deferred(3).get(LIMIT) == 5


# LP ProcessTest.Defer2
def test_bound_arguments_stand_before_those_of_the_call(pid):
    assert la.defer(pid, Counter.add_both, 4)(2).get(LIMIT) == 42


# LP ProcessTest.Defer3
def test_a_deferred_function_runs_in_the_actor(runtime, pid):
    here = la.defer(pid, lambda k: (la.defer(int) is not None, k))  # defer(function) works only inside an actor

    assert here(1).get(LIMIT) == (True, 1)


def test_a_function_alone_is_deferred_to_the_actor_that_runs(runtime, pid):
    class Asker(la.Actor):
        def ask(self, other):
            return la.dispatch(other, Counter.add, 1).then(la.defer(self.keep))

        def keep(self, value):
            self.kept = value
            return self.pid

    asker = la.spawn(Asker())

    assert la.dispatch(asker, Asker.ask, pid).get(LIMIT) == asker


def test_a_function_alone_needs_an_actor(runtime):
    with pytest.raises(la.NoRuntime, match="outside an actor"):
        la.defer(lambda: None)


def test_a_chain_continues_in_the_actor(pid):
    future = la.ready(20).then(la.defer(pid, Counter.add)).then(la.defer(pid, Counter.add))

    assert future.get(LIMIT) == 40


def test_on_failed_can_be_deferred_although_exceptions_are_no_plain_data(paused):
    pid = la.spawn(Counter())
    la.failed(ValueError("no")).on_failed(la.defer(pid, Counter.note))
    paused.clock.settle(LIMIT)

    assert la.execute(pid, functools.partial(repr, ValueError("no"))).get(LIMIT) == "ValueError('no')"
    assert la.dispatch(pid, Counter.note, ValueError("b")).get(LIMIT) == "ValueError('b')"


def test_bound_arguments_are_those_of_the_moment_of_binding(pid):
    numbers = [1, 2]
    deferred = la.defer(pid, Counter.total, numbers)
    numbers.append(39)

    assert deferred().get(LIMIT) == 3


# Goal: what one call does to an argument, the next does not see.
def test_each_call_gets_bound_arguments_of_its_own(runtime, pid):
    def append(numbers):
        numbers.append(1)
        return len(numbers)

    class Taker(la.Actor):
        def take(self, numbers):
            return append(numbers)

    by_method = la.defer(la.spawn(Taker()), Taker.take, [])
    by_function = la.defer(pid, append, [])

    assert [by_method().get(LIMIT) for _ in range(2)] == [1, 1]
    assert [by_function().get(LIMIT) for _ in range(2)] == [1, 1]


def test_a_moved_argument_is_handed_over_itself(runtime):
    class Taker(la.Actor):
        def take(self, thing):
            return la.move(thing)

    thing = object()

    assert la.defer(la.spawn(Taker()), Taker.take, la.move(thing))().get(LIMIT) is thing


def test_what_cannot_be_bound_is_refused_when_it_is_bound(pid):
    with pytest.raises(la.NotPassable, match="defer"):
        la.defer(pid, Counter.add, object())
    with pytest.raises(TypeError, match="got only a PID"):
        la.defer(pid)
    with pytest.raises(TypeError, match="expected a method"):
        la.defer(pid, "add")


def test_a_method_the_actor_lacks_is_refused_when_it_is_bound(pid):
    class Other:
        def subtract(self): ...

    with pytest.raises(TypeError, match="has no method 'subtract'"):
        la.defer(pid, Other.subtract)


def test_classes_partials_bound_methods_and_static_methods_can_be_deferred(pid):
    nested = type("Nested", (), {"__qualname__": "Outer.Nested", "__repr__": lambda self: "made"})

    assert la.defer(pid, str)(1).get(LIMIT) == "1"
    assert la.defer(pid, functools.partial(max, 5))(1).get(LIMIT) == 5
    assert la.defer(pid, [1, 1, 2].count)(1).get(LIMIT) == 2
    assert la.defer(pid, Counter.double)(4).get(LIMIT) == 8
    assert la.defer(pid, lambda: repr(nested()))().get(LIMIT) == "made"
    assert la.defer(pid, nested)().is_discarded() is False


def test_a_call_deferred_to_a_stopped_actor_is_abandoned(pid):
    deferred = la.defer(pid, Counter.add)
    la.terminate(pid)
    la.wait(pid, LIMIT)

    assert deferred(1).is_abandoned()
