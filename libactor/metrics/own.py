"""The numbers of a runtime itself, looked up when somebody asks for them."""

# Who calls: the registry, once for each snapshot.
# Nothing here is counted for the sake of metrics, so that they cost nothing while nobody looks. One walk through the
#   table of actors tells of all mailboxes: about 50 ns each.

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from libactor.runtime import Runtime

OWN = (
    "libactor/actors",
    "libactor/dead_letters",
    "libactor/mailbox/depth_max",
    "libactor/mailbox/depth_total",
    "libactor/pools/queued",
    "libactor/pools/running",
    "libactor/run_queue/depth",
    "libactor/timers_pending",
    "libactor/workers/blocked",
    "libactor/workers/threads",
)


def measure(runtime: Runtime) -> dict[str, float]:
    """What ``runtime`` says of itself: all of OWN."""
    processes = list(runtime._processes.values())  # made in one step
    depths = [len(process) for process in processes]
    pools = list(runtime.pools)
    numbers = (
        len(processes),
        runtime.dead_letters,
        max(depths, default=0),
        sum(depths),
        sum(pool.queued for pool in pools),
        sum(pool.running for pool in pools),
        len(runtime.queue),
        runtime.clock.pending,
        runtime.workers.blocked,
        len(runtime.workers),
    )
    return dict(zip(OWN, map(float, numbers), strict=True))
