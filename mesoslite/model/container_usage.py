"""ContainerUsage: what a container has taken of its machine."""

# Who calls: containment/ measures it; api/ tells it, of a group of commands what they use together.
# Names are those of Mesos, so that whoever tells it says the fields as they are.
# Source: Mesos include/mesos/v1/mesos.proto (ResourceStatistics, CgroupInfo.Blkio).

from collections.abc import Sequence

import msgspec

from .documents import FrozenDocument


class ContainerUsage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the processes of a container have used, and are using; None: nobody measures that.

    ``cpus_..._time_secs`` are of processors, ended children that were waited for included; ``cpus_nr_periods`` counts
    those in which it ran under a quota, ``cpus_nr_throttled`` those that it was stopped in. ``mem_rss_bytes`` is memory
    that belongs to no file: what several processes share counts once, or, where no cgroup tells, for each.
    ``cpus_limit`` and ``mem_limit_bytes`` are limits that are enforced. ``blkio_statistics`` is as in Mesos;
    ``pressure`` is not in Mesos: by resource, then ``some`` and ``full``, the kernel's averages in percent (``avg10``,
    ``avg60``, ``avg300``), and ``total`` in microseconds.
    """

    processes: int | None = None
    threads: int | None = None
    cpus_user_time_secs: float | None = None
    cpus_system_time_secs: float | None = None
    cpus_limit: float | None = None
    cpus_nr_periods: int | None = None
    cpus_nr_throttled: int | None = None
    cpus_throttled_time_secs: float | None = None
    mem_total_bytes: int | None = None
    mem_total_memsw_bytes: int | None = None
    mem_kmem_usage_bytes: int | None = None
    mem_kmem_tcp_usage_bytes: int | None = None
    mem_limit_bytes: int | None = None
    mem_file_bytes: int | None = None
    mem_anon_bytes: int | None = None
    mem_cache_bytes: int | None = None
    mem_rss_bytes: int | None = None
    mem_mapped_file_bytes: int | None = None
    mem_swap_bytes: int | None = None
    mem_unevictable_bytes: int | None = None
    disk_limit_bytes: int | None = None
    disk_used_bytes: int | None = None
    blkio_statistics: FrozenDocument | None = None
    pressure: FrozenDocument | None = None


def total_usage(usages: Sequence[ContainerUsage]) -> ContainerUsage | None:
    """What containers use together, as far as each of them says so in a number; limits are not added. None for none."""
    if not usages:
        return None
    totals = {}
    for name in ContainerUsage.__struct_fields__:
        values = [getattr(usage, name) for usage in usages]
        if "limit" not in name and all(isinstance(value, (int, float)) for value in values):
            totals[name] = sum(values)
    return ContainerUsage(**totals)
