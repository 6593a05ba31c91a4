"""Sequence: functions that start one after the other, each when the one before has come to its end."""

# Who calls: users.
# Invariants: 1. at most one step runs, or is waited for, at any time: `busy` says that somebody sees to what waits.
#   2. the future a step is waited for keeps the line, and the line its steps; the Sequence itself is only the handle
#   by which more are added, and whose end asks for the discard of all.
# A step runs in the thread that adds it, if nothing is before it, else where the one before comes to its end: there is
#   no hidden actor. Steps that end at once follow one another in a plain `while`.
# A step whose future is abandoned has come to its end: its actor stopped. In libprocess all that follow wait for ever.
# Source: libprocess sequence.hpp.

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast, final, overload

from libactor._core._impl import ON_ABANDONED, ON_ANY, hop
from libactor._core.values import register_immutable
from libactor.future import Future, Promise
from libactor.sync.waiters import hop_all, lock

T = TypeVar("T")


class _Step:
    """One function that is to run, and the promise of what it comes to."""

    __slots__ = ("function", "promise")

    # promise: gone once it has failed here: the traceback leads to the frames it was raised under, and they to this.

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function
        self.promise: Promise[Any] | None = Promise()

    def run(self) -> None:
        """Call the function, unless a discard was asked for."""
        assert self.promise is not None  # it runs once
        if self.promise.future.has_discard():
            hop(self.promise.discard)
            return
        try:
            hop(self.promise.set, self.function())
        except BaseException as error:
            self._fail(error)
            if not isinstance(error, Exception):
                raise

    def future(self) -> Future[Any] | None:
        """The future of the result; None once it has failed here."""
        return None if self.promise is None else self.promise.future

    def _fail(self, error: BaseException) -> None:
        promise, self.promise = self.promise, None
        trace = error.__traceback__
        if promise is not None:
            promise.fail(error.with_traceback(None if trace is None else trace.tb_next))


class _Line:
    """The steps that have not come to their end."""

    __slots__ = ("busy", "running", "waiting")

    # running: the future of the step that was started last; weak.    busy: somebody runs a step, or will when one comes
    #   to its end.

    def __init__(self) -> None:
        self.waiting: deque[_Step] = deque()
        self.running: weakref.ref[Future[Any]] | None = None
        self.busy = False

    def add(self, step: _Step) -> None:
        """Let ``step`` follow those before it; run it here if there are none."""
        with lock:
            self.waiting.append(step)
            idle = not self.busy
            self.busy = True
        if idle:
            self.go_on()

    def go_on(self) -> None:
        """Run what waits, one step after the other, until one has not come to its end when it returns.

        What one raises that is no Exception is raised when there is nothing left to run here.
        """
        interrupt: BaseException | None = None
        while (step := self._take()) is not None:
            try:
                step.run()
            except BaseException as error:
                interrupt = interrupt or error
            if not self._is_over(step.future()):
                break
        if interrupt is not None:
            raise interrupt

    def discard(self) -> None:
        """Ask for the discard of every step, the last one first: so none starts because one before it is discarded."""
        with lock:
            running = self.running() if self.running is not None else None
            futures = [running, *(step.future() for step in self.waiting)]
        hop_all([future.discard for future in reversed(futures) if future is not None])

    def _take(self) -> _Step | None:
        """The step to run next; it is among those to discard all the time."""
        with lock:
            if not self.waiting:
                self.running = None
                self.busy = False
                return None
            future = self.waiting[0].future()
            self.running = None if future is None else weakref.ref(future)
            return self.waiting.popleft()

    def _is_over(self, future: Future[Any] | None) -> bool:
        """Whether the step of ``future`` has come to its end; if not, go on when it does."""
        if future is None or not future.is_pending() or future.is_abandoned():
            return True
        over = partial(self._over, [None])
        future._subscribe(ON_ANY, over)
        future._subscribe(ON_ABANDONED, over)
        return False

    def _over(self, claims: list[None], _: Any = None) -> None:
        """``claims``: one, and whoever pops it goes on; a step may be abandoned and completed later."""
        try:
            claims.pop()
        except IndexError:
            return
        hop(self.go_on)


@final
class Sequence:
    """Functions that start in the order they are added, each when the one before has come to its end.

    When it goes away, the discard of all that have not come to their end is asked for.
    """

    __slots__ = ("__weakref__", "_line")

    def __init__(self) -> None:
        self._line = _Line()

    @overload
    def add(self, function: Callable[[], Future[T]]) -> Future[T]: ...
    @overload
    def add(self, function: Callable[[], T]) -> Future[T]: ...
    def add(self, function: Callable[[], Any]) -> Future[Any]:
        """Call ``function`` when all added before have come to their end, in whichever way; the future of its result.

        It may return a value or a future, which is waited for. It runs here, if nothing is before it, else where the
        one before comes to its end; wrap it in ``defer`` to run it in an actor. An exception fails the future.

        After a discard it is not called: the future is discarded in its turn. If it runs, the discard reaches the
        future it returned, and those behind wait for what comes of that. Raises: TypeError if it cannot be called.
        """
        if not callable(function):
            raise TypeError(f"add: got {function!r}, expected a function to call in its turn")
        step = _Step(function)
        futures = [step.future()]  # emptied in the end, so that what is raised below does not keep its own future
        self._line.add(step)
        return cast(Future[Any], futures.pop())

    def __del__(self) -> None:
        self._line.discard()

    def __repr__(self) -> str:
        return f"<Sequence, {'busy' if self._line.busy else 'idle'}, {len(self._line.waiting)} waiting>"


register_immutable(Sequence)
