"""Executors of frameworks on an agent: how they start and end, and what becomes of their tasks."""

# Names in brackets are those of the tests of Mesos that assert the same.

import math

import pytest

import libactor as la
from mesoslite.agent import Agent, ExecutorOptions, reports
from mesoslite.model import (
    AgentReregistered,
    Conflict,
    ContainerID,
    Drain,
    ExecutorID,
    ExecutorToFramework,
    FrameworkID,
    FrameworkToExecutor,
    FrozenDocument,
    InvalidRequest,
    NotFound,
    Ping,
    PresentExecutor,
    Reason,
    ReregisterAgent,
    RunTask,
    ShutdownExecutor,
    ShutdownFramework,
    Source,
    TaskGroup,
    TaskID,
    TaskState,
    UnconfirmedExecutor,
)
from mesoslite.model.executor_calls import ExecutorAlive, ExecutorClaims, ExecutorSubscribe, TellFramework
from mesoslite.model.executor_events import (
    EndExecutor,
    EndTask,
    ExecutorSubscribed,
    FrameworkMessage,
    LaunchTask,
    LaunchTasks,
    UpdateAcknowledged,
)

from .executors import EXECUTOR, Program, exits, launch, make_executor, status_of, task_of
from .house import AGENT, FRAMEWORK, SETTLE_SECONDS, House, make_framework, make_task

E = make_executor()
T1, T2 = task_of(E), task_of(E, "t2")
RUNNING, FINISHED, STAGING = TaskState.TASK_RUNNING, TaskState.TASK_FINISHED, TaskState.TASK_STAGING


def reasons(house: House) -> list[Reason | None]:
    return [update.status.reason for update in house.updates()]


# ---- start ----


def test_an_executor_is_started_with_its_first_task_and_told_where_it_is(house: House):
    box = launch(house, T1)

    (run,) = house.framework().executors
    assert (box.command.value, house.updates()) == ("run-executor", [])
    assert str(box.sandbox) == run.sandbox
    assert run.sandbox.endswith(f"/frameworks/{FRAMEWORK}/executors/e/runs/{run.container_id}")
    assert box.environment == {
        "MESOS_FRAMEWORK_ID": FRAMEWORK,
        "MESOS_EXECUTOR_ID": "e",
        "MESOS_SLAVE_ID": AGENT,
        "MESOS_AGENT_ID": AGENT,
        "MESOS_SLAVE_PID": str(house.agent),
        "MESOS_AGENT_ENDPOINT": "localhost:5051",
        "MESOS_DIRECTORY": run.sandbox,
        "MESOS_SANDBOX": run.sandbox,
        "MESOS_CHECKPOINT": "0",
        "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD": "5secs",
        "MESOS_HTTP_COMMAND_EXECUTOR": "0",
        "LIBPROCESS_PORT": "0",
    }


# [ExecutorHttpApiTest.Subscribe]
def test_an_executor_that_subscribes_hears_who_it_is_and_then_its_tasks_in_order(house: House):
    launch(house, T1, T2)
    (run,) = house.framework().executors
    program = Program(house)

    program.subscribe()

    subscribed, *rest = program.channel.heard
    assert isinstance(subscribed, ExecutorSubscribed)
    assert (subscribed.executor, subscribed.framework, subscribed.agent.id) == (E, make_framework(), AGENT)
    assert subscribed.container_id == run.container_id
    assert rest == [LaunchTask(T1), LaunchTask(T2)]
    assert run.queued == ("t1", "t2")
    assert house.framework().executors[0].queued == ()


def test_a_task_for_an_executor_that_runs_is_sent_at_once(house: House):
    launch(house, T1)
    program = Program(house)
    program.subscribe()

    launch(house, T2, starts=False)

    assert program.heard() == [LaunchTask(T1), LaunchTask(T2)]
    assert len(house.boxes.made) == 1


def test_a_group_is_sent_as_a_whole(house: House):
    launch(house, T1, T2, group=True)
    program = Program(house)

    program.subscribe()

    assert program.heard() == [LaunchTasks(TaskGroup((T1, T2)))]


