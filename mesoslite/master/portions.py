"""Portions: the tasks that an agent brings along, as many as are read and entered in one step."""

# Who calls: brought.py, inside the master actor; whatever enters tasks reads what it returns.
# Each task is checked in one pass over its bytes (libactor's records), and stays where it is in its portion; what the
#   books need of it is decoded. Thousands of agents bring tasks of the same frameworks, in the same roles and states
#   and of the same size, in the same order: all but the ids and the records is their *layout*, made and added up once.
# Rejected: decoding all of it: most of the time that a failover took.
# Source: Mesos src/master/validation.cpp (master::message::reregisterSlave).

from __future__ import annotations

from functools import lru_cache
from itertools import chain, repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from libactor.records import RecordError
from mesoslite.model import NOTHING, InvalidRequest, Usage, validate_ids, validate_role
from mesoslite.model.record_types import TASK
from mesoslite.model.resource_records import resources_of
from mesoslite.model.sums import total_of
from mesoslite.model.task_records import PORTION_TASKS

from .tasks import TaskEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from mesoslite.model import AgentID, FrameworkID, Resources, TaskID, TaskState

ARRAY_16 = 0xDC
COLUMNS = ("task_id", "framework_id", "agent_id", "state", "resources", "role")
KEPT_MAX, KEPT_BYTES_MAX = 256, 65_536  # layouts, and the bytes of the portion that each was made of

T = TypeVar("T")

_task_id = attrgetter("task_id")


class Layout(msgspec.Struct, frozen=True, eq=False, gc=False):
    """What is the same of all portions that are laid out alike; columns have a value for each task."""

    owners: list[FrameworkID]
    roles: list[str]  # empty: the first one of its framework
    resources: list[Resources]
    states: list[TaskState]
    frameworks: frozenset[FrameworkID]
    held: Resources  # by those that live
    usages: tuple[Usage, ...]  # the same, by framework and role
    names_roles: bool  # of all of them
    has_ended: bool  # some of them
    is_small: bool  # enough to be kept


class Portion(msgspec.Struct, frozen=True, eq=False, gc=False):
    """Some tasks of one agent.

    ``differ_by_id``: it is known that no two of them have one id, not even of different frameworks.
    """

    tasks: list[TaskEntry]
    layout: Layout
    differ_by_id: bool

    def owned_ids(self) -> Iterator[tuple[FrameworkID, TaskID]]:
        """Whose tasks they are, and their ids."""
        return zip(self.layout.owners, map(_task_id, self.tasks), strict=True)

    @property
    def living(self) -> list[TaskEntry]:
        """Those that hold what is theirs."""
        return [task for task in self.tasks if not task.state.is_terminal] if self.layout.has_ended else self.tasks

    @property
    def ended(self) -> list[TaskEntry]:
        """The others."""
        return [task for task in self.tasks if task.state.is_terminal] if self.layout.has_ended else []


NO_TASKS = Portion(
    [],
    Layout([], [], [], [], frozenset(), NOTHING, (), names_roles=True, has_ended=False, is_small=True),
    differ_by_id=True,
)


