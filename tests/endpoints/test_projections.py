"""Projections of tasks, executors and agents: against a slow rendering of the decoded structs, on random ones."""

import base64
import json
from typing import Any

import msgspec
import msgspec.inspect as inspect
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesoslite.api.projections_v0 import (
    AGENT,
    AGENT_FULL_V0,
    AGENT_V0,
    EXECUTOR,
    EXECUTOR_V0,
    FRAMEWORK,
    FRAMEWORK_V0,
    OFFER,
    OFFER_V0,
    TASK,
    TASK_V0,
)
from mesoslite.api.projections_v1 import AGENT_V1, EXECUTOR_V1, FRAMEWORK_V1, OFFER_V1, TASK_V1
from mesoslite.model import Label, ReservationType, ValueType
from mesoslite.model.records import (
    Agent,
    Attribute,
    Executor,
    Framework,
    Offer,
    Range,
    Resource,
    Status,
    Task,
)
from mesoslite.model.states import TaskState

FEWER = settings(max_examples=settings.default.max_examples // 3)  # each is a document, of which all is looked at

# --- random structs of any class ---

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
documents = st.none() | st.dictionaries(
    texts, texts | st.booleans() | st.integers(0, 9) | st.lists(texts, max_size=2), max_size=2
)
NAMES = st.sampled_from(["cpus", "mem", "disk", "ports", "gpus", "zones"])
SIMPLE = {
    inspect.StrType: texts,
    inspect.IntType: st.integers(0, 2**62),
    inspect.FloatType: st.floats(0, 1e12) | st.just(float("inf")),
    inspect.BoolType: st.booleans(),
    inspect.BytesType: st.binary(max_size=16),
    inspect.AnyType: documents,
}


def strategy_of(info: Any) -> st.SearchStrategy[Any]:
    if isinstance(info, inspect.UnionType):
        return st.one_of([strategy_of(one) for one in info.types])
    if isinstance(info, inspect.NoneType):
        return st.none()
    if isinstance(info, inspect.EnumType):
        return st.sampled_from(list(info.cls))
    if isinstance(info, inspect.VarTupleType):
        return st.lists(strategy_of(info.item_type), max_size=2).map(tuple)
    if isinstance(info, inspect.DictType):
        return st.dictionaries(NAMES, strategy_of(info.value_type), max_size=2)
    if isinstance(info, inspect.StructType):
        fields = {field.name: strategy_of(field.type) for field in info.fields}
        if info.cls is Resource:
            fields |= {
                "name": NAMES,
                "role": st.sampled_from(["*", "web", "ops/db"]),
                "scalar": st.none() | st.integers(0, 2**40),
            }
            fields |= {
                "ranges": st.lists(st.builds(Range, st.integers(0, 50), st.integers(0, 50)), max_size=2).map(tuple)
            }
        if info.cls is Attribute:
            fields |= {"name": texts, "scalar": st.none() | st.integers(0, 2**40)}
        return st.builds(info.cls, **fields)
    return SIMPLE[type(info)]


def random(kind: type) -> st.SearchStrategy[Any]:
    return strategy_of(inspect.type_info(kind))


# --- what they are to look like ---

Document = dict[str, Any]


def without_none(document: Document) -> Document:
    return {key: value for key, value in document.items() if value is not None}


def ranges_text(ranges: list[Range]) -> str:
    numbers: list[list[int]] = []
    for one in sorted([r for r in ranges if r.begin <= r.end], key=lambda r: r.begin):
        if numbers and one.begin <= numbers[-1][1] + 1:
            numbers[-1][1] = max(numbers[-1][1], one.end)
        else:
            numbers.append([one.begin, one.end])
    return "[" + ", ".join([f"{begin}-{end}" for begin, end in numbers]) + "]"


FIRST = ("cpus", "gpus", "mem", "disk")


def kind_of(resource: Resource) -> str:
    return (
        "scalar" if resource.scalar is not None else "ranges" if resource.ranges else "items" if resource.items else ""
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


def labels_v0(labels: tuple[Label, ...]) -> list[Document] | None:
    return [without_none({"key": label.key, "value": label.value}) for label in labels] or None


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


def resources_count(resource: Resource) -> bool:
    return kind_of(resource) == "scalar" or bool(
        kind_of(resource) and (resource.revocable or resource.name not in FIRST)
    )


def value(text: str | None) -> Document | None:
    return {"value": text} if text else None


def duration(nanoseconds: int | None) -> Document | None:
    return None if nanoseconds is None else {"nanoseconds": nanoseconds}


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


def framework_v0(framework: Framework) -> Document:
    again = framework.reregistered_time
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
            "allocated_resources": resources_v1(framework.used),
            "offered_resources": resources_v1(framework.offered),
            "offer_constraints": framework.offer_constraints,
        }
    )