def test_executors_and_commands_find_their_agent_where_it_listens_whatever_it_is_called(closed_house: House):
    closed_house.open(hostname="nowhere.example", executors=ExecutorOptions(endpoint="127.0.0.1:5051"))

    boxes = [launch(closed_house, T1), closed_house.run(make_task("t9"))]

    assert [box.environment["MESOS_AGENT_ENDPOINT"] for box in boxes] == ["127.0.0.1:5051"] * 2


def test_how_long_executors_have_is_an_option(closed_house: House):
    closed_house.open(executors=ExecutorOptions(registration_seconds=90.5, shutdown_grace_seconds=7))
    box = launch(closed_house, T1)
    assert box.environment["MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD"] == "7secs"

    closed_house.advance(90.499)
    before = list(box.signals)
    closed_house.advance(0.001)
    closed_house.exit(box, -9)

    assert (before, box.signals) == ([], ["kill"])
    assert closed_house.updates()[-1].status.message == "Executor did not register within 90500000000ns"


@pytest.mark.parametrize(
    "times", [{"registration_seconds": 0}, {"registration_seconds": math.inf}, {"shutdown_grace_seconds": -1}]
)
def test_times_that_executors_cannot_have_are_refused(times: dict[str, float]):
    with pytest.raises(InvalidRequest, match=r"^executor_(registration_timeout|shutdown_grace_period): got"):
        ExecutorOptions(**times)


def test_an_executor_that_does_not_subscribe_in_time_is_killed_and_its_tasks_fail(house: House):
    box = launch(house, T1)

    house.advance(59.999)
    before = list(box.signals)
    house.advance(0.001)
    house.exit(box, -9)

    assert (before, box.signals) == ([], ["kill"])
    assert house.states() == ["FAILED"]
    assert reasons(house) == [Reason.REASON_EXECUTOR_REGISTRATION_TIMEOUT]
    assert house.updates()[0].status.executor_id == EXECUTOR


def test_an_executor_that_has_subscribed_is_not_killed_for_that(house: House):
    box = launch(house, T1)
    Program(house).subscribe()

    house.advance(120)

    assert box.signals == []


def test_an_executor_that_cannot_be_started_fails_its_tasks(house: House):
    house.boxes.error = OSError(2, "No such file", "run-executor")

    with pytest.raises(IndexError):
        launch(house, T1)

    assert house.states() == ["FAILED"]
    assert reasons(house) == [Reason.REASON_CONTAINER_LAUNCH_FAILED]
    assert [exited.executor_id for exited in exits(house)] == [EXECUTOR]
    house.acknowledge_all()
    assert house.snapshot().frameworks == ()
    house.boxes.error = None
    launch(house, task_of(make_executor(resources="cpus:3"), "t3"))  # what was held is free
    assert house.states() == ["FAILED"]


def test_an_executor_that_does_not_fit_is_refused_with_its_task(house: House):
    with pytest.raises(IndexError):
        launch(house, task_of(make_executor(resources="cpus:3.5")))

    assert house.states() == ["ERROR"]
    assert "executor e with its tasks wants cpus:4.5" in house.updates()[0].status.message
    assert len(exits(house)) == 1


def test_resources_of_executors_count_until_they_have_ended(house: House):
    box = launch(house, task_of(make_executor(resources="cpus:2")))
    big = make_task("big", "cpus:2")

    with pytest.raises(AssertionError):
        house.run(big)
    house.exit(box, 0)
    house.acknowledge_all()

    house.run(make_task("again", "cpus:4"))


# ---- whether one is to be started ----


@pytest.mark.parametrize(
    ("capabilities", "state"), [((), TaskState.TASK_LOST), (("PARTITION_AWARE",), TaskState.TASK_DROPPED)]
)
def test_a_task_for_an_executor_that_is_not_there_is_dropped(house: House, capabilities, state):
    framework = make_framework(*capabilities)
    house.run(framework=framework)

    launch(house, T2, starts=False, framework=framework)

    (update,) = [update for update in house.updates() if update.status.task_id == "t2"]
    assert (update.status.state, update.status.reason) == (state, Reason.REASON_EXECUTOR_TERMINATED)
    assert (update.status.message, exits(house)) == ("Executor e has ended", [])


def test_a_task_that_is_to_start_an_executor_that_runs_is_dropped(house: House):
    launch(house, T1)

    launch(house, T2)

    assert house.states() == ["LOST"]
    assert exits(house) == []  # for it runs
    assert len(house.boxes.made) == 1


