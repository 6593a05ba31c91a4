"""Helping: a thread outside of actors that waits for an actor runs it itself, and nobody can tell but by the speed."""

# Which thread a handler runs in depends on who is quicker, so where it counts the tests ask often and want
#   the majority. On the Python core the main thread does not help; these threads are no main threads.

import asyncio
import contextvars
import sys
import threading
from collections import Counter

import pytest

import libactor as la

LIMIT = 60  # seconds; a bound on failure
OFTEN = 400

VARIABLE = contextvars.ContextVar("VARIABLE", default="nothing")


class Quick(la.Actor):
    """Says which thread it runs in, and does all that an actor may do."""

    def __init__(self, other=None):
        super().__init__()
        self.other, self.lines, self.threads = other, [], set()

    def thread(self):
        return threading.get_ident()

    def thread_of_other(self):
        return la.dispatch(self.other, Quick.thread)

    def note(self, line):
        self.threads.add(threading.get_ident())
        self.lines.append(line)
        return list(self.lines)

    def spin(self):
        sum(1 for _ in range(200_000))
        return threading.get_ident()

    def answer_later(self, future):
        return future

    def get(self, future):
        return future.get(LIMIT)

    def fail(self, error):
        raise error.value

    def stop(self):
        la.terminate(self.pid)

    def call(self, function):
        return function.value(self)


def call(pid, function):
    """Run ``function(actor)`` in the actor."""
    return la.dispatch(pid, Quick.call, la.Shared(function))


def warmed(pid):
    """The actor, known as quick."""
    for _ in range(50):
        la.dispatch(pid, Quick.thread).get(LIMIT)
    return pid


@pytest.fixture
def outside(start):
    """Run a function in a thread of its own, which is neither the main thread nor one of the runtime's."""
    return lambda function: start(function)()


def own_share(ask):
    """How often of OFTEN times the handler ran in this thread."""
    return Counter(ask() for _ in range(OFTEN))[threading.get_ident()]


# Who is helped.


def test_a_thread_that_waits_for_a_quick_actor_runs_it_itself(runtime, outside):
    pid = la.spawn(Quick())

    helped = outside(lambda: own_share(lambda: la.dispatch(warmed(pid), Quick.thread).get(LIMIT)))

    assert helped > OFTEN / 2


@pytest.mark.skipif(la.CORE != "c", reason="the Python core cannot keep Ctrl-C from a handler in the main thread")
def test_the_main_thread_helps_as_well(runtime):
    pid = warmed(la.spawn(Quick()))

    assert own_share(lambda: la.dispatch(pid, Quick.thread).get(LIMIT)) > OFTEN / 2


def test_a_runtime_without_helping_serves_in_its_own_threads_only(outside):
    with la.Runtime(helping=False) as runtime:
        pid = runtime.spawn(Quick())

        helped = outside(lambda: own_share(lambda: la.dispatch(pid, Quick.thread).get(LIMIT)))

    assert helped == 0


def test_an_actor_that_has_been_slow_is_not_helped_and_is_again_when_it_has_been_quick(runtime, outside):
    pid = la.spawn(Quick())

    def ask():
        warmed(pid)
        slow = [la.dispatch(pid, Quick.spin).get(LIMIT) for _ in range(10)]
        return threading.get_ident() in slow[5:], own_share(lambda: la.dispatch(warmed(pid), Quick.thread).get(LIMIT))

    helped_slow, helped_quick = outside(ask)

    assert not helped_slow
    assert helped_quick > OFTEN / 2


def test_a_thread_runs_the_actor_it_waits_for_and_never_a_stranger(runtime, outside, count):
    stranger, pid = Quick(), la.spawn(Quick())
    other = warmed(la.spawn(stranger))

    def ask():
        warmed(pid)
        for number in range(count(5_000) + 100):
            la.tell(other, Quick.note, number)
            la.dispatch(pid, Quick.thread).get(LIMIT)
        return threading.get_ident()

    asker = outside(ask)
    la.dispatch(other, Quick.note, "end").get(LIMIT)

    assert asker not in stranger.threads


def test_a_thread_helps_the_one_whose_future_a_handler_returned(runtime, outside):
    second = la.spawn(Quick())
    first = la.spawn(Quick(second))

    def ask():
        warmed(first), warmed(second)
        return own_share(lambda: la.dispatch(first, Quick.thread_of_other).get(LIMIT))

    assert outside(ask) > OFTEN / 2


def test_a_thread_that_waits_for_an_actor_s_end_sees_it(runtime, outside):
    def end():
        pid = warmed(runtime.spawn(Quick()))
        la.terminate(pid, inject=False)
        return la.wait(pid, LIMIT)

    assert all(outside(end) for _ in range(20))


# What is promised is kept.


def test_what_was_sent_before_is_served_before(runtime, outside, count):
    pid = la.spawn(Quick())

    def send():
        warmed(pid)
        for burst in range(count(500) + 20):
            for number in range(5):
                la.tell(pid, Quick.note, (burst, number))
            lines = la.dispatch(pid, Quick.note, (burst, 5)).get(LIMIT)
            assert lines[-6:] == [(burst, number) for number in range(6)]

    outside(send)


