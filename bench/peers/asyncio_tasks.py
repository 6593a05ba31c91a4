"""The work on asyncio, on its own loop or on uvloop: each actor is a task and a queue."""

# Everything is in one thread, so nothing here waits for another thread; that is what makes asyncio's asks quick.
# An actor calls a method of its object for each message, as every other peer does.

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from time import perf_counter
from typing import Any, TypeAlias

from bench.benchmarks import expect
from bench.peers import RING_ACTORS, WARM_ACTORS
from bench.peers.asyncio_streams import Streams
from bench.peers.programs import AsyncioPrograms
from bench.peers.weight import resident_bytes

Question: TypeAlias = "tuple[int, asyncio.Future[int] | None]"  # the number to add, and where the sum is to go
STOP = None
BATCH = 1_000  # futures set before the loop gets to run their callbacks


class Counter:
    """Adds up what it is sent. To be made while the loop runs."""

    def __init__(self) -> None:
        self.sum = 0
        self.queue: asyncio.Queue[Question | None] = asyncio.Queue()
        self.task = asyncio.create_task(self._run())

    def ask(self, number: int) -> asyncio.Future[int]:
        """Add; the future of the sum so far."""
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.queue.put_nowait((number, answer))
        return answer

    async def stop(self) -> bool:
        """Ask it to stop, and wait; True if it has."""
        self.queue.put_nowait(STOP)
        await self.task
        return self.task.done()

    def add(self, number: int) -> int:
        """Add, and answer the sum so far."""
        self.sum += number
        return self.sum

    async def _run(self) -> None:
        while (question := await self.queue.get()) is not STOP:
            number, answer = question
            total = self.add(number)
            if answer is not None:
                answer.set_result(total)


class Node:
    """Passes a token on until it has no hops left; then says so."""

    def __init__(self, arrived: asyncio.Event) -> None:
        self.queue: asyncio.Queue[int | None] = asyncio.Queue()
        self.arrived = arrived
        self.successor: asyncio.Queue[int | None] = self.queue
        self.seen = 0
        self.task = asyncio.create_task(self._run())

    def receive(self, hops_left: int) -> None:
        """Take the token."""
        self.seen += 1
        if hops_left == 0:
            self.arrived.set()
        else:
            self.successor.put_nowait(hops_left - 1)

    async def stop(self) -> None:
        """Ask it to stop, and wait."""
        self.queue.put_nowait(STOP)
        await self.task

    async def _run(self) -> None:
        while (hops_left := await self.queue.get()) is not STOP:
            self.receive(hops_left)


class AsyncioTasks(Streams, AsyncioPrograms):
    """Each method runs a loop of its own. Raises: ImportError if ``uvloop_wanted`` and it is not installed."""

    def __init__(self, uvloop_wanted: bool) -> None:
        self.loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
        if uvloop_wanted:
            import uvloop

            self.loop_factory = uvloop.new_event_loop

    def tell(self, count: int) -> float:
        """``put_nowait`` to one queue; one question after them all tells that they are handled."""
        return self._run(_tell(count))

    def ask(self, count: int) -> float:
        """Each question with a future for its answer, awaited at once."""
        return self._run(_ask(count))

    def pipelined(self, count: int) -> float:
        """All asked, then all awaited in turn, which is quicker than ``gather``."""
        return self._run(_pipelined(count))

    def ring(self, count: int) -> float:
        """``put_nowait`` from task to task."""
        return self._run(_ring(count))

    def spawn(self, count: int) -> float:
        """A task created, told to stop and awaited, again and again."""
        return self._run(_spawn(count))

    def spawn_many(self, count: int) -> float:
        """As ``spawn``, each step for all tasks before the next step."""
        return self._run(_spawn_many(count))

    def callback(self, count: int) -> float:
        """``add_done_callback``; the loop runs after each batch."""
        return self._run(_callback(count))

    def then(self, count: int) -> float:
        """A callback that sets a second future; the loop runs after each batch."""
        return self._run(_then(count))

    def memory(self, count: int) -> float:
        """Tasks that have started and wait for their queue."""
        return self._run(_memory(count))

    def _run(self, work: Coroutine[Any, Any, float]) -> float:
        with asyncio.Runner(loop_factory=self.loop_factory) as runner:
            return runner.run(work)


