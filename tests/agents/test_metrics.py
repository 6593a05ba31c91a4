"""What an agent tells of itself in numbers, under Mesos's names."""

import pytest

from mesoslite.agent import GarbageOptions, RecoveryOptions
from mesoslite.model import FrameworkToExecutor, Reason, RunTask, TaskState, Termination

from .executors import Program, launch, make_executor, task_of
from .house import AGENT, FRAMEWORK, House, make_framework, make_task

SCALARS = [f"{name}_{infix}{kind}" for name in ("cpus", "gpus", "mem", "disk") for infix in ("", "revocable_")
           for kind in ("total", "used", "percent")]  # fmt: skip
TASKS = ("staging", "starting", "running", "killing", "finished", "failed", "killed", "lost", "gone")
EXECUTORS = ("registering", "running", "terminating", "terminated", "preempted")
OTHERS = (
    *("uptime_secs", "registered", "frameworks_active", "recovery_errors", "recovery_time_secs"),
    *("valid_status_updates", "invalid_status_updates", "valid_framework_messages", "invalid_framework_messages"),
    *("container_launch_errors", "executor_directory_max_allowed_age_secs"),
)


def read(house: House) -> dict[str, float]:
    return house.runtime.metrics.snapshot().get(timeout=30)


def changed(house: House, before: dict[str, float]) -> dict[str, float]:
    """What is otherwise than before, and how much it has become."""
    now = read(house)
    return {
        name.removeprefix("slave/"): now[name] - value
        for name, value in before.items()
        if name.startswith("slave/") and now[name] != value
    }


# Source: Mesos MetricsTest.Slave
def test_all_of_mesoss_names_are_there(house: House):
    names = read(house).keys()

    expected = {*SCALARS, *OTHERS, *[f"tasks_{one}" for one in TASKS], *[f"executors_{one}" for one in EXECUTORS]}
    assert {name.removeprefix("slave/") for name in names if name.startswith("slave/")} == expected
    assert {f"gc/path_removals_{kind}" for kind in ("pending", "succeeded", "failed")} <= names


def test_an_agent_tells_what_it_has_and_that_it_is_registered(house: House):
    house.advance(5)

    now = read(house)

    assert (now["slave/registered"], now["slave/uptime_secs"]) == (1, 5)
    assert (now["slave/cpus_total"], now["slave/mem_total"], now["slave/disk_percent"]) == (4, 1024, 0)


def test_a_command_counts_from_its_launch_to_its_end(house: House):
    before = read(house)
    box = house.run(make_task(resources="cpus:1;mem:64"))
    running = {"frameworks_active": 1, "cpus_used": 1, "cpus_percent": 0.25, "mem_used": 64, "mem_percent": 0.0625}

    assert changed(house, before) == {**running, "tasks_running": 1, "executors_running": 1, "valid_status_updates": 2}
    box.has_started = False  # as one that begins
    assert changed(house, before)["executors_registering"] == 1
    house.exit(box, 1)
    house.acknowledge_all()
    assert changed(house, before) == {"tasks_failed": 1, "executors_terminated": 1, "valid_status_updates": 3}


def test_what_cannot_be_launched_counts_once(house: House):
    before = read(house)
    house.boxes.error = OSError("no such program")
    house.send(RunTask(make_framework(), make_task()))
    house.boxes.error = None
    box = house.run(make_task("t2"))
    box.notices.ended(Termination(None, Reason.REASON_CONTAINER_LAUNCH_FAILED, "no such file"))
    house.settle()

    assert changed(house, before)["container_launch_errors"] == 2


def test_executors_count_and_what_they_say(house: House):
    before = read(house)
    executor = make_executor()
    launch(house, task_of(executor))
    assert changed(house, before)["executors_registering"] == 1
    program = Program(house)
    program.subscribe()
    assert changed(house, before)["executors_running"] == 1

    program.update("t1", TaskState.TASK_FINISHED)
    program.update("t1", TaskState.TASK_RUNNING, 2)
    message = {"agent_id": AGENT, "framework_id": FRAMEWORK, "data": b"x"}
    house.send(FrameworkToExecutor(executor_id=executor.executor_id, **message))
    house.send(FrameworkToExecutor(executor_id="none", **message))

    counted = changed(house, before)
    assert (counted["tasks_finished"], counted["valid_status_updates"], counted["invalid_status_updates"]) == (1, 1, 1)
    assert (counted["valid_framework_messages"], counted["invalid_framework_messages"]) == (1, 1)
    house.exit(house.boxes.made[-1], 0)
    assert changed(house, before)["executors_terminated"] == 1


def test_sandboxes_that_wait_and_go_are_counted(closed_house: House):
    closed_house.open(garbage=GarbageOptions(delay_seconds=100, disk_headroom=0))
    house = closed_house
    box = house.run()
    house.acknowledge_all()
    house.exit(box, 0)
    house.acknowledge_all()
    assert read(house)["gc/path_removals_pending"] == 1

    house.advance(180)

    now = read(house)
    assert (now["gc/path_removals_pending"], now["gc/path_removals_succeeded"]) == (0, 1)
    assert 0 <= now["slave/executor_directory_max_allowed_age_secs"] <= 100


def test_files_that_could_not_be_used_are_counted(closed_house: House):
    house = closed_house
    house.open(recovery=RecoveryOptions(), id="slave(1)")
    house.fall()
    (house.work_directory / "meta" / "slaves" / AGENT / "slave.info").write_bytes(b"")

    house.come_back(RecoveryOptions(strict=False))

    assert read(house)["slave/recovery_errors"] == 1


def test_nothing_is_told_of_an_agent_that_has_ended(closed_house: House):
    house = closed_house
    house.open(recovery=RecoveryOptions(), id="slave(1)")
    house.fall()
    assert not [name for name in read(house) if name.startswith(("slave/", "gc/"))]

    house.come_back()

    assert read(house)["slave/registered"] == 1


@pytest.mark.parametrize("state", ["TASK_KILLED", "TASK_LOST", "TASK_GONE"])
def test_each_end_has_its_count(house: House, state: str):
    before = read(house)
    launch(house, task_of(make_executor()))
    program = Program(house)
    program.subscribe()

    program.update("t1", TaskState[state])

    assert changed(house, before)[f"tasks_{state.removeprefix('TASK_').lower()}"] == 1
