"""Operations, tasks and executors in v1 JSON: there and back, as Mesos writes them, and nothing but InvalidRequest."""

import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesoslite.model import (
    Create,
    Destroy,
    ExecutorInfo,
    FrozenDocument,
    GrowVolume,
    InvalidRequest,
    Launch,
    LaunchGroup,
    OperationState,
    OperationStatus,
    Reserve,
    Resources,
    ShrinkVolume,
    TaskGroup,
    TaskInfo,
    Unreserve,
)
from mesoslite.model.fields import Fields
from mesoslite.model.v1 import (
    decode_call,
    decode_executor,
    decode_operation,
    decode_operation_status,
    decode_task,
    encode_executor,
    encode_operation,
    encode_operation_status,
    encode_task,
)

from .descriptions import executors, ids, plain_resources, sparingly, tasks, texts
from .naive_resources import resources
from .test_v1 import documents, over_json, places, problem_of

operation_ids = st.none() | ids
some = resources.map(lambda all_sorts: all_sorts.only_scalars())  # ranges and sets that are there twice are not in JSON
one = some.filter(bool).map(
    lambda any_of: Resources.from_portions([msgspec.structs.replace(any_of.portions[0], copies=1)])
)
roles = st.sampled_from([(), ("ads",)])
groups = st.lists(tasks, max_size=2).map(lambda members: TaskGroup(tuple(members)))
operations = st.one_of(
    st.builds(Launch, st.lists(tasks, max_size=2).map(tuple), operation_ids),
    st.builds(LaunchGroup, executors, groups, operation_ids),
    st.builds(Reserve, one, some, operation_ids, roles),
    *[st.builds(kind, one, operation_ids, roles) for kind in (Unreserve, Create, Destroy)],
    st.builds(GrowVolume, one, one, operation_ids, roles),
    st.builds(ShrinkVolume, one, st.integers(min_value=-(10**6), max_value=10**6), operation_ids, roles),
)
statuses = st.builds(
    OperationStatus,
    state=st.sampled_from(OperationState),
    operation_id=st.none() | ids,
    message=texts,
    converted=some,
    uuid=st.none() | st.binary(max_size=16),
    agent_id=st.none() | ids,
    provider_id=st.none() | ids,
)


def read(document: Any) -> Any:
    return decode_operation(Fields(document))


@sparingly
@given(operations)
def test_an_operation_survives_the_way_over_json(operation: Any) -> None:
    assert read(over_json(encode_operation(operation))) == operation


@given(statuses)
def test_the_status_of_an_operation_survives_the_way_over_json(status: OperationStatus) -> None:
    assert decode_operation_status(Fields(over_json(encode_operation_status(status)))) == status


@sparingly
@given(tasks, executors, plain_resources)
def test_a_task_and_an_executor_survive_the_way_over_json(
    task: TaskInfo, executor: ExecutorInfo, wanted: Resources
) -> None:
    allocated = msgspec.structs.replace(task, resources=wanted, allocation_roles=("ads",) if wanted else ())

    assert decode_task(Fields(over_json(encode_task(allocated)))) == allocated
    assert decode_executor(Fields(over_json(encode_executor(executor)))) == executor


# Goal: also deep inside a good document. Method: one value of a valid operation replaced by any other.
@sparingly
@given(operations.map(encode_operation), documents, st.data())
def test_one_wrong_value_in_a_good_operation_raises_nothing_but_invalid_request(
    document: Any, replacement: Any, data: st.DataObject
) -> None:
    container, key = data.draw(st.sampled_from(list(places(document))))
    container[key] = replacement

    assert problem_of(read, document) != ""


