"""Stand-ins: agents and frameworks that say what they are told to say, and only collect what they are sent."""

# Who calls: bench/master.py, bench/responsiveness.py, bench/subscriptions.py.

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import libactor as la
from bench.benchmarks import expect
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.master import Allocator, Master
from mesoslite.model import (
    Accept,
    AgentInfo,
    AgentRegistered,
    Call,
    CommandInfo,
    FrameworkInfo,
    Launch,
    Offer,
    Offers,
    Ping,
    RegisterAgent,
    Rescind,
    Resources,
    RunTask,
    ShutdownFramework,
    Subscribe,
    Subscribed,
    TaskID,
    TaskInfo,
    Update,
)
from mesoslite.model.happenings import FrameworkRemoved
from mesoslite.registry import MemoryRegistry, MemoryStorage, Registrar

PATIENCE_SECONDS = 110.0
ROLE = "bench"


class Counting(la.Actor):
    """Says what it is told to say, and collects what it is sent."""

    def __init__(self, master: la.PID[Master]) -> None:
        super().__init__(la.generate_id("counting"))
        self._master = master
        self._heard: dict[type, list[Any]] = {}
        self._wanted: tuple[type, int] = (object, 0)
        self._promise: la.Promise[list[Any]] = la.Promise()

    def say(self, message: Call | RegisterAgent, kind: type, count: int) -> la.Future[list[Any]]:
        """Say something, and then have so many messages of that kind."""
        future = self.expect(kind, count)
        la.post(self._master, message)
        return future

    def expect(self, kind: type, count: int) -> la.Future[list[Any]]:
        """The next so many messages of that kind."""
        self._wanted, self._promise = (kind, count), la.Promise()
        self._heard[kind] = []
        if not count:
            self._promise.set([])
        return self._promise.future

    @la.handles(AgentRegistered)
    @la.handles(FrameworkRemoved)
    @la.handles(Ping)
    @la.handles(Rescind)
    @la.handles(RunTask)
    @la.handles(ShutdownFramework)
    @la.handles(Subscribed)
    @la.handles(Offers)
    @la.handles(Update)
    def hear(self, message: Any) -> None:
        """Collect it."""
        kind, count = self._wanted
        if type(message) is kind:
            heard = self._heard[kind]
            heard.append(message)
            if len(heard) == count:
                self._promise.set(heard)


class Stage(NamedTuple):
    """A master that leads, and a framework that has an offer of each of its agents."""

    runtime: la.Runtime
    master: la.PID[Master]
    agents: list[la.PID[Counting]]
    framework: la.PID[Counting]
    offers: tuple[Offer, ...]


@contextmanager
def stage_of(agents: int, cpus: int) -> Iterator[Stage]:
    """So many agents, each with so many cpus, on a runtime of their own."""
    with la.Runtime() as runtime:
        registrar = runtime.spawn(Registrar(MemoryStorage(MemoryRegistry())))
        master = runtime.spawn(Master(runtime.spawn(Allocator(HierarchicalAllocator())), registrar))
        la.dispatch(master, Master.wait_leading).get(PATIENCE_SECONDS)
        pids = [runtime.spawn(Counting(master)) for _ in range(agents)]
        infos = [described(number, cpus) for number in range(agents)]
        asked = [
            la.dispatch(pid, Counting.say, RegisterAgent(info), AgentRegistered, 1)
            for pid, info in zip(pids, infos, strict=True)
        ]
        la.collect(asked).get(PATIENCE_SECONDS)
        framework = runtime.spawn(Counting(master))
        subscribe = Subscribe(FrameworkInfo(name="bench", roles=(ROLE,)))
        [event] = la.dispatch(framework, Counting.say, subscribe, Offers, 1).get(PATIENCE_SECONDS)
        expect(len(event.offers), agents, "offers")
        yield Stage(runtime, master, pids, framework, event.offers)


def launch(stage: Stage, count: int) -> la.Future[list[RunTask]]:
    """Launch so many tasks on the first offer; ready when its agent has been told of all."""
    offer = stage.offers[0]
    tasks = tuple([_task(number, offer.agent_id) for number in range(count)])
    accept = Accept(framework_id=offer.framework_id, offer_ids=(offer.id,), operations=(Launch(tasks),))
    launched = la.dispatch(stage.agents[0], Counting.expect, RunTask, count)
    la.dispatch(stage.framework, Counting.say, accept, Offers, 0).get(PATIENCE_SECONDS)
    return launched


def described(number: int, cpus: int) -> AgentInfo:
    """What the agent of that number says of itself."""
    return AgentInfo(hostname=f"host-{number}", port=5051, resources=Resources.of(cpus=cpus, mem=cpus))


def _task(number: int, agent_id: Any) -> TaskInfo:
    return TaskInfo(
        task_id=TaskID(f"task-{number}"),
        name="bench",
        agent_id=agent_id,
        resources=Resources.of(cpus=1, mem=1),
        command=CommandInfo(value="true"),
    )