def test_one_thread_at_a_time_is_inside_an_actor_whoever_helps(runtime, together, count, switching):
    class Careful(la.Actor):
        inside = n = 0

        def enter(self):
            assert self.inside == 0
            self.inside += 1
            self.n += 1
            self.inside -= 1
            return self.n

    pids = [la.spawn(Careful()) for _ in range(2)]

    def ask():
        for number in range(count(2_000) + 20):
            la.dispatch(pids[number % 2], Careful.enter).get(LIMIT)

    together(*[ask] * 8)

    total = 8 * (count(2_000) + 20)
    assert sum(la.dispatch(pid, Careful.enter).get(LIMIT) for pid in pids) == total + 2


@pytest.mark.parametrize("timeout", [0, 0.001, 0.05])
def test_a_wait_ends_in_time_though_the_actor_answers_later(runtime, outside, timeout):
    pid, promise = warmed(la.spawn(Quick())), la.Promise()

    with pytest.raises(TimeoutError):
        outside(lambda: la.dispatch(pid, Quick.answer_later, promise.future).get(timeout))

    assert isinstance(la.dispatch(pid, Quick.thread).get(LIMIT), int)


# Goal: there is always something to help with, and the wait must end all the same. Method: the actor tells itself.
def test_a_wait_ends_in_time_though_the_actor_has_always_something_to_do(runtime, outside):
    class Endless(Quick):
        ended = False

        def again(self):
            if not self.ended:
                la.tell(self.pid, Endless.again)

    actor, promise = Endless(), la.Promise()
    pid = warmed(la.spawn(actor))
    la.tell(pid, Endless.again)

    def ask():
        with pytest.raises(TimeoutError):
            la.dispatch(pid, Quick.answer_later, promise.future).get(0.1)
        assert not la.wait(pid, 0.1)

    outside(ask)
    actor.ended = True


def test_timers_fire_while_a_thread_helps(runtime, outside):
    pid = la.spawn(Quick())

    def in_time(actor):
        promise = la.Promise()
        actor.runtime.clock.timer(0.001, lambda: promise.set("fired"))
        return promise.future

    def ask():
        warmed(pid)
        return [call(pid, in_time).get(LIMIT) for _ in range(20)]

    assert outside(ask) == ["fired"] * 20


def test_other_actors_are_served_while_a_helped_handler_waits_for_them(runtime, outside, count):
    others = [la.spawn(Quick()) for _ in range(3)]
    pid = la.spawn(Quick())

    def ask_around(actor):
        return [la.dispatch(other, Quick.note, 1).get(LIMIT)[-1] for other in others]

    def ask():
        warmed(pid)
        return [call(pid, ask_around).get(LIMIT) for _ in range(count(1_000) + 20)]

    assert outside(ask) == [[1, 1, 1]] * (count(1_000) + 20)


# Goal: whoever settles waits for handlers in helping threads too. Method: one of them is held inside.
def test_settle_counts_a_thread_that_helps_as_busy(paused, start):
    pid, entered, opened = warmed(la.spawn(Quick())), threading.Event(), threading.Event()

    def hold(actor):
        entered.set()
        assert opened.wait(LIMIT)
        return "held"

    end = start(lambda: call(pid, hold).get(LIMIT))
    assert entered.wait(LIMIT)

    assert paused.clock.settle(0.02) is False

    opened.set()
    assert paused.clock.settle(LIMIT)
    assert end() == "held"


# An actor cannot tell.


SIGHTS = {
    "its own PID": lambda actor: actor.pid,
    "its runtime": lambda actor: actor.runtime.address,
    "the runtime it spawns in": lambda actor: la.spawn(Quick()).address,
    "whether it may link": lambda actor: la.link(la.spawn(Quick())),
    "where a deferred function runs": lambda actor: la.defer(actor._is_current)(),
    "an answer it waits for": lambda actor: la.dispatch(la.spawn(Quick()), Quick.note, 7).get(LIMIT),
    "a child's end": lambda actor: la.terminate(pid := la.spawn(Quick())) or la.wait(pid, LIMIT),
    "the exception in progress": lambda actor: sys.exc_info(),
    "a context variable": lambda actor: VARIABLE.get(),
    "a running event loop": lambda actor: has_loop(),
    "the room on the stack": lambda actor: depth(400),
}


def has_loop():
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def depth(levels):
    return 0 if levels == 0 else 1 + depth(levels - 1)


SITUATIONS = {}


def situation(function):
    SITUATIONS[function.__name__.replace("_", " ")] = function
    return function


@situation
def plainly(ask):
    return ask()


@situation
def inside_another_runtime(ask):
    with la.Runtime():
        return ask()


@situation
def while_an_exception_is_handled(ask):
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        return ask()


@situation
def with_a_context_variable_set(ask):
    VARIABLE.set("mine")
    return ask()


@situation
def inside_a_coroutine(ask):
    async def main():
        return ask()

    return asyncio.run(main())


@situation
def deep_in_a_recursion(ask):
    def descend(levels):
        return ask() if levels == 0 else descend(levels - 1)

    return descend(sys.getrecursionlimit() - 150)


