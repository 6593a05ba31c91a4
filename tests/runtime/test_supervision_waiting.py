"""Supervision without waiting threads: children that await as they start and stop, and runs that a seed decides."""

import logging

import pytest

import libactor as la
from libactor.testing import DeterministicRuntime

LIMIT = 30


class Patient(la.Actor):
    """Takes its time to start and to stop."""

    def __init__(self, name, tell, start=0.0, stop=0.0):
        super().__init__()
        self.name, self.tell, self.times = name, tell, (start, stop)

    async def on_start(self):
        self.tell.append(f"start {self.name}")
        await la.sleep(self.times[0])
        self.tell.append(f"up {self.name}")

    async def on_stop(self):
        self.tell.append(f"stop {self.name}")
        await la.sleep(self.times[1])
        self.tell.append(f"down {self.name}")

    def call(self):
        return self.name

    def die(self):
        raise ValueError("die")


@pytest.fixture
def told():
    return []


@pytest.fixture
def supervise(paused):
    def spawn(*children, **arguments):
        return la.spawn(la.Supervisor(children, id="top", **arguments))

    return spawn


def patient(name, told, start=0.0, stop=0.0, **fields):
    return la.Child(lambda: Patient(name, told, start, stop), name, **fields)


def states(top):
    return {state.id: state.state for state in la.dispatch(top, la.Supervisor.children).get(LIMIT)}


def pass_time(runtime, seconds):
    runtime.clock.settle(LIMIT)
    runtime.clock.advance(seconds)
    runtime.clock.settle(LIMIT)


def test_a_child_is_up_when_what_on_start_awaits_is_over(paused, told, supervise):
    top = supervise(patient("a", told, start=2.0), patient("b", told))

    pass_time(paused, 1.0)
    assert states(top) == {"a": "starting", "b": "waiting"}
    assert told == ["start a"]
    pass_time(paused, 1.0)

    assert told == ["start a", "up a", "start b", "up b"]


def test_a_supervisor_has_started_when_the_last_of_its_first_children_is_up(paused, told, supervise):
    top = supervise(patient("a", told), patient("b", told, start=2.0), patient("c", told, start=2.0))
    started = la.dispatch(top, la.Supervisor.started)
    pass_time(paused, 0.0)

    pass_time(paused, 2.0)
    assert states(top) == {"a": "running", "b": "running", "c": "starting"}
    assert started.is_pending()
    pass_time(paused, 2.0)

    assert started.get(LIMIT) is None


def test_a_supervisor_stops_without_holding_a_thread(paused, told, supervise):
    top = supervise(patient("a", told, stop=1.0), patient("b", told, stop=2.0))
    pass_time(paused, 0.001)
    told.clear()

    la.terminate(top)
    pass_time(paused, 2.0)
    assert paused.workers.blocked == 0
    pass_time(paused, 1.0)

    assert la.wait(top, LIMIT)
    assert told == ["stop b", "down b", "stop a", "down a"]


def test_a_child_that_awaits_too_long_as_it_stops_is_left_behind(paused, told, supervise, caplog):
    stops = [60.0, 0.0]
    top = supervise(la.Child(lambda: Patient("a", told, stop=stops.pop(0)), "a", shutdown=5.0))
    pass_time(paused, 0.001)

    future = la.dispatch(top, la.Supervisor.restart_child, "a")
    pass_time(paused, 5.0)
    pass_time(paused, 0.001)

    assert la.dispatch(future.get(LIMIT), Patient.call).get(LIMIT) == "a"
    assert "child a did not stop within 5.000 s; left behind" in caplog.text
    pass_time(paused, 60.0)
    assert states(top) == {"a": "running"}


def test_a_child_that_is_terminated_as_it_starts_never_comes_up(paused, told, supervise):
    top = supervise(patient("a", told, start=60.0), patient("b", told))
    started = la.dispatch(top, la.Supervisor.started)
    paused.clock.settle(LIMIT)

    la.dispatch(top, la.Supervisor.terminate_child, "a").get(LIMIT)
    pass_time(paused, 60.0)

    assert started.get(LIMIT) is None
    assert told == ["start a", "start b", "up b"]
    assert states(top) == {"a": "stopped", "b": "running"}


def test_what_waits_for_a_supervisor_that_stops_does_not_keep_it_busy(paused, told, supervise):
    top = supervise(patient("a", told, stop=10.0))
    pass_time(paused, 0.001)
    la.terminate(top)
    paused.clock.settle(LIMIT)

    waiting = [la.dispatch(top, la.Supervisor.children) for _ in range(100)]

    assert paused.clock.settle(LIMIT)  # nobody has anything to do
    pass_time(paused, 10.0)
    assert la.wait(top, LIMIT)
    assert all(future.is_abandoned() for future in waiting)


def test_a_nested_supervisor_is_stopped_with_its_children_before_the_one_before_it(paused, told, supervise):
    def make():
        return la.Supervisor([patient("b", told, stop=1.0), patient("c", told, stop=1.0)])

    top = supervise(patient("a", told), la.Child(make, "inner", shutdown=10.0))
    pass_time(paused, 0.001)
    pass_time(paused, 0.001)
    told.clear()

    la.terminate(top)
    for _ in range(3):
        pass_time(paused, 1.0)

    assert la.wait(top, LIMIT)
    assert told == ["stop c", "down c", "stop b", "down b", "stop a", "down a"]


