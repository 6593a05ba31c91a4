"""A handler may be `async def`: it awaits futures in turns of its actor, which serves other events meanwhile."""

# Futures that a test completes itself, and a clock that stands still, say when a coroutine goes on. What ends one early
#   is in test_coroutines_end.py, on_start and on_stop are in test_coroutines_life.py.

import asyncio
import contextvars
import logging
import sys
import threading
import types
from dataclasses import dataclass
from functools import partial

import pytest

import libactor as la
from libactor.context import running_process

LIMIT = 30  # seconds; a bound on failure

colour = contextvars.ContextVar("colour", default="none")


@dataclass(frozen=True)
class Order:
    future: la.Future


class Waiter(la.Actor):
    def __init__(self):
        super().__init__()
        self.seen = []

    async def wait(self, future):
        self.seen.append("waits")
        value = await future
        self.seen.append(value)
        return value

    async def add(self, one, other):
        return await one + await other

    async def at_once(self, value):
        return value

    def plain(self, value):
        self.seen.append(value)
        return value

    def coroutine_of(self, future):
        return self.wait(future)

    @la.handles(Order)
    async def obey(self, order: Order, sender: la.PID):
        self.seen.append(await order.future)

    async def on_exited(self, pid, reason):
        self.seen.append(await la.ready("exited"))

    def look(self):
        return list(self.seen)


@pytest.fixture
def waiter(paused):
    return la.spawn(Waiter())


def settled(runtime):
    assert runtime.clock.settle(LIMIT)


def test_a_handler_without_await_answers_as_a_plain_one(runtime):
    pid = la.spawn(Waiter())

    assert la.dispatch(pid, Waiter.at_once, [1]).get(LIMIT) == [1]


def test_the_actor_serves_others_while_a_coroutine_waits(paused, waiter):
    promise = la.Promise()
    answer = la.dispatch(waiter, Waiter.wait, promise.future)

    la.dispatch(waiter, Waiter.plain, "other").get(LIMIT)
    before = answer.is_pending()
    promise.set("value")

    assert before
    assert answer.get(LIMIT) == "value"
    assert la.dispatch(waiter, Waiter.look).get(LIMIT) == ["waits", "other", "value"]


def test_a_coroutine_goes_on_behind_what_was_sent_before_its_future_came(paused, waiter, hold):
    promise = la.Promise()
    la.dispatch(waiter, Waiter.wait, promise.future)
    settled(paused)
    opened, _ = hold(waiter)
    la.tell(waiter, Waiter.plain, "before")
    promise.set("value")
    la.tell(waiter, Waiter.plain, "after")

    opened.set(None)

    assert la.dispatch(waiter, Waiter.look).get(LIMIT) == ["waits", "before", "value", "after"]


def test_a_future_that_is_ready_does_not_suspend(paused, waiter, hold):
    opened, _ = hold(waiter)
    la.tell(waiter, Waiter.wait, la.ready("first"))
    la.tell(waiter, Waiter.plain, "second")

    opened.set(None)

    assert la.dispatch(waiter, Waiter.look).get(LIMIT) == ["waits", "first", "second"]


def test_an_await_raises_the_failure_afresh_with_the_original_as_cause(paused, waiter):
    caught, original = [], ValueError("original")

    async def observe(future):
        for _ in range(2):
            try:
                await future
            except ValueError as error:
                caught.append(error)

    promise = la.Promise()
    done = la.defer(waiter, observe)(promise.future)
    settled(paused)
    promise.fail(original)
    done.get(LIMIT)

    assert [error.__cause__ for error in caught] == [original, original]
    assert len({id(error) for error in [*caught, original]}) == 3


@pytest.mark.parametrize("early", [True, False], ids=["before", "while it waits"])
def test_an_await_of_what_nobody_will_complete_raises_abandoned(paused, waiter, early):
    promise = la.Promise()
    future = promise.future
    if early:
        del promise
    answer = la.dispatch(waiter, Waiter.wait, future)
    settled(paused)
    promise = None

    with pytest.raises(la.Abandoned):
        answer.get(LIMIT)


def test_a_discard_that_escapes_discards_the_answer(paused, waiter):
    promise = la.Promise()
    answer = la.dispatch(waiter, Waiter.wait, promise.future)
    settled(paused)

    promise.discard()
    settled(paused)

    assert answer.is_discarded()


