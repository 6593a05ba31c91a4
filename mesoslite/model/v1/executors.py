"""The executor API as v1 JSON documents: its calls and events, written and read."""

# Who calls: api/ decodes calls and encodes events; framework/ the other way round.
# Invariants: 1. whatever the document, only InvalidRequest is raised, with the path of the field.
#   2. of an agent, what is not known here is left out, as of a master (decoding.py).
# Source: Mesos include/mesos/v1/executor/executor.proto; src/slave/validation.cpp (executor::call::validate).

import base64
from collections.abc import Callable
from typing import Any, assert_never

from ..executor_calls import ExecutorAlive, ExecutorCall, ExecutorSubscribe, ExecutorUpdate, TellFramework
from ..executor_events import (
    AgentAlive,
    EndExecutor,
    EndTask,
    ExecutorError,
    ExecutorEvent,
    ExecutorSubscribed,
    FrameworkMessage,
    LaunchTask,
    LaunchTasks,
    UpdateAcknowledged,
)
from ..fields import Fields
from ..ids import ContainerID, ExecutorID, FrameworkID, TaskID
from ..states import Source, TaskState
from ..task_groups import TaskGroup
from ..tasks import TaskStatus, status_problem
from .agents import decode_agent, encode_agent
from .decoding import decode_framework
from .encoding import encode_framework
from .parts import Document, decode_grace, decode_uuid, encode_duration, wrap_id
from .statuses import decode_status, encode_status
from .tasks import decode_executor, decode_task, encode_executor, encode_task


def decode_executor_call(document: object) -> ExecutorCall:
    """Return the call that the body of an executor's request is. Raises: InvalidRequest."""
    fields = Fields(document)
    kind = fields.text("type")
    decode = _CALLS.get(kind)
    if decode is None:
        raise fields.invalid("type", f"got {kind[:80]!r}, expected one of {', '.join(_CALLS)}")
    return decode(fields)


def encode_executor_call(call: ExecutorCall) -> Document:
    """Return a call as the body of a request."""
    document: Document = {
        "type": type(call).__struct_config__.tag,
        "executor_id": wrap_id(call.executor_id),
        "framework_id": wrap_id(call.framework_id),
    }
    if isinstance(call, ExecutorSubscribe):
        document["subscribe"] = {
            "unacknowledged_tasks": [encode_task(task) for task in call.unacknowledged_tasks],
            "unacknowledged_updates": [{"status": encode_status(one)} for one in call.unacknowledged_updates],
        }
    elif isinstance(call, ExecutorUpdate):
        document["update"] = {"status": encode_status(call.status)}
    elif isinstance(call, TellFramework):
        document["message"] = {"data": base64.b64encode(call.data).decode()}
    return document


def encode_executor_event(event: ExecutorEvent) -> Document:
    """Return an event as a record of an executor's stream."""
    kind = type(event).__struct_config__.tag
    assert isinstance(kind, str)
    body = _event_body(event)
    return {"type": kind} if body is None else {"type": kind, kind.lower(): body}


def decode_executor_event(document: object) -> ExecutorEvent | None:
    """Return the event that a record is; None for one that has no meaning here. Raises: InvalidRequest."""
    fields = Fields(document)
    decode = _EVENTS.get(fields.text("type"))
    return decode(fields) if decode is not None else None


# ---- calls ----


def _ids(fields: Fields) -> dict[str, Any]:
    return {
        "framework_id": FrameworkID(fields.identifier("framework_id")),
        "executor_id": ExecutorID(fields.identifier("executor_id")),
    }


def _subscribe(fields: Fields) -> ExecutorSubscribe:
    ids, body = _ids(fields), fields.message("subscribe")
    return ExecutorSubscribe(
        **ids,
        unacknowledged_tasks=tuple([decode_task(task) for task in body.messages("unacknowledged_tasks")]),
        unacknowledged_updates=tuple(
            [_status(update, ids["executor_id"]) for update in body.messages("unacknowledged_updates")]
        ),
    )


def _update(fields: Fields) -> ExecutorUpdate:
    ids = _ids(fields)
    return ExecutorUpdate(**ids, status=_status(fields.message("update"), ids["executor_id"]))


