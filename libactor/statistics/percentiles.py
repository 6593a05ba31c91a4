"""Statistics: count, extremes and percentiles of some values."""

# Who calls: users; metrics that keep a history (libactor/metrics).
# A percentile p of n values in order is what stands at the place p * (n - 1), counted from 0: between two values, the
#   point on the line from one to the other. The place is found in whole numbers, so that none is off by rounding.
# Not the module `statistics`: its quantiles are those of equal parts, and p9999 would need ten thousand of them.
# Source: libprocess statistics.hpp.

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from libactor.statistics.time_series import TimeSeries

WHOLE = 10_000  # a percentile is given as so many of these parts


@dataclass(frozen=True, slots=True)
class Statistics:
    """What ``Statistics.of`` says of some values; ``p50`` is the median, ``p999`` is 99.9 %."""

    count: int
    min: float
    max: float
    p25: float
    p50: float
    p75: float
    p90: float
    p95: float
    p99: float
    p999: float
    p9999: float

    @classmethod
    def of(cls, values: Iterable[float] | TimeSeries[float]) -> Statistics | None:
        """The statistics of ``values``, in any order; None for fewer than two.

        Raises: TypeError for what is no number, ValueError for one that is not finite. Cost: that of sorting.
        """
        numbers = sorted(_number(value) for value in (_values(values) if isinstance(values, TimeSeries) else values))
        if len(numbers) < 2:
            return None
        percentiles = [_percentile(numbers, part) for part in (2500, 5000, 7500, 9000, 9500, 9900, 9990, 9999)]
        return cls(len(numbers), numbers[0], numbers[-1], *percentiles)


def _values(series: TimeSeries[float]) -> list[float]:
    return [point.value for point in series.get()]


def _number(value: object) -> float:
    if not isinstance(value, (int, float)):
        raise TypeError(f"Statistics: got {value!r}, expected a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"Statistics: got a value of {number}, expected a finite number; leave it out")
    return number


def _percentile(numbers: list[float], part: int) -> float:
    """What stands at ``part`` of WHOLE of the way along ``numbers``, which are in order and at least two."""
    place, rest = divmod(part * (len(numbers) - 1), WHOLE)
    if rest == 0:
        return numbers[place]
    low, high, share = numbers[place], numbers[place + 1], rest / WHOLE
    span = high - low
    between = low + span * share if span < math.inf else low * (1 - share) + high * share
    return min(max(between, low), high)  # rounding must not lead out of it
