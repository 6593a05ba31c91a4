"""A master, and agent and scheduler in another runtime: all between them goes through the codec, on real sockets."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any, TypeVar

import pytest

import libactor as la
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.master import Allocator, Master
from mesoslite.master.allocator_messages import Applied, Granted, Recovered
from mesoslite.model import (
    Accept,
    Acknowledge,
    AgentID,
    AgentInfo,
    AgentRegistered,
    AgentRemoved,
    CommandInfo,
    Error,
    Filters,
    FrameworkID,
    FrameworkInfo,
    Kill,
    Label,
    Launch,
    Offers,
    Ping,
    RegisterAgent,
    Rescind,
    Resources,
    RunTask,
    Source,
    StatusUpdate,
    StatusUpdateAcknowledgement,
    Subscribe,
    Subscribed,
    Suppress,
    TaskID,
    TaskInfo,
    TaskState,
    TaskStatus,
    Update,
)
from mesoslite.registry import MemoryRegistry, MemoryStorage, Registrar

from .test_intake import MALFORMED

pytestmark = pytest.mark.real

SECONDS = 30  # that anything is waited for at most
FINISHED = TaskState.TASK_FINISHED
UUID = b"0123456789abcdef"
T = TypeVar("T")


class Peer(la.Actor):
    """Somebody far away, who says what a test tells it to, and keeps what it hears."""

    def __init__(self, name: str, master: str) -> None:
        super().__init__(name)
        self.master = master
        self.heard: queue.SimpleQueue[Any] = queue.SimpleQueue()

    @la.handles(AgentRegistered)
    @la.handles(Ping)
    @la.handles(RunTask)
    @la.handles(StatusUpdateAcknowledgement)
    @la.handles(Subscribed)
    @la.handles(Offers)
    @la.handles(Rescind)
    @la.handles(Update)
    @la.handles(Error)
    def hear(self, message: Any) -> None:
        self.heard.put(message)

    def say(self, message: object, to: str, sender: str) -> None:
        la.post(la.parse_pid(to or self.master), message, sender=la.parse_pid(sender) if sender else self.pid)


class Far:
    """The runtimes, the master in one of them, and an agent and a scheduler in the other one."""

    def __init__(self, here: la.Runtime, there: la.Runtime) -> None:
        self.allocator = here.spawn(Allocator(HierarchicalAllocator()))
        registrar = here.spawn(Registrar(MemoryStorage(MemoryRegistry())))
        self.actor = Master(self.allocator, registrar)
        self.master = here.spawn(self.actor)
        la.dispatch(self.master, Master.wait_leading).get(timeout=SECONDS)
        self.peers = {name: Peer(name, str(self.master)) for name in ("agent", "scheduler", "stranger")}
        self.pids = {name: there.spawn(peer) for name, peer in self.peers.items()}

    def say(self, name: str, *messages: object, to: str = "", sender: str = "") -> None:
        for message in messages:
            la.dispatch(self.pids[name], Peer.say, message, to, sender).get(timeout=SECONDS)

    def hear(self, name: str, kind: type[T]) -> T:
        """The next of that kind; what comes before it is passed over."""
        while True:
            message = self.peers[name].heard.get(timeout=SECONDS)
            if isinstance(message, kind):
                return message

    def register(self) -> AgentID:
        self.say("agent", RegisterAgent(AgentInfo(hostname="far", port=1, resources=Resources.parse("cpus:4;mem:64"))))
        return self.hear("agent", AgentRegistered).agent_id

    def subscribe(self) -> FrameworkID:
        self.say("scheduler", Subscribe(FrameworkInfo(name="far")))
        return self.hear("scheduler", Subscribed).framework_id

    def dropped(self) -> float:
        return self.actor._metrics.dropped_messages.value


def status_of(task_id: str, agent_id: AgentID) -> TaskStatus:
    return TaskStatus(
        task_id=TaskID(task_id),
        state=FINISHED,
        source=Source.SOURCE_EXECUTOR,
        timestamp=1.0,
        agent_id=agent_id,
        uuid=UUID,
    )


@pytest.fixture
def far() -> Iterator[Far]:
    with la.Runtime(remote=la.Remote("127.0.0.1:0")) as here, la.Runtime(remote=la.Remote("127.0.0.1:0")) as there:
        yield Far(here, there)


def test_a_task_goes_from_its_offer_to_its_last_acknowledgement(far: Far) -> None:
    agent_id, framework_id = far.register(), far.subscribe()
    [offer] = far.hear("scheduler", Offers).offers
    assert offer.ip == "127.0.0.1"
    task = TaskInfo(
        task_id=TaskID("t"),
        name="t",
        agent_id=agent_id,
        resources=Resources.of(cpus=1),
        command=CommandInfo(value="true"),
    )
    status = status_of(task.task_id, agent_id)

    launch = (Launch((task,)),)
    far.say(
        "scheduler",
        Accept(framework_id=framework_id, offer_ids=(offer.id,), operations=launch, filters=Filters(0.0)),
    )
    run = far.hear("agent", RunTask)
    far.say("agent", StatusUpdate(framework_id=framework_id, status=status, latest_state=status.state))
    told = far.hear("scheduler", Update)
    far.say("scheduler", Acknowledge(framework_id=framework_id, agent_id=agent_id, task_id=task.task_id, uuid=UUID))
    acknowledged = far.hear("agent", StatusUpdateAcknowledgement)

    assert (run.task, told.status, acknowledged.uuid) == (task, status, UUID)
    [framework] = la.dispatch(far.master, Master.state).get(timeout=SECONDS).frameworks
    assert [record.state for record in framework.completed_tasks] == [TaskState.TASK_FINISHED]


# What is none of its class arrives all the same: the codec does not compare. What cannot be coded fails at its sender.
# Method: a status behind it all, which is served after it and told.
def test_what_is_malformed_arrives_and_is_dropped(far: Far) -> None:
    agent_id, framework_id = far.register(), far.subscribe()
    malformed = [message for message in MALFORMED if "ud800" not in repr(message)]
    calls: list[Any] = [
        Suppress(framework_id, {"*": 1}),  # type: ignore[arg-type]
        Kill(framework_id=framework_id, task_id=7),  # type: ignore[arg-type]
        Subscribe(FrameworkInfo(name="x", failover_timeout=2**80)),
    ]

    far.say("agent", *malformed)
    far.say("scheduler", *calls)
    errors = [far.hear("scheduler", Error) for _ in calls]
    far.say("agent", StatusUpdate(framework_id=framework_id, status=status_of("t", agent_id), latest_state=FINISHED))

    assert far.hear("scheduler", Update).status.task_id == "t"
    assert far.dropped() == len(malformed) + len(errors)
    state = la.dispatch(far.master, Master.state).get(timeout=SECONDS)
    assert (len(state.agents), len(state.frameworks)) == (1, 1)


def test_a_peer_speaks_neither_for_the_master_nor_for_its_allocator(far: Far) -> None:
    master, allocator = str(far.master), str(far.allocator)
    far.register()
    framework_id = far.subscribe()

    far.say("stranger", Subscribe(FrameworkInfo(name="x")), sender=master)
    far.say(
        "stranger", RegisterAgent(AgentInfo(hostname="x", port=1, resources=Resources.of(cpus=1))), sender=allocator
    )
    far.say("stranger", Granted((7,)))  # type: ignore[arg-type]
    far.say("stranger", Recovered(framework_id=framework_id, role=7, agent_id=7, resources=7), to=allocator)  # type: ignore[arg-type]
    far.say("stranger", Applied(AgentRemoved(AgentID("a"))), to=allocator)
    far.say("stranger", Subscribe(FrameworkInfo(name="honest")))

    assert far.hear("stranger", Subscribed).framework_id != framework_id
    assert far.dropped() == 3
    state = la.dispatch(far.master, Master.state).get(timeout=SECONDS)
    assert (len(state.agents), len(state.frameworks)) == (1, 2)


# ---- more than a message takes ----


@pytest.fixture
def narrow() -> Iterator[tuple[Far, la.Runtime]]:
    """Messages between the two have 100,000 bytes at most; what is in the master's program has no such bound."""
    remote = la.Remote("127.0.0.1:0", frame_bytes_max=100_000)
    with la.Runtime(remote=remote) as here, la.Runtime(remote=la.Remote("127.0.0.1:0")) as there:
        yield Far(here, there), here