class Portions:
    """Reads the portions that come to one master."""

    def __init__(self) -> None:
        self._layouts: dict[tuple[tuple[Any, ...], ...], Layout] = {}
        self._joined: dict[tuple[int, ...], tuple[tuple[Layout, ...], Layout]] = {}  # by the ``id`` of each, with them

    def read(self, packed: bytes, agent_id: AgentID, frameworks: Collection[FrameworkID]) -> Portion:
        """Return the tasks of a portion; ``frameworks`` are those that they may be of. Raises: InvalidRequest."""
        _check_count(packed)
        try:
            records, (ids, owners, agents, states, resources, roles) = TASK.read_array(packed, COLUMNS)
            key = (tuple(owners), tuple(roles), tuple(resources), tuple(states))
            layout = self._layouts.get(key) or self._laid_out(key, len(packed))
        except (msgspec.MsgspecError, RecordError, ValueError) as error:
            raise InvalidRequest(f"a task is malformed: {error}") from error
        validate_ids("task", ids)
        for other in set(agents) - {agent_id}:
            raise InvalidRequest(f"task {ids[agents.index(other)]} is on agent {other[:80]}")
        for other in layout.frameworks.difference(frameworks):
            raise InvalidRequest(f"task {ids[owners.index(other)]} is of framework {other[:80]}, which is not named")
        columns = (layout.owners, layout.roles, layout.resources, records, layout.states)
        tasks = list(map(TaskEntry, ids, repeat(agent_id), *columns))
        return Portion(tasks, layout, len(set(ids)) == len(ids))

    def joined(self, portions: Sequence[Portion]) -> Portion:
        """Return all that an agent has brought as one portion."""
        if len(portions) < 2:
            return portions[0] if portions else NO_TASKS
        layouts = tuple([portion.layout for portion in portions])
        key = tuple(map(id, layouts))
        known = self._joined.get(key)
        if known is None:
            known = layouts, _joint(layouts)
            if known[1].is_small:
                if len(self._joined) >= KEPT_MAX:
                    self._joined.clear()
                self._joined[key] = known
        return Portion(_chained([portion.tasks for portion in portions]), known[1], differ_by_id=False)

    def _laid_out(self, key: tuple[tuple[Any, ...], ...], size: int) -> Layout:
        layout = _layout(*key, is_small=size <= KEPT_BYTES_MAX)
        if layout.is_small:
            if len(self._layouts) >= KEPT_MAX:
                self._layouts.clear()
            self._layouts[key] = layout
        return layout


def _layout(
    owners: tuple[FrameworkID, ...],
    roles: tuple[str, ...],
    resources: tuple[bytes | None, ...],
    states: tuple[TaskState, ...],
    *,
    is_small: bool,
) -> Layout:
    """Raises: InvalidRequest; ValueError, MsgspecError."""
    checked = _each(owners, _one_object), _each(roles, _checked_role), _each(resources, _amount)
    return _added_up(*checked, list(states), is_small=is_small)


def _joint(layouts: Sequence[Layout]) -> Layout:
    """The layout of portions that follow each other."""
    return _added_up(
        _chained([layout.owners for layout in layouts]),
        _chained([layout.roles for layout in layouts]),
        _chained([layout.resources for layout in layouts]),
        _chained([layout.states for layout in layouts]),
        is_small=all(layout.is_small for layout in layouts),
    )


def _chained(parts: Iterable[Iterable[T]]) -> list[T]:
    return list(chain.from_iterable(parts))


def _added_up(
    owners: list[FrameworkID], roles: list[str], resources: list[Resources], states: list[TaskState], *, is_small: bool
) -> Layout:
    columns = (owners, roles, resources, states)
    living: dict[tuple[FrameworkID, str], list[Resources]] = {}
    for owner, role, amount, state in zip(*columns, strict=True):
        if not state.is_terminal:
            living.setdefault((owner, role), []).append(amount)
    usages = [Usage(*who, total_of(amounts)) for who, amounts in living.items()]
    held = total_of([one.resources for one in usages])
    used = tuple([one for one in usages if one.resources])
    has_ended = any(state.is_terminal for state in set(states))
    return Layout(
        *columns, frozenset(owners), held, used, names_roles=all(roles), has_ended=has_ended, is_small=is_small
    )


def _each(column: tuple[Any, ...], change: Callable[[Any], Any]) -> list[Any]:
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
def _one_object(framework_id: FrameworkID) -> FrameworkID:
    """The same object for equal ids."""
    return framework_id


@lru_cache(maxsize=4_096)
def _checked_role(role: str) -> str:
    """A role, or nothing for the first one of its framework; always the same object. Raises: InvalidRequest."""
    if role:
        validate_role(role)
    return role
