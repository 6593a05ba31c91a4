"""Statuses that the master itself gives out, about tasks it refused, lost or does not know."""

# Who calls: master.py and scheduling.py. These statuses carry no uuid: nobody repeats them, nobody acknowledges them;
#   a framework that missed one asks again by Reconcile.
# Source: Mesos src/common/protobuf_utils.cpp (createStatusUpdate), src/master/master.cpp (reconcileTasks).

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from mesoslite.model import AgentID, ExecutorID, Reason, Source, TaskID, TaskState, TaskStatus

if TYPE_CHECKING:
    from .framework_entry import FrameworkEntry
    from .ledger import Ledger
    from .tasks import TaskEntry


def master_status(
    task_id: TaskID,
    state: TaskState,
    *,
    now: float,
    reason: Reason | None = None,
    message: str = "",
    agent_id: AgentID | None = None,
    executor_id: ExecutorID | None = None,
    unreachable_ns: int | None = None,
) -> TaskStatus:
    """A status from the master; ``now`` in seconds since the epoch."""
    return TaskStatus(
        task_id=task_id,
        state=state,
        source=Source.SOURCE_MASTER,
        timestamp=now,
        agent_id=agent_id,
        executor_id=executor_id,
        reason=reason,
        message=message,
        unreachable_ns=unreachable_ns,
    )


def known_status(task: TaskEntry, now: float) -> TaskStatus:
    """The answer to a reconciliation of a task that the master has, with what was last said of its health."""
    status = master_status(
        task.task_id,
        task.told_state,
        now=now,
        reason=Reason.REASON_RECONCILIATION,
        message="Reconciliation: Latest task state",
        agent_id=task.agent_id,
        executor_id=task.executor_id,
    )
    last = task.last_status
    if last is None or (last.healthy, last.check_status, last.container_status) == (None, None, None):
        return status
    return replace(status, healthy=last.healthy, check_status=last.check_status, container_status=last.container_status)


def unknown_status(
    ledger: Ledger, framework: FrameworkEntry, task_id: TaskID, agent_id: AgentID | None, now: float
) -> TaskStatus:
    """The answer about a task that the master does not have.

    On a registered agent it is gone, on an unreachable one it may live on, else nobody knows; a framework without
    PARTITION_AWARE hears TASK_LOST.
    """
    roster, since_ns = ledger.roster, None
    state, where = TaskState.TASK_UNKNOWN, "it never was, or has ended and was acknowledged"
    if agent_id is not None and agent_id in roster.unreachable:
        state, where = TaskState.TASK_UNREACHABLE, f"agent {agent_id} cannot be reached"
        since_ns = roster.unreachable[agent_id]
    elif agent_id is not None and agent_id in roster.gone:
        state, where = TaskState.TASK_GONE_BY_OPERATOR, f"agent {agent_id} was declared gone"
    elif agent_id is not None and agent_id in ledger.agents:  # last: of one that is being struck off it may be either
        state, where = TaskState.TASK_GONE, f"agent {agent_id} does not run it"
    return master_status(
        task_id,
        state if framework.partition_aware else TaskState.TASK_LOST,
        now=now,
        reason=Reason.REASON_RECONCILIATION,
        message=f"Reconciliation: task {task_id} is unknown to the master; {where}",
        agent_id=agent_id,
        unreachable_ns=since_ns,
    )
