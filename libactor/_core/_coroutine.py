"""Task: a handler that awaits: a coroutine driven in the turns of its actor, one step after the other."""

# Who calls: the events (_events.py) with the coroutine that a handler has returned, the mailbox with that of on_start
#   or on_stop; a mailbox serves a Task as an event when what it waits for has come, and closes its tasks at its end.
# Rules: 1. a coroutine runs up to its first pending future in the very turn of its call, and goes on when that future
#   is complete or abandoned, in order of arrival with what else the actor was sent; a future that is ready suspends
#   nobody.    2. it may await libactor futures only: anything else is refused at the await.
#   3. each has context variables of its own, copied when it begins.    4. the answer follows what is awaited meanwhile:
#   a discard reaches that, and who waits for the answer finds whom it waits for.    5. an exclusive one goes on by the
#   control lane, and while it waits nothing else is served; while that of on_start or on_stop waits, not even that.
#   6. at the end of the actor those that wait are closed, the newest first, before on_stop; nobody gets an answer, and
#   what they waited for is asked to be discarded.
# A Task is in `tasks` of its mailbox from its first suspension to its end. Filters do not see it: it is no message.
# Twin: csrc/coroutine.c; both pass tests/runtime/test_coroutines*.py.

from __future__ import annotations

import weakref
from contextvars import copy_context
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from libactor._core._policy import policy
from libactor._core._steps import MIRROR, ON_LOSS, Step, Steps

if TYPE_CHECKING:
    from libactor._core._events import Call
    from libactor._core._mailbox import Mailbox

HANDLER, START, STOP = range(3)


