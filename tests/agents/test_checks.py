"""Checks and health checks: asked again and again, told when there is something to tell, and ended for."""

from typing import Any

import pytest
from msgspec import structs

import libactor as la
from mesoslite.agent.recovery import RecoveryOptions
from mesoslite.model import CommandInfo, KillTask, Reason, TaskID, TaskState, TaskStatus
from mesoslite.model.checks import CheckInfo, CheckType, HealthCheck, HttpCheck, TcpCheck

from .house import FRAMEWORK, House, make_framework, make_task

HTTP = HttpCheck(port=8080, path="/well")
TIMES = {"delay_seconds": 15.0, "interval_seconds": 10.0, "timeout_seconds": 20.0}
RUNNING = TaskState.TASK_RUNNING
KEPT = structs.replace(make_framework(), checkpoint=True)


def http_health(**fields: Any) -> HealthCheck:
    return HealthCheck(type=CheckType.HTTP, http=HTTP, **{**TIMES, "grace_period_seconds": 0.0, **fields})


class FakeProber:
    """Ports that answer when the test says what."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, la.Promise[Any]]] = []
        self.pids: list[int | None] = []

    def http(self, check: HttpCheck, pid: int | None) -> la.Future[int]:
        return self._ask(check, pid)

    def tcp(self, check: TcpCheck, pid: int | None) -> la.Future[bool]:
        return self._ask(check, pid)

    def _ask(self, check: Any, pid: int | None) -> la.Future[Any]:
        promise: la.Promise[Any] = la.Promise()
        self.asked.append((check, promise))
        self.pids.append(pid)
        return promise.future

    def answer(self, value: Any) -> None:
        promise = self.asked[-1][1]
        if isinstance(value, Exception):
            promise.fail(value)
        else:
            promise.set(value)


class Clinic:
    """A house, what asks the ports of its tasks, and what is told of them."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.prober = FakeProber()
        house.open(prober=self.prober)

    def run(self, **fields: Any) -> Any:
        return self.house.run(make_task(**fields))

    def answer(self, value: Any) -> list[TaskStatus]:
        """Have the port that was asked last answer; what is told then."""
        self.prober.answer(value)
        self.house.settle()
        return self.told()

    def after(self, seconds: float) -> int:
        """Let time pass; how often ports have been asked by then."""
        self.house.advance(seconds)
        return len(self.prober.asked)

    def told(self) -> list[TaskStatus]:
        """The statuses since the last look."""
        self.house.acknowledge_all()
        statuses = [update.status for update in self.house.updates()]
        self.house.master.heard.clear()
        return statuses


@pytest.fixture
def clinic(closed_house: House) -> Clinic:
    return Clinic(closed_house)


# ---- health ----


def test_a_task_is_asked_after_the_delay_and_then_an_interval_after_each_answer(clinic: Clinic):
    clinic.run(health_check=http_health())

    assert clinic.after(14.999) == 0
    assert clinic.after(0.001) == 1
    assert clinic.after(5) == 1
    clinic.answer(200)
    assert clinic.after(9.999) == 1
    assert clinic.after(0.001) == 2
    assert clinic.prober.asked[0][0] == HTTP
    assert clinic.prober.pids[0] == clinic.house.boxes.made[0].pid


def test_the_first_success_is_told_and_no_later_one(clinic: Clinic):
    clinic.run(health_check=http_health())
    before = clinic.told()
    clinic.after(15)

    (status,) = clinic.answer(200)
    clinic.after(10)
    again = clinic.answer(399)

    assert [one.healthy for one in before] == [None, None]
    assert (status.state, status.healthy) == (RUNNING, True)
    assert status.reason is Reason.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED
    assert again == []


@pytest.mark.parametrize("answer", [404, 199, 500, ConnectionRefusedError("nobody listens")])
def test_every_failure_is_told_and_the_first_success_after_it(clinic: Clinic, answer: Any):
    clinic.run(health_check=http_health(consecutive_failures=5))
    clinic.told()
    clinic.after(15)

    told = []
    for value in (answer, answer, 200, 200, answer):
        told += [status.healthy for status in clinic.answer(value)]
        clinic.after(10)

    assert told == [False, False, True, False]


