"""A coroutine ended before its time, at whichever await: its blocks run, nothing is left, nobody waits for ever."""

import gc
import logging
import weakref

import pytest

import libactor as la

LIMIT = 30  # seconds; a bound on failure
AWAITS = 5


class Token:
    """What a coroutine holds, to see that it is let go."""


class Worker(la.Actor):
    def __init__(self):
        super().__init__()
        self.seen = []
        self.tokens = []

    async def work(self, gates):
        token = Token()
        self.tokens.append(weakref.ref(token))
        for number, gate in enumerate(gates):
            try:
                self.seen.append(("awaits", number))
                await gate
            finally:
                self.seen.append(("left", number))
        del token
        return "done"

    async def nap(self, name):
        try:
            await la.sleep(10)
        finally:
            self.seen.append(name)

    async def hang_on(self):
        while True:
            try:
                await la.sleep(10)
            except GeneratorExit:
                self.seen.append("ignored")
                await la.sleep(10)

    async def await_in_finally(self, future):
        try:
            await la.sleep(10)
        finally:
            self.seen.append(await future)

    async def raise_in_finally(self, error):
        try:
            await la.sleep(10)
        finally:
            raise error

    def on_stop(self):
        self.seen.append("on_stop")

    def number(self):
        return 1


@pytest.fixture
def worker(paused):
    actor = Worker()
    return actor, la.spawn(actor)


def settled(runtime):
    assert runtime.clock.settle(LIMIT)


def gates_up_to(reached):
    """As many futures as there are awaits; the first ``reached`` of them are ready already."""
    promises = [la.Promise() for _ in range(AWAITS)]
    for promise in promises[:reached]:
        promise.set(None)
    return promises, [promise.future for promise in promises]


@pytest.mark.parametrize("late", [False, True], ids=["all ready before", "one after the other"])
@pytest.mark.parametrize("reached", range(AWAITS))
@pytest.mark.parametrize("end", ["terminate", "discard", "abandon", "fail", "close"])
def test_a_coroutine_ended_at_an_await_leaves_by_its_blocks_and_leaves_nothing(caplog, end, reached, late):
    runtime = la.Runtime()
    runtime.clock.pause()
    actor = Worker()
    pid = runtime.spawn(actor)
    promises, gates = gates_up_to(0 if late else reached)
    answer = la.dispatch(pid, Worker.work, gates)
    settled(runtime)
    for promise in promises[:reached] if late else ():
        promise.set(None)
        settled(runtime)

    if end == "terminate":
        la.terminate(pid)
    elif end == "discard":
        gates[reached].on_discard(promises[reached].discard)
        answer.discard()
    elif end == "abandon":
        del promises[reached:]
        del gates[:]
        promise = None
    elif end == "fail":
        promises[reached].fail(KeyError(reached))
    else:
        runtime.close()
    if end != "close":
        settled(runtime)
    seen, suspended = list(actor.seen), runtime.suspended(pid)
    gc.collect()

    reached_all = [step for number in range(reached + 1) for step in (("awaits", number), ("left", number))]
    assert seen == [*reached_all, *(["on_stop"] if end in ("terminate", "close") else [])]
    assert suspended == 0
    assert {
        "terminate": answer.is_abandoned,
        "close": answer.is_abandoned,
        "discard": answer.is_discarded,
        "abandon": answer.is_failed,
        "fail": answer.is_failed,
    }[end]()
    assert isinstance(answer.exception(), {"abandon": la.Abandoned, "fail": KeyError}.get(end, type(None)))
    del answer  # its failure has the frame
    promises.clear()
    gc.collect()
    assert [token() for token in actor.tokens] == [None]
    runtime.close()


def test_the_newest_is_closed_first(paused, worker):
    actor, pid = worker
    for name in "abc":
        la.tell(pid, Worker.nap, name)
    settled(paused)

    la.terminate(pid)
    la.wait(pid, LIMIT)

    assert actor.seen == ["c", "b", "a", "on_stop"]


def test_what_a_closed_coroutine_waited_for_is_discarded(paused, worker):
    _, pid = worker
    for name in "abc":
        la.tell(pid, Worker.nap, name)
    settled(paused)

    la.terminate(pid)
    la.wait(pid, LIMIT)

    assert paused.clock.next_deadline() == -1


def test_who_asked_hears_why_nobody_will_answer(paused, worker):
    _, pid = worker
    answer = la.dispatch(pid, Worker.nap, "a")
    settled(paused)
    la.tell(pid, Worker.work, 5)
    settled(paused)

    with pytest.raises(la.Abandoned) as caught:
        answer.get(LIMIT)
    assert (caught.value.pid, type(caught.value.reason)) == (pid, TypeError)


def test_one_that_ignores_its_end_is_logged_and_left(paused, worker, caplog, monkeypatch):
    actor, pid = worker
    monkeypatch.setattr("sys.unraisablehook", lambda told: None)  # Python tries once more as it lets go of it
    answer = la.dispatch(pid, Worker.hang_on)
    settled(paused)

    la.terminate(pid)

    assert la.wait(pid, LIMIT)
    assert answer.is_abandoned()
    assert actor.seen[0] == "ignored"
    assert "a coroutine that was closed failed" in caplog.text
    assert "ignored GeneratorExit" in caplog.text


