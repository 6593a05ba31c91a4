"""Executors at the master: what their frameworks and they say to one another, and which of them come back."""

import pytest

from mesoslite.model import (
    ExecutorID,
    ExecutorMessage,
    ExecutorToFramework,
    FrameworkID,
    FrameworkToExecutor,
    Shutdown,
    ShutdownExecutor,
    TellExecutor,
)

from .stage import Stage

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
