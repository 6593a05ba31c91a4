"""Subprocess: a program that was started, until its status is told; reaped by its pidfd and by nothing else."""

# Who calls: the Reaper and the children of a runtime, which learn from the pidfd that it has ended.
# Invariants: 1. reaping is by pidfd only, so it never takes the status of a stranger's child.
#   2. a child stays a zombie until it is reaped: till then its pid, process group and session are its own and can be
#   signalled safely, under the lock.    3. a pidfd is closed under the lock that signals take.    4. whoever asks for
#   the status of a process that we have started, in whichever runtime, is told it by who has started it.

from __future__ import annotations

import os
import signal
import threading

from libactor._core.values import register_immutable
from libactor.future import Future, Promise

_ours: dict[int, Subprocess] = {}  # by process id, until they are reaped or left to whoever comes

os.register_at_fork(after_in_child=_ours.clear)  # they are no children of that one


class Subprocess:
    """A program that was started. ``pid`` is its process id, also that of its session and process group, if it has its
    own.

    ``status`` becomes ready when it has ended, with its exit code, or -n if signal n ended it. It fails with
    ChildProcessError if somebody else took the status: a ``wait`` for any child, or an ignored SIGCHLD.
    """

    __slots__ = ("__weakref__", "_lock", "_pidfd", "_promise", "pid", "status")

    def __init__(self, pid: int, pidfd: int | None) -> None:
        self.pid = pid
        self._pidfd = pidfd  # None once reaped
        self._lock = threading.RLock()
        self._promise: Promise[int] = Promise()
        self.status: Future[int] = self._promise.future
        if pidfd is not None:
            _ours[pid] = self

    def send_signal(self, number: int) -> bool:
        """Send signal ``number`` to this process alone; False if it has ended. Never reaches another process."""
        with self._lock:
            if self._pidfd is None:
                return False
            try:
                signal.pidfd_send_signal(self._pidfd, number)
            except ProcessLookupError:
                return False
            return True

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.pid}, {self.status!r}>"

    # For the modules of this layer.

    def signal_group(self, number: int) -> bool:
        """Send signal ``number`` to all processes of the group that this one leads; False once it was reaped."""
        with self._lock:
            if self._pidfd is None:
                return False
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:  # there is no such group: it has made another one
                return self.send_signal(number)
            except PermissionError:  # all that is left of it runs as somebody else
                return False
            return True

    def reap(self) -> None:
        """Take the status of the ended process, then deliver it."""
        with self._lock:
            if self._pidfd is None:
                return
            status = take_status(self._pidfd)
            self.let_go()
        if status is None:
            self.lose()
        else:
            self._promise.set(status)

    def leave(self) -> None:
        """Whoever asks for its status may take it: who has started it will not tell any more."""
        if _ours.get(self.pid) is self:  # else it was reaped, and the number is that of another one
            del _ours[self.pid]

    def let_go(self) -> None:
        """Close the pidfd: nobody waits for the process any more."""
        with self._lock:
            self.leave()
            if self._pidfd is not None:
                os.close(self._pidfd)
                self._pidfd = None

    def orphan(self) -> None:
        """In the child of a fork, whose child this is not: let go of it."""
        self._lock = threading.RLock()
        self.let_go()

    def lose(self) -> None:
        """Deliver that nobody can tell the status."""
        self._promise.fail(
            ChildProcessError(
                f"reaper: process {self.pid} has ended, but its status was taken by other code of this program; "
                "see that nobody waits for just any child and that SIGCHLD is not ignored"
            )
        )


register_immutable(Subprocess)  # threads may share it


def started_here(pid: int) -> Subprocess | None:
    """The process of that id, if it was started here and its status is still to come."""
    return _ours.get(pid)


def take_status(pidfd: int) -> int | None:
    """Reap the process, which has ended: its exit code, or -n for signal n; None if it is not ours to reap."""
    try:
        result = os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    except ChildProcessError:
        return None
    assert result is not None
    return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status
