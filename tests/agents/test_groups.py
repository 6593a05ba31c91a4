"""Groups of tasks that an agent runs by itself, under an executor of type DEFAULT."""

# Names in brackets are those of the tests of Mesos that assert the same.

from pathlib import Path

import pytest

import libactor as la
from mesoslite.agent import Agent
from mesoslite.model import (
    CheckInfo,
    Drain,
    ExecutorID,
    ExecutorInfo,
    ExecutorType,
    FrameworkInfo,
    FrameworkToExecutor,
    NotFound,
    Ping,
    PresentExecutor,
    Reason,
    ReregisterAgent,
    Resources,
    RunGroup,
    ShutdownExecutor,
    ShutdownFramework,
    Source,
    TaskGroup,
    TaskID,
    TaskInfo,
    TaskState,
)
from mesoslite.model.executor_calls import ExecutorAlive, ExecutorSubscribe

from .executors import exits, launch, make_executor, task_of
from .house import AGENT, FRAMEWORK, SETTLE_SECONDS, Box, House, make_framework, make_task

E = ExecutorInfo(
    executor_id=ExecutorID("e"), framework_id=FRAMEWORK, type=ExecutorType.DEFAULT, resources=Resources.parse("cpus:1")
)


def member(name: str, resources: str = "cpus:1", **fields: object) -> TaskInfo:
    return make_task(name, resources, executor=E, **fields)


A, B, C = member("a"), member("b"), member("c")


def run(house: House, *tasks: TaskInfo, starts: bool = True, framework: FrameworkInfo | None = None) -> list[Box]:
    """Launch a group; the containers of its tasks."""
    before = len(house.boxes.made)
    launch(house, *tasks, starts=starts, framework=framework, group=True)
    return house.boxes.made[before:]


def ends(house: House) -> dict[str, str]:
    """How each task that is over has ended, once all is acknowledged."""
    last = {update.status.task_id: update.status.state for update in house.acknowledge_all()}
    return {task: state.name.removeprefix("TASK_") for task, state in last.items() if state.is_terminal}


# ---- start ----


# [DefaultExecutorTest.TaskRunning]
def test_each_task_of_a_group_runs_in_a_container_of_its_own_and_the_executor_has_none(house: House):
    boxes = run(house, A, B)

    (executor,) = house.framework().executors
    tasks = house.framework().tasks
    assert [box.command.value for box in boxes] == ["exit 0", "exit 0"]
    assert (executor.info, executor.role, executor.pid, executor.queued, executor.has_ended) == (
        E,
        "web",
        None,
        (),
        False,
    )
    assert [one.executor_container_id for one in tasks] == [executor.container_id] * 2
    assert [one.pid for one in tasks] == [box.pid for box in boxes]
    assert len({executor.container_id, *[one.container_id for one in tasks]}) == 3
    house.acknowledge_all()
    told = [(update.status.task_id, update.status.state.name) for update in house.updates()]
    assert sorted(told) == [(task, f"TASK_{state}") for task in "ab" for state in ("RUNNING", "STARTING")]
    status = house.updates()[0].status
    assert (status.executor_id, status.source) == ("e", Source.SOURCE_EXECUTOR)


def test_the_sandboxes_of_a_group_lie_below_their_executors_and_bear_the_ids_of_tasks(house: House):
    boxes = run(house, A, B)

    (executor,) = house.framework().executors
    place = Path(executor.sandbox)
    assert executor.sandbox.endswith(f"/frameworks/{FRAMEWORK}/executors/e/runs/{executor.container_id}")
    for task, box, name in zip(house.framework().tasks, boxes, "ab", strict=True):
        assert box.sandbox == place / "containers" / task.container_id == Path(task.sandbox)
        assert (place / "tasks" / name).resolve() == box.sandbox.resolve()
        assert box.environment["MESOS_SANDBOX"] == str(box.sandbox)
        assert (box.environment["MESOS_TASK_ID"], box.environment["MESOS_EXECUTOR_ID"]) == (name, "e")


def test_a_task_id_that_comes_again_in_an_executor_has_the_link_to_its_sandbox(house: House):
    first, _ = run(house, A, B)
    house.exit(first, 0)
    house.acknowledge_all()

    (again,) = run(house, A, starts=False)

    (executor,) = house.framework().executors
    assert (Path(executor.sandbox) / "tasks" / "a").resolve() == again.sandbox.resolve() != first.sandbox.resolve()


def test_an_executor_takes_another_group_as_long_as_one_runs(house: House):
    run(house, A)

    (box,) = run(house, B, starts=False)
    house.exit(box, 1)

    assert ends(house) == {"b": "FAILED"}  # groups are none of each other's business
    assert (house.boxes.made[0].signals, exits(house)) == ([], [])


