"""Standalone containers: launched by calls, of no framework, and there until they are removed."""

# Names in brackets are those of the tests of Mesos that assert the same.

import os
import signal
from typing import Any

import pytest

import libactor as la
from mesoslite.agent import GarbageOptions, RecoveryOptions, standalone
from mesoslite.model import (
    Conflict,
    ContainerID,
    InvalidRequest,
    NotFound,
    Resources,
    StandaloneContainer,
    Termination,
)
from mesoslite.model.container_calls import (
    AttachContainer,
    AwaitEnd,
    AwaitStart,
    ContainerOwner,
    FindContainer,
    RemoveContainer,
    SignalContainer,
)

from .house import SETTLE_SECONDS, Box, House
from .test_nested import ask, asked, launching

WEB = ContainerID("web")
DAY = 24 * 60 * 60.0


def start(house: House, name: str = "web", **fields: Any) -> Box:
    assert ask(house, launching(name, **fields)) is True
    return house.boxes.made[-1]


def ended(house: House, name: str = "web", exit_status: int = 0) -> Box:
    box = start(house, name)
    house.exit(box, exit_status)
    return box


def remove(house: House, name: str = "web") -> None:
    asked(house, RemoveContainer(ContainerID(name))).get(timeout=SETTLE_SECONDS)
    house.settle()


# [AgentAPITest.LaunchContainer, StandaloneContainerizerTest]
def test_a_container_is_launched_waited_for_and_removed(house):
    resources = Resources.parse("cpus:2;mem:64")
    box = start(house, user="ann", resources=resources, limits=(("cpus", 3.0),))
    waits = asked(house, AwaitEnd(WEB))

    assert box.sandbox == house.work_directory / "containers" / "web"
    assert (box.user, box.environment) == ("ann", {"MESOS_SANDBOX": str(box.sandbox)})
    assert (box.config.resources, box.config.limits, box.config.parent) == (resources, (("cpus", 3.0),), None)
    assert house.snapshot().standalone == (StandaloneContainer(WEB, box.config.container_id, resources, box.pid),)
    assert ask(house, launching("web")) is False
    assert ask(house, AwaitStart(WEB)) is None
    assert ask(house, FindContainer(WEB)) == ContainerOwner(None, None, "ann")
    with pytest.raises(Conflict, match="kill it first"):
        ask(house, RemoveContainer(WEB))
    house.exit(box, 3)
    assert waits.get(0) == ask(house, AwaitEnd(WEB)) == Termination(3)
    with pytest.raises(Conflict, match="has ended; remove it"):
        ask(house, launching("web"))
    remove(house)

    assert not box.sandbox.exists()
    assert (house.snapshot().standalone, house.snapshot().frameworks) == ((), ())
    for call in (AwaitEnd(WEB), RemoveContainer(WEB), SignalContainer(WEB), AwaitStart(WEB)):
        with pytest.raises(NotFound):
            ask(house, call)


# Goal: containers of two agents of a machine, and two of one name, are never taken for each other.
def test_its_containerizer_knows_it_by_an_id_that_nobody_else_has(house):
    first = ended(house)
    remove(house)
    second = start(house)

    ids = {first.config.container_id, second.config.container_id}
    assert len(ids) == 2
    assert all(each.startswith("web-") for each in ids)
    assert ask(house, launching(second.config.container_id)) is False


def test_it_is_sent_a_signal_or_killed(house):
    box = start(house)

    ask(house, SignalContainer(WEB, int(signal.SIGTERM)))
    ask(house, SignalContainer(WEB))
    house.exit(box, -9)

    assert box.signals == ["signal 15", "kill"]
    with pytest.raises(NotFound):
        ask(house, SignalContainer(WEB))


