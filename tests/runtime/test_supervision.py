"""Supervisors start actors in order, start them anew when they fail, at their PIDs, and stop them in reverse order."""

import logging

import pytest

import libactor as la

LIMIT = 30


class Log:
    """What the actors of a test have done, in order."""

    def __init__(self):
        self.lines = []

    def __call__(self, line):
        self.lines.append(line)

    def take(self):
        taken, self.lines = self.lines, []
        return taken


class Worker(la.Actor):
    """Tells what it does; fails where the test wants it to."""

    def __init__(self, name, tell, fails=None):
        super().__init__()
        self.name, self.tell, self.fails = name, tell, fails or {}
        self.calls = 0
        self.fail("init")

    def fail(self, where):
        left = self.fails.get(where, 0)
        if left:
            self.fails[where] = left - 1
            raise ValueError(f"{self.name}: {where}")

    def on_start(self):
        self.tell(f"start {self.name}")
        self.fail("on_start")

    def on_stop(self):
        self.tell(f"stop {self.name}")
        self.fail("on_stop")

    def call(self):
        self.calls += 1
        return self.calls

    def die(self):
        raise ValueError("die")


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def child(log):
    """A Child whose actor tells what it does; ``fails``: how often it fails in init, on_start or on_stop."""

    def make(name, fails=None, **fields):
        return la.Child(lambda: Worker(name, log, fails), name, **fields)

    return make


@pytest.fixture
def supervise(paused):
    """Spawn a supervisor and wait until its children are up."""

    def spawn(*children, wait=True, **arguments):
        pid = la.spawn(la.Supervisor(children, id="top", **arguments))
        if wait:
            la.dispatch(pid, la.Supervisor.started).get(LIMIT)
        return pid

    return spawn


@pytest.fixture
def settle(paused):
    return lambda: paused.clock.settle(LIMIT)


@pytest.fixture
def fail(paused, settle):
    """Have a child fail, and wait for what comes of it."""

    def fail_child(name):
        la.tell(paused.find(name), Worker.die)
        settle()

    return fail_child


def states(pid):
    return {state.id: state.state for state in la.dispatch(pid, la.Supervisor.children).get(LIMIT)}


def restarts(pid):
    return {state.id: state.restarts for state in la.dispatch(pid, la.Supervisor.children).get(LIMIT)}


def test_children_are_started_in_order_under_their_ids(paused, log, child, supervise):
    supervise(child("a"), child("b"), child("c"))

    assert log.lines == ["start a", "start b", "start c"]
    assert [pid.id for pid in paused.pids()] == ["top", "a", "b", "c"]


def test_the_next_child_is_started_only_when_the_one_before_is_up(paused, log, child, supervise, settle):
    gate = la.Promise()
    future = gate.future
    first = la.Child(lambda: Waiting("slow", log, future), "slow")

    top = supervise(first, child("b"), wait=False)
    while "start slow" not in log.lines:
        la.dispatch(top, la.Supervisor.children).get(LIMIT)
    assert states(top) == {"slow": "starting", "b": "waiting"}
    gate.set(None)
    la.dispatch(top, la.Supervisor.started).get(LIMIT)

    assert log.lines == ["start slow", "start b"]


class Waiting(Worker):
    def __init__(self, name, tell, future, where="on_start"):
        super().__init__(name, tell)
        self.future, self.where = future, where

    def on_start(self):
        super().on_start()
        if self.where == "on_start":
            self.future.get(LIMIT)

    def on_stop(self):
        super().on_stop()
        if self.where == "on_stop":
            self.future.get(LIMIT)


def test_a_child_is_up_when_on_start_has_returned_whatever_it_has_sent_itself(paused, log, supervise, child):
    class Busy(Worker):
        def on_start(self):
            super().on_start()
            la.tell(self.pid, Busy.block)

        def block(self):
            gate.get(LIMIT)

    promise = la.Promise()
    gate = promise.future

    supervise(la.Child(lambda: Busy("busy", log), "busy"), child("b"))

    assert log.lines == ["start busy", "start b"]
    promise.set(None)


def test_children_are_stopped_in_reverse_order_before_their_supervisor(paused, log, child, supervise):
    top = supervise(child("a"), child("b"), child("c"))
    log.take()

    la.terminate(top)

    assert la.wait(top, LIMIT)
    assert log.lines == ["stop c", "stop b", "stop a"]
    assert paused.pids() == ()


