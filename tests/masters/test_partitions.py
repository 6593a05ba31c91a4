"""Agents that cannot be reached, and what ends, leaves, or comes back meanwhile: tasks, frameworks, masters."""

# Source: the names in comments are those of Mesos's tests (partition_tests, slave_tests, master_tests, teardown_tests).

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import libactor as la
from mesoslite.master import Master
from mesoslite.model import (
    AgentReregistered,
    Failure,
    FrameworkID,
    InTransition,
    KillTask,
    Reason,
    Reconcile,
    ReregisterAgent,
    Resources,
    ShutdownAgent,
    ShutdownFramework,
    StatusUpdateAcknowledgement,
    TaskReference,
    TaskState,
    TaskStatus,
    UnregisterAgent,
    UpdateFrameworkInfo,
)

from .packing import packed, packed_infos, tasks_of
from .stage import FakeAgent, FakeFramework, Stage, task
from .test_agents import LOST_SECONDS, counted, greeting, running, silence, states, stored

AWARE = ("PARTITION_AWARE",)
OVER = b"fedcba9876543210"


def lose(stage: Stage, agent: la.PID[FakeAgent]) -> None:
    """Have an agent be unreachable; it answers pings again from then on."""
    silence(stage, agent)
    stage.advance(LOST_SECONDS)
    silence(stage, agent, lives=True)


def ask(stage: Stage, framework: la.PID[FakeFramework], message: ReregisterAgent) -> TaskStatus:
    """What the framework is answered to its question about the one task that the agent has."""
    framework_id, agent_id = stage.framework_id(framework), message.info.id
    reference = TaskReference(tasks_of(message)[0].info.task_id, agent_id)
    stage.call(framework, Reconcile(framework_id, (reference,)))
    return stage.updates(framework)[-1]


def ended(message: ReregisterAgent) -> ReregisterAgent:
    """What the agent says once its task is over, and nobody has acknowledged that."""
    [record] = tasks_of(message)
    status = msgspec.structs.replace(record.statuses[-1], state=TaskState.TASK_FINISHED, uuid=OVER)
    record = msgspec.structs.replace(record, state=TaskState.TASK_FINISHED, statuses=(*record.statuses, status))
    return msgspec.structs.replace(message, tasks=packed(record))


# PartitionTest.TaskCompletedOnPartitionedAgent, PartitionAwareTaskCompletedOnPartitionedAgent
@pytest.mark.parametrize("capabilities", [(), AWARE])
def test_a_task_that_ended_on_an_unreachable_agent_is_over_once(stage: Stage, capabilities: tuple[str, ...]) -> None:
    agent, framework = running(stage, capabilities=capabilities)
    message, framework_id = ended(greeting(stage)), stage.framework_id(framework)
    info = tasks_of(message)[0].info
    lose(stage, agent)
    before = len(stage.updates(framework))

    stage.say(agent, message)
    stage.report(agent, framework_id, info, TaskState.TASK_FINISHED, uuid=OVER)
    stage.acknowledge(framework, info, OVER)

    assert states(stage, framework)[before:] == [TaskState.TASK_FINISHED]
    [entry] = stage.state().frameworks
    assert [(one.info.task_id, one.state) for one in entry.completed_tasks] == [("task", TaskState.TASK_FINISHED)]
    assert (entry.tasks, stage.state().agents[0].used) == ((), Resources())
    assert [one.uuid for one in stage.heard(agent, StatusUpdateAcknowledgement)][-1] == OVER


# PartitionTest.AgentWithTerminalTaskPartitioned
def test_a_task_that_had_ended_is_not_unreachable_with_its_agent(stage: Stage) -> None:
    agent, framework = running(stage, capabilities=AWARE)
    message = ended(greeting(stage))
    info = tasks_of(message)[0].info
    stage.report(agent, stage.framework_id(framework), info, TaskState.TASK_FINISHED, uuid=OVER)

    lose(stage, agent)
    [alone] = stage.state().frameworks
    stage.say(agent, message)
    stage.report(agent, stage.framework_id(framework), info, TaskState.TASK_FINISHED, uuid=OVER)
    stage.acknowledge(framework, info, OVER)

    assert TaskState.TASK_UNREACHABLE not in states(stage, framework)
    assert [one.state for one in alone.completed_tasks] == [TaskState.TASK_FINISHED]
    [entry] = stage.state().frameworks
    assert [(one.info.task_id, one.state) for one in entry.completed_tasks] == [("task", TaskState.TASK_FINISHED)]
    assert entry.tasks == ()


