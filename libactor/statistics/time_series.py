"""TimeSeries: values along time, bounded: old ones go, and of the older ones fewer and fewer are kept."""

# Who calls: users; metrics that keep a history (libactor/metrics).
# Invariants: 1. points are in order of time, one for each instant.    2. there are never more than `capacity`.
#   3. the newest point stays, however old it is.
# Thinning: each point too many costs one of the older half, every other one from the old end on; past the middle it
#   begins again at the old end. So the newer half is complete, and of what is older, half as much is left in each
#   round that it has lived through.
# Two lists and not a list of pairs: bisect then looks at integers. Taking one out of a thousand moves 4 kB, which is
#   below a microsecond; a linked list or a tree would cost more and hold five times the memory.
# Not for several threads at once: who shares one takes turns, as metrics do.
# Source: libprocess timeseries.hpp.

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from libactor._core.clock import NANOSECONDS, SECONDS_MAX
from libactor.context import current_runtime

if TYPE_CHECKING:
    from libactor._core.clock import Clock

T = TypeVar("T")

WINDOW_S = 14 * 24 * 3600.0
CAPACITY, CAPACITY_MIN = 1000, 3  # below three there is no older half to thin out


class Point(NamedTuple, Generic[T]):
    """A value and when it was so, in seconds since the epoch."""

    time: float
    value: T


class TimeSeries(Generic[T]):
    """Values along time, at most ``capacity`` of them, each forgotten when it is older than ``window`` seconds.

    ``clock`` tells the time; left out, it is that of the current runtime.
    Raises: TypeError, ValueError for a window or a capacity that will not do; NoRuntime without clock and runtime.
    Source: libprocess timeseries.hpp.
    """

    __slots__ = ("_capacity", "_clock", "_next", "_times", "_values", "_window_ns")

    def __init__(self, window: float = WINDOW_S, capacity: int = CAPACITY, *, clock: Clock | None = None) -> None:
        if not isinstance(window, (int, float)):
            raise TypeError(f"TimeSeries: got the window {window!r}, expected a number of seconds")
        if not window > 0:  # catches NaN as well
            raise ValueError(f"TimeSeries: got the window {window!r}, expected more than 0 seconds")
        if not isinstance(capacity, int):
            raise TypeError(f"TimeSeries: got the capacity {capacity!r}, expected a whole number")
        if capacity < CAPACITY_MIN:
            raise ValueError(f"TimeSeries: got the capacity {capacity}, expected {CAPACITY_MIN} or more")
        self._clock = clock if clock is not None else current_runtime("TimeSeries").clock
        self._window_ns = round(min(window, SECONDS_MAX) * NANOSECONDS)
        self._capacity = capacity
        self._times: list[int] = []  # nanoseconds since the epoch, in order
        self._values: list[T] = []
        self._next = 1  # the point to go when there is one too many

    def set(self, value: T, time: float | None = None) -> None:
        """Enter ``value``, for now or for ``time`` in seconds since the epoch, in the place of one for that instant.

        Then what is too old, and what is too much, goes. Raises: TypeError, ValueError for a time that is none.
        """
        at = self._clock.now_ns() if time is None else _nanoseconds(time)
        if not self._times or at > self._times[-1]:
            self._times.append(at)
            self._values.append(value)
        else:
            self._enter(at, value)
        self.truncate()
        if len(self._times) > self._capacity:
            self._thin_out()

    def get(self, start: float | None = None, stop: float | None = None) -> list[Point[T]]:
        """The points from ``start`` to ``stop``, both included, in order of time; without a bound, from the end."""
        first = 0 if start is None else bisect_left(self._times, _nanoseconds(start))
        last = len(self._times) if stop is None else bisect_right(self._times, _nanoseconds(stop))
        return [
            Point(time / NANOSECONDS, value)
            for time, value in zip(self._times[first:last], self._values[first:last], strict=True)
        ]

    def latest(self) -> Point[T] | None:
        """The newest point; None if there is none."""
        return Point(self._times[-1] / NANOSECONDS, self._values[-1]) if self._times else None

    def truncate(self) -> None:
        """Forget what is as old as the window or older; the newest point stays."""
        old = bisect_right(self._times, self._clock.now_ns() - self._window_ns)
        old = min(old, len(self._times) - 1)
        if old > 0:
            del self._times[:old], self._values[:old]
            self._next = max(self._next - old, 1)

    def __len__(self) -> int:
        return len(self._times)

    def __repr__(self) -> str:
        return f"<TimeSeries of {len(self._times)}, the latest {self.latest()}>"

    def _enter(self, at: int, value: T) -> None:
        """Enter a value that is not the newest; thinning begins anew, since it does not know where it was."""
        place = bisect_left(self._times, at)
        if self._times[place] == at:
            self._values[place] = value
        else:
            self._times.insert(place, at)
            self._values.insert(place, value)
            self._next = 1

    def _thin_out(self) -> None:
        """Let one point go."""
        if self._next >= len(self._times) // 2:
            self._next = 1
        del self._times[self._next], self._values[self._next]
        self._next += 1  # past the one that has moved into its place


def _nanoseconds(time: float) -> int:
    if not isinstance(time, (int, float)):
        raise TypeError(f"TimeSeries: got the time {time!r}, expected seconds since the epoch")
    if not math.isfinite(time):
        raise ValueError(f"TimeSeries: got the time {time!r}, expected seconds since the epoch")
    whole = int(time)  # apart, or the product would be off by a hundred nanoseconds
    return whole * NANOSECONDS + round((time - whole) * NANOSECONDS)
