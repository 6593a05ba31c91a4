"""Answers: how the outcome of a call gets back to the host that made it."""

# Who calls: the network, for each call that arrives on a host.
# A future has one of four outcomes; that its actor has stopped is one. Each is made ready to cross in the actor that
#   answers; what cannot cross fails the call of whoever asked, as it does between two actors of one host.

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from libactor._core._impl import FutureCell
from libactor._core.errors import MailboxFull, NotPassable
from libactor.crossing import cross_error, cross_value

if TYPE_CHECKING:
    from libactor.process import Process

PENDING, READY, FAILED, DISCARDED = range(4)  # as in the core

Send = Callable[[str, Callable[[FutureCell], object]], object]


def answer_by(future: Any, method: str, process: Process, send: Send) -> None:
    """Have ``send(what, finish)`` called with the outcome; ``finish`` completes the future of whoever asked."""
    raised_in = f"{process.kind.__qualname__}.{method} of {process.pid}"

    def answer(value: Any) -> None:
        try:
            crossed = cross_value(value, f"result of {process.pid.id}.{method}")
        except NotPassable as error:
            send_failure(cross_error(error))
        else:
            send("ready", lambda asked: asked._complete(READY, crossed, True))

    def fail(error: BaseException) -> None:
        refused = isinstance(error, (NotPassable, MailboxFull)) and error.__traceback__ is None  # see the network
        send_failure(cross_error(error, "" if refused else raised_in))

    def send_failure(crossed: BaseException) -> None:
        send("failed", lambda asked: asked._complete(FAILED, crossed))

    def abandon() -> None:
        reason = None if process.reason is None else cross_error(process.reason)
        send("abandoned", lambda asked: asked._abandon((process.pid, reason)))

    future.on_ready(answer)
    future.on_failed(fail)
    future.on_discarded(lambda: send("discarded", lambda asked: asked._complete(DISCARDED, None)))
    future.on_abandoned(abandon)


def forget_answer(future: Any) -> None:
    """Let the outcome go nowhere, a failure included, which would be logged if nobody looked at it."""
    future.on_failed(lambda error: None)
