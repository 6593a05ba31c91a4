"""Running: a task is started if there is room for it, and has ended when its container has."""

# Who calls: agent.py, inside the agent actor, which has seen that the master which leads has sent it; the
#   containerizer has ``started`` and ``ended`` called.
# Source: Mesos src/slave/slave.cpp (run, __run, executorTerminated).

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libactor as la
from mesoslite.model import (
    AgentInfo,
    ContainerID,
    ExecutorID,
    FrameworkID,
    Reason,
)

from .checks import Checks, Prober
from .commands import Commands
from .completion import Completion
from .container_ids import new_container_id
from .executors import ExecutorOptions, Executors
from .launches import Launches
from .runs import Run
from .sandbox import sandbox_path
from .statuses import dropped_state, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import (
        Containerizer,
        ExecutorExited,
        PersistentVolume,
        Resources,
        RunGroup,
        RunTask,
        TaskInfo,
        Termination,
    )

    from .checks.results import Result
    from .metrics import AgentMetrics
    from .notices import Notices
    from .reports import Reports
    from .runs import FrameworkEntry, Frameworks

log = logging.getLogger("mesoslite")


@dataclass(frozen=True, slots=True)
class Timing:
    """How the agent's parts come to hear of time: see Checks, Completion and Executors."""

    now: Callable[[], float]
    check_later: Callable[[float, int, int], la.Timer]
    answer: Callable[[int, int, Result], None]
    overrun_later: Callable[[float, ContainerID], la.Timer]
    end_later: Callable[[float, ContainerID], la.Timer]


