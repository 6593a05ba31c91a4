"""Program: an actor that lives as long as a program does, so that a supervisor can keep the program running."""

# Who calls: users, mostly as the ``start`` of a supervisor's Child.
# Its on_start starts the program, its on_stop ends it: with a signal first, and by force after a time of grace. That is
#   real time, whatever the runtime's clock does: programs do not know of it.

from __future__ import annotations

import math
import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from subprocess import CalledProcessError
from typing import Any

from libactor._core._impl import ON_ANY
from libactor.actor import Actor
from libactor.combinators import undiscardable
from libactor.foresight import foreseen
from libactor.future import Future
from libactor.io.stream import HasDescriptor
from libactor.messages import tell, terminate
from libactor.pid import PID
from libactor.subprocess.child import Child, start
from libactor.subprocess.redirects import Target
from libactor.subprocess.starting import DEVNULL, INHERIT, Identity

GRACE_S = 3.0  # less than the 5 seconds a supervisor gives its children to stop, unless told otherwise


class Program(Actor):
    """Runs one program, in a session of its own. It stops when the program ends, and the program when it stops.

    Status 0 stops it without a reason, another one with CalledProcessError: a "transient" child of a supervisor is
    started again only then. ``on_ended`` may be overridden to judge it otherwise.

    When the actor stops, ``stop_signal`` is sent to all processes of the program's group, and SIGKILL after ``grace``
    seconds; the actor has stopped when the program has ended. Whatever is left of the group then is killed. The other
    arguments are those of ``start``; a program that cannot be started stops the actor with the OSError.

    A subclass may use ``self.child``, from ``on_start`` on, to read and write pipes.
    """

    child: Child

    def __init__(
        self,
        argv: str | Sequence[str | bytes | os.PathLike[str]],
        *,
        id: str | None = None,
        stop_signal: int = signal.SIGTERM,
        grace: float = GRACE_S,
        stdin: Target = DEVNULL,
        stdout: Target = INHERIT,
        stderr: Target = INHERIT,
        environment: Mapping[str, str] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        pass_fds: Iterable[int | HasDescriptor] = (),
        executable: str | None = None,
        identity: Identity | None = None,
    ) -> None:
        super().__init__(id)
        self._argv = argv
        self._stop_signal = _check_signal(stop_signal)
        self._grace = _check_grace(grace)
        self._options: dict[str, Any] = {
            "stdin": stdin,
            "stdout": stdout,
            "stderr": stderr,
            "environment": environment,
            "cwd": cwd,
            "pass_fds": pass_fds,
            "executable": executable,
            "identity": identity,
        }

    def process_id(self) -> int:
        """The program's process id."""
        return self.child.pid

    def send_signal(self, number: int) -> bool:
        """Send signal ``number`` to the program alone; False if it has ended."""
        return self.child.send_signal(number)

    def on_ended(self, status: int) -> None:
        """The program has ended by itself, with this status: stop, with a reason or without."""
        if status != 0:
            raise CalledProcessError(status, self._argv)
        terminate(self.pid)

    def on_start(self) -> Any:
        """Start the program. A subclass that overrides it calls this one."""
        try:
            self.child = start(self._argv, end_group=True, runtime=self.runtime, **self._options)
        except OSError as error:
            foreseen(error)  # its text says all: what is not there, and what to do
            raise
        self._tell_end = partial(_tell, self.pid, self.child.pid)
        self.child.status.on_any(self._tell_end)

    def on_stop(self) -> Any:
        """End the program. A subclass that overrides it returns the future of this one, or awaits it."""
        status = self.child.status
        status._unsubscribe(ON_ANY, self._tell_end)
        if not status.is_pending() or not self.child.signal_group(self._stop_signal):
            return None
        timer = self.runtime.poller.after(self._grace, partial(self.child.signal_group, signal.SIGKILL))
        status.on_any(lambda _: timer.cancel())
        return undiscardable(status).then(_nothing).repair(_nothing)

    def _libactor_ended(self, process_id: int, status: int | None) -> None:
        if process_id != self.child.pid:
            return  # it was that of an incarnation before, which has stopped meanwhile
        if status is None:
            raise ChildProcessError(
                "Program: other code of this program took its status; see that nobody waits for any child"
            )
        try:
            self.on_ended(status)
        except CalledProcessError as error:
            foreseen(error)  # nothing is wrong with this code
            raise


def _tell(pid: PID[Program], process_id: int, status: Future[int]) -> None:
    tell(pid, Program._libactor_ended, process_id, status.get(0) if status.is_ready() else None)


def _nothing(_: object) -> None:
    return None


def _check_signal(number: Any) -> int:
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"Program: stop_signal got {number!r}, expected a number such as signal.SIGTERM")
    if number not in signal.valid_signals():
        raise ValueError(f"Program: stop_signal got {number}, expected a number such as signal.SIGTERM")
    return number


def _check_grace(grace: Any) -> float:
    if not isinstance(grace, (int, float)) or isinstance(grace, bool):
        raise TypeError(f"Program: grace got {grace!r}, expected a number of seconds")
    if not 0 <= grace < math.inf:
        raise ValueError(f"Program: grace got {grace!r}, expected 0 or more seconds")
    return float(grace)
