"""How an agent follows its master: pings, other masters, epochs, and what it tells whoever leads next."""

# Source: the names in comments are those of Mesos's tests (slave_tests, fault_tolerance_tests, partition_tests,
#   master_slave_reconciliation_tests). Epochs are ours.

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

import libactor as la
from mesoslite.agent import Agent
from mesoslite.election import StandaloneMember
from mesoslite.model import (
    AgentID,
    AgentRegistered,
    AgentReregistered,
    FrameworkID,
    Leader,
    MasterInfo,
    Ping,
    Pong,
    RegisterAgent,
    ReregisterAgent,
    Resources,
    RunTask,
    ShutdownAgent,
    ShutdownFramework,
    TaskID,
    TaskState,
    UnconfirmedTask,
)
from mesoslite.model.packed_frameworks import unpacked_framework
from mesoslite.model.records import Task

from .house import AGENT, FRAMEWORK, Boxes, House, Master, make_framework, make_task

decode_portion = msgspec.msgpack.Decoder(tuple[Task, ...]).decode


def states_of(message: ReregisterAgent) -> list[tuple[str, TaskState]]:
    return [(TaskID(task.task_id), task.state) for portion in message.tasks for task in decode_portion(portion)]


def returns(house: House, master: Master | None = None) -> list[ReregisterAgent]:
    heard = (master or house.master).heard
    return [message for message in heard if isinstance(message, ReregisterAgent)]


def leader(pid: la.PID[Any], number: int) -> Leader:
    return Leader(MasterInfo(id=pid.id, pid=str(pid)), number)


@pytest.fixture
def member() -> StandaloneMember:
    return StandaloneMember()


@pytest.fixture
def following(closed_house: House, member: StandaloneMember) -> House:
    """A house whose agent asks who leads, and has registered with the first master."""
    member.appoint(leader(closed_house.master_pid, 1))
    closed_house.open(member)
    closed_house.advance(0)
    return closed_house


def appoint_second(house: House, member: StandaloneMember, epoch: int = 1) -> tuple[Master, la.PID[Master]]:
    """Let another master lead, and the agent come to it."""
    second = Master()
    second.epoch = epoch
    pid = house.runtime.spawn(second)
    member.appoint(leader(pid, 2))
    house.settle()
    house.advance(1)
    return second, pid


def send(house: House, pid: la.PID[Master], message: Any) -> None:
    la.dispatch(pid, Master.send, house.agent, message).get(timeout=30)
    house.settle()


def test_a_ping_is_answered_to_whoever_has_sent_it(house: House):
    house.send(Ping(connected=True))

    assert house.master.heard[-1] == Pong()


def test_an_agent_that_hears_that_it_is_lost_registers_again_with_its_tasks(house: House):
    # Source: FaultToleranceTest and slave_observer: a ping with connected=false
    house.run(make_task("t1"))

    house.send(Ping(connected=False))

    [message] = returns(house)
    assert message.info.id == AGENT
    assert states_of(message) == [("t1", TaskState.TASK_RUNNING)]
    assert [unpacked_framework(one).id for one in message.frameworks] == [FRAMEWORK]


@pytest.mark.parametrize(("bytes_max", "count"), [(100_000, 65), (1_000, 1), (10, 0)])
def test_of_tasks_that_are_over_no_more_is_told_than_a_message_takes_the_newest_first(
    house: House, monkeypatch: pytest.MonkeyPatch, bytes_max: int, count: int
):
    monkeypatch.setattr("mesoslite.agent.runs.HISTORY_BYTES_MAX", bytes_max)
    for number in range(65):
        house.exit(house.run(make_task(f"t{number}")), 0)
        house.acknowledge_all()

    house.send(Ping(connected=False))

    [message] = returns(house)
    portions = [portion for one in message.completed_tasks for portion in one.portions]
    told = [task.task_id for portion in portions for task in decode_portion(portion)]
    assert told == [f"t{number}" for number in range(65)][65 - count :]