def test_a_handler_may_catch_a_discard_and_answer_all_the_same(paused, waiter):
    async def calm(future):
        try:
            return await future
        except la.Discarded:
            return "calm"

    promise = la.Promise()
    answer = la.defer(waiter, calm)(promise.future)
    settled(paused)
    promise.discard()

    assert answer.get(LIMIT) == "calm"


def test_the_failure_of_a_coroutine_is_that_of_its_answer_and_the_actor_lives(paused, waiter):
    async def fail(future):
        await future
        raise KeyError("after the await")

    answer = la.defer(waiter, fail)(la.sleep(1))
    settled(paused)
    paused.clock.advance(1)

    with pytest.raises(KeyError, match="after the await") as caught:
        answer.get(LIMIT)
    assert caught.value.__cause__.__traceback__.tb_frame.f_code.co_name == "fail"
    assert la.dispatch(waiter, Waiter.at_once, 1).get(LIMIT) == 1


@pytest.mark.parametrize("send", ["tell", "post", "delay", "on_exited"])
def test_the_failure_of_a_coroutine_nobody_waits_for_ends_the_actor(paused, send, caplog):
    class Failing(Waiter):
        async def wait(self, future):
            await future
            raise KeyError("after the await")

        @la.handles(Order)
        async def obey(self, order):
            await self.wait(order.future)

        async def on_exited(self, pid, reason):
            await self.wait(la.sleep(1))

    pid, other = la.spawn(Failing()), la.spawn(Waiter())
    if send == "tell":
        la.tell(pid, Failing.wait, la.sleep(1))
    elif send == "post":
        la.post(pid, Order(la.sleep(1)))
    elif send == "delay":
        la.delay(0, pid, Failing.wait, la.sleep(1))
    else:
        la.execute(pid, lambda: la.link(other)).get(LIMIT)
        la.terminate(other)
    settled(paused)
    alive = pid._process.stopped.is_pending()

    paused.clock.advance(1)
    settled(paused)

    assert alive
    assert isinstance(pid._process.reason, KeyError)


def test_every_way_to_call_takes_a_coroutine(paused, waiter):
    other = la.spawn(Waiter())
    la.tell(waiter, Waiter.wait, la.sleep(1))
    la.post(waiter, Order(la.sleep(1)))
    la.execute(waiter, lambda: la.link(other)).get(LIMIT)
    executed = la.execute(waiter, partial(Waiter().wait, la.sleep(1)))
    deferred = la.defer(waiter, Waiter.wait)(la.sleep(1))
    returned = la.dispatch(waiter, Waiter.coroutine_of, la.sleep(1))
    la.terminate(other)
    settled(paused)

    paused.clock.advance(1)

    assert [future.get(LIMIT) for future in (executed, deferred, returned)] == [None] * 3
    assert la.dispatch(waiter, Waiter.look).get(LIMIT) == ["waits"] * 3 + ["exited"] + [None] * 4


def test_run_sees_a_coroutine_to_its_end(paused):
    async def nap(seconds):
        await la.sleep(seconds)
        return "rested"

    answer = la.run(nap, 2)
    settled(paused)
    waits = answer.is_pending()
    paused.clock.advance(2)

    assert waits
    assert answer.get(LIMIT) == "rested"
    settled(paused)
    assert paused.pids() == ()


def test_the_result_of_a_coroutine_crosses_by_value(paused, waiter):
    kept = []

    async def give(future):
        await future
        kept.append([1])
        return kept[0]

    answer = la.defer(waiter, give)(la.ready(0))

    assert answer.get(LIMIT) == [1]
    assert answer.get(LIMIT) is not kept[0]


def test_a_result_that_cannot_cross_fails_the_answer(paused, waiter):
    async def give():
        await la.sleep(0)
        return threading.Lock()

    answer = la.execute(waiter, give)
    settled(paused)

    with pytest.raises(la.NotPassable, match="result of a callable run in"):
        answer.get(LIMIT)


def test_a_coroutine_may_return_a_future_as_any_handler(paused, waiter):
    promise = la.Promise()

    async def give():
        await la.ready(1)
        return promise.future

    answer = la.execute(waiter, give)
    settled(paused)
    promise.set("later")

    assert answer.get(LIMIT) == "later"


