"""Event filters: a test awaits, drops, delays, repeats or forbids what actors are about to serve."""

# Who calls: tests, by `with filter_events() as events`; a worker asks the filter of its run queue before each event.
# Rules: 1. an event is looked at when it is about to be served, not when it is sent, so an actor that was stopped first
#   never shows it.    2. the rule made last that fits decides alone; those in the singular fit once, the others always.
#   3. what is dropped is not served; who waits for its answer finds it abandoned, and no dead letter is counted.
#   4. starting and stopping are no events to a filter.    5. of two filters the inner decides, if a rule of it fits.
#   6. the filter that has delayed or repeated an event lets it pass when it comes: it goes to the outer filter.
# Futures are completed, so their callbacks run, in the worker and before the event is served: a test that goes on to
#   what the event has done settles the clock, or asks the actor.
# What the code of a test raises in a `where`, the `with` raises at its end; the event goes on to the next rule. A copy
#   that cannot be made (NotPassable) is treated alike: the event is served once.
# Source: libprocess filter.hpp, gmock.hpp.

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from libactor.context import current_runtime
from libactor.events import Exited
from libactor.future import Future, Promise
from libactor.pid import PID
from libactor.testing.patterns import Pattern, Seen, is_call, is_exit, is_message, look

if TYPE_CHECKING:
    from typing import Self

    from libactor.process import Process
    from libactor.runtime import Runtime

# What is done with an event that a process is about to serve; True: it is not served now.
Effect: TypeAlias = "Callable[[Process, Any], bool]"


def _serve(process: Process, event: Any) -> bool:
    return False


def _drop(process: Process, event: Any) -> bool:
    return True


class _Rule:
    """What to do with the events that ``fits`` accepts."""

    __slots__ = ("effect", "fits", "forbids", "once", "promise")

    # effect: see there.    once: only for the first of them.    promise: to be set with the first one.
    # forbids: what the error calls them, if none may come.

    def __init__(self, fits: Pattern, effect: Effect, *, once: bool = True, forbids: str | None = None) -> None:
        self.fits = fits
        self.effect = effect
        self.once = once
        self.promise: Promise[Seen] | None = Promise()
        self.forbids = forbids


