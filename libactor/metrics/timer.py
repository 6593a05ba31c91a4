"""Timer: how long something takes."""

# Who calls: users, from any thread.
# Every measurement is an object of its own, a Lap, so that many may be under way at once; libprocess has one stopwatch
#   per timer, which a second start resets.
# A `with timer:` finds its lap on the context, not on the timer: threads and asyncio tasks that are inside the same
#   timer do not stop one another's.
# The time is that of a runtime's clock: in a test with a paused clock, what it measures is exact.
# Source: libprocess metrics/timer.hpp.

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar, final

from libactor._core.clock import NANOSECONDS
from libactor.context import current_runtime
from libactor.future import Future
from libactor.metrics.metric import Recorded, check_name, metrics_lock

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from libactor._core.clock import Clock

FutureT = TypeVar("FutureT", bound=Future[Any])

UNITS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "secs": NANOSECONDS,
    "mins": 60 * NANOSECONDS,
    "hrs": 3600 * NANOSECONDS,
}

_inside: ContextVar[tuple[Lap, ...]] = ContextVar("_inside", default=())  # laps of `with timer:`, innermost last


@final
class Lap:
    """One measurement, from its making to ``stop``; as a context manager, to the end of the ``with``."""

    __slots__ = ("_began_ns", "_took_ns", "_timer")

    def __init__(self, timer: Timer) -> None:
        self._timer = timer
        self._took_ns: int | None = None
        self._began_ns = timer._clock.now_ns()

    def stop(self) -> float:
        """The seconds it took, which the timer notes; a second stop changes nothing."""
        now = self._timer._clock.now_ns()
        with metrics_lock:
            if self._took_ns is None:
                self._took_ns = now - self._began_ns
                self._timer._stopped(self._took_ns)
            return self._took_ns / NANOSECONDS

    def __enter__(self) -> Lap:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@final
class Timer(Recorded):
    """How long something took last, in ``unit``: ns, us, ms, secs, mins or hrs, which becomes part of the name.

    Use ``with timer:``, ``timer.start()`` and ``stop()`` of what that returns, or ``timer.time(future)``. What fails
    is measured as well. Without ``clock`` the time is that of the current runtime. With ``window``, in seconds, it
    keeps a history, for statistics. Until something was measured it is in no snapshot.
    Raises: TypeError, ValueError for a name, a unit or a window that will not do; NoRuntime without clock and runtime.
    """

    __slots__ = ("_clock", "_unit_ns")

    def __init__(self, name: str, unit: str = "ms", *, window: float | None = None, clock: Clock | None = None) -> None:
        if unit not in list(UNITS):  # a list, so that what cannot be hashed is refused as well
            raise ValueError(f"Timer: got the unit {unit!r}, expected one of {', '.join(UNITS)}")
        name = f"{check_name('Timer', name)}_{unit}"
        self._clock = clock if clock is not None else current_runtime("Timer").clock
        super().__init__(name, None, window, self._clock)
        self._unit_ns = UNITS[unit]

    @property
    def value(self) -> float | None:
        """What was measured last, in the timer's unit; None before."""
        return self._value

    def start(self) -> Lap:
        """Begin to measure; others may be under way."""
        return Lap(self)

    def time(self, future: FutureT) -> FutureT:
        """Measure from now until ``future`` is complete, in whichever way; the same future.

        Of one that is abandoned nothing is noted. Raises: TypeError for what is no future.
        """
        if not isinstance(future, Future):
            raise TypeError(f"{self.name}: time got {future!r}, expected a future")
        lap = self.start()
        future.on_any(lambda _: lap.stop())
        return future

    def __enter__(self) -> Self:
        _inside.set((*_inside.get(), self.start()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        laps = _inside.get()
        place = max(number for number, lap in enumerate(laps) if lap._timer is self)
        _inside.set((*laps[:place], *laps[place + 1 :]))
        laps[place].stop()

    def _stopped(self, took_ns: int) -> None:
        """Note a measurement. The lock is held."""
        self._note(took_ns / self._unit_ns)
