"""Agent: the actor that runs the tasks of one machine on behalf of a master."""

# Who calls: a composition root spawns it; its master posts the messages of model/messages.py; a thread of
#   the containerizer tells it what becomes of containers.
# A task goes: RunTask -> sandbox -> launch -> STARTING, RUNNING -> (kill, grace, kill) -> exit -> terminal status ->
#   acknowledged -> completed. How it is started and ends is in running.py, what is said of it in reports.py.
# Invariants: 1. only the master that leads is heeded (registration.py).    2. when the actor has stopped, its tasks
#   have.
# When the master goes, tasks run on and their statuses are kept; whoever leads next is told of all of them.
# Source: Mesos src/slave/slave.cpp (doReliableRegistration, run, killTask, statusUpdate, shutdownFramework).

from __future__ import annotations

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
    Containerizer,
    Drain,
    ExecutorExited,
    ExecutorToFramework,
    FrameworkToExecutor,
    KillTask,
    OperationAcknowledgement,
    OperationsExpected,
    Ping,
    Pong,
    RegisterAgent,
    Resources,
    RunGroup,
    RunTask,
    ShutdownAgent,
    ShutdownExecutor,
    ShutdownFramework,
    StatusUpdate,
    StatusUpdateAcknowledgement,
    Termination,
    UnregisterAgent,
    UpdateFrameworkInfo,
)

from .checks import PortProber, Prober
from .garbage import GarbageOptions
from .greetings import Greetings
from .parts import Calls, Parts
from .recovery import RecoveryOptions
from .registration import Registration, Step

if TYPE_CHECKING:
    from mesoslite.model import Attribute, Detector, FaultDomain, OperationUpdate, Order, ReregisterAgent
    from mesoslite.model.container_calls import ContainerCall
    from mesoslite.model.executor_calls import ExecutorCall, ExecutorClaims, ExecutorSubscribe

    from .checks.results import Result
    from .executors import ExecutorOptions

log = logging.getLogger("mesoslite")


