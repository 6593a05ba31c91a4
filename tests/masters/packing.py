"""Tasks as agents bring them along: packed in portions, and read again."""

from __future__ import annotations

from typing import Any

import msgspec

from mesoslite.model import FrameworkInfo, ReregisterAgent, TaskRecord
from mesoslite.model.messages import CompletedTasks
from mesoslite.model.packed_frameworks import pack_frameworks, unpacked_framework
from mesoslite.model.records import Task
from mesoslite.model.task_records import pack_tasks, packed_task, unpacked_task

_decode = msgspec.msgpack.Decoder(tuple[Task, ...]).decode
_encode = msgspec.msgpack.Encoder().encode


def tasks_of(message: ReregisterAgent) -> tuple[TaskRecord, ...]:
    """What an agent says that it runs."""
    return tuple([unpacked_task(task) for portion in message.tasks for task in _decode(portion)])


def packed(*tasks: TaskRecord) -> tuple[bytes, ...]:
    """Tasks as they are sent."""
    return pack_tasks(tasks)


def packed_infos(*infos: FrameworkInfo) -> tuple[bytes, ...]:
    """Frameworks as they are sent."""
    return pack_frameworks(infos)


def infos_of(message: ReregisterAgent) -> list[FrameworkInfo]:
    """The frameworks that an agent names."""
    return [unpacked_framework(packed) for packed in message.frameworks]


def over(*tasks: TaskRecord) -> tuple[CompletedTasks, ...]:
    """Tasks that are over, as they are sent."""
    return tuple([CompletedTasks(task.framework_id, packed(task)) for task in tasks])


def spoilt(task: TaskRecord, **fields: Any) -> tuple[bytes, ...]:
    """A task with fields of other types than they are to be."""
    return (_encode([msgspec.structs.replace(packed_task(task), **fields)]),)
