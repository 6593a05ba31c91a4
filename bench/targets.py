"""What libactor is to reach, beside its peers and in itself; and what libprocess reached with the same work."""

# Who calls: the report. Nothing here measures anything; every figure is given by round, in order of the rounds.
# Invariant: a target names lines of bench/table.py and peers that take part in them (tests/benches/test_targets.py).
# A ratio is taken within each round, where both sides met the same machine; what counts is the median of those.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.benchmarks import (
    ASYNCIO,
    ERLANG,
    JSON,
    LIBACTOR,
    MSGSPEC,
    PYKKA,
    RAPIDJSON,
    SOCKETS,
    THREADS,
    UVICORN,
    UVLOOP,
    XOSCAR,
)
from bench.table import BENCHMARKS

Figures = Mapping[str, Mapping[str, Sequence[float]]]  # benchmark -> peer -> one figure a round

MORE_IS_BETTER = {benchmark.name: benchmark.scale.more_is_better for benchmark in BENCHMARKS}
MET, MISSED, NOT_YET = "met", "MISSED", "not yet"
LIBPROCESS = "Mesos's libprocess, C++ -O2, same kind of machine"


def ratio(figures: Sequence[float], baseline: Sequence[float], more_is_better: bool) -> float:
    """Return how many times better ``figures`` are than ``baseline``: the median over the rounds of both."""
    pairs = list(zip(figures, baseline, strict=True))
    return median([own / other if more_is_better else other / own for own, other in pairs])


@dataclass(frozen=True)
class Times:
    """To be so many times better than ``peer``, or than libactor itself, is with the line ``other``."""

    name: str
    wanted: float | None  # None: only to be shown
    peer: str
    other: str = ""  # the same line, if left out
    beyond: bool = False  # for when the others are met

    @property
    def against(self) -> str:
        """With what it is compared."""
        return f"{self.peer} {self.other}".strip() if self.peer != LIBACTOR else self.other

    def reached(self, figures: Figures) -> float | None:
        """Return how many times better it is, or None if one of the two was not measured."""
        own = figures.get(self.name, {}).get(LIBACTOR)
        baseline = figures.get(self.other or self.name, {}).get(self.peer)
        return ratio(own, baseline, MORE_IS_BETTER[self.name]) if own and baseline else None

    def verdict(self, reached: float) -> str:
        """Return whether that is enough, in a word."""
        if self.wanted is None:
            return ""
        return MET if reached >= self.wanted else NOT_YET if self.beyond else MISSED


@dataclass(frozen=True)
class Growth:
    """To cost at most so many times what the line ``other`` costs."""

    name: str
    wanted: float
    other: str

    @property
    def against(self) -> str:
        """With what it is compared."""
        return f"the cost of {self.other}"

    def reached(self, figures: Figures) -> float | None:
        """Return how many times as much it costs, or None if one of the two was not measured."""
        own, base = (figures.get(name, {}).get(LIBACTOR) for name in (self.name, self.other))
        return ratio(own, base, more_is_better=True) if own and base else None

    def verdict(self, reached: float) -> str:
        """Return whether that is little enough, in a word."""
        return MET if reached <= self.wanted else MISSED


@dataclass(frozen=True)
class Figure:
    """To reach a figure, in the unit of the line: at least that if more is better, else at most."""

    name: str
    wanted: float
    against: str = ""

    def reached(self, figures: Figures) -> float | None:
        """Return the median, or None if it was not measured."""
        own = figures.get(self.name, {}).get(LIBACTOR)
        return median(own) if own else None

    def verdict(self, reached: float) -> str:
        """Return whether that is enough, or little enough, in a word."""
        enough = reached >= self.wanted if MORE_IS_BETTER[self.name] else reached <= self.wanted
        return MET if enough else MISSED


Target = Times | Growth | Figure

