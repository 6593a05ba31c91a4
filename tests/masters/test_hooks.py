"""Hooks of frameworks that are coroutines: when they run, what comes in between, and how they end."""

# Method: a connection that keeps what is called, and events as a master posts them; the clock is paused. Once each with
#   a real master, in this program and in another one.

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

import libactor as la
from libactor.testing import DeterministicRuntime
from mesoslite import Framework, Offer, Resources, TaskState, TaskStatus
from mesoslite.framework import LocalConnection, submit
from mesoslite.framework.connected import Connected, Disconnected
from mesoslite.master import Master
from mesoslite.model import (
    Acknowledge,
    AcknowledgeOperationStatus,
    AgentID,
    Call,
    Error,
    Event,
    ExecutorID,
    ExecutorMessage,
    Failure,
    FrameworkEnded,
    FrameworkID,
    InverseOffers,
    Kill,
    Offers,
    OperationID,
    OperationState,
    OperationStatus,
    Rescind,
    RescindInverseOffer,
    RunTask,
    Source,
    StatusUpdateAcknowledgement,
    Subscribe,
    Subscribed,
    TaskID,
    Teardown,
    Update,
    UpdateOperationStatus,
)
from mesoslite.model.offers import OfferID

from .stage import FakeAgent, Stage
from .test_remote_frameworks import ADDRESS, World

STATUS = TaskStatus(
    task_id=TaskID("t"),
    state=TaskState.TASK_RUNNING,
    source=Source.SOURCE_EXECUTOR,
    timestamp=0.0,
    agent_id=AgentID("a"),
    uuid=b"0123456789abcdef",
)
OPERATION = OperationStatus(
    state=OperationState.OPERATION_FINISHED, operation_id=OperationID("o"), uuid=b"0123456789abcdef"
)
SUBSCRIBED = Subscribed(framework_id=FrameworkID("f"), master_id="m", heartbeat_interval_seconds=15.0)
MESSAGE = ExecutorMessage(AgentID("a"), ExecutorID("e"), b"hello")

# Each hook by the events that lead to it, from the first subscription on.
HOOKS: dict[str, tuple[Any, ...]] = {
    "on_subscribed": (),
    "on_disconnected": (Disconnected(),),
    "on_resubscribed": (Disconnected(), Connected(), SUBSCRIBED),
    "on_offers": (Offers(()),),
    "on_update": (Update(STATUS),),
    "on_operation": (UpdateOperationStatus(OPERATION),),
    "on_rescind": (Rescind(OfferID("o")),),
    "on_inverse_offers": (InverseOffers(()),),
    "on_rescind_inverse_offer": (RescindInverseOffer(OfferID("o")),),
    "on_message": (MESSAGE,),
    "on_executor_end": (Failure(AgentID("a"), ExecutorID("e"), 1),),
    "on_failure": (Failure(AgentID("a")),),
    "on_error": (Error("no"),),
}


