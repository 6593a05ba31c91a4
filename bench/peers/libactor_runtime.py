"""The work on libactor, on whichever core the environment picked."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import libactor as la
from bench.benchmarks import expect
from bench.peers import RING_ACTORS, WARM_ACTORS
from bench.peers.weight import resident_bytes


class Counter(la.Actor):
    """Adds up what it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sum = 0

    def add(self, number: int) -> int:
        """Add, and answer the sum so far."""
        self.sum += number
        return self.sum


Record = dict[str, int | list[str]]


class Receiver(la.Actor):
    """Counts the records that it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.received = 0

    def receive(self, records: list[Record]) -> None:
        """Count records that are this actor's own."""
        self.received += len(records)

    def receive_shared(self, records: la.Shared[list[Record]]) -> None:
        """Count records that others hold as well."""
        self.received += len(records.value)

    def count(self) -> int:
        """Answer how many there were."""
        return self.received


class Node(la.Actor):
    """Passes a token on until it has no hops left; then says so."""

    def __init__(self, arrived: la.Promise[None]) -> None:
        super().__init__()
        self.arrived = arrived
        self.successor: la.PID[Node] | None = None
        self.seen = 0

    def join(self, successor: la.PID[Node]) -> None:
        """Close the ring."""
        self.successor = successor

    def receive(self, hops_left: int) -> None:
        """Take the token."""
        self.seen += 1
        if hops_left == 0:
            self.arrived.set(None)
        elif self.successor is not None:
            la.tell(self.successor, Node.receive, hops_left - 1)

    def count(self) -> int:
        """Answer how often the token was here."""
        return self.seen


class LibactorRuntime:
    """Each method opens a runtime of its own."""

    def tell(self, count: int) -> float:
        """``tell`` to one actor; one question after them all tells that they are handled."""
        with la.Runtime():
            pid = la.spawn(Counter())
            start = perf_counter()
            for _ in range(count):
                la.tell(pid, Counter.add, 1)
            total = la.dispatch(pid, Counter.add, 0).get()
            seconds = perf_counter() - start
        expect(total, count, "sum of what was told")
        return seconds

    def ask(self, count: int) -> float:
        """``dispatch(...).get()`` in a loop."""
        with la.Runtime():
            pid = la.spawn(Counter())
            total = 0
            start = perf_counter()
            for _ in range(count):
                total += la.dispatch(pid, Counter.add, 1).get()
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

    def callback(self, count: int) -> float:
        """``on_ready`` on a promise's future."""
        total = 0

        def add(number: int) -> None:
            nonlocal total
            total += number

        start = perf_counter()
        for number in range(count):
            promise: la.Promise[int] = la.Promise()
            promise.future.on_ready(add)
            promise.set(number)
        seconds = perf_counter() - start
        expect(total, count * (count - 1) // 2, "sum of what the callbacks got")
        return seconds

    def then(self, count: int) -> float:
        """``then`` on a promise's future, the last result read by ``get``."""
        total = 0
        start = perf_counter()
        for number in range(count):
            promise: la.Promise[int] = la.Promise()
            result = promise.future.then(_increase)
            promise.set(number)
            total += result.get()
        seconds = perf_counter() - start
        expect(total, count * (count + 1) // 2, "sum of the results")
        return seconds

    def copy(self, count: int) -> float:
        """``tell`` with the plain object."""
        return _send(count, lambda pid, records: la.tell(pid, Receiver.receive, records))

    def move(self, count: int) -> float:
        """``tell`` with ``move``; always the same object, which the receiver leaves as it is."""
        return _send(count, lambda pid, records: la.tell(pid, Receiver.receive, la.move(records)))

    def share(self, count: int) -> float:
        """``tell`` with ``Shared``."""
        return _send(count, lambda pid, records: la.tell(pid, Receiver.receive_shared, la.Shared(records)))

    def memory(self, count: int) -> float:
        """Actors that have started and have nothing to do."""
        with la.Runtime() as runtime:
            warm = [la.spawn(Counter()) for _ in range(WARM_ACTORS)]
            la.dispatch(warm[-1], Counter.add, 0).get()
            before = resident_bytes()
            pids = [la.spawn(Counter()) for _ in range(count)]
            la.dispatch(pids[-1], Counter.add, 0).get()
            grown = resident_bytes() - before
            expect(len(runtime.pids()), count + WARM_ACTORS, "actors alive")
        return grown


def _send(count: int, send: Callable[[la.PID[Receiver], list[Record]], None]) -> float:
    records: list[Record] = [{"id": number, "tags": ["first", "second"]} for number in range(10)]
    with la.Runtime():
        pid = la.spawn(Receiver())
        start = perf_counter()
        for _ in range(count):
            send(pid, records)
        received = la.dispatch(pid, Receiver.count).get()
        seconds = perf_counter() - start
    expect(received, count * len(records), "records")
    return seconds


def _increase(number: int) -> int:
    return number + 1
