"""Containers that are launched by calls in those of executors and tasks, and what becomes of them."""

# Names in brackets are those of the tests of Mesos that assert the same.

import os
import signal
from typing import Any

import pytest
from msgspec import structs

import libactor as la
from mesoslite.agent import Agent, GarbageOptions, RecoveryOptions, nested
from mesoslite.model import (
    CommandInfo,
    Conflict,
    ContainerID,
    InvalidRequest,
    NestedContainer,
    NotFound,
    Reason,
    TaskState,
    Termination,
)
from mesoslite.model.container_calls import (
    AttachContainer,
    AwaitEnd,
    AwaitStart,
    ContainerOwner,
    FindContainer,
    LaunchContainer,
    RemoveContainer,
    SignalContainer,
)

from .executors import EXECUTOR, Program, launch, make_executor, task_of
from .house import FRAMEWORK, SETTLE_SECONDS, Box, House, make_framework
from .test_groups import A, B, run

KEPT = structs.replace(make_framework(), checkpoint=True)


def ask(house: House, call: Any) -> Any:
    return asked(house, call).get(timeout=SETTLE_SECONDS)


def asked(house: House, call: Any) -> la.Future[Any]:
    future: la.Future[Any] = la.dispatch(house.agent, Agent.container_call, call)
    house.settle()
    return future


def launching(container_id: str, value: str = "true", user: str = "", **fields: Any) -> LaunchContainer:
    command = CommandInfo(value=value, user=user)
    return LaunchContainer(container_id=ContainerID(container_id), command=command, **fields)


@pytest.fixture
def executor(house: House) -> Box:
    """The container of an executor that lives."""
    return begin(house)


def begin(house: House, **fields: Any) -> Box:
    executor = make_executor()
    command = CommandInfo(value="run-executor", user="ann")
    box = launch(house, task_of(structs.replace(executor, command=command)), **fields)
    Program(house).subscribe()
    return box


def child_of(house: House, box: Box, name: str = "x", **fields: Any) -> tuple[ContainerID, Box]:
    container_id = ContainerID(f"{box.config.container_id}.{name}")
    assert ask(house, launching(container_id, **fields)) is True
    return container_id, house.boxes.made[-1]


# [AgentAPITest.NestedContainerLaunch, NestedContainerWaitNotFound]
def test_a_container_is_launched_in_another_one_and_waited_for(house, executor):
    container_id, box = child_of(house, executor)
    waits = asked(house, AwaitEnd(container_id))

    assert (box.config.parent, box.user, box.environment["MESOS_SANDBOX"]) == (
        executor.config.container_id,
        "ann",
        box.config.sandbox,
    )
    assert waits.is_pending()
    house.exit(box, 3)

    assert waits.get(0) == ask(house, AwaitEnd(container_id)) == Termination(3)
    with pytest.raises(NotFound):
        ask(house, AwaitEnd(ContainerID(f"{container_id}y")))


def test_its_sandbox_is_where_no_task_can_put_a_link_and_linked_to_from_its_parents(house, executor):
    _, box = child_of(house, executor)
    (box.sandbox / "file").write_text("x")
    inner_id, inner = child_of(house, box, "y")

    assert (executor.sandbox / "containers" / "x" / "file").read_text() == "x"
    assert box.sandbox.parent == executor.sandbox.parent / f"{executor.sandbox.name}.containers"
    assert (box.sandbox / "containers" / "y").resolve() == inner.sandbox
    assert inner_id.endswith(".x.y")


# Goal: a task that puts links where an agent of root works gets nothing by it.
@pytest.mark.parametrize("name", ["containers", "containers/x"])
def test_links_in_the_sandbox_of_a_parent_lead_an_agent_nowhere(house, executor, tmp_path, name):
    (tmp_path / "other" / "x").mkdir(parents=True)
    link = executor.sandbox / name
    link.parent.mkdir(exist_ok=True)
    os.symlink(tmp_path / "other", link)

    container_id, box = child_of(house, executor)
    house.exit(box, 0)
    ask(house, RemoveContainer(container_id))

    assert not box.sandbox.exists()
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["x"]


