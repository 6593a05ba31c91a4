"""A master on a stage: the real master and allocator, agents and frameworks that only record, and a paused clock."""

from __future__ import annotations

from typing import Any

import libactor as la
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.master import Allocator, Master
from mesoslite.model import (
    Accept,
    AgentID,
    AgentInfo,
    AgentRegistered,
    Call,
    ClusterState,
    CommandInfo,
    Error,
    Event,
    Failure,
    Filters,
    FrameworkID,
    FrameworkInfo,
    Heartbeat,
    KillTask,
    Offer,
    Offers,
    RegisterAgent,
    Rescind,
    Resources,
    RunTask,
    ShutdownAgent,
    ShutdownFramework,
    Source,
    StatusUpdate,
    StatusUpdateAcknowledgement,
    Subscribe,
    Subscribed,
    TaskID,
    TaskInfo,
    TaskState,
    TaskStatus,
    UnregisterAgent,
    Update,
)


class FakeAgent(la.Actor):
    """Registers, records what it is sent, and says what it is told to say."""

    def __init__(self, master: la.PID[Master], resources: Resources) -> None:
        super().__init__(la.generate_id("slave"))
        self.master = master
        self.info = AgentInfo(hostname="host", port=5051, resources=resources)
        self.received: list[Any] = []

    def on_start(self) -> None:
        la.post(self.master, RegisterAgent(self.info))

    @la.handles(AgentRegistered)
    @la.handles(RunTask)
    @la.handles(KillTask)
    @la.handles(StatusUpdateAcknowledgement)
    @la.handles(ShutdownFramework)
    @la.handles(ShutdownAgent)
    def record(self, message: object) -> None:
        self.received.append(message)

    def say(self, message: object) -> None:
        la.post(self.master, message)

    def fail(self) -> None:
        raise OSError("the machine caught fire")

    def heard(self) -> tuple[Any, ...]:
        return tuple(self.received)


class FakeFramework(la.Actor):
    """Subscribes, records its events, and calls what it is told to call."""

    def __init__(self, master: la.PID[Master], info: FrameworkInfo) -> None:
        super().__init__(la.generate_id("scheduler"))
        self.master = master
        self.info = info
        self.events: list[Event] = []

    def on_start(self) -> None:
        la.post(self.master, Subscribe(self.info))

    @la.handles(Subscribed)
    @la.handles(Offers)
    @la.handles(Rescind)
    @la.handles(Update)
    @la.handles(Failure)
    @la.handles(Error)
    @la.handles(Heartbeat)
    def record(self, event: Any) -> None:
        self.events.append(event)

    def call(self, call: Call) -> None:
        la.post(self.master, call)

    def heard(self) -> tuple[Event, ...]:
        return tuple(self.events)


class Stage:
    """The cluster of one test; every method settles before it returns."""

    def __init__(self, runtime: la.Runtime) -> None:
        self.runtime = runtime
        runtime.clock.pause()
        self.allocator = la.spawn(Allocator(HierarchicalAllocator()))
        self.master = la.spawn(Master(self.allocator, hostname="localhost", port=5050))
        self.settle()

    def settle(self) -> None:
        self.runtime.clock.settle()

    def advance(self, seconds: float) -> None:
        """Let time pass in steps of a second at most, so that what repeats every second does."""
        while seconds > 0:
            self.runtime.clock.advance(min(seconds, 1))
            self.settle()
            seconds -= 1

    def agent(self, resources: str = "cpus:4;mem:1024") -> la.PID[FakeAgent]:
        pid = la.spawn(FakeAgent(self.master, Resources.parse(resources)))
        self.settle()
        return pid

    def framework(self, name: str = "test", **details: Any) -> la.PID[FakeFramework]:
        pid = la.spawn(FakeFramework(self.master, FrameworkInfo(name=name, **details)))
        self.settle()
        return pid

    def agent_id(self, agent: la.PID[FakeAgent]) -> AgentID:
        return next(message.agent_id for message in self.heard(agent, AgentRegistered))

    def framework_id(self, framework: la.PID[FakeFramework]) -> FrameworkID:
        return next(event.framework_id for event in self.heard(framework, Subscribed))

    def heard(self, who: la.PID[Any], kind: type) -> list[Any]:
        messages = la.dispatch(who, type(who._process.actor).heard).get(timeout=5)
        return [message for message in messages if type(message) is kind]

    def offers(self, framework: la.PID[FakeFramework]) -> list[Offer]:
        """Every offer the framework was ever sent, oldest first."""
        return [offer for event in self.heard(framework, Offers) for offer in event.offers]

    def updates(self, framework: la.PID[FakeFramework]) -> list[TaskStatus]:
        return [event.status for event in self.heard(framework, Update)]

    def call(self, framework: la.PID[FakeFramework], call: Call) -> None:
        la.tell(framework, FakeFramework.call, call)
        self.settle()

    def accept(
        self, framework: la.PID[FakeFramework], offer: Offer, *tasks: TaskInfo, refuse_seconds: float = 5.0
    ) -> None:
        self.call(
            framework,
            Accept(
                framework_id=offer.framework_id,
                offer_ids=(offer.id,),
                tasks=tasks,
                filters=Filters(refuse_seconds),
            ),
        )

    def run(self, framework: la.PID[FakeFramework], agent: la.PID[FakeAgent], task: TaskInfo) -> None:
        """Launch ``task`` on the framework's last offer and let it run."""
        self.accept(framework, self.offers(framework)[-1], task)
        self.report(agent, self.framework_id(framework), task, TaskState.TASK_RUNNING)

    def report(
        self,
        agent: la.PID[FakeAgent],
        framework_id: FrameworkID,
        task: TaskInfo,
        state: TaskState,
        uuid: bytes = b"0123456789abcdef",
        latest: TaskState | None = None,
    ) -> None:
        status = TaskStatus(
            task_id=task.task_id,
            state=state,
            source=Source.SOURCE_EXECUTOR,
            timestamp=1.0,
            agent_id=task.agent_id,
            uuid=uuid,
        )
        self.say(agent, StatusUpdate(framework_id=framework_id, status=status, latest_state=latest or state))

    def say(self, agent: la.PID[FakeAgent], message: StatusUpdate | UnregisterAgent | RegisterAgent) -> None:
        la.tell(agent, FakeAgent.say, message)
        self.settle()

    def lose(self, pid: la.PID[Any]) -> None:
        la.terminate(pid)
        self.settle()

    def state(self) -> ClusterState:
        return la.dispatch(self.master, Master.state).get(timeout=5)

    def knows(self, framework_id: FrameworkID) -> bool:
        return la.dispatch(self.master, Master.knows_framework, framework_id).get(timeout=5)

    def check_books(self) -> None:
        """Used, offered and free make up each agent, in the master's books and in the allocator's alike."""
        state = self.state()
        for agent in state.agents:
            assert agent.used + agent.offered + agent.free == agent.info.resources
            assert agent.info.id is not None
            available = la.dispatch(self.allocator, Allocator.available, agent.info.id).get(timeout=5)
            assert available == agent.free
        for framework in state.frameworks:
            assert framework.info.id is not None
            share = la.dispatch(self.allocator, Allocator.dominant_share, framework.info.id).get(timeout=5)
            assert share == framework.dominant_share


def task(offer: Offer, name: str = "task", resources: str = "cpus:1;mem:128", command: str = "true") -> TaskInfo:
    """A task for an offer."""
    return TaskInfo(
        task_id=TaskID(name),
        name=name,
        agent_id=offer.agent_id,
        resources=Resources.parse(resources),
        command=CommandInfo(value=command),
    )
