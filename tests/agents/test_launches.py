"""What happens from RunTask until the command has ended."""

import errno
import os
import stat
from pathlib import Path

import msgspec
import pytest

from mesoslite.agent.launches import REMEMBERED_MAX, Launches
from mesoslite.model import (
    CheckInfo,
    CommandInfo,
    CommandURI,
    ExecutorID,
    ExecutorInfo,
    ExecutorType,
    FrameworkID,
    NotFound,
    Reason,
    Resources,
    RunGroup,
    RunTask,
    Source,
    StatusUpdate,
    TaskGroup,
    TaskID,
    TaskInfo,
    TaskState,
    Termination,
)

from .house import AGENT, FRAMEWORK, House, make_framework, make_task


def last(house: House) -> StatusUpdate:
    return house.acknowledge_all()[-1]


def test_a_launched_task_is_starting_then_running(house: House):
    house.run()

    updates = house.acknowledge_all()

    assert house.states() == ["STARTING", "RUNNING"]
    assert {update.status.source for update in updates} == {Source.SOURCE_EXECUTOR}
    assert {(update.status.agent_id, update.status.executor_id) for update in updates} == {(AGENT, "t1")}
    assert len({update.status.uuid for update in updates}) == 2
    assert house.task().pid == 1000


# What finds services by /state reads it. Source: Slave::_statusUpdate
@pytest.mark.parametrize(("ip", "protocol"), [("192.0.2.7", "IPv4"), ("2001:db8::1", "IPv6")])
def test_statuses_say_where_a_task_is_reached(closed_house: House, ip: str, protocol: str):
    closed_house.open(container_ip=ip)
    box = closed_house.run()

    expected = [{"ip_addresses": [{"protocol": protocol, "ip_address": ip}]}]
    for update in closed_house.acknowledge_all():
        status = update.status.container_status
        assert status is not None
        assert status.value == {"container_id": {"value": box.sandbox.name}, "network_infos": expected}


# Source: Slave::sendExecutorTerminatedStatusUpdate
def test_a_task_that_was_ended_for_what_it_used_says_how_much_that_was(house: House):
    box = house.run()
    house.acknowledge_all()
    reason = Reason.REASON_CONTAINER_LIMITATION_MEMORY
    box.notices.ended(Termination(-9, reason, "Memory limit exceeded", Resources.parse("mem:32")))
    house.settle()

    status = last(house).status
    assert (status.state, status.reason, status.exit_status) == (TaskState.TASK_FAILED, reason, -9)
    assert status.limitation is not None
    (limited,) = status.limitation.value["resources"]
    assert (limited["name"], limited["scalar"]) == ("mem", {"value": 32.0})


def test_a_sandbox_lies_where_mesos_has_it_and_latest_points_to_it(house: House):
    box = house.run()

    runs = house.work_directory / "slaves" / AGENT / "frameworks" / FRAMEWORK / "executors" / "t1" / "runs"
    assert box.sandbox.parent == runs
    assert box.sandbox.is_dir()
    assert (runs / "latest").readlink() == Path(box.sandbox.name)
    assert house.task().sandbox == str(box.sandbox)
    assert house.task().container_id == box.sandbox.name


def test_latest_points_to_the_newer_of_two_runs(house: House):
    first = house.run()
    house.exit(first, 0)
    house.acknowledge_all()

    second = house.run()

    assert first.sandbox != second.sandbox
    assert (second.sandbox.parent / "latest").resolve() == second.sandbox.resolve()
    assert {path.name for path in second.sandbox.parent.iterdir()} == {
        first.sandbox.name,
        second.sandbox.name,
        "latest",
    }


def test_a_task_is_told_who_and_where_it_is(house: House):
    box = house.run()

    assert box.environment == {
        "MESOS_TASK_ID": "t1",
        "MESOS_EXECUTOR_ID": "t1",
        "MESOS_ALLOCATION_ROLE": "",
        "MESOS_FRAMEWORK_ID": FRAMEWORK,
        "MESOS_SLAVE_ID": AGENT,
        "MESOS_AGENT_ID": AGENT,
        "MESOS_SLAVE_PID": str(house.agent),
        "MESOS_AGENT_ENDPOINT": "localhost:5051",
        "MESOS_DIRECTORY": str(box.sandbox),
        "MESOS_SANDBOX": str(box.sandbox),
        "MESOS_CHECKPOINT": "0",
    }


def test_a_task_finds_an_agent_that_is_named_by_an_ipv6_address(closed_house: House):
    closed_house.open(hostname="::1")

    assert closed_house.run().environment["MESOS_AGENT_ENDPOINT"] == "[::1]:5051"


