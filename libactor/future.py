"""Future and Promise: a value that arrives later, seen from the side that waits and from the side that delivers."""

# Who calls: users; dispatch returns futures (libactor/messages.py). State, callbacks and the steps from one future to
#   the next live in the core (FutureCell and PromiseCell, in C or Python); here are their types, and the policy: what
#   raises, what is copied for a reader. Waiting is in libactor/waiting.py, what joins several in combinators.py.
# Discard flows upstream (from the result of `then` to what it waits for), outcomes and abandonment flow downstream.
# Source: libprocess future.hpp.

from __future__ import annotations

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
    READY,
    FutureCell,
    Moved,
    PromiseCell,
    configure,
    hop,
    set_reporters,
)
from libactor._core._steps import check_function
from libactor._core.errors import Abandoned, Discarded, Disconnected, MailboxFull
from libactor._core.exceptions import fresh_exception
from libactor._core.values import by_value, register_immutable
from libactor.context import current_runtime
from libactor.waiting import arrival, is_driven, wait_for

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

    if TYPE_CHECKING:  # what FutureCell has, with the types of this class

        def get(self, timeout: float | None = None) -> T: ...
        def on_ready(self: FutureT, callback: Callable[[Any], object], /) -> FutureT: ...
        def on_failed(self: FutureT, callback: Callable[[BaseException], object], /) -> FutureT: ...
        def on_discarded(self: FutureT, callback: Callable[[], object], /) -> FutureT: ...
        def on_any(self: FutureT, callback: Callable[[Future[T]], object], /) -> FutureT: ...
        def on_discard(self: FutureT, callback: Callable[[], object], /) -> FutureT: ...
        def on_abandoned(self: FutureT, callback: Callable[[], object], /) -> FutureT: ...
        @overload
        def then(self, function: Callable[[T], Future[U]], /) -> Future[U]: ...
        @overload
        def then(self, function: Callable[[T], U], /) -> Future[U]: ...
        def then(self, function: Callable[[T], Any], /) -> Future[Any]: ...
        def repair(self, function: Callable[[Future[T]], T | Future[T]], /) -> Future[T]: ...
        def recover(self, function: Callable[[Future[T]], T | Future[T]], /) -> Future[T]: ...

    def exception(self) -> BaseException | None:
        """The exception of a failed future, else None; never waits."""
        state, value = self._outcome()
        return cast(BaseException, value) if state == FAILED else None

    def __await__(self) -> Generator[Any, None, T]:
        """Wait in a handler that is a coroutine, or in an asyncio task; cancelling the task asks for a discard.

        Raises as ``get``. In a handler the actor serves other events meanwhile.
        """
        if not self.is_ready():
            if self.is_pending():
                yield from (self,) if is_driven() else arrival(self)
            _refuse_unready(self)
        return self.get(0)

    def after(
        self, seconds: float, function: Callable[[Future[T]], T | Future[T]], *, runtime: Runtime | None = None
    ) -> Future[T]:
        """As this future if it completes within ``seconds``, else the future of ``function(this future)``.

        The time is that of the clock of ``runtime``, left out: the current one. ``function`` runs in the worker that
        fires the timer: let it not wait, or wrap it in ``defer``. It is called although a discard was asked for, which
        reaches the future it returns. Abandonment passes at once; ``function`` is called all the same, in its time.

        Raises: ValueError for a negative or undefined time; NoRuntime without a runtime. Source: libprocess future.hpp.
        """
        check_function("after", function)
        result: Future[T] = Future()
        clock = (runtime or current_runtime("after")).clock
        timer = clock.timer(seconds, _Late(self, function, result))
        _pass_discard_up(result, self)
        pass_abandonment(self, result)
        self._subscribe(ON_ANY, partial(_in_time, timer, result))
        return result

    def __repr__(self) -> str:
        if self.is_pending():
            state = "Abandoned" if self.is_abandoned() else "Pending"
        else:
            state = "Ready" if self.is_ready() else "Failed" if self.is_failed() else "Discarded"
        return f"<Future {state}{' (with discard)' if self.has_discard() else ''}>"


def _get_slowly(future: Future[Any], timeout: float | None, left: float | None) -> None:
    """Come back once ``future`` is ready; raise what ``get`` raises if it is not so when ``left`` seconds are over."""
    if future.is_pending():
        wait_for(future, timeout, left)
    _refuse_unready(future)
    if future.is_pending():
        raise TimeoutError(f"get: still pending after {timeout} s")


