"""The events of an actor's own life: its end, the end of one it is linked to."""

# Who calls: libactor/process.py makes them; the core takes them from the mailbox and calls serve, or drop
#   for those an actor did not come to before it stopped. Calls and messages are the core's own events (_events.py).
# What serve lets escape ends the actor, with it as the reason.

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from libactor.pid import PID
    from libactor.process import Process


class Terminate:
    """Stop an actor after what was sent before; to stop it ahead of that is a flag of the mailbox, as is the start."""

    __slots__ = ()

    def serve(self, process: Process) -> None:
        """Stop the actor without a reason."""
        process.stop(None)

    def drop(self, process: Process) -> None:
        """The actor has stopped already, which is what was asked."""


class Exited:
    """A linked actor has stopped."""

    __slots__ = ("pid", "reason")

    def __init__(self, pid: PID[Any], reason: BaseException | None) -> None:
        self.pid = pid
        self.reason = reason

    def serve(self, process: Process) -> None:
        """Tell the actor; an exception stops it."""
        process._drive(process.actor.on_exited(self.pid, self.reason), "on_exited")

    def drop(self, process: Process) -> None:
        """The watcher is gone too."""


class Report:
    """What an actor's own machinery has to do in its turn; nothing is passed by value."""

    __slots__ = ("function", "otherwise")

    def __init__(self, function: Callable[[], object], otherwise: Callable[[], object] | None = None) -> None:
        self.function = function
        self.otherwise = otherwise  # if the actor has stopped

    def serve(self, process: Process) -> None:
        """Call it; an exception stops the actor."""
        self.function()

    def drop(self, process: Process) -> None:
        """The actor does not come to it."""
        if self.otherwise is not None:
            self.otherwise()