def test_a_task_is_written_as_mesos_has_it() -> None:
    written: dict[str, Any] = {
        "name": "t",
        "task_id": {"value": "t"},
        "agent_id": {"value": "a"},
        "resources": [
            {
                "name": "cpus",
                "type": "SCALAR",
                "scalar": {"value": 1.0},
                "role": "*",
                "allocation_info": {"role": "ads"},
            }
        ],
        "executor": {
            "executor_id": {"value": "e"},
            "type": "CUSTOM",
            "framework_id": {"value": "f"},
            "command": {"shell": True, "value": "run"},
            "name": "n",
            "source": "s",
            "data": "AQI=",
            "shutdown_grace_period": {"nanoseconds": 5_000_000_000},
            "discovery": {"visibility": "CLUSTER"},
        },
        "check": {
            "type": "COMMAND",
            "command": {"command": {"shell": True, "value": "test -e ready"}},
            "delay_seconds": 15.0,
            "interval_seconds": 10.0,
            "timeout_seconds": 20.0,
        },
        "health_check": {
            "type": "HTTP",
            "http": {"port": 80, "path": "/", "scheme": "http", "statuses": [200], "protocol": "IPv4"},
            "delay_seconds": 15.0,
            "interval_seconds": 10.0,
            "timeout_seconds": 20.0,
            "grace_period_seconds": 10.0,
            "consecutive_failures": 3,
        },
        "max_completion_time": {"nanoseconds": 1_000_000_000},
        "limits": {"cpus": {"value": 2.0}, "mem": {"value": "Infinity"}},
        "container": {"type": "MESOS", "volumes": [{"mode": "RW", "container_path": "p"}]},
    }

    task = decode_task(Fields(written))

    assert encode_task(task) == written
    assert task.limits == (("cpus", 2.0), ("mem", math.inf))
    assert task.allocation_roles == ("ads",)


DISK: Any = {"name": "disk", "type": "SCALAR", "scalar": {"value": 64}}


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"type": "MAKE_DISK", "make_disk": {}}, "type: got 'MAKE_DISK', expected one of LAUNCH, LAUNCH_GROUP"),
        ({"type": "CREATE_DISK", "create_disk": {}}, r"create_disk\.source: is missing"),
        ({"type": "CREATE_DISK", "create_disk": {"source": DISK}}, r"create_disk\.target_type: is missing"),
        ({"type": "DESTROY_DISK", "destroy_disk": {}}, r"destroy_disk\.source: is missing"),
        ({"type": "RESERVE"}, "reserve: is missing"),
        (
            {"type": "RESERVE", "reserve": {"resources": [{"name": "cpus"}]}},
            r"reserve\.resources\[0\]\.type: is missing",
        ),
        ({"type": "LAUNCH_GROUP", "launch_group": {"executor": {}}}, r"launch_group\.task_group: is missing"),
        (
            {"type": "GROW_VOLUME", "grow_volume": {"volume": {}, "addition": {}}},
            r"grow_volume\.volume\.name: is missing",
        ),
        (
            {
                "type": "SHRINK_VOLUME",
                "shrink_volume": {
                    "volume": {"name": "disk", "type": "SCALAR", "scalar": {"value": 1}},
                    "subtract": {"value": "NaN"},
                },
            },
            r"shrink_volume\.subtract: ",
        ),
    ],
)
def test_an_error_of_an_operation_names_the_field(document: Any, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        read(document)


def test_equal_documents_are_equal_whatever_the_order_of_their_fields() -> None:
    one_way = FrozenDocument.of({"type": "MESOS", "mesos": {"image": 1, "a": [1, 2]}})
    other_way = FrozenDocument.of({"mesos": {"a": [1, 2], "image": 1}, "type": "MESOS"})

    assert one_way == other_way
    assert one_way.value == {"type": "MESOS", "mesos": {"image": 1, "a": [1, 2]}}


@pytest.mark.parametrize("value", [object(), {1: object()}, "\ud800", {"a": {1, 2, object()}}])
def test_what_is_no_json_cannot_be_a_document(value: Any) -> None:
    with pytest.raises(InvalidRequest, match="as JSON"):
        FrozenDocument.of(value)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "NaN"])
def test_a_document_that_is_no_json_says_so(text: str) -> None:
    with pytest.raises(InvalidRequest, match="not JSON"):
        _ = FrozenDocument(text).value


SCALAR: Any = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}
UNFIT = [
    {"name": "ports", "type": "RANGES"},
    {**SCALAR, "role": "/ads"},
    {"name": "rack", "type": "TEXT", "text": {"value": "r1"}},
    {**SCALAR, "scalar": {"value": -1}},
    {**SCALAR, "name": ""},
]


