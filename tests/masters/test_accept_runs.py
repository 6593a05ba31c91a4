"""Random runs of ACCEPT: whatever frameworks send and agents do, ledger, allocator and agents agree after each step."""

# Frameworks accept any of the offers that they ever got, stale ones too, with operations that are mostly right.
# Operators convert what an agent has. Agents do operations at once, later, or not at all, and end tasks and executors;
# frameworks and agents come and go.

from __future__ import annotations

import random
from typing import Any

import msgspec
from hypothesis import given, note, settings
from hypothesis import strategies as st

import libactor as la
from libactor.testing import DeterministicRuntime
from mesoslite.agent.operations import Operations
from mesoslite.master import Master
from mesoslite.model import (
    NOTHING,
    Accept,
    AcknowledgeOperationStatus,
    AgentID,
    AgentRegistered,
    ApplyOperation,
    Conflict,
    Create,
    Decline,
    Destroy,
    ExecutorExited,
    ExecutorID,
    ExecutorInfo,
    ExecutorType,
    Filters,
    FrameworkID,
    GrowVolume,
    InvalidRequest,
    Launch,
    LaunchGroup,
    Offer,
    Operation,
    OperationAcknowledgement,
    OperationID,
    Portion,
    Reserve,
    ResourceOperation,
    Resources,
    RunGroup,
    RunTask,
    ShrinkVolume,
    ShutdownFramework,
    Source,
    StatusUpdate,
    TaskGroup,
    TaskInfo,
    TaskState,
    TaskStatus,
    Unreserve,
    once,
)

from .stage import FakeAgent, FakeFramework, Stage, task
from .test_accept import ADS, volume

TOTAL = Resources.parse("cpus:32;mem:8000;disk:800")


class KeepingAgent(FakeAgent):
    """Keeps what it has as agents do; what it is sent waits, in order, until it is told to go on."""

    def __init__(self, master: la.PID[Any], resources: Resources) -> None:
        super().__init__(master, resources)
        self.waiting: list[Any] = []
        self.running: dict[tuple[str, str], TaskInfo] = {}
        self.executors: set[tuple[str, str]] = set()
        self.operations = Operations(
            resources,
            forward=self.say,
            retry_later=lambda seconds, uuid: la.delay(seconds, self.pid, KeepingAgent.retry, uuid),
            new_uuid=lambda: la.random_uuid().bytes,
            used=self.used,
            keep=lambda _: None,
            convert_volumes=lambda before, after: lambda: None,
        )

    def used(self) -> Resources:
        return sum([task.resources for task in self.running.values()], NOTHING)

    def retry(self, uuid: bytes) -> None:
        self.operations.retry(uuid)

    @la.handles(ApplyOperation)
    @la.handles(RunTask)
    @la.handles(RunGroup)
    @la.handles(ShutdownFramework)
    def wait(self, message: Any) -> None:
        self.waiting.append(message)

    @la.handles(OperationAcknowledgement)
    def acknowledged(self, message: OperationAcknowledgement) -> None:
        self.operations.acknowledge(message)

    def catch_up(self, count: int) -> None:
        """Do the first ``count`` of what waits."""
        for message in self.waiting[:count]:
            if isinstance(message, ApplyOperation):
                self.operations.apply(message, self.agent_id)
            elif isinstance(message, RunTask):
                self.run(message.framework.id, message.task)
            elif isinstance(message, RunGroup):
                self.executors.add((str(message.framework.id), message.executor.executor_id))
                for task in message.group.tasks:
                    self.run(message.framework.id, task)
            else:
                self.forget(message.framework_id)
        del self.waiting[:count]

    @property
    def agent_id(self) -> AgentID:
        return next(message.agent_id for message in self.received if isinstance(message, AgentRegistered))

    def run(self, framework_id: FrameworkID | None, task: TaskInfo) -> None:
        """Run a task, if what it uses is there: an operation before it may have failed."""
        assert framework_id is not None
        if self.operations.total.contains(once(self.used() + task.resources)):
            self.running[framework_id, task.task_id] = task
            return
        state = TaskState.TASK_ERROR
        status = TaskStatus(task_id=task.task_id, state=state, source=Source.SOURCE_AGENT, timestamp=1.0)
        self.say(StatusUpdate(framework_id=framework_id, status=status, latest_state=state))

    def forget(self, framework_id: FrameworkID) -> None:
        self.running = {key: task for key, task in self.running.items() if key[0] != framework_id}
        self.executors = {key for key in self.executors if key[0] != framework_id}

    def fail_one(self) -> None:
        """Say of the operation that waits first that it cannot be done."""
        for at, message in enumerate(self.waiting):
            if isinstance(message, ApplyOperation):
                impossible = Unreserve(Resources.parse("gpus:1").pushed(ADS), id=message.operation.id)
                self.waiting[at] = msgspec.structs.replace(message, operation=impossible)
                self.catch_up(at + 1)
                return


