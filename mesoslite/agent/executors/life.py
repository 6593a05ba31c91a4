"""Executors: started with the first task that names them, given tasks, asked to end, and over when their process is."""

# Who calls: running.py and kills.py of the agent, inside the agent actor, which also lends the timers.
# An executor that has not subscribed in time is killed, and so is one that was asked to end and has not; how its tasks
#   go meanwhile is its own business, and what it says of them is in line.py.
# Whether an executor is to be started is what the master counts with: where it is mistaken, its tasks are dropped.
# Invariant: ``_executions`` holds exactly those whose container has been started and has not ended.
# One of type DEFAULT is no program: groups.py runs its tasks, and it ends with the last of them.
# Source: Mesos src/slave/slave.cpp (__run, killTask, _shutdownExecutor, registerExecutorTimeout, executorTerminated).

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import libactor as la
from mesoslite.model import (
    NOTHING,
    ContainerConfig,
    ContainerID,
    ExecutorExited,
    InsufficientResources,
    InvalidRequest,
    NotFound,
    Reason,
    TaskState,
    executor_command,
    task_inability,
)
from mesoslite.model.executor_events import EndExecutor, EndTask

from ..container_ids import new_container_id
from ..runs import Run
from ..sandbox import make_sandbox, sandbox_path
from ..statuses import (
    CLEAN,
    drained_report,
    dropped_state,
    executor_end_report,
    launch_failure,
    refusal,
)
from .environment import executor_environment
from .execution import Batch, Execution, Phase
from .groups import Groups, group_runs
from .holdings import holdings, said
from .verdicts import lateness, verdict_report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mesoslite.model import (
        AgentInfo,
        Container,
        Containerizer,
        ExecutorID,
        ExecutorInfo,
        FrameworkID,
        FrameworkInfo,
        PersistentVolume,
        Resources,
        TaskInfo,
        Termination,
    )

    from ..commands import Commands
    from ..metrics import AgentMetrics
    from ..notices import Notices
    from ..reports import Reports
    from ..runs import FrameworkEntry, Frameworks
    from ..statuses import Report
    from .options import ExecutorOptions

log = logging.getLogger("mesoslite")


