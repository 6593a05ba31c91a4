"""The work on libactor, on whichever core the environment picked."""

# Each method opens a runtime of its own. The other halves of the work stand beside this file, one concept in each.

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from time import perf_counter

import libactor as la
from bench.benchmarks import expect
from bench.peers import RING_ACTORS
from bench.peers.libactor_actors import Asker, Counter, Node
from bench.peers.libactor_coroutines import Coroutines
from bench.peers.libactor_futures import Futures
from bench.peers.libactor_http import Http
from bench.peers.libactor_libprocess import LibprocessBenchmarks
from bench.peers.libactor_programs import Programs
from bench.peers.libactor_records import Records
from bench.peers.libactor_remote import Remote
from bench.peers.libactor_scale import Scale
from bench.peers.libactor_simulation import Simulation
from bench.peers.libactor_supervision import Supervision
from bench.peers.libactor_texts import Texts
from bench.peers.libactor_values import Values


class Messages:
    """Telling, asking, passing on, starting and stopping."""

    def tell(self, count: int) -> float:
        """``tell`` to one actor; one question after them all tells that they are handled."""
        with la.Runtime():
            pid = la.spawn(Counter())
            start = perf_counter()
            for number in range(count):
                la.tell(pid, Counter.add, number)
            total = la.dispatch(pid, Counter.add, 0).get()
            seconds = perf_counter() - start
        expect(total, count * (count - 1) // 2, "sum of what was told")
        return seconds

    def ask(self, count: int) -> float:
        """``dispatch(...).get()`` in a loop."""
        with la.Runtime():
            return _ask(count)

    def ask_no_help(self, count: int) -> float:
        """As ``ask``, in a runtime without helping; one that does not know the word never helps."""
        known = "helping" in inspect.signature(la.Runtime).parameters
        with la.Runtime(**({"helping": False} if known else {})):
            return _ask(count)

    def asyncio_ask(self, count: int) -> float:
        """``await dispatch(...)`` in a task, on asyncio's own loop."""
        return _ask_in_loop(count, asyncio.new_event_loop)

    def uvloop_ask(self, count: int) -> float:
        """The same on uvloop."""
        import uvloop

        return _ask_in_loop(count, uvloop.new_event_loop)

    def ask_inside(self, count: int) -> float:
        """``dispatch(...).then(defer(...))`` from actor to actor."""
        with la.Runtime():
            asker = Asker(la.spawn(Counter()), count)
            pid = la.spawn(asker)
            start = perf_counter()
            la.tell(pid, Asker.ask)
            total = asker.done.future.get()
            seconds = perf_counter() - start
        expect(total, count * (count + 1) // 2, "sum of the answers")
        return seconds

    def pipelined(self, count: int) -> float:
        """All dispatched, then all answers awaited together, by ``collect``."""
        with la.Runtime():
            pid = la.spawn(Counter())
            start = perf_counter()
            futures = [la.dispatch(pid, Counter.add, 1) for _ in range(count)]
            answers = la.collect(futures).get()
            seconds = perf_counter() - start
        expect(sum(answers), count * (count + 1) // 2, "sum of the answers")
        return seconds

    def ring(self, count: int) -> float:
        """``tell`` from actor to actor."""
        with la.Runtime():
            arrived: la.Promise[None] = la.Promise()
            ring = [la.spawn(Node(arrived)) for _ in range(RING_ACTORS)]
            la.collect([la.dispatch(ring[i - 1], Node.join, ring[i]) for i in range(RING_ACTORS)]).get()
            start = perf_counter()
            la.tell(ring[0], Node.receive, count - 1)
            arrived.future.get()
            seconds = perf_counter() - start
            seen = sum(la.dispatch(pid, Node.count).get() for pid in ring)
        expect(seen, count, "hops")
        return seconds

    def spawn(self, count: int) -> float:
        """``spawn``, ``terminate``, ``wait``, again and again."""
        with la.Runtime() as runtime:
            stopped = 0
            start = perf_counter()
            for _ in range(count):
                pid = la.spawn(Counter())
                la.terminate(pid)
                stopped += la.wait(pid)
            seconds = perf_counter() - start
            expect((stopped, len(runtime.pids())), (count, 0), "actors that stopped, and that are left")
        return seconds

    def spawn_many(self, count: int) -> float:
        """As ``spawn``, each step for all actors before the next step."""
        with la.Runtime() as runtime:
            start = perf_counter()
            pids = [la.spawn(Counter()) for _ in range(count)]
            alive = len(runtime.pids())
            for pid in pids:
                la.terminate(pid)
            stopped = sum([la.wait(pid) for pid in pids])
            seconds = perf_counter() - start
            expect((alive, stopped, len(runtime.pids())), (count, count, 0), "actors alive, stopped, left")
        return seconds


class LibactorRuntime(
    Messages,
    Coroutines,
    Supervision,
    Simulation,
    Futures,
    Values,
    Records,
    Scale,
    Texts,
    Remote,
    Http,
    Programs,
    LibprocessBenchmarks,
):
    """All of libactor's work."""


def _ask(count: int) -> float:
    pid = la.spawn(Counter())
    total = 0
    start = perf_counter()
    for _ in range(count):
        total += la.dispatch(pid, Counter.add, 1).get()
    seconds = perf_counter() - start
    expect(total, count * (count + 1) // 2, "sum of the answers")
    return seconds


def _ask_in_loop(count: int, loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> float:
    async def ask(pid: la.PID[Counter]) -> float:
        total = 0
        start = perf_counter()
        for _ in range(count):
            total += await la.dispatch(pid, Counter.add, 1)
        seconds = perf_counter() - start
        expect(total, count * (count + 1) // 2, "sum of the answers")
        return seconds

    with la.Runtime(), asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(ask(la.spawn(Counter())))