class Agent(la.Actor):
    """Offers ``resources`` to a master and runs what it sends, in sandboxes below ``work_dir``.

    ``master`` is its address, or a Detector that says who leads.
    ``hostname``, ``port`` and ``domain`` are what it says of itself; it opens no port. ``containerizer`` makes its
    containers and is closed with it. ``id`` names the actor, ``slave(1)``, ``slave(2)``, … if left out. When it stops
    it ends all its tasks and tells its master that it has left; sandboxes stay. With ``recovery`` tasks of frameworks
    that checkpoint outlive it when it fails, or lets go of them: the next agent in ``work_dir`` goes on as this one.
    ``garbage`` says when sandboxes go that are over; left out, they stay. ``executors`` says how long executors have.
    ``prober`` asks ports of tasks that are checked, by default this machine's; others reach these at ``container_ip``.
    """

    def __init__(
        self,
        master: la.PID[Any] | Detector,
        *,
        resources: Resources,
        work_dir: Path,
        containerizer: Containerizer,
        hostname: str = "localhost",
        port: int = 0,
        attributes: tuple[Attribute, ...] = (),
        domain: FaultDomain | None = None,
        recovery: RecoveryOptions | None = None,
        garbage: GarbageOptions | None = None,
        executors: ExecutorOptions | None = None,
        prober: Prober | None = None,
        container_ip: str = "",
        id: str | None = None,
    ) -> None:
        super().__init__(id or la.generate_id("slave"))
        self._info = AgentInfo(hostname=hostname, port=port, resources=resources, attributes=attributes, domain=domain)
        self._work_directory = work_dir.absolute()
        self._containerizer = containerizer
        calls = Calls(
            repeat_updates=Agent._repeat_updates,
            retry_operation=Agent._retry_operation,
            end_container=Agent._end_container,
            container_started=Agent._container_started,
            container_ended=Agent._container_ended,
            look_for_garbage=Agent._look_for_garbage,
            check_due=Agent._check_due,
            check_answered=Agent._check_answered,
            overrun=Agent._overrun,
        )
        self._parts = Parts(
            self,
            calls,
            resources=resources,
            work_directory=str(self._work_directory),
            containerizer=containerizer,
            recovery=recovery,
            garbage=garbage,
            executor_options=executors,
            info=lambda: self._info,
            send=self._tell_master,
            prober=prober if prober is not None else PortProber(),
            container_ip=container_ip,
        )
        self._frameworks, self._reports = self._parts.frameworks, self._parts.reports
        self._registration = Registration(
            self,
            master,
            greeting=self._greeting,
            later=lambda seconds, step: la.delay(seconds, self.pid, Agent._due, step),
            pause=self._parts.pause,
        )
        self._registered: la.Promise[AgentID] = la.Promise()
        self.is_recovered = self._is_registering = self._lets_go = False

    def on_start(self) -> None:
        """Make the work directory, recover and register.

        Raises: OSError, if it cannot be made; BadCheckpoint and Incompatible, if what is there cannot be gone on with.
        """
        self._start_time = self.runtime.clock.now()
        self._greetings = Greetings(self._frameworks, self._parts.operations, la.random_uuid_bytes())
        self._work_directory.mkdir(parents=True, exist_ok=True)
        parts = self._parts
        parts.begin()
        self._info = parts.recovery.find(self._info)
        parts.recovery.resume(self._info.id)
        self.is_recovered = True
        parts.begin_disk()
        if parts.recovery.is_cleanup:
            log.warning("%s: what an earlier life has left is ended, and so is this one", self.pid)
            la.terminate(self.pid)
        else:
            self._register_once_recovered()

    def _register_once_recovered(self) -> None:
        if not self._is_registering and not self._parts.recovery.is_waiting:
            self._is_registering = True
            self._parts.begin_metrics(lambda: self._registration.is_registered)
            self._registration.start()

    def let_go(self) -> None:
        """Stop, and leave what outlives the agent to whoever begins here anew: dispatch it."""
        self._lets_go = True
        la.terminate(self.pid)

    def on_stop(self) -> None:
        """End every task, then take leave of the master; it hears of a failure by its link, with the reason.

        After a failure, or if it lets go, what outlives the agent runs on.
        """
        self._registration.stop()
        self._parts.end()
        if self._lets_go or self._stop_reason() is not None:
            if self.is_recovered:
                self._containerizer.detach()
            return
        try:
            self._containerizer.close()
        finally:
            self._parts.checkpoints.leave()
            if self._info.id is not None:
                self._tell_master(UnregisterAgent(self._info.id))

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        """The master has gone: tasks run on, what there is to say of them is kept. Or the stream of an executor has."""
        self._registration.exited(pid, reason, len(self._parts.running))
        self._parts.executor_line.lost(pid)

    def ping(self) -> None:
        """Nothing; that the answer comes is the answer."""

    def state(self) -> AgentSnapshot:
        """What the agent knows: dispatch it."""
        return self._parts.snapshot(self._registration.master, self._start_time)

    # Registration

    def wait_registered(self) -> la.Future[AgentID]:
        """The id, once the master has given one: dispatch it."""
        return self._registered.future

    def _greeting(self) -> RegisterAgent | ReregisterAgent:
        return self._greetings.greeting(self._info)

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
            self._parts.checkpoints.agent(self._info)
            self._registration.registered(message.ping_timeout_seconds)
            self._parts.resume()
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
        self._registered.set(message.agent_id)
        log.info("%s: registered again as %s with %s", self.pid, message.agent_id, sender)
        self._parts.resume()
        self._parts.running.pass_over(message.epoch, message.launches)
        for task in message.unconfirmed:
            if not self._frameworks.has(task.framework_id, task.task_id):
                self._reports.deny(task)
        for executor in message.executors:
            ids = (executor.framework_id, executor.executor_id)
            self._parts.running.executors.tell_absence(*ids, self._frameworks.exit_status(*ids))

    def _obeys(self, message: Order, sender: la.PID[Any] | None) -> bool:
        """Whether the master has sent a message, and to this agent: it may be late, for one that was here before."""
        if not self._registration.heeds(message, sender):
            return False
        agent_id = message.agent_id
        if agent_id is None or agent_id == self._info.id:
            return True
        log.warning(
            "%s: ignored %s for agent %s; this is %s", self.pid, type(message).__name__, message.agent_id, self._info.id
        )
        return False

    # Tasks: start and end

    @la.handles(RunTask)
    def run_task(self, message: RunTask, sender: la.PID[Any] | None) -> None:
        """Launch a task, or say why not."""
        if self._obeys(message, sender) and self._registration.was_registered:
            self._parts.running.run_task(message)

    @la.handles(RunGroup)
    def run_group(self, message: RunGroup, sender: la.PID[Any] | None) -> None:
        """Have an executor run a group of tasks, or say why not."""
        if self._obeys(message, sender) and self._registration.was_registered:
            self._parts.running.run_group(message)

    def _container_started(self, container_id: ContainerID) -> None:
        self._parts.started(container_id)

    def _check_due(self, number: int, step: int) -> None:
        self._parts.running.checks.due(number, step)

    def _check_answered(self, number: int, step: int, result: Result) -> None:
        self._parts.running.checks.answered(number, step, result)

    def _overrun(self, container_id: ContainerID) -> None:
        self._parts.running.completion.due(container_id)

    def _container_ended(self, container_id: ContainerID, termination: Termination) -> None:
        self._parts.ended(container_id, termination)
        self._register_once_recovered()

    @la.handles(KillTask)
    @la.handles(Drain)
    def kill(self, message: KillTask | Drain, sender: la.PID[Any] | None) -> None:
        """Ask a task, or all, to end, and kill it when the grace is over; a later kill may only shorten the grace."""
        if not self._obeys(message, sender):
            return
        try:
            self._parts.kills.take(message)
        except Exception:  # a value of a wrong type, say: the agent and all its tasks must not end with it
            log.warning("%s: ignored %r, which it cannot act on", self.pid, message, exc_info=True)

    def _end_container(self, container_id: ContainerID) -> None:
        """The grace of a kill is over, or the time in which an executor was to subscribe."""
        self._parts.running.end(container_id)
        self._register_once_recovered()

    @la.handles(UpdateFrameworkInfo)
    def update_framework(self, message: UpdateFrameworkInfo, sender: la.PID[Any] | None) -> None:
        """A framework is back: send it again at once what it has not acknowledged."""
        if self._obeys(message, sender) and message.framework.id is not None:
            self._frameworks.update(message.framework.id, message.framework)
            self._parts.updates.resend(message.framework.id)

    @la.handles(ShutdownFramework)
    def shutdown_framework(self, message: ShutdownFramework, sender: la.PID[Any] | None) -> None:
        """End every task of a framework; its statuses go nowhere any more."""
        if not self._obeys(message, sender):
            return
        self._parts.updates.close(message.framework_id)  # also of tasks that never were here
        entry = self._frameworks.active.get(message.framework_id)
        if entry is None or entry.is_leaving:
            return
        self._frameworks.leave(entry)
        for execution in list(entry.executors.values()):
            self._parts.running.executors.shut_down(execution)
        self._parts.kills.end(entry, self._reports.complete)
        self._reports.retire(message.framework_id)

    # Executors

    def subscribe_executor(
        self, call: ExecutorSubscribe, channel: la.PID[Any], claims: ExecutorClaims | None = None
    ) -> None:
        """See AgentPort."""
        self._parts.executor_line.subscribe(call, channel, claims)
        self._register_once_recovered()

    def executor_call(self, call: ExecutorCall, claims: ExecutorClaims | None = None) -> None:
        """See AgentPort."""
        self._parts.executor_line.take(call, claims)

    def container_call(self, call: ContainerCall) -> Any:
        """See AgentPort."""
        return self._parts.nested.take(call)

    @la.handles(FrameworkToExecutor)
    @la.handles(ShutdownExecutor)
    def executor_order(self, message: FrameworkToExecutor | ShutdownExecutor, sender: la.PID[Any] | None) -> None:
        """Pass a framework's message on to its executor, or have that end."""
        if self._obeys(message, sender):
            self._parts.executor_line.obey(message)

    @la.handles(ShutdownAgent)
    def shutdown(self, message: ShutdownAgent, sender: la.PID[Any] | None) -> None:
        """Stop, and every task with it."""
        if self._obeys(message, sender):
            log.warning("%s: shut down by its master: %s", self.pid, message.message)
            la.terminate(self.pid)

    def _look_for_garbage(self) -> None:
        self._parts.garbage.look()

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
            self._parts.operations.take(message, self._info.id)
        except Exception:  # a value of a wrong type, say: the agent and all its tasks must not end with it
            log.warning("%s: ignored %r, which it cannot act on", self.pid, message, exc_info=True)

    def _retry_operation(self, operation_uuid: bytes) -> None:
        self._parts.operations.retry(operation_uuid)

    # Statuses

    @la.handles(StatusUpdateAcknowledgement)
    def acknowledged(self, message: StatusUpdateAcknowledgement, sender: la.PID[Any] | None) -> None:
        """Go on with the next status of that task; after the last one the task is completed."""
        if self._obeys(message, sender):
            self._reports.acknowledge(message.framework_id, message.task_id, message.uuid)

    def _repeat_updates(self) -> None:
        self._parts.updates.repeat_due()

    def _tell_master(
        self, message: StatusUpdate | OperationUpdate | ExecutorExited | ExecutorToFramework | UnregisterAgent
    ) -> None:
        if self._registration.master is not None:
            la.post(self._registration.master, message)
