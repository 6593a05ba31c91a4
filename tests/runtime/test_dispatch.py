"""Dispatch: a method call that crosses to the actor, and the future its outcome comes back in."""

import gc
import threading
import traceback

import pytest

import libactor as la

LIMIT = 30


class Counter(la.Actor):
    def __init__(self):
        super().__init__()
        self.n = 0

    def add(self, k, *, times=1):
        self.n += k * times
        return self.n

    def fail(self, error):
        raise error

    def hold(self, entered, opened):
        entered.set()
        assert opened.wait(LIMIT)

    def __secret(self):
        return "secret"


@pytest.fixture
def pid(runtime):
    return la.spawn(Counter())


@pytest.fixture
def held(pid):
    """An event that lets the actor go on; until it is set, the actor serves nothing."""
    entered, opened = threading.Event(), threading.Event()
    la.dispatch(pid, Counter.hold, la.move(entered), la.move(opened))
    assert entered.wait(LIMIT)
    yield opened
    opened.set()


# LP ProcessTest.Dispatch
def test_a_call_answers_with_the_result(pid):
    assert la.dispatch(pid, Counter.add, 2).get(LIMIT) == 2
    assert la.dispatch(pid, Counter.add, k=2, times=3).get(LIMIT) == 8


def test_calls_of_one_caller_are_served_in_order(pid, count):
    futures = [la.dispatch(pid, Counter.add, 1) for _ in range(count(10_000))]

    assert [future.get(LIMIT) for future in futures] == list(range(1, count(10_000) + 1))


def test_the_method_is_found_by_name_on_the_actor(runtime):
    class Double(Counter):
        def add(self, k, *, times=1):
            return super().add(2 * k)

    class Protocol:
        def add(self, k): ...

    pid = la.spawn(Double())

    assert la.dispatch(pid, Counter.add, 1).get(LIMIT) == 2
    assert la.dispatch(pid, Protocol.add, 1).get(LIMIT) == 4


def test_a_private_method_is_found_under_its_stored_name(pid):
    assert la.dispatch(pid, Counter._Counter__secret).get(LIMIT) == "secret"


class Other:
    def subtract(self): ...

    async def later(self): ...

    async def stream(self):
        yield 1

    @property
    def size(self): ...

    @classmethod
    def make(cls): ...


@pytest.mark.parametrize("send", [la.dispatch, la.tell, la.defer])
@pytest.mark.parametrize(
    ("method", "says"),
    [
        (Other.subtract, "Counter has no method 'subtract'; for a function of your own use execute"),
        (Other.later, "Counter has no method 'later'"),
        (Other.stream, "Other.stream is an asynchronous generator, .* make it an `async def` without yield"),
    ],
)
def test_what_is_no_method_of_the_actor_is_refused_by_all_who_call(pid, send, method, says):
    with pytest.raises(TypeError, match=f"{send.__name__}: {says}"):
        send(pid, method)


@pytest.mark.parametrize(
    ("method", "says"),
    [
        (lambda self: 1, "no method '<lambda>'; for a function of your own use execute"),
        (len, "a function of the actor's class, such as Counter.add; for another callable use execute"),
        (3, "such as Counter.add"),
        ("add", "such as Counter.add, and not its name"),
        (Counter().add, "such as Counter.add; a bound method would run outside the actor"),
        (Other.size, "such as Counter.add; a property is read in a method of the actor"),
        (Other.make, "such as Counter.add; a class method needs no actor"),
    ],
)
def test_what_is_no_function_of_a_class_is_refused_with_what_to_do_instead(pid, method, says):
    with pytest.raises(TypeError, match=f"dispatch: .*{says}"):
        la.dispatch(pid, method)


def test_a_static_method_is_called_without_the_actor(runtime):
    class Calculator(la.Actor):
        @staticmethod
        def double(k):
            return 2 * k

    assert la.dispatch(la.spawn(Calculator()), Calculator.double, 2).get(LIMIT) == 4


@pytest.mark.parametrize("send", [la.dispatch, la.tell])
def test_what_is_no_pid_is_refused(send):
    with pytest.raises(TypeError, match=f"{send.__name__}: got 'text', expected a PID, as spawn returns it"):
        send("text", Counter.add, 1)


@pytest.mark.parametrize("send", [la.dispatch, la.tell, la.defer])
def test_an_argument_that_contains_itself_is_refused(pid, send):
    cycle = []
    cycle.append(cycle)

    with pytest.raises(la.NotPassable, match=r"argument 1 of (add|defer\(add\)): a list contains itself"):
        send(pid, Counter.add, cycle)


# Goal: the core goes from a PID to its mailbox without a look; so no PID leads elsewhere.
@pytest.mark.parametrize("process", [None, "counter"])
def test_a_pid_can_be_made_of_nothing_but_a_process(process):
    with pytest.raises(TypeError, match="PID"):
        la.PID("counter", "nowhere", process)


