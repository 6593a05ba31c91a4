"""Counter: how often something has happened."""

# Who calls: users, from any thread.
# Source: libprocess metrics/counter.hpp.

from __future__ import annotations

from typing import TYPE_CHECKING, final

from libactor.metrics.metric import Recorded, metrics_lock

if TYPE_CHECKING:
    from libactor._core.clock import Clock

COUNT_MAX = 2**63 - 1  # who reads a snapshot keeps it in as many bits


@final
class Counter(Recorded):
    """Counts up from 0. With ``window``, in seconds, it keeps a history of its values, for statistics.

    Raises: TypeError, ValueError for a name or a window that will not do; NoRuntime for a window without a ``clock``
    where no runtime is current.
    """

    __slots__ = ()

    _value: int

    def __init__(self, name: str, *, window: float | None = None, clock: Clock | None = None) -> None:
        super().__init__(name, 0, window, clock)

    @property
    def value(self) -> int:
        """What it has come to."""
        return self._value

    def increment(self, by: int = 1) -> int:
        """Add ``by``; what it has come to. Raises: TypeError for no whole number; ValueError for one below 0, or when
        it would pass 2**63 - 1."""
        if not isinstance(by, int):
            raise TypeError(f"{self.name}: increment got {by!r}, expected a whole number")
        if by < 0:
            raise ValueError(f"{self.name}: increment got less than 0; a number that also falls is a PushGauge")
        metrics_lock.acquire()  # by hand: `with` takes as long again as all the rest, and this is often
        try:
            value = self._value + by
            if value > COUNT_MAX:
                raise ValueError(f"{self.name}: increment would lead beyond 2**63 - 1; reset it in time")
            self._value = value
            if self._history is not None:  # asked here, since it is rare
                self._history.set(value)
            return value
        finally:
            metrics_lock.release()

    def __iadd__(self, by: int) -> Counter:
        self.increment(by)
        return self

    def reset(self) -> None:
        """Count from 0 again."""
        with metrics_lock:
            self._note(0)
