"""The benchmarks: what each measures, how large it is, and which peers take part."""

# Who calls: the command line lists and picks them; the session runs them; each child sizes its work by them.
# Invariants: 1. every peer does the same amount of the same work, except where the note says so.
#   2. a benchmark checks its work before it reports a time: expect().
# A rate counts events per second (more is better); a cost is seconds or bytes for one thing (less is better).

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LIBACTOR, LIBACTOR_PYTHON = "libactor", "libactor-python"
PYKKA, ASYNCIO, UVLOOP, THREADS = "pykka", "asyncio", "uvloop", "threads"
ALLOCATOR = "allocator"

ACTOR_PEERS = (LIBACTOR, LIBACTOR_PYTHON, PYKKA, ASYNCIO, UVLOOP, THREADS)
CHAINING_PEERS = (LIBACTOR, LIBACTOR_PYTHON, ASYNCIO, UVLOOP, THREADS)  # whose futures call back when set
PASSING_PEERS = (LIBACTOR, LIBACTOR_PYTHON)  # which pass by value; the others pass every object by reference
THREADED_PEERS = (PYKKA, THREADS)  # a thread per actor
PEERS = (*ACTOR_PEERS, ALLOCATOR)
BASELINES = (PYKKA, ASYNCIO, UVLOOP)  # the ratios of the report are to these


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
BYTES_EACH = Scale("bytes each", False, lambda size, count: size / count)
MICROSECONDS_PER_PLAN = Scale("µs per plan", False, lambda seconds, _: seconds * 1e6)


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
    threaded_count: int | None = None  # where a thread per actor bounds the count

    def size(self, peer: str, quick: bool) -> int:
        """Return how many things ``peer`` does in one repetition."""
        if self.threaded_count is not None and peer in THREADED_PEERS:
            return min(self.threaded_count, self.quick if quick else self.count)
        return self.quick if quick else self.count


ACTOR_BENCHMARKS = (
    Benchmark("tell", "tell", "messages without an answer, from one sender to one actor, until all are handled",
              100_000, 500, ACTOR_PEERS),
    Benchmark("ask", "ask", "questions one after the other, from outside the actors, each waiting for its answer",
              10_000, 100, ACTOR_PEERS),
    Benchmark("pipelined", "pipelined", "questions of which all are asked before the first answer is awaited",
              100_000, 500, ACTOR_PEERS),
    Benchmark("ring", "ring", "hops of one token around 100 actors", 20_000, 300, ACTOR_PEERS),
    Benchmark("spawn", "spawn", "actors started, stopped and waited for, one after the other", 500, 20, ACTOR_PEERS),
    Benchmark("spawn-many", "spawn_many", "actors all started, then all stopped and waited for",
              1_000, 20, ACTOR_PEERS),
    Benchmark("callback", "callback", "futures with one callback, set: until it has run", 50_000, 500, CHAINING_PEERS),
    Benchmark("then", "then", "futures with one dependent future, set: until the dependent one is",
              50_000, 500, CHAINING_PEERS),
    Benchmark("copy", "copy", "messages as of tell that carry ten dicts with a list each, copied", 10_000, 100,
              PASSING_PEERS),
    Benchmark("move", "move", "the same, the object handed over", 10_000, 100, PASSING_PEERS),
    Benchmark("share", "share", "the same, the object shared", 10_000, 100, PASSING_PEERS),
    Benchmark("memory", "memory", "resident memory of an idle actor (of a thread-bound one among 1,000)",
              20_000, 1_000, ACTOR_PEERS, BYTES_EACH, repeat_seconds=0, fresh=True, threaded_count=1_000),
)  # fmt: skip

ALLOCATOR_BENCHMARKS = tuple(
    Benchmark(f"allocator-{name}[{agents:,} agents, {agents // 10:,} frameworks]", method, what, agents, 50,
              (ALLOCATOR,), MICROSECONDS_PER_PLAN, repeat_seconds=0)
    for agents in (1_000, 10_000)
    for name, method, what in (
        ("first", "first_plan", "first plan, every agent free"),
        ("again", "full_plan", "plan after every offer was declined without a filter"),
        ("changed", "changed_plan", "plan after 1 % of the offers were declined"),
        ("idle", "idle_plan", "plan when nothing has changed"),
    )
)  # fmt: skip

BENCHMARKS = (*ACTOR_BENCHMARKS, *ALLOCATOR_BENCHMARKS)


def pick(names: list[str]) -> tuple[Benchmark, ...]:
    """Return the benchmarks that ``names`` pick, in the order of the table; no names at all pick every one.

    A name picks what is so called, with or without what stands in brackets, and what begins with it and a dash:
    ``allocator`` picks all of the allocator's. Raises: ValueError for a name that picks none.
    """
    picked: set[str] = set()
    for name in names:
        matching = {known.name for known in BENCHMARKS if _matches(known.name, name)}
        if not matching:
            raise ValueError(f"no benchmark is called {name!r}; --list shows their names")
        picked |= matching
    return tuple(known for known in BENCHMARKS if not names or known.name in picked)


def _matches(known: str, name: str) -> bool:
    plain = known.partition("[")[0]
    if name == ALLOCATOR:
        return plain.startswith(f"{ALLOCATOR}-")
    return name in (known, plain)
