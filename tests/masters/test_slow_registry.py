"""A slow registry: what was looked at before it was asked may be another way once it has answered."""

from __future__ import annotations

import msgspec
import pytest

import libactor as la
from mesoslite.master import Master
from mesoslite.model import AgentReregistered, RegisterAgent, ReregisterAgent, ShutdownAgent
from mesoslite.model.registry import MachineID

from .stage import Stage
from .test_agents import INFO, LOST_SECONDS, counted, silence, stored
from .test_maintenance import schedule

HOST = MachineID("host")


def two_lost(stage: Stage) -> tuple[ReregisterAgent, ReregisterAgent]:
    """What two agents would say that a new master takes for unreachable."""
    stage.agent()
    stage.agent()
    [first, second] = [ReregisterAgent(info=agent.info) for agent in stage.state().agents]
    stage.fail_over()
    stage.advance(2 * LOST_SECONDS + 600)
    assert stored(stage, "unreachable") == {first.info.id, second.info.id}
    return first, second


# Goal: no two agents at one address, nor a master that ends when they are given up. Method: both come from there before
# the registry has answered the first.
def test_of_two_agents_that_come_from_one_address_the_last_stays(stage: Stage) -> None:
    first, second = two_lost(stage)
    stage.registry.hold()
    agent = stage.greet(first)
    stage.say(agent, second)
    stage.registry.release()
    stage.settle()
    stage.settle()
    here = [each.info.id for each in stage.state().agents]

    silence(stage, agent)
    stage.lose(agent)
    stage.advance(3 * LOST_SECONDS)

    assert here == [second.info.id]
    assert stage.state().agents == ()


def test_one_that_registers_anew_takes_the_place_of_one_that_was_coming_back(stage: Stage) -> None:
    first, _ = two_lost(stage)
    stage.registry.hold()
    agent = stage.greet(first)
    stage.say(agent, RegisterAgent(INFO))
    stage.registry.release()
    stage.settle()

    [here] = stage.state().agents
    assert here.info.id == stage.agent_id(agent)


def test_an_agent_that_repeats_itself_while_it_is_stored_comes_back_once(stage: Stage) -> None:
    first, _ = two_lost(stage)
    stage.registry.hold()
    agent = stage.greet(msgspec.structs.replace(first, incarnation=b"start", number=1))
    stage.say(agent, msgspec.structs.replace(first, incarnation=b"start", number=2))
    stage.registry.release()
    stage.settle()

    assert len(stage.heard(agent, AgentReregistered)) == 1
    assert counted(stage, "slave_reregistrations") == 1


# MasterTest.AgentReregistrationDuringMarkingUnreachable
def test_an_agent_that_returns_while_it_is_being_given_up_waits_until_that_is_durable(stage: Stage) -> None:
    stage.agent()
    [info] = [each.info for each in stage.state().agents]
    stage.fail_over()
    stage.advance(599)
    stage.registry.hold()
    stage.advance(2)
    agent = stage.greet(ReregisterAgent(info=info))
    before = len(stage.heard(agent, AgentReregistered))
    stage.registry.release()
    stage.settle()
    lost = stored(stage, "unreachable")

    stage.say(agent, ReregisterAgent(info=info))

    assert (before, lost) == (0, {info.id})
    assert len(stage.heard(agent, AgentReregistered)) == 1
    assert stored(stage, "unreachable") == set()


@pytest.mark.parametrize("returns", [False, True])
def test_an_agent_that_is_let_in_when_its_machine_is_down_already_is_shut_down(stage: Stage, returns: bool) -> None:
    first, _ = two_lost(stage)
    la.dispatch(stage.master, Master.update_schedule, schedule(HOST)).get(timeout=60)
    stage.registry.hold()
    down = la.dispatch(stage.master, Master.start_maintenance, (HOST,))
    stage.settle()
    agent = stage.greet(first if returns else RegisterAgent(INFO))

    stage.registry.release()
    down.get(timeout=60)
    stage.settle()

    assert stage.heard(agent, ShutdownAgent)
    assert stage.state().agents == ()
    assert stored(stage, "agent") == set()