def attributes_v1(attributes: tuple[Attribute, ...]) -> list[Document] | None:
    return [
        without_none({**amount_v1(one), "text": None if one.text is None else {"value": one.text}})
        for one in attributes
    ] or None


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


# --- claims ---


def rendered(kind: Any, projection: Any, struct: Any) -> Document:
    document: Document = json.loads(projection.render(kind.pack(struct)))
    return document


# Goal: each object is what it is to be, and its members come in the order that the servers of Mesos write them in.
# Names that come from the record (of resources, attributes, roles) have an order of their own.
SHOWN = {
    "task of v0": (TASK, TASK_V0, task_v0),
    "task of v1": (TASK, TASK_V1, task_v1),
    "executor of v0": (EXECUTOR, EXECUTOR_V0, executor_v0),
    "executor of v1": (EXECUTOR, EXECUTOR_V1, executor_v1),
    "agent of v0": (AGENT, AGENT_V0, agent_v0),
    "agent of v0, full": (AGENT, AGENT_FULL_V0, agent_full_v0),
    "agent of v1": (AGENT, AGENT_V1, agent_v1),
    "framework of v0": (FRAMEWORK, FRAMEWORK_V0, framework_v0),
    "framework of v1": (FRAMEWORK, FRAMEWORK_V1, framework_v1),
    "offer of v0": (OFFER, OFFER_V0, offer_v0),
    "offer of v1": (OFFER, OFFER_V1, offer_v1),
}


@pytest.mark.parametrize("name", SHOWN)
@given(data=st.data())
@FEWER
def test_random_records_look_as_a_slow_rendering_says(name, data):
    kind, projection, slowly = SHOWN[name]
    struct = data.draw(random(kind.struct))

    document = rendered(kind, projection, struct)

    wanted = slowly(struct)
    assert document == wanted
    assert list(document) == list(wanted)


# Goal: nothing that a record says gets lost on the way. Method: a record with something in each field, and copies of it
# that differ in one, at any depth; what is not shown is listed, by struct.
SUMS = {"type", "allocation_role", "shared", "reservations", "provider_id", "disk", "role", "ranges", "items"}


def unshown_sums(*names: str) -> set[str]:
    """What sums of resources do not show; of a resource with several amounts they show the number."""
    return {f"{name}.{field}" for name in names for field in SUMS}


NOT_SHOWN = {
    "task of v0": {
        "status_update_state", "status_update_uuid", "kill_policy", "statuses.task_id", "statuses.source",
        "statuses.reason", "statuses.message", "statuses.uuid", "statuses.agent_id", "statuses.executor_id",
        "statuses.data", "statuses.unreachable_time", "statuses.check_status", "statuses.limitation",
        *unshown_sums("resources"),
    },
    "task of v1": {"role"},
    "executor of v0": {
        "source", "data", "shutdown_grace_period", "container", "discovery", "command.user", "command.uris.extract",
        "command.uris.cache", "command.uris.output_file", *unshown_sums("resources"),
    },
    "executor of v1": {"role"},
    "agent of v0": {"attributes.type", *unshown_sums("used", "offered", "resources")} - {"resources.role"},
    "agent of v0, full": {"attributes.type"},
    "agent of v1": set(),
    "framework of v0": {"roles", "offer_filters", *unshown_sums("resources", "used", "offered")},
    "framework of v1": {"resources", "pid"},
    "offer of v0": {
        "hostname", "attributes", "executor_ids", "domain", "url", "unavailability", *unshown_sums("resources"),
    },
    "offer of v1": set(),
}  # fmt: skip
FILLED = {
    inspect.StrType: ("text", "other"),
    inspect.IntType: (3, 4),
    inspect.FloatType: (1.5, 2.5),
    inspect.BoolType: (True, False),
    inspect.BytesType: (b"data", b"more"),
    inspect.AnyType: ({"a": 1}, {"a": 2}),
}


