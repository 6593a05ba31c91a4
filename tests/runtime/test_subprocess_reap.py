"""reap tells how a process ends, whoever has started it, and takes its status from nobody who waits for it here."""

import os
import signal
import subprocess
from collections.abc import Callable

import pytest

import libactor as la
from libactor.subprocess import PIPE, Reaper, reap, start
from libactor.subprocess.children import Children

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("pipe", "runtime")]  # nothing of the runtime is left

BOUND_SECONDS = 120  # a bound on failure: no test waits this long

Pipe = Callable[[], tuple[int, int]]


# LP ReapTest.ChildProcess
def test_reap_tells_the_status_of_a_child_that_ends(pipe: Pipe):
    child = subprocess.Popen(["cat"], stdin=pipe()[0])
    first, second = reap(child.pid), reap(child.pid)
    assert first.is_pending()

    child.kill()

    assert first.get(BOUND_SECONDS) == second.get(BOUND_SECONDS) == -signal.SIGKILL
    child.wait(BOUND_SECONDS)  # finds it reaped


# LP ReapTest.TerminatedChildProcess
def test_reap_tells_the_status_of_a_child_that_has_ended():
    child = subprocess.Popen(["sh", "-c", "exit 7"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert reap(child.pid).get(BOUND_SECONDS) == 7
    assert reap(child.pid).get(BOUND_SECONDS) is None
    child.wait(BOUND_SECONDS)


# LP ReapTest.NonChildProcess
def test_reap_waits_for_strangers_too_and_has_no_status_of_theirs():
    child = start("sleep 1000 & echo $!; wait", stdout=PIPE)
    grandchild = int(child.stdout.read().get(BOUND_SECONDS))
    ended, ours = reap(grandchild), reap(child.pid)
    assert ended.is_pending()

    os.kill(grandchild, signal.SIGKILL)

    assert ended.get(BOUND_SECONDS) is None
    assert ours.get(BOUND_SECONDS) == child.status.get(BOUND_SECONDS) == 0


def test_a_discard_gives_up_one_who_waits_and_no_other(pipe: Pipe):
    child = subprocess.Popen(["cat"], stdin=pipe()[0])
    first, second, third = reap(child.pid), reap(child.pid), reap(child.pid)

    first.discard()
    assert first.is_discarded()
    child.kill()
    assert second.get(BOUND_SECONDS) == third.get(BOUND_SECONDS) == -signal.SIGKILL

    child.wait(BOUND_SECONDS)


class Yielding:
    """A lock; once it is free ``then`` is called, as another thread may come then."""

    def __init__(self, lock, then: Callable[[], None]) -> None:
        self.lock = lock
        self.then = then

    def __enter__(self) -> None:
        self.lock.acquire()

    def __exit__(self, *_) -> None:
        self.lock.release()
        self.then()


# Goal: who begins to wait just when the last one gives up is told all the same.
def test_who_asks_while_the_last_one_gives_up_is_told(pipe: Pipe, runtime: la.Runtime):
    child = subprocess.Popen(["cat"], stdin=pipe()[0])
    first, asked = reap(child.pid), []
    kept = runtime.poller.keep(Children)
    lock = kept._lock

    def ask() -> None:
        kept._lock = lock
        asked.append(reap(child.pid))

    kept._lock = Yielding(lock, ask)
    first.discard()
    child.kill()

    assert [future.get(BOUND_SECONDS) for future in asked] == [-signal.SIGKILL]
    child.wait(BOUND_SECONDS)


@pytest.mark.parametrize(("pid", "error"), [(0, ValueError), (-1, ValueError), (2**40, ValueError), ("1", TypeError)])
def test_reap_refuses_what_is_no_process_id(pid, error: type[Exception]):
    with pytest.raises(error, match="expected the id of a process"):
        reap(pid)


def test_reap_of_nobody_tells_nothing(runtime: la.Runtime):
    gone = start(["true"])
    gone.status.get(BOUND_SECONDS)

    assert reap(gone.pid).get(BOUND_SECONDS) is None
    with la.Runtime():
        waits = reap(os.getppid())
    assert waits.is_abandoned()


# Goal: the status of a child is told by who has started it, to all who ask. Method: others ask first.
def test_reap_of_a_child_of_another_runtime_takes_nothing_from_it(pipe: Pipe, runtime: la.Runtime):
    with la.Runtime() as other:
        children = [start(["cat"], stdin=pipe()[0], runtime=other) for _ in range(20)]
        told = [reap(child.pid, runtime=runtime) for child in children]

        for child in children:
            child.send_signal(signal.SIGKILL)

        assert [future.get(BOUND_SECONDS) for future in told] == [-signal.SIGKILL] * 20
        assert [child.status.get(BOUND_SECONDS) for child in children] == [-signal.SIGKILL] * 20


def test_reap_of_a_child_of_a_reaper_takes_nothing_from_it(pipe: Pipe):
    with Reaper() as reaper:
        children = [reaper.launch(["cat"], stdin=pipe()[0]) for _ in range(20)]
        told = [reap(child.pid) for child in children]

        for child in children:
            child.send_signal(signal.SIGKILL)

        assert [future.get(BOUND_SECONDS) for future in told] == [-signal.SIGKILL] * 20
        assert [child.status.get(BOUND_SECONDS) for child in children] == [-signal.SIGKILL] * 20


def test_reap_is_told_how_the_end_of_another_runtime_ended_its_child(pipe: Pipe, runtime: la.Runtime):
    with la.Runtime() as other:
        child = start(["cat"], stdin=pipe()[0], runtime=other)
        told = reap(child.pid, runtime=runtime)

    assert told.get(BOUND_SECONDS) == -signal.SIGKILL
    assert reap(child.pid, runtime=runtime).get(BOUND_SECONDS) is None
