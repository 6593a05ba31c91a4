"""What the allocator is to reach, what Mesos's own C++ takes for the same, and both drawn."""

# Who calls: the report (bench/report.py) and the command line. Nothing here measures anything.
# The founding reports: Mesos 1.7.0 and 1.8.0, one role, no filters, on a laptop of 2015; only drawn.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.bounds import MESOS, Bound

Figures = Mapping[str, Mapping[str, Sequence[float]]]  # benchmark -> peer -> one figure a round


# For "first cycles no slower than Mesos's C++" the wanted figure is Mesos's own.
BOUNDS = (
    Bound("cycle-full[1k/100]", None),
    Bound("cycle-full[5k/500]", None),
    Bound("cycle-full[10k/1k]", None),
    Bound("cycle-full[20k/2k]", 500),
    Bound("cycle-full[50k/6k]", 1_500),
    Bound("cycle-1%[50k/6k]", 30),
    Bound("add-agents[1k/1k]", 110, 110, None, "AddAndUpdateSlave, added"),
    Bound("add-agents[5k/1k]", 400, 400, None, "AddAndUpdateSlave, added"),
    Bound("add-agents[10k/1]", 810, 810, None, "AddAndUpdateSlave, added"),
    Bound("add-agents[10k/1k]", 1_280, 1_280, None, "AddAndUpdateSlave, added"),
    Bound("update-agents[1k/1k]", 80, 80, None, "AddAndUpdateSlave, updated"),
    Bound("update-agents[5k/1k]", 330, 330, None, "AddAndUpdateSlave, updated"),
    Bound("update-agents[10k/1]", 460, 460, None, "AddAndUpdateSlave, updated"),
    Bound("update-agents[10k/1k]", 760, 760, None, "AddAndUpdateSlave, updated"),
    Bound("decline-first[1k/50]", 34, 34, None, "DeclineOffers, first"),
    Bound("decline-first[1k/200]", 44, 44, None, "DeclineOffers, first"),
    Bound("decline-first[1k/1k]", 75, 75, None, "DeclineOffers, first"),
    Bound("decline-all[1k/50]", 30, 260, None, "DeclineOffers, 50,000 filters"),
    Bound("decline-all[1k/200]", 30, 1_380, None, "DeclineOffers, 200,000 filters"),
    Bound("labels-first[1k/200]", 60, 60, None, "ResourceLabels, first"),
    Bound("labels-first[5k/50]", 272, 272, None, "ResourceLabels, first"),
    Bound("labels-first[5k/200]", 285, 285, None, "ResourceLabels, first"),
    Bound("suppress-60%[5k/1k]", 250, 250, None, "SuppressOffers"),
    Bound("suppress-80%[5k/1k]", 281, 281, None, "SuppressOffers"),
    Bound("suppress-all[5k/1k]", 1, 36, None, "SuppressOffers"),
    Bound("suppress-99%[5k/200]", 217, 217, 265, "ExtremeSuppressOffers"),
    Bound("suppress-99%[5k/1k]", 181, 181, 232, "ExtremeSuppressOffers"),
    Bound("quota-agents[5k/1k]", None, 22_000, None, "Metrics, adding agents"),
    Bound("volumes[1k/1k]", 71, 71, None, "PersistentVolumes"),
    Bound("volumes[5k/1k]", 397, 397, None, "PersistentVolumes"),
    Bound("volumes[10k/1k]", 642, 642, None, "PersistentVolumes"),
    Bound("quota-frameworks[3k]", None, 34_000, None, "LargeAndSmallQuota, adding frameworks"),
    Bound("quota-first[300]", None, 120, None, "LargeAndSmallQuota, DRF"),
    Bound("quota-first[3k]", 400, 20_400, None, "LargeAndSmallQuota, DRF"),
    Bound("quota-idle[300]", None, 80, None, "LargeAndSmallQuota, second cycle"),
    Bound("quota-idle[3k]", 20, 21_300, None, "LargeAndSmallQuota, second cycle"),
    Bound("quota-again[300]", None, 80, None, "LargeAndSmallQuota, second cycle"),
    Bound("quota-again[3k]", None, 21_300, None, "LargeAndSmallQuota, second cycle"),
    Bound("reserve[200]", 0.5, 19, 21, "UpdateAllocation, 800 reservations"),
    Bound("profiles", 2_000, None, None, "MultiFrameworkAllocations: 4,205 of 19,500 tasks"),
)  # fmt: skip


@dataclass(frozen=True)
class Series:
    """Points of one line or scatter of the drawing: agents, milliseconds."""

    label: str
    points: tuple[tuple[float, float], ...]
    own: bool = False


REPORTS = (
    Series("Mesos 1.8, its report (laptop, 2015)", ((1_000, 50), (5_000, 400), (10_000, 1_100), (20_000, 3_800))),
    Series("Mesos 1.7.0, its report", ((20_000, 22_400),)),
    Series(f"{MESOS}: PersistentVolumes, 1k frameworks", ((1_000, 71), (5_000, 397), (10_000, 642))),
    Series(f"{MESOS}: LargeAndSmallQuota", ((300, 120), (3_000, 20_400))),
)

DRAWN = {"cycle-full": "full cycle", "cycle-1%": "1 % of the agents changed", "quota-first": "LargeAndSmallQuota"}


def measured_series(figures: Figures, peer: str) -> list[Series]:
    """Return what was measured of the lines that are drawn; their sizes stand in their names."""
    series = []
    for stem, label in DRAWN.items():
        points = [
            (float(agents_in(name)), median(own[peer]))
            for name, own in figures.items()
            if _stem(name) == stem and own.get(peer)
        ]
        if points:
            series.append(Series(f"mesoslite: {label}", tuple(sorted(points)), own=True))
    return series


def is_drawn(name: str) -> bool:
    """Return whether a line of that name is a point of the drawing."""
    return _stem(name) in DRAWN


def _stem(name: str) -> str:
    return name.partition("[")[0]


def agents_in(name: str) -> int:
    """Return the number of agents that the name of a line says: 10,000 for ``cycle-full[10k/1k]``."""
    text = name.partition("[")[2].rstrip("]").partition("/")[0]
    return int(text.removesuffix("k")) * (1_000 if text.endswith("k") else 1)
