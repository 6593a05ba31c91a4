"""Whether, when and whom to restart after a failure: decisions of one child each, and the reach of a strategy."""

# Who calls: libactor/supervision/supervisor.py; plan.py asks how far a failure reaches. Pure: time is passed in, in
#   nanoseconds, and so is the stream of random numbers.
# A budget belongs to one child: one that fails all the time uses up nobody else's. (OTP has one for all children of a
#   supervisor, so that a noisy child decides over the quiet ones.)
# Source: Erlang/OTP supervisor (restart types, strategies, intensity and period); Akka BackoffSupervisor.

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from libactor.supervision.child import Backoff

Restart = Literal["permanent", "transient", "temporary"]
Strategy = Literal["one_for_one", "one_for_all", "rest_for_one"]

RESTARTS: tuple[Restart, ...] = ("permanent", "transient", "temporary")
STRATEGIES: tuple[Strategy, ...] = ("one_for_one", "one_for_all", "rest_for_one")

NANOSECONDS = 1_000_000_000


class RandomStream(Protocol):
    """What jitter is drawn from: random.Random, or what ``libactor.random_stream`` returns."""

    def random(self) -> float:
        """A number from 0 to 1, 1 excluded."""


def wants_restart(restart: Restart, reason: BaseException | None) -> bool:
    """Whether a child that has ended is to be started again: permanent always, transient after a reason only."""
    return restart == "permanent" or (restart == "transient" and reason is not None)


def reach(strategy: Strategy, ids: Iterable[str], failed: str) -> list[str]:
    """The children that a failure of ``failed`` restarts, in their order: itself, all, or itself and those after it."""
    if strategy == "one_for_one":
        return [failed]
    reached = list(ids)
    return reached if strategy == "one_for_all" else reached[reached.index(failed) :]


class Budget:
    """The restarts of one child: at most ``intensity`` of them within any ``period`` of seconds, its ends included."""

    __slots__ = ("_intensity", "_period_ns", "_spent_ns")

    # _spent_ns: when those restarts were that count still, the oldest first; never more than are allowed, and one.

    def __init__(self, intensity: int, period: float) -> None:
        self._intensity = intensity
        self._period_ns = round(period * NANOSECONDS)
        self._spent_ns: deque[int] = deque()

    def spend(self, now_ns: int) -> bool:
        """Spend one restart; False if that is more than are allowed."""
        while self._spent_ns and now_ns - self._spent_ns[0] > self._period_ns:
            self._spent_ns.popleft()
        if len(self._spent_ns) > self._intensity:  # nobody should go on after a False; the memory stays bounded
            self._spent_ns.popleft()
        self._spent_ns.append(now_ns)
        return len(self._spent_ns) <= self._intensity

    @property
    def spent(self) -> int:
        """How many were spent within the period that ended with the last one."""
        return len(self._spent_ns)


class Delays:
    """How long to wait before each restart of one child: longer each time, until it has stayed up for a while."""

    __slots__ = ("_backoff", "_next")

    # _next: the delay before the next restart, without jitter, in seconds.

    def __init__(self, backoff: Backoff | None) -> None:
        self._backoff = backoff
        self._next = 0.0 if backoff is None else backoff.minimum

    def draw(self, up_ns: int, stream: RandomStream) -> float:
        """The delay, in seconds, before the restart of a child that was up for ``up_ns`` before it failed."""
        backoff = self._backoff
        if backoff is None:
            return 0.0
        if up_ns >= backoff.reset_after * NANOSECONDS:
            self._next = backoff.minimum
        delay = self._next
        self._next = min(delay * backoff.factor, backoff.maximum)
        if backoff.jitter:
            delay *= 1 + backoff.jitter * (2 * stream.random() - 1)
        return min(delay, backoff.maximum)
