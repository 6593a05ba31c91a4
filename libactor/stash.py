"""The stash: what an actor sets aside until it can serve it."""

# Who calls: Actor.stash and Actor.unstash, inside a handler. The core keeps what was set aside (csrc/stash.c).
# What is set aside is the event with its arguments, as the handler leaves them: they were taken by value for this
#   actor, and are not taken again.
# Rejected: setting a coroutine aside. It would be begun and served again, and answer twice.

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from libactor._core.errors import StashFull
from libactor.context import running_process

if TYPE_CHECKING:
    from libactor.actor import Actor


def set_aside(actor: Actor, limit: int | None) -> None:
    """Keep the event that ``actor`` serves. Raises: StashFull, RuntimeError."""
    process = actor._libactor_process
    if process is None or running_process() is not process:
        raise RuntimeError(f"stash: called outside the handlers of {actor._libactor_id}; only they set events aside")
    event = process.serving
    if not hasattr(event, "refuse"):  # as calls and messages have it, and nothing else
        raise RuntimeError(
            f"stash: {process.pid} serves no call and no message here; on_start, on_stop, on_exited, timers and "
            "coroutines that go on have nothing to set aside: keep what they were told in a field"
        )
    handler = _handler(actor, event)
    if inspect.iscoroutinefunction(handler):
        raise RuntimeError(
            f"stash: {handler.__qualname__} is a coroutine, which cannot be begun twice; set its call aside in a plain "
            "method that dispatches to it, or await what it needs"
        )
    if limit is not None and process.stashed >= limit:
        raise StashFull(
            f"stash: {process.pid} has set {process.stashed} events aside, and its limit is {limit}; unstash them, or "
            "refuse this one"
        )
    try:
        process.set_aside()
    except RuntimeError:
        raise RuntimeError("stash: this event was set aside before, by the same handler; once is enough") from None


def put_back(actor: Actor) -> int:
    """Put all that was set aside ahead of what waits. Raises: RuntimeError."""
    process = actor._libactor_process
    if process is None or running_process() is not process:
        raise RuntimeError(f"unstash: called outside the handlers of {actor._libactor_id}; only they put events back")
    return process.put_back()


def check_limit(limit: Any, where: str) -> int | None:
    """``limit``, if it can be one of a stash; else TypeError or ValueError, naming ``where`` it was given."""
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool)):
        raise TypeError(f"{where}: got the limit {limit!r} of the stash, expected a whole number of events, or None")
    if limit is not None and limit < 0:
        raise ValueError(f"{where}: got the limit {limit} of the stash, expected 0 or more, or None")
    return limit


def _handler(actor: Actor, event: Any) -> Any:
    """What serves ``event``; None if nothing does."""
    name = event.what
    if event.kind == "message":
        name = actor._libactor_handlers.get(type(event.what), ("",))[0]
    return getattr(type(actor), name, None) if isinstance(name, str) else name
