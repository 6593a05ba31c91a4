"""on_start and on_stop may be `async def`, or return a future: the actor is held until that is over."""

import asyncio
import logging

import pytest

import libactor as la
from libactor._core._impl import prepare

LIMIT = 30  # seconds; a bound on failure


class Slow(la.Actor):
    def __init__(self, start=None, stop=None, returns_future=False, seen=None):
        super().__init__()
        self.start = start
        self.stop = stop
        self.returns_future = returns_future
        self.seen = [] if seen is None else seen

    def on_start(self):
        self.seen.append("start")
        return self.begin(self.start) if not self.returns_future else self.start

    def on_stop(self):
        self.seen.append("stop")
        return self.end(self.stop) if not self.returns_future else self.stop

    async def begin(self, future):
        if future is not None:
            try:
                await future
            finally:
                self.seen.append("started")

    async def end(self, future):
        if future is not None:
            await future
            self.seen.append("stopped")

    def note(self, what):
        self.seen.append(what)


class Watcher(la.Actor):
    def __init__(self):
        super().__init__()
        self.heard = []

    def watch(self, pid):
        la.link(pid)

    def on_exited(self, pid, reason):
        self.heard.append(reason)


def settled(runtime):
    assert runtime.clock.settle(LIMIT)


@pytest.fixture(params=[False, True], ids=["coroutine", "future"])
def slow(request, paused):
    """Make an actor whose on_start and on_stop wait for these futures."""

    def make(start=None, stop=None):
        actor = Slow(start, stop, request.param)
        return actor, la.spawn(actor)

    return make


def test_nothing_is_served_before_on_start_is_over_the_control_lane_included(paused, slow):
    gate = la.Promise()
    actor, pid = slow(start=gate.future)
    la.tell(pid, Slow.note, "sent")
    pid._process.deliver_urgent(prepare("tell", pid, Slow.note, "control"))
    settled(paused)
    before, started = list(actor.seen), pid._process.started

    gate.set(None)
    settled(paused)

    assert (before, started) == (["start"], False)
    assert [entry for entry in actor.seen if entry != "started"] == ["start", "control", "sent"]
    assert pid._process.started


def test_what_is_executed_says_that_on_start_is_over(paused, slow):
    gate = la.Promise()
    _, pid = slow(start=gate.future)
    started = la.execute(pid, lambda: "up")
    settled(paused)
    early = started.is_pending()

    gate.set(None)

    assert early
    assert started.get(LIMIT) == "up"


@pytest.mark.parametrize("end", ["fail", "discard", "abandon"])
def test_a_failure_of_on_start_stops_the_actor_without_on_stop(paused, slow, end):
    gate = la.Promise()
    actor, pid = slow(start=gate.future)
    answer = la.dispatch(pid, Slow.note, "sent")
    settled(paused)

    if end == "fail":
        gate.fail(KeyError("no"))
    elif end == "discard":
        gate.discard()
    else:
        gate = None
    settled(paused)

    expected = {"fail": KeyError, "discard": la.Discarded, "abandon": la.Abandoned}[end]
    assert isinstance(pid._process.reason, expected)
    assert answer.is_abandoned()
    assert "stop" not in actor.seen


def test_a_termination_that_presses_ends_a_start_that_waits(paused):
    nap = la.sleep(5)
    actor = Slow(start=nap)
    pid = la.spawn(actor)
    settled(paused)

    la.terminate(pid)
    settled(paused)

    assert la.wait(pid, LIMIT)
    assert actor.seen == ["start", "started"]  # its finally block; no on_stop
    assert nap.is_discarded()


def test_a_termination_that_does_not_press_comes_after_on_start(paused, slow):
    gate = la.Promise()
    actor, pid = slow(start=gate.future)
    settled(paused)
    la.terminate(pid, inject=False)
    settled(paused)
    held = pid._process.stopped.is_pending()

    gate.set(None)
    settled(paused)

    assert held
    assert pid._process.stopped.is_ready()
    assert "stop" in actor.seen


def test_who_waits_and_links_hear_of_the_end_only_after_on_stop(paused, slow):
    gate = la.Promise()
    _, pid = slow(stop=gate.future)
    watcher = Watcher()
    la.dispatch(la.spawn(watcher), Watcher.watch, pid).get(LIMIT)
    settled(paused)

    la.terminate(pid)
    settled(paused)
    before = (pid._process.stopped.is_ready(), list(watcher.heard), paused.find(pid.id) is not None)
    gate.set(None)
    settled(paused)

    assert before == (False, [], True)
    assert (pid._process.stopped.is_ready(), watcher.heard, paused.find(pid.id)) == (True, [None], None)


