"""What the objects of the v1 API are to look like: a slow rendering of the decoded structs, and what v0 has alike."""

# Who calls: test_projections.py, slow_v0.py.

from __future__ import annotations

import base64
from typing import Any

from mesoslite.model import Label, ReservationType
from mesoslite.model.records import Agent, Attribute, Executor, Framework, Offer, Operation, Resource, Status, Task

Document = dict[str, Any]


def without_none(document: Document) -> Document:
    return {key: value for key, value in document.items() if value is not None}


def duration(nanoseconds: int | None) -> Document | None:
    return None if nanoseconds is None else {"nanoseconds": nanoseconds}


def domain(agent: Agent | Offer) -> Document | None:
    if agent.domain is None:
        return None
    return {"fault_domain": {"region": {"name": agent.domain.region}, "zone": {"name": agent.domain.zone}}}


def drain_info(agent: Agent) -> Document | None:
    if agent.drain is None:
        return None
    config = without_none(
        {"max_grace_period": duration(agent.drain.max_grace_period), "mark_gone": agent.drain.mark_gone}
    )
    return {"state": agent.drain.state.name, "config": config}


def labels_v0(labels: tuple[Label, ...]) -> list[Document] | None:
    return [without_none({"key": label.key, "value": label.value}) for label in labels] or None


def value(text: str | None) -> Document | None:
    return {"value": text} if text else None


