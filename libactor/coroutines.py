"""Handlers that await: the mark that keeps other events out meanwhile, a pause, and what to say about misuse."""

# Who calls: users; the core asks when a coroutine first waits (_is_exclusive), awaits what it cannot (_refuse_awaited),
#   or ends with an error that asyncio may have raised (_explain_escaped). What drives coroutines: _core/_coroutine.py.

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from libactor._core._impl import FutureCell, configure
from libactor.alarm import after

if TYPE_CHECKING:
    from libactor.future import Future
    from libactor.process import Process
    from libactor.runtime import Runtime

HandlerT = TypeVar("HandlerT", bound=Callable[..., Coroutine[Any, Any, Any]])

_BRIDGE = "await libactor.aio.run(...) with it, which runs it on an asyncio loop and returns a future"
_LOOPLESS = ("should be used inside a task", "is bound to a different event loop")
_INSTEAD = "in place of its Lock, Event and Queue take libactor's Mutex, Latch and Queue, and sleep for its sleep"


def exclusive(handler: HandlerT) -> HandlerT:
    """Mark an ``async def`` handler: while it waits, its actor serves nothing else.

    Only what goes by the control lane, and a termination ahead of what waits, come in between. To await an answer of
    the own actor raises RuntimeError, since that could never be given.
    Raises: TypeError for what is no ``async def`` function: another handler lets nothing in between anyway.
    """
    if not inspect.iscoroutinefunction(handler):
        raise TypeError(
            f"exclusive: {getattr(handler, '__qualname__', handler)!s} is no `async def` function; only such a one can "
            "wait, any other handler is exclusive as it is"
        )
    handler.__dict__["_exclusive"] = True
    return handler


def is_exclusive(handler: object) -> bool:
    """Whether ``handler``, a function or a method, was marked by ``exclusive``; of what is no handler: False.

    For libraries that take methods of their users and run them otherwise than as handlers, where the mark would keep
    nothing out: they can refuse it.
    """
    return getattr(handler, "_exclusive", False) is True


def sleep(seconds: float, *, runtime: Runtime | None = None) -> Future[None]:
    """A future to await: ready, with None, not earlier than ``seconds`` from now; a discard cancels the timer.

    The time is that of the clock of ``runtime``, left out: the current one. The same as ``after``, by the name that one
    looks for. Raises: ValueError for a negative or undefined time; NoRuntime without a runtime.
    """
    return after(seconds, runtime=runtime)


def _is_exclusive(kind: type, what: Any) -> bool:
    """Whether the handler was marked; ``what``: the name of a method, the class of a message, or a callable."""
    handled = getattr(kind, "_libactor_handlers", {}).get(what) if isinstance(what, type) else None
    name = handled[0] if handled is not None else what
    handler = getattr(kind, name, None) if isinstance(name, str) else name
    return is_exclusive(handler)


def _refuse_awaited(process: Process, what: Any, awaited: Any) -> BaseException:
    """The error to raise in a coroutine at the await of something it would wait for in vain."""
    name = getattr(what, "__qualname__", what)
    if isinstance(awaited, FutureCell):
        return RuntimeError(
            f"await: {name} of {process.pid} would wait for an answer of its own actor, which serves nothing before it "
            "is over; call the method itself, or do not hold other events back (@exclusive, on_start, on_stop)"
        )
    return TypeError(
        f"await: {name} of {process.pid} awaits {_say_what(awaited)}, expected a libactor future; {_BRIDGE}"
    )


def _say_what(awaited: Any) -> str:
    if awaited is None:
        return "nothing (a bare yield, as in asyncio.sleep(0))"
    return f"{awaited!r}, an awaitable of {type(awaited).__module__.partition('.')[0].lstrip('_')}"


def _explain_escaped(error: BaseException) -> None:
    """Note on an error of asyncio's own functions, called in an actor, what to do instead."""
    if _misses_loop(error):
        error.add_note(f"there is no asyncio loop in an actor: {_BRIDGE}; {_INSTEAD}")


def _misses_loop(error: BaseException) -> bool:
    """Whether asyncio has raised it for want of a loop: it says so, or it takes None for the loop it looked for."""
    text = str(error)
    if text.startswith(("no running event loop", "There is no current event loop")):
        return True
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or not str(trace.tb_frame.f_globals.get("__name__")).startswith("asyncio."):
        return False
    return (isinstance(error, AttributeError) and error.obj is None) or text.endswith(_LOOPLESS)


configure(is_exclusive=_is_exclusive, refuse_awaited=_refuse_awaited, explain_escaped=_explain_escaped)
