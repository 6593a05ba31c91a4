"""ContainerUsage: what a container has taken of its machine."""

# Who calls: containment/ measures it; api/ tells it.
# Source: Mesos include/mesos/v1/mesos.proto (ResourceStatistics).

import msgspec


class ContainerUsage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the processes of a container have used, and are using.

    ``user_seconds`` and ``system_seconds`` are of processors, ended children that were waited for included.
    ``rss_bytes`` is the memory that they have resident; what several share counts for each.
    """

    processes: int
    threads: int
    user_seconds: float
    system_seconds: float
    rss_bytes: int
