"""Executors at the master: what their frameworks and they say to one another, and which of them come back."""

from typing import Any

import msgspec
import pytest

import libactor as la
from mesoslite.model import (
    AgentID,
    AgentReregistered,
    CommandInfo,
    ExecutorExited,
    ExecutorID,
    ExecutorInfo,
    ExecutorMessage,
    ExecutorToFramework,
    Failure,
    FrameworkID,
    FrameworkToExecutor,
    PresentExecutor,
    ReregisterAgent,
    Rescind,
    Resources,
    RunTask,
    Shutdown,
    ShutdownExecutor,
    TellExecutor,
    UnconfirmedExecutor,
)

from .packing import packed, packed_infos
from .stage import FakeAgent, FakeFramework, Stage, task

E = ExecutorID("e")


def metric(stage: Stage, name: str) -> float:
    return stage.runtime.metrics.snapshot().get()[f"master/{name}"]


def test_a_framework_tells_an_executor_through_its_agent(stage: Stage) -> None:
    agent, framework = stage.agent(), stage.framework()
    who = {"framework_id": stage.framework_id(framework), "executor_id": E}

    stage.call(framework, TellExecutor(agent_id=stage.agent_id(agent), data=b"\x00", **who))
    stage.call(framework, Shutdown(agent_id=stage.agent_id(agent), **who))

    assert stage.heard(agent, FrameworkToExecutor) == [FrameworkToExecutor(data=b"\x00", **who)]
    assert stage.heard(agent, ShutdownExecutor) == [ShutdownExecutor(**who)]
    assert metric(stage, "valid_framework_to_executor_messages") == 1
    assert metric(stage, "messages_framework_to_executor") == 1


