"""What /state may cost, what it costs in Mesos's own C++, and both drawn as Mesos's reports drew them."""

# Who calls: bench/master_figures.py, the report and the command line. Nothing here measures anything.
# The reports, of clients that poll and of one large cluster, are of machines of 2015 and 2018; they are only drawn.
#   Mesos's C++ answers /health meanwhile within least (half of the answers) and most (all): 255 and 538 ms, 3.0 and
#   5.4 s. Ours is what 99 of 100 take.

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from bench.allocator_figures import Figures, Series
from bench.bounds import MESOS, Bound
from bench.table import POLLERS, STATE_SIZES

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

# name -> what others have reached; what its axes count
CHARTS = {
    "pollers": (
        (
            Series("Mesos 1.7, its report", ((1, 0.10), (10, 0.42), (20, 0.96))),
            Series("Mesos 1.6, its report", ((1, 0.22), (10, 2.1), (20, 3.9))),
        ),
        ("clients", "seconds for an answer, mean"),
    ),
    "state": (
        (
            Series(f"{MESOS}, half of the tasks completed", ((1_000, 0.20), (10_000, 1.85), (20_000, 7.4))),
            Series("Mesos, its report: half of the tasks completed", ((20_000, 3.1),)),
            Series("Mesos before RapidJSON, its report", ((20_000, 7.0),)),
        ),
        ("agents, with twenty tasks each", "seconds until all of /state is there"),
    ),
}


def charts(figures: Figures, peer: str) -> dict[str, list[Series]]:
    """Return the charts of which anything was measured: seconds by clients, and by agents."""
    pollers = {clients: f"poll[100/{clients}]" for clients in POLLERS}
    own = {
        "pollers": _measured(figures, peer, "mesoslite: 100 agents, 20,000 tasks", pollers),
        "state": _measured(figures, peer, "mesoslite", {agents: f"state-cold[{text}]" for text, agents in STATE_SIZES}),
    }
    return {name: [series, *CHARTS[name][0]] for name, series in own.items() if series.points}


def _measured(figures: Figures, peer: str, label: str, lines: Mapping[int, str]) -> Series:
    points = [
        (float(amount), median(found[peer]) / 1e3)
        for amount, line in lines.items()
        if (found := figures.get(line, {})).get(peer)
    ]
    return Series(label, tuple(points), own=True)
