"""What the master's parts are to reach, and what Mesos's own C++ takes for the same."""

# Who calls: the report (bench/report.py). Nothing here measures anything.
# Mesos's registrar keeps its registry in memory in that benchmark, and syncs nothing; ours is in a file.

from __future__ import annotations

from bench import failover_figures, state_figures
from bench.bounds import Bound

BOUNDS = (
    Bound("reconcile[100k]", 1_000),
    Bound("snapshot[9000]", 100),
    Bound("get-metrics[90]", None, 49, None, "MasterMetricsQuery, GetMetrics: v1 JSON, 90 active frameworks"),
    Bound("get-metrics[900]", None, 320, None, "MasterMetricsQuery, GetMetrics: v1 JSON, 900"),
    Bound("get-metrics[9000]", 100, 3_000, None, "MasterMetricsQuery, GetMetrics: v1 JSON, 9,000"),
    Bound("ask-accept[100k]", 10),
    Bound("ask-teardown[100k]", 10),
    Bound("ask-schedule[10k]", 10),
    Bound("ask-weights[10k]", 10),
    Bound("ask-quota[10k]", 10),
    Bound("launch[20k/1]", 4_000),  # 5,000 a second
    Bound("launch[20k/10]", 4_000),
    Bound("registrar-admit[10k]", None, 220, 420, "Registrar, Performance: admitted"),
    Bound("registrar-admit[20k]", None),
    Bound("registrar-admit[30k]", None),
    Bound("registrar-admit[50k]", 1_000),
    Bound("registrar-unreachable[10k]", None, 710, 740, "Registrar, MarkUnreachableThenReachable: marked unreachable"),
    Bound("registrar-reachable[10k]", None, 310, 500, "Registrar, MarkUnreachableThenReachable: marked reachable"),
    Bound("registrar-recover[10k]", None, 190, None, "Registrar, Performance: recovered"),
    Bound("registrar-remove[10k]", None, 670, None, "Registrar, Performance: removed"),
    Bound("registrar-prune[10k]", None, 90, None, "Registrar, GcManyAgents: 5,000 of them"),
    Bound("containers-start[1k]", 5_000),
    Bound("containers-kill[1k]", 3_000),
    Bound("containers-restart[1k]", 3_000),
    Bound("containers-idle[1k]", 30),
    *failover_figures.BOUNDS,
    *state_figures.BOUNDS,
)