class Line:
    """Implements SchedulerConnection: keeps the calls, and has a master unless it is told otherwise."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def open(self, framework: la.PID[Any]) -> None:
        la.post(framework, Connected())

    def send(self, call: Call) -> bool:
        self.calls.append(call)
        return True

    def heeds(self, sender: Any) -> bool:
        return True

    def answered(self) -> None: ...

    def exited(self, pid: Any, reason: BaseException | None) -> bool:
        return False

    def close(self) -> None: ...


class Scene:
    """A framework that is subscribed; what its hooks wait for comes by ``open``."""

    def __init__(self, runtime: la.Runtime, kind: type[Framework]) -> None:
        self.runtime = runtime
        runtime.clock.pause()
        self.line = Line()
        self.entries: list[str] = []
        self.gate: la.Promise[None] = la.Promise()
        self.framework: Any = kind(failover_timeout=60)
        self.framework.scene = self
        self.result = submit(runtime, self.framework, self.line)
        self.settle()
        self.post(SUBSCRIBED)

    def settle(self) -> None:
        self.runtime.clock.settle()

    def post(self, *events: Event | Connected | Disconnected) -> None:
        for event in events:
            la.post(self.framework.pid, event)
        self.settle()

    def open(self) -> None:
        """Let the hooks that wait go on."""
        self.gate.set(None)
        self.settle()

    def called(self, *kinds: type) -> list[Call]:
        return [call for call in self.line.calls if isinstance(call, kinds)]


Make = Callable[[type[Framework]], Scene]


@pytest.fixture
def scene() -> Iterator[Make]:
    with la.Runtime() as runtime:
        yield lambda kind: Scene(runtime, kind)


class Patient(Framework):
    """Waits in some hooks for the gate of its scene, and writes down when it begins and ends."""

    scene: Scene

    async def on_offers(self, offers: tuple[Offer, ...]) -> None:
        await self.wait(f"offers {len(self.scene.entries)}")
        self.kill("after")  # a call is made from inside, also after the wait

    async def on_update(self, status: TaskStatus) -> None:
        await self.wait("update")

    async def on_operation(self, status: OperationStatus) -> None:
        await self.wait("operation")

    def on_message(self, agent_id: AgentID, executor_id: ExecutorID, data: bytes) -> None:
        self.scene.entries.append(data.decode())

    def on_disconnected(self) -> None:
        self.scene.entries.append("disconnected")

    async def wait(self, what: str) -> None:
        self.scene.entries.append(f"{what} begins")
        try:
            await self.scene.gate.future
            self.scene.entries.append(f"{what} goes on")
        finally:
            self.scene.entries.append(f"{what} ends")


@pytest.mark.parametrize("hook", HOOKS)
def test_any_hook_may_be_a_coroutine(scene: Make, hook: str) -> None:
    async def waiting(self: Any, *arguments: Any) -> None:
        await self.scene.gate.future
        self.scene.entries.append(hook)

    made = scene(type("Modern", (Framework,), {hook: waiting}))
    made.post(*HOOKS[hook])
    before = list(made.entries)

    made.open()

    assert (before, made.entries) == ([], [hook])
    assert made.result.is_pending()


def test_on_error_may_be_a_coroutine_when_the_master_s_actor_ends() -> None:
    class Modern(Framework):
        async def on_error(self, message: str) -> None:
            await la.sleep(1)
            self.stop(message)

    with la.Runtime() as runtime:
        stage = Stage(runtime)
        result = submit(runtime, Modern(), LocalConnection(stage.master))
        stage.settle()
        la.terminate(stage.master)
        stage.settle()
        before = result.is_pending()

        stage.advance(1)

        assert before
        assert result.get(timeout=60) == "the master has stopped"


def test_hooks_begin_in_the_order_of_events_and_others_come_in_while_one_waits(scene: Make) -> None:
    made = scene(Patient)
    made.post(Offers(()), MESSAGE, Offers(()), Disconnected())

    made.open()

    begun = ["offers 0 begins", "hello", "offers 2 begins", "disconnected"]
    assert made.entries[:4] == begun
    assert made.entries[4:] == ["offers 0 goes on", "offers 0 ends", "offers 2 goes on", "offers 2 ends"]


def test_a_hook_calls_the_master_after_its_wait(scene: Make) -> None:
    made = scene(Patient)
    made.post(Offers(()))
    before = made.called(Kill)

    made.open()

    assert (before, len(made.called(Kill))) == ([], 1)


def test_a_hook_that_waits_for_what_another_event_brings_gets_it(scene: Make) -> None:
    class Asking(Framework):
        scene: Scene

        async def on_offers(self, offers: tuple[Offer, ...]) -> None:
            self.answer: la.Promise[bytes] = la.Promise()
            self.tell_executor("a", "e", b"question")
            self.stop(await self.answer.future)

        def on_message(self, agent_id: AgentID, executor_id: ExecutorID, data: bytes) -> None:
            self.answer.set(data)

    made = scene(Asking)
    made.post(Offers(()), MESSAGE)

    assert made.result.get(timeout=60) == b"hello"


def test_a_hook_asks_other_actors_and_its_own(scene: Make) -> None:
    class Store(la.Actor):
        def price(self, what: str) -> int:
            return len(what)

    class Asking(Framework):
        async def on_offers(self, offers: tuple[Offer, ...]) -> None:
            store = la.spawn(Store())
            price = await la.dispatch(store, Store.price, "abc")
            self.stop((price, await la.dispatch(self.pid, Asking.twice, price)))

        async def twice(self, price: int) -> int:
            await la.sleep(0)
            return 2 * price

    made = scene(Asking)
    made.post(Offers(()))

    assert made.result.get(timeout=60) == (3, 6)


def test_hooks_that_take_a_mutex_wait_for_one_another(scene: Make) -> None:
    class Careful(Patient):
        async def on_offers(self, offers: tuple[Offer, ...]) -> None:
            async with self.turn:
                await self.wait("offers")

    made = scene(Careful)
    made.framework.turn = la.Mutex()
    made.post(Offers(()), Offers(()))

    made.open()

    assert made.entries == ["offers begins", "offers goes on", "offers ends"] * 2


@pytest.mark.parametrize(
    ("event", "kind"),
    [(Update(STATUS), Acknowledge), (UpdateOperationStatus(OPERATION), AcknowledgeOperationStatus)],
)
def test_a_status_is_acknowledged_once_its_hook_has_ended(scene: Make, event: Event, kind: type) -> None:
    made = scene(Patient)
    made.post(event)
    before = made.called(kind)

    made.open()

    assert (before, len(made.called(kind))) == ([], 1)


def test_a_plain_hook_may_return_a_future(scene: Make) -> None:
    class Handing(Framework):
        scene: Scene

        def on_update(self, status: TaskStatus) -> la.Future[None]:
            return self.scene.gate.future

    made = scene(Handing)
    made.post(Update(STATUS))
    before = made.called(Acknowledge)

    made.open()

    assert (before, len(made.called(Acknowledge))) == ([], 1)


# Goal: who takes longer than an agent waits for an acknowledgement does the work once.
def test_a_status_that_is_delivered_again_while_its_hook_waits_is_passed_over(scene: Make) -> None:
    made = scene(Patient)
    made.post(Update(STATUS), Update(STATUS))
    made.open()
    at_once = (list(made.entries), len(made.called(Acknowledge)))

    made.post(Update(STATUS))  # the acknowledgement was lost

    assert at_once == (["update begins", "update goes on", "update ends"], 1)
    assert (len(made.entries), len(made.called(Acknowledge))) == (6, 2)


def test_statuses_without_a_uuid_are_all_heard(scene: Make) -> None:
    made = scene(Patient)
    status = msgspec.structs.replace(STATUS, uuid=None)
    made.post(Update(status), Update(status))

    made.open()

    assert (made.entries.count("update ends"), made.called(Acknowledge)) == (2, [])


@pytest.mark.parametrize("error", [ValueError("what"), la.Discarded("what")])
def test_an_exception_after_the_wait_ends_the_framework_unacknowledged(scene: Make, error: Exception) -> None:
    class Faulty(Framework):
        scene: Scene

        async def on_update(self, status: TaskStatus) -> None:
            await self.scene.gate.future
            raise error

    made = scene(Faulty)
    made.post(Update(STATUS))

    made.open()

    with pytest.raises(type(error), match="what"):
        made.result.get(timeout=60)
    assert made.called(Acknowledge, Teardown) == []


def test_stop_closes_the_hooks_that_wait_and_acknowledges_nothing(scene: Make) -> None:
    made = scene(Patient)
    made.post(Update(STATUS))

    la.execute(made.framework.pid, lambda: made.framework.stop("enough")).get(timeout=60)
    made.settle()

    assert made.result.get(timeout=60) == "enough"
    assert made.entries == ["update begins", "update ends"]
    assert made.gate.future.has_discard()
    assert made.called(Acknowledge) == []
    assert len(made.called(Teardown)) == 1


def test_a_framework_whose_hook_waits_can_be_ended_from_outside(scene: Make) -> None:
    made = scene(Patient)
    made.post(Update(STATUS))

    made.result.discard()
    made.settle()

    with pytest.raises((la.Discarded, FrameworkEnded)):
        made.result.get(timeout=60)
    assert made.entries == ["update begins", "update ends"]
    assert len(made.called(Teardown)) == 1


def test_a_hook_that_calls_stop_ends_at_its_next_wait(scene: Make) -> None:
    class Brief(Patient):
        async def on_update(self, status: TaskStatus) -> None:
            self.stop("done")
            await self.wait("update")

    made = scene(Brief)

    made.post(Update(STATUS))

    assert made.result.get(timeout=60) == "done"
    assert made.entries == ["update begins", "update ends"]
    assert made.called(Acknowledge) == []


def test_what_a_hook_calls_after_its_master_was_lost_is_dropped(scene: Make) -> None:
    made = scene(Patient)
    made.post(Offers(()), Update(STATUS), Disconnected())

    made.open()

    assert made.called(Kill, Acknowledge) == []
    assert [type(call) for call in made.line.calls] == [Subscribe]


# ---- with a master ----


class Waiting(Framework):
    """Launches one task after a while, and takes a while to hear of it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_launched = False
        self.seen: list[TaskState] = []

    async def on_offers(self, offers: tuple[Offer, ...]) -> None:
        tasks = [] if self.is_launched else [self.task(offers[0], "true", cpus=1, task_id="t")]
        self.is_launched = True
        await la.sleep(1)
        self.launch(offers[0], tasks)

    async def on_update(self, status: TaskStatus) -> None:
        await la.sleep(1)
        self.seen.append(status.state)


def test_the_agent_s_status_is_acknowledged_after_the_wait(stage: Stage) -> None:
    agent = stage.agent()
    framework = Waiting()
    result = submit(stage.runtime, framework, LocalConnection(stage.master))
    stage.advance(2)
    [task] = [message.task for message in stage.heard(agent, RunTask)]
    stage.report(agent, framework.framework_id, task, TaskState.TASK_RUNNING)
    before = stage.heard(agent, StatusUpdateAcknowledgement)

    stage.advance(1)

    assert before == []
    assert len(stage.heard(agent, StatusUpdateAcknowledgement)) == 1
    assert framework.seen == [TaskState.TASK_RUNNING]
    result.discard()
    stage.settle()


def test_coroutines_run_in_a_framework_of_another_program() -> None:
    with DeterministicRuntime(1) as runtime:
        world = World(runtime)
        world.framework = Waiting()
        master = world.start_master()
        world.submit()
        world.hosts[ADDRESS].spawn(FakeAgent(master, Resources.parse("cpus:4;mem:1024")))

        runtime.run_for(10)

        [entry] = la.dispatch(master, Master.state).get(timeout=60).frameworks
        assert [task.info.task_id for task in entry.tasks] == ["t"]
