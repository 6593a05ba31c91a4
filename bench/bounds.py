"""Bounds: what a line is to take at most, and what Mesos's own C++ takes for the same."""

# Who calls: the lists of bounds (bench/allocator_figures.py, bench/master_figures.py) and the report. Nothing here
#   measures anything.
# Mesos's figures: its own benchmarks with these parameters, its master of August 2024 (1.12-dev), -O2, glibc malloc,
#   on two CPUs of the kind that ours were taken on, by the clock on the wall. Run several times: least and most.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MESOS = "Mesos's C++, same kind of machine"


@dataclass(frozen=True)
class Bound:
    """A line is to take at most ``wanted`` ms (None: only shown); Mesos's takes from ``least`` to ``most``."""

    name: str
    wanted: float | None
    least: float | None = None
    most: float | None = None
    test: str = ""  # what it is called there

    def times(self, own: Sequence[float]) -> tuple[float, float] | None:
        """Return how many times as long Mesos's takes, at least and at most; None if nobody knows."""
        if self.least is None:
            return None
        return self.least / median(own), (self.most or self.least) / median(own)
