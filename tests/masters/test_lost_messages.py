"""What a master and an agent make of messages that got lost between them: in the end both believe the same."""

from pathlib import Path

import pytest

import libactor as la
from mesoslite.model import (
    AgentInfo,
    AgentReregistered,
    ApplyOperation,
    Create,
    FrameworkID,
    GrowVolume,
    Launch,
    OperationAcknowledgement,
    OperationID,
    OperationsExpected,
    OperationState,
    OperationUpdate,
    Pong,
    RegisterAgent,
    ReregisterAgent,
    Reserve,
    Resources,
    TaskID,
    TaskState,
    Teardown,
    UnconfirmedTask,
)

from .stage import FakeFramework, Stage, task
from .test_accept import reserved, volume
from .test_feedback import NAME, acknowledge, reconciled
from .wire import Line

TOTAL = Resources.parse("cpus:4;mem:1024;disk:1000")


@pytest.fixture
def line(stage: Stage, tmp_path: Path) -> Line:
    return Line(stage, tmp_path)


def reserve(name: str | None = None, resources: str = "cpus:1") -> Reserve:
    return Reserve(reserved(resources), id=OperationID(name) if name is not None else None)


def check_total(line: Line, expected: Resources) -> None:
    """Master and agent believe the same of what the agent has, and that is so."""
    [agent] = line.stage.state().agents
    assert line.resources() == expected
    assert agent.info.resources == expected


# Goal: a framework can deal with an operation that never arrived. Method: it is lost, the agent registers again.
def test_an_operation_that_was_lost_is_told_under_its_id(stage: Stage, line: Line) -> None:
    framework = stage.framework(roles=("ads",))
    line.lose(ApplyOperation)
    stage.act(framework, reserve("o"))

    line.register_again()

    [status] = stage.operation_statuses(framework)
    assert (status.state, status.operation_id) == (OperationState.OPERATION_DROPPED, NAME)
    check_total(line, TOTAL)
    assert status.uuid is not None
    acknowledge(stage, framework, status.uuid)
    stage.advance(700)
    assert len(line.carried(OperationUpdate)) == 1
    assert reconciled(stage, framework) == []


def drop_unheard(stage: Stage, line: Line, framework: la.PID[FakeFramework]) -> None:
    """An operation gets lost, and what the agent says of that as well."""
    line.lose(ApplyOperation)
    stage.act(framework, reserve("o"), refuse_seconds=0)
    line.register_again(OperationUpdate)
    assert stage.operation_statuses(framework) == []


# Goal: what is done counts once. Method: one operation is dropped and one done, and the master hears of neither; then
# the agent tells of both, of the dropped one first, with all that it has.
def test_what_was_done_meanwhile_is_not_counted_twice(stage: Stage, line: Line) -> None:
    framework = stage.framework(roles=("ads",))
    drop_unheard(stage, line, framework)
    stage.advance(2)
    stage.act(framework, reserve("p", "cpus:2"))

    line.register_again()

    states = [status.state.name for status in stage.operation_statuses(framework)]
    assert states == ["OPERATION_DROPPED", "OPERATION_FINISHED"]
    check_total(line, Resources.parse("cpus:2;mem:1024;disk:1000") + reserved("cpus:2"))


def test_what_has_grown_meanwhile_has_grown_once(stage: Stage, line: Line) -> None:
    framework = stage.framework(roles=("ads",))
    stage.act(framework, Reserve(reserved("disk:100")), Create(volume(50)), refuse_seconds=0)
    stage.advance(2)
    drop_unheard(stage, line, framework)
    stage.advance(2)
    stage.act(framework, GrowVolume(volume(50), reserved("disk:20")))

    line.register_again()

    check_total(line, Resources.parse("cpus:4;mem:1024;disk:900") + volume(70) + reserved("disk:30"))


def answer_unheard(stage: Stage, line: Line) -> tuple[la.PID[FakeFramework], FrameworkID]:
    """An operation is done, and the master does not hear of it."""
    framework = stage.framework(roles=("ads",), failover_timeout=1e6)
    line.lose(OperationUpdate)
    stage.act(framework, reserve("o"))
    return framework, stage.framework_id(framework)


