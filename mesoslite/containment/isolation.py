"""Isolation: which isolators there are, what each of them needs, and in which order they go."""

# Who calls: a composition root, when an agent starts.
# Invariant: the order is that of ISOLATION, whatever the order in which they were asked for; controllers of cgroups are
#   one isolator, where the first of them stands.
# Source: Mesos src/slave/containerizer/mesos/containerizer.cpp (MesosContainerizer::create), flags.cpp.

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mesoslite.model import Attribute, AttributeItems, InvalidRequest

from .cgroups.hierarchies import Hierarchy
from .cgroups.tree import Tree
from .cgroups.watch import Watch
from .isolators.capabilities import Capabilities
from .isolators.cgroups.controller import Controller
from .isolators.cgroups.cpu import CpuOptions, CpuV1, CpuV2
from .isolators.cgroups.cpuset import CpusetV1, CpusetV2
from .isolators.cgroups.freezer import Freezer, FreezerV1
from .isolators.cgroups.io import BlkioV1, IoV2
from .isolators.cgroups.isolator import CgroupsIsolator
from .isolators.cgroups.memory import MemoryV1, MemoryV2
from .isolators.cgroups.pids import PIDS_MAX, Pids
from .isolators.cgroups.pressure import Pressure
from .isolators.disk import INTERVAL_SECONDS, DiskUsage
from .isolators.filesystem import FilesystemLinux
from .isolators.isolator import Isolator
from .isolators.namespaces import IpcNamespace, NetNamespace, PidNamespace, UtsNamespace
from .isolators.nnp import NoNewPrivileges
from .isolators.process_usage import ProcessUsage
from .isolators.rlimits import Rlimits
from .machine import Machine

CGROUPS = (
    "cgroups/cpu",
    "cgroups/mem",
    "cgroups/cpuset",
    "cgroups/pids",
    "cgroups/blkio",
    "cgroups/freezer",
    "cgroups/pressure",
)
ISOLATION = (
    "posix/cpu",
    "posix/mem",
    *CGROUPS,
    "disk/du",
    "filesystem/linux",  # before the namespaces, which mount in what it has made
    "namespaces/pid",
    "namespaces/ipc",
    "namespaces/uts",
    "namespaces/net",
    "posix/rlimits",
    "linux/capabilities",
    "linux/nnp",
)
ALL_CGROUPS = "cgroups/all"
DEFAULT = ("posix/cpu", "posix/mem")
_MADE_BY_ROOT = ("filesystem/", "namespaces/", "linux/capabilities")
_MOUNTS_SINCE = (5, 6)  # openat2(2), by which volumes are mounted
_KERNEL_NAMES: dict[str, dict[int, tuple[str, ...]]] = {  # of controllers: by version
    "cgroups/cpu": {1: ("cpu", "cpuacct"), 2: ("cpu",)},
    "cgroups/mem": {1: ("memory",), 2: ("memory",)},
    "cgroups/cpuset": {1: ("cpuset",), 2: ("cpuset",)},
    "cgroups/pids": {1: ("pids",), 2: ("pids",)},
    "cgroups/blkio": {1: ("blkio",), 2: ("io",)},
}


@dataclass(frozen=True, slots=True)
class IsolationOptions:
    """How isolators do their work: as the flags of those names; ``pids_max`` 0 is no bound."""

    cgroups_root: str = "mesos"
    cpu: CpuOptions = field(default_factory=CpuOptions)
    limits_swap: bool = False
    pids_max: int = PIDS_MAX
    disk_watch_seconds: float = INTERVAL_SECONDS
    enforces_disk_quota: bool = False
    images: Path | None = None
    effective_capabilities: frozenset[int] | None = None
    bounding_capabilities: frozenset[int] | None = None


def parse_isolation(text: str, machine: Machine) -> tuple[str, ...]:
    """The names in ``text``, parted by commas, in the order of ISOLATION; "cgroups/all" is all that ``machine`` has.

    Raises: InvalidRequest for none, an unknown name, one twice, and what the machine has not, or gives to root only.
    """
    asked = [name.strip() for name in text.split(",") if name.strip()]
    if not asked:
        raise InvalidRequest("--isolation: is empty; name isolators, or leave it out")
    for name in asked:
        if name not in ISOLATION and name != ALL_CGROUPS:
            raise InvalidRequest(
                f"--isolation: got {name[:80]!r}, expected some of {', '.join((*ISOLATION, ALL_CGROUPS))}"
            )
        if asked.count(name) > 1:
            raise InvalidRequest(f"--isolation: has {name} twice; leave one out")
    wanted = set(asked)
    if ALL_CGROUPS in wanted:
        there = {name for name in CGROUPS if _cgroups_problem(name, machine) is None}
        if not there:
            raise InvalidRequest(f"--isolation: {_cgroups_problem('cgroups/cpu', machine)}")
        wanted |= there
    names = tuple(name for name in ISOLATION if name in wanted)
    for name in names:
        problem = _problem(name, names, machine)
        if problem is not None:
            raise InvalidRequest(f"--isolation: {problem}")
    return names


