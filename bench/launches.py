"""Launches: how many tasks a second go the whole way of a cluster in one program, and what each part takes of it."""

# A task's way: offer, ACCEPT, RunTask, sandbox, and STARTING, RUNNING and FINISHED, each told and acknowledged before
#   the next goes out. Master, allocator, agents and frameworks are those that everybody uses; containers end as they
#   start.
# The process is set up as `mesoslite dev` does it (cli/prompt.py).
# The parts' shares are of runs of their own, in which every turn of an actor is timed, by the processor's time: what is
#   not in a turn is the runtime's.
# Sandboxes are directories in memory (MEMORY), or, where that is what is asked, on the disk of the checkout: that of
#   one task is three new directories and a link, and how long a disk takes over those differs more than all else here.

from __future__ import annotations

import functools
import gc
import os
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, thread_time
from typing import Any
from unittest.mock import patch

import libactor as la
from bench.benchmarks import expect
from bench.registrar import FOLDER
from mesoslite.agent import Agent
from mesoslite.agent.sandbox import make_sandbox
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.cli.prompt import prompt
from mesoslite.framework import Framework, LocalConnection
from mesoslite.master import Allocator, Master
from mesoslite.model import (
    Container,
    ContainerConfig,
    ContainerID,
    ContainerNotices,
    Offer,
    Resources,
    TaskState,
    TaskStatus,
    Termination,
)
from mesoslite.registry import MemoryRegistry, MemoryStorage, Registrar

MEMORY = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else FOLDER
AGENTS = 200
FRAMEWORKS = 5
PATIENCE_SECONDS = 300.0
INTERVAL_SECONDS = 0.005  # between two runs of the allocator: what is measured is work, not waiting
# What actors tell themselves, and containers tell agents, on the way of a task.
TOLD = ("_advance", "_go_on_offering", "_container_exited", "advance", "run", "want_run")
COURSE = (TaskState.TASK_STARTING, TaskState.TASK_RUNNING, TaskState.TASK_FINISHED)


class LaunchWork:
    """Each method launches so many tasks (``count``), with at most so many on an offer."""

    def launches(self, count: int, on_offer: int) -> float:
        """The seconds until the last acknowledgement has reached its agent."""
        return _launch(count, on_offer)

    def launches_on_disk(self, count: int, on_offer: int) -> float:
        """The same, with sandboxes on a disk."""
        return _launch(count, on_offer, place=FOLDER)

    def framework_part(self, count: int, on_offer: int) -> float:
        """What frameworks take of that."""
        return _part(count, on_offer)["framework"]

    def master_part(self, count: int, on_offer: int) -> float:
        """What the master takes of it."""
        return _part(count, on_offer)["master"]

    def allocator_part(self, count: int, on_offer: int) -> float:
        """What the allocator takes of it."""
        return _part(count, on_offer)["allocator"]

    def agent_part(self, count: int, on_offer: int) -> float:
        """What agents take of it, without sandboxes."""
        return _part(count, on_offer)["agent"]

    def sandbox_part(self, count: int, on_offer: int) -> float:
        """What it takes to make sandboxes."""
        return _part(count, on_offer)["sandbox"]

    def passing_part(self, count: int, on_offer: int) -> float:
        """What is left: messages and turns, by the runtime."""
        return _part(count, on_offer)["rest"]


class Launching(Framework):
    """Launches so many tasks, as many as fit on each offer, and notes what it hears of them."""

    def __init__(self, count: int, on_offer: int) -> None:
        super().__init__("bench")
        self._left = count
        self._on_offer = on_offer
        self._unfinished = count
        self._over: la.Promise[None] = la.Promise()
        self.heard: Counter[TaskState] = Counter()
        if not count:
            self._over.set(None)

    def on_offers(self, offers: tuple[Offer, ...]) -> None:
        """Launch."""
        for offer in offers:
            fitting = min(self._left, self._on_offer, int(offer.resources.get("cpus")))
            if fitting:
                self._left -= fitting
                self.launch(offer, [self.task(offer, "true", cpus=1, mem=32) for _ in range(fitting)], 0.0)
            else:
                self.decline(offer)

    def on_update(self, status: TaskStatus) -> None:
        """Count."""
        self.heard[status.state] += 1
        if status.state is TaskState.TASK_FINISHED:
            self._unfinished -= 1
            if not self._unfinished:
                self._over.set(None)

    def wait_over(self) -> la.Future[None]:
        """Ready once the last task has finished."""
        return self._over.future


