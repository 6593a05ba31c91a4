"""Completed: the tasks of a framework that are over, the newest of them."""

# Who calls: ledger.py and returns.py, inside the master actor. Ids may be used again: several may have the same.
# Ids are counted, so that it takes no walk to find that a task is not among them, as nearly none is that comes back.
# Source: Mesos src/master/master.hpp (Framework::completedTasks).

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mesoslite.model import AgentID, TaskID

    from .tasks import TaskEntry


class Completed:
    """So many tasks at most, oldest first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._tasks: deque[TaskEntry] = deque()
        self._counts: dict[TaskID, int] = {}  # no Counter, which takes five times as long for one that is new
        self.added = 0  # ever
        self.forgotten = 0  # how often some were forgotten that were not the oldest

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[TaskEntry]:
        return iter(self._tasks)

    def __contains__(self, task_id: object) -> bool:
        return task_id in self._counts

    def has_any(self, task_ids: Iterable[TaskID]) -> bool:
        """Whether one with any of these ids is remembered."""
        return bool(self._counts) and not self._counts.keys().isdisjoint(task_ids)

    @property
    def room(self) -> int:
        """How many more can be remembered before the oldest is forgotten."""
        return self._most - len(self._tasks)

    def add(self, task: TaskEntry) -> None:
        """Remember one more."""
        self._tasks.append(task)
        self.added += 1
        self._counts[task.task_id] = self._counts.get(task.task_id, 0) + 1
        if len(self._tasks) > self._most:
            self._uncount(self._tasks.popleft().task_id)

    def newest(self, task_id: TaskID, agent_id: AgentID | None = None) -> TaskEntry | None:
        """The last one of that id, on that agent if it is named."""
        if task_id not in self._counts:
            return None
        fitting = (task for task in reversed(self._tasks) if task.task_id == task_id)
        return next((task for task in fitting if agent_id in (None, task.agent_id)), None)

    def forget(self, task_id: TaskID) -> None:
        """Remember none of that id."""
        if task_id in self._counts:
            self._tasks = deque([task for task in self._tasks if task.task_id != task_id])
            del self._counts[task_id]
            self.forgotten += 1

    def latest(self, count: int) -> list[TaskEntry]:
        """The newest so many, oldest first."""
        return list(islice(reversed(self._tasks), count))[::-1]

    def _uncount(self, task_id: TaskID) -> None:
        left = self._counts.pop(task_id) - 1
        if left:
            self._counts[task_id] = left
