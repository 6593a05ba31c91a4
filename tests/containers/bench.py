"""A containerizer, a sandbox, and what a test needs to follow processes."""

# Who calls: the tests of this folder, by the fixtures of conftest.py.

import os
import queue
import select
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mesoslite.containment import PosixContainerizer, SupervisedContainerizer
from mesoslite.model import CommandInfo, ContainerConfig, ContainerID, PersistentVolume, Termination

BOUND_SECONDS = 120  # a bound on failure: no test waits this long

MAKE: dict[str, Callable[..., Any]] = {
    "posix": lambda runtime, **options: PosixContainerizer(**options),
    "supervised": lambda runtime, **options: SupervisedContainerizer(str(runtime), **options),
}


class Bench:
    """Containers of ``containerizer`` in one sandbox; their notices come here.

    A shell that is to wait reads from a named pipe, which nobody opens for writing.
    """

    def __init__(self, containerizer: Any, sandbox: Path) -> None:
        self.containerizer = containerizer
        self.sandbox = sandbox
        self.starts = threading.Semaphore(0)
        self.ends: queue.Queue[Termination] = queue.Queue()
        self.container: Any = None  # that was recovered, if any was

    def launch(self, script: str, given: dict[str, str] | None = None, user: str = "", **command: Any) -> Any:
        config = self.config(script, given, user, **command)
        self.launched, self.launched_config = config.container_id, config
        return self.containerizer.launch(config, self)

    def config(
        self,
        script: str,
        given: dict[str, str] | None = None,
        user: str = "",
        volumes: tuple[PersistentVolume, ...] = (),
        **command: Any,
    ) -> ContainerConfig:
        return ContainerConfig(
            container_id=ContainerID(f"{uuid.uuid4()}"),
            user=user,
            command=CommandInfo(value=script, **command),
            sandbox=str(self.sandbox),
            volumes=volumes,
            environment=tuple((given or {}).items()),
        )

    def started(self) -> None:
        self.starts.release()

    def ended(self, termination: Termination) -> None:
        self.ends.put(termination)

    def end(self) -> Termination:
        return self.ends.get(timeout=BOUND_SECONDS)

    def exit_status(self) -> int | None:
        return self.end().exit_status

    def output(self, name: str = "stdout") -> str:
        return (self.sandbox / name).read_text()

    def make_fifo(self, name: str = "fifo") -> Path:
        path = self.sandbox / name
        os.mkfifo(path)
        return path

    def pids(self, fifo: Path, count: int) -> list[int]:
        """Read ``count`` process ids that the command writes to the pipe ``fifo``, one in a line."""
        with open(fifo) as lines:
            return [int(next(lines)) for _ in range(count)]

    def leader(self, container: Any) -> int:
        """Its first process, once that runs its command."""
        if not container.has_started:
            assert self.starts.acquire(timeout=BOUND_SECONDS)
        assert isinstance(container.pid, int)
        return container.pid


def has_ended(pid: int) -> bool:
    """Wait until the process has ended; False after the bound."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([pidfd], [], [], BOUND_SECONDS)[0])
    finally:
        os.close(pidfd)


def is_gone(pid: int) -> bool:
    """Whether the process has ended, at this moment."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
