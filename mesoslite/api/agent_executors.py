"""Agent executors: those of an agent's framework with their tasks, as Mesos shows them.

A task that runs a command is shown with an executor of its own, under the task's id, as Mesos has one there.
"""

# Who calls: agent_state.py and agent_reads.py.
# Source: Mesos src/slave/http.cpp (ExecutorWriter, Http::getExecutors, Http::getTasks).

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mesoslite.model import (
    NOTHING,
    AgentFramework,
    ContainerID,
    ExecutorInfo,
    ExecutorRun,
    ExecutorType,
    Resources,
    TaskRun,
)

from .command_executors import command_executor

if TYPE_CHECKING:
    from .sight import Sight


@dataclass(frozen=True, slots=True)
class ShownExecutor:
    """An executor, and its tasks by where they are; a terminated one is over but for an acknowledgement.

    ``resources`` are its own, and of tasks that are out of sight. ``is_completed``: it has ended, and so have all of
    its tasks. ``pid`` is of its first process, None if there is none, or none any more. ``is_group``: it lives, and is
    no more than its tasks' containers.
    """

    info: ExecutorInfo
    container_id: ContainerID
    sandbox: str
    resources: Resources
    role: str
    is_completed: bool
    pid: int | None = None
    is_group: bool = False
    queued: list[TaskRun] = field(default_factory=list)
    launched: list[TaskRun] = field(default_factory=list)
    terminated: list[TaskRun] = field(default_factory=list)
    completed: list[TaskRun] = field(default_factory=list)

    @property
    def held(self) -> Resources:
        """What it and its tasks hold that are not over."""
        return sum([run.task.info.resources for run in (*self.queued, *self.launched)], self.resources)


def shown_executors(framework: AgentFramework) -> list[ShownExecutor]:
    """Return those of the framework's own, then one for each command."""
    own = {run.container_id: _of_framework(run, False) for run in framework.executors}
    own |= {run.container_id: _of_framework(run, True) for run in framework.completed_executors}
    waiting = {(run.container_id, task_id) for run in framework.executors for task_id in run.queued}
    commands = []
    for run in framework.tasks:
        shown = _find(own, run)
        if shown is None:
            shown = _of_command(run, False)
            commands.append(shown)
        if run.task.state.is_terminal:
            shown.terminated.append(run)
        elif (run.executor_container_id, run.task.info.task_id) in waiting:
            shown.queued.append(run)
        else:
            shown.launched.append(run)
    for run in framework.completed_tasks:
        shown = _find(own, run)
        if shown is None and run.task.info.executor is None:
            shown = _of_command(run, True)
            commands.append(shown)
        if shown is not None:  # else the executor is forgotten already
            shown.completed.append(run)
    return [*own.values(), *commands]


def seen_executors(framework: AgentFramework, sight: Sight) -> list[ShownExecutor]:
    """As ``shown_executors``, those that are seen, with the tasks that are."""
    shown, user = shown_executors(framework), framework.info.user
    if not sight.executors.is_all:
        shown = [one for one in shown if sight.executors.allow(executor_user(one.info, user))]
    return shown if sight.tasks.is_all else [_with_seen_tasks(one, user, sight) for one in shown]


def executor_user(executor: ExecutorInfo, user: str) -> str:
    """Whom an executor of a framework of ``user`` runs as, by what was said of it."""
    return (executor.command.user if executor.command is not None else "") or user


def _with_seen_tasks(executor: ShownExecutor, user: str, sight: Sight) -> ShownExecutor:
    def seen(run: TaskRun) -> bool:
        return sight.tasks.allow(run.task.info.user or user)

    unseen = [run for run in (*executor.queued, *executor.launched) if not seen(run)]
    return replace(
        executor,
        resources=sum([run.task.info.resources for run in unseen], executor.resources),
        queued=list(filter(seen, executor.queued)),
        launched=list(filter(seen, executor.launched)),
        terminated=list(filter(seen, executor.terminated)),
        completed=list(filter(seen, executor.completed)),
    )


def _find(own: dict[ContainerID, ShownExecutor], run: TaskRun) -> ShownExecutor | None:
    return own.get(run.executor_container_id) if run.executor_container_id is not None else None


def _of_framework(run: ExecutorRun, is_completed: bool) -> ShownExecutor:
    is_group = run.info.type is ExecutorType.DEFAULT and not run.has_ended
    place = (run.info, run.container_id, run.sandbox, run.info.resources, run.role)
    return ShownExecutor(*place, is_completed, run.pid, is_group)


def _of_command(run: TaskRun, is_completed: bool) -> ShownExecutor:
    info, task = command_executor(run.task), run.task
    return ShownExecutor(info, run.container_id, run.sandbox, NOTHING, task.role, is_completed, run.pid)
