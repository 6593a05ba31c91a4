"""libactor's actors in another process, over TCP."""

# Who calls: the peer derives from Remote (bench/peers/libactor_runtime.py); the other process runs serve.

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import perf_counter

import libactor as la
from bench.partner import Announce, Partner
from bench.peers.tally import (
    LARGE,
    READINGS,
    SMALL,
    Reading,
    Tally,
    expect_answers,
    expect_arrived,
    expect_sums,
    messages,
)

ANYWHERE = "127.0.0.1:0"


class TallyActor(la.Actor):
    """Counts what arrives."""

    def __init__(self) -> None:
        super().__init__("tally")
        self.tally = Tally()

    @la.remote
    def take(self, payload: bytes) -> None:
        """Count one message."""
        self.tally.take(payload)

    @la.remote
    def report(self) -> tuple[int, int, int]:
        """Answer what has arrived."""
        return self.tally.report()

    @la.remote
    def add(self, number: int) -> int:
        """Add, and answer the sum so far."""
        return self.tally.add(number)

    @la.remote
    def sum_up(self, readings: list[Reading]) -> int:
        """Add the levels, and answer the sum so far."""
        return self.tally.sum_up(readings)


class Remote:
    """The lines that begin with remote-. Each has a process with an actor at the other end."""

    def remote_tell(self, count: int) -> float:
        """``tell`` from outside; one question after them all tells that they are handled."""
        return _call(lambda pid: _tell(pid, SMALL, count))

    def remote_bytes(self, count: int) -> float:
        """The same with large messages."""
        return _call(lambda pid: _tell(pid, LARGE, count))

    def remote_ask(self, count: int) -> float:
        """``dispatch(...).get()`` in a loop."""
        return _call(lambda pid: _ask(pid, count))

    def remote_pipelined(self, count: int) -> float:
        """All dispatched, then all answers awaited together, by ``collect``."""
        return _call(lambda pid: _pipelined(pid, count))

    def remote_objects(self, count: int) -> float:
        """``dispatch(...).get()`` with a list of them."""
        return _call(lambda pid: _objects(pid, count))


def serve(announce: Announce) -> None:
    """Serve one actor."""
    with la.Runtime(remote=la.Remote(ANYWHERE)) as runtime:
        la.spawn(TallyActor())
        announce(runtime.address)
        threading.Event().wait()


def _call(work: Callable[[la.PID[TallyActor]], float]) -> float:
    with Partner("bench.peers.libactor_remote:serve") as partner, la.Runtime(remote=la.Remote(ANYWHERE)):
        pid = la.parse_pid(f"tally@{partner.address}", TallyActor)
        la.dispatch(pid, TallyActor.report).get()  # so that the connection is there
        return work(pid)


def _tell(pid: la.PID[TallyActor], payloads: Sequence[bytes], count: int) -> float:
    start = perf_counter()
    for payload in messages(payloads, count):
        la.tell(pid, TallyActor.take, payload)
    report = la.dispatch(pid, TallyActor.report).get()
    seconds = perf_counter() - start
    expect_arrived(report, payloads, count)
    return seconds


def _ask(pid: la.PID[TallyActor], count: int) -> float:
    total = 0
    start = perf_counter()
    for _ in range(count):
        total += la.dispatch(pid, TallyActor.add, 1).get()
    seconds = perf_counter() - start
    expect_answers(total, count)
    return seconds


def _objects(pid: la.PID[TallyActor], count: int) -> float:
    total = 0
    start = perf_counter()
    for _ in range(count):
        total += la.dispatch(pid, TallyActor.sum_up, READINGS).get()
    seconds = perf_counter() - start
    expect_sums(total, count)
    return seconds


def _pipelined(pid: la.PID[TallyActor], count: int) -> float:
    start = perf_counter()
    futures = [la.dispatch(pid, TallyActor.add, 1) for _ in range(count)]
    answers = la.collect(futures).get()
    seconds = perf_counter() - start
    expect_answers(sum(answers), count)
    return seconds