def near(here: la.Runtime, far: Far, name: str, greeting: object) -> Peer:
    """Somebody in the master's program, who begins by saying so."""
    peer = Peer(name, str(far.master))
    la.dispatch(here.spawn(peer), Peer.say, greeting, "", "").get(timeout=SECONDS)
    return peer


def register_large(here: la.Runtime, far: Far, name: str, zones: int) -> None:
    text = ",".join([f"zone-{number:06}" for number in range(zones)])
    resources = Resources.parse(f"cpus:1;mem:64;zones:{{{text}}}")
    peer = near(here, far, name, RegisterAgent(AgentInfo(hostname="near", port=1, resources=resources)))
    while not isinstance(peer.heard.get(timeout=SECONDS), AgentRegistered):
        pass


def test_offers_that_are_more_than_a_message_takes_come_in_several(narrow: tuple[Far, la.Runtime]) -> None:
    far, here = narrow
    for number in range(4):
        register_large(here, far, f"near-{number}", 3_000)
    far.subscribe()

    agents: set[AgentID] = set()
    while len(agents) < 4:
        agents |= {offer.agent_id for offer in far.hear("scheduler", Offers).offers}


def test_an_offer_that_fits_into_no_message_is_taken_back_and_made_to_others(narrow: tuple[Far, la.Runtime]) -> None:
    far, here = narrow
    register_large(here, far, "near", 10_000)
    far.subscribe()

    agent_id = far.register()
    heard = [offer.agent_id for offer in far.hear("scheduler", Offers).offers]
    other = near(here, far, "other", Subscribe(FrameworkInfo(name="other")))
    while not isinstance(event := other.heard.get(timeout=SECONDS), Offers):
        pass

    assert heard == [agent_id]
    assert [offer.resources.get("cpus") for offer in event.offers] == [1]