class Run:
    """Three frameworks, two agents; ``rng`` says what happens next."""

    def __init__(self, runtime: la.Runtime, rng: random.Random) -> None:
        self.rng = rng
        self.stage = Stage(runtime)
        self.agents: list[la.PID[Any]] = []
        self.frameworks: list[la.PID[FakeFramework]] = []
        self.names = 0
        for _ in range(2):
            self.join_agent()
        for shared in (True, True, False):
            self.join_framework(shared)

    def join_agent(self) -> None:
        self.agents.append(la.spawn(KeepingAgent(self.stage.master, TOTAL)))
        self.stage.settle()

    def join_framework(self, shared: bool) -> None:
        capabilities = ("SHARED_RESOURCES",) if shared else ()
        self.frameworks.append(self.stage.framework(roles=("ads",), capabilities=capabilities))

    def step(self) -> None:
        """Let something happen."""
        others = [
            self.agent_catches_up,
            self.agent_catches_up,
            self.task_ends,
            self.task_ends,
            self.time_passes,
            self.time_passes,
            self.time_passes,
            self.time_passes,
            self.executor_ends,
            self.agent_fails_an_operation,
            self.operations_are_acknowledged,
            self.decline,
            self.operator_acts,
            self.operator_acts,
            self.somebody_goes,
        ]
        happening = self.accept if self.rng.random() < 0.4 else self.rng.choice(others)
        note(happening.__name__)
        happening()

    # ---- what frameworks do ----

    def accept(self) -> None:
        framework = self.rng.choice(self.frameworks)
        offers = self.stage.offers(framework)
        standing = [offer for offer in offers if offer.id in self.ledger.offers]
        chosen = [self.rng.choice(standing or offers)] if offers else []
        if chosen and self.rng.random() < 0.3:  # with others, which may be stale or of another agent
            chosen += [offer for offer in offers if offer.agent_id == chosen[0].agent_id and offer not in chosen][-1:]
        if not chosen:
            return
        held = sum([offer.resources for offer in chosen], NOTHING)
        operations = []
        for _ in range(self.rng.randrange(5)):
            operation = self.operation(chosen[0], held)
            held = after(held, operation)
            operations.append(operation)
        note(f"{framework} {operations}")
        call = Accept(
            framework_id=chosen[0].framework_id,
            offer_ids=tuple([offer.id for offer in chosen]),
            operations=tuple(operations),
            filters=Filters(self.rng.choice([0.0, 0.0, 5.0])),
        )
        self.stage.call(framework, call)

    def operation(self, offer: Offer, held: Resources) -> Operation:
        """One that can be done with what is held, as a rule."""
        operation_id = OperationID(f"o{self.rng.randrange(4)}") if self.rng.random() < 0.3 else None
        volumes = volumes_of(held)
        if self.rng.random() < 0.2:
            choice = self.rng.choice(["reserve", "unreserve", "create", "volume", "launch", "group"])
        elif not held.contains(Resources.parse("disk:2").pushed(ADS)):
            choice = self.rng.choice(["reserve", "reserve", "launch"])
        else:
            choice = self.rng.choice(["create", "launch", "group", "unreserve", *(["volume"] * 4 if volumes else [])])
        if choice not in ("launch", "group"):
            return self.conversion(choice, held, operation_id)
        some = Resources.from_portions(self.rng.sample(volumes, 1)) if volumes else NOTHING
        tasks = tuple([self.task(offer, held, some) for _ in range(self.rng.randrange(1, 4))])
        if choice == "launch":
            return Launch(tasks)
        resources = Resources.parse("cpus:0.5;mem:32;disk:1")
        executor = ExecutorInfo(executor_id=ExecutorID("e"), type=ExecutorType.DEFAULT, resources=resources)
        return LaunchGroup(executor, TaskGroup(tasks))

    def conversion(self, choice: str, held: Resources, operation_id: OperationID | None = None) -> ResourceOperation:
        volumes = volumes_of(held)
        some = Resources.from_portions(self.rng.sample(volumes, 1)) if volumes else volume(10)
        amount = self.rng.choice([1, 2, 3, 50] if self.rng.random() < 0.1 else [1, 2])
        plain = Resources.parse(f"cpus:{amount};disk:{amount * 10}")
        if choice == "reserve":
            return Reserve(plain.pushed(ADS), id=operation_id)
        if choice == "unreserve":
            free = [one for one in held.others if one.kind.reservations and one.kind.persistence is None]
            return Unreserve(Resources.from_portions(free[:1]) or plain.pushed(ADS), id=operation_id)
        if choice == "create":
            self.names += 1
            return Create(volume(amount, f"v{self.names}", self.rng.random() < 0.4), id=operation_id)
        small = Resources.parse(f"disk:{amount}").pushed(ADS)
        return self.rng.choice(
            [
                Destroy(some, id=operation_id),
                GrowVolume(some, small, operation_id),
                ShrinkVolume(some, 500 * amount, operation_id),
            ]
        )

    def task(self, offer: Offer, held: Resources, some: Resources) -> TaskInfo:
        self.names += 1
        info = task(offer, f"t{self.names}", self.rng.choice(["cpus:0.2;mem:10", "cpus:0.1", "cpus:0.1", "cpus:30"]))
        reserved = Resources.parse("cpus:0.5").pushed(ADS)
        if held.contains(reserved) and self.rng.random() < 0.5:
            info = msgspec.structs.replace(info, resources=reserved)
        if self.rng.random() < 0.5:
            info = msgspec.structs.replace(info, resources=info.resources + some)
        return info

    def decline(self) -> None:
        framework = self.rng.choice(self.frameworks)
        offers = self.stage.offers(framework)[-2:]
        if offers:
            ids = tuple([offer.id for offer in offers])
            self.stage.call(framework, Decline(framework_id=offers[0].framework_id, offer_ids=ids, filters=Filters(0)))

    def operations_are_acknowledged(self) -> None:
        framework = self.rng.choice(self.frameworks)
        for status in self.stage.operation_statuses(framework)[-3:]:
            if status.uuid is not None and status.operation_id is not None:
                call = AcknowledgeOperationStatus(
                    framework_id=self.stage.framework_id(framework),
                    operation_id=status.operation_id,
                    uuid=status.uuid,
                )
                self.stage.call(framework, call)

    # ---- what operators do ----

    def operator_acts(self) -> None:
        """Ask for something of what an agent has, or of what nobody uses of it."""
        agent = self.rng.choice(list(self.ledger.agents.values()))
        held = agent.total if agent.is_short or self.rng.random() < 0.3 else agent.total - agent.used.not_shared()
        operation = self.conversion(self.rng.choice(["reserve", "reserve", "unreserve", "create", "volume"]), held)
        note(f"{agent.id} {operation}")
        asked = la.dispatch(self.stage.master, Master.apply_operation, agent.id, operation)
        self.stage.settle()
        assert asked.is_ready() or isinstance(asked.exception(), Conflict | InvalidRequest)

    # ---- what agents do ----

    def agent_catches_up(self) -> None:
        la.tell(self.rng.choice(self.agents), KeepingAgent.catch_up, self.rng.randrange(1, 6))
        self.stage.settle()

    def agent_fails_an_operation(self) -> None:
        la.tell(self.rng.choice(self.agents), KeepingAgent.fail_one)
        self.stage.settle()

    def task_ends(self) -> None:
        agent = self.rng.choice(self.agents)
        running = agent._process.actor.running
        if running:
            framework_id, task_id = self.rng.choice(sorted(running))
            info = running.pop((framework_id, task_id))
            self.stage.report(agent, FrameworkID(framework_id), info, TaskState.TASK_FINISHED)

    def executor_ends(self) -> None:
        agent = self.rng.choice(self.agents)
        for framework_id, executor_id in sorted(agent._process.actor.executors)[:1]:
            agent._process.actor.executors.discard((framework_id, executor_id))
            exited = ExecutorExited(framework_id=FrameworkID(framework_id), executor_id=ExecutorID(executor_id))
            self.stage.say(agent, exited)

    # ---- what else ----

    def time_passes(self) -> None:
        self.stage.advance(1)

    def somebody_goes(self) -> None:
        if self.rng.random() < 0.5:
            agent = self.rng.choice(self.agents)
            self.agents.remove(agent)
            self.stage.lose(agent)
            self.join_agent()
        else:
            framework = self.rng.choice(self.frameworks)
            self.frameworks.remove(framework)
            self.stage.lose(framework)
            self.join_framework(self.rng.random() < 0.5)

    # ---- what must hold ----

    @property
    def ledger(self) -> Any:
        return self.stage.master._process.actor._ledger

    def check(self) -> None:
        self.stage.check_books()
        for agent in self.ledger.agents.values():
            assert agent.total.scalars() == TOTAL.scalars()
            if agent.connected:
                actor = agent.pid._process.actor
                assert actor.waiting or actor.operations.total == agent.total


def volumes_of(held: Resources) -> list[Portion]:
    """The persistent volumes that are held, each once."""
    return [msgspec.structs.replace(one, copies=1) for one in held.others if one.kind.persistence is not None]


def after(held: Resources, operation: Operation) -> Resources:
    """About what is made, so that operations build on one another."""
    if isinstance(operation, Reserve):
        return held + operation.resources
    return held + operation.volumes if isinstance(operation, Create) else held


@settings(max_examples=max(10, settings().max_examples // 5))
@given(st.integers(0, 2**32))
def test_books_agree_whatever_is_accepted(seed: int) -> None:
    with DeterministicRuntime(seed) as runtime:
        run = Run(runtime, random.Random(seed))
        for _ in range(60):
            run.step()
            run.check()
