"""The peers: each does the same work in the way its own users would write it."""

# Who calls: the child process that measures one peer (bench/child.py), and the tests.
# A peer is an object whose methods are named in the table of benchmarks: they take a count, do the work, check that it
#   was done and return the seconds, or bytes, it took. Setting up and taking down is outside of what is timed.
# A peer's library is imported only where that peer is made, so that no process holds what it does not measure.

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.util import find_spec

from bench.benchmarks import (
    ALLOCATOR,
    ASYNCIO,
    ERLANG,
    JSON_PEERS,
    LIBACTOR,
    LIBACTOR_PYTHON,
    MASTER,
    PEERS,
    PYKKA,
    SOCKETS,
    THREADS,
    UVICORN,
    UVLOOP,
    XOSCAR,
    Benchmark,
)

RING_ACTORS = 100
WARM_ACTORS = 100  # made before idle ones are weighed, so that what all share is there


def make_peer(name: str) -> object:
    """Return a new peer. Raises: ValueError for a name that is none; ImportError if what it needs is missing."""
    if name in (LIBACTOR, LIBACTOR_PYTHON):
        from bench.peers.libactor_runtime import LibactorRuntime

        return LibactorRuntime()
    if name == PYKKA:
        from bench.peers.pykka_threads import PykkaThreads

        return PykkaThreads()
    if name in (ASYNCIO, UVLOOP):
        from bench.peers.asyncio_tasks import AsyncioTasks

        return AsyncioTasks(uvloop_wanted=name == UVLOOP)
    if name == THREADS:
        from bench.peers.thread_queues import ThreadQueues

        return ThreadQueues()
    if name == ERLANG:
        from bench.peers.erlang_processes import ErlangProcesses

        return ErlangProcesses()
    if name == SOCKETS:
        from bench.peers.sockets import Sockets

        return Sockets()
    if name == XOSCAR:
        from bench.peers.xoscar_pools import XoscarPools

        return XoscarPools()
    if name == UVICORN:
        from bench.peers.uvicorn_apps import UvicornApps

        return UvicornApps()
    if name in JSON_PEERS:
        from bench.peers.json_texts import JsonTexts

        return JsonTexts(name)
    if name == ALLOCATOR:
        from bench.allocator import AllocatorPlans

        return AllocatorPlans()
    if name == MASTER:
        from bench.master import MasterWork

        return MasterWork()
    raise ValueError(f"no peer is called {name!r}, expected one of {', '.join(PEERS)}")


def missing(name: str) -> str | None:
    """Return what this machine lacks for a peer that the extra `bench` does not bring, or None if nothing."""
    if name == ERLANG and shutil.which("escript") is None:
        return "there is no escript here (in Debian it comes with erlang-base)"
    if name == XOSCAR and find_spec(name) is None:
        return "it is not installed (pip install xoscar brings pandas and scipy)"
    return None


def work_of(peer: object, benchmark: Benchmark, quick: bool) -> Callable[[int], float]:
    """Return the method of ``peer`` that does ``benchmark``: (count) -> seconds or bytes."""
    method: Callable[..., float] = getattr(peer, benchmark.method)
    extent = benchmark.extent_of(quick)
    return method if extent is None else lambda count: method(count, extent)
