"""Frameworks of other programs: they reach their master by the transport, and find it again when it was lost."""

# Method: simulated hosts, one with the master, one with the framework: time and the network do as they are told.
# Source: the names in comments are those of Mesos's tests (fault_tolerance_tests, scheduler_driver_tests).

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

import libactor as la
from libactor.testing import Conditions, DeterministicRuntime, Host
from mesoslite import Framework, InvalidRequest, Offer, Resources, TaskState, TaskStatus
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.election import StandaloneMember
from mesoslite.framework import RemoteConnection, submit
from mesoslite.master import Allocator, Master
from mesoslite.model import Leader, MasterInfo
from mesoslite.registry import MemoryRegistry, MemoryStorage, Registrar

from .stage import FakeAgent

ADDRESS = "10.0.0.1:5055"
OTHER_ADDRESS = "10.0.0.2:5055"


class Diary(Framework):
    """Writes down what happens."""

    def __init__(self, **options: Any) -> None:
        super().__init__("diary", **options)
        self.entries: list[str] = []
        self.errors: list[str] = []
        self.offers: list[Offer] = []
        self.statuses: list[TaskStatus] = []

    def on_subscribed(self, framework_id: str) -> None:
        self.entries.append("subscribed")

    def on_disconnected(self) -> None:
        self.entries.append("disconnected")

    def on_resubscribed(self, framework_id: str) -> None:
        self.entries.append("resubscribed")

    def on_offers(self, offers: tuple[Offer, ...]) -> None:
        self.offers += offers

    def on_update(self, status: TaskStatus) -> None:
        self.statuses.append(status)

    def on_error(self, message: str) -> None:
        self.errors.append(message)

    def launch_on_last(self) -> None:
        self.launch(self.offers[-1], self.task(self.offers[-1], "true", cpus=1, task_id="t"))


class World:
    """Hosts of masters, and one of a framework."""

    def __init__(self, runtime: DeterministicRuntime, near: str = "10.0.0.9:5055") -> None:
        self.runtime = runtime
        self.near = runtime.host(near)
        self.hosts: dict[str, Host] = {}
        self.framework: Any = Diary(failover_timeout=1e6)

    def start_master(self, address: str = ADDRESS) -> la.PID[Master]:
        host = self.hosts.get(address) or self.runtime.host(address)
        self.hosts[address] = host
        if host.life.dead:
            self.runtime.network.start(host)
        registrar = host.spawn(Registrar(MemoryStorage(MemoryRegistry()), id=la.generate_id("registrar")))
        with host:
            master = Master(host.spawn(Allocator(HierarchicalAllocator())), registrar, id="master")
        pid = host.spawn(master)
        self.runtime.settle()
        return pid

    def submit(self, where: Any = ADDRESS) -> la.Future[Any]:
        with self.near:
            return submit(self.near, self.framework, RemoteConnection(where))

    def subscribed_at(self, master: la.PID[Master]) -> list[bool]:
        return [entry.connected for entry in la.dispatch(master, Master.state).get(timeout=60).frameworks]


@pytest.fixture
def world() -> Iterator[World]:
    with DeterministicRuntime(1) as runtime:
        yield World(runtime)


def test_a_framework_launches_on_a_master_of_another_program(world: World) -> None:
    master = world.start_master()
    world.submit()
    world.hosts[ADDRESS].spawn(FakeAgent(master, Resources.parse("cpus:4;mem:1024")))
    world.runtime.run_for(10)
    before = [offer.resources for offer in world.framework.offers]

    la.dispatch(world.framework.pid, Diary.launch_on_last).get(timeout=60)
    world.runtime.run_for(1)

    assert before == [Resources.parse("cpus:4;mem:1024")]
    [entry] = la.dispatch(master, Master.state).get(timeout=60).frameworks
    assert [task.info.task_id for task in entry.tasks] == ["t"]


# Source: FaultToleranceTest.SchedulerReregister, MasterFailover
def test_it_finds_a_master_that_begins_anew_where_the_last_one_was(world: World) -> None:
    world.start_master()
    world.submit()
    world.runtime.run_for(10)

    world.runtime.network.crash(ADDRESS)
    world.runtime.run_for(60)
    before = list(world.framework.entries)
    master = world.start_master()
    world.runtime.run_for(120)

    assert before == ["subscribed", "disconnected"]
    assert world.framework.entries == ["subscribed", "disconnected", "resubscribed"]
    assert world.subscribed_at(master) == [True]


