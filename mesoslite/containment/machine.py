"""Machine: what the one that an agent runs on has to keep containers apart with."""

# Who calls: a composition root, once when an agent starts; isolation.py reads it.
# A kernel may have what nobody may use, so rights are asked for as well; nothing is changed by looking.
# Source: cgroups(7), namespaces(7), Linux Documentation/accounting/psi.rst.

import os
import re
from dataclasses import dataclass
from pathlib import Path

from .cgroups.files import KernelFiles
from .cgroups.hierarchies import Hierarchies, Hierarchy, find_hierarchies
from .topology import Topology, look_at_topology

_KILL_SINCE = (5, 14)  # cgroup.kill


@dataclass(frozen=True, slots=True)
class Machine:
    """``hierarchies`` are those that can be written; ``kernel`` is its version, as (6, 1)."""

    hierarchies: Hierarchies
    is_root: bool
    kernel: tuple[int, int]
    namespaces: frozenset[str]  # as in /proc/self/ns, such as "pid"
    filesystems: frozenset[str]
    has_pressure: bool
    topology: Topology

    @property
    def cgroups(self) -> str:
        """Which control groups there are: v1, v2, hybrid (both), or none."""
        versions = {each.version for each in self.hierarchies.by_controller.values()}
        if 1 in versions:
            return "hybrid" if self.hierarchies.unified is not None else "v1"
        return "v2" if self.hierarchies.unified is not None else "none"

    @property
    def can_kill_groups(self) -> bool:
        """Whether a group is killed as one by cgroup.kill."""
        return self.hierarchies.unified is not None and self.kernel >= _KILL_SINCE


def look_at_machine(proc: str = "/proc") -> Machine:
    """What there is; ``proc`` is where its /proc is mounted. Raises: OSError, if it is not."""
    found = find_hierarchies(Path(proc, "self/mountinfo").read_text(), KernelFiles().read)
    usable = {name: each for name, each in found.by_controller.items() if _is_usable(each)}
    unified = found.unified if found.unified is not None and _is_usable(found.unified) else None
    version = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return Machine(
        hierarchies=Hierarchies(usable, unified),
        is_root=os.geteuid() == 0,
        kernel=(int(version[1]), int(version[2])) if version else (0, 0),
        namespaces=frozenset(os.listdir(f"{proc}/self/ns")),
        filesystems=frozenset(Path(proc, "filesystems").read_text().split()),
        has_pressure=os.path.exists(f"{proc}/pressure/cpu"),
        topology=look_at_topology(),
    )


def _is_usable(hierarchy: Hierarchy) -> bool:
    return not hierarchy.is_read_only and os.access(hierarchy.path, os.W_OK)
