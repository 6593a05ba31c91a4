"""The numbers of a runtime itself, looked up when somebody asks for them."""

# Who calls: the registry, once for each snapshot.
# What is counted is counted anyhow, or in a step that is taken once for each actor, so that metrics cost nothing while
#   nobody looks. One walk through the table of actors tells of all mailboxes: about 50 ns each.

from __future__ import annotations

from typing import TYPE_CHECKING

from libactor._core._impl import fragments_counts, records_free

if TYPE_CHECKING:
    from libactor.runtime import Runtime
    from libactor.transport.node import Node

OWN = (
    "libactor/actors",
    "libactor/actors_spawned",
    "libactor/actors_stopped",
    "libactor/dead_letters",
    "libactor/mailbox/depth_max",
    "libactor/mailbox/depth_total",
    "libactor/mailbox/overflows",
    "libactor/pools/queued",
    "libactor/pools/running",
    "libactor/records/chunks_waiting",
    "libactor/records/fragment_bytes",
    "libactor/records/fragment_evictions",
    "libactor/records/fragment_hits",
    "libactor/records/fragment_misses",
    "libactor/remote/buffer_overflows",
    "libactor/remote/bytes_received",
    "libactor/remote/bytes_sent",
    "libactor/remote/connections",
    "libactor/remote/connections_failed",
    "libactor/remote/connections_opened",
    "libactor/remote/disconnects",
    "libactor/remote/frames_received",
    "libactor/remote/frames_sent",
    "libactor/remote/handshakes_refused",
    "libactor/restarts",
    "libactor/run_queue/depth",
    "libactor/timers_pending",
    "libactor/workers/blocked",
    "libactor/workers/busy",
    "libactor/workers/helped",
    "libactor/workers/threads",
)
COUNTS = frozenset(  # of these the ones that only rise
    (
        "libactor/actors_spawned",
        "libactor/actors_stopped",
        "libactor/dead_letters",
        "libactor/mailbox/overflows",
        "libactor/records/fragment_evictions",
        "libactor/records/fragment_hits",
        "libactor/records/fragment_misses",
        "libactor/remote/buffer_overflows",
        "libactor/remote/bytes_received",
        "libactor/remote/bytes_sent",
        "libactor/remote/connections_failed",
        "libactor/remote/connections_opened",
        "libactor/remote/disconnects",
        "libactor/remote/frames_received",
        "libactor/remote/frames_sent",
        "libactor/remote/handshakes_refused",
        "libactor/restarts",
        "libactor/workers/helped",
    )
)


def measure(runtime: Runtime) -> dict[str, float]:
    """What ``runtime`` says of itself: all of OWN."""
    spawned, processes = runtime.spawned, list(runtime._processes.values())  # each made in one step
    depths = [len(process) for process in processes]
    pools, queue, workers = runtime.pools, runtime.queue, runtime.workers
    queued, running = sum(pool.queued for pool in pools), sum(pool.running for pool in pools)
    numbers = (
        len(processes),
        spawned,
        max(spawned - len(processes), 0),  # one may have come between
        runtime.dead_letters,
        max(depths, default=0),
        sum(depths),
        runtime.overflows,
        queued,
        running,
        *_measure_records(),
        *_measure_node(runtime._node),
        runtime.restarts,
        len(queue),
        runtime.clock.pending,
        workers.blocked,
        max(queue.busy - queued - running, 0),  # work in pools counts as busy too
        queue.helped,
        workers.threads,
    )
    return dict(zip(OWN, map(float, numbers), strict=True))


def _measure_records() -> tuple[int, ...]:
    """What the records of the process say: runtimes share what is kept of them."""
    hits, misses, evictions, kept = fragments_counts()
    return records_free(0), kept, evictions, hits, misses


def _measure_node(node: Node | None) -> tuple[int, ...]:
    """What the transport of a runtime says, if it has one."""
    if node is None:
        return (0,) * 10
    return (
        node.overflows,
        node.bytes_received,
        node.bytes_sent,
        sum(connection.open for connection in node.connections),
        node.failed,
        node.opened,
        node.disconnects,
        node.frames_received,
        node.frames_sent,
        node.refused,
    )
