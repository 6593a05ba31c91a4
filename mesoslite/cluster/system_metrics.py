"""System metrics: how busy the machine of a master or an agent is, under Mesos's names."""

# Who calls: cluster.py and nodes.py, for the runtime that they make. Each program of libprocess tells of these.
# Source: libprocess src/system.cpp (System).

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import libactor as la

if TYPE_CHECKING:
    from libactor.metrics import Registry

LOADS = ("load_1min", "load_5min", "load_15min")
PAGES = {"mem_total_bytes": "SC_PHYS_PAGES", "mem_free_bytes": "SC_AVPHYS_PAGES"}


def tell_of_system(registry: Registry) -> None:
    """Have ``registry`` tell of this machine: its processors, its load, its memory."""
    registry.add(la.metrics.Gauge("system/cpus_total", partial(os.sysconf, "SC_NPROCESSORS_ONLN")))
    for place, name in enumerate(LOADS):
        registry.add(la.metrics.Gauge(f"system/{name}", partial(_load, place)))
    for name, pages in PAGES.items():
        registry.add(la.metrics.Gauge(f"system/{name}", partial(_bytes, pages)))


def _load(place: int) -> float:
    return os.getloadavg()[place]


def _bytes(pages: str) -> int:
    return os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
