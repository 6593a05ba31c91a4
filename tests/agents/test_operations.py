"""Operations at the agent: what they make of its resources, and how the master hears of that."""

from typing import Any

import msgspec
import pytest

from mesoslite.model import (
    ApplyOperation,
    ExecutorExited,
    ExecutorID,
    ExecutorInfo,
    ExecutorType,
    OperationAcknowledgement,
    OperationID,
    OperationsExpected,
    OperationState,
    OperationUpdate,
    Reason,
    Reservation,
    ReservationType,
    Reserve,
    ResourceOperation,
    Resources,
    RunGroup,
    RunTask,
    TaskGroup,
    Unreserve,
)

from .house import FRAMEWORK, House, make_framework, make_task

UUID = b"0123456789abcdef"
TOTAL = Resources.parse("cpus:4;mem:1024")
ONE = Resources.parse("cpus:1").pushed(Reservation(ReservationType.DYNAMIC, "ads"))


def apply(house: House, operation: ResourceOperation, uuid: bytes = UUID) -> OperationUpdate:
    """Have the agent do an operation; the last update that the master has heard after that."""
    house.send(ApplyOperation(framework_id=FRAMEWORK, operation_uuid=uuid, operation=operation))
    return house.operation_updates()[-1]


def acknowledge(house: House, update: OperationUpdate) -> None:
    assert update.status.uuid is not None
    house.send(OperationAcknowledgement(operation_uuid=update.operation_uuid, status_uuid=update.status.uuid))


def test_an_operation_changes_what_the_agent_has(house: House) -> None:
    update = apply(house, Reserve(ONE, id=OperationID("o")))

    assert house.snapshot().info.resources == Resources.parse("cpus:3;mem:1024") + ONE
    assert (update.operation_uuid, update.latest_state) == (UUID, OperationState.OPERATION_FINISHED)
    assert (update.status.operation_id, update.status.converted) == ("o", ONE)
    assert update.total is None


def test_tasks_run_on_what_operations_made(house: House) -> None:
    apply(house, Reserve(ONE))

    house.run(msgspec.structs.replace(make_task(), resources=ONE))

    assert house.states() == ["STARTING"]


def test_an_operation_on_what_is_not_there_is_dropped_and_tells_what_is(house: House) -> None:
    update = apply(house, Unreserve(ONE))

    assert update.status.state is OperationState.OPERATION_DROPPED
    assert "is lacking" in update.status.message
    assert update.total == house.snapshot().info.resources == TOTAL


def test_what_a_task_uses_is_not_converted(house: House) -> None:
    house.run(make_task(resources="cpus:4"))

    update = apply(house, Reserve(ONE))

    assert update.status.state is OperationState.OPERATION_DROPPED
    assert house.snapshot().info.resources == TOTAL


@pytest.mark.parametrize("wrong", [None, 7, "RESERVE", Reserve(Resources.parse("cpus:1"))], ids=repr)
def test_what_is_no_operation_is_dropped_and_the_agent_goes_on(house: House, wrong: Any) -> None:
    update = apply(house, wrong)

    assert update.status.state in (OperationState.OPERATION_DROPPED, OperationState.OPERATION_FINISHED)
    assert house.snapshot().info.resources == TOTAL
    assert apply(house, Reserve(ONE), b"f" * 16).status.state is OperationState.OPERATION_FINISHED


# Goal: an operation is done once. Method: the message comes again, before and after the acknowledgement.
def test_a_repeated_operation_is_done_once(house: House) -> None:
    first = apply(house, Reserve(ONE))
    second = apply(house, Reserve(ONE))
    acknowledge(house, first)
    apply(house, Reserve(ONE))

    assert first == second
    assert len(house.operation_updates()) == 2
    assert house.snapshot().info.resources == Resources.parse("cpus:3;mem:1024") + ONE


def test_an_operations_status_is_repeated_until_it_is_acknowledged(house: House) -> None:
    update = apply(house, Reserve(ONE))

    for seconds in (10, 20):
        house.advance(seconds)
    assert house.operation_updates() == [update] * 3
    house.send(OperationAcknowledgement(operation_uuid=UUID, status_uuid=b"x" * 16))
    house.advance(40)
    acknowledge(house, update)
    house.advance(3600)

    assert house.operation_updates() == [update] * 4


def test_an_operation_that_was_lost_on_its_way_is_told_as_dropped(house: House) -> None:
    done = apply(house, Reserve(ONE))

    house.send(OperationsExpected(((FRAMEWORK, UUID), (FRAMEWORK, b"l" * 16))))

    [_, lost] = house.operation_updates()
    assert (lost.operation_uuid, lost.latest_state) == (b"l" * 16, OperationState.OPERATION_DROPPED)
    assert lost.total == Resources.parse("cpus:3;mem:1024") + ONE
    assert done.operation_uuid == UUID


# ---- executors that cannot be run ----

EXECUTOR = ExecutorInfo(executor_id=ExecutorID("e"), type=ExecutorType.DEFAULT, resources=Resources.of(mem=32))


def exits(house: House) -> list[ExecutorExited]:
    return [message for message in house.master.heard if isinstance(message, ExecutorExited)]


def test_a_group_is_refused_task_by_task_and_its_executor_told_as_ended(house: House) -> None:
    tasks = tuple([msgspec.structs.replace(make_task(name), executor=EXECUTOR, command=None) for name in "ab"])

    house.send(RunGroup(make_framework(), EXECUTOR, TaskGroup(tasks), True))

    assert house.states() == ["ERROR", "ERROR"]
    assert {update.status.reason for update in house.updates()} == {Reason.REASON_TASK_GROUP_INVALID}
    assert "has no command" in house.updates()[0].status.message
    assert exits(house) == [ExecutorExited(framework_id=FRAMEWORK, executor_id=ExecutorID("e"))]
    house.acknowledge_all()
    assert house.snapshot().frameworks == ()


def test_a_task_with_an_executor_is_refused_and_its_executor_told_as_ended(house: House) -> None:
    task = msgspec.structs.replace(make_task(), executor=EXECUTOR, command=None)

    house.send(RunTask(make_framework(), task, True))

    assert house.states() == ["ERROR"]
    assert "has no command" in house.updates()[0].status.message
    assert len(exits(house)) == 1
