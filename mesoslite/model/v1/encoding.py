"""Encoding: the vocabulary as v1 JSON documents, the way Mesos writes them."""

# Who calls: api/ writes events, framework/ writes calls; both turn the document into bytes.
# Mesos's rules: snake_case, ids wrapped as {"value": ...}, enums by name, bytes as base64, scalars as doubles, fields
#   with a declared default always written, empty lists and unset fields left out.
# A number that JSON has no literal for is written as the text "Infinity", which Mesos reads; it writes the bare token.
# Source: Mesos include/mesos/v1/mesos.proto, scheduler/scheduler.proto; 3rdparty/stout/include/stout/protobuf.hpp.

import base64
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from ..calls import Accept, Acknowledge, Call, Decline, Kill, Reconcile, Revive, Subscribe, Suppress, Teardown
from ..events import Error, Event, Failure, Heartbeat, Offers, Rescind, Subscribed, Update
from ..frameworks import DEFAULT_ROLE, MULTI_ROLE, FrameworkInfo
from ..labels import encode_labels
from ..offers import Filters, Offer
from ..resource_json import Form, encode_portion
from ..resource_text import MILLI
from ..resources import Resources
from ..tasks import CommandInfo, TaskInfo, TaskStatus

Document: TypeAlias = dict[str, Any]

_NANOSECONDS = 1_000_000_000


def encode_call(call: Call) -> Document:
    """Return the call as the body of a scheduler request."""
    return _CALLS[type(call)](call)


def encode_event(
    event: Event,
    *,
    multi_role: bool = True,
    refined: bool = False,
    master_info: Mapping[str, Any] | None = None,
) -> Document:
    """Return the event as a record of a scheduler's stream.

    ``multi_role`` says whether the framework has that capability; others are not told the role of an offer.
    ``refined`` says whether it has RESERVATION_REFINEMENT, and so is told of reservations in the new form.
    ``master_info`` is added to what a Subscribed says of the master.
    """
    if isinstance(event, Offers):
        offers = [encode_offer(offer, multi_role=multi_role, refined=refined) for offer in event.offers]
        return {"type": "OFFERS", "offers": {"offers": offers}}
    if isinstance(event, Subscribed):
        return _subscribed(event, master_info or {})
    if isinstance(event, Update):
        return {"type": "UPDATE", "update": {"status": encode_status(event.status)}}
    if isinstance(event, Rescind):
        return {"type": "RESCIND", "rescind": {"offer_id": _id(event.offer_id)}}
    if isinstance(event, Failure):
        return {"type": "FAILURE", "failure": {"agent_id": _id(event.agent_id)}}
    if isinstance(event, Error):
        return {"type": "ERROR", "error": {"message": event.message}}
    assert isinstance(event, Heartbeat)
    return {"type": "HEARTBEAT"}


def encode_framework(info: FrameworkInfo) -> Document:
    """Return a FrameworkInfo."""
    document: Document = {
        "user": info.user,
        "name": info.name,
        "failover_timeout": _number(info.failover_timeout),
        "checkpoint": info.checkpoint,
    }
    if info.id is not None:
        document["id"] = _id(info.id)
    document.update(encode_roles(info))
    if info.hostname:
        document["hostname"] = info.hostname
    if info.webui_url:
        document["webui_url"] = info.webui_url
    if info.capabilities:
        document["capabilities"] = [{"type": capability} for capability in info.capabilities]
    return document


def encode_roles(info: FrameworkInfo) -> Document:
    """Return the roles of a framework in the field that its capabilities ask for; v0 documents have the same."""
    if MULTI_ROLE in info.capabilities or len(info.roles) != 1:
        return {"roles": list(info.roles)}
    return {"role": info.roles[0]}


def encode_resources(resources: Resources, role: str | None = None, form: Form = "old") -> list[Document]:
    """Return a list of Resources in canonical order; ``role`` is whom they are allocated to, if anyone.

    ``form`` is that of their reservations, see ``encode_portion``.
    """
    allocation = {"allocation_info": {"role": role}} if role is not None else {}
    plain = [
        {"name": name, "type": "SCALAR", "scalar": {"value": milli / MILLI}, "role": DEFAULT_ROLE, **allocation}
        for name, milli in resources.quantities
    ]
    others = [
        {**encode_portion(portion, form), **allocation} for portion in resources.others for _ in range(portion.copies)
    ]
    return plain + others


def encode_offer(offer: Offer, *, multi_role: bool = True, refined: bool = False) -> Document:
    """Return an Offer; ``multi_role`` and ``refined`` as in ``encode_event``."""
    document: Document = {
        "id": _id(offer.id),
        "framework_id": _id(offer.framework_id),
        "agent_id": _id(offer.agent_id),
        "hostname": offer.hostname,
        "url": {
            "scheme": "http",
            "address": {"hostname": offer.hostname, "port": offer.port},
            "path": "/slave(1)",
        },
        "resources": encode_resources(offer.resources, offer.role if multi_role else None, "new" if refined else "old"),
    }
    if multi_role:
        document["allocation_info"] = {"role": offer.role}
    return document


