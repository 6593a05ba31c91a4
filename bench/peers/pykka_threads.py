"""The work on Pykka: a thread per actor, messages to ``on_receive``, which is quicker than its proxies."""

from __future__ import annotations

import threading
from time import perf_counter
from typing import Any

import pykka

from bench.benchmarks import expect
from bench.peers import RING_ACTORS, WARM_ACTORS
from bench.peers.weight import resident_bytes


class Counter(pykka.ThreadingActor):
    """Adds up what it is sent, and answers the sum so far."""

    def __init__(self) -> None:
        super().__init__()
        self.sum = 0

    def on_receive(self, message: int) -> int:
        """A message is the number to add."""
        self.sum += message
        return self.sum


class Node(pykka.ThreadingActor):
    """Passes a token on until it has no hops left; then says so."""

    def __init__(self, arrived: threading.Event) -> None:
        super().__init__()
        self.arrived = arrived
        self.successor: pykka.ActorRef[Any] | None = None
        self.seen = 0

    def on_receive(self, message: Any) -> int:
        """A message is the hops that are left, or the successor, or None to ask how often the token was here."""
        if isinstance(message, pykka.ActorRef):
            self.successor = message
        elif message is not None:
            self.seen += 1
            if message == 0:
                self.arrived.set()
            elif self.successor is not None:
                self.successor.tell(message - 1)
        return self.seen


class PykkaThreads:
    """Each method starts its actors and stops them."""

    def tell(self, count: int) -> float:
        """``tell`` to one actor; one question after them all tells that they are handled."""
        actor = Counter.start()
        start = perf_counter()
        for number in range(count):
            actor.tell(number)
        total = actor.ask(0)
        seconds = perf_counter() - start
        actor.stop()
        expect(total, count * (count - 1) // 2, "sum of what was told")
        return seconds

    def ask(self, count: int) -> float:
        """``ask`` in a loop."""
        actor = Counter.start()
        total = 0
        start = perf_counter()
        for _ in range(count):
            total += actor.ask(1, block=True)
        seconds = perf_counter() - start
        actor.stop()
        expect(total, count * (count + 1) // 2, "sum of the answers")
        return seconds

    def pipelined(self, count: int) -> float:
        """All asked without blocking, then ``get_all``."""
        actor = Counter.start()
        start = perf_counter()
        futures = [actor.ask(1, block=False) for _ in range(count)]
        answers = pykka.get_all(futures)
        seconds = perf_counter() - start
        actor.stop()
        expect(sum(answers), count * (count + 1) // 2, "sum of the answers")
        return seconds

    def ring(self, count: int) -> float:
        """``tell`` from actor to actor."""
        arrived = threading.Event()
        ring = [Node.start(arrived) for _ in range(RING_ACTORS)]
        for i in range(RING_ACTORS):
            ring[i - 1].ask(ring[i])
        start = perf_counter()
        ring[0].tell(count - 1)
        arrived.wait()
        seconds = perf_counter() - start
        seen = sum([actor.ask(None, block=True) for actor in ring])
        for actor in ring:
            actor.stop()
        expect(seen, count, "hops")
        return seconds

    def spawn(self, count: int) -> float:
        """``start``, ``stop``, again and again."""
        stopped = 0
        start = perf_counter()
        for _ in range(count):
            stopped += Counter.start().stop(block=True)
        seconds = perf_counter() - start
        expect((stopped, len(pykka.ActorRegistry.get_all())), (count, 0), "actors that stopped, and that are left")
        return seconds

    def spawn_many(self, count: int) -> float:
        """As ``spawn``, each step for all actors before the next step."""
        start = perf_counter()
        actors = [Counter.start() for _ in range(count)]
        alive = len(pykka.ActorRegistry.get_all())
        stopped = sum(pykka.get_all([actor.stop(block=False) for actor in actors]))
        seconds = perf_counter() - start
        left = len(pykka.ActorRegistry.get_all())
        expect((alive, stopped, left), (count, count, 0), "actors alive, stopped, left")
        return seconds

    def memory(self, count: int) -> float:
        """Actors that have started and have nothing to do."""
        warm = [Counter.start() for _ in range(WARM_ACTORS)]
        warm[-1].ask(0)
        before = resident_bytes()
        actors = [Counter.start() for _ in range(count)]
        actors[-1].ask(0)
        grown = resident_bytes() - before
        alive = len(pykka.ActorRegistry.get_all())
        pykka.ActorRegistry.stop_all()
        expect(alive, count + WARM_ACTORS, "actors alive")
        return grown
