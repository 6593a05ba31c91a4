"""Documents: the v0 JSON form of what the endpoints of master and agent have in common."""

# Who calls: agent_state.py, the versions of master.py and agent.py, v0/roles.py and v0/state.py.
# Keys and their meaning are Mesos's, so that its web page, its exporters and its discovery tools read them.
# Source: Mesos src/common/http.cpp (model, json).

from collections.abc import Mapping
from typing import Any, TypeAlias

from libactor.http import host_and_port
from mesoslite.model import AgentInfo, FrameworkInfo, Resources, TaskRecord, TaskStatus
from mesoslite.model.ranges import Range, coalesced
from mesoslite.model.resource_text import items_text, ranges_text
from mesoslite.model.v1 import encode_labels
from mesoslite.model.version import API_VERSION, software_version

Document: TypeAlias = dict[str, Any]

_ALWAYS = ("cpus", "gpus", "mem", "disk")


def version_document() -> Document:
    """What ``/version`` says: a version of Mesos's API, which clients parse, and our own under our own name."""
    return {
        "version": API_VERSION,
        "build_date": "",
        "build_time": 0.0,
        "build_user": "",
        "mesoslite": {"version": software_version()},
    }


def cluster_name(flags: Mapping[str, str]) -> Document:
    """The name that a cluster was given, if it was, as the state of it tells that; it is no secret as flags may be."""
    return {"cluster": flags["cluster"]} if "cluster" in flags else {}


def told_flags(flags: Mapping[str, str]) -> Document:
    """The options that a program was started with, as the state of it tells them."""
    return {**({"log_dir": flags["log_dir"]} if "log_dir" in flags else {}), "flags": dict(flags)}


def resources_document(resources: Resources) -> Document:
    """Resources by name: scalars as numbers, ranges and sets as text; some names are there even if there are none."""
    document: Document = {**dict.fromkeys(_ALWAYS, 0.0), **_amounts(resources.not_revocable())}
    for name, amount in _amounts(resources.revocable()).items():
        document[f"{name}_revocable"] = amount
    return document


def reserved_document(resources: Resources) -> Document:
    """What is reserved, by role, as ``resources_document``."""
    return {role: resources_document(reserved) for role, reserved in resources.reserved_by_role().items()}


def _amounts(resources: Resources) -> Document:
    ranges: dict[str, list[Range]] = {}
    items: dict[str, set[str]] = {}
    for portion in resources.others:
        if portion.ranges:
            ranges.setdefault(portion.kind.name, []).extend(portion.ranges)
        elif portion.items:
            items.setdefault(portion.kind.name, set()).update(portion.items)
    return {
        **resources.to_dict(),
        **{name: ranges_text(coalesced(parts)) for name, parts in ranges.items()},
        **{name: items_text(tuple(sorted(parts))) for name, parts in items.items()},
    }


def attributes_document(info: AgentInfo) -> Document:
    """The attributes of an agent by name: numbers, and texts of all others."""
    return {
        each.name: each.value if isinstance(each.value, float | int) else str(each.value) for each in info.attributes
    }


def address(pid: str, hostname: str, port: int) -> str:
    """Return an actor's address as ``<id>@<host>:<port>`` of its HTTP API, the form that clients take apart."""
    return f"{pid.partition('@')[0]}@{host_and_port(hostname, port)}"


def task_document(task: TaskRecord, framework: FrameworkInfo) -> Document:
    """A task that its executor was sent. Its role is left out where nobody knows it."""
    info = task.info
    document: Document = {
        "id": info.task_id,
        "name": info.name,
        "framework_id": task.framework_id,
        "executor_id": info.executor.executor_id if info.executor is not None else "",  # "": of a command
        "slave_id": info.agent_id,
        "state": task.state.name,
        "resources": resources_document(info.resources),
        **_role_document(task, framework),
        "statuses": [_status_document(status) for status in task.statuses],
    }
    if info.user is not None:
        document["user"] = info.user
    if info.labels:
        document["labels"] = encode_labels(info.labels)["labels"]
    if info.discovery is not None:
        document["discovery"] = info.discovery.value
    return document


def queued_task_document(task: TaskRecord, framework: FrameworkInfo) -> Document:
    """A task that its executor, one of a framework's own, is yet to be sent."""
    info = task.info
    document: Document = {
        "id": info.task_id,
        "name": info.name,
        "slave_id": info.agent_id,
        "resources": resources_document(info.resources),
        **_role_document(task, framework),
    }
    if info.executor is not None:
        document["executor_id"] = info.executor.executor_id
    if info.discovery is not None:
        document["discovery"] = info.discovery.value
    return document


def _role_document(task: TaskRecord, framework: FrameworkInfo) -> Document:
    role = task_role(task, framework)
    return {"role": role} if role else {}


def task_role(task: TaskRecord, framework: FrameworkInfo) -> str | None:
    """The role whose resources a task uses; of one that nobody has said, its framework's, if that has only one."""
    return task.role or (framework.roles[0] if len(framework.roles) == 1 else None)


def _status_document(status: TaskStatus) -> Document:
    document: Document = {"state": status.state.name, "timestamp": status.timestamp}
    if status.labels:
        document["labels"] = encode_labels(status.labels)["labels"]
    if status.container_status is not None:
        document["container_status"] = status.container_status.value
    if status.healthy is not None:
        document["healthy"] = status.healthy
    return document