@pytest.mark.parametrize("ready", [True, False])
def test_one_may_await_on_its_way_out_only_what_is_ready(paused, worker, caplog, ready):
    actor, pid = worker
    la.tell(pid, Worker.await_in_finally, la.ready("kept") if ready else la.sleep(5))
    settled(paused)

    la.terminate(pid)

    assert la.wait(pid, LIMIT)
    assert ("kept" in actor.seen) is ready
    assert ("ignored GeneratorExit" in caplog.text) is not ready


@pytest.mark.parametrize("error", [KeyError("own"), SystemExit(3)])
def test_what_one_raises_as_it_is_closed_keeps_no_other_from_its_end(paused, worker, caplog, error):
    actor, pid = worker
    caplog.set_level(logging.ERROR, "libactor")
    la.tell(pid, Worker.nap, "first")
    la.execute(pid, lambda: actor.raise_in_finally(error))
    settled(paused)

    la.terminate(pid)

    assert la.wait(pid, LIMIT)
    assert actor.seen == ["first", "on_stop"]
    assert pid._process.reason is None
    assert "a coroutine that was closed failed" in caplog.text


def test_the_failure_of_one_closes_the_others_of_its_actor(paused, worker, caplog):
    actor, pid = worker

    async def fail():
        await la.sleep(1)
        raise KeyError("ends the actor")

    la.tell(pid, Worker.nap, "a")
    la.execute(pid, lambda: pid._process._drive(fail(), "fail"))
    settled(paused)
    paused.clock.advance(1)
    settled(paused)

    assert isinstance(pid._process.reason, KeyError)
    assert actor.seen == ["a", "on_stop"]


def test_an_actor_that_terminates_itself_before_an_await_is_closed_there(paused, worker):
    actor, pid = worker

    async def leave():
        la.terminate(pid)
        await actor.nap("left")

    answer = la.execute(pid, leave)

    assert la.wait(pid, LIMIT)
    assert answer.is_abandoned()
    assert actor.seen == ["left", "on_stop"]


def test_a_discard_before_the_call_is_served_keeps_it_from_being_begun(paused, worker, hold):
    actor, pid = worker
    opened, _ = hold(pid)
    answer = la.dispatch(pid, Worker.nap, "never")
    answer.discard()
    opened.set(None)
    settled(paused)

    assert answer.is_discarded()
    assert actor.seen == []


def test_a_discard_reaches_each_future_that_is_awaited_after_it(paused, worker):
    _, pid = worker
    asked = []

    async def stubborn():
        for _ in range(3):
            nap = la.sleep(1)
            nap.on_discard(lambda: asked.append(1))
            try:
                await nap
            except la.Discarded:
                pass
        return "stays"

    answer = la.execute(pid, stubborn)
    settled(paused)
    answer.discard()

    assert answer.get(LIMIT) == "stays"
    assert len(asked) == 3


def test_a_chain_of_coroutines_is_discarded_up_to_its_source(paused):
    class Link(la.Actor):
        async def ask(self, rest):
            return await (la.dispatch(rest[0], Link.ask, rest[1:]) if rest else la.sleep(5))

    pids = [la.spawn(Link()) for _ in range(5)]
    answer = la.dispatch(pids[0], Link.ask, pids[1:])
    settled(paused)
    waiting = paused.suspended()

    answer.discard()
    settled(paused)

    assert (waiting, paused.suspended()) == (5, 0)
    assert answer.is_discarded()
    assert paused.clock.next_deadline() == -1


def test_a_future_that_comes_after_the_end_does_no_harm(paused, worker):
    _, pid = worker
    promise = la.Promise()
    answer = la.dispatch(pid, Worker.work, [promise.future])
    settled(paused)
    la.terminate(pid)
    la.wait(pid, LIMIT)

    promise.set(None)
    settled(paused)

    assert answer.is_abandoned()
    assert paused.dead_letters == 0


def test_a_future_and_the_end_that_come_together_do_no_harm(paused, worker, hold):
    actor, pid = worker
    promise = la.Promise()
    answer = la.dispatch(pid, Worker.work, [promise.future])
    settled(paused)
    opened, _ = hold(pid)
    promise.set(None)
    la.terminate(pid)
    opened.set(None)
    settled(paused)

    assert answer.is_abandoned()
    assert actor.seen == [("awaits", 0), ("left", 0), "on_stop"]


def test_an_actor_in_a_cycle_with_its_coroutine_goes_after_its_end(paused):
    actor = Worker()
    gone = weakref.ref(actor)
    pid = la.spawn(actor)

    async def hold_itself(me, future):
        me.kept = future
        await future

    la.execute(pid, lambda actor=actor: hold_itself(actor, la.Future()))
    settled(paused)
    la.terminate(pid)
    la.wait(pid, LIMIT)
    del actor

    gc.collect()

    assert gone() is None


def test_a_runtime_that_goes_away_unclosed_takes_its_coroutines_along():
    class Lonely(la.Actor):
        async def wait(self, future):
            await future

    future = la.Future()
    gone = weakref.ref(future)
    with la.Runtime() as runtime:
        pid = la.spawn(Lonely())
        answer = la.dispatch(pid, Lonely.wait, future)
        la.execute(pid, lambda: None).get(LIMIT)
    del future, pid, runtime

    gc.collect()

    assert answer.is_abandoned()
    assert gone() is None