TARGETS: tuple[Target, ...] = (
    Times("tell", 15, PYKKA),
    Times("tell", 1.2, THREADS),
    Times("tell", 1, ERLANG, beyond=True),
    Times("ask", 80, PYKKA),
    Times("ask", 10, UVLOOP),
    Times("ask", 4, ERLANG, beyond=True),
    Times("ask-no-help", None, PYKKA, "ask"),
    Times("ask-no-help", None, THREADS, "ask"),
    Times("ask-inside", None, ERLANG, "ask"),
    Figure("asyncio-ask", 30_000),
    Times("asyncio-ask", None, ASYNCIO, "ask"),
    Figure("uvloop-ask", 30_000),
    Times("uvloop-ask", None, UVLOOP, "ask"),
    Times("pipelined", 20, PYKKA),
    Times("pipelined", 2, UVLOOP),
    Times("pipelined", 4, ERLANG, beyond=True),
    Times("ring", 80, PYKKA),
    Times("ring", 12, UVLOOP),
    Times("ring", 1.2, ERLANG, beyond=True),
    *(Times(name, times, peer, beyond=peer == ERLANG)
      for name in ("spawn+stop", "spawn+stop-many")
      for times, peer in ((150, PYKKA), (3, UVLOOP), (3, ERLANG))),
    *(Times(name, times, peer) for name in ("callback", "then") for times, peer in ((8, THREADS), (4, UVLOOP))),
    Figure("then", 2.4e6, "libprocess's best"),
    Figure("then-defer", 0.5e6),
    Growth("handler-async", 2, "handler-plain"),
    Figure("await-ready", 300_000),
    Times("await-ask", None, LIBACTOR, "ask-inside"),
    Growth("dispatch-supervised", 1.05, "handler-plain"),
    Growth("dispatch-restarted", 1.05, "handler-plain"),
    Figure("simulated-messages", 200_000),
    Figure("simulated-timers", 50_000),
    Figure("remote-tell", 300_000),
    Figure("remote-bytes", 1),
    Times("remote-ask", 0.5, SOCKETS),
    Figure("remote-pipelined", 100_000),
    Times("remote-objects", 0.5, SOCKETS),
    *(Times(f"remote-{name}", None, peer) for name in ("tell", "ask", "pipelined") for peer in (UVLOOP, XOSCAR)),
    Figure("record-read", 1e6),
    Figure("json-first", 1e6),
    Times("json-first", None, JSON),
    Times("json-first", 8, RAPIDJSON),
    Times("json-first", 1.5, MSGSPEC),
    Figure("json-kept", 4e6),
    Times("json-by-two", 1.8, LIBACTOR, "json-first"),
    Times("http-route", 0.6, UVICORN),
    Times("http-app", None, UVICORN, "http-route"),
    Figure("http-body", 2),
    Times("http-body", None, UVICORN),
    *(Times(name, None, THREADS) for name in ("program", "program-output")),
    Figure("memory", 600),
    Figure("memory-million", 1_000),
    *(Figure(f"move-extra[{size}]", 100) for size in ("1 KB", "1 MB", "100 MB")),
    *(Times(f"copy-{kind}", 15, LIBACTOR, f"deepcopy-{kind}") for kind in ("containers", "dataclasses", "structs")),
    *(Growth(f"{name}[1,000,000 {what}]", 2.5, f"{name}[100 {what}]")
      for name, what in (("spread", "actors"), ("queue", "events"))),
)  # fmt: skip


@dataclass(frozen=True)
class Reference:
    """What libprocess reached with the work of a line, per second: least and most of its runs and builds."""

    name: str
    least: float
    most: float
    test: str  # what it is called there, or what was measured there

    def times(self, own: Sequence[float]) -> tuple[float, float]:
        """Return how many times as much libactor does: the median beside libprocess's most and least."""
        return median(own) / self.most, median(own) / self.least


# Runs with stock and lock-free queues, 8 workers and 2. Differences below 1.5 x between them are noise. Its get() and
# its spawn one by one suffer from a spin in process clean-up on two cores: they are not its general cost.
REFERENCES = (
    Reference("tell", 2.0e6, 3.7e6, "dispatch"),
    Reference("ask", 9e3, 15e3, "dispatch(...).get()"),
    Reference("ask-inside", 174e3, 286e3, "the same, actor to actor"),
    Reference("spawn+stop", 33e3, 147e3, "spawn, terminate, wait one by one"),
    Reference("spawn+stop-many", 78e3, 110e3, "the same in bulk"),
    Reference("then", 1.5e6, 2.4e6, "then"),
    Reference("then-defer", 0.30e6, 0.36e6, "then(defer(self))"),
    Reference("client-server", 1.1e6, 2.3e6, "ClientServer"),
    Reference("throughput", 1.4e6, 5.5e6, "ThroughputPerformance"),
    Reference("dispatch-defer-moved", 1e5 / 0.41, 1e5 / 0.33, "DispatchDefer, Movable"),
    Reference("dispatch-defer-copied", 1e5 / 0.68, 1e5 / 0.58, "DispatchDefer, Copyable"),
    Reference("dispatch-defer-list", 1e5 / 0.68, 1e5 / 0.58, "DispatchDefer, Copyable"),
    *(Reference(f"install-handler{way}[{size}]", least, most, "ProtobufInstallHandler")
      for way in ("", "-decode")
      for size, least, most in (("4 B", 3.8e6, 5.1e6), ("605 B", 147e3, 235e3), ("60 kB", 2.0e3, 2.4e3))),
    Reference("links", 1e4 / 0.501, 1e4 / 0.069, "LargeNumberOfLinks"),
)  # fmt: skip
