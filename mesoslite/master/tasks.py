"""TaskEntry: what the master knows of one task."""

# Who calls: ledger.py and master.py, inside the master actor.
# Invariants: 1. a terminal state is never left; what arrives later is kept in the statuses only.
#   2. the statuses hold one entry for each run of equal states, the newest of the run.
#   3. a task holds resources until its first terminal state, whether or not that was acknowledged.
# Source: Mesos src/master/master.cpp (updateTask), protobuf::createTask.

from __future__ import annotations

from dataclasses import dataclass, field

from mesoslite.model import AgentID, FrameworkID, TaskInfo, TaskRecord, TaskState, TaskStatus, append_status, can_follow


@dataclass(slots=True)
class TaskEntry:
    """A launched task. ``role`` is the one its offer was for: its resources go back under it.

    ``update_state`` and ``update_uuid`` are of the last status that its framework is to acknowledge; None before.
    ``is_acknowledged``: its framework has acknowledged that it is over.
    """

    info: TaskInfo
    framework_id: FrameworkID
    role: str
    state: TaskState = TaskState.TASK_STAGING
    statuses: list[TaskStatus] = field(default_factory=list)
    update_state: TaskState | None = None
    update_uuid: bytes | None = None
    is_acknowledged: bool = False

    @property
    def told_state(self) -> TaskState:
        """The state that its framework is to know: the one it was told last, while the agent may know a newer one."""
        return self.state if self.update_state is None else self.update_state

    @property
    def has_ended_for_framework(self) -> bool:
        """Whether its framework was told that it is over, and it is."""
        return self.state.is_terminal and self.update_state is not None and self.update_state.is_terminal

    @property
    def agent_id(self) -> AgentID:
        """Where it runs."""
        return self.info.agent_id

    def record(self, status: TaskStatus, latest: TaskState) -> bool:
        """Take note of ``status`` and of the newest state its agent knows; True if that has just ended the task."""
        append_status(self.statuses, status)
        if status.uuid is not None:
            self.update_state, self.update_uuid = status.state, status.uuid
        if not can_follow(self.state, latest):
            return False
        ended = latest.is_terminal and not self.state.is_terminal
        self.state = latest
        return ended

    def snapshot(self) -> TaskRecord:
        """What readers see."""
        return TaskRecord(
            info=self.info,
            framework_id=self.framework_id,
            state=self.state,
            statuses=tuple(self.statuses),
            role=self.role,
        )
