"""Executors and groups whose agent was killed and begins anew: they subscribe again, or are over."""

import pytest
from msgspec import structs

from mesoslite.agent import RecoveryOptions
from mesoslite.agent.checkpoints import TaskLog
from mesoslite.agent.checkpoints.contents import Reported
from mesoslite.model import (
    PARTITION_AWARE,
    AgentReregistered,
    CommandInfo,
    ExecutorID,
    ExecutorType,
    Reason,
    ReregisterAgent,
    TaskID,
    TaskState,
    Termination,
    UnconfirmedExecutor,
)
from mesoslite.model.executor_events import LaunchTask, LaunchTasks, UpdateAcknowledged

from .executors import Program, exits, launch, make_executor, status_of, task_of
from .house import AGENT, FRAMEWORK, House, make_framework

KEPT = structs.replace(make_framework(PARTITION_AWARE), checkpoint=True)
WINDOW_SECONDS = 2


@pytest.fixture
def house(closed_house: House) -> House:
    """A house whose agent survives."""
    closed_house.open(recovery=RecoveryOptions(), id="slave(1)")
    return closed_house


def greetings(house: House) -> list[ReregisterAgent]:
    return [message for message in house.master.heard if isinstance(message, ReregisterAgent)]


def running_task(house: House) -> Program:
    """An executor with the task t1, which runs, as its framework has acknowledged."""
    launch(house, task_of(make_executor()), framework=KEPT)
    program = Program(house)
    program.subscribe()
    program.update("t1", TaskState.TASK_RUNNING)
    house.acknowledge_all()
    return program


def test_the_agent_registers_when_all_executors_are_back(house):
    program = running_task(house)

    house.fall()
    house.come_back()
    assert greetings(house) == []
    program.subscribe()

    (greeting,) = greetings(house)
    assert [one.info.executor_id for one in greeting.executors] == ["e"]
    program.update("t1", TaskState.TASK_FINISHED, 2)
    assert house.states() == ["FINISHED"]


def test_an_executor_that_does_not_come_back_in_time_is_killed_and_its_tasks_are_gone(house):
    running_task(house)
    box = house.boxes.made[0]

    house.fall()
    house.come_back()
    house.advance(WINDOW_SECONDS - 0.1)
    assert (box.signals, greetings(house)) == ([], [])
    house.advance(0.2)
    assert len(greetings(house)) == 1
    assert box.signals == ["kill"]
    house.exit(box, -9)

    (update,) = house.updates()
    assert update.status.state is TaskState.TASK_GONE
    assert update.status.reason is Reason.REASON_EXECUTOR_REREGISTRATION_TIMEOUT


def test_what_an_executor_says_again_that_was_written_is_taken_once(house):
    program = running_task(house)
    program.update("t1", TaskState.TASK_RUNNING, 5, healthy=True)

    house.fall()
    house.come_back()
    program.subscribe(
        unacknowledged_updates=(
            status_of("t1", TaskState.TASK_RUNNING, 5, healthy=True),
            status_of("t1", TaskState.TASK_FINISHED, 6),
        ),
    )

    assert len([event for event in program.heard() if isinstance(event, UpdateAcknowledged)]) == 2
    assert [update.status.uuid[-1] for update in house.acknowledge_all() if update.status.uuid] == [5, 6]


def test_a_task_that_never_got_to_its_executor_is_dropped_when_that_is_back(house):
    program = running_task(house)
    launch(house, task_of(make_executor(), "t2"), framework=KEPT, starts=False)

    house.fall()
    house.come_back()
    program.subscribe()

    (update,) = house.updates()
    assert (update.status.task_id, update.status.state) == ("t2", TaskState.TASK_DROPPED)
    assert update.status.reason is Reason.REASON_AGENT_RESTARTED


def test_a_task_that_an_executor_names_is_kept(house):
    program = running_task(house)
    task = task_of(make_executor(), "t2")
    launch(house, task, framework=KEPT, starts=False)

    house.fall()
    house.come_back()
    program.subscribe(unacknowledged_tasks=(task,))

    assert house.updates() == []


def test_an_executor_that_never_subscribed_is_given_its_tasks_when_it_does(house):
    first, second = task_of(make_executor()), task_of(make_executor(), "t2")
    launch(house, first, framework=KEPT)
    launch(house, second, framework=KEPT, starts=False, group=True)

    house.fall()
    house.come_back()
    assert len(greetings(house)) == 1
    program = Program(house)
    program.subscribe()

    launches = [event for event in program.heard() if isinstance(event, LaunchTask | LaunchTasks)]
    assert launches[0] == LaunchTask(first)
    assert isinstance(launches[1], LaunchTasks)
    assert launches[1].group.tasks == (second,)


def test_an_executor_that_ended_while_the_agent_was_away_ends_its_tasks(house):
    running_task(house)
    box = house.boxes.made[0]

    house.fall()
    box.exit(4)
    house.come_back()

    (update,) = house.updates()
    assert (update.status.state, update.status.reason) == (
        TaskState.TASK_FAILED,
        Reason.REASON_EXECUTOR_TERMINATED,
    )


