"""Random words: whatever frameworks and agents say, in well-typed messages, the master lives and its books are true.

What they say is no life that anybody leads (test_random_frameworks.py has those): every field is what it may be at all.
"""

# Replay one with World(seed): the seed is in the name of the test that fails.

from __future__ import annotations

import logging
import random
from typing import Any, get_args

import pytest

import libactor as la
from mesoslite.model import (
    Accept,
    Acknowledge,
    AcknowledgeOperationStatus,
    AgentID,
    AgentMessage,
    Call,
    ClusterState,
    CommandInfo,
    Create,
    Decline,
    Destroy,
    Disk,
    ExecutorID,
    ExecutorInfo,
    ExecutorType,
    Filters,
    FrameworkState,
    GrowVolume,
    Kill,
    Kind,
    Launch,
    LaunchGroup,
    OperationID,
    OperationState,
    OperationStatus,
    OperationUpdate,
    Persistence,
    Pong,
    Portion,
    Reconcile,
    ReconcileOperations,
    ReregisterAgent,
    Reservation,
    ReservationType,
    Reserve,
    Resources,
    Revive,
    ShrinkVolume,
    Source,
    StatusUpdate,
    Subscribe,
    Subscribed,
    Suppress,
    TaskGroup,
    TaskID,
    TaskInfo,
    TaskState,
    TaskStatus,
    Teardown,
    UnregisterAgent,
    Unreserve,
    UpdateFramework,
    Volume,
)
from tests.thoroughness import usually

from .packing import packed_infos
from .stage import Stage
from .words import Words

STEPS = 150
ROLES = ["*", "ads", "ads/batch", "web"]
CAPABILITIES = ["MULTI_ROLE", "PARTITION_AWARE", "RESERVATION_REFINEMENT", "SHARED_RESOURCES", "GPU_RESOURCES"]
AGENTS = ("cpus:4;mem:1024;disk:1000;ports:[1-9]", "cpus:2;mem:512;disk(ads):100;cpus(ads):1")
RESOURCES = [
    Resources.parse(text)
    for text in (
        "",
        "cpus:1",
        "cpus:0.001;mem:1",
        "cpus:99999999",
        "disk(ads):50",
        "ports:[2-3]",
        "mem:32;disk:10",
        *AGENTS,
    )
]
KINDS = [kind for kind in (*get_args(Call), *get_args(AgentMessage)) if kind not in (Pong, Teardown, UnregisterAgent)]


