"""Children: the programs that a runtime has started, and the processes whose end it was asked to tell of."""

# Who calls: start (child.py), reap; Runtime.close, which ends them.
# How: each has a pidfd that the runtime's poller watches, so nobody polls and no thread is needed.
# Invariants: 1. whoever takes a process off the list, under the lock, reaps it: the worker when it has ended, or end().
#   2. after end() no child lives, unless it is detached; none is a zombie.    3. a group of processes is signalled only
#   while its leader is not reaped, so the group cannot be a stranger's.
# Detached programs that outlive their runtime are reaped when the next one starts or ends: till then each costs a
#   descriptor, which holds its place.
# The Reaper is for programs without a runtime. Source: libprocess reap.cpp, which polls.

from __future__ import annotations

import os
import select
import signal
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from libactor._core._impl import DISCARDED, READY
from libactor._core.clock import NANOSECONDS, monotonic_ns
from libactor.combinators import undiscardable
from libactor.context import current_runtime
from libactor.future import Future, ready
from libactor.io.operations import look
from libactor.io.stream import Streams
from libactor.subprocess.process import Subprocess, started_here, take_status

if TYPE_CHECKING:
    from libactor.poller import Poller
    from libactor.runtime import Runtime

DAY_S = 86_400.0  # longer than anybody waits for a killed process, and within what the system can be asked for

_left: list[Subprocess] = []  # detached, of runtimes that are closed


class ManagedProcess(Subprocess):
    """A child of a runtime, and how it is to end."""

    __slots__ = ("detached", "session", "sweeps")

    # session: it leads a session, and so a group, of its own.    sweeps: what is left of the group ends with it.

    def __init__(self, pid: int, pidfd: int | None, *, session: bool, sweeps: bool, detached: bool) -> None:
        super().__init__(pid, pidfd)
        self.session = session
        self.sweeps = sweeps
        self.detached = detached

    def signal_all(self, number: int) -> bool:
        """Send a signal to its group, if that is its own, else to it alone; False if it has been reaped."""
        return self.signal_group(number) if self.session else self.send_signal(number)


