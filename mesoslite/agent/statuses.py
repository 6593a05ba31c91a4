"""The statuses an agent makes: which state, from whom, why and in which words."""

# Who calls: agent.py and its parts. Times and uuids are passed in.
# A command has no executor process of its own; the agent speaks for it, as SOURCE_EXECUTOR, in the words of Mesos's
#   command executor. Its executor bears the id of the task.
# Source: Mesos src/launcher/executor.cpp (reaped), src/slave/slave.cpp (killTask, __run), stout os/wait.hpp.

import functools
import signal
from dataclasses import dataclass, replace

from mesoslite.model import (
    PARTITION_AWARE,
    AgentID,
    Drain,
    ExecutorID,
    FrameworkInfo,
    FrozenDocument,
    NotFound,
    Reason,
    Source,
    TaskID,
    TaskState,
    TaskStatus,
    Termination,
)
from mesoslite.model.v1 import encode_resources


@dataclass(frozen=True, slots=True)
class Report:
    """What there is to say of a task, before it has a time and a uuid."""

    state: TaskState
    source: Source = Source.SOURCE_EXECUTOR
    reason: Reason | None = None
    message: str = ""
    exit_status: int | None = None
    healthy: bool | None = None
    check_status: FrozenDocument | None = None
    limitation: FrozenDocument | None = None


STARTING = Report(TaskState.TASK_STARTING)
RUNNING = Report(TaskState.TASK_RUNNING)
KILLING = Report(TaskState.TASK_KILLING)


def make_status(report: Report, task_id: TaskID, agent_id: AgentID, time: float, uuid: bytes | None) -> TaskStatus:
    """Return ``report`` as the status of a task, at ``time`` in seconds since the epoch."""
    status = TaskStatus(
        task_id=task_id,
        state=report.state,
        source=report.source,
        timestamp=time,
        agent_id=agent_id,
        executor_id=ExecutorID(task_id),
        reason=report.reason,
        message=report.message,
        uuid=uuid,
        healthy=report.healthy,
        check_status=report.check_status,
        limitation=report.limitation,
    )
    return status if report.exit_status is None else status.with_exit_status(report.exit_status)


def refusal(state: TaskState, reason: Reason, message: str) -> Report:
    """A task that the agent does not run."""
    return Report(state, Source.SOURCE_AGENT, reason, message)


def launch_failure(error: Exception) -> Report:
    """A task that could not be started, in the words of ``error``; one of the system's names the file."""
    if isinstance(error, OSError):
        text = f"{error.strerror or error}"
        if error.filename is not None:
            text += f": {str(error.filename)!r}"
    elif isinstance(error, NotFound):
        text = str(error)
    else:
        text = f"{type(error).__name__}: {error}"
    return refusal(TaskState.TASK_FAILED, Reason.REASON_CONTAINER_LAUNCH_FAILED, f"Task could not be started: {text}")


CLEAN = Termination(0)  # of what has ended as it should


@functools.lru_cache(64)  # there are few, and every task that ends gets one
def end_report(termination: Termination, was_killed: bool) -> Report:
    """How a command ended: 0 finishes its task, even one that was asked to end; else killed on request, or failed.

    It bears no reason, as in Mesos, if the command ended by itself or by request: the state and the message say all.
    """
    exit_status = termination.exit_status
    if termination.reason is not None:
        report = replace(_limitation_report(termination), exit_status=exit_status)
        is_kill = was_killed and termination.reason is Reason.REASON_TASK_KILLED_DURING_LAUNCH
        return replace(report, state=TaskState.TASK_KILLED) if is_kill else report
    if exit_status is None:
        message = "Command ended, but its exit status was lost"
    elif exit_status < 0:
        message = f"Command terminated with signal {signal_name(-exit_status)}"
    else:
        message = f"Command exited with status {exit_status}"
    if exit_status == 0:
        state = TaskState.TASK_FINISHED
    else:
        state = TaskState.TASK_KILLED if was_killed else TaskState.TASK_FAILED
    return Report(state, message=message, exit_status=exit_status)


def _limitation_report(termination: Termination) -> Report:
    """A container was ended for what it used: why, and how much of what that was."""
    assert termination.reason is not None
    report = refusal(TaskState.TASK_FAILED, termination.reason, termination.message)
    if termination.limited.is_empty:
        return report
    return replace(report, limitation=FrozenDocument.of({"resources": encode_resources(termination.limited)}))


def overrun_report(report: Report) -> Report:
    """``report`` of the end of a task that was asked to end since it had run as long as it may, however it did."""
    return replace(report, state=TaskState.TASK_FAILED, reason=Reason.REASON_MAX_COMPLETION_TIME_REACHED)


@functools.lru_cache(64)
def executor_end_report(termination: Termination) -> Report:
    """What the tasks of an executor are told that has ended before them."""
    exit_status = termination.exit_status
    if termination.reason is not None:
        return _limitation_report(termination)
    if exit_status is None:
        how = "ended, but its exit status was lost"
    elif exit_status < 0:
        how = f"terminated with signal {signal_name(-exit_status)}"
    else:
        how = f"exited with status {exit_status}"
    return refusal(TaskState.TASK_FAILED, Reason.REASON_EXECUTOR_TERMINATED, f"Executor {how}")


def drained_report(report: Report, drain: Drain, framework: FrameworkInfo) -> Report:
    """``report`` of a task that was asked to end since its agent is drained; one that ends well has just ended."""
    state, reason = drained_state(report.state, report.reason, drain, framework)
    return replace(report, state=state, reason=reason)


def drained_state(
    state: TaskState, reason: Reason | None, drain: Drain, framework: FrameworkInfo
) -> tuple[TaskState, Reason | None]:
    """The state of such a task, and why it is in it."""
    if state not in (TaskState.TASK_KILLING, TaskState.TASK_KILLED):
        return state, reason
    if state is TaskState.TASK_KILLED and drain.mark_gone and PARTITION_AWARE in framework.capabilities:
        state = TaskState.TASK_GONE_BY_OPERATOR
    return state, Reason.REASON_AGENT_DRAINING


def signal_name(number: int) -> str:
    """SIGKILL for 9; only the number for one without a name, as most real-time signals are."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def gone_state(framework: FrameworkInfo) -> TaskState:
    """The state of a task that ran here and does not any more, in the vocabulary the framework knows."""
    return TaskState.TASK_GONE if PARTITION_AWARE in framework.capabilities else TaskState.TASK_LOST


def dropped_state(framework: FrameworkInfo) -> TaskState:
    """The state of a task that never ran here, in the vocabulary the framework knows."""
    return TaskState.TASK_DROPPED if PARTITION_AWARE in framework.capabilities else TaskState.TASK_LOST
