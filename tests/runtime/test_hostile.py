"""Hostile objects on the whole way: what user code does inside of finalizers and look-ups spoils nothing for others."""

# What crosses here by move is never looked at by libactor: it must neither compare, hash, print nor weigh it.

import dataclasses
import functools
import gc
import logging
import sys

import pytest

import libactor as la

LIMIT = 30  # seconds; a bound on failure


class Venom(Exception):
    """What hostile objects raise."""


def sting(*_, **__):
    raise Venom


class Untouchable:
    """Raises whatever is done to it; ``type`` and ``is`` are all that is left."""

    __eq__ = __ne__ = __lt__ = __hash__ = __bool__ = __len__ = __iter__ = __repr__ = __str__ = sting
    __getattr__ = __reduce__ = __reduce_ex__ = __copy__ = __deepcopy__ = __call__ = __index__ = sting


class Dying:
    """Runs ``action`` when it goes away."""

    def __init__(self, action):
        self.action = action

    def __del__(self):
        self.action()


class Counter(la.Actor):
    n = 0

    def add(self, *_, **__):
        self.n += 1
        return self.n

    def give_back(self, thing):
        return la.move(thing)

    def give(self, make):
        return make.value()

    def keep(self, thing):
        self.kept = thing

    def fail(self, error):
        raise error.value


@pytest.fixture
def pid(runtime):
    return la.spawn(Counter())


@pytest.fixture
def alive(runtime):
    """A function to call at the end: all goes on, and nothing is left undone."""
    other = la.spawn(Counter())

    def check():
        runtime.clock.pause()
        assert runtime.clock.settle(LIMIT)
        n = la.dispatch(other, Counter.add).get(LIMIT)
        assert la.dispatch(other, Counter.add).get(LIMIT) == n + 1
        runtime.clock.resume()

    yield check
    check()


@pytest.fixture
def unraisable(monkeypatch):
    """The classes of what finalizers raised, in a list."""
    raised = []
    monkeypatch.setattr("sys.unraisablehook", lambda report: raised.append(report.exc_type))
    return raised


# Arguments and results.


def test_an_object_that_stands_nothing_goes_through_an_actor_and_back(pid, alive):
    thing = Untouchable()

    assert la.dispatch(pid, Counter.give_back, la.move(thing)).get(LIMIT) is thing


def test_an_object_that_stands_nothing_goes_through_all_that_joins_futures(runtime, pid, alive):
    thing, seen = Untouchable(), []

    def give():
        return la.dispatch(pid, Counter.give_back, la.move(thing))

    future = give().then(lambda value: value).repair(sting).recover(sting).after(LIMIT, sting)
    future.on_ready(seen.append).on_any(lambda done: seen.append(done.get(0)))
    assert future.get(LIMIT) is thing
    la.execute(pid, lambda: None).get(LIMIT)  # the callbacks have run by now

    assert [value is thing for value in seen] == [True, True]
    assert la.collect([give(), give()]).get(LIMIT)[1] is thing
    assert la.select([give()]).get(LIMIT).get(0) is thing
    assert la.undiscardable(give()).get(LIMIT) is thing
    assert la.loop(give, la.Break).get(LIMIT) is thing


@pytest.mark.parametrize("send", [la.dispatch, la.tell, la.delay, la.post])
def test_an_argument_that_cannot_cross_is_the_caller_s_error_and_the_actor_hears_nothing(pid, alive, send):
    start = (0, pid) if send is la.delay else (pid,)
    with pytest.raises(la.NotPassable):
        send(*start, *([] if send is la.post else [Counter.add]), Untouchable())

    assert la.dispatch(pid, Counter.add).get(LIMIT) == 1


def test_a_result_that_cannot_cross_fails_its_future_alone(pid, alive):
    with pytest.raises(la.NotPassable):
        la.dispatch(pid, Counter.give, la.Shared(Untouchable)).get(LIMIT)

    assert la.dispatch(pid, Counter.add).get(LIMIT) == 1


def test_a_message_whose_class_cannot_be_hashed_stops_its_receiver_at_most(alive):
    class Meta(type):
        __hash__ = sting

    target = la.spawn(Counter())

    la.post(target, la.move(Meta("Kind", (), {})()))

    la.terminate(target, inject=False)
    assert la.wait(target, LIMIT)