class Executors:
    """The executors of one agent; the arguments are as of Running.

    ``later(seconds, container)`` has ``due(container)`` called in so many seconds.
    """

    def __init__(
        self,
        actor: la.Actor,
        frameworks: Frameworks,
        reports: Reports,
        commands: Commands,
        *,
        containerizer: Containerizer,
        work_directory: str,
        info: Callable[[], AgentInfo],
        options: ExecutorOptions,
        recovery_seconds: float | None,
        total: Callable[[], Resources],
        send: Callable[[ExecutorExited], None],
        volumes: Callable[[Resources], tuple[PersistentVolume, ...]],
        notices: Callable[[ContainerID], Notices],
        metrics: AgentMetrics,
        later: Callable[[float, ContainerID], la.Timer],
        kill: Callable[[Run, FrameworkEntry, float | None], None],
    ) -> None:
        self._actor = actor
        self._frameworks = frameworks
        self._reports = reports
        self._containerizer = containerizer
        self._work_directory = work_directory
        self._info = info
        self._options = options
        self._recovery_seconds = recovery_seconds
        self._total = total
        self._send = send
        self._volumes = volumes
        self._notices = notices
        self._metrics = metrics
        self._later = later
        self.groups = Groups(
            commands, kill=kill, end=lambda execution: self._end(execution, executor_end_report(CLEAN), 0)
        )
        self._executions: dict[ContainerID, Execution] = {}

    def __len__(self) -> int:
        return len(self._executions)

    # ---- tasks ----

    def launch(
        self,
        framework_id: FrameworkID,
        info: ExecutorInfo,
        tasks: Sequence[TaskInfo],
        *,
        role: str,
        starts: bool,
        is_group: bool,
    ) -> None:
        """Have an executor, which is to be started if it ``starts``, run tasks, all or none; or say why not."""
        entry = self._frameworks.active[framework_id]
        execution = entry.executors.get(info.executor_id)
        try:
            _check_abilities(info, tasks)
            if starts is not (execution is None) or (execution is not None and not execution.takes_tasks):
                self._drop(framework_id, info.executor_id, execution, tasks, starts)
                return
            self._check_room(info, tasks, starts)
            execution = execution or self._make(framework_id, info, role)
            runs = _make_runs(execution, tasks, is_group)
            if execution.container is not None:  # there is room for tasks before they come
                self._containerizer.update(self._config(execution, entry.info, runs))
        except (InvalidRequest, InsufficientResources, OSError) as error:
            reason = Reason.REASON_TASK_GROUP_INVALID if is_group else Reason.REASON_TASK_INVALID
            is_refusal = not isinstance(error, OSError)
            report = refusal(TaskState.TASK_ERROR, reason, str(error)) if is_refusal else launch_failure(error)
            self._refuse(framework_id, tasks, report)
            if starts:
                self.tell_absence(framework_id, info.executor_id)
            return
        if starts:
            self._frameworks.begin_execution(entry, execution)
        for run in runs:
            self._frameworks.begin(entry, run)
        batch = Batch(tuple(runs), is_group)
        execution.enter(batch)
        execution.give(batch)
        if starts:
            self._start(entry, execution)
        if execution.is_default:
            self.groups.launch(entry, execution)

    def resize(self, execution: Execution) -> None:
        """Its tasks have become fewer: let its container use as much as they hold with it."""
        if execution.container is None:
            return
        try:
            info = self._frameworks.active[execution.framework_id].info
            self._containerizer.update(self._config(execution, info))
        except (InvalidRequest, OSError) as error:
            text = "%s: the container of executor %s keeps what it had: %s"
            log.warning(text, self._actor.pid, execution.info.executor_id, error)

    def task_ended(self, run: Run) -> None:
        """A task that the agent runs by itself for an executor has ended."""
        self.groups.ended(self._frameworks.active[run.framework_id], run)

    def kill(self, run: Run, entry: FrameworkEntry, grace_seconds: float | None) -> None:
        """Have the executor of a run end it; one that waits to be sent, with its group, never begins."""
        execution = run.execution
        assert execution is not None
        batch = execution.queued_with(run)
        if batch is not None:
            execution.queued.remove(batch)
            text = "Killed before delivery to the executor"
            report = refusal(TaskState.TASK_KILLED, Reason.REASON_TASK_KILLED_DURING_LAUNCH, text)
            for each in batch.runs:
                ended = report if each.drain is None else drained_report(report, each.drain, entry.info)
                self._reports.report(each.framework_id, each.task.task_id, ended)
            self.resize(execution)
            self.end_idle(execution)
        elif not run.state.is_terminal and not execution.send(EndTask(run.task.task_id, grace_seconds)):
            text = "%s: executor %s is not connected, and was not told to end task %s"
            log.warning(text, self._actor.pid, execution.info.executor_id, run.task.task_id)

    def _drop(
        self,
        framework_id: FrameworkID,
        executor_id: ExecutorID,
        execution: Execution | None,
        tasks: Sequence[TaskInfo],
        starts: bool,
    ) -> None:
        if execution is None:
            text = f"Executor {executor_id} has ended"
        elif execution.takes_tasks:
            text = f"Executor {executor_id}, which was to be started, runs already"
        else:
            text = f"Executor {executor_id} {execution.phase.value}"
        state = dropped_state(self._frameworks.active[framework_id].info)
        self._refuse(framework_id, tasks, refusal(state, Reason.REASON_EXECUTOR_TERMINATED, text))
        if starts:
            self.tell_absence(framework_id, executor_id)

    def _refuse(self, framework_id: FrameworkID, tasks: Sequence[TaskInfo], report: Report) -> None:
        for task in tasks:
            self._reports.report(framework_id, task.task_id, report)

    # ---- start and end ----

    def _check_room(self, info: ExecutorInfo, tasks: Sequence[TaskInfo], starts: bool) -> None:
        """Raises: InsufficientResources."""
        wanted = sum([task.resources for task in tasks], info.resources if starts else NOTHING)
        self._frameworks.check_room(f"executor {info.executor_id} with its tasks", wanted, self._total())

    def _make(self, framework_id: FrameworkID, info: ExecutorInfo, role: str) -> Execution:
        agent_id = self._info().id
        assert agent_id is not None
        container_id = new_container_id()
        sandbox = sandbox_path(self._work_directory, agent_id, framework_id, info.executor_id, container_id)
        return Execution(info, framework_id, role, container_id, sandbox)

    def _start(self, entry: FrameworkEntry, execution: Execution) -> None:
        info, container_id = execution.info, execution.container_id
        try:
            make_sandbox(execution.sandbox, self._work_directory)
            config = self.config(execution, entry.info)
            if config is None:
                execution.phase = Phase.RUNNING
                return
            execution.container = self._containerizer.launch(config, self._notices(container_id))
        except Exception as error:  # a value of a wrong type, say: it fails this executor, not all of the agent's
            if not isinstance(error, (OSError, NotFound)):
                text = "%s: executor %s of framework %s could not be started"
                log.exception(text, self._actor.pid, info.executor_id, execution.framework_id)
            self._metrics.launch_errors.value += 1
            self._end(execution, launch_failure(error), None)
        else:
            self._executions[container_id] = execution
            execution.set_timer(self._later(self._options.registration_seconds, container_id))

    def config(self, execution: Execution, framework: FrameworkInfo) -> ContainerConfig | None:
        """What its container is to be, or is; None, if it has none. Raises: InvalidRequest."""
        return None if executor_command(execution.info) is None else self._config(execution, framework)

    def _config(self, execution: Execution, framework: FrameworkInfo, more: Sequence[Run] = ()) -> ContainerConfig:
        """As ``config`` of one that is a program, which is given ``more`` tasks."""
        info, sandbox = execution.info, execution.sandbox
        command = executor_command(info)
        assert command is not None
        variables = executor_environment(
            info, framework, self._info(), str(self._actor.pid), sandbox, self._options, self._recovery_seconds
        )
        resources, limits = holdings(execution, more)
        return ContainerConfig(
            container_id=execution.container_id,
            user=command.user or framework.user,
            command=command,
            sandbox=sandbox,
            environment=tuple(variables.items()),
            resources=resources,
            limits=limits,
            container=info.container,
            volumes=self._volumes(said(execution, more) if resources.others else resources),
            is_checkpointed=self._frameworks.checkpoints.keeps(framework),
        )

    def adopt(self, execution: Execution, container: Container | None, seconds: float) -> None:
        """Go on with one that was started in an earlier life, and has ``seconds`` to subscribe; None: it is gone."""
        execution.container = container
        self._executions[execution.container_id] = execution
        if container is None:
            return
        if execution.phase is Phase.TERMINATING:
            container.kill()
        else:
            wait = seconds if execution.is_returning else self._options.registration_seconds
            execution.set_timer(self._later(wait, execution.container_id))

    def find(self, container_id: ContainerID) -> Execution | None:
        """The executor whose container has that id, and has not ended."""
        return self._executions.get(container_id)

    def due(self, container_id: ContainerID) -> None:
        """The time is over in which an executor was to subscribe, or to end."""
        execution = self._executions.get(container_id)
        if execution is None or execution.phase is Phase.RUNNING:
            return
        if execution.phase is Phase.REGISTERING:
            info = self._frameworks.active[execution.framework_id].info
            execution.verdict = lateness(execution, info, self._options.registration_seconds)
            place = (execution.info.executor_id, execution.container_id)
            self._frameworks.checkpoints.executor_condemned(info, *place, execution.verdict)
        self._destroy(execution)

    def _destroy(self, execution: Execution) -> None:
        execution.phase = Phase.TERMINATING
        execution.set_timer(None)
        assert execution.container is not None
        execution.container.kill()

    def shut_down(self, execution: Execution) -> None:
        """Ask an executor to end, with all its tasks, and kill it when its grace is over."""
        if not execution.takes_tasks:
            return
        log.info("%s: executor %s is shut down", self._actor.pid, execution.info.executor_id)
        execution.phase = Phase.TERMINATING
        grace = self._options.grace_of(execution.info)
        if execution.is_default:
            self.groups.shut_down(self._frameworks.active[execution.framework_id], execution, grace)
            return
        execution.send(EndExecutor())
        execution.set_timer(self._later(grace, execution.container_id))

    def end_idle(self, execution: Execution) -> None:
        """End an executor that never was sent a task, and for which none waits any more."""
        if execution.was_sent or execution.queued:
            return
        if execution.phase is Phase.REGISTERING:
            self._destroy(execution)
        else:
            self.shut_down(execution)

    def ended(self, container_id: ContainerID, termination: Termination) -> bool:
        """The process of an executor has ended, and its tasks with it; False, if the container is of none."""
        execution = self._executions.pop(container_id, None)
        if execution is not None:
            self._metrics.ended(termination.reason)
            verdict = execution.verdict
            report = executor_end_report(termination) if verdict is None else verdict_report(verdict)
            self._end(execution, report, termination.exit_status)
        return execution is not None

    def _end(self, execution: Execution, report: Report, exit_status: int | None) -> None:
        framework_id = execution.framework_id
        entry = self._frameworks.active[framework_id]
        execution.set_timer(None)
        execution.hang_up()
        execution.phase, execution.container, execution.exit_status = Phase.TERMINATED, None, exit_status
        execution.queued.clear()
        for run in [run for run in execution.runs.values() if not run.state.is_terminal]:
            ended = report if run.drain is None else drained_report(report, run.drain, entry.info)
            self._reports.report(framework_id, run.task.task_id, ended)
        self._frameworks.end_execution(entry, execution)
        if not entry.is_leaving:
            self._tell_exit(framework_id, execution.info.executor_id, exit_status)
        self._frameworks.retire_execution(entry, execution)
        self._reports.retire(framework_id)

    def tell_absence(self, framework_id: FrameworkID, executor_id: ExecutorID, exit_status: int | None = None) -> None:
        """Tell the master that an executor, which it counts as started, is not there, unless it is."""
        entry = self._frameworks.active.get(framework_id)
        execution = entry.executors.get(executor_id) if entry is not None else None
        if execution is None or execution.has_ended:
            self._tell_exit(framework_id, executor_id, exit_status)

    def _tell_exit(self, framework_id: FrameworkID, executor_id: ExecutorID, exit_status: int | None) -> None:
        self._send(ExecutorExited(framework_id=framework_id, executor_id=executor_id, exit_status=exit_status))


def _check_abilities(info: ExecutorInfo, tasks: Sequence[TaskInfo]) -> None:
    """Raises: InvalidRequest, for what agents cannot do."""
    executor_command(info)
    for task in tasks:
        problem = task_inability(task)
        if problem is not None:
            raise InvalidRequest(f"launch: task {task.task_id} {problem}")


def _make_runs(execution: Execution, tasks: Sequence[TaskInfo], is_group: bool) -> list[Run]:
    """Raises: InvalidRequest."""
    if execution.is_default:
        runs = group_runs(execution, tasks)
    else:
        place = (execution.framework_id, execution.container_id, execution.sandbox, execution.role, execution)
        runs = [Run(task, *place) for task in tasks]
    execution.batches += 1
    for run in runs:
        run.batch, run.is_group = execution.batches, is_group
    return runs
