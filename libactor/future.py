"""Future and Promise: a value that arrives later, seen from the side that waits and from the side that delivers."""

# Who calls: users; dispatch returns futures (libactor/messages.py). State, flags and callbacks live in the core's
#   FutureCell (C or Python); here is the policy: raising and chaining one future to the next. Waiting is in
#   libactor/waiting.py, what joins several futures in libactor/combinators.py.
# Discard flows upstream (from the result of `then` to what it waits for), outcomes and abandonment flow downstream.
# A chain refers downstream strongly and upstream weakly: a result nobody keeps must not keep the chain alive for
#   discards that nobody can ask for any more.
# Source: libprocess future.hpp.

from __future__ import annotations

import itertools
import logging
import weakref
from collections.abc import Callable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from libactor._core._impl import (
    DISCARDED,
    FAILED,
    ON_ABANDONED,
    ON_ANY,
    ON_DISCARD,
    ON_DISCARDED,
    ON_FAILED,
    ON_READY,
    READY,
    FutureCell,
    configure,
    set_reporters,
)
from libactor._core.errors import Abandoned, Discarded
from libactor._core.exceptions import fresh_exception
from libactor._core.values import register_immutable
from libactor.context import current_runtime
from libactor.hops import hop
from libactor.waiting import arrival, wait_for

if TYPE_CHECKING:
    from libactor._core.clock import Timer
    from libactor.runtime import Runtime

log = logging.getLogger("libactor")

T = TypeVar("T")
U = TypeVar("U")
FutureT = TypeVar("FutureT", bound="Future[Any]")


class Future(FutureCell, Generic[T]):
    """The reading side of a value of type ``T`` that is pending, ready, failed or discarded.

    Made by dispatch or by a Promise. Any thread, any actor and any asyncio task may use it. Callbacks run in the
    thread that completes it, or at once if it is complete; wrap them in ``defer`` to run them in an actor.
    """

    __slots__ = ()

    def get(self, timeout: float | None = None) -> T:
        """Wait for the value and return it; ``timeout`` in seconds, None for ever.

        Raises: a fresh exception of the failure's own class with the original as its cause; Discarded; Abandoned;
        TimeoutError. Inside a handler the wait lets another worker run the other actors.
        """
        if self.is_pending():
            wait_for(self, timeout)
        state, value = self._outcome()
        if state == READY:
            return cast(T, value)
        if state == FAILED:
            raise fresh_exception(value) from value
        if state == DISCARDED:
            raise Discarded("get: the future was discarded")
        if self.is_abandoned():
            raise Abandoned("get: nobody is left to complete this future: its actor stopped or its promise was dropped")
        raise TimeoutError(f"get: still pending after {timeout} s")

    def exception(self) -> BaseException | None:
        """The exception of a failed future, else None; never waits."""
        state, value = self._outcome()
        return cast(BaseException, value) if state == FAILED else None

    def __await__(self) -> Generator[Any, None, T]:
        """Wait in an asyncio task; cancelling the task asks for a discard."""
        if self.is_pending():
            yield from arrival(self)
        return self.get(0)

    def on_ready(self: FutureT, callback: Callable[[Any], object]) -> FutureT:
        """Call ``callback(value)`` when the value arrives."""
        self._subscribe(ON_READY, callback)
        return self

    def on_failed(self: FutureT, callback: Callable[[BaseException], object]) -> FutureT:
        """Call ``callback(exception)`` when the computation fails."""
        self._subscribe(ON_FAILED, callback)
        return self

    def on_discarded(self: FutureT, callback: Callable[[], object]) -> FutureT:
        """Call ``callback()`` when a discard has been honoured."""
        self._subscribe(ON_DISCARDED, callback)
        return self

    def on_any(self: FutureT, callback: Callable[[Future[T]], object]) -> FutureT:
        """Call ``callback(future)`` when the future is complete in whichever way; after the more specific ones."""
        self._subscribe(ON_ANY, callback)
        return self

    def on_discard(self: FutureT, callback: Callable[[], object]) -> FutureT:
        """Call ``callback()`` when somebody asks for a discard: for the completing side."""
        self._subscribe(ON_DISCARD, callback)
        return self

    def on_abandoned(self: FutureT, callback: Callable[[], object]) -> FutureT:
        """Call ``callback()`` when nobody is left who could complete the future."""
        self._subscribe(ON_ABANDONED, callback)
        return self

    @overload
    def then(self, function: Callable[[T], Future[U]]) -> Future[U]: ...
    @overload
    def then(self, function: Callable[[T], U]) -> Future[U]: ...
    def then(self, function: Callable[[T], Any]) -> Future[Any]:
        """The future of ``function(value)``; failure, discard and abandonment pass through.

        A future that ``function`` returns is waited for. After a discard request ``function`` is not called: the
        result is discarded. A discard of the result reaches this future and the one ``function`` returned.
        """
        result: Future[Any] = Future()
        _pass_discard_up(result, self)
        self._subscribe(ON_ABANDONED, partial(hop, result._abandon))
        self._subscribe(ON_ANY, _Step(READY, function, result))
        return result

    def repair(self, function: Callable[[Future[T]], T | Future[T]]) -> Future[T]:
        """As ``then`` for a failure: the future of ``function(this future)``; other outcomes pass through.

        A discard request does not keep ``function`` from being called, but reaches the future it returns.
        """
        result: Future[T] = Future()
        _pass_discard_up(result, self)
        self._subscribe(ON_ABANDONED, partial(hop, result._abandon))
        self._subscribe(ON_ANY, _Step(FAILED, function, result))
        return result

    def recover(self, function: Callable[[Future[T]], T | Future[T]]) -> Future[T]:
        """As this future if it is ready, else (failed, discarded or abandoned) the future of ``function(this future)``.

        A discard of the result reaches this future, and is forgotten when ``function`` is called: it does not reach the
        future that ``function`` returns, but one that comes later does. Source: libprocess future.hpp.
        """
        result: _Recovered[T] = _Recovered()
        step = _Recovery(self, function, result)
        _pass_discard_up(result, self)
        self._subscribe(ON_ABANDONED, step)
        self._subscribe(ON_ANY, step)
        return result

    def after(
        self, seconds: float, function: Callable[[Future[T]], T | Future[T]], *, runtime: Runtime | None = None
    ) -> Future[T]:
        """As this future if it completes within ``seconds``, else the future of ``function(this future)``.

        The time is that of the clock of ``runtime``, left out: the current one. ``function`` runs in the worker that
        fires the timer: let it not wait, or wrap it in ``defer``. It is called although a discard was asked for, which
        reaches the future it returns. Abandonment passes at once; ``function`` is called all the same, in its time.

        Raises: ValueError for a negative or undefined time; NoRuntime without a runtime. Source: libprocess future.hpp.
        """
        result: Future[T] = Future()
        clock = (runtime or current_runtime("after")).clock
        timer = clock.timer(seconds, _Late(self, function, result))
        _pass_discard_up(result, self)
        self._subscribe(ON_ABANDONED, partial(hop, result._abandon))
        self._subscribe(ON_ANY, partial(_in_time, timer, result))
        return result

    def __repr__(self) -> str:
        if self.is_pending():
            state = "Abandoned" if self.is_abandoned() else "Pending"
        else:
            state = "Ready" if self.is_ready() else "Failed" if self.is_failed() else "Discarded"
        return f"<Future {state}{' (with discard)' if self.has_discard() else ''}>"