# Finalizers: in the worker, in the sender, in the queue of an actor that stops.


DEEDS = {
    "dispatch": lambda runtime, pid: la.dispatch(pid, Counter.add),
    "tell": lambda runtime, pid: la.tell(pid, Counter.add),
    "post": lambda runtime, pid: la.post(pid, 1),
    "execute": lambda runtime, pid: la.execute(pid, int),
    "delay": lambda runtime, pid: la.delay(0, pid, Counter.add),
    "spawn": lambda runtime, pid: runtime.spawn(Counter()),
    "spawn and terminate": lambda runtime, pid: la.terminate(runtime.spawn(Counter())),
    "terminate": lambda runtime, pid: la.terminate(pid),
    "wait briefly": lambda runtime, pid: la.wait(pid, 0.001),
    "get briefly": lambda runtime, pid: la.dispatch(pid, Counter.add).recover(str).get(0.001),
    "collect": lambda runtime, pid: gc.collect(),
    "discard": lambda runtime, pid: la.dispatch(pid, Counter.add).discard(),
    "open another runtime": lambda runtime, pid: la.Runtime().close(),
    "close the runtime": lambda runtime, pid: runtime.close(0.01),
    "raise": lambda runtime, pid: sting(),
    "exit": lambda runtime, pid: sys.exit(1),
}


@pytest.fixture(params=DEEDS.values(), ids=DEEDS.keys())
def deed(request, unraisable, caplog):
    """Something to do in a finalizer; to whom, and done by whom, is up to the test."""
    caplog.set_level(logging.CRITICAL)
    done = []

    def do(runtime, pid):
        done.append(1)
        request.param(runtime, pid)

    do.done = done
    return do


def close_after(runtime):
    """A runtime that a finalizer may have closed closes once more, and has no actor left."""
    runtime.close()
    assert runtime.pids() == ()


def test_a_finalizer_of_an_argument_may_do_anything_in_the_handler_that_drops_it(deed):
    runtime = la.Runtime()
    target, other = runtime.spawn(Counter()), runtime.spawn(Counter())

    la.tell(target, Counter.add, la.move(Dying(lambda: deed(runtime, other))))
    la.tell(target, Counter.add, la.move(Dying(lambda: deed(runtime, target))))
    la.terminate(target, inject=False)

    assert la.wait(target, LIMIT)
    assert len(deed.done) == 2
    close_after(runtime)


def test_a_finalizer_of_what_an_actor_holds_may_do_anything_when_the_actor_goes(deed):
    runtime = la.Runtime()
    target, other = runtime.spawn(Counter()), runtime.spawn(Counter())
    la.tell(target, Counter.keep, la.move([Dying(lambda pid=pid: deed(runtime, pid)) for pid in (target, other)]))

    la.terminate(target, inject=False)

    assert la.wait(target, LIMIT)
    close_after(runtime)
    assert len(deed.done) == 2


def test_a_finalizer_of_what_waits_in_the_queue_may_do_anything_when_the_actor_stops(deed, hold):
    runtime = la.Runtime()
    target, other = runtime.spawn(Counter()), runtime.spawn(Counter())
    opened, _ = hold(target)
    future = la.dispatch(target, Counter.add, la.move(Dying(lambda: deed(runtime, target))))
    la.tell(target, Counter.add, la.move(Dying(lambda: deed(runtime, other))))
    la.terminate(target)
    opened.set(1)

    assert la.wait(target, LIMIT)
    close_after(runtime)
    assert len(deed.done) == 2
    assert future.is_abandoned()


def test_a_finalizer_may_do_anything_while_a_sender_makes_its_event(deed):
    runtime = la.Runtime()
    target = runtime.spawn(Counter())
    runtime.spawn(Counter())

    dying = []

    @dataclasses.dataclass(eq=False)
    class Vanishing:
        """A key that drops a dying one when the dict it stands in is copied for the event."""

        def __hash__(self):
            dying.clear()
            return 7

    argument = {Vanishing(): 1}
    dying.append(Dying(lambda: deed(runtime, target)))

    la.dispatch(target, Counter.add, argument)

    assert deed.done
    close_after(runtime)


