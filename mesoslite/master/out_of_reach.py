"""OutOfReach: the tasks that were on agents which cannot be reached, until these come back, or are given up."""

# Who calls: ledger.py, inside the master actor.
# Invariant: a task is in its framework's `unreachable` and here, or in neither.
# Source: Mesos src/master/master.hpp (Framework::unreachableTasks).

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mesoslite.model import AgentID, FrameworkID, TaskID

    from .framework_entry import FrameworkEntry
    from .shown.changes import Changes
    from .tasks import TaskEntry


class OutOfReach:
    """Those of one ledger, whose ``changes`` are marked."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._of: dict[AgentID, dict[tuple[FrameworkID, TaskID], TaskEntry]] = {}  # no agent without one

    def of(self, agent_id: AgentID) -> tuple[TaskEntry, ...]:
        """Those that were on that agent, as far as they are remembered."""
        return tuple(self._of.get(agent_id, {}).values())

    def add(self, framework: FrameworkEntry, task: TaskEntry) -> None:
        """Remember one, instead of another one of its id; beyond what is to be remembered the oldest is forgotten."""
        self.take(framework, task.task_id)
        framework.unreachable[task.task_id] = task
        self._of.setdefault(task.agent_id, {})[framework.id, task.task_id] = task
        if len(framework.unreachable) > framework.unreachable_max:
            self.take(framework, next(iter(framework.unreachable)))

    def take(self, framework: FrameworkEntry, task_id: TaskID) -> None:
        """Forget one, if it is remembered."""
        task = framework.unreachable.pop(task_id, None)
        if task is not None:
            self._changes.tasks[task] = None
            tasks = self._of[task.agent_id]
            del tasks[framework.id, task_id]
            if not tasks:
                del self._of[task.agent_id]
