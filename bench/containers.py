"""Containers: how long an agent takes to have so many run, to end and to find them again, and what they cost it."""

# Real processes, each with a supervisor, and with all control groups that the machine has and that are ours to use.
# One agent, whose master, allocator and framework run beside it in one program, set up as `mesoslite dev` does it: what
#   is measured is a whole way, from the first offer to the last update that the framework hears.
# Sandboxes and the supervisors' files are in memory, as /run is.

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, sleep

import msgspec

import libactor as la
from bench.benchmarks import expect
from bench.launches import INTERVAL_SECONDS, MEMORY, PATIENCE_SECONDS
from mesoslite.agent import Agent, RecoveryOptions
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.cli.prompt import prompt
from mesoslite.containment import SupervisedContainerizer
from mesoslite.containment.isolation import ALL_CGROUPS, DEFAULT, IsolationOptions, make_isolators, parse_isolation
from mesoslite.containment.machine import look_at_machine
from mesoslite.framework import Framework, LocalConnection
from mesoslite.master import Allocator, Master
from mesoslite.model import InvalidRequest, Offer, Resources, TaskState, TaskStatus
from mesoslite.model.constants import ALLOCATION_INTERVAL_SECONDS
from mesoslite.registry import MemoryRegistry, MemoryStorage, Registrar

COMMAND = "exec sleep 1000000"
IDLE_SECONDS = 0.01  # for each container; in these the allocator runs as often as it does in a master


class ContainerWork:
    """Each method has so many containers (``count``) run on one agent, and times a part of their life."""

    def containers_start(self, count: int) -> float:
        """From when a framework comes until all of its tasks run."""
        with _house(count) as house:
            return house.start()

    def containers_kill(self, count: int) -> float:
        """From the first kill until the last task is over, and nothing is left of it."""
        with _house(count) as house:
            house.start()
            start = perf_counter()
            la.dispatch(house.framework, Holding.kill_all)
            la.dispatch(house.framework, Holding.wait_for, TaskState.TASK_KILLED).get(PATIENCE_SECONDS)
            seconds = perf_counter() - start
            left = {name for made in (house.place / "run" / "containers").iterdir() for name in os.listdir(made)}
            expect(left, {"status"}, "what is left of containers")
            return seconds

    def containers_restart(self, count: int) -> float:
        """From when an agent begins anew, which has let go of its containers, until it has registered with all."""
        with _house(count) as house:
            house.start()
            la.dispatch(house.agent, Agent.let_go)
            la.wait(house.agent)
            gc.collect()
            start = perf_counter()
            house.begin_agent()
            seconds = perf_counter() - start
            state = la.dispatch(house.agent, Agent.state).get(PATIENCE_SECONDS)
            alive = [run for framework in state.frameworks for run in framework.tasks if run.pid is not None]
            expect(len(alive), count, "tasks that run")
            return seconds

    def containers_idle(self, count: int) -> float:
        """Seconds of the processor in a second in which all of them wait: of agent, master and allocator together."""
        with _house(count, ALLOCATION_INTERVAL_SECONDS) as house:
            house.start()
            sleep(IDLE_SECONDS * count)  # what they have begun with is over then
            start, used = perf_counter(), process_time()
            sleep(IDLE_SECONDS * count)
            return (process_time() - used) / (perf_counter() - start)


class Holding(Framework):
    """Launches so many tasks, which do not end by themselves."""

    def __init__(self, count: int) -> None:
        super().__init__("bench")
        self.info = msgspec.structs.replace(self.info, checkpoint=True)
        self._left = self._count = count
        self._tasks: list[TaskStatus] = []
        self._heard: Counter[TaskState] = Counter()
        self._waited: dict[TaskState, la.Promise[None]] = {}

    def on_offers(self, offers: tuple[Offer, ...]) -> None:
        """Launch."""
        for offer in offers:
            if self._left:
                self.launch(offer, [self.task(offer, COMMAND, cpus=1, mem=32) for _ in range(self._left)], 0.0)
                self._left = 0
            else:
                self.decline(offer)

    def on_update(self, status: TaskStatus) -> None:
        """Count."""
        self._heard[status.state] += 1
        if status.state is TaskState.TASK_RUNNING:
            self._tasks.append(status)
        if self._heard[status.state] == self._count and status.state in self._waited:
            self._waited.pop(status.state).set(None)

    def wait_for(self, state: TaskState) -> la.Future[None]:
        """Ready once all tasks have been in that state."""
        promise: la.Promise[None] = la.Promise()
        if self._heard[state] == self._count:
            promise.set(None)
        else:
            self._waited[state] = promise
        return promise.future

    def kill_all(self) -> None:
        """Have every task end."""
        for status in self._tasks:
            self.kill(status.task_id)


@dataclass
class _House:
    """One agent, and who has tasks on it."""

    runtime: la.Runtime
    master: la.PID[Master]
    count: int
    place: Path

    def begin_agent(self) -> None:
        """Spawn the agent, and wait until it has registered."""
        containerizer = _containerizer(str(self.place / "run"))
        agent = Agent(
            self.master,
            resources=Resources.of(cpus=self.count, mem=32 * self.count),
            work_dir=self.place,
            containerizer=containerizer,
            recovery=RecoveryOptions(boot_id="bench"),
        )
        self.agent = self.runtime.spawn(agent)
        la.dispatch(self.agent, Agent.wait_registered).get(PATIENCE_SECONDS)

    def start(self) -> float:
        """Have all tasks run; the seconds that it takes."""
        framework = Holding(self.count)
        framework.connection = LocalConnection(self.master)
        gc.collect()
        start = perf_counter()
        self.framework = self.runtime.spawn(framework)
        la.dispatch(self.framework, Holding.wait_for, TaskState.TASK_RUNNING).get(PATIENCE_SECONDS)
        seconds = perf_counter() - start
        expect(len(os.listdir(self.place / "run" / "containers")), self.count, "containers")
        return seconds


@contextmanager
def _house(count: int, interval_seconds: float = INTERVAL_SECONDS) -> Iterator[_House]:
    with TemporaryDirectory(dir=MEMORY) as folder, prompt(), la.Runtime() as runtime:
        registrar = runtime.spawn(Registrar(MemoryStorage(MemoryRegistry())))
        allocator = runtime.spawn(Allocator(HierarchicalAllocator(), interval_seconds))
        master = runtime.spawn(Master(allocator, registrar))
        la.dispatch(master, Master.wait_leading).get(PATIENCE_SECONDS)
        house = _House(runtime, master, count, Path(folder))
        house.begin_agent()
        yield house
        la.terminate(house.agent)
        la.wait(house.agent)
    _remove_groups()


def _root() -> str:
    return f"mesoslite-bench-{os.getpid()}"


def _containerizer(runtime_directory: str) -> SupervisedContainerizer:
    machine = look_at_machine()
    try:
        names = parse_isolation(ALL_CGROUPS, machine)
    except InvalidRequest:
        names = DEFAULT
    Path(runtime_directory).mkdir(exist_ok=True)
    isolators = make_isolators(names, machine, runtime_directory, IsolationOptions(cgroups_root=_root()))
    return SupervisedContainerizer(runtime_directory, isolators)


def _remove_groups() -> None:
    hierarchies = look_at_machine().hierarchies
    for hierarchy in {*hierarchies.by_controller.values(), hierarchies.unified} - {None}:
        group = Path(hierarchy.path, _root())
        if group.exists():
            group.rmdir()
