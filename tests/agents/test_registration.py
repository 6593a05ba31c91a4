"""How an agent joins its master, and what it does when the master has gone."""

from typing import Any

import pytest

import libactor as la
from mesoslite.agent import Agent
from mesoslite.agent.registration import Step
from mesoslite.model import (
    AgentID,
    AgentRegistered,
    Resources,
    RunTask,
    ShutdownAgent,
    UnregisterAgent,
)

from .house import AGENT, House, make_framework, make_task


def test_an_agent_registers_when_it_starts(house: House):
    (registration,) = house.master.heard

    assert registration.info.resources == Resources.parse("cpus:4;mem:1024")
    assert registration.info.id is None
    assert house.snapshot().info.id == AGENT
    assert house.snapshot().master == str(house.master_pid)


# Goal: the waits are 1, 2, 4, … and never more than 60 s, each cut by up to half at random. Method: look at each timer.
def test_registration_is_repeated_with_waits_that_double_up_to_a_minute(closed_house: House):
    closed_house.master.answers = False
    closed_house.open()

    actor: Any = closed_house.agent._process.actor
    for number, wait in enumerate([1, 2, 4, 8, 16, 32, 60, 60], 1):
        timer = actor._registration._timers[Step.REGISTER]
        left = timer.deadline_ns / 1e9 - closed_house.runtime.clock.now()
        closed_house.advance(left + 0.001)

        assert wait / 2 <= left <= wait
        assert closed_house.registrations() == number + 1


def test_registration_ends_with_the_answer(house: House):
    house.advance(1000)

    assert house.registrations() == 1


def test_a_second_answer_with_another_id_changes_nothing(house: House):
    house.send(AgentRegistered(AgentID("other")))

    assert house.snapshot().info.id == AGENT


def test_a_task_sent_before_the_agent_has_an_id_is_ignored(closed_house: House):
    closed_house.master.answers = False
    closed_house.open()

    closed_house.send(RunTask(make_framework(), make_task()))

    assert closed_house.boxes.made == []
    assert closed_house.updates() == []
    assert closed_house.snapshot().frameworks == ()


def test_only_the_master_is_heeded(house: House):
    la.post(house.agent, RunTask(make_framework(), make_task()))
    la.post(house.agent, ShutdownAgent("no"), sender=house.agent)
    house.settle()

    assert house.boxes.made == []
    assert house.snapshot().frameworks == ()


def test_tasks_run_on_when_the_master_goes_and_nothing_is_sent_any_more(house: House):
    box = house.run()
    la.terminate(house.master_pid)
    house.settle()
    dead_letters = house.runtime.dead_letters

    house.exit(box, 0)
    house.advance(10_000)

    assert box.signals == []
    assert house.runtime.dead_letters == dead_letters
    assert house.snapshot().master is None
    assert house.task().task.state.name == "TASK_FINISHED"


def test_an_agent_gives_up_registering_when_its_master_goes(closed_house: House):
    closed_house.master.answers = False
    closed_house.open()
    la.terminate(closed_house.master_pid)
    closed_house.settle()
    dead_letters = closed_house.runtime.dead_letters

    closed_house.advance(1000)

    assert closed_house.runtime.dead_letters == dead_letters
    assert closed_house.snapshot().master is None


def test_a_stopped_agent_has_ended_its_containers_and_left_its_master(house: House):
    house.run()

    la.terminate(house.agent)
    house.settle()

    assert house.boxes.is_closed
    assert house.master.heard[-1] == UnregisterAgent(AGENT)


def test_an_agent_that_cannot_end_its_containers_still_says_that_it_leaves(
    house: House, caplog: pytest.LogCaptureFixture
):
    house.boxes.close_error = RuntimeError("boxes are stuck")

    la.terminate(house.agent)
    house.settle()

    assert house.master.heard[-1] == UnregisterAgent(AGENT)
    assert "boxes are stuck" in caplog.text


def test_a_stopped_agent_is_sent_nothing_by_its_own_timers(house: House):
    house.run()
    la.terminate(house.agent)
    house.settle()
    dead_letters = house.runtime.dead_letters

    house.advance(10_000)

    assert house.runtime.dead_letters == dead_letters


def test_an_agent_told_to_shut_down_stops(house: House):
    house.run()

    house.send(ShutdownAgent("full"))

    assert la.wait(house.agent, timeout=60)
    assert house.boxes.is_closed


def test_agents_are_called_slave_and_numbered(house: House):
    assert house.agent.id.startswith("slave(")


def test_a_work_directory_that_cannot_be_made_stops_the_agent(closed_house: House):
    closed_house.work_directory.write_text("in the way")

    agent = Agent(
        closed_house.master_pid,
        resources=Resources.parse("cpus:1"),
        work_dir=closed_house.work_directory,
        containerizer=closed_house.boxes,
    )
    pid = closed_house.runtime.spawn(agent)

    assert la.wait(pid, timeout=60)
    assert closed_house.registrations() == 0
