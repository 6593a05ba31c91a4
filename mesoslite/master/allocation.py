"""Allocator: the actor around the allocation policy: when to plan, and when a filter's time is up."""

# Who calls: the master sends it Applied and Recovered, in the order things happened, and gets Granted back.
# A run follows at once when an agent or a framework has come (events that wait together share one run), and every
#   `interval` seconds for what was given back meanwhile, as in Mesos: a run for every finished task would offer one
#   crumb at a time to whoever happens to be next.
# The policy is handed in by the composition root: it is pure, and siblings do not import each other.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (batch, allocate, recoverResources).

from __future__ import annotations

import itertools
from typing import Any

import msgspec

import libactor as la
from mesoslite.model import (
    AgentAdded,
    AgentID,
    AllocationPolicy,
    Delta,
    FilterExpired,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkID,
    Grant,
    Resources,
    ResourcesRecovered,
    Revived,
    constants,
)

PROMPT = (AgentAdded, FrameworkAdded, FrameworkActivated, Revived)  # deltas that are worth a run at once


class Applied(msgspec.Struct, frozen=True, gc=False):
    """Something has happened in the cluster."""

    delta: Delta


class Recovered(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A framework has given resources back, and wants none of the like for that long; 0.0 seconds filters nothing."""

    framework_id: FrameworkID
    role: str
    agent_id: AgentID
    resources: Resources
    refuse_seconds: float = 0.0


class Granted(msgspec.Struct, frozen=True, gc=False):
    """What the master is to offer; it counts as allocated already."""

    grants: tuple[Grant, ...]


class Allocator(la.Actor):
    """Keeps time for a policy and passes its grants to ``master``; ``interval`` in seconds between periodic runs."""

    def __init__(self, policy: AllocationPolicy, interval: float = constants.ALLOCATION_INTERVAL_SECONDS) -> None:
        super().__init__(la.generate_id("hierarchical-allocator"))
        self._policy = policy
        self._interval = interval
        self._master: la.PID[Any] | None = None
        self._random = la.random_stream()
        self._filter_ids = itertools.count(1)
        self._run_queued = False
        self._timers: dict[int, la.Timer] = {}  # of the filters that stand, by number

    def attach(self, master: la.PID[Any]) -> None:
        """Send grants to ``master`` from now on, and begin the periodic runs."""
        self._master = master
        la.link(master)
        self._run_periodically()

    @la.handles(Applied)
    def applied(self, message: Applied) -> None:
        """Tell the policy, and plan soon if somebody has come."""
        for filter_id in self._policy.apply(message.delta):
            self._timers.pop(filter_id).cancel()
        if isinstance(message.delta, PROMPT):
            self._queue_run()

    @la.handles(Recovered)
    def recovered(self, message: Recovered) -> None:
        """Tell the policy, and set the timer of the filter if there is to be one."""
        filter_id = next(self._filter_ids) if message.refuse_seconds else None
        self._policy.apply(
            ResourcesRecovered(
                framework_id=message.framework_id,
                role=message.role,
                agent_id=message.agent_id,
                resources=message.resources,
                filter_id=filter_id,
            )
        )
        if filter_id is not None:
            seconds = max(message.refuse_seconds, self._interval)
            self._timers[filter_id] = la.delay(seconds, self.pid, Allocator.filter_expired, filter_id)

    def filter_expired(self, filter_id: int) -> None:
        """Tell the policy; the next periodic run makes use of it."""
        self._timers.pop(filter_id, None)  # a revival may have overtaken it
        self._policy.apply(FilterExpired(filter_id))

    def run(self) -> None:
        """Plan, and pass on what was granted."""
        self._run_queued = False
        cycle = self._policy.begin(self._random)
        while not cycle.advance(1 << 30):
            pass
        plan = cycle.plan
        if plan is not None and plan.grants and self._master is not None:
            la.post(self._master, Granted(plan.grants))

    def dominant_share(self, framework_id: FrameworkID) -> float:
        """The largest share of the cluster a framework is using or being offered, by the policy's books."""
        return self._policy.dominant_share(framework_id)

    def available(self, agent_id: AgentID) -> Resources:
        """What is free on an agent by the policy's books; raises NotFound for an unknown one."""
        return self._policy.available(agent_id)

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        """Without its master there is nothing to do."""
        la.terminate(self.pid)

    def _run_periodically(self) -> None:
        self.run()
        la.delay(self._interval, self.pid, Allocator._run_periodically)

    def _queue_run(self) -> None:
        if not self._run_queued:
            self._run_queued = True
            la.tell(self.pid, Allocator.run)
