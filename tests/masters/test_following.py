"""Frameworks that follow the masters of their program: what they hear of a takeover, and where their calls go."""

# Source: the names in comments are those of Mesos's tests (fault_tolerance_tests, scheduler_driver_tests).

from __future__ import annotations

from typing import Any

import pytest

import libactor as la
from mesoslite import Framework, InvalidRequest, Offer, Resources, TaskState, TaskStatus
from mesoslite.framework import LocalConnection, submit
from mesoslite.master import Master
from mesoslite.model import PARTITION_AWARE, Leader, MasterEnded, Reason

from .peers import Peers
from .stage import FakeAgent


class Diary(Framework):
    """Writes down what happens, and does what it is told."""

    def __init__(self, **options: Any) -> None:
        super().__init__("diary", **options)
        self.entries: list[str] = []
        self.offers: list[Offer] = []
        self.statuses: list[TaskStatus] = []

    def on_subscribed(self, framework_id: str) -> None:
        self.entries.append(f"subscribed {framework_id[-4:]}")

    def on_disconnected(self) -> None:
        self.entries.append("disconnected")

    def on_resubscribed(self, framework_id: str) -> None:
        self.entries.append(f"resubscribed {framework_id[-4:]}")

    def on_offers(self, offers: tuple[Offer, ...]) -> None:
        self.offers += offers

    def on_update(self, status: TaskStatus) -> None:
        self.statuses.append(status)

    def act(self, name: str, *arguments: Any) -> None:
        getattr(self, name)(*arguments)

    def launch_on_last(self) -> None:
        self.launch(self.offers[-1], self.task(self.offers[-1], "true", cpus=1, task_id="t"))


class Scene:
    """A framework that follows the masters of ``peers``."""

    def __init__(self, peers: Peers, framework: Diary | None = None) -> None:
        self.peers = peers
        self.follower = peers.election.join()
        self.framework = framework or Diary()
        self.result = submit(peers.runtime, self.framework, LocalConnection(self.follower))
        peers.settle()

    def do(self, name: str, *arguments: Any) -> None:
        la.dispatch(self.framework.pid, Diary.act, name, *arguments).get(timeout=60)
        self.peers.settle()

    def frameworks(self, master: la.PID[Master]) -> Any:
        return la.dispatch(master, Master.state).get(timeout=60).frameworks


# Source: FaultToleranceTest.SchedulerReregisterAfterFailoverTimeout, MasterFailover
def test_a_framework_follows_whoever_leads_under_the_id_that_it_has(peers: Peers) -> None:
    first, second = peers.stand("one"), peers.stand("two")
    scene = Scene(peers)

    peers.end(first)

    assert scene.framework.entries == ["subscribed 0000", "disconnected", "resubscribed 0000"]
    [entry] = scene.frameworks(second)
    assert (entry.info.id, entry.connected) == (scene.framework.framework_id, True)


def test_a_framework_waits_for_its_first_master(peers: Peers) -> None:
    scene = Scene(peers)
    before = list(scene.framework.entries)

    peers.stand("one")

    assert before == []
    assert scene.framework.entries == ["subscribed 0000"]


# Goal: no subscription is lost on a master that would drop it. Method: one that is slow to read its registry.
def test_a_framework_subscribes_once_the_master_serves(peers: Peers) -> None:
    peers.registry.hold()
    master = peers.stand("one")
    scene = Scene(peers)

    peers.registry.release()
    peers.settle()

    assert scene.framework.entries == ["subscribed 0000"]
    actor: Any = master._process.actor
    assert actor._metrics.dropped_messages.value == 0


# Goal: a framework does not stay with a master that was voted out and does not know. Method: it is cut off.
def test_a_framework_leaves_a_master_that_only_believes_that_it_leads(peers: Peers) -> None:
    first, second = peers.stand("one"), peers.stand("two")
    scene = Scene(peers)

    peers.election.cut_off(peers.members["one"])
    peers.settle()

    assert scene.framework.entries == ["subscribed 0000", "disconnected", "resubscribed 0000"]
    assert [entry.connected for entry in scene.frameworks(second)] == [True]
    assert peers.leading(first, second) == [True, True]