def test_a_connection_that_breaks_is_made_again_and_the_id_stays(world: World) -> None:
    master = world.start_master()
    world.submit()
    world.runtime.run_for(10)
    own = world.framework.framework_id

    world.runtime.network.reset(ADDRESS, world.near.address)
    world.runtime.run_for(30)

    assert world.framework.entries == ["subscribed", "disconnected", "resubscribed"]
    assert world.framework.framework_id == own
    assert world.subscribed_at(master) == [True]


# Goal: no subscription is lost for good. Method: nothing gets through at first; then the network loses half of all.
def test_a_subscription_is_repeated_until_it_is_answered(world: World) -> None:
    world.runtime.network.conditions = Conditions(loss=1.0)
    master = world.start_master()
    world.submit()
    world.runtime.run_for(5)
    before = world.subscribed_at(master)

    world.runtime.network.conditions = Conditions()
    world.runtime.run_for(30)

    assert before == []
    assert world.framework.entries == ["subscribed"]
    assert world.subscribed_at(master) == [True]


def test_after_an_answer_the_next_wait_is_short_again(world: World) -> None:
    world.runtime.network.conditions = Conditions(loss=1.0)
    world.start_master()
    world.submit()
    world.runtime.run_for(100)
    world.runtime.network.conditions = Conditions()
    world.runtime.run_for(100)

    world.runtime.network.reset(ADDRESS, world.near.address)
    world.runtime.run_for(2)

    assert world.framework.entries == ["subscribed", "disconnected", "resubscribed"]


def test_once_it_is_answered_a_subscription_is_not_repeated(world: World) -> None:
    master = world.start_master()
    world.submit()
    world.runtime.run_for(10)

    world.runtime.run_for(300)

    [entry] = la.dispatch(master, Master.state).get(timeout=60).frameworks
    assert entry.reregistered_time is None


def test_it_waits_for_a_master_that_is_not_there_yet_and_says_so_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.hosts[ADDRESS] = world.runtime.host(ADDRESS)
    world.runtime.network.crash(ADDRESS)
    with caplog.at_level(logging.WARNING, "mesoslite.framework"):
        world.submit()
        world.runtime.run_for(200)
        before = [record.getMessage() for record in caplog.records]
        world.start_master()
        world.runtime.run_for(120)

    assert [f"master@{ADDRESS} has gone, or cannot be reached" in text for text in before] == [True]
    assert caplog.records[-1].getMessage() == f"master master@{ADDRESS} answers again"
    assert world.framework.entries == ["subscribed"]


# Source: SchedulerDriverTest (MasterDisconnected); src/sched/sched.cpp (acceptOffers)
# Goal: a master that is away for seconds is found within seconds: waits double with each attempt, not twice.
# Method: attempts come 1, 3 and 7 s after the first at most, the third of these 3.5 s after it at least.
@pytest.mark.parametrize("seed", range(5))
def test_each_attempt_waits_twice_as_long_as_the_one_before_and_no_longer(seed: int) -> None:
    with DeterministicRuntime(seed) as runtime:
        world = World(runtime)
        world.hosts[ADDRESS] = runtime.host(ADDRESS)  # it says at once that there is no master
        world.submit()
        runtime.run_for(3.4)

        world.start_master()
        runtime.run_for(3.7)

        assert world.framework.entries == ["subscribed"]


def test_a_task_that_is_launched_while_the_master_is_away_is_told_lost(world: World) -> None:
    master = world.start_master()
    world.submit()
    world.hosts[ADDRESS].spawn(FakeAgent(master, Resources.parse("cpus:4;mem:1024")))
    world.runtime.run_for(10)
    world.runtime.network.crash(ADDRESS)
    world.runtime.run_for(60)

    la.dispatch(world.framework.pid, Diary.launch_on_last).get(timeout=60)
    world.runtime.run_for(1)

    assert [status.state for status in world.framework.statuses] == [TaskState.TASK_LOST]


def test_it_follows_whoever_leads_and_heeds_nobody_else(world: World) -> None:
    first, second = world.start_master(), world.start_master(OTHER_ADDRESS)
    member = StandaloneMember(Leader(MasterInfo(id="1", pid=f"master@{ADDRESS}"), 1))
    world.submit(member)
    world.runtime.run_for(10)

    member.appoint(Leader(MasterInfo(id="2", pid=f"master@{OTHER_ADDRESS}"), 2))
    world.runtime.run_for(10)
    world.hosts[ADDRESS].spawn(FakeAgent(first, Resources.parse("cpus:4;mem:1024")))
    world.runtime.run_for(10)
    before = list(world.framework.offers)
    la.terminate(first)  # which is no news to it
    world.runtime.run_for(10)

    assert world.framework.entries == ["subscribed", "disconnected", "resubscribed"]
    assert world.subscribed_at(second) == [True]
    assert (before, world.framework.errors) == ([], [])


