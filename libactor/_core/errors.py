"""The errors libactor raises: who has to act, and on what."""

from typing import Any


class LibactorError(Exception):
    """Base of every error that libactor raises itself."""


class NoRuntime(LibactorError, RuntimeError):
    """A module function was called where no runtime is current: the caller opens one with ``with la.Runtime():``."""


class Abandoned(LibactorError):
    """Nobody is left who could complete this future: its actor stopped first, or its promise was dropped.

    ``pid`` is that of the actor and ``reason`` what stopped it, None if it was terminated; without an actor both are.
    """

    pid: Any = None
    reason: BaseException | None = None


class Discarded(LibactorError):
    """The future was discarded, on request, by whoever would have completed it."""


class SpawnError(LibactorError, ValueError):
    """An actor cannot be started as asked: its id is taken, it was spawned before, or it was not initialised."""


class Disconnected(LibactorError, ConnectionError):
    """The connection to another host broke: an actor there may live on, and what was under way may be lost or not."""


class MailboxFull(LibactorError, RuntimeError):
    """A bounded mailbox had no room: an event was refused, or one that waited was dropped for a newer one.

    ``pid`` is that of the actor, ``capacity`` how many events may wait there.
    """

    pid: Any = None
    capacity: int = 0


class StashFull(LibactorError, RuntimeError):
    """A handler wanted to set an event aside, and as many were set aside as the limit allows."""


class NotPassable(LibactorError, TypeError):
    """A value cannot cross from one actor to another: the text names the argument, its type and what to do."""


class MovedError(LibactorError, RuntimeError):
    """An Owned was used after its object was handed over: the text says what to do."""


class TooManyBlockedHandlers(LibactorError, RuntimeError):
    """More handlers wait inside ``get`` or ``wait`` than the runtime has spare threads for."""


class PoolFull(LibactorError, RuntimeError):
    """As much waits for a thread of a Pool as its capacity allows: the caller submits less, or later."""


class RestartsExhausted(LibactorError, RuntimeError):
    """A child has failed more often than its supervisor may restart it: what that one has stopped with.

    ``child`` is its id; it ended ``count`` times within ``period`` seconds, the last time with ``reason``, which is the
    cause as well: None if it was terminated.
    """

    child: str = ""
    count: int = 0
    period: float = 0.0
    reason: BaseException | None = None


class ForkedRuntime(LibactorError, RuntimeError):
    """A child made by fork uses a runtime of its parent, whose threads it did not inherit: the text says what to do."""


class InvalidTransition(LibactorError, RuntimeError):
    """A StateMachine is not in the state that it was to leave: the text names both."""


class Stuck(LibactorError, RuntimeError):
    """In a deterministic runtime somebody waits for what nothing can bring about any more: the text says who."""
