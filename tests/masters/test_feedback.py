"""Feedback of operations: updates, acknowledgements, reconciliation, and what becomes of them when somebody goes."""

from typing import Any

import msgspec
import pytest

import libactor as la
from mesoslite.master import Master
from mesoslite.model import (
    AcknowledgeOperationStatus,
    AgentID,
    Create,
    ExecutorExited,
    ExecutorID,
    FrameworkID,
    OperationAcknowledgement,
    OperationID,
    OperationReference,
    OperationState,
    OperationStatus,
    OperationUpdate,
    ReconcileOperations,
    Reserve,
    Resources,
    ShrinkVolume,
    UnregisterAgent,
    constants,
)

from .stage import FakeAgent, FakeFramework, Stage
from .test_accept import begin, reserved, volume

NAME = OperationID("o")


def reserving(stage: Stage) -> tuple[la.PID[FakeAgent], la.PID[FakeFramework]]:
    """A framework that reserves a cpu, under the id "o"."""
    agent, framework = begin(stage, failover_timeout=100.0)
    stage.act(framework, Reserve(reserved("cpus:1"), id=NAME))
    return agent, framework


def acknowledge(stage: Stage, framework: la.PID[FakeFramework], uuid: bytes) -> None:
    call = AcknowledgeOperationStatus(framework_id=stage.framework_id(framework), operation_id=NAME, uuid=uuid)
    stage.call(framework, call)


def reconciled(stage: Stage, framework: la.PID[FakeFramework], *references: OperationReference) -> list[str]:
    """The states that the framework hears of when it asks."""
    before = len(stage.operation_statuses(framework))
    stage.call(framework, ReconcileOperations(stage.framework_id(framework), references))
    return [status.state.name.removeprefix("OPERATION_") for status in stage.operation_statuses(framework)[before:]]


def test_an_operation_with_an_id_is_told_until_its_framework_acknowledges(stage: Stage) -> None:
    agent, framework = reserving(stage)
    [message] = stage.applied(agent)

    stage.answer(agent, message)
    stage.answer(agent, message)
    [status, again] = stage.operation_statuses(framework)
    assert status == again
    assert (status.operation_id, status.state) == ("o", OperationState.OPERATION_FINISHED)
    assert stage.heard(agent, OperationAcknowledgement) == []
    assert status.uuid is not None
    acknowledge(stage, framework, b"x" * 16)
    acknowledge(stage, framework, status.uuid)
    acknowledge(stage, framework, status.uuid)

    expected = OperationAcknowledgement(operation_uuid=message.operation_uuid, status_uuid=status.uuid)
    assert stage.heard(agent, OperationAcknowledgement) == [expected]


def test_the_master_acknowledges_operations_without_an_id(stage: Stage) -> None:
    agent, framework = begin(stage)
    stage.act(framework, Reserve(reserved("cpus:1")))
    [message] = stage.applied(agent)

    stage.answer(agent, message)
    stage.answer(agent, message)

    assert stage.operation_statuses(framework) == []
    assert [each.operation_uuid for each in stage.heard(agent, OperationAcknowledgement)] == [
        message.operation_uuid
    ] * 2


def test_an_id_that_is_under_way_cannot_be_used_again(stage: Stage) -> None:
    agent, framework = reserving(stage)
    stage.advance(7)

    stage.act(framework, Reserve(reserved("cpus:1"), id=NAME))

    [status] = stage.operation_statuses(framework)
    assert status.state is OperationState.OPERATION_ERROR
    assert "under way" in status.message
    assert len(stage.applied(agent)) == 1


# Stands for OperationReconciliationTest: pending, finished and unacknowledged, unknown.
def test_reconciliation_tells_operations_as_they_are(stage: Stage) -> None:
    agent, framework = reserving(stage)
    stranger = OperationReference(OperationID("stranger"), AgentID("nobody"))
    assert reconciled(stage, framework) == ["PENDING"]
    assert reconciled(stage, framework, OperationReference(NAME), stranger) == ["PENDING", "UNKNOWN"]

    stage.answer(agent, stage.applied(agent)[0])

    assert reconciled(stage, framework) == ["FINISHED"]
    assert stage.operation_statuses(framework)[-1].uuid is None
    acknowledge(stage, framework, stage.applied(agent)[0].operation_uuid[::-1])
    assert reconciled(stage, framework) == []
    assert reconciled(stage, framework, OperationReference(NAME)) == ["UNKNOWN"]


# Method: the framework is here, however late it has come, and the operation is one of a former master.
def test_an_operation_of_a_framework_that_came_late_is_told_to_it(stage: Stage) -> None:
    stage.runtime.clock.advance(2 * constants.FRAMEWORK_RETURN_SECONDS)
    agent, framework = stage.agent(), stage.framework()
    status = OperationStatus(state=OperationState.OPERATION_FINISHED, operation_id=NAME, uuid=b"fedcba9876543210")
    stage.say(
        agent,
        OperationUpdate(
            framework_id=stage.framework_id(framework),
            operation_uuid=b"0123456789abcdef",
            status=status,
            latest_state=status.state,
        ),
    )

    assert stage.heard(agent, OperationAcknowledgement) == []
    assert [told.operation_id for told in stage.operation_statuses(framework)] == [NAME]