class Children:
    """Those of one runtime."""

    def __init__(self, poller: Poller) -> None:
        self.streams = poller.keep(Streams)
        self._poller = poller
        self._lock = threading.RLock()
        self._processes: dict[ManagedProcess, int] = {}  # with their pidfds
        self._awaited: dict[int, _Awaited] = {}  # by process id
        self._closed = False

    def add(self, process: ManagedProcess, pidfd: int) -> None:
        """Reap ``process`` when it ends. Raises: OSError, RuntimeError if it cannot be watched."""
        with self._lock:
            self._check_open("start")
            self._poller.watch(pidfd, lambda _: self._look(process, pidfd))  # which waits for the lock
            self._processes[process] = pidfd

    def reap(self, pid: int) -> Future[int | None]:
        """See libactor.subprocess.reap."""
        with self._lock:
            self._check_open("reap")
            process = started_here(pid)
            if process is not None:
                return _told(process.status)
            awaited = self._awaited.get(pid)
            if awaited is None:
                awaited = self._await(pid)
            if awaited is None:
                return ready(None)
            future: Future[int | None] = Future()
            awaited.futures.append(future)
        return future.on_discard(partial(self._give_up, awaited, future))

    def end(self, timeout: float) -> list[str]:
        """Kill what runs, with the groups that are its own, and reap it; who is still there after ``timeout`` s."""
        with self._lock:
            self._closed = True
            processes, self._processes = self._processes, {}
            awaited = list(self._awaited.values())
            for pidfd in processes.values():
                self._poller.forget(pidfd)
        self.streams.end_outputs()  # first: what came until the kill is not all output
        for one in awaited:
            self._abandon(one)
        for process in processes:
            if not process.detached:
                process.signal_all(signal.SIGKILL)
        deadline = monotonic_ns() + round(min(timeout, DAY_S) * NANOSECONDS)
        stuck: list[str] = []
        for process, pidfd in processes.items():
            if process.detached:
                _left.append(process)
                process.leave()
                process.status._abandon(f"get: the runtime was closed while the detached process {process.pid} ran")
            elif wait_for_end(pidfd, max(0, deadline - monotonic_ns())):
                _finish(process)
            else:
                process.leave()
                stuck.append(f"process {process.pid}")
        sweep_left()
        return stuck

    def orphan(self) -> None:
        """In the child of a fork, whose children these are not."""
        self._lock = threading.RLock()
        for process in self._processes:
            process.orphan()
        for awaited in self._awaited.values():
            os.close(awaited.pidfd)
        self._processes.clear()
        self._awaited.clear()

    def _check_open(self, operation: str) -> None:
        if self._closed:
            raise RuntimeError(f"{operation}: the runtime is closed; make a new one")

    def _look(self, process: ManagedProcess, pidfd: int) -> None:
        if has_ended(pidfd):
            self._collect(process, pidfd)

    def _collect(self, process: ManagedProcess, pidfd: int) -> None:
        """Reap a process that has ended, unless somebody else does."""
        with self._lock:
            ours = self._processes.pop(process, None) is not None
            if ours:
                self._poller.forget(pidfd)
        if ours:
            _finish(process)

    def _await(self, pid: int) -> _Awaited | None:
        """Begin to wait for a process that somebody else has started; None if there is none. The lock is held."""
        try:
            pidfd = os.pidfd_open(pid)
        except ProcessLookupError:
            return None
        awaited = self._awaited[pid] = _Awaited(pid, pidfd)
        try:
            self._poller.watch(pidfd, lambda _: self._arrive(awaited))
        except BaseException:
            del self._awaited[pid]
            os.close(pidfd)
            raise
        return awaited

    def _arrive(self, awaited: _Awaited) -> None:
        with self._lock:  # or the number might be of another process by then
            if not awaited.is_open or not has_ended(awaited.pidfd):
                return
            status = take_status(awaited.pidfd)
            futures = self._close(awaited)
        for future in futures:
            future._complete(READY, status)

    def _give_up(self, awaited: _Awaited, future: Future[Any]) -> None:
        """Honour a discard."""
        with self._lock:
            waits = future in awaited.futures
            if waits:
                awaited.futures.remove(future)
                if not awaited.futures:
                    self._close(awaited)
        if waits:
            future._complete(DISCARDED, None)

    def _abandon(self, awaited: _Awaited) -> None:
        """The runtime ends before the process."""
        with self._lock:
            futures = self._close(awaited)
        for future in futures:
            future._abandon("get: the runtime was closed before the process ended")

    def _close(self, awaited: _Awaited) -> list[Future[Any]]:
        """Wait no longer; who did. The lock is held."""
        futures, awaited.futures = awaited.futures, []
        if awaited.is_open:
            awaited.is_open = False
            del self._awaited[awaited.pid]
            self._poller.forget(awaited.pidfd)
            os.close(awaited.pidfd)
        return futures


class _Awaited:
    """A process that somebody else has started, and who waits for its end."""

    __slots__ = ("futures", "is_open", "pid", "pidfd")

    def __init__(self, pid: int, pidfd: int) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self.futures: list[Future[Any]] = []
        self.is_open = True


def reap(pid: int, *, runtime: Runtime | None = None) -> Future[int | None]:
    """Wait for the end of the process ``pid``: its exit code, or -n for signal n, once it has ended.

    None if nobody can tell: it is no child of this program, somebody else takes its status, or there is none. A child
    that ends is reaped, by who has started it if that was ``start``, in any runtime, or a Reaper. It never fails; a
    discard gives up waiting.
    Raises: TypeError, ValueError; RuntimeError in a deterministic runtime; NoRuntime without one.
    """
    number: Any = pid
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"reap: got {pid!r}, expected the id of a process")
    if not 0 < pid < 1 << 31:
        raise ValueError(f"reap: got {pid}, expected the id of a process, which is above 0")
    return (runtime or current_runtime("reap")).poller.keep(Children).reap(pid)


def has_ended(pidfd: int) -> bool:
    """Whether the process has ended."""
    return bool(look(pidfd, select.POLLIN))


def wait_for_end(pidfd: int, nanoseconds: int) -> bool:
    """Wait until the process has ended; False if it has not by then."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(nanoseconds / 1_000_000))


def sweep_left() -> None:
    """Reap the detached programs of closed runtimes that have ended since."""
    for process in list(_left):
        pidfd = process._pidfd
        if pidfd is not None and has_ended(pidfd):
            try:
                _left.remove(process)
            except ValueError:  # another thread was quicker
                continue
            process.reap()


def _finish(process: ManagedProcess) -> None:
    """Reap a process that has ended and was taken off its list."""
    if process.sweeps:
        process.signal_group(signal.SIGKILL)
    process.reap()


def _told(status: Future[Any]) -> Future[int | None]:
    """The status of a child, for who is not to fail, and not to give up waiting for others."""
    return undiscardable(status).repair(lambda _: None)