def test_many_coroutines_of_one_actor_wait_side_by_side(paused, waiter):
    promises = [la.Promise() for _ in range(100)]
    answers = [la.dispatch(waiter, Waiter.wait, promise.future) for promise in promises]
    settled(paused)
    waiting = paused.suspended(), paused.suspended(waiter)

    for number, promise in enumerate(reversed(promises)):
        promise.set(number)

    assert [answer.get(LIMIT) for answer in answers] == list(range(99, -1, -1))
    assert (waiting, paused.suspended()) == ((100, 100), 0)


def test_coroutines_may_wait_for_the_same_future(paused, waiter):
    promise = la.Promise()
    answers = [la.dispatch(waiter, Waiter.add, promise.future, promise.future) for _ in range(3)]
    settled(paused)
    promise.set(2)

    assert [answer.get(LIMIT) for answer in answers] == [4, 4, 4]


def test_two_actors_may_ask_each_other_back(paused):
    class Caller(la.Actor):
        async def ask(self, other):
            return await la.dispatch(other, Caller.ask_back, self.pid) + 1

        async def ask_back(self, asker):
            return await la.dispatch(asker, Caller.number)

        def number(self):
            return 1

    one, other = la.spawn(Caller()), la.spawn(Caller())

    assert la.dispatch(one, Caller.ask, other).get(LIMIT) == 2


def test_an_actor_may_await_its_own_answer(paused, waiter):
    async def ask(pid):
        return await la.dispatch(pid, Waiter.plain, "own")

    assert la.defer(waiter, ask)(waiter).get(LIMIT) == "own"


def test_each_coroutine_has_context_variables_of_its_own(paused, waiter):
    async def paint(name, first, second):
        await first
        colour.set(name)
        await second
        return colour.get()

    gates = [la.Promise() for _ in range(4)]
    red = la.defer(waiter, paint)("red", gates[0].future, gates[2].future)
    blue = la.defer(waiter, paint)("blue", gates[1].future, gates[3].future)
    for gate in gates:
        settled(paused)
        gate.set(None)

    assert (red.get(LIMIT), blue.get(LIMIT)) == ("red", "blue")
    assert la.execute(waiter, colour.get).get(LIMIT) == "none"


def test_the_actor_runs_in_every_step(paused, waiter):
    async def where(future):
        before = running_process()
        await future
        return before is running_process() is waiter._process

    answer = la.defer(waiter, where)(la.sleep(1))
    settled(paused)
    paused.clock.advance(1)

    assert answer.get(LIMIT) is True


def test_an_exception_that_is_handled_across_an_await_stays_with_its_coroutine(paused, waiter):
    async def handle(number, future):
        try:
            raise ValueError(number)
        except ValueError:
            await future
            return str(sys.exception())

    gates = [la.Promise() for _ in range(3)]
    answers = [la.defer(waiter, handle)(number, gate.future) for number, gate in enumerate(gates)]
    settled(paused)
    for gate in reversed(gates):
        gate.set(None)

    assert [answer.get(LIMIT) for answer in answers] == ["0", "1", "2"]
    assert la.execute(waiter, sys.exc_info).get(LIMIT) == (None, None, None)


def test_futures_complete_from_any_thread(runtime, together):
    pid = la.spawn(Waiter())
    promises = [la.Promise() for _ in range(200)]
    answers = [la.dispatch(pid, Waiter.wait, promise.future) for promise in promises]

    together(*[partial(lambda part: [promise.set(1) for promise in part], promises[i::4]) for i in range(4)])

    assert [answer.get(LIMIT) for answer in answers] == [1] * 200


def test_a_step_that_blocks_lets_other_actors_run(runtime):
    pid, other = la.spawn(Waiter()), la.spawn(Waiter())

    async def block():
        await la.sleep(0)
        return la.dispatch(other, Waiter.plain, 1).get(LIMIT)

    assert la.execute(pid, block).get(LIMIT) == 1


def test_get_of_what_an_own_coroutine_is_to_answer_is_refused(paused, waiter):
    answer = la.dispatch(waiter, Waiter.wait, la.Promise().future.then(lambda value: value))
    forever = la.Promise()
    waiting = la.dispatch(waiter, Waiter.wait, forever.future)
    settled(paused)

    with pytest.raises(RuntimeError, match="would wait for an answer of its own"):
        la.execute(waiter, lambda: waiting.get(LIMIT)).get(LIMIT)
    with pytest.raises(la.Abandoned):
        answer.get(LIMIT)