# [AgentAPITest.TwoLevelNestedContainerLaunch]: whoever is asked for again is there; who has ended keeps the name.
def test_a_name_is_taken_until_the_container_is_removed(house, executor):
    container_id, box = child_of(house, executor)

    assert ask(house, launching(container_id)) is False
    with pytest.raises(Conflict):
        ask(house, RemoveContainer(container_id))
    house.exit(box, 0)
    with pytest.raises(Conflict, match="remove it"):
        ask(house, launching(container_id))
    ask(house, RemoveContainer(container_id))
    assert not box.sandbox.exists()
    assert house.boxes.removed == [container_id]
    with pytest.raises(NotFound):
        ask(house, AwaitEnd(container_id))
    assert ask(house, launching(container_id)) is True


@pytest.mark.parametrize("parent", ["nobody", "{}.nobody", "{}.ended"])
def test_a_container_needs_a_parent_that_runs(house, executor, parent):
    _, box = child_of(house, executor, "ended")
    house.exit(box, 0)

    with pytest.raises(InvalidRequest, match="does not run"):
        ask(house, launching(f"{parent.format(executor.config.container_id)}.x"))


def test_what_its_machine_refuses_leaves_nothing(house, executor):
    house.boxes.error = OSError("launch: no such program")
    container_id = ContainerID(f"{executor.config.container_id}.x")

    with pytest.raises(InvalidRequest, match="no such program"):
        ask(house, launching(container_id))

    house.boxes.error = None
    assert ask(house, launching(container_id)) is True


def test_whether_a_command_could_be_started_is_told(house, executor):
    Box.has_started = False
    try:
        good, box = child_of(house, executor, "good")
        bad, other = child_of(house, executor, "bad")
        starts = asked(house, AwaitStart(good)), asked(house, AwaitStart(bad))
        assert [one.is_pending() for one in starts] == [True, True]
        box.notices.started()
        other.notices.ended(Termination(None, Reason.REASON_CONTAINER_LAUNCH_FAILED, "no such file"))
        house.settle()
    finally:
        Box.has_started = True

    assert starts[0].get(0) is None
    with pytest.raises(InvalidRequest, match="no such file"):
        starts[1].get(0)
    assert ask(house, AwaitEnd(bad)).reason is Reason.REASON_CONTAINER_LAUNCH_FAILED
    assert ask(house, AwaitStart(executor.config.container_id)) is None


# [AgentAPITest.NestedContainerKill]
def test_a_container_is_sent_a_signal_or_killed(house, executor):
    container_id, box = child_of(house, executor)

    ask(house, SignalContainer(container_id, int(signal.SIGTERM)))
    ask(house, SignalContainer(container_id))
    house.exit(box, -9)

    assert box.signals == ["signal 15", "kill"]
    for unknown in (container_id, ContainerID("nobody.x")):
        with pytest.raises(NotFound):
            ask(house, SignalContainer(unknown))


def test_containers_are_over_with_their_executor(house, executor):
    container_id, box = child_of(house, executor)
    waits = asked(house, AwaitEnd(executor.config.container_id))

    house.exit(box, -9)
    house.exit(executor, 1)

    assert waits.get(0) == Termination(1)
    for call in (AwaitEnd(container_id), AwaitEnd(executor.config.container_id), RemoveContainer(container_id)):
        with pytest.raises(NotFound):
            ask(house, call)
    assert ask(house, FindContainer(container_id)) is None


def test_of_many_that_have_ended_the_oldest_are_forgotten(house, executor, monkeypatch):
    monkeypatch.setattr(nested, "ENDED_MAX", 3)
    for number in range(5):
        _, box = child_of(house, executor, str(number))
        box.exit(0)
    house.settle()

    root = executor.config.container_id
    assert house.boxes.removed == [f"{root}.0", f"{root}.1"]
    with pytest.raises(NotFound):
        ask(house, AwaitEnd(ContainerID(f"{root}.1")))
    assert ask(house, AwaitEnd(ContainerID(f"{root}.2"))) == Termination(0)


def test_a_session_sees_what_its_parent_sees_and_is_attached_to(house, executor):
    container_id, box = child_of(house, executor, is_session=True)

    attachment = ask(house, AttachContainer(container_id)).value

    assert attachment is house.boxes.attachments[container_id]
    assert (box.config.is_debug, box.config.has_streams, box.environment) == (True, True, {})
    with pytest.raises(Conflict):
        ask(house, AttachContainer(executor.config.container_id))
    with pytest.raises(NotFound):
        ask(house, AttachContainer(ContainerID("nobody")))


def test_whose_a_container_is_is_told(house, executor):
    container_id, _ = child_of(house, executor, user="bob")
    command = house.run()

    assert ask(house, FindContainer(container_id)) == ContainerOwner(FRAMEWORK, EXECUTOR, "ann")
    assert ask(house, FindContainer(command.config.container_id)).executor_id == "t1"
    assert ask(house, FindContainer(ContainerID("nobody.x"))) is None