def test_a_launch_that_fits_into_no_message_is_lost_on_its_way_and_ends_nobody(
    narrow: tuple[Far, la.Runtime],
) -> None:
    far, here = narrow
    agent_id = far.register()
    labels = (Label("a", "x" * 60_000),)
    scheduler = near(here, far, "near", Subscribe(FrameworkInfo(name="near", labels=labels)))
    framework_id = scheduler.heard.get(timeout=SECONDS).framework_id
    [offer] = scheduler.heard.get(timeout=SECONDS).offers
    task = TaskInfo(
        task_id=TaskID("t"),
        name="t",
        agent_id=agent_id,
        resources=Resources.of(cpus=1),
        command=CommandInfo(value="true"),
        labels=labels,
    )

    call = Accept(framework_id=framework_id, offer_ids=(offer.id,), operations=(Launch((task,)),), filters=Filters(0.0))
    la.dispatch(scheduler.pid, Peer.say, call, "", "").get(timeout=SECONDS)

    [framework] = la.dispatch(far.master, Master.state).get(timeout=SECONDS).frameworks
    assert [record.state for record in framework.tasks] == [TaskState.TASK_STAGING]


def test_a_refusal_of_a_framework_whose_principal_is_long_is_short_and_ends_nobody(
    narrow: tuple[Far, la.Runtime],
) -> None:
    far, _ = narrow
    far.say("scheduler", Subscribe(FrameworkInfo(name="far", principal="x" * 90_000)))
    framework_id = far.hear("scheduler", Subscribed).framework_id

    far.say("scheduler", Subscribe(FrameworkInfo(name="far", principal="y" * 90_000, id=framework_id)))

    assert len(far.hear("scheduler", Error).message) < 500
