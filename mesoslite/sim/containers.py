"""Containers without processes: what an agent of the simulator launches; they end by virtual time."""

# Who calls: agents launch them by a SimContainerizer; agent_machine.py makes one a start of an agent.
# A command says how its container lives: `sleep 20; exit 3`, and with `trap '' TERM; ` before it does not end when it
#   is asked to. So what runs is what a shell would run.
# Invariant: a container that has ended, or whose host is gone, calls nobody any more. One whose agent was killed goes
#   on, and how it ended is told to the agent that begins there.

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import libactor as la
from mesoslite.model import Conflict, Termination

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mesoslite.model import Attachment, Container, ContainerConfig, ContainerID, ContainerNotices

_TRAP = "trap '' TERM; "
_COMMAND = re.compile(rf"(?P<trap>{_TRAP})?sleep (?P<seconds>[0-9.]+); exit (?P<status>[0-9]+)")
TERM_SECONDS = 0.5  # that a process takes to end when it is asked to
KILL_SECONDS = 0.01
TERMINATED, KILLED = -15, -9


def command_text(seconds: float, status: int = 0, *, obeys: bool = True) -> str:
    """The command of a container that lives so long."""
    return f"{'' if obeys else _TRAP}sleep {seconds:.0f}; exit {status}"


@dataclass(eq=False)
class SimContainer:
    """One container; ``lives`` until it has ended. ``ends`` are when it will, each with how, if not before."""

    container_id: ContainerID
    framework_id: str
    task_id: str
    containerizer: SimContainerizer  # that has started it, or found it last
    obeys: bool
    notices: ContainerNotices
    pid: int
    lives: bool = True
    ends: list[tuple[float, int]] = field(default_factory=list)
    termination: Termination | None = None  # how it has ended, if anybody may find out

    @property
    def has_started(self) -> bool:
        """See Container: it starts as it is made."""
        return True

    @property
    def is_ending(self) -> bool:
        """See Container: here an end is told of as it comes."""
        return not self.lives

    def terminate(self, grace_seconds: float) -> None:
        """See Container."""
        if self.obeys:
            self.containerizer.end_later(TERM_SECONDS, self, TERMINATED)

    def kill(self) -> None:
        """See Container."""
        self.containerizer.end_later(KILL_SECONDS, self, KILLED)

    def signal(self, number: int) -> None:
        """See Container: no command of the simulator hears of any other signal."""

    def end(self, status: int) -> None:
        """It is over."""
        if self.lives:
            self.lives, self.termination = False, Termination(status)
            self.notices.ended(self.termination)


class Processes(la.Actor):
    """What passes the time of the containers of one agent: its timers end with it."""

    def __init__(self, containers: dict[ContainerID, SimContainer]) -> None:
        super().__init__("processes")
        self._containers = containers

    def end(self, container_id: ContainerID, status: int) -> None:
        """The time of a container is over."""
        self._containers[container_id].end(status)


class Boot:
    """All that was started on a host since it was: it outlives the agent, and not the host."""

    def __init__(self) -> None:
        self.containers: dict[ContainerID, SimContainer] = {}

    def pass_time(self, now: float) -> None:
        """Time has passed, in which nobody was there to notice what ended."""
        for container in self.containers.values():
            when, status = min(container.ends)
            if container.lives and when <= now:
                container.lives, container.termination = False, Termination(status)

    def vanish(self) -> None:
        """The host has gone down: nothing runs any more, and nobody is told."""
        for container in self.containers.values():
            container.lives = False


class SimContainerizer:
    """The containers of one agent, from its start to its end, on a host since ``boot``; implements Containerizer.

    ``fails`` says of each launch whether it is to fail. ``launched`` is told of each container.
    """

    def __init__(self, boot: Boot, fails: Callable[[], bool], launched: Callable[[SimContainer], None]) -> None:
        self._boot = boot
        self.processes: la.PID[Processes] | None = None
        self._fails = fails
        self._launched = launched

    def open(self, runtime: la.Runtime) -> None:
        """Begin on a host."""
        self._clock = runtime.clock
        self.processes = runtime.spawn(Processes(self._boot.containers))

    def recover(
        self, known: Sequence[ContainerConfig], notices: Callable[[ContainerID], ContainerNotices]
    ) -> Mapping[ContainerID, Container]:
        """See Containerizer."""
        now = self._clock.now()
        self._boot.pass_time(now)
        ids = {config.container_id for config in known}
        found = {key: container for key, container in self._boot.containers.items() if key in ids}
        for key, container in self._boot.containers.items():
            if key not in ids:
                container.lives = False
        for key, container in found.items():
            container.notices, container.containerizer = notices(key), self
            if container.termination is not None:
                container.notices.ended(container.termination)
            for when, status in container.ends if container.lives else ():
                self._ring(max(0.0, when - now), container, status)
        return found

    def launch(self, config: ContainerConfig, notices: ContainerNotices) -> SimContainer:
        """See Containerizer."""
        if self._fails():
            raise OSError("the simulator wants this launch to fail")
        life = _COMMAND.fullmatch(config.command.value)
        assert life is not None, config.command.value
        environment = dict(config.environment)
        framework_id, task_id = environment["MESOS_FRAMEWORK_ID"], environment["MESOS_TASK_ID"]
        containers = self._boot.containers
        pid, obeys = 1000 + len(containers), life["trap"] is None
        container = SimContainer(config.container_id, framework_id, task_id, self, obeys, notices, pid)
        containers[config.container_id] = container
        self._launched(container)
        self.end_later(float(life["seconds"]), container, int(life["status"]))
        return container

    def remove(self, container_id: ContainerID) -> None:
        """See Containerizer: nothing is nested."""

    def attach(self, container_id: ContainerID) -> Attachment:
        """See Containerizer."""
        raise Conflict(f"attach: container {container_id!r} was started without streams, as all of the simulator")

    def end_later(self, seconds: float, container: SimContainer, status: int) -> None:
        """End a container after so many seconds; inside an actor of its host."""
        container.ends.append((self._clock.now() + seconds, status))
        self._ring(seconds, container, status)

    def _ring(self, seconds: float, container: SimContainer, status: int) -> None:
        assert self.processes is not None
        la.delay(seconds, self.processes, Processes.end, container.container_id, status)

    def update(self, config: ContainerConfig) -> None:
        """See Containerizer: nothing is limited."""

    def detach(self) -> None:
        """See Containerizer: no agent of the simulator lets go, or fails."""
        self.close()

    def close(self) -> None:
        """See Containerizer: nothing runs any more."""
        self._boot.vanish()