# PartitionTest.PartitionedSlaveReregistrationMasterFailover
@pytest.mark.parametrize("comes_first", [True, False])
def test_an_unreachable_agent_brings_its_tasks_to_another_master(stage: Stage, comes_first: bool) -> None:
    agent, framework = running(stage, capabilities=AWARE, failover_timeout=1e6)
    message, framework_id = greeting(stage), stage.framework_id(framework)
    lose(stage, agent)
    stage.fail_over()

    if comes_first:
        framework = stage.framework(id=framework_id, capabilities=AWARE, failover_timeout=1e6)
    returned = stage.greet(message)
    if not comes_first:
        framework = stage.framework(id=framework_id, capabilities=AWARE, failover_timeout=1e6)

    assert stage.heard(returned, AgentReregistered)
    assert (stored(stage, "agent"), stored(stage, "unreachable")) == ({message.info.id}, set())
    assert ask(stage, framework, message).state is TaskState.TASK_RUNNING
    [entry] = stage.state().frameworks
    assert (len(entry.tasks), entry.completed_tasks) == (1, ())


# PartitionTest.DisconnectedFramework
def test_a_framework_that_was_away_learns_that_its_task_was_out_of_reach_and_is_back(stage: Stage) -> None:
    agent, framework = running(stage, capabilities=AWARE, failover_timeout=1e6)
    message, framework_id = greeting(stage), stage.framework_id(framework)
    stage.lose(framework)
    lose(stage, agent)

    late = stage.framework(id=framework_id, capabilities=AWARE, failover_timeout=1e6)
    away = ask(stage, late, message)
    stage.say(agent, message)
    back = ask(stage, late, message)

    assert (away.state, back.state) == (TaskState.TASK_UNREACHABLE, TaskState.TASK_RUNNING)
    assert (away.unreachable_ns is None, back.unreachable_ns) == (False, None)


# PartitionTest.PartitionedSlaveOrphanedTask
def test_a_task_whose_framework_ends_while_its_agent_is_out_of_reach_is_ended_on_its_return(stage: Stage) -> None:
    agent, framework = running(stage, capabilities=AWARE)
    message, framework_id = greeting(stage), stage.framework_id(framework)
    lose(stage, agent)
    stage.lose(framework)

    stage.say(agent, message)

    assert stage.heard(agent, ShutdownFramework) == [ShutdownFramework(framework_id)]
    assert stage.heard(agent, ShutdownAgent) == []
    assert stage.state().frameworks == ()
    [entry] = stage.state().completed_frameworks
    assert len(entry.completed_tasks) == 1
    assert stage.state().agents[0].used.is_empty


# MasterTest.UnreachableTaskAfterFailover
@pytest.mark.parametrize("capabilities", [(), AWARE])
def test_a_task_of_an_agent_that_does_not_come_to_the_next_master_is_unreachable(
    stage: Stage, capabilities: tuple[str, ...]
) -> None:
    _, framework = running(stage, capabilities=capabilities)
    message, framework_id = greeting(stage), stage.framework_id(framework)
    stage.fail_over()
    framework = stage.framework(id=framework_id, capabilities=capabilities)
    stage.runtime.clock.advance(600)
    stage.settle()

    away = ask(stage, framework, message)
    returned = stage.greet(message)
    back = ask(stage, framework, message)

    assert away.state is (TaskState.TASK_UNREACHABLE if capabilities else TaskState.TASK_LOST)
    assert (away.reason, away.unreachable_ns is None) == (Reason.REASON_RECONCILIATION, False)
    assert back.state is TaskState.TASK_RUNNING
    assert stage.heard(returned, ShutdownAgent) == []


# SlaveTest.UnreachableThenUnregisterRace
def test_an_agent_that_leaves_while_it_is_being_given_up_is_unreachable(stage: Stage) -> None:
    agent, framework = running(stage)
    agent_id = stage.agent_id(agent)
    silence(stage, agent)
    stage.advance(LOST_SECONDS - 1)
    stage.registry.hold()
    stage.advance(2)

    stage.say(agent, UnregisterAgent(agent_id))
    stage.registry.release()
    stage.settle()

    assert (stored(stage, "agent"), stored(stage, "unreachable")) == (set(), {agent_id})
    assert len(stage.heard(framework, Failure)) == 1
    assert states(stage, framework) == [TaskState.TASK_RUNNING, TaskState.TASK_LOST]


# SlaveTest.HealthCheckUnregisterRace
def test_an_agent_that_falls_silent_while_it_leaves_has_left(stage: Stage) -> None:
    agent, framework = running(stage)
    agent_id = stage.agent_id(agent)
    silence(stage, agent)
    stage.advance(LOST_SECONDS - 5)
    stage.registry.hold()

    stage.say(agent, UnregisterAgent(agent_id))
    stage.advance(10)
    stage.registry.release()
    stage.advance(LOST_SECONDS)

    assert (stored(stage, "agent"), stored(stage, "unreachable")) == (set(), set())
    assert len(stage.heard(framework, Failure)) == 1
    assert states(stage, framework) == [TaskState.TASK_RUNNING, TaskState.TASK_LOST]
    assert counted(stage, "slave_unreachable_completed") == 0