def _status(update: Fields, executor_id: ExecutorID) -> TaskStatus:
    fields = update.message("status")
    status = decode_status(fields)
    decode_uuid(fields)  # without one nobody could acknowledge it
    if status.executor_id not in (None, executor_id):
        raise fields.invalid("executor_id", f"got {str(status.executor_id)[:80]!r}, expected that of the call")
    if status.source is not Source.SOURCE_EXECUTOR:
        raise fields.invalid("source", f"got {status.source.name}, expected SOURCE_EXECUTOR")
    if status.state is TaskState.TASK_STAGING:
        raise fields.invalid("state", "got TASK_STAGING, which a task is in before its executor has it")
    problem = status_problem(status)
    if problem is not None:
        raise update.invalid("status", problem)
    return status


_CALLS: dict[str, Callable[[Fields], ExecutorCall]] = {
    "SUBSCRIBE": _subscribe,
    "UPDATE": _update,
    "MESSAGE": lambda fields: TellFramework(**_ids(fields), data=fields.message("message").data("data")),
    "HEARTBEAT": lambda fields: ExecutorAlive(**_ids(fields)),
}


# ---- events ----


def _event_body(event: ExecutorEvent) -> Document | None:
    match event:
        case ExecutorSubscribed():
            return _encode_subscribed(event)
        case LaunchTask():
            return {"task": encode_task(event.task)}
        case LaunchTasks():
            return {"task_group": {"tasks": [encode_task(task) for task in event.group.tasks]}}
        case EndTask():
            body: Document = {"task_id": wrap_id(event.task_id)}
            if event.grace_seconds is not None:
                body["kill_policy"] = {"grace_period": encode_duration(event.grace_seconds)}
            return body
        case UpdateAcknowledged():
            return {"task_id": wrap_id(event.task_id), "uuid": base64.b64encode(event.uuid).decode()}
        case FrameworkMessage():
            return {"data": base64.b64encode(event.data).decode()}
        case ExecutorError():
            return {"message": event.message}
        case EndExecutor() | AgentAlive():
            return None
        case _:
            assert_never(event)


def _encode_subscribed(event: ExecutorSubscribed) -> Document:
    body: Document = {
        "executor_info": encode_executor(event.executor),
        "framework_info": encode_framework(event.framework),
        "agent_info": encode_agent(event.agent),
    }
    if event.container_id is not None:
        body["container_id"] = wrap_id(event.container_id)
    return body


def _subscribed(fields: Fields) -> ExecutorSubscribed:
    body = fields.message("subscribed")
    container_id = body.identifier_or_none("container_id")
    return ExecutorSubscribed(
        executor=decode_executor(body.message("executor_info"), lenient=True),
        framework=decode_framework(body.message("framework_info")),
        agent=decode_agent(body.message("agent_info")),
        container_id=ContainerID(container_id) if container_id is not None else None,
    )


def _launch_tasks(fields: Fields) -> LaunchTasks:
    group = fields.message("launch_group").message("task_group")
    return LaunchTasks(TaskGroup(tuple([decode_task(task, lenient=True) for task in group.messages("tasks")])))


def _end_task(fields: Fields) -> EndTask:
    body = fields.message("kill")
    return EndTask(TaskID(body.identifier("task_id")), decode_grace(body))


def _acknowledged(fields: Fields) -> UpdateAcknowledged:
    body = fields.message("acknowledged")
    return UpdateAcknowledged(TaskID(body.identifier("task_id")), decode_uuid(body))


_EVENTS: dict[str, Callable[[Fields], ExecutorEvent]] = {
    "SUBSCRIBED": _subscribed,
    "LAUNCH": lambda fields: LaunchTask(decode_task(fields.message("launch").message("task"), lenient=True)),
    "LAUNCH_GROUP": _launch_tasks,
    "KILL": _end_task,
    "ACKNOWLEDGED": _acknowledged,
    "MESSAGE": lambda fields: FrameworkMessage(fields.message("message").data("data")),
    "SHUTDOWN": lambda fields: EndExecutor(),
    "ERROR": lambda fields: ExecutorError(fields.message("error").text("message")),
    "HEARTBEAT": lambda fields: AgentAlive(),
}
