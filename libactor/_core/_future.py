"""FutureCell: one value that arrives later; its state, its flags and its callbacks."""

# Who calls: Promise and the dispatch event complete a cell; everybody else asks or subscribes (libactor/future.py
#   adds the combinators on top). Any thread may call any method.
# Invariants: 1. the state leaves PENDING once and never changes again; the value is written before the state.
#   2. callbacks run in the thread that completes the cell, in the order registered, those for the outcome before
#   those for any outcome; never under the lock, each exactly once, and are dropped afterwards.
#   3. discard is a request and abandonment a verdict about a cell that is still pending; both are flags, not states.
# One lock for all cells: a critical section is a few loads and stores, and a lock per cell would double its size.
# Twin: csrc/future.c; both pass tests/runtime/test_future_cell.py. Source: libprocess future.hpp.

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

PENDING, READY, FAILED, DISCARDED = range(4)

# What a callback waits for. The first four are outcomes; a callback of ON_ANY follows those of the outcome itself.
ON_READY, ON_FAILED, ON_DISCARDED, ON_ANY, ON_DISCARD, ON_ABANDONED = range(6)

_OUTCOME_KIND = {READY: ON_READY, FAILED: ON_FAILED, DISCARDED: ON_DISCARDED}

_lock = threading.Lock()


class FutureCell:
    """State, value and callbacks of one future. ``libactor.Future`` derives from it and adds the public surface."""

    __slots__ = ("__weakref__", "_abandoned", "_callbacks", "_discard", "_observed", "_state", "_value")

    # _state: PENDING until completed.    _value: result when READY, exception when FAILED, else None.
    # _callbacks: None, or list of (kind, callback) while PENDING.
    # _discard, _abandoned: the two flags.    _observed: somebody has looked at, or subscribed to, a failure.

    def __init__(self) -> None:
        self._state = PENDING
        self._value: Any = None
        self._callbacks: list[tuple[int, Callable[..., object]]] | None = None
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
        with _lock:
            if self._discard or self._state != PENDING:
                return False
            self._discard = True
            callbacks = self._take(ON_DISCARD)
        _run(callbacks, ())
        return True

    def _complete(self, state: int, value: Any) -> bool:
        """Leave PENDING for ``state``; False if that has happened before. ``value`` as in the field ``_value``."""
        with _lock:
            if self._state != PENDING:
                return False
            self._value = value
            self._state = state
            callbacks, self._callbacks = self._callbacks, None
        if callbacks:
            kind = _OUTCOME_KIND[state]
            _run([c for k, c in callbacks if k == kind], () if state == DISCARDED else (value,))
            _run([c for k, c in callbacks if k == ON_ANY], (self,))
        return True

    def _abandon(self) -> bool:
        """Declare that nobody will complete this future; False if it is completed or was abandoned before."""
        with _lock:
            if self._abandoned or self._state != PENDING:
                return False
            self._abandoned = True
            callbacks = self._take(ON_ABANDONED)
        _run(callbacks, ())
        return True

    def _subscribe(self, kind: int, callback: Callable[..., object]) -> None:
        """Call ``callback`` when ``kind`` happens: now, in this thread, if it has; never, if it no longer can.

        Arguments by kind: ON_READY the value, ON_FAILED the exception, ON_ANY this future; the others none.
        """
        with _lock:
            if kind in (ON_FAILED, ON_ANY):
                self._observed = True
            if self._happened(kind):
                arguments = self._arguments(kind)
            else:
                if self._state == PENDING:
                    if self._callbacks is None:
                        self._callbacks = []
                    self._callbacks.append((kind, callback))
                return
        _run([callback], arguments)

    def _unsubscribe(self, kind: int, callback: Callable[..., object]) -> bool:
        """Take one subscription back, found by equality; False if it is not there (any more)."""
        with _lock:
            callbacks = self._callbacks or []
            if (kind, callback) not in callbacks:
                return False
            callbacks.remove((kind, callback))
            return True

    def _outcome(self) -> tuple[int, Any]:
        """The state and the value; reading a failure counts as looking at it."""
        if self._state == FAILED:
            self._observed = True
        return self._state, self._value

    def _happened(self, kind: int) -> bool:
        if kind == ON_ANY:
            return self._state != PENDING
        if kind == ON_DISCARD:
            return self._discard
        if kind == ON_ABANDONED:
            return self.is_abandoned()
        return _OUTCOME_KIND.get(self._state) == kind

    def _arguments(self, kind: int) -> tuple[Any, ...]:
        if kind == ON_ANY:
            return (self,)
        return (self._value,) if kind in (ON_READY, ON_FAILED) else ()

    def _take(self, kind: int) -> list[Callable[..., object]]:
        """Remove and return the callbacks of one kind; the lock is held."""
        if self._callbacks is None:
            return []
        taken = [c for k, c in self._callbacks if k == kind]
        self._callbacks = [(k, c) for k, c in self._callbacks if k != kind]
        return taken

    def __del__(self) -> None:
        if self._state == FAILED and not self._observed:
            _reporters[0](self._value)


def _ignore(*_: Any) -> None:
    """What reports go to until libactor names its logger."""


_reporters: list[Callable[..., object]] = [_ignore, _ignore]


def set_reporters(unobserved: Callable[[Any], object], callback: Callable[[Any, BaseException], object]) -> None:
    """Name who hears of failures that have no other place to go.

    ``unobserved(exception)``: a future failed and went away before anybody looked. ``callback(function, exception)``:
    a callback of a future raised; the completing thread is not at fault and goes on.
    """
    _reporters[:] = [unobserved, callback]


def _run(callbacks: list[Callable[..., object]], arguments: tuple[Any, ...]) -> None:
    """Call all of them; an Exception is reported, the first KeyboardInterrupt or its like is raised at the end."""
    interrupt: BaseException | None = None
    for callback in callbacks:
        try:
            callback(*arguments)
        except Exception as error:
            _reporters[1](callback, error)
        except BaseException as error:
            interrupt = interrupt or error
    if interrupt is not None:
        raise interrupt
