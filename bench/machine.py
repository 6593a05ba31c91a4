"""What the figures were taken on: they mean nothing without it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """The hardware and system, and how busy the machine was at the moment this was made."""

    cpu_model: str
    cpu_count: int
    memory_gigabytes: float
    kernel: str
    load_one_minute: float


def read_machine() -> Machine:
    """Return what this machine is and does now."""
    pages, page_bytes = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return Machine(
        cpu_model=_cpu_model(Path("/proc/cpuinfo").read_text()),
        cpu_count=os.cpu_count() or 1,
        memory_gigabytes=round(pages * page_bytes / 1e9, 1),
        kernel=f"{platform.system()} {platform.release()}",
        load_one_minute=round(os.getloadavg()[0], 2),
    )


def _cpu_model(cpuinfo: str) -> str:
    """The first "model name" line, which not every architecture has."""
    for line in cpuinfo.splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip() == "model name":
            return value.strip()
    return platform.machine()
