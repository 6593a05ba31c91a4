"""Failures at every place of a child's life and of its supervisor's: each has an outcome, and nobody waits for ever."""

import gc
import logging
import threading
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import libactor as la
from libactor.supervision.restarts import STRATEGIES

LIMIT = 30


class Worker(la.Actor):
    """Tells what it does. ``plan``: the place where each of its incarnations fails, or waits for a gate, in turn."""

    def __init__(self, name, tell, plan=(), gate=None):
        super().__init__()
        self.name, self.tell, self.gate = name, tell, gate
        self.place = plan.pop(0) if plan else None
        self.do("init")

    def do(self, place):
        if self.place == place:
            raise ValueError(f"{self.name}: {place}")
        if self.place == f"block {place}":
            self.gate.get(LIMIT)
        if self.place == f"exit {place}":
            raise SystemExit(place)

    def on_start(self):
        self.tell.append(f"start {self.name}")
        self.do("on_start")

    def on_stop(self):
        self.tell.append(f"stop {self.name}")
        self.do("on_stop")

    def call(self):
        return self.name

    def die(self, error=None):
        raise error or ValueError("die")


class Watcher(la.Actor):
    def __init__(self):
        super().__init__()
        self.heard = []

    def watch(self, pid):
        la.link(pid)

    def on_exited(self, pid, reason):
        self.heard.append((pid.id, repr(reason)))

    def told(self):
        return tuple(self.heard)


@pytest.fixture
def told():
    """What the actors of a test have told, in order."""
    return []


@pytest.fixture
def gate():
    """A promise; blocked handlers wait for its future. Set at the end of the test at the latest."""
    promise = la.Promise()
    future = promise.future
    yield promise, future
    promise.set(None)


@pytest.fixture
def child(told, gate):
    def make(name, *plan, **fields):
        places = list(plan)
        return la.Child(lambda: Worker(name, told, places, gate[1]), name, **fields)

    return make


@pytest.fixture
def supervise(paused, gate):
    def spawn(*children, **arguments):
        return la.spawn(la.Supervisor(children, id="top", **arguments))

    return spawn


@pytest.fixture
def watch(paused):
    def watch_pid(pid):
        watcher = la.spawn(Watcher())
        la.dispatch(watcher, Watcher.watch, pid).get(LIMIT)
        return lambda: la.dispatch(watcher, Watcher.told).get(LIMIT)

    return watch_pid


def started(top):
    return la.dispatch(top, la.Supervisor.started)


def states(top):
    return {state.id: state.state for state in la.dispatch(top, la.Supervisor.children).get(LIMIT)}


def reach(runtime, condition):
    """Let actors work, however long they take in real time, until something is so."""
    for _ in range(100_000):
        if condition():
            return
        la.run(lambda: None).get(LIMIT)
    raise AssertionError("it did not come to that")


