"""Gauge and PushGauge: a number that rises and falls, asked for when somebody looks, or told when it changes."""

# Who calls: users make them, and push from any thread; the registry pulls (registry.py).
# Invariant: of one Gauge, one call at most is under way, whoever looks meanwhile: one that hangs holds one thread, or
#   one place in a mailbox, for ever, and not one for each snapshot.
# The function of a Gauge runs in an actor of its own: it may block, fail or hang without the others' noticing.
# Source: libprocess metrics/pull_gauge.hpp, push_gauge.hpp.

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, final

from libactor.future import Future, Promise
from libactor.metrics.metric import Metric, Recorded, check_number, metrics_lock
from libactor.thunk import run_in

if TYPE_CHECKING:
    from libactor._core.clock import Clock
    from libactor.runtime import Runtime


@final
class Gauge(Metric):
    """The number that ``function`` returns, or the future of it, when somebody looks: libprocess's PullGauge.

    ``function``, which may be a coroutine function, is called in an actor of its own; what reads the state of an actor
    goes through ``defer``. While one call is under way there is no second: its answer is for all who look meanwhile.
    Raises: TypeError, ValueError for a name or a function that will not do.
    """

    __slots__ = ("_function", "_pulled")

    def __init__(
        self, name: str, function: Callable[[], float | Future[float] | Future[int] | Coroutine[Any, Any, float]]
    ) -> None:
        super().__init__(name)
        if not callable(function):
            raise TypeError(f"{name}: got {function!r}, expected a function that returns a number or a future of one")
        self._function = function
        self._pulled: Future[Any] | None = None

    def pull(self, runtime: Runtime) -> Future[Any]:
        """The future of what the function returns, whatever that is; called in ``runtime``."""
        with metrics_lock:
            pulled = self._pulled
            if pulled is not None and pulled.is_pending() and not pulled.is_abandoned():
                return pulled
            promise: Promise[Any] = Promise()
            pulled = self._pulled = promise.future
        try:
            promise.associate(run_in(runtime, self._function, "gauge", (), {}))
        except Exception as error:  # the runtime is closed, or has no memory left
            promise.fail(error.with_traceback(None))  # it would lead to this frame, and back to the promise
        return pulled


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