def test_an_agent_with_more_to_tell_than_its_master_can_be_told_lives_and_tries_again(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    house.run(make_task("t1"))
    post, sent = la.post, []

    def refuse_once(pid: la.PID[Any], message: object, **how: Any) -> None:
        if isinstance(message, ReregisterAgent) and not sent:
            sent.append(message)
            raise la.NotPassable("larger than 67108864 bytes on the wire")
        post(pid, message, **how)

    monkeypatch.setattr(la, "post", refuse_once)
    house.send(Ping(connected=False))
    before = returns(house)
    house.advance(2)

    assert (before, len(sent)) == ([], 1)
    assert "has more to tell than its master can be told" in caplog.text
    assert [states_of(message) for message in returns(house)] == [[("t1", TaskState.TASK_RUNNING)]]


def test_an_agent_that_is_not_pinged_any_more_looks_for_its_master(closed_house: House):
    # Source: SlaveTest.PingTimeoutNoPings, PingTimeoutSomePings
    closed_house.master.ping_timeout = 75
    closed_house.open()
    closed_house.advance(60)
    closed_house.send(Ping(connected=True))

    closed_house.advance(74)
    before = len(returns(closed_house))
    closed_house.advance(1)
    closed_house.advance(1)

    assert (before, len(returns(closed_house))) == (0, 1)


@pytest.mark.parametrize("how", [la.terminate, lambda pid: la.tell(pid, Master.fail)])
def test_an_agent_finds_a_master_that_begins_anew_where_the_last_one_was(
    closed_house: House, member: StandaloneMember, how: Callable[[la.PID[Master]], None]
):
    first = closed_house.runtime.spawn(Master(id="master"))
    member.appoint(leader(first, 1))
    closed_house.open(member)
    how(first)
    closed_house.settle()
    closed_house.advance(3)
    second = Master(id="master")

    closed_house.runtime.spawn(second)
    closed_house.advance(10)
    closed_house.advance(1)

    assert len(returns(closed_house, second)) == 1


@pytest.mark.real
def test_an_agent_finds_a_master_that_has_ended_and_begins_anew_on_its_host(tmp_path: Path):
    with la.Runtime(remote=la.Remote("127.0.0.1:0")) as near, la.Runtime(remote=la.Remote("127.0.0.1:0")) as far:
        first, second = Master(id="master"), Master(id="master")
        pid = near.spawn(first)
        text = str(pid)
        agent = far.spawn(
            Agent(far.parse_pid(text), resources=Resources.parse("cpus:1"), work_dir=tmp_path, containerizer=Boxes())
        )
        la.dispatch(agent, Agent.wait_registered).get(timeout=30)

        la.terminate(pid)
        la.wait(pid, timeout=30)
        again = near.spawn(second)

        assert la.dispatch(again, Master.wait_return).get(timeout=30).info.id == AGENT


def test_a_master_that_was_silent_is_reached_by_a_new_connection(closed_house: House, monkeypatch: pytest.MonkeyPatch):
    seen: list[bool] = []
    link = la.link

    def noted(pid: la.PID[Any], *, reconnect: bool = False) -> None:
        seen.append(reconnect)
        link(pid, reconnect=reconnect)

    monkeypatch.setattr(la, "link", noted)
    closed_house.master.ping_timeout = 75
    closed_house.open()
    closed_house.advance(75)

    assert seen == [False, True]


def test_tasks_run_on_without_a_master_and_the_next_one_hears_of_them(following: House, member: StandaloneMember):
    # Source: FaultToleranceTest.SlaveReregisterOnZKExpiration
    box = following.run(make_task("t1"))
    following.acknowledge_all()
    member.appoint(None)
    following.settle()
    following.exit(box, 0)
    heard = len(following.master.heard)

    second, _ = appoint_second(following, member)

    assert len(following.master.heard) == heard
    [message] = returns(following, second)
    assert states_of(message) == [("t1", TaskState.TASK_FINISHED)]
    assert second.heard[-1].status.state is TaskState.TASK_FINISHED


def test_who_has_read_that_a_master_is_lost_reads_that_the_next_one_is_found(
    following: House, member: StandaloneMember, caplog: pytest.LogCaptureFixture
):
    la.terminate(following.master_pid)
    following.settle()

    _, pid = appoint_second(following, member)
    following.settle()

    [lost, found] = caplog.messages
    assert f"master {following.master_pid} has gone (it has ended); tasks run on" in lost
    assert found.endswith(f"registered again with {pid}")


def test_a_framework_whose_task_was_refused_is_told_to_the_next_master(following: House, member: StandaloneMember):
    following.send(RunTask(make_framework(), make_task(resources="cpus:100")))

    second, _ = appoint_second(following, member)

    [message] = returns(following, second)
    assert (message.tasks, [unpacked_framework(one).id for one in message.frameworks]) == ((), [FRAMEWORK])


def test_what_is_not_acknowledged_is_sent_to_the_next_master_at_once(following: House, member: StandaloneMember):
    following.run(make_task("t1"))
    before = following.updates()[-1]

    second, _ = appoint_second(following, member)

    assert second.heard[-1].status == before.status


def told(message: ReregisterAgent) -> list[tuple[TaskState | None, bytes | None]]:
    """How far each task is told, by what an agent says."""
    tasks = [task for portion in message.tasks for task in decode_portion(portion)]
    return [(task.status_update_state, task.status_update_uuid) for task in tasks]


def test_a_return_says_how_far_each_task_is_told(following: House, member: StandaloneMember):
    # Source: Mesos src/slave/slave.cpp (forward)
    following.exit(following.run(make_task("t1")), 0)
    starting = following.updates()[0].status
    second, _ = appoint_second(following, member)

    [message] = returns(following, second)

    assert states_of(message) == [("t1", TaskState.TASK_FINISHED)]
    assert told(message) == [(TaskState.TASK_STARTING, starting.uuid)]


def test_of_a_task_of_which_nothing_was_sent_nothing_is_told(house: House):
    house.master.answers = False
    house.send(Ping(connected=False))

    house.run(make_task("t1"))
    house.advance(60)

    assert told(returns(house)[-1]) == [(TaskState.TASK_STAGING, None)]


def test_a_return_is_repeated_until_it_is_answered(following: House, member: StandaloneMember):
    second = Master()
    second.answers = False
    pid = following.runtime.spawn(second)
    member.appoint(leader(pid, 2))
    following.settle()

    for _ in range(6):
        following.advance(1)
    repeated = len(returns(following, second))
    send(following, pid, AgentReregistered(agent_id=AGENT, ping_timeout_seconds=1e9, epoch=1))
    following.advance(300)

    assert repeated >= 2
    assert len(returns(following, second)) == repeated


def test_each_registration_says_which_start_of_the_agent_it_is_and_which_of_its_returns(house: House):
    for _ in range(2):
        house.send(Ping(connected=False))

    [registration] = [message for message in house.master.heard if isinstance(message, RegisterAgent)]
    first, second = returns(house)
    assert len(registration.incarnation) == 16
    assert {first.incarnation, second.incarnation} == {registration.incarnation}
    assert 0 < first.number < second.number


def test_the_master_before_is_not_heeded_any_more(following: House, member: StandaloneMember):
    appoint_second(following, member)

    following.send(RunTask(make_framework(), make_task()))
    following.send(ShutdownAgent("no"))

    assert following.boxes.made == []


def test_a_lower_epoch_is_refused(house: House):
    house.send(AgentRegistered(AGENT, 1e9, epoch=7))

    house.send(RunTask(make_framework(), make_task("old"), epoch=6))
    house.send(RunTask(make_framework(), make_task("new"), epoch=7))
    house.send(ShutdownAgent("no", epoch=0))

    actor: Any = house.agent._process.actor
    assert [box.environment["MESOS_TASK_ID"] for box in house.boxes.made] == ["new"]
    assert actor._registration.refused == 2


# Goal: the fence holds even where an election has gone wrong. Method: a second leader of the same epoch.
def test_two_masters_of_one_epoch_are_never_both_obeyed(following: House, member: StandaloneMember):
    following.send(AgentRegistered(AGENT, 1e9, epoch=3))
    _, pid = appoint_second(following, member, epoch=3)

    send(following, pid, RunTask(make_framework(), make_task(), epoch=3))
    refused = len(following.boxes.made)
    send(following, pid, RunTask(make_framework(), make_task(), epoch=4))

    assert (refused, len(following.boxes.made)) == (0, 1)


def test_tasks_that_are_asked_about_and_not_there_are_reported(house: House):
    # Source: MasterSlaveReconciliationTest.ReconcileLostTask, ReconcileRace
    house.run(make_task("t1"))
    known = UnconfirmedTask(FRAMEWORK, TaskID("t1"), TaskState.TASK_LOST)
    unknown = UnconfirmedTask(FrameworkID("other"), TaskID("t2"), TaskState.TASK_DROPPED)
    house.acknowledge_all()
    heard = len(house.updates())

    house.send(AgentReregistered(agent_id=AGENT, unconfirmed=(known, unknown), ping_timeout_seconds=1e9))

    [update] = house.updates()[heard:]
    assert (update.framework_id, update.status.task_id) == ("other", "t2")
    assert (update.status.state, update.status.uuid is None) == (TaskState.TASK_DROPPED, False)
    house.acknowledge(update)
    house.advance(1000)
    assert len(house.updates()) == heard + 1


# Goal: nothing is repeated for ever. Method: a task that never was here, of a framework that has no other.
def test_what_is_said_of_a_task_that_never_was_here_ends_with_its_framework(house: House):
    asked = UnconfirmedTask(FRAMEWORK, TaskID("t1"), TaskState.TASK_DROPPED)
    house.send(AgentReregistered(agent_id=AGENT, unconfirmed=(asked,), ping_timeout_seconds=1e9))

    house.send(ShutdownFramework(FRAMEWORK))
    house.advance(1000)

    assert house.states() == ["DROPPED"]


# Goal: what was reported as not there is not there. Method: its launch was under way on a connection that broke.
def test_a_task_that_was_asked_about_and_not_there_is_not_launched_after_that(house: House):
    asked = UnconfirmedTask(FRAMEWORK, TaskID("t1"), TaskState.TASK_DROPPED)
    house.send(AgentReregistered(agent_id=AGENT, unconfirmed=(asked,), ping_timeout_seconds=1e9, launches=7))

    house.send(RunTask(make_framework(), make_task("t1"), number=7))
    late = (len(house.boxes.made), house.states())
    house.send(RunTask(make_framework(), make_task("t2"), number=8))

    assert late == (0, ["DROPPED"])
    assert len(house.boxes.made) == 1


def test_a_welcome_to_another_agent_is_ignored(house: House):
    house.send(AgentReregistered(agent_id=AgentID("other")))

    assert house.snapshot().info.id == AGENT


def test_a_master_at_no_address_is_passed_over(closed_house: House, member: StandaloneMember):
    member.appoint(Leader(MasterInfo(id="x", pid="nobody@nowhere"), 1))
    closed_house.open(member)

    member.appoint(leader(closed_house.master_pid, 2))
    closed_house.settle()

    assert closed_house.registrations() == 1
