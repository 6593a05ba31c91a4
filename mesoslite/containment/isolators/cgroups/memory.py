"""cgroups/mem: memory. What a container asked for is kept for it when memory is short; beyond its limit it is ended."""

# The limit is that of its task, else what it asked for. Once set it is only ever raised, so that a smaller request
#   later does not end what runs well; a smaller one counts when memory is short.
# When the kernel has no more memory for a container within its limit it kills a process of it, and says so: by an
#   eventfd in version 1, by a changed file in version 2. The whole container is ended then, as in Mesos.
# Source: Mesos src/slave/containerizer/mesos/isolators/cgroups/subsystems/memory.cpp,
#   isolators/cgroups2/controllers/memory.cpp; Linux Documentation/admin-guide/cgroup-v1/memory.rst.

import math
import threading
from collections.abc import Sequence
from typing import Any

from mesoslite.containment.cgroups.oom import Registration, watch_oom_v1, watch_oom_v2
from mesoslite.containment.cgroups.tree import CgroupError, Tree
from mesoslite.containment.cgroups.watch import Watch
from mesoslite.model import ContainerID, Reason, Resources

from ..isolator import Limitation
from .controller import Controller, Exceeded, Limits

MEBIBYTE = 1 << 20
BYTES_MIN = 32 * MEBIBYTE
UNLIMITED = 2**63 - 1

_COUNTED_V1 = (
    ("mem_total_bytes", "memory.usage_in_bytes"),
    ("mem_total_memsw_bytes", "memory.memsw.usage_in_bytes"),
    ("mem_kmem_usage_bytes", "memory.kmem.usage_in_bytes"),
    ("mem_kmem_tcp_usage_bytes", "memory.kmem.tcp.usage_in_bytes"),
)


class _Memory(Controller):
    name = "cgroups/mem"
    needs = ("memory",)

    def __init__(self, trees: Sequence[Tree], watch: Watch, *, limits_swap: bool = False) -> None:
        super().__init__(trees)
        self._watch = watch
        self._limits_swap = limits_swap
        self._lock = threading.Lock()
        self._limits: dict[ContainerID, int] = {}  # in bytes, as set
        self._registrations: dict[ContainerID, Registration] = {}
        self._exceeded: Exceeded = lambda container_id, limitation: None

    def watch(self, exceeded: Exceeded) -> None:
        """See Controller."""
        self._exceeded = exceeded

    def prepare(self, container_id: ContainerID) -> None:
        """Watch it from its beginning."""
        self._register(container_id)

    def recover(self, container_id: ContainerID) -> None:
        """Watch it again; its limit stands."""
        self._limits[container_id] = self._read_limit(container_id)
        self._register(container_id)
        self._look(container_id, self._kills(container_id) > 0)

    def update(self, container_id: ContainerID, resources: Resources, limits: Limits) -> None:
        """Set what is kept for it, and raise its limit."""
        wanted = resources.get("mem")
        if not wanted:
            return
        request = max(int(wanted * MEBIBYTE), BYTES_MIN)
        bound = dict(limits).get("mem", wanted)
        limit = max(int(bound * MEBIBYTE), BYTES_MIN) if math.isfinite(bound) else UNLIMITED
        self._keep(container_id, request)
        if limit > self._limits.get(container_id, 0):
            self._bound(container_id, limit)
            self._limits[container_id] = limit

    def limitation(self, container_id: ContainerID) -> Limitation | None:
        """That it had no more memory, if the kernel has killed any of it for that."""
        try:
            return self._exhausted(container_id) if self._kills(container_id) else None
        except OSError:
            return None  # the group has gone

    def _exhausted(self, container_id: ContainerID) -> Limitation:
        limit, used = self._limits.get(container_id, UNLIMITED), self._peak(container_id)
        statistics = self.trees[0].read(container_id, "memory.stat").decode()
        text = (
            f"Memory limit exceeded: Requested: {limit / MEBIBYTE:g}MB Maximum Used: {used / MEBIBYTE:g}MB\n\n"
            f"MEMORY STATISTICS: \n{statistics}"
        )
        used_mib = Resources.of(mem=round(used / MEBIBYTE, 3))
        return Limitation(Reason.REASON_CONTAINER_LIMITATION_MEMORY, text, used_mib)

    def forget(self, container_id: ContainerID) -> None:
        """Watch it no more."""
        self._limits.pop(container_id, None)
        with self._lock:
            registration = self._registrations.pop(container_id, None)
        if registration is not None:
            registration.close()

    def close(self) -> None:
        """Watch none any more."""
        with self._lock:
            registrations = list(self._registrations.values())
            self._registrations.clear()
        for registration in registrations:
            registration.close()
        self._watch.close()

    def _register(self, container_id: ContainerID) -> None:
        registration = self._registration(container_id)
        with self._lock:
            self._registrations[container_id] = registration

    def _look(self, container_id: ContainerID, is_exhausted: bool) -> None:
        if is_exhausted:
            try:
                exhausted = self._exhausted(container_id)
            except OSError:
                return  # the group has gone, which version 1 tells in the same way
            self._exceeded(container_id, exhausted)

    def _registration(self, container_id: ContainerID) -> Registration:
        raise NotImplementedError

    def _keep(self, container_id: ContainerID, request: int) -> None:
        raise NotImplementedError

    def _bound(self, container_id: ContainerID, limit: int) -> None:
        raise NotImplementedError

    def _read_limit(self, container_id: ContainerID) -> int:
        raise NotImplementedError

    def _kills(self, container_id: ContainerID) -> int:
        raise NotImplementedError

    def _peak(self, container_id: ContainerID) -> int:
        raise NotImplementedError


