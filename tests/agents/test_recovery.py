"""Agents that were killed and begin anew: with their id, their containers, and all that was not acknowledged."""

from pathlib import Path

import pytest
from msgspec import structs

import libactor as la
from mesoslite.agent import Agent, RecoveryOptions
from mesoslite.model import (
    PARTITION_AWARE,
    TASK_KILLING_STATE,
    Drain,
    Reason,
    RegisterAgent,
    ReregisterAgent,
    RunTask,
    ShutdownAgent,
    TaskState,
    UnregisterAgent,
)

from .house import AGENT, House, make_framework, make_task

KEPT = structs.replace(make_framework(PARTITION_AWARE, TASK_KILLING_STATE), checkpoint=True)
LOOSE = structs.replace(make_framework(), checkpoint=False)


@pytest.fixture
def house(closed_house: House) -> House:
    """A house whose agent survives."""
    closed_house.open(recovery=RecoveryOptions(), id="slave(1)")
    return closed_house


def greeting(house: House) -> ReregisterAgent:
    (message,) = [message for message in house.master.heard if isinstance(message, ReregisterAgent)]
    return message


def uuids(house: House) -> list[bytes | None]:
    return [update.status.uuid for update in house.updates()]


def test_an_agent_that_was_killed_keeps_its_id_and_its_tasks(house):
    box = house.run(framework=KEPT)
    before = house.task()

    house.fall()
    house.come_back()

    assert greeting(house).info.id == AGENT
    assert len(greeting(house).tasks) == 1
    assert house.boxes.made == []
    assert house.boxes.orphans == []
    after = house.task()
    assert (after.container_id, after.sandbox, after.pid) == (before.container_id, before.sandbox, box.pid)
    assert house.snapshot().frameworks[0].info == KEPT


def test_what_was_not_acknowledged_is_delivered_in_order_under_the_same_uuids(house):
    box = house.run(framework=KEPT)
    house.acknowledge(house.updates()[0])
    house.exit(box, 3)
    before = house.updates()

    house.fall()
    house.come_back()
    again = house.acknowledge_all()

    assert [update.status.state.name for update in again] == ["TASK_RUNNING", "TASK_FAILED"]
    assert again[0] == structs.replace(before[1], latest_state=TaskState.TASK_FAILED)
    assert house.snapshot().frameworks == ()


def test_what_was_acknowledged_is_not_delivered_again(house):
    house.run(framework=KEPT)
    house.acknowledge_all()

    house.fall()
    house.come_back()

    assert house.updates() == []
    assert house.task().task.state is TaskState.TASK_RUNNING


def test_a_task_that_ended_meanwhile_gets_its_real_end(house):
    box = house.run(framework=KEPT)
    house.acknowledge_all()

    house.fall()
    box.exit(7)
    house.come_back()

    (update,) = house.updates()
    assert (update.status.state, update.status.exit_status) == (TaskState.TASK_FAILED, 7)


def test_a_task_whose_container_left_no_trace_has_failed(house):
    box = house.run(framework=KEPT)
    house.acknowledge_all()

    house.fall()
    del house.boxes.left[box.config.container_id]
    house.come_back()

    (update,) = house.updates()
    assert update.status.state is TaskState.TASK_FAILED
    assert update.status.reason is Reason.REASON_EXECUTOR_TERMINATED
    assert "left no trace" in update.status.message


def test_a_task_that_was_killed_before_it_was_launched_is_dropped(house):
    box = house.run(framework=KEPT)
    log = next(Path(house.work_directory).rglob("task.updates"))

    house.fall()
    log.unlink()
    del house.boxes.left[box.config.container_id]
    house.come_back()

    (update,) = house.updates()
    assert update.status.state is TaskState.TASK_DROPPED
    assert update.status.reason is Reason.REASON_AGENT_RESTARTED


def test_a_task_that_was_launched_before_anything_was_said_of_it_starts_now(house):
    house.run(framework=KEPT)
    log = next(Path(house.work_directory).rglob("task.updates"))

    house.fall()
    log.unlink()
    house.come_back()

    assert [update.status.state.name for update in house.acknowledge_all()] == ["TASK_STARTING", "TASK_RUNNING"]