def test_a_finalizer_of_a_callback_may_do_anything_in_the_thread_that_completes(deed):
    runtime, promise = la.Runtime(), la.Promise()
    target = runtime.spawn(Counter())
    dying = Dying(lambda: deed(runtime, target))
    promise.future.on_any(functools.partial(lambda dying, future: None, dying))
    del dying

    promise.set(1)

    assert deed.done == [1]
    close_after(runtime)


# Goal: the collector may run anywhere. Method: it runs at each allocation, and finds a cycle with a finalizer.
def test_finalizers_that_send_from_inside_the_collector_lose_nothing(runtime, count, alive):
    class Ouroboros:
        def __init__(self, pid):
            self.me, self.pid = self, pid

        def __del__(self):
            la.tell(self.pid, Counter.add)
            la.dispatch(self.pid, Counter.add)

    class Maker(la.Actor):
        def make(self, pid):
            Ouroboros(pid)
            return [1]

    target, maker = Counter(), la.spawn(Maker())
    sink, rounds = la.spawn(target), count(3_000) + 20
    thresholds = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(rounds):
            Ouroboros(sink)
            assert la.dispatch(maker, Maker.make, sink).get(LIMIT) == [1]
    finally:
        gc.set_threshold(*thresholds)
    gc.collect()
    alive()

    assert target.n == 4 * rounds


def test_a_finalizer_that_raises_in_a_handler_is_not_the_handler_s_error(pid, alive, unraisable):
    assert la.dispatch(pid, Counter.add, la.move(Dying(sting))).get(LIMIT) == 1
    assert la.dispatch(pid, Counter.add).get(LIMIT) == 2

    assert unraisable == [Venom]


# Actors that are not what they seem.


def test_an_actor_that_stands_neither_comparison_nor_truth_works(alive):
    class Prickly(Counter):
        __eq__ = __hash__ = __bool__ = __len__ = __repr__ = __str__ = __iter__ = sting

    target = la.spawn(Prickly())

    assert la.dispatch(target, Counter.add).get(LIMIT) == 1
    la.terminate(target)
    assert la.wait(target, LIMIT)


def test_an_actor_of_a_prickly_metaclass_works(alive):
    class Meta(type):
        __eq__ = __bool__ = __len__ = __iter__ = __repr__ = sting
        __hash__ = type.__hash__

    class Prickly(Counter, metaclass=Meta):
        pass

    target = la.spawn(Prickly())

    assert la.dispatch(target, Prickly.add).get(LIMIT) == 1
    la.tell(target, Prickly.add)
    assert la.dispatch(target, Counter.add).get(LIMIT) == 3


def test_methods_in_disguise_are_called_by_the_name_they_go_by(alive):
    class Base(la.Actor):
        def one(self, a): ...

        def two(self, a): ...

        def three(self, a): ...

        def four(self, a): ...

        def five(self, a): ...

    class Disguised(Base):
        @staticmethod
        def one(a):
            return "static", a

        @classmethod
        def two(cls, a):
            return cls.__name__, a

        @property
        def three(self):
            return lambda a: ("property", a)

        def __init__(self):
            super().__init__()
            self.four = lambda a: ("instance", a)

        five = functools.partialmethod(lambda self, b, a: (b, a), "partial")

    target = la.spawn(Disguised())
    names = [Base.one, Base.two, Base.three, Base.four, Base.five]

    answers = la.collect([la.dispatch(target, method, 1) for method in names]).get(LIMIT)

    assert answers == [("static", 1), ("Disguised", 1), ("property", 1), ("instance", 1), ("partial", 1)]


def test_a_method_behind_a_decorator_is_called_through_it(alive):
    def doubled(method):
        @functools.wraps(method)
        def wrapper(self, a):
            return 2 * method(self, a)

        return wrapper

    class Decorated(la.Actor):
        @doubled
        def value(self, a):
            return a

        @doubled
        @la.handles(int)
        def number(self, message):
            self.heard = message
            return message

        def last(self):
            return self.heard

    target = la.spawn(Decorated())
    la.post(target, 7)

    assert la.dispatch(target, Decorated.value, 2).get(LIMIT) == 4
    assert la.dispatch(target, Decorated.last).get(LIMIT) == 7


def test_what_a_look_up_raises_is_the_call_s_failure(alive):
    class Evasive(Counter):
        def gone(self): ...

        def __getattribute__(self, name):
            return sting() if name == "gone" else super().__getattribute__(name)

    target = la.spawn(Evasive())

    with pytest.raises(Venom):
        la.dispatch(target, Evasive.gone).get(LIMIT)

    assert la.dispatch(target, Counter.add).get(LIMIT) == 1


