"""Steps: a future that comes out of another, by a function (then, repair, recover) or as its mirror."""

# Who calls: FutureCell (_future.py), which derives from Steps; the rest of libactor through its methods.
# Discards flow upstream (from a result to what it comes out of), outcomes and abandonment flow downstream.
# Invariant: a step is made once. Its result knows it until then, and only a result that still does is completed.
# A source refers to its steps and they to their results; upstream all references are weak: a result that nobody keeps
#   must not keep a chain alive for discards that nobody can ask for any more, and goes without the collector.
# Twin: csrc/step.c, where the result is its own step. Source: libprocess future.hpp.

from __future__ import annotations

import inspect
import os
import threading
import weakref
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, cast

from libactor._core._hops import hop
from libactor._core._policy import policy

if TYPE_CHECKING:
    from libactor._core._future import FutureCell

PENDING, READY, FAILED, DISCARDED = range(4)

# What a callback waits for. The first four are outcomes; a callback of ON_ANY follows those of the outcome itself.
ON_READY, ON_FAILED, ON_DISCARDED, ON_ANY, ON_DISCARD, ON_ABANDONED = range(6)
ON_STEP, ON_LOSS = 6, 7  # the core's own: a step, which passes abandonment on; one that acts on it as on an outcome

THEN, REPAIR, RECOVER, MIRROR = range(1, 5)
_COROUTINE = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
LINKS_MAX = 64  # more futures than this between an answer and who asks are not looked through

lock = threading.RLock()  # see _future.py
os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)


def check_function(operation: str, function: Any) -> Any:
    """``function``; raises TypeError naming ``operation`` if it cannot be called, or makes a coroutine nobody runs."""
    if not callable(function):
        raise TypeError(f"{operation}: got {function!r}, expected a function")
    plain = function.__func__ if type(function) is MethodType else function
    if type(plain) is FunctionType and plain.__code__.co_flags & _COROUTINE:
        raise TypeError(
            f"{operation}: got {function!r}, which is `async def`: nobody would run it here; pass a plain function, or "
            "one that is deferred to an actor, defer(pid, function)"
        )
    return function


class Step:
    """How ``result`` comes out of the future that has this step among its callbacks."""

    __slots__ = ("__weakref__", "answers", "function", "kind", "result", "shields", "source")

    # kind: THEN and so on.    function: None in a mirror.    source: weak.    result: None once it has failed here.
    # answers: a value leaves an actor here.    shields: discards do not reach the source.

    def __init__(self, source: FutureCell, result: FutureCell, kind: int, function: Any = None) -> None:
        self.source = weakref.ref(source)
        self.result: FutureCell | None = result
        self.kind = kind
        self.function = function
        self.answers = False
        self.shields = False

    def arrive(self, source: FutureCell) -> None:
        """Make the step: the source is complete, or lost."""
        with lock:
            if self.result is None or self.result._upstream() is not self:
                return
            self.result._step = None
        if self.function is not None and self._acts(source._state):
            self._act(source)
        else:
            self._pass(source)

    def lose(self, source: FutureCell) -> None:
        """Pass abandonment on."""
        result = self.result
        if result is not None and result._upstream() is self and source._state == PENDING:
            result._abandon(source._value)

    def _acts(self, outcome: int) -> bool:
        if self.kind == RECOVER:
            return outcome != READY
        return outcome == (READY if self.kind == THEN else FAILED)

    def _act(self, source: FutureCell) -> None:
        result = cast("FutureCell", self.result)
        if self.kind == THEN and (source._discard or result._discard):
            result._complete(DISCARDED, None)
            return
        if self.kind == RECOVER:
            result._discard = False  # it starts afresh, whoever asked before
        try:
            returned = self.function(source._read() if self.kind == THEN else source)
        except BaseException as error:
            del result
            self._fail(error)
            return
        if isinstance(returned, Steps):
            result._follow(cast("FutureCell", returned))
        else:
            result._complete(READY, returned)

    def _pass(self, source: FutureCell) -> None:
        result = cast("FutureCell", self.result)
        value, per_reader = source._value, source._per_reader
        if self.answers and source._state == READY and not per_reader and policy.pass_answer is not None:
            try:
                value, per_reader = policy.pass_answer(value)
            except BaseException as error:
                del result
                self._fail(error)
                return
        result._complete(source._state, value, per_reader)

    def _fail(self, error: BaseException) -> None:
        """Fail the result with an exception just caught; what is no Exception goes on being raised.

        The traceback leads to the frames it was raised under, and they to this step: with the result still in it,
        memory and report of a failure that nobody looks at would wait for the collector. The caller is left out.
        """
        result = cast("FutureCell", self.result)
        self.result = None
        trace = error.__traceback__
        try:
            result._complete(FAILED, error.with_traceback(None if trace is None else trace.tb_next))
        except BaseException:
            if isinstance(error, Exception):
                raise
        del result
        if not isinstance(error, Exception):
            raise error


