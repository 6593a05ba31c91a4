"""PosixContainerizer: containers that are sessions of plain processes, and measured as such; no privilege, no C."""

# Who calls: an agent, in its handlers, which never wait for a look at /proc: whatever takes one (signals, and ending
#   what a first process has left) is done in the reaper's thread, for all containers that need it at once.
# Invariants: 1. in that thread a container that has not ended has its first process, be it as a zombie, so its pid
#   is its own.    2. when a container is said to have ended, all of it that can be found has been killed.
#   3. output goes to the files `stdout` and `stderr` of the sandbox by descriptors that only the container holds.
# Resources are not limited here: cpus and mem of a task are what the master counts with.
# Source: Mesos src/launcher/posix/executor, src/slave/containerizer/mesos/launcher.cpp (PosixLauncher).

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import libactor as la
from libactor.subprocess import Reaper
from mesoslite.model import (
    Container,
    ContainerConfig,
    ContainerID,
    ContainerNotices,
    ContainerUsage,
    Resources,
    Termination,
)

from .accounts import give_sandbox, open_output
from .asked import refuse_unhonoured
from .processes import Family, Lookout, ProcessTable, kill_families, terminate_families
from .program import program_of
from .usage import usage_of

log = logging.getLogger("mesoslite")


class PosixContainer:
    """One command and what it started, living or not: see model.Container."""

    def __init__(self, family: Family, signals: "_Signals") -> None:
        self._family = family
        self._signals = signals

    @property
    def pid(self) -> int:
        """The process id of the command."""
        return self._family.leader

    @property
    def has_started(self) -> bool:
        """True: it is not made before its command runs."""
        return True

    def terminate(self, grace_seconds: float) -> None:
        """Have SIGTERM sent to every process of it, once each; returns at once. It does not outlive its agent."""
        self._signals.terminate(self._family)

    def kill(self) -> None:
        """Have SIGKILL sent to every process of it; returns at once."""
        self._signals.kill(self._family)


class PosixContainerizer:
    """Starts each command in a session of its own: see model.Containerizer. None outlives it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held for a launch, and never for a look at /proc
        self._families: dict[int, Family] = {}  # by leader, from the start to just before the reaping
        self._lookout = Lookout()  # the reaper's thread only
        self._reaper = Reaper("containers", self._finish)
        self._signals = _Signals(self._reaper)

    def recover(
        self, known: Sequence[ContainerConfig], notices: Callable[[ContainerID], ContainerNotices]
    ) -> Mapping[ContainerID, Container]:
        """Nothing is found: see model.Containerizer.recover."""
        return {}

    def launch(self, config: ContainerConfig, notices: ContainerNotices) -> PosixContainer:
        """Start its command: see model.Containerizer.launch."""
        refuse_unhonoured(config, ())
        program, container_id, sandbox = program_of(config), config.container_id, config.sandbox
        account = program.account
        if account is not None:
            give_sandbox(sandbox, account)
        stdout = stderr = -1
        try:
            stdout, stderr = open_output(f"{sandbox}/stdout", account), open_output(f"{sandbox}/stderr", account)
            with self._lock:
                process = self._reaper.launch(
                    program.arguments,
                    executable=program.file,
                    cwd=sandbox,
                    environment=program.variables,
                    stdout=stdout,
                    stderr=stderr,
                    identity=account.identity if account is not None else None,
                )
                family = Family(process.pid, container_id)
                family.has_ended = not process.status.is_pending()  # then it was lost, and its pid may be another's
                if not family.has_ended:
                    self._families[process.pid] = family
        finally:
            for descriptor in (stdout, stderr):
                if descriptor >= 0:
                    os.close(descriptor)
        process.status.on_any(lambda status: notices.ended(Termination(_exit_status(status))))
        return PosixContainer(family, self._signals)

    def update(self, container_id: ContainerID, resources: Resources, limits: tuple[tuple[str, float], ...]) -> None:
        """Nothing changes: what a container uses is not limited."""

    def detach(self) -> None:
        """As ``close``: nothing here can be recovered."""
        self.close()

    def measure(self) -> dict[ContainerID, ContainerUsage]:
        """What each container has used: see model.ContainerMeter."""
        with self._lock:
            families = list(self._families.values())
        if not families:
            return {}
        table = ProcessTable()
        used = {family.container_id: usage_of(table.find_members(family.leader)) for family in families}
        for family in families:
            if family.has_ended:  # its pid may have been another's already
                del used[family.container_id]
        return used

    def close(self) -> None:
        """Kill what runs and wait until it has been reaped; nothing can be launched afterwards.

        Raises: RuntimeError naming the processes that would not die.
        """
        self._reaper.call(self._kill_all)
        self._reaper.close()

    def _kill_all(self) -> None:
        with self._lock:
            families = list(self._families.values())
        kill_families(families)

    def _finish(self, pids: Sequence[int]) -> None:
        """End what the first processes ``pids``, zombies now, left of their containers."""
        with self._lock:
            ended = [self._families.pop(pid) for pid in pids]
            living = set(self._families)
        for family in ended:
            family.has_ended = True
        survivors = self._lookout.find_survivors(ended, living)
        kill_families([family for family in ended if family.known or family.leader in survivors])


class _Signals:
    """Who is to be signalled, gathered until the reaper's thread comes to it: one look at /proc then serves all."""

    def __init__(self, reaper: Reaper) -> None:
        self._reaper = reaper
        self._to_terminate: deque[Family] = deque()
        self._to_kill: deque[Family] = deque()

    def terminate(self, family: Family) -> None:
        """Ask ``family`` to end, unless it has ended by then."""
        self._to_terminate.append(family)
        self._reaper.call(self._send)

    def kill(self, family: Family) -> None:
        """Kill ``family``, unless it has ended by then."""
        self._to_kill.append(family)
        self._reaper.call(self._send)

    def _send(self) -> None:
        for waiting, send in ((self._to_terminate, terminate_families), (self._to_kill, kill_families)):
            families = [waiting.popleft() for _ in range(len(waiting))]
            send([family for family in families if not family.has_ended])


def _exit_status(status: la.Future[int]) -> int | None:
    error = status.exception()
    if error is not None:
        log.error("container: %s", error)
        return None
    return status.get(0)
