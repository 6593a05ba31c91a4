"""PosixLauncher: containers that are sessions of plain processes; needs no privilege and no C."""

# Who calls: an agent, in its handlers; the reaper's thread, when a container's first process has ended.
# Invariants: 1. while ``_lock`` is held no container's first process is reaped, so its pid stays its own.
#   2. when ``on_exit`` is called all of the container that can be found has been killed.
#   3. output goes to the files `stdout` and `stderr` of the sandbox by descriptors that only the container holds.
# Resources are not limited here: cpus and mem of a task are what the master counts with.
# Source: Mesos src/launcher/posix/executor, src/slave/containerizer/mesos/launcher.cpp (PosixLauncher).

import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import libactor as la
from libactor.subprocess import Reaper, Subprocess
from mesoslite.model import CommandInfo

from .environment import inherited_environment
from .processes import ProcessName, find_family, find_survivors, kill_family, send_signal

log = logging.getLogger("mesoslite")

SHELL = "/bin/sh"


class PosixContainer:
    """One command and what it started, living or not: see model.Container."""

    def __init__(self, process: Subprocess, lock: threading.Lock) -> None:
        self._process = process
        self._lock = lock  # the launcher's
        self._ended = False  # the first process has ended; from here on its pid may be another's
        self._family: set[ProcessName] = set()  # what was found so far, though its parents may have gone since

    @property
    def pid(self) -> int:
        """The process id of the command."""
        return self._process.pid

    def terminate(self) -> None:
        """Send SIGTERM to every process of it, once each, and let stopped ones go on so that they can act on it."""
        with self._lock:
            if self._ended:
                return
            self._family |= find_family(self.pid, self._family)
            for number in (signal.SIGTERM, signal.SIGCONT):
                for name in self._family:
                    send_signal(name, number)

    def kill(self) -> None:
        """Send SIGKILL to every process of it."""
        with self._lock:
            if not self._ended:
                kill_family(self.pid, self._family)

    def _end(self, has_survivors: bool) -> None:
        """The first process has ended: end the rest of its session, and of the family known. The lock is held."""
        self._ended = True
        if has_survivors or self._family:
            kill_family(self.pid, self._family)


class PosixLauncher:
    """Starts each command in a session of its own: see model.Launcher."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._containers: dict[int, PosixContainer] = {}  # by pid, from the start to just before the reaping
        self._reaper = Reaper("containers", self._finish)

    def launch(
        self,
        command: CommandInfo,
        sandbox: Path,
        environment: Mapping[str, str],
        on_exit: Callable[[int | None], None],
    ) -> PosixContainer:
        """Start ``command``: see model.Launcher.launch."""
        argv = [SHELL, "-c", command.value] if command.shell else list(command.arguments) or [command.value]
        variables = {**inherited_environment(), **environment, **dict(command.environment)}
        stdout = stderr = -1
        try:
            stdout, stderr = _open_output(sandbox / "stdout"), _open_output(sandbox / "stderr")
            with self._lock:
                process = self._reaper.launch(
                    argv,
                    executable=None if command.shell else command.value,
                    cwd=sandbox,
                    environment=variables,
                    stdout=stdout,
                    stderr=stderr,
                )
                container = PosixContainer(process, self._lock)
                if process.status.is_pending():  # else it was lost, and its pid may be another's already
                    self._containers[process.pid] = container
                else:
                    container._end(has_survivors=False)
        finally:
            for descriptor in (stdout, stderr):
                if descriptor >= 0:
                    os.close(descriptor)
        process.status.on_any(lambda status: on_exit(_exit_status(status)))
        return container

    def close(self) -> None:
        """Kill what runs and wait until it has been reaped; nothing can be launched afterwards.

        Raises: RuntimeError naming the processes that would not die.
        """
        with self._lock:
            containers = list(self._containers.values())
        for container in containers:
            container.kill()
        self._reaper.close()

    def _finish(self, pids: Sequence[int]) -> None:
        """End what the first processes ``pids``, zombies now, left of their containers."""
        with self._lock:
            survivors = find_survivors(set(pids))
            for pid in pids:
                self._containers.pop(pid)._end(pid in survivors)


def _open_output(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)


def _exit_status(status: la.Future[int]) -> int | None:
    error = status.exception()
    if error is not None:
        log.error("container: %s", error)
        return None
    return status.get(0)
