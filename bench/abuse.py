"""Abuse: what others wait for while somebody abuses a master's HTTP API, and the memory that it takes."""

# How to run it: ``python -m bench.abuse``. A cluster of bench/populated.py, in this process; who abuses it
#   (bench/abuse_client.py), and who asks for /health meanwhile (bench/load_client.py), are others. Who asks the master
#   for nothing is a thread of this one.

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.asking import asking
from bench.benchmarks import expect
from bench.memory import peak, reset_peak
from bench.populated import Site, populated
from bench.stand_ins import PATIENCE_SECONDS

ABUSER, CLIENT = [Path(__file__).with_name(name) for name in ("abuse_client.py", "load_client.py")]
AGENTS = 100
SECONDS = 6.0
# Each abuse, with its size, and the statuses that may answer it; 0: closed without an answer. `none` is nobody.
ABUSES = {
    "none": (0, set[int](), "nobody"),
    "tasks": (8, {400, 403}, "2 clients, bodies of 8 MB: tasks to launch"),
    "lists": (8, {400}, "2 clients, bodies of 8 MB: empty lists"),
    "nested": (8, {400}, "2 clients, bodies of 8 MB: lists in one another"),
    "endless": (0, {0, 413}, "4 clients, bodies without end"),
    "slow": (500, set[int](), "500 clients that send a byte a second"),
    "idle": (10_000, set[int](), "10,000 idle connections"),
    "unread": (200, {0, 202, 400, 403}, "a framework that asks for 1,000 updates at a time, and never reads"),
}


def abused(site: Site, kind: str, size: int, seconds: float) -> str:
    """A row of the table, for one abuse."""
    allowed = ABUSES[kind][1]
    answers: list[float] = []
    before = reset_peak()
    with _abuser(site, kind, size) as statuses, asking(site.master, answers):
        command = [sys.executable, "-S", str(CLIENT), "watch", site.address, str(seconds)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=PATIENCE_SECONDS)
    grown = peak() - before
    health = list(map(float, done.stdout.split()))[:-1]
    expect(set(statuses) <= allowed, True, f"no status for {kind} but {allowed}, of {statuses}")
    told = ", ".join([f"{count} x {status or 'closed'}" for status, count in sorted(statuses.items())])
    cells = [ABUSES[kind][2], told or "-", *_spread(health), *_spread(sorted(answers)), f"{grown / 1e6:,.0f}"]
    return f"| {' | '.join(cells)} |"


@contextmanager
def _abuser(site: Site, kind: str, size: int) -> Iterator[Mapping[int, int]]:
    """Meanwhile the master is abused; in the end there are the statuses of the answers."""
    statuses: dict[int, int] = {}
    if kind == "none":
        yield statuses
        return
    command = [sys.executable, "-S", str(ABUSER), kind, site.address, str(size)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as abuser:
        assert abuser.stdin is not None
        assert abuser.stdout is not None
        expect(abuser.stdout.readline(), b"\n", "an abuser that has begun")
        yield statuses
        abuser.stdin.close()
        statuses.update({int(status): count for status, count in json.loads(abuser.stdout.read()).items()})
    expect(abuser.returncode, 0, "exit status of the abuser")


def _spread(ordered: list[float]) -> list[str]:
    """Half, 99 of 100, all, in ms."""
    return [f"{ordered[int(part * (len(ordered) - 1))] * 1e3:.2f}" for part in (0.5, 0.99, 1.0)]


def main(kinds: Iterable[str] = ABUSES, agents: int = AGENTS, seconds: float = SECONDS, scale: float = 1.0) -> None:
    """Print the table; abuses are ``scale`` times their size."""
    print("| abuse | answers | /health: half, ms | 99 of 100 | all | a message: half, ms | 99 of 100 | all | MB more |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    with populated(agents) as site:
        for kind in kinds:
            print(abused(site, kind, max(1, int(ABUSES[kind][0] * scale)), seconds), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.abuse", description=__doc__)
    parser.add_argument("--only", choices=ABUSES, action="append", metavar="ABUSE", help=", ".join(ABUSES))
    main(parser.parse_args().only or ABUSES)
