"""Topology: how the processors of a machine are laid out: its sockets, NUMA nodes, cores, and the threads of cores."""

# Who calls: machine.py, once when an agent starts.
# Processors that are switched off do not count. What a kernel does not tell is one of each: one node, one socket, and a
#   core for each processor, which is how machines are that have no such files.
# Source: Linux Documentation/admin-guide/cputopology.rst, Documentation/ABI/stable/sysfs-devices-node.

from dataclasses import dataclass
from pathlib import Path

SYSTEM = "/sys/devices/system"


@dataclass(frozen=True, slots=True)
class Topology:
    """How many there are of each; ``threads`` are the processors that programs run on."""

    sockets: int
    nodes: int
    cores: int
    threads: int


def look_at_topology(system: str = SYSTEM) -> Topology:
    """That of this machine; ``system`` is where the kernel tells of it."""
    there = Path(system)
    processors = _numbers(_read(there / "cpu/online"))
    sockets, cores = set(), set()
    for number in processors:
        of_one = there / f"cpu/cpu{number}/topology"
        sockets.add(_read(of_one / "physical_package_id"))
        cores.add(_read(of_one / "core_cpus_list") or _read(of_one / "thread_siblings_list") or f"{number}")
    nodes = [
        number
        for number in _numbers(_read(there / "node/online"))
        if _numbers(_read(there / f"node/node{number}/cpulist"))
    ]
    return Topology(max(len(sockets), 1), max(len(nodes), 1), max(len(cores), 1), max(len(processors), 1))


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _numbers(text: str) -> list[int]:
    """The numbers in a list such as 0-3,8."""
    found: list[int] = []
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return found