class Steps:
    """What a FutureCell has as the result of a step, and as the source of others."""

    __slots__ = ("_step", "_target")

    # _step: the step this future is the result of, until it is made; weak.
    _step: weakref.ref[Step] | None
    _target: Any

    # _target: the mailbox that holds the call this is the answer of; None once served.

    def then(self, function: Callable[[Any], Any], /) -> Any:
        """The future of ``function(value)``; failure, discard and abandonment pass through.

        A future that ``function`` returns is waited for. After a discard request ``function`` is not called: the
        result is discarded. A discard of the result reaches this future and the one ``function`` returned.
        """
        return self._go_on(THEN, check_function("then", function))

    def repair(self, function: Callable[[Any], Any], /) -> Any:
        """As ``then`` for a failure: the future of ``function(this future)``; other outcomes pass through.

        A discard request does not keep ``function`` from being called, but reaches the future it returns.
        """
        return self._go_on(REPAIR, check_function("repair", function))

    def recover(self, function: Callable[[Any], Any], /) -> Any:
        """As this future if it is ready, else (failed, discarded or abandoned) the future of ``function(this future)``.

        A discard of the result reaches this future, and is forgotten when ``function`` is called: it does not reach the
        future that ``function`` returns, but one that comes later does. Source: libprocess future.hpp.
        """
        return self._go_on(RECOVER, check_function("recover", function))

    def _follow(self, source: FutureCell, answer: bool = False, shield: bool = False) -> bool:
        """Come out as ``source`` from now on; False if this future is complete, or comes out of another one already.

        A discard of this future reaches the source, unless ``shield``; abandonment comes back. ``answer``: a value
        leaves an actor here, and is passed by value.
        """
        if not isinstance(source, Steps):
            raise TypeError(f"_follow: got {source!r}, expected a future")
        result = cast("FutureCell", self)
        step = Step(source, result, MIRROR)
        step.answers, step.shields = answer, shield
        reference = weakref.ref(step)
        with lock:
            if result._state != PENDING or result._upstream() is not None:
                return False
            result._step = reference
        _begin(step, source, result)
        return True

    def _find_target(self) -> Any:
        """The mailbox that the future, or what it comes from, waits for; or None.

        Of a coroutine that awaits it is what that waits for.
        """
        targets = self._targets()
        return targets[-1] if targets else None

    def _awaits(self, mailbox: Any) -> bool:
        """Whether the future can only come out by a turn of ``mailbox``."""
        return any(target is mailbox for target in self._targets())

    def _targets(self) -> list[Any]:
        """The mailboxes that the future, and what it comes from, waits for, the nearest first."""
        targets = []
        future: Steps | None = self
        for _ in range(LINKS_MAX):
            if future is None:
                break
            if future._target is not None:
                targets.append(future._target)
            step = future._upstream()
            future = step.source() if step is not None else None
        return targets

    def _go_on(self, kind: int, function: Callable[[Any], Any]) -> FutureCell:
        source = cast("FutureCell", self)
        result: FutureCell = policy.future_type()
        step = Step(source, result, kind, function)
        result._step = weakref.ref(step)
        _begin(step, source, result)
        return result

    def _upstream(self) -> Step | None:
        """The step this future is the result of, unless it is made or its source is gone."""
        return self._step() if self._step is not None else None

    def _pass_discard(self) -> None:
        """Let the source know that this future was asked to be discarded."""
        step = self._upstream()
        source = None if step is None or step.shields else step.source()
        if source is not None:
            hop(source.discard)


def _begin(step: Step, source: FutureCell, result: FutureCell) -> None:
    """Put ``step`` among the callbacks of ``source``; make it at once if the source is complete, or lost."""
    if not source._add(ON_LOSS if step.kind == RECOVER else ON_STEP, step):
        hop(step.arrive, source)
        return
    if result._discard:
        result._pass_discard()
    if source._abandoned:
        hop(step.lose, source)