def test_a_task_for_an_executor_that_has_ended_is_dropped_until_all_of_it_is_acknowledged(house: House):
    box = launch(house, T1)
    house.exit(box, 1)

    launch(house, T2)

    assert house.states() == ["FAILED", "LOST"]
    assert "has ended" in house.updates()[1].status.message
    assert len(exits(house)) == 2  # of its end, and of it that was not started
    house.acknowledge_all()
    launch(house, T2)
    assert len(house.boxes.made) == 2


# ---- statuses ----


def test_a_status_is_passed_on_and_acknowledged_to_the_executor_at_once(house: House):
    launch(house, T1)
    program = Program(house)
    program.subscribe()

    program.update("t1", RUNNING, data=b"x", source=Source.SOURCE_EXECUTOR)

    (update,) = house.updates()
    where = FrozenDocument.of({"container_id": {"value": house.boxes.made[0].config.container_id}})
    expected = status_of("t1", RUNNING, data=b"x", agent_id=AGENT, executor_id=EXECUTOR, container_status=where)
    assert (update.status, update.latest_state) == (expected, RUNNING)
    assert program.heard() == [LaunchTask(T1), UpdateAcknowledged(TaskID("t1"), expected.uuid)]


def test_a_status_without_a_time_gets_the_present_one(house: House):
    launch(house, T1)
    program = Program(house)
    program.subscribe()

    program.update("t1", RUNNING, timestamp=0.0)

    assert house.updates()[0].status.timestamp == house.runtime.clock.now()


def test_a_status_that_comes_twice_is_acknowledged_twice_and_taken_once(house: House):
    launch(house, T1)
    program = Program(house)
    program.subscribe()

    program.update("t1", FINISHED)
    house.acknowledge_all()
    program.update("t1", FINISHED)

    assert house.states() == ["FINISHED"]
    assert len([event for event in program.heard() if isinstance(event, UpdateAcknowledged)]) == 2


def test_nothing_follows_the_end_of_a_task(house: House):
    launch(house, T1)
    program = Program(house)
    program.subscribe()

    program.update("t1", FINISHED, 1)
    program.update("t1", RUNNING, 2)

    house.acknowledge_all()
    assert house.states() == ["FINISHED"]
    assert isinstance(program.heard()[-1], UpdateAcknowledged)  # so that it is not repeated


def test_a_status_of_a_task_that_the_agent_does_not_know_is_passed_on(house: House):
    launch(house, T1)
    program = Program(house)
    program.subscribe()

    program.update("other", RUNNING)

    assert [update.status.task_id for update in house.updates()] == ["other"]


# Goal: an executor that invents tasks without end takes no memory without end, and other tasks are told of.
def test_of_tasks_that_an_executor_invents_no_more_are_told_until_some_have_ended(house: House, monkeypatch):
    monkeypatch.setattr(reports, "STRANGERS_MAX", 3)
    launch(house, T1)
    program = Program(house)
    program.subscribe()

    for number in range(1, 6):
        program.update(f"invented {number}", RUNNING, number)
    program.update("t1", RUNNING, 6)
    house.acknowledge_all()
    told = [update.status.task_id for update in house.updates()]
    program.update("invented 2", FINISHED, 7)
    house.acknowledge_all()
    program.update("invented 9", RUNNING, 8)
    program.update("invented 10", RUNNING, 9)

    assert told == ["invented 1", "invented 2", "invented 3", "t1"]
    assert [update.status.task_id for update in house.updates()][4:] == ["invented 2", "invented 9"]
    assert len([event for event in program.heard() if isinstance(event, UpdateAcknowledged)]) == 9  # none is repeated


@pytest.mark.parametrize("bound", ["PENDING_MAX", "PENDING_BYTES_MAX"])
@pytest.mark.parametrize(("task", "ends"), [("t1", True), ("invented", False)])
def test_of_what_nobody_acknowledges_so_much_is_kept_and_the_end_of_a_task(
    house: House, monkeypatch, bound: str, task: str, ends: bool
):
    monkeypatch.setattr(reports, bound, 3 if bound == "PENDING_MAX" else 2 * 10 + 1)
    launch(house, T1)
    program = Program(house)
    program.subscribe()

    for number in range(1, 6):
        program.update(task, RUNNING, number, data=b"0123456789")
    program.update(task, FINISHED, 6)

    told = [update.status.uuid[-1] for update in house.acknowledge_all() if update.status.uuid]
    assert told == [1, 2, 3, 6] if ends else [1, 2, 3]
    program.update("t1" if not ends else "another", RUNNING, 7)
    assert house.updates()[-1].status.uuid[-1] == 7  # what was acknowledged makes room


