"""Defects that reviews of other actor libraries have found: each is looked for here, by the shortest program."""

# What is told in full elsewhere has one line here that would fail first. Restarts, their causes and budgets, and time
# limits of a shutdown are in test_supervision.py and test_supervision_failures.py; fixed delay and fixed rate in the
# tests of timers.

import gc
import threading

import pytest

import libactor as la

LIMIT = 30


class Worker(la.Actor):
    def __init__(self, tell=None, fails=""):
        super().__init__()
        self.tell, self.fails, self.heard = tell or (lambda line: None), fails, []
        if fails == "init":
            raise ValueError("init")

    def on_start(self):
        if self.fails == "on_start":
            raise ValueError("on_start")

    def on_stop(self):
        self.tell("stop")
        if self.fails == "on_stop":
            raise ValueError("on_stop")

    def call(self, value=None):
        return value

    def die(self, error):
        raise error

    def watch(self, pid):
        la.link(pid)

    def on_exited(self, pid, reason):
        self.heard.append((pid, repr(reason)))

    def told(self):
        return tuple(self.heard)

    def ask_itself(self):
        return la.dispatch(self.pid, Worker.call).get(LIMIT)


@pytest.fixture
def watcher(runtime):
    return la.spawn(Worker())


def watch(watcher, pid):
    la.dispatch(watcher, Worker.watch, pid).get(LIMIT)


def told(watcher):
    return la.dispatch(watcher, Worker.told).get(LIMIT)


def test_a_constructor_that_throws_leaves_no_actor(runtime):
    with pytest.raises(ValueError, match="init"):
        la.spawn(Worker(fails="init"))

    assert runtime.pids() == ()


def test_an_actor_that_cannot_start_is_gone_and_whoever_watches_is_told(paused, watcher):
    pid = la.spawn(Worker(fails="on_start"))
    watch(watcher, pid)
    paused.clock.settle(LIMIT)

    assert told(watcher) == ((pid, "ValueError('on_start')"),)
    assert paused.find(pid.id) is None


def test_an_actor_that_stops_with_messages_waiting_does_not_spin(paused, hold):
    pid = la.spawn(Worker())
    opened, _ = hold(pid)
    waiting = [la.dispatch(pid, Worker.call) for _ in range(1000)]
    la.terminate(pid)
    for _ in range(1000):
        la.tell(pid, Worker.call)

    opened.set(None)

    assert la.wait(pid, LIMIT)
    assert paused.clock.settle(LIMIT)
    assert all(future.is_abandoned() for future in waiting)


def test_watching_one_that_has_stopped_is_no_silent_nothing(paused, watcher):
    pid = la.spawn(Worker())
    la.terminate(pid)
    la.wait(pid)

    watch(watcher, pid)
    paused.clock.settle(LIMIT)

    assert told(watcher) == ((pid, "None"),)


def test_a_full_mailbox_of_a_watcher_does_not_reach_into_the_failure_it_is_told_of(paused, hold):
    watcher = la.spawn(Worker(), mailbox=la.Bounded(1, overflow="fail-sender"))
    pid, also = la.spawn(Worker()), la.spawn(Worker())
    for mortal in (pid, also):
        watch(watcher, mortal)
    opened, _ = hold(watcher)
    la.tell(watcher, Worker.call)

    la.tell(pid, Worker.die, ValueError("die"))
    la.tell(also, Worker.die, ValueError("die"))
    la.wait(pid, LIMIT)
    la.wait(also, LIMIT)
    opened.set(None)
    paused.clock.settle(LIMIT)

    assert sorted(told(watcher), key=str) == sorted([(pid, "ValueError('die')"), (also, "ValueError('die')")], key=str)


def test_the_futures_of_an_actor_that_stops_are_not_left_pending(runtime, hold):
    pid = la.spawn(Worker())
    opened, _ = hold(pid)
    waiting = la.dispatch(pid, Worker.call)
    la.terminate(pid)

    opened.set(None)

    with pytest.raises(la.Abandoned, match="was terminated before it answered"):
        waiting.get(LIMIT)


