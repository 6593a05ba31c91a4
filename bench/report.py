"""The report of a session: medians, spread, and ratios to the peers of the same run; as text and as JSON."""

# Who calls: the command line. Nothing here measures anything.
# A ratio says how many times better the line is than the baseline, whichever way the unit counts: below 1 is worse.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from bench import allocator_figures, master_figures
from bench.benchmarks import ALLOCATOR, BASELINES, LIBACTOR, MASTER, PEERS, Benchmark
from bench.bounds import MESOS, Bound
from bench.machine import Machine
from bench.session import Results
from bench.targets import LIBPROCESS, MET, MISSED, REFERENCES, TARGETS, Figure, Target, ratio

NOTHING = "-"
# What is not measured beside peers, but has bounds: peer -> head of its table, bounds.
BOUNDED = {
    ALLOCATOR: ("allocator, ms on a CPU", allocator_figures.BOUNDS),
    MASTER: ("master, ms", master_figures.BOUNDS),
}


@dataclass(frozen=True)
class Setting:
    """How the session was run."""

    before: Machine
    after: Machine
    cpus: list[int]
    partner_cpus: list[int]  # of the other process of remote and http lines
    rounds: int
    quick: bool
    elapsed_seconds: float
    left_out: dict[str, str] = field(default_factory=dict)  # peer -> what it misses on this machine


def to_text(benchmarks: Sequence[Benchmark], results: Results, setting: Setting) -> str:
    """Return the report as Markdown, which also reads well as it stands."""
    parts = [_heading(results, setting)]
    alone = [benchmark for benchmark in benchmarks if list(results.figures[benchmark.name]) == [LIBACTOR]]
    shared = [benchmark for benchmark in benchmarks if not BOUNDED.keys() & benchmark.peers and benchmark not in alone]
    if len(shared) > 1:
        parts.append(_medians_table(shared, results))
    parts += [_table(benchmark, results.figures[benchmark.name], setting.quick) for benchmark in shared]
    if alone:
        parts.append(_alone_table(alone, results, setting.quick))
    parts += [table for table in (_targets_table(results), _references_table(results)) if table]
    for peer in BOUNDED:
        bounded = [benchmark for benchmark in benchmarks if peer in benchmark.peers]
        if bounded:
            parts.append(_bounded_table(peer, bounded, results, setting.quick))
    return "\n\n".join(parts)


def to_data(benchmarks: Sequence[Benchmark], results: Results, setting: Setting) -> dict[str, Any]:
    """Return the report as what JSON can hold, with the figure of every round."""
    return {
        "setting": asdict(setting),
        "peers": {peer: asdict(description) for peer, description in results.descriptions.items()},
        "benchmarks": {
            benchmark.name: {
                "what": benchmark.what,
                "unit": benchmark.scale.unit,
                "more_is_better": benchmark.scale.more_is_better,
                "counts": {peer: benchmark.size(peer, setting.quick) for peer in results.figures[benchmark.name]},
                "figures": results.figures[benchmark.name],
            }
            for benchmark in benchmarks
        },
        "targets": [
            {"benchmark": target.name, "against": target.against, "wanted": target.wanted, "reached": reached}
            for target in TARGETS
            if (reached := target.reached(results.figures)) is not None
        ],
    }


def _heading(results: Results, setting: Setting) -> str:
    before, after = setting.before, setting.after
    one = next(iter(results.descriptions.values()))
    versions = "; ".join(f"{peer}: {entry.version}" for peer, entry in results.descriptions.items())
    reading = "median [least - most]; x: times better, median of the rounds' ratios"
    lines = [
        f"machine: {before.cpu_model}, {before.cpu_count} CPUs, {before.memory_gigabytes} GB, {before.kernel}",
        f"placement: every process pinned to CPUs {setting.cpus}; at a socket's other end, to {setting.partner_cpus}",
        f"load (1 min): {before.load_one_minute} before, {after.load_one_minute} after",
        f"python: {one.python}; garbage collector {one.garbage_collector}, run before each measurement",
        f"peers: {versions}",
        f"rounds: {setting.rounds}, interleaved, in {setting.elapsed_seconds:.0f} s; {reading}",
    ]
    lines += [f"{peer}: left out, {reason}" for peer, reason in setting.left_out.items()]
    if setting.quick:
        lines.append("QUICK: tiny sizes, the figures only show that everything runs")
    return "\n".join(f"- {line}" for line in lines)


def _table(benchmark: Benchmark, figures: dict[str, list[float]], quick: bool) -> str:
    baselines = [peer for peer in BASELINES if peer in figures]
    rows = [[benchmark.scale.unit, "median", "least - most", *[f"x {peer}" for peer in baselines]]]
    for peer, own in figures_in_order(benchmark, figures):
        ratios = [
            NOTHING if peer == other else f"{ratio(own, figures[other], benchmark.scale.more_is_better):.2f}"
            for other in baselines
        ]
        rows.append([peer, *_spread(own), *ratios])
    sizes = sorted({benchmark.size(peer, quick) for peer in figures})
    size = " or ".join(f"{size:,}" for size in sizes)
    return f"**{benchmark.name}** [{size}]: {benchmark.what}\n\n{_align(rows)}"


