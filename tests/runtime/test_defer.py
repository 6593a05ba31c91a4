"""Defer: callbacks of futures that run in an actor, with the arguments of the moment they were bound."""

import functools
import gc
import sys
import weakref

import hypothesis
import pytest
from hypothesis import strategies as st

import libactor as la
from libactor.placeholders import _1, _2, _3

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


class Taker(la.Actor):
    def take(self, thing):
        return la.move(thing)

    def gather(self, *args, **kwargs):
        return args, kwargs


@pytest.fixture
def taker(runtime):
    return la.spawn(Taker())


def test_a_moved_argument_is_handed_over_itself_by_the_one_call(taker):
    thing = object()
    deferred = la.defer(taker, Taker.take, la.move(thing), once=True)

    assert deferred().get(LIMIT) is thing
    with pytest.raises(la.MovedError, match=r"deferred take: was for one call \(once=True\)"):
        deferred()


def test_once_keeps_a_copy_of_what_is_not_moved_and_hands_that_over(taker):
    numbers = [1]
    deferred = la.defer(taker, Taker.take, numbers, once=True)
    numbers.append(2)

    assert deferred().get(LIMIT) == [1]


def test_a_callable_for_many_calls_takes_no_moved_argument(taker):
    with pytest.raises(TypeError, match=r"defer\(take\): an argument is moved, .* say once=True"):
        la.defer(taker, Taker.take, la.move([]))
    with pytest.raises(TypeError, match="an argument is moved"):
        la.defer(taker, Taker.gather, key=la.move([]))


def test_one_of_several_threads_makes_the_one_call(taker, together, count):
    def call(deferred):
        try:
            return deferred().get(LIMIT)
        except la.MovedError:
            return None

    for _ in range(count(200)):
        thing = object()
        deferred = la.defer(taker, Taker.take, la.move(thing), once=True)

        answers = together(*[functools.partial(call, deferred)] * 4)

        assert sorted(answer is thing for answer in answers) == [False, False, False, True]


# Goal: a finalizer that comes in the middle of the call does not make it a second time. Method: the collector runs at
# each allocation, so in the middle too, and the finalizer calls what is being called.
def test_a_finalizer_in_the_middle_of_the_one_call_does_not_make_it_again(taker):
    class Meddler:
        def __init__(self, deferred, answers):
            self.deferred, self.answers, self.cycle = deferred, answers, self

        def __del__(self):
            self.answers.append(attempt(self.deferred))

    def attempt(deferred):
        try:
            return deferred(2)
        except la.MovedError:
            return None

    thresholds = gc.get_threshold()
    for _ in range(50):
        answers = []
        deferred = la.defer(taker, Taker.gather, la.move([1]), once=True, key=1)
        gc.disable()
        Meddler(deferred, answers)
        gc.set_threshold(1)
        gc.enable()
        try:
            answers.append(attempt(deferred))
        finally:
            gc.set_threshold(*thresholds)
        gc.collect()

        [made] = [answer for answer in answers if answer is not None]
        assert made.get(LIMIT) == (([1], 2), {"key": 1})
        assert len(answers) == 2


# Goal: whoever drops a callable, called or not, keeps nothing. Method: no collector, so nothing may be in a cycle.
@pytest.mark.parametrize("once", [False, True])
def test_a_dropped_callable_lets_go_of_what_it_bound(taker, once):
    shared = la.Shared(set())
    promise = la.Promise()
    gc.disable()
    try:
        promise.future.then(la.defer(taker, Taker.gather, shared, key=shared, once=once))
        assert not shared.unique()
        del promise
        assert shared.unique()
    finally:
        gc.enable()


def test_a_future_that_waits_for_a_dropped_callable_is_abandoned(taker):
    promise = la.Promise()
    waiting = promise.future.then(la.defer(taker, Taker.take, la.move([]), once=True))

    del promise

    assert waiting.is_abandoned()


def test_after_the_one_call_the_callable_holds_nothing(taker):
    shared = la.Shared(set())
    deferred = la.defer(taker, Taker.gather, shared, once=True)

    deferred().get(LIMIT)
    la.dispatch(taker, Taker.take, 1).get(LIMIT)
    gc.collect()

    assert shared.unique()
    assert repr(deferred) == f"<Deferred gather in {taker}>"


