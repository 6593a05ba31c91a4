"""Gauge and PushGauge: a number that rises and falls, asked for when somebody looks, or told when it changes."""

# Who calls: users make them, and push from any thread; the registry pulls (pulled.py).
# Source: libprocess metrics/pull_gauge.hpp, push_gauge.hpp.

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, final

from libactor.future import Future
from libactor.metrics.metric import Recorded, check_number, metrics_lock
from libactor.metrics.pulled import Pulled

if TYPE_CHECKING:
    from libactor._core.clock import Clock


@final
class Gauge(Pulled):
    """The number that ``function`` returns, or the future of it, when somebody looks: libprocess's PullGauge.

    ``function``, which may be a coroutine function, is called in an actor of its own; what reads the state of an actor
    goes through ``defer``. While one call is under way there is no second: its answer is for all who look meanwhile.
    Raises: TypeError, ValueError for a name or a function that will not do.
    """

    __slots__ = ()

    def __init__(
        self, name: str, function: Callable[[], float | Future[float] | Future[int] | Coroutine[Any, Any, float]]
    ) -> None:
        super().__init__(name, function, "a number or a future of one")


@final
class PushGauge(Recorded):
    """The number that it was told last, 0 at first. With ``window``, in seconds, it keeps a history, for statistics.

    Raises: as Counter.
    """

    __slots__ = ()

    _value: float

    def __init__(self, name: str, *, window: float | None = None, clock: Clock | None = None) -> None:
        super().__init__(name, 0.0, window, clock)

    @property
    def value(self) -> float:
        """What it was told last."""
        return self._value

    def set(self, value: float) -> None:
        """From now on it is ``value``. Raises: TypeError for no number, ValueError for one that is not finite."""
        number = check_number(self, "set", value)
        with metrics_lock:
            self._note(number)

    def increment(self, by: float = 1) -> float:
        """Add ``by``, which may be negative; what it has come to. Raises: as ``set``."""
        step = check_number(self, "increment", by)
        with metrics_lock:
            number = check_number(self, "increment", self._value + step)
            self._note(number)
            return number

    def decrement(self, by: float = 1) -> float:
        """Take ``by`` off; what it has come to. Raises: as ``set``."""
        return self.increment(-check_number(self, "decrement", by))

    def __iadd__(self, by: float) -> PushGauge:
        self.increment(by)
        return self

    def __isub__(self, by: float) -> PushGauge:
        self.decrement(by)
        return self
