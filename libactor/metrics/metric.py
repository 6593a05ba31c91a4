"""Metric: a name, a number and, if asked for, a history of it, from which come statistics."""

# Who calls: its subclasses, a module for each; the registry reads them (registry.py).
# Names are those of Mesos: words with slashes between them. What they stand for ends up as keys of JSON and of other
#   monitors, so nothing is let in that would have to be quoted there.
# One lock for all metrics: under the interpreter's lock a second one would win nothing, and the sections are a few
#   steps long. It is re-entrant, because a finalizer may run in any section and count too; across a fork it is held,
#   so that the child finds no metric half changed.
# Source: libprocess metrics/metric.hpp.

from __future__ import annotations

import math
import os
import re
import threading
from typing import TYPE_CHECKING

from libactor.statistics import Statistics, TimeSeries

if TYPE_CHECKING:
    from libactor._core.clock import Clock

NAME = re.compile(r"[\w.*%()@:+~=,-]+(/[\w.*%()@:+~=,-]+)*", re.ASCII)
NAME_MAX = 1000  # characters: some are made of other people's names
STATISTICS = ("count", "max", "min", "p50", "p90", "p95", "p99", "p999", "p9999")  # of a history, in a snapshot

metrics_lock = threading.RLock()
os.register_at_fork(
    before=metrics_lock.acquire, after_in_parent=metrics_lock.release, after_in_child=metrics_lock.release
)


class Metric:
    """Something that has a name and tells a number."""

    __slots__ = ("__weakref__", "_name")

    def __init__(self, name: str) -> None:
        self._name = check_name(type(self).__name__, name)

    @property
    def name(self) -> str:
        """What it is called in a snapshot."""
        return self._name

    def claims(self) -> list[str]:
        """Whatever it may be called in a snapshot: its name, and those of its statistics."""
        return [self._name]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}>"


class Recorded(Metric):
    """A metric that has its number at hand and, with ``window``, a history of it."""

    __slots__ = ("_history", "_value")

    _value: float | None  # None: there is none yet

    def __init__(self, name: str, value: float | None, window: float | None, clock: Clock | None) -> None:
        super().__init__(name)
        self._value = value
        self._history: TimeSeries[float] | None = None if window is None else TimeSeries(window, clock=clock)

    def claims(self) -> list[str]:
        return [
            *super().claims(),
            *([f"{self._name}/{key}" for key in STATISTICS] if self._history is not None else []),
        ]

    def statistics(self) -> Statistics | None:
        """Those of its history; None without one, or with fewer than two values in it."""
        with metrics_lock:
            if self._history is None:
                return None
            self._history.truncate()
            points = self._history.get()
        return Statistics.of(point.value for point in points)

    def readings(self) -> dict[str, float]:
        """What it adds to a snapshot."""
        value = self._value
        found = {} if value is None else {self._name: float(value)}
        statistics = self.statistics()
        if statistics is not None:
            found |= {f"{self._name}/{key}": float(getattr(statistics, key)) for key in STATISTICS}
        return found

    def _note(self, value: float) -> None:
        """From now on the number is ``value``. The lock is held."""
        self._value = value
        if self._history is not None:
            self._history.set(value)


def check_number(metric: Metric, operation: str, value: object) -> float:
    """``value`` as a float. Raises: TypeError for what is no number, ValueError for one that is not finite."""
    if not isinstance(value, (int, float)):
        raise TypeError(f"{metric.name}: {operation} got {value!r}, expected a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{metric.name}: {operation} got or came to {number}, expected a finite number")
    return number


def check_name(kind: str, name: object) -> str:
    """``name``, if a metric may be called so. Raises: TypeError for what is no text, ValueError."""
    if not isinstance(name, str):
        raise TypeError(f"{kind}: got the name {name!r}, expected text such as 'master/tasks_running'")
    if len(name) > NAME_MAX or not NAME.fullmatch(name):
        raise ValueError(
            f"{kind}: the name {name[:100]!r} will not do; expected words of letters, digits and any of _ . * % ( ) @ "
            f": + ~ = , - with slashes between them, {NAME_MAX} characters at most; percent-encode what else is in it"
        )
    return name