def test_what_a_look_up_of_a_tell_raises_stops_the_actor(alive):
    class Base(Counter):
        def gone(self): ...

    class Evasive(Base):
        gone = property(sting)

    target = la.spawn(Evasive())

    la.tell(target, Base.gone)

    assert la.wait(target, LIMIT)


def test_a_look_up_may_call_back_into_the_runtime(runtime, alive):
    class Chatty(Counter):
        def __getattribute__(self, name):
            if name == "add":
                other = runtime.spawn(Counter())
                assert la.dispatch(other, Counter.add).get(LIMIT) == 1
                la.terminate(other)
            return super().__getattribute__(name)

    target = la.spawn(Chatty())

    assert la.collect([la.dispatch(target, Counter.add) for _ in range(20)]).get(LIMIT) == list(range(1, 21))


def test_an_actor_with_slots_keeps_its_state_there(alive):
    class Slotted(la.Actor):
        __slots__ = ("n",)

        def __init__(self):
            super().__init__()
            self.n = 0

        def add(self):
            self.n += 1
            return self.n

    target = la.spawn(Slotted())

    assert [la.dispatch(target, Slotted.add).get(LIMIT) for _ in range(3)] == [1, 2, 3]


def test_a_method_that_was_taken_off_the_class_meanwhile_fails_the_call_and_not_the_actor(alive, hold):
    class Fading(Counter):
        def there(self): ...

    target, method = la.spawn(Fading()), Fading.there
    opened, _ = hold(target)
    future = la.dispatch(target, method)
    del Fading.there
    opened.set(1)

    with pytest.raises(AttributeError):
        future.get(LIMIT)
    assert la.dispatch(target, Counter.add).get(LIMIT) == 1


def test_a_method_that_was_replaced_meanwhile_is_the_new_one(alive):
    class Changing(Counter):
        def answer(self):
            return "old"

    target, method = la.spawn(Changing()), Changing.answer
    assert la.dispatch(target, method).get(LIMIT) == "old"

    Changing.answer = lambda self: "new"

    assert la.dispatch(target, method).get(LIMIT) == "new"


# Failures that cannot be printed, compared or made again.


class Mute(Exception):
    __str__ = __repr__ = __eq__ = __hash__ = __reduce__ = sting

    def __init__(self, one, two):  # not what a copy of an exception passes
        super().__init__(one)


@pytest.mark.parametrize("way", ["dispatch", "tell", "execute"])
def test_a_failure_that_cannot_be_printed_or_made_again_arrives(alive, way, caplog):
    caplog.set_level(logging.CRITICAL)
    target, error = la.spawn(Counter()), Mute(1, 2)
    if way == "tell":
        reasons = []

        class Watcher(la.Actor):
            def on_exited(self, pid, reason):
                reasons.append(reason)

        watcher = la.spawn(Watcher())
        la.execute(watcher, lambda: la.link(target)).get(LIMIT)
        la.tell(target, Counter.fail, la.Shared(error))
        assert la.wait(target, LIMIT)
        la.execute(watcher, int).get(LIMIT)
        assert len(reasons) == 1
        assert reasons[0] is error
    else:

        def fail():
            raise error

        future = la.dispatch(target, Counter.fail, la.Shared(error)) if way == "dispatch" else la.execute(target, fail)
        with pytest.raises(Mute):
            future.get(LIMIT)
        assert future.exception() is error


def test_a_callable_that_cannot_be_printed_fails_the_future_with_what_it_raises(pid, alive):
    class Unnamed:
        def __call__(self):
            raise ValueError("called")

        def __str__(self):
            raise ZeroDivisionError("printed")

        __repr__ = __str__

    with pytest.raises(ValueError, match="called"):
        la.execute(pid, Unnamed()).get(LIMIT)


def test_a_failure_nobody_looks_at_and_that_cannot_be_printed_is_logged(pid, alive, caplog):
    la.dispatch(pid, Counter.fail, la.Shared(Mute(1, 2)))
    la.dispatch(pid, Counter.add).get(LIMIT)
    gc.collect()

    assert [record.getMessage() for record in caplog.records] == [
        f"a future failed and nobody looked at it: fail in {pid}"
    ]
