"""Snapshot: the values of all metrics at one time, some of which have to be waited for."""

# Who calls: the registry (registry.py), once for each snapshot.
# Invariants: 1. the result is complete once every gauge has answered, failed or gone, or the time is over, as it is
#   when the runtime closes.
#   2. then nothing of the snapshot is left with gauges that still owe an answer, so that one that hangs does not
#   collect a callback for every snapshot.
# Not collect or await_all: a gauge that is abandoned would abandon the whole, and both leave their callbacks behind.
# Source: libprocess metrics/metrics.cpp.

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from libactor._core._impl import DISCARDED, FAILED, ON_ABANDONED, ON_ANY, READY, hop
from libactor._core.clock import Clock, Timer
from libactor.future import Future
from libactor.metrics.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

log = logging.getLogger("libactor")


class Gathering:
    """The values a snapshot has, and the gauges and tables whose answers it waits for; ``form`` is what it becomes."""

    def __init__(
        self,
        values: dict[str, float],
        pulled: dict[str, Future[Any]],
        tables: frozenset[str],
        form: Callable[[dict[str, float], dict[str, Rows]], Any],
    ) -> None:
        self.result: Future[Any] = Future()
        self._values = values
        self._pulled = pulled
        self._tables = tables  # names of those that come to rows
        self._form = form
        self._left = set(pulled)  # names of gauges
        self._callbacks: dict[str, Callable[..., None]] = {name: partial(self._arrived, name) for name in pulled}
        self._timer: Timer | None = None
        self._over = False

    def start(self, clock: Clock, timeout: float | None) -> Future[Any]:
        """Wait for the gauges, at most ``timeout`` seconds of ``clock``; the future of the snapshot."""
        self.result.on_discard(self._give_up)
        for name, future in self._pulled.items():
            future._subscribe(ON_ANY, self._callbacks[name])
            future._subscribe(ON_ABANDONED, self._callbacks[name])
        if not self._left:
            self.finish()
        elif timeout is not None:
            self._timer = clock.timer(timeout, _Deadline(self))
            if self._over:  # meanwhile, perhaps before there was a timer to cancel
                self._timer.cancel()
        return self.result

    def _arrived(self, name: str, _: object = None) -> None:
        self._left.discard(name)
        if not self._left:
            self.finish()

    def finish(self) -> None:
        """Complete the snapshot with what there is, unless it is complete, or was given up."""
        if self._over:
            return
        self._let_go()
        values, tables = dict(self._values), {}
        for name, future in self._pulled.items():
            if name in self._tables:
                if (rows := read_rows(name, future)) is not None:
                    tables[name] = rows
            elif (number := read(name, future)) is not None:
                values[name] = number
        hop(self.result._complete, READY, self._form(values, tables))

    def _give_up(self) -> None:
        """Honour a discard."""
        self._let_go()
        hop(self.result._complete, DISCARDED, None)

    def _let_go(self) -> None:
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        for name, future in self._pulled.items():
            future._unsubscribe(ON_ANY, self._callbacks[name])
            future._unsubscribe(ON_ABANDONED, self._callbacks[name])


class _Deadline:
    """What the timer of a snapshot was set for; one that goes away with its clock means that the time is over."""

    __slots__ = ("_gathering",)

    def __init__(self, gathering: Gathering) -> None:
        self._gathering = gathering

    def __call__(self) -> None:
        self._gathering.finish()

    def __del__(self) -> None:
        self._gathering.finish()


def read(name: str, pulled: Future[Any]) -> float | None:
    """What the gauge ``name`` has answered; None, and a word in the log, if that is no number."""
    state, value = pulled._outcome()
    if state == READY and isinstance(value, (int, float)):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    kind = type(value).__qualname__ if state in (READY, FAILED) else ""  # not what it says of itself: that may fail too
    log.debug("metrics: %s is left out, its gauge came to %r %s; expected a finite number", name, pulled, kind)
    return None


def read_rows(name: str, pulled: Future[Any]) -> Rows | None:
    """What the table ``name`` has answered; None, and a word in the log, if these are not rows of finite numbers."""
    state, value = pulled._outcome()
    if state == READY:
        rows: Rows = value
        return rows
    log.debug("metrics: %s is left out, its table came to %r; expected rows of finite numbers", name, pulled)
    return None


def as_dictionary(values: Mapping[str, float], tables: Mapping[str, Rows]) -> dict[str, float]:
    """All numbers by name, and in order of names."""
    found = dict(values)
    for table, rows in tables.items():
        for row, columns, numbers in rows:
            prefix = f"{table}/{row}/"
            names = [prefix + column for column in columns]
            found.update(zip(names, memoryview(numbers).cast("d"), strict=True))
    return {name: found[name] for name in sorted(found)}
