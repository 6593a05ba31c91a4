"""What it may cost to poll /state, what Mesos's own C++ costs, and pollers drawn as its report drew them."""

# Who calls: bench/master_figures.py, the report and the command line. Nothing here measures anything.
# The report is of Mesos 1.7 beside 1.6, on a machine of 2018; it is only drawn. Mesos's C++ answers /health meanwhile
#   within least (half of the answers) and most (all): 255 and 538 ms, 3.0 and 5.4 s. Ours is what 99 of 100 take.

from __future__ import annotations

from statistics import median

from bench.allocator_figures import Figures, Series
from bench.bounds import Bound
from bench.table import POLLERS

HEALTH = "/health while 5 clients poll: half, and all"

QUERY = "MasterStateQuery, GetState"

BOUNDS = (
    Bound("poll[100/1]", None),
    Bound("poll[100/10]", None),
    Bound("poll[100/20]", 300),
    Bound("responsive-health[100]", 10, 255, 538, HEALTH),
    Bound("responsive-health[1k]", 10, 3_000, 5_400, HEALTH),
    Bound("responsive-ask[100]", 10),
    Bound("responsive-ask[1k]", 10),
    Bound("responsive-offers[100]", 1_100),
    Bound("responsive-offers[1k]", 1_100),
    Bound("subscribe[1k]", None),
    Bound("subscribe[10k]", 3_000),
    Bound("state-returned[20k/400k]", None, 7_400, None, f"{QUERY}, v0: 200k and 200k"),
    Bound("state-cold[1k/20k]", None, 170, 230, f"{QUERY}, v0: 10k running, 10k completed"),
    Bound("state-cold[10k/200k]", None, 1_800, 1_900, f"{QUERY}, v0: 100k and 100k"),
    Bound("state-cold[20k/400k]", 1_000, 7_400, None, f"{QUERY}, v0: 200k and 200k"),
    Bound("state-changed[20k/400k]", 350),
    Bound("state-known[20k/400k]", 2),
    Bound("get-state-cold[1k/20k]", None, 180, 270, f"{QUERY}, v1 JSON"),
    Bound("get-state-cold[10k/200k]", None, 3_200, 3_900, f"{QUERY}, v1 JSON"),
    Bound("get-state-cold[20k/400k]", None, 10_000, None, f"{QUERY}, v1 JSON"),
)

_REPORTED = (
    Series("Mesos 1.7, its report", ((1, 0.10), (10, 0.42), (20, 0.96))),
    Series("Mesos 1.6, its report", ((1, 0.22), (10, 2.1), (20, 3.9))),
)


def charts(figures: Figures, peer: str) -> dict[str, list[Series]]:
    """Return the chart of pollers, if they were measured: the mean in seconds by the number of clients."""
    points = [
        (float(clients), median(own[peer]) / 1e3)
        for clients in POLLERS
        if (own := figures.get(f"poll[100/{clients}]", {})).get(peer)
    ]
    if not points:
        return {}
    return {"pollers": [Series("mesoslite: 100 agents, 20,000 tasks", tuple(points), own=True), *_REPORTED]}
