"""A tree of control groups of version 2 in memory, with the files, defaults and refusals of the kernel."""

# This machine's controllers for processors and memory are in hierarchies of version 1, so their files of version 2 are
# written from Linux Documentation/admin-guide/cgroup-v2.rst, and kernel/cgroup/cgroup.c, mm/memcontrol.c and
# kernel/sched/core.c for what is refused, and with what. Of what this machine has in version 2 (cgroup.*, *.pressure)
# tests use the kernel's own.

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field

PAGE = 4096
CORE = {
    "cgroup.controllers": "",
    "cgroup.subtree_control": "",
    "cgroup.procs": "",
    "cgroup.threads": "",
    "cgroup.events": "populated 0\nfrozen 0\n",
    "cgroup.freeze": "0\n",
    "cpu.stat": "usage_usec 0\nuser_usec 0\nsystem_usec 0\nnice_usec 0\ncore_sched.force_idle_usec 0\n",
}
CPU_STAT = "nr_periods 0\nnr_throttled 0\nthrottled_usec 0\nnr_bursts 0\nburst_usec 0\n"
MEMORY_STAT = "anon 0\nfile 0\nkernel 0\nsock 0\nshmem 0\nfile_mapped 0\nswapcached 0\nunevictable 0\n"
EVENTS = "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n"
FILES = {
    "cpu": {
        "cpu.weight": "100\n",
        "cpu.max": "max 100000\n",
        "cpu.max.burst": "0\n",
        "cpu.idle": "0\n",
        "cpu.stat": CORE["cpu.stat"] + CPU_STAT,
    },
    "memory": {
        "memory.current": "0\n",
        "memory.peak": "0\n",
        "memory.low": "0\n",
        "memory.high": "max\n",
        "memory.max": "max\n",
        "memory.oom.group": "0\n",
        "memory.events": EVENTS,
        "memory.stat": MEMORY_STAT,
    },
    "pids": {"pids.max": "max\n", "pids.current": "0\n"},
    "io": {"io.stat": ""},
}
READ_ONLY = ("cgroup.controllers", "cgroup.events", "cpu.stat", "io.stat", "pids.current")
READ_ONLY += ("memory.current", "memory.events", "memory.stat")


@dataclass
class Group:
    """One directory."""

    files: dict[str, str] = field(default_factory=dict)
    below: dict[str, "Group"] = field(default_factory=dict)

    @property
    def pids(self) -> list[str]:
        return self.files["cgroup.procs"].split()

    def enabled(self) -> set[str]:
        return set(self.files["cgroup.subtree_control"].split())


def refused(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)


class FakeCgroups:
    """See Files: a tree mounted at ``mount``, of a kernel with ``controllers``."""

    def __init__(self, mount: str, controllers: str) -> None:
        self._mount = mount
        self._root = Group(dict(CORE))
        self._root.files["cgroup.controllers"] = controllers

    def group(self, path: str) -> Group:
        assert path.startswith(self._mount), path
        group = self._root
        for name in filter(None, path.removeprefix(self._mount).split("/")):
            if name not in group.below:
                raise refused(errno.ENOENT, path)
            group = group.below[name]
        return group

    def make(self, path: str) -> None:
        above, _, name = path.rpartition("/")
        group = self.group(above)
        if name in group.below:
            raise refused(errno.EEXIST, path)
        made = group.below[name] = Group(dict(CORE))
        self._offer(made, group.enabled())

    def remove(self, path: str) -> None:
        group = self.group(path)
        if group.pids or group.below:
            raise refused(errno.EBUSY, path)
        above, _, name = path.rpartition("/")
        del self.group(above).below[name]

    def read(self, path: str) -> bytes:
        group, name = self._file(path)
        return group.files[name].encode()

    def write(self, path: str, value: str) -> None:
        group, name = self._file(path)
        if name in READ_ONLY:
            raise refused(errno.EINVAL, path)
        if name == "cgroup.subtree_control":
            self._enable(group, value, path)
        elif name == "cgroup.procs":
            group.files[name] += f"{value}\n"
        else:
            check = CHECKS.get(name)
            group.files[name] = check(value, group) + "\n" if check else value + "\n"

    def groups(self, path: str) -> list[str]:
        return list(self.group(path).below)

    def claim(self, path: str) -> int:
        self.group(path)
        return os.open(os.devnull, os.O_RDONLY)

    def _file(self, path: str) -> tuple[Group, str]:
        above, _, name = path.rpartition("/")
        group = self.group(above)
        if name not in group.files:
            raise refused(errno.ENOENT, path)
        return group, name

    def _enable(self, group: Group, value: str, path: str) -> None:
        names = [word[1:] for word in value.split() if word[0] == "+"]
        if not set(names) <= set(group.files["cgroup.controllers"].split()):
            raise refused(errno.ENOENT, path)
        if group is not self._root and group.pids:
            raise refused(errno.EBUSY, path)  # no processes in inner groups
        group.files["cgroup.subtree_control"] = " ".join(sorted(group.enabled() | set(names)))
        for below in group.below.values():
            self._offer(below, set(names))

    def _offer(self, group: Group, names: set[str]) -> None:
        have = set(group.files["cgroup.controllers"].split()) | names
        group.files["cgroup.controllers"] = " ".join(sorted(have))
        for name in names:
            for file, value in FILES[name].items():
                group.files[file] = value


def _number(value: str, path: str = "") -> int:
    try:
        return int(value)
    except ValueError:
        raise refused(errno.EINVAL, path) from None


def _bytes(value: str, group: Group) -> str:
    return "max" if value == "max" else str(_number(value) // PAGE * PAGE)


def _weight(value: str, group: Group) -> str:
    if not 1 <= _number(value) <= 10_000:
        raise refused(errno.ERANGE, "cpu.weight")
    return value


def _cpu_max(value: str, group: Group) -> str:
    quota, _, period = value.partition(" ")
    length = _number(period or group.files["cpu.max"].split()[1])
    burst = int(group.files["cpu.max.burst"])
    if not 1_000 <= length <= 1_000_000 or (quota != "max" and not max(1_000, burst) <= _number(quota)):
        raise refused(errno.EINVAL, "cpu.max")
    return f"{quota} {length}"


def _burst(value: str, group: Group) -> str:
    quota = group.files["cpu.max"].split()[0]
    if quota != "max" and _number(value) > int(quota):
        raise refused(errno.EINVAL, "cpu.max.burst")
    return value


def _pids(value: str, group: Group) -> str:
    if value != "max" and not 0 <= _number(value) <= 1 << 22:
        raise refused(errno.EINVAL, "pids.max")
    return value


def _flag(value: str, group: Group) -> str:
    if value not in ("0", "1"):
        raise refused(errno.EINVAL, "")
    return value


CHECKS: dict[str, Callable[[str, Group], str]] = {
    "cpu.weight": _weight,
    "cpu.max": _cpu_max,
    "cpu.max.burst": _burst,
    "memory.low": _bytes,
    "memory.high": _bytes,
    "memory.max": _bytes,
    "memory.oom.group": _flag,
    "pids.max": _pids,
}