def make_isolators(
    names: Sequence[str], machine: Machine, runtime_directory: str, options: IsolationOptions
) -> list[Isolator]:
    """The isolators of ``names``, as ``parse_isolation`` gives them. Raises: CgroupError, InvalidRequest."""
    filesystem = FilesystemLinux(Path(runtime_directory, "roots"), options.images)
    makers: dict[str, Callable[[], Isolator]] = {
        "disk/du": lambda: DiskUsage(
            options.disk_watch_seconds, changes=filesystem.changes, enforces=options.enforces_disk_quota
        ),
        "filesystem/linux": lambda: filesystem,
        "namespaces/pid": lambda: PidNamespace(filesystem),
        "namespaces/ipc": lambda: IpcNamespace(filesystem),
        "namespaces/uts": UtsNamespace,
        "namespaces/net": NetNamespace,
        "posix/rlimits": Rlimits,
        "linux/capabilities": lambda: Capabilities(options.effective_capabilities, options.bounding_capabilities),
        "linux/nnp": NoNewPrivileges,
    }
    isolators: list[Isolator] = []
    if set(DEFAULT) & set(names):
        isolators.append(ProcessUsage())
    if set(CGROUPS) & set(names):
        isolators.append(CgroupsIsolator(_controllers([name for name in names if name in CGROUPS], machine, options)))
    return isolators + [makers[name]() for name in names if name in makers]


def _controllers(names: Sequence[str], machine: Machine, options: IsolationOptions) -> list[Controller]:
    trees: dict[str, Tree] = {}

    def tree(hierarchy: Hierarchy) -> Tree:
        return trees.setdefault(hierarchy.path, Tree(hierarchy, options.cgroups_root))

    watch = Watch()
    makers: dict[tuple[str, int], Callable[[list[Tree]], Controller]] = {
        ("cgroups/cpu", 1): lambda trees: CpuV1(trees, options.cpu),
        ("cgroups/cpu", 2): lambda trees: CpuV2(trees, options.cpu),
        ("cgroups/mem", 1): lambda trees: MemoryV1(trees, watch, limits_swap=options.limits_swap),
        ("cgroups/mem", 2): lambda trees: MemoryV2(trees, watch),
        ("cgroups/cpuset", 1): CpusetV1,
        ("cgroups/cpuset", 2): CpusetV2,
        ("cgroups/pids", 1): lambda trees: Pids(trees, options.pids_max),
        ("cgroups/pids", 2): lambda trees: Pids(trees, options.pids_max),
        ("cgroups/blkio", 1): BlkioV1,
        ("cgroups/blkio", 2): IoV2,
        ("cgroups/freezer", 1): FreezerV1,
        ("cgroups/freezer", 2): Freezer,
        ("cgroups/pressure", 2): Pressure,
    }
    made = []
    for name in names:
        found = _hierarchies_of(name, machine)
        made.append(makers[name, found[0].version]([tree(each) for each in found]))
    return made


def _hierarchies_of(name: str, machine: Machine) -> list[Hierarchy]:
    """Where groups of a controller are; none, if this machine cannot have them."""
    by_controller, unified = machine.hierarchies.by_controller, machine.hierarchies.unified
    if name == "cgroups/pressure":
        return [unified] if unified is not None and machine.has_pressure else []
    if name == "cgroups/freezer":
        found = unified if machine.can_kill_groups else by_controller.get("freezer")
        return [found] if found is not None else []
    for version, controllers in _KERNEL_NAMES[name].items():
        found_all = [by_controller[each] for each in controllers if each in by_controller]
        if len(found_all) == len(controllers) and all(each.version == version for each in found_all):
            return found_all
    return []


def _problem(name: str, names: Sequence[str], machine: Machine) -> str | None:
    """Why an isolator cannot be had here, beside the others."""
    if name in CGROUPS:
        return _cgroups_problem(name, machine)
    if name.startswith(_MADE_BY_ROOT) and not machine.is_root:
        return f"{name} needs the rights of root, which this agent has not; run it as root, or leave {name} out"
    if name == "filesystem/linux" and machine.kernel < _MOUNTS_SINCE:
        return f"{name} needs Linux {'.'.join(map(str, _MOUNTS_SINCE))} or later; leave {name} out"
    if name.startswith("namespaces/"):
        kind = name.removeprefix("namespaces/")
        if kind not in machine.namespaces:
            return f"{name}: this kernel has the namespaces {', '.join(sorted(machine.namespaces))} only; leave it out"
        if kind in ("pid", "ipc") and "filesystem/linux" not in names:
            return f"{name} needs filesystem/linux, to mount what belongs to it; name that as well"
    return None


def _cgroups_problem(name: str, machine: Machine) -> str | None:
    if _hierarchies_of(name, machine):
        return None
    there = ", ".join(sorted(machine.hierarchies.by_controller)) or "none"
    unified = "one" if machine.hierarchies.unified is not None else "none"
    return (
        f"{name}: this machine has no control groups for it that this agent may write; the controllers that there are: "
        f"{there}; trees of version 2: {unified}; mount them, run the agent as root, or leave {name} out"
    )


def isolation_attributes(names: Sequence[str], machine: Machine) -> tuple[Attribute, ...]:
    """What an agent says of itself, so that frameworks can choose by it: how containers are kept apart, and on what."""
    topology = machine.topology
    return (
        Attribute("cgroups", machine.cgroups),
        Attribute("isolation", AttributeItems(tuple(sorted(names)))),
        Attribute("sockets", float(topology.sockets)),
        Attribute("numa_nodes", float(topology.nodes)),
        Attribute("cores", float(topology.cores)),
        Attribute("threads", float(topology.threads)),
    )