class Unlucky(la.Actor):
    """Fails now and then, as chance has it."""

    def __init__(self, chance):
        super().__init__()
        self.chance = chance

    async def on_start(self):
        await la.sleep(self.chance.random() / 2)
        if self.chance.random() < 0.2:
            raise ValueError("on_start")

    def work(self):
        if self.chance.random() < 0.3:
            raise ValueError("work")


def run(seed, strategy):
    """A run under a seed: what it has come to, and how."""
    logging.getLogger("libactor").setLevel(logging.CRITICAL)
    with DeterministicRuntime(seed) as rt:
        chance = la.random_stream()
        backoff = la.Backoff(0.1, 1.0, jitter=0.5)
        children = [la.Child(lambda: Unlucky(chance), name, intensity=10**6, backoff=backoff) for name in "abc"]
        top = la.spawn(la.Supervisor(children, strategy=strategy))
        la.dispatch(top, la.Supervisor.started).get()
        for _ in range(20):
            for name in "abc":
                pid = rt.find(name)
                if pid is not None:
                    la.tell(pid, Unlucky.work)
            la.sleep(1.0).get()
        for _ in range(1000):
            states = la.dispatch(top, la.Supervisor.children).get()
            if all(state.state == "running" for state in states):
                break
            la.sleep(1.0).get()
        now, pids = rt.clock.now_ns(), [pid.id for pid in rt.pids()]
        la.terminate(top)
        la.wait(top)
        left = rt.pids()
    logging.getLogger("libactor").setLevel(logging.NOTSET)
    return [state.state for state in states], [state.restarts for state in states], now, pids, left


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all", "rest_for_one"])
def test_one_seed_is_one_run_in_which_all_come_up_again(strategy):
    runs = [run(seed, strategy) for seed in (1, 2, 3, 1)]

    assert all(states == ["running"] * 3 for states, *_ in runs)
    assert all(left == () for *_, left in runs)
    assert sum(sum(restarts) for _, restarts, *_ in runs) > 20
    assert runs[0] == runs[3]
    assert runs[0] != runs[1]


def test_a_child_is_not_deleted_before_it_is_down_nor_while_it_is_to_come_again(paused, told, supervise):
    backoff = la.Backoff(10.0, 10.0, jitter=0.0)
    top = supervise(patient("a", told, stop=1.0), patient("b", told, backoff=backoff))
    pass_time(paused, 0.0)
    la.dispatch(top, la.Supervisor.terminate_child, "a")
    la.tell(paused.find("b"), Patient.die)
    pass_time(paused, 0.0)
    assert states(top) == {"a": "stopping", "b": "waiting"}

    refused = [la.dispatch(top, la.Supervisor.delete_child, name) for name in "ab"]
    pass_time(paused, 1.0)

    for future in refused:
        with pytest.raises(ValueError, match="terminate it first"):
            future.get(LIMIT)
    assert states(top) == {"a": "stopped", "b": "waiting"}


@pytest.mark.parametrize("stop", [0.0, 60.0])
def test_a_temporary_child_that_is_terminated_is_forgotten_once_it_is_down_or_left(paused, told, supervise, stop):
    top = supervise(patient("a", told, stop=stop, restart="temporary"), patient("b", told))
    pass_time(paused, 0.0)

    down = la.dispatch(top, la.Supervisor.terminate_child, "a")
    pass_time(paused, 5.0)

    assert down.get(LIMIT) is None
    assert states(top) == {"b": "running"}
    pass_time(paused, 60.0)


def test_a_supervisor_that_stops_lets_go_of_its_timers_and_of_those_who_wait_at_once(paused, told, supervise):
    backoff = la.Backoff(1000.0, 1000.0, jitter=0.0)
    top = supervise(
        patient("a", told, stop=1.0), patient("b", told, backoff=backoff), patient("c", told, stop=1.0, shutdown=500.0)
    )
    pass_time(paused, 0.0)
    la.tell(paused.find("b"), Patient.die)
    la.dispatch(top, la.Supervisor.terminate_child, "c")
    back = la.dispatch(top, la.Supervisor.restart_child, "c")
    pass_time(paused, 0.0)

    la.terminate(top)
    paused.clock.settle(LIMIT)
    assert back.is_abandoned()  # though "c" has not stopped yet
    pass_time(paused, 1.0)
    pass_time(paused, 1.0)

    assert la.wait(top, LIMIT)
    assert paused.clock.pending == 0


def test_who_waits_for_a_restart_on_request_waits_on_when_a_failure_has_taken_it_over(paused, told, supervise):
    top = supervise(
        patient("a", told), patient("b", told, stop=1.0), patient("c", told, stop=1.0), strategy="one_for_all"
    )
    for _ in range(3):
        pass_time(paused, 0.0)
    back = la.dispatch(top, la.Supervisor.restart_child, "c")
    paused.clock.settle(LIMIT)

    la.tell(paused.find("a"), Patient.die)
    pass_time(paused, 1.0)
    assert states(top) == {"a": "waiting", "b": "stopping", "c": "waiting"}
    for _ in range(5):
        pass_time(paused, 1.0)

    assert back.get(LIMIT) is paused.find("c")
    assert states(top) == {"a": "running", "b": "running", "c": "running"}
    for _ in range(2):  # or the end would wait
        la.terminate(top)
        pass_time(paused, 1.0)
