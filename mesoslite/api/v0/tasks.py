"""Tasks: the document of ``/tasks``: tasks of all frameworks, by the time of their first status, a page of them."""

# A task without a status sorts before all others.
# Source: Mesos src/master/readonly_handler.cpp (tasks, TaskComparator).

from __future__ import annotations

import heapq
import math
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ..columns import chosen, columns
from ..projections_v0 import TASK_V0
from ..seen import seen_frameworks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from libactor.records import Record, Snapshot
    from mesoslite.model.records import Task
    from mesoslite.model.view import FrameworkView, View

    from ..serving import Part
    from ..sight import Sight

LIMIT = 100
NEVER = -math.inf
RENDERED_AT_ONCE = 64


class Page(NamedTuple):
    """Which tasks are asked for."""

    framework_id: str | None = None
    task_id: str | None = None
    offset: int = 0
    limit: int = LIMIT
    is_ascending: bool = False


class _First(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What is read of a status."""

    task_id: str
    state: int
    timestamp: float


_decode = msgspec.msgpack.Decoder(tuple[_First, ...]).decode


def page_of(query: Mapping[str, str]) -> Page:
    """What the parameters of a request ask for; numbers that are none are as if left out."""
    return Page(
        framework_id=query.get("framework_id"),
        task_id=query.get("task_id"),
        offset=_number(query.get("offset", ""), 0),
        limit=_number(query.get("limit", ""), LIMIT),
        is_ascending=query.get("order") == "asc",
    )


def tasks_parts(view: View, sight: Sight, page: Page) -> Iterator[Part]:
    """That page of the tasks."""
    tasks = _tasks(view, sight, page)
    choose = heapq.nsmallest if page.is_ascending else heapq.nlargest
    found = [task for _, task in choose(page.offset + page.limit, tasks, key=itemgetter(0))[page.offset :]]
    yield b'{"tasks":['
    for start in range(0, len(found), RENDERED_AT_ONCE):
        yield b"," * (start > 0) + TASK_V0.render_all(found[start : start + RENDERED_AT_ONCE])
    yield b"]}"


def _tasks(view: View, sight: Sight, page: Page) -> Iterator[tuple[float, Record[Task]]]:
    """The tasks that are asked for, each with the time of its first status."""
    frameworks = (*view.frameworks, *view.completed_frameworks)
    named = [each for each in frameworks if page.framework_id in (None, each.framework.id)]
    snapshots = _snapshots(seen_frameworks(named, sight))
    if page.task_id is not None:
        for task in chosen(snapshots, "task_id", page.task_id):
            statuses = task.statuses
            yield statuses[0].timestamp if statuses else NEVER, task
        return
    for snapshot in snapshots:
        yield from zip(_times(snapshot), snapshot, strict=True)


def _snapshots(frameworks: Iterable[FrameworkView]) -> Iterator[Snapshot[Task]]:
    for framework in frameworks:
        yield from (framework.tasks, framework.unreachable_tasks, *framework.completed_tasks)


def _times(snapshot: Snapshot[Task]) -> Iterator[float]:
    lists = chain.from_iterable(statuses for (statuses,) in columns(snapshot, "statuses"))
    return (next((status.timestamp for status in _decode(packed)), NEVER) if packed else NEVER for packed in lists)


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else default
