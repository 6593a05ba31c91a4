"""Exceptions of every kind in every position where user code runs: who hears of it, and that all others go on."""

# An Exception in a call is its caller's business; in what nobody waits for it stops the actor. What is no Exception
#   (Ctrl-C, exit and their like) stops the actor in both cases. None of them takes a thread of the runtime along.

import dataclasses
import logging
import threading

import pytest

import libactor as la

LIMIT = 30  # seconds; a bound on failure
KINDS = [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit, StopIteration, MemoryError, RecursionError]


class Ping:
    pass


la.register_immutable(Ping)


class Thrower(la.Actor):
    """Raises an error where it is told to."""

    def __init__(self, error, where=()):
        super().__init__()
        self.error, self.where = error, where

    def throw(self, *_):
        raise self.error

    def answer(self):
        return 42

    def on_start(self):
        if "on_start" in self.where:
            raise self.error

    def on_stop(self):
        if "on_stop" in self.where:
            raise self.error

    @la.handles(Ping)
    def ping(self, message):
        raise self.error

    def watch(self, pid):
        la.link(pid)

    def on_exited(self, pid, reason):
        raise self.error


class Watcher(la.Actor):
    def __init__(self):
        super().__init__()
        self.exits = []

    def watch(self, pid):
        la.link(pid)

    def on_exited(self, pid, reason):
        self.exits.append(reason)


@pytest.fixture(params=KINDS)
def error(request, caplog):
    caplog.set_level(logging.CRITICAL)  # that these are logged is shown where each kind of event is tested
    return request.param("thrown")


@pytest.fixture
def alive(runtime):
    """At the end actors are served, timers fire, nothing is left to do, and no thread was lost or left over."""
    threads = set(threading.enumerate())
    other = runtime.spawn(Thrower(None))
    yield
    assert la.dispatch(other, Thrower.answer).get(LIMIT) == 42
    la.after(0, runtime=runtime).get(LIMIT)
    runtime.clock.pause()
    assert runtime.clock.settle(LIMIT)
    assert threads <= set(threading.enumerate())
    assert la.dispatch(other, Thrower.answer).get(LIMIT) == 42
    runtime.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(runtime.address)]


def watched(target):
    """Exit reasons of ``target``, complete once it has stopped and the function was called."""
    watcher = Watcher()
    home = la.spawn(watcher)
    la.dispatch(home, Watcher.watch, target).get(LIMIT)

    def reasons():
        assert la.wait(target, LIMIT)
        la.execute(home, int).get(LIMIT)
        return watcher.exits

    return reasons


@pytest.mark.usefixtures("alive")
def test_in_on_start_it_is_the_reason_the_actor_stopped_by(error):
    target = la.spawn(Thrower(error, {"on_start"}))
    future = la.dispatch(target, Thrower.answer)

    assert watched(target)() == [error]
    with pytest.raises(la.Abandoned):
        future.get(LIMIT)


@pytest.mark.usefixtures("alive")
def test_in_a_call_it_is_the_caller_s_and_stops_the_actor_only_if_it_is_no_exception(error):
    target = la.spawn(Thrower(error))
    reasons = watched(target)

    with pytest.raises(type(error)) as raised:
        la.dispatch(target, Thrower.throw).get(LIMIT)

    assert raised.value is not error
    assert raised.value.__cause__ is error
    if isinstance(error, Exception):
        assert la.dispatch(target, Thrower.answer).get(LIMIT) == 42
    else:
        assert reasons() == [error]


@pytest.mark.usefixtures("alive")
def test_in_a_callable_that_is_executed_it_is_as_in_a_call(error):
    target = la.spawn(Thrower(error))
    reasons = watched(target)

    def throw():
        raise error

    with pytest.raises(type(error)):
        la.execute(target, throw).get(LIMIT)

    if isinstance(error, Exception):
        assert la.dispatch(target, Thrower.answer).get(LIMIT) == 42
    else:
        assert reasons() == [error]


SENDS = {
    "tell": lambda pid: la.tell(pid, Thrower.throw),
    "message": lambda pid: la.post(pid, Ping()),
    "delay": lambda pid: la.delay(0, pid, Thrower.throw),
}


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize("send", SENDS.values(), ids=SENDS.keys())
def test_in_what_nobody_waits_for_it_is_the_reason_the_actor_stopped_by(error, send):
    target = la.spawn(Thrower(error))
    reasons = watched(target)

    send(target)

    assert reasons() == [error]


@pytest.mark.usefixtures("alive")
def test_in_on_exited_it_is_the_reason_the_watcher_stopped_by(error):
    target, other = la.spawn(Thrower(error)), la.spawn(Thrower(None))
    reasons = watched(target)
    la.dispatch(target, Thrower.watch, other).get(LIMIT)

    la.terminate(other)

    assert reasons() == [error]


@pytest.mark.usefixtures("alive")
def test_in_on_stop_it_does_not_hinder_the_end_and_is_not_its_reason(error):
    target = la.spawn(Thrower(error, {"on_stop"}))
    reasons = watched(target)

    la.terminate(target)

    assert reasons() == [None]


@pytest.mark.usefixtures("alive")
def test_in_on_stop_after_one_in_a_handler_the_first_is_the_reason(error):
    target = la.spawn(Thrower(error, {"on_stop"}))
    reasons, first = watched(target), SystemExit("first")

    def fail():
        raise first

    with pytest.raises(SystemExit):
        la.execute(target, fail).get(LIMIT)

    assert reasons() == [first]