class Task:
    """One coroutine on its way to its end."""

    __slots__ = (
        "__weakref__", "awaited", "call", "context", "coroutine", "exclusive", "mailbox", "role", "step", "what",
    )  # fmt: skip

    # coroutine: what is driven; None once it was closed.    awaited: what it waits for; None while it runs.
    # call: whose answer it is; None if nobody waits.    step: how the answer follows what is awaited.
    # what: the name of the method, the class of the message, or the callable.    exclusive: None until that is asked.

    kind = "served"  # what comes too late is nobody else's

    def __init__(self, mailbox: Mailbox, coroutine: Any, what: Any, call: Call | None, role: int) -> None:
        self.mailbox = mailbox
        self.coroutine = coroutine
        self.context = copy_context()
        self.what = what
        self.call = call
        self.role = role
        self.exclusive: bool | None = None
        self.awaited: Any = None
        self.step: Step | None = None

    def run(self) -> bool:
        """Drive the coroutine until it is over (True) or waits; raises what ends the actor."""
        try:
            over, value = self._step(None)
            if self.call is not None and self.mailbox._aside is self.call:
                self.call.unsettle()
                self.call = None
            while not over:
                if self.mailbox._closed if self.role == STOP else self.mailbox._stopping:
                    self.close()  # the actor has ended inside this very step
                    return False
                error = self._refuse(value)
                if error is None and self._wait(value):
                    break
                over, value = self._step(error)
        except BaseException as error:
            self.mailbox._tasks.pop(self, None)
            if self.call is not None and self.mailbox._aside is self.call:
                self.mailbox._aside = None  # it has failed like any other
            self._fail(error)
            return True
        if over:
            self.mailbox._tasks.pop(self, None)
            self._answer(value)
        else:
            self._pass_discard()
        return over

    def arrive(self, source: Any) -> None:
        """What is awaited has come, or never will: go on in a turn of the actor."""
        mailbox = self.mailbox
        if self.awaited is not source or (mailbox.queue is not None and mailbox.queue.orphaned):
            return  # it was closed; or nothing runs here, in the child of a fork
        self._let_go()
        if self.role != HANDLER:
            mailbox._note_life()
        elif self.exclusive:
            mailbox.deliver_urgent(self)
        else:
            mailbox.arrive(self)

    def serve(self, process: Mailbox) -> None:
        """Go on; the end of on_start or on_stop is one of the actor's life."""
        if self._unlink() is None:
            return  # it was closed
        if self.role != STOP:
            if self.run() and self.role == START:
                process.started = True
            return
        try:
            over = self.run()
        except BaseException as error:
            process._report(error, "on_stop")
            over = True
        if over:
            process._finish()

    def drop(self, process: Mailbox) -> None:
        """It was closed at the end of the actor."""

    def close(self) -> None:
        """End it where it waits: nobody gets an answer."""
        mailbox = self.mailbox
        awaited = self._unlink()
        mailbox._tasks.pop(self, None)
        if awaited is not None:
            awaited._forget(self)
        coroutine, self.coroutine = self.coroutine, None
        if coroutine is not None:
            mailbox._call_last("a coroutine that was closed", self.context.run, coroutine.close)
        if awaited is not None:
            mailbox._call_last("what a coroutine waited for", awaited.discard)
        if self.call is not None:
            mailbox._call_last("what waited for an answer", self.call.drop, mailbox)

    def _step(self, error: BaseException | None) -> tuple[bool, Any]:
        """Run up to the next await or the end: whether it is over, and with what, or what it awaits."""
        try:
            if error is None:
                return False, self.context.run(self.coroutine.send, None)
            return False, self.context.run(self.coroutine.throw, error)
        except StopIteration as stop:
            return True, stop.value

    def _refuse(self, awaited: Any) -> BaseException | None:
        """The error to raise at the await, if this cannot be waited for."""
        try:
            if self.exclusive is None:
                self.exclusive = self.role != HANDLER or (
                    policy.is_exclusive is not None and policy.is_exclusive(self.mailbox.kind, self.what)
                )
            if isinstance(awaited, Steps) and not (self.exclusive and awaited._awaits(self.mailbox)):
                return None
            refused: BaseException = policy.refuse_awaited(self.mailbox, self.what, awaited)
        except BaseException as error:
            return error
        return refused

    def _wait(self, awaited: Any) -> bool:
        """Wait for a future; False if it is there already."""
        self.awaited = awaited
        mailbox, call = self.mailbox, self.call
        if call is not None:
            if self not in mailbox._tasks:
                self.call = call = call.rest()
            self.step = Step(awaited, call.future, MIRROR)
            call.future._target = mailbox
            call.future._step = weakref.ref(self.step)
        mailbox._tasks[self] = None
        mailbox._suspended += 1
        if self.role != HANDLER:
            mailbox._life = self
        elif self.exclusive:
            mailbox._held += 1
        if not awaited.is_abandoned() and awaited._add(ON_LOSS, self):
            return True
        self._unlink()
        return False

    def _pass_discard(self) -> None:
        """A discard that was asked for reaches what is waited for now."""
        if self.call is not None and self.call.future.has_discard():
            self.call.future._pass_discard()

    def _let_go(self) -> None:
        """The answer does not follow what was awaited any more."""
        step, self.step = self.step, None
        if step is not None and step.result is not None:
            step.result._step = None

    def _unlink(self) -> Any:
        """Undo _wait; what was awaited, or None."""
        awaited, self.awaited = self.awaited, None
        if awaited is None:
            return None
        self._let_go()
        mailbox = self.mailbox
        if self.call is not None:
            self.call.future._target = None
        mailbox._suspended -= 1
        if mailbox._life is self:
            mailbox._life = None
            mailbox._life_due = False
        elif self.exclusive:
            mailbox._held = max(mailbox._held - 1, 0)
        return awaited

    def _answer(self, result: Any) -> None:
        call, self.call = self.call, None
        if call is not None:
            call.settle_with(result, self.mailbox)

    def _fail(self, error: BaseException) -> None:
        """Tell whoever waits for the answer; else the error, raised again, is the actor's."""
        if isinstance(error, (RuntimeError, AttributeError)) and policy.explain_escaped is not None:
            policy.explain_escaped(error)
        call, self.call = self.call, None
        if call is None:
            raise error
        trace = error.__traceback__  # the frames of this file are left out: see Call._fail
        error = error.with_traceback(None if trace is None else trace.tb_next)
        call.settle_without(error, self.mailbox)


def is_coroutine(returned: Any) -> bool:
    """Whether a handler has returned what is to be driven."""
    return type(returned) is CoroutineType


def drive(mailbox: Mailbox, coroutine: Any, what: Any, call: Call | None = None) -> None:
    """Drive the coroutine that a handler has returned; raises what ends the actor."""
    Task(mailbox, coroutine, what, call, HANDLER).run()


def drive_life(mailbox: Mailbox, role: int, returned: Any) -> bool:
    """Drive what on_start or on_stop has returned, a coroutine or a future; False if the actor is to wait for it."""
    what = "on_start" if role == START else "on_stop"
    if isinstance(returned, Steps):
        returned = returned.__await__()  # type: ignore[attr-defined]  # libactor.Future has it
    elif not is_coroutine(returned):
        return True
    return Task(mailbox, returned, what, None, role).run()


def close_all(mailbox: Mailbox) -> None:
    """Close those that wait, the newest first."""
    while mailbox._tasks:
        task = next(reversed(mailbox._tasks))
        if task.awaited is not None:
            task.close()
        else:  # it has ended the actor in this very step: see run
            del mailbox._tasks[task]