# Goal: no size of call is special. Method: what needs events of the largest kinds, by each way into an actor.
def test_calls_with_very_many_arguments_and_names_arrive_whole(runtime):
    class Taker(la.Actor):
        def take(self, *args, **kwargs):
            return len(args), len(kwargs), args[-1:], kwargs.get("k9999")

    pid = la.spawn(Taker())
    args = tuple([[n] for n in range(10_000)])
    kwargs = {f"k{n}": [n] for n in range(10_000)}
    expected = (10_000, 10_000, ([9_999],), [9_999])

    assert la.dispatch(pid, Taker.take, *args, **kwargs).get(LIMIT) == expected
    assert la.defer(pid, Taker.take, *args[:1], **kwargs)(*args[1:]).get(LIMIT) == expected
    assert la.run(lambda *a, **k: (len(a), len(k)), *args, **kwargs).get(LIMIT) == (10_000, 10_000)


def test_any_text_may_name_an_argument_and_nothing_else_may(runtime):
    class Taker(la.Actor):
        def take(self, **kwargs):
            return kwargs

    pid = la.spawn(Taker())
    named = {"": 1, "a b": 2, "pid": 3, "method": 4, "\N{SNOWMAN}": 5}

    assert la.dispatch(pid, Taker.take, **named).get(LIMIT) == named
    assert la.defer(pid, Taker.take, **named)().get(LIMIT) == named
    with pytest.raises(TypeError, match="keywords must be strings"):
        la.dispatch(pid, Taker.take, **{1: 2})


def test_an_argument_that_cannot_cross_is_named_and_nothing_is_sent(pid):
    with pytest.raises(la.NotPassable, match=r"argument 1 of add: builtins\.object"):
        la.dispatch(pid, Counter.add, object())
    with pytest.raises(la.NotPassable, match="argument times of add"):
        la.dispatch(pid, Counter.add, 1, times=object())

    assert la.dispatch(pid, Counter.add, 1).get(LIMIT) == 1


def test_a_result_that_cannot_cross_fails_the_future(runtime):
    class Leaky(la.Actor):
        def lock(self):
            return threading.Lock()

    future = la.dispatch(la.spawn(Leaky()), Leaky.lock)

    with pytest.raises(la.NotPassable, match=r"result of leaky\(\d+\).lock"):
        future.get(LIMIT)


def test_a_failure_goes_to_the_caller_and_the_actor_lives_on(pid):
    future = la.dispatch(pid, Counter.fail, ValueError("no"))

    with pytest.raises(ValueError, match="no"):
        future.get(LIMIT)
    assert la.dispatch(pid, Counter.add, 1).get(LIMIT) == 1


@pytest.mark.parametrize("args", [(), (1, 2)])
def test_a_wrong_number_of_arguments_fails_the_future_which_names_method_and_actor(pid, args):
    with pytest.raises(TypeError, match=r"Counter\.add\(\) .* positional argument") as raised:
        la.dispatch(pid, Counter.add, *args).get(LIMIT)

    assert raised.value.__notes__ == [f"in the call of add in {pid}"]


def test_a_type_error_of_the_method_itself_gets_no_note(pid):
    with pytest.raises(TypeError, match="no") as raised:
        la.dispatch(pid, Counter.fail, TypeError("no")).get(LIMIT)

    assert not hasattr(raised.value, "__notes__")


def test_the_traceback_of_a_failure_leads_into_the_handler_and_shows_nothing_of_the_runtime(pid):
    future = la.dispatch(pid, Counter.fail, ValueError("no"))

    with pytest.raises(ValueError, match="no") as raised:
        future.get(LIMIT)

    frames = traceback.extract_tb(raised.value.__cause__.__traceback__)
    assert [frame.name for frame in frames] == ["fail"]


# Goal: the failure is no part of a cycle. Method: without the collector, and one event later: the last may linger.
def test_an_unobserved_failure_is_logged_once_and_needs_no_collector(pid, caplog):
    gc.disable()
    try:
        la.dispatch(pid, Counter.add, "no number")
        la.dispatch(pid, Counter.add, 1).get(LIMIT)
        la.dispatch(pid, Counter.add, 1).get(LIMIT)
    finally:
        gc.enable()

    assert [record.exc_info[0] for record in caplog.records] == [TypeError]


@pytest.mark.skipif(la.CORE != "c", reason="the frames of the Python core hold subscriptions until the collector runs")
def test_an_unobserved_failure_at_the_end_of_a_chain_needs_no_collector(caplog):
    promise = la.Promise()
    promise.future.then(lambda _: [].pop())
    gc.disable()
    try:
        promise.set(1)
    finally:
        gc.enable()

    assert [record.exc_info[0] for record in caplog.records] == [IndexError]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt("no"), GeneratorExit()])
def test_what_is_meant_to_end_a_thread_fails_the_future_and_stops_the_actor_alone(runtime, pid, caplog, error):
    future = la.dispatch(pid, Counter.fail, error)

    assert la.wait(pid, LIMIT)
    with pytest.raises(type(error)):
        future.get(LIMIT)
    assert la.dispatch(la.spawn(Counter()), Counter.add, 1).get(LIMIT) == 1


