"""cgroups/cpu: processors, shared in proportion to what containers asked for, and bounded where that is wanted."""

# A container's share says what it gets when processors are short; it may use more while others leave it. It is bounded
#   only by a limit of its task, or by its request where --cgroups-enable-cfs is given (a CFS quota).
# What holds revocable processors runs at next to no share, so that it gives way to all others.
# Source: Mesos src/slave/containerizer/mesos/isolators/cgroups/subsystems/cpu.cpp, cpuacct.cpp,
#   isolators/cgroups2/controllers/cpu.cpp, constants.hpp.

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mesoslite.containment.cgroups.tree import Tree
from mesoslite.model import ContainerID, Resources

from .controller import Controller, Limits

SHARES_PER_CPU, SHARES_PER_CPU_REVOCABLE, SHARES_MIN = 1024, 10, 2
WEIGHT_PER_CPU, WEIGHT_PER_CPU_REVOCABLE, WEIGHT_MIN, WEIGHT_MAX = 100, 1, 1, 10_000
PERIOD_US, QUOTA_US_MIN = 100_000, 1_000

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class CpuOptions:
    """``enable_cfs``: requests bound too. ``burst``: what of its quota a container may save up for later periods."""

    enable_cfs: bool = False
    revocable_low_priority: bool = True
    burst: float = 0.0


class _Cpu(Controller):
    name = "cgroups/cpu"

    def __init__(self, trees: Sequence[Tree], options: CpuOptions) -> None:
        super().__init__(trees)
        self._options = options
        self._bounds: dict[ContainerID, float] = {}  # in processors, of those that are bounded

    def update(self, container_id: ContainerID, resources: Resources, limits: Limits) -> None:
        """Set its share, and its bound."""
        cpus = resources.get("cpus")
        if not cpus:
            return
        is_low = self._options.revocable_low_priority and resources.revocable().milli("cpus") > 0
        self._share(container_id, cpus, is_low)
        bound = dict(limits).get("cpus", cpus if self._options.enable_cfs else math.inf)
        if math.isfinite(bound):
            self._bounds[container_id] = bound
            quota = max(round(bound * PERIOD_US), QUOTA_US_MIN)
            self._bound(container_id, quota, round(quota * self._options.burst))
        elif self._bounds.pop(container_id, None) is not None:
            self._bound(container_id, None, 0)

    def forget(self, container_id: ContainerID) -> None:
        """It is bounded no more."""
        self._bounds.pop(container_id, None)

    def _bounded(self, container_id: ContainerID) -> dict[str, Any]:
        bound = self._bounds.get(container_id)
        return {} if bound is None else {"cpus_limit": bound}

    def _share(self, container_id: ContainerID, cpus: float, is_low: bool) -> None:
        raise NotImplementedError

    def _bound(self, container_id: ContainerID, quota_us: int | None, burst_us: int) -> None:
        raise NotImplementedError


class CpuV1(_Cpu):
    """Of version 1: ``trees`` are those of the controllers ``cpu`` and ``cpuacct``."""

    needs = ("cpu", "cpuacct")

    def _share(self, container_id: ContainerID, cpus: float, is_low: bool) -> None:
        shares = int((SHARES_PER_CPU_REVOCABLE if is_low else SHARES_PER_CPU) * cpus)
        self.trees[0].write(container_id, "cpu.shares", max(shares, SHARES_MIN))

    def _bound(self, container_id: ContainerID, quota_us: int | None, burst_us: int) -> None:
        tree = self.trees[0]
        if self._options.burst:
            tree.write(container_id, "cpu.cfs_burst_us", 0)  # one above the new quota would have that refused
        tree.write(container_id, "cpu.cfs_period_us", PERIOD_US)
        tree.write(container_id, "cpu.cfs_quota_us", -1 if quota_us is None else quota_us)
        if burst_us:
            tree.write(container_id, "cpu.cfs_burst_us", burst_us)

    def usage(self, container_id: ContainerID) -> dict[str, Any]:
        """Times of processors, in all and stopped."""
        cpu, cpuacct = self.trees
        times = cpuacct.read_fields(container_id, "cpuacct.stat")
        stops = cpu.read_fields(container_id, "cpu.stat")
        return {
            "cpus_user_time_secs": times[b"user"] / _TICKS,
            "cpus_system_time_secs": times[b"system"] / _TICKS,
            "cpus_nr_periods": stops[b"nr_periods"],
            "cpus_nr_throttled": stops[b"nr_throttled"],
            "cpus_throttled_time_secs": stops[b"throttled_time"] / 1_000_000_000,
            **self._bounded(container_id),
        }


class CpuV2(_Cpu):
    """Of version 2."""

    needs = ("cpu",)

    def _share(self, container_id: ContainerID, cpus: float, is_low: bool) -> None:
        weight = int((WEIGHT_PER_CPU_REVOCABLE if is_low else WEIGHT_PER_CPU) * cpus)
        self.trees[0].write(container_id, "cpu.weight", min(max(weight, WEIGHT_MIN), WEIGHT_MAX))

    def _bound(self, container_id: ContainerID, quota_us: int | None, burst_us: int) -> None:
        tree = self.trees[0]
        if self._options.burst:
            tree.write(container_id, "cpu.max.burst", 0)  # one above the new quota would have that refused
        tree.write(container_id, "cpu.max", f"{'max' if quota_us is None else quota_us} {PERIOD_US}")
        if burst_us:
            tree.write(container_id, "cpu.max.burst", burst_us)

    def usage(self, container_id: ContainerID) -> dict[str, Any]:
        """Times of processors, in all and stopped."""
        stat = self.trees[0].read_fields(container_id, "cpu.stat")
        return {
            "cpus_user_time_secs": stat[b"user_usec"] / 1_000_000,
            "cpus_system_time_secs": stat[b"system_usec"] / 1_000_000,
            "cpus_nr_periods": stat[b"nr_periods"],
            "cpus_nr_throttled": stat[b"nr_throttled"],
            "cpus_throttled_time_secs": stat[b"throttled_usec"] / 1_000_000,
            **self._bounded(container_id),
        }