# Goal: a task of a group is named below its executor, which is no process, as in Mesos, or by itself.
def test_a_container_in_a_task_of_a_group_has_two_names(house):
    first, _ = run(house, A, B)
    (group,) = house.framework().executors
    task = first.config.container_id

    assert ask(house, launching(f"{group.container_id}.{task}.x")) is True

    assert house.boxes.made[-1].config.container_id == f"{task}.x"
    assert ask(house, launching(f"{task}.x")) is False
    assert ask(house, FindContainer(ContainerID(f"{group.container_id}.{task}.x"))).executor_id == "e"
    with pytest.raises(InvalidRequest):
        ask(house, launching(f"{group.container_id}.x"))


# Goal: what is launched under the name of a task that runs is that task, and what is in it keeps its sandbox.
def test_the_container_of_a_task_of_a_group_is_not_launched_again(house):
    first, _ = run(house, A, B)
    (group,) = house.framework().executors
    _, inner = child_of(house, first)

    for is_session in (False, True):
        again = launching(f"{group.container_id}.{first.config.container_id}", is_session=is_session)
        assert ask(house, again) is False

    assert inner.sandbox.is_dir()
    assert house.boxes.made[-1] is inner


def test_readers_see_those_that_run(house, executor):
    container_id, box = child_of(house, executor)
    _, ended = child_of(house, executor, "y")
    house.exit(ended, 0)

    assert house.snapshot().nested == (NestedContainer(container_id, box.pid),)


# [SlaveRecoveryTest: nested containers survive with their executors]
def test_containers_outlive_their_agent_with_their_ends_and_sessions_do_not(closed_house):
    closed_house.open(recovery=RecoveryOptions(), id="slave(1)")
    executor = begin(closed_house, framework=KEPT)
    living, box = child_of(closed_house, executor)
    inner, _ = child_of(closed_house, box, "inner")
    ended, other = child_of(closed_house, executor, "ended")
    _, session = child_of(closed_house, executor, "session", is_session=True)
    closed_house.exit(other, 7)

    closed_house.fall()
    closed_house.come_back()

    assert [one.container_id for one in closed_house.snapshot().nested] == [living, inner]
    assert ask(closed_house, AwaitEnd(ended)) == Termination(7)
    assert ask(closed_house, launching(inner)) is False
    assert closed_house.boxes.orphans == [session]
    waits = asked(closed_house, AwaitEnd(living))
    closed_house.exit(box, 0)
    assert waits.get(0) == Termination(0)


def test_who_waits_hears_that_the_agent_has_stopped(house, executor):
    container_id, _ = child_of(house, executor)
    waits = asked(house, AwaitEnd(container_id))

    la.terminate(house.agent)
    house.wait()

    with pytest.raises(la.Abandoned):
        waits.get(0)


def test_sandboxes_go_with_that_of_the_executor(closed_house):
    day = 24 * 60 * 60
    closed_house.open(garbage=GarbageOptions(delay_seconds=day), recovery=RecoveryOptions(), id="slave(1)")
    executor = begin(closed_house)
    _, box = child_of(closed_house, executor)
    closed_house.exit(box, 0)
    closed_house.exit(executor, 0)
    closed_house.acknowledge_all()
    assert box.sandbox.exists()

    closed_house.advance(day + 100)

    assert not box.sandbox.parent.exists()
    assert not executor.sandbox.exists()


# Clients of Mesos look here for what they attach to. Source: Slave::statusUpdate
def test_statuses_say_in_which_container_a_task_runs(house):
    command = house.run()
    house.exit(command, 0)
    launch(house, task_of(make_executor("other"), "own"))
    program = Program(house, "other")
    program.subscribe()
    program.update("own", TaskState.TASK_RUNNING)
    (first,) = run(house, A)
    house.acknowledge_all()

    found = {}
    for update in house.updates():
        if update.status.container_status is not None and not update.status.state.is_terminal:
            found[update.status.task_id] = update.status.container_status.value["container_id"]
    one, own, group = command.config.container_id, house.boxes.made[1].config.container_id, first.config
    assert (found["t1"], found["own"]) == ({"value": one}, {"value": own})
    assert found["a"] == {"value": group.container_id, "parent": {"value": group.parent}}
    ended = [update.status for update in house.updates() if update.status.state.is_terminal]
    assert [status.container_status for status in ended] == [None]
