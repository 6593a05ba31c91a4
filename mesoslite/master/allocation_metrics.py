"""Metrics of the allocator, under Mesos's names: how its runs go, and what the policy knows of roles and resources."""

# Who calls: allocation.py, inside the allocator's actor.
# What the policy knows is read when somebody looks; roles have their gauges while a framework is in them, or they have
#   a quota. Of several allocators in one runtime, the first tells; another's runs are in no metric.
# Source: Mesos src/master/allocator/mesos/metrics.cpp.

from __future__ import annotations

import logging
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import libactor as la
from mesoslite.model import (
    AgentAdded,
    Delta,
    FrameworkAdded,
    FrameworkID,
    FrameworkRemoved,
    FrameworkUpdated,
    OfferUsed,
    QuotaChanged,
    ResourcesRecovered,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from libactor.metrics import Registry

log = logging.getLogger(__name__)

PREFIX = "allocator/mesos/"
RESOURCES = ("cpus", "mem", "disk")
WINDOW_SECONDS = 3600.0  # of the statistics of runs

FREQUENT = (ResourcesRecovered, OfferUsed, AgentAdded)  # of no role that is new; the others are looked at one by one


class AllocationMetrics:
    """What one allocator tells; ``read`` is its method that gives one of its policy's numbers, None if it has none."""

    def __init__(self, registry: Registry, allocator: la.PID[Any], read: Callable[[Any, str], float] | None) -> None:
        self._registry = registry
        self._allocator = allocator
        self._read = read
        self._dropped = la.metrics.Counter(PREFIX + "dropped_messages")
        self._runs = la.metrics.Counter(PREFIX + "allocation_runs")
        self._took = la.metrics.Timer(PREFIX + "allocation_run", window=WINDOW_SECONDS)
        self._waited = la.metrics.Timer(PREFIX + "allocation_run_latency", window=WINDOW_SECONDS)
        self._lap: Any = None
        self._waiting_lap: Any = None
        self._added: dict[str, Any] = {}  # by name, before it is encoded
        self._roles: dict[FrameworkID, tuple[str, ...]] = {}
        self._frameworks: Counter[str] = Counter()  # by role
        self._quotas: dict[str, tuple[str, ...]] = {}  # figures, by role

    def tell(self) -> None:
        """Let it be read from now on, in the place of what another allocator of the program tells."""
        for metric in (self._dropped, self._runs, self._took, self._waited):
            self._add(metric)
        for name in (PREFIX + "event_queue_dispatches", "allocator/event_queue_dispatches"):
            self._add(la.metrics.Gauge(name, self._messages_waiting))
        for resource in RESOURCES:
            self._add_figures(f"resources/{resource}/total", f"resources/{resource}/offered_or_allocated")

    def withdraw(self) -> None:
        """Tell nothing any more."""
        for metric in self._added.values():
            self._remove(metric)
        self._added.clear()

    def drop(self, message: object, sender: object) -> None:
        """Count a message that is not heeded, since it does not come from the master."""
        self._dropped.increment()
        log.warning("dropped %s from %s: it is not the master", type(message).__name__, sender)

    # ---- runs ----

    def run_wanted(self) -> None:
        """A run is wanted from now on."""
        self._waiting_lap = self._waited.start()

    def run_begins(self) -> None:
        """The run that was wanted begins."""
        self._waiting_lap.stop()
        self._lap = self._took.start()

    def run_ends(self) -> None:
        """It is through."""
        self._lap.stop()
        self._runs.increment()

    # ---- roles ----

    def follow(self, delta: Delta) -> None:
        """Have gauges for the roles that there are."""
        if type(delta) in FREQUENT:
            return
        match delta:
            case FrameworkAdded() | FrameworkUpdated():
                self._set_roles(delta.framework_id, delta.roles)
            case FrameworkRemoved():
                self._set_roles(delta.framework_id, ())
            case QuotaChanged():
                self._remove_figures(*self._quotas.pop(delta.role, ()))
                figures = _of_quota(delta)
                if figures:
                    self._quotas[delta.role] = figures
                    self._add_figures(*figures)

    def _set_roles(self, framework_id: FrameworkID, roles: tuple[str, ...]) -> None:
        before = self._roles.pop(framework_id, ())
        if roles:
            self._roles[framework_id] = roles
        for role in roles:
            self._frameworks[role] += 1
            if self._frameworks[role] == 1:
                self._add_figures(*_of_role(role))
        for role in before:
            self._frameworks[role] -= 1
            if not self._frameworks[role]:
                del self._frameworks[role]
                self._remove_figures(*_of_role(role))

    # ---- the registry ----

    def _messages_waiting(self) -> int:
        return sum([depth for pid, depth in self._registry.depths() if pid == self._allocator])

    def _add_figures(self, *names: str) -> None:
        for name in names:
            if self._read is None or PREFIX + name in self._added:
                continue
            try:
                gauge = la.metrics.Gauge(_told(name), la.defer(self._allocator, self._read, name))
            except ValueError as error:
                log.info("metric %s is not told: %s", name[:100], error)
            else:
                self._add(gauge, PREFIX + name)

    def _remove_figures(self, *names: str) -> None:
        for name in names:
            metric = self._added.pop(PREFIX + name, None)
            if metric is not None:
                self._remove(metric)

    def _add(self, metric: Any, name: str | None = None) -> None:
        try:
            self._registry.replace(metric)
        except ValueError as error:
            log.info("metric %s is not told: %s", metric.name, error)
        else:
            self._added[name or metric.name] = metric

    def _remove(self, metric: Any) -> None:
        with suppress(ValueError):  # another allocator of the program tells it
            self._registry.remove(metric)


def _of_role(role: str) -> tuple[str, ...]:
    return f"roles/{role}/shares/dominant", f"offer_filters/roles/{role}/active"


def _of_quota(delta: QuotaChanged) -> tuple[str, ...]:
    prefix = f"quota/roles/{delta.role}/resources/"
    figures = [
        f"{prefix}{name}/{what}"
        for amounts, what in ((delta.guarantees, "guarantee"), (delta.limits, "limit"))
        for name, _ in amounts
    ]
    held = [f"{prefix}{name}/offered_or_allocated" for name, _ in (*delta.guarantees, *delta.limits)]
    return tuple(dict.fromkeys(figures + held))


def _told(name: str) -> str:
    """The name of a metric for a figure: roles may hold characters that names of metrics may not."""
    return quote(PREFIX + name, safe="/_.*()@:+~=,-")