def test_closing_the_runtime_leaves_children_to_their_supervisors(log, child, caplog):
    with la.Runtime():
        top = la.spawn(la.Supervisor([child("a"), child("b")]))
        la.dispatch(top, la.Supervisor.started).get(LIMIT)
        la.spawn(Worker("other", log))
        log.take()

    assert log.lines[-3:] == ["stop other", "stop b", "stop a"]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_one_for_one_starts_only_the_one_that_failed(log, child, supervise, fail):
    top = supervise(child("a"), child("b"), child("c"))
    log.take()

    fail("b")

    assert log.lines == ["stop b", "start b"]
    assert restarts(top) == {"a": 0, "b": 1, "c": 0}


def test_one_for_all_stops_and_starts_all_in_order(log, child, supervise, fail):
    supervise(child("a"), child("b"), child("c"), strategy="one_for_all")
    log.take()

    fail("b")

    assert log.lines == ["stop b", "stop c", "stop a", "start a", "start b", "start c"]


def test_rest_for_one_stops_and_starts_those_after_it(log, child, supervise, fail):
    supervise(child("a"), child("b"), child("c"), strategy="rest_for_one")
    log.take()

    fail("b")

    assert log.lines == ["stop b", "stop c", "start b", "start c"]


def test_a_child_keeps_its_pid(paused, child, supervise, fail):
    supervise(child("a"))
    pid = paused.find("a")
    la.dispatch(pid, Worker.call).get(LIMIT)

    fail("a")

    assert la.dispatch(pid, Worker.call).get(LIMIT) == 1
    assert paused.find("a") is pid


def test_what_waits_for_a_child_that_fails_is_abandoned_with_the_reason(paused, child, supervise, hold, settle):
    supervise(child("a"))
    pid = paused.find("a")
    opened, _ = hold(pid)
    la.tell(pid, Worker.die)
    waiting = la.dispatch(pid, Worker.call)

    opened.set(None)
    settle()

    with pytest.raises(la.Abandoned, match="stopped with ValueError") as caught:
        waiting.get(LIMIT)
    assert repr(caught.value.reason) == "ValueError('die')"
    assert la.dispatch(pid, Worker.call).get(LIMIT) == 1


@pytest.mark.parametrize(
    ("restart", "after_termination", "after_failure"),
    [("permanent", "running", "running"), ("transient", "stopped", "running"), ("temporary", None, None)],
)
def test_the_kind_of_child_decides_whether_it_comes_again(
    paused, child, supervise, fail, settle, restart, after_termination, after_failure
):
    top = supervise(child("a", restart=restart), child("b", restart=restart))

    la.terminate(paused.find("a"))  # by somebody else
    fail("b")

    assert states(top).get("a") == after_termination
    assert states(top).get("b") == after_failure


def test_a_backoff_delays_restarts_longer_each_time(paused, log, child, supervise, fail, settle):
    top = supervise(child("a", backoff=la.Backoff(1.0, 60.0, jitter=0.0)))
    log.take()

    for delay in (1.0, 2.0):
        fail("a" if paused.find("a") else "")
        assert states(top) == {"a": "waiting"}
        paused.clock.advance(delay - 0.001)
        settle()
        assert log.take() == ["stop a"]
        paused.clock.advance(0.001)
        settle()
        assert log.take() == ["start a"]


def test_what_is_sent_to_a_child_that_is_down_is_dropped(paused, child, supervise, fail):
    supervise(child("a", backoff=la.Backoff(1.0, 60.0)))
    pid = paused.find("a")
    fail("a")

    answer = la.dispatch(pid, Worker.call)

    assert answer.is_abandoned()
    assert paused.find("a") is None


def test_jitter_comes_from_the_stream_that_is_given(paused, child, supervise, fail, caplog):
    class Stream:
        def random(self):
            return 0.75

    supervise(child("a", backoff=la.Backoff(4.0, 60.0, jitter=0.5)), stream=Stream())

    fail("a")

    assert "in 5.000 s" in caplog.text


def test_each_restart_is_logged_with_its_cause_and_counted(paused, child, supervise, fail, caplog):
    supervise(child("a"))

    fail("a")

    [record] = [record for record in caplog.records if "restart" in record.getMessage()]
    assert record.levelname == "WARNING"
    assert record.getMessage() == (
        f"top@{paused.address}: child a failed with ValueError('die'); restart 1 (1 of 3 within 5 s) in 0.000 s"
    )
    assert paused.restarts == 1


def test_a_budget_is_that_of_one_child(paused, child, supervise, fail):
    top = supervise(child("a", intensity=2), child("b", intensity=2))

    for _ in range(2):
        fail("a")
        fail("b")

    assert restarts(top) == {"a": 2, "b": 2}
    assert states(top) == {"a": "running", "b": "running"}