# [ExecutorHttpApiTest.MessageFromUnknownFramework]
def test_nobody_but_a_known_executor_that_has_subscribed_may_call(house: House):
    launch(house, T1)

    def answer(call: ExecutorAlive) -> BaseException | None:
        future = la.dispatch(house.agent, Agent.executor_call, call)
        house.settle()
        return future.exception()

    stranger = ExecutorAlive(framework_id=FrameworkID("x"), executor_id=EXECUTOR)
    unknown = ExecutorAlive(framework_id=FRAMEWORK, executor_id=ExecutorID("x"))
    early = ExecutorAlive(framework_id=FRAMEWORK, executor_id=EXECUTOR)
    assert (type(answer(stranger)), str(answer(stranger))) == (NotFound, "Framework cannot be found")
    assert (type(answer(unknown)), str(answer(unknown))) == (NotFound, "Executor cannot be found")
    assert (type(answer(early)), str(answer(early))) == (Conflict, "Executor is not subscribed")
    Program(house).subscribe()
    assert answer(early) is None


# ---- the end ----


@pytest.mark.parametrize(
    ("exit_status", "message"),
    [(0, "exited with status 0"), (-9, "terminated with signal SIGKILL"), (None, "exit status was lost")],
)
def test_when_an_executor_ends_so_do_its_tasks_and_the_master_hears_of_it(house: House, exit_status, message):
    box = launch(house, T1, T2)
    program = Program(house)
    program.subscribe()
    program.update("t1", RUNNING)

    house.exit(box, exit_status)

    house.acknowledge_all()
    assert sorted(house.states()) == ["FAILED", "FAILED", "RUNNING"]
    assert {update.status.task_id for update in house.updates()} == {"t1", "t2"}
    assert reasons(house).count(Reason.REASON_EXECUTOR_TERMINATED) == 2
    assert message in house.updates()[-1].status.message
    assert [(one.executor_id, one.exit_status) for one in exits(house)] == [(EXECUTOR, exit_status)]
    assert program.channel.has_ended
    (framework,) = house.snapshot().completed_frameworks
    assert [run.info for run in framework.completed_executors] == [E]
    assert {run.task.info.task_id for run in framework.completed_tasks} == {"t1", "t2"}


def test_an_executor_that_is_shut_down_is_asked_first_and_killed_after_its_grace(house: House):
    box = launch(house, task_of(make_executor(shutdown_grace_seconds=2.0)))
    program = Program(house)
    program.subscribe()

    house.send(ShutdownExecutor(framework_id=FRAMEWORK, executor_id=EXECUTOR))
    house.advance(1.999)
    before = list(box.signals)
    program.update("t1", TaskState.TASK_KILLED)
    house.advance(0.001)
    house.exit(box, -9)

    assert isinstance(program.heard()[1], EndExecutor)
    assert (before, box.signals) == ([], ["kill"])
    assert house.states() == ["KILLED"]


def test_an_executor_may_take_five_seconds_to_end(house: House):
    box = launch(house, T1)
    Program(house).subscribe()

    house.send(ShutdownExecutor(framework_id=FRAMEWORK, executor_id=EXECUTOR))
    house.advance(4.999)
    before = list(box.signals)
    house.advance(0.001)

    assert (before, box.signals) == ([], ["kill"])


def test_an_executor_that_ends_takes_no_more_tasks(house: House):
    launch(house, T1)
    Program(house).subscribe()
    house.send(ShutdownExecutor(framework_id=FRAMEWORK, executor_id=EXECUTOR))

    launch(house, T2, starts=False)

    assert house.states() == ["LOST"]
    assert "is to end" in house.updates()[0].status.message


