"""Everything at once, twice: actors that do at random what actors can do leave the same log with the same seed."""

# What a node does next comes from a stream that the runtime seeds; so the program itself is part of the run. It waits
# in handlers, awaits, fails, spawns, stops, links, delays, loses promises in cycles, locks, and works in a pool.

import gc
import hashlib
import logging
import threading

import pytest

import libactor as la
from libactor.testing import DeterministicRuntime, EventLog, Tape
from tests.thoroughness import usually

SEEDS = range(usually(3, 30))
SECONDS = 30


class Node(la.Actor):
    """Does one thing after another, each with some other node; ``heard`` is all that it has come to know."""

    def __init__(self, world: list[la.PID["Node"]], pool: la.Pool, mutex: la.Mutex, depth: int = 0) -> None:
        super().__init__()
        self.world, self.pool, self.mutex, self.depth = world, pool, mutex, depth
        self.heard: list[object] = []

    def on_start(self) -> None:
        self.stream = la.random_stream()
        self.world.append(self.pid)
        la.delay(self.stream.random(), self.pid, Node.act)

    def on_exited(self, pid: la.PID, reason: BaseException | None) -> None:
        self.heard.append((str(pid), type(reason).__name__))

    def act(self) -> None:
        la.delay(self.stream.choice((0.0, 0.5, 1.0)), self.pid, Node.act)
        other = self.stream.choice(self.world)
        getattr(self, f"do_{self.stream.choice(ACTS)}")(other)

    def answer(self, k: int) -> int:
        if k % 7 == 0:
            raise ValueError("seven", object())
        self.heard.append(k)
        return len(self.heard)

    async def answer_later(self, k: int) -> int:
        await la.sleep(k / 10)
        return k

    def note(self, what: object) -> None:
        self.heard.append(what)

    def do_ask(self, other: la.PID["Node"]) -> None:
        answer = la.dispatch(other, Node.answer, self.stream.randrange(20))
        answer.recover(lambda future: -1).then(la.defer(self.pid, Node.note))

    def do_wait(self, other: la.PID["Node"]) -> None:
        if other == self.pid:
            return
        try:
            self.heard.append(la.dispatch(other, Node.answer, self.stream.randrange(20)).get(timeout=1))
        except (ValueError, TimeoutError, la.Abandoned) as error:
            self.heard.append(type(error).__name__)

    def do_later(self, other: la.PID["Node"]) -> None:
        la.dispatch(other, Node.answer_later, 3).on_any(la.defer(self.pid, lambda future: None))

    def do_lock(self, other: la.PID["Node"]) -> None:
        self.mutex.lock().then(la.defer(self.pid, lambda _: self.mutex.unlock()))

    def do_work(self, other: la.PID["Node"]) -> None:
        self.pool.submit(sum, (1, 2, self.stream.randrange(9))).then(la.defer(self.pid, Node.note))

    def do_spawn(self, other: la.PID["Node"]) -> None:
        if self.depth < 3:
            la.link(la.spawn(Node(self.world, self.pool, self.mutex, self.depth + 1)))

    def do_stop(self, other: la.PID["Node"]) -> None:
        if self.stream.random() < 0.2:
            la.terminate(other)

    def do_fail(self, other: la.PID["Node"]) -> None:
        if self.stream.random() < 0.1:
            raise LookupError(other)

    def do_lose(self, other: la.PID["Node"]) -> None:
        promise: la.Promise[int] = la.Promise()
        cycle: list[object] = [promise]
        cycle.append(cycle)
        promise.future.on_abandoned(la.defer(self.pid, lambda: self.heard.append("lost")))


ACTS = ("ask", "ask", "wait", "later", "lock", "work", "spawn", "stop", "fail", "lose")


def run(seed: int | None, tape: Tape | None = None) -> tuple[str, ...]:
    """Digest, last lines and end of a run."""
    with DeterministicRuntime(seed, tape, log=EventLog(keep=200, arguments=True)) as rt:
        world: list[la.PID[Node]] = []
        pool, mutex = la.Pool(3), la.Mutex()
        for _ in range(8):
            la.spawn(Node(world, pool, mutex))
        rt.run_for(SECONDS)
        state = hashlib.sha256(rt.tape.to_json().encode()).hexdigest()
        return rt.log.digest(), rt.log.text(), state, str(rt.clock.now_ns()), str(rt.simulation.steps)


@pytest.fixture(autouse=True)
def _quiet(caplog):
    caplog.set_level(logging.CRITICAL, logger="libactor")


@pytest.mark.parametrize("seed", SEEDS)
def test_chaos_is_the_same_twice(seed):
    first = run(seed)
    garbage = [[] for _ in range(1000)]
    gc.collect()

    assert run(seed) == first
    assert int(first[4]) > 500
    assert len(garbage) == 1000


def test_the_tape_of_chaos_plays_it_again():
    with DeterministicRuntime(3) as rt:
        world: list[la.PID[Node]] = []
        pool, mutex = la.Pool(3), la.Mutex()
        for _ in range(8):
            la.spawn(Node(world, pool, mutex))
        rt.run_for(SECONDS)
        tape = rt.tape

    assert run(None, tape) == run(3)


# Method: Ctrl-C comes as soon as a call that takes a thread out of those that stand by has returned.
def test_ctrl_c_while_the_baton_is_handed_on_loses_no_thread():
    class Interrupted(list):
        armed = True

        def pop(self, *place):
            gate = super().pop(*place)
            if self.armed:
                raise KeyboardInterrupt
            return gate

    rt = DeterministicRuntime(1)
    rt.settle()
    spares = rt.simulation._spares = Interrupted(rt.simulation._spares)

    try:
        rt.settle()
    finally:
        spares.armed = False
    rt.close()

    assert not any(thread.name.startswith("sim-simulation") for thread in threading.enumerate())
