"""Statuses of tasks as v1 JSON documents, written and read."""

# Who calls: decoding.py and encoding.py of this package.
# Source: Mesos include/mesos/v1/mesos.proto (TaskStatus).

import base64

from ..fields import Fields
from ..ids import AgentID, ExecutorID, TaskID
from ..labels import decode_labels, encode_labels
from ..states import Reason, Source, TaskState
from ..tasks import TaskStatus
from .parts import Document, decode_document, wrap_id


def encode_status(status: TaskStatus) -> Document:
    """Return a TaskStatus; ``uuid`` is there exactly if it is to be acknowledged."""
    document: Document = {
        "task_id": wrap_id(status.task_id),
        "state": status.state.name,
        "source": status.source.name,
        "timestamp": status.timestamp,
    }
    if status.message:
        document["message"] = status.message
    if status.reason is not None:
        document["reason"] = status.reason.name
    if status.agent_id is not None:
        document["agent_id"] = wrap_id(status.agent_id)
    if status.executor_id is not None:
        document["executor_id"] = wrap_id(status.executor_id)
    if status.uuid is not None:
        document["uuid"] = base64.b64encode(status.uuid).decode()
    if status.unreachable_ns is not None:
        document["unreachable_time"] = {"nanoseconds": status.unreachable_ns}
    if status.labels:
        document["labels"] = encode_labels(status.labels)
    if status.healthy is not None:
        document["healthy"] = status.healthy
    if status.data is not None:
        document["data"] = base64.b64encode(status.data).decode()
    if status.check_status is not None:
        document["check_status"] = status.check_status.value
    if status.container_status is not None:
        document["container_status"] = status.container_status.value
    if status.limitation is not None:
        document["limitation"] = status.limitation.value
    return document


def decode_status(fields: Fields) -> TaskStatus:
    """Return a TaskStatus."""
    agent_id = fields.identifier_or_none("agent_id")
    executor_id = fields.identifier_or_none("executor_id")
    return TaskStatus(
        task_id=TaskID(fields.identifier("task_id")),
        state=fields.enum("state", TaskState),
        source=fields.enum_or_none("source", Source) or Source.SOURCE_MASTER,
        timestamp=fields.number("timestamp", 0.0),
        agent_id=AgentID(agent_id) if agent_id is not None else None,
        executor_id=ExecutorID(executor_id) if executor_id is not None else None,
        reason=fields.enum_or_none("reason", Reason),
        message=fields.text("message", ""),
        uuid=fields.data("uuid") if fields.has("uuid") else None,
        labels=decode_labels(fields, "labels"),
        unreachable_ns=fields.message("unreachable_time").whole("nanoseconds")
        if fields.has("unreachable_time")
        else None,
        healthy=fields.boolean("healthy") if fields.has("healthy") else None,
        data=fields.data("data") if fields.has("data") else None,
        check_status=decode_document(fields, "check_status"),
        container_status=decode_document(fields, "container_status"),
        limitation=decode_document(fields, "limitation"),
    )
