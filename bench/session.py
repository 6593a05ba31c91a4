"""A session: rounds of measurements, each peer in a process of its own, all in the same place and taking turns."""

# Who calls: the command line (bench/__main__.py).
# Invariants: 1. children inherit the placement of this process; a child that runs elsewhere is an error. Partners of
#   children (bench/partner.py) run there too, or where ``place`` was told, whichever peer they belong to.
#   2. in each round every peer does a benchmark before the next benchmark begins, so that what else the machine does
#   meets them alike; who goes first changes with the round.    3. only one child works at a time, the others wait for
#   their standard input.    4. each round has new processes.
# Rejected: pytest-benchmark, which measures functions of its own process one after the other (docs/benchmarks.md).

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.benchmarks import LIBACTOR_PYTHON, PEERS, Benchmark
from bench.child import Description
from bench.partner import PLACE

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

ROOT = Path(__file__).resolve().parent.parent
ANSWER_SECONDS = 120  # a child that has not answered by then hangs


class ChildFailed(Exception):
    """A child ended, hung or ran in the wrong place; its own error stands above on standard error."""


class Child:
    """One peer in a process of its own. Use it as a context manager; at the end the process is gone."""

    def __init__(self, peer: str) -> None:
        environment = dict(os.environ)
        environment.pop("LIBACTOR_PURE", None)
        if peer == LIBACTOR_PYTHON:
            environment["LIBACTOR_PURE"] = "1"
        self.peer = peer
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.child", peer],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=environment,
        )
        self.description = Description(**self._read())

    def measure(self, benchmark: Benchmark, quick: bool) -> float:
        """Return the figure of one measurement, in the benchmark's unit."""
        request = {"benchmark": benchmark.name, "quick": quick}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        answer = self._read()
        return benchmark.scale.convert(answer["amount"], answer["count"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(killed=error is not None)

    def _read(self) -> dict[str, Any]:
        """The next line of the child; it writes one at a time, so none is left in a buffer."""
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], ANSWER_SECONDS)
        line = self._process.stdout.readline() if readable else b""
        if not line:
            self._end(killed=True)
            what = "ended" if readable else f"said nothing for {ANSWER_SECONDS} s"
            raise ChildFailed(f"the process that measures {self.peer} {what}; see its error above, or leave it out")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _end(self, killed: bool) -> None:
        if killed:
            self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()
        self._process.wait()


@dataclass
class Results:
    """What a session has measured: for each benchmark and peer one figure per round, in order of the rounds."""

    figures: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    descriptions: dict[str, Description] = field(default_factory=dict)

    def add(self, benchmark: str, peer: str, figure: float) -> None:
        """Take note of the next round's figure."""
        self.figures.setdefault(benchmark, {}).setdefault(peer, []).append(figure)


def place(cpus: Sequence[int] | None, partner_cpus: Sequence[int] | None = None) -> tuple[list[int], list[int]]:
    """Pin this process, and so its children, to ``cpus``, or to where it may run already; return them.

    The second list is where the children's partners will run, by itself the same. Raises: OSError if one may not run
    there.
    """
    chosen = sorted(os.sched_getaffinity(0) if cpus is None else cpus)
    theirs = chosen if partner_cpus is None else sorted(partner_cpus)
    os.sched_setaffinity(0, theirs)
    os.sched_setaffinity(0, chosen)
    os.environ[PLACE] = ",".join([str(cpu) for cpu in theirs])
    return chosen, theirs


def run(
    benchmarks: Sequence[Benchmark],
    peers: Sequence[str],
    rounds: int,
    quick: bool,
    progress: Callable[[int, Benchmark, str], None],
) -> Results:
    """Measure; ``progress`` hears of (round, benchmark, peer) before each measurement. Raises: ChildFailed."""
    results = Results()
    for number in range(rounds):
        with ExitStack() as stack:
            children: dict[str, Child] = {}
            for benchmark, peer in turns(benchmarks, peers, number):
                progress(number, benchmark, peer)
                if benchmark.fresh:
                    with Child(peer) as child:
                        _measure(child, benchmark, quick, results)
                    continue
                if peer not in children:
                    children[peer] = stack.enter_context(Child(peer))
                _measure(children[peer], benchmark, quick, results)
    return results


def turns(benchmarks: Sequence[Benchmark], peers: Sequence[str], number: int) -> Iterator[tuple[Benchmark, str]]:
    """Yield what is measured in round ``number``, in order: the peers take turns in going first."""
    for benchmark in benchmarks:
        taking_part = [peer for peer in PEERS if peer in benchmark.peers and peer in peers]
        first = number % max(1, len(taking_part))
        for peer in taking_part[first:] + taking_part[:first]:
            yield benchmark, peer


def _measure(child: Child, benchmark: Benchmark, quick: bool, results: Results) -> None:
    here = sorted(os.sched_getaffinity(0))
    if child.description.cpus != here:
        raise ChildFailed(
            f"{child.peer} runs on CPUs {child.description.cpus}, the others on {here}; ratios would mislead"
        )
    results.descriptions.setdefault(child.peer, child.description)
    results.add(benchmark.name, child.peer, child.measure(benchmark, quick))