def test_a_budget_comes_back_after_its_period(paused, child, supervise, fail):
    top = supervise(child("a", intensity=1, period=5.0))

    for _ in range(4):
        fail("a")
        paused.clock.advance(5.001)

    assert restarts(top) == {"a": 4}


class Watcher(la.Actor):
    def __init__(self):
        super().__init__()
        self.heard = []

    def watch(self, pid):
        la.link(pid)

    def on_exited(self, pid, reason):
        self.heard.append((pid, reason, getattr(reason, "__cause__", None)))

    def told(self):
        return tuple(self.heard)


@pytest.fixture
def watch(paused, settle):
    """Link to an actor; the function tells of which ends was heard."""

    def watch_pid(pid):
        watcher = la.spawn(Watcher())
        la.dispatch(watcher, Watcher.watch, pid).get(LIMIT)

        def told():
            settle()
            return la.dispatch(watcher, Watcher.told).get(LIMIT)

        return told

    return watch_pid


def test_a_supervisor_whose_child_has_no_restarts_left_stops_its_children_and_itself(
    paused, log, child, supervise, fail, watch
):
    top = supervise(child("a"), child("b", intensity=1, period=7.0), child("c"))
    told = watch(top)
    fail("b")
    log.take()

    fail("b")

    [(pid, reason, cause)] = told()
    assert pid is top
    assert isinstance(reason, la.RestartsExhausted)
    assert (reason.child, reason.count, reason.period) == ("b", 2, 7.0)
    assert repr(cause) == repr(reason.reason) == "ValueError('die')"
    assert log.lines == ["stop b", "stop c", "stop a"]
    assert "child b ended 2 times within 7 s, of which 1 are allowed" in str(reason)


def test_supervisors_nest_and_the_one_above_decides(paused, log, child, supervise, fail, watch):
    def make():
        return la.Supervisor([child("a", intensity=0), child("b")])

    top = supervise(la.Child(make, "inner", shutdown=20.0), child("last"))
    assert log.take() == ["start a", "start b", "start last"]
    inner, worker = paused.find("inner"), paused.find("a")

    fail("a")
    la.dispatch(inner, la.Supervisor.started).get(LIMIT)

    assert restarts(top) == {"inner": 1, "last": 0}
    assert log.lines == ["stop a", "stop b", "start a", "start b"]
    assert la.dispatch(worker, Worker.call).get(LIMIT) == 1  # at the PID it had before


def test_a_nested_supervisor_is_up_once_its_children_are(paused, log, child, supervise):
    def make():
        return la.Supervisor([child("a"), child("b")])

    supervise(la.Child(make, "inner"), child("last"))

    assert log.lines == ["start a", "start b", "start last"]


def test_a_nested_supervisor_whose_mailbox_is_full_is_known_to_be_up(paused, child, supervise, settle):
    class Busy(la.Supervisor, mailbox=la.Bounded(1, "drop-old")):
        def on_start(self):
            la.tell(self.pid, la.Supervisor.children)  # whatever waited there is dropped
            return super().on_start()

    top = supervise(la.Child(lambda: Busy([child("a")]), "inner"), child("b"), wait=False)
    settle()

    assert states(top) == {"inner": "running", "b": "running"}


def test_a_child_is_started_later_and_its_pid_told_once_it_is_up(paused, log, child, supervise):
    top = supervise(child("a"))

    pid = la.dispatch(top, la.Supervisor.start_child, child("b")).get(LIMIT)

    assert pid is paused.find("b")
    assert log.lines == ["start a", "start b"]


@pytest.mark.parametrize("where", ["init", "on_start"])
def test_a_child_that_cannot_be_started_later_is_not_taken_on(paused, child, supervise, where):
    top = supervise(child("a"))

    future = la.dispatch(top, la.Supervisor.start_child, child("b", {where: 1}))

    with pytest.raises(ValueError, match=f"b: {where}"):
        future.get(LIMIT)
    assert states(top) == {"a": "running"}
    assert la.dispatch(top, la.Supervisor.start_child, child("b")).get(LIMIT).id == "b"


def test_a_child_that_was_terminated_stays_down_until_it_is_restarted(paused, log, child, supervise, fail):
    top = supervise(child("a"), child("b"), strategy="one_for_all")
    log.take()

    la.dispatch(top, la.Supervisor.terminate_child, "a").get(LIMIT)
    assert states(top) == {"a": "stopped", "b": "running"}
    fail("b")
    assert log.take() == ["stop a", "stop b", "start b"]
    pid = la.dispatch(top, la.Supervisor.restart_child, "a").get(LIMIT)

    assert la.dispatch(pid, Worker.call).get(LIMIT) == 1
    assert states(top) == {"a": "running", "b": "running"}
    assert restarts(top) == {"a": 0, "b": 1}