def test_containers_and_sessions_are_nested_in_it(house):
    box = start(house, user="ann")
    assert ask(house, launching("web.x")) is True
    inner = house.boxes.made[-1]
    assert ask(house, launching("web.s", is_session=True)) is True

    assert inner.config.container_id == f"{box.config.container_id}.x"
    assert (inner.config.parent, inner.user) == (box.config.container_id, "ann")
    assert (box.sandbox / "containers" / "x").resolve() == inner.sandbox
    assert ask(house, AttachContainer(ContainerID("web.s"))).value.has_tty is False
    assert ask(house, FindContainer(ContainerID("web.x"))) == ContainerOwner(None, None, "ann")
    assert house.snapshot().nested[0].container_id == inner.config.container_id
    house.exit(inner, 0)
    house.exit(box, 0)
    with pytest.raises(NotFound):
        ask(house, AwaitEnd(ContainerID("web.x")))
    remove(house)
    assert not list((house.work_directory / "containers").glob("web*"))


def test_what_its_machine_refuses_leaves_nothing(house):
    house.boxes.error = OSError("launch: no such program")
    with pytest.raises(InvalidRequest, match="no such program"):
        ask(house, launching("web"))
    house.boxes.error = None

    assert start(house).sandbox.is_dir()


# Goal: whoever may launch containers gets at none of a task by its name.
def test_the_name_of_a_task_s_container_is_the_task(house):
    task = house.run()
    name = task.config.container_id

    assert ask(house, launching(name)) is False
    assert house.boxes.made[-1] is task
    with pytest.raises(Conflict, match="goes with it"):
        ask(house, RemoveContainer(name))
    waits = asked(house, AwaitEnd(name))
    house.exit(task, 1)
    assert waits.get(0) == Termination(1)


def test_a_name_has_to_leave_room_for_a_part_at_random(house):
    with pytest.raises(InvalidRequest, match="longer than 183 bytes"):
        ask(house, launching("x" * 184))

    assert start(house, "x" * 183).sandbox.is_dir()


def test_the_same_name_twice_at_once_is_launched_once(house):
    futures = [asked(house, launching("web")) for _ in range(3)]

    assert [future.get(0) for future in futures] == [True, False, False]
    assert len(house.boxes.made) == 1


# Goal: no sandbox is another one's, and none that is in use is removed.
def test_a_sandbox_that_is_left_is_in_the_way_until_it_is_removed(house):
    left = house.work_directory / "containers" / "web"
    left.mkdir(parents=True)
    (left / "file").write_text("x")

    with pytest.raises(Conflict, match="is left"):
        ask(house, launching("web"))
    assert (left / "file").exists()
    remove(house)
    assert not start(house).sandbox.joinpath("file").exists()