def versions(info: Any) -> list[tuple[str, Any]]:
    """A value with something in each field, and behind it others that differ in the field, or struct's field, named."""
    if isinstance(info, inspect.UnionType):
        return versions(next(one for one in info.types if not isinstance(one, inspect.NoneType)))
    if isinstance(info, inspect.EnumType):
        return [("", member) for member in list(info.cls)[-1:-3:-1]]
    if isinstance(info, inspect.VarTupleType):
        return [(path, (value,)) for path, value in versions(info.item_type)]
    if isinstance(info, inspect.DictType):
        return [(path, {"cpus": value}) for path, value in versions(info.value_type)]
    if isinstance(info, inspect.StructType):
        found = {field.name: versions(field.type) for field in info.fields}
        if info.cls is Range:
            found["end"] = [("", 5), ("", 6)]
        whole = info.cls(**{name: values[0][1] for name, values in found.items()})
        changed = [
            (f"{name}.{path}".removesuffix("."), msgspec.structs.replace(whole, **{name: value}))
            for name, values in found.items()
            for path, value in values[1:]
        ]
        return [("", whole), *changed]
    return [("", value) for value in FILLED[type(info)]]


@pytest.mark.parametrize("name", SHOWN)
def test_whatever_differs_in_a_record_differs_in_what_is_shown(name):
    kind, projection, _ = SHOWN[name]
    (_, whole), *others = versions(inspect.type_info(kind.struct))
    text = projection.render(kind.pack(whole))

    same = {path for path, other in others if projection.render(kind.pack(other)) == text}

    hidden = {path for path, _ in others if f"{path}.".startswith(tuple(f"{one}." for one in NOT_SHOWN[name]))}
    assert same == hidden


# Goal: the order of members and the form of numbers, which a parsed document no longer tells.
def test_a_task_of_v0_reads_as_mesos_writes_it():
    task = Task(
        "t-1",
        "web",
        "f-1",
        "a-1",
        TaskState.TASK_RUNNING,
        (
            Resource("cpus", ValueType.SCALAR, 1500),
            Resource("mem", ValueType.SCALAR, 128000),
            Resource("ports", ValueType.RANGES, ranges=(Range(31000, 31001), Range(31002, 31005))),
            Resource("cpus", ValueType.SCALAR, 100, revocable=True),
        ),
        (Status("t-1", TaskState.TASK_RUNNING, 1732180000.5, healthy=True),),
        labels=(Label("tier", "front"), Label("bare")),
        limits={"cpus": float("inf"), "mem": 256.0},
    )

    assert TASK_V0.render(TASK.pack(task)).decode() == (
        '{"id":"t-1","name":"web","framework_id":"f-1","executor_id":"","slave_id":"a-1","state":"TASK_RUNNING",'
        '"resources":{"cpus":1.5,"gpus":0.0,"mem":128.0,"disk":0.0,"cpus_revocable":0.1,"ports":"[31000-31005]"},'
        '"limits":{"cpus":Infinity,"mem":256.0},"role":"*",'
        '"statuses":[{"state":"TASK_RUNNING","timestamp":1732180000.5,"healthy":true}],'
        '"labels":[{"key":"tier","value":"front"},{"key":"bare"}]}'
    )


# Goal: numbers, bytes and ranges in the forms that Mesos has for them: thousandths without what binary fractions add,
# times of v0 as seconds and those of v1 as nanoseconds that are never texts, bytes as base64 with padding, texts of
# ranges that touch as one, infinity as a bare token.
@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0, "0.0"), (1, "0.001"), (100, "0.1"), (300, "0.3"), (1500, "1.5"), (2**40, "1099511627.776"), (10**6, "1000.0")],
)
def test_amounts_are_thousandths_with_a_fraction(amount, shown):
    task = Task("t", "n", "f", "a", TaskState.TASK_RUNNING, (Resource("cpus", ValueType.SCALAR, amount),))

    assert f'"cpus":{shown},' in TASK_V0.render(TASK.pack(task)).decode()
    assert f'"scalar":{{"value":{shown}}}' in TASK_V1.render(TASK.pack(task)).decode()


