"""The command line: ``python -m bench``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from bench import allocator_figures, failover_figures, state_figures
from bench.benchmarks import ALLOCATOR, MASTER, PEERS, Benchmark
from bench.drawing import draw
from bench.machine import read_machine
from bench.peers import missing
from bench.report import Setting, to_data, to_text
from bench.session import ChildFailed, Results, place, run
from bench.table import BENCHMARKS, GROUPS, pick

ROUNDS, QUICK_ROUNDS = 5, 2


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for, print the report, and return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.list:
        print(_listing())
        return 0
    try:
        benchmarks = pick(options.only)
        cpus, partner_cpus = place(options.cpus, options.partner_cpus)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    left_out = {peer: reason for peer in options.peers or PEERS if (reason := missing(peer))}
    if options.peers and left_out:
        parser.error("; ".join(f"{peer} cannot take part: {reason}" for peer, reason in left_out.items()))
    peers = [peer for peer in options.peers or PEERS if peer not in left_out]
    benchmarks = tuple(benchmark for benchmark in benchmarks if set(benchmark.peers) & set(peers))
    if not benchmarks:
        parser.error("none of these peers takes part in these benchmarks; --list shows who does")
    if options.draw and not any(_is_drawn(benchmark.name) for benchmark in benchmarks):
        parser.error(
            f"--draw: none of these is drawn; {', '.join(allocator_figures.DRAWN)}, failover, poll and state-cold are"
        )
    for path in (options.draw, options.json):
        if path is not None and not path.parent.is_dir():
            parser.error(f"cannot write {path}: {path.parent} is no directory")
    before, start = read_machine(), perf_counter()
    try:
        results = run(benchmarks, peers, rounds, options.quick, _progress(rounds))
    except ChildFailed as error:
        print(f"\nbench: {error}", file=sys.stderr)
        return 1
    print(file=sys.stderr)
    elapsed = round(perf_counter() - start, 1)
    setting = Setting(before, read_machine(), cpus, partner_cpus, rounds, options.quick, elapsed, left_out)
    print(to_text(benchmarks, results, setting))
    if options.draw:
        for name, text in _charts(results).items():
            drawn: Path = options.draw
            drawn.with_name(f"{drawn.stem}{name}{drawn.suffix}").write_text(text)
    if options.json:
        options.json.write_text(json.dumps(to_data(benchmarks, results, setting), indent=1, ensure_ascii=False) + "\n")
    return 0


def _is_drawn(name: str) -> bool:
    return allocator_figures.is_drawn(name) or name.startswith(("failover[", "poll[", "state-cold["))


def _charts(results: Results) -> dict[str, str]:
    """What is drawn of the results, by what is put behind the file's name: nothing for the cycles."""
    found = {}
    cycles = allocator_figures.measured_series(results.figures, ALLOCATOR)
    if cycles:
        found[""] = draw([*cycles, *allocator_figures.REPORTS], "agents", "ms for a cycle")
    for name, series in failover_figures.charts(results.figures, MASTER).items():
        found[f"-{name}"] = draw(series, "agents", "seconds until all are back")
    for name, series in state_figures.charts(results.figures, MASTER).items():
        found[f"-{name}"] = draw(series, *state_figures.CHARTS[name][1])
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure libactor beside its peers, and the allocator; docs/benchmarks.md explains the figures.",
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that everything runs; no figures")
    parser.add_argument(
        "--only",
        type=_names,
        default=[],
        metavar="A,B",
        help=f"these benchmarks, such as tell,ask, or groups: {', '.join(GROUPS)}",
    )
    parser.add_argument(
        "--peers", type=_peers, default=[], metavar="A,B", help=f"of {', '.join(PEERS)}; all if left out"
    )
    parser.add_argument("--rounds", type=_rounds, metavar="N", help=f"{ROUNDS} if left out, {QUICK_ROUNDS} if quick")
    parser.add_argument("--cpus", type=_cpus, metavar="0,1", help="pin every process to these; as it is, if left out")
    parser.add_argument(
        "--partner-cpus",
        type=_cpus,
        metavar="1",
        help="pin the other process of remote and http lines to these; the same, if left out",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every round's figure to FILE")
    parser.add_argument(
        "--draw",
        type=Path,
        metavar="FILE",
        help="also draw the allocator's cycles into FILE, as SVG, and failovers and pollers beside it: a-pollers.svg",
    )
    parser.add_argument("--list", action="store_true", help="list the benchmarks with their sizes and peers, and stop")
    return parser


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _peers(text: str) -> list[str]:
    names = _names(text)
    for name in names:
        if name not in PEERS:
            raise argparse.ArgumentTypeError(f"no peer is called {name!r}, expected of {', '.join(PEERS)}")
    return names


def _rounds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected a whole number from 1 on")
    return int(text)


def _cpus(text: str) -> list[int]:
    if not all(name.isdecimal() for name in _names(text)) or not _names(text):
        raise argparse.ArgumentTypeError(f"got {text!r}, expected the numbers of CPUs, such as 0,1")
    return [int(name) for name in _names(text)]


def _listing() -> str:
    lines = []
    for benchmark in BENCHMARKS:
        lines.append(f"{benchmark.name}  [{benchmark.count:,}; quick {benchmark.quick:,}]  {benchmark.scale.unit}")
        asked = "; only when named" if benchmark.on_request else ""
        lines.append(f"    {benchmark.what}; {', '.join(benchmark.peers)}{asked}")
    return "\n".join(lines)


def _progress(rounds: int) -> Callable[[int, Benchmark, str], None]:
    """Write where the session is to standard error: over one line on a terminal, else a line for each round."""
    on_terminal = sys.stderr.isatty()
    seen = -1

    def show(number: int, benchmark: Benchmark, peer: str) -> None:
        nonlocal seen
        if on_terminal:
            where = f"round {number + 1} of {rounds}: {benchmark.name}: {peer}"
            print(f"\r\033[K{where}", end="", file=sys.stderr, flush=True)
        elif number != seen:
            seen = number
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)

    return show


if __name__ == "__main__":
    sys.exit(main())
