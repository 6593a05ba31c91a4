"""Agent: the actor that runs the tasks of one machine on behalf of a master."""

# Who calls: a composition root spawns it; its master posts the messages of model/messages.py; the launcher's thread
#   tells it when a container has ended.
# A task goes: RunTask -> sandbox -> launch -> STARTING, RUNNING -> (kill, grace, kill) -> exit -> terminal status ->
#   acknowledged -> completed. Every status goes through the StatusUpdateManager, except the refusal of a second task
#   of an id that is in use: it must not end the stream of the first.
# Invariants: 1. only the master that leads is heeded (registration.py).    2. ``_running`` holds exactly the runs whose
#   container has been started and has not ended.    3. when the actor has stopped, its tasks have.
# When the master goes, tasks run on and their statuses are kept; whoever leads next is told of all of them.
# Source: Mesos src/slave/slave.cpp (doReliableRegistration, run, killTask, statusUpdate, shutdownFramework).

from __future__ import annotations

import itertools
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

import libactor as la
from mesoslite.model import (
    AgentID,
    AgentInfo,
    AgentRegistered,
    AgentReregistered,
    AgentSnapshot,
    ApplyOperation,
    ContainerID,
    Drain,
    ExecutorExited,
    FrameworkID,
    InsufficientResources,
    InvalidRequest,
    KillTask,
    Launcher,
    NotFound,
    OperationAcknowledgement,
    OperationsExpected,
    Ping,
    Pong,
    Reason,
    RegisterAgent,
    Resources,
    RunGroup,
    RunTask,
    ShutdownAgent,
    ShutdownFramework,
    StatusUpdate,
    StatusUpdateAcknowledgement,
    TaskID,
    TaskInfo,
    TaskState,
    UnregisterAgent,
    UpdateFrameworkInfo,
    runnable_command,
    task_inability,
)

from .kills import Kills
from .launches import Launches
from .operations import Operations
from .registration import Registration, Step
from .runs import FrameworkEntry, Frameworks, Run
from .sandbox import make_sandbox, sandbox_path
from .status_updates import StatusUpdateManager
from .statuses import (
    RUNNING,
    STARTING,
    Report,
    drained_report,
    dropped_state,
    exit_report,
    launch_failure,
    make_status,
    refusal,
)
from .task_environment import task_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import (
        Attribute,
        Detector,
        ExecutorInfo,
        FrameworkInfo,
        OperationUpdate,
        Order,
        ReregisterAgent,
        TaskStatus,
        UnconfirmedTask,
    )

log = logging.getLogger("mesoslite")