def _medians_table(benchmarks: Sequence[Benchmark], results: Results) -> str:
    """All lines that several peers took part in, at a glance."""
    peers = [peer for peer in PEERS if any(peer in results.figures[benchmark.name] for benchmark in benchmarks)]
    rows = [["medians", "", *peers]]
    for benchmark in benchmarks:
        figures = results.figures[benchmark.name]
        medians = [_number(median(figures[peer])) if peer in figures else NOTHING for peer in peers]
        rows.append([benchmark.name, benchmark.scale.unit, *medians])
    return _align(rows)


def _alone_table(benchmarks: Sequence[Benchmark], results: Results, quick: bool) -> str:
    rows = [["libactor alone", "unit", "median", "least - most"]]
    for benchmark in benchmarks:
        what = f"{benchmark.name} [{benchmark.size(LIBACTOR, quick):,}]: {benchmark.what}"
        rows.append([what, benchmark.scale.unit, *_spread(results.figures[benchmark.name][LIBACTOR])])
    return _align(rows)


def figures_in_order(benchmark: Benchmark, figures: dict[str, list[float]]) -> list[tuple[str, list[float]]]:
    """Return the figures in the order in which the benchmark lists its peers."""
    return [(peer, figures[peer]) for peer in benchmark.peers if peer in figures]


def _targets_table(results: Results) -> str:
    """One row for each target whose lines were measured; nothing if there is none."""
    rows = [["libactor's targets", "against", "target", "reached", ""]]
    for target in TARGETS:
        reached = target.reached(results.figures)
        if reached is not None:
            wanted, got = (_times_or_figure(target, figure) for figure in (target.wanted, reached))
            rows.append([target.name, target.against, wanted, got, target.verdict(reached)])
    return _align(rows) if len(rows) > 1 else ""


def _times_or_figure(target: Target, figure: float | None) -> str:
    if figure is None:
        return NOTHING
    return _number(figure) if isinstance(target, Figure) else f"{figure:.2f} x"


def _references_table(results: Results) -> str:
    """libactor beside what libprocess reached elsewhere: not a ratio within one run; nothing if there is none."""
    rows = [["per second", "libactor", "least - most", LIBPROCESS, "as", "times as much"]]
    for reference in REFERENCES:
        own = results.figures.get(reference.name, {}).get(LIBACTOR)
        if own:
            theirs = f"{_number(reference.least)} - {_number(reference.most)}"
            times = " - ".join([_number(figure) for figure in reference.times(own)])
            rows.append([reference.name, *_spread(own), theirs, reference.test, times])
    return _align(rows) if len(rows) > 1 else ""


def _bounded_table(peer: str, benchmarks: Sequence[Benchmark], results: Results, quick: bool) -> str:
    """What a part took, for each agent or other thing too; unless quick, what it is to take, and what Mesos's takes."""
    head, listed = BOUNDED[peer]
    bounds = {bound.name: bound for bound in listed}
    rows = [
        [head, "median", "least - most", "µs each", *([] if quick else ["at most", "", MESOS, "as", "times as long"])]
    ]
    for benchmark in benchmarks:
        own = results.figures[benchmark.name][peer]
        count = 1 if "each" in benchmark.scale.unit else benchmark.size(peer, quick)
        bound = bounds.get(benchmark.name, Bound(benchmark.name, None))
        each = _number(median(own) * 1e3 / count)
        cells = () if quick else _bound_cells(bound, own)
        name = f"{benchmark.name.partition('[')[0]}[{benchmark.size(peer, quick)}]" if quick else benchmark.name
        rows.append([f"{name}: {benchmark.what}", *_spread(own), each, *cells])
    return _align(rows)


def _bound_cells(bound: Bound, own: Sequence[float]) -> tuple[str, ...]:
    wanted = NOTHING if bound.wanted is None else _number(bound.wanted)
    verdict = "" if bound.wanted is None else MET if median(own) <= bound.wanted else MISSED
    times = bound.times(own)
    if times is None or bound.least is None:
        return wanted, verdict, NOTHING, bound.test, NOTHING
    theirs = _number(bound.least) + (f" - {_number(bound.most)}" if bound.most else "")
    factor = " - ".join(dict.fromkeys([_number(one) for one in times]))
    return wanted, verdict, theirs, bound.test, factor


def _spread(figures: Sequence[float]) -> tuple[str, str]:
    return _number(median(figures)), f"{_number(min(figures))} - {_number(max(figures))}"


def _number(figure: float) -> str:
    """Three digits that count; no more are true here."""
    if abs(figure) >= 100:
        return f"{float(f'{figure:.3g}'):,.0f}"
    return f"{figure:.3g}"


def _align(rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with its columns padded; the first row is the head."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join([row[0].ljust(widths[0]), *[c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True)]])
        for row in rows
    ]
    rule = "|" + "|".join(["-" * (widths[0] + 2), *["-" * (width + 1) + ":" for width in widths[1:]]])
    return "\n".join(f"{line} |" for line in (lines[0], *lines[1:])).replace("\n", f"\n{rule}|\n", 1)