def errors(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize("place", ["init", "on_start"])
def test_a_child_that_cannot_be_started_at_first_is_tried_again_before_the_next(paused, told, child, supervise, place):
    top = supervise(child("a", place, place), child("b"))

    started(top).get(LIMIT)

    assert told.count("start a") == (1 if place == "init" else 3)
    assert told[-2:] == ["start a", "start b"]
    assert states(top) == {"a": "running", "b": "running"}


@pytest.mark.parametrize("place", ["init", "on_start"])
def test_a_child_that_can_never_be_started_is_given_up_and_the_supervisor_with_it(
    paused, told, child, supervise, watch, place, caplog
):
    top = supervise(child("a"), child("b", *[place] * 10), child("c"))
    heard = watch(top)

    with pytest.raises(la.LibactorError):
        started(top).get(LIMIT)
    la.wait(top, LIMIT)

    [(name, reason)] = heard()
    assert name == "top"
    assert f"ValueError('b: {place}')" in reason
    assert (told[-1], "start c" in told) == ("stop a", False)
    assert paused.pids() == tuple(pid for pid in paused.pids() if pid.id.startswith("watcher"))


def test_who_waits_for_the_start_hears_why_it_failed(paused, told, child, supervise, gate):
    top = supervise(child("a"), child("b", "block on_start"))
    reach(paused, lambda: "start b" in told)
    future = started(top)

    for ends in range(1, 5):
        reach(paused, lambda: states(top)["a"] == "running")
        la.tell(paused.find("a"), Worker.die)
        reach(paused, lambda ends=ends: told.count("stop a") == ends)
    gate[0].set(None)

    with pytest.raises(la.RestartsExhausted, match="child a ended 4 times within 5 s, of which 3 are allowed"):
        future.get(LIMIT)


def test_what_a_constructor_raises_is_logged_with_its_traceback(paused, child, supervise, caplog):
    top = supervise(child("a", "init"))

    started(top).get(LIMIT)

    [record] = [record for record in caplog.records if "could not be started" in record.getMessage()]
    assert repr(record.exc_info[1]) == "ValueError('a: init')"


@pytest.mark.parametrize("made", [None, 7, "worker", la.Actor], ids=repr)
def test_a_function_that_makes_no_actor_is_a_failed_start(paused, supervise, made):
    top = supervise()

    with pytest.raises(la.SpawnError, match="expected an instance of a subclass"):
        la.dispatch(top, la.Supervisor.start_child, la.Child(lambda: made, "a")).get(LIMIT)


def test_an_id_that_a_stranger_has_is_a_failed_start(paused, told, child, supervise):
    la.spawn(la.Actor("a"))
    top = supervise()

    with pytest.raises(la.SpawnError, match="the id 'a' is taken by a live actor"):
        la.dispatch(top, la.Supervisor.start_child, child("a")).get(LIMIT)


def test_one_actor_object_cannot_be_started_twice(paused, told, supervise, child):
    actor = Worker("a", told)
    top = supervise(la.Child(lambda: actor, "a", intensity=0))
    started(top).get(LIMIT)

    la.tell(paused.find("a"), Worker.die)

    assert la.wait(top, LIMIT)


def test_an_error_in_on_stop_is_logged_and_the_child_is_restarted_all_the_same(paused, told, child, supervise, caplog):
    top = supervise(child("a", "on_stop"), child("b"), strategy="one_for_all")
    started(top).get(LIMIT)

    la.tell(paused.find("b"), Worker.die)
    paused.clock.settle(LIMIT)

    assert told[2:] == ["stop b", "stop a", "start a", "start b"]
    assert any("stopping: on_stop failed" in line for line in errors(caplog))


def test_a_child_that_does_not_stop_is_left_behind_and_started_anew_beside_it(
    paused, told, child, supervise, gate, caplog
):
    top = supervise(child("a", "block on_stop", shutdown=5.0), child("b"), strategy="one_for_all")
    started(top).get(LIMIT)
    a = paused.find("a")

    la.tell(paused.find("b"), Worker.die)
    reach(paused, lambda: told[-1] == "stop a")
    paused.clock.advance(4.999)
    assert states(top) == {"a": "stopping", "b": "waiting"}
    paused.clock.advance(0.001)
    reach(paused, lambda: states(top) == {"a": "running", "b": "running"})

    assert told[2:] == ["stop b", "stop a", "start a", "start b"]
    assert any("child a did not stop within 5.000 s; left behind" in line for line in errors(caplog))
    assert la.dispatch(a, Worker.call).get(LIMIT) == "a"


def test_one_that_was_left_behind_and_ends_at_last_is_no_failure(paused, told, child, supervise, gate):
    top = supervise(child("a", "block on_stop", shutdown=5.0))
    started(top).get(LIMIT)
    old = paused.find("a")._process
    future = la.dispatch(top, la.Supervisor.restart_child, "a")
    reach(paused, lambda: told[-1] == "stop a")
    paused.clock.advance(5)
    future.get(LIMIT)

    gate[0].set(None)
    old.stopped.get(LIMIT)
    paused.clock.settle(LIMIT)

    assert told == ["start a", "stop a", "start a"]
    assert states(top) == {"a": "running"}


def test_one_that_was_left_behind_for_good_stays_down_when_it_ends(paused, told, child, supervise, gate):
    top = supervise(child("a", "block on_stop", shutdown=5.0))
    started(top).get(LIMIT)
    old = paused.find("a")._process
    future = la.dispatch(top, la.Supervisor.terminate_child, "a")
    reach(paused, lambda: told[-1] == "stop a")
    paused.clock.advance(5)
    future.get(LIMIT)

    gate[0].set(None)
    old.stopped.get(LIMIT)
    paused.clock.settle(LIMIT)

    assert told == ["start a", "stop a"]
    assert states(top) == {"a": "stopped"}


def test_a_supervisor_stops_within_its_own_time_whatever_its_children_have(
    paused, told, child, supervise, gate, caplog
):
    top = supervise(
        child("a", "block on_stop", shutdown=9.0), child("b", "block on_stop", shutdown=9.0), child("c"), shutdown=12.0
    )
    started(top).get(LIMIT)

    la.terminate(top)
    reach(paused, lambda: told[-1] == "stop b")
    paused.clock.advance(9)
    reach(paused, lambda: told[-1] == "stop a")
    paused.clock.advance(2.999)
    assert not la.wait(top, 0)
    paused.clock.advance(0.001)

    assert la.wait(top, LIMIT)
    assert told[3:] == ["stop c", "stop b", "stop a"]
    assert [line.partition(": ")[2] for line in errors(caplog)] == [
        "child b did not stop within 9.000 s; left behind",
        "child a did not stop within 3.000 s; left behind",
    ]


def test_beyond_the_overall_deadline_the_rest_is_asked_at_once(paused, told, child, supervise, gate):
    top = supervise(child("a"), child("b", "block on_stop", shutdown=9.0), shutdown=2.0)
    started(top).get(LIMIT)

    la.terminate(top)
    reach(paused, lambda: told[-1] == "stop b")
    paused.clock.advance(2)
    assert la.wait(top, LIMIT)
    reach(paused, lambda: paused.find("a") is None)

    assert told[2:] == ["stop b", "stop a"]


def test_a_child_without_a_limit_is_waited_for(paused, told, child, supervise, gate):
    top = supervise(child("a", "block on_stop", shutdown=float("inf")), shutdown=float("inf"))
    started(top).get(LIMIT)

    la.terminate(top)
    reach(paused, lambda: told[-1] == "stop a")
    paused.clock.advance(1e6)
    assert not la.wait(top, 0)
    gate[0].set(None)

    assert la.wait(top, LIMIT)


def test_a_restart_storm_ends_after_the_budget(paused, told, child, supervise, watch):
    top = supervise(child("a", *["on_start"] * 10_000, intensity=50, period=1.0))
    heard = watch(top)

    la.wait(top, LIMIT)

    assert told == ["start a"] * 51
    [(_, reason)] = heard()
    assert "child a ended 51 times within 1 s, of which 50 are allowed" in reason


def test_a_storm_of_one_child_leaves_the_others_alone(paused, told, child, supervise):
    top = supervise(child("a"), child("b", intensity=300))
    started(top).get(LIMIT)
    la.dispatch(paused.find("a"), Worker.call).get(LIMIT)

    for _ in range(300):
        la.tell(paused.find("b"), Worker.die)
        paused.clock.settle()
        reach(paused, lambda: states(top)["b"] == "running")

    assert told.count("start a") == 1


@pytest.mark.parametrize("moment", ["starting", "waiting", "restarting", "stopping"])
def test_a_supervisor_can_be_stopped_at_any_moment(paused, told, child, supervise, gate, moment):
    place = {"starting": "block on_start", "stopping": "block on_stop"}.get(moment)
    backoff = la.Backoff(5.0, 60.0) if moment == "waiting" else None
    top = supervise(child("a"), child("b", place, backoff=backoff), child("c"), strategy="one_for_all")
    if moment == "starting":
        reach(paused, lambda: "start b" in told)
    else:
        started(top).get(LIMIT)
        la.tell(paused.find("a" if moment == "stopping" else "b"), Worker.die)
        word = {"stopping": "stop b", "waiting": "stop a", "restarting": "stop b"}[moment]
        reach(paused, lambda: word in told)

    la.terminate(top)
    gate[0].set(None)

    assert la.wait(top, LIMIT)
    paused.clock.advance(1000)
    paused.clock.settle(LIMIT)
    assert [told.count(f"start {name}") for name in "abc"] == [told.count(f"stop {name}") for name in "abc"]
    assert paused.pids() == ()


def test_whoever_waits_for_a_child_of_a_supervisor_that_stops_is_told(paused, told, child, supervise, gate):
    top = supervise(child("a", "block on_start"), child("c"))
    waiting = [
        started(top),
        la.dispatch(top, la.Supervisor.start_child, child("b", "block on_start")),
        la.dispatch(top, la.Supervisor.restart_child, "a"),
        la.dispatch(top, la.Supervisor.restart_child, "c"),
    ]
    reach(paused, lambda: {"start a", "start b"} <= set(told))

    la.terminate(top)
    gate[0].set(None)

    for future in waiting:
        with pytest.raises(la.Abandoned):
            future.get(LIMIT)


def test_a_restart_on_request_that_uses_up_the_budget_fails_with_that(paused, told, supervise):
    def make():
        if told:
            raise OSError("no config")
        told.append("made")
        return la.Actor()

    top = supervise(la.Child(make, "a", intensity=0))
    started(top).get(LIMIT)

    future = la.dispatch(top, la.Supervisor.restart_child, "a")

    with pytest.raises(la.RestartsExhausted, match=r"child a ended 1 times.*no config") as caught:
        future.get(LIMIT)
    assert isinstance(caught.value.reason, OSError)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_two_failures_at_once_end_with_all_up_and_are_both_told(paused, told, child, supervise, strategy, hold):
    top = supervise(*[child(name) for name in "abc"], strategy=strategy)
    started(top).get(LIMIT)
    opened, _ = hold(top)  # so that it comes to the first when the second is there too

    for name in "bc":
        la.tell(paused.find(name), Worker.die)
        assert paused.clock.settle(LIMIT)
    opened.set(None)
    assert paused.clock.settle(LIMIT)

    assert states(top) == dict.fromkeys("abc", "running")
    assert told.count("start b") == told.count("start c") == 2
    assert told.count("start a") == (2 if strategy == "one_for_all" else 1)


def test_a_failure_of_one_that_is_up_while_others_are_still_started(paused, told, child, supervise, gate):
    top = supervise(child("a"), child("b", "block on_start"), child("c"), strategy="rest_for_one")
    reach(paused, lambda: "start b" in told)

    la.tell(paused.find("a"), Worker.die)
    reach(paused, lambda: "stop a" in told)
    gate[0].set(None)
    started(top).get(LIMIT)

    assert told == ["start a", "start b", "stop a", "stop b", "start a", "start b", "start c"]


def test_a_failure_while_the_supervisor_stops_restarts_nothing(paused, told, child, supervise, gate):
    top = supervise(child("a"), child("b", "block on_stop"))
    started(top).get(LIMIT)
    la.terminate(top)
    reach(paused, lambda: "stop b" in told)

    la.tell(paused.find("a"), Worker.die)
    reach(paused, lambda: "stop a" in told)
    gate[0].set(None)

    assert la.wait(top, LIMIT)
    assert told == ["start a", "start b", "stop b", "stop a"]


def test_a_watcher_hears_of_each_end_it_was_there_for(paused, child, supervise, watch):
    supervise(child("a"))
    reach(paused, lambda: paused.find("a") is not None)
    pid = paused.find("a")
    heard = watch(pid)

    la.tell(pid, Worker.die)
    paused.clock.settle(LIMIT)

    assert heard() == (("a", "ValueError('die')"),)


class Faithful(Watcher):
    """Links again whenever it hears of an end."""

    def on_exited(self, pid, reason):
        super().on_exited(pid, reason)
        la.link(pid)


@pytest.fixture
def follow(paused):
    """As watch, again after each end."""

    def follow_pid(pid):
        watcher = la.spawn(Faithful())
        la.dispatch(watcher, Watcher.watch, pid).get(LIMIT)
        return lambda: la.dispatch(watcher, Watcher.told).get(LIMIT)

    return follow_pid


@pytest.mark.parametrize("backoff", [None, la.Backoff(5.0, 5.0, jitter=0.0)], ids=["at once", "later"])
def test_a_watcher_that_links_again_hears_of_each_end_once(paused, child, supervise, follow, backoff):
    top = supervise(child("a", backoff=backoff, intensity=10))
    started(top).get(LIMIT)
    pid = paused.find("a")
    heard = follow(pid)

    for _ in range(3):
        la.tell(pid, Worker.die)
        paused.clock.settle(LIMIT)
        paused.clock.advance(5)
        paused.clock.settle(LIMIT)

    assert heard() == (("a", "ValueError('die')"),) * 3


@pytest.mark.parametrize("how", ["terminated", "given up", "supervisor stopped"])
def test_a_watcher_of_a_child_that_does_not_come_again_is_told_so(paused, child, supervise, watch, how):
    backoff = la.Backoff(5.0, 5.0)
    top = supervise(child("a", None, "init", backoff=backoff, intensity=1, period=60.0))
    started(top).get(LIMIT)
    pid = paused.find("a")
    la.tell(pid, Worker.die)
    paused.clock.settle(LIMIT)
    heard = watch(pid)
    assert heard() == ()

    if how == "terminated":
        la.dispatch(top, la.Supervisor.terminate_child, "a").get(LIMIT)
    elif how == "given up":
        paused.clock.advance(6)
    else:
        la.terminate(top)
    paused.clock.settle(LIMIT)

    assert heard() == (("a", "ValueError('die')"),)


def test_an_exit_in_a_constructor_is_no_failure_of_the_child_but_passes_through(paused, told, child, supervise, watch):
    top = supervise(child("a"), child("b", None, "exit init"))
    heard = watch(top)
    started(top).get(LIMIT)

    la.tell(paused.find("b"), Worker.die)
    la.wait(top, LIMIT)

    assert heard() == (("top", "SystemExit('init')"),)
    assert told[-1] == "stop a"


def test_closing_stops_what_a_supervisor_has_left(told, child, gate):
    runtime = la.Runtime()
    with runtime:
        top = la.spawn(la.Supervisor([child("a", "block on_stop", shutdown=0.01)]))
        started(top).get(LIMIT)
        gate_future = la.after(0.2)
        gate_future.on_ready(lambda _: gate[0].set(None))

    assert told == ["start a", "stop a"]


def test_children_that_have_ended_leave_nothing_behind(paused, told, supervise, caplog):
    caplog.set_level(logging.CRITICAL, logger="libactor")  # else it keeps their tracebacks
    references = []

    def make():
        actor = Worker("a", told)
        references.append(weakref.ref(actor))
        return actor

    top = supervise(la.Child(make, "a", intensity=1000))
    started(top).get(LIMIT)
    pid = paused.find("a")

    for _ in range(50):
        la.tell(pid, Worker.die)
        paused.clock.settle(LIMIT)
    gc.collect()

    assert len(references) == 51
    assert [reference() for reference in references[:-1]] == [None] * 50


def test_memory_is_flat_over_many_restarts(paused, told, supervise, child, count, traced_memory, caplog):
    caplog.set_level(logging.CRITICAL, logger="libactor")
    top = supervise(la.Child(lambda: Worker("a", []), "a", intensity=10**9))
    started(top).get(LIMIT)
    pid = paused.find("a")

    def restart(rounds):
        for _ in range(rounds):
            la.tell(pid, Worker.die)
            paused.clock.settle(LIMIT)
            paused.clock.advance(1)
        gc.collect()
        return traced_memory()

    rounds = max(count(3_000), 200)
    before = restart(200)

    assert restart(rounds) - before < 150_000 + 50 * rounds  # one left behind in each would be 250 a round


def test_temporary_children_that_have_ended_are_forgotten(paused, told, supervise):
    top = supervise()

    for number in range(200):
        name = f"job{number}"
        la.dispatch(
            top, la.Supervisor.start_child, la.Child(lambda: Worker("job", told), name, restart="temporary")
        ).get(LIMIT)
        la.terminate(paused.find(name))
    paused.clock.settle(LIMIT)

    assert states(top) == {}


class Flaky(la.Actor):
    """Fails when it is started as often as it is told to."""

    failing = 0

    def on_start(self):
        if Flaky.failing:
            Flaky.failing -= 1
            raise ValueError("flaky")

    def die(self):
        raise ValueError("die")


ACTIONS = st.tuples(st.sampled_from(["die", "terminate", "flaky", "stop", "time", "settle"]), st.integers(0, 3))


# Goal: after any schedule of failures and wishes those children are up that should be, and none else. Method: real
# actors, a budget that never ends, and a model that knows only who was told to stay down.
@settings(max_examples=60, deadline=None)
@given(st.sampled_from(STRATEGIES), st.booleans(), st.lists(ACTIONS, max_size=25))
def test_any_schedule_of_failures_ends_with_those_up_that_are_wanted(strategy, delays, actions):
    logging.getLogger("libactor").setLevel(logging.CRITICAL)
    Flaky.failing = 0
    backoff = la.Backoff(0.5, 2.0, reset_after=1.0) if delays else None
    names = list("abcd")
    children = [la.Child(Flaky, name, intensity=10**6, backoff=backoff) for name in names]
    wanted = set(names)
    with la.Runtime() as runtime:
        runtime.clock.pause()
        top = la.spawn(la.Supervisor(children, strategy=strategy))
        futures = []
        for what, number in actions:
            name, pid = names[number], runtime.find(names[number])
            if what == "die" and pid is not None:
                la.tell(pid, Flaky.die)
            elif what == "terminate" and pid is not None:
                la.terminate(pid)
            elif what == "flaky":
                Flaky.failing += number
            elif what == "stop":
                wanted.discard(name)
                futures.append(la.dispatch(top, la.Supervisor.terminate_child, name))
            elif what == "time":
                runtime.clock.advance(0.3 * number)
            elif what == "settle":
                runtime.clock.settle(LIMIT)
        for _ in range(60):
            runtime.clock.settle(LIMIT)
            runtime.clock.advance(2.5)
        up = {pid.id for pid in runtime.pids()} - {top.id}
        state = states(top)
        la.terminate(top)
        la.wait(top, LIMIT)
        left = runtime.pids()

    logging.getLogger("libactor").setLevel(logging.NOTSET)
    assert (up, left) == (wanted, ())
    assert state == {name: "running" if name in wanted else "stopped" for name in names}
    assert all(future.is_ready() for future in futures)


# Goal: a PID that is made to lead elsewhere harms nobody on the way. Method: threads ask while a child is restarted.
def test_asking_while_a_child_is_restarted_is_answered_or_told_so(runtime, told, together, count, switching):
    top = la.spawn(la.Supervisor([la.Child(lambda: Worker("a", []), "a")]))
    started(top).get(LIMIT)
    pid = runtime.find("a")
    deferred, answers, over = la.defer(pid, Worker.call), set(), threading.Event()

    def ask():
        while not over.is_set():
            for answer in (la.dispatch(pid, Worker.call), deferred(), la.execute(pid, lambda: "a")):
                try:
                    answers.add(answer.get(LIMIT))
                except la.Abandoned as error:
                    answers.add(error.pid)

    def restart():
        try:
            for _ in range(max(count(500), 50)):
                assert la.dispatch(top, la.Supervisor.restart_child, "a").get(LIMIT) is pid
        finally:
            over.set()

    together(ask, ask, restart)

    assert "a" in answers
    assert answers <= {"a", pid}