@pytest.mark.parametrize(
    ("exit_status", "state", "message"),
    [
        (0, TaskState.TASK_FINISHED, "Command exited with status 0"),
        (3, TaskState.TASK_FAILED, "Command exited with status 3"),
        (-9, TaskState.TASK_FAILED, "Command terminated with signal SIGKILL"),
        (-35, TaskState.TASK_FAILED, "Command terminated with signal 35"),
        (None, TaskState.TASK_FAILED, "Command ended, but its exit status was lost"),
    ],
)
def test_the_end_of_a_command_is_told_as_it_was(house: House, exit_status: int | None, state: TaskState, message: str):
    house.exit(house.run(), exit_status)

    status = last(house).status

    assert (status.state, status.message, status.exit_status) == (state, message, exit_status)
    assert (status.source, status.reason) == (Source.SOURCE_EXECUTOR, None)


def test_a_task_is_completed_once_its_last_status_is_acknowledged(house: House):
    house.exit(house.run(), 0)
    unacknowledged = house.task()

    house.acknowledge_all()

    assert unacknowledged.pid is None
    (framework,) = house.snapshot().completed_frameworks
    (run,) = framework.completed_tasks
    assert [status.state.name for status in run.task.statuses] == ["TASK_STARTING", "TASK_RUNNING", "TASK_FINISHED"]
    assert house.snapshot().frameworks == ()


def test_a_framework_comes_back_with_what_it_had_completed(house: House):
    house.exit(house.run(), 0)
    house.acknowledge_all()

    house.run(make_task("t2"))

    assert house.task().task.info.task_id == "t2"
    assert len(house.framework().completed_tasks) == 1
    assert house.snapshot().completed_frameworks == ()


def test_only_the_newest_completed_tasks_are_kept(house: House):
    for number in range(203):
        house.exit(house.run(make_task(f"t{number}")), 0)
        for update in house.updates()[-1:]:
            house.acknowledge(update)
        house.acknowledge(house.updates()[-1])
        house.acknowledge(house.updates()[-1])

    (framework,) = house.snapshot().completed_frameworks

    assert len(framework.completed_tasks) == 200
    assert framework.completed_tasks[0].task.info.task_id == "t3"


def test_a_command_that_cannot_start_fails_its_task_with_the_reason(house: House):
    house.boxes.error = FileNotFoundError(errno.ENOENT, "launch: cannot start 'x': install it")
    house.send(RunTask(make_framework(), make_task()))

    status = last(house).status

    assert house.states() == ["FAILED"]
    assert status.reason is Reason.REASON_CONTAINER_LAUNCH_FAILED
    assert status.source is Source.SOURCE_AGENT
    assert status.message == "Task could not be started: launch: cannot start 'x': install it"


def test_a_sandbox_that_cannot_be_made_fails_its_task_with_the_path(house: House):
    (house.work_directory / "slaves").write_text("in the way")
    house.send(RunTask(make_framework(), make_task()))

    status = last(house).status

    assert (status.state, status.reason) == (TaskState.TASK_FAILED, Reason.REASON_CONTAINER_LAUNCH_FAILED)
    assert str(house.work_directory) in status.message
    assert house.boxes.made == []


def test_a_task_runs_as_the_user_of_its_framework(house: House):
    assert house.run(framework=make_framework(user="alice")).user == "alice"


def test_a_user_that_the_machine_lacks_fails_the_task_in_plain_words(house: House, caplog: pytest.LogCaptureFixture):
    house.boxes.error = NotFound("launch: this machine has no user 'alice'")
    house.send(RunTask(make_framework(user="alice"), make_task()))

    status = last(house).status

    assert (status.state, status.reason) == (TaskState.TASK_FAILED, Reason.REASON_CONTAINER_LAUNCH_FAILED)
    assert status.message == "Task could not be started: launch: this machine has no user 'alice'"
    assert caplog.text == ""


# Goal: only an agent of root has tasks of others, and these must be able to pass, even if nobody else sees anything.
@pytest.mark.parametrize(("user_id", "passable"), [(0, True), (1234, False)])
def test_the_way_to_a_sandbox_is_open_to_tasks_of_other_users(
    closed_house: House, monkeypatch: pytest.MonkeyPatch, user_id: int, passable: bool
):
    monkeypatch.setattr("mesoslite.agent.sandbox.os.geteuid", lambda: user_id)
    before = os.umask(0o077)
    try:
        closed_house.open()
        boxes = [closed_house.run(make_task("t1")), closed_house.run(make_task("t2"))]
    finally:
        os.umask(before)

    for box in boxes:
        way = [path for path in box.sandbox.parents if path.is_relative_to(closed_house.work_directory)]
        assert {stat.S_IMODE(path.stat().st_mode) for path in way} == {0o711 if passable else 0o700}
        assert stat.S_IMODE(box.sandbox.stat().st_mode) == 0o700
        assert len(way) == 8


