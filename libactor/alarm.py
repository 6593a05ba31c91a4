"""Alarm: a future that is ready when its time has come."""

# Who calls: users.
# The clock alone refers to an alarm strongly: when it goes away, with its runtime, the alarm's future is abandoned.
# Source: libprocess after.hpp.

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from libactor.context import current_runtime
from libactor.future import Future, Promise

if TYPE_CHECKING:
    from libactor._core.clock import Clock
    from libactor.runtime import Runtime


class _Alarm(Promise[None]):
    """The promise of ``after``, and the timer that keeps it."""

    __slots__ = ("__weakref__", "_timer")

    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__()
        self._timer = clock.timer(seconds, self._ring)

    def _ring(self) -> None:
        self.set(None)

    def cancel(self) -> None:
        """Honour a discard."""
        if self._timer.cancel():
            self.discard()


def after(seconds: float, *, runtime: Runtime | None = None) -> Future[None]:
    """A future that is ready, with None, not earlier than ``seconds`` from now; a discard cancels the timer.

    The time is that of the clock of ``runtime``, left out: the current one.
    Raises: ValueError for a negative or undefined time; NoRuntime without a runtime. Source: libprocess after.hpp.
    """
    alarm = _Alarm((runtime or current_runtime("after")).clock, seconds)
    future, reference = alarm.future, weakref.ref(alarm)

    def cancel() -> None:
        pending = reference()
        if pending is not None:
            pending.cancel()

    return future.on_discard(cancel)