# MasterTest.EndpointsForHalfRemovedSlave
def test_an_agent_is_there_until_the_registry_has_given_it_up(stage: Stage) -> None:
    agent, _ = running(stage, capabilities=AWARE)
    silence(stage, agent)
    stage.advance(LOST_SECONDS - 1)
    stage.registry.hold()
    stage.advance(2)
    half = stage.state()

    stage.registry.release()
    stage.settle()
    after = stage.state()

    assert [len(half.agents), len(half.frameworks[0].tasks)] == [1, 1]
    assert [len(after.agents), len(after.frameworks[0].tasks)] == [0, 0]


def test_of_two_who_declare_an_agent_gone_at_once_the_second_is_told_to_ask_again(stage: Stage) -> None:
    agent_id = stage.agent_id(stage.agent())
    stage.registry.hold()
    asked = [la.dispatch(stage.master, Master.mark_agent_gone, agent_id) for _ in range(2)]
    stage.settle()
    stage.registry.release()

    asked[0].get(timeout=60)
    with pytest.raises(InTransition, match="ask again"):
        asked[1].get(timeout=60)
    stage.settle()
    la.dispatch(stage.master, Master.mark_agent_gone, agent_id).get(timeout=60)
    assert stored(stage, "gone") == {agent_id}


# ---- frameworks that a new master knows from agents ----


def two_agents(stage: Stage) -> tuple[FrameworkID, list[ReregisterAgent]]:
    """A framework with a task on each of two agents, and what these would say to another master."""
    agents = [stage.agent("cpus:1;mem:128") for _ in range(2)]
    framework = stage.framework(failover_timeout=1e6)
    for offer in stage.offers(framework):
        stage.accept(framework, offer, task(offer, f"on-{offer.agent_id}"))
    [entry] = stage.state().frameworks
    messages = []
    for agent in stage.state().agents:
        records = [record for record in entry.tasks if record.info.agent_id == agent.info.id]
        messages.append(ReregisterAgent(info=agent.info, tasks=packed(*records), frameworks=packed_infos(entry.info)))
    assert len(agents) == len(messages)
    return stage.framework_id(framework), messages


# MasterTest.OrphanTasksMultipleAgents
def test_a_framework_of_which_two_agents_tell_is_one(stage: Stage) -> None:
    framework_id, messages = two_agents(stage)
    stage.fail_over()

    for message in messages:
        stage.greet(message)

    [entry] = stage.state().frameworks
    assert (entry.info.id, entry.recovered, len(entry.tasks)) == (framework_id, True, 2)
    assert stage.state().completed_frameworks == ()


# TeardownTest.RecoveredFrameworkAfterMasterFailover
def test_a_framework_that_only_agents_have_told_of_can_be_removed(stage: Stage) -> None:
    framework_id, messages = two_agents(stage)
    stage.fail_over()
    agents = [stage.greet(message) for message in messages]

    la.dispatch(stage.master, Master.teardown_framework, framework_id).get(timeout=60)
    stage.settle()

    assert stage.state().frameworks == ()
    assert [entry.info.id for entry in stage.state().completed_frameworks] == [framework_id]
    assert [stage.heard(agent, ShutdownFramework) for agent in agents] == [[ShutdownFramework(framework_id)]] * 2


# FaultToleranceTest.UpdateFrameworkInfoOnMasterFailover,
# FrameworkInfoValidationTest.RoleChangeWithMultiRoleMasterFailover
def test_what_a_framework_says_of_itself_to_a_new_master_counts_and_agents_hear_it(stage: Stage) -> None:
    framework_id, messages = two_agents(stage)
    stage.fail_over()
    agents: list[Any] = [stage.greet(message) for message in messages]

    framework = stage.framework(
        name="renamed", id=framework_id, roles=("ads", "web"), capabilities=("MULTI_ROLE",), failover_timeout=5.0
    )

    [entry] = stage.state().frameworks
    assert (entry.info.name, entry.roles, entry.info.failover_timeout) == ("renamed", ("ads", "web"), 5.0)
    assert [record.role for record in entry.tasks] == ["*", "*"]  # what it runs stays in the role that it was run for
    assert [stage.heard(agent, UpdateFrameworkInfo) for agent in agents] == [[UpdateFrameworkInfo(entry.info)]] * 2
    assert [stage.heard(agent, KillTask) for agent in agents] == [[], []]
    assert stage.framework_id(framework) == framework_id
