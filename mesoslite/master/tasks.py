"""TaskEntry: what the master knows of one task."""

# Who calls: ledger.py and master.py, inside the master actor.
# Invariants: 1. a terminal state is never left; what arrives later is kept in the statuses only.
#   2. the statuses hold one entry for each run of equal states, the newest of the run.
#   3. a task holds resources until its first terminal state, whether or not that was acknowledged.
# Source: Mesos src/master/master.cpp (updateTask), protobuf::createTask.

from __future__ import annotations

from dataclasses import dataclass, field

from mesoslite.model import FrameworkID, TaskInfo, TaskRecord, TaskState, TaskStatus, append_status, can_follow


@dataclass(slots=True)
class TaskEntry:
    """A launched task. ``role`` is the one its offer was for: its resources go back under it."""

    info: TaskInfo
    framework_id: FrameworkID
    role: str
    state: TaskState = TaskState.TASK_STAGING
    statuses: list[TaskStatus] = field(default_factory=list)

    def record(self, status: TaskStatus, latest: TaskState) -> bool:
        """Take note of ``status`` and of the newest state its agent knows; True if that has just ended the task."""
        append_status(self.statuses, status)
        if not can_follow(self.state, latest):
            return False
        ended = latest.is_terminal and not self.state.is_terminal
        self.state = latest
        return ended

    def snapshot(self) -> TaskRecord:
        """What readers see."""
        return TaskRecord(
            info=self.info, framework_id=self.framework_id, state=self.state, statuses=tuple(self.statuses)
        )
