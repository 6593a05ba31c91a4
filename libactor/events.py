"""The events an actor serves, in the order they were put into its mailbox."""

# Who calls: libactor/messages.py makes them; libactor/process.py takes them from the mailbox and calls serve, or drop
#   for those an actor did not come to before it stopped.
# A dispatch's failure is its caller's business and goes into the future; nobody waits for a message or a tell, so
#   their failure is the actor's: serve lets it escape and the process stops with it as reason.

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from libactor._core._impl import DISCARDED
from libactor._core.values import by_value
from libactor.future import Future, deliver, fail_for

if TYPE_CHECKING:
    from libactor.pid import PID
    from libactor.process import Process


class Start:
    """The first event of every actor."""

    __slots__ = ()

    def serve(self, process: Process) -> None:
        """Run on_start."""
        process.actor.on_start()
        process.started = True

    def drop(self, process: Process) -> None:
        """The runtime closed before the actor started: nothing is owed to anybody."""


class Terminate:
    """Ask an actor to stop."""

    __slots__ = ()

    def serve(self, process: Process) -> None:
        """Stop the actor without a reason; one that has not come to start starts first, as its on_stop may expect."""
        if not process.started:
            process.actor.on_start()
            process.started = True
        process.stop(None)

    def drop(self, process: Process) -> None:
        """The actor has stopped already, which is what was asked."""


class Dispatch:
    """A method call whose outcome goes into ``future``."""

    __slots__ = ("arguments", "future", "keywords", "method")

    def __init__(self, method: str, arguments: tuple[Any, ...], keywords: dict[str, Any], future: Future[Any]) -> None:
        self.method = method
        self.arguments = arguments
        self.keywords = keywords
        self.future = future

    def serve(self, process: Process) -> None:
        """Call the method, unless the caller has asked for a discard meanwhile."""
        if self.future.has_discard():
            self.future._complete(DISCARDED, None)
            return
        try:
            method = getattr(process.actor, self.method)
            result = method(*self.arguments, **self.keywords) if self.keywords else method(*self.arguments)
            deliver(self.future, by_value(result, "result of %s.%s", process.pid.id, self.method))
        except BaseException as error:
            fail_for(self, "future", error)
            if not isinstance(error, Exception):
                raise

    def drop(self, process: Process) -> None:
        """Nobody will ever answer."""
        self.future._abandon()


class Execute:
    """A callable to run in the actor; its outcome goes into ``future``."""

    __slots__ = ("function", "future")

    def __init__(self, function: Callable[[], Any], future: Future[Any]) -> None:
        self.function = function
        self.future = future

    def serve(self, process: Process) -> None:
        """As Dispatch."""
        if self.future.has_discard():
            self.future._complete(DISCARDED, None)
            return
        try:
            deliver(self.future, by_value(self.function(), "result of a callable run in %s", process.pid.id))
        except BaseException as error:
            fail_for(self, "future", error)
            if not isinstance(error, Exception):
                raise

    def drop(self, process: Process) -> None:
        """As Dispatch."""
        self.future._abandon()


class Tell:
    """A method call nobody waits for."""

    __slots__ = ("arguments", "keywords", "method")

    def __init__(self, method: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        self.method = method
        self.arguments = arguments
        self.keywords = keywords

    def serve(self, process: Process) -> None:
        """Call the method; an exception stops the actor."""
        method = getattr(process.actor, self.method)
        if self.keywords:
            method(*self.arguments, **self.keywords)
        else:  # without the fresh dict that ** makes for each call (bench: tell, ring)
            method(*self.arguments)

    def drop(self, process: Process) -> None:
        """Record a dead letter."""
        process.runtime.dead_letter(process.pid, self.method)


class Message:
    """A typed message, for the handler its class is marked with."""

    __slots__ = ("message", "sender")

    def __init__(self, message: Any, sender: PID[Any] | None) -> None:
        self.message = message
        self.sender = sender

    def serve(self, process: Process) -> None:
        """Call the handler; an exception stops the actor. A message no handler is marked for is a dead letter."""
        actor = process.actor
        handler = actor._handlers.get(type(self.message))
        if handler is None:
            self.drop(process)
        elif handler[1]:
            getattr(actor, handler[0])(self.message, self.sender)
        else:
            getattr(actor, handler[0])(self.message)

    def drop(self, process: Process) -> None:
        """Record a dead letter."""
        process.runtime.dead_letter(process.pid, type(self.message).__qualname__)


class Exited:
    """A linked actor has stopped."""

    __slots__ = ("pid", "reason")

    def __init__(self, pid: PID[Any], reason: BaseException | None) -> None:
        self.pid = pid
        self.reason = reason

    def serve(self, process: Process) -> None:
        """Tell the actor; an exception stops it."""
        process.actor.on_exited(self.pid, self.reason)

    def drop(self, process: Process) -> None:
        """The watcher is gone too."""
