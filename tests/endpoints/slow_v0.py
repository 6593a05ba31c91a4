"""What the objects of the v0 API are to look like: a slow rendering of the decoded structs."""

# Who calls: test_projections.py.

from __future__ import annotations

from typing import Any

from mesoslite.model.records import Agent, Attribute, Executor, Framework, Offer, Range, Resource, Task

from .slow_v1 import Document, domain, drain_info, labels_v0, resource_v1, without_none

FIRST = ("cpus", "gpus", "mem", "disk")


def ranges_text(ranges: list[Range]) -> str:
    numbers: list[list[int]] = []
    for one in sorted([r for r in ranges if r.begin <= r.end], key=lambda r: r.begin):
        if numbers and one.begin <= numbers[-1][1] + 1:
            numbers[-1][1] = max(numbers[-1][1], one.end)
        else:
            numbers.append([one.begin, one.end])
    return "[" + ", ".join([f"{begin}-{end}" for begin, end in numbers]) + "]"


def kind_of(resource: Resource) -> str:
    return (
        "scalar" if resource.scalar is not None else "ranges" if resource.ranges else "items" if resource.items else ""
    )


def resources_count(resource: Resource) -> bool:
    return kind_of(resource) == "scalar" or bool(
        kind_of(resource) and (resource.revocable or resource.name not in FIRST)
    )


def resources_v0(resources: Any) -> Document:
    named: dict[str, list[Resource]] = {}
    for resource in resources:
        if kind_of(resource) == "scalar" or (kind_of(resource) and (resource.revocable or resource.name not in FIRST)):
            named.setdefault(resource.name + "_revocable" * resource.revocable, []).append(resource)
    document: Document = dict.fromkeys(FIRST, 0.0)
    for name, same in named.items():
        kind = kind_of(same[0])
        same = [resource for resource in same if kind_of(resource) == kind]
        if kind == "scalar":
            document[name] = sum([resource.scalar for resource in same]) / 1000
        elif kind == "ranges":
            document[name] = ranges_text([one for resource in same for one in resource.ranges])
        else:
            document[name] = "{" + ", ".join([item for resource in same for item in resource.items]) + "}"
    return document


def task_v0(task: Task) -> Document:
    return without_none(
        {
            "id": task.task_id,
            "name": task.name,
            "framework_id": task.framework_id,
            "executor_id": task.executor_id,
            "slave_id": task.agent_id,
            "state": task.state.name,
            "resources": resources_v0(task.resources),
            "limits": task.limits or None,
            "role": task.role,
            "statuses": [
                without_none(
                    {
                        "state": status.state.name,
                        "timestamp": status.timestamp,
                        "labels": labels_v0(status.labels),
                        "container_status": status.container_status,
                        "healthy": status.healthy,
                    }
                )
                for status in task.statuses
            ],
            "user": task.user,
            "labels": labels_v0(task.labels),
            "discovery": task.discovery,
            "container": task.container,
            "health_check": task.health_check,
        }
    )


def executor_v0(executor: Executor) -> Document:
    command = executor.command
    return without_none(
        {
            "executor_id": executor.executor_id,
            "name": executor.name,
            "framework_id": executor.framework_id,
            "command": {"argv": [], "uris": []}
            if command is None
            else without_none(
                {
                    "shell": command.shell,
                    "value": command.value,
                    "argv": list(command.arguments),
                    "environment": command.environment,
                    "uris": [{"value": uri.value, "executable": bool(uri.executable)} for uri in command.uris],
                }
            ),
            "resources": resources_v0(executor.resources),
            "role": executor.role,
            "labels": labels_v0(executor.labels),
            "type": executor.type.name if executor.type else None,
            "slave_id": executor.agent_id,
        }
    )


def attribute_v0(attribute: Attribute) -> Any:
    """The last of its values wins, as in any object with one name twice."""
    if attribute.text is not None:
        return attribute.text
    if attribute.items:
        return "{" + ", ".join(attribute.items) + "}"
    if attribute.ranges:
        return ranges_text(list(attribute.ranges))
    return None if attribute.scalar is None else attribute.scalar / 1000


def seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else float(nanoseconds) / 1e9


def agent_v0(agent: Agent) -> Document:
    roles = {one.role for one in agent.resources if one.role != "*" and resources_count(one)}
    return without_none(
        {
            "id": agent.id,
            "hostname": agent.hostname,
            "port": agent.port,
            "attributes": without_none(
                {one.name: attribute_v0(one) for one in agent.attributes if attribute_v0(one) is not None}
            ),
            "domain": domain(agent),
            "pid": agent.pid,
            "registered_time": seconds(agent.registered_time),
            "reregistered_time": seconds(agent.reregistered_time),
            "resources": resources_v0(agent.resources),
            "used_resources": resources_v0(agent.used),
            "offered_resources": resources_v0(agent.offered),
            "reserved_resources": {
                role: resources_v0([one for one in agent.resources if one.role == role]) for role in roles
            },
            "unreserved_resources": resources_v0([one for one in agent.resources if one.role == "*"]),
            "active": agent.active,
            "deactivated": agent.deactivated,
            "version": agent.version,
            "capabilities": list(agent.capabilities),
            "drain_info": drain_info(agent),
            "estimated_drain_start_time_seconds": seconds(agent.estimated_drain_start_time),
        }
    )


def agent_full_v0(agent: Agent) -> Document:
    roles = sorted({one.role for one in agent.resources} - {"*"}, key=str.encode)
    return agent_v0(agent) | {
        "reserved_resources_full": {
            role: [resource_v1(one) for one in agent.resources if one.role == role] for role in roles
        },
        "unreserved_resources_full": [resource_v1(one) for one in agent.resources if one.role == "*"],
        "used_resources_full": [resource_v1(one) for one in agent.used],
        "offered_resources_full": [resource_v1(one) for one in agent.offered],
    }


def recovered_agent_v0(agent: Agent) -> Document:
    return {
        name: value
        for name, value in agent_v0(agent).items()
        if name in ("id", "hostname", "port", "attributes", "domain")
    }


def framework_summary_v0(framework: Framework) -> Document:
    return without_none(
        {
            "id": framework.id,
            "name": framework.name,
            "pid": framework.pid,
            "used_resources": resources_v0(framework.used),
            "offered_resources": resources_v0(framework.offered),
            "capabilities": list(framework.capabilities),
            "hostname": framework.hostname,
            "webui_url": framework.webui_url,
            "active": framework.active,
            "connected": framework.connected,
            "recovered": framework.recovered,
        }
    )


def framework_v0(framework: Framework) -> Document:
    again = framework.reregistered_time
    return framework_summary_v0(framework) | without_none(
        {
            "user": framework.user,
            "failover_timeout": framework.failover_timeout,
            "checkpoint": framework.checkpoint,
            "registered_time": seconds(framework.registered_time),
            "unregistered_time": seconds(framework.unregistered_time or 0),
            "principal": framework.principal,
            "resources": resources_v0(framework.resources),
            "reregistered_time": None if again == framework.registered_time else seconds(again),
            "role": framework.role,
            "roles": list(framework.roles) if framework.role is None else None,
        }
    )


def framework_end_v0(framework: Framework) -> Document:
    return without_none(
        {
            "labels": labels_v0(framework.labels),
            "offer_constraints": framework.offer_constraints if framework.offer_constraints is not None else {},
        }
    )


def offer_v0(offer: Offer) -> Document:
    return {
        "id": offer.id,
        "framework_id": offer.framework_id,
        "allocation_info": {"role": offer.role},
        "slave_id": offer.agent_id,
        "resources": resources_v0(offer.resources),
    }
