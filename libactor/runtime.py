"""Runtime: a set of actors, the workers that run them and the clock they live by."""

# Who calls: users open one by `with`; the module functions of libactor/messages.py use the current one.
# Invariants: 1. an id names at most one live actor.    2. after close() no thread of the runtime lives, unless a
#   handler would not end, which close() reports.    3. actors are stopped in reverse order of spawning, one at a time
#   and after they have served what they were sent: what was started later may still need what was started before. The
#   children of a supervisor are left to it: stopped behind its back they would be started again.
# Several runtimes live side by side in a program; their actors may send to one another.

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from libactor._core._impl import DEBUG_VALUES, RunQueue, RuntimeCell, configure, terminate, wait
from libactor._core.clock import Clock
from libactor._core.errors import ForkedRuntime, SpawnError
from libactor.actor import Actor
from libactor.context import opened, running_process
from libactor.events import Terminate
from libactor.lifetimes import live
from libactor.methods import Unknown
from libactor.process import Process
from libactor.supervision.census import Census
from libactor.worker import Workers

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from libactor.aio import LoopThread
    from libactor.bounds import Bounded
    from libactor.debugging import Watch
    from libactor.metrics import Registry
    from libactor.pid import PID
    from libactor.poller import Poller
    from libactor.pool import Pool
    from libactor.testing.simulation import Simulation
    from libactor.transport import Remote
    from libactor.transport.node import Node

log = logging.getLogger("libactor")

A = TypeVar("A", bound=Actor)

CLOSE_TIMEOUT_S = 10.0  # what close() waits for an actor to end its handler, unless told otherwise

_numbers = itertools.count(1)  # next() on it is one step, whichever threads open runtimes at once


