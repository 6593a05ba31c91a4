"""PosixContainerizer: containers that are sessions of plain processes, and measured as such; no privilege, no C."""

# Who calls: an agent, in its handlers, which never wait for a look at /proc: whatever takes one (signals, and ending
#   what a first process has left) is done in the reaper's thread, for all containers that need it at once.
# Invariants: 1. in that thread a container that has not ended has its first process, be it as a zombie, so its pid
#   is its own.    2. when a container is said to have ended, all of it that can be found has been killed.
#   3. output goes to the files `stdout` and `stderr` of the sandbox by descriptors that only the container holds, but
#   that of containers that can be attached to, which a thread here copies there.
# Resources are not limited here: cpus and mem of a task are what the master counts with.
# Source: Mesos src/launcher/posix/executor, src/slave/containerizer/mesos/launcher.cpp (PosixLauncher).

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence

import libactor as la
from libactor.subprocess import DEVNULL, Reaper, Subprocess
from mesoslite.model import (
    Attachment,
    Container,
    ContainerConfig,
    ContainerID,
    ContainerNotices,
    ContainerUsage,
    PersistentVolume,
    Termination,
)

from .accounts import give_sandbox, open_output
from .asked import refuse_unhonoured, terminal_size, wants_streams
from .nested import nested_config, without_streams
from .nesting import Nesting
from .processes import Family, Lookout, ProcessTable, is_ending, kill_families, terminate_families
from .program import Program, program_of
from .pump import Pump
from .streams import StreamHub
from .usage import usage_of
from .volume_links import link_volumes

log = logging.getLogger("mesoslite")


class PosixContainer:
    """One command and what it started, living or not: see model.Container."""

    def __init__(self, family: Family, signals: "_Signals", kill_within: Callable[[ContainerID], None]) -> None:
        self._family = family
        self._signals = signals
        self._kill_within = kill_within

    @property
    def pid(self) -> int:
        """The process id of the command."""
        return self._family.leader

    @property
    def has_started(self) -> bool:
        """True: it is not made before its command runs."""
        return True

    @property
    def is_ending(self) -> bool:
        """Whether its command ends, or has ended."""
        return is_ending(self.pid)

    def terminate(self, grace_seconds: float) -> None:
        """Have SIGTERM sent to every process of it, once each; returns at once. It does not outlive its agent."""
        self._signals.terminate(self._family)

    def kill(self) -> None:
        """Have SIGKILL sent to every process of it, and of what is nested in it; returns at once."""
        self._kill_within(self._family.container_id)
        self._signals.kill(self._family)

    def signal(self, number: int) -> None:
        """Have a signal sent to its first process; returns at once."""
        self._signals.send(self._family, number)


