"""Event filters: a test awaits, drops or forbids what actors are about to serve."""

# Who calls: tests, by `with filter_events() as events`; a worker asks the filter of its run queue before each event.
# Rules: 1. an event is looked at when it is about to be served, not when it is sent, so an actor that was stopped first
#   never shows it.    2. the rule made last that fits decides alone; those in the singular fit once, the others always.
#   3. what is dropped is not served; who waits for its answer finds it abandoned, and no dead letter is counted.
#   4. starting and stopping are no events to a filter.    5. of two filters the inner decides, if a rule of it fits.
# Futures are completed, so their callbacks run, in the worker and before the event is served: a test that goes on to
#   what the event has done settles the clock, or asks the actor.
# Source: libprocess filter.hpp, gmock.hpp.

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias

from libactor.context import current_runtime
from libactor.events import Exited
from libactor.future import Future, Promise
from libactor.pid import PID

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from libactor.process import Process
    from libactor.runtime import Runtime


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a filter has met, as the actor gets it: look at it, and change nothing in it."""

    kind: str  # "message", "dispatch", "tell" (also of a delay), "execute" or "exited"
    to: PID[Any]
    what: Any  # the message; the method's name; the callable; the PID that has stopped
    sender: PID[Any] | None = None  # of a message
    arguments: tuple[Any, ...] = ()  # of a call
    keywords: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))  # of a call
    reason: BaseException | None = None  # of an exit


Pattern: TypeAlias = Callable[[Seen], bool]


class _Rule:
    """What to do with the events that ``fits`` accepts."""

    __slots__ = ("drops", "fits", "forbids", "once", "promise")

    # drops: they are not served.    once: only the first of them.    promise: to be set with the first one.
    # forbids: what the error calls them, if none may come.

    def __init__(self, fits: Pattern, *, drops: bool = False, once: bool = True, forbids: str | None = None) -> None:
        self.fits = fits
        self.drops = drops
        self.once = once
        self.promise: Promise[Seen] | None = Promise()
        self.forbids = forbids


class EventFilter:
    """The rules of one ``with filter_events()``: each method adds one.

    ``to`` is the actor that is about to serve, ``sender`` who has sent; left out, any. ``where`` is asked last: a
    function from a ``Seen`` to whether it is meant. Of a future the value is the first ``Seen``.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._outer: Callable[[Any, Any], bool] | None = None
        self._entered = False  # by two `with` it would be its own outer one
        self._rules: list[_Rule] = []
        self._errors: list[BaseException] = []
        self._lock = threading.RLock()  # a callback or a finalizer may come back here

    def future_message(
        self, kind: type, *, sender: PID[Any] | None = None, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> Future[Seen]:
        """The first message of exactly the class ``kind``, which goes on to its handler."""
        return self._add(_Rule(_is_message(kind, sender, to, where)))

    def drop_message(
        self, kind: type, *, sender: PID[Any] | None = None, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> Future[Seen]:
        """As future_message, and it is not served."""
        return self._add(_Rule(_is_message(kind, sender, to, where), drops=True))

    def drop_messages(
        self, kind: type, *, sender: PID[Any] | None = None, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> Future[Seen]:
        """As drop_message, for all of them."""
        return self._add(_Rule(_is_message(kind, sender, to, where), drops=True, once=False))

    def expect_no_messages(
        self, kind: type, *, sender: PID[Any] | None = None, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> None:
        """Let the ``with`` end with an AssertionError if there was one; it is served all the same."""
        fits = _is_message(kind, sender, to, where)
        self._add(_Rule(fits, once=False, forbids=f"a message {kind.__qualname__}"))

    def future_dispatch(
        self, method: Callable[..., Any], *, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> Future[Seen]:
        """The first call of ``method``, by dispatch, tell, defer or delay, which is made; that of a subclass too."""
        return self._add(_Rule(_is_call(method, to, where)))

    def drop_dispatch(
        self, method: Callable[..., Any], *, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> Future[Seen]:
        """As future_dispatch, and it is not made: the future of its answer is abandoned."""
        return self._add(_Rule(_is_call(method, to, where), drops=True))

    def drop_dispatches(
        self, method: Callable[..., Any], *, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> Future[Seen]:
        """As drop_dispatch, for all of them."""
        return self._add(_Rule(_is_call(method, to, where), drops=True, once=False))

    def expect_no_dispatches(
        self, method: Callable[..., Any], *, to: PID[Any] | None = None, where: Pattern | None = None
    ) -> None:
        """Let the ``with`` end with an AssertionError if there was one; it is made all the same."""
        self._add(_Rule(_is_call(method, to, where), once=False, forbids=f"a call of {method.__qualname__}"))

    def future_exited(self, pid: PID[Any] | None = None, *, to: PID[Any] | None = None) -> Future[Seen]:
        """The first news for ``to`` that the actor at ``pid`` has stopped, which goes on to ``on_exited``."""
        return self._add(_Rule(_is_exit(pid, to)))

    def drop_exited(self, pid: PID[Any] | None = None, *, to: PID[Any] | None = None) -> Future[Seen]:
        """As future_exited, and ``on_exited`` is not called."""
        return self._add(_Rule(_is_exit(pid, to), drops=True))

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

    def _add(self, rule: _Rule) -> Future[Seen]:
        assert rule.promise is not None
        future = rule.promise.future
        with self._lock:
            self._rules.append(rule)
        return future

    def _decide(self, process: Process, event: Any) -> bool:
        """Whether ``event`` is dropped, which ``process`` is about to serve: what the run queue asks."""
        seen = _look(process, event)
        with self._lock:
            rule = None if seen is None else self._find(seen)
            promise = None
            if rule is not None:
                promise, rule.promise = rule.promise, None
        if seen is None or rule is None:
            return self._outer is not None and self._outer(process, event)
        if promise is not None:
            promise.set(seen)
        return rule.drops

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


def filter_events(runtime: Runtime | None = None) -> EventFilter:
    """By ``with``: look at what the actors of ``runtime``, left out: the current one, are about to serve.

    At its end the filter is taken off, and what was expected not to come, and came, is raised as an AssertionError.
    """
    return EventFilter(runtime or current_runtime("filter_events"))


def inject_exited(pid: PID[Any], *, to: PID[Any], reason: BaseException | None = None) -> None:
    """Tell the actor at ``to`` that the one at ``pid`` has stopped, whether it has, and is linked, or not."""
    to._process.deliver(Exited(pid, reason))


def _look(process: Process, event: Any) -> Seen | None:
    """What there is to see of ``event``; None of the events of an actor's start and stop."""
    if isinstance(event, Exited):
        return Seen("exited", process.pid, event.pid, reason=event.reason)
    kind = getattr(event, "kind", None)
    if kind is None:
        return None
    if kind == "message":
        return Seen(kind, process.pid, event.what, sender=event.future)
    return Seen(kind, process.pid, event.what, None, event.arguments, MappingProxyType(event.keywords))


def _is_message(kind: type, sender: PID[Any] | None, to: PID[Any] | None, where: Pattern | None) -> Pattern:
    if not isinstance(kind, type):
        raise TypeError(f"filter: got {kind!r}, expected a message class, such as Reset")

    def fits(seen: Seen) -> bool:
        if seen.kind != "message" or type(seen.what) is not kind or (sender is not None and seen.sender != sender):
            return False
        return _fits(seen, to, where)

    return fits


def _is_call(method: Callable[..., Any], to: PID[Any] | None, where: Pattern | None) -> Pattern:
    if not hasattr(method, "__name__") or hasattr(method, "__self__"):
        raise TypeError(f"filter: got {method!r}, expected a function of the actor's class, such as Counter.add")

    def fits(seen: Seen) -> bool:
        if seen.kind not in ("dispatch", "tell"):
            return False
        kinds = seen.to._process.kind.__mro__
        return any(getattr(kind, seen.what, None) is method for kind in kinds) and _fits(seen, to, where)

    return fits


def _is_exit(pid: PID[Any] | None, to: PID[Any] | None) -> Pattern:
    return lambda seen: seen.kind == "exited" and pid in (None, seen.what) and _fits(seen, to, None)


def _fits(seen: Seen, to: PID[Any] | None, where: Pattern | None) -> bool:
    return to in (None, seen.to) and (where is None or where(seen))
