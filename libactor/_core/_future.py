"""FutureCell: one value that arrives later; its state, its flags and its callbacks."""

# Who calls: Promise and the dispatch event complete a cell; everybody else asks or subscribes (libactor/future.py
#   adds the combinators on top). Any thread may call any method.
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
import threading
from collections.abc import Callable
from typing import Any

PENDING, READY, FAILED, DISCARDED = range(4)

# What a callback waits for. The first four are outcomes; a callback of ON_ANY follows those of the outcome itself.
ON_READY, ON_FAILED, ON_DISCARDED, ON_ANY, ON_DISCARD, ON_ABANDONED = range(6)

_OUTCOME_KIND = {READY: ON_READY, FAILED: ON_FAILED, DISCARDED: ON_DISCARDED}

# Kinds that happen at the same time wait in the same list.
_OUTCOME, _DISCARD, _ABANDONED = range(3)
_GROUP = (_OUTCOME, _OUTCOME, _OUTCOME, _OUTCOME, _DISCARD, _ABANDONED)

_lock = threading.RLock()

_Callback = Callable[..., object]
_Entries = dict[int, tuple[int, _Callback]]  # number -> (kind, callback)
_Call = tuple[_Callback, tuple[Any, ...]]

_numbers = itertools.count()  # of subscriptions


class FutureCell:
    """State, value and callbacks of one future. ``libactor.Future`` derives from it and adds the public surface."""

    __slots__ = ("__weakref__", "_abandoned", "_discard", "_observed", "_state", "_value", "_waiting")

    # _state: PENDING until completed.    _value: result when READY, exception when FAILED, else None.
    # _waiting: while PENDING, the callbacks, for each group of kinds by number in order registered; empty afterwards.
    # _discard, _abandoned: the two flags.    _observed: somebody has looked at, or subscribed to, a failure.

    def __init__(self) -> None:
        self._state = PENDING
        self._value: Any = None
        self._waiting: list[_Entries] = [{}, {}, {}]
        self._discard = False
        self._abandoned = False
        self._observed = False

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
        with _lock:
            if self._discard or self._state != PENDING:
                return False
            self._discard = True
            entries = self._waiting[_DISCARD]
            self._waiting[_DISCARD] = unused
        _run([(callback, ()) for _, callback in entries.values()])
        return True

    def _complete(self, state: int, value: Any, /) -> bool:
        """Leave PENDING for ``state``; False if that has happened before. ``value`` as in the field ``_value``.

        Raises: ValueError, if ``state`` is no outcome.
        """
        if not READY <= state <= DISCARDED:
            raise ValueError(f"state is {state}, expected {READY} to {DISCARDED}")
        unused: list[_Entries] = []
        with _lock:
            if self._state != PENDING:
                return False
            self._value = value
            self._state = state
            waiting = self._waiting
            self._waiting = unused
        entries = waiting[_OUTCOME].values()
        if entries:
            kind = _OUTCOME_KIND[state]
            arguments = self._arguments(kind)
            calls: list[_Call] = [(callback, arguments) for k, callback in entries if k == kind]
            _run(calls + [(callback, (self,)) for k, callback in entries if k == ON_ANY])
        return True

    def _abandon(self) -> bool:
        """Declare that nobody will complete this future; False if it is completed or was abandoned before."""
        unused: _Entries = {}
        with _lock:
            if self._abandoned or self._state != PENDING:
                return False
            self._abandoned = True
            entries = self._waiting[_ABANDONED]
            self._waiting[_ABANDONED] = unused
        _run([(callback, ()) for _, callback in entries.values()])
        return True

    def _subscribe(self, kind: int, callback: _Callback, /) -> None:
        """Call ``callback`` when ``kind`` happens: now, in this thread, if it has; never, if it no longer can.

        Arguments by kind: ON_READY the value, ON_FAILED the exception, ON_ANY this future; the others none.
        Raises: ValueError, if ``kind`` is none of them.
        """
        _check_kind(kind)
        entry = (kind, callback)
        number = next(_numbers)
        with _lock:
            if kind in (ON_FAILED, ON_ANY):
                self._observed = True
            raised = self._discard if kind == ON_DISCARD else kind == ON_ABANDONED and self._abandoned
            if self._state == PENDING and not raised:
                self._waiting[_GROUP[kind]][number] = entry
                return
        if self._has_happened(kind):
            _run([(callback, self._arguments(kind))])

    def _unsubscribe(self, kind: int, callback: _Callback, /) -> bool:
        """Take one subscription back, the oldest that equals this one; False if it is not there (any more).

        To have subscribed to a failure still counts as having looked at it. Raises: ValueError as ``_subscribe``, and
        what the comparison of two callbacks raises.
        """
        _check_kind(kind)
        with _lock:
            entries = self._waiting[_GROUP[kind]] if self._state == PENDING else {}
            numbers = list(entries)
        for number in numbers:
            entry = entries.get(number)
            if entry is not None and entry[0] == kind and (entry[1] is callback or entry[1] == callback):
                with _lock:
                    return self._state == PENDING and entries.pop(number, None) is not None
        return False

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

    def _arguments(self, kind: int) -> tuple[Any, ...]:
        if kind == ON_ANY:
            return (self,)
        return (self._value,) if kind in (ON_READY, ON_FAILED) else ()

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


def _run(calls: list[_Call]) -> None:
    """Call all of them; an Exception is reported.

    What is no Exception (KeyboardInterrupt and its like), or what the reporter itself raises, is raised when all have
    been called; of several only the first.
    """
    interrupt: BaseException | None = None
    for callback, arguments in calls:
        try:
            _run_one(callback, arguments)
        except BaseException as error:
            if interrupt is None:
                interrupt = error
    if interrupt is not None:
        raise interrupt


def _run_one(callback: _Callback, arguments: tuple[Any, ...]) -> None:
    try:
        callback(*arguments)
    except Exception as error:
        _reporters[1](callback, error)
