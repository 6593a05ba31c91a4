"""How fast a deterministic runtime is: messages and timers a second, choices and tape included."""

# Run as `python -m bench.simulation`. A benchmark of its own beside the session of bench/__main__.py: it compares with
# nobody, it tells whether a simulation of a given size is worth starting.

from __future__ import annotations

import time
from collections.abc import Callable

import libactor as la
from libactor.testing import DeterministicRuntime

MESSAGES = 300_000 if la.CORE == "c" else 30_000
TIMERS = 50_000 if la.CORE == "c" else 10_000


class Ring(la.Actor):
    def __init__(self) -> None:
        super().__init__()
        self.following: la.PID[Ring] | None = None

    def join(self, following: la.PID[Ring]) -> None:
        self.following = following

    def go(self, left: int) -> None:
        if left and self.following is not None:
            la.tell(self.following, Ring.go, left - 1)


class Ticker(la.Actor):
    def on_start(self) -> None:
        la.delay(1.0, self.pid, Ticker.tick)

    def tick(self) -> None:
        la.delay(1.0, self.pid, Ticker.tick)


def measure(rt: DeterministicRuntime, run: Callable[[], object]) -> tuple[int, float]:
    """Steps made by ``run``, and how many seconds they took."""
    steps, begun = rt.simulation.steps, time.perf_counter()
    run()
    return rt.simulation.steps - steps, time.perf_counter() - begun


def ring(actors: int, tokens: int) -> float:
    """Messages a second."""
    with DeterministicRuntime(1) as rt:
        pids = [la.spawn(Ring()) for _ in range(actors)]
        for pid, following in zip(pids, pids[1:] + pids[:1], strict=True):
            la.tell(pid, Ring.join, following)
        rt.settle()
        for token in range(tokens):
            la.tell(pids[token % actors], Ring.go, MESSAGES // tokens - 1)
        steps, seconds = measure(rt, rt.settle)
        assert steps == MESSAGES, f"made {steps} steps, expected one for each of {MESSAGES} messages"
        assert tokens == 1 or len(rt.tape) > MESSAGES // 2, "no choices were recorded"
    return steps / seconds


def timers(actors: int) -> float:
    """Timers a second; each makes two steps, its own and that of the actor."""
    with DeterministicRuntime(1) as rt:
        for _ in range(actors):
            la.spawn(Ticker())
        rt.settle()
        steps, seconds = measure(rt, lambda: rt.run_for(TIMERS // actors))
        assert steps == 2 * TIMERS, f"made {steps} steps, expected two for each of {TIMERS} timers"
    return TIMERS / seconds


def main() -> None:
    for actors, tokens in ((100, 1), (100, 100), (1000, 1000)):
        print(f"simulated ring[{actors} actors, {tokens} messages under way]: {ring(actors, tokens):,.0f} messages/s")
    for actors in (10, 1000):
        print(f"simulated timers[{actors} actors]: {timers(actors):,.0f} timers/s")


if __name__ == "__main__":
    main()