def base64_of(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def labels_v1(labels: tuple[Label, ...]) -> Document | None:
    return {"labels": labels_v0(labels)} if labels else None


def amount_v1(one: Resource | Attribute) -> Document:
    return {
        "name": one.name,
        "type": one.type.name,
        "scalar": None if one.scalar is None else {"value": one.scalar / 1000},
        "ranges": {"range": [{"begin": r.begin, "end": r.end} for r in one.ranges]} if one.ranges else None,
        "set": {"item": list(one.items)} if one.items else None,
    }


def reservation_v1(one: Resource) -> Document | None:
    """What older clients read: the only reservation, unless it is part of the agent's own configuration."""
    if len(one.reservations) != 1 or one.reservations[0].type is not ReservationType.DYNAMIC:
        return None
    only = one.reservations[0]
    return without_none({"principal": only.principal, "labels": labels_v1(only.labels)})


def resource_v1(one: Resource) -> Document:
    reservations = [
        without_none({"type": r.type.name, "role": r.role, "principal": r.principal, "labels": labels_v1(r.labels)})
        for r in one.reservations
    ]
    return without_none(
        {
            **amount_v1(one),
            "role": one.role,
            "allocation_info": None if one.allocation_role is None else {"role": one.allocation_role},
            "reservation": reservation_v1(one),
            "reservations": reservations or None,
            "disk": one.disk,
            "revocable": {} if one.revocable else None,
            "shared": {} if one.shared else None,
            "provider_id": value(one.provider_id),
        }
    )


def resources_v1(resources: tuple[Resource, ...]) -> list[Document] | None:
    return [resource_v1(one) for one in resources] or None


def attributes_v1(attributes: tuple[Attribute, ...]) -> list[Document] | None:
    return [
        without_none({**amount_v1(one), "text": None if one.text is None else {"value": one.text}})
        for one in attributes
    ] or None


def status_v1(status: Status) -> Document:
    return without_none(
        {
            "task_id": {"value": status.task_id},
            "state": status.state.name,
            "message": status.message,
            "source": status.source.name if status.source else None,
            "reason": status.reason.name if status.reason else None,
            "data": base64_of(status.data),
            "agent_id": value(status.agent_id),
            "executor_id": value(status.executor_id),
            "timestamp": status.timestamp,
            "uuid": base64_of(status.uuid),
            "healthy": status.healthy,
            "check_status": status.check_status,
            "labels": labels_v1(status.labels),
            "container_status": status.container_status,
            "unreachable_time": duration(status.unreachable_time),
            "limitation": status.limitation,
        }
    )


def task_v1(task: Task) -> Document:
    return without_none(
        {
            "name": task.name,
            "task_id": {"value": task.task_id},
            "framework_id": {"value": task.framework_id},
            "executor_id": value(task.executor_id),
            "agent_id": {"value": task.agent_id},
            "state": task.state.name,
            "resources": resources_v1(task.resources),
            "statuses": [status_v1(status) for status in task.statuses] or None,
            "status_update_state": task.status_update_state.name if task.status_update_state else None,
            "status_update_uuid": base64_of(task.status_update_uuid),
            "labels": labels_v1(task.labels),
            "discovery": task.discovery,
            "container": task.container,
            "health_check": task.health_check,
            "kill_policy": task.kill_policy,
            "user": task.user,
            "limits": {name: {"value": limit} for name, limit in task.limits.items()} or None,
        }
    )


def executor_v1(executor: Executor) -> Document:
    command = executor.command and without_none(
        {
            "value": executor.command.value,
            "shell": executor.command.shell is not False,
            "arguments": list(executor.command.arguments) or None,
            "user": executor.command.user,
            "uris": [
                without_none(
                    {
                        "value": uri.value,
                        "executable": uri.executable,
                        "extract": uri.extract,
                        "cache": uri.cache,
                        "output_file": uri.output_file,
                    }
                )
                for uri in executor.command.uris
            ]
            or None,
            "environment": executor.command.environment,
        }
    )
    info = {
        "type": executor.type.name if executor.type else None,
        "executor_id": {"value": executor.executor_id},
        "framework_id": {"value": executor.framework_id},
        "command": command,
        "container": executor.container,
        "resources": resources_v1(executor.resources),
        "name": executor.name or None,
        "source": executor.source,
        "data": base64_of(executor.data),
        "discovery": executor.discovery,
        "shutdown_grace_period": duration(executor.shutdown_grace_period),
        "labels": labels_v1(executor.labels),
    }
    return {"executor_info": without_none(info), "agent_id": {"value": executor.agent_id}}


def agent_v1(agent: Agent) -> Document:
    info = {
        "hostname": agent.hostname,
        "port": agent.port,
        "resources": resources_v1(agent.resources),
        "attributes": attributes_v1(agent.attributes),
        "id": {"value": agent.id},
        "domain": domain(agent),
    }
    return without_none(
        {
            "agent_info": without_none(info),
            "active": agent.active,
            "deactivated": agent.deactivated,
            "version": agent.version,
            "pid": agent.pid,
            "registered_time": duration(agent.registered_time),
            "reregistered_time": duration(agent.reregistered_time),
            "total_resources": resources_v1(agent.resources),
            "allocated_resources": resources_v1(agent.used),
            "offered_resources": resources_v1(agent.offered),
            "capabilities": [{"type": capability} for capability in agent.capabilities] or None,
            "drain_info": drain_info(agent),
            "estimated_drain_start_time": duration(agent.estimated_drain_start_time),
        }
    )


def framework_v1(framework: Framework) -> Document:
    info = {
        "user": framework.user,
        "name": framework.name,
        "id": {"value": framework.id},
        "failover_timeout": framework.failover_timeout,
        "checkpoint": framework.checkpoint,
        "role": framework.role,
        "roles": list(framework.roles) or None,
        "hostname": framework.hostname or None,
        "principal": framework.principal,
        "webui_url": framework.webui_url or None,
        "capabilities": [{"type": capability} for capability in framework.capabilities] or None,
        "labels": labels_v1(framework.labels),
        "offer_filters": framework.offer_filters,
    }
    return without_none(
        {
            "framework_info": without_none(info),
            "active": framework.active,
            "connected": framework.connected,
            "recovered": framework.recovered,
            "registered_time": duration(framework.registered_time),
            "reregistered_time": duration(framework.reregistered_time),
            "unregistered_time": duration(framework.unregistered_time),
        }
    )


def framework_end_v1(framework: Framework) -> Document:
    return without_none(
        {
            "allocated_resources": resources_v1(framework.used),
            "offered_resources": resources_v1(framework.offered),
            "offer_constraints": framework.offer_constraints,
        }
    )


def offer_v1(offer: Offer) -> Document:
    return without_none(
        {
            "id": {"value": offer.id},
            "framework_id": {"value": offer.framework_id},
            "agent_id": {"value": offer.agent_id},
            "hostname": offer.hostname,
            "url": offer.url,
            "domain": domain(offer),
            "resources": resources_v1(offer.resources),
            "attributes": attributes_v1(offer.attributes),
            "executor_ids": [{"value": one} for one in offer.executor_ids] or None,
            "unavailability": offer.unavailability,
            "allocation_info": {"role": offer.role},
        }
    )


def recovered_agent_v1(agent: Agent) -> Document:
    info: Document = agent_v1(agent)["agent_info"]
    return info


def operation_v1(operation: Operation) -> Document:
    framework_id, statuses = operation.framework_id, list(operation.statuses)
    return {
        **({"framework_id": {"value": framework_id}} if framework_id is not None else {}),
        "agent_id": {"value": operation.agent_id},
        "info": operation.info,
        "latest_status": operation.latest_status,
        **({"statuses": statuses} if statuses else {}),
        "uuid": {"value": operation.uuid},
    }