def test_a_task_that_cannot_be_started_takes_its_group_with_it(house: House):
    launches = house.boxes.launch

    def refuse_b(config, notices):
        if ("MESOS_TASK_ID", "b") in config.environment:
            raise FileNotFoundError(2, "No such file or directory", "/nowhere")
        return launches(config, notices)

    house.boxes.launch = refuse_b  # type: ignore[method-assign]

    a, c = run(house, A, B, C)

    assert (a.signals, c.signals) == (["terminate"], ["terminate"])
    for box in (a, c):
        house.exit(box, -15)
    assert ends(house) == {"a": "KILLED", "b": "FAILED", "c": "KILLED"}
    assert [one.executor_id for one in exits(house)] == ["e"]


def test_a_group_none_of_which_can_be_started_ends_with_its_executor(house: House):
    house.boxes.error = FileNotFoundError(2, "No such file or directory", "/nowhere")

    ended = run_refused(house, A, B)

    assert ended == {"a": "FAILED", "b": "FAILED"}
    assert [(one.executor_id, one.exit_status) for one in exits(house)] == [("e", 0)]
    assert house.snapshot().frameworks == ()


def run_refused(house: House, *tasks: TaskInfo) -> dict[str, str]:
    house.send(RunGroup(make_framework(), E, TaskGroup(tasks), True, "web"))
    return ends(house)


@pytest.mark.parametrize(
    ("task", "problem"),
    [
        (task_of(E, "b"), "task b has no command"),
        (member("b", check=CheckInfo()), "task b has a check of no known type"),
        (member("b", "cpus:3"), "of the agent nothing is in use"),
        (member("../b"), "task id"),
    ],
)
def test_a_group_that_the_agent_cannot_run_is_refused_as_a_whole(house: House, task: TaskInfo, problem: str):
    assert run_refused(house, A, task) == {"a": "ERROR", task.task_id: "ERROR"}

    messages = {update.status.message for update in house.updates()}
    assert len(messages) == 1
    assert problem in messages.pop()
    assert {update.status.reason for update in house.updates()} == {Reason.REASON_TASK_GROUP_INVALID}
    assert (house.boxes.made, [one.executor_id for one in exits(house)]) == ([], ["e"])
    house.run(make_task("all", "cpus:4"))  # nothing of it is held


# ---- ends ----


# [DefaultExecutorTest.CommitSuicideOnTaskFailure, CommitSuicideOnKillTask]
@pytest.mark.parametrize(("exit_status", "state"), [(1, "FAILED"), (-9, "FAILED")])
def test_a_task_that_fails_has_the_rest_of_its_group_killed_and_then_the_executor_ends(
    house: House, exit_status: int, state: str
):
    a, b, c = run(house, A, B, C)
    house.exit(c, 0)

    house.exit(a, exit_status)
    house.advance(2.999)
    before = list(b.signals)
    house.advance(0.001)
    signals, alive = list(b.signals), exits(house)
    house.exit(b, -9)

    assert (before, signals, alive) == (["terminate"], ["terminate", "kill"], [])
    assert ends(house) == {"a": state, "b": "KILLED", "c": "FINISHED"}
    assert [(one.executor_id, one.exit_status) for one in exits(house)] == [("e", 0)]
    (framework,) = house.snapshot().completed_frameworks
    assert [one.info for one in framework.completed_executors] == [E]


def test_a_task_that_finishes_leaves_its_group_alone_and_the_last_ends_the_executor(house: House):
    a, b = run(house, A, B)

    house.exit(a, 0)
    meanwhile = (b.signals, exits(house))
    house.exit(b, 0)

    assert meanwhile == ([], [])
    assert ends(house) == {"a": "FINISHED", "b": "FINISHED"}
    assert [one.executor_id for one in exits(house)] == ["e"]


# [DefaultExecutorTest.KillTask]
def test_a_task_that_is_killed_has_the_rest_of_its_group_killed_once_it_has_ended(house: House):
    framework = make_framework("TASK_KILLING_STATE")
    a, b = run(house, A, B, framework=framework)

    house.kill("a", grace_seconds=1.0)
    signals = (list(a.signals), list(b.signals))
    house.exit(a, -15)
    house.kill("a")
    house.exit(b, -15)

    assert signals == (["terminate"], [])
    assert b.signals == ["terminate"]
    assert ends(house) == {"a": "KILLED", "b": "KILLED"}
    assert house.states().count("KILLING") == 2


def test_a_task_that_was_killed_before_keeps_its_grace_when_another_of_its_group_fails(house: House):
    a, b = run(house, A, B)
    house.kill("b", grace_seconds=10.0)

    house.exit(a, 1)
    house.advance(9.999)
    before = list(b.signals)
    house.advance(0.001)

    assert (before, b.signals) == (["terminate"], ["terminate", "kill"])


