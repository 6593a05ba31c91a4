"""Timers: appointments of one actor with itself, each under a key."""

# Who calls: Actor.timers makes one when a handler first asks for it; only handlers use it, so it needs no lock.
# What has come due stands in the mailbox as a Due, which is neither counted nor refused by a bound: of each key at most
#   one waits there. One whose timer was replaced or cancelled meanwhile is not served: its timer is not the key's any
#   more.
# Invariants: 1. a key has at most one timer, and that one appointment with the clock or one Due in the mailbox, never
#   both.    2. a timer ends with its actor: the mailbox calls end() before on_stop.    3. an appointment keeps nothing
#   alive once it was cancelled.
# Fixed rate: tick n is due at the first one plus n periods. Those that are late follow one another without a pause,
#   each an event of its own, with what else waits in between. Fixed delay: counted from the end of the handler before,
#   of one that awaits from its completion.
# What a handler raises ends the actor, as with tell. Arguments are taken by value when the timer is set, and for each
#   tick once more.
# Source: none in libprocess, whose delay() has neither key nor repetition.

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Hashable
from typing import TYPE_CHECKING, Any

from libactor._core._impl import Moved, prepare
from libactor._core.clock import NANOSECONDS, SECONDS_MAX, Timer
from libactor._core.values import all_by_value
from libactor.context import running_process
from libactor.methods import method_name

if TYPE_CHECKING:
    from libactor.actor import Actor
    from libactor.process import Process

SINGLE, RATE, DELAY = range(3)