register_immutable(Future)
configure(future_type=Future)
set_reporters(
    lambda error: log.error("a future failed and nobody looked at it", exc_info=error),
    lambda callback, error: log.error("a callback of a future raised: %r", callback, exc_info=error),
)


class Promise(Generic[T]):
    """The delivering side of one future. A promise that goes away undelivered abandons its future."""

    __slots__ = ("_associated", "future")

    def __init__(self) -> None:
        self.future: Future[T] = Future()
        self._associated = False

    def set(self, value: T | Future[T]) -> bool:
        """Deliver ``value``, or ``associate`` with it if it is a future.

        False if the future is complete, or was handed over by ``associate``.
        """
        if isinstance(value, Future):
            return self.associate(value)
        return not self._associated and self.future._complete(READY, value)

    def fail(self, error: BaseException) -> bool:
        """Deliver a failure; False as ``set``. Raises TypeError if ``error`` is not an exception."""
        if not isinstance(error, BaseException):
            raise TypeError(f"fail: got {error!r}, expected an exception object")
        return not self._associated and self.future._complete(FAILED, error)

    def discard(self) -> bool:
        """Honour a discard; False as ``set``."""
        return not self._associated and self.future._complete(DISCARDED, None)

    def associate(self, source: Future[T]) -> bool:
        """Let ``source`` deliver from now on; False if the future is complete or was handed over before."""
        if self._associated or not self.future.is_pending():
            return False
        self._associated = True
        mirror(source, self.future)
        return True

    def __del__(self) -> None:
        if not self._associated:
            self.future._abandon()


def ready(value: T) -> Future[T]:
    """A future that already holds ``value``."""
    future: Future[T] = Future()
    future._complete(READY, value)
    return future


def failed(error: BaseException) -> Future[Any]:
    """A future that has already failed with ``error``."""
    future: Future[Any] = Future()
    future._complete(FAILED, error)
    return future


def mirror(source: Future[T], target: Future[T]) -> None:
    """Complete ``target`` as ``source`` is; a discard of ``target`` reaches ``source``, abandonment comes back."""
    _pass_discard_up(target, source)
    source._subscribe(ON_ABANDONED, partial(hop, target._abandon))
    source._subscribe(ON_ANY, lambda done: hop(target._complete, *done._outcome()))