def test_failures_of_a_young_task_do_not_count_until_it_was_healthy(clinic: Clinic):
    clinic.run(health_check=http_health(delay_seconds=0.0, grace_period_seconds=30.0, consecutive_failures=1))
    clinic.told()

    clinic.after(0)
    young = clinic.answer(500)  # at 0 s, then at 10 s
    clinic.after(10)
    well = clinic.answer(200)
    clinic.after(10)
    ill = clinic.answer(500)

    assert (young, [one.healthy for one in well]) == ([], [True])
    assert ill[0].healthy is False


def test_after_so_many_failures_in_a_row_the_task_is_told_of_first_and_then_ended(clinic: Clinic):
    box = clinic.run(health_check=http_health(consecutive_failures=2), kill_grace_seconds=4.0)
    clinic.told()
    clinic.after(15)
    clinic.answer(500)
    clinic.after(10)

    (last,) = clinic.answer(500)
    asked = list(box.signals)
    clinic.house.advance(4)

    assert (last.state, last.healthy) == (RUNNING, False)
    assert (asked, box.signals) == (["terminate"], ["terminate", "kill"])
    clinic.house.exit(box, -9)
    (end,) = clinic.told()
    assert (end.state, end.healthy, end.reason) == (TaskState.TASK_KILLED, False, None)
    assert clinic.after(1000) == 2


def test_nothing_is_said_of_a_task_that_was_asked_to_end(clinic: Clinic):
    clinic.run(health_check=http_health())
    clinic.after(15)

    clinic.house.kill(grace_seconds=1000)
    clinic.told()

    assert clinic.answer(500) == []
    assert clinic.after(900) == 1


def test_the_end_of_a_task_ends_its_checks(clinic: Clinic):
    box = clinic.run(health_check=http_health())
    clinic.told()
    clinic.after(15)
    clinic.house.exit(box, 0)

    assert clinic.prober.asked[0][1].future.has_discard()
    (end,) = clinic.told()
    assert (end.state, end.healthy) == (TaskState.TASK_FINISHED, None)
    assert clinic.after(1000) == 1


def test_what_does_not_answer_in_time_has_failed_and_a_late_answer_is_none(clinic: Clinic):
    clinic.run(health_check=http_health(consecutive_failures=9))
    clinic.told()
    clinic.after(15)

    clinic.after(20)

    (status,) = clinic.told()
    assert status.healthy is False
    assert clinic.prober.asked[0][1].future.has_discard()
    assert clinic.answer(200) == []
    assert clinic.after(10) == 2


def test_no_timeout_is_no_bound(clinic: Clinic):
    clinic.run(health_check=http_health(timeout_seconds=0.0))
    clinic.told()

    assert clinic.after(100_000) == 1
    assert [one.healthy for one in clinic.answer(200)] == [True]


@pytest.mark.parametrize(("answer", "healthy"), [(True, True), (False, False)])
def test_a_connection_is_health_enough(clinic: Clinic, answer: bool, healthy: bool):
    check = HealthCheck(type=CheckType.TCP, tcp=TcpCheck(port=9), grace_period_seconds=0.0)
    clinic.run(health_check=check)
    clinic.told()
    clinic.after(15)

    (status,) = clinic.answer(answer)

    assert status.healthy is healthy


# ---- commands ----


def command_check(kind: type, **fields: Any) -> Any:
    command = CommandInfo(value="look", environment=(("HOW", "closely"),))
    return kind(type=CheckType.COMMAND, command=command, **{**TIMES, **fields})


def test_a_command_is_asked_in_the_container_of_its_task(clinic: Clinic):
    task = CommandInfo(value="serve", environment=(("MODE", "fast"),), user="nobody")
    box = clinic.run(command=task, health_check=command_check(HealthCheck))

    clinic.after(15)

    look = clinic.house.boxes.made[-1]
    assert (look.command.value, look.sandbox) == ("look", box.sandbox)
    assert look.command.environment == (("HOW", "closely"),)
    assert look.config.is_debug
    assert look.config.parent == box.config.container_id != look.config.container_id
    assert (look.config.user, look.config.environment, look.config.container) == (
        "",
        (),
        None,
    )  # all of that is its task's
    clinic.told()
    clinic.house.exit(look, 0)
    assert [one.healthy for one in clinic.told()] == [True]