@pytest.mark.parametrize("ask_from", SITUATIONS.values(), ids=SITUATIONS.keys())
@pytest.mark.parametrize("look", SIGHTS.values(), ids=SIGHTS.keys())
def test_a_handler_sees_the_same_wherever_it_is_waited_for(runtime, outside, look, ask_from):
    pid = la.spawn(Quick())
    expected = call(pid, look).recover(lambda lost: repr(lost.exception()))
    assert runtime.clock.pause() is None
    assert runtime.clock.settle(LIMIT)
    runtime.clock.resume()

    def ask():
        warmed(pid)
        return [ask_from(lambda: call(pid, look).get(LIMIT)) for _ in range(10)]

    answers = outside(ask)

    assert isinstance(expected.get(0), type(answers[0]))
    if not isinstance(answers[0], la.PID) or answers[0] == pid:
        assert answers == [expected.get(0)] * 10


def test_a_failure_has_no_context_of_the_thread_that_waits(runtime, outside):
    pid = la.spawn(Quick())

    def ask():
        warmed(pid)
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            futures = [la.dispatch(pid, Quick.fail, la.Shared(KeyError(n))) for n in range(5)]
            for future in futures:
                with pytest.raises(KeyError):
                    future.get(LIMIT)
        return [future.exception().__context__ for future in futures]

    assert outside(ask) == [None] * 5


def test_what_a_handler_posts_comes_from_its_actor(runtime, outside):
    class Sink(la.Actor):
        senders = ()

        @la.handles(str)
        def take(self, message, sender):
            self.senders += (sender,)

        def all(self):
            return self.senders

    sink, pid = la.spawn(Sink()), la.spawn(Quick())

    def ask():
        warmed(pid)
        for _ in range(20):
            call(pid, lambda actor: la.post(sink, "hello")).get(LIMIT)
        la.post(sink, "from outside")

    outside(ask)

    assert la.dispatch(sink, Sink.all).get(LIMIT) == (pid,) * 20 + (None,)


def test_a_handler_may_not_wait_for_itself_wherever_it_runs(runtime, outside):
    pid = la.spawn(Quick())

    def ask():
        warmed(pid)
        for _ in range(10):
            with pytest.raises(RuntimeError, match="itself"):
                call(pid, lambda actor: la.wait(actor.pid)).get(LIMIT)

    outside(ask)


# The thread that helps cannot tell.


def test_what_a_handler_sets_in_its_context_stays_out_of_the_thread_that_waits(runtime, outside):
    pid = la.spawn(Quick())

    def ask():
        warmed(pid)
        for _ in range(20):
            call(pid, lambda actor: VARIABLE.set("handler's") and None).get(LIMIT)
        return VARIABLE.get()

    assert outside(ask) == "nothing"


def test_after_the_wait_the_thread_is_outside_of_actors_again(runtime, outside):
    pid = la.spawn(Quick())

    def ask():
        warmed(pid)
        with pytest.raises(la.NoRuntime):
            la.link(pid)
        with la.Runtime() as own:
            warmed(pid)
            assert la.spawn(Quick()).address == own.address

    outside(ask)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_stops_the_actor_does_not_reach_the_thread_that_waits_for_another_answer(
    runtime, outside, hold, caplog, error
):
    caplog.set_level("CRITICAL")

    def ask():
        pid = warmed(runtime.spawn(Quick()))
        opened, _ = hold(pid)
        la.tell(pid, Quick.fail, la.Shared(error("theirs")))
        future = la.dispatch(pid, Quick.thread)
        opened.set(None)
        with pytest.raises(la.Abandoned):
            future.get(LIMIT)
        return la.wait(pid, LIMIT)

    for _ in range(20):
        assert outside(ask)


def test_an_actor_may_stop_itself_while_it_is_helped(runtime, outside):
    def ask():
        pid = warmed(runtime.spawn(Quick()))
        first, second = la.dispatch(pid, Quick.stop), la.dispatch(pid, Quick.thread)
        assert first.get(LIMIT) is None
        with pytest.raises(la.Abandoned):
            second.get(LIMIT)
        return la.wait(pid, LIMIT)

    for _ in range(50):
        assert outside(ask)


# Goal: close meets helping threads in any state. Method: they ask until they are told that nobody is there.
def test_a_runtime_may_be_closed_while_threads_help(together, count, switching):
    for _ in range(count(50) + 3):
        runtime = la.Runtime()
        pids = [warmed(runtime.spawn(Quick())) for _ in range(2)]
        barrier = threading.Barrier(4)

        def ask(number, runtime=runtime, pids=pids, barrier=barrier):
            barrier.wait(LIMIT)
            try:
                while True:
                    la.dispatch(pids[number % 2], Quick.thread).get(LIMIT)
            except la.Abandoned:
                return "abandoned"

        def close(runtime=runtime, barrier=barrier):
            barrier.wait(LIMIT)
            runtime.close()

        answers = together(close, *[lambda number=number: ask(number) for number in range(3)])

        assert answers == [None] + ["abandoned"] * 3
        assert runtime.pids() == ()