def test_many_small_amounts_add_up_exactly():
    tenths = tuple([Resource("cpus", ValueType.SCALAR, 100)] * 30)

    text = TASK_V0.render(TASK.pack(Task("t", "n", "f", "a", TaskState.TASK_RUNNING, tenths)))

    assert b'"resources":{"cpus":3.0,"gpus":0.0,"mem":0.0,"disk":0.0}' in text


def test_a_status_of_v1_reads_as_mesos_writes_it():
    status = Status(
        "t", TaskState.TASK_UNREACHABLE, 1732180000.0, uuid=b"\x00\xff\xfe", data=b"", unreachable_time=2**62 + 1
    )
    task = Task("t", "n", "f", "a", TaskState.TASK_UNREACHABLE, statuses=(status,), limits={"mem": float("inf")})

    assert TASK_V1.render(TASK.pack(task)).decode() == (
        '{"name":"n","task_id":{"value":"t"},"framework_id":{"value":"f"},"agent_id":{"value":"a"},'
        '"state":"TASK_UNREACHABLE","statuses":[{"task_id":{"value":"t"},"state":"TASK_UNREACHABLE","data":"",'
        '"timestamp":1732180000.0,"uuid":"AP/+","unreachable_time":{"nanoseconds":4611686018427387905}}],'
        '"limits":{"mem":{"value":Infinity}}}'
    )


def test_an_agent_of_v0_reads_as_mesos_writes_it():
    ports = Resource("ports", ValueType.RANGES, ranges=(Range(31501, 32000), Range(31000, 31500)), role="web")
    zones = Resource("zones", ValueType.SET, items=("a", "b"))
    agent = Agent(
        "a-1", "host", 5051, "slave(1)@10.0.0.1:5051", "1.12.0", 1_732_180_000_500_000_000,
        resources=(ports, zones, Resource("cpus", ValueType.SCALAR, 4000)),
        attributes=(
            Attribute("rack", ValueType.TEXT, text="r1"), Attribute("level", ValueType.SCALAR, scalar=2000),
            Attribute("lanes", ValueType.RANGES, ranges=(Range(1, 1), Range(5, 9))),
        ),
        capabilities=("MULTI_ROLE",),
    )  # fmt: skip
    nothing = '{"cpus":0.0,"gpus":0.0,"mem":0.0,"disk":0.0}'
    free = '{"cpus":4.0,"gpus":0.0,"mem":0.0,"disk":0.0,'

    assert AGENT_V0.render(AGENT.pack(agent)).decode() == (
        '{"id":"a-1","hostname":"host","port":5051,"attributes":{"rack":"r1","level":2.0,"lanes":"[1-1, 5-9]"},'
        '"pid":"slave(1)@10.0.0.1:5051","registered_time":1732180000.5,'
        f'"resources":{free}"ports":"[31000-32000]","zones":"{{a, b}}"}},"used_resources":{nothing},'
        f'"offered_resources":{nothing},"reserved_resources":{{"web":{nothing[:-1]},"ports":"[31000-32000]"}}}},'
        f'"unreserved_resources":{free}"zones":"{{a, b}}"}},'
        '"active":true,"deactivated":false,"version":"1.12.0","capabilities":["MULTI_ROLE"]}'
    )


@pytest.mark.parametrize(
    ("kind", "projections"),
    [(TASK, (TASK_V0, TASK_V1)), (AGENT, (AGENT_V0, AGENT_V1)), (FRAMEWORK, (FRAMEWORK_V0, FRAMEWORK_V1))],
)
@given(data=st.data())
@FEWER
def test_records_of_older_versions_look_as_if_they_had_the_defaults(kind, projections, data):
    struct = data.draw(random(kind.struct))
    required = sum([field.required for field in msgspec.structs.fields(kind.struct)])
    packed: list[Any] = msgspec.msgpack.decode(msgspec.msgpack.encode(struct))
    older = kind.read(msgspec.msgpack.encode(packed[: data.draw(st.integers(required, len(packed)))]))

    for projection in projections:
        assert projection.render(older) == projection.render(kind.pack(older.decode()))
