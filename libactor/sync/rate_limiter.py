"""RateLimiter: permits that come one by one, at even distances of time."""

# Who calls: users.
# Invariants: 1. between two permits lies the distance, by the clock of the runtime: what was not used is not made up.
#   2. while anybody waits exactly one timer is set, or about to be: `_timing` says so.
# A timer knows the limiter weakly. One that goes away without having fired, with its clock, abandons those who wait; a
#   limiter that goes away discards them.
# Source: libprocess limiter.hpp, where it is an actor.

from __future__ import annotations

import math
import weakref
from collections import OrderedDict
from fractions import Fraction
from typing import TYPE_CHECKING, final

from libactor._core._impl import hop
from libactor._core.clock import NANOSECONDS, SECONDS_MAX
from libactor._core.values import register_immutable
from libactor.context import current_runtime
from libactor.future import Future, Promise
from libactor.sync.waiters import Waiters, hop_all, leave_on_discard, lock, take_all

if TYPE_CHECKING:
    from libactor._core.clock import Timer
    from libactor.runtime import Runtime


class _Tick:
    """What the timer for the next permit was set for."""

    __slots__ = ("fired", "limiter")

    def __init__(self, limiter: RateLimiter) -> None:
        self.limiter = weakref.ref(limiter)
        self.fired = False

    def __call__(self) -> None:
        self.fired = True
        limiter = self.limiter()
        if limiter is not None:
            limiter._serve()

    def __del__(self) -> None:
        limiter = self.limiter()
        if limiter is not None and not self.fired:
            limiter._forsake()


@final
class RateLimiter:
    """``permits`` for each ``seconds``, evenly spaced and without bursts; the first one at once.

    ``RateLimiter(2.5)`` gives 2.5 a second, ``RateLimiter(10, 60)`` one every 6 seconds. The time is that of the clock
    of ``runtime``, left out: the current one; closing that one abandons those who wait.
    When it goes away, those who wait find their futures discarded.
    Raises: TypeError, ValueError for what are no numbers above 0; NoRuntime without a runtime.
    """

    __slots__ = ("__weakref__", "_clock", "_interval_ns", "_next_ns", "_timer", "_timing", "_waiters")

    # _next_ns: when the next permit is due.

    def __init__(self, permits: float, seconds: float = 1.0, *, runtime: Runtime | None = None) -> None:
        self._waiters: Waiters[None] = OrderedDict()
        self._timer: Timer | None = None
        self._timing = False
        self._interval_ns = _interval_ns(permits, seconds)
        self._clock = (runtime or current_runtime("RateLimiter")).clock
        self._next_ns = 0

    def acquire(self) -> Future[None]:
        """A future that is ready when the caller may go on: in the order of asking.

        A discard gives up waiting, and the permit is the next one's: those behind come earlier.
        """
        promise: Promise[None] = Promise()
        future = promise.future
        with lock:
            now_ns = self._clock.now_ns()
            due = not self._waiters and now_ns >= self._next_ns
            first = False
            if due:
                self._next_ns = now_ns + self._interval_ns
            else:
                self._waiters[future] = promise
                first, self._timing = not self._timing, True
        if due:
            promise.set(None)
            return future
        leave_on_discard(future, self._waiters)
        if first:
            self._set_timer()
        return future

    def _set_timer(self) -> None:
        left_ns = max(0, self._next_ns - self._clock.now_ns())
        self._timer = self._clock.timer(left_ns / NANOSECONDS, _Tick(self))

    def _serve(self) -> None:
        """Give out the permit that is due; without a waiter none is used up."""
        with lock:
            now_ns = self._clock.now_ns()
            promise = None
            if self._waiters:
                self._next_ns = now_ns + self._interval_ns
                promise = self._waiters.popitem(False)[1]
            more = True
            if not self._waiters:
                self._timing = more = False
        if more:
            self._set_timer()
        if promise is not None:
            hop(promise.set, None)

    def _forsake(self) -> None:
        """Abandon those who wait: no timer will fire."""
        with lock:
            self._timing = False
        take_all(self._waiters)

    def __del__(self) -> None:
        hop_all([promise.discard for promise in take_all(self._waiters)])
        if self._timer is not None:
            self._timer.cancel()

    def __repr__(self) -> str:
        return f"<RateLimiter, every {self._interval_ns / NANOSECONDS} s, {len(self._waiters)} waiting>"


def _interval_ns(permits: float, seconds: float) -> int:
    """The distance between two permits."""
    for value, what in ((permits, "permits"), (seconds, "seconds")):
        if not isinstance(value, (int, float)):
            raise TypeError(f"RateLimiter: got {value!r}, expected a number of {what}")
        if not 0 < value < math.inf:  # catches NaN as well
            raise ValueError(f"RateLimiter: got {value!r} {what}, expected a number above 0")
    interval = min(Fraction(seconds) / Fraction(permits), Fraction(SECONDS_MAX))
    return max(1, round(interval * NANOSECONDS))


register_immutable(RateLimiter)
