"""Pollers: how long clients wait for /state that ask for it again and again, as in Mesos's report of 2018."""

# Who calls: MasterWork (bench/master.py). 100 agents, 10 frameworks that run and 10 that are over, each with 10 tasks
#   on every agent; each client asks 50 times, the next time as soon as it has its answer (bench/load_client.py).
# The report's cluster does not change meanwhile. Here a framework declines its offers, so that it does, every second.

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import fmean

from bench.benchmarks import expect
from bench.populated import FULL, populated

CLIENT = Path(__file__).with_name("load_client.py")
TIMES = 50
LONG_SECONDS = 600.0  # twenty clients that wait for a second each time take as much as that


class PollersWork:
    """So many clients (``extent``) of a cluster of so many agents (``count``)."""

    def poll(self, count: int, extent: int) -> float:
        """The mean of what each answer takes."""
        times = TIMES if count >= FULL else 2
        with populated(count) as site:
            command = [sys.executable, "-S", str(CLIENT), "poll", site.address, str(extent), str(times)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=LONG_SECONDS)
        *seconds, size = map(float, done.stdout.split())
        expect((len(seconds), size > count), (extent * times, True), "answers, of some length")
        print(
            f"{extent} clients on {count:,} agents: {size / 1e6:.1f} MB, mean {fmean(seconds) * 1e3:.0f} ms, "
            f"all within {seconds[-1] * 1e3:.0f} ms",
            file=sys.stderr,
        )
        return fmean(seconds)