@pytest.mark.parametrize("capabilities", [(), (PARTITION_AWARE,)])
def test_a_task_that_is_launched_without_a_master_is_told_lost(peers: Peers, capabilities: tuple[str, ...]) -> None:
    # Source: SchedulerDriverTest, "Master disconnected" of sched.cpp
    first = peers.stand("one")
    la.spawn(FakeAgent(first, Resources.parse("cpus:1;mem:64")))
    scene = Scene(peers, Diary(capabilities=capabilities))
    peers.end(first)

    scene.do("launch_on_last")

    [status] = scene.framework.statuses
    assert status.state is (TaskState.TASK_DROPPED if capabilities else TaskState.TASK_LOST)
    assert (status.task_id, status.reason) == ("t", Reason.REASON_MASTER_DISCONNECTED)
    assert status.uuid is None


def test_other_calls_without_a_master_are_dropped(peers: Peers) -> None:
    first = peers.stand("one")
    scene = Scene(peers)
    peers.end(first)

    scene.do("kill", "nobody")
    scene.do("reconcile", "nobody")
    second = peers.stand("two")

    assert scene.framework.statuses == []
    assert len(scene.frameworks(second)) == 1


@pytest.mark.parametrize(("calls", "told"), [([("suppress",)], 0), ([("suppress",), ("revive",)], 1)])
def test_what_a_framework_wants_no_offers_for_is_told_to_the_next_master(
    peers: Peers, calls: list[tuple[str, ...]], told: int
) -> None:
    first, second = peers.stand("one"), peers.stand("two")
    scene = Scene(peers)
    for call in calls:
        scene.do(*call)
    peers.end(first)

    la.spawn(FakeAgent(second, Resources.parse("cpus:1;mem:64")))
    peers.settle()

    assert len(scene.framework.offers) == told


def test_a_framework_that_stops_without_a_master_leaves_the_next_one(peers: Peers) -> None:
    first = peers.stand("one")
    scene = Scene(peers)
    peers.end(first)

    scene.do("stop", "done")
    waits = scene.result.is_pending()
    second = peers.stand("two")

    assert waits
    assert scene.result.get(timeout=60) == "done"
    assert scene.frameworks(second) == ()
    assert "resubscribed 0000" not in scene.framework.entries


def test_a_framework_that_nobody_will_lead_any_more_ends(peers: Peers) -> None:
    class Over:
        def detect(self, previous: Leader | None = None) -> la.Future[Leader | None]:
            return la.failed(MasterEnded("all masters have stopped"))

    framework = Diary()

    result = submit(peers.runtime, framework, LocalConnection(Over()))

    with pytest.raises(InvalidRequest, match="diary: all masters have stopped"):
        result.get(timeout=60)


# Goal: a framework is told by one master only. Method: the first one is cut off, and has an offer to make after the
#   takeover: of what was declined.
def test_a_framework_heeds_a_master_that_was_voted_out_no_more(peers: Peers) -> None:
    first, _ = peers.stand("one"), peers.stand("two")
    la.spawn(FakeAgent(first, Resources.parse("cpus:1;mem:64")))
    scene = Scene(peers)
    scene.do("decline", scene.framework.offers[-1])
    peers.election.cut_off(peers.members["one"])
    peers.settle()

    for _ in range(10):
        peers.runtime.clock.advance(1)
        peers.settle()
    [entry] = scene.frameworks(first)

    assert len(entry.offers) == 1
    assert len(scene.framework.offers) == 1


# Goal: a launch is answered, whenever its master is lost. Method: what it is made on waits behind the news of the
#   loss, but before the framework hears of that.
def test_a_task_that_is_launched_as_the_master_is_lost_is_told_lost(peers: Peers) -> None:
    first = peers.stand("one")
    la.spawn(FakeAgent(first, Resources.parse("cpus:1;mem:64")))
    scene = Scene(peers)
    connection: Any = scene.framework.connection

    def lose_and_launch() -> None:
        connection._detected(None)
        scene.framework.launch_on_last()

    la.execute(scene.framework.pid, lose_and_launch).get(timeout=60)
    peers.settle()

    [status] = scene.framework.statuses
    assert (status.state, status.reason) == (TaskState.TASK_LOST, Reason.REASON_MASTER_DISCONNECTED)