# Goal: what a framework got wrong costs it that task, and nobody else anything.
@pytest.mark.parametrize(
    ("task", "words"),
    [
        (make_task("bad", resources="cpus:1"), "boxes are out"),
        (msgspec.structs.replace(make_task("bad"), resources="cpus:1"), "AttributeError"),
    ],
)
def test_an_unexpected_error_of_a_launch_fails_that_task_alone(
    house: House, caplog: pytest.LogCaptureFixture, task: TaskInfo, words: str
):
    other = house.run()
    house.boxes.error = TypeError("boxes are out")

    house.send(RunTask(make_framework(), task))
    house.boxes.error = None

    status = next(update.status for update in house.updates() if update.status.task_id == "bad")
    assert (status.state, status.reason) == (TaskState.TASK_FAILED, Reason.REASON_CONTAINER_LAUNCH_FAILED)
    assert words in status.message
    assert "Traceback" in caplog.text
    house.exit(other, 0)
    house.acknowledge_all()
    assert house.states()[-1] == "FINISHED"


def test_a_task_whose_id_is_no_text_is_ignored(house: House, caplog: pytest.LogCaptureFixture):
    house.send(RunTask(make_framework(), msgspec.structs.replace(make_task(), task_id=["t1"])))

    assert house.updates() == []
    assert "['t1']" in caplog.text
    house.run()


# Goal: the first task is neither harmed nor forgotten. Method: repeat its id, then let it end in peace.
@pytest.mark.parametrize(
    ("capability", "state"),
    [("PARTITION_AWARE", TaskState.TASK_DROPPED), ("MULTI_ROLE", TaskState.TASK_LOST)],
)
def test_a_task_id_in_use_is_refused_and_its_task_runs_on(house: House, capability: str, state: TaskState):
    box = house.run(framework=make_framework(capability))
    house.acknowledge_all()

    house.send(RunTask(make_framework(capability), make_task()))

    refused = house.updates()[-1]
    assert (refused.status.state, refused.status.reason) == (state, Reason.REASON_TASK_INVALID)
    assert refused.status.uuid is None
    assert refused.latest_state is TaskState.TASK_RUNNING
    assert len(house.boxes.made) == 1
    house.exit(box, 0)
    assert house.updates()[-1].status.state is TaskState.TASK_FINISHED


def test_a_task_id_is_in_use_until_its_last_status_is_acknowledged(house: House):
    house.exit(house.run(), 0)

    house.send(RunTask(make_framework(), make_task()))

    assert len(house.boxes.made) == 1
    assert house.updates()[-1].status.reason is Reason.REASON_TASK_INVALID
    house.acknowledge_all()
    house.run()


def test_a_task_beyond_the_agents_resources_is_refused(house: House):
    house.run(make_task("t1", "cpus:3"))

    house.send(RunTask(make_framework(), make_task("t2", "cpus:2")))

    status = house.updates()[-1].status
    assert (status.task_id, status.state, status.reason) == ("t2", TaskState.TASK_ERROR, Reason.REASON_TASK_INVALID)
    assert "cpus:2" in status.message
    assert len(house.boxes.made) == 1


def test_a_task_that_the_agent_cannot_do_is_refused_before_anything_starts(house: House):
    house.send(RunTask(make_framework(), make_task(check=CheckInfo())))

    status = house.updates()[-1].status
    assert (status.state, status.reason) == (TaskState.TASK_ERROR, Reason.REASON_TASK_INVALID)
    assert "has a check of no known type" in status.message
    assert house.boxes.made == []
    assert not (house.work_directory / "slaves").exists()


def test_resources_are_free_again_when_a_task_has_ended(house: House):
    house.exit(house.run(make_task("t1", "cpus:3")), 0)

    assert house.run(make_task("t2", "cpus:4")).pid == 1001


def test_a_refused_task_leaves_nothing_behind_once_acknowledged(house: House):
    house.send(RunTask(make_framework(), make_task("t1", "cpus:5")))

    house.acknowledge_all()

    assert house.snapshot().frameworks == ()