class KeyedTimer:
    """One timer."""

    __slots__ = ("appointment", "arguments", "key", "kind", "name", "names", "next_ns", "period_ns", "timers")

    # appointment: with the clock; None while what came of it waits or is served.    name: of the method.
    # arguments: those with a name, which are in `names`, come last.
    # next_ns: when it is due, on the clock of the runtime.    period_ns: between ticks; 0 of a single one.

    def __init__(self, timers: Timers, key: Hashable, kind: int, period_ns: int, name: str) -> None:
        self.timers = timers
        self.key = key
        self.kind = kind
        self.period_ns = period_ns
        self.name = name
        self.arguments: tuple[Any, ...] = ()
        self.names: tuple[str, ...] = ()
        self.next_ns = 0
        self.appointment: Timer | None = None

    def split(self, values: tuple[Any, ...]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments without and with a name among ``values``, which stand as in ``arguments``."""
        first = len(values) - len(self.names)
        return values[:first], dict(zip(self.names, values[first:], strict=True))

    def wait(self, until_ns: int) -> None:
        """Have the method called at ``until_ns``, or as soon as may be if that is over."""
        self.next_ns = until_ns
        process = self.timers.process
        clock = process.runtime.clock
        left = until_ns - clock.now_ns()
        if left > 0:
            self.appointment = clock.timer(left / NANOSECONDS, self._come_due)
        else:
            process.deliver(Due(self))

    def _come_due(self) -> None:
        self.timers.process.deliver(Due(self))

    def cancel(self) -> None:
        """Let go of the appointment."""
        appointment, self.appointment = self.appointment, None
        if appointment is not None:
            appointment.cancel()


class Due:
    """The event of a timer that has come due; filters see a tell."""

    __slots__ = ("__weakref__", "served", "timer")

    kind = "tell"
    future = None

    def __init__(self, timer: KeyedTimer) -> None:
        self.timer = timer
        self.served = False

    @property
    def what(self) -> str:
        """The name of the method."""
        return self.timer.name

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What it is called with."""
        return self.timer.split(self.timer.arguments)[0]

    @property
    def keywords(self) -> dict[str, Any]:
        """What it is called with by name."""
        return self.timer.split(self.timer.arguments)[1]

    def copy(self) -> Any:
        """A tell of the same method: what a filter repeats is called once more, and the timer goes on as it would.

        Raises: NotPassable for arguments that were moved and cannot be copied.
        """
        process = self.timer.timers.process
        return prepare("timers", process.pid, getattr(process.kind, self.what), *self.arguments, **self.keywords)

    def serve(self, process: Process) -> None:
        """Call the method, unless the timer was replaced or cancelled; an exception ends the actor."""
        self.served = True
        self.timer.timers.serve(self.timer)

    def drop(self, process: Process) -> None:
        """The actor has stopped, and its timers with it."""
        self.served = True

    def __del__(self) -> None:
        if not self.served:  # a filter has dropped it: the next tick is due all the same
            self.timer.timers.skip(self.timer)


class Timers:
    """The timers of one actor, to be used in its handlers only; at its end all are cancelled.

    The first argument of each method is the key: setting one again replaces the timer it had, and what has come due of
    that, and was not served yet, is not served. ``method`` is the function of the class, as with ``dispatch``; it is
    called with ``args`` and ``kwargs`` (none may be named ``first``), taken by value, and what it raises ends
    the actor, as with ``tell``. The time is that of the clock of the runtime.

    All raise RuntimeError outside the handlers of the actor; those that set a timer TypeError and NotPassable as
    ``dispatch``, ValueError for a time that will not do.
    """

    __slots__ = ("_by_key", "_ended", "process")

    def __init__(self, process: Process) -> None:
        self.process = process
        self._by_key: dict[Hashable, KeyedTimer] = {}
        self._ended = False
        process.belong(self)

    def single(
        self, key: Hashable, seconds: float, method: Callable[..., object], /, *args: Any, **kwargs: Any
    ) -> None:
        """Call ``method`` once, not earlier than ``seconds`` from now. What is moved is handed over."""
        span = _nanoseconds(seconds, "timers.single", may_be_zero=True)
        self._set(key, SINGLE, 0, span, method, args, kwargs, "timers.single")

    def fixed_rate(
        self,
        key: Hashable,
        period: float,
        method: Callable[..., object],
        /,
        *args: Any,
        first: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Call ``method`` every ``period`` seconds, the first time after ``first``, left out: after one period.

        Tick n comes not earlier than n periods after the first one, however long the handlers take: one that is late
        shortens what is left to the next, and ticks that were missed are made up for, one after the other.
        """
        self._repeat(key, RATE, period, first, method, args, kwargs, "timers.fixed_rate")

    def fixed_delay(
        self,
        key: Hashable,
        delay: float,
        method: Callable[..., object],
        /,
        *args: Any,
        first: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Call ``method``, and again ``delay`` seconds after each time it has ended; ``first`` as with fixed_rate.

        An ``async def`` has ended when all of it has.
        """
        self._repeat(key, DELAY, delay, first, method, args, kwargs, "timers.fixed_delay")

    def cancel(self, key: Hashable) -> bool:
        """Take the timer of that key back, also if it has come due and was not served; False if there is none."""
        self._check("timers.cancel", key)
        timer = self._by_key.pop(key, None)
        if timer is not None:
            timer.cancel()
        return timer is not None

    def active(self, key: Hashable) -> bool:
        """Whether a call is still to come of the timer of that key."""
        self._check("timers.active", key)
        return key in self._by_key

    def keys(self) -> tuple[Hashable, ...]:
        """The keys of all timers of which a call is still to come, in order of setting."""
        self._check("timers.keys", None)
        return tuple(self._by_key)

    def end(self, process: Process) -> None:
        """The actor ends: cancel all, and set none any more."""
        self._ended = True
        timers, self._by_key = self._by_key, {}
        for timer in timers.values():
            timer.cancel()

    def serve(self, timer: KeyedTimer) -> None:
        """Make the call that has come due, and see to the next."""
        if self._by_key.get(timer.key) is not timer:
            return
        timer.appointment = None
        arguments = timer.arguments
        if timer.kind == SINGLE:
            del self._by_key[timer.key]
        else:
            arguments = all_by_value(arguments, timer.name, timer.names)
        if timer.kind == RATE:
            timer.wait(timer.next_ns + timer.period_ns)
        args, kwargs = timer.split(arguments)
        returned = getattr(self.process.actor, timer.name)(*args, **kwargs)
        if timer.kind == DELAY and inspect.iscoroutine(returned):
            returned = self._await(timer, returned)
        elif timer.kind == DELAY:
            self._go_on(timer)
        self.process._drive(returned, timer.name)

    def skip(self, timer: KeyedTimer) -> None:
        """What has come due is not served, though the timer stands: see to the next."""
        if self._by_key.get(timer.key) is not timer:
            return
        timer.appointment = None
        if timer.kind == SINGLE:
            del self._by_key[timer.key]
        elif timer.kind == RATE:
            timer.wait(timer.next_ns + timer.period_ns)
        else:
            self._go_on(timer)

    async def _await(self, timer: KeyedTimer, coroutine: Coroutine[Any, Any, object]) -> None:
        await coroutine
        self._go_on(timer)

    def _go_on(self, timer: KeyedTimer) -> None:
        """Count the delay from now, unless the handler has replaced or cancelled its timer."""
        if self._by_key.get(timer.key) is timer:
            timer.wait(self.process.runtime.clock.now_ns() + timer.period_ns)

    def _repeat(
        self,
        key: Hashable,
        kind: int,
        period: float,
        first: float | None,
        method: Callable[..., object],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        operation: str,
    ) -> None:
        period_ns = _nanoseconds(period, operation)
        span = period_ns if first is None else _nanoseconds(first, operation, may_be_zero=True)
        if any(type(value) is Moved for value in (*args, *kwargs.values())):
            raise TypeError(
                f"{operation}: an argument is moved, and every call would hand over the same object; share it with "
                "Shared(), or set a single timer"
            )
        self._set(key, kind, period_ns, span, method, args, kwargs, operation)

    def _set(
        self,
        key: Hashable,
        kind: int,
        period_ns: int,
        span_ns: int,
        method: Callable[..., object],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        operation: str,
    ) -> None:
        self._check(operation, key)
        if self._ended:
            raise RuntimeError(f"{operation}: {self.process.pid} stops; set timers before, and no later than on_start")
        name = method_name(self.process.kind, method, operation)
        timer = KeyedTimer(self, key, kind, period_ns, name)
        timer.names = tuple(kwargs)
        timer.arguments = all_by_value((*args, *kwargs.values()), f"{operation}({name})", timer.names)
        before = self._by_key.pop(key, None)
        if before is not None:
            before.cancel()
        self._by_key[key] = timer
        timer.wait(self.process.runtime.clock.now_ns() + span_ns)

    def _check(self, operation: str, key: Hashable) -> None:
        if running_process() is not self.process:
            raise RuntimeError(
                f"{operation}: called outside the handlers of {self.process.pid}; send it what sets the timer"
            )
        try:
            hash(key)
        except TypeError as error:
            raise TypeError(
                f"{operation}: the key {key!r} has no hash ({error}); take text, a number or a tuple of them"
            ) from None


def timers_of(actor: Actor) -> Timers:
    """The timers of an actor, made when one of its handlers first asks."""
    process = actor._libactor_process
    if process is None or running_process() is not process:
        raise RuntimeError(
            f"timers: used outside the handlers of {actor._libactor_id}; set them in on_start, or send it what does"
        )
    return Timers(process)


def _nanoseconds(seconds: Any, operation: str, *, may_be_zero: bool = False) -> int:
    """A time in nanoseconds, those below one and those beyond a hundred years brought back to that."""
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        raise TypeError(f"{operation}: got {seconds!r}, expected a number of seconds")
    if not seconds >= 0 or (seconds == 0 and not may_be_zero):  # catches NaN as well
        wanted = "of 0 or more" if may_be_zero else "above 0"
        raise ValueError(f"{operation}: got {seconds!r}, expected a number of seconds {wanted}")
    nanoseconds = round(min(seconds, SECONDS_MAX) * NANOSECONDS)
    return nanoseconds if may_be_zero else max(1, nanoseconds)