def _pass_discard_up(result: Future[Any], source: Future[Any]) -> None:
    upstream = weakref.ref(source)

    def discard() -> None:
        future = upstream()
        if future is not None:
            hop(future.discard)

    result._subscribe(ON_DISCARD, discard)


class _Step:
    """What ``then`` and ``repair`` subscribe: completes ``result`` by ``function`` if the source comes to ``outcome``.

    Otherwise ``result`` goes the way of the source.
    """

    __slots__ = ("function", "outcome", "result")

    def __init__(self, outcome: int, function: Callable[[Any], Any], result: Future[Any]) -> None:
        self.outcome = outcome
        self.function = function
        self.result = result

    def __call__(self, source: Future[Any]) -> None:
        outcome, value = source._outcome()
        if outcome != self.outcome:
            hop(self.result._complete, outcome, value)
        elif outcome == READY and (source.has_discard() or self.result.has_discard()):
            hop(self.result._complete, DISCARDED, None)
        else:
            try:
                hop(deliver, self.result, self.function(value if outcome == READY else source))
            except BaseException as error:
                fail_for(self, "result", error)
                if not isinstance(error, Exception):
                    raise


class _Recovered(Future[T]):
    """The result of ``recover``: once the source is lost it starts afresh, as if nobody had asked for a discard."""

    __slots__ = ("_afresh",)

    # _afresh: once the source is lost, stands in for this cell in all that concerns discards.
    # No other future forgets a discard. One that another thread asks for just then counts as before the loss.

    def __init__(self) -> None:
        super().__init__()
        self._afresh: Future[None] | None = None

    def discard(self) -> bool:
        """Ask the completing side to give up: see Future.discard."""
        if self._afresh is None:
            return super().discard()
        asked = self.is_pending() and self._afresh.discard()
        if asked:
            super().discard()  # for those who subscribed before and have heard nothing yet
        return asked

    def has_discard(self) -> bool:
        """True once somebody has asked for a discard, since the source was lost if it was."""
        return super().has_discard() if self._afresh is None else self._afresh.has_discard()

    def _subscribe(self, kind: int, callback: Callable[..., object], /) -> None:
        if kind == ON_DISCARD and self._afresh is not None:
            self._afresh._subscribe(kind, callback)
        else:
            super()._subscribe(kind, callback)


register_immutable(_Recovered)


class _Recovery:
    """What ``recover`` subscribes: completes ``result`` as the source, or by ``function`` if the source is lost."""

    __slots__ = ("_calls", "_source", "function", "result")

    def __init__(self, source: Future[Any], function: Callable[[Any], Any], result: _Recovered[Any]) -> None:
        self._source = weakref.ref(source)  # it refers to this object, and must go without the collector
        self.function = function
        self.result = result
        self._calls = itertools.count()  # the first decides: what is abandoned may still complete

    def __call__(self, completed: Future[Any] | None = None) -> None:
        source = completed or self._source()
        if source is None or next(self._calls):
            return
        if source.is_ready():
            hop(self.result._complete, *source._outcome())
        else:
            self.result._afresh = Future()
            _deliver_outcome_of(self, source)


class _Late:
    """What ``after`` sets a timer for: completes ``result`` by ``function``."""

    __slots__ = ("function", "result", "source")

    def __init__(self, source: Future[Any], function: Callable[[Any], Any], result: Future[Any]) -> None:
        self.source = source
        self.function = function
        self.result = result

    def __call__(self) -> None:
        _deliver_outcome_of(self, self.source)


def _in_time(timer: Timer, result: Future[Any], source: Future[Any]) -> None:
    """Complete ``result`` as ``source``, unless ``timer`` has fired."""
    if timer.cancel():
        hop(result._complete, *source._outcome())


def _deliver_outcome_of(step: _Recovery | _Late, source: Future[Any]) -> None:
    """Complete the result of ``step`` with what its function makes of ``source``."""
    try:
        hop(deliver, step.result, step.function(source))
    except BaseException as error:
        fail_for(step, "result", error)
        if not isinstance(error, Exception):
            raise


def deliver(future: Future[Any], value: Any) -> None:
    """Complete ``future`` with ``value``, or let it follow ``value`` if that is itself a future."""
    if isinstance(value, Future):
        mirror(value, future)
    else:
        future._complete(READY, value)


def fail_for(holder: object, name: str, error: BaseException) -> None:
    """Fail the future in the attribute ``name`` of ``holder`` with an exception just caught, and empty the attribute.

    The traceback leads to the frames it was raised under, and they to ``holder``: with the future still in it, memory
    and report of a failure that nobody looks at would wait for the collector. The caller's frame is left out.
    """
    future: Future[Any] = getattr(holder, name)
    delattr(holder, name)
    trace = error.__traceback__
    future._complete(FAILED, error.with_traceback(None if trace is None else trace.tb_next))
