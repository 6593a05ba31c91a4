"""Tasks as they are sent and kept in great numbers: what is in them comes back."""

from typing import Any

import msgspec
import pytest

from mesoslite.model import (
    AgentID,
    CheckType,
    CommandInfo,
    ExecutorID,
    ExecutorInfo,
    FrameworkID,
    HealthCheck,
    InvalidResources,
    Label,
    Resources,
    Source,
    TaskID,
    TaskInfo,
    TaskRecord,
    TaskState,
    TaskStatus,
    TcpCheck,
)
from mesoslite.model.documents import FrozenDocument
from mesoslite.model.kinds import ValueType
from mesoslite.model.record_types import TASK
from mesoslite.model.records import Resource, Task
from mesoslite.model.resource_records import resources_of
from mesoslite.model.sums import total_of
from mesoslite.model.task_records import (
    PORTION_TASKS,
    pack_tasks,
    packed_task,
    unpacked_task,
)

decode_portion = msgspec.msgpack.Decoder(tuple[Task, ...]).decode

VOLUME = (
    '[{"name":"disk","type":"SCALAR","scalar":{"value":64},"role":"web","reservation":{"principal":"p"},'
    '"disk":{"persistence":{"id":"v","principal":"p"},"volume":{"mode":"RW","container_path":"data"}},"shared":{}}]'
)
RESOURCES = [
    Resources.parse("cpus:0.5;mem:32"),
    Resources.parse("cpus:1;cpus(ads/batch):2;ports:[1-5,8-9];zones:{a,b}"),
    Resources.parse(VOLUME) + Resources.parse(VOLUME),
    Resources(),
]
STATUS = TaskStatus(
    task_id=TaskID("t"),
    state=TaskState.TASK_LOST,
    source=Source.SOURCE_MASTER,
    timestamp=1.5,
    agent_id=AgentID("A"),
    message="gone",
    uuid=b"u" * 16,
    labels=(Label("a", None),),
    unreachable_ns=7,
    healthy=False,
    data=b"data",
    check_status=FrozenDocument.of({"type": "TCP", "tcp": {"succeeded": True}}),
    container_status=FrozenDocument.of({"executor_pid": 7}),
    limitation=FrozenDocument.of({"resources": []}),
)


def task(**details: Any) -> TaskRecord:
    info: dict[str, Any] = {
        "task_id": TaskID("t"),
        "name": "a task",
        "agent_id": AgentID("A"),
        "resources": RESOURCES[0],
        **details,
    }
    return TaskRecord(info=TaskInfo(**info), framework_id=FrameworkID("F"), state=TaskState.TASK_LOST, role="web")


TASKS = [
    *[task(resources=resources) for resources in RESOURCES],
    task(labels=(Label("k", "v"),), limits=(("cpus", float("inf")),), kill_grace_seconds=2.5),
    task(container=FrozenDocument.of({"type": "MESOS"}), discovery=FrozenDocument.of({"visibility": "CLUSTER"})),
    task(health_check=HealthCheck(type=CheckType.TCP, tcp=TcpCheck(8080))),
    task(executor=ExecutorInfo(executor_id=ExecutorID("e"))),
    msgspec.structs.replace(task(), statuses=(STATUS, STATUS), role=""),
]


@pytest.mark.parametrize("record", TASKS, ids=range(len(TASKS)))
def test_a_task_comes_back_as_it_was(record: TaskRecord) -> None:
    kept = TASK.pack(packed_task(record))

    assert unpacked_task(kept.decode()) == record


def test_what_only_an_agent_needs_is_not_kept() -> None:
    record = task(data=b"secret", max_completion_seconds=7.0)

    assert unpacked_task(packed_task(record)) == task()


def test_the_user_of_a_command_or_of_its_executors_is_kept() -> None:
    command, nobody = CommandInfo(value="true", user="operator"), CommandInfo(value="true")
    own = ExecutorInfo(executor_id=ExecutorID("e"), command=command)

    assert [packed_task(task(**one)).user for one in ({"command": command}, {"executor": own})] == ["operator"] * 2
    assert [packed_task(task(**one)).user for one in ({}, {"command": nobody})] == [None, None]


def test_tasks_are_packed_in_portions_of_which_fields_can_be_read() -> None:
    portions = pack_tasks(TASKS * 20)

    tasks = [decode_portion(portion) for portion in portions]
    resources = [packed for portion in portions for packed in TASK.read_array(portion, ("resources",))[1][0]]

    assert [len(each) for each in tasks] == [PORTION_TASKS, PORTION_TASKS, len(TASKS) * 20 - 2 * PORTION_TASKS]
    assert [task for each in tasks for task in each] == [packed_task(task) for task in TASKS] * 20
    assert list(map(resources_of, resources)) == [record.info.resources for record in TASKS] * 20


@pytest.mark.parametrize(
    "resource",
    [
        Resource("cpus", ValueType.SCALAR, scalar=-1),
        Resource("a;b", ValueType.SCALAR, scalar=1),
        Resource("cpus", ValueType.SCALAR),
    ],
    ids=["less than nothing", "no name", "no amount"],
)
def test_what_are_no_resources_is_refused(resource: Resource) -> None:
    with pytest.raises(InvalidResources):
        resources_of(msgspec.msgpack.encode((resource,)))


def test_documents_of_strangers_that_say_nothing_are_left_out() -> None:
    strange = msgspec.structs.replace(packed_task(task()), health_check=[7], kill_policy={"grace_period": "soon"})

    assert unpacked_task(strange) == task()


@pytest.mark.parametrize("parts", [[], RESOURCES[:1], RESOURCES * 3, [RESOURCES[1]] * 2], ids=range(4))
def test_the_sum_of_many_is_what_adding_them_up_makes(parts: list[Resources]) -> None:
    assert total_of(parts) == sum(parts, Resources())


def test_as_much_as_often_is_one_object_for_all() -> None:
    assert total_of([RESOURCES[0]] * 7) is total_of([RESOURCES[0]] * 7)
