"""EmbeddedLauncher: executors that live in this program, as actors, where others are processes."""

# Who calls: agents of a Cluster, as their Launcher; cluster.py makes one for each.
# Invariants: 1. ``_living`` are the executors that were started and have not ended.    2. ``on_exit`` is called once
#   the actor has ended, with the exit status that a program of the same executor would have.
# An actor is ended between two of its handlers: one that never returns cannot be, where a process would be killed.
# Rejected: agents that know of classes. To them an executor is a container, which ends, whatever runs in it.

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import libactor as la
from libactor.context import current_runtime
from mesoslite.framework import Executor, LocalExecutorConnection, executor_settings
from mesoslite.model import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mesoslite.model import CommandInfo, Container, ContainerID, Launcher

END_SECONDS = 10.0  # that an executor has to end its handler in, when its agent ends
FAILED, KILLED = 1, -9  # the exit statuses of a program that an exception, or SIGKILL, has ended


class EmbeddedLauncher:
    """Starts an executor of one of the commands ``executors`` by what it is mapped to, such as its class, and all else
    by ``launcher``: see model.Launcher.

    Such an executor runs as whoever this program runs as, whatever its command says.
    """

    def __init__(self, launcher: Launcher, executors: Mapping[str, Callable[[], Executor]]) -> None:
        self._launcher = launcher
        self._executors = executors
        self._living: dict[ContainerID, la.PID[Executor]] = {}

    def launch(
        self,
        container_id: ContainerID,
        user: str,
        command: CommandInfo,
        sandbox: str,
        environment: Mapping[str, str],
        on_exit: Callable[[int | None], None],
    ) -> Container:
        """Start ``command``: see model.Launcher.launch."""
        is_task = "MESOS_TASK_ID" in environment
        make = self._executors.get(command.value) if not is_task else None
        if make is None:
            return self._launcher.launch(container_id, user, command, sandbox, environment, on_exit)
        executor = make()
        if not isinstance(executor, Executor):
            raise InvalidRequest(f"executors: {command.value!r} has made {executor!r}, expected a mesoslite.Executor")
        runtime = current_runtime("launch")
        agent = runtime.find(environment["MESOS_SLAVE_PID"].partition("@")[0])
        assert agent is not None  # it calls
        executor.settings = executor_settings({**environment, **dict(command.environment)})
        executor.connection = LocalExecutorConnection(agent)
        pid = self._living[container_id] = runtime.spawn(executor)
        container = _EmbeddedContainer(pid)

        def ended(reason: BaseException | None) -> None:
            del self._living[container_id]
            if reason is not None:
                (Path(sandbox) / "stderr").write_text("".join(traceback.format_exception(reason)))
            on_exit(FAILED if reason is not None else KILLED if container.was_killed else 0)

        runtime.spawn(_EndWatch(pid, ended))
        return container

    def close(self) -> None:
        """End what runs: see model.Launcher.close."""
        living = list(self._living.values())
        for pid in living:
            la.terminate(pid)
        self._launcher.close()
        stuck = [str(pid) for pid in living if not la.wait(pid, END_SECONDS)]
        if stuck:
            raise RuntimeError(f"close: {', '.join(stuck)} would not end; a hook of an executor does not return")


class _EmbeddedContainer:
    """An executor's actor: see model.Container."""

    def __init__(self, executor: la.PID[Executor]) -> None:
        self._executor = executor
        self.was_killed = False

    @property
    def pid(self) -> int:
        """The process that it runs in: this one."""
        return os.getpid()

    def terminate(self) -> None:
        """As ``kill``: what ends an executor in order is said by its agent."""
        self.kill()

    def kill(self) -> None:
        """Have it ended before its next handler; returns at once."""
        self.was_killed = True
        la.terminate(self._executor)


class _EndWatch(la.Actor):
    """Calls ``ended`` with why an actor has."""

    def __init__(self, watched: la.PID[Any], ended: Callable[[BaseException | None], None]) -> None:
        super().__init__(la.generate_id("executor-watch"))
        self._watched = watched
        self._ended = ended

    def on_start(self) -> None:
        la.link(self._watched)

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        self._ended(reason)
        la.terminate(self.pid)