def test_an_executor_that_had_ended_is_not_said_to_end_again(house):
    running_task(house)
    house.exit(house.boxes.made[0], 4)

    house.fall()
    house.come_back()

    assert greetings(house)[0].executors == ()
    assert exits(house) == []
    assert [update.status.state for update in house.acknowledge_all()] == [TaskState.TASK_FAILED]
    assert house.snapshot().frameworks == ()


def test_an_agent_killed_as_it_tells_of_an_end_tells_it_whole_in_its_next_life(house, monkeypatch):
    program = running_task(house)
    launch(house, task_of(make_executor(), "t2"), framework=KEPT, starts=False)
    program.update("t2", TaskState.TASK_RUNNING, 2)
    house.acknowledge_all()
    box, written = house.boxes.made[0], TaskLog.append

    def fail_second(self, event):
        if isinstance(event, Reported) and event.status.task_id == "t2" and event.status.state.is_terminal:
            raise OSError("killed")
        written(self, event)

    monkeypatch.setattr(TaskLog, "append", fail_second)
    house.boxes.is_cut = True
    box.exit(3)
    house.wait()
    monkeypatch.undo()
    house.come_back()

    said = {update.status.task_id: update.status for update in house.acknowledge_all()}
    assert {name: status.message for name, status in said.items()} == dict.fromkeys(
        ("t1", "t2"), "Executor exited with status 3"
    )
    assert house.snapshot().frameworks == ()


def test_why_an_executor_was_killed_is_told_by_a_later_life(house):
    running_task(house)
    box = house.boxes.made[0]
    house.fall()
    house.come_back()
    house.advance(WINDOW_SECONDS + 0.1)

    house.fall()
    box.signals.clear()
    house.come_back()
    assert box.signals == ["kill"]
    house.exit(box, -9)

    (update,) = house.acknowledge_all()
    assert update.status.state is TaskState.TASK_GONE
    assert update.status.reason is Reason.REASON_EXECUTOR_REREGISTRATION_TIMEOUT
    assert house.snapshot().frameworks == ()


def test_the_end_of_a_task_whose_executor_lives_on_is_over_after_a_restart(house):
    program = running_task(house)
    program.update("t1", TaskState.TASK_FINISHED, 2)
    house.acknowledge_all()

    house.fall()
    house.come_back()
    program.subscribe()

    assert greetings(house)[0].tasks == ()
    assert [one.info.executor_id for one in house.framework().executors] == ["e"]


# ---- groups that the agent runs ----


def group_of(house: House, *names: str) -> None:
    executor = make_executor(type=ExecutorType.DEFAULT)
    executor = structs.replace(executor, command=None)
    tasks = [structs.replace(task_of(executor, name), command=CommandInfo(value="sleep 5")) for name in names]
    launch(house, *tasks, framework=KEPT, group=True)


def test_a_group_goes_on_and_one_that_fails_ends_the_rest(house):
    group_of(house, "a", "b")
    house.acknowledge_all()
    first, second = house.boxes.made

    house.fall()
    house.come_back()
    assert house.updates() == []
    house.exit(first, 1)

    assert second.signals == ["terminate"]
    house.exit(second, -15)
    assert [update.status.task_id for update in house.acknowledge_all()] == [TaskID("a"), TaskID("b")]
    assert [one.executor_id for one in exits(house)] == ["e"]


def test_a_group_of_which_one_has_left_no_trace_ends(house):
    group_of(house, "a", "b")
    house.acknowledge_all()
    first, second = house.boxes.made

    house.fall()
    del house.boxes.left[first.config.container_id]
    house.come_back()

    assert second.signals == ["terminate"]


def test_a_group_that_ended_meanwhile_ends_its_executor(house):
    group_of(house, "a")
    house.acknowledge_all()

    house.fall()
    house.boxes.made[0].exit(0)
    house.come_back()

    assert house.states() == ["FINISHED"]
    house.acknowledge_all()
    assert house.snapshot().frameworks == ()


# The master asks about executors that its agent, when it comes back, does not name.
@pytest.mark.parametrize("when", ["away", "before", "here"])
def test_how_an_executor_has_ended_meanwhile_is_told_when_the_master_asks(house, when):
    running_task(house)
    box = house.boxes.made[-1]
    if when == "before":
        house.exit(box, 3)
        house.fall()
        house.come_back()
    elif when == "away":
        house.fall()
        box.termination = Termination(3)
        house.come_back()
    else:
        house.exit(box, 3)
        house.acknowledge_all()

    asked = [UnconfirmedExecutor(FRAMEWORK, ExecutorID(name)) for name in ("e", "other")]
    house.master.heard.clear()
    house.send(AgentReregistered(agent_id=AGENT, executors=tuple(asked), ping_timeout_seconds=1e9))

    assert [(one.executor_id, one.exit_status) for one in exits(house)] == [("e", 3), ("other", None)]
