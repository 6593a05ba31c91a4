"""Agent: the actor that runs the tasks of one machine on behalf of a master."""

# Who calls: a composition root spawns it; its master posts the messages of model/messages.py; the launcher's thread
#   tells it when a container has ended.
# A task goes: RunTask -> sandbox -> launch -> STARTING, RUNNING -> (kill, grace, kill) -> exit -> terminal status ->
#   acknowledged -> completed. Every status goes through the StatusUpdateManager, except the refusal of a second task
#   of an id that is in use: it must not end the stream of the first.
# Invariants: 1. only the master that was given is heeded.    2. ``_running`` holds exactly the runs whose container has
#   been started and has not ended.    3. when the actor has stopped, its tasks have.
# When the master goes, tasks run on and their statuses are kept; coming back to a master is not provided yet.
# Source: Mesos src/slave/slave.cpp (doReliableRegistration, run, killTask, statusUpdate, shutdownFramework).

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import libactor as la
from mesoslite.model import (
    TASK_KILLING_STATE,
    AgentID,
    AgentInfo,
    AgentRegistered,
    AgentSnapshot,
    ContainerID,
    FrameworkID,
    InsufficientResources,
    InvalidRequest,
    KillTask,
    Launcher,
    NotFound,
    Reason,
    RegisterAgent,
    Resources,
    RunTask,
    ShutdownAgent,
    ShutdownFramework,
    StatusUpdate,
    StatusUpdateAcknowledgement,
    TaskID,
    TaskInfo,
    TaskState,
    UnregisterAgent,
    constants,
)

from .runs import FrameworkEntry, Frameworks, Run, kill_grace
from .sandbox import make_sandbox, sandbox_path
from .status_updates import StatusUpdateManager
from .statuses import (
    KILLING,
    RUNNING,
    STARTING,
    Report,
    dropped_state,
    exit_report,
    launch_failure,
    make_status,
    refusal,
)
from .task_environment import task_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import Attribute, FrameworkInfo, MasterMessage

log = logging.getLogger("mesoslite")


