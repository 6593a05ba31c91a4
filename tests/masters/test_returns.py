"""Agents that come back: what they are believed, and what becomes of what was under way with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

import libactor as la
from mesoslite.master import Master
from mesoslite.model import (
    AgentRegistered,
    AgentReregistered,
    Error,
    RegisterAgent,
    ReregisterAgent,
    RunTask,
    ShutdownAgent,
    ShutdownFramework,
    StatusUpdateAcknowledgement,
    TaskID,
    TaskState,
    UnregisterAgent,
    UpdateFramework,
    UpdateFrameworkInfo,
)
from mesoslite.registry import MemoryRegistry

from .packing import infos_of, packed, packed_infos, tasks_of
from .stage import Stage, task
from .test_agents import INFO, LOST_SECONDS, counted, cut_off, greeting, limited, running, silence, states, stored
from .wire import Line

__all__ = ["limited"]  # a fixture


def test_an_end_that_no_framework_has_acknowledged_is_not_acknowledged_by_the_master(stage: Stage) -> None:
    agent, framework = running(stage, checkpoint=True, failover_timeout=3600.0)
    message, framework_id = greeting(stage), stage.framework_id(framework)
    [record] = tasks_of(message)
    stage.lose(framework)
    stage.report(agent, framework_id, record.info, TaskState.TASK_FINISHED, uuid=b"f" * 16)
    [ended] = stage.state().frameworks[0].tasks
    silence(stage, agent)
    stage.advance(LOST_SECONDS)
    again = stage.framework(id=framework_id, checkpoint=True, failover_timeout=3600.0)

    stage.say(agent, msgspec.structs.replace(message, tasks=packed(ended)))
    stage.report(agent, framework_id, record.info, TaskState.TASK_FINISHED, uuid=b"f" * 16)

    assert stage.heard(agent, StatusUpdateAcknowledgement) == []
    assert states(stage, again) == [TaskState.TASK_FINISHED]


@pytest.mark.parametrize(("told", "heard"), [(TaskState.TASK_RUNNING, 1), (TaskState.TASK_FINISHED, 0)])
def test_the_end_of_a_task_that_its_agent_has_forgotten_is_told_unless_it_was(
    stage: Stage, told: Any, heard: int
) -> None:
    agent, framework = running(stage)
    message, framework_id = greeting(stage), stage.framework_id(framework)
    [record] = tasks_of(message)
    stage.acknowledge(framework, record.info)
    stage.report(agent, framework_id, record.info, told, b"f" * 16, latest=TaskState.TASK_FINISHED)
    before = len(stage.updates(framework))

    stage.say(agent, msgspec.structs.replace(message, tasks=(), incarnation=b"another"))

    more = stage.updates(framework)[before:]
    assert [(status.state, status.uuid) for status in more] == [(TaskState.TASK_FINISHED, None)] * heard
    assert stage.state().frameworks[0].tasks == ()
    stage.check_books()


def test_an_end_that_its_agent_names_is_not_told_by_the_master(stage: Stage) -> None:
    agent, framework = running(stage)
    framework_id = stage.framework_id(framework)
    [record] = tasks_of(greeting(stage))
    stage.acknowledge(framework, record.info)
    stage.report(agent, framework_id, record.info, TaskState.TASK_RUNNING, b"f" * 16, latest=TaskState.TASK_FINISHED)
    message = greeting(stage)
    before = len(stage.updates(framework))

    stage.say(agent, msgspec.structs.replace(message, incarnation=b"another"))

    assert stage.updates(framework)[before:] == []
    assert len(stage.state().frameworks[0].tasks) == 1


# Goal: tasks are entered under the roles that they have. Method: some of two roles, mixed; books are compared with the
# allocator's.
def test_what_tasks_of_several_roles_hold_is_held_under_these(stage: Stage) -> None:
    running(stage)
    message = greeting(stage)
    [record] = tasks_of(message)
    brought = [
        msgspec.structs.replace(record, role=role, info=msgspec.structs.replace(record.info, task_id=TaskID(f"t{n}")))
        for n, role in enumerate(("ads", "*", "ads", "web"))
    ]
    stage.fail_over()

    stage.greet(msgspec.structs.replace(message, tasks=packed(*brought)))

    stage.check_books()
    tasks = {one.info.task_id: one.role for one in stage.state().frameworks[0].tasks}
    assert tasks == {"t0": "ads", "t1": "*", "t2": "ads", "t3": "web"}


def test_an_agent_hears_what_a_framework_has_said_of_itself_while_it_was_away(stage: Stage) -> None:
    agent, framework = running(stage, checkpoint=True)
    message = greeting(stage)
    stage.lose(agent)
    info = msgspec.structs.replace(infos_of(message)[0], capabilities=("PARTITION_AWARE",))
    stage.call(framework, UpdateFramework(framework_id=stage.framework_id(framework), framework=info))

    returned = stage.greet(message)
    stage.say(returned, msgspec.structs.replace(message, frameworks=packed_infos(info)))

    assert stage.heard(returned, UpdateFrameworkInfo) == [UpdateFrameworkInfo(info)]


def test_an_agent_that_registers_again_is_reached_by_a_new_connection(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    link = la.link
    agent = stage.agent()
    message = greeting(stage)

    def noted(pid: la.PID[Any], *, reconnect: bool = False) -> None:
        seen.append(reconnect)
        link(pid, reconnect=reconnect)

    monkeypatch.setattr(la, "link", noted)
    stage.say(agent, message)
    silence(stage, agent)
    stage.advance(LOST_SECONDS + 15)
    stage.say(agent, message)  # it was unreachable
    stage.agent()

    assert seen == [True, True, False]


def test_after_a_failover_an_agent_is_not_another_host(stage: Stage) -> None:
    running(stage, failover_timeout=3600.0)
    message = greeting(stage)
    stage.fail_over()

    impostor = stage.greet(
        msgspec.structs.replace(message, info=msgspec.structs.replace(message.info, hostname="evil"), tasks=())
    )
    agent = stage.greet(message)

    assert "different IP / hostname" in stage.heard(impostor, ShutdownAgent)[0].message
    assert len(stage.heard(agent, AgentReregistered)) == 1
    assert stage.heard(agent, ShutdownAgent) == []


def test_a_lost_agent_is_not_removed_for_one_at_its_address_that_is_refused(stage: Stage) -> None:
    agent = stage.agent()
    agent_id = stage.agent_id(agent)
    other = stage.agent()
    message = ReregisterAgent(info=msgspec.structs.replace(INFO, id=stage.agent_id(other), hostname="elsewhere"))
    cut_off(stage, agent)

    stage.say(agent, message)

    assert len(stage.heard(agent, ShutdownAgent)) == 1
    assert agent_id in stored(stage, "agent")
    assert agent_id in {entry.info.id for entry in stage.state().agents}


def test_an_agent_that_was_found_silent_and_returned_is_given_up_when_it_falls_silent_again(limited: Stage) -> None:
    first, second = limited.agent(), limited.agent()
    message = ReregisterAgent(info=limited.state().agents[1].info)
    silence(limited, first, second)
    limited.advance(LOST_SECONDS)  # the first is given up, the second waits for the limit
    limited.say(second, message)
    returned = [agent.info.id for agent in limited.state().agents]

    limited.advance(2 * LOST_SECONDS)

    assert returned == [limited.agent_id(second)]
    assert limited.state().agents == ()


def test_an_agent_at_the_address_of_one_that_is_struck_off_is_heard(stage: Stage) -> None:
    stage.agent()
    stage.agent()
    [lost, recovered] = [agent.info for agent in stage.state().agents]
    stage.fail_over()
    agent = stage.greet(ReregisterAgent(info=lost))
    cut_off(stage, agent)

    stage.say(agent, ReregisterAgent(info=recovered))  # the registry has nothing to do for it, but for the other one
    stage.advance(3 * LOST_SECONDS)

    assert [entry.info.id for entry in stage.state().agents] == [recovered.id]
    assert stored(stage, "agent") == {recovered.id}


def test_a_return_that_is_repeated_or_late_changes_nothing(stage: Stage) -> None:
    agent, framework = running(stage, capabilities=("PARTITION_AWARE",))
    first = msgspec.structs.replace(greeting(stage), incarnation=b"one", number=1)
    second = msgspec.structs.replace(first, number=2)
    stage.say(agent, second)
    stage.report(agent, stage.framework_id(framework), tasks_of(first)[0].info, TaskState.TASK_FINISHED, uuid=b"f" * 16)
    stage.acknowledge(framework, tasks_of(first)[0].info, b"f" * 16)
    before = stage.state()

    stage.say(agent, first)
    stage.say(agent, second)
    known = stage.state()
    silence(stage, agent)
    stage.advance(LOST_SECONDS)
    stage.say(agent, second)
    lost = stage.state().agents
    stage.say(agent, msgspec.structs.replace(second, tasks=(), number=3))

    assert known == before
    assert (lost, counted(stage, "dropped_messages")) == ((), 3)
    assert len(stage.state().agents) == 1
    assert states(stage, framework) == [TaskState.TASK_RUNNING, TaskState.TASK_FINISHED]


def test_what_another_start_of_an_agent_says_is_not_late(stage: Stage) -> None:
    agent = stage.agent()
    message = msgspec.structs.replace(greeting(stage), incarnation=b"one", number=7)
    stage.say(agent, message)

    stage.say(agent, msgspec.structs.replace(message, incarnation=b"two", number=1))

    assert len(stage.heard(agent, AgentReregistered)) == 2


def test_an_agent_that_was_started_anew_unnoticed_is_a_new_one_and_its_tasks_are_lost(stage: Stage) -> None:
    agent = stage.greet(RegisterAgent(INFO, incarnation=b"one"))
    framework = stage.framework()
    stage.run(framework, agent, task(stage.offers(framework)[0]))

    stage.say(agent, RegisterAgent(INFO, incarnation=b"one"))
    same = states(stage, framework)
    stage.say(agent, RegisterAgent(INFO, incarnation=b"two"))

    first, again, anew = [message.agent_id for message in stage.heard(agent, AgentRegistered)]
    assert (first, same) == (again, [TaskState.TASK_RUNNING])
    assert [entry.info.id for entry in stage.state().agents] == [anew]
    assert states(stage, framework)[1:] == [TaskState.TASK_LOST]
    assert stored(stage, "agent") == {anew}


def test_an_agent_is_not_told_the_id_of_one_that_is_leaving(stage: Stage) -> None:
    agent = stage.agent()
    stage.registry.hold()
    stage.say(agent, UnregisterAgent(stage.agent_id(agent)))
    stage.say(agent, RegisterAgent(INFO))
    before = len(stage.heard(agent, AgentRegistered))

    stage.registry.release()
    stage.settle()
    stage.say(agent, RegisterAgent(INFO))

    assert before == 1
    first, anew = [message.agent_id for message in stage.heard(agent, AgentRegistered)]
    assert first != anew
    assert stored(stage, "agent") == {anew}


def test_an_agent_whose_return_is_refused_when_its_time_is_over_is_given_up(stage: Stage) -> None:
    agent_id = stage.agent_id(stage.agent())
    stage.fail_over()
    strange = msgspec.structs.replace(INFO, id=agent_id, port=2**80)  # which cannot be stored
    stage.advance(590)
    stage.registry.hold()
    stage.agent()  # the registry is busy with it
    stage.greet(ReregisterAgent(info=strange))
    stage.advance(10)

    stage.registry.release()
    stage.settle()

    assert stored(stage, "unreachable") == {agent_id}


def test_an_agent_obeys_the_master_of_a_registry_that_begins_anew(stage: Stage, tmp_path: Path) -> None:
    line = Line(stage, tmp_path)
    stage.fail_over()
    line.register_again()
    stage.advance(2)
    before = stage.registry.epoch
    stage.registry = MemoryRegistry()
    stage.fail_over()

    line.register_again()
    stage.advance(2)
    stage.framework()
    stage.advance(300)

    assert stage.registry.epoch > before
    assert len(line.carried(AgentReregistered)) == 2
    assert len(stage.state().agents) == 1


# Goal: no task is in the books for ever that has ended. Method: what the agent said before the end comes after it.
def test_an_agent_is_asked_about_a_task_that_it_names_and_that_is_over_by_the_books(stage: Stage) -> None:
    agent, framework = running(stage)
    late = greeting(stage)
    [known] = stage.state().frameworks[0].tasks
    stage.report(agent, stage.framework_id(framework), known.info, TaskState.TASK_FINISHED, uuid=b"e" * 16)
    stage.acknowledge(framework, known.info, uuid=b"e" * 16)

    stage.say(agent, late)

    [welcome] = stage.heard(agent, AgentReregistered)
    [asked] = welcome.unconfirmed
    assert (asked.task_id, asked.state) == (known.info.task_id, TaskState.TASK_FINISHED)
    assert states(stage, framework)[-1] is TaskState.TASK_FINISHED


# Goal: what runs is told, though an earlier task of that id has ended. Method: an id that is used again, out of reach.
def test_a_task_of_an_id_that_was_used_before_is_found_again(stage: Stage) -> None:
    agent, framework = running(stage)
    [known] = stage.state().frameworks[0].tasks
    stage.report(agent, stage.framework_id(framework), known.info, TaskState.TASK_FINISHED, uuid=b"e" * 16)
    stage.acknowledge(framework, known.info, uuid=b"e" * 16)
    stage.advance(6)
    stage.run(framework, agent, task(stage.offers(framework)[-1]))
    again = greeting(stage)
    silence(stage, agent)
    stage.advance(LOST_SECONDS)

    stage.say(agent, again)

    [welcome] = stage.heard(agent, AgentReregistered)
    assert welcome.unconfirmed == ()
    assert states(stage, framework)[-2:] == [TaskState.TASK_LOST, TaskState.TASK_RUNNING]


# Goal: what nobody asks for any more can be ended. Method: a framework that an agent brings, and no scheduler for it.
def test_an_operator_ends_a_framework_that_only_an_agent_has_told_of(stage: Stage) -> None:
    running(stage)
    message = greeting(stage)
    stage.fail_over()
    agent = stage.greet(message)
    [framework] = stage.state().frameworks

    la.dispatch(stage.master, Master.teardown_framework, framework.info.id).get(timeout=60)
    stage.settle()

    assert framework.recovered
    assert [told.framework_id for told in stage.heard(agent, ShutdownFramework)] == [framework.info.id]
    assert stage.state().frameworks == ()
    refused = stage.framework(id=framework.info.id)
    assert "has been removed" in stage.heard(refused, Error)[0].message


def test_an_agent_that_comes_back_hears_up_to_which_launch_it_is_asked(stage: Stage) -> None:
    agent, framework = running(stage)
    message = greeting(stage)
    stage.advance(6)
    stage.accept(framework, stage.offers(framework)[-1], task(stage.offers(framework)[-1], "late"))
    numbers = [launch.number for launch in stage.heard(agent, RunTask)]

    stage.say(agent, message)
    silence(stage, agent)
    stage.advance(LOST_SECONDS)
    stage.say(agent, message)

    known, returned = stage.heard(agent, AgentReregistered)
    assert [asked.task_id for asked in known.unconfirmed] == ["late"]
    assert (known.launches, returned.launches) == (numbers[-1], numbers[-1])
