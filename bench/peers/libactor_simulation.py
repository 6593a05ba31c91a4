"""libactor's deterministic runtime: messages and timers of one simulation, each choice drawn and recorded."""

# Who calls: the peer derives from Simulation (bench/peers/libactor_runtime.py).

from __future__ import annotations

from time import perf_counter

import libactor as la
from bench.benchmarks import expect
from bench.peers import RING_ACTORS
from bench.peers.libactor_actors import Node

TOKENS = 10
SLEEPERS = 1_000


class Sleeper(la.Actor):
    """Sets itself one timer after the other."""

    def __init__(self, left: int, spacing: float) -> None:
        super().__init__()
        self.left = left
        self.spacing = spacing

    def wake(self) -> None:
        """Sleep again, if there is a time left."""
        self.left -= 1
        if self.left:
            la.delay(self.spacing, self.pid, Sleeper.wake)

    def look(self) -> int:
        """How often it is still to wake."""
        return self.left


class Simulation:
    """The lines that begin with simulated-."""

    def simulated_messages(self, count: int) -> float:
        """Ten tokens that go round among a hundred actors, any of which may be next."""
        with la.testing.DeterministicRuntime(1, instant_steps_max=2 * count) as runtime:
            arrived: list[la.Promise[None]] = [la.Promise() for _ in range(TOKENS)]
            rings = [[la.spawn(Node(promise)) for _ in range(RING_ACTORS // TOKENS)] for promise in arrived]
            for ring in rings:
                la.collect([la.dispatch(ring[i - 1], Node.join, ring[i]) for i in range(len(ring))]).get()
            start = perf_counter()
            for ring in rings:
                la.tell(ring[0], Node.receive, count // TOKENS - 1)
            la.collect([promise.future for promise in arrived]).get()
            seconds = perf_counter() - start
            seen = sum(la.dispatch(pid, Node.count).get() for ring in rings for pid in ring)
            expect(len(runtime.tape) > 0, True, "choices on the tape")
        expect(seen, count // TOKENS * TOKENS, "hops")
        return seconds

    def simulated_timers(self, count: int) -> float:
        """A thousand actors, each of which sets its next timer when one has fired."""
        sleepers = min(SLEEPERS, count)
        with la.testing.DeterministicRuntime(1) as runtime:
            pids = [la.spawn(Sleeper(count // sleepers, 1 + number / 1e6)) for number in range(sleepers)]
            start = perf_counter()
            for pid in pids:
                la.delay(1.0, pid, Sleeper.wake)
            runtime.run_for(2.0 * count)
            seconds = perf_counter() - start
            expect(sum(la.dispatch(pid, Sleeper.look).get() for pid in pids), 0, "timers that have not fired")
        return seconds
