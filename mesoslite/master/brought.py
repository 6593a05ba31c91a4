"""Brought: the tasks that an agent brings along, read and checked a portion at a time."""

# Who calls: registration.py, inside the master actor, before anything of a return is believed.
# Each task is checked in one pass over its bytes (libactor's records), and stays where it is in its portion; what the
#   books need of it is decoded, once for all tasks of a portion that are alike in it. Completed tasks are not even
#   looked at, unless they will be remembered.
# Invariant: what is returned adds up: each task is of a framework that the agent has named, is named once, and all of
#   them fit into what the agent has.
# Rejected: decoding all of it: most of the time that a failover took.
# Source: Mesos src/master/validation.cpp (master::message::reregisterSlave).

from __future__ import annotations

from functools import lru_cache
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from libactor.records import RecordError
from mesoslite.model import NOTHING, InvalidRequest, once, validate_ids, validate_role
from mesoslite.model.record_types import TASK
from mesoslite.model.resource_records import resources_of
from mesoslite.model.sums import total_of
from mesoslite.model.task_records import PORTION_TASKS

from .alike import by_kind
from .returning_executors import checked_executors
from .tasks import TaskEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from mesoslite.model import AgentID, FrameworkID, FrameworkInfo, ReregisterAgent, Resources, TaskID

    from .alike import ByKind

ARRAY_16 = 0xDC
COLUMNS = ("task_id", "framework_id", "agent_id", "state", "resources", "role")


class Brought(NamedTuple):
    """What an agent says that it runs, of which each portion is one step, or ran."""

    frameworks: Mapping[FrameworkID, FrameworkInfo]
    portions: list[ByKind]
    ids: dict[FrameworkID, dict[TaskID, TaskEntry]]  # of what runs
    completed: tuple[TaskEntry, ...]

    def has(self, task: TaskEntry) -> bool:
        """Whether a task of that id runs."""
        return task.task_id in self.ids.get(task.framework_id, ())


def reading(
    message: ReregisterAgent,
    frameworks: Mapping[FrameworkID, FrameworkInfo],
    room: Callable[[FrameworkID, bool], int],
) -> Generator[None, None, Brought]:
    """Read the tasks of a message, a portion in each step; the last one returns them.

    ``frameworks`` are those that the agent names.
    ``room`` says of a framework, and whether the agent names it, how many of its completed tasks are wanted.
    Raises: InvalidRequest.
    """
    agent_id = message.info.id
    assert agent_id is not None
    own = {framework_id: framework_id for framework_id in frameworks}
    found: list[ByKind] = []
    ids: dict[FrameworkID, dict[TaskID, TaskEntry]] = {}
    held = checked_executors(message, frameworks)
    for number, portion in enumerate(message.tasks):
        if number:
            yield
        tasks = read_portion(portion, agent_id, own)
        kinds = by_kind(tasks)
        _note(ids, kinds, len(tasks))
        found.append(kinds)
        held += total_of([task.resources for task in tasks if not task.state.is_terminal])
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
        for portion in one.portions:
            if left[owner] <= 0:
                break
            yield
            some = read_portion(portion, agent_id, {owner: owner})[: left[owner]]
            left[owner] -= len(some)
            completed += some
    return Brought(frameworks, found, ids, tuple(completed))


def read_portion(portion: bytes, agent_id: AgentID, frameworks: Mapping[FrameworkID, FrameworkID]) -> list[TaskEntry]:
    """Return the tasks of a portion; ``frameworks`` are those that they may be of. Raises: InvalidRequest."""
    _check_count(portion)
    try:
        records, (ids, owners, agents, states, resources, roles) = TASK.read_array(portion, COLUMNS)
        amounts, roles = _each(resources, _amount), _each(roles, _checked_role)
    except (msgspec.MsgspecError, RecordError, ValueError) as error:
        raise InvalidRequest(f"a task is malformed: {error}") from error
    validate_ids("task", ids)
    for other in set(agents) - {agent_id}:
        raise InvalidRequest(f"task {ids[agents.index(other)]} is on agent {other[:80]}")
    for other in set(owners) - frameworks.keys():
        raise InvalidRequest(f"task {ids[owners.index(other)]} is of framework {other[:80]}, which is not named")
    owners = _each(owners, frameworks.__getitem__)
    return list(map(TaskEntry, ids, repeat(agent_id), owners, roles, amounts, records, states))


def _note(ids: dict[FrameworkID, dict[TaskID, TaskEntry]], kinds: ByKind, count: int) -> None:
    """Note the ids of ``count`` more tasks. Raises: InvalidRequest, if one is noted already, or is there twice."""
    for (framework_id, _, _), tasks in kinds.items():
        known = ids.get(framework_id)
        if known is None:
            ids[framework_id] = tasks
        elif not known.keys().isdisjoint(tasks):
            raise InvalidRequest("a task is named twice")
        elif len(known) > PORTION_TASKS:  # no portion's own
            known.update(tasks)
        else:
            ids[framework_id] = {**known, **tasks}
        count -= len(tasks)
    if count:
        raise InvalidRequest("a task is named twice")


def _each(column: list[Any], change: Callable[[Any], Any]) -> list[Any]:
    """``change`` of each value in a column, called once for those that are equal, as most are."""
    changed = {value: change(value) for value in set(column)}
    if len(changed) == 1:
        return list(changed.values()) * len(column)
    return [changed[value] for value in column]


def _check_count(portion: bytes) -> None:
    """Raises: InvalidRequest, if a portion has too many tasks for one step, or none: nobody takes steps for nothing."""
    code, count = portion[0] if portion else 0, 0
    if code & 0xF0 == 0x90:
        count = code & 0x0F
    elif code == ARRAY_16:
        count = int.from_bytes(portion[1:3], "big")
    if not 0 < count <= PORTION_TASKS:
        raise InvalidRequest(f"a portion is no array of 1 to {PORTION_TASKS} tasks")


def _amount(packed: bytes | None) -> Resources:
    return NOTHING if packed is None else resources_of(packed)


@lru_cache(maxsize=4_096)
def _checked_role(role: str) -> str:
    """A role, or nothing for the first one of its framework; always the same object. Raises: InvalidRequest."""
    if role:
        validate_role(role)
    return role