@pytest.mark.parametrize(("exit_status", "told"), [(1, [False]), (-11, [False]), (None, [False])])
def test_a_command_that_does_not_end_well_is_a_failure(clinic: Clinic, exit_status: int | None, told: list[bool]):
    clinic.run(health_check=command_check(HealthCheck, grace_period_seconds=0.0))
    clinic.told()
    clinic.after(15)

    clinic.house.exit(clinic.house.boxes.made[-1], exit_status)

    assert [one.healthy for one in clinic.told()] == told


# Goal: a task that ends is not told of as ill. Method: its end takes the check along, and is told of later.
def test_what_is_found_of_a_task_that_is_ending_is_no_failure(clinic: Clinic):
    box = clinic.run(health_check=command_check(HealthCheck, grace_period_seconds=0.0))
    clinic.told()
    clinic.after(15)

    box.is_ending = True
    clinic.house.exit(clinic.house.boxes.made[-1], -9)

    assert clinic.told() == []
    clinic.house.exit(box, 0)
    assert [(one.state, one.healthy) for one in clinic.told()] == [(TaskState.TASK_FINISHED, None)]


def test_a_command_that_takes_too_long_is_killed_and_has_failed_when_it_is_gone(clinic: Clinic):
    clinic.run(health_check=command_check(HealthCheck, grace_period_seconds=0.0))
    clinic.told()
    clinic.after(15)
    clinic.after(20)

    look = clinic.house.boxes.made[-1]
    before = clinic.told()
    clinic.house.exit(look, 0)

    assert (look.signals, before) == (["kill"], [])
    assert [one.healthy for one in clinic.told()] == [False]
    clinic.after(10)
    assert len(clinic.house.boxes.made) == 3


def test_a_command_that_is_asked_ends_with_its_task(clinic: Clinic):
    box = clinic.run(health_check=command_check(HealthCheck))
    clinic.after(15)
    look = clinic.house.boxes.made[-1]

    clinic.house.exit(box, 0)
    clinic.house.exit(look, -9)

    assert look.signals == ["kill"]
    assert clinic.told()[-1].state is TaskState.TASK_FINISHED


def test_a_command_that_cannot_be_started_has_failed(clinic: Clinic):
    clinic.run(health_check=command_check(HealthCheck, grace_period_seconds=0.0))
    clinic.told()
    clinic.house.boxes.error = OSError("no room for another process")

    clinic.after(15)

    assert [one.healthy for one in clinic.told()] == [False]


# ---- what a task says of itself ----


def test_a_check_tells_nothing_at_first_and_then_what_is_new(clinic: Clinic):
    box = clinic.run(check=command_check(CheckInfo))
    first = clinic.told()
    told = []
    for exit_status in (3, 3, 4):
        clinic.after(15)
        clinic.house.exit(clinic.house.boxes.made[-1], exit_status)
        told += clinic.told()
    clinic.house.exit(box, 0)
    (end,) = clinic.told()

    shown = [one.check_status.value for one in (*first, *told, end)]
    empty = {"type": "COMMAND", "command": {}}
    three, four = [{"type": "COMMAND", "command": {"exit_code": code}} for code in (3, 4)]
    assert shown == [empty, empty, three, four, four]
    assert [one.reason for one in told] == [Reason.REASON_TASK_CHECK_STATUS_UPDATED] * 2
    assert {one.state for one in told} == {RUNNING}
    assert box.signals == []


@pytest.mark.parametrize(
    ("fields", "answer", "shown"),
    [
        ({"type": CheckType.HTTP, "http": HTTP}, 503, {"type": "HTTP", "http": {"status_code": 503}}),
        ({"type": CheckType.TCP, "tcp": TcpCheck(port=1)}, True, {"type": "TCP", "tcp": {"succeeded": True}}),
        ({"type": CheckType.TCP, "tcp": TcpCheck(port=1)}, False, {"type": "TCP", "tcp": {"succeeded": False}}),
    ],
)
def test_what_is_told_is_what_was_answered(clinic: Clinic, fields: Any, answer: Any, shown: Any):
    clinic.run(check=CheckInfo(**fields))
    clinic.told()
    clinic.after(15)

    (status,) = clinic.answer(answer)

    assert status.check_status.value == shown


