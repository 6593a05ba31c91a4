"""What a master sends is meant for one agent: another one, which is at its address by now, leaves it alone."""

# Stands for what comes late in Mesos, to another start of an agent at the same address: there only launches are told.

import msgspec
import pytest

from mesoslite.model import (
    AgentID,
    AgentReregistered,
    ApplyOperation,
    Drain,
    ExecutorID,
    ExecutorInfo,
    ExecutorType,
    FrameworkToExecutor,
    KillTask,
    OperationAcknowledgement,
    OperationsExpected,
    Order,
    Ping,
    Resources,
    RunGroup,
    RunTask,
    ShutdownAgent,
    ShutdownExecutor,
    ShutdownFramework,
    StatusUpdateAcknowledgement,
    TaskGroup,
    TaskID,
    TaskState,
    UnconfirmedTask,
    Unreserve,
    UpdateFrameworkInfo,
)

from .house import AGENT, FRAMEWORK, House, make_framework, make_task

BEFORE = AgentID("m-S7")
UUID = bytes(range(16))
NEW = make_task("t2")
EXECUTOR = ExecutorInfo(executor_id=ExecutorID("e"), type=ExecutorType.DEFAULT)
CLOSE = StatusUpdateAcknowledgement(agent_id=BEFORE, framework_id=FRAMEWORK, task_id=TaskID("t1"), uuid=UUID)

ORDERS: list[Order] = [
    RunTask(make_framework(), NEW, number=7),
    RunGroup(make_framework(), EXECUTOR, TaskGroup((NEW,)), number=8),
    AgentReregistered(agent_id=BEFORE, unconfirmed=(UnconfirmedTask(FRAMEWORK, TaskID("t2"), TaskState.TASK_LOST),)),
    ApplyOperation(framework_id=FRAMEWORK, operation_uuid=UUID, operation=Unreserve(Resources.parse("cpus(web):1"))),
    OperationAcknowledgement(operation_uuid=UUID, status_uuid=UUID),
    OperationsExpected(((FRAMEWORK, UUID),)),
    KillTask(framework_id=FRAMEWORK, task_id=TaskID("t1")),
    Drain(),
    CLOSE,
    UpdateFrameworkInfo(make_framework("PARTITION_AWARE")),
    ShutdownFramework(FRAMEWORK),
    FrameworkToExecutor(framework_id=FRAMEWORK, executor_id=EXECUTOR.executor_id, data=b"x"),
    ShutdownExecutor(framework_id=FRAMEWORK, executor_id=EXECUTOR.executor_id),
    ShutdownAgent("no"),
]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_an_order_for_another_agent_is_ignored(house: House, order: Order, caplog: pytest.LogCaptureFixture) -> None:
    box = house.run(make_task("t1"))
    before, heard = house.snapshot(), len(house.master.heard)

    house.send(msgspec.structs.replace(order, agent_id=BEFORE))

    assert (house.snapshot(), len(house.master.heard), box.signals) == (before, heard, [])
    assert f"ignored {type(order).__name__} for agent m-S7; this is {AGENT}" in caplog.text


def test_an_agent_that_has_no_id_yet_ignores_what_is_for_the_one_before(closed_house: House) -> None:
    closed_house.master.answers = False
    closed_house.open()

    closed_house.send(ShutdownAgent("no", agent_id=BEFORE), Ping(connected=True))

    assert closed_house.snapshot().info.id is None


def test_a_launch_that_was_ignored_counts_for_nothing(house: House) -> None:
    launch = RunTask(make_framework(), NEW, number=7, agent_id=BEFORE)

    house.send(launch, msgspec.structs.replace(launch, agent_id=AGENT))

    assert len(house.boxes.made) == 1
