"""Registry: the metrics of one runtime, and what all of them say at one time."""

# Who calls: users, as Runtime.metrics, from any thread; it is made when first asked for.
# Invariants: 1. no two metrics lay claim to one key of a snapshot, be it by their names, by those of their statistics,
#   or as a table.    2. a runtime's own numbers are looked up when somebody asks (own.py): what sends and serves events
#   counts nothing for them that it would not count anyhow.
# Source: libprocess metrics/metrics.hpp.

from __future__ import annotations

import heapq
from functools import partial
from typing import TYPE_CHECKING, Any

from libactor._core.clock import _nanoseconds
from libactor.future import Future
from libactor.metrics.metric import Metric, Recorded, metrics_lock
from libactor.metrics.own import OWN, measure
from libactor.metrics.pulled import Pulled
from libactor.metrics.single_writer import SingleWriterCounter
from libactor.metrics.snapshot import Gathering, as_dictionary
from libactor.metrics.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from libactor.pid import PID
    from libactor.runtime import Runtime


class Registry:
    """The metrics of a runtime: ``Runtime.metrics``."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._metrics: dict[str, Metric] = {}
        self._tables: set[str] = set()
        self._keys: dict[str, str] = dict.fromkeys(OWN, "the runtime")  # of snapshots, and whose they are

    def add(self, metric: Metric) -> None:
        """Have ``metric`` in the snapshots. Raises: ValueError if its name, or a name that its statistics have, is
        taken."""
        if not isinstance(metric, Metric):
            raise TypeError(f"add: got {metric!r}, expected a Counter, Gauge, PushGauge, Table or Timer")
        with metrics_lock:
            self._add(metric)

    def replace(self, metric: Metric) -> None:
        """Have ``metric`` in the snapshots, in the place of the one of that name, if there is one.

        Raises: ValueError if its name, or one that its statistics have, is another's; then nothing has changed.
        """
        if not isinstance(metric, Metric):
            raise TypeError(f"replace: got {metric!r}, expected a Counter, Gauge, PushGauge, Table or Timer")
        with metrics_lock:
            before = self._metrics.get(metric.name)
            if before is not None:
                self._remove(before)
            try:
                self._add(metric)
            except ValueError:
                if before is not None:
                    self._add(before)
                raise

    def _add(self, metric: Metric) -> None:
        keys = metric.claims()
        for key in keys:
            if key in self._keys:
                raise ValueError(
                    f"add: {key!r} is taken by {self._keys[key]}; choose another name, or remove that one before"
                )
        self._check_tables(metric, keys)
        if isinstance(metric, Table):
            self._tables.add(metric.name)
        self._keys.update(dict.fromkeys(keys, f"the metric {metric.name!r}"))
        self._metrics[metric.name] = metric

    def _check_tables(self, metric: Metric, keys: list[str]) -> None:
        """All that begins as a table is called is the table's."""
        for table in self._tables:
            taken = next((key for key in keys if key.startswith(f"{table}/")), None)
            if taken is not None:
                raise ValueError(f"add: {taken!r} is taken by the metric {table!r}, a table; choose another name")
        if isinstance(metric, Table):
            taken = next((key for key in self._keys if key.startswith(f"{metric.name}/")), None)
            if taken is not None:
                raise ValueError(f"add: {taken!r} is taken by {self._keys[taken]}; call the table something else")

    def _remove(self, metric: Metric) -> None:
        del self._metrics[metric.name]
        self._tables.discard(metric.name)
        for key in metric.claims():
            del self._keys[key]

    def remove(self, metric: Metric) -> None:
        """Have ``metric`` in the snapshots no longer. Raises: ValueError if it is not there."""
        if not isinstance(metric, Metric):
            raise TypeError(f"remove: got {metric!r}, expected a metric that was added")
        with metrics_lock:
            if self._metrics.get(metric.name) is not metric:
                raise ValueError(f"remove: {metric.name!r} was not added, or was removed before")
            self._remove(metric)

    def all(self) -> tuple[Metric, ...]:
        """The metrics that were added and not removed, in order of their names; not the runtime's own numbers."""
        with metrics_lock:
            return tuple(metric for _, metric in sorted(self._metrics.items()))

    def snapshot(self, timeout: float | None = None, *, tables: bool = True) -> Future[dict[str, float]]:
        """The future of what all metrics say, in order of their names; a metric with a history also says its
        statistics, a table all its rows, unless ``tables`` are left out.

        It waits for gauges, but not longer than ``timeout`` seconds on the runtime's clock, or until that is closed;
        None: until all have answered. Left out are those that have not, that have failed or been abandoned, and that
        came to something else than a finite number. A discard is honoured and reaches no gauge. Raises: ValueError for
        a negative or undefined timeout.
        """
        return self._gather(timeout, as_dictionary, tables)

    def snapshot_json(self, timeout: float | None = None, *, as_list: bool = False) -> Future[bytes]:
        """The future of the same as a JSON object, which costs much less where a table has very many rows.

        ``as_list``: as a list of objects with ``name`` and ``value``.
        """
        from libactor.metrics.json_text import LIST, OBJECT, as_json

        return self._gather(timeout, partial(as_json, LIST if as_list else OBJECT), True)

    def snapshot_pieces(self, timeout: float | None = None, *, as_list: bool = False) -> Future[Iterable[bytes]]:
        """The future of the same text in pieces of some 256 KiB, each made when it is taken; as often as wanted."""
        from libactor.metrics.json_text import LIST, OBJECT, Pieces

        return self._gather(timeout, partial(Pieces, LIST if as_list else OBJECT), True)

    def _gather(self, timeout: float | None, form: Callable[..., Any], tables: bool) -> Future[Any]:
        self._runtime.check_here()
        if timeout is not None:
            _nanoseconds(timeout, "snapshot")  # of one that is none, before any gauge is called
        with metrics_lock:
            metrics = list(self._metrics.values())
        values = measure(self._runtime)
        pulled: dict[str, Future[Any]] = {}
        for metric in metrics:
            if isinstance(metric, Pulled) and (tables or not isinstance(metric, Table)):
                pulled[metric.name] = metric.pull(self._runtime)
            elif isinstance(metric, (Recorded, SingleWriterCounter)):
                values.update(metric.readings())
        of_tables = frozenset([metric.name for metric in metrics if isinstance(metric, Table)])
        return Gathering(values, pulled, of_tables, form).start(self._runtime.clock, timeout)

    def depths(self, most: int | None = None) -> list[tuple[PID[Any], int]]:
        """The actors that have something in their mailboxes, and how much: the deepest first, ``most`` of them.

        Cost: O(actors); what comes in while it looks may be seen or not.
        """
        processes = list(self._runtime._processes.values())  # made in one step
        waiting = [(process.pid, depth) for process in processes if (depth := len(process))]
        if most is None:
            return sorted(waiting, key=_depth, reverse=True)
        return heapq.nlargest(most, waiting, key=_depth)

    def __repr__(self) -> str:
        return f"<Registry of {self._runtime.address}, {len(self._metrics)} metrics>"


def _depth(entry: tuple[Any, int]) -> int:
    return entry[1]
