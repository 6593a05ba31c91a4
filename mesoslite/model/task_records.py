"""Task records: tasks as they are sent and kept in great numbers (records.Task), made from others and back."""

# Who calls: agents pack what they run when they register again; the master reads it, and keeps each task as it came.
# Tasks come in portions, each an array of at most PORTION_TASKS of them as msgpack, so that whoever reads a million of
#   them can stop in between. Nothing in a portion was looked at before it is read.
# A record is what Mesos's master keeps of a task: not its command, its data, nor what only its agent needs.
# Source: Mesos include/mesos/v1/mesos.proto (Task), src/common/protobuf_utils.cpp (createTask).

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar

import msgspec

from .documents import FrozenDocument
from .errors import InvalidRequest
from .executors import ExecutorInfo
from .fields import Fields
from .ids import AgentID, ExecutorID, FrameworkID, TaskID
from .records import Status, Task
from .resource_records import packed_resources, unpacked_resources
from .state import TaskRecord
from .states import Source
from .tasks import TaskInfo, TaskStatus
from .v1.checks import decode_health_check, encode_health_check

PORTION_TASKS = 64  # about a fifth of a millisecond
_NANOSECONDS = 1_000_000_000

T = TypeVar("T")

_encode = msgspec.msgpack.Encoder().encode


def pack_tasks(tasks: Iterable[TaskRecord]) -> tuple[bytes, ...]:
    """Return tasks in portions."""
    waiting = map(packed_task, tasks)
    portions = []
    while portion := list(islice(waiting, PORTION_TASKS)):
        portions.append(_encode(portion))
    return tuple(portions)


def packed_task(task: TaskRecord) -> Task:
    """Return a task as it is sent and kept."""
    info = task.info
    grace = info.kill_grace_seconds
    return Task(
        task_id=info.task_id,
        name=info.name,
        framework_id=task.framework_id,
        agent_id=info.agent_id,
        state=task.state,
        resources=packed_resources(info.resources, task.role or None),
        statuses=tuple(map(packed_status, task.statuses)),
        executor_id=info.executor.executor_id if info.executor is not None else "",
        role=task.role,
        labels=info.labels,
        user=info.user,
        limits=dict(info.limits),
        status_update_state=task.update_state,
        status_update_uuid=task.update_uuid,
        discovery=info.discovery.value if info.discovery is not None else None,
        container=info.container.value if info.container is not None else None,
        health_check=encode_health_check(info.health_check) if info.health_check is not None else None,
        kill_policy={"grace_period": {"nanoseconds": round(grace * _NANOSECONDS)}} if grace is not None else None,
    )


def unpacked_task(task: Task) -> TaskRecord:
    """Return what a record says; a health check or kill policy that is none is left out.

    Raises: InvalidRequest, if its resources are none.
    """
    info = TaskInfo(
        task_id=TaskID(task.task_id),
        name=task.name,
        agent_id=AgentID(task.agent_id),
        resources=unpacked_resources(task.resources),
        labels=task.labels,
        executor=ExecutorInfo(executor_id=ExecutorID(task.executor_id)) if task.executor_id else None,
        limits=tuple(task.limits.items()),
        discovery=FrozenDocument.of(task.discovery) if task.discovery is not None else None,
        container=FrozenDocument.of(task.container) if task.container is not None else None,
        health_check=_if_any(lambda: decode_health_check(Fields(task.health_check)), task.health_check),
        kill_grace_seconds=_if_any(lambda: _grace(Fields(task.kill_policy)), task.kill_policy),
    )
    return TaskRecord(
        info=info,
        framework_id=FrameworkID(task.framework_id),
        state=task.state,
        statuses=tuple(map(unpacked_status, task.statuses)),
        role=task.role,
        update_state=task.status_update_state,
        update_uuid=task.status_update_uuid,
    )


def _if_any(read: Callable[[], T], document: object) -> T | None:
    """What a document says that nobody has looked at; None if there is none, or it says nothing."""
    try:
        return read() if document is not None else None
    except InvalidRequest:
        return None


def _grace(policy: Fields) -> float:
    return policy.message("grace_period").whole("nanoseconds") / _NANOSECONDS


# ---- statuses ----


def packed_status(status: TaskStatus) -> Status:
    """Return a status as it is sent and kept."""
    check, container, limitation = status.check_status, status.container_status, status.limitation
    return Status(  # by names it would take four times as long
        status.task_id,
        status.state,
        status.timestamp,
        status.source,
        status.reason,
        status.message or None,
        status.uuid,
        status.healthy,
        status.agent_id,
        status.executor_id,
        status.labels,
        status.data,
        status.unreachable_ns,
        container.value if container is not None else None,
        check.value if check is not None else None,
        limitation.value if limitation is not None else None,
    )


def _unpacked_document(value: object) -> FrozenDocument | None:
    return _if_any(lambda: FrozenDocument.of(value), value)


def unpacked_status(status: Status) -> TaskStatus:
    """Return what a record says of a status; documents that say nothing are left out."""
    return TaskStatus(
        task_id=TaskID(status.task_id),
        state=status.state,
        timestamp=status.timestamp,
        source=status.source or Source.SOURCE_AGENT,
        reason=status.reason,
        message=status.message or "",
        uuid=status.uuid,
        agent_id=AgentID(status.agent_id) if status.agent_id is not None else None,
        executor_id=ExecutorID(status.executor_id) if status.executor_id is not None else None,
        labels=status.labels,
        unreachable_ns=status.unreachable_time,
        healthy=status.healthy,
        data=status.data,
        check_status=_unpacked_document(status.check_status),
        container_status=_unpacked_document(status.container_status),
        limitation=_unpacked_document(status.limitation),
    )