# Goal: feedback outlives the master. Method: the answer is lost, the master ends; agent and framework come to the next.
@pytest.mark.parametrize("agent_first", [True, False])
def test_how_an_operation_went_is_told_by_the_next_master(stage: Stage, line: Line, agent_first: bool) -> None:
    _, framework_id = answer_unheard(stage, line)

    stage.fail_over()
    if agent_first:
        line.register_again()
    framework = stage.framework(id=framework_id, roles=("ads",))
    if not agent_first:
        line.register_again()
    stage.advance(31)

    statuses = stage.operation_statuses(framework)
    assert {(status.state.name, status.operation_id) for status in statuses} == {("OPERATION_FINISHED", NAME)}
    assert line.carried(OperationAcknowledgement) == []
    assert reconciled(stage, framework) == ["FINISHED"]
    assert statuses[0].uuid is not None
    acknowledge(stage, framework, statuses[0].uuid)
    assert len(line.carried(OperationAcknowledgement)) == 1
    assert reconciled(stage, framework) == []
    updates = len(line.carried(OperationUpdate))
    stage.advance(700)
    assert len(line.carried(OperationUpdate)) == updates


def test_how_an_operation_went_is_told_when_its_agent_is_back(stage: Stage, line: Line) -> None:
    framework, _ = answer_unheard(stage, line)
    line.lose(OperationUpdate, Pong, ReregisterAgent)
    stage.advance(91)
    assert [status.state.name for status in stage.operation_statuses(framework)] == ["OPERATION_UNREACHABLE"]

    line.register_again()
    stage.advance(61)

    status = stage.operation_statuses(framework)[-1]
    assert (status.state.name, status.operation_id) == ("OPERATION_FINISHED", NAME)
    check_total(line, Resources.parse("cpus:3;mem:1024;disk:1000") + reserved("cpus:1"))


def test_nobody_waits_for_a_framework_that_was_removed(stage: Stage, line: Line) -> None:
    framework, framework_id = answer_unheard(stage, line)
    stage.call(framework, Teardown(framework_id))
    line.lose(OperationUpdate, Pong, ReregisterAgent)
    stage.advance(91)

    line.register_again()
    stage.advance(61)

    assert len(line.carried(OperationAcknowledgement)) == 1


# Goal: an id means the operation that it was given last. Method: it is used again before the agent tells of the first.
def test_an_id_that_was_used_again_is_not_mistaken(stage: Stage, line: Line) -> None:
    _, framework_id = answer_unheard(stage, line)
    stage.fail_over()
    line.register_again(OperationUpdate)
    framework = stage.framework(id=framework_id, roles=("ads",))
    stage.advance(2)
    stage.act(framework, reserve("o", "mem:8"))

    line.register_again()

    [status] = stage.operation_statuses(framework)
    assert status.converted == reserved("mem:8")
    assert len(line.carried(OperationAcknowledgement)) == 1


# Goal: nothing stays staging for ever that was sent before the agent knew that it is in. Method: the agent repeats its
# registration, after tasks and an operation were sent.
def test_an_agent_that_repeats_its_registration_is_asked_about_what_it_was_sent(stage: Stage) -> None:
    agent = stage.agent()
    framework = stage.framework(roles=("ads",), capabilities=("PARTITION_AWARE",))
    stage.act(framework, Launch((task(stage.offers(framework)[0]),)), reserve())

    stage.say(agent, RegisterAgent(AgentInfo(hostname="host", port=5051, resources=Resources.parse("cpus:4;mem:1024"))))

    [asked] = stage.heard(agent, AgentReregistered)
    owner = stage.framework_id(framework)
    assert asked.unconfirmed == (UnconfirmedTask(owner, TaskID("task"), TaskState.TASK_DROPPED),)
    assert [len(message.operations) for message in stage.heard(agent, OperationsExpected)] == [1]