class Ended:
    """A container that is over."""

    pid = 1
    has_started = True

    def terminate(self, grace_seconds: float) -> None:
        """Nothing runs."""

    def kill(self) -> None:
        """Nothing runs."""


class NoProcess:
    """A containerizer whose containers end well as they start."""

    def launch(self, config: ContainerConfig, notices: ContainerNotices) -> Ended:
        """Start nothing, and say that it has ended."""
        notices.ended(Termination(0))
        return Ended()

    def recover(self, *_: object) -> dict[ContainerID, Container]:
        """Find nothing."""
        return {}

    def detach(self) -> None:
        """Nothing runs."""

    def close(self) -> None:
        """Nothing runs."""


class Stopwatch:
    """What turns of actors, and functions, have taken, by part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._turn = threading.local()  # .inner: what others take within the one under way; several threads run actors

    def timed(self, kind: type[Any], part: str) -> type[Any]:
        """The class of actors ``kind``, with turns that count for ``part``."""
        names = {name for name, _ in kind._libactor_handlers.values()} | {name for name in TOLD if hasattr(kind, name)}
        return type(kind.__name__, (kind,), {name: self.timing(getattr(kind, name), part) for name in names})

    def timing(self, function: Callable[..., Any], part: str) -> Callable[..., Any]:
        """``function``, whose time counts for ``part``, and not for what calls it."""

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            outer, self._turn.inner = getattr(self._turn, "inner", 0.0), 0.0
            start = thread_time()
            try:
                return function(*args, **kwargs)
            finally:
                took = thread_time() - start
                self.seconds[part] += took - self._turn.inner
                self._turn.inner = outer + took

        return run


def _launch(count: int, on_offer: int, watch: Stopwatch | None = None, place: Path = MEMORY) -> float:
    """The seconds that it takes; the processor's, and with each turn timed, if there is a watch."""
    now = perf_counter if watch is None else process_time
    kinds = {"framework": Launching, "master": Master, "allocator": Allocator, "agent": Agent}
    if watch is not None:
        kinds = {part: watch.timed(kind, part) for part, kind in kinds.items()}
    with TemporaryDirectory(dir=place) as folder, prompt(), la.Runtime() as runtime:
        registrar = runtime.spawn(Registrar(MemoryStorage(MemoryRegistry())))
        allocator = runtime.spawn(kinds["allocator"](HierarchicalAllocator(), INTERVAL_SECONDS))
        master = runtime.spawn(kinds["master"](allocator, registrar))
        la.dispatch(master, Master.wait_leading).get(PATIENCE_SECONDS)
        resources = Resources.of(cpus=on_offer, mem=32 * on_offer)
        agents = [
            runtime.spawn(
                kinds["agent"](
                    master, resources=resources, work_dir=Path(folder, str(number)), containerizer=NoProcess()
                )
            )
            for number in range(min(AGENTS, count))
        ]
        for agent in agents:
            la.dispatch(agent, Agent.wait_registered).get(PATIENCE_SECONDS)
        shares = [count // FRAMEWORKS + (number < count % FRAMEWORKS) for number in range(FRAMEWORKS)]
        frameworks = [kinds["framework"](share, on_offer) for share in shares]
        for framework in frameworks:
            framework.connection = LocalConnection(master)
        gc.collect()
        if watch is not None:
            watch.seconds.clear()
        start = now()
        pids = [runtime.spawn(framework) for framework in frameworks]
        for pid in pids:
            la.dispatch(pid, Launching.wait_over).get(PATIENCE_SECONDS)
        while _unacknowledged(master):  # what a framework says waits behind what of it is done in slices
            pass
        la.collect([la.dispatch(agent, Agent.ping) for agent in agents]).get(PATIENCE_SECONDS)
        seconds = now() - start
        heard = [sum([framework.heard[state] for framework in frameworks]) for state in COURSE]
        expect(heard, [count] * len(COURSE), "statuses that frameworks have heard")
        return seconds


def _unacknowledged(master: la.PID[Master]) -> int:
    """How many tasks are not over, or their end is not acknowledged."""
    state = la.dispatch(master, Master.state).get(PATIENCE_SECONDS)
    return sum([len(framework.tasks) for framework in state.frameworks])


def _part(count: int, on_offer: int) -> dict[str, float]:
    """What each part takes."""
    watch = Stopwatch()
    with patch("mesoslite.agent.commands.make_sandbox", watch.timing(make_sandbox, "sandbox")):
        whole = _launch(count, on_offer, watch)
    watch.seconds["rest"] = whole - sum(watch.seconds.values())
    return watch.seconds