class Agent(la.Actor):
    """Offers ``resources`` to a master and runs what it sends, in sandboxes below ``work_dir``.

    ``master`` is its address, or a Detector that says who leads.
    ``hostname`` and ``port`` are what it says of itself; it opens no port. ``launcher`` starts its containers and is
    closed with it. ``id`` names the actor, ``slave(1)``, ``slave(2)``, … if left out. When it stops it ends all its
    tasks and tells its master that it has left; sandboxes stay.
    """

    def __init__(
        self,
        master: la.PID[Any] | Detector,
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
        self._info = AgentInfo(hostname=hostname, port=port, resources=resources, attributes=attributes)
        self._work_directory = work_dir.absolute()
        self._launcher = launcher
        self._frameworks = Frameworks()
        self._running: dict[ContainerID, Run] = {}
        self._launches = Launches()
        self._updates = StatusUpdateManager(
            self._send_status,
            now_ns=self._now_ns,
            ring_later=lambda seconds: la.delay(seconds, self.pid, Agent._repeat_updates),
        )
        self._operations = Operations(
            resources,
            forward=self._tell_master,
            retry_later=lambda seconds, uuid: la.delay(seconds, self.pid, Agent._retry_operation, uuid),
            new_uuid=la.random_uuid_bytes,
            used=self._frameworks.used,
        )
        self._kills = Kills(
            self._frameworks,
            self._updates,
            report=self._report,
            later=lambda seconds, container: la.delay(seconds, self.pid, Agent._end_container, container),
        )
        self._registration = Registration(
            self,
            master,
            greeting=self._greeting,
            later=lambda seconds, step: la.delay(seconds, self.pid, Agent._due, step),
            pause=self._pause,
        )
        self._registered: la.Promise[AgentID] = la.Promise()
        self._incarnation = b""  # set once it starts
        self._greetings = itertools.count(1)

    def on_start(self) -> None:
        """Make the work directory and register; raises OSError if it cannot be made."""
        self._clock = self.runtime.clock
        self._start_time = self._clock.now()
        self._incarnation = la.random_uuid_bytes()
        self._random = (
            la.random_stream()
        )  # of the uuids of statuses; to ask the system for each takes ten times as long
        self._work_directory.mkdir(parents=True, exist_ok=True)
        self._registration.start()

    def on_stop(self) -> None:
        """End every task, then take leave of the master; it hears of a failure by its link, with the reason."""
        self._registration.stop()
        self._pause()
        self._operations.pause()
        try:
            self._launcher.close()
        finally:
            if self._info.id is not None and self._stop_reason() is None:
                self._tell_master(UnregisterAgent(self._info.id))

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        """The master has gone: tasks run on, what there is to say of them is kept."""
        self._registration.exited(pid, reason, len(self._running))

    def ping(self) -> None:
        """Nothing; that the answer comes is the answer."""

    def state(self) -> AgentSnapshot:
        """What the agent knows: dispatch it."""
        master = self._registration.master
        return AgentSnapshot(
            info=msgspec.structs.replace(self._info, resources=self._operations.total),
            pid=str(self.pid),
            master=str(master) if master is not None else None,
            start_time=self._start_time,
            frameworks=tuple([entry.snapshot() for entry in self._frameworks.active.values()]),
            completed_frameworks=tuple([entry.snapshot() for entry in self._frameworks.completed.values()]),
        )

    # Registration

    def wait_registered(self) -> la.Future[AgentID]:
        """The id, once the master has given one: dispatch it."""
        return self._registered.future

    def _greeting(self) -> RegisterAgent | ReregisterAgent:
        if self._info.id is None:
            return RegisterAgent(self._info, incarnation=self._incarnation)
        return msgspec.structs.replace(
            self._frameworks.reregistration(self._info, self._operations.total),
            incarnation=self._incarnation,
            number=next(self._greetings),
        )

    def _pause(self) -> None:
        self._updates.pause()
        self._operations.pause()

    def _resume(self) -> None:
        self._updates.resume()
        self._operations.resume()

    def _due(self, step: Step) -> None:
        self._registration.due(step)

    @la.handles(Ping)
    def pinged(self, message: Ping, sender: la.PID[Any] | None) -> None:
        """Answer whoever watches over this agent for the master."""
        if self._registration.pinged(message, sender) and sender is not None:
            la.post(sender, Pong())

    @la.handles(AgentRegistered)
    def registered(self, message: AgentRegistered, sender: la.PID[Any] | None) -> None:
        """Take the id; a second one is ignored, for sandboxes and tasks go by the first."""
        if not self._registration.heeds(message, sender):
            return
        if self._info.id is None:
            self._info = msgspec.structs.replace(self._info, id=message.agent_id)
            self._registration.registered(message.ping_timeout_seconds)
            self._resume()
            self._registered.set(message.agent_id)
            log.info("%s: registered as %s with %s", self.pid, message.agent_id, sender)
        elif self._info.id != message.agent_id:
            log.warning("%s: ignored a second id, %s; it is %s", self.pid, message.agent_id, self._info.id)

    @la.handles(AgentReregistered)
    def reregistered(self, message: AgentReregistered, sender: la.PID[Any] | None) -> None:
        """Go on: send what is under way again, and say which tasks that the master asks about are not here."""
        if not self._obeys(message, sender):
            return
        self._registration.registered(message.ping_timeout_seconds)
        log.info("%s: registered again as %s with %s", self.pid, message.agent_id, sender)
        self._resume()
        self._launches.pass_over(message.epoch, message.launches)
        for task in message.unconfirmed:
            if not self._frameworks.has(task.framework_id, task.task_id):
                self._deny(task)

    def _deny(self, task: UnconfirmedTask) -> None:
        """Say of a task that it is not here, unless its end is under way."""
        if self._updates.latest_state(task.framework_id, task.task_id) is None:
            report = refusal(task.state, Reason.REASON_RECONCILIATION, "Task is unknown to the agent")
            self._updates.update(task.framework_id, self._status(report, task.task_id, self._random.randbytes(16)))

    def _obeys(self, message: Order, sender: la.PID[Any] | None) -> bool:
        """Whether the master has sent a message, and to this agent: it may be late, for one that was here before."""
        if not self._registration.heeds(message, sender):
            return False
        if message.agent_id in (None, self._info.id):
            return True
        log.warning(
            "%s: ignored %s for agent %s; this is %s", self.pid, type(message).__name__, message.agent_id, self._info.id
        )
        return False

    # Tasks: start and end

    @la.handles(RunTask)
    def run_task(self, message: RunTask, sender: la.PID[Any] | None) -> None:
        """Launch a task, or say why not."""
        if not self._obeys(message, sender) or not self._is_new(message):
            return
        framework_id, task_id = message.framework.id, message.task.task_id
        if self._info.id is None or not isinstance(framework_id, str) or not isinstance(task_id, str):
            log.error(
                "%s: ignored task %r of framework %r: an id is missing or no text", self.pid, task_id, framework_id
            )
            return
        entry = self._frameworks.open(framework_id, message.framework)
        self._end_executor(framework_id, message.task.executor if message.starts_executor else None)
        try:
            if self._refuse_repeated(framework_id, entry, message.task):
                return
            run = self._admit(message.task, framework_id, message.role)
            self._frameworks.begin(entry, run)
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

    @la.handles(RunGroup)
    def run_group(self, message: RunGroup, sender: la.PID[Any] | None) -> None:
        """Say why a group is not launched: agents do not run executors yet."""
        framework_id = message.framework.id
        if not self._obeys(message, sender) or self._info.id is None or framework_id is None:
            return
        if not self._is_new(message):
            return
        entry = self._frameworks.open(framework_id, message.framework)
        for task in message.group.tasks:
            if not self._refuse_repeated(framework_id, entry, task):
                text = f"launch group: task {task.task_id} {task_inability(task)}"
                report = refusal(TaskState.TASK_ERROR, Reason.REASON_TASK_GROUP_INVALID, text)
                self._report(framework_id, task.task_id, report)
        self._end_executor(framework_id, message.executor if message.starts_executor else None)
        self._retire(framework_id)

    def _is_new(self, message: RunTask | RunGroup) -> bool:
        """Whether a launch has not come before."""
        is_new = self._launches.take(message.epoch, message.number)
        if not is_new:
            log.warning("%s: ignored launch %d: it came twice, or after it was asked about", self.pid, message.number)
        return is_new

    def _end_executor(self, framework_id: FrameworkID, executor: ExecutorInfo | None) -> None:
        """Tell that an executor is not there, whose resources the master counts as used."""
        if executor is not None:
            self._tell_master(ExecutorExited(framework_id=framework_id, executor_id=executor.executor_id))

    def _admit(self, task: TaskInfo, framework_id: FrameworkID, role: str) -> Run:
        """The run of a task that there is room for; raises InvalidRequest, or InsufficientResources."""
        container_id = ContainerID(str(la.random_uuid()))
        sandbox = sandbox_path(self._work_directory, self._agent_id(), framework_id, task.task_id, container_id)
        self._frameworks.check_room(task, self._operations.total)
        return Run(task, framework_id, container_id, sandbox, role)

    def _start(self, run: Run, framework: FrameworkInfo) -> None:
        command = runnable_command(run.task)
        environment = task_environment(run.task, framework, self._info, str(self.pid), run.sandbox)
        make_sandbox(run.sandbox, self._work_directory)
        run.container = self._launcher.launch(
            run.container_id, framework.user, command, run.sandbox, environment, self._exit_notice(run.container_id)
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
        report = exit_report(exit_status, was_killed)
        if run.drain is not None:
            report = drained_report(report, run.drain, self._frameworks.active[run.framework_id].info)
        self._report(run.framework_id, run.task.task_id, report)

    @la.handles(KillTask)
    @la.handles(Drain)
    def kill(self, message: KillTask | Drain, sender: la.PID[Any] | None) -> None:
        """Ask a task, or all, to end, and kill it when the grace is over; a later kill may only shorten the grace."""
        if not self._obeys(message, sender):
            return
        try:
            self._kills.take(message)
        except Exception:  # a value of a wrong type, say: the agent and all its tasks must not end with it
            log.warning("%s: ignored %r, which it cannot act on", self.pid, message, exc_info=True)

    def _end_container(self, container_id: ContainerID) -> None:
        """The grace of a kill is over."""
        run = self._running.get(container_id)
        if run is not None and run.container is not None:
            run.container.kill()

    @la.handles(UpdateFrameworkInfo)
    def update_framework(self, message: UpdateFrameworkInfo, sender: la.PID[Any] | None) -> None:
        """A framework is back: send it again at once what it has not acknowledged."""
        if self._obeys(message, sender) and message.framework.id is not None:
            self._frameworks.update(message.framework.id, message.framework)
            self._updates.resend(message.framework.id)

    @la.handles(ShutdownFramework)
    def shutdown_framework(self, message: ShutdownFramework, sender: la.PID[Any] | None) -> None:
        """End every task of a framework; its statuses go nowhere any more."""
        if not self._obeys(message, sender):
            return
        self._updates.close(message.framework_id)  # also of tasks that never were here
        entry = self._frameworks.active.get(message.framework_id)
        if entry is None or entry.is_leaving:
            return
        self._frameworks.leave(entry)
        for run in list(entry.runs.values()):
            if run.container is None:
                self._complete(message.framework_id, run.task.task_id)
            else:
                self._kills.kill(run, entry, None)
        self._retire(message.framework_id)

    @la.handles(ShutdownAgent)
    def shutdown(self, message: ShutdownAgent, sender: la.PID[Any] | None) -> None:
        """Stop, and every task with it."""
        if self._obeys(message, sender):
            log.warning("%s: shut down by its master: %s", self.pid, message.message)
            la.terminate(self.pid)

    # Operations

    @la.handles(ApplyOperation)
    @la.handles(OperationAcknowledgement)
    @la.handles(OperationsExpected)
    def operation(
        self, message: ApplyOperation | OperationAcknowledgement | OperationsExpected, sender: la.PID[Any] | None
    ) -> None:
        """Change what the agent has, or hear what the master knows of that."""
        if not self._obeys(message, sender) or self._info.id is None:
            return
        try:
            self._operations.take(message, self._info.id)
        except Exception:  # a value of a wrong type, say: the agent and all its tasks must not end with it
            log.warning("%s: ignored %r, which it cannot act on", self.pid, message, exc_info=True)

    def _retry_operation(self, operation_uuid: bytes) -> None:
        self._operations.retry(operation_uuid)

    # Statuses

    def _report(self, framework_id: FrameworkID, task_id: TaskID, report: Report) -> None:
        """Make a status, record it with its run, and have it delivered unless the framework is leaving."""
        entry = self._frameworks.active[framework_id]
        status = self._status(report, task_id, self._random.randbytes(16))
        run = entry.runs.get(task_id)
        if run is not None:
            self._frameworks.record(entry, run, status)
        if not entry.is_leaving:
            self._updates.update(framework_id, status)
        elif status.state.is_terminal:
            self._complete(framework_id, task_id)

    @la.handles(StatusUpdateAcknowledgement)
    def acknowledged(self, message: StatusUpdateAcknowledgement, sender: la.PID[Any] | None) -> None:
        """Go on with the next status of that task; after the last one the task is completed."""
        if not self._obeys(message, sender):
            return
        status = self._updates.acknowledge(message.framework_id, message.task_id, message.uuid)
        if status is not None and status.state.is_terminal:
            self._complete(message.framework_id, message.task_id)

    def _complete(self, framework_id: FrameworkID, task_id: TaskID) -> None:
        """Nothing is left to do for a task; the refused ones never had a run, those of others no framework."""
        entry = self._frameworks.active.get(framework_id)
        if entry is None:
            return
        run = entry.runs.pop(task_id, None)
        if run is not None:
            entry.completed.append(run)
        self._retire(framework_id)

    def _retire(self, framework_id: FrameworkID) -> None:
        """Retire a framework of which nothing runs and nothing is under way."""
        entry = self._frameworks.active.get(framework_id)
        if entry is not None and not entry.runs and not self._updates.has_streams(framework_id):
            self._frameworks.complete(framework_id)

    def _now_ns(self) -> int:
        return self._clock.now_ns()

    def _repeat_updates(self) -> None:
        self._updates.repeat_due()

    def _send_status(self, update: StatusUpdate) -> None:
        self._frameworks.sent(update.framework_id, update.status)
        self._tell_master(update)

    def _tell_master(self, message: StatusUpdate | OperationUpdate | ExecutorExited | UnregisterAgent) -> None:
        if self._registration.master is not None:
            la.post(self._registration.master, message)

    # Checks

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
        status = self._status(report, task.task_id, None)
        log.warning("%s: %s", self.pid, report.message)
        self._tell_master(StatusUpdate(framework_id=framework_id, status=status, latest_state=latest or report.state))
        return True

    def _status(self, report: Report, task_id: TaskID, uuid: bytes | None) -> TaskStatus:
        return make_status(report, task_id, self._agent_id(), self._clock.now(), uuid)

    def _agent_id(self) -> AgentID:
        assert self._info.id is not None, "no task comes here before the agent has its id"
        return self._info.id