def test_tasks_of_frameworks_that_do_not_checkpoint_end_with_their_agent(house):
    box = house.run(framework=LOOSE)

    house.fall()
    house.come_back()

    assert house.boxes.orphans == [box]
    assert greeting(house).info.id == AGENT
    assert greeting(house).tasks == ()
    assert list(Path(house.work_directory, "meta").rglob("framework.info")) == []


def test_a_kill_goes_on_with_what_is_left_of_its_grace(house):
    box = house.run(framework=KEPT)
    house.acknowledge_all()
    house.kill(grace_seconds=60)
    house.acknowledge_all()

    house.fall()
    house.runtime.clock.advance(20)
    house.come_back()
    house.advance(39)
    assert box.signals == ["terminate", "terminate"]

    house.advance(1.5)
    assert box.signals == ["terminate", "terminate", "kill"]
    house.exit(box, -9)
    assert house.states()[-1] == "KILLED"


def test_a_task_that_was_killed_and_ended_while_the_agent_was_away_is_killed(house):
    box = house.run(framework=KEPT)
    house.acknowledge_all()
    house.kill()
    house.acknowledge_all()

    house.fall()
    box.exit(-15)
    house.come_back()

    assert house.states() == ["KILLED"]


def test_a_drained_task_is_still_told_that_it_is_drained(house):
    box = house.run(framework=KEPT)
    house.send(Drain(mark_gone=True))
    house.acknowledge_all()

    house.fall()
    house.come_back()
    house.exit(box, -15)

    assert house.updates()[-1].status.state is TaskState.TASK_GONE_BY_OPERATOR
    assert house.updates()[-1].status.reason is Reason.REASON_AGENT_DRAINING


def test_what_tasks_use_counts_after_a_restart(house):
    house.run(make_task(resources="cpus:3"), framework=KEPT)

    house.fall()
    house.come_back()
    house.send(RunTask(KEPT, make_task("t2", resources="cpus:2")))

    assert house.states()[-1] == "ERROR"


def test_an_id_whose_end_is_not_acknowledged_is_in_use_after_a_restart(house):
    house.exit(house.run(framework=KEPT), 0)

    house.fall()
    house.come_back()
    house.send(RunTask(KEPT, make_task()))

    assert house.boxes.made == []
    assert "its id is in use" in house.updates()[-1].status.message


def test_nothing_is_left_of_a_task_that_is_over(house):
    house.exit(house.run(framework=KEPT), 0)
    house.acknowledge_all()

    assert list(Path(house.work_directory, "meta/slaves", AGENT, "frameworks").iterdir()) == []

    house.fall()
    house.come_back()
    assert greeting(house).tasks == ()


def test_a_launch_that_was_meant_for_the_life_before_is_not_done(house):
    house.run(framework=KEPT)
    house.fall()
    house.master.answers = False
    house.come_back()

    house.send(RunTask(KEPT, make_task("t2")))

    assert house.boxes.made == []


# ---- ends that are in order ----


def test_an_agent_that_stops_in_order_ends_its_tasks_and_the_next_is_another(house):
    house.run(framework=KEPT)

    la.terminate(house.agent)
    house.wait()
    assert house.boxes.is_closed
    assert any(isinstance(message, UnregisterAgent) for message in house.master.heard)

    house.boxes.left.clear()
    house.come_back()
    assert isinstance(house.master.heard[0], RegisterAgent)


def test_an_agent_that_lets_go_leaves_its_tasks_to_the_next(house):
    house.run(framework=KEPT)

    la.dispatch(house.agent, Agent.let_go)
    house.wait()
    assert house.boxes.is_detached
    assert not house.boxes.is_closed
    assert not any(isinstance(message, UnregisterAgent) for message in house.master.heard)

    house.come_back()
    assert greeting(house).info.id == AGENT
    assert house.task().task.state is TaskState.TASK_RUNNING


def test_an_agent_that_its_master_shuts_down_is_not_gone_on_with(house):
    house.run(framework=KEPT)

    house.send(ShutdownAgent("enough"))
    house.wait()
    house.boxes.left.clear()
    house.come_back()

    assert isinstance(house.master.heard[0], RegisterAgent)
