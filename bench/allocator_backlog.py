"""Backlog: everybody revives at once, and the allocator's actor plans for all of them, not once for each."""

# Who calls: bench/allocator.py. Source: Mesos's AllocatorBacklog (hierarchical_allocator_tests.cpp).
# Here the actor is measured as well: its mailbox, and how many runs it makes of what waits there. The clock stands
#   still, so no periodic run comes between; time is the processor's, of all threads.

from __future__ import annotations

import libactor as la
from bench.allocator_clusters import LARGE_AGENT, agents, timed
from bench.benchmarks import expect
from mesoslite.allocator import HierarchicalAllocator
from mesoslite.master.allocation import Allocator
from mesoslite.master.allocator_messages import Applied, Granted, Recovered
from mesoslite.model import FrameworkAdded, FrameworkID, Grant, Revived


class Master(la.Actor):
    """Keeps what it is granted."""

    def __init__(self) -> None:
        super().__init__("master")
        self.granted: list[Grant] = []

    @la.handles(Granted)
    def take(self, message: Granted) -> None:
        self.granted += message.grants


def revive_everybody(count: int, frameworks: int) -> float:
    """All agents were handed back, with filters for a day; each framework revives: seconds until that is planned."""
    with la.Runtime() as runtime:
        runtime.clock.pause()
        master = Master()
        master_pid = runtime.spawn(master)
        allocator = runtime.spawn(Allocator(HierarchicalAllocator()))
        la.dispatch(allocator, Allocator.attach, master_pid).get()
        ids = [FrameworkID(f"framework-{number}") for number in range(frameworks)]
        for framework_id in ids:
            la.post(allocator, Applied(FrameworkAdded(framework_id=framework_id, roles=("*",))), sender=master_pid)
        for agent in agents(count, LARGE_AGENT, None, frameworks):
            la.post(allocator, Applied(agent), sender=master_pid)
        runtime.clock.settle()
        expect(len(master.granted), count, "grants before the backlog")
        for grant in master.granted:
            la.post(
                allocator,
                Recovered(
                    framework_id=grant.framework_id,
                    role=grant.role,
                    agent_id=grant.agent_id,
                    resources=grant.resources,
                    refuse_seconds=86_400.0,
                    declined=True,
                ),
                sender=master_pid,
            )
        runtime.clock.settle()
        master.granted.clear()

        def revive() -> None:
            for framework_id in ids:
                la.post(allocator, Applied(Revived(framework_id)), sender=master_pid)
            runtime.clock.settle()

        seconds = timed(revive)
        expect(len(master.granted), count, "grants after everybody revived")
        return seconds