# Mesos adopts an operation without framework a day after the master was elected, and acknowledges it then.
def test_an_operation_of_a_framework_that_has_not_come_for_a_day_is_acknowledged(stage: Stage) -> None:
    stage.runtime.clock.advance(constants.FRAMEWORK_RETURN_SECONDS - 1)
    agent = stage.agent()
    uuid = b"0123456789abcdef"
    status = OperationStatus(state=OperationState.OPERATION_FINISHED, operation_id=NAME, uuid=uuid[::-1])
    update = OperationUpdate(
        framework_id=FrameworkID("former"), operation_uuid=uuid, status=status, latest_state=status.state
    )
    stage.say(agent, update)
    before = stage.heard(agent, OperationAcknowledgement)

    stage.advance(1)
    stage.say(agent, update)

    assert before == []
    assert [told.status_uuid for told in stage.heard(agent, OperationAcknowledgement)] == [status.uuid]


# Stands for OperationReconciliationTest: AgentPendingOperationAfterMasterFailover, OperationOnUnreachableAgent,
# OperationOnAgentMarkedGone, OperationOnUnknownAgent.
def test_of_an_unknown_operation_its_agent_says_how_it_is(stage: Stage) -> None:
    agent, framework = reserving(stage)
    agent_id, framework_id = stage.agent_id(agent), stage.framework_id(framework)
    named, anywhere = OperationReference(NAME, agent_id), OperationReference(NAME)
    stranger = OperationReference(NAME, AgentID("nobody"))

    stage.fail_over()
    again = stage.framework(id=framework_id, roles=("ads",))

    assert reconciled(stage, again, named, anywhere, stranger) == ["RECOVERING", "RECOVERING", "UNKNOWN"]
    stage.advance(601)
    assert reconciled(stage, again, named, anywhere) == ["UNREACHABLE", "UNKNOWN"]
    la.dispatch(stage.master, Master.mark_agent_gone, agent_id).get(timeout=60)
    assert reconciled(stage, again, named) == ["GONE_BY_OPERATOR"]


@pytest.mark.parametrize(("leaves", "state"), [(False, "UNREACHABLE"), (True, "UNKNOWN")])
def test_a_lost_agents_operations_are_told(stage: Stage, leaves: bool, state: str) -> None:
    agent, framework = reserving(stage)

    if leaves:
        stage.say(agent, UnregisterAgent(stage.agent_id(agent)))
    else:
        stage.lose(agent)
        stage.advance(90)

    [status] = stage.operation_statuses(framework)
    assert (status.state.name, status.operation_id, status.uuid) == (f"OPERATION_{state}", "o", None)
    assert reconciled(stage, framework, OperationReference(NAME)) == ["UNKNOWN"]


# Goal: what an operation makes counts although nobody is told. Method: the framework goes while a volume shrinks.
def test_an_operation_outlives_its_framework(stage: Stage) -> None:
    agent, framework = begin(stage)
    stage.act(framework, Reserve(reserved("disk:100")), Create(volume(50)), refuse_seconds=0)
    stage.advance(1)
    stage.act(framework, ShrinkVolume(volume(50), 20_000))
    stage.lose(framework)
    other = stage.framework("other", roles=("ads",))
    assert stage.offers(other)[-1].resources.contains(volume(50))

    for message in stage.applied(agent):
        stage.answer(agent, message)
    stage.advance(1)

    assert len(stage.heard(agent, OperationAcknowledgement)) == 3
    assert stage.state().agents[0].info.resources.contains(volume(30) + reserved("disk:70"))
    assert stage.offers(other)[-1].resources.contains(volume(30) + reserved("disk:70"))


def test_updates_of_strangers_change_nothing(stage: Stage) -> None:
    agent, framework = begin(stage)
    stage.act(framework, Reserve(reserved("disk:100")), Create(volume(50)), refuse_seconds=0)
    stage.advance(1)
    stage.act(framework, ShrinkVolume(volume(50), 20_000, NAME))
    impostor = stage.agent("cpus:1")
    before = stage.state().agents

    stage.answer(impostor, stage.applied(agent)[-1])
    stage.say(impostor, ExecutorExited(framework_id=stage.framework_id(framework), executor_id=ExecutorID("e")))
    la.post(
        stage.master,
        OperationUpdate(
            framework_id=stage.framework_id(framework),
            operation_uuid=stage.applied(agent)[-1].operation_uuid,
            status=OperationStatus(state=OperationState.OPERATION_FINISHED),
            latest_state=OperationState.OPERATION_FINISHED,
            total=Resources(),
        ),
    )
    stage.settle()

    assert stage.operation_statuses(framework) == []
    assert stage.state().agents == before


FINISHED, PENDING = OperationState.OPERATION_FINISHED, OperationState.OPERATION_PENDING