class Running:
    """The tasks that run on one agent, in sandboxes below ``work_directory``, in containers of ``containerizer``.

    ``info`` is what the agent says of itself, with its id, ``total`` what it has. For ``recovery_seconds`` an executor
    tries to reach an agent that has gone; None: it will not come back. ``notices(container)`` is who
    is to hear what becomes of that container. ``volumes(resources)`` are those among them.
    ``send`` tells the master of an executor. ``kill(run, framework, grace)`` asks a task to end. ``timing`` is what
    checks, longest times and ends go by, ``prober`` what asks ports for them.
    """

    def __init__(
        self,
        actor: la.Actor,
        frameworks: Frameworks,
        reports: Reports,
        *,
        containerizer: Containerizer,
        work_directory: str,
        info: Callable[[], AgentInfo],
        executor_options: ExecutorOptions,
        recovery_seconds: float | None,
        total: Callable[[], Resources],
        volumes: Callable[[Resources], tuple[PersistentVolume, ...]],
        notices: Callable[[ContainerID], Notices],
        metrics: AgentMetrics,
        send: Callable[[ExecutorExited], None],
        kill: Callable[[Run, FrameworkEntry, float | None], None],
        prober: Prober,
        timing: Timing,
    ) -> None:
        self._actor = actor
        self._frameworks, self._reports = frameworks, reports
        self._work_directory = work_directory
        self._info, self._total = info, total
        self.commands = Commands(
            actor,
            frameworks,
            reports,
            containerizer=containerizer,
            work_directory=work_directory,
            info=info,
            endpoint=executor_options.endpoint,
            volumes=volumes,
            notices=notices,
            metrics=metrics,
            began=self._began,
            over=self._over,
        )
        self.checks = Checks(
            frameworks,
            reports,
            containerizer=containerizer,
            prober=prober,
            config=lambda run: self.commands.config(run, frameworks.active[run.framework_id].info),
            notices=notices,
            now=timing.now,
            later=timing.check_later,
            answer=timing.answer,
            kill=kill,
        )
        self.completion = Completion(frameworks, now=timing.now, later=timing.overrun_later, kill=kill)
        self.executors = Executors(
            actor,
            frameworks,
            reports,
            self.commands,
            containerizer=containerizer,
            work_directory=work_directory,
            info=info,
            options=executor_options,
            recovery_seconds=recovery_seconds,
            total=total,
            send=send,
            volumes=volumes,
            notices=notices,
            metrics=metrics,
            later=timing.end_later,
            kill=kill,
        )
        self._launches = Launches()

    def __len__(self) -> int:
        return len(self.commands) + len(self.executors)

    def pass_over(self, epoch: int, number: int) -> None:
        """No launch up to that number is to be taken from now on."""
        self._launches.pass_over(epoch, number)

    def run_task(self, message: RunTask) -> None:
        """Launch a task, or say why not."""
        if not self._is_new(message):
            return
        framework_id, task_id = message.framework.id, message.task.task_id
        if self._info().id is None or not isinstance(framework_id, str) or not isinstance(task_id, str):
            text = "%s: ignored task %r of framework %r: an id is missing or no text"
            log.error(text, self._actor.pid, task_id, framework_id)
            return
        entry = self._frameworks.open(framework_id, message.framework)
        executor = message.task.executor
        if self._reports.refuse_repeated(framework_id, entry, message.task):
            if executor is not None and message.starts_executor:
                self.executors.tell_absence(framework_id, executor.executor_id)
            return
        if executor is not None:
            is_first, role = message.starts_executor, message.role
            self.executors.launch(framework_id, executor, (message.task,), role=role, starts=is_first, is_group=False)
            return
        report = self._reports.report
        if ExecutorID(task_id) in entry.executors:  # that of a command, with its sandbox, bears the id of the task
            text = f"Task {task_id} was not launched: an executor of that id, of its framework, is on this agent"
            report(framework_id, task_id, refusal(dropped_state(entry.info), Reason.REASON_TASK_INVALID, text))
            return
        try:
            run = self._admit(message.task, framework_id, message.role)
            self._frameworks.begin(entry, run)
        except Exception as error:
            self.commands.fail(framework_id, task_id, error)
        else:
            self.commands.launch(run, entry)

    def run_group(self, message: RunGroup) -> None:
        """Have an executor run a group, or say why not."""
        framework_id = message.framework.id
        if self._info().id is None or framework_id is None or not self._is_new(message):
            return
        entry = self._frameworks.open(framework_id, message.framework)
        executor, tasks = message.executor, message.group.tasks
        repeated = {task.task_id for task in tasks if self._reports.refuse_repeated(framework_id, entry, task)}
        if not repeated:
            is_first, role = message.starts_executor, message.role
            self.executors.launch(framework_id, executor, tasks, role=role, starts=is_first, is_group=True)
            return
        text = f"launch group: task {min(repeated)} of the group, which is launched as a whole, was not launched"
        report = refusal(dropped_state(entry.info), Reason.REASON_TASK_GROUP_INVALID, text)
        for task in tasks:
            if task.task_id not in repeated:
                self._reports.report(framework_id, task.task_id, report)
        if message.starts_executor:
            self.executors.tell_absence(framework_id, executor.executor_id)
        self._reports.retire(framework_id)

    def started(self, container_id: ContainerID) -> None:
        """The command of a container runs, of a task or an executor, which will say so by itself."""
        self.commands.started(container_id)

    def ended(self, container_id: ContainerID, termination: Termination) -> None:
        """A container has ended, and its task with it, or an executor with its tasks; or one that only asked a task."""
        if self.checks.ended(container_id, termination) or self.executors.ended(container_id, termination):
            return
        run = self.commands.ended(container_id, termination)
        if run.execution is not None:
            self.executors.task_ended(run)

    def _began(self, run: Run) -> None:
        self.checks.begin(run)
        self.completion.begin(run)

    def _over(self, run: Run) -> None:
        self.checks.end(run)
        self.completion.end(run)

    def end(self, container_id: ContainerID) -> None:
        """The grace of a kill is over, or the time in which an executor was to subscribe."""
        self.executors.due(container_id)
        self.commands.end(container_id)

    def _is_new(self, message: RunTask | RunGroup) -> bool:
        """Whether a launch has not come before."""
        is_new = self._launches.take(message.epoch, message.number)
        if not is_new:
            text = "%s: ignored launch %d: it came twice, or after it was asked about"
            log.warning(text, self._actor.pid, message.number)
        return is_new

    def _admit(self, task: TaskInfo, framework_id: FrameworkID, role: str) -> Run:
        """The run of a task that there is room for; raises InvalidRequest, or InsufficientResources."""
        agent_id = self._info().id
        assert agent_id is not None
        container_id = new_container_id()
        sandbox = sandbox_path(self._work_directory, agent_id, framework_id, task.task_id, container_id)
        self._frameworks.check_room(f"task {task.task_id}", task.resources, self._total())
        return Run(task, framework_id, container_id, sandbox, role)