class World:
    """A cluster, and somebody who says anything in the name of all who are in it."""

    def __init__(self, seed: int, runtime: la.Runtime) -> None:
        self.rng = random.Random(seed)
        self.stage = Stage(runtime)
        self.agents = [self.stage.agent(resources) for resources in AGENTS]
        self.frameworks = [
            self.stage.framework(roles=("*", "ads"), capabilities=tuple(CAPABILITIES), failover_timeout=30.0),
            self.stage.framework(roles=("web",), checkpoint=True),
        ]
        self.words = Words(
            self.rng,
            {
                "framework_id": self.framework_ids,
                "agent_id": lambda: [agent.info.id for agent in self.stage.state().agents],
                "id": self.ids,
                "offer_id": self.offer_ids,
                "inverse_offer_id": self.offer_ids,
                "task_id": lambda: ["t", "u", "v"],
                "executor_id": lambda: ["e", "f"],
                "operation_id": lambda: ["o", "p"],
                "operation_uuid": self.operation_uuids,
                "role": lambda: ROLES,
                "suppressed_role": lambda: ROLES,
                "allocation_role": lambda: ROLES,
                "capabilitie": lambda: CAPABILITIES,
                "hostname": lambda: [agent.info.hostname for agent in self.stage.state().agents],
                "resources": self.resources,
                "version": lambda: ["1.12.0"],
            },
        )

    def framework_ids(self) -> list[Any]:
        return [framework.info.id for framework in self.stage.state().frameworks]

    def ids(self) -> list[Any]:
        state = self.stage.state()
        return [*self.framework_ids(), *[agent.info.id for agent in state.agents], "o"]

    def offer_ids(self) -> list[Any]:
        return [offer.id for framework in self.stage.state().frameworks for offer in framework.offers]

    def operation_uuids(self) -> list[Any]:
        return [message.operation_uuid for agent in self.agents for message in self.stage.applied(agent)]

    def resources(self) -> list[Resources]:
        agents = self.stage.state().agents
        return [*RESOURCES, *[agent.info.resources for agent in agents], *[agent.offered for agent in agents]]

    def step(self) -> None:
        """Have somebody say something, and see what becomes of it."""
        message, sender = self.sane()
        if self.rng.random() < 0.2:
            message = self.words.message(self.rng.choice(KINDS))
        while self.rng.random() < 0.5:
            message = self.words.spoil(message)
        if self.rng.random() < 0.05:
            sender = self.rng.choice([*self.agents, *self.frameworks, None])
        la.post(self.stage.master, message, sender=sender)
        self.stage.settle()
        assert not la.wait(self.stage.master, 0), f"the master ended of {message} from {sender}"
        if self.rng.random() < 0.3:
            self.stage.advance(self.rng.choice([1, 6]))
        self.stage.check_books()
        self.renew()

    # ---- what somebody would say ----

    def sane(self) -> tuple[Any, la.PID[Any] | None]:
        """Something that fits, and who says it."""
        state = self.stage.state()
        framework = self.rng.choice(state.frameworks)
        scheduler = next((pid for pid in self.frameworks if self.stage.framework_id(pid) == framework.info.id), None)
        makes = [self.call, self.accept, self.accept, self.status, self.status, self.operation_update, self.greeting]
        message, agent_id = self.rng.choice(makes)(state, framework)
        return message, scheduler if agent_id is None else self.pid_of(agent_id)

    def pid_of(self, agent_id: AgentID) -> la.PID[Any] | None:
        ledger = self.stage.master._process.actor._ledger
        return ledger.agents[agent_id].pid if agent_id in ledger.agents else None

    def call(self, state: ClusterState, framework: FrameworkState) -> tuple[Any, None]:
        own, info = framework.info.id, framework.info
        task_id, offers = self.rng.choice(["t", "u"]), tuple([offer.id for offer in framework.offers])
        calls: list[Any] = [
            Decline(framework_id=own, offer_ids=offers[:1], filters=Filters(1.0)),
            Kill(framework_id=own, task_id=TaskID(task_id)),
            Reconcile(own),
            ReconcileOperations(own),
            Suppress(own, info.roles),
            Revive(own),
            Revive(own),
            Subscribe(info),
            UpdateFramework(framework_id=own, framework=info),
            AcknowledgeOperationStatus(framework_id=own, operation_id=OperationID("o"), uuid=b"o" * 16),
        ]
        for task in framework.tasks:
            where = (task.info.agent_id, task.info.task_id)
            calls += [Acknowledge(framework_id=own, agent_id=where[0], task_id=where[1], uuid=b"s" * 16)] * 2
        return self.rng.choice(calls), None

    def accept(self, state: ClusterState, framework: FrameworkState) -> tuple[Any, None]:
        if not framework.offers:
            return Revive(framework.info.id), None
        offer = self.rng.choice(framework.offers)
        reservation = Reservation(ReservationType.DYNAMIC, "ads" if offer.role == "*" else offer.role)
        one = Resources.parse("cpus:0.5;mem:32")
        disk = Resources.parse("disk:20").pushed(reservation)
        kept = Disk(persistence=Persistence("v"), volume=Volume("path"))
        volume = Resources.from_portions([Portion(Kind("disk", reservations=(reservation,), disk=kept), 20_000)])
        executor = ExecutorInfo(
            executor_id=ExecutorID("e"),
            type=ExecutorType.DEFAULT,
            resources=Resources.parse("cpus:0.1;mem:32;disk:1"),
        )
        tasks = [
            TaskInfo(
                name=name,
                task_id=TaskID(name),
                agent_id=offer.agent_id,
                resources=one,
                command=CommandInfo(value="true"),
            )
            for name in "tuv"
        ]
        operations = [
            Launch((tasks[0],)),
            Launch(tuple(tasks)),
            LaunchGroup(executor, TaskGroup((tasks[0], tasks[1]))),
            Reserve(disk, id=self.rng.choice([None, OperationID("o")])),
            Create(volume),
            ShrinkVolume(volume, 1_000, id=OperationID("p")),
            GrowVolume(volume, disk),
            Destroy(volume),
            Unreserve(disk),
        ]
        chosen = tuple(self.rng.choices(operations, k=self.rng.choice([0, 1, 1, 2, 4])))
        filters = Filters(self.rng.choice([0.0, 1.0]))
        own = framework.info.id
        return Accept(framework_id=own, offer_ids=(offer.id,), operations=chosen, filters=filters), None

    def status(self, state: ClusterState, framework: FrameworkState) -> tuple[Any, Any]:
        if not framework.tasks:
            return self.accept(state, framework)
        task = self.rng.choice(framework.tasks).info
        now = self.rng.choice([TaskState.TASK_STARTING, TaskState.TASK_RUNNING, TaskState.TASK_FINISHED])
        status = TaskStatus(
            task_id=task.task_id,
            state=now,
            source=Source.SOURCE_EXECUTOR,
            timestamp=1.0,
            agent_id=task.agent_id,
            uuid=b"s" * 16,
        )
        return StatusUpdate(framework_id=framework.info.id, status=status, latest_state=now), task.agent_id

    def operation_update(self, state: ClusterState, framework: FrameworkState) -> tuple[Any, Any]:
        agents = self.stage.master._process.actor._ledger.agents
        under_way = [(agent_id, uuid) for agent_id, agent in agents.items() for uuid in agent.operations]
        if not under_way:
            return self.accept(state, framework)
        agent_id, uuid = self.rng.choice(under_way)
        operation = agents[agent_id].operations[uuid]
        how = self.rng.choice([OperationState.OPERATION_FINISHED, OperationState.OPERATION_FAILED])
        status = OperationStatus(state=how, operation_id=operation.operation.id, uuid=b"o" * 16)
        update = OperationUpdate(
            framework_id=operation.framework_id, operation_uuid=uuid, status=status, latest_state=how
        )
        return update, agent_id

    def greeting(self, state: ClusterState, framework: FrameworkState) -> tuple[Any, Any]:
        agent = self.rng.choice(state.agents)
        tasks = [task for each in state.frameworks for task in each.tasks if task.info.agent_id == agent.info.id]
        infos = packed_infos(*[each.info for each in state.frameworks])
        return ReregisterAgent(info=agent.info, tasks=tuple(tasks), frameworks=infos), agent.info.id

    def renew(self) -> None:
        """Let others come for those that were sent away."""
        for at, framework in enumerate(self.frameworks):
            if not any(self.stage.knows(event.framework_id) for event in self.stage.heard(framework, Subscribed)):
                self.frameworks[at] = self.stage.framework(roles=("*", "ads"), capabilities=tuple(CAPABILITIES))
        if not self.stage.state().agents:
            self.agents = [self.stage.agent(resources) for resources in AGENTS]


@pytest.mark.parametrize("seed", range(usually(4, 50)))
def test_the_master_lives_whatever_it_is_told(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    with la.Runtime() as runtime:
        world = World(seed, runtime)
        for _ in range(STEPS):
            world.step()