def test_a_link_in_the_place_of_a_sandbox_leads_nowhere(house, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (house.work_directory / "containers").mkdir(parents=True)
    os.symlink(other, house.work_directory / "containers" / "web")

    with pytest.raises(Conflict, match="is left"):
        ask(house, launching("web"))


def test_of_many_that_have_ended_the_oldest_are_forgotten(house, monkeypatch):
    monkeypatch.setattr(standalone, "ENDED_MAX", 2)
    for number in range(3):
        ended(house, f"c{number}")

    with pytest.raises(NotFound):
        ask(house, AwaitEnd(ContainerID("c0")))
    assert ask(house, AwaitEnd(ContainerID("c1"))) == Termination(0)


def test_its_sandbox_goes_after_a_time_and_its_name_stays(closed_house):
    closed_house.open(garbage=GarbageOptions(delay_seconds=DAY), recovery=RecoveryOptions(), id="slave(1)")
    box, living = ended(closed_house), start(closed_house, "living")

    closed_house.advance(DAY + 100)

    assert (box.sandbox.exists(), living.sandbox.exists()) == (False, True)
    with pytest.raises(Conflict):
        ask(closed_house, launching("web"))
    remove(closed_house)
    again = start(closed_house)
    closed_house.advance(3 * DAY)
    assert again.sandbox.exists()


# [SlaveRecoveryTest: standalone containers are no orphans]
@pytest.mark.parametrize("is_registered", [True, False])
def test_containers_outlive_their_agent_with_their_ends(closed_house, is_registered):
    closed_house.master.answers = is_registered
    closed_house.open(recovery=RecoveryOptions(), id="slave(1)", garbage=GarbageOptions(delay_seconds=DAY))
    box = start(closed_house)
    ask(closed_house, launching("web.x"))
    inner = closed_house.boxes.made[-1]
    ask(closed_house, launching("web.s", is_session=True))
    session = closed_house.boxes.made[-1]
    over, ending = ended(closed_house, "over", 7), start(closed_house, "ending")

    closed_house.advance(100)  # so that what was made is older than the next life
    closed_house.fall()
    del closed_house.boxes.left[over.config.container_id]  # only the agent knows of it
    ending.exit(5)
    closed_house.come_back(garbage=GarbageOptions(delay_seconds=DAY))

    assert closed_house.boxes.orphans == [session]
    assert [one.name for one in closed_house.snapshot().standalone] == ["web"]
    assert [one.container_id for one in closed_house.snapshot().nested] == [inner.config.container_id]
    assert ask(closed_house, AwaitEnd(ContainerID("over"))) == Termination(7)
    assert ask(closed_house, AwaitEnd(ContainerID("ending"))) == Termination(5)
    assert (ask(closed_house, launching("web")), ask(closed_house, launching("web.x"))) == (False, False)
    closed_house.advance(2 * DAY)
    assert (box.sandbox.exists(), inner.sandbox.exists()) == (True, True)
    waits = asked(closed_house, AwaitEnd(WEB))
    closed_house.exit(inner, 0)
    closed_house.exit(box, 0)
    assert waits.get(0) == Termination(0)
    remove(closed_house)
    remove(closed_house, "over")
    assert not over.sandbox.exists()


def test_what_has_left_no_trace_has_ended(closed_house):
    closed_house.open(recovery=RecoveryOptions(), id="slave(1)")
    box = start(closed_house)

    closed_house.fall()
    del closed_house.boxes.left[box.config.container_id]
    closed_house.come_back()

    assert "no trace" in ask(closed_house, AwaitEnd(WEB)).message
    remove(closed_house)
    assert start(closed_house).sandbox.is_dir()


def test_after_a_reboot_all_have_ended(closed_house):
    closed_house.open(recovery=RecoveryOptions(boot_id="a"), id="slave(1)")
    start(closed_house)

    closed_house.fall()
    closed_house.boxes.left.clear()
    closed_house.come_back(RecoveryOptions(boot_id="b"))

    assert ask(closed_house, AwaitEnd(WEB)) == Termination(None, message="Machine was rebooted")


def test_who_cleans_up_ends_them_and_nothing_is_known_of_them_afterwards(closed_house):
    closed_house.open(recovery=RecoveryOptions(), id="slave(1)")
    box = start(closed_house)

    closed_house.fall()
    closed_house.come_back(RecoveryOptions(recover="cleanup"))
    closed_house.wait()
    assert closed_house.boxes.orphans == [box]
    closed_house.boxes.left.clear()
    closed_house.come_back()

    with pytest.raises(NotFound):
        ask(closed_house, AwaitEnd(WEB))


def test_a_checkpoint_that_is_damaged_is_refused_or_left_out(closed_house):
    closed_house.open(recovery=RecoveryOptions(), id="slave(1)")
    box = start(closed_house)
    closed_house.fall()
    (closed_house.work_directory / "meta" / "containers" / "web").write_bytes(b"mesoslite\1junk")

    closed_house.come_back(RecoveryOptions(strict=False))

    assert closed_house.boxes.orphans == [box]
    with pytest.raises(Conflict, match="is left"):
        ask(closed_house, launching("web"))


def test_who_waits_hears_that_the_agent_has_stopped(house):
    start(house)
    waits = asked(house, AwaitEnd(WEB))

    la.terminate(house.agent)
    house.wait()

    with pytest.raises(la.Abandoned):
        waits.get(0)
