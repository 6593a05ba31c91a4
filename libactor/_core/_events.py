"""Events: one call or message on its way to an actor."""

# Who calls: _calls.py makes them; a mailbox holds them and serves them in turns, or drops what the actor did not come
#   to before it stopped.
# A dispatch's failure is its caller's business and goes into the future; nobody waits for a message or a tell, so
#   their failure is the actor's: serve lets it escape and the actor ends with it as reason.
# Twin: csrc/event.c and csrc/turn.c, where one type does for all kinds.

from __future__ import annotations

from types import FunctionType
from typing import TYPE_CHECKING, Any

from libactor._core._coroutine import drive, is_coroutine
from libactor._core._future import DISCARDED, FAILED, READY, FutureCell
from libactor._core._policy import policy

if TYPE_CHECKING:
    from libactor._core._mailbox import Mailbox


STOPPED, FULL = "the actor has stopped", "its mailbox is full"  # why something is a dead letter


class Event:
    """What all kinds share: what a filter may look at."""

    __slots__ = ("arguments", "future", "keywords", "kind", "what")

    # kind: dispatch, tell, execute or message; served once a call was made or dropped.
    # what: the method's name, the callable or the message.
    # future: who waits for the answer; of a message its sender; else None.

    def __init__(
        self, kind: str, what: Any, future: Any = None, arguments: tuple[Any, ...] = (), keywords: Any = None
    ) -> None:
        self.kind = kind
        self.what = what
        self.future = future
        self.arguments = arguments
        self.keywords: dict[str, Any] = keywords or {}

    def copy(self) -> Event:
        """Another one like it: its values by value once more; of a call, with a future of its own.

        Raises: NotPassable; RuntimeError once a call was served or dropped.
        """
        if self.kind == "served":
            raise RuntimeError(f"copy: the call of {self.what!r} was served or dropped already")
        if self.kind == "message":
            return type(self)(self.kind, policy.copier.by_value(self.what, "message"), self.future)
        future = None if self.future is None else policy.future_type()
        values = (*self.arguments, *self.keywords.values())
        passed = policy.copier.all_by_value(values, self.what, tuple(self.keywords))
        first = len(self.arguments)
        return type(self)(
            self.kind, self.what, future, passed[:first], dict(zip(self.keywords, passed[first:], strict=True))
        )


class Tell(Event):
    """A method call nobody waits for."""

    __slots__ = ()

    def serve(self, process: Mailbox) -> None:
        """Call the method; an exception ends the actor."""
        policy.copier._deliver((*self.arguments, *self.keywords.values()))
        process._drive(getattr(process.actor, self.what)(*self.arguments, **self.keywords), self.what)

    def drop(self, process: Mailbox, why: str = STOPPED) -> None:
        """Record a dead letter; ``why`` is for the log."""
        process._dead_letter(self.what, why)

    def refuse(self, process: Mailbox, error: BaseException, fails: bool) -> None:
        """As drop, because of ``error``, a MailboxFull."""
        self.drop(process, FULL)


