"""What a failover is to take, what Mesos's own C++ takes for the same, and both drawn as its report drew them."""

# Who calls: bench/master_figures.py, the report and the command line. Nothing here measures anything.
# The founding report (Mesos 1.3.0 and 1.5.0, on a laptop of 2015; seconds, ten tasks an agent) is only drawn. Mesos's
#   C++ is given in ms, runs least and most; its agents share process and CPUs with the master, as ours do.

from __future__ import annotations

from statistics import median

from bench.allocator_figures import Figures, Series
from bench.bounds import MESOS, Bound
from bench.table import FAILOVER_SIZES

TEST = "MasterFailover, AgentReregistrationDelay"

# Wanted is a third of what Mesos's takes at least, a fourth with completed tasks, or less where that was said.
BOUNDS = (
    Bound("failover[1k/10k]", 170, 510, 670, TEST),
    Bound("failover[5k/50k]", 633, 1_900, 2_400, TEST),
    Bound("failover[10k/100k]", 1_666, 5_000, 5_500, TEST),
    Bound("failover[20k/100k]", 2_200, 6_800, 8_500, TEST),
    Bound("failover[1k/50k]", 366, 1_100, 1_400, TEST),
    Bound("failover[1k/50k+100k]", 475, 1_900, None, TEST),
    Bound("failover[2k/100k]", 800, 2_400, 3_200, TEST),
    Bound("failover[2k/100k+100k]", 725, 2_900, 3_800, TEST),
    Bound("failover[2k/100k+200k]", 950, 3_800, 4_000, TEST),
    Bound("failover[2k/200k]", 1_033, 3_100, 3_600, TEST),
    Bound("failover[5k/250k]", 1_366, 4_100, 6_000, TEST),
    Bound("failover[5k/250k+500k]", 4_000, 16_300, 17_400, TEST),
    Bound("failover[10k/500k]", 4_566, 13_700, 14_300, TEST),
    Bound("failover[10k/500k+1M]", 9_000, 37_000, 40_000, TEST),
    Bound("failover[20k/200k]", None),
    Bound("failover[40k/400k]", 5_000),
    Bound("failover[10k/100k+1M]", None),
    Bound("failover[20k/200k+2M]", None),
    Bound("failover[40k/400k+4M]", 20_000),
    Bound("failover-known[20k/100k]", None),
    Bound("failover-ask[20k/100k]", 10),
)

_AGENTS = (10_000, 20_000, 40_000)


def _reported(version: str, *seconds: float) -> Series:
    points = tuple(zip([float(agents) for agents in _AGENTS], seconds, strict=True))
    return Series(f"Mesos {version}, its report (laptop, 2015)", points)


_CPP = Series(f"{MESOS}, ten tasks an agent", ((1_000, 0.57), (5_000, 2.2), (10_000, 5.2)))
_CPP_HISTORY = Series(f"{MESOS}, 50 + 100 tasks an agent", ((1_000, 1.9), (2_000, 3.9), (5_000, 16.8), (10_000, 38.5)))

# The charts of the report: name -> what others have reached, and which lines of ours belong to it: tasks an agent and
#   completed ones.
CHARTS = {
    "failover": ((_reported("1.3.0", 24, 51, 106), _reported("1.5.0", 4, 9, 19), _CPP), ((10, 0),)),
    "failover-history": (
        (_reported("1.3.0", 165, 358, 928), _reported("1.5.0", 26, 54, 135), _CPP_HISTORY),
        ((10, 100), (50, 100)),
    ),
}


def charts(figures: Figures, peer: str) -> dict[str, list[Series]]:
    """Return the charts of which anything was measured: seconds by agents."""
    found = {}
    for name, (reported, loads) in CHARTS.items():
        own = [series for load in loads if (series := _measured(figures, peer, *load)).points]
        if own:
            found[name] = [*own, *reported]
    return found


def _measured(figures: Figures, peer: str, tasks: int, completed: int) -> Series:
    points = [
        (float(agents), median(own[peer]) / 1e3)
        for text, agents, *load in FAILOVER_SIZES
        if load == [tasks, completed] and (own := figures.get(f"failover[{text}]", {})).get(peer)
    ]
    return Series(f"mesoslite: {tasks} + {completed} tasks an agent", tuple(sorted(points)), own=True)
