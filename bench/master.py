"""The master: how long it takes over what a framework asks for at once, and how long it keeps others waiting."""

# No peer that could run beside it; the work of the registrar, which is part of the master, is in bench/registrar.py,
#   what it does when all agents come back at once in bench/failover.py, whole launches in bench/launches.py.
# Agents and frameworks here only count what they are sent.

from __future__ import annotations

import gc
from time import perf_counter
from typing import Any

import libactor as la
from bench.benchmarks import expect
from bench.failover import FailoverWork
from bench.launches import LaunchWork
from bench.registrar import RegistrarWork
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
    Offers,
    Reconcile,
    RegisterAgent,
    Resources,
    RunTask,
    Subscribe,
    Subscribed,
    TaskID,
    TaskInfo,
    TaskReference,
    Update,
)
from mesoslite.registry import MemoryRegistry, MemoryStorage, Registrar

PATIENCE_SECONDS = 120.0


class MasterWork(RegistrarWork, FailoverWork, LaunchWork):
    """Each method does something with so many agents or tasks (``count``)."""

    def reconcile(self, count: int) -> float:
        """One framework asks for the state of each of its tasks by name, and hears of the last one."""
        with la.Runtime() as runtime:
            registrar = runtime.spawn(Registrar(MemoryStorage(MemoryRegistry())))
            master = runtime.spawn(Master(runtime.spawn(Allocator(HierarchicalAllocator())), registrar))
            la.dispatch(master, Master.wait_leading).get(PATIENCE_SECONDS)
            agent = runtime.spawn(Counting(master))
            la.dispatch(agent, Counting.say, RegisterAgent(_agent(count)), AgentRegistered, 1).get(PATIENCE_SECONDS)
            framework = runtime.spawn(Counting(master))
            subscribe = Subscribe(FrameworkInfo(name="bench"))
            [event] = la.dispatch(framework, Counting.say, subscribe, Offers, 1).get(PATIENCE_SECONDS)
            [offer] = event.offers
            tasks = tuple([_task(number, offer.agent_id) for number in range(count)])
            accept = Accept(framework_id=offer.framework_id, offer_ids=(offer.id,), operations=(Launch(tasks),))
            launched = la.dispatch(agent, Counting.expect, RunTask, count)
            la.dispatch(framework, Counting.say, accept, Offers, 0).get(PATIENCE_SECONDS)
            launched.get(PATIENCE_SECONDS)
            call = Reconcile(offer.framework_id, tuple([TaskReference(each.task_id, each.agent_id) for each in tasks]))
            gc.collect()
            start = perf_counter()
            answers = la.dispatch(framework, Counting.say, call, Update, count).get(PATIENCE_SECONDS)
            seconds = perf_counter() - start
            expect(len(answers), count, "answers")
            return seconds


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
    @la.handles(RunTask)
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


def _agent(cpus: int) -> AgentInfo:
    return AgentInfo(hostname="host", port=5051, resources=Resources.of(cpus=cpus, mem=cpus))


def _task(number: int, agent_id: Any) -> TaskInfo:
    return TaskInfo(
        task_id=TaskID(f"task-{number}"),
        name="bench",
        agent_id=agent_id,
        resources=Resources.of(cpus=1, mem=1),
        command=CommandInfo(value="true"),
    )
