"""A master on a stage: the real master and allocator, agents and frameworks that only record, and a paused clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

import libactor as la
from mesoslite.allocator import HierarchicalAllocator, pattern_problem
from mesoslite.master import AgentOptions, Allocator, Master, MasterOptions
from mesoslite.master.allocator_messages import Applied
from mesoslite.master.census import UNDER_WAY
from mesoslite.model import (
    NOTHING,
    Accept,
    Acknowledge,
    AgentID,
    AgentInfo,
    AgentMessage,
    AgentRegistered,
    AgentReregistered,
    ApplyOperation,
    Call,
    ClusterState,
    CommandInfo,
    Delta,
    Drain,
    Error,
    Event,
    ExecutorMessage,
    Explanation,
    Failure,
    Filters,
    FrameworkID,
    FrameworkInfo,
    FrameworkToExecutor,
    Heartbeat,
    InverseOffer,
    InverseOffers,
    KillTask,
    Launch,
    Offer,
    Offers,
    Operation,
    OperationAcknowledgement,
    OperationsExpected,
    OperationState,
    OperationStatus,
    OperationUpdate,
    Ping,
    Pong,
    RegisterAgent,
    ReregisterAgent,
    Rescind,
    RescindInverseOffer,
    Resources,
    RoleConstraints,
    RunGroup,
    RunTask,
    ShutdownAgent,
    ShutdownExecutor,
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
    Update,
    UpdateFrameworkInfo,
    UpdateOperationStatus,
)
from mesoslite.model.view import View
from mesoslite.registry import MemoryRegistry, MemoryStorage, Registrar
from mesoslite.sim.audit import audit, unseen

from .seen import check_view


class FakeAgent(la.Actor):
    """Registers, records what it is sent, and says what it is told to say; answers pings while it ``lives``."""

    def __init__(
        self, master: la.PID[Master], resources: Resources, greeting: RegisterAgent | ReregisterAgent | None = None
    ) -> None:
        super().__init__(la.generate_id("slave"))
        self.master = master
        self.greeting = greeting or RegisterAgent(AgentInfo(hostname="host", port=5051, resources=resources))
        self.received: list[Any] = []
        self.epochs: set[int] = set()
        self.meant: set[AgentID | None] = set()  # for whom what it was sent is
        self.lives = True

    def on_start(self) -> None:
        la.post(self.master, self.greeting)

    @la.handles(Ping)
    def ping(self, message: Ping, sender: la.PID[Any]) -> None:
        self.epochs.add(message.epoch)
        self.received.append(message)
        if self.lives:
            la.post(sender, Pong())

    def live(self, lives: bool) -> None:
        self.lives = lives

    @la.handles(AgentRegistered)
    @la.handles(AgentReregistered)
    @la.handles(RunTask)
    @la.handles(RunGroup)
    @la.handles(ApplyOperation)
    @la.handles(OperationAcknowledgement)
    @la.handles(OperationsExpected)
    @la.handles(KillTask)
    @la.handles(Drain)
    @la.handles(StatusUpdateAcknowledgement)
    @la.handles(UpdateFrameworkInfo)
    @la.handles(ShutdownFramework)
    @la.handles(FrameworkToExecutor)
    @la.handles(ShutdownExecutor)
    @la.handles(ShutdownAgent)
    def record(self, message: Any) -> None:
        self.epochs.add(message.epoch)
        self.meant.add(message.agent_id)
        if not isinstance(message, (AgentRegistered, AgentReregistered, StatusUpdateAcknowledgement)):
            message = msgspec.structs.replace(message, agent_id=None)
        self.received.append(msgspec.structs.replace(message, epoch=0))

    def meant_for(self) -> set[AgentID | None]:
        return set(self.meant)

    def heard_epochs(self) -> set[int]:
        return set(self.epochs)

    def say(self, message: object) -> None:
        la.post(self.master, message)

    def fail(self) -> None:
        raise OSError("the machine caught fire")

    def heard(self) -> tuple[Any, ...]:
        return tuple(self.received)


class FakeFramework(la.Actor):
    """Subscribes, records its events, and calls what it is told to call."""

    def __init__(self, master: la.PID[Master], subscribe: Subscribe) -> None:
        super().__init__(la.generate_id("scheduler"))
        self.master = master
        self.subscribe = subscribe
        self.events: list[Event] = []

    def on_start(self) -> None:
        la.post(self.master, self.subscribe)

    @la.handles(Subscribed)
    @la.handles(Offers)
    @la.handles(Rescind)
    @la.handles(InverseOffers)
    @la.handles(RescindInverseOffer)
    @la.handles(Update)
    @la.handles(UpdateOperationStatus)
    @la.handles(ExecutorMessage)
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

    def __init__(self, runtime: la.Runtime, agents: AgentOptions | None = None, **options: Any) -> None:
        self.runtime = runtime
        runtime.clock.pause()
        self.registry = MemoryRegistry()
        self.fakes: list[la.PID[FakeAgent]] = []
        self.agents, self.options = agents, options
        self.begin()

    def begin(self) -> None:
        """Start a master on what the registry has."""
        domain = self.options.get("domain")
        policy = HierarchicalAllocator(region=domain.region if domain is not None else None)
        self.allocator = la.spawn(Allocator(policy))
        self.registrar = la.spawn(Registrar(MemoryStorage(self.registry)))
        self.master = la.spawn(
            Master(
                self.allocator,
                self.registrar,
                port=5050,
                options=MasterOptions(**self.options),
                agents=self.agents,
                pattern_problem=pattern_problem,
            )
        )
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
        self.fakes.append(pid)
        self.settle()
        return pid

    def greet(self, greeting: RegisterAgent | ReregisterAgent) -> la.PID[FakeAgent]:
        """An agent that begins by saying so."""
        pid = la.spawn(FakeAgent(self.master, NOTHING, greeting))
        self.fakes.append(pid)
        self.settle()
        return pid

    def fail_over(self) -> None:
        """End the master, and start another one on what the registry has."""
        for pid in (self.master, self.allocator, self.registrar):
            la.terminate(pid)
            la.wait(pid, timeout=60)
        self.fakes = []
        self.settle()
        self.begin()

    def framework(
        self,
        name: str = "test",
        suppressed_roles: tuple[str, ...] = (),
        constraints: tuple[RoleConstraints, ...] = (),
        force: bool = True,
        **details: Any,
    ) -> la.PID[FakeFramework]:
        call = Subscribe(FrameworkInfo(name=name, **details), suppressed_roles, constraints, force)
        pid = la.spawn(FakeFramework(self.master, call))
        self.settle()
        return pid

    def agent_id(self, agent: la.PID[FakeAgent]) -> AgentID:
        return next(message.agent_id for message in self.heard(agent, AgentRegistered))

    def framework_id(self, framework: la.PID[FakeFramework]) -> FrameworkID:
        return next(event.framework_id for event in self.heard(framework, Subscribed))

    def heard(self, who: la.PID[Any], kind: type) -> list[Any]:
        messages = la.dispatch(who, type(who._process.actor).heard).get(timeout=60)
        return [message for message in messages if type(message) is kind]

    def offers(self, framework: la.PID[FakeFramework]) -> list[Offer]:
        """Every offer the framework was ever sent, oldest first."""
        return [offer for event in self.heard(framework, Offers) for offer in event.offers]

    def inverse_offers(self, framework: la.PID[FakeFramework]) -> list[InverseOffer]:
        """Every inverse offer the framework was ever sent, oldest first."""
        return [one for event in self.heard(framework, InverseOffers) for one in event.inverse_offers]

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
                operations=(Launch(tasks),) if tasks else (),
                filters=Filters(refuse_seconds),
            ),
        )

    def act(self, framework: la.PID[FakeFramework], *operations: Operation, refuse_seconds: float = 5.0) -> None:
        """Do ``operations`` on the framework's last offer."""
        offer = self.offers(framework)[-1]
        filters = Filters(refuse_seconds)
        self.call(
            framework,
            Accept(framework_id=offer.framework_id, offer_ids=(offer.id,), operations=operations, filters=filters),
        )

    def applied(self, agent: la.PID[FakeAgent]) -> list[ApplyOperation]:
        """The operations that the agent was ever told to do, oldest first."""
        return self.heard(agent, ApplyOperation)

    def answer(
        self,
        agent: la.PID[FakeAgent],
        message: ApplyOperation,
        state: OperationState = OperationState.OPERATION_FINISHED,
        total: Resources | None = None,
    ) -> None:
        """Say how an operation went, under a uuid that is its own."""
        status = OperationStatus(state=state, operation_id=message.operation.id, uuid=message.operation_uuid[::-1])
        self.say(
            agent,
            OperationUpdate(
                framework_id=message.framework_id,
                operation_uuid=message.operation_uuid,
                status=status,
                latest_state=state,
                total=total,
            ),
        )

    def operation_statuses(self, framework: la.PID[FakeFramework]) -> list[OperationStatus]:
        return [event.status for event in self.heard(framework, UpdateOperationStatus)]

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

    def acknowledge(self, framework: la.PID[FakeFramework], task: TaskInfo, uuid: bytes = b"0123456789abcdef") -> None:
        self.call(
            framework,
            Acknowledge(
                framework_id=self.framework_id(framework), agent_id=task.agent_id, task_id=task.task_id, uuid=uuid
            ),
        )

    def say(self, agent: la.PID[FakeAgent], message: AgentMessage) -> None:
        la.tell(agent, FakeAgent.say, message)
        self.settle()

    def book(self, delta: Delta) -> None:
        """Have the allocator note what the master's books do not know yet."""
        la.post(self.allocator, Applied(delta), sender=self.master)
        self.settle()

    def lose(self, pid: la.PID[Any]) -> None:
        la.terminate(pid)
        self.settle()

    def state(self) -> ClusterState:
        return la.dispatch(self.master, Master.state).get(timeout=60)

    def view(self) -> View:
        """What readers see."""
        return la.dispatch(self.master, Master.view).get(timeout=60)

    def explain(self, framework: la.PID[FakeFramework], agent: la.PID[FakeAgent]) -> tuple[Explanation, ...]:
        """Why the framework got, or did not get, an offer of the agent."""
        asked = la.dispatch(self.master, Master.explain, self.framework_id(framework), (self.agent_id(agent),))
        return asked.get(timeout=60)

    def knows(self, framework_id: FrameworkID) -> bool:
        return la.dispatch(self.master, Master.framework_principal, framework_id).get(timeout=60) is not None

    def check_books(self) -> None:
        """Each message bore the epoch; the master's ledger is true, and the allocator's books agree (audit.py)."""
        state = self.state()
        view = self.view()
        check_view(view, state)
        assert unseen(self.master._process.actor, view) == []
        tasks = [each for framework in state.frameworks for each in framework.tasks]
        for task_state, name in UNDER_WAY.items():
            counted = la.dispatch(self.master, Master.count, name).get(timeout=60)
            assert counted == sum([each.state is task_state for each in tasks]), name
        for fake in self.fakes:
            if not la.wait(fake, 0):
                assert la.dispatch(fake, FakeAgent.heard_epochs).get(timeout=60) <= {self.registry.epoch}
        policy = self.allocator._process.actor._policy
        for framework in state.frameworks:
            assert policy.dominant_share(framework.info.id) == framework.dominant_share
        audit(self.master._process.actor._ledger, policy)


Staging = Callable[..., Stage]


def task(offer: Offer, name: str = "task", resources: str = "cpus:1;mem:128", command: str = "true") -> TaskInfo:
    """A task for an offer."""
    return TaskInfo(
        task_id=TaskID(name),
        name=name,
        agent_id=offer.agent_id,
        resources=Resources.parse(resources),
        command=CommandInfo(value=command),
    )