class MemoryV1(_Memory):
    """Of version 1."""

    def open(self) -> None:
        """Find out what this kernel counts apart."""
        self._counted = [(name, file) for name, file in _COUNTED_V1 if self.trees[0].has(file)]

    def _registration(self, container_id: ContainerID) -> Registration:
        # the kernel tells of it before it kills, so there is no kill to look for
        return watch_oom_v1(self._watch, self.trees[0], container_id, lambda: self._look(container_id, True))

    def _keep(self, container_id: ContainerID, request: int) -> None:
        self.trees[0].write(container_id, "memory.soft_limit_in_bytes", request)

    def _bound(self, container_id: ContainerID, limit: int) -> None:
        value = -1 if limit == UNLIMITED else limit
        if self._limits_swap:  # the limit with swap is never below the one without: it is raised first
            try:
                self.trees[0].write(container_id, "memory.memsw.limit_in_bytes", value)
            except CgroupError:
                self.trees[0].write(container_id, "memory.limit_in_bytes", value)
                self.trees[0].write(container_id, "memory.memsw.limit_in_bytes", value)
                return
        self.trees[0].write(container_id, "memory.limit_in_bytes", value)

    def _read_limit(self, container_id: ContainerID) -> int:
        return self.trees[0].read_number(container_id, "memory.limit_in_bytes")

    def _kills(self, container_id: ContainerID) -> int:
        return self.trees[0].read_fields(container_id, "memory.oom_control")[b"oom_kill"]

    def _peak(self, container_id: ContainerID) -> int:
        return self.trees[0].read_number(container_id, "memory.max_usage_in_bytes")

    def usage(self, container_id: ContainerID) -> dict[str, Any]:
        """Its memory by kind, with that of groups below it."""
        tree = self.trees[0]
        stat = tree.read_fields(container_id, "memory.stat")
        return {
            **{name: tree.read_number(container_id, file) for name, file in self._counted},
            "mem_file_bytes": stat[b"total_cache"],
            "mem_anon_bytes": stat[b"total_rss"],
            "mem_cache_bytes": stat[b"total_cache"],
            "mem_rss_bytes": stat[b"total_rss"],
            "mem_mapped_file_bytes": stat[b"total_mapped_file"],
            "mem_swap_bytes": stat.get(b"total_swap", 0),
            "mem_unevictable_bytes": stat[b"total_unevictable"],
            **_bounded(self._limits.get(container_id)),
        }


class MemoryV2(_Memory):
    """Of version 2. Swap is not limited, as in Mesos."""

    def prepare(self, container_id: ContainerID) -> None:
        """Have all of it killed with any of it, at once, and watch it."""
        self.trees[0].write(container_id, "memory.oom.group", 1)
        super().prepare(container_id)

    def open(self) -> None:
        """Find out whether this kernel remembers a peak."""
        self._peak_file = "memory.peak" if self.trees[0].has("memory.peak") else "memory.current"  # since Linux 5.19

    def _registration(self, container_id: ContainerID) -> Registration:
        look = lambda: self._look(container_id, self._kills(container_id) > 0)  # noqa: E731
        return watch_oom_v2(self._watch, self.trees[0], container_id, look)

    def _keep(self, container_id: ContainerID, request: int) -> None:
        self.trees[0].write(container_id, "memory.low", request)

    def _bound(self, container_id: ContainerID, limit: int) -> None:
        self.trees[0].write(container_id, "memory.max", "max" if limit == UNLIMITED else limit)

    def _read_limit(self, container_id: ContainerID) -> int:
        return self.trees[0].read_number(container_id, "memory.max")

    def _kills(self, container_id: ContainerID) -> int:
        return self.trees[0].read_fields(container_id, "memory.events")[b"oom_kill"]

    def _peak(self, container_id: ContainerID) -> int:
        return self.trees[0].read_number(container_id, self._peak_file)

    def usage(self, container_id: ContainerID) -> dict[str, Any]:
        """Its memory by kind, with that of groups below it."""
        tree = self.trees[0]
        stat = tree.read_fields(container_id, "memory.stat")
        return {
            "mem_total_bytes": tree.read_number(container_id, "memory.current"),
            "mem_kmem_usage_bytes": stat.get(b"kernel"),  # since Linux 5.18
            "mem_kmem_tcp_usage_bytes": stat[b"sock"],
            "mem_file_bytes": stat[b"file"],
            "mem_anon_bytes": stat[b"anon"],
            "mem_cache_bytes": stat[b"file"],
            "mem_rss_bytes": stat[b"anon"],
            "mem_mapped_file_bytes": stat[b"file_mapped"],
            "mem_swap_bytes": stat.get(b"swap"),
            "mem_unevictable_bytes": stat[b"unevictable"],
            **_bounded(self._limits.get(container_id)),
        }


def _bounded(limit: int | None) -> dict[str, Any]:
    return {} if limit is None or limit == UNLIMITED else {"mem_limit_bytes": limit}
