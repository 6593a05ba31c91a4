"""Execution: one start of an executor, and what of its tasks it has not been told yet."""

# Who calls: life.py, line.py and groups.py of this package, inside the agent actor; runs.py keeps the executions of a
#   framework.
# Phases: REGISTERING -> RUNNING -> TERMINATING -> TERMINATED; any later one may come at once, none earlier. One that is
#   TERMINATED stays with its framework until the last status of each of its tasks is acknowledged.
# Invariants: 1. ``channel`` is set only while RUNNING or TERMINATING.    2. a run in ``queued`` is in ``runs``.
# Source: Mesos src/slave/slave.hpp (Executor).

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec

import libactor as la
from mesoslite.model import ExecutorRun, ExecutorType, PresentExecutor, TaskGroup
from mesoslite.model.executor_events import LaunchTask, LaunchTasks

if TYPE_CHECKING:
    from mesoslite.model import Container, ContainerID, ExecutorInfo, FrameworkID, TaskID
    from mesoslite.model.executor_events import ExecutorEvent

    from ..checkpoints import Verdict
    from ..runs import Run

UUIDS_MAX = 1_024  # of statuses, that are remembered to tell one that comes twice


class Phase(Enum):
    """Where an executor is in its life."""

    REGISTERING = "started, and has not subscribed yet"
    RUNNING = "has subscribed"
    TERMINATING = "is to end"
    TERMINATED = "has ended"


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Tasks that are sent together: a group, or one by itself."""

    runs: tuple[Run, ...]
    is_group: bool


@dataclass(slots=True, eq=False)
class Execution:
    """An executor.

    ``channel`` is the actor that is subscribed for it. ``runs`` are its tasks that are not completed. ``timer`` fires
    when it should have subscribed, or ended. ``was_sent`` any task. ``exit_status`` is how it has ended, if anybody
    knows. ``verdict`` is why the agent ends it, if it does. ``groups`` are those
    that the agent runs, and of which a task has not ended. ``batches`` counts what it was given. ``is_returning``: it
    is to subscribe again, for its agent has begun anew.
    """

    info: ExecutorInfo
    framework_id: FrameworkID
    role: str
    container_id: ContainerID
    sandbox: str
    phase: Phase = Phase.REGISTERING
    container: Container | None = None
    channel: la.PID[Any] | None = None
    runs: dict[TaskID, Run] = field(default_factory=dict)
    queued: list[Batch] = field(default_factory=list)
    groups: list[Batch] = field(default_factory=list)
    batches: int = 0
    is_returning: bool = False
    timer: la.Timer | None = None
    was_sent: bool = False
    exit_status: int | None = None
    verdict: Verdict | None = None
    uuids: deque[bytes] = field(default_factory=lambda: deque(maxlen=UUIDS_MAX))  # of statuses that were taken

    @property
    def is_default(self) -> bool:
        """Whether it is no program, and the agent runs its tasks."""
        return self.info.type is ExecutorType.DEFAULT

    @property
    def takes_tasks(self) -> bool:
        """Whether it may be given more tasks."""
        return self.phase in (Phase.REGISTERING, Phase.RUNNING)

    @property
    def has_ended(self) -> bool:
        """Whether its process is gone."""
        return self.phase is Phase.TERMINATED

    def send(self, event: ExecutorEvent) -> bool:
        """Tell it something; whether it is connected."""
        if self.channel is not None:
            la.post(self.channel, event)
        return self.channel is not None

    def enter(self, batch: Batch) -> None:
        """Tasks are its own from now on, and are given to it next."""
        self.runs.update({run.task.task_id: run for run in batch.runs})

    def give(self, batch: Batch) -> None:
        """Have it run tasks: at once if it has subscribed; those that the agent runs wait until it does."""
        if self.phase is Phase.RUNNING and not self.is_default:
            self._launch(batch)
        else:
            self.queued.append(batch)

    def launch_queued(self) -> None:
        """Give it the tasks that have waited for it."""
        waiting, self.queued = self.queued, []
        for batch in waiting:
            self._launch(batch)

    def _launch(self, batch: Batch) -> None:
        self.was_sent = True
        tasks = tuple([run.task for run in batch.runs])
        self.send(LaunchTasks(TaskGroup(tasks)) if batch.is_group else LaunchTask(tasks[0]))

    def queued_with(self, run: Run) -> Batch | None:
        """What waits with a run to be sent; None, if that was sent."""
        return next((batch for batch in self.queued if any(one is run for one in batch.runs)), None)

    def set_timer(self, timer: la.Timer | None) -> None:
        """Put another timer, or none, in the place of the one there is."""
        if self.timer is not None:
            self.timer.cancel()
        self.timer = timer

    def hang_up(self) -> None:
        """End the stream to it, behind what was sent."""
        channel, self.channel = self.channel, None
        if channel is not None:
            la.terminate(channel, inject=False)

    def presence(self) -> PresentExecutor:
        """What a master is told of it."""
        return PresentExecutor(msgspec.structs.replace(self.info, framework_id=self.framework_id), self.role)

    def snapshot(self) -> ExecutorRun:
        """What readers see."""
        return ExecutorRun(
            info=self.info,
            role=self.role,
            container_id=self.container_id,
            sandbox=self.sandbox,
            pid=self.container.pid if self.container is not None else None,
            queued=tuple([run.task.task_id for batch in self.queued for run in batch.runs]),
            has_ended=self.has_ended,
        )