class Call(Event):
    """A method or a callable to call in the actor, whose outcome goes into ``future``."""

    __slots__ = ()

    def serve(self, process: Mailbox) -> None:
        """Call it, unless the caller has asked for a discard meanwhile."""
        kind = self._settle()
        if self.future.is_pending() and self.future.has_discard():
            self.future._complete(DISCARDED, None)
            return
        try:
            policy.copier._deliver((*self.arguments, *self.keywords.values()))
            if kind == "execute":
                result = self.what(*self.arguments, **self.keywords)
            else:
                result = getattr(process.actor, self.what)(*self.arguments, **self.keywords)
            if process._aside is self:  # the answer comes when it is served again
                self.kind = kind
                return
            if not is_coroutine(result):
                self._answer(result, policy.copier.by_value(result, *self._result(process)))
                return
        except BaseException as error:
            if process._aside is self:
                process._aside = None  # it has failed like any other
            self._fail(error, process)
            if not isinstance(error, Exception):
                raise
            return
        drive(process, result, self.what, self)

    def rest(self) -> Call:
        """What is left of it once it has begun: without the arguments, but somebody still waits."""
        future, self.future = self.future, None
        return Call("dispatch" if isinstance(self.what, str) else "execute", self.what, future)

    def unsettle(self) -> None:
        """It was set aside: the answer comes when it is served again."""
        self.kind = "dispatch" if isinstance(self.what, str) else "execute"

    def settle_with(self, result: Any, process: Mailbox) -> None:
        """Answer with what a coroutine has returned."""
        self._settle()
        try:
            self._answer(result, policy.copier.by_value(result, *self._result(process)))
        except BaseException as error:
            self._fail(error, process)
            if not isinstance(error, Exception):
                raise

    def settle_without(self, error: BaseException, process: Mailbox) -> None:
        """A coroutine has let ``error`` escape; one that is no Exception is raised again."""
        self._settle()
        if policy.discarded_error is not None and isinstance(error, policy.discarded_error):
            self.future._complete(DISCARDED, None)
            return
        self._fail(error, process)
        if not isinstance(error, Exception):
            raise error

    def _answer(self, result: Any, passed: Any) -> None:
        if isinstance(passed, FutureCell):
            self.future._follow(passed, answer=True)
        else:  # what was copied is mutable; what was moved is the receiver's own
            self.future._complete(READY, passed, passed is not result and not policy.copier.moves(type(result)))

    def _fail(self, error: BaseException, process: Mailbox) -> None:
        """Fail the future with what the call raised, and forget it.

        The traceback leads to the frames it was raised under, and they to this event: with the future still in it,
        memory and report of a failure that nobody looks at would wait for the collector. The frame of serve is left
        out.
        """
        future, self.future = self.future, None
        trace = error.__traceback__
        name = self.what.__qualname__ if type(self.what) is FunctionType else self.what
        call = f"{name if isinstance(name, str) else 'a callable'} in {process.pid}"
        BaseException.__setattr__(error, "_libactor_call", call)  # for the log, should nobody look at it
        if type(error) is TypeError and (trace is None or trace.tb_next is None):  # the arguments do not fit
            error.add_note(f"in the call of {call}")
        future._complete(FAILED, error.with_traceback(None if trace is None else trace.tb_next))

    def drop(self, process: Mailbox, why: str = STOPPED) -> None:
        """Nobody will ever answer."""
        self._settle()
        self.future._abandon((process.pid, process.reason))

    def refuse(self, process: Mailbox, error: BaseException, fails: bool) -> None:
        """As drop, because of ``error``, a MailboxFull: the future fails with it, if it ``fails``, or is abandoned."""
        self._settle()
        if fails:
            self.future._complete(FAILED, error)
        else:
            self.future._abandon((process.pid, error))

    def _settle(self) -> str:
        """Note that the call is served or dropped, so that the future does not lead to it any more; its kind."""
        kind, self.kind = self.kind, "served"
        self.future._target = None
        return kind

    def _result(self, process: Mailbox) -> tuple[str, *tuple[str, ...]]:
        """What the result is called in an error."""
        if isinstance(self.what, str):
            return "result of %s.%s", process.pid.id, self.what
        return "result of a callable run in %s", process.pid.id

    def __del__(self) -> None:
        if self.kind != "served" and self.future is not None:  # neither served nor dropped: nobody will answer
            self.future._target = None
            self.future._abandon()


class Message(Event):
    """A typed message, for the handler its class is marked with."""

    __slots__ = ()

    def serve(self, process: Mailbox) -> None:
        """Call the handler; an exception ends the actor."""
        policy.copier._deliver((self.what,))
        actor = process.actor
        handler = actor._libactor_handlers.get(type(self.what))
        if handler is None:
            process._unhandled(self)
            return
        arguments = (self.what, self.future) if handler[1] else (self.what,)
        process._drive(getattr(actor, handler[0])(*arguments), type(self.what))

    def drop(self, process: Mailbox, why: str = STOPPED) -> None:
        """Record a dead letter; ``why`` is for the log."""
        process._dead_letter(type(self.what).__qualname__, why)

    def refuse(self, process: Mailbox, error: BaseException, fails: bool) -> None:
        """As drop, because of ``error``, a MailboxFull."""
        self.drop(process, FULL)