def test_a_call_to_a_stopped_actor_is_abandoned(pid):
    la.terminate(pid)
    la.wait(pid, LIMIT)

    future = la.dispatch(pid, Counter.add, 1)

    assert future.is_abandoned()
    with pytest.raises(la.Abandoned):
        future.get(LIMIT)


def test_a_thread_that_waits_is_released_when_the_actor_stops_first(pid, held, start):
    future = la.dispatch(pid, Counter.add, 1)
    waiting = start(lambda: future.get(LIMIT))

    la.terminate(pid)
    held.set()

    with pytest.raises(la.Abandoned):
        waiting()


def test_a_discard_before_the_call_is_served_keeps_it_from_being_made(pid, held):
    call = la.dispatch(pid, Counter.add, 1)
    function = la.execute(pid, lambda: pytest.fail("called"))

    call.discard()
    function.discard()
    held.set()

    assert la.dispatch(pid, Counter.add, 5).get(LIMIT) == 5
    assert call.is_discarded()
    assert function.is_discarded()


def test_a_future_that_the_method_returns_is_waited_for(runtime):
    promise = la.Promise()

    class Late(la.Actor):
        def answer(self):
            return promise.future

    future = la.dispatch(la.spawn(Late()), Late.answer)
    promise.set(7)

    assert future.get(LIMIT) == 7


def test_a_discard_reaches_the_future_that_the_method_returned(paused):
    promise = la.Promise()

    class Late(la.Actor):
        def answer(self):
            return promise.future

    future = la.dispatch(la.spawn(Late()), Late.answer)
    paused.clock.settle(LIMIT)
    future.discard()

    assert promise.future.has_discard()
    assert promise.discard()
    assert future.is_discarded()


def test_a_discard_while_the_call_runs_reaches_the_future_it_returns_later(paused):
    promise, entered, opened = la.Promise(), threading.Event(), threading.Event()

    class Late(la.Actor):
        def answer(self):
            entered.set()
            assert opened.wait(LIMIT)
            return promise.future

    future = la.dispatch(la.spawn(Late()), Late.answer)
    assert entered.wait(LIMIT)
    future.discard()
    opened.set()
    paused.clock.settle(LIMIT)

    assert promise.future.has_discard()
    assert future.is_pending()


def test_execute_runs_a_callable_in_the_actor(pid):
    def ask():
        return la.defer(int)  # works only inside an actor

    assert la.execute(pid, lambda: repr(ask())).get(LIMIT) == f"<Deferred int in {pid}>"


def test_execute_fails_the_future_and_the_actor_lives_on(pid):
    def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        la.execute(pid, fail).get(LIMIT)
    with pytest.raises(TypeError, match="expected a callable"):
        la.execute(pid, 3)
    assert la.dispatch(pid, Counter.add, 1).get(LIMIT) == 1


def test_nothing_is_lost_when_many_threads_call_at_once(pid, count, together):
    each = count(25_000)

    def call():
        for _ in range(each):
            la.tell(pid, Counter.add, 1)

    together(*[call] * 8)

    assert la.dispatch(pid, Counter.add, 0).get(LIMIT) == 8 * each


def test_an_actor_that_is_flooded_does_not_starve_another(runtime):
    class Busy(la.Actor):
        def again(self):
            la.tell(self.pid, Busy.again)

    busy, pid = la.spawn(Busy()), la.spawn(Counter())
    la.tell(busy, Busy.again)

    assert la.dispatch(pid, Counter.add, 1).get(LIMIT) == 1
    assert la.dispatch(busy, Busy.again).get(LIMIT) is None


def test_an_exception_in_a_callback_is_reported_and_harms_nobody(pid, held, caplog):
    seen = []

    def fail(_):
        raise ValueError("callback")

    future = la.dispatch(pid, Counter.add, 1).on_ready(fail).on_any(fail).on_ready(seen.append)
    held.set()

    assert future.get(LIMIT) == 1
    assert la.dispatch(pid, Counter.add, 1).get(LIMIT) == 2
    assert seen == [1]
    assert caplog.text.count("ValueError: callback") == 2


# Goal: what docs/libactor.md says of results: neither the actor nor another reader sees what one makes of its own.
def test_each_reader_of_a_result_has_its_own_copy(runtime):
    class Store(la.Actor):
        def __init__(self):
            super().__init__()
            self.items = [1]

        def all(self):
            return self.items

    store = Store()
    future = la.dispatch(la.spawn(store), Store.all)

    future.get(LIMIT).append(2)

    assert future.get(LIMIT) == future.then(lambda items: items).get(LIMIT) == [1]
    assert store.items == [1]


# Goal: among many actors alike it is plain which failed. Method: the failure passes a step whose result nobody keeps.
def test_a_failure_that_nobody_looks_at_is_told_with_its_call_and_its_actor(runtime, caplog):
    class Failing(la.Actor):
        def boom(self):
            raise ValueError("boom")

    pid = la.spawn(Failing())
    la.dispatch(pid, Failing.boom).then(str)
    la.terminate(pid, inject=False)
    assert la.wait(pid, LIMIT)

    assert [record.getMessage() for record in caplog.records] == [
        f"a future failed and nobody looked at it: boom in {pid}"
    ]
