"""Reconciliation of tasks that the master does not have: the answer goes by where their agent stands."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import libactor as la
from mesoslite.master import Master
from mesoslite.master.reconciliation import ANSWERS_IN_STEP
from mesoslite.model import (
    AgentID,
    ExecutorID,
    ExecutorInfo,
    FrameworkID,
    Kill,
    Reason,
    Reconcile,
    Source,
    StatusUpdateAcknowledgement,
    TaskID,
    TaskRecord,
    TaskReference,
    TaskState,
    TaskStatus,
)

from .packing import packed, tasks_of
from .stage import FakeAgent, FakeFramework, Stage, task
from .test_agents import greeting

MANY = 3 * ANSWERS_IN_STEP  # tasks that are asked for, several steps of the master
LOST_SECONDS = 90  # until an agent that answers no ping is unreachable
AWARE, UNAWARE = ("PARTITION_AWARE",), ()
BOTH = pytest.mark.parametrize("capabilities", [AWARE, UNAWARE], ids=["aware", "unaware"])


class Scene:
    """An agent, and a framework that has run "task" on it and asks."""

    def __init__(self, stage: Stage, capabilities: tuple[str, ...] = AWARE) -> None:
        self.stage, self.capabilities = stage, capabilities
        self.agent = stage.agent()
        self.framework: la.PID[FakeFramework] = stage.framework(capabilities=capabilities)
        self.framework_id: FrameworkID = stage.framework_id(self.framework)
        self.agent_id: AgentID = stage.agent_id(self.agent)
        stage.run(self.framework, self.agent, task(stage.offers(self.framework)[0]))

    def lose_agent(self) -> None:
        la.tell(self.agent, FakeAgent.live, False)
        self.stage.settle()
        self.stage.advance(LOST_SECONDS)

    def fail_over(self) -> None:
        """Another master, to which the framework comes first."""
        self.stage.fail_over()
        self.framework = self.stage.framework(id=self.framework_id, capabilities=self.capabilities)

    def ask(self, agent_id: AgentID | None, name: str = "task") -> list[TaskStatus]:
        before = len(self.stage.updates(self.framework))
        reference = TaskReference(TaskID(name), agent_id)
        self.stage.call(self.framework, Reconcile(self.framework_id, (reference,)))
        return self.stage.updates(self.framework)[before:]

    def kill(self, agent_id: AgentID | None) -> list[TaskStatus]:
        before = len(self.stage.updates(self.framework))
        call = Kill(framework_id=self.framework_id, task_id=TaskID("task"), agent_id=agent_id)
        self.stage.call(self.framework, call)
        return self.stage.updates(self.framework)[before:]

    def expected(self, state: TaskState) -> TaskState:
        return state if self.capabilities == AWARE else TaskState.TASK_LOST


# ReconciliationTest.UnknownTask, UnknownTaskPartitionAware
@BOTH
def test_on_a_registered_agent_it_is_gone(stage: Stage, capabilities: tuple[str, ...]) -> None:
    scene = Scene(stage, capabilities)

    [answer] = scene.ask(scene.agent_id, "stranger")

    assert (answer.state, answer.agent_id) == (scene.expected(TaskState.TASK_GONE), scene.agent_id)
    assert (answer.source, answer.reason) == (Source.SOURCE_MASTER, Reason.REASON_RECONCILIATION)
    assert answer.uuid is None


# ReconciliationTest.UnknownSlave
@BOTH
def test_of_an_agent_that_nobody_knows_or_none_it_is_unknown(stage: Stage, capabilities: tuple[str, ...]) -> None:
    scene = Scene(stage, capabilities)

    answers = scene.ask(AgentID("nobody"), "stranger") + scene.ask(None, "stranger")

    assert [answer.state for answer in answers] == [scene.expected(TaskState.TASK_UNKNOWN)] * 2


# ReconciliationTest.PartitionedAgentThenMasterFailover: the time is that of the loss, whoever leads
@BOTH
def test_on_an_unreachable_agent_it_may_live_on(stage: Stage, capabilities: tuple[str, ...]) -> None:
    scene = Scene(stage, capabilities)
    scene.lose_agent()
    told = stage.updates(scene.framework)[-1]

    [answer] = scene.ask(scene.agent_id)
    [killed] = scene.kill(scene.agent_id)
    scene.fail_over()
    [later] = scene.ask(scene.agent_id)

    assert told.unreachable_ns is not None
    assert {status.unreachable_ns for status in (answer, killed, later)} == {told.unreachable_ns}
    assert {status.state for status in (answer, killed, later)} == {scene.expected(TaskState.TASK_UNREACHABLE)}


def test_an_unreachable_task_is_not_among_all(stage: Stage) -> None:
    scene = Scene(stage)
    scene.lose_agent()
    before = len(stage.updates(scene.framework))

    stage.call(scene.framework, Reconcile(scene.framework_id))

    assert len(stage.updates(scene.framework)) == before


@BOTH
def test_on_an_agent_declared_gone_it_is_over(stage: Stage, capabilities: tuple[str, ...]) -> None:
    scene = Scene(stage, capabilities)
    la.dispatch(stage.master, Master.mark_agent_gone, scene.agent_id)
    stage.settle()

    [answer] = scene.ask(scene.agent_id)

    assert answer.state is scene.expected(TaskState.TASK_GONE_BY_OPERATOR)


# ReconciliationTest.RecoveredAgent; MasterTest.KillUnknownTaskSlaveInTransition
def test_as_long_as_its_agent_may_come_back_there_is_no_answer(stage: Stage) -> None:
    scene = Scene(stage)
    scene.fail_over()

    answers = scene.ask(scene.agent_id) + scene.ask(None) + scene.kill(scene.agent_id) + scene.kill(None)
    [other] = scene.ask(AgentID("nobody"))
    stage.advance(600)
    [later] = scene.ask(scene.agent_id)

    assert answers == []
    assert other.state is TaskState.TASK_UNKNOWN
    assert later.state is TaskState.TASK_UNREACHABLE


# ---- of a task that its agent has brought ----


def brought(scene: Scene, **told: Any) -> la.PID[FakeAgent]:
    """Another master, to which the agent says of its task that it is over, and how far that is told."""
    message = greeting(scene.stage)
    [record] = tasks_of(message)
    over: TaskRecord = msgspec.structs.replace(record, state=TaskState.TASK_FINISHED, **told)
    scene.fail_over()
    return scene.stage.greet(msgspec.structs.replace(message, tasks=packed(over)))


# Task.status_update_state of mesos.proto; agents of before left it unset.
@pytest.mark.parametrize(
    ("told", "answer"),
    [(TaskState.TASK_STARTING, TaskState.TASK_STARTING), (None, TaskState.TASK_FINISHED)],
    ids=["told a part", "nobody has said"],
)
def test_a_task_is_told_as_far_as_its_agent_has_told_it(
    stage: Stage, told: TaskState | None, answer: TaskState
) -> None:
    scene = Scene(stage)
    brought(scene, update_state=told, update_uuid=None)

    assert [status.state for status in (*scene.ask(None), *scene.ask(scene.agent_id))] == [answer, answer]


def test_the_executor_of_a_task_is_told_that_its_agent_has_named(stage: Stage) -> None:
    scene = Scene(stage)
    [record] = tasks_of(greeting(stage))
    executor = ExecutorInfo(executor_id=ExecutorID("e"))
    brought(scene, info=msgspec.structs.replace(record.info, executor=executor))

    assert [status.executor_id for status in scene.ask(None)] == ["e"]


def test_the_health_of_a_task_is_told_that_its_agent_has_named(stage: Stage) -> None:
    scene = Scene(stage)
    [record] = tasks_of(greeting(stage))
    status = TaskStatus(
        task_id=TaskID("task"), state=TaskState.TASK_RUNNING, source=Source.SOURCE_EXECUTOR, timestamp=1.0, healthy=True
    )
    brought(scene, statuses=(*record.statuses, status))

    assert [status.healthy for status in scene.ask(None)] == [True]


def test_what_a_framework_was_told_by_another_master_it_acknowledges_to_this_one(stage: Stage) -> None:
    scene = Scene(stage)
    agent = brought(scene, update_state=TaskState.TASK_FINISHED, update_uuid=b"e" * 16)
    [info] = [record.info for record in stage.state().frameworks[0].tasks]

    stage.acknowledge(scene.framework, info, uuid=b"e" * 16)

    assert [message.uuid for message in stage.heard(agent, StatusUpdateAcknowledgement)] == [b"e" * 16]
    assert stage.state().frameworks[0].tasks == ()


# Method: the pings that are asked before and after, and another framework's, tell what came in between.
def test_who_waits_to_be_served_hears_when_all_it_has_asked_for_before_is_done(stage: Stage) -> None:
    asking, other = stage.framework(), stage.framework(name="other")
    call = Reconcile(stage.framework_id(asking), tuple([TaskReference(TaskID(f"t{number}")) for number in range(MANY)]))
    heard: list[str] = []

    def ask() -> None:
        la.post(stage.master, call, sender=asking)
        for name, who in (("asking", asking), ("other", other)):
            la.dispatch(stage.master, Master.wait_served, who).on_any(lambda _, name=name: heard.append(name))
        la.dispatch(stage.master, Master.ping).on_any(lambda _: heard.append("ping"))

    la.execute(stage.master, ask).get(timeout=60)
    stage.settle()

    assert heard == ["other", "ping", "asking"]
    assert len(stage.updates(asking)) == MANY