class PosixContainerizer:
    """Starts each command in a session of its own: see model.Containerizer. None outlives it.

    ``environment`` is what containers have in place of this program's own.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = environment
        self._lock = threading.Lock()  # held for a launch, and never for a look at /proc
        self._families: dict[int, Family] = {}  # by leader, from the start to just before the reaping
        self._nesting = Nesting()
        self._ends: dict[ContainerID, tuple[ContainerNotices, Termination]] = {}  # of those that wait to be told
        self._volumes: dict[ContainerID, tuple[PersistentVolume, ...]] = {}  # linked to by those that run
        self._pumps: dict[ContainerID, Pump] = {}  # of those with streams that run
        self._streams = StreamHub()
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
        outer = self._nesting.enter(config)
        try:
            if outer is not None:
                config = nested_config(config, outer)
            refuse_unhonoured(config, ())
            container = self._launch(config, notices, outer if config.is_debug else None)
        except BaseException:
            self._tell(self._nesting.withdraw(config.container_id))
            raise
        if self._nesting.is_doomed(config.container_id):
            container.kill()
        return container

    def _launch(
        self, config: ContainerConfig, notices: ContainerNotices, entered: ContainerConfig | None
    ) -> PosixContainer:
        program, container_id, sandbox = program_of(config, self._environment), config.container_id, config.sandbox
        account, size = program.account, terminal_size(config)
        if account is not None:
            give_sandbox(sandbox, account)
        link_volumes(config)
        stdout = stderr = -1
        pump: Pump | None = None
        try:
            stdout, stderr = open_output(f"{sandbox}/stdout", account), open_output(f"{sandbox}/stderr", account)
            if wants_streams(config):
                owner = account.identity.user if account is not None else None
                pump = Pump((stdout, stderr), size=size, owner=owner)
            with self._lock:
                process = self._start(
                    program, entered.sandbox if entered is not None else sandbox, stdout, stderr, pump
                )
                family = Family(process.pid, container_id)
                family.has_ended = not process.status.is_pending()  # then it was lost, and its pid may be another's
                if not family.has_ended:
                    self._families[process.pid] = family
                    self._volumes[container_id] = config.volumes
                if pump is not None:
                    self._pumps[container_id] = pump
                    self._streams.add(container_id, pump.connection, has_tty=pump.has_tty, waits=config.is_debug)
                    pump.start()
        except BaseException:
            if pump is not None:
                pump.connection.close()
                pump.discard()
            raise
        finally:
            for descriptor in (stdout, stderr):
                if descriptor >= 0:
                    os.close(descriptor)
        process.status.on_any(lambda status: self._ended(container_id, notices, Termination(_exit_status(status))))
        return PosixContainer(family, self._signals, self._kill_within)

    def _start(self, program: Program, directory: str, stdout: int, stderr: int, pump: Pump | None) -> Subprocess:
        file, arguments = pump.command(program) if pump is not None else (program.file, program.arguments)
        return self._reaper.launch(
            arguments,
            executable=file,
            cwd=directory,
            environment=program.variables,
            stdin=pump.stdin if pump is not None else DEVNULL,
            stdout=pump.stdout if pump is not None else stdout,
            stderr=pump.stderr if pump is not None else stderr,
            identity=program.account.identity if program.account is not None else None,
        )

    def remove(self, container_id: ContainerID) -> None:
        """Its id is free: see model.Containerizer.remove."""
        self._nesting.forget(container_id)

    def attach(self, container_id: ContainerID) -> Attachment:
        """See model.Containerizer.attach."""
        known = self._streams.find(container_id)
        if known is not None:
            return known
        self._nesting.living(container_id)
        raise without_streams(container_id)

    def update(self, config: ContainerConfig) -> None:
        """See model.Containerizer.update: what a container uses is not limited."""
        refuse_unhonoured(config, ())
        with self._lock:
            before = self._volumes.get(config.container_id)
        if before is None or before == config.volumes:
            return
        link_volumes(config, before)
        with self._lock:
            if config.container_id in self._volumes:
                self._volumes[config.container_id] = config.volumes

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
        self._streams.close()

    def _kill_within(self, container_id: ContainerID) -> None:
        inner = set(self._nesting.within(container_id))
        if inner:
            with self._lock:
                families = [family for family in self._families.values() if family.container_id in inner]
            for family in families:
                self._signals.kill(family)

    def _ended(self, container_id: ContainerID, notices: ContainerNotices, termination: Termination) -> None:
        """None of its processes is left: tell so, unless it has to wait for what is nested in it, which is killed."""
        with self._lock:
            self._ends[container_id] = notices, termination
            pump = self._pumps.pop(container_id, None)
        if pump is not None:
            pump.finish()
        self._tell(self._nesting.end(container_id))
        self._kill_within(container_id)

    def _tell(self, ended: Sequence[ContainerID]) -> None:
        for container_id in ended:
            self._streams.finish(container_id)
            self._nesting.drop(container_id)
            with self._lock:
                notices, termination = self._ends.pop(container_id)
            notices.ended(termination)

    def _kill_all(self) -> None:
        with self._lock:
            families = list(self._families.values())
        kill_families(families)

    def _finish(self, pids: Sequence[int]) -> None:
        """End what the first processes ``pids``, zombies now, left of their containers."""
        with self._lock:
            ended = [self._families.pop(pid) for pid in pids]
            for family in ended:
                del self._volumes[family.container_id]
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

    def send(self, family: Family, number: int) -> None:
        """Send the first process of ``family`` a signal, unless it has ended by then."""
        self._reaper.call(lambda: None if family.has_ended else os.kill(family.leader, number))

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
