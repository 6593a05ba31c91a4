"""Tasks and executors as v1 JSON documents, written and read."""

# Who calls: operations.py of this package; whoever shows or reads a TaskInfo or an ExecutorInfo.
# What breaks a rule of the master is read all the same: it is the task that is refused, by a status, not the call.
# Source: Mesos include/mesos/v1/mesos.proto (TaskInfo, ExecutorInfo).

import base64
from typing import Any

from ..executors import ExecutorInfo, ExecutorType
from ..fields import Fields
from ..ids import AgentID, ExecutorID, FrameworkID, TaskID
from ..labels import decode_labels, encode_labels
from ..resources import Resources
from ..tasks import TaskInfo
from ..volume_places import said_resources
from .checks import decode_check, decode_health_check, encode_check, encode_health_check
from .commands import decode_command, encode_command
from .parts import (
    Document,
    decode_allocation_roles,
    decode_document,
    decode_duration,
    decode_limits,
    encode_duration,
    encode_number,
    encode_resources,
    wrap_id,
)


def encode_task(task: TaskInfo) -> Document:
    """Return a TaskInfo."""
    document: Document = {
        "name": task.name,
        "task_id": wrap_id(task.task_id),
        "agent_id": wrap_id(task.agent_id),
        "resources": encode_resources(said_resources(task), only_role(task.allocation_roles)),
        **_encode_common(task),
    }
    if task.executor is not None:
        document["executor"] = encode_executor(task.executor)
    if task.kill_grace_seconds is not None:
        document["kill_policy"] = {"grace_period": encode_duration(task.kill_grace_seconds)}
    if task.max_completion_seconds is not None:
        document["max_completion_time"] = encode_duration(task.max_completion_seconds)
    if task.check is not None:
        document["check"] = encode_check(task.check)
    if task.health_check is not None:
        document["health_check"] = encode_health_check(task.health_check)
    if task.limits:
        document["limits"] = {name: {"value": encode_number(limit)} for name, limit in task.limits}
    return document


def encode_executor(executor: ExecutorInfo) -> Document:
    """Return an ExecutorInfo."""
    document: Document = {"executor_id": wrap_id(executor.executor_id), **_encode_common(executor)}
    if executor.type is not None:
        document["type"] = executor.type.name
    if executor.framework_id is not None:
        document["framework_id"] = wrap_id(executor.framework_id)
    if executor.resources:
        document["resources"] = encode_resources(executor.resources, only_role(executor.allocation_roles))
    if executor.name:
        document["name"] = executor.name
    if executor.source is not None:
        document["source"] = executor.source
    if executor.shutdown_grace_seconds is not None:
        document["shutdown_grace_period"] = encode_duration(executor.shutdown_grace_seconds)
    return document


def decode_task(fields: Fields, *, lenient: bool = False) -> TaskInfo:
    """Return a TaskInfo; with ``lenient`` without what no task can be given here. Raises: InvalidRequest."""
    return TaskInfo(
        task_id=TaskID(fields.identifier("task_id")),
        name=fields.text("name"),
        agent_id=AgentID(fields.identifier("agent_id")),
        executor=decode_executor(fields.message("executor"), lenient=lenient) if fields.has("executor") else None,
        kill_grace_seconds=decode_duration(fields.message_or_empty("kill_policy"), "grace_period"),
        max_completion_seconds=decode_duration(fields, "max_completion_time"),
        check=decode_check(fields.message("check")) if fields.has("check") else None,
        health_check=decode_health_check(fields.message("health_check")) if fields.has("health_check") else None,
        limits=decode_limits(fields),
        **_decode_common(fields, lenient),
    )


def decode_executor(fields: Fields, *, lenient: bool = False) -> ExecutorInfo:
    """Return an ExecutorInfo, as ``decode_task``. Raises: InvalidRequest."""
    framework_id = fields.identifier_or_none("framework_id")
    return ExecutorInfo(
        executor_id=ExecutorID(fields.identifier("executor_id")),
        type=fields.enum_or_none("type", ExecutorType),
        framework_id=FrameworkID(framework_id) if framework_id is not None else None,
        name=fields.text("name", ""),
        source=fields.text("source") if fields.has("source") else None,
        shutdown_grace_seconds=decode_duration(fields, "shutdown_grace_period"),
        **_decode_common(fields, lenient),
    )


def only_role(roles: tuple[str, ...]) -> str | None:
    """The role that resources are allocated to, if there is one."""
    return roles[0] if len(roles) == 1 else None


def _encode_common(info: TaskInfo | ExecutorInfo) -> Document:
    document: Document = {}
    if info.command is not None:
        document["command"] = encode_command(info.command)
    if info.labels:
        document["labels"] = encode_labels(info.labels)
    if info.data is not None:
        document["data"] = base64.b64encode(info.data).decode()
    if info.container is not None:
        document["container"] = info.container.value
    if info.discovery is not None:
        document["discovery"] = info.discovery.value
    return document


def _decode_common(fields: Fields, lenient: bool) -> dict[str, Any]:
    return {
        "resources": Resources.decode(fields.messages("resources"), lenient=lenient),
        "command": decode_command(fields.message("command")) if fields.has("command") else None,
        "labels": decode_labels(fields, "labels"),
        "data": fields.data("data") if fields.has("data") else None,
        "container": decode_document(fields, "container"),
        "discovery": decode_document(fields, "discovery"),
        "allocation_roles": decode_allocation_roles(fields, "resources"),
    }
