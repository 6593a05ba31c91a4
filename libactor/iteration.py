"""Loop: rounds of two steps that may each return a future, until a body breaks; the stack does not grow."""

# Who calls: users.
# Invariant: at most one step of a loop runs, or is waited for, at any time. The future waited for keeps the loop, and
#   the loop its result; the result knows the loop weakly.
# Steps that return a value, or a future that is ready, follow one another in a plain `while`.
# Source: libprocess loop.hpp. Unlike there, no round begins after a discard: a loop of steps that do not wait would
#   never come to hear of one.

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar, overload

from libactor._core._impl import DISCARDED, ON_ANY, ON_DISCARD, READY, Moved, hop
from libactor._core.values import by_value
from libactor.future import Future, deliver, fail_for, pass_abandonment
from libactor.messages import execute
from libactor.pid import PID

T = TypeVar("T")
R = TypeVar("R", covariant=True)


@dataclass(frozen=True)
class Continue:
    """What the body of a ``loop`` returns to go on with the next round."""


@dataclass(frozen=True)
class Break(Generic[R]):
    """What the body of a ``loop`` returns to end it: ``value``, or the outcome of the future ``value``."""

    value: R


_Flow = Continue | Break[R] | Future[Continue] | Future[Break[R]] | Future[Continue | Break[R]]


@overload
def loop(iterate: Callable[[], Future[T]], body: Callable[[T], _Flow[R]], pid: PID[Any] | None = None) -> Future[R]: ...
@overload
def loop(iterate: Callable[[], T], body: Callable[[T], _Flow[R]], pid: PID[Any] | None = None) -> Future[R]: ...
def loop(iterate: Callable[[], Any], body: Callable[[Any], Any], pid: PID[Any] | None = None) -> Future[Any]:
    """Call ``body`` with what ``iterate`` returns, again and again, until it returns ``Break(value)``: that future.

    Each may return a value or a future, which is waited for; ``body`` that of ``Continue()`` or ``Break(value)``. With
    ``pid`` every step runs in that actor, and the value leaves it by value; else where the future before it completes.

    A failed, discarded or abandoned future of a step ends the loop as ``then`` would, and so does an exception. A
    discard of the result reaches the future that is waited for; whatever comes of that, no further round begins.

    Raises: TypeError if ``pid`` is no PID, or a step no function. Source: libprocess loop.hpp.
    """
    if pid is not None and not isinstance(pid, PID):
        raise TypeError(f"loop: got {pid!r}, expected the PID of the actor to run the steps in, or None")
    for name, step in (("iterate", iterate), ("body", body)):
        if not callable(step):
            raise TypeError(f"loop: got {step!r} as {name}, expected a function")
    result: Future[Any] = Future()
    rounds = _Loop(iterate, body, pid, result)
    rounds.begin()
    return result


class _Loop:
    """The state of one loop."""

    __slots__ = ("__weakref__", "body", "iterate", "pid", "result", "step")

    # step: what is waited for, or was last.

    def __init__(
        self, iterate: Callable[[], Any], body: Callable[[Any], Any], pid: PID[Any] | None, result: Future[Any]
    ) -> None:
        self.iterate = iterate
        self.body = body
        self.pid = pid
        self.result = result
        self.step: weakref.ref[Future[Any]] | None = None

    def begin(self) -> None:
        """Run the first round, here or in the actor."""
        reference = weakref.ref(self)

        def discard() -> None:
            rounds = reference()
            if rounds is not None:
                rounds.discard_step()

        self.result._subscribe(ON_DISCARD, discard)
        self._go_on(self._start_round)

    def discard_step(self) -> None:
        """Hand a discard on to what is waited for."""
        step = self.step() if self.step is not None else None
        if step is not None:
            hop(step.discard)

    def _go_on(self, first: Callable[[], bool]) -> None:
        """Call ``first`` where the steps run, and rounds after it as long as it, and they, answer True."""
        if self.pid is None:
            hop(self._run, first)
        else:
            pass_abandonment(execute(self.pid, partial(self._run, first)), self.result)

    def _run(self, first: Callable[[], bool]) -> None:
        try:
            more = first()
            while more:
                more = self._start_round()
        except BaseException as error:
            fail_for(self, "result", error)
            if not isinstance(error, Exception):
                raise

    def _start_round(self) -> bool:
        """Call ``iterate``; here and below: True if the round is at its end and another one is to begin."""
        if self._is_given_up():
            return False
        item = self.iterate()
        return self._wait(item, self._use) if isinstance(item, Future) else self._use(item)

    def _use(self, item: Any) -> bool:
        """Call ``body``."""
        if self._is_given_up():
            return False
        flow = self.body(item)
        return self._wait(flow, self._obey) if isinstance(flow, Future) else self._obey(flow)

    def _obey(self, flow: Any) -> bool:
        if isinstance(flow, Continue):
            return True
        if not isinstance(flow, Break):
            raise TypeError(f"loop: the body returned {flow!r}, expected Continue() or Break(value)")
        if self.pid is None:
            hop(deliver, self.result, flow.value)
        else:
            self._answer(flow.value, self.pid)
        return False

    def _answer(self, value: Any, pid: PID[Any]) -> None:
        """Complete the result with what leaves the actor, as the answer of a handler does."""
        if isinstance(value, Future):
            hop(self.result._follow, value, True)
            return
        passed = by_value(value, "result of a loop in %s", pid.id)
        hop(self.result._complete, READY, passed, passed is not value and type(value) is not Moved)

    def _is_given_up(self) -> bool:
        """Honour a discard, if one was asked for."""
        if not self.result.has_discard():
            return False
        hop(self.result._complete, DISCARDED, None)
        return True

    def _wait(self, step: Future[Any], use: Callable[[Any], bool]) -> bool:
        """Go on with ``use`` when ``step`` is complete; at once, without a callback, if it is ready."""
        if step.is_ready():
            return use(step.get(0))
        self.step = weakref.ref(step)
        if self.result.has_discard():  # asked for before this step could hear of it
            hop(step.discard)
        pass_abandonment(step, self.result)
        step._subscribe(ON_ANY, partial(self._arrived, use))
        return False

    def _arrived(self, use: Callable[[Any], bool], step: Future[Any]) -> None:
        if step.is_ready():
            self._go_on(lambda: use(step.get(0)))
        else:
            hop(self.result._follow, step)