def test_a_second_termination_during_on_stop_changes_nothing(paused, slow):
    gate = la.Promise()
    actor, pid = slow(stop=gate.future)
    settled(paused)
    for inject in (True, True, False):
        la.terminate(pid, inject)
        settled(paused)
    held = pid._process.stopped.is_pending()

    gate.set(None)
    settled(paused)

    assert held
    assert pid._process.stopped.is_ready()
    assert actor.seen.count("stop") == 1


def test_what_is_sent_during_on_stop_is_told_that_nobody_will_answer(paused, slow):
    gate = la.Promise()
    actor, pid = slow(stop=gate.future)
    settled(paused)
    la.terminate(pid)
    settled(paused)
    answer = la.dispatch(pid, Slow.note, "late")
    settled(paused)
    early = answer.is_abandoned()

    gate.set(None)
    settled(paused)

    assert not early
    assert answer.is_abandoned()
    assert "late" not in actor.seen


@pytest.mark.parametrize("end", ["fail", "discard", "abandon"])
def test_a_failure_of_on_stop_is_logged_and_the_actor_ends(paused, slow, end, caplog):
    gate = la.Promise()
    _, pid = slow(stop=gate.future)
    settled(paused)
    la.terminate(pid)
    settled(paused)

    if end == "fail":
        gate.fail(KeyError("no"))
    elif end == "discard":
        gate.discard()
    else:
        gate = None
    settled(paused)

    assert pid._process.stopped.is_ready()
    assert pid._process.reason is None
    assert "stopping: on_stop failed" in caplog.text


@pytest.mark.parametrize("where", ["on_start", "on_stop"])
def test_a_foreign_awaitable_is_refused_there_too(paused, where, caplog):
    class Foreign(la.Actor):
        async def on_start(self):
            if where == "on_start":
                await asyncio.sleep(0)

        async def on_stop(self):
            await asyncio.sleep(0)

    caplog.set_level(logging.ERROR, "libactor")
    pid = la.spawn(Foreign())
    settled(paused)
    la.terminate(pid)

    assert la.wait(pid, LIMIT)
    assert f"{where} of {pid} awaits nothing" in caplog.text


@pytest.mark.parametrize("where", ["on_start", "on_stop"])
def test_to_await_the_own_actor_there_is_an_error(paused, where, caplog):
    class Selfish(la.Actor):
        async def on_start(self):
            if where == "on_start":
                await la.dispatch(self.pid, Selfish.number)

        async def on_stop(self):
            await la.dispatch(self.pid, Selfish.number)

        def number(self):
            return 1

    pid = la.spawn(Selfish())
    settled(paused)
    la.terminate(pid)

    assert la.wait(pid, LIMIT)
    assert "would wait for an answer of its own actor" in caplog.text


def test_coroutines_that_wait_are_closed_before_on_stop(paused):
    seen = []

    class Waiting(Slow):
        async def wait(self):
            try:
                await la.sleep(5)
            finally:
                self.seen.append("closed")

    pid = la.spawn(Waiting(stop=la.ready(None), seen=seen))
    la.tell(pid, Waiting.wait)
    settled(paused)

    la.terminate(pid)
    la.wait(pid, LIMIT)

    assert seen == ["start", "closed", "stop", "stopped"]


def test_close_waits_for_on_stop_and_names_who_does_not_come_to_its_end(caplog):
    runtime, gate = la.Runtime(), la.Promise()
    pid = runtime.spawn(Slow(stop=gate.future))
    runtime.wait(pid, 0)

    with pytest.raises(RuntimeError) as caught:
        runtime.close(0.05)

    assert f"awaiting in on_stop, after 0.05 s: {pid};" in str(caught.value)


def test_close_ends_a_start_that_never_comes_to_its_end(caplog):
    runtime, gate = la.Runtime(), la.Promise()
    actor = Slow(start=gate.future)
    pid = runtime.spawn(actor)
    la.execute(runtime.spawn(Slow()), lambda: None).get(LIMIT)

    runtime.close(0.05)

    assert runtime.wait(pid, 0)
    assert actor.seen == ["start", "started"]
    assert "ended by close()" in caplog.text
