"""System statistics, /system/stats.json: how busy the machine of a master or an agent is."""

# Who calls: master.py and agent.py. The numbers are the metrics system/* of the runtime, as in libprocess.
# Rejected: a snapshot of all metrics; one of a large cluster asks every actor.
# Source: Mesos 3rdparty/libprocess/src/system.cpp (System::stats).

from __future__ import annotations

from typing import TYPE_CHECKING

import libactor as la

from .exchange import Response
from .routes import Routes, methods

if TYPE_CHECKING:
    from .exchange import Exchange

PATH = "/system/stats.json"
KEYS = {
    "system/load_1min": "avg_load_1min",
    "system/load_5min": "avg_load_5min",
    "system/load_15min": "avg_load_15min",
    "system/cpus_total": "cpus_total",
    "system/mem_total_bytes": "mem_total_bytes",
    "system/mem_free_bytes": "mem_free_bytes",
}


def system_routes(runtime: la.Runtime) -> Routes:
    """The page that tells of the machine of ``runtime``, as far as that measures it."""

    async def stats(exchange: Exchange) -> Response:
        gauges = [metric for metric in runtime.metrics.all() if metric.name in KEYS]
        pulled = {gauge.name: gauge.pull(runtime) for gauge in gauges if isinstance(gauge, la.metrics.Gauge)}
        return exchange.json({key: await pulled[name] for name, key in KEYS.items() if name in pulled})

    return {PATH: methods(GET=stats)}
