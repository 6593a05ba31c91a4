"""Projections of tasks, executors and agents: against a slow rendering of the decoded structs, on random ones."""

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
    FRAMEWORK_END_V0,
    FRAMEWORK_SUMMARY_V0,
    FRAMEWORK_V0,
    OFFER,
    OFFER_V0,
    RECOVERED_AGENT_V0,
    TASK,
    TASK_V0,
)
from mesoslite.api.projections_v1 import (
    AGENT_V1,
    EXECUTOR_V1,
    FRAMEWORK_END_V1,
    FRAMEWORK_V1,
    OFFER_V1,
    OPERATION,
    OPERATION_V1,
    RECOVERED_AGENT_V1,
    TASK_V1,
)
from mesoslite.model import Label, ValueType
from mesoslite.model.records import Agent, Attribute, Framework, Range, Resource, Status, Task
from mesoslite.model.states import TaskState

from .made_structs import random, versions
from .slow_v0 import (
    agent_full_v0,
    agent_v0,
    executor_v0,
    framework_end_v0,
    framework_summary_v0,
    framework_v0,
    offer_v0,
    recovered_agent_v0,
    task_v0,
)
from .slow_v1 import (
    Document,
    agent_v1,
    executor_v1,
    framework_end_v1,
    framework_v1,
    offer_v1,
    operation_v1,
    recovered_agent_v1,
    task_v1,
)

FEWER = settings(max_examples=settings.default.max_examples // 6)  # each is a document, of which all is looked at


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
    "agent of v0, recovered": (AGENT, RECOVERED_AGENT_V0, recovered_agent_v0),
    "framework of v0": (FRAMEWORK, FRAMEWORK_V0, framework_v0),
    "agent of v1, recovered": (AGENT, RECOVERED_AGENT_V1, recovered_agent_v1),
    "framework of v0, its end": (FRAMEWORK, FRAMEWORK_END_V0, framework_end_v0),
    "framework of v0, in short": (FRAMEWORK, FRAMEWORK_SUMMARY_V0, framework_summary_v0),
    "framework of v1": (FRAMEWORK, FRAMEWORK_V1, framework_v1),
    "framework of v1, its end": (FRAMEWORK, FRAMEWORK_END_V1, framework_end_v1),
    "offer of v0": (OFFER, OFFER_V0, offer_v0),
    "offer of v1": (OFFER, OFFER_V1, offer_v1),
    "operation of v1": (OPERATION, OPERATION_V1, operation_v1),
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


AGENT_FIELDS, FRAMEWORK_FIELDS = set(Agent.__struct_fields__), set(Framework.__struct_fields__)
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
    "agent of v0, recovered": AGENT_FIELDS - {"id", "hostname", "port", "attributes", "domain"} | {"attributes.type"},
    "framework of v0": {
        "roles", "labels", "offer_constraints", "offer_filters", *unshown_sums("resources", "used", "offered"),
    },
    "framework of v0, its end": FRAMEWORK_FIELDS - {"labels", "offer_constraints"},
    "framework of v0, in short": {
        "user", "registered_time", "role", "roles", "principal", "failover_timeout", "checkpoint", "reregistered_time",
        "unregistered_time", "labels", "resources", "offer_constraints", "offer_filters",
        *unshown_sums("used", "offered"),
    },
    "agent of v1, recovered": AGENT_FIELDS
    - {"id", "hostname", "port", "resources", "attributes", "domain"},
    "framework of v1": {"resources", "pid", "used", "offered", "offer_constraints"},
    "framework of v1, its end": FRAMEWORK_FIELDS - {"used", "offered", "offer_constraints"},
    "offer of v0": {
        "hostname", "attributes", "executor_ids", "domain", "url", "unavailability", *unshown_sums("resources"),
    },
    "offer of v1": set(),
    "operation of v1": set(),
}  # fmt: skip


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