def encode_task(task: TaskInfo) -> Document:
    """Return a TaskInfo."""
    document: Document = {
        "name": task.name,
        "task_id": _id(task.task_id),
        "agent_id": _id(task.agent_id),
        "resources": encode_resources(task.resources),
        "command": encode_command(task.command),
    }
    if task.kill_grace_seconds is not None:
        document["kill_policy"] = _kill_policy(task.kill_grace_seconds)
    if task.labels:
        document["labels"] = encode_labels(task.labels)
    return document


def encode_command(command: CommandInfo) -> Document:
    """Return a CommandInfo."""
    document: Document = {"shell": command.shell, "value": command.value}
    if command.arguments:
        document["arguments"] = list(command.arguments)
    if command.environment:
        variables = [{"name": name, "type": "VALUE", "value": value} for name, value in command.environment]
        document["environment"] = {"variables": variables}
    return document


def encode_status(status: TaskStatus) -> Document:
    """Return a TaskStatus; ``uuid`` is there exactly if it is to be acknowledged."""
    document: Document = {
        "task_id": _id(status.task_id),
        "state": status.state.name,
        "source": status.source.name,
        "timestamp": status.timestamp,
    }
    if status.message:
        document["message"] = status.message
    if status.reason is not None:
        document["reason"] = status.reason.name
    if status.agent_id is not None:
        document["agent_id"] = _id(status.agent_id)
    if status.executor_id is not None:
        document["executor_id"] = _id(status.executor_id)
    if status.uuid is not None:
        document["uuid"] = base64.b64encode(status.uuid).decode()
    if status.labels:
        document["labels"] = encode_labels(status.labels)
    return document


def _subscribed(event: Subscribed, master_info: Mapping[str, Any]) -> Document:
    return {
        "type": "SUBSCRIBED",
        "subscribed": {
            "framework_id": _id(event.framework_id),
            "heartbeat_interval_seconds": float(event.heartbeat_interval_seconds),
            "master_info": {"id": event.master_id, **master_info},
        },
    }


def _subscribe(call: Subscribe) -> Document:
    document: Document = {"type": "SUBSCRIBE", "subscribe": {"framework_info": encode_framework(call.framework)}}
    if call.framework.id is not None:
        document["framework_id"] = _id(call.framework.id)
    return document


def _accept(call: Accept) -> Document:
    accept: Document = {"offer_ids": _ids(call.offer_ids), "filters": _filters(call.filters)}
    if call.tasks:
        launch = {"task_infos": [encode_task(task) for task in call.tasks]}
        accept["operations"] = [{"type": "LAUNCH", "launch": launch}]
    return {"type": "ACCEPT", "framework_id": _id(call.framework_id), "accept": accept}


def _decline(call: Decline) -> Document:
    decline = {"offer_ids": _ids(call.offer_ids), "filters": _filters(call.filters)}
    return {"type": "DECLINE", "framework_id": _id(call.framework_id), "decline": decline}


def _kill(call: Kill) -> Document:
    kill: Document = {"task_id": _id(call.task_id)}
    if call.agent_id is not None:
        kill["agent_id"] = _id(call.agent_id)
    if call.grace_seconds is not None:
        kill["kill_policy"] = _kill_policy(call.grace_seconds)
    return {"type": "KILL", "framework_id": _id(call.framework_id), "kill": kill}


def _acknowledge(call: Acknowledge) -> Document:
    acknowledge = {
        "agent_id": _id(call.agent_id),
        "task_id": _id(call.task_id),
        "uuid": base64.b64encode(call.uuid).decode(),
    }
    return {"type": "ACKNOWLEDGE", "framework_id": _id(call.framework_id), "acknowledge": acknowledge}


def _reconcile(call: Reconcile) -> Document:
    tasks = []
    for reference in call.tasks:
        task: Document = {"task_id": _id(reference.task_id)}
        if reference.agent_id is not None:
            task["agent_id"] = _id(reference.agent_id)
        tasks.append(task)
    reconcile = {"tasks": tasks} if tasks else {}
    return {"type": "RECONCILE", "framework_id": _id(call.framework_id), "reconcile": reconcile}


def _roles(call: Suppress | Revive, name: str) -> Document:
    document: Document = {"type": name.upper(), "framework_id": _id(call.framework_id)}
    if call.roles:
        document[name] = {"roles": list(call.roles)}
    return document


def _teardown(call: Teardown) -> Document:
    return {"type": "TEARDOWN", "framework_id": _id(call.framework_id)}


_CALLS: dict[type, Callable[[Any], Document]] = {
    Subscribe: _subscribe,
    Accept: _accept,
    Decline: _decline,
    Kill: _kill,
    Acknowledge: _acknowledge,
    Reconcile: _reconcile,
    Suppress: lambda call: _roles(call, "suppress"),
    Revive: lambda call: _roles(call, "revive"),
    Teardown: _teardown,
}


def _id(value: str) -> Document:
    return {"value": value}


def _ids(values: Iterable[str]) -> list[Document]:
    return [_id(value) for value in values]


def _filters(filters: Filters) -> Document:
    return {"refuse_seconds": _number(filters.refuse_seconds)}


def _kill_policy(grace_seconds: float) -> Document:
    return {"grace_period": {"nanoseconds": round(grace_seconds * _NANOSECONDS)}}


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return float(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