def test_a_callable_that_its_actor_keeps_is_collected_with_it(runtime):
    class Keeper(Taker):
        def keep(self):
            self.again = la.defer(self.pid, Taker.take)

    actor = Keeper()
    la.dispatch(la.spawn(actor), Keeper.keep).get(LIMIT)
    reference = weakref.ref(actor)
    la.terminate(actor.pid)
    la.wait(actor.pid, LIMIT)

    del actor
    gc.collect()

    assert reference() is None


def test_placeholders_put_the_arguments_of_the_call_where_they_stand(taker):
    swapped = la.defer(taker, Taker.gather, _2, "x", _1)
    named = la.defer(taker, Taker.gather, "x", key=_1, other=_3)
    twice = la.defer(taker, Taker.gather, _1, _1)

    assert swapped(1, 2).get(LIMIT) == ((2, "x", 1), {})
    assert named(1, 2, 3).get(LIMIT) == (("x",), {"key": 1, "other": 3})
    assert twice(1).get(LIMIT) == ((1, 1), {})


def test_placeholders_work_for_functions_and_for_the_running_actor(taker):
    def pair(*args, **kwargs):
        return args, kwargs

    assert la.defer(taker, pair, _2, k=_1)(1, 2).get(LIMIT) == ((2,), {"k": 1})
    assert la.execute(taker, lambda: la.defer(pair, _2, "x", k=_1)(1, 2)).get(LIMIT) == ((2, "x"), {"k": 1})
    assert la.execute(taker, lambda: la.defer(pair, "x")(1)).get(LIMIT) == (("x", 1), {})


def test_with_placeholders_surplus_arguments_are_dropped_and_missing_ones_are_an_error(taker):
    second = la.defer(taker, Taker.gather, _2)

    assert second(1, 2, 3).get(LIMIT) == ((2,), {})
    with pytest.raises(TypeError, match="deferred gather: called with 1 arguments, expected 2 or more, for _2"):
        second(1)
    with pytest.raises(TypeError, match="called with 1 arguments"):
        la.ready(1).then(second).get(LIMIT)


def test_a_call_that_is_refused_for_its_arguments_is_not_the_one_call(taker):
    deferred = la.defer(taker, Taker.gather, _1, once=True)

    with pytest.raises(TypeError, match="called with 0 arguments"):
        deferred()
    assert deferred(1).get(LIMIT) == ((1,), {})


def test_bound_arguments_may_have_names_and_those_of_the_call_may_not(taker):
    deferred = la.defer(taker, Taker.gather, 1, key=[2])

    assert deferred(3).get(LIMIT) == ((1, 3), {"key": [2]})
    with pytest.raises(TypeError, match="argument"):
        deferred(other=4)


def test_one_object_bound_twice_and_in_the_call_arrives_as_one_copy(taker):
    def same(first, second):
        return first is second

    numbers = [1]

    assert la.defer(taker, same, numbers, numbers)().get(LIMIT)
    assert la.defer(taker, same, _1, _1)(numbers).get(LIMIT)


def test_what_the_call_brings_is_passed_by_value_and_named_in_an_error(taker):
    numbers = [1]
    future = la.defer(taker, Taker.gather)(numbers)
    numbers.append(2)

    assert future.get(LIMIT) == (([1],), {})
    with pytest.raises(la.NotPassable, match=r"argument 2 of gather: builtins\.object"):
        la.defer(taker, Taker.gather, 1)(object())
    with pytest.raises(la.NotPassable, match=r"argument 1 of .*<lambda>: builtins\.object"):
        la.defer(taker, lambda thing: None)(object())


def test_placeholders_are_numbered_from_one_and_do_not_cross():
    assert [repr(placeholder) for placeholder in (_1, _2, la.placeholders._9)] == ["_1", "_2", "_9"]
    with pytest.raises(ValueError, match="got 0, expected 1"):
        la.placeholders.Placeholder(0)


def test_a_placeholder_inside_of_a_container_is_refused(taker):
    with pytest.raises(la.NotPassable, match=r"argument 1 of defer\(gather\): libactor\.placeholders\.Placeholder"):
        la.defer(taker, Taker.gather, [_1])