SUBSCRIPTIONS = {
    "on_ready": (la.Future.on_ready, lambda promise: promise.set(1)),
    "on_failed": (la.Future.on_failed, lambda promise: promise.fail(KeyError())),
    "on_discarded": (la.Future.on_discarded, lambda promise: promise.discard()),
    "on_any": (la.Future.on_any, lambda promise: promise.set(1)),
    "on_discard": (la.Future.on_discard, lambda promise: promise.future.discard()),
    "on_abandoned": (la.Future.on_abandoned, lambda promise: promise.future._abandon()),
}


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize("name", SUBSCRIPTIONS)
def test_in_a_callback_it_keeps_neither_the_other_callbacks_nor_the_thread(error, name):
    subscribe, complete = SUBSCRIPTIONS[name]
    promise, target, called = la.Promise(), la.spawn(Thrower(error)), []

    def throw(*_):
        raise error

    subscribe(promise.future, throw)
    subscribe(promise.future, lambda *_: called.append(1))

    completing = la.execute(target, lambda: complete(promise) and None)

    if isinstance(error, Exception):
        assert completing.get(LIMIT) is None
    else:
        with pytest.raises(type(error)):  # what is no exception is for the thread that completes, here a handler
            completing.get(LIMIT)
    assert called == [1]


@pytest.mark.usefixtures("alive")
def test_in_a_callback_of_an_answer_it_does_not_spoil_the_answer(error, hold):
    target, seen = la.spawn(Thrower(error)), []
    opened, _ = hold(target)

    def throw(*_):
        raise error

    future = la.dispatch(target, Thrower.answer).on_any(throw).on_any(lambda done: seen.append(done.get(0)))
    opened.set(None)

    assert future.get(LIMIT) == 42
    assert future.is_ready()
    la.terminate(target, inject=False)
    assert la.wait(target, LIMIT)
    assert seen == [42]


CHAINS = {
    "then": (lambda future, throw: future.then(throw), lambda promise: promise.set(1)),
    "repair": (lambda future, throw: future.repair(throw), lambda promise: promise.fail(KeyError())),
    "recover": (lambda future, throw: future.recover(throw), lambda promise: promise.discard()),
    "after": (lambda future, throw: future.after(0, throw), lambda promise: None),
    "loop": (lambda future, throw: la.loop(lambda: future, throw), lambda promise: promise.set(1)),
}


@pytest.mark.usefixtures("alive")
@pytest.mark.parametrize("name", CHAINS)
def test_in_a_step_of_a_chain_it_fails_what_the_chain_leads_to(error, name):
    chain, complete = CHAINS[name]
    promise, target = la.Promise(), la.spawn(Thrower(error))

    def throw(*_):
        raise error

    result = chain(promise.future, throw)
    completing = la.execute(target, lambda: complete(promise) and None)

    with pytest.raises(type(error)):
        result.get(LIMIT)
    assert completing.recover(lambda lost: None).get(LIMIT) is None


@pytest.mark.usefixtures("alive")
def test_in_a_timer_s_thunk_it_keeps_neither_the_other_timers_nor_the_worker(runtime, error):
    fired = la.Promise()

    def throw():
        raise error

    runtime.clock.timer(0, throw)
    runtime.clock.timer(0, lambda: fired.set(1))
    runtime.clock.timer(0, throw)

    assert fired.future.get(LIMIT) == 1


# Goal: whoever advances a paused clock runs the thunks himself. Method: as above, in this thread.
@pytest.mark.usefixtures("alive")
def test_in_a_timer_s_thunk_on_a_paused_clock_it_is_raised_by_advance_if_it_is_no_exception(runtime, error):
    runtime.clock.pause()
    fired = []

    def throw():
        raise error

    runtime.clock.timer(1, throw)
    runtime.clock.timer(1, lambda: fired.append(1))

    if isinstance(error, Exception):
        runtime.clock.advance(1)
    else:
        with pytest.raises(type(error)):
            runtime.clock.advance(1)

    assert fired == [1]


@dataclasses.dataclass(eq=False)
class Trap:
    """A key of a dict that raises when the dict it stands in is copied."""

    error: BaseException
    armed: bool = False

    def __hash__(self):
        if self.armed:
            raise self.error
        return 7


def trapped(error):
    trap = Trap(error)
    holder = {trap: 1}
    trap.armed = True
    return holder


@pytest.mark.usefixtures("alive")
def test_in_the_copy_of_an_argument_it_is_the_sender_s(error):
    target = la.spawn(Thrower(error))

    with pytest.raises(type(error)):
        la.dispatch(target, Thrower.throw, trapped(error))

    assert la.dispatch(target, Thrower.answer).get(LIMIT) == 42


@pytest.mark.usefixtures("alive")
def test_in_the_copy_of_a_result_it_is_the_caller_s(error):
    target = la.spawn(Thrower(error))

    with pytest.raises(type(error)):
        la.execute(target, lambda: trapped(error)).get(LIMIT)


@pytest.mark.usefixtures("alive")
def test_in_the_wait_of_a_handler_it_comes_out_there(error):
    target, other = la.spawn(Thrower(error)), la.spawn(Thrower(error))
    caught = []

    def ask():
        try:
            la.dispatch(other, Thrower.throw).get(LIMIT)
        except BaseException as failure:
            caught.append(type(failure))

    la.execute(target, ask).get(LIMIT)

    assert caught == [type(error)]
    assert la.dispatch(target, Thrower.answer).get(LIMIT) == 42
