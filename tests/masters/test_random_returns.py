"""Random lives of agents: lost, silent, back, gone, at one master or the next; the books are true after every step."""

# The agents are real, and so are the masters; between them are wires (wire.py) that break or lose what they carry.
# In the end all is mended: agents and masters then believe the same.
# Replay one with Life(seed): the seed is in the name of the test that fails.

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import libactor as la
from libactor.testing import DeterministicRuntime
from mesoslite.agent import Agent
from mesoslite.election import StandaloneMember
from mesoslite.master import AgentOptions, Master
from mesoslite.model import (
    Acknowledge,
    AcknowledgeOperationStatus,
    Container,
    ContainerConfig,
    ContainerID,
    ContainerNotices,
    FrameworkID,
    InTransition,
    Kill,
    Launch,
    Leader,
    MasterInfo,
    Operation,
    OperationID,
    Ping,
    Pong,
    Reserve,
    Resources,
    StatusUpdate,
    Subscribed,
    Teardown,
    Termination,
)

from .stage import FakeFramework, Stage, task
from .test_accept import reserved
from .wire import AGENT_MESSAGES, MASTER_MESSAGES, Wire, plug

STEPS = 100
LOSSES: list[tuple[type, ...]] = [(Pong,), (Ping,), AGENT_MESSAGES, MASTER_MESSAGES, (StatusUpdate,)]


class Box:
    """A container without processes."""

    pid = 1000
    has_started = True

    def __init__(self, notices: ContainerNotices) -> None:
        self.notices = notices
        self.is_over = False

    def end(self, status: int) -> None:
        if not self.is_over:
            self.is_over = True
            self.notices.ended(Termination(status))

    def terminate(self, grace_seconds: float) -> None:
        self.end(143)

    def kill(self) -> None:
        self.end(137)


class Host:
    """An agent, what runs there, and the wire to its master."""

    def __init__(self, stage: Stage, work_dir: Path, hostname: str = "localhost") -> None:
        self.stage = stage
        self.hostname = hostname
        self.boxes: list[Box] = []
        self.member = StandaloneMember()
        resources = Resources.parse("cpus:4;mem:1024")
        self.agent = la.spawn(
            Agent(self.member, resources=resources, work_dir=work_dir, containerizer=self, hostname=hostname)
        )
        self.number = 0
        self.follow()

    def launch(self, config: ContainerConfig, notices: ContainerNotices) -> Box:
        self.boxes.append(Box(notices))
        return self.boxes[-1]

    def recover(self, *_: object) -> dict[ContainerID, Container]:
        return {}

    def detach(self) -> None:
        """The agent has failed, and all that runs there ends."""

    def close(self) -> None:
        """The agent ends, and all that runs there."""

    @property
    def lives(self) -> bool:
        return not la.wait(self.agent, 0)

    def follow(self) -> None:
        """There is another master: have the agent look for it."""
        self.number += 1
        self.wire = la.spawn(Wire())
        la.dispatch(self.wire, Wire.join, self.agent).get(timeout=60)
        self.port = plug(self.stage, self.wire)
        self.member.appoint(Leader(MasterInfo(id=str(self.number), pid=str(self.wire)), self.number))
        self.stage.settle()

    @property
    def is_cut(self) -> bool:
        return la.wait(self.port, 0)

    def cut(self) -> None:
        la.terminate(self.port)

    def connect(self) -> None:
        """Mend a wire that broke; the agent finds out."""
        self.port = plug(self.stage, self.wire)
        self.greet_again()

    def greet_again(self) -> None:
        la.dispatch(self.wire, Wire.greet_again).get(timeout=60)

    def lose(self, kinds: tuple[type, ...]) -> None:
        la.dispatch(self.wire, Wire.lose, kinds).get(timeout=60)


