"""Publication: the metrics of a master that can be read as long as it stands."""

# Who calls: the parts of the master that count something, each with its metrics; master.py begins and ends it.
# A metric whose name is taken, by another master in the same program, counts and is not told; whoever begins to lead
#   takes the names over, so that a program tells of its leader.

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import libactor as la

if TYPE_CHECKING:
    from libactor.metrics import Registry

    _AnyMetric = la.metrics.SingleWriterCounter | la.metrics.Gauge | la.metrics.PushGauge | la.metrics.Table

log = logging.getLogger("mesoslite.master")

PREFIX = "master/"

M = TypeVar("M", la.metrics.SingleWriterCounter, la.metrics.Gauge, la.metrics.PushGauge, la.metrics.Table)


class Publication:
    """Tells ``registry`` of metrics, between ``begin`` and ``end``."""

    def __init__(self) -> None:
        self._registry: Registry | None = None
        self._metrics: list[_AnyMetric] = []
        self._told: list[_AnyMetric] = []

    def add(self, metric: M) -> M:
        """Let ``metric`` be read too; return it."""
        self._metrics.append(metric)
        self._tell(metric)
        return metric

    def counter(self, name: str) -> la.metrics.SingleWriterCounter:
        """Return a new counter of that name, after the master's prefix; the master's actor alone counts."""
        return self.add(la.metrics.SingleWriterCounter(PREFIX + name))

    def begin(self, registry: Registry) -> None:
        """Let all be read from now on."""
        self._registry = registry
        for metric in self._metrics:
            self._tell(metric)

    def take_over(self) -> None:
        """Let all be read, in the place of what is called so."""
        assert self._registry is not None
        for metric in self._metrics:
            self._registry.replace(metric)
        self._told = list(self._metrics)

    def end(self) -> None:
        """Let nothing be read any more."""
        registry, self._registry = self._registry, None
        if registry is not None:
            for metric in self._told:
                with suppress(ValueError):  # another master has taken its name over
                    registry.remove(metric)
        self._told.clear()

    def _tell(self, metric: _AnyMetric) -> None:
        if self._registry is None:
            return
        try:
            self._registry.add(metric)
        except ValueError as error:
            log.info("metric %s is not told: %s", metric.name, error)
        else:
            self._told.append(metric)
