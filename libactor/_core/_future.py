"""FutureCell: one value that arrives later; its state, its flags and its callbacks."""

# Who calls: Promise and the dispatch event complete a cell; everybody else asks, waits, subscribes or makes another
#   future of it (the steps of _steps.py). Any thread may call any method.
# Invariants: 1. the state leaves PENDING once and never changes again; the value is written before the state.
#   2. callbacks run in the thread that completes the cell, in the order registered, those for the outcome before
#   those for any outcome; never under the lock, each exactly once, and are dropped afterwards.
#   3. discard is a request and abandonment a verdict about a cell that is still pending; both are flags, not states.
# One lock for all cells: a critical section is a few loads and stores, and a lock per cell would double its size.
#   It is re-entrant, because a finalizer or a signal handler may run in this thread between any two calls and complete
#   a cell too; so no section makes a call, or an object, between looking at the cell and changing it.
# A callback interrupted by Ctrl-C counts as called. Ctrl-C between two lines of this file, in the main thread, can
#   lose callbacks; in the C core it cannot.
# Twin: csrc/future.c; both pass tests/runtime/test_future_cell.py.
# Source: libprocess future.hpp.

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, TypeVar

from libactor._core._helping import help_with
from libactor._core._hops import hop
from libactor._core._policy import policy
from libactor._core._steps import (
    DISCARDED,
    FAILED,
    ON_ABANDONED,
    ON_ANY,
    ON_DISCARD,
    ON_DISCARDED,
    ON_FAILED,
    ON_LOSS,
    ON_READY,
    ON_STEP,
    PENDING,
    READY,
    Steps,
    check_function,
    lock,
)

__all__ = [
    "DISCARDED",
    "FAILED",
    "ON_ABANDONED",
    "ON_ANY",
    "ON_DISCARD",
    "ON_DISCARDED",
    "ON_FAILED",
    "ON_READY",
    "ON_STEP",
    "PENDING",
    "READY",
    "FutureCell",
    "run_all",
    "set_reporters",
]

_OUTCOME_KIND = {READY: ON_READY, FAILED: ON_FAILED, DISCARDED: ON_DISCARDED}

# Kinds that happen at the same time wait in the same list.
_OUTCOME, _DISCARD, _ABANDONED = range(3)
_GROUP = (_OUTCOME, _OUTCOME, _OUTCOME, _OUTCOME, _DISCARD, _ABANDONED)

_CellT = TypeVar("_CellT", bound="FutureCell")

_Callback = Callable[..., object]
_Entries = dict[int, tuple[int, Any]]  # number -> (kind, callback, or the step)
_Call = tuple[Callable[..., object], tuple[Any, ...]]

_numbers = itertools.count()  # of subscriptions


