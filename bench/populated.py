"""A master behind HTTP whose cluster is full: agents, their tasks, frameworks that are over, as in Mesos's report."""

# Who calls: bench/pollers.py, bench/responsive.py. The tasks come from agents (bench/failover.py), as in a failover;
#   what is over are frameworks that have been torn down, with as many of their tasks as a master keeps, 1,000 each.
# One framework declines every offer at once, so all are made again in each cycle of the allocator.

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import NamedTuple

import libactor as la
from bench.benchmarks import expect
from bench.failover import Load, Returning, Tally, Wire
from bench.stand_ins import PATIENCE_SECONDS, ROLE, Counting
from libactor.http import HttpServer
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.api import master_app
from mesoslite.cli.prompt import prompt
from mesoslite.master import Allocator, Master
from mesoslite.model import (
    Decline,
    Filters,
    FrameworkID,
    FrameworkInfo,
    Offers,
    ShutdownFramework,
    Subscribe,
    Subscribed,
)
from mesoslite.model.constants import ALLOCATION_INTERVAL_SECONDS
from mesoslite.model.happenings import FrameworkRemoved
from mesoslite.registry import MemoryRegistry, MemoryStorage, Registrar

FULL = 100  # agents; with fewer nothing is to be measured, only to be done
RUNNING = COMPLETED = 10  # frameworks
TASKS = 10  # of each framework on each agent


class Site(NamedTuple):
    """A master, where it serves, and when it has made offers, in seconds of perf_counter."""

    master: la.PID[Master]
    address: str
    cycles: list[float]


class Host(Returning):
    """An agent that is told of frameworks that are over."""

    @la.handles(ShutdownFramework)
    def shut_down(self, message: ShutdownFramework) -> None:
        """Nothing runs."""


class Declining(la.Actor):
    """A framework that hands every offer back at once, and notes when they come."""

    def __init__(self, master: la.PID[Master]) -> None:
        super().__init__("declining")
        self._master = master
        self._id = FrameworkID("")
        self.cycles: list[float] = []

    def on_start(self) -> None:
        la.post(self._master, Subscribe(FrameworkInfo(name="declining", roles=(ROLE,))))

    @la.handles(Subscribed)
    def subscribed(self, event: Subscribed) -> None:
        """Offers will follow."""
        self._id = event.framework_id

    @la.handles(Offers)
    def offers(self, event: Offers) -> None:
        """Hand them back."""
        self.cycles.append(perf_counter())
        given = tuple([offer.id for offer in event.offers])
        la.post(self._master, Decline(framework_id=self._id, offer_ids=given, filters=Filters(0.0)))


@contextmanager
def populated(agents: int) -> Iterator[Site]:
    """So many agents with the tasks of frameworks that run, beside frameworks that are over."""
    tasks = TASKS if agents >= FULL else 1
    load = Load(agents, tasks * (RUNNING + COMPLETED), 0, RUNNING + COMPLETED)
    with prompt(), la.Runtime() as runtime, HttpServer() as server:
        registrar = runtime.spawn(Registrar(MemoryStorage(MemoryRegistry())))
        interval = ALLOCATION_INTERVAL_SECONDS if agents >= FULL else 0.02
        allocator = runtime.spawn(Allocator(HierarchicalAllocator(), interval))
        master = runtime.spawn(Master(allocator, registrar))
        la.dispatch(master, Master.wait_leading).get(PATIENCE_SECONDS)
        back = la.Promise[None]()
        tally = Tally(agents, back)
        hosts = [runtime.spawn(Host(number, tally)) for number in range(agents)]
        la.tell(runtime.spawn(Wire(master, hosts, list(load.messages()))), Wire.deliver)
        back.future.get(PATIENCE_SECONDS)
        _complete(runtime, master)
        running = la.dispatch(master, Master.count, "tasks_running").get(PATIENCE_SECONDS)
        expect(running, agents * RUNNING * tasks, "tasks that run")
        declining = Declining(master)
        runtime.spawn(declining)
        gc.collect()
        try:
            yield Site(master, server.listen(master_app(master, runtime=runtime)).partition("//")[2], declining.cycles)
        finally:
            la.terminate(master)  # before its agents: else it would lose all their tasks, one by one
            la.wait(master, PATIENCE_SECONDS)


def _complete(runtime: la.Runtime, master: la.PID[Master]) -> None:
    """Tear half of the frameworks down, and wait until they are over."""
    watcher = runtime.spawn(Counting(master))
    la.dispatch(master, Master.follow, watcher, frozenset({FrameworkRemoved})).get(PATIENCE_SECONDS)
    removed = la.dispatch(watcher, Counting.expect, FrameworkRemoved, COMPLETED)
    for number in range(COMPLETED):
        framework_id = FrameworkID(f"framework-{RUNNING + number}")
        la.dispatch(master, Master.teardown_framework, framework_id).get(PATIENCE_SECONDS)
    removed.get(PATIENCE_SECONDS)
