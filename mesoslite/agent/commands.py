"""Commands: a task that the agent runs by itself, in a container of its own, is over when that has ended."""

# Who calls: running.py, and executors/groups.py for tasks of groups, inside the agent actor.
# Invariant: ``_running`` holds exactly the runs whose container has been started and has not ended.
# Source: Mesos src/launcher/executor.cpp (launch, reaped).

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from mesoslite.model import (
    ContainerConfig,
    InsufficientResources,
    InvalidRequest,
    NotFound,
    Reason,
    TaskState,
    runnable_command,
)
from mesoslite.model.volume_places import said_resources

from .sandbox import make_sandbox, make_task_sandbox
from .statuses import RUNNING, STARTING, drained_report, end_report, launch_failure, overrun_report, refusal
from .task_environment import task_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    import libactor as la
    from mesoslite.model import (
        AgentInfo,
        Container,
        ContainerID,
        Containerizer,
        FrameworkID,
        FrameworkInfo,
        PersistentVolume,
        Resources,
        TaskID,
        Termination,
    )

    from .metrics import AgentMetrics
    from .notices import Notices
    from .reports import Reports
    from .runs import FrameworkEntry, Frameworks, Run

log = logging.getLogger("mesoslite")


class Commands:
    """The commands that run on one agent; the arguments are as of Running.

    ``began`` is called of each that runs, in this life of the agent, and ``over`` when it has ended.
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
        endpoint: str,
        volumes: Callable[[Resources], tuple[PersistentVolume, ...]],
        notices: Callable[[ContainerID], Notices],
        metrics: AgentMetrics,
        began: Callable[[Run], None],
        over: Callable[[Run], None],
    ) -> None:
        self._actor = actor
        self._frameworks = frameworks
        self._reports = reports
        self._containerizer = containerizer
        self._work_directory = work_directory
        self._info, self._endpoint = info, endpoint
        self._volumes = volumes
        self._notices = notices
        self._metrics = metrics
        self._began = began
        self._over = over
        self._running: dict[ContainerID, Run] = {}

    def __len__(self) -> int:
        return len(self._running)

    def launch(self, run: Run, entry: FrameworkEntry) -> None:
        """Start the command of a run, and say so, or why not."""
        framework_id, task_id = run.framework_id, run.task.task_id
        try:
            self._start(run, entry.info)
        except Exception as error:
            self.fail(framework_id, task_id, error)
        else:
            self._running[run.container_id] = run
            self._tell_start(run)

    def config(self, run: Run, framework: FrameworkInfo) -> ContainerConfig:
        """What its container is to be, or is. Raises: InvalidRequest, for a task that agents cannot run."""
        command = runnable_command(run.task)
        agent_pid = str(self._actor.pid)
        environment = task_environment(
            run.task, run.role, framework, self._info(), agent_pid, run.sandbox, self._endpoint
        )
        return ContainerConfig(
            container_id=run.container_id,
            user=command.user or framework.user,
            command=command,
            sandbox=run.sandbox,
            environment=tuple(environment.items()),
            resources=run.task.resources,
            limits=run.task.limits,
            container=run.task.container,
            parent=run.execution.container_id if run.execution is not None else None,
            volumes=self._volumes(said_resources(run.task)),
            is_checkpointed=self._frameworks.checkpoints.keeps(framework),
        )

    def adopt(self, run: Run, container: Container | None) -> None:
        """Go on with a run that was launched in an earlier life; None: its container has left no trace."""
        run.container = container
        self._running[run.container_id] = run
        if container is not None:
            self._tell_start(run)

    def _tell_start(self, run: Run) -> None:
        """Say that a command has been started, and runs, as far as that is so and was not said."""
        framework_id, task_id = run.framework_id, run.task.task_id
        if run.state is TaskState.TASK_STAGING:
            self._reports.report(framework_id, task_id, STARTING)
        if run.container is None or not run.container.has_started:
            return
        if run.state is TaskState.TASK_STARTING:
            self._reports.report(framework_id, task_id, RUNNING)
        self._began(run)

    def fail(self, framework_id: FrameworkID, task_id: TaskID, error: Exception) -> None:
        """Say why a task was not started; a value of a wrong type, say, fails it, and not all of the agent's."""
        if isinstance(error, (InvalidRequest, InsufficientResources)):
            report = refusal(TaskState.TASK_ERROR, Reason.REASON_TASK_INVALID, str(error))
        else:
            self._metrics.launch_errors.value += 1
            report = launch_failure(error)
            if not isinstance(error, (OSError, NotFound)):
                text = "%s: task %s of framework %s could not be started"
                log.error(text, self._actor.pid, task_id, framework_id, exc_info=error)
        self._reports.report(framework_id, task_id, report)

    def find(self, container_id: ContainerID) -> Run | None:
        """The run whose container has that id, and has not ended."""
        return self._running.get(container_id)

    def started(self, container_id: ContainerID) -> None:
        """The command of a container runs; one that was asked to end meanwhile is past that."""
        run = self._running.get(container_id)
        if run is not None:
            self._tell_start(run)

    def ended(self, container_id: ContainerID, termination: Termination) -> Run:
        """A container has ended, and its task with it: the run of that."""
        run = self._running.pop(container_id)
        self._metrics.ended(termination.reason)
        if run.kill_timer is not None:
            run.kill_timer.cancel()
        run.container = None
        self._over(run)
        report = end_report(termination, run.is_asked_to_end)
        if run.has_overrun and termination.reason is None:
            report = overrun_report(report)
        if run.drain is not None:
            report = drained_report(report, run.drain, self._frameworks.active[run.framework_id].info)
        self._reports.report(run.framework_id, run.task.task_id, report)
        return run

    def end(self, container_id: ContainerID) -> None:
        """The grace of a kill is over."""
        run = self._running.get(container_id)
        if run is not None and run.container is not None:
            run.container.kill()

    def _start(self, run: Run, framework: FrameworkInfo) -> None:
        config = self.config(run, framework)
        if run.execution is None:
            make_sandbox(run.sandbox, self._work_directory)
        else:
            make_task_sandbox(run.sandbox, run.task.task_id)
        run.container = self._containerizer.launch(config, self._notices(run.container_id))
