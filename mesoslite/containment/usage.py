"""Usage: what the processes of containers have used, by one look at /proc for all of them."""

# Who calls: posix.py, in the thread of whoever asks.
# A process counts to the container that it descends from, or whose session it is in. One that has left both, and bears
#   its mark only, is ended with its container (processes.py) and not counted: to find it takes a look at the
#   environments of all.
# Time of children that were waited for counts, so that no sum falls as commands come and go; Mesos counts what lives.
# Cost: the look reads a file for each process of the machine; the sums are O(processes of the containers).
# Source: Mesos src/usage/usage.cpp, proc(5).

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mesoslite.model import ContainerUsage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .processes import Entry

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")

# Where the fields are: utime, stime, cutime, cstime, num_threads and rss are the 14th to 17th, 20th and 24th.
_USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM, _THREADS, _RSS = 11, 12, 13, 14, 17, 21


def usage_of(members: Sequence[Entry]) -> ContainerUsage:
    """Return what the processes of one container have used."""
    living = [each.fields for each in members if not each.is_zombie]
    everyone = [each.fields for each in members]
    return ContainerUsage(
        processes=len(living),
        threads=_sum(living, _THREADS),
        cpus_user_time_secs=(_sum(everyone, _USER) + _sum(everyone, _CHILDREN_USER)) / _TICKS,
        cpus_system_time_secs=(_sum(everyone, _SYSTEM) + _sum(everyone, _CHILDREN_SYSTEM)) / _TICKS,
        mem_rss_bytes=_sum(living, _RSS) * _PAGE,
    )


def _sum(processes: list[list[bytes]], field: int) -> int:
    return sum([int(fields[field]) for fields in processes])
