"""Hierarchies: which trees of control groups this machine has, and which controllers each of them has."""

# Who calls: detection.py, once when an agent starts; nothing looks at the mount table again (a scan of it for each
#   container made Mesos's agents slow on machines with many mounts, MESOS-8418).
# A controller is in one hierarchy at a time, of version 1 or 2, so machines may have some of each; a tree of version 2
#   without controllers still freezes, kills and tells of pressure.
# Source: cgroups(7), proc(5) on mountinfo; Mesos src/linux/cgroups.cpp (hierarchies), cgroups2.cpp.

import re
from collections.abc import Callable
from dataclasses import dataclass, field

_ESCAPED = re.compile(r"\\([0-7]{3})")  # how mountinfo writes blanks and backslashes
_OPTIONS = ("rw", "ro", "xattr", "clone_children", "noprefix", "nsdelegate", "memory_recursiveprot", "favordynmods")


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """One tree of control groups, mounted at ``path``."""

    version: int
    path: str
    controllers: frozenset[str]
    is_read_only: bool = False


@dataclass(frozen=True, slots=True)
class Hierarchies:
    """All of a machine; ``unified`` is that of version 2, if there is one."""

    by_controller: dict[str, Hierarchy] = field(default_factory=dict)
    unified: Hierarchy | None = None


def find_hierarchies(mountinfo: str, read: Callable[[str], bytes]) -> Hierarchies:
    """Return what ``mountinfo``, the text of /proc/self/mountinfo, has; the first mount of each counts.

    ``read`` returns what is in a file: a tree of version 2 says in one which controllers it has.
    """
    by_controller: dict[str, Hierarchy] = {}
    unified = None
    for line in mountinfo.splitlines():
        mounted, _, kind = line.partition(" - ")
        where, what = mounted.split(" "), kind.split(" ")
        if len(where) < 6 or len(what) < 3 or what[0] not in ("cgroup", "cgroup2"):
            continue
        path = _ESCAPED.sub(lambda match: chr(int(match[1], 8)), where[4])
        options = what[2].split(",")
        is_read_only = "ro" in where[5].split(",") or "ro" in options
        if what[0] == "cgroup2":
            if unified is not None:
                continue
            names = frozenset(read(f"{path}/cgroup.controllers").decode().split())
            hierarchy = unified = Hierarchy(2, path, names, is_read_only)
        else:
            names = frozenset([name for name in options if "=" not in name and name not in _OPTIONS])
            hierarchy = Hierarchy(1, path, names, is_read_only)
        for name in names:
            by_controller.setdefault(name, hierarchy)
    return Hierarchies(by_controller, unified)
