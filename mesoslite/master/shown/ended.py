"""Ended: the completed tasks of a framework as records, oldest first."""

# Who calls: frames.py.
# They lie in blocks, which are filled one after the other, and of which only the oldest one loses any: so their order
#   is that of the places, and what was rendered of a block stays good. Ids may be used again; a block has each once.

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mesoslite.model.record_types import TASK

from .kept import Kept
from .packing import task_record

if TYPE_CHECKING:
    from libactor.records import Record, Snapshot
    from mesoslite.model.records import Task

    from ..completed import Completed
    from ..tasks import TaskEntry

BLOCK = 128
KEY = ("task_id", "agent_id")


class Ended:
    """What is kept of a Completed, which is asked what has come since."""

    __slots__ = ("_added", "_blocks", "_forgotten", "_tasks")

    def __init__(self) -> None:
        self._blocks: deque[Kept[Task]] = deque()
        self._tasks: deque[tuple[TaskEntry, Record[Task] | None]] = deque()  # in all of them
        self._added = self._forgotten = 0

    def follow(self, completed: Completed, most: int) -> bool:
        """Take over what has been completed and forgotten since the last time, so many at most; whether any was."""
        if completed.forgotten != self._forgotten:
            self._begin_again(completed)
            return True
        waiting = completed.added - self._added
        tasks = completed.latest(waiting)
        self._added += max(waiting - len(tasks), 0) + min(len(tasks), most)  # some have come and gone in between
        for task in tasks[:most]:
            self._add(task, task_record(task))
        while len(self._tasks) > len(completed):
            self._drop_oldest()
        return waiting > 0

    def is_behind(self, completed: Completed) -> bool:
        """Whether there is more to take over."""
        return self._added < completed.added

    @property
    def snapshots(self) -> tuple[Snapshot[Task], ...]:
        """All of it, in order."""
        return tuple([block.snapshot for block in self._blocks])

    def _begin_again(self, completed: Completed) -> None:
        known = dict(self._tasks)
        self._tasks.clear()
        self._blocks.clear()
        self._added, self._forgotten = completed.added, completed.forgotten
        for task in completed:
            self._add(task, known[task] if task in known else task_record(task))

    def _add(self, task: TaskEntry, record: Record[Task] | None) -> None:
        self._tasks.append((task, record))
        if record is None:
            return
        key = (record.task_id, record.agent_id)
        if not self._blocks or len(self._blocks[-1]) >= BLOCK or key in self._blocks[-1]:
            self._blocks.append(Kept(TASK, KEY))
        self._blocks[-1].set(key, record)

    def _drop_oldest(self) -> None:
        _, record = self._tasks.popleft()
        if record is None:
            return
        oldest = self._blocks[0]
        oldest.set((record.task_id, record.agent_id), None)
        if not len(oldest):
            self._blocks.popleft()