class Agent(la.Actor):
    """Offers ``resources`` to ``master`` and runs what it sends, in sandboxes below ``work_dir``.

    ``hostname`` and ``port`` are what it says of itself; it opens no port. ``launcher`` starts its containers and is
    closed with it. ``id`` names the actor, ``slave(1)``, ``slave(2)``, … if left out. When it stops it ends all its
    tasks and tells its master that it has left; sandboxes stay.
    """

    def __init__(
        self,
        master: la.PID[Any],
        *,
        resources: Resources,
        work_dir: Path,
        launcher: Launcher,
        hostname: str = "localhost",
        port: int = 0,
        attributes: tuple[Attribute, ...] = (),
        id: str | None = None,
    ) -> None:
        super().__init__(id or la.generate_id("slave"))
        self._master: la.PID[Any] | None = master  # None once it has gone
        self._info = AgentInfo(hostname=hostname, port=port, resources=resources, attributes=attributes)
        self._work_directory = work_dir.absolute()
        self._launcher = launcher
        self._frameworks = Frameworks()
        self._running: dict[ContainerID, Run] = {}
        self._updates = StatusUpdateManager(
            self._forward,
            lambda seconds, framework, task: la.delay(seconds, self.pid, Agent._retry_update, framework, task),
        )
        self._registered: la.Promise[AgentID] = la.Promise()
        self._registration_wait_seconds: float = constants.REGISTRATION_RETRY_SECONDS
        self._registration_timer: la.Timer | None = None  # set from the first attempt on

    def on_start(self) -> None:
        """Make the work directory and register; raises OSError if it cannot be made."""
        self._start_time = self.runtime.clock.now()
        self._work_directory.mkdir(parents=True, exist_ok=True)
        if self._master is not None:
            la.link(self._master)
        self._register()

    def on_stop(self) -> None:
        """End every task, then take leave of the master; it hears of a failure by its link, with the reason."""
        self._stop_registering()
        self._updates.pause()
        try:
            self._launcher.close()
        finally:
            if self._master is not None and self._info.id is not None and self._stop_reason() is None:
                la.post(self._master, UnregisterAgent(self._info.id))

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        """The master has gone: tasks run on, what there is to say of them is kept."""
        log.warning("%s: master %s has gone (%s); %d tasks run on", self.pid, pid, reason, len(self._running))
        self._master = None
        self._stop_registering()
        self._updates.pause()

    def ping(self) -> None:
        """Nothing; that the answer comes is the answer."""

    def state(self) -> AgentSnapshot:
        """What the agent knows: dispatch it."""
        return AgentSnapshot(
            info=self._info,
            pid=str(self.pid),
            master=str(self._master) if self._master is not None else None,
            start_time=self._start_time,
            frameworks=tuple([entry.snapshot() for entry in self._frameworks.active.values()]),
            completed_frameworks=tuple([entry.snapshot() for entry in self._frameworks.completed.values()]),
        )

    # Registration

    def wait_registered(self) -> la.Future[AgentID]:
        """The id, once the master has given one: dispatch it."""
        return self._registered.future

    def _register(self) -> None:
        """Ask to join, again and again until the answer has come."""
        if self._master is None or self._info.id is not None:
            return  # the answer, or the master's end, was ahead of this call in the mailbox
        la.post(self._master, RegisterAgent(self._info))
        wait = self._registration_wait_seconds
        self._registration_timer = la.delay(wait, self.pid, Agent._register)
        self._registration_wait_seconds = min(2 * wait, constants.REGISTRATION_RETRY_SECONDS_MAX)

    def _stop_registering(self) -> None:
        if self._registration_timer is not None:
            self._registration_timer.cancel()

    @la.handles(AgentRegistered)
    def registered(self, message: AgentRegistered, sender: la.PID[Any] | None) -> None:
        """Take the id; a second one is ignored, for sandboxes and tasks go by the first."""
        if not self._heeds(message, sender):
            return
        if self._info.id is None:
            self._info = msgspec.structs.replace(self._info, id=message.agent_id)
            self._stop_registering()
            self._registered.set(message.agent_id)
            log.info("%s: registered as %s with %s", self.pid, message.agent_id, sender)
        elif self._info.id != message.agent_id:
            log.warning("%s: ignored a second id, %s; it is %s", self.pid, message.agent_id, self._info.id)

    # Tasks: start and end

    @la.handles(RunTask)
    def run_task(self, message: RunTask, sender: la.PID[Any] | None) -> None:
        """Launch a task, or say why not."""
        if not self._heeds(message, sender):
            return
        framework_id, task_id = message.framework.id, message.task.task_id
        if self._info.id is None or not isinstance(framework_id, str) or not isinstance(task_id, str):
            log.error(
                "%s: ignored task %r of framework %r: an id is missing or no text", self.pid, task_id, framework_id
            )
            return
        entry = self._frameworks.open(framework_id, message.framework)
        try:
            if self._refuse_repeated(framework_id, entry, message.task):
                return
            run = self._admit(message.task, framework_id)
            entry.runs[task_id] = run
            self._start(run, entry.info)
        except (InvalidRequest, InsufficientResources) as error:
            self._report(framework_id, task_id, refusal(TaskState.TASK_ERROR, Reason.REASON_TASK_INVALID, str(error)))
        except Exception as error:  # a value of a wrong type, say: it fails this task, not all of the agent's
            if not isinstance(error, (OSError, NotFound)):
                log.exception("%s: task %s of framework %s could not be started", self.pid, task_id, framework_id)
            self._report(framework_id, task_id, launch_failure(error))
        else:
            self._running[run.container_id] = run
            self._report(framework_id, task_id, STARTING)
            self._report(framework_id, task_id, RUNNING)

    def _admit(self, task: TaskInfo, framework_id: FrameworkID) -> Run:
        """The run of a task that there is room for; raises InvalidRequest, or InsufficientResources."""
        container_id = ContainerID(str(la.random_uuid()))
        sandbox = sandbox_path(self._work_directory, self._agent_id(), framework_id, task.task_id, container_id)
        self._frameworks.check_room(task, self._info.resources)
        return Run(task, framework_id, container_id, sandbox)

    def _start(self, run: Run, framework: FrameworkInfo) -> None:
        environment = task_environment(run.task, framework, self._info, str(self.pid), run.sandbox)
        make_sandbox(run.sandbox, self._work_directory)
        run.container = self._launcher.launch(
            run.container_id,
            framework.user,
            run.task.command,
            run.sandbox,
            environment,
            self._exit_notice(run.container_id),
        )

    def _exit_notice(self, container_id: ContainerID) -> Callable[[int | None], None]:
        pid = self.pid
        return lambda exit_status: la.tell(pid, Agent._container_exited, container_id, exit_status)

    def _container_exited(self, container_id: ContainerID, exit_status: int | None) -> None:
        run = self._running.pop(container_id)
        was_killed = run.kill_timer is not None
        if run.kill_timer is not None:
            run.kill_timer.cancel()
        run.container = None
        self._report(run.framework_id, run.task.task_id, exit_report(exit_status, was_killed))

    @la.handles(KillTask)
    def kill_task(self, message: KillTask, sender: la.PID[Any] | None) -> None:
        """Ask a task to end, and kill it when the grace is over; a later kill may only shorten the grace."""
        if not self._heeds(message, sender):
            return
        try:
            self._kill_task(message)
        except Exception:  # a value of a wrong type, say: the agent and all its tasks must not end with it
            log.warning("%s: ignored %r, which it cannot act on", self.pid, message, exc_info=True)

    def _kill_task(self, message: KillTask) -> None:
        entry = self._frameworks.active.get(message.framework_id)
        if entry is None:
            log.warning(
                "%s: ignored the kill of task %s: framework %s has no tasks here",
                self.pid,
                message.task_id,
                message.framework_id,
            )
            return
        run = entry.runs.get(message.task_id)
        if run is not None and run.container is not None:
            self._kill(run, entry, message.grace_seconds)
        elif self._updates.latest_state(message.framework_id, message.task_id) is None:
            text = f"Task {message.task_id} is not known to the agent, so there is nothing to kill"
            report = refusal(dropped_state(entry.info), Reason.REASON_EXECUTOR_TERMINATED, text)
            self._report(message.framework_id, message.task_id, report)
        else:
            log.info("%s: task %s to be killed has ended; its last status is under way", self.pid, message.task_id)

    def _kill(self, run: Run, entry: FrameworkEntry, grace_seconds: float | None) -> None:
        assert run.container is not None
        grace = kill_grace(grace_seconds, run.task.kill_grace_seconds)
        timer = la.delay(grace, self.pid, Agent._end_container, run.container_id)
        if run.kill_timer is None:
            run.kill_timer = timer
            if TASK_KILLING_STATE in entry.info.capabilities:
                self._report(run.framework_id, run.task.task_id, KILLING)
            run.container.terminate()
        elif timer.deadline_ns < run.kill_timer.deadline_ns:
            run.kill_timer.cancel()
            run.kill_timer = timer
        else:
            timer.cancel()

    def _end_container(self, container_id: ContainerID) -> None:
        """The grace of a kill is over."""
        run = self._running.get(container_id)
        if run is not None and run.container is not None:
            run.container.kill()

    @la.handles(ShutdownFramework)
    def shutdown_framework(self, message: ShutdownFramework, sender: la.PID[Any] | None) -> None:
        """End every task of a framework; its statuses go nowhere any more."""
        if not self._heeds(message, sender):
            return
        entry = self._frameworks.active.get(message.framework_id)
        if entry is None or entry.is_leaving:
            return
        entry.is_leaving = True
        self._updates.close(message.framework_id)
        for run in list(entry.runs.values()):
            if run.container is None:
                self._complete(message.framework_id, run.task.task_id)
            else:
                self._kill(run, entry, None)
        self._retire(message.framework_id)

    @la.handles(ShutdownAgent)
    def shutdown(self, message: ShutdownAgent, sender: la.PID[Any] | None) -> None:
        """Stop, and every task with it."""
        if self._heeds(message, sender):
            log.warning("%s: shut down by its master: %s", self.pid, message.message)
            la.terminate(self.pid)

    # Statuses

    def _report(self, framework_id: FrameworkID, task_id: TaskID, report: Report) -> None:
        """Make a status, record it with its run, and have it delivered unless the framework is leaving."""
        entry = self._frameworks.active[framework_id]
        status = make_status(report, task_id, self._agent_id(), self.runtime.clock.now(), la.random_uuid().bytes)
        run = entry.runs.get(task_id)
        if run is not None:
            run.record(status)
        if not entry.is_leaving:
            self._updates.update(framework_id, status)
        elif status.state.is_terminal:
            self._complete(framework_id, task_id)

    @la.handles(StatusUpdateAcknowledgement)
    def acknowledged(self, message: StatusUpdateAcknowledgement, sender: la.PID[Any] | None) -> None:
        """Go on with the next status of that task; after the last one the task is completed."""
        if not self._heeds(message, sender):
            return
        if message.agent_id != self._info.id:
            log.warning("%s: ignored an acknowledgement for agent %s", self.pid, message.agent_id)
            return
        status = self._updates.acknowledge(message.framework_id, message.task_id, message.uuid)
        if status is not None and status.state.is_terminal:
            self._complete(message.framework_id, message.task_id)

    def _complete(self, framework_id: FrameworkID, task_id: TaskID) -> None:
        """Nothing is left to do for a task; the refused ones never had a run."""
        entry = self._frameworks.active[framework_id]
        run = entry.runs.pop(task_id, None)
        if run is not None:
            entry.completed.append(run)
        self._retire(framework_id)

    def _retire(self, framework_id: FrameworkID) -> None:
        """Retire a framework of which nothing runs and nothing is under way."""
        entry = self._frameworks.active.get(framework_id)
        if entry is not None and not entry.runs and not self._updates.has_streams(framework_id):
            self._frameworks.complete(framework_id)

    def _retry_update(self, framework_id: FrameworkID, task_id: TaskID) -> None:
        self._updates.retry(framework_id, task_id)

    def _forward(self, update: StatusUpdate) -> None:
        if self._master is not None:
            la.post(self._master, update)

    # Checks

    def _heeds(self, message: MasterMessage, sender: la.PID[Any] | None) -> bool:
        """Whether ``message`` comes from the master; what others send is logged and goes no further."""
        if sender is not None and sender == self._master:
            return True
        log.warning("%s: ignored %s from %s; its master is %s", self.pid, type(message).__name__, sender, self._master)
        return False

    def _refuse_repeated(self, framework_id: FrameworkID, entry: FrameworkEntry, task: TaskInfo) -> bool:
        """Refuse a task whose id is in use, or whose framework is leaving; whether it was.

        The refusal is sent once and past the streams: with the newest state of the task that has the id, it leaves
        that task's record at the master as it is.
        """
        latest = self._updates.latest_state(framework_id, task.task_id)
        if entry.is_leaving:
            reason, text = Reason.REASON_FRAMEWORK_REMOVED, "its framework is being shut down on this agent"
        elif latest is not None:
            reason, text = Reason.REASON_TASK_INVALID, "its id is in use on this agent; wait for the end of that task"
        else:
            return False
        report = refusal(dropped_state(entry.info), reason, f"Task {task.task_id} was not launched: {text}")
        status = make_status(report, task.task_id, self._agent_id(), self.runtime.clock.now(), None)
        log.warning("%s: %s", self.pid, report.message)
        self._forward(StatusUpdate(framework_id=framework_id, status=status, latest_state=latest or report.state))
        return True

    def _agent_id(self) -> AgentID:
        assert self._info.id is not None, "no task comes here before the agent has its id"
        return self._info.id