class Life:
    """A cluster and what has happened in it so far."""

    def __init__(self, seed: int, runtime: la.Runtime, work_dir: Path) -> None:
        self.rng = random.Random(seed)
        self.work_dir = work_dir
        limit = self.rng.choice([None, None, (1, 30.0)])
        self.stage = Stage(runtime, agents=AgentOptions(agent_removal_rate_limit=limit))
        self.hosts: list[Host] = []
        self.frameworks: dict[FrameworkID, la.PID[FakeFramework]] = {}
        self.names = 0
        for _ in range(2):
            self.add_agent()
            self.subscribe()

    def step(self) -> str:
        """Do something, and look at the books."""
        way = self.rng.choice(self.ways())
        way(self)
        self.hosts = [host for host in self.hosts if host.lives]
        self.stage.settle()
        self.stage.check_books()
        return way.__name__

    def ways(self) -> list[Callable[[Any], None]]:
        """What may happen."""
        return LIFE

    # ---- frameworks ----

    def about(self) -> dict[str, Any]:
        aware = self.rng.choice([(), ("PARTITION_AWARE",)])
        return {"roles": ("ads",), "capabilities": aware, "checkpoint": self.rng.random() < 0.7}

    def enter(self, pid: la.PID[FakeFramework]) -> None:
        for event in self.stage.heard(pid, Subscribed)[:1]:
            self.frameworks[event.framework_id] = pid

    def subscribe(self) -> None:
        if len(self.frameworks) < 3:
            self.enter(self.stage.framework(failover_timeout=self.rng.choice([20.0, 1e6]), **self.about()))

    def come_back(self) -> None:
        for framework_id in self.rng.sample(sorted(self.frameworks), min(1, len(self.frameworks))):
            self.enter(self.stage.framework(id=framework_id, failover_timeout=1e6, **self.about()))

    def scheduler_goes(self) -> None:
        for framework_id in self.rng.sample(sorted(self.frameworks), min(1, len(self.frameworks))):
            self.stage.lose(self.frameworks[framework_id])

    def tear_down(self) -> None:
        for framework_id in self.rng.sample(sorted(self.frameworks), self.rng.randint(0, 1) * bool(self.frameworks)):
            self.stage.call(self.frameworks.pop(framework_id), Teardown(framework_id))

    def each(self) -> list[tuple[FrameworkID, la.PID[FakeFramework]]]:
        """The frameworks whose schedulers live, in some order."""
        living = [(own, pid) for own, pid in sorted(self.frameworks.items()) if not la.wait(pid, 0)]
        return self.rng.sample(living, len(living))

    def accept(self) -> None:
        self.stage.advance(1)
        for _, pid in self.each():
            for offer in self.stage.offers(pid)[-1:]:
                self.names += 1
                name = OperationID(f"o{self.rng.randrange(3)}") if self.rng.random() < 0.7 else None
                some: list[Operation] = [Reserve(reserved("cpus:0.5"), id=name)]
                launch = Launch(tuple([task(offer, f"t{self.names}-{n}", "cpus:0.1") for n in range(2)]))
                some = self.rng.choice([some, [launch], [launch], [*some, launch]])
                self.stage.act(pid, *some, refuse_seconds=0)

    def acknowledge(self) -> None:
        for own, pid in self.each():
            for status in self.stage.updates(pid)[-6:]:
                if status.uuid is not None and status.agent_id is not None:
                    call = Acknowledge(
                        framework_id=own, agent_id=status.agent_id, task_id=status.task_id, uuid=status.uuid
                    )
                    self.stage.call(pid, call)
            for done in self.stage.operation_statuses(pid)[-4:]:
                if done.uuid is not None and done.operation_id is not None:
                    answer = AcknowledgeOperationStatus(
                        framework_id=own, operation_id=done.operation_id, uuid=done.uuid
                    )
                    self.stage.call(pid, answer)

    def kill(self) -> None:
        for own, pid in self.each()[:1]:
            for status in self.stage.updates(pid)[-1:]:
                self.stage.call(pid, Kill(framework_id=own, task_id=status.task_id))

    # ---- agents ----

    def add_agent(self) -> None:
        if len(self.hosts) < 3:
            self.names += 1
            self.hosts.append(Host(self.stage, self.work_dir / str(self.names)))

    def host(self) -> Host | None:
        return self.rng.choice(self.hosts) if self.hosts else None

    def task_ends(self) -> None:
        running = [box for host in self.hosts for box in host.boxes if not box.is_over]
        if running:
            self.rng.choice(running).end(0)

    def cut(self) -> None:
        host = self.host()
        if host is not None:
            host.cut()

    def connect(self) -> None:
        for host in self.hosts:
            if host.is_cut:
                host.connect()
        self.stage.advance(2)

    def lose(self) -> None:
        host = self.host()
        if host is not None:
            host.lose(self.rng.choice(LOSSES))

    def mend(self) -> None:
        for host in self.hosts:
            host.lose(())

    def greet_again(self) -> None:
        host = self.host()
        if host is not None:
            host.greet_again()

    def leave(self) -> None:
        host = self.host()
        if host is not None and self.rng.random() < 0.3:
            la.terminate(host.agent)

    def declare_gone(self) -> None:
        known = [agent.info.id for agent in self.stage.state().agents]
        if known and self.rng.random() < 0.3:
            try:
                la.dispatch(self.stage.master, Master.mark_agent_gone, self.rng.choice(known)).get(timeout=60)
            except InTransition:
                pass  # something else is under way with it

    # ---- the world ----

    def fail_over(self) -> None:
        self.stage.fail_over()
        for host in self.rng.sample(self.hosts, len(self.hosts)):
            host.follow()
            if self.rng.random() < 0.2:
                host.cut()
        for _ in self.frameworks:
            self.come_back()

    def pass_time(self) -> None:
        self.stage.advance(self.rng.choice([1, 2, 3]))

    def much_time(self, times: int = 7) -> None:
        for _ in range(times):
            self.stage.runtime.clock.advance(15)
            self.stage.settle()

    # ---- the end ----

    def settle(self) -> None:
        """Everything is there and is heard, and what is told is acknowledged."""
        self.mend()
        for host in self.hosts:
            host.cut()
        self.stage.settle()
        self.connect()
        for own in sorted(self.frameworks):
            self.enter(self.stage.framework(id=own, failover_timeout=1e6, **self.about()))
        for _ in range(8):
            self.much_time(2)
            self.acknowledge()
        self.stage.check_books()

    def check_settled(self) -> None:
        """Agents and master believe the same of what the agents have, and of what runs there."""
        agents = {agent.info.id: agent for agent in self.stage.state().agents}
        running = {
            (each.info.agent_id, each.info.task_id)
            for framework in self.stage.state().frameworks
            for each in framework.tasks
            if not each.state.is_terminal
        }
        found = set()
        for host in self.hosts:
            if host.lives:
                snapshot = la.dispatch(host.agent, Agent.state).get(timeout=60)
                assert snapshot.info.id in agents
                assert agents[snapshot.info.id].info.resources == snapshot.info.resources
                for framework in snapshot.frameworks:
                    runs = [run for run in framework.tasks if not run.task.state.is_terminal]
                    found |= {(snapshot.info.id, run.task.info.task_id) for run in runs}
        assert found == running


LIFE: list[Callable[[Life], None]] = [
    *[Life.accept, Life.acknowledge, Life.pass_time, Life.task_ends] * 3,
    *[Life.accept, Life.add_agent, Life.subscribe] * 2,
    *[Life.cut, Life.connect, Life.lose, Life.mend, Life.greet_again, Life.come_back, Life.much_time] * 2,
    *[Life.scheduler_goes, Life.tear_down, Life.kill, Life.fail_over],
    *[Life.leave, Life.declare_gone],
]


@pytest.mark.parametrize("seed", range(5))
def test_books_and_agents_agree_whoever_is_lost_and_comes_back(
    seed: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    with DeterministicRuntime(seed) as runtime:
        life = Life(seed, runtime, tmp_path)

        for _ in range(STEPS):
            life.step()
        life.settle()

        life.check_settled()
