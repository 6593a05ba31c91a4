"""Life: one life of a simulated host, from its start to its crash; and its clock, whose timers end with it."""

# Who calls: the network; a host has a HostClock in the place of the clock that all hosts share.
# What runs in a timer, or because an answer arrived, runs in no actor: serving.life says of which host it is. So what
#   it sends to other hosts goes through the network, and what a host that has crashed still does reaches nobody.
# The life that code runs under hangs on the thread: a callback that waits keeps its thread, and others go on in theirs.

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from libactor.context import serving
from libactor.testing.virtual_clock import VirtualClock

if TYPE_CHECKING:
    from libactor._core.clock import Timer
    from libactor.runtime import Runtime


class Life:
    """``dead``: the host has crashed since."""

    __slots__ = ("dead", "host")

    def __init__(self, host: Any) -> None:
        self.host = host
        self.dead = False

    def run(self, function: Callable[[], object]) -> None:
        """Call ``function`` as code of this host, if it lives."""
        if not self.dead:
            self.do(function)

    def do(self, function: Callable[[], object]) -> None:
        """As run, also if it is dead: what ``function`` sends is lost then."""
        before, serving.life = serving.life, self
        try:
            function()
        finally:
            serving.life = before


class HostClock(VirtualClock):
    """The clock of one host: the time is that of all, the timers are its own."""

    def __init__(self, shared: VirtualClock, host: Runtime) -> None:
        self._shared = shared
        self._host: Any = host

    def now_ns(self) -> int:
        """See Clock.now_ns."""
        return self._shared.now_ns()

    @property
    def paused(self) -> bool:
        """See VirtualClock.paused."""
        return self._shared.paused

    def pause(self) -> None:
        """See VirtualClock.pause; it is that of all hosts."""
        self._shared.pause()

    def resume(self) -> None:
        """See VirtualClock.resume."""
        self._shared.resume()

    def advance(self, seconds: float) -> None:
        """See VirtualClock.advance."""
        self._shared.advance(seconds)

    def settle(self, timeout: float | None = None) -> bool:
        """See VirtualClock.settle."""
        return self._shared.settle(timeout)

    def timer(self, seconds: float, thunk: Callable[[], object]) -> Timer:
        """See Clock.timer; it does not fire once the host has crashed."""
        life: Life = self._host.life
        held = [thunk]  # of a host that is gone it goes away as the code of that host: it may have callbacks

        def fire() -> None:
            life.do(held.clear if life.dead else held[0])

        return self._shared.timer(seconds, fire)

    def cancel(self, timer: Timer) -> bool:
        """See Clock.cancel."""
        return self._shared.cancel(timer)

    def close(self) -> None:
        """Nothing: the clock is closed by the runtime that all hosts are of."""
