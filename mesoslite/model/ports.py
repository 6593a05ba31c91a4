"""Ports: Protocols through which packages that may not import each other meet in a composition root."""

# Who calls: agent/ is given a Launcher; containment/ implements it; sim/ fakes it.
# Awaitable, not a future class: the model imports no runtime, and an actor's handler awaits either.

from collections.abc import Awaitable
from pathlib import Path
from typing import Protocol

from .tasks import TaskInfo


class Container(Protocol):
    """A launched task, seen by its agent."""

    @property
    def pid(self) -> int:
        """The operating system's id of its first process."""
        ...

    @property
    def status(self) -> Awaitable[int]:
        """Resolves when its last process has ended, to its exit status as in ``TaskStatus.exit_status``."""
        ...

    def kill(self, grace_seconds: float) -> None:
        """Ask it to end, and kill what is left after the grace; a later call may only shorten the grace."""
        ...


class Launcher(Protocol):
    """Starts containers."""

    def launch(self, task: TaskInfo, sandbox: Path) -> Awaitable[Container]:
        """Start the task's command in the directory ``sandbox``, which exists.

        Fails with InvalidRequest if the command cannot be started.
        """
        ...
