"""Capacity: what a machine has to offer, where an agent was not told."""

# Who calls: a composition root, when an agent starts.
# Something is left for the machine: a GiB of memory and five of disk, or half of what there is if that is little.
# Source: Mesos src/slave/containerizer/containerizer.cpp (Containerizer::resources), src/slave/constants.hpp.

import os
import shutil
from pathlib import Path

MEBIBYTE = 1 << 20
MEM_LEFT_MIB, DISK_LEFT_MIB = 1024, 5 * 1024
PORTS = "[31000-32000]"


def capacity_texts(work_dir: Path) -> dict[str, str]:
    """The resources of this machine, by name, as texts; sandboxes are below ``work_dir``, which need not be there."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MEBIBYTE
    # os.path: a Path raises for what lies in a directory that this user may not enter
    there = next(path for path in (work_dir, *work_dir.parents) if os.path.exists(path))
    disk = shutil.disk_usage(there).total // MEBIBYTE
    return {
        "cpus": f"cpus:{os.cpu_count() or 1}",
        "mem": f"mem:{_offered(memory, MEM_LEFT_MIB)}",
        "disk": f"disk:{_offered(disk, DISK_LEFT_MIB)}",
        "ports": f"ports:{PORTS}",
    }


def _offered(total: int, left: int) -> int:
    return total - left if total >= 2 * left else total // 2
