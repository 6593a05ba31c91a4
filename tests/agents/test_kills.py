"""How tasks are ended: by a kill in each phase of their life, with their framework."""

import pytest

from mesoslite.model import FrameworkID, KillTask, Reason, RunTask, ShutdownFramework, TaskState

from .house import FRAMEWORK, House, make_framework, make_task


def test_a_killed_task_is_asked_first_and_killed_after_the_grace(house: House):
    box = house.run()

    house.kill()
    house.advance(2.999)
    asked = list(box.signals)
    house.advance(0.001)

    assert asked == ["terminate"]
    assert box.signals == ["terminate", "kill"]


@pytest.mark.parametrize(("of_call", "of_task", "grace"), [(1.0, 5.0, 1.0), (None, 5.0, 5.0), (0.0, None, 0.0)])
def test_the_grace_of_the_call_comes_before_that_of_the_task(
    house: House, of_call: float | None, of_task: float | None, grace: float
):
    box = house.run(make_task(kill_grace_seconds=of_task))

    house.kill(grace_seconds=of_call)
    house.advance(max(0.0, grace - 0.001))
    before = list(box.signals)
    house.advance(0.001)

    assert before == (["terminate"] if grace else ["terminate", "kill"])
    assert box.signals == ["terminate", "kill"]


def test_a_later_kill_shortens_the_grace_but_never_lengthens_it(house: House):
    box = house.run()
    house.kill(grace_seconds=10)

    house.kill(grace_seconds=100)
    house.kill(grace_seconds=2)
    house.kill(grace_seconds=50)
    house.advance(2)

    assert box.signals == ["terminate", "kill"]
    house.advance(1000)
    assert box.signals == ["terminate", "kill"]


@pytest.mark.parametrize("grace", [-1.0, float("nan")])
def test_a_grace_that_is_no_time_is_none_at_all(house: House, grace: float):
    box = house.run()

    house.kill(grace_seconds=grace)

    assert box.signals == ["terminate", "kill"]


# Goal: a wrong description of a grace neither ends the agent nor protects a task.
@pytest.mark.parametrize(("of_call", "of_task", "grace"), [("0.1", 5.0, 5.0), ("0.1", "7", 3.0), (None, [1], 3.0)])
def test_a_grace_that_is_no_number_is_passed_over(house: House, of_call, of_task, grace: float):
    box = house.run(make_task(kill_grace_seconds=of_task))

    house.kill(grace_seconds=of_call)
    house.advance(grace - 0.001)
    before = list(box.signals)
    house.advance(0.001)

    assert (before, box.signals) == (["terminate"], ["terminate", "kill"])


def test_a_kill_that_makes_no_sense_is_ignored(house: House, caplog: pytest.LogCaptureFixture):
    box = house.run()

    house.send(KillTask(framework_id=FRAMEWORK, task_id=["t1"], grace_seconds=None))

    assert "['t1']" in caplog.text
    house.kill()
    assert box.signals == ["terminate"]


def test_a_killed_task_that_ends_is_killed_and_the_grace_is_forgotten(house: House):
    box = house.run()
    house.kill()

    house.exit(box, -15)
    house.advance(100)

    assert [update.status.state.name for update in house.acknowledge_all()][-1] == "TASK_KILLED"
    assert house.updates()[-1].status.message == "Command terminated with signal SIGTERM"
    assert box.signals == ["terminate"]


def test_a_killed_task_that_finishes_well_is_finished(house: House):
    box = house.run()
    house.kill()

    house.exit(box, 0)

    house.acknowledge_all()
    assert house.states()[-1] == "FINISHED"


@pytest.mark.parametrize(("capabilities", "expected"), [((), 0), (("TASK_KILLING_STATE",), 1)])
def test_killing_is_told_to_those_who_know_the_state(house: House, capabilities: tuple[str, ...], expected: int):
    house.run(framework=make_framework(*capabilities))

    house.kill()
    house.kill()

    house.acknowledge_all()
    assert house.states().count("KILLING") == expected


def test_a_kill_of_a_task_of_no_framework_here_is_ignored(house: House):
    house.kill()

    assert house.updates() == []
    assert house.snapshot().frameworks == ()


@pytest.mark.parametrize(
    ("capability", "state"),
    [("PARTITION_AWARE", TaskState.TASK_DROPPED), ("MULTI_ROLE", TaskState.TASK_LOST)],
)
def test_a_kill_of_an_unknown_task_is_answered_once(house: House, capability: str, state: TaskState):
    house.run(framework=make_framework(capability))

    house.kill("unknown")
    house.kill("unknown")

    answers = [update.status for update in house.updates() if update.status.task_id == "unknown"]
    assert [(answer.state, answer.reason) for answer in answers] == [(state, Reason.REASON_EXECUTOR_TERMINATED)]


def test_a_kill_of_an_ended_task_changes_nothing(house: House):
    box = house.run()
    house.exit(box, 0)

    house.kill()
    house.advance(10)

    assert box.signals == []
    house.acknowledge_all()
    assert house.states()[-1] == "FINISHED"


def test_a_framework_that_is_shut_down_has_its_tasks_ended_without_a_word(house: House):
    boxes = [house.run(make_task(name)) for name in ("t1", "t2")]
    house.acknowledge_all()
    heard = len(house.updates())

    house.send(ShutdownFramework(FRAMEWORK))
    house.advance(3)
    for box in boxes:
        house.exit(box, -9)
    house.advance(10_000)

    assert [box.signals for box in boxes] == [["terminate", "kill"]] * 2
    assert len(house.updates()) == heard
    (framework,) = house.snapshot().completed_frameworks
    assert [run.task.state.name for run in framework.completed_tasks] == ["TASK_KILLED"] * 2
    assert house.snapshot().frameworks == ()


def test_shutting_down_a_framework_drops_what_it_has_not_acknowledged(house: House):
    house.exit(house.run(), 0)

    house.send(ShutdownFramework(FRAMEWORK))
    heard = len(house.updates())
    house.advance(10_000)

    assert len(house.updates()) == heard
    assert house.snapshot().frameworks == ()


def test_a_leaving_framework_gets_no_new_task_and_its_resources_are_free(house: House):
    house.run(make_task("t1", "cpus:4"))
    house.send(ShutdownFramework(FRAMEWORK))

    house.send(RunTask(make_framework(), make_task("t2")))

    assert house.updates()[-1].status.reason is Reason.REASON_FRAMEWORK_REMOVED
    assert len(house.boxes.made) == 1
    assert house.run(make_task("t3", "cpus:4"), make_framework(id=FrameworkID("m-0001"))).pid == 1001


def test_shutting_down_an_unknown_framework_changes_nothing(house: House):
    box = house.run()

    house.send(ShutdownFramework(FrameworkID("unknown")))

    assert box.signals == []
    assert len(house.snapshot().frameworks) == 1


def test_what_a_leaving_framework_held_is_free_once(house: House):
    box = house.run(make_task("t1", "cpus:3"))
    house.send(ShutdownFramework(FRAMEWORK))
    house.exit(box, 0)
    other = make_framework(id=FrameworkID("m-0001"))

    house.run(make_task("t2", "cpus:4"), other)
    house.send(RunTask(other, make_task("t3", "cpus:1")))

    assert house.states()[-1] == "ERROR"
    assert "cpus:4 is in use" in house.updates()[-1].status.message
