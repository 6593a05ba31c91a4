"""EmbeddedContainerizer: executors that live in this program, as actors, where others are processes."""

# Who calls: agents of a Cluster, as their Containerizer; cluster.py makes one for each.
# Invariants: 1. ``_living`` are the executors that were started and have not ended.    2. one is said to have ended
#   once the actor has, with the exit status that a program of the same executor would have.
# An actor is ended between two of its handlers: one that never returns cannot be, where a process would be killed.
# Rejected: agents that know of classes. To them an executor is a container, which ends, whatever runs in it.

from __future__ import annotations

import os
import signal
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import libactor as la
from libactor.context import current_runtime
from mesoslite.agent.executors import is_executor
from mesoslite.containment import RelayingContainerizer
from mesoslite.containment.volume_links import link_volumes
from mesoslite.framework import Executor, LocalExecutorConnection, executor_settings
from mesoslite.model import InvalidRequest, Termination

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mesoslite.model import Container, ContainerConfig, ContainerID, Containerizer, ContainerNotices

END_SECONDS = 10.0  # that an executor has to end its handler in, when its agent ends
FAILED, KILLED = 1, -9  # the exit statuses of a program that an exception, or SIGKILL, has ended


class EmbeddedContainerizer(RelayingContainerizer):
    """Starts an executor of one of the commands ``executors`` by what it is mapped to, such as its class, and all else
    by ``containerizer``: see model.Containerizer. Such an executor ends with its agent.

    Such an executor runs as whoever this program runs as, whatever its command says.
    """

    def __init__(self, containerizer: Containerizer, executors: Mapping[str, Callable[[], Executor]]) -> None:
        super().__init__(containerizer)
        self._executors = executors
        self._living: dict[ContainerID, la.PID[Executor]] = {}

    def launch(self, config: ContainerConfig, notices: ContainerNotices) -> Container:
        """Start its command: see model.Containerizer.launch."""
        container_id, command, environment = config.container_id, config.command, dict(config.environment)
        make = self._executors.get(command.value) if is_executor(environment) else None
        if make is None:
            return super().launch(config, notices)
        if command.uris:
            raise InvalidRequest(f"executors: {command.value!r} lives in this program, and nothing is fetched for it")
        executor = make()
        if not isinstance(executor, Executor):
            raise InvalidRequest(f"executors: {command.value!r} has made {executor!r}, expected a mesoslite.Executor")
        runtime = current_runtime("launch")
        agent = runtime.find(environment["MESOS_SLAVE_PID"].partition("@")[0])
        assert agent is not None  # it calls
        link_volumes(config)
        executor.settings = executor_settings({**environment, **dict(command.environment)})
        executor.connection = LocalExecutorConnection(agent)
        pid = self._living[container_id] = runtime.spawn(executor)
        container = _EmbeddedContainer(pid)

        def ended(reason: BaseException | None) -> None:
            del self._living[container_id]
            if reason is not None:
                Path(config.sandbox, "stderr").write_text("".join(traceback.format_exception(reason)))
            notices.ended(Termination(FAILED if reason is not None else KILLED if container.was_killed else 0))

        runtime.spawn(_EndWatch(pid, ended))
        return container

    def update(self, config: ContainerConfig) -> None:
        """See model.Containerizer.update: what lives in this program is not limited."""
        if config.container_id not in self._living:
            super().update(config)

    def detach(self) -> None:
        """End what lives in this program, and let go of the rest: see model.Containerizer.detach."""
        self._end_living(super().detach)

    def close(self) -> None:
        """End what runs: see model.Containerizer.close."""
        self._end_living(super().close)

    def _end_living(self, end_others: Callable[[], None]) -> None:
        living = list(self._living.values())
        for pid in living:
            la.terminate(pid)
        end_others()
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

    @property
    def has_started(self) -> bool:
        """True: it is an actor as soon as it is made."""
        return True

    @property
    def is_ending(self) -> bool:
        """Whether it was killed."""
        return self.was_killed

    def terminate(self, grace_seconds: float) -> None:
        """As ``kill``: what ends an executor in order is said by its agent."""
        self.kill()

    def kill(self) -> None:
        """Have it ended before its next handler; returns at once."""
        self.was_killed = True
        la.terminate(self._executor)

    def signal(self, number: int) -> None:
        """Kill it, if the signal is SIGKILL; it is no process that could be sent any other."""
        if number == signal.SIGKILL:
            self.kill()


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
