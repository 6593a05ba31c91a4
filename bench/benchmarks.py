"""What a benchmark is: a line of work, how large it is, which peers do it, and in what its figure counts."""

# Who calls: the table lists them (bench/table.py); the session runs them; each child sizes its work by them.
# Invariants: 1. every peer does the same kind of work, except where docs/benchmarks.md says so.
#   2. a benchmark checks its work before it reports a time: expect().
# A rate counts events per second (more is better); a cost is seconds or bytes for one thing (less is better).

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LIBACTOR, LIBACTOR_PYTHON = "libactor", "libactor-python"
PYKKA, ASYNCIO, UVLOOP, THREADS, ERLANG = "pykka", "asyncio", "uvloop", "threads", "erlang"
SOCKETS, XOSCAR, UVICORN = "sockets", "xoscar", "uvicorn"
ALLOCATOR, MASTER = "allocator", "master"
JSON, RAPIDJSON, MSGSPEC = "json", "python-rapidjson", "msgspec"

CORES = (LIBACTOR, LIBACTOR_PYTHON)
THREADED_PEERS = (PYKKA, THREADS)  # a thread per actor
SLOW_PEERS = (PYKKA, LIBACTOR_PYTHON)
ACTOR_PEERS = (*CORES, PYKKA, ASYNCIO, UVLOOP, THREADS, ERLANG)
CHAINING_PEERS = (*CORES, ASYNCIO, UVLOOP, THREADS)  # whose futures call back when set
REMOTE_PEERS = (ASYNCIO, UVLOOP, XOSCAR)  # that answer questions from another process
JSON_PEERS = (JSON, RAPIDJSON, MSGSPEC)
PEERS = (*ACTOR_PEERS, SOCKETS, XOSCAR, UVICORN, *JSON_PEERS, ALLOCATOR, MASTER)
# The ratios of the report are to these.
BASELINES = (PYKKA, ASYNCIO, UVLOOP, THREADS, ERLANG, SOCKETS, XOSCAR, UVICORN, *JSON_PEERS)


class WorkNotDone(AssertionError):
    """A benchmark did not do the work it was to measure, so its time says nothing."""


def expect(got: object, wanted: object, what: str) -> None:
    """Raise WorkNotDone unless ``got`` equals ``wanted``; ``what`` names it in the error."""
    if got != wanted:
        raise WorkNotDone(f"{what}: got {got}, expected {wanted}; the benchmark did not do its work, mend it first")


@dataclass(frozen=True)
class Scale:
    """How a measurement, an amount (seconds or bytes) for a count of things, becomes the figure in the report."""

    unit: str
    more_is_better: bool
    convert: Callable[[float, int], float]  # (amount, count) -> figure


PER_SECOND = Scale("per second", True, lambda seconds, count: count / seconds)
NANOSECONDS_EACH = Scale("ns each", False, lambda seconds, count: seconds * 1e9 / count)
BYTES_EACH = Scale("bytes each", False, lambda size, count: size / count)
GIGABYTES_PER_SECOND = Scale("GB/s", True, lambda seconds, megabytes: megabytes / 1e3 / seconds)
MEGABYTES = Scale("MB in all", False, lambda size, _: size / 1e6)
MILLISECONDS = Scale("ms in all", False, lambda seconds, _: seconds * 1e3)
MILLISECONDS_EACH = Scale("ms each", False, lambda seconds, count: seconds * 1e3 / count)


@dataclass(frozen=True)
class Benchmark:
    """One line of work, done by each of ``peers`` through the method ``method`` of its class."""

    name: str
    method: str
    what: str
    count: int  # things per repetition
    quick: int  # the same with --quick
    peers: tuple[str, ...]
    scale: Scale = PER_SECOND
    repeat_seconds: float = 0.2  # repeat until so much time was measured; 0: once
    fresh: bool = False  # in a process of its own
    few: int | None = None  # the count for those of ``few_peers``, for which ``count`` is too much or takes too long
    few_peers: tuple[str, ...] = THREADED_PEERS
    extent: int | None = None  # a second number that the method takes: actors, events or bytes the things are among
    on_request: bool = False  # only when named: it takes long

    def size(self, peer: str, quick: bool) -> int:
        """Return how many things ``peer`` does in one repetition."""
        full = self.few if self.few is not None and peer in self.few_peers else self.count
        return min(self.quick, full) if quick else full

    def extent_of(self, quick: bool) -> int | None:
        """Return the second number that the method takes, or None if it takes none."""
        return self.extent if self.extent is None or not quick else min(self.quick, self.extent)