class FutureCell(Steps):
    """State, value and callbacks of one future. ``libactor.Future`` derives from it and adds the types."""

    __slots__ = ("__weakref__", "_abandoned", "_discard", "_observed", "_per_reader", "_state", "_value", "_waiting")

    # _state: PENDING until completed.    _value: result when READY, exception when FAILED, why when abandoned, or None.
    # _waiting: while PENDING, the callbacks, for each group of kinds by number in order registered; empty afterwards.
    # _discard, _abandoned: the two flags.    _observed: somebody has looked at, or subscribed to, a failure.
    # _per_reader: the value is mutable and came from an actor, so that each reader gets a copy.

    def __init__(self) -> None:
        self._state = PENDING
        self._value: Any = None
        self._waiting: list[_Entries] = [{}, {}, {}]
        self._discard = False
        self._abandoned = False
        self._observed = False
        self._per_reader = False
        self._step = None
        self._target = None

    def is_pending(self) -> bool:
        """True until the future is ready, failed or discarded; an abandoned future stays pending."""
        return self._state == PENDING

    def is_ready(self) -> bool:
        """True once a value has arrived."""
        return self._state == READY

    def is_failed(self) -> bool:
        """True once the computation has failed."""
        return self._state == FAILED

    def is_discarded(self) -> bool:
        """True once the completing side has honoured a discard."""
        return self._state == DISCARDED

    def is_abandoned(self) -> bool:
        """True when nobody is left who could complete this future; implies that it is pending."""
        return self._abandoned and self._state == PENDING

    def has_discard(self) -> bool:
        """True once somebody has asked for a discard."""
        return self._discard

    def discard(self) -> bool:
        """Ask the completing side to give up; True on the first request to a pending future.

        It is only a request: the state changes when, and if, the completing side honours it.
        """
        unused: _Entries = {}
        with lock:
            if self._discard or self._state != PENDING:
                return False
            self._discard = True
            entries = self._waiting[_DISCARD]
            self._waiting[_DISCARD] = unused
        run_all([(self._pass_discard, ()), *[(self._call, entry) for entry in entries.values()]])
        return True

    def get(self, timeout: float | None = None) -> Any:
        """Wait for the value and return it; ``timeout`` in seconds, None for ever.

        Raises: a fresh exception of the failure's own class with the original as its cause; Discarded; Abandoned;
        TimeoutError. Inside a handler the wait lets another worker run the other actors.
        """
        if self._state != READY:
            if policy.get_slowly is None:
                raise RuntimeError("get: nothing can wait yet, or any more; import libactor first")
            policy.get_slowly(self, timeout, help_with(self, timeout))
        return self._read()

    def on_ready(self: _CellT, callback: _Callback, /) -> _CellT:
        """Call ``callback(value)`` when the value arrives."""
        self._subscribe(ON_READY, check_function("on_ready", callback))
        return self

    def on_failed(self: _CellT, callback: _Callback, /) -> _CellT:
        """Call ``callback(exception)`` when the computation fails."""
        self._subscribe(ON_FAILED, check_function("on_failed", callback))
        return self

    def on_discarded(self: _CellT, callback: _Callback, /) -> _CellT:
        """Call ``callback()`` when a discard has been honoured."""
        self._subscribe(ON_DISCARDED, check_function("on_discarded", callback))
        return self

    def on_any(self: _CellT, callback: _Callback, /) -> _CellT:
        """Call ``callback(future)`` when the future is complete in whichever way; after the more specific ones."""
        self._subscribe(ON_ANY, check_function("on_any", callback))
        return self

    def on_discard(self: _CellT, callback: _Callback, /) -> _CellT:
        """Call ``callback()`` when somebody asks for a discard: for the completing side."""
        self._subscribe(ON_DISCARD, check_function("on_discard", callback))
        return self

    def on_abandoned(self: _CellT, callback: _Callback, /) -> _CellT:
        """Call ``callback()`` when nobody is left who could complete the future."""
        self._subscribe(ON_ABANDONED, check_function("on_abandoned", callback))
        return self

    def _complete(self, state: int, value: Any, per_reader: bool = False, /) -> bool:
        """Leave PENDING for ``state``; False if that has happened before. ``value`` as in the field ``_value``.

        ``per_reader``: it is mutable and came from an actor. Raises: ValueError, if ``state`` is no outcome.
        """
        if not READY <= state <= DISCARDED:
            raise ValueError(f"state is {state}, expected {READY} to {DISCARDED}")
        unused: list[_Entries] = []
        with lock:
            if self._state != PENDING:
                return False
            self._value = value
            self._state = state
            self._per_reader = state == READY and per_reader
            waiting = self._waiting
            self._waiting = unused
        entries = waiting[_OUTCOME].values()
        if entries:
            kind = _OUTCOME_KIND[state]
            calls: list[_Call] = [(self._call, (kind, callback)) for k, callback in entries if k == kind]
            run_all(calls + [(self._call, entry) for entry in entries if entry[0] in (ON_ANY, ON_STEP, ON_LOSS)])
        return True

    def _abandon(self, cause: Any = None, /) -> bool:
        """Declare that nobody will complete this future, and why; False if it is completed or was abandoned before."""
        unused: _Entries = {}
        with lock:
            if self._abandoned or self._state != PENDING:
                return False
            self._abandoned = True
            self._value = cause
            entries = self._waiting[_ABANDONED]
            self._waiting[_ABANDONED] = unused
            steps = [(number, entry) for number, entry in self._waiting[_OUTCOME].items() if entry[0] >= ON_STEP]
            for number, (kind, _) in steps:
                if kind == ON_LOSS:
                    del self._waiting[_OUTCOME][number]
        run_all([(self._call_lost, entry) for _, entry in sorted([*entries.items(), *steps], key=_number)])
        return True

    def _subscribe(self, kind: int, callback: _Callback, /) -> None:
        """Call ``callback`` when ``kind`` happens: now, in this thread, if it has; never, if it no longer can.

        Arguments by kind: ON_READY the value, ON_FAILED the exception, ON_ANY this future; the others none.
        Raises: ValueError, if ``kind`` is none of them.
        """
        _check_kind(kind)
        if not self._add(kind, callback) and self._has_happened(kind):
            run_all([(self._call, (kind, callback))])

    def _add(self, kind: int, callback: Any) -> bool:
        """Let ``callback`` wait for ``kind``; False if that has happened, or cannot happen any more."""
        entry = (kind, callback)
        number = next(_numbers)
        with lock:
            if kind in (ON_FAILED, ON_ANY, ON_STEP, ON_LOSS):
                self._observed = True
            raised = self._discard if kind == ON_DISCARD else kind in (ON_ABANDONED, ON_LOSS) and self._abandoned
            if self._state != PENDING or raised:
                return False
            self._waiting[_OUTCOME if kind >= ON_STEP else _GROUP[kind]][number] = entry
            return True

    def _unsubscribe(self, kind: int, callback: _Callback, /) -> bool:
        """Take one subscription back, the oldest that equals this one; False if it is not there (any more).

        To have subscribed to a failure still counts as having looked at it. Raises: ValueError as ``_subscribe``, and
        what the comparison of two callbacks raises.
        """
        _check_kind(kind)
        with lock:
            entries = self._waiting[_GROUP[kind]] if self._state == PENDING else {}
            numbers = list(entries)
        for number in numbers:
            entry = entries.get(number)
            if entry is not None and entry[0] == kind and (entry[1] is callback or entry[1] == callback):
                with lock:
                    return self._state == PENDING and entries.pop(number, None) is not None
        return False

    def _forget(self, callback: Any) -> None:
        """Take out what _add has put in for an outcome."""
        entries = self._waiting[_OUTCOME] if self._waiting else {}
        for number, (_, waiting) in list(entries.items()):
            if waiting is callback:
                entries.pop(number, None)

    def _outcome(self) -> tuple[int, Any]:
        """The state and the value; reading a failure counts as looking at it."""
        if self._state == FAILED:
            self._observed = True
        return self._state, self._value

    def _has_happened(self, kind: int) -> bool:
        if kind == ON_ANY:
            return self._state != PENDING
        if kind == ON_DISCARD:
            return self._discard
        if kind == ON_ABANDONED:
            return self._abandoned and self._state == PENDING
        return self._state != PENDING and _OUTCOME_KIND[self._state] == kind

    def _call(self, kind: int, callback: Any) -> None:
        """Call what waited for ``kind``, which has happened; an Exception of a user's callback is reported."""
        if kind >= ON_STEP:
            hop(callback.arrive, self)
            return
        try:
            callback(*self._arguments(kind))
        except Exception as error:
            _reporters[1](callback, error)

    def _call_lost(self, kind: int, callback: Any) -> None:
        """Call what waited for abandonment, if only to pass it on."""
        if kind == ON_STEP:
            hop(callback.lose, self)
        else:
            self._call(kind, callback)

    def _arguments(self, kind: int) -> tuple[Any, ...]:
        if kind == ON_ANY:
            return (self,)
        if kind == ON_READY:
            return (self._read(),)
        return (self._value,) if kind == ON_FAILED else ()

    def _read(self) -> Any:
        """The value as one reader gets it."""
        if self._per_reader and policy.copy_value is not None:
            return policy.copy_value(self._value)
        return self._value

    def __del__(self) -> None:
        # After a constructor that raised there are no fields.
        if getattr(self, "_state", PENDING) == FAILED and not self._observed:
            _reporters[0](self._value)