def test_executors_end_with_their_framework_untold(house: House):
    box = launch(house, T1, T2)
    program = Program(house)
    program.subscribe()
    program.update("t1", FINISHED)
    heard = len(house.master.heard)

    house.send(ShutdownFramework(FRAMEWORK))

    assert program.heard()[-1] == EndExecutor()
    assert house.framework().executors[0].pid == box.pid
    house.exit(box, 0)
    assert len(house.master.heard) == heard
    assert house.snapshot().frameworks == ()
    house.run(make_task("again", "cpus:4"), make_framework(id=FrameworkID("m-0001")))  # all is free


# ---- kills ----


def test_a_kill_is_passed_on_with_its_grace(house: House):
    launch(house, T1)
    program = Program(house)
    program.subscribe()

    house.kill()
    house.kill(grace_seconds=1.5)

    assert program.heard()[1:] == [EndTask(TaskID("t1")), EndTask(TaskID("t1"), 1.5)]
    assert house.states() == []


def test_a_task_that_is_killed_before_it_was_sent_never_is(house: House):
    launch(house, T1, T2)
    house.kill("t1")
    program = Program(house)

    program.subscribe()

    assert program.heard() == [LaunchTask(T2)]
    assert house.states() == ["KILLED"]
    assert reasons(house) == [Reason.REASON_TASK_KILLED_DURING_LAUNCH]


def test_a_group_of_which_a_task_is_killed_before_it_was_sent_never_is(house: House):
    box = launch(house, T1, T2, group=True)

    house.kill("t2")

    assert house.states() == ["KILLED", "KILLED"]
    assert box.signals == ["kill"]  # it has nothing to do, and cannot be asked


def test_a_drained_agent_has_executors_end_their_tasks_and_says_why(house: House):
    framework = make_framework("PARTITION_AWARE")
    launch(house, T1, framework=framework)
    program = Program(house)
    program.subscribe()

    house.send(Drain(max_grace_seconds=1.0, mark_gone=True))
    program.update("t1", TaskState.TASK_KILLED)

    assert program.heard()[1] == EndTask(TaskID("t1"), 1.0)
    status = house.updates()[0].status
    assert (status.state, status.reason) == (TaskState.TASK_GONE_BY_OPERATOR, Reason.REASON_AGENT_DRAINING)


# ---- coming again ----


def test_an_executor_that_comes_again_ends_its_first_stream_and_tells_what_is_left(house: House):
    launch(house, T1, T2)
    program = Program(house)
    program.subscribe()
    first = program.channel
    left = status_of("t1", RUNNING)

    program.subscribe(unacknowledged_tasks=(T1, T2), unacknowledged_updates=(left,))

    assert first.has_ended
    assert program.heard() == [UpdateAcknowledged(TaskID("t1"), left.uuid)]
    assert house.states() == ["RUNNING"]
    launch(house, task_of(E, "t3"), starts=False)
    assert program.heard()[-1] == LaunchTask(task_of(E, "t3"))


def test_a_task_that_an_executor_which_comes_again_does_not_know_is_dropped(house: House):
    launch(house, T1)
    program = Program(house)
    program.subscribe()
    program.hang_up()
    launch(house, T2, starts=False)

    program.subscribe(unacknowledged_tasks=(T1,))

    assert [update.status.task_id for update in house.updates()] == ["t2"]
    assert reasons(house) == [Reason.REASON_AGENT_RESTARTED]


def test_an_executor_that_comes_when_it_is_to_end_is_told_so(house: House):
    launch(house, T1)
    program = Program(house)
    house.send(ShutdownExecutor(framework_id=FRAMEWORK, executor_id=EXECUTOR))

    program.subscribe()

    assert (program.heard(), program.channel.has_ended) == ([EndExecutor()], True)


def test_an_executor_all_of_whose_tasks_were_killed_before_it_came_is_ended(house: House):
    box = launch(house, T1)

    house.kill()

    assert (house.states(), box.signals) == (["KILLED"], ["kill"])


def test_an_unknown_executor_cannot_subscribe(house: House):
    launch(house, T1)
    call = ExecutorSubscribe(framework_id=FRAMEWORK, executor_id=ExecutorID("x"))

    asked = la.dispatch(house.agent, Agent.subscribe_executor, call, house.master_pid)

    with pytest.raises(NotFound, match="Executor cannot be found"):
        asked.get(timeout=SETTLE_SECONDS)


