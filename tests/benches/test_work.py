"""Each benchmark does its work with each peer, and notices when it was not done."""

import importlib
import math

import pytest

from bench import allocator
from bench.benchmarks import (
    ALLOCATOR,
    ASYNCIO,
    BENCHMARKS,
    LIBACTOR,
    LIBACTOR_PYTHON,
    PEERS,
    PYKKA,
    THREADS,
    UVLOOP,
    WorkNotDone,
    expect,
)
from bench.peers import libactor_runtime, make_peer, pykka_threads, work_of

MODULES = {
    LIBACTOR: "bench.peers.libactor_runtime",
    LIBACTOR_PYTHON: "bench.peers.libactor_runtime",
    PYKKA: "bench.peers.pykka_threads",
    ASYNCIO: "bench.peers.asyncio_tasks",
    UVLOOP: "bench.peers.asyncio_tasks",
    THREADS: "bench.peers.thread_queues",
    ALLOCATOR: "bench.allocator",
}
COUNT = 20
# Not called `benchmark`: a pytest plugin that may be installed claims that name for a fixture.
PAIRS = [(peer, benchmark) for benchmark in BENCHMARKS for peer in benchmark.peers]


# Goal: no figure without work. Method: run each at a tiny size, and watch what it holds to be its work.
@pytest.mark.parametrize(("peer", "line"), PAIRS, ids=[f"{benchmark.name}-{peer}" for peer, benchmark in PAIRS])
def test_every_peer_does_and_checks_the_work_of_every_benchmark(peer, line, monkeypatch):
    checked = []

    def watch(got, wanted, what):
        expect(got, wanted, what)
        checked.append(what)

    monkeypatch.setattr(importlib.import_module(MODULES[peer]), "expect", watch)

    amount = work_of(make_peer(peer), line)(COUNT)

    assert math.isfinite(amount)
    assert amount > 0 or line.name == "memory"  # of few actors the system may give no page
    assert checked


@pytest.mark.parametrize("peer", PEERS)
def test_the_table_names_every_method_of_a_peer_and_no_other(peer):
    methods = {name for name in dir(make_peer(peer)) if not name.startswith("_") and name != "loop_factory"}

    named = {benchmark.method for benchmark in BENCHMARKS if peer in benchmark.peers}

    assert named == methods


@pytest.mark.parametrize("method", ["tell", "ask", "pipelined"])
def test_an_actor_that_loses_numbers_is_noticed(method, monkeypatch):
    def add(self, number):
        return 0

    monkeypatch.setattr(libactor_runtime.Counter, "add", add)
    monkeypatch.setattr(pykka_threads.Counter, "on_receive", add)

    for peer in (LIBACTOR, PYKKA):
        with pytest.raises(WorkNotDone, match="sum of"):
            getattr(make_peer(peer), method)(COUNT)


def test_a_token_that_was_not_everywhere_is_noticed(monkeypatch):
    def count(self):
        return 0

    monkeypatch.setattr(libactor_runtime.Node, "count", count)

    with pytest.raises(WorkNotDone, match=r"hops: got 0, expected 20"):
        libactor_runtime.LibactorRuntime().ring(COUNT)


def test_an_allocator_that_is_not_idle_is_noticed(monkeypatch):
    monkeypatch.setattr(allocator, "_decline", lambda allocator, grants: None)

    with pytest.raises(WorkNotDone, match=r"grants of the plan after all were declined: got 0, expected 20"):
        allocator.AllocatorPlans().full_plan(COUNT)


def test_a_quick_run_is_smaller_than_a_full_one_for_every_peer():
    sizes = [(benchmark.size(peer, quick=True), benchmark.size(peer, quick=False)) for peer, benchmark in PAIRS]

    assert all(0 < quick <= full for quick, full in sizes)
    assert all(quick < full for quick, full in sizes if full > 1_000)


def test_a_name_that_is_no_peer_is_refused():
    with pytest.raises(ValueError, match="no peer is called 'akka'"):
        make_peer("akka")