def test_a_killed_task_that_ends_well_leaves_its_group_alone(house: House):
    a, b = run(house, A, B)
    house.kill("a")

    house.exit(a, 0)

    assert (ends(house), b.signals) == ({"a": "FINISHED"}, [])


def test_the_resources_of_a_group_and_its_executor_are_free_when_they_have_ended(house: House):
    a, b = run(house, A, B)
    house.exit(a, 0)
    house.send(RunGroup(make_framework(), E, TaskGroup((member("big", "cpus:3"),)), False, "web"))
    refused = [one.status.state for one in house.updates() if one.status.task_id == "big"]

    house.exit(b, 0)

    assert refused == [TaskState.TASK_ERROR]
    house.run(make_task("all", "cpus:4"))


def test_an_executor_that_is_shut_down_has_its_tasks_end_within_its_grace_and_theirs(house: House):
    executor = make_default(shutdown_grace_seconds=2.0)
    slow = make_task("slow", executor=executor, kill_grace_seconds=60.0)
    quick = make_task("quick", executor=executor, kill_grace_seconds=1.0)
    boxes = run(house, slow, quick)

    house.send(ShutdownExecutor(framework_id=FRAMEWORK, executor_id=E.executor_id))
    signals = [list(box.signals) for box in boxes]
    house.advance(1)
    first = [list(box.signals) for box in boxes]
    house.advance(1)

    assert signals == [["terminate"], ["terminate"]]
    assert first == [["terminate"], ["terminate", "kill"]]
    assert boxes[0].signals == ["terminate", "kill"]
    launch(house, make_task("late", executor=executor), starts=False, group=True)
    for box in boxes:
        house.exit(box, -9)
    assert ends(house) == {"slow": "KILLED", "quick": "KILLED", "late": "LOST"}
    assert len(exits(house)) == 1


def make_default(**fields: object) -> ExecutorInfo:
    return ExecutorInfo(executor_id=E.executor_id, framework_id=FRAMEWORK, type=ExecutorType.DEFAULT, **fields)  # type: ignore[arg-type]


def test_a_group_ends_with_its_framework_untold(house: House):
    boxes = run(house, A, B)
    heard = len(house.master.heard)

    house.send(ShutdownFramework(FRAMEWORK))
    signals = [list(box.signals) for box in boxes]
    for box in boxes:
        house.exit(box, -15)

    assert signals == [["terminate"], ["terminate"]]
    assert len(house.master.heard) == heard
    assert house.snapshot().frameworks == ()
    house.run(make_task("all", "cpus:4"))


def test_a_drained_agent_ends_groups_and_says_why(house: House):
    framework = make_framework("PARTITION_AWARE")
    boxes = run(house, A, B, framework=framework)

    house.send(Drain(max_grace_seconds=1.0, mark_gone=True))
    house.advance(1)
    signals = [box.signals for box in boxes]
    for box in boxes:
        house.exit(box, -9)

    assert signals == [["terminate", "kill"]] * 2
    assert ends(house) == {"a": "GONE_BY_OPERATOR", "b": "GONE_BY_OPERATOR"}
    assert [update.status.reason for update in house.updates()[-2:]] == [Reason.REASON_AGENT_DRAINING] * 2


def test_a_drained_agent_says_so_of_all_of_a_group_that_never_was_sent(house: House):
    executor = make_executor()
    launch(house, task_of(executor), task_of(executor, "t2"), group=True)

    house.send(Drain())

    assert house.states() == ["KILLED", "KILLED"]
    assert {update.status.reason for update in house.updates()} == {Reason.REASON_AGENT_DRAINING}


# ---- whom it speaks to ----


def test_nobody_can_speak_for_an_executor_that_is_no_program(house: House):
    run(house, A)
    subscribe = ExecutorSubscribe(framework_id=FRAMEWORK, executor_id=E.executor_id)
    alive = ExecutorAlive(framework_id=FRAMEWORK, executor_id=E.executor_id)

    with pytest.raises(NotFound):
        la.dispatch(house.agent, Agent.subscribe_executor, subscribe, house.master_pid).get(timeout=SETTLE_SECONDS)
    with pytest.raises(NotFound):
        la.dispatch(house.agent, Agent.executor_call, alive).get(timeout=SETTLE_SECONDS)

    house.send(FrameworkToExecutor(framework_id=FRAMEWORK, executor_id=E.executor_id, data=b"x"))
    assert house.framework().executors[0].has_ended is False


def test_an_agent_tells_its_master_of_groups_and_their_executors(house: House):
    run(house, A, B)

    house.send(Ping(connected=False))
    house.advance(1)

    [message] = [one for one in house.master.heard if isinstance(one, ReregisterAgent)]
    assert message.executors == (PresentExecutor(E, "web"),)
    assert {update.status.agent_id for update in house.updates()} == {AGENT}
    assert {one.task.info.task_id for one in house.framework().tasks} == {TaskID("a"), TaskID("b")}
