"""After the end of an actor its PID alone keeps what is left of it, and both go with the last who has the PID."""

# While the actor lives, PID and process own each other. Were it so for good, each actor that has ended would be left to
#   the collector. Whoever has the process and not the PID, an actor that is kept say, still finds its PID.

import gc
import weakref
from collections.abc import Iterator

import pytest

import libactor as la
from libactor._core._impl import RunQueue, RuntimeCell, prepare

LIMIT = 30


class Table(RuntimeCell):
    """A runtime without threads and clock."""

    simulation = None


class Worker(la.Actor):
    def __init__(self, on_stop=lambda: None):
        super().__init__()
        self.at_end = on_stop

    def answer(self):
        return 1

    def on_stop(self):
        self.at_end()


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def end(pid):
    la.terminate(pid)
    la.wait(pid)


in_c = pytest.mark.skipif(la.CORE != "c", reason="the Python core leaves what has ended to the collector")


@in_c
def test_a_pid_of_an_actor_that_has_ended_goes_without_the_collector(runtime, uncollected):
    pid = la.spawn(Worker())
    end(pid)
    assert runtime.queue.wait_idle(LIMIT)  # no worker looks at it any more
    left = [weakref.ref(pid), weakref.ref(pid._process)]

    del pid

    assert [reference() for reference in left] == [None, None]


@in_c
def test_an_actor_that_was_helped_to_its_end_stands_in_no_queue(uncollected):
    table = Table("nowhere", RunQueue())  # without workers: whoever waits helps
    for _ in range(8):
        la.terminate(table.spawn(Worker()))
        while len(table.queue):
            table.queue.step(0)  # and they are quick, which speaks for the next one
    pid = table.spawn(Worker())
    process = weakref.ref(pid._process)

    end(pid)
    queued = len(table.queue)
    del pid

    assert queued == 0
    assert process() is None


def test_an_actor_that_is_kept_knows_its_pid_after_all_others_forgot_it(runtime):
    actor = Worker()
    text = str(la.spawn(actor))
    end(actor.pid)
    assert runtime.queue.wait_idle(LIMIT)

    found = actor.pid
    again = weakref.ref(found)
    del found

    assert str(actor.pid) == text
    assert la.wait(actor.pid)
    assert again() is actor.pid


def test_what_took_its_pid_back_is_collected(runtime):
    actor = Worker()
    end(la.spawn(actor))
    assert runtime.queue.wait_idle(LIMIT)
    left = [weakref.ref(actor.pid), weakref.ref(actor.pid._process)]

    del actor
    gc.collect()

    assert [reference() for reference in left] == [None, None]


def test_a_pid_that_leads_to_the_next_incarnation_is_still_that_of_the_one_before(runtime):
    actor = Worker()
    pid = la.spawn(actor)
    end(pid)
    before = pid._process
    runtime._spawn_as(Worker(), pid)

    served = la.dispatch(pid, Worker.answer).get()

    assert served == 1
    assert before.pid is pid
    assert pid._process is not before
    end(pid)
    del pid
    assert str(before.pid) == str(actor.pid)


def test_a_second_pid_of_the_same_actor_outlives_the_first(runtime):
    pid = la.spawn(Worker())
    second = type(pid)(pid.id, pid.address, pid._process)
    text = str(pid)
    end(pid)
    assert runtime.queue.wait_idle(LIMIT)

    del pid

    assert la.wait(second)
    assert str(second._process.pid) == text
    assert second._process.pid == second


def test_an_actor_that_drops_its_last_pid_in_its_own_end_ends(runtime):
    kept = []
    actor = Worker(kept.clear)
    kept.append(la.spawn(actor))
    stopped = la.stopped(kept[0])

    la.terminate(kept[0])
    stopped.get()

    assert not kept
    assert la.wait(actor.pid)


# Goal: what has lost its PID harms nobody. Method: a weak reference saves the process in the moment in which both go.
@in_c
def test_a_process_that_is_saved_from_the_end_of_its_pid_refuses_what_it_is_given(runtime, uncollected):
    pid, other = la.spawn(Worker()), la.spawn(Worker())
    end(pid)
    assert runtime.queue.wait_idle(LIMIT)
    process, saved = weakref.ref(pid._process), []
    watched = weakref.ref(pid, lambda _: saved.append(process()))

    del pid

    assert watched() is None
    with pytest.raises(AttributeError, match="pid"):
        saved[0].deliver(prepare("tell", other, Worker.answer))
    with pytest.raises(RuntimeError, match="has stopped"):
        prepare("tell", other, Worker.answer).serve(saved[0])