def test_an_ask_that_times_out_leaves_nothing_behind(runtime, hold, traced_memory):
    pid = la.spawn(Worker())

    def ask_in_vain(rounds):
        opened, held = hold(pid)
        for _ in range(rounds):
            with pytest.raises(TimeoutError):
                la.dispatch(pid, Worker.call).get(0)
        opened.set(None)
        held.get(LIMIT)
        la.dispatch(pid, Worker.call).get(LIMIT)
        gc.collect()
        return traced_memory()

    before = ask_in_vain(300)

    assert ask_in_vain(1500) - before < 50_000
    assert runtime.pids() == (pid,)


def test_an_answer_that_comes_after_its_time_harms_nobody(runtime, hold):
    pid = la.spawn(Worker())
    opened, _ = hold(pid)
    late = la.dispatch(pid, Worker.call, 1)
    with pytest.raises(TimeoutError):
        late.get(0)

    opened.set(None)

    assert late.get(LIMIT) == 1
    assert la.dispatch(pid, Worker.call, 2).get(LIMIT) == 2


def test_an_error_in_on_stop_stops_nothing_else(paused, watcher, caplog):
    pid = la.spawn(Worker(fails="on_stop"))
    watch(watcher, pid)

    la.terminate(pid)

    assert la.wait(pid, LIMIT)
    paused.clock.settle(LIMIT)
    assert told(watcher) == ((pid, "None"),)
    assert "stopping: on_stop failed" in caplog.text


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_what_is_no_exception_ends_the_actor_and_not_only_the_call(paused, watcher, error):
    pid = la.spawn(Worker())
    watch(watcher, pid)

    answer = la.dispatch(pid, Worker.die, error)

    with pytest.raises(type(error)):
        answer.get(LIMIT)
    paused.clock.settle(LIMIT)
    assert told(watcher) == ((pid, repr(error)),)


def test_an_actor_is_not_entered_again_while_it_waits(runtime):
    pid = la.spawn(Worker())

    with pytest.raises(RuntimeError, match="would wait for an answer of its own"):
        la.dispatch(pid, Worker.ask_itself).get(LIMIT)


def test_a_handler_that_blocks_keeps_nobody_else_from_running(runtime, hold):
    opened, held = hold(la.spawn(Worker()))
    other = la.spawn(Worker())

    assert la.dispatch(other, Worker.call, 1).get(LIMIT) == 1

    opened.set(None)
    held.get(LIMIT)


def test_what_was_sent_is_not_what_the_sender_changes_afterwards(runtime, hold):
    pid = la.spawn(Worker())
    opened, _ = hold(pid)
    value = [1, 2]
    answer = la.dispatch(pid, Worker.call, value)

    value.append(3)
    opened.set(None)

    assert answer.get(LIMIT) == [1, 2]


def test_an_actor_with_endless_work_lets_others_run(runtime):
    class Endless(la.Actor):
        def go_on(self):
            if not stop.is_set():
                la.tell(self.pid, Endless.go_on)

    stop = threading.Event()
    endless = la.spawn(Endless())
    la.tell(endless, Endless.go_on)
    pid = la.spawn(Worker())

    answers = [la.dispatch(pid, Worker.call, number).get(LIMIT) for number in range(100)]
    stop.set()

    assert answers == list(range(100))


def test_what_one_sends_to_another_arrives_once_and_in_order(runtime, together, count):
    class Collector(la.Actor):
        def __init__(self):
            super().__init__()
            self.seen = []

        def put(self, sender, number):
            self.seen.append((sender, number))

        def all(self):
            return tuple(self.seen)

    pid = la.spawn(Collector())
    size = max(count(5000), 200)

    def send(sender):
        for number in range(size):
            la.tell(pid, Collector.put, sender, number)

    together(*[lambda sender=sender: send(sender) for sender in range(4)])
    seen = la.dispatch(pid, Collector.all).get(LIMIT)

    assert len(seen) == 4 * size
    for sender in range(4):
        assert [number for other, number in seen if other == sender] == list(range(size))
