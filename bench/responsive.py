"""Responsive: how long a master keeps others waiting while five clients poll /state, as in Mesos's benchmark."""

# Who calls: MasterWork (bench/master.py). Clients are other processes (bench/load_client.py): one with five that ask
#   for /state again and again, one that asks for /health. Who asks the master for nothing is a thread of this process
#   (bench/asking.py), as an actor of the same program would.
# Meanwhile a framework declines all offers at once, and they are made again, once a second.

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from bench.asking import asking, worst_of_most
from bench.benchmarks import expect
from bench.pollers import CLIENT
from bench.populated import FULL, Site, populated
from bench.stand_ins import PATIENCE_SECONDS
from mesoslite.model.constants import ALLOCATION_INTERVAL_SECONDS

CLIENTS = 5
SECONDS = 6.0  # for which it is looked at


class ResponsiveWork:
    """Each method has five clients poll a cluster of so many agents (``count``)."""

    def health_amid_polls(self, count: int) -> float:
        """What 99 of 100 answers of /health take at most."""
        with populated(count) as site, _polled(site):
            seconds = _watch(site, count)
        return worst_of_most(seconds, f"/health amid polls of {count:,} agents")

    def ask_amid_polls(self, count: int) -> float:
        """What 99 of 100 answers to nothing take at most, as messages of the same program."""
        answers: list[float] = []
        with populated(count) as site, _polled(site), asking(site.master, answers):
            _watch(site, count)
        return worst_of_most(answers, f"polls of {count:,} agents")

    def offers_amid_polls(self, count: int) -> float:
        """How far apart two cycles of offers are at most."""
        with populated(count) as site:
            with _polled(site):
                site.cycles.clear()
                _watch(site, count)
                cycles = list(site.cycles)
            wanted = SECONDS / ALLOCATION_INTERVAL_SECONDS - 2 if count >= FULL else 2
            expect(len(cycles) >= wanted, True, f"{wanted:g} cycles or more; there were {len(cycles)}")
        return max([later - earlier for earlier, later in pairwise(cycles)], default=0.0)


def _watch(site: Site, count: int) -> list[float]:
    """What each answer of /health takes, for some time."""
    seconds = SECONDS if count >= FULL else 0.2
    command = [sys.executable, "-S", str(CLIENT), "watch", site.address, str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=PATIENCE_SECONDS)
    *answers, _ = map(float, done.stdout.split())
    return answers


@contextmanager
def _polled(site: Site) -> Iterator[None]:
    """Meanwhile /state is polled; what that takes is printed at the end."""
    command = [sys.executable, "-S", str(CLIENT), "poll", site.address, str(CLIENTS), "0"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as pollers:
        assert pollers.stdin is not None
        assert pollers.stdout is not None
        expect(pollers.stdout.readline(), b"\n", "pollers that have begun")
        yield
        pollers.stdin.close()
        *seconds, size = map(float, pollers.stdout.read().split())
    expect((pollers.returncode, bool(seconds)), (0, True), "answers to pollers")
    half = seconds[len(seconds) // 2] * 1e3
    print(f"/state of {size / 1e6:.1f} MB: {len(seconds):,}, half of them within {half:.0f} ms", file=sys.stderr)