def test_a_function_that_the_class_has_is_its_method_wherever_it_was_defined(runtime):
    def double(self, k):
        return type(self).__name__, 2 * k

    class Made(la.Actor):
        pass

    Made.double = double
    pid = la.spawn(Made())

    assert la.defer(pid, double)(2).get(LIMIT) == ("Made", 4)
    assert la.defer(pid, double, k=2)().get(LIMIT) == ("Made", 4)


def test_a_deferred_is_generic_for_readers():
    assert la.Deferred[int].__origin__ is la.Deferred


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


class Sentinel:
    """What goes through a callable: if it leaks, so do its references."""


def refused(function, *arguments, **named):
    try:
        function(*arguments, **named)
    except (la.MovedError, la.NotPassable, TypeError):
        return
    raise AssertionError(f"{function} should have raised")


def call_all(pid, sentinel):
    """Each way through a callable, to its end or to an error."""
    moved = la.move(sentinel)
    futures = [
        la.defer(pid, Taker.gather, moved, _1, key=_2, once=True)(1, 2),
        la.defer(pid, Taker.gather, moved, key=moved, once=True)(1, 2, 3, 4),
        la.defer(pid, Taker.gather, 1, 2, key=_1)(moved),
        la.defer(pid, Taker.take)(moved),
        la.defer(pid, id, moved, once=True)(),
        la.run(id, moved),
    ]
    once = la.defer(pid, Taker.gather, moved, _1, once=True)
    refused(once)
    refused(once, sentinel)
    refused(once, 1)
    refused(once, 1, key=sentinel)
    refused(la.defer(pid, Taker.gather, 1, key=2), moved, sentinel)
    refused(la.defer, pid, Taker.take, moved)
    refused(la.defer, pid, Taker.take, sentinel)
    la.defer(pid, Taker.take, moved, once=True)
    for future in futures:
        future.recover(lambda _: None).get(LIMIT)


# Goal: no way through a callable leaves a reference behind. Method: many times, and then count.
def test_no_way_through_a_callable_leaks(taker, count, caplog):
    sentinel, repeats = Sentinel(), max(count(1_000), 100)
    call_all(taker, sentinel)
    la.execute(taker, int).get(LIMIT)
    gc.collect()
    before = sys.getrefcount(sentinel)

    for _ in range(repeats):
        call_all(taker, sentinel)
    la.execute(taker, int).get(LIMIT)
    gc.collect()

    assert sys.getrefcount(sentinel) - before < repeats // 10


BOUND = st.one_of(st.integers(), st.lists(st.integers(), max_size=2), st.sampled_from([_1, _2, _3]))


def bind(args, kwargs, called):
    """What std::bind does, in a few lines: the model."""
    placed = [value for value in (*args, *kwargs.values()) if isinstance(value, la.placeholders.Placeholder)]
    if not placed:
        return (*args, *called), kwargs
    if max(value.place for value in placed) > len(called):
        return None

    def fill(value):
        return called[value.place - 1] if value in placed else value

    return tuple(map(fill, args)), {name: fill(value) for name, value in kwargs.items()}


# Goal: the two cores arrange any arguments as the model does. Method: what they would get comes back.
@hypothesis.given(
    st.lists(BOUND, max_size=4),
    st.dictionaries(st.text(max_size=3), BOUND, max_size=3),
    st.lists(st.integers(), max_size=5),
    st.booleans(),
)
def test_arguments_are_arranged_as_by_the_model(args, kwargs, called, once):
    with la.Runtime():
        kwargs.pop("once", None)
        pid = la.spawn(Taker())
        expected = bind(args, kwargs, called)

        deferred = la.defer(pid, Taker.gather, *args, **kwargs, once=once)

        if expected is None:
            refused(deferred, *called)
        else:
            assert deferred(*called).get(LIMIT) == expected


def test_a_function_of_one_s_own_that_is_called_like_a_method_is_a_function(runtime):
    class Counter(la.Actor):
        def add(self, k):
            raise AssertionError("the method was called")

    def add(k):
        return k + 1

    assert la.defer(la.spawn(Counter()), add)(1).get(60) == 2
