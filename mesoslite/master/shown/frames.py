"""Frames: a framework as readers see it, with what is its own: tasks, executors, offers."""

# Who calls: shown.py, with what was marked. Each method looks up what that is now in the books, and takes it over.

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mesoslite.model import NOTHING
from mesoslite.model.record_types import EXECUTOR, OFFER, TASK
from mesoslite.model.view import FrameworkView

from .ended import Ended
from .kept import Kept
from .merged import Merged
from .packing import executor_record, framework_record, offer_record, task_record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from libactor.records import Record
    from mesoslite.model import AgentID, ExecutorID, InverseOffer, OfferID, TaskID
    from mesoslite.model import records as kinds

    from ..framework_entry import FrameworkEntry
    from ..tasks import TaskEntry

ENDED_AT_ONCE = 4  # of a framework's tasks that are over, of which a thousand may be new when it is


class Frame:
    """What is shown of one framework, live or completed; ``before`` is what was shown of it as it lived."""

    __slots__ = (
        "_ended",
        "_executors",
        "_inverse",
        "_offered",
        "_offers",
        "_record",
        "_tasks",
        "_unreachable",
        "_used",
        "_view",
        "entry",
    )

    def __init__(self, entry: FrameworkEntry, before: Frame | None = None) -> None:
        self.entry = entry
        self._record: Record[kinds.Framework] | None = None
        self._tasks, self._unreachable = Kept(TASK, "task_id"), Kept(TASK, "task_id")
        self._ended: Ended = before._ended if before is not None else Ended()
        self._executors = Kept(EXECUTOR, ("agent_id", "executor_id"))
        self._offers = Kept(OFFER, "id")
        self._inverse: tuple[InverseOffer, ...] = ()
        self._used, self._offered = Merged(), Merged()
        self._view: FrameworkView | None = None

    def look_at_task(self, task_id: TaskID) -> None:
        """Take over the task of that id, which may be listed, out of reach, both or neither."""
        listed, held = self.entry.tasks.get(task_id), NOTHING
        if listed is None:
            is_new = self._tasks.set(task_id, None)
        else:
            is_new = self._tasks.set(task_id, task_record(listed))
            if listed.resources.others and not listed.state.is_terminal:
                held = listed.resources
        if held.others or task_id in self._used:
            self._used.set(task_id, held)
        if self.entry.unreachable or len(self._unreachable):
            lost = self.entry.unreachable.get(task_id)
            is_new |= self._unreachable.set(task_id, task_record(lost) if lost is not None else None)
        if is_new:
            self._view = None

    def look_at_brought(self, tasks: Iterable[TaskEntry]) -> None:
        """Take over tasks that were brought, as they came: those that have changed since are looked at later.

        So are those under whose ids others are shown still.
        """
        came: dict[TaskID, Record[kinds.Task]] = {}
        for task in tasks:
            source = cast("Record[kinds.Task]", task.source)
            if task.resources.others or task.role != source.role:
                self.look_at_task(task.task_id)
            else:
                came[task.task_id] = source
        if self._tasks.add(came):
            self._view = None

    def look_at_executor(self, agent_id: AgentID, executor_id: ExecutorID) -> None:
        """Take over that executor."""
        executor = self.entry.executors.get((agent_id, executor_id))
        if self._executors.set((agent_id, executor_id), executor_record(executor) if executor is not None else None):
            self._view = None
        self._used.set((agent_id, executor_id), executor.info.resources if executor is not None else NOTHING)

    def look_at_offer(self, offer_id: OfferID) -> None:
        """Take over that offer."""
        offer = self.entry.offers.get(offer_id)
        if self._offers.set(offer_id, offer_record(offer) if offer is not None else None):
            self._view = None
        self._offered.set(offer_id, offer.resources if offer is not None else NOTHING)

    def look(self) -> bool:
        """Take over the framework itself, what it is asked to leave, and what of its tasks is over; all else before.

        False: of what is over there is more than ENDED_AT_ONCE; look again.
        """
        completed = self.entry.completed
        if self._ended.follow(completed, ENDED_AT_ONCE):
            self._view = None
        if self._ended.is_behind(completed):
            return False
        record = framework_record(self.entry, self._used.total, self._offered.total)
        inverse = tuple(self.entry.inverse_offers.values())
        if record != self._record or inverse != self._inverse:
            self._view = None
        self._record, self._inverse = record, inverse
        return True

    def view(self) -> FrameworkView | None:
        """What readers see; the same object as long as nothing changes. None: no record holds the framework itself."""
        if self._view is None and self._record is not None:
            self._view = FrameworkView(
                framework=self._record,
                tasks=self._tasks.snapshot,
                unreachable_tasks=self._unreachable.snapshot,
                completed_tasks=self._ended.snapshots,
                executors=self._executors.snapshot,
                offers=self._offers.snapshot,
                inverse_offers=self._inverse,
            )
        return self._view