@pytest.mark.real
def test_a_thread_outside_helps_an_actor_whose_coroutine_waits(runtime):
    one, other = la.spawn(Waiter()), la.spawn(Waiter())

    async def ask(value):
        return await la.dispatch(other, Waiter.plain, value)

    answers = [la.defer(one, ask)(number).get(LIMIT) for number in range(200)]

    assert answers == list(range(200))


# ---- what cannot be awaited ----


async def bare():
    await asyncio.sleep(0)


async def foreign():
    loop = asyncio.new_event_loop()
    try:
        await loop.create_future()
    finally:
        loop.close()


@types.coroutine
def numbers():
    yield 42


async def number():
    await numbers()


@pytest.mark.parametrize(
    ("awaits", "named"), [(bare, "awaits nothing"), (foreign, "an awaitable of asyncio"), (number, "awaits 42")]
)
def test_a_foreign_awaitable_is_an_error_at_its_await_that_names_the_bridge(paused, waiter, awaits, named):
    async def careful():
        await la.sleep(0)
        try:
            await awaits()
        except TypeError as error:
            return str(error)

    careless, caught = la.execute(waiter, awaits), la.execute(waiter, careful)
    settled(paused)

    text = caught.get(LIMIT)
    assert named in text
    assert "libactor.aio.run" in text
    assert str(waiter) in text
    with pytest.raises(TypeError, match="expected a libactor future"):
        careless.get(LIMIT)


def test_an_awaited_object_whose_repr_fails_is_refused_all_the_same(paused, waiter):
    class Hostile:
        def __await__(self):
            yield self

        def __repr__(self):
            raise ValueError("no repr")

    async def wait():
        await Hostile()

    with pytest.raises((TypeError, ValueError)):
        la.execute(waiter, wait).get(LIMIT)


def test_a_coroutine_that_catches_the_refusal_may_go_on(paused, waiter):
    async def stubborn():
        for _ in range(3):
            try:
                await asyncio.sleep(0)
            except TypeError:
                pass
        return await la.ready("through")

    assert la.execute(waiter, stubborn).get(LIMIT) == "through"


def test_asyncio_s_own_error_about_its_loop_names_the_bridge(paused, waiter):
    async def nap():
        await asyncio.wait_for(la.ready(1), 1)

    with pytest.raises(RuntimeError, match="no running event loop") as caught:
        la.execute(waiter, nap).get(LIMIT)
    assert "libactor.aio.run" in caught.value.__notes__[0]


# Goal: what passes a test and fails under load is explained too. Method: none of these finds a loop to wait on.
@pytest.mark.parametrize(
    "waits",
    [
        lambda: asyncio.Queue().get(),
        lambda: asyncio.Event().wait(),
        lambda: asyncio.timeout(1).__aenter__(),
    ],
    ids=["queue", "event", "timeout"],
)
def test_what_waits_for_asyncio_s_loop_is_told_what_to_take_instead(paused, waiter, waits):
    async def blocks():
        await waits()

    with pytest.raises((RuntimeError, AttributeError)) as caught:
        la.execute(waiter, blocks).get(LIMIT)
    assert "Mutex, Latch and Queue" in caught.value.__notes__[0]


def test_an_error_of_the_handler_s_own_gets_no_note_on_asyncio(paused, waiter):
    async def errs():
        raise AttributeError("no such thing")

    with pytest.raises(AttributeError) as caught:
        la.execute(waiter, errs).get(LIMIT)
    assert not hasattr(caught.value, "__notes__")


def test_a_coroutine_in_place_of_its_result_is_told_to_be_awaited(paused, waiter):
    async def inner():
        return 1

    forgotten = inner()

    async def forgets():
        return forgotten

    with pytest.raises(la.NotPassable, match="coroutine was not awaited; await it") as caught:
        la.execute(waiter, forgets).get(LIMIT)
    assert "move()" not in str(caught.value)
    forgotten.close()


def test_a_coroutine_that_is_returned_twice_fails_the_second_time(paused, waiter):
    class Saving(la.Actor):
        async def once(self):
            return 1

        def first(self):
            self.kept = self.once()
            return self.kept

        def second(self):
            return self.kept

    pid = la.spawn(Saving())

    assert la.dispatch(pid, Saving.first).get(LIMIT) == 1
    with pytest.raises(RuntimeError, match="cannot reuse"):
        la.dispatch(pid, Saving.second).get(LIMIT)