class Runtime(RuntimeCell):
    """Runs actors. Use it as a context manager: inside, the module functions refer to it; at the end it is closed.

    In asyncio use ``async with``: then the loop goes on while the actors stop.

    Its ``address`` is the part of its PIDs after the ``@``; its ``clock`` is its own: to pause it pauses no other.
    ``helping``: a thread outside of actors that waits for an actor may run that actor itself meanwhile.
    ``debug``: look at every value that crosses in this process (docs/libactor.md, debug mode); if it is left out,
    LIBACTOR_DEBUG_VALUES=1 in the environment says so.
    ``remote``: how it listens for actors of other hosts, and reaches them (docs/remote.md); left out: it does not.
    """

    crashes: list[tuple[PID[Any], BaseException]] | None = None  # of tests that want to know: who, and of what
    simulation: Simulation | None = None  # of a deterministic runtime: what runs its actors in the place of workers

    def __init__(self, *, helping: bool = True, debug: bool = DEBUG_VALUES, remote: Remote | None = None) -> None:
        node = None if remote is None else _make_node(remote)
        queue = RunQueue()
        queue.helping = bool(helping)
        address = f"local-{next(_numbers)}" if node is None else node.address
        clock = Clock(queue.wake, self._wait_idle, self._name_busy)
        self._set_up(address, queue, clock, Workers(address, queue, clock), debug)
        self.workers.runtime = weakref.ref(self)
        try:
            self.workers.start()
            self._go_online(node)
        except (RuntimeError, OSError, MemoryError):  # no thread or descriptor left: what was started has nothing to do
            self.workers.stop(CLOSE_TIMEOUT_S)
            if self._poller is not None:
                self._poller.close()
            if node is not None:
                node.abort()
            raise
        live.add(self)

    def _set_up(self, address: str, queue: RunQueue, clock: Clock, workers: Any, debug: bool) -> None:
        """The fields, for runtimes of all kinds; ``workers`` are started afterwards."""
        super().__init__(address, queue)
        self.clock = clock
        self.workers = workers
        self._owner = os.getpid()
        self.dead_letters = 0  # messages and tells that reached nobody
        self.overflows = 0  # events of any kind for which a bounded mailbox had no room
        self.census = Census()
        self._lock = threading.RLock()  # re-entrant: a finalizer may run in any section, and send too
        self._watch = _debug_watch() if debug else None
        self._metrics: Registry | None = None  # until somebody asks
        self._pools: dict[Pool, None] = {}  # not closed yet, in order of making
        self._loop_thread: LoopThread | None = None  # until somebody needs it
        self._node: Node | None = None  # of one that others can reach
        self._poller: Poller | None = None  # until somebody needs it

    if TYPE_CHECKING:  # what RuntimeCell has, with the types of this layer
        _processes: dict[str, Process]

        def spawn(self, actor: A, /, *, mailbox: Bounded | None = ...) -> PID[A]: ...

    def terminate(self, pid: PID[Any], inject: bool = True) -> None:
        """Ask an actor to stop: see libactor.terminate."""
        terminate(pid, inject)

    def wait(self, pid: PID[Any], timeout: float | None = None) -> bool:
        """Wait until an actor has stopped: see libactor.wait."""
        return wait(pid, timeout)

    def find(self, id: str) -> PID[Any] | None:
        """The live actor of that id, or None."""
        process = self._processes.get(id)
        return process.pid if process is not None else None

    def parse_pid(self, text: str, kind: type[Any] = Unknown) -> PID[Any]:
        """The PID of an actor that is written ``text``: see libactor.parse_pid."""
        self.check_here()
        if self._node is None:
            raise RuntimeError(
                f"parse_pid: runtime {self.address} has no address for others; open it with Runtime(remote=Remote(...))"
            )
        return self._node.parse(text, kind)

    def pids(self) -> tuple[PID[Any], ...]:
        """Every live actor, in order of spawning."""
        return tuple(process.pid for process in list(self._processes.values()))  # the list is made in one step

    def close(self, timeout: float = CLOSE_TIMEOUT_S) -> None:
        """Stop every actor, the last one spawned first, then the workers; ``timeout`` in seconds bounds each.

        Once one of them would not stop, the others are asked at once and share one more ``timeout``. A second close
        finds nothing to do, or what an interrupted one left. Supervisors stop their children themselves, in order.
        Raises: RuntimeError naming the actors that would not stop; their threads are left behind as daemons.
        """
        self.check_here()
        if self._is_inside():
            raise RuntimeError("close: called inside an actor of the same runtime, which it would wait for")
        processes = self._shut()
        stuck = self._stop_actors(processes, timeout)
        working = [name for pool in self.pools for name in pool.end(timeout)]
        working += self._loop_thread.end(timeout) if self._loop_thread is not None else []
        working += self._poller.wind_down(timeout) if self._poller is not None else []
        busy = [process for process in processes if process.stopped.is_pending() and not process.suspended]
        lasting = self.workers.stop(timeout if not busy else 0.0)
        stuck += [] if busy else lasting  # else the actors say it, and idle threads may not have ended yet
        if self._poller is not None:
            self._poller.close()
        self.clock.close()
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.switch_off()
        stuck += working
        if stuck:
            raise RuntimeError(
                f"close: still in a handler, or awaiting in on_stop, after {timeout} s: {', '.join(stuck)}; threads in "
                "a handler live on"
            )

    @property
    def metrics(self) -> Registry:
        """The metrics of this runtime, its own among them (docs/metrics.md)."""
        from libactor.metrics import Registry  # many a runtime needs none of it

        with self._lock:
            if self._metrics is None:
                self._metrics = Registry(self)
            return self._metrics

    @property
    def pools(self) -> tuple[Pool, ...]:
        """The pools of this runtime that are not closed."""
        with self._lock:
            return tuple(self._pools)

    def take_in(self, pool: Pool) -> None:
        """Have ``pool`` closed with this runtime at the latest. Raises: RuntimeError in a closed runtime."""
        self.check_here()
        with self._lock:
            self._pools[pool] = None
            if self._closed:  # since before that: close() may have looked already
                self._pools.pop(pool, None)
                raise RuntimeError(f"Pool: runtime {self.address} is closed; make a new one")

    def let_out(self, pool: Pool) -> None:
        """Forget a pool that is closed."""
        with self._lock:
            self._pools.pop(pool, None)

    def loop_thread(self) -> LoopThread:
        """The thread with an asyncio loop that ends with this runtime (libactor/aio.py)."""
        from libactor.aio import LoopThread  # many a runtime needs none of it

        self.check_here()
        if self.simulation is not None:
            raise RuntimeError(
                "aio.run: a deterministic runtime has no asyncio loop, whose order no seed could decide; fake what the "
                "coroutine would bring"
            )
        with self._lock:
            if self._closed:
                raise RuntimeError(f"aio.run: runtime {self.address} is closed; make a new one")
            if self._loop_thread is None:
                self._loop_thread = LoopThread(self)
            return self._loop_thread

    @property
    def poller(self) -> Poller:
        """What tells of descriptors that are ready (libactor/poller.py)."""
        from libactor.poller import Poller  # many a runtime needs none of it

        self.check_here()
        if self.simulation is not None:
            raise RuntimeError(
                "poller: a deterministic runtime has no descriptors, whose order no seed could decide; fake what they "
                "would bring"
            )
        with self._lock:
            if self._poller is None:
                if self._closed:
                    raise RuntimeError(f"poller: runtime {self.address} is closed; make a new one")
                self._poller = self.workers.poller = Poller(self.address, self.queue)
            return self._poller

    def dead_letter(self, pid: PID[Any], what: str, why: str, count: int = 1) -> None:
        """Count what was sent to ``pid``, so often, and reached nobody; ``why`` goes into the log."""
        with self._lock:
            self.dead_letters += count
        log.debug("%s: %s was sent and not served: %s", pid, what, why)

    def overflow(self) -> None:
        """Count an event for which a bounded mailbox had no room."""
        with self._lock:
            self.overflows += 1

    @property
    def restarts(self) -> int:
        """How often a supervisor of this runtime has started a child anew."""
        return self.census.restarts

    def forked(self) -> ForkedRuntime:
        """The error for whoever uses this runtime in the child of a fork."""
        return ForkedRuntime(
            f"runtime {self.address} belongs to process {self._owner}, of which this one is a fork without its "
            "threads; make a Runtime in the child, or start the child by another way than fork"
        )

    def orphan(self) -> None:
        """In the child of a fork: nothing runs here any more, and locks may be held by threads that are not there."""
        self.queue.orphan()
        self.clock.orphan(self.forked)
        self._lock = threading.RLock()
        self.census = Census()
        if self._poller is not None:
            self._poller.orphan()
        for pool in self._pools:
            pool.orphan()
        if self._node is not None:
            self._node.orphan()

    def check_here(self) -> None:
        """Raise ForkedRuntime in the child of a fork."""
        if self.queue.orphaned:
            raise self.forked()

    def __enter__(self) -> Self:
        if self._closed:
            raise RuntimeError(f"runtime {self.address} is closed; make a new one")
        opened.set((*opened.get(), self))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        opened.set(tuple(runtime for runtime in opened.get() if runtime is not self))
        if not self.queue.orphaned:  # the parent closes it
            self.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        opened.set(tuple(runtime for runtime in opened.get() if runtime is not self))
        if not self.queue.orphaned:
            await asyncio.to_thread(self.close)  # actors may need time to stop; the loop goes on meanwhile

    def __repr__(self) -> str:
        return f"<Runtime {self.address}, {len(self._processes)} actors{', closed' if self._closed else ''}>"

    def _go_online(self, node: Node | None) -> None:
        self._node = node
        if node is not None:
            node.start(self)

    def _stop_actors(self, processes: list[Process], timeout: float) -> list[str]:
        """Stop ``processes``, the supervised ones by their supervisors; the PIDs of those that are still there."""
        ours, supervised = self.census.divide(processes)
        stuck = self._stop_all(ours, timeout)
        return stuck + self._stop_all(supervised, timeout if not stuck else 0.0)  # those that their supervisor has left

    def _stop_all(self, processes: list[Process], timeout: float) -> list[str]:
        """Stop ``processes`` in their order; the PIDs of those that are still there."""
        rest = iter(processes)
        for process in rest:
            self.terminate(process.pid, inject=False)
            if not self.wait(process.pid, timeout) and not self._cut_short(process, timeout):
                break
        others = list(rest)
        for process in others:
            self.terminate(process.pid, inject=False)
        late = False
        for process in others:
            late = not self.wait(process.pid, 0.0 if late else timeout) or late
        return [str(process.pid) for process in processes if process.stopped.is_pending()]

    def _cut_short(self, process: Process, timeout: float) -> bool:
        """End an actor that a coroutine keeps from its end, by waiting and serving nothing else; False if it is not."""
        if process._stopping or not process.suspended:
            return False
        log.warning("%s: ended by close() although a coroutine that holds other events back waits there", process.pid)
        self.terminate(process.pid)
        return self.wait(process.pid, timeout)

    def suspended(self, pid: PID[Any] | None = None) -> int:
        """How many handlers wait at an ``await`` now: of the actor at ``pid``, or of all."""
        processes = list(self._processes.values()) if pid is None else [pid._process]
        return sum(process.suspended for process in processes)

    def _is_inside(self) -> bool:
        """Whether the caller is in a handler of this runtime, in what a timer was set for, or in work of a pool."""
        process = running_process()
        thread = threading.current_thread()
        return (
            (process is not None and process.runtime is self)
            or thread in self.workers
            or any(thread in pool for pool in self.pools)
            or (self._loop_thread is not None and thread in self._loop_thread)
        )

    def _wait_idle(self, timeout: float | None) -> bool:
        self.check_here()
        if self._is_inside():
            raise RuntimeError("settle: called inside an actor of the same runtime, which would wait for its own end")
        return self.queue.closed or self.queue.wait_idle(timeout)

    def _name_busy(self) -> str:
        """The actors that run or have something in their mailboxes, and work of pools, as text."""
        processes = list(self._processes.values())
        busy = [f"{process.pid}, {len(process)} waiting" for process in processes if process._running or len(process)]
        working = sum(pool.running + pool.queued for pool in self.pools)
        return "; ".join(busy + ([f"{working} functions in pools"] if working else []))

    def _refuse(self, actor: object) -> SpawnError | ForkedRuntime:
        """The error for an actor that cannot be spawned here."""
        if not isinstance(actor, Actor):
            return SpawnError(f"spawn: got {actor!r}, expected an instance of a subclass of libactor.Actor")
        if not hasattr(actor, "_libactor_id"):
            return SpawnError(f"spawn: {type(actor).__qualname__}.__init__ did not call super().__init__()")
        if self.queue.orphaned:
            return self.forked()
        if self._closed:
            return SpawnError(f"spawn: runtime {self.address} is closed")
        if actor._libactor_process is not None:
            return SpawnError(f"spawn: {actor._libactor_process.pid} was spawned before; make a new actor object")
        return SpawnError(
            f"spawn: the id {actor._libactor_id!r} is taken by a live actor; choose another or wait for it"
        )


configure(process_type=Process, terminate_event=Terminate())


def _make_node(remote: Remote) -> Node:
    """What listens. It needs more modules than a runtime does, so they are imported for it alone."""
    from libactor.transport.node import Node

    return Node(remote)


def _debug_watch() -> Watch:
    """Debug mode, switched on. It needs more modules than a runtime does, so they are imported for it alone."""
    from libactor.debugging import watch

    watch.switch_on()
    return watch