def test_what_answers_no_more_has_no_result(clinic: Clinic):
    clinic.run(check=CheckInfo(type=CheckType.HTTP, http=HTTP))
    clinic.told()
    clinic.after(15)
    clinic.answer(200)
    clinic.after(10)

    (status,) = clinic.answer(ConnectionResetError("gone"))

    assert status.check_status.value == {"type": "HTTP", "http": {}}


def test_neither_hides_what_the_other_has_found(clinic: Clinic):
    clinic.run(
        check=CheckInfo(type=CheckType.TCP, tcp=TcpCheck(port=1), delay_seconds=20.0), health_check=http_health()
    )
    clinic.told()

    clinic.after(15)
    (of_health,) = clinic.answer(200)
    clinic.after(5)
    (of_check,) = clinic.answer(True)

    assert of_health.check_status.value == {"type": "TCP", "tcp": {}}
    assert (of_check.healthy, of_check.check_status.value) == (True, {"type": "TCP", "tcp": {"succeeded": True}})


def test_an_agent_that_comes_back_asks_on_and_knows_what_it_has_told(closed_house: House):
    house, first, second = closed_house, FakeProber(), FakeProber()
    house.open(prober=first, recovery=RecoveryOptions(), id="slave(1)")
    house.run(make_task(health_check=http_health(consecutive_failures=9, grace_period_seconds=1e6)), KEPT)
    house.advance(15)
    first.answer(200)
    house.settle()
    house.acknowledge_all()
    house.fall()
    house.come_back(prober=second)

    house.advance(15)
    second.answer(500)
    house.settle()

    status = house.acknowledge_all()[-1].status
    assert (status.healthy, status.reason) == (False, Reason.REASON_TASK_HEALTH_CHECK_STATUS_UPDATED)


# ---- how long a task may run ----


def test_a_task_that_runs_as_long_as_it_may_is_ended_and_has_failed(clinic: Clinic):
    box = clinic.run(max_completion_seconds=60.0, kill_grace_seconds=2.0)
    clinic.told()

    clinic.house.advance(59.999)
    before = list(box.signals)
    clinic.house.advance(0.001)
    asked = list(box.signals)
    clinic.house.advance(2)
    clinic.house.exit(box, -9)

    assert (before, asked, box.signals) == ([], ["terminate"], ["terminate", "kill"])
    (end,) = clinic.told()
    assert (end.state, end.reason) == (TaskState.TASK_FAILED, Reason.REASON_MAX_COMPLETION_TIME_REACHED)
    assert end.exit_status == -9


def test_a_task_that_was_killed_before_its_time_is_over_was_killed(clinic: Clinic):
    box = clinic.run(max_completion_seconds=60.0)
    clinic.house.kill(grace_seconds=1000)

    clinic.house.advance(100)
    clinic.house.exit(box, -15)

    assert clinic.told()[-1].state is TaskState.TASK_KILLED


def test_what_a_task_ran_in_an_earlier_life_counts_and_so_does_why_it_was_ended(closed_house: House):
    house = closed_house
    house.open(prober=FakeProber(), recovery=RecoveryOptions(), id="slave(1)")
    box = house.run(make_task(max_completion_seconds=60.0, kill_grace_seconds=30.0), KEPT)
    house.acknowledge_all()
    house.advance(50)
    house.fall()
    house.come_back()

    house.advance(9)
    before = list(box.signals)
    house.advance(1)
    house.fall()
    house.come_back()
    house.exit(box, 0)

    assert (before, box.signals[0]) == ([], "terminate")
    end = house.acknowledge_all()[-1].status
    assert (end.state, end.reason) == (TaskState.TASK_FAILED, Reason.REASON_MAX_COMPLETION_TIME_REACHED)


def test_a_kill_by_its_framework_finds_a_checked_task(clinic: Clinic):
    box = clinic.run(health_check=command_check(HealthCheck), check=command_check(CheckInfo))
    clinic.after(15)

    clinic.house.send(KillTask(framework_id=FRAMEWORK, task_id=TaskID("t1"), grace_seconds=0.0))
    clinic.house.exit(box, -9)

    assert all(look.signals == ["kill"] for look in clinic.house.boxes.made[1:])
    assert clinic.told()[-1].state is TaskState.TASK_KILLED