def test_who_has_proved_to_be_another_executor_may_not_speak_for_this_one(house: House):
    launch(house, T1)
    Program(house).subscribe()
    [run] = house.framework().executors
    own = ExecutorClaims(FRAMEWORK, EXECUTOR, run.container_id)
    others = (
        ExecutorClaims(FrameworkID("x"), EXECUTOR, run.container_id),
        ExecutorClaims(FRAMEWORK, ExecutorID("x"), run.container_id),
        ExecutorClaims(FRAMEWORK, EXECUTOR, ContainerID("an earlier one")),
    )
    alive = ExecutorAlive(framework_id=FRAMEWORK, executor_id=EXECUTOR)
    again = ExecutorSubscribe(framework_id=FRAMEWORK, executor_id=EXECUTOR)

    answers = [la.dispatch(house.agent, Agent.executor_call, alive, one) for one in others]
    answers += [la.dispatch(house.agent, Agent.subscribe_executor, again, house.master_pid, one) for one in others]
    house.settle()

    assert [type(answer.exception()) for answer in answers] == [Conflict] * 6
    la.dispatch(house.agent, Agent.executor_call, alive, own).get(timeout=SETTLE_SECONDS)


# ---- messages ----


def test_messages_pass_both_ways(house: House):
    launch(house, T1)
    program = Program(house)
    program.subscribe()

    house.send(FrameworkToExecutor(framework_id=FRAMEWORK, executor_id=EXECUTOR, data=b"\x00down"))
    program.call(TellFramework(framework_id=FRAMEWORK, executor_id=EXECUTOR, data=b"\xffup"))

    assert program.heard()[1:] == [FrameworkMessage(b"\x00down")]
    expected = ExecutorToFramework(framework_id=FRAMEWORK, executor_id=EXECUTOR, agent_id=AGENT, data=b"\xffup")
    assert house.master.heard[-1] == expected


def test_a_message_for_nobody_is_lost_with_a_word(house: House, caplog: pytest.LogCaptureFixture):
    launch(house, T1)

    house.send(FrameworkToExecutor(framework_id=FRAMEWORK, executor_id=EXECUTOR, data=b"x"))
    house.send(FrameworkToExecutor(framework_id=FRAMEWORK, executor_id=ExecutorID("x"), data=b"x"))

    assert "executor e, which is not connected" in caplog.text
    assert "executor x of framework" in caplog.text


# Goal: a command's executor bears the id of its task, so it would take another one's sandbox.
def test_a_command_of_the_id_of_an_executor_is_dropped(house: House):
    launch(house, T1)

    house.send(RunTask(make_framework(), make_task(EXECUTOR)))

    (update,) = house.updates()
    assert (update.status.task_id, update.status.state) == ("e", TaskState.TASK_LOST)
    assert update.status.reason is Reason.REASON_TASK_INVALID


@pytest.mark.parametrize("group", [False, True])
def test_a_task_whose_id_is_in_use_starts_no_executor(house: House, group: bool):
    house.run(make_task("t1"))

    launch(house, T1, *([T2] if group else []), group=group)

    assert len(house.boxes.made) == 1
    assert [one.executor_id for one in exits(house)] == [EXECUTOR]
    states = {update.status.task_id: update.status.state for update in house.updates() if update.status.uuid is None}
    assert states == {"t1": TaskState.TASK_LOST}
    if group:
        assert house.updates()[-1].status.reason is Reason.REASON_TASK_GROUP_INVALID


# ---- masters ----


def test_an_agent_tells_its_master_of_the_executors_that_live(house: House):
    launch(house, T1)
    ended = launch(house, task_of(make_executor("ended"), "t2"))
    house.exit(ended, 0)

    house.send(Ping(connected=False))
    house.advance(1)

    [message] = [one for one in house.master.heard if isinstance(one, ReregisterAgent)]
    assert message.executors == (PresentExecutor(E, "web"),)


def test_an_agent_that_is_asked_about_executors_says_which_have_ended(house: House):
    launch(house, T1)
    asked = tuple([UnconfirmedExecutor(FRAMEWORK, ExecutorID(name)) for name in ("e", "never")])

    house.send(AgentReregistered(agent_id=AGENT, executors=asked))

    assert [one.executor_id for one in exits(house)] == ["never"]
