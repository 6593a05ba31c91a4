"""A real agent and the master of a stage, with a wire between them that loses what a test tells it to lose."""

# Who calls: tests of what goes wrong between the two.
# Master and agent each take an end of the wire for the other one.

from __future__ import annotations

from pathlib import Path
from typing import Any

import libactor as la
from mesoslite.agent import Agent
from mesoslite.model import (
    AgentRegistered,
    AgentReregistered,
    ApplyOperation,
    Drain,
    ExecutorExited,
    KillTask,
    OperationAcknowledgement,
    OperationsExpected,
    OperationUpdate,
    Ping,
    Pong,
    RegisterAgent,
    ReregisterAgent,
    Resources,
    RunGroup,
    RunTask,
    ShutdownAgent,
    ShutdownFramework,
    StatusUpdate,
    StatusUpdateAcknowledgement,
    UnregisterAgent,
    UpdateFrameworkInfo,
)

from .stage import Stage

AGENT_MESSAGES = (
    RegisterAgent,
    ReregisterAgent,
    UnregisterAgent,
    StatusUpdate,
    OperationUpdate,
    ExecutorExited,
    Pong,
)
MASTER_MESSAGES = (
    AgentRegistered,
    AgentReregistered,
    RunTask,
    RunGroup,
    ApplyOperation,
    OperationAcknowledgement,
    OperationsExpected,
    KillTask,
    StatusUpdateAcknowledgement,
    UpdateFrameworkInfo,
    ShutdownFramework,
    ShutdownAgent,
    Drain,
    Ping,
)


class NoContainers:
    """Starts nothing: what is tested with it are operations."""

    def launch(self, *_: Any) -> Any:
        raise OSError("no task is launched here")

    def recover(self, *_: Any) -> dict[Any, Any]:
        return {}

    def detach(self) -> None:
        """Nothing is open."""

    def close(self) -> None:
        """Nothing is open."""


class Port(la.Actor):
    """The end at the master, which takes it for the agent; when it stops, the connection has broken."""

    def __init__(self, master: la.PID[Any], wire: la.PID[Wire]) -> None:
        super().__init__(la.generate_id("slave"))
        self.master = master
        self.wire = wire
        self.pinger: la.PID[Any] | None = None

    def say(self, message: Any) -> None:
        to = self.pinger if isinstance(message, Pong) else self.master
        if to is not None:
            la.post(to, message)

    @la.handles(AgentRegistered)
    @la.handles(AgentReregistered)
    @la.handles(RunTask)
    @la.handles(RunGroup)
    @la.handles(ApplyOperation)
    @la.handles(OperationAcknowledgement)
    @la.handles(OperationsExpected)
    @la.handles(KillTask)
    @la.handles(StatusUpdateAcknowledgement)
    @la.handles(UpdateFrameworkInfo)
    @la.handles(ShutdownFramework)
    @la.handles(ShutdownAgent)
    @la.handles(Drain)
    @la.handles(Ping)
    def hear(self, message: Any, sender: la.PID[Any]) -> None:
        if isinstance(message, Ping):
            self.pinger = sender
        la.tell(self.wire, Wire.to_agent, message)


class Wire(la.Actor):
    """The end at the agent, which takes it for its master; hands on what comes, but for the kinds it is to ``lose``."""

    def __init__(self) -> None:
        super().__init__(la.generate_id("master"))
        self.port: la.PID[Port] | None = None
        self.agent: la.PID[Agent] | None = None
        self.lost: tuple[type, ...] = ()
        self.carried: list[Any] = []
        self.epoch = 0

    @la.handles(RegisterAgent)
    @la.handles(ReregisterAgent)
    @la.handles(UnregisterAgent)
    @la.handles(StatusUpdate)
    @la.handles(OperationUpdate)
    @la.handles(ExecutorExited)
    @la.handles(Pong)
    def to_master(self, message: Any) -> None:
        if self.port is not None and self._carries(message):
            la.tell(self.port, Port.say, message)

    def to_agent(self, message: Any) -> None:
        assert self.agent is not None
        self.epoch = message.epoch
        if self._carries(message):
            la.post(self.agent, message)

    def _carries(self, message: Any) -> bool:
        is_carried = not isinstance(message, self.lost)
        if is_carried:
            self.carried.append(message)
        return is_carried

    def join(self, agent: la.PID[Agent]) -> None:
        self.agent = agent

    def plug(self, port: la.PID[Port]) -> None:
        self.port = port

    def lose(self, kinds: tuple[type, ...]) -> None:
        self.lost = kinds

    def greet_again(self) -> None:
        """Have the agent believe that its master has lost it."""
        assert self.agent is not None
        la.post(self.agent, Ping(False, self.epoch))

    def heard(self) -> tuple[Any, ...]:
        return tuple(self.carried)


def plug(stage: Stage, wire: la.PID[Wire]) -> la.PID[Port]:
    """A new connection from ``wire`` to the master that the stage has now."""
    port = la.spawn(Port(stage.master, wire))
    la.dispatch(wire, Wire.plug, port).get(timeout=60)
    return port


class Line:
    """One agent of a stage, and the wire to it; every method settles before it returns."""

    def __init__(self, stage: Stage, work_dir: Path, resources: str = "cpus:4;mem:1024;disk:1000") -> None:
        self.stage = stage
        self.wire = la.spawn(Wire())
        plug(stage, self.wire)
        self.agent = la.spawn(
            Agent(
                self.wire,
                resources=Resources.parse(resources),
                work_dir=work_dir,
                containerizer=NoContainers(),
                hostname="host",
            )
        )
        la.dispatch(self.wire, Wire.join, self.agent).get(timeout=60)
        stage.settle()
        stage.advance(1)

    def lose(self, *kinds: type) -> None:
        """Lose messages of these kinds from now on."""
        la.dispatch(self.wire, Wire.lose, kinds).get(timeout=60)
        self.stage.settle()

    def register_again(self, *lost: type) -> None:
        """Have the agent register again, with the master that the stage has now; messages of those kinds are lost."""
        la.dispatch(self.wire, Wire.lose, lost).get(timeout=60)
        plug(self.stage, self.wire)
        la.dispatch(self.wire, Wire.greet_again).get(timeout=60)
        self.stage.settle()

    def carried(self, kind: type) -> list[Any]:
        """What came through, of a kind, oldest first."""
        return self.stage.heard(self.wire, kind)

    def resources(self) -> Resources:
        """What the agent has."""
        return la.dispatch(self.agent, Agent.state).get(timeout=60).info.resources