# Goal: a client that goes on about nothing fills no log.
def test_of_drops_alike_one_after_the_other_the_first_is_told(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    framework = stage.framework()
    call = Shutdown(framework_id=stage.framework_id(framework), executor_id=E, agent_id=AgentID("other"))
    told, dropped = "executor e: agent other is not registered", metric(stage, "dropped_messages")

    for times in (1, 2):
        for _ in range(3):
            stage.call(framework, call)
        assert caplog.text.count(told) == times
        stage.call(framework, msgspec.structs.replace(call, agent_id=AgentID("third")))

    assert metric(stage, "dropped_messages") - dropped == 8


def test_what_is_for_an_agent_that_is_not_there_is_dropped(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    framework = stage.framework()
    who = {"framework_id": stage.framework_id(framework), "executor_id": E, "agent_id": "other"}

    stage.call(framework, TellExecutor(data=b"x", **who))
    stage.call(framework, Shutdown(**who))

    assert caplog.text.count("executor e: agent other is not registered") == 2
    assert metric(stage, "invalid_framework_to_executor_messages") == 1


def test_an_executor_tells_its_framework_through_its_agent(stage: Stage) -> None:
    agent, framework = stage.agent(), stage.framework()
    framework_id, agent_id = stage.framework_id(framework), stage.agent_id(agent)

    message = ExecutorToFramework(framework_id=framework_id, executor_id=E, agent_id=agent_id, data=b"\xff")
    stage.say(agent, message)

    assert stage.heard(framework, ExecutorMessage) == [ExecutorMessage(agent_id, E, b"\xff")]
    assert metric(stage, "valid_executor_to_framework_messages") == 1


def test_what_is_for_a_framework_that_is_not_there_is_dropped(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    agent = stage.agent()
    stranger = FrameworkID("other")

    stage.say(
        agent, ExecutorToFramework(framework_id=stranger, executor_id=E, agent_id=stage.agent_id(agent), data=b"")
    )

    assert "framework other is not connected" in caplog.text
    assert metric(stage, "invalid_executor_to_framework_messages") == 1


# ---- executors of agents that come back ----

EXECUTOR = ExecutorInfo(executor_id=E, command=CommandInfo(value="run"), resources=Resources.parse("cpus:0.5;mem:32"))


def begun(stage: Stage) -> tuple[la.PID[FakeAgent], la.PID[FakeFramework], ReregisterAgent]:
    """An agent with a task of an executor, and what it says when it comes back."""
    agent, framework = stage.agent(), stage.framework(roles=("ads",), checkpoint=True, failover_timeout=3600.0)
    offer = stage.offers(framework)[0]
    info = msgspec.structs.replace(task(offer), command=None, executor=EXECUTOR)
    stage.accept(framework, offer, info)
    [launch] = stage.heard(agent, RunTask)
    assert launch.task.executor is not None
    [record] = stage.state().frameworks[0].tasks
    message = ReregisterAgent(
        info=stage.state().agents[0].info,
        tasks=packed(record),
        frameworks=packed_infos(stage.state().frameworks[0].info),
        executors=(PresentExecutor(launch.task.executor, "ads"),),
    )
    return agent, framework, message


def used(stage: Stage) -> Resources:
    stage.check_books()
    [agent] = stage.state().agents
    return agent.used


def test_executors_are_known_to_the_next_master_by_their_agents(stage: Stage) -> None:
    _, _, message = begun(stage)
    before = used(stage)
    stage.fail_over()

    agent = stage.greet(message)

    assert before == used(stage) == Resources.parse("cpus:1.5;mem:160")
    assert stage.heard(agent, AgentReregistered)[0].executors == ()
    who = {"framework_id": stage.state().frameworks[0].info.id, "executor_id": E}
    stage.say(agent, ExecutorExited(**who))
    assert used(stage) == Resources.parse("cpus:1;mem:128")


def test_executors_are_kept_when_their_agent_registers_again(stage: Stage) -> None:
    agent, framework, message = begun(stage)

    stage.say(agent, message)

    assert used(stage) == Resources.parse("cpus:1.5;mem:160")
    assert stage.heard(framework, Failure) == []


def test_an_agent_is_asked_about_an_executor_that_it_does_not_name(stage: Stage) -> None:
    agent, framework, message = begun(stage)
    framework_id = stage.framework_id(framework)

    stage.say(agent, msgspec.structs.replace(message, executors=()))

    [answer] = stage.heard(agent, AgentReregistered)
    assert answer.executors == (UnconfirmedExecutor(framework_id, E),)
    assert used(stage) == Resources.parse("cpus:1.5;mem:160")
    stage.say(agent, ExecutorExited(framework_id=framework_id, executor_id=E))
    assert used(stage) == Resources.parse("cpus:1;mem:128")
    assert stage.heard(framework, Failure) == [Failure(stage.agent_id(agent), E)]


def test_an_executor_that_only_its_agent_knows_is_entered_and_offers_are_rescinded(stage: Stage) -> None:
    agent, framework, message = begun(stage)
    other = msgspec.structs.replace(message.executors[0].info, executor_id=ExecutorID("new"))
    present = (*message.executors, PresentExecutor(other, "ads"))
    stage.advance(6)  # until the rest is offered again

    stage.say(agent, msgspec.structs.replace(message, executors=present))

    assert used(stage) == Resources.parse("cpus:2;mem:192")
    assert stage.heard(framework, Rescind) == [Rescind(stage.offers(framework)[1].id)]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"framework_id": FrameworkID("other")}, "which is not named"),
        ({"framework_id": None}, "which is not named"),
        ({"executor_id": ExecutorID("a/b")}, "parts paths"),
        ({"resources": Resources.parse("cpus:100")}, "tasks and executors use"),
    ],
)
def test_an_agent_that_names_what_cannot_be_is_not_believed(
    stage: Stage, caplog: pytest.LogCaptureFixture, change: dict[str, Any], problem: str
) -> None:
    agent, _, message = begun(stage)
    wrong = msgspec.structs.replace(message.executors[0].info, **change)

    stage.say(agent, msgspec.structs.replace(message, executors=(PresentExecutor(wrong, "ads"),)))

    assert problem in caplog.text
    assert stage.heard(agent, AgentReregistered) == []


def test_an_executor_is_named_once(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    agent, _, message = begun(stage)

    stage.say(agent, msgspec.structs.replace(message, executors=message.executors * 2))

    assert "executor e is named twice" in caplog.text