def test_a_framework_stays_until_the_refusal_of_its_task_is_acknowledged(house: House):
    box = house.run()
    house.send(RunTask(make_framework(), make_task("t2", "cpus:5")))
    refusal = house.updates()[-1]
    house.exit(box, 0)
    for _ in range(3):
        house.acknowledge([update for update in house.updates() if update.status.task_id == "t1"][-1])

    before = [framework.info.id for framework in house.snapshot().frameworks]
    house.acknowledge(refusal)

    assert before == [FRAMEWORK]
    assert house.snapshot().frameworks == ()


@pytest.mark.parametrize("name", ["..", "a/b", ""])
def test_a_task_id_that_is_no_file_name_is_refused(house: House, name: str):
    house.send(RunTask(make_framework(), make_task(name)))

    status = house.updates()[-1].status
    assert (status.state, status.reason) == (TaskState.TASK_ERROR, Reason.REASON_TASK_INVALID)
    assert house.boxes.made == []


def test_equal_task_ids_of_two_frameworks_do_not_meet(house: House):
    other = FrameworkID("m-0001")
    first = house.run()

    second = house.run(framework=make_framework(id=other))

    assert first.sandbox != second.sandbox
    assert [framework.info.id for framework in house.snapshot().frameworks] == [FRAMEWORK, other]


def test_the_command_is_handed_on_as_it_is(house: House):
    command = CommandInfo(value="ls", shell=False, arguments=("ls", "-l"), environment=(("A", "ä"),))

    assert house.run(make_task(command=command)).command == command
    assert house.task().task.info.task_id == TaskID("t1")


def test_a_command_runs_as_the_user_it_names_or_else_as_its_frameworks(house: House):
    named = make_task("a", command=CommandInfo(value="true", user="nobody"))

    users = [house.run(task, make_framework(user="me")).user for task in (named, make_task("b"))]

    assert users == ["nobody", "me"]


def test_a_command_is_launched_with_the_files_that_it_names(house: House):
    command = CommandInfo(value="a", uris=(CommandURI(value="b"),))

    assert house.run(make_task(command=command)).command == command


# ---- launches that come twice ----


def test_a_launch_that_comes_twice_is_launched_once_also_when_its_task_is_over(house: House):
    launch = RunTask(make_framework(), make_task(), number=7)
    house.send(launch, launch)
    meanwhile = (len(house.boxes.made), house.states())
    house.acknowledge(house.updates()[-1])
    house.exit(house.boxes.made[0], 0)
    for _ in range(2):
        house.acknowledge(house.updates()[-1])

    house.send(launch)

    assert meanwhile == (1, ["STARTING"])
    assert (len(house.boxes.made), house.states()) == (1, ["STARTING", "RUNNING", "FINISHED"])
    house.send(msgspec.structs.replace(launch, number=8))
    assert len(house.boxes.made) == 2


def test_a_group_that_comes_twice_is_answered_once(house: House):
    executor = ExecutorInfo(executor_id=ExecutorID("e"), type=ExecutorType.DEFAULT)
    launch = RunGroup(make_framework(), executor, TaskGroup((make_task(command=None),)), number=7)

    house.send(launch)
    once = house.updates()
    house.send(launch)

    assert [one.status.state for one in once] == [TaskState.TASK_ERROR]
    assert house.updates() == once


def test_a_number_is_taken_once_of_each_epoch_in_whatever_order_they_come():
    launches = Launches()

    taken = [launches.take(1, number) for number in (5, 3, 5, 3, 4)]

    assert taken == [True, True, False, False, True]
    assert [launches.take(2, number) for number in (5, 5)] == [True, False]
    assert [launches.take(2, 0) for _ in range(2)] == [True, True]


def test_of_very_many_launches_the_lowest_count_as_taken():
    launches = Launches()
    for number in range(10, 10 + 2 * REMEMBERED_MAX, 2):
        launches.take(1, number)

    launches.take(1, 10**6)

    taken = [launches.take(1, number) for number in (9, 10, 11, 12, 10 + 2 * REMEMBERED_MAX)]
    assert taken == [False, False, True, False, True]
    assert len(launches._numbers) == len(launches._lowest) == REMEMBERED_MAX


def test_what_is_passed_over_counts_as_taken_for_that_master() -> None:
    launches = Launches()
    for number in (3, 9):
        launches.take(1, number)

    launches.pass_over(1, 5)
    launches.pass_over(1, 4)

    assert [launches.take(1, number) for number in (3, 4, 5, 6, 9)] == [False, False, False, True, False]
    assert launches.take(2, 4)