def test_a_handler_that_is_an_asynchronous_generator_is_refused(runtime):
    class Streaming(la.Actor):
        async def stream(self):
            yield 1

    with pytest.raises(TypeError, match=r"Streaming\.stream is an asynchronous generator"):
        la.dispatch(la.spawn(Streaming()), Streaming.stream)


def test_an_asynchronous_generator_may_be_used_inside(paused, waiter):
    async def count(gates):
        for gate in gates:
            yield await gate

    async def total(gates):
        return sum([value async for value in count(gates)])

    promises = [la.Promise() for _ in range(3)]
    answer = la.defer(waiter, total)([promise.future for promise in promises])
    for promise in promises:
        settled(paused)
        promise.set(2)

    assert answer.get(LIMIT) == 6


def test_asyncio_inside_a_handler_s_own_loop_awaits_as_ever(runtime):
    pid, other = la.spawn(Waiter()), la.spawn(Waiter())

    async def ask():
        return await la.dispatch(other, Waiter.plain, 5)

    assert la.execute(pid, lambda: asyncio.run(ask())).get(LIMIT) == 5


def test_interrupts_of_a_coroutine_fail_its_answer_and_end_the_actor(paused, waiter, caplog):
    async def leave(future):
        await future
        raise SystemExit(3)

    caplog.set_level(logging.CRITICAL, "libactor")
    answer = la.defer(waiter, leave)(la.sleep(1))
    settled(paused)
    paused.clock.advance(1)
    settled(paused)

    assert answer.is_failed()
    assert isinstance(waiter._process.reason, SystemExit)


# ---- sleep ----


def test_sleep_is_neither_early_nor_late(paused, waiter):
    answer = la.dispatch(waiter, Waiter.wait, la.sleep(5))
    paused.clock.advance(4.999)
    settled(paused)
    early = answer.is_pending()

    paused.clock.advance(0.001)

    assert early
    assert answer.get(LIMIT) is None


def test_a_discarded_sleep_takes_its_timer_out(paused):
    future = la.sleep(5)

    future.discard()

    assert future.is_discarded()
    assert paused.clock.next_deadline() == -1
    assert not paused.clock._heap


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_sleep_refuses_a_time_that_cannot_be(runtime, seconds):
    with pytest.raises(ValueError, match="expected a number of seconds"):
        la.sleep(seconds)


def test_sleep_without_a_runtime_is_refused():
    with pytest.raises(la.NoRuntime):
        la.sleep(1)


# ---- beside ----


def test_a_filter_sees_the_call_and_not_its_going_on(paused, waiter):
    seen = []
    paused.queue.filter = lambda process, event: seen.append(event.kind)
    answer = la.dispatch(waiter, Waiter.wait, la.sleep(1))
    settled(paused)
    paused.clock.advance(1)

    assert answer.get(LIMIT) is None
    assert seen == ["dispatch"]
    paused.queue.filter = None


def test_what_waits_in_the_mailbox_to_go_on_keeps_no_bounded_mailbox_full(paused):
    pid = la.spawn(Waiter(), mailbox=la.Bounded(1, overflow="fail-sender"))
    promises = [la.Promise() for _ in range(5)]
    answers = []
    for promise in promises:
        answers.append(la.dispatch(pid, Waiter.wait, promise.future))
        settled(paused)

    for promise in promises:
        promise.set(1)

    assert [answer.get(LIMIT) for answer in answers] == [1] * 5


@pytest.mark.real
def test_in_the_child_of_a_fork_a_coroutine_of_the_parent_does_not_go_on_and_a_new_one_does(program):
    script = """
    import os, warnings
    import libactor as la

    warnings.simplefilter("ignore", DeprecationWarning)  # a fork beside threads is what this is about

    class Waiter(la.Actor):
        async def wait(self, future):
            return await future

    runtime, gate = la.Runtime(), la.Promise()
    pid = runtime.spawn(Waiter())
    answer = la.dispatch(pid, Waiter.wait, gate.future)
    la.execute(pid, lambda: None).get(30)
    child = os.fork()
    if child == 0:
        gate.set("child")
        with la.Runtime():
            new = la.dispatch(la.spawn(Waiter()), Waiter.wait, la.ready(1)).get(30)
        os._exit(0 if new == 1 and answer.is_pending() else 1)
    status = os.waitpid(child, 0)[1]
    gate.set("parent")
    print(status, answer.get(30))
    runtime.close()
    """

    assert program(script) == "0 parent\n"
