"""Statistics: values along time, and what can be said of many values at once."""

from libactor.statistics.percentiles import Statistics
from libactor.statistics.time_series import Point, TimeSeries

__all__ = ["Point", "Statistics", "TimeSeries"]
