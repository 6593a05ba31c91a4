"""Logging level: has a program log more for a while, by /logging/toggle and the operator API."""

# Who calls: common_calls.py for GET_ and SET_LOGGING_LEVEL; master.py and agent.py have the route.
# A level is glog's verbosity, as in Mesos: 0 is what the program was started with, 1 adds INFO, 2 and more add DEBUG.
#   The loggers are the process's, so the level is as well: masters and agents in one program have one.
# Invariants: 1. of several settings the last one holds, until its own time is over; those before it end nothing.
#   2. a runtime that closes ends the setting that was made on its clock, for nobody would.
# Source: libprocess src/logging.cpp (Logging::toggle, set_level, revert).

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING

from libactor.http import parse_duration

from .exchange import Refusal, Response
from .hosts import same_origin
from .routes import Routes, methods

if TYPE_CHECKING:
    from collections.abc import Callable

    import libactor as la

    from .exchange import Exchange

PATH = "/logging/toggle"
LEVEL_MAX = 2**32 - 1
_LOGGERS = ("libactor", "mesoslite")
_ADDED = (logging.INFO, logging.DEBUG)  # by level 1, and by those above


class Verbosity:
    """How much more than usual some loggers log. Any thread may call."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._loggers = [logging.getLogger(name) for name in names]
        self._usual: list[int] = []  # what they are set to without us, while the level is not 0
        self._lock = threading.RLock()  # re-entrant: a setting may go away with its clock, and end, anywhere
        self._level = 0
        self._timer: la.Timer | None = None
        self._settings = 0  # made so far

    @property
    def level(self) -> int:
        """The level that holds now."""
        return self._level

    def set(self, level: int, seconds: float, clock: la.Clock) -> None:
        """Have ``level`` hold for so many seconds of ``clock``, then 0 again."""
        with self._lock:
            self._restore()
            self._settings += 1
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if level:
                self._raise(level)
                self._timer = clock.timer(seconds, _End(partial(self._end, self._settings)))

    def _raise(self, level: int) -> None:
        self._level = level
        self._usual = [logger.level for logger in self._loggers]
        added = _ADDED[min(level, len(_ADDED)) - 1]
        for logger in self._loggers:
            logger.setLevel(min(logger.getEffectiveLevel(), added))

    def _end(self, setting: int) -> None:
        with self._lock:
            if setting == self._settings:
                self._restore()

    def _restore(self) -> None:
        if self._level:
            self._level = 0
            for logger, usual in zip(self._loggers, self._usual, strict=True):
                logger.setLevel(usual)


class _End:
    """What the timer of a setting was set for; one that goes away with its clock ends the setting as well."""

    __slots__ = ("_end",)

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end

    def __call__(self) -> None:
        self._end()

    def __del__(self) -> None:
        self._end()


VERBOSITY = Verbosity(_LOGGERS)


def logging_routes(runtime: la.Runtime) -> Routes:
    """The page that tells the level, or sets it for a while of the clock of ``runtime``."""

    async def toggle(exchange: Exchange) -> Response:
        level, duration = exchange.query.get("level"), exchange.query.get("duration")
        if level is None and duration is None:
            return Response(body=b"%d\n" % VERBOSITY.level, content_type="text/plain; charset=utf-8")
        if level is None or duration is None:
            raise Refusal(400, f"Expecting '{'level' if level is None else 'duration'}=value' in query")
        try:
            seconds = parse_duration(duration)
        except ValueError as error:
            raise Refusal(400, f"duration: {error}") from error
        VERBOSITY.set(_level(level), seconds, runtime.clock)
        return Response()

    return {PATH: methods(GET=same_origin(toggle), POST=same_origin(toggle))}


def _level(text: str) -> int:
    """Raises: Refusal with status 400, for what is no level."""
    if not text.isascii() or not text.isdigit() or len(text) > 10 or int(text) > LEVEL_MAX:
        raise Refusal(400, f"level: got {text[:80]!r}, expected a whole number from 0 on")
    return int(text)
