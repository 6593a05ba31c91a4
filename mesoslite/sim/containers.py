"""Containers without processes: what an agent of the simulator launches; they end by virtual time."""

# Who calls: agents launch them by a SimContainerizer; agent_machine.py makes one a start of an agent.
# A command says how its container lives: `sleep 20; exit 3`, and with `trap '' TERM; ` before it does not end when it
#   is asked to. So what runs is what a shell would run.
# Invariant: a container that has ended, or whose host is gone, calls nobody any more.

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libactor as la
from mesoslite.model import Termination

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mesoslite.model import Container, ContainerConfig, ContainerID, ContainerNotices, Resources

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
    """One container; ``lives`` until it has ended."""

    container_id: ContainerID
    framework_id: str
    task_id: str
    containerizer: SimContainerizer
    obeys: bool
    notices: ContainerNotices
    pid: int
    lives: bool = True

    @property
    def has_started(self) -> bool:
        """See Container: it starts as it is made."""
        return True

    def terminate(self, grace_seconds: float) -> None:
        """See Container."""
        if self.obeys:
            self.containerizer.end_later(TERM_SECONDS, self, TERMINATED)

    def kill(self) -> None:
        """See Container."""
        self.containerizer.end_later(KILL_SECONDS, self, KILLED)

    def end(self, status: int) -> None:
        """It is over."""
        if self.lives:
            self.lives = False
            self.notices.ended(Termination(status))


class Processes(la.Actor):
    """What passes the time of the containers of one host: its timers end with it."""

    def __init__(self, containers: dict[ContainerID, SimContainer]) -> None:
        super().__init__("processes")
        self._containers = containers

    def end(self, container_id: ContainerID, status: int) -> None:
        """The time of a container is over."""
        self._containers[container_id].end(status)


class SimContainerizer:
    """The containers of one agent, from its start to its end; implements Containerizer.

    ``fails`` says of each launch whether it is to fail. ``launched`` is told of each container.
    """

    def __init__(self, fails: Callable[[], bool], launched: Callable[[SimContainer], None]) -> None:
        self.containers: dict[ContainerID, SimContainer] = {}
        self.processes: la.PID[Processes] | None = None
        self._fails = fails
        self._launched = launched

    def open(self, runtime: la.Runtime) -> None:
        """Begin on a host."""
        self.processes = runtime.spawn(Processes(self.containers))

    def recover(
        self, known: Sequence[ContainerConfig], notices: Callable[[ContainerID], ContainerNotices]
    ) -> Mapping[ContainerID, Container]:
        """See Containerizer: an agent keeps nothing of its tasks beyond its end."""
        return {}

    def launch(self, config: ContainerConfig, notices: ContainerNotices) -> SimContainer:
        """See Containerizer."""
        if self._fails():
            raise OSError("the simulator wants this launch to fail")
        life = _COMMAND.fullmatch(config.command.value)
        assert life is not None, config.command.value
        environment = dict(config.environment)
        framework_id, task_id = environment["MESOS_FRAMEWORK_ID"], environment["MESOS_TASK_ID"]
        pid = 1000 + len(self.containers)
        obeys = life["trap"] is None
        container = SimContainer(config.container_id, framework_id, task_id, self, obeys, notices, pid)
        self.containers[config.container_id] = container
        self._launched(container)
        self.end_later(float(life["seconds"]), container, int(life["status"]))
        return container

    def end_later(self, seconds: float, container: SimContainer, status: int) -> None:
        """End a container after so many seconds; inside an actor of its host."""
        assert self.processes is not None
        la.delay(seconds, self.processes, Processes.end, container.container_id, status)

    def update(self, container_id: ContainerID, resources: Resources, limits: tuple[tuple[str, float], ...]) -> None:
        """See Containerizer: nothing is limited."""

    def detach(self) -> None:
        """See Containerizer: nothing is checkpointed."""
        self.close()

    def close(self) -> None:
        """See Containerizer: nothing runs any more."""
        self.vanish()

    def vanish(self) -> None:
        """The host has gone down: nothing runs any more, and nobody is told."""
        for container in self.containers.values():
            container.lives = False
