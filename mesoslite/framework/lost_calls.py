"""Lost calls: what becomes of tasks that are launched while there is no master."""

# Who calls: scheduler_calls.py.
# Source: Mesos src/sched/sched.cpp (acceptOffers, "Master disconnected").

from __future__ import annotations

from mesoslite.model import (
    PARTITION_AWARE,
    Accept,
    Call,
    FrameworkInfo,
    Launch,
    LaunchGroup,
    Reason,
    Source,
    TaskState,
    TaskStatus,
)


def lost_tasks(call: Call, framework: FrameworkInfo, now: float) -> list[TaskStatus]:
    """The statuses of the tasks that ``call`` would launch, in their order; none for another call."""
    if not isinstance(call, Accept):
        return []
    is_aware = PARTITION_AWARE in framework.capabilities
    state = TaskState.TASK_DROPPED if is_aware else TaskState.TASK_LOST
    return [
        TaskStatus(
            task_id=task.task_id,
            state=state,
            source=Source.SOURCE_MASTER,
            reason=Reason.REASON_MASTER_DISCONNECTED,
            message="Master disconnected",
            timestamp=now,
            agent_id=task.agent_id,
        )
        for operation in call.operations
        if isinstance(operation, Launch | LaunchGroup)
        for task in (operation.tasks if isinstance(operation, Launch) else operation.group.tasks)
    ]
