"""ExecutorLine: what the agent and its executors say to one another."""

# Who calls: agent.py, inside the agent actor: with what comes by the executor API (api/executor.py), and what the
#   master passes on from frameworks.
# An executor that comes again ends its stream of before, tells what was not acknowledged, and tasks that it does not
#   name, and that were sent to it without a word of them since, never reached it: they are dropped.
# A status is acknowledged to the executor once it is queued for the master, as in Mesos; what frameworks acknowledge
#   does not matter to executors. One that comes twice is acknowledged twice, and taken once.
# Source: Mesos src/slave/slave.cpp (subscribe, statusUpdate, executorMessage, schedulerMessage), src/slave/http.cpp.

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec

import libactor as la
from mesoslite.model import Conflict, ExecutorToFramework, NotFound, Reason, ShutdownExecutor, Source, TaskState
from mesoslite.model.executor_calls import ExecutorClaims, ExecutorUpdate, TellFramework
from mesoslite.model.executor_events import EndExecutor, ExecutorSubscribed, FrameworkMessage, UpdateAcknowledged

from ..statuses import drained_state, dropped_state, refusal
from .execution import Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import AgentInfo, FrameworkToExecutor, TaskStatus
    from mesoslite.model.executor_calls import ExecutorCall, ExecutorSubscribe

    from ..metrics import AgentMetrics
    from ..reports import Reports
    from ..runs import FrameworkEntry, Frameworks
    from .execution import Execution
    from .life import Executors

log = logging.getLogger("mesoslite")


class ExecutorLine:
    """The executors of one agent, as they are spoken with. ``send`` tells the master."""

    def __init__(
        self,
        actor: la.Actor,
        frameworks: Frameworks,
        executors: Executors,
        reports: Reports,
        *,
        info: Callable[[], AgentInfo],
        metrics: AgentMetrics,
        send: Callable[[ExecutorToFramework], None],
    ) -> None:
        self._actor = actor
        self._frameworks = frameworks
        self._executors = executors
        self._reports = reports
        self._info = info
        self._metrics = metrics
        self._send = send
        self._channels: dict[la.PID[Any], Execution] = {}

    # ---- what executors say ----

    def subscribe(self, call: ExecutorSubscribe, channel: la.PID[Any], claims: ExecutorClaims | None) -> None:
        """Have events of an executor go to ``channel`` from now on. Raises: NotFound; Conflict, for others' claims."""
        entry, execution = self._find(call, claims)
        if not execution.takes_tasks:  # its first process may have ended, and another one of it subscribe
            la.post(channel, EndExecutor())
            la.terminate(channel, inject=False)
            return
        execution.hang_up()
        if execution.phase is Phase.REGISTERING and not execution.is_returning:
            place = (execution.info.executor_id, execution.container_id)
            self._frameworks.checkpoints.executor_subscribed(entry.info, *place)
        execution.phase, execution.channel, execution.is_returning = Phase.RUNNING, channel, False
        execution.set_timer(None)
        self._channels[channel] = execution
        la.link(channel)
        execution.send(
            ExecutorSubscribed(
                executor=execution.info,
                framework=entry.info,
                agent=self._info(),
                container_id=execution.container_id,
            )
        )
        for status in call.unacknowledged_updates:
            self._take(entry, execution, status)
        self._drop_unheard(entry, execution, {task.task_id for task in call.unacknowledged_tasks})
        self._executors.end_idle(execution)
        execution.launch_queued()

    def take(self, call: ExecutorCall, claims: ExecutorClaims | None) -> None:
        """Do what an executor asks that has subscribed. Raises: NotFound; Conflict, if it has not, or is another."""
        entry, execution = self._find(call, claims)
        if execution.channel is None:
            raise Conflict("Executor is not subscribed")
        if isinstance(call, ExecutorUpdate):
            self._take(entry, execution, call.status)
        elif isinstance(call, TellFramework):
            agent_id = self._info().id
            assert agent_id is not None
            self._metrics.valid_messages.value += 1
            self._send(
                ExecutorToFramework(
                    framework_id=call.framework_id, executor_id=call.executor_id, agent_id=agent_id, data=call.data
                )
            )

    def lost(self, channel: la.PID[Any]) -> None:
        """The stream of an executor has ended; whether that has as well, its container will tell."""
        execution = self._channels.pop(channel, None)
        if execution is not None and execution.channel == channel:
            execution.channel = None

    def _find(self, call: ExecutorCall, claims: ExecutorClaims | None) -> tuple[FrameworkEntry, Execution]:
        entry = self._frameworks.active.get(call.framework_id)
        if entry is None:
            raise NotFound("Framework cannot be found")
        execution = entry.executors.get(call.executor_id)
        if execution is None or execution.is_default:  # nobody can speak for one that is no program
            raise NotFound("Executor cannot be found")
        own = ExecutorClaims(call.framework_id, call.executor_id, execution.container_id)
        if claims not in (None, own):
            raise Conflict("The token is that of another executor, or of one of that id which has ended")
        return entry, execution

    def _take(self, entry: FrameworkEntry, execution: Execution, status: TaskStatus) -> None:
        assert status.uuid is not None
        if status.uuid not in execution.uuids:
            execution.uuids.append(status.uuid)
            run = execution.runs.get(status.task_id)
            state, reason = status.state, status.reason
            if run is not None and run.drain is not None:
                state, reason = drained_state(state, reason, run.drain, entry.info)
            status = msgspec.structs.replace(
                status,
                state=state,
                reason=reason,
                source=Source.SOURCE_EXECUTOR,
                agent_id=self._info().id,
                executor_id=execution.info.executor_id,
                timestamp=status.timestamp or self._actor.runtime.clock.now(),
            )
            self._reports.pass_on(execution.framework_id, status)
            if status.state.is_terminal:
                self._executors.resize(execution)
        assert status.uuid is not None
        execution.send(UpdateAcknowledged(status.task_id, status.uuid))

    def _drop_unheard(self, entry: FrameworkEntry, execution: Execution, named: set[Any]) -> None:
        text = "The executor does not know the task, which was sent to it"
        report = refusal(dropped_state(entry.info), Reason.REASON_AGENT_RESTARTED, text)
        for run in list(execution.runs.values()):
            was_sent = run.state is TaskState.TASK_STAGING and execution.queued_with(run) is None
            if was_sent and run.task.task_id not in named:
                self._reports.report(execution.framework_id, run.task.task_id, report)

    # ---- what frameworks say ----

    def obey(self, message: FrameworkToExecutor | ShutdownExecutor) -> None:
        """Pass a framework's message on, to an executor that is connected, or have one end; else nothing happens."""
        entry = self._frameworks.active.get(message.framework_id)
        execution = entry.executors.get(message.executor_id) if entry is not None else None
        if execution is None:
            self._metrics.invalid_messages.value += 1
            text = "ignored a message for executor %s of framework %s, which is not here"
            log.warning(text, message.executor_id, message.framework_id)
        elif isinstance(message, ShutdownExecutor):
            self._executors.shut_down(execution)
        elif execution.send(FrameworkMessage(message.data)):
            self._metrics.valid_messages.value += 1
        else:
            self._metrics.invalid_messages.value += 1
            log.warning("dropped a message for executor %s, which is not connected", message.executor_id)