async def _tell(count: int) -> float:
    actor = Counter()
    start = perf_counter()
    for number in range(count):
        actor.queue.put_nowait((number, None))
    total = await actor.ask(0)
    seconds = perf_counter() - start
    await actor.stop()
    expect(total, count * (count - 1) // 2, "sum of what was told")
    return seconds


async def _ask(count: int) -> float:
    actor = Counter()
    total = 0
    start = perf_counter()
    for _ in range(count):
        total += await actor.ask(1)
    seconds = perf_counter() - start
    await actor.stop()
    expect(total, count * (count + 1) // 2, "sum of the answers")
    return seconds


async def _pipelined(count: int) -> float:
    actor = Counter()
    start = perf_counter()
    futures = [actor.ask(1) for _ in range(count)]
    answers = [await future for future in futures]
    seconds = perf_counter() - start
    await actor.stop()
    expect(sum(answers), count * (count + 1) // 2, "sum of the answers")
    return seconds


async def _ring(count: int) -> float:
    arrived = asyncio.Event()
    ring = [Node(arrived) for _ in range(RING_ACTORS)]
    for i, node in enumerate(ring):
        ring[i - 1].successor = node.queue
    await asyncio.sleep(0)  # so that every task has started
    start = perf_counter()
    ring[0].queue.put_nowait(count - 1)
    await arrived.wait()
    seconds = perf_counter() - start
    for node in ring:
        await node.stop()
    expect(sum([node.seen for node in ring]), count, "hops")
    return seconds


async def _spawn(count: int) -> float:
    stopped = 0
    start = perf_counter()
    for _ in range(count):
        stopped += await Counter().stop()
    seconds = perf_counter() - start
    expect((stopped, len(asyncio.all_tasks())), (count, 1), "tasks that ended, and that are left with this one")
    return seconds


async def _spawn_many(count: int) -> float:
    start = perf_counter()
    actors = [Counter() for _ in range(count)]
    alive = sum([not actor.task.done() for actor in actors])
    for actor in actors:
        actor.queue.put_nowait(STOP)
    for actor in actors:
        await actor.task
    seconds = perf_counter() - start
    expect((alive, len(asyncio.all_tasks())), (count, 1), "tasks alive, and left with this one")
    return seconds


async def _callback(count: int) -> float:
    total = 0

    def add(future: asyncio.Future[int]) -> None:
        nonlocal total
        total += future.result()

    loop = asyncio.get_running_loop()
    start = perf_counter()
    for number in range(count):
        future: asyncio.Future[int] = loop.create_future()
        future.add_done_callback(add)
        future.set_result(number)
        if number % BATCH == BATCH - 1:
            await asyncio.sleep(0)
    await asyncio.sleep(0)
    seconds = perf_counter() - start
    expect(total, count * (count - 1) // 2, "sum of what the callbacks got")
    return seconds


async def _then(count: int) -> float:
    loop = asyncio.get_running_loop()
    total = 0
    start = perf_counter()
    for first in range(0, count, BATCH):
        results = []
        for number in range(first, min(first + BATCH, count)):
            future: asyncio.Future[int] = loop.create_future()
            results.append(_chain(future, loop.create_future()))
            future.set_result(number)
        for result in results:
            total += await result
    seconds = perf_counter() - start
    expect(total, count * (count + 1) // 2, "sum of the results")
    return seconds


def _chain(source: asyncio.Future[int], result: asyncio.Future[int]) -> asyncio.Future[int]:
    source.add_done_callback(lambda done: result.set_result(done.result() + 1))
    return result


async def _memory(count: int) -> float:
    warm = [Counter() for _ in range(WARM_ACTORS)]
    await warm[-1].ask(0)
    before = resident_bytes()
    actors = [Counter() for _ in range(count)]
    await actors[-1].ask(0)
    grown = resident_bytes() - before
    alive = len(asyncio.all_tasks())
    for actor in (*warm, *actors):
        await actor.stop()
    expect(alive, count + WARM_ACTORS + 1, "tasks alive with this one")
    return grown