def _refuse_unready(future: Future[Any]) -> None:
    """Raise what a reader of ``future`` gets unless it is ready, or may still become so."""
    state, value = future._outcome()
    if state == FAILED:
        raise fresh_exception(value) from value
    if state == DISCARDED:
        raise Discarded("get: the future was discarded")
    if future.is_abandoned():
        raise _abandoned(value)


def _abandoned(cause: Any) -> Abandoned:
    """What to raise for an abandoned future; ``cause``: PID and reason of an actor that stopped, a text, or None."""
    if isinstance(cause, str):
        return Abandoned(cause)
    if not isinstance(cause, tuple):
        return Abandoned("get: nobody is left to complete this future: its actor stopped or its promise was dropped")
    pid, reason = cause
    if isinstance(reason, MailboxFull):
        error = Abandoned(f"get: nobody will complete this future: {reason}")
        error.pid, error.reason = pid, reason
        return error
    if isinstance(reason, Disconnected):
        what = f"{reason}; {pid} may live on"
    elif reason is None:
        what = f"{pid} was terminated before it answered, or is not there"
    else:
        what = f"{pid} stopped with {reason!r} before it answered"
    error = Abandoned(f"get: nobody is left to complete this future: {what}")
    error.pid, error.reason = pid, reason
    return error


def _copy_value(value: Any) -> Any:
    """The value of a future for one more reader."""
    return by_value(value, "value of a future")


def _pass_answer(value: Any) -> tuple[Any, bool]:
    """What a handler's future came to, as it leaves the actor, and whether each reader gets a copy of it."""
    passed = by_value(value, "value of the future that a handler returned")
    return passed, passed is not value and type(value) is not Moved


register_immutable(Future)
configure(
    future_type=Future,
    get_slowly=_get_slowly,
    copy_value=_copy_value,
    pass_answer=_pass_answer,
    discarded_error=Discarded,
)


def _report_unobserved(error: BaseException) -> None:
    """Log a failure that nobody asks for any more, and whose call it came out of, if it was one."""
    call = error.__dict__.get("_libactor_call")
    of = "" if call is None else f": {call}"
    log.error("a future failed and nobody looked at it%s", of, exc_info=error)


set_reporters(
    _report_unobserved,
    lambda callback, error: log.error("a callback of a future raised: %r", callback, exc_info=error),
)


class Promise(PromiseCell, Generic[T]):
    """The delivering side of one future. A promise that goes away undelivered abandons its future."""

    __slots__ = ()

    if TYPE_CHECKING:  # what PromiseCell has, with the types of this class

        @property
        def future(self) -> Future[T]: ...
        def set(self, value: T | Future[T], /) -> bool: ...
        def associate(self, source: Future[T], /) -> bool: ...


def ready(value: T) -> Future[T]:
    """A future that already holds ``value``."""
    future: Future[T] = Future()
    future._complete(READY, value)
    return future


def failed(error: BaseException) -> Future[Any]:
    """A future that has already failed with ``error``. Raises: TypeError if it is not an exception object."""
    if not isinstance(error, BaseException):
        raise TypeError(f"failed: got {error!r}, expected an exception object")
    future: Future[Any] = Future()
    future._complete(FAILED, error)
    return future


def _pass_discard_up(result: Future[Any], source: Future[Any]) -> None:
    upstream = weakref.ref(source)

    def discard() -> None:
        future = upstream()
        if future is not None:
            hop(future.discard)

    result._subscribe(ON_DISCARD, discard)


def pass_abandonment(source: Future[Any], result: Future[Any]) -> None:
    """Abandon ``result`` when ``source`` is, for the same cause."""
    upstream = weakref.ref(source)  # the callback lies in the source itself

    def abandon() -> None:
        future = upstream()
        hop(result._abandon, None if future is None else future._outcome()[1])

    source._subscribe(ON_ABANDONED, abandon)


class _Late:
    """What ``after`` sets a timer for: completes ``result`` by ``function``."""

    __slots__ = ("function", "result", "source")

    def __init__(self, source: Future[Any], function: Callable[[Any], Any], result: Future[Any]) -> None:
        self.source = source
        self.function = function
        self.result = result

    def __call__(self) -> None:
        try:
            hop(deliver, self.result, self.function(self.source))
        except BaseException as error:
            fail_for(self, "result", error)
            if not isinstance(error, Exception):
                raise


def _in_time(timer: Timer, result: Future[Any], source: Future[Any]) -> None:
    """Complete ``result`` as ``source``, unless ``timer`` has fired."""
    if timer.cancel():
        hop(result._follow, source)


def deliver(future: Future[Any], value: Any) -> None:
    """Complete ``future`` with ``value``, or let it follow ``value`` if that is itself a future."""
    if isinstance(value, Future):
        future._follow(value)
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
