"""TaskEntry: what the master knows of one task."""

# Who calls: ledger.py and whoever changes the books, inside the master actor.
# Invariants: 1. a terminal state is never left; what arrives later is kept in the statuses only.
#   2. the statuses hold one entry for each run of equal states, the newest of the run.
#   3. a task holds resources until its first terminal state, whether or not that was acknowledged.
# A task that an agent has brought along is kept as the record that it came as, and is only decoded for who looks at it;
#   beside it stands what the books need of each.
# There may be a million: so it is a struct, which the collector does not look at. What it holds never leads back to it.
# Source: Mesos src/master/master.cpp (updateTask), protobuf::createTask.

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec

from libactor.records import Record
from mesoslite.model import (
    AgentID,
    ExecutorID,
    FrameworkID,
    Resources,
    TaskID,
    TaskInfo,
    TaskRecord,
    TaskState,
    TaskStatus,
    append_status,
    can_follow,
)
from mesoslite.model.records import Task
from mesoslite.model.task_records import unpacked_status, unpacked_task

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Self


class Heard(msgspec.Struct, eq=False, gc=False):
    """What was heard of a task since it was entered, or shown: of hundreds of thousands that come back nothing yet.

    ``statuses`` are all that it has, None as long as they are those of its source.
    ``state`` and ``uuid`` are of the last one that came for its framework to acknowledge; None before.
    ``is_acknowledged``: its framework has acknowledged that it is over.
    ``shown`` is the record of it that readers saw last, None as long as nobody has seen another one than its source.
    """

    statuses: tuple[TaskStatus, ...] | None = None
    state: TaskState | None = None
    uuid: bytes | None = None
    is_acknowledged: bool = False
    shown: Record[Task] | None = None


class TaskEntry(msgspec.Struct, eq=False, gc=False):
    """A launched task. ``role`` is the one its offer was for: its resources go back under it.

    ``source`` is what it was made of; ``heard`` is None as long as nothing was heard of it.
    """

    task_id: TaskID
    agent_id: AgentID
    framework_id: FrameworkID
    role: str
    resources: Resources
    source: TaskInfo | Record[Task]
    state: TaskState = TaskState.TASK_STAGING
    heard: Heard | None = None

    @classmethod
    def launched(cls, info: TaskInfo, framework_id: FrameworkID, role: str) -> Self:
        """A task that is sent to its agent."""
        return cls(info.task_id, info.agent_id, framework_id, role, info.resources, info)

    def is_in(self, ids: Collection[tuple[FrameworkID, TaskID]]) -> bool:
        """Whether its id, of its framework, is among these."""
        return (self.framework_id, self.task_id) in ids

    @property
    def name(self) -> str:
        """What people call it; several may be called alike."""
        name: str = self.source.name
        return name

    @property
    def info(self) -> TaskInfo:
        """What is to run; of a task that an agent has brought, decoded anew each time, without its command."""
        return self.source if isinstance(self.source, TaskInfo) else self._told().info

    @property
    def executor_id(self) -> ExecutorID | None:
        """That of its executor; None for a command."""
        if isinstance(self.source, TaskInfo):
            return self.source.executor.executor_id if self.source.executor is not None else None
        return ExecutorID(self.source.executor_id) if self.source.executor_id else None

    @property
    def statuses(self) -> tuple[TaskStatus, ...]:
        """What was reported of it, oldest first."""
        if self.heard is not None and self.heard.statuses is not None:
            return self.heard.statuses
        return () if isinstance(self.source, TaskInfo) else self._told().statuses

    @property
    def last_status(self) -> TaskStatus | None:
        """What was reported of it last."""
        if isinstance(self.source, TaskInfo) or (self.heard is not None and self.heard.statuses is not None):
            statuses = self.statuses
            return statuses[-1] if statuses else None
        told = self.source.statuses  # by itself: all that reconcile at once need it
        return unpacked_status(told[-1]) if told else None

    @property
    def told_state(self) -> TaskState:
        """The state that its framework is to know: the one it was told last, while the agent may know a newer one.

        Of a task that was brought it is what the agent has said of that, until it repeats itself.
        """
        if self.heard is not None and self.heard.state is not None:
            return self.heard.state
        told = None if isinstance(self.source, TaskInfo) else self.source.status_update_state
        return self.state if told is None else told

    @property
    def update_uuid(self) -> bytes | None:
        """That of the status which its framework was told last, None if it is to acknowledge nothing."""
        if self.heard is not None and self.heard.state is not None:
            return self.heard.uuid
        return None if isinstance(self.source, TaskInfo) else self.source.status_update_uuid

    @property
    def is_acknowledged(self) -> bool:
        """Whether its framework has acknowledged that it is over."""
        return self.heard is not None and self.heard.is_acknowledged

    @property
    def has_ended_for_framework(self) -> bool:
        """Whether its framework was told that it is over, and it is."""
        return self.state.is_terminal and self.told_state.is_terminal

    def record(self, status: TaskStatus, latest: TaskState) -> bool:
        """Take note of ``status`` and of the newest state its agent knows; True if that has just ended the task."""
        heard = self._heard()
        statuses = list(self.statuses if heard.statuses is None else heard.statuses)
        append_status(statuses, status)
        heard.statuses = tuple(statuses)
        if status.uuid is not None:
            heard.state, heard.uuid = status.state, status.uuid
        if not can_follow(self.state, latest):
            return False
        ended = latest.is_terminal and not self.state.is_terminal
        self.state = latest
        return ended

    def acknowledge(self) -> None:
        """Take note that its framework has acknowledged that it is over."""
        self._heard().is_acknowledged = True

    @property
    def shown(self) -> Record[Task] | None:
        """What readers saw of it last, if that was not its source."""
        return self.heard.shown if self.heard is not None else None

    @shown.setter
    def shown(self, record: Record[Task] | None) -> None:
        new = None if record is self.source else record
        if new is not self.shown:
            self._heard().shown = new

    def snapshot(self) -> TaskRecord:
        """What readers see."""
        told = self._told() if not isinstance(self.source, TaskInfo) else None
        statuses = told.statuses if told is not None else ()
        if self.heard is not None and self.heard.statuses is not None:
            statuses = self.heard.statuses
        return TaskRecord(
            info=told.info if told is not None else cast(TaskInfo, self.source),
            framework_id=self.framework_id,
            state=self.state,
            statuses=statuses,
            role=self.role,
            update_state=self.told_state if self.update_uuid is not None else None,
            update_uuid=self.update_uuid,
        )

    def _heard(self) -> Heard:
        if self.heard is None:
            self.heard = Heard()
        return self.heard

    def _told(self) -> TaskRecord:
        """What its agent has told of it."""
        return unpacked_task(cast("Record[Task]", self.source).decode())