def test_a_detector_that_gives_up_is_an_error_and_one_that_is_left_is_told(world: World) -> None:
    promise: la.Promise[Leader | None] = la.Promise()

    class Silent:
        def detect(self, previous: Leader | None = None) -> la.Future[Leader | None]:
            return promise.future

    result = world.submit(Silent())
    world.runtime.run_for(1)
    other = la.Promise[Leader | None]()
    other.fail(OSError("nobody will lead"))
    failing = World(world.runtime, "10.0.0.8:5055")
    failing.submit(type("Failing", (), {"detect": lambda *_: other.future})())
    world.runtime.run_for(1)

    result.discard()
    world.runtime.run_for(1)

    assert failing.framework.errors == ["nobody will lead"]
    assert promise.future.has_discard()


def test_what_the_master_refuses_is_told_and_not_asked_again(world: World) -> None:
    world.start_master()
    world.framework.info = world.framework.info.__class__(name="diary", roles=("a/../b",))
    world.submit()

    world.runtime.run_for(300)

    [problem] = world.framework.errors
    assert "a/../b" in problem


def test_when_it_ends_it_leaves_the_cluster_and_no_timer_behind(world: World) -> None:
    master = world.start_master()
    result = world.submit()
    world.runtime.run_for(10)

    la.execute(world.framework.pid, lambda: world.framework.stop("done"))

    assert world.runtime.run_until(result, timeout=60) == "done"
    world.runtime.run_for(1)
    assert world.subscribed_at(master) == []


def test_one_that_never_found_its_master_ends_when_it_is_told_to(world: World) -> None:
    world.hosts[ADDRESS] = world.runtime.host(ADDRESS)
    world.runtime.network.crash(ADDRESS)
    result = world.submit()
    world.runtime.run_for(100)

    result.discard()
    world.runtime.run_for(1)

    assert result.is_discarded()
    assert la.wait(world.framework.pid, 0)


def test_one_that_is_told_to_end_while_it_subscribes_ends_once_that_is_lost(world: World) -> None:
    world.start_master()
    world.runtime.network.conditions = Conditions(loss=1.0)
    world.submit().discard()
    world.runtime.run_for(1)
    before = la.wait(world.framework.pid, 0)

    world.runtime.network.reset(ADDRESS, world.near.address)
    world.runtime.run_for(1)

    assert (before, la.wait(world.framework.pid, 0)) == (False, True)


# ---- hosts that are named ----

NAMED = "master.example:5055"


def name(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> None:
    """What each look-up comes to, the last one for good."""
    coming = list(answers)

    def look_up(address: str) -> Any:
        answer = coming.pop(0) if len(coming) > 1 else coming[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(la, "look_up", look_up)


# Method: the host has another address when it is looked up again, as one that was replaced.
def test_a_master_by_name_is_looked_up_for_each_attempt(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    name(monkeypatch, ("[::1]:5055", ADDRESS), OSError(-2, "Name or service not known"), (OTHER_ADDRESS,))
    world.start_master()
    world.submit(NAMED)
    world.runtime.run_for(10)
    world.runtime.network.crash(ADDRESS)
    world.start_master(OTHER_ADDRESS)
    world.runtime.run_for(200)

    assert world.framework.entries == ["subscribed", "disconnected", "resubscribed"]
    assert world.framework.errors == []


@pytest.mark.parametrize(
    ("answer", "problem"),
    [(OSError(-2, "Name or service not known"), "Name or service not known"), (("[::1]:5055",), "no IPv4 address")],
)
def test_a_name_that_never_led_anywhere_is_told_to_the_framework(
    world: World, monkeypatch: pytest.MonkeyPatch, answer: Any, problem: str
) -> None:
    name(monkeypatch, answer)
    world.submit(NAMED)
    world.runtime.run_for(10)

    [error] = world.framework.errors
    assert error.startswith(f"master {NAMED}: the name leads nowhere (")
    assert problem in error
    assert "correct the name" in error


@pytest.mark.parametrize("address", ["", "nowhere", "10.0.0.1", "http://10.0.0.1:5050"])
def test_an_address_that_is_none_is_a_clear_error(address: str) -> None:
    with la.Runtime(remote=la.Remote()) as runtime:
        result = submit(runtime, Diary(), RemoteConnection(address))

        with pytest.raises(InvalidRequest, match=f"RemoteConnection: master {address!r}: "):
            result.get(timeout=60)


def test_a_runtime_without_a_transport_is_a_clear_error() -> None:
    with la.Runtime() as runtime:
        result = submit(runtime, Diary(), RemoteConnection(ADDRESS))

        with pytest.raises(InvalidRequest, match="remote="):
            result.get(timeout=60)