class EventFilter:
    """The rules of one ``with filter_events()``: each method adds one.

    ``to`` is the actor that is about to serve, ``sender`` who has sent; left out, any. ``where`` is asked last: a
    function from a ``Seen`` to whether it is meant. Of a future the value is the first ``Seen``. A rule that can never
    fit is a TypeError.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._outer: Callable[[Any, Any], bool] | None = None
        self._entered = False  # by two `with` it would be its own outer one
        self._rules: list[_Rule] = []
        self._decided: dict[int, Any] = {}  # id -> event that was delayed, or is a repetition
        self._errors: list[BaseException] = []
        self._lock = threading.RLock()  # a callback or a finalizer may come back here

    def future_message(
        self, kind: type, *, sender: PID[Any] | None = None, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> Future[Seen]:
        """The first message of exactly the class ``kind``, which goes on to its handler."""
        return self._add(is_message(kind, sender, to, where), _serve)

    def drop_message(
        self, kind: type, *, sender: PID[Any] | None = None, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> Future[Seen]:
        """As future_message, and it is not served."""
        return self._add(is_message(kind, sender, to, where), _drop)

    def drop_messages(
        self, kind: type, *, sender: PID[Any] | None = None, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> Future[Seen]:
        """As drop_message, for all of them."""
        return self._add(is_message(kind, sender, to, where), _drop, once=False)

    def delay_message(
        self,
        kind: type,
        seconds: float,
        *,
        sender: PID[Any] | None = None,
        to: PID[Any] | None = None,
        where: Pattern | None = None,
    ) -> Future[Seen]:
        """As future_message, and it comes again, as if sent then, after ``seconds`` on the clock of the receiver."""
        return self._add(is_message(kind, sender, to, where), self._delaying(seconds))

    def delay_messages(
        self,
        kind: type,
        seconds: float,
        *,
        sender: PID[Any] | None = None,
        to: PID[Any] | None = None,
        where: Pattern | None = None,
    ) -> Future[Seen]:
        """As delay_message, for all of them."""
        return self._add(is_message(kind, sender, to, where), self._delaying(seconds), once=False)

    def duplicate_message(
        self,
        kind: type,
        times: int = 1,
        *,
        sender: PID[Any] | None = None,
        to: PID[Any] | None = None,
        where: Pattern | None = None,
    ) -> Future[Seen]:
        """As future_message, and copies of it come ``times`` more, behind what waits for the actor by then."""
        return self._add(is_message(kind, sender, to, where), self._repeating(times))

    def duplicate_messages(
        self,
        kind: type,
        times: int = 1,
        *,
        sender: PID[Any] | None = None,
        to: PID[Any] | None = None,
        where: Pattern | None = None,
    ) -> Future[Seen]:
        """As duplicate_message, for all of them."""
        return self._add(is_message(kind, sender, to, where), self._repeating(times), once=False)

    def expect_no_messages(
        self, kind: type, *, sender: PID[Any] | None = None, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> None:
        """Let the ``with`` end with an AssertionError if there was one; it is served all the same."""
        fits = is_message(kind, sender, to, where)
        self._add(fits, _serve, once=False, forbids=f"a message {kind.__qualname__}")

    def future_dispatch(
        self, method: Callable[..., Any], *, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> Future[Seen]:
        """The first call of ``method``, by dispatch, tell, defer or delay, which is made; that of a subclass too."""
        return self._add(is_call(method, to, where), _serve)

    def drop_dispatch(
        self, method: Callable[..., Any], *, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> Future[Seen]:
        """As future_dispatch, and it is not made: the future of its answer is abandoned."""
        return self._add(is_call(method, to, where), _drop)

    def drop_dispatches(
        self, method: Callable[..., Any], *, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> Future[Seen]:
        """As drop_dispatch, for all of them."""
        return self._add(is_call(method, to, where), _drop, once=False)

    def delay_dispatch(
        self, method: Callable[..., Any], seconds: float, *, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> Future[Seen]:
        """As future_dispatch, and it comes again, as if sent then, after ``seconds`` on the clock of the receiver."""
        return self._add(is_call(method, to, where), self._delaying(seconds))

    def delay_dispatches(
        self, method: Callable[..., Any], seconds: float, *, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> Future[Seen]:
        """As delay_dispatch, for all of them."""
        return self._add(is_call(method, to, where), self._delaying(seconds), once=False)

    def duplicate_dispatch(
        self, method: Callable[..., Any], times: int = 1, *, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> Future[Seen]:
        """As future_dispatch, and it is made ``times`` more, behind what waits for the actor by then.

        Only the first answer reaches the caller. Arguments are copied once more; one that was moved and cannot be
        copied is a NotPassable at the end of the ``with``, and the call is made once.
        """
        return self._add(is_call(method, to, where), self._repeating(times))

    def duplicate_dispatches(
        self, method: Callable[..., Any], times: int = 1, *, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> Future[Seen]:
        """As duplicate_dispatch, for all of them."""
        return self._add(is_call(method, to, where), self._repeating(times), once=False)

    def expect_no_dispatches(
        self, method: Callable[..., Any], *, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> None:
        """Let the ``with`` end with an AssertionError if there was one; it is made all the same."""
        fits = is_call(method, to, where)
        self._add(fits, _serve, once=False, forbids=f"a call of {method.__qualname__}")

    def future_exited(self, pid: PID[Any] | None = None, *, to: PID[Any] | None = None) -> Future[Seen]:
        """The first news for ``to`` that the actor at ``pid`` has stopped, which goes on to ``on_exited``."""
        return self._add(is_exit(pid, to), _serve)

    def drop_exited(self, pid: PID[Any] | None = None, *, to: PID[Any] | None = None) -> Future[Seen]:
        """As future_exited, and ``on_exited`` is not called."""
        return self._add(is_exit(pid, to), _drop)

    def __enter__(self) -> Self:
        if self._entered:
            raise RuntimeError("filter_events: this filter was entered before; make another one")
        self._entered = True
        self._outer, self._runtime.queue.filter = self._runtime.queue.filter, self._decide
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runtime.queue.filter = self._outer
        if error is None and self._errors:
            raise self._errors[0]

    def _add(self, fits: Pattern, effect: Effect, *, once: bool = True, forbids: str | None = None) -> Future[Seen]:
        rule = _Rule(fits, effect, once=once, forbids=forbids)
        assert rule.promise is not None
        future = rule.promise.future
        with self._lock:
            self._rules.append(rule)
        return future

    def _decide(self, process: Process, event: Any) -> bool:
        """Whether ``event`` is dropped, which ``process`` is about to serve: what the run queue asks."""
        with self._lock:
            decided = self._decided.pop(id(event), None) is not None
        seen = None if decided else look(process, event)
        with self._lock:
            rule = None if seen is None else self._find(seen)
            promise = None
            if rule is not None:
                promise, rule.promise = rule.promise, None
        if seen is None or rule is None:
            return self._outer is not None and self._outer(process, event)
        if promise is not None:
            promise.set(seen)
        return rule.effect(process, event)

    def _find(self, seen: Seen) -> _Rule | None:
        """The rule for ``seen``, if there is one, and not again if it is for once."""
        for rule in reversed(self._rules):
            try:
                if not rule.fits(seen):
                    continue
            except Exception as error:  # of a `where`: the test is told, the actor is not to blame
                self._errors.append(error)
                continue
            if rule.once:
                self._rules.remove(rule)
            if rule.forbids is not None:
                self._errors.append(
                    AssertionError(f"{rule.forbids} came to {seen.to}, where none was expected: {seen}")
                )
            return rule
        return None

    def _delaying(self, seconds: object) -> Effect:
        """The effect that an event comes ``seconds`` later."""
        if not isinstance(seconds, (int, float)):
            raise TypeError(f"filter: got {seconds!r}, expected a number of seconds")
        if not 0 <= seconds < math.inf:
            raise ValueError(f"filter: got {seconds!r}, expected a number of seconds of 0 or more")

        def delay(process: Process, event: Any) -> bool:
            def deliver() -> None:
                with self._lock:
                    self._decided[id(event)] = event
                process.deliver(event)

            process.runtime.clock.timer(seconds, deliver)
            return True

        return delay

    def _repeating(self, times: object) -> Effect:
        """The effect that copies of an event come ``times`` more."""
        if not isinstance(times, int) or isinstance(times, bool):
            raise TypeError(f"filter: got {times!r}, expected how often it comes again, 1 or more")
        if times < 1:
            raise ValueError(f"filter: got {times!r}, expected how often it comes again, 1 or more")

        def repeat(process: Process, event: Any) -> bool:
            try:
                copies = [event.copy() for _ in range(times)]
            except Exception as error:  # NotPassable, or what the code of a class raises: as of a `where`
                self._errors.append(error)
                return False
            for copy in copies:
                if event.kind == "dispatch":
                    copy.future.on_failed(_forget)  # or the failure, which nobody looks at, would be logged
                with self._lock:
                    self._decided[id(copy)] = copy
                process.deliver(copy)
            return False

        return repeat


def _forget(error: BaseException) -> None:
    """The answer to a repetition goes nowhere."""


def filter_events(runtime: Runtime | None = None) -> EventFilter:
    """By ``with``: look at what the actors of ``runtime``, left out: the current one, are about to serve.

    At its end the filter is taken off, and what was expected not to come, and came, is raised as an AssertionError.
    """
    return EventFilter(runtime or current_runtime("filter_events"))


def inject_exited(pid: PID[Any], *, to: PID[Any], reason: BaseException | None = None) -> None:
    """Tell the actor at ``to`` that the one at ``pid`` has stopped, whether it has, and is linked, or not."""
    if not all(isinstance(cast(object, one), PID) for one in (pid, to)):
        raise TypeError(f"inject_exited: got {pid!r} and to={to!r}, expected two PIDs, as spawn returns them")
    to._process.deliver(Exited(pid, reason))