def _check_kind(kind: int) -> None:
    if not ON_READY <= kind <= ON_ABANDONED:
        raise ValueError(f"kind is {kind}, expected {ON_READY} to {ON_ABANDONED}")


def _ignore(*_: Any) -> None:
    """What reports go to until libactor names its logger."""


_reporters: list[Callable[..., object]] = [_ignore, _ignore]


def set_reporters(unobserved: Callable[[Any], object], callback: Callable[[Any, BaseException], object]) -> None:
    """Name who hears of failures that have no other place to go.

    ``unobserved(exception)``: a future failed and went away before anybody looked. ``callback(function, exception)``:
    a callback of a future raised; the completing thread is not at fault and goes on.
    """
    _reporters[:] = [unobserved, callback]


def _number(numbered: tuple[int, Any]) -> int:
    return numbered[0]


def run_all(calls: list[_Call]) -> None:
    """Call all of them.

    What one raises (KeyboardInterrupt and its like, or what a reporter raises) is raised when all have been called; of
    several only the first.
    """
    interrupt: BaseException | None = None
    for function, arguments in calls:
        try:
            function(*arguments)
        except BaseException as error:
            if interrupt is None:
                interrupt = error
    if interrupt is not None:
        raise interrupt


policy.future_type = FutureCell  # until libactor names its own
