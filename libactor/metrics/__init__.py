"""Metrics: numbers that tell how a runtime and what runs in it are doing, and the snapshot of all of them."""

from libactor.metrics.counter import Counter
from libactor.metrics.gauges import Gauge, PushGauge
from libactor.metrics.registry import Registry
from libactor.metrics.rows import Row
from libactor.metrics.single_writer import SingleWriterCounter
from libactor.metrics.table import Table
from libactor.metrics.timer import Lap, Timer

__all__ = ["Counter", "Gauge", "Lap", "PushGauge", "Registry", "Row", "SingleWriterCounter", "Table", "Timer"]