# Goal: a message changes everything or nothing. Method: one thing in it is wrong, then all is right.
@pytest.mark.parametrize(
    "wrong",
    [
        {"framework_id": None},
        {"status": 7},
        {"status": None, "latest_state": "OPERATION_FINISHED"},
        {"status": OperationStatus(state="OPERATION_FINISHED")},  # type: ignore[arg-type]
        {"status": OperationStatus(state=FINISHED, operation_id=OperationID(7))},  # type: ignore[arg-type]
        {"status": OperationStatus(state=FINISHED, message=2**80)},  # type: ignore[arg-type]
        {"status": OperationStatus(state=FINISHED, uuid=b"short")},
        {"status": OperationStatus(state=FINISHED, uuid=b"x" * 16), "latest_state": PENDING},
        {"status": OperationStatus(state=FINISHED), "latest_state": OperationState.OPERATION_FAILED},
        {"total": "cpus:4"},
    ],
    ids=str,
)
def test_an_update_that_is_none_changes_nothing(stage: Stage, wrong: dict[str, Any]) -> None:
    agent, framework = reserving(stage)
    [message] = stage.applied(agent)
    right = OperationUpdate(
        framework_id=message.framework_id,
        operation_uuid=message.operation_uuid,
        status=OperationStatus(state=FINISHED, uuid=b"x" * 16),
        latest_state=FINISHED,
    )

    stage.say(agent, msgspec.structs.replace(right, **wrong))

    assert stage.operation_statuses(framework) == []
    assert reconciled(stage, framework) == ["PENDING"]
    stage.answer(agent, message)
    assert reconciled(stage, framework) == ["FINISHED"]
    stage.say(agent, UnregisterAgent(stage.agent_id(agent)))
    assert stage.state().agents == ()


@pytest.mark.parametrize("wrong", [{"framework_id": []}, {"executor_id": {}}, {"exit_status": "0"}], ids=str)
def test_the_end_of_an_executor_that_is_none_changes_nothing(stage: Stage, wrong: dict[str, Any]) -> None:
    agent, framework = reserving(stage)
    before = stage.state()

    exited = ExecutorExited(framework_id=stage.framework_id(framework), executor_id=ExecutorID("e"))
    stage.say(agent, msgspec.structs.replace(exited, **wrong))

    assert stage.state() == before


# Goal: an agent has a say in what is done on it, and nowhere else. Method: another one reports the same operation.
@pytest.mark.parametrize("state", [OperationState.OPERATION_FINISHED, OperationState.OPERATION_UNREACHABLE])
def test_an_operation_on_another_agent_is_not_taken_over(stage: Stage, state: OperationState) -> None:
    agent, framework = reserving(stage)
    other = stage.agent("cpus:1;mem:32")
    [message] = stage.applied(agent)
    before = stage.state()

    status = OperationStatus(state=state, operation_id=OperationID("of-its-own"), uuid=b"s" * 16)
    uuid, framework_id = message.operation_uuid, stage.framework_id(framework)
    stage.say(other, OperationUpdate(framework_id=framework_id, operation_uuid=uuid, status=status, latest_state=state))

    assert stage.state() == before
    assert stage.operation_statuses(framework) == []


# Goal: nothing is held for ever. Method: an operation that holds a volume is told as over, and as going on.
def test_an_operation_that_has_ended_does_not_go_on(stage: Stage) -> None:
    agent, framework = begin(stage)
    stage.act(framework, Reserve(reserved("disk:100")), Create(volume(50)), ShrinkVolume(volume(50), 1_000))
    message = stage.applied(agent)[-1]

    stage.say(
        agent,
        OperationUpdate(
            framework_id=message.framework_id,
            operation_uuid=message.operation_uuid,
            status=OperationStatus(state=FINISHED, uuid=b"x" * 16),
            latest_state=PENDING,
        ),
    )

    assert stage.heard(agent, OperationAcknowledgement) == []
    stage.say(agent, UnregisterAgent(stage.agent_id(agent)))
    assert stage.state().agents == ()


def test_a_terminal_state_is_not_left(stage: Stage) -> None:
    agent, framework = reserving(stage)
    [message] = stage.applied(agent)

    stage.answer(agent, message)
    stage.answer(agent, message, OperationState.OPERATION_FAILED, total=Resources.parse("cpus:1"))

    assert reconciled(stage, framework) == ["FINISHED"]
    assert len(stage.operation_statuses(framework)) == 2


# Goal: agents cannot say of one operation that it is another. Method: an agent names an id that is not the operation's.
def test_what_is_passed_on_bears_the_id_that_the_framework_gave(stage: Stage) -> None:
    agent, framework = reserving(stage)
    [message] = stage.applied(agent)
    status = OperationStatus(state=FINISHED, operation_id=OperationID("another"), agent_id=AgentID("nobody"))

    stage.say(
        agent,
        OperationUpdate(
            framework_id=message.framework_id,
            operation_uuid=message.operation_uuid,
            status=status,
            latest_state=FINISHED,
        ),
    )

    [told] = stage.operation_statuses(framework)
    assert (told.operation_id, told.agent_id) == ("o", stage.agent_id(agent))
    assert reconciled(stage, framework) == []  # without a uuid nobody would acknowledge it
