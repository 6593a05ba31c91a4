"""Shown: all that readers see of the books of one master, and the Views that it is given out as."""

# Who calls: viewing.py, inside the master actor.
# Invariant: whatever is not marked in ``changes`` is here as the books have it. So a View is sealed only in a step in
#   which nothing is marked any more, and is of that step.
# Source: Mesos src/master/http.cpp (state), which makes all of it anew for each reader, with nobody served meanwhile.

from __future__ import annotations

import logging
import operator
from base64 import b64encode
from typing import TYPE_CHECKING

from mesoslite.model.record_types import AGENT, OPERATION
from mesoslite.model.view import View

from .frames import Frame
from .kept import Kept
from .packing import agent_record, operation_record, recovered_record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mesoslite.model import AgentID, FrameworkID, MasterTenure
    from mesoslite.model.view import FrameworkView

    from ..ledger import Ledger
    from ..tasks import TaskEntry
    from .changes import Changes

log = logging.getLogger("mesoslite.master")

IN_STEP = 32  # of what is marked: some tenths of a millisecond
BROUGHT_IN_STEP = 128  # tasks, or a kind of a portion more
TASKS_AT_ONCE = 4  # of these, one of that


class Shown:
    """The records of a ledger, where it is marked in ``changes`` what is not here as it is there."""

    def __init__(self, ledger: Ledger, changes: Changes) -> None:
        self._ledger = ledger
        self._changes = changes
        self._agents, self._recovered = Kept(AGENT, "id"), Kept(AGENT, "id")
        self._operations = Kept(OPERATION, "uuid")
        self._active: set[AgentID] = set()
        self._frames: dict[FrameworkID, Frame] = {}
        self._completed: dict[FrameworkID, Frame] = {}
        self._view: View | None = None  # the last one
        self._is_sealed = False  # nothing was taken over since

    def packing(self) -> Iterator[None]:
        """Take over what is marked, some in each step; in the last one nothing is marked any more."""
        while self._changes:
            self._take_some()
            if self._changes:
                yield

    def seal(self, master: MasterTenure) -> View:
        """What readers see at this moment, of a master that says that of itself; nothing is marked.

        The View of before, if there is nothing else to see.
        """
        assert not self._changes
        view, ledger, unreachable = self._view, self._ledger, len(self._ledger.roster.unreachable)
        if view is not None and self._is_sealed and view.unreachable_agents == unreachable:
            return view
        self._is_sealed = True
        new = View(
            number=1 if view is None else view.number + 1,
            master=master,
            agents=self._agents.snapshot,
            recovered_agents=self._recovered.snapshot,
            active_agents=len(self._active),
            unreachable_agents=unreachable,
            frameworks=_views([self._frames.get(framework_id) for framework_id in ledger.frameworks]),
            completed_frameworks=_views([self._completed.get(framework.id) for framework in ledger.completed]),
            operations=self._operations.snapshot,
        )
        if view is None or not _is_same(view, new):
            self._view = view = new
        return view

    def _take_some(self) -> None:
        """Take over some of what is marked; what cannot be shown is left out."""
        self._is_sealed = False
        if self._take_brought():
            return
        for _ in range(IN_STEP):
            try:
                if not self._take_next():
                    return
            except Exception:
                log.exception("readers do not see something that has changed")

    def _take_brought(self) -> bool:
        """Take over some of the tasks that agents have brought, before all else; whether there were any."""
        left = BROUGHT_IN_STEP
        while left > 0 and (taken := self._changes.take_brought(left)) is not None:
            framework_id, tasks = taken
            left -= len(tasks)
            try:
                if (frame := self._frame(framework_id)) is not None:
                    frame.look_at_brought(tasks)
            except Exception:
                log.exception("readers do not see tasks that were brought")
        return left < BROUGHT_IN_STEP

    def _take_next(self) -> bool:
        """Take over what is marked first, frameworks last: what they use is the sum of all else. False: nothing is."""
        changes = self._changes
        if changes.agents:
            self._look_at_agent(changes.agents.popitem()[0])
        elif changes.tasks:
            self._look_at_tasks(changes.tasks)
        elif changes.offers:
            offer_id, framework_id = changes.offers.popitem()
            if (frame := self._frame(framework_id)) is not None:
                frame.look_at_offer(offer_id)
        elif changes.executors:
            framework_id, agent_id, executor_id = changes.executors.popitem()[0]
            if (frame := self._frame(framework_id)) is not None:
                frame.look_at_executor(agent_id, executor_id)
        elif changes.operations:
            self._look_at_operation(*changes.operations.popitem())
        elif changes.frameworks:
            self._look_at_framework(changes.frameworks.popitem()[0])
        else:
            return False
        return True

    def _look_at_agent(self, agent_id: AgentID) -> None:
        agent, roster = self._ledger.agents.get(agent_id), self._ledger.roster
        self._agents.set(agent_id, agent_record(agent, roster) if agent is not None else None)
        is_awaited = agent_id in roster.recovered
        self._recovered.set(agent_id, recovered_record(agent_id, roster) if is_awaited else None)
        if agent is not None and agent.connected and agent.active:
            self._active.add(agent_id)
        else:
            self._active.discard(agent_id)

    def _look_at_tasks(self, marked: dict[TaskEntry, None]) -> None:
        """Some at once: there may be hundreds of thousands, most often of one framework after the other."""
        frame = None
        for _ in range(min(len(marked), TASKS_AT_ONCE)):
            task = marked.popitem()[0]
            if frame is None or frame.entry.id != task.framework_id:
                frame = self._frame(task.framework_id)
            if frame is not None:
                frame.look_at_task(task.task_id)

    def _look_at_operation(self, uuid: bytes, agent_id: AgentID) -> None:
        agent = self._ledger.agents.get(agent_id)
        operation = agent.operations.get(uuid) if agent is not None else None
        record = operation_record(operation) if operation is not None else None
        self._operations.set(b64encode(uuid).decode(), record)

    def _look_at_framework(self, framework_id: FrameworkID) -> None:
        frame = self._frame(framework_id)
        if frame is None:
            frame = self._completed_frame(framework_id)
        self._changes.frameworks.pop(framework_id, None)
        if frame is not None and not frame.look():
            self._changes.frameworks[framework_id] = None

    def _completed_frame(self, framework_id: FrameworkID) -> Frame | None:
        """The frame of a framework that is completed, made anew of what was shown of it; None: of a forgotten one."""
        live, known = self._frames.pop(framework_id, None), self._completed.pop(framework_id, None)
        entry = self._ledger.completed_framework(framework_id)
        if entry is None:
            return None
        before = next((frame for frame in (live, known) if frame is not None and frame.entry is entry), None)
        self._completed[framework_id] = frame = Frame(entry, before)
        return frame

    def _frame(self, framework_id: FrameworkID) -> Frame | None:
        """The frame of a framework that is not completed."""
        entry, frame = self._ledger.frameworks.get(framework_id), self._frames.get(framework_id)
        if entry is None or (frame is not None and frame.entry is entry):
            return frame if entry is not None else None
        self._frames[framework_id] = frame = Frame(entry)
        self._changes.frameworks[framework_id] = None
        return frame


def _views(frames: Iterable[Frame | None]) -> tuple[FrameworkView, ...]:
    views = [frame.view() for frame in frames if frame is not None]
    return tuple([view for view in views if view is not None])


def _is_same(one: View, other: View) -> bool:
    """Whether there is nothing else to see: what has changed is another object."""
    return (
        one.agents is other.agents
        and one.recovered_agents is other.recovered_agents
        and one.operations is other.operations
        and (one.active_agents, one.unreachable_agents) == (other.active_agents, other.unreachable_agents)
        and len(one.frameworks) == len(other.frameworks)
        and len(one.completed_frameworks) == len(other.completed_frameworks)
        and all(map(operator.is_, one.frameworks, other.frameworks))
        and all(map(operator.is_, one.completed_frameworks, other.completed_frameworks))
        and one.master == other.master
    )
