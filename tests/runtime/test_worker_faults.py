"""Lack of memory in what a worker does between its turns: it goes on, and neither charge, watch nor lock is lost."""

# A worker's steps are made in the only thread of a program, whose n-th allocation is taken away: nothing but n decides
#   what fails. Standing by is played: a gate that opens at once, for the number that is next on a list.

import importlib.util
import threading

import pytest

import libactor as la

LIMIT = 30  # seconds; a bound on failure

needs_testcapi = pytest.mark.skipif(
    la.CORE != "c" or importlib.util.find_spec("_testcapi") is None,
    reason="memory can be taken away from the C core only, and by the module _testcapi, which this Python lacks",
)

PLAYED = """
import _testcapi, logging, sys
from libactor._core._impl import RunQueue
from libactor._core.clock import Clock
from libactor.worker import ENDED, Workers, _Spare, off_duty

logging.disable(logging.CRITICAL)
sys.unraisablehook = lambda told: None

failed, report = False, Workers._report

def note(workers, error, what="what"):  # needs no memory itself
    global failed
    failed = True
    report(workers, error, what)

Workers._report = note

def make():
    queue = RunQueue()
    for _ in range(300): queue.take_charge()  # from here on a number needs memory
    return Workers("played", queue, Clock(queue.wake, queue.wait_idle)), queue

def without(n, step, *arguments):
    # Whether the step failed, with the n-th allocation from here taken away. What Python keeps of tuples is used up.
    kept = [(i, i, i) for i in range(2500)]
    _testcapi.set_nomemory(n, n + 1)
    try:
        step(*arguments)
        return False
    except (MemoryError, RuntimeError):  # the latter for want of a lock
        return True
    finally:
        _testcapi.remove_mem_hooks()

class Gate:
    # What a worker comes to stand by at; opens for each of the numbers in turn.
    def __init__(self, workers, own, numbers):
        self.workers, self.own, self.numbers, self.first = workers, own, numbers, True
    def acquire(self):
        if not self.first:
            assert self.workers._spares.pop() is self.own
        self.first = False
        self.own.number = self.numbers.pop()
"""


@pytest.fixture
def play(program):
    """Run a program that begins with what is played with."""
    return lambda text: program(PLAYED + text)


# Goal: a worker that stands by, takes charge, is overtaken and stands by again gets through whatever fails.
@needs_testcapi
@pytest.mark.real
def test_a_worker_comes_to_stand_by_whatever_lacks_memory(play):
    script = """
for n in range(40):
    workers, queue = make()
    workers._watched = True
    own = _Spare()
    own.gate = Gate(workers, own, [ENDED, 0, 7, 0])  # from the last on; 7: somebody else has had a newer number since
    queue.enter()
    assert not without(n, workers._run, own), n
    assert own.gate.numbers == [] and not workers._spares, n
    assert queue.busy == 0 and not workers._lock._is_owned(), n
print("all rested", failed)
"""

    assert play(script) == "all rested True\n"


# Goal: who watches does so again, and is followed by one that stands by. Method: a queue without memory at first.
@needs_testcapi
@pytest.mark.real
def test_the_watch_is_not_lost_whatever_lacks_memory(play):
    script = """
class Poor:
    def __init__(self):
        self.calls = 0
    def watch(self):
        self.calls += 1
        if self.calls == 1: raise MemoryError
        return 0  # as a queue that is closed

for n in range(20):
    workers, _ = make()
    workers._queue = queue = Poor()
    own, spare = _Spare(), _Spare()
    own.gate.release()
    workers._spares.append(spare)
    assert not without(n, workers._run, own), n
    assert spare.gate.acquire(False) and spare.number == 0, n  # it is to watch instead
    assert not workers._watched and not workers._lock._is_owned(), n
print("all watched")
"""

    assert play(script) == "all watched\n"


@needs_testcapi
@pytest.mark.real
def test_a_watch_that_has_no_memory_for_its_number_leaves_the_charge_where_it_was(play):
    script = """
import threading

queue, entered, gate = make()[1], threading.Lock(), threading.Lock()
entered.acquire(), gate.acquire()

def block():
    entered.release()
    gate.acquire()

def serve():
    queue.work(queue.take_charge(), 0)  # to no end: a timer is due
    queue.run_watched(block)

thread = threading.Thread(target=serve, daemon=True)
thread.start()
entered.acquire()
assert without(0, queue.watch)
assert queue.busy == 0
assert queue.watch() == 302 and queue.busy == 1
gate.release()
thread.join()
print("watched")
"""

    assert play(script) == "watched\n"


# Goal: the charge is where it was, or with another, who knows it.
@needs_testcapi
@pytest.mark.real
def test_the_charge_is_not_lost_whatever_lacks_memory(play):
    script = """
refused = 0
for n in range(10):
    workers, queue = make()
    spare, before = _Spare(), queue.take_charge()
    workers._spares.append(spare)
    failed = without(n, lambda: workers._appoint(queue.take_charge))
    refused += failed
    number = 0 if failed else before + 1
    assert queue.take_charge() == before + 1 + (not failed), n
    assert queue.busy == (not failed), n
    assert spare in workers._spares or (spare.gate.acquire(False) and spare.number == number), n
print(refused > 0)
"""

    assert play(script) == "True\n"


@needs_testcapi
@pytest.mark.real
def test_a_wait_in_a_handler_leaves_the_books_right_whatever_lacks_memory(play):
    script = """
def wait(workers):
    with workers.blocking() as absence:
        absence.leave()
        absence.enter()

refused = 0
for n in range(60):
    workers, queue = make()
    queue.enter()
    refused += without(n, wait, workers)
    assert queue.busy == 1 and workers.blocked == 0 and not workers._lock._is_owned(), n
print(refused > 0)
"""

    assert play(script) == "True\n"


class Actor(la.Actor):
    def wait_for(self, future):
        return future.get(LIMIT)

    def answer(self):
        return "answer"


# Goal: a thread that has been started, though start() raised, is nobody's: it ends, and others do its work. Method:
# more handlers wait than there are threads to go on, so that one at least needs a new one.
def test_a_thread_whose_start_lacked_memory_too_late_is_not_left_behind(monkeypatch):
    threads, start = set(threading.enumerate()), threading.Thread.start

    def start_and_fail(thread):
        start(thread)
        raise MemoryError

    with la.Runtime() as runtime:
        runtime.clock.pause()
        promise = la.Promise()
        monkeypatch.setattr(threading.Thread, "start", start_and_fail)
        pids = [la.spawn(Actor()) for _ in range(runtime.workers.threads + 1)]
        waiting = [la.dispatch(pid, Actor.wait_for, promise.future) for pid in pids]
        assert runtime.clock.settle(LIMIT)
        monkeypatch.undo()

        errors = [future.exception() for future in waiting if future.is_failed()]
        assert [type(error) for error in errors] == [MemoryError] * max(1, len(errors))
        promise.set(None)
        assert [la.dispatch(pid, Actor.answer).get(LIMIT) for pid in pids] == ["answer"] * len(pids)
        assert runtime.clock.settle(LIMIT)
        assert runtime.workers.blocked == 0

    for thread in set(threading.enumerate()) - threads:
        thread.join(LIMIT)
    assert set(threading.enumerate()) <= threads
