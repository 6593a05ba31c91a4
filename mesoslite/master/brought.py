"""Brought: what an agent brings along, read and checked a portion of its tasks at a time."""

# Who calls: registration.py, inside the master actor, before anything of a return is believed.
# Completed tasks are not even looked at, unless they will be remembered.
# Invariant: what is returned adds up: each task is of a framework that the agent has named, is named once, and all of
#   them fit into what the agent has.
# Source: Mesos src/master/validation.cpp (master::message::reregisterSlave).

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mesoslite.model import InvalidRequest, once
from mesoslite.model.task_records import PORTION_TASKS

from .returning_executors import checked_executors

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Set

    from mesoslite.model import FrameworkID, FrameworkInfo, ReregisterAgent, TaskID

    from .portions import Portion, Portions
    from .tasks import TaskEntry

    Ids = Set[tuple[FrameworkID, TaskID]]

NONE: Ids = frozenset()


class Brought(msgspec.Struct, frozen=True, eq=False, gc=False):
    """What an agent says that it runs, of which each portion is one step, or ran.

    A struct, as its portions are: thousands wait for the registry at once, and the collector need not look at them.
    """

    frameworks: Mapping[FrameworkID, FrameworkInfo]
    portions: tuple[Portion, ...]
    noted: Ids  # of what runs, unless that is told apart by its ids alone, and is one portion
    completed: tuple[TaskEntry, ...]

    def ids(self) -> Ids:
        """The ids of what runs. Cost: O(a portion)."""
        return self.noted or {key for portion in self.portions for key in portion.owned_ids()}


def reading(
    message: ReregisterAgent,
    frameworks: Mapping[FrameworkID, FrameworkInfo],
    portions: Portions,
    room: Callable[[FrameworkID, bool], int],
) -> Generator[None, None, Brought]:
    """Read the tasks of a message, a portion in each step; the last one returns them.

    ``frameworks`` are those that the agent names.
    ``room`` says of a framework, and whether the agent names it, how many of its completed tasks are wanted.
    Raises: InvalidRequest.
    """
    agent_id = message.info.id
    assert agent_id is not None
    found: list[Portion] = []
    noted: set[tuple[FrameworkID, TaskID]] = set()
    held = checked_executors(message, frameworks)
    for number, packed in enumerate(message.tasks):
        if number:
            yield
        portion = portions.read(packed, agent_id, frameworks)
        if len(message.tasks) > 1 or not portion.differ_by_id:
            _note(noted, portion)
        found.append(portion)
        held = held + portion.layout.held if held else portion.layout.held
    total = message.total or message.info.resources
    if not total.contains(once(held)):
        raise InvalidRequest(f"its tasks and executors use {held.brief}, but it has {total.brief} only")
    completed: list[TaskEntry] = []
    left: dict[FrameworkID, int] = {}  # that are wanted still
    for number, one in enumerate(message.completed_tasks, 1):
        if number % PORTION_TASKS == 0:
            yield
        owner = one.framework_id
        if owner not in left:
            left[owner] = room(owner, owner in frameworks)
        for packed in one.portions:
            if left[owner] <= 0:
                break
            yield
            some = portions.read(packed, agent_id, (owner,)).tasks[: left[owner]]
            left[owner] -= len(some)
            completed += some
    return Brought(frameworks, tuple(found), noted or NONE, tuple(completed))


def _note(ids: set[tuple[FrameworkID, TaskID]], portion: Portion) -> None:
    """Note the ids of more tasks. Raises: InvalidRequest, if one is noted already, or is there twice."""
    before = len(ids)
    ids.update(portion.owned_ids())
    if len(ids) < before + len(portion.tasks):
        raise InvalidRequest("a task is named twice")
