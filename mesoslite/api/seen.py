"""Seen: what of a View is in somebody's sight: frameworks, with the tasks and executors that are, and operations."""

# Who calls: the documents of v0/ and v1/, in the thread that renders; event_stream.py.
# Invariant: a snapshot of which all is seen is given back as it is, so what was rendered of it is found again.
# Source: Mesos src/master/readonly_handler.cpp, src/common/http.cpp (approved<VIEW_...>).

from __future__ import annotations

from itertools import chain, compress
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec.structs import replace

from libactor.records import Collection
from mesoslite.model.record_types import EXECUTOR, OPERATION, TASK
from mesoslite.model.records import Command

from .columns import columns
from .resources_seen import sees_operation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from libactor.records import RecordType, Snapshot
    from mesoslite.model import Rights
    from mesoslite.model.records import Operation
    from mesoslite.model.view import FrameworkView, View

    from .sight import Sight

T = TypeVar("T", bound=msgspec.Struct)

_decode_command = msgspec.msgpack.Decoder(Command | None).decode
_decode_info = msgspec.msgpack.Decoder().decode


def seen_frameworks(frameworks: Iterable[FrameworkView], sight: Sight) -> Iterator[FrameworkView]:
    """Those that are seen, each with what is seen of it."""
    are_whole = sight.tasks.is_all and sight.executors.is_all
    if are_whole and sight.frameworks.is_all:
        yield from frameworks
        return
    for each in frameworks:
        if sight.frameworks.allow(each.framework.user):
            yield each if are_whole else _seen(each, sight)


def unseen_ids(view: View, sight: Sight) -> frozenset[str]:
    """The ids of frameworks that are not seen, live and completed."""
    if sight.frameworks.is_all:
        return frozenset()
    records = [each.framework for each in (*view.frameworks, *view.completed_frameworks)]
    return frozenset([record.id for record in records if not sight.frameworks.allow(record.user)])


def unseen_tasks(view: View, sight: Sight) -> frozenset[tuple[str, str]]:
    """The tasks that are not seen of frameworks that are, each by its framework's id and its own."""
    frameworks = (*view.frameworks, *view.completed_frameworks)
    seen = {id(each.framework): each for each in seen_frameworks(frameworks, sight.only("frameworks", "tasks"))}
    return frozenset(
        [
            (whole.framework.id, task_id)
            for whole in frameworks
            if id(whole.framework) in seen
            for task_id in _task_ids(whole) - _task_ids(seen[id(whole.framework)])
        ]
    )


def _task_ids(view: FrameworkView) -> set[str]:
    snapshots = (view.tasks, view.unreachable_tasks, *view.completed_tasks)
    return {task_id for each in snapshots for (ids,) in columns(each, "task_id") for task_id in ids}


def seen_operations(view: View, sight: Sight) -> Snapshot[Operation]:
    """Those on resources that are seen, of nobody or of a framework that is."""
    if sight.roles.is_all and sight.frameworks.is_all:
        return view.operations
    unseen = unseen_ids(view, sight)
    verdicts = [
        framework_id not in unseen and sees_operation(sight.roles, _decode_info(packed))
        for ids, infos in columns(view.operations, "framework_id", "info")
        for framework_id, packed in zip(ids, infos, strict=True)
    ]
    return _chosen(OPERATION, "uuid", view.operations, verdicts)


def _seen(view: FrameworkView, sight: Sight) -> FrameworkView:
    user = view.framework.user

    def tasks(snapshot: Snapshot[Any]) -> Snapshot[Any]:
        return _of_users(TASK, "task_id", snapshot, sight.tasks, "user", lambda said: user if said is None else said)

    def of_command(packed: bytes | None) -> str:
        command: Command | None = _decode_command(packed) if packed is not None else None
        return user if command is None or command.user is None else command.user

    return replace(
        view,
        tasks=tasks(view.tasks),
        unreachable_tasks=tasks(view.unreachable_tasks),
        completed_tasks=tuple(map(tasks, view.completed_tasks)),
        executors=_of_users(
            EXECUTOR, ("agent_id", "executor_id"), view.executors, sight.executors, "command", of_command
        ),
    )


def _of_users(
    kind: RecordType[T],
    key: str | tuple[str, ...],
    snapshot: Snapshot[T],
    rights: Rights,
    field: str,
    user: Callable[[Any], str],
) -> Snapshot[T]:
    """The records of users in ``rights``; ``user`` says which by what is in ``field``."""
    if rights.is_all or not len(snapshot):
        return snapshot
    said = list(chain.from_iterable(values for (values,) in columns(snapshot, field)))
    verdicts = {each: rights.allow(user(each)) for each in set(said)}
    return _chosen(kind, key, snapshot, list(map(verdicts.__getitem__, said)))


def _chosen(
    kind: RecordType[T], key: str | tuple[str, ...], snapshot: Snapshot[T], verdicts: list[bool]
) -> Snapshot[T]:
    if all(verdicts):
        return snapshot
    chosen: Collection[T] = Collection(kind, key)
    for record in compress(snapshot, verdicts):
        chosen.put(record)
    return chosen.snapshot()
