"""Containers without processes: what an agent of the simulator launches; they end by virtual time."""

# Who calls: agents launch them as a Launcher (model/ports.py); agent_machine.py makes one launcher a start of an agent.
# A command says how its container lives: `sleep 20; exit 3`, and with `trap '' TERM; ` before it does not end when it
#   is asked to. So what runs is what a shell would run.
# Invariant: a container that has ended, or whose host is gone, calls nobody any more.

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libactor as la

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mesoslite.model import CommandInfo, ContainerID

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
    launcher: SimLauncher
    obeys: bool
    on_exit: Callable[[int | None], None]
    pid: int
    lives: bool = True

    def terminate(self) -> None:
        """See Container."""
        if self.obeys:
            self.launcher.end_later(TERM_SECONDS, self, TERMINATED)

    def kill(self) -> None:
        """See Container."""
        self.launcher.end_later(KILL_SECONDS, self, KILLED)

    def end(self, status: int) -> None:
        """It is over."""
        if self.lives:
            self.lives = False
            self.on_exit(status)


class Processes(la.Actor):
    """What passes the time of the containers of one host: its timers end with it."""

    def __init__(self, containers: dict[ContainerID, SimContainer]) -> None:
        super().__init__("processes")
        self._containers = containers

    def end(self, container_id: ContainerID, status: int) -> None:
        """The time of a container is over."""
        self._containers[container_id].end(status)


class SimLauncher:
    """The containers of one agent, from its start to its end; implements Launcher.

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

    def launch(
        self,
        container_id: ContainerID,
        user: str,
        command: CommandInfo,
        sandbox: str,
        environment: Mapping[str, str],
        on_exit: Callable[[int | None], None],
    ) -> SimContainer:
        """See Launcher."""
        if self._fails():
            raise OSError("the simulator wants this launch to fail")
        life = _COMMAND.fullmatch(command.value)
        assert life is not None, command.value
        framework_id, task_id = environment["MESOS_FRAMEWORK_ID"], environment["MESOS_TASK_ID"]
        container = SimContainer(
            container_id, framework_id, task_id, self, life["trap"] is None, on_exit, 1000 + len(self.containers)
        )
        self.containers[container_id] = container
        self._launched(container)
        self.end_later(float(life["seconds"]), container, int(life["status"]))
        return container

    def end_later(self, seconds: float, container: SimContainer, status: int) -> None:
        """End a container after so many seconds; inside an actor of its host."""
        assert self.processes is not None
        la.delay(seconds, self.processes, Processes.end, container.container_id, status)

    def close(self) -> None:
        """See Launcher: nothing runs any more."""
        self.vanish()

    def vanish(self) -> None:
        """The host has gone down: nothing runs any more, and nobody is told."""
        for container in self.containers.values():
            container.lives = False