@pytest.mark.parametrize("unfit", UNFIT, ids=lambda resource: str(resource.get("role") or resource["name"]))
@pytest.mark.parametrize("kind", ["LAUNCH", "LAUNCH_GROUP", "RESERVE", "UNRESERVE", "CREATE", "DESTROY"])
def test_an_operation_says_itself_which_of_its_resources_can_never_be(unfit, kind):
    task = {"name": "t", "task_id": {"value": "t"}, "agent_id": {"value": "a"}, "resources": [SCALAR, unfit]}
    body = {
        "LAUNCH": {"task_infos": [{**task, "resources": []}, task]},
        "LAUNCH_GROUP": {
            "executor": {"executor_id": {"value": "e"}, "resources": [unfit]},
            "task_group": {"tasks": [{**task, "resources": []}]},
        },
        "RESERVE": {"resources": [SCALAR, unfit]},
        "UNRESERVE": {"resources": [SCALAR, unfit]},
        "CREATE": {"volumes": [SCALAR, unfit]},
        "DESTROY": {"volumes": [SCALAR, unfit]},
    }[kind]
    operations = [{"type": kind, kind.lower(): body}, {"type": "RESERVE", "reserve": {"resources": [SCALAR]}}]

    call = decode_call({"type": "ACCEPT", "framework_id": {"value": "f"}, "accept": {"operations": operations}})

    first, second = call.operations
    assert first.unfit.startswith(f"accept.operations[0].{kind.lower()}.")
    assert second == Reserve(Resources.of(cpus=1))
    if kind == "LAUNCH":
        assert [task.resources for task in first.tasks] == [Resources(), Resources.of(cpus=1)]


@pytest.mark.parametrize("source", [DISK, {**DISK, "scalar": {"value": -1}}])
@pytest.mark.parametrize("kind", ["CREATE_DISK", "DESTROY_DISK"])
def test_disks_of_resource_providers_are_no_error_of_the_call(kind, source):
    operation = {"type": kind, "id": {"value": "o"}, kind.lower(): {"source": source, "target_type": "MOUNT"}}

    call = decode_call({"type": "ACCEPT", "framework_id": {"value": "f"}, "accept": {"operations": [operation]}})

    assert call.operations[0].id == "o"
    assert call.operations[0].unfit.startswith(f"accept.operations[0].{kind.lower()}.source")


@pytest.mark.parametrize("kind", ["GROW_VOLUME", "SHRINK_VOLUME"])
def test_so_does_the_resize_of_a_volume(kind):
    body = {"volume": {**SCALAR, "role": "/ads"}, "addition": SCALAR, "subtract": {"value": 1}}
    operation = {"type": kind, kind.lower(): body}

    call = decode_call({"type": "ACCEPT", "framework_id": {"value": "f"}, "accept": {"operations": [operation]}})

    assert call.operations[0].unfit.startswith(f"accept.operations[0].{kind.lower()}.volume.name: ")


def test_the_status_of_an_operation_may_be_sent_back_as_it_came():
    status = {"operation_id": {"value": "o"}, "agent_id": {"value": "a"}, "state": "OPERATION_FINISHED"}
    call = {"type": "ACKNOWLEDGE_OPERATION_STATUS", "framework_id": {"value": "f"}}
    texts = ["AAECAwQFBgcICQoLDA0ODw==", {"value": "AAECAwQFBgcICQoLDA0ODw=="}]

    plain, wrapped = [decode_call({**call, "acknowledge_operation_status": {**status, "uuid": each}}) for each in texts]

    assert plain == wrapped
    assert wrapped.uuid == bytes(range(16))


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"agent_id": None}, "agent_id: is missing"),
        ({"uuid": None}, "uuid: is missing"),
        ({"uuid": {}}, r"uuid\.value: is missing"),
        ({"uuid": {"value": "AAEC"}}, r"uuid\.value: got 3 bytes"),
        ({"resource_provider_id": {"value": "p"}}, "resource_provider_id: is set"),
    ],
)
def test_an_acknowledgement_of_an_operation_says_what_it_lacks(body, path):
    status = {"operation_id": {"value": "o"}, "agent_id": {"value": "a"}, "uuid": "AAECAwQFBgcICQoLDA0ODw==", **body}
    call = {"type": "ACKNOWLEDGE_OPERATION_STATUS", "framework_id": {"value": "f"}}

    with pytest.raises(InvalidRequest, match=rf"acknowledge_operation_status\.{path}"):
        decode_call({**call, "acknowledge_operation_status": status})
