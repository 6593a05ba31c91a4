"""SingleWriterCounter: how often something has happened, counted by one actor or thread alone."""

# Who calls: users, where they count several times a message: a Counter, whose lock lets every thread count, takes ten
#   times as long. The registry reads it from other threads: a number is there whole, be it the last one or the one
#   before.

from __future__ import annotations

from typing import final

from libactor.metrics.metric import Metric


@final
class SingleWriterCounter(Metric):
    """Counts up from 0: ``counter.value += 1``, in one actor or thread only; any thread may read. It has no history.

    Raises: TypeError, ValueError for a name that will not do.
    """

    __slots__ = ("value",)

    value: int

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.value = 0

    def readings(self) -> dict[str, float]:
        """What it adds to a snapshot."""
        return {self._name: float(self.value)}