def test_terminating_twice_is_as_once(child, supervise):
    top = supervise(child("a"))

    futures = [la.dispatch(top, la.Supervisor.terminate_child, "a") for _ in range(3)]

    assert [future.get(LIMIT) for future in futures] == [None] * 3
    assert la.dispatch(top, la.Supervisor.terminate_child, "a").get(LIMIT) is None


def test_a_child_that_is_up_is_restarted_on_request_without_being_counted(paused, log, child, supervise):
    top = supervise(child("a", intensity=0), child("b"))
    log.take()

    pid = la.dispatch(top, la.Supervisor.restart_child, "a").get(LIMIT)

    assert pid is paused.find("a")
    assert log.lines == ["stop a", "start a"]
    assert restarts(top) == {"a": 0, "b": 0}


def test_a_restart_on_request_does_not_wait_for_the_delay(paused, child, supervise, fail):
    top = supervise(child("a", backoff=la.Backoff(10.0, 60.0)))
    fail("a")

    pid = la.dispatch(top, la.Supervisor.restart_child, "a").get(LIMIT)

    assert la.dispatch(pid, Worker.call).get(LIMIT) == 1
    paused.clock.advance(60)
    paused.clock.settle(LIMIT)
    assert la.dispatch(pid, Worker.call).get(LIMIT) == 2


def test_a_restart_on_request_that_fails_says_so_and_leaves_the_child_down(paused, child, supervise):
    fails = {}
    top = supervise(child("a", fails))
    la.dispatch(top, la.Supervisor.terminate_child, "a").get(LIMIT)
    fails["on_start"] = 1

    with pytest.raises(ValueError, match="a: on_start"):
        la.dispatch(top, la.Supervisor.restart_child, "a").get(LIMIT)

    assert states(top) == {"a": "stopped"}


def test_one_child_in_the_place_of_several_is_told_apart():
    with pytest.raises(TypeError, match=r"Supervisor: children got Child.*, expected several of them, as in "):
        la.Supervisor(la.Child(la.Actor, "a"))


def test_only_a_child_that_is_down_for_good_can_be_deleted(child, supervise):
    top = supervise(child("a"))
    with pytest.raises(ValueError, match="delete_child: 'a' is running; terminate it first"):
        la.dispatch(top, la.Supervisor.delete_child, "a").get(LIMIT)
    la.dispatch(top, la.Supervisor.terminate_child, "a").get(LIMIT)

    la.dispatch(top, la.Supervisor.delete_child, "a").get(LIMIT)

    assert states(top) == {}
    assert la.dispatch(top, la.Supervisor.start_child, child("a")).get(LIMIT).id == "a"


@pytest.mark.parametrize("operation", ["terminate_child", "restart_child", "delete_child"])
@pytest.mark.parametrize(("id", "error"), [("zzz", ValueError), (None, TypeError), ([], TypeError)])
def test_an_id_that_no_child_has_is_refused(child, supervise, operation, id, error):
    top = supervise(child("a"))

    with pytest.raises(error, match=f"{operation}: id got"):
        la.dispatch(top, getattr(la.Supervisor, operation), id).get(LIMIT)

    assert states(top) == {"a": "running"}


def test_an_id_that_another_child_has_is_refused(child, supervise):
    with pytest.raises(
        ValueError, match="id got 'a', which another child has, that is stopped; expected one of its own"
    ):
        la.Supervisor([child("a"), child("a")])
    top = supervise(child("a"))

    with pytest.raises(ValueError, match="which another child has, that is running"):
        la.dispatch(top, la.Supervisor.start_child, child("a")).get(LIMIT)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"strategy": "all"}, ValueError, "strategy got 'all', expected one of one_for_one, one_for_all, rest_for_one"),
        ({"shutdown": -1}, ValueError, "shutdown got -1, expected 0 or more"),
        ({"shutdown": None}, TypeError, "shutdown got None, expected a number"),
        ({"stream": 7}, TypeError, "stream got 7, expected a stream"),
        ({"children": [Worker]}, TypeError, "got the child .*, expected a Child, as in"),
    ],
)
def test_a_wrong_supervisor_is_refused_with_what_is_wrong(arguments, error, text):
    with pytest.raises(error, match=f"Supervisor: {text}"):
        la.Supervisor(**arguments)


def test_a_supervisor_without_children_is_started_and_stops(supervise):
    top = supervise()

    la.terminate(top)

    assert la.wait(top, LIMIT)
