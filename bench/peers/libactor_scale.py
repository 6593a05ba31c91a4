"""What many actors, or many waiting events, cost libactor."""

# Messages are sent by an actor, so that one worker does everything and no thread waits for another one: what differs
#   between a hundred and a million is then the million alone.

from __future__ import annotations

from itertools import cycle, islice
from time import perf_counter

import libactor as la
from bench.benchmarks import expect
from bench.peers import WARM_ACTORS
from bench.peers.libactor_actors import Counter, stop_all
from bench.peers.weight import resident_bytes

SPREAD_SLICE = 100  # messages that are sent before those actors run: every one of them was idle, also among a hundred


class Spreader(la.Actor):
    """Sends one message to each of many actors in turn, a slice at a time."""

    def __init__(self, pids: list[la.PID[Counter]], count: int) -> None:
        super().__init__()
        self.targets = islice(cycle(pids), count)
        self.done: la.Promise[None] = la.Promise()

    def send(self) -> None:
        """Send a slice; then let them run before the next one."""
        left = True
        for pid in islice(self.targets, SPREAD_SLICE):
            la.tell(pid, Counter.add, 1)
            left = False
        if left:
            self.done.set(None)
        else:
            la.tell(self.pid, Spreader.send)


class Queuer(la.Actor):
    """Fills its own mailbox to a depth, serves it, and begins again."""

    def __init__(self, count: int, depth: int) -> None:
        super().__init__()
        self.left = count
        self.depth = depth
        self.served = 0
        self.done: la.Promise[None] = la.Promise()

    def fill(self) -> None:
        """Send itself as much as is to wait; the next filling waits behind it."""
        depth = min(self.depth, self.left)
        for _ in range(depth):
            la.tell(self.pid, Queuer.take, 1)
        self.left -= depth
        if depth:
            la.tell(self.pid, Queuer.fill)
        else:
            self.done.set(None)

    def take(self, number: int) -> None:
        """Serve one."""
        self.served += number


class Scale:
    """Each method lets its actors go before it returns."""

    def spread(self, count: int, among: int) -> float:
        """``tell`` from one actor to idle ones in turn."""
        actors = [Counter() for _ in range(among)]
        with la.Runtime():
            pids = [la.spawn(actor) for actor in actors]
            la.dispatch(pids[-1], Counter.add, 0).get()
            spreader = Spreader(pids, count)
            sender = la.spawn(spreader)
            start = perf_counter()
            la.tell(sender, Spreader.send)
            spreader.done.future.get()
            seconds = perf_counter() - start
            stop_all(pids)
        expect(sum([actor.sum for actor in actors]), count, "sum of what the actors were told")
        return seconds

    def queue(self, count: int, depth: int) -> float:
        """``tell`` from an actor to itself until so many wait; then they are served."""
        queuer = Queuer(count, depth)
        with la.Runtime():
            pid = la.spawn(queuer)
            start = perf_counter()
            la.tell(pid, Queuer.fill)
            queuer.done.future.get()
            seconds = perf_counter() - start
        expect(queuer.served, count, "messages that waited and were served")
        return seconds

    def memory(self, count: int) -> float:
        """What actors add that have started and have nothing to do."""
        with la.Runtime() as runtime:
            warm = _started(WARM_ACTORS)
            before = resident_bytes()
            pids = _started(count)
            grown = resident_bytes() - before
            expect(len(runtime.pids()), count + WARM_ACTORS, "actors alive")
            stop_all([*warm, *pids])
        return grown

    def memory_total(self, count: int) -> float:
        """All that a process holds once they have started."""
        with la.Runtime() as runtime:
            pids = _started(count)
            size = resident_bytes()
            expect(len(runtime.pids()), count, "actors alive")
            stop_all(pids)
        return size


def _started(count: int) -> list[la.PID[Counter]]:
    pids = [la.spawn(Counter()) for _ in range(count)]
    la.dispatch(pids[-1], Counter.add, 0).get()
    return pids
