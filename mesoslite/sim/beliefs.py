"""Beliefs: what a scheduler knows of its framework and tasks, and keeps where its own crashes do not reach."""

# Who calls: scheduler.py writes them, as a careful scheduler does: before it acts. Checkers read them.

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mesoslite.model import TaskState

if TYPE_CHECKING:
    from mesoslite.model import AgentID, FrameworkID, TaskID, TaskInfo, TaskStatus


OUT_OF_SIGHT = frozenset(
    {
        TaskState.TASK_LOST,
        TaskState.TASK_UNREACHABLE,
        TaskState.TASK_UNKNOWN,
        TaskState.TASK_GONE,
        TaskState.TASK_DROPPED,
    }
)
"""What a master says of a task that it cannot see, or that its agent has never seen: it may be found all the same."""


@dataclass(eq=False)
class TaskBelief:
    """A task that was launched; ``heard`` are the statuses that came, each with when."""

    info: TaskInfo
    launched: float
    is_stale: bool = False  # on an offer that was known to be void
    state: TaskState = TaskState.TASK_STAGING
    heard: list[tuple[float, TaskStatus]] = field(default_factory=list)
    acknowledged: set[bytes] = field(default_factory=set)
    is_to_end: bool = False  # its kill was asked for
    killed_on: AgentID | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more is expected of it."""
        return self.state.is_terminal or self.state is TaskState.TASK_UNKNOWN

    def hear(self, when: float, status: TaskStatus) -> None:
        """Believe a status; what was over stays so, unless it had only been out of sight."""
        self.heard.append((when, status))
        if not self.state.is_terminal or self.state in OUT_OF_SIGHT:
            self.state = status.state


@dataclass(eq=False)
class Beliefs:
    """All that a scheduler keeps; ``is_removed`` once its framework was torn down, or it was told so."""

    framework_id: FrameworkID | None = None
    is_removed: bool = False
    is_torn_down: bool = False  # it was asked to end
    numbers: int = 0  # of tasks
    tasks: dict[TaskID, TaskBelief] = field(default_factory=dict)

    @property
    def living(self) -> list[TaskBelief]:
        """The tasks that are not over."""
        return [task for task in self.tasks.values() if not task.is_over]
