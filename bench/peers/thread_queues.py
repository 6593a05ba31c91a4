"""The work on bare threads: each actor is a thread and a SimpleQueue; futures are those of concurrent.futures."""

# An actor calls a method of its object for each message, as every other peer does: a loop that adds up in a local
#   variable is several times quicker, and nobody's actor.

from __future__ import annotations

import threading
from concurrent.futures import Future
from queue import SimpleQueue
from time import perf_counter
from typing import TypeAlias

from bench.benchmarks import expect
from bench.peers import RING_ACTORS, WARM_ACTORS
from bench.peers.programs import Popen
from bench.peers.weight import resident_bytes

Answers: TypeAlias = SimpleQueue[int]
Question: TypeAlias = tuple[int, Answers | None]  # the number to add, and where the sum so far is to go
STOP = None


class Counter:
    """Adds up what it is sent."""

    def __init__(self) -> None:
        self.sum = 0
        self.queue: SimpleQueue[Question | None] = SimpleQueue()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def ask(self, number: int) -> int:
        """Add, and wait for the sum so far."""
        answers: Answers = SimpleQueue()
        self.queue.put((number, answers))
        return answers.get()

    def stop(self) -> bool:
        """Ask it to stop, and wait; True if it has."""
        self.queue.put(STOP)
        self.thread.join()
        return not self.thread.is_alive()

    def add(self, number: int) -> int:
        """Add, and answer the sum so far."""
        self.sum += number
        return self.sum

    def _run(self) -> None:
        while (question := self.queue.get()) is not STOP:
            number, answers = question
            total = self.add(number)
            if answers is not None:
                answers.put(total)


class Node:
    """Passes a token on until it has no hops left; then says so."""

    def __init__(self, arrived: threading.Event) -> None:
        self.queue: SimpleQueue[int | None] = SimpleQueue()
        self.arrived = arrived
        self.successor: SimpleQueue[int | None] = self.queue
        self.seen = 0
        self.thread = threading.Thread(target=self._run, daemon=True)

    def receive(self, hops_left: int) -> None:
        """Take the token."""
        self.seen += 1
        if hops_left == 0:
            self.arrived.set()
        else:
            self.successor.put(hops_left - 1)

    def stop(self) -> None:
        """Ask it to stop, and wait."""
        self.queue.put(STOP)
        self.thread.join()

    def _run(self) -> None:
        while (hops_left := self.queue.get()) is not STOP:
            self.receive(hops_left)


class ThreadQueues(Popen):
    """Each method starts its threads and joins them."""

    def tell(self, count: int) -> float:
        """``put`` to one queue; one question after them all tells that they are handled."""
        actor = Counter()
        start = perf_counter()
        for number in range(count):
            actor.queue.put((number, None))
        total = actor.ask(0)
        seconds = perf_counter() - start
        actor.stop()
        expect(total, count * (count - 1) // 2, "sum of what was told")
        return seconds

    def ask(self, count: int) -> float:
        """Each question with a queue for its answer."""
        actor = Counter()
        total = 0
        start = perf_counter()
        for _ in range(count):
            total += actor.ask(1)
        seconds = perf_counter() - start
        actor.stop()
        expect(total, count * (count + 1) // 2, "sum of the answers")
        return seconds

    def pipelined(self, count: int) -> float:
        """All asked, each with a queue for its answer, then all read."""
        actor = Counter()
        start = perf_counter()
        waiting: list[Answers] = []
        for _ in range(count):
            answers: Answers = SimpleQueue()
            actor.queue.put((1, answers))
            waiting.append(answers)
        total = sum([answers.get() for answers in waiting])
        seconds = perf_counter() - start
        actor.stop()
        expect(total, count * (count + 1) // 2, "sum of the answers")
        return seconds

    def ring(self, count: int) -> float:
        """``put`` from thread to thread."""
        arrived = threading.Event()
        ring = [Node(arrived) for _ in range(RING_ACTORS)]
        for i, node in enumerate(ring):
            ring[i - 1].successor = node.queue
        for node in ring:
            node.thread.start()
        start = perf_counter()
        ring[0].queue.put(count - 1)
        arrived.wait()
        seconds = perf_counter() - start
        for node in ring:
            node.stop()
        expect(sum([node.seen for node in ring]), count, "hops")
        return seconds

    def spawn(self, count: int) -> float:
        """Start, stop and join, again and again."""
        stopped = 0
        start = perf_counter()
        for _ in range(count):
            stopped += Counter().stop()
        seconds = perf_counter() - start
        expect(stopped, count, "threads that ended")
        return seconds

    def spawn_many(self, count: int) -> float:
        """As ``spawn``, each step for all threads before the next step."""
        start = perf_counter()
        actors = [Counter() for _ in range(count)]
        alive = sum([actor.thread.is_alive() for actor in actors])
        for actor in actors:
            actor.queue.put(STOP)
        for actor in actors:
            actor.thread.join()
        seconds = perf_counter() - start
        left = sum([actor.thread.is_alive() for actor in actors])
        expect((alive, left), (count, 0), "threads alive, left")
        return seconds

    def callback(self, count: int) -> float:
        """``add_done_callback``."""
        total = 0

        def add(future: Future[int]) -> None:
            nonlocal total
            total += future.result()

        start = perf_counter()
        for number in range(count):
            future: Future[int] = Future()
            future.add_done_callback(add)
            future.set_result(number)
        seconds = perf_counter() - start
        expect(total, count * (count - 1) // 2, "sum of what the callbacks got")
        return seconds

    def then(self, count: int) -> float:
        """A callback that sets a second future."""
        total = 0
        start = perf_counter()
        for number in range(count):
            future: Future[int] = Future()
            result = _chain(future)
            future.set_result(number)
            total += result.result()
        seconds = perf_counter() - start
        expect(total, count * (count + 1) // 2, "sum of the results")
        return seconds

    def memory(self, count: int) -> float:
        """Threads that have started and have nothing to do."""
        warm = [Counter() for _ in range(WARM_ACTORS)]
        warm[-1].ask(0)
        before = resident_bytes()
        actors = [Counter() for _ in range(count)]
        actors[-1].ask(0)
        grown = resident_bytes() - before
        alive = sum([actor.thread.is_alive() for actor in actors])
        for actor in (*warm, *actors):
            actor.stop()
        expect(alive, count, "threads alive")
        return grown


def _chain(source: Future[int]) -> Future[int]:
    result: Future[int] = Future()
    source.add_done_callback(lambda done: result.set_result(done.result() + 1))
    return result
