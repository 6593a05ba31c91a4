"""Future and Promise: a value that arrives later, seen from the side that waits and from the side that delivers."""

# Who calls: users; dispatch returns futures (libactor/messages.py). State, flags and callbacks live in the core's
#   FutureCell (C or Python); here is the policy: waiting, raising, chaining.
# Discard flows upstream (from the result of `then` to what it waits for), outcomes and abandonment flow downstream.
# A chain refers downstream strongly and upstream weakly: a result nobody keeps must not keep the chain alive for
#   discards that nobody can ask for any more.
# Source: libprocess future.hpp.

from __future__ import annotations

import asyncio
import logging
import threading
import weakref
from collections import deque
from collections.abc import Callable, Generator
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar, cast, overload

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
    set_reporters,
)
from libactor._core.clock import SECONDS_MAX
from libactor._core.errors import Abandoned, Discarded
from libactor._core.exceptions import fresh_exception
from libactor._core.values import register_immutable
from libactor.context import running

log = logging.getLogger("libactor")

T = TypeVar("T")
U = TypeVar("U")
FutureT = TypeVar("FutureT", bound="Future[Any]")

HOPS_MAX = 16  # each takes up to ten frames of the thousand that Python allows


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
            _wait(self, timeout)
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
            yield from _arrival(self)
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
        self._subscribe(ON_ABANDONED, partial(_hop, result._abandon))
        self._subscribe(ON_ANY, _Step(READY, function, result))
        return result

    def repair(self, function: Callable[[Future[T]], T | Future[T]]) -> Future[T]:
        """As ``then`` for a failure: the future of ``function(this future)``; other outcomes pass through.

        A discard request does not keep ``function`` from being called, but reaches the future it returns.
        """
        result: Future[T] = Future()
        _pass_discard_up(result, self)
        self._subscribe(ON_ABANDONED, partial(_hop, result._abandon))
        self._subscribe(ON_ANY, _Step(FAILED, function, result))
        return result

    def __repr__(self) -> str:
        if self.is_pending():
            state = "Abandoned" if self.is_abandoned() else "Pending"
        else:
            state = "Ready" if self.is_ready() else "Failed" if self.is_failed() else "Discarded"
        return f"<Future {state}{' (with discard)' if self.has_discard() else ''}>"


register_immutable(Future)
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
    source._subscribe(ON_ABANDONED, partial(_hop, target._abandon))
    source._subscribe(ON_ANY, lambda done: _hop(target._complete, *done._outcome()))


def _pass_discard_up(result: Future[Any], source: Future[Any]) -> None:
    upstream = weakref.ref(source)

    def discard() -> None:
        future = upstream()
        if future is not None:
            _hop(future.discard)

    result._subscribe(ON_DISCARD, discard)


class _Hops(threading.local):
    """How far the calling thread is along chains of futures, one of which completes the next."""

    def __init__(self) -> None:
        self.depth = 0  # hops that stand on one another on the stack
        self.waiting: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()  # hops put off until it unwinds


_hops = _Hops()


def _hop(function: Callable[..., object], *arguments: Any) -> None:
    """Go on to the next future of a chain; when HOPS_MAX stand on the stack, as soon as it has unwound.

    A chain may be long (a loop of continuations is one), and a stack that overflows would break it: those at its end
    would wait for ever.
    """
    if _hops.depth == HOPS_MAX:
        _hops.waiting.append((function, arguments))
        return
    _hops.depth += 1
    try:
        function(*arguments)
        if _hops.depth == 1:
            _hop_on()
    finally:
        _hops.depth -= 1


def _hop_on() -> None:
    """Make the hops that were put off: at the bottom of the stack, or before the calling thread waits for one."""
    while _hops.waiting:
        function, arguments = _hops.waiting.popleft()
        function(*arguments)


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
            _hop(self.result._complete, outcome, value)
        elif outcome == READY and (source.has_discard() or self.result.has_discard()):
            _hop(self.result._complete, DISCARDED, None)
        else:
            try:
                _hop(deliver, self.result, self.function(value if outcome == READY else source))
            except BaseException as error:
                fail_for(self, "result", error)
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


def _wait(future: Future[Any], timeout: float | None) -> None:
    """Block the calling thread until ``future`` is complete or abandoned, or ``timeout`` seconds have passed."""
    _hop_on()
    process = running.process
    if process is None:
        _sleep(future, timeout, lambda: None)
    else:
        with process.runtime.workers.blocking() as enter:
            _sleep(future, timeout, enter)


def _sleep(future: Future[Any], timeout: float | None, enter: Callable[[], None]) -> None:
    """As _wait; whoever ends it calls ``enter`` first."""
    arrivals: SimpleQueue[None] = SimpleQueue()  # its get() lets Ctrl-C through, and a second put does no harm

    def arrive(_: object = None) -> None:
        enter()
        arrivals.put(None)

    future._subscribe(ON_ANY, arrive)
    future._subscribe(ON_ABANDONED, arrive)
    try:
        arrivals.get(timeout=None if timeout is None else min(max(0.0, timeout), SECONDS_MAX))
    except BaseException as error:  # the time is over, or Ctrl-C
        future._unsubscribe(ON_ANY, arrive)
        future._unsubscribe(ON_ABANDONED, arrive)
        if not isinstance(error, Empty):
            raise


def _arrival(future: Future[Any]) -> Generator[Any, None, None]:
    """Suspend the running asyncio task until ``future`` is complete or abandoned."""
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()

    def wake() -> None:
        if not waiter.done():
            waiter.set_result(None)

    def wake_from_anywhere(_: object = None) -> None:
        try:
            loop.call_soon_threadsafe(wake)
        except RuntimeError:
            if not loop.is_closed():  # else nobody waits any more
                raise

    future._subscribe(ON_ANY, wake_from_anywhere)
    future._subscribe(ON_ABANDONED, wake_from_anywhere)
    try:
        yield from waiter
    except BaseException as error:  # cancelled, or the coroutine was closed
        future._unsubscribe(ON_ANY, wake_from_anywhere)
        future._unsubscribe(ON_ABANDONED, wake_from_anywhere)
        if isinstance(error, asyncio.CancelledError):
            future.discard()
        raise
