"""Waking: outcomes of futures on their way from the workers to one event loop, which is woken once for many."""

# Who calls: application.py, for every request that an actor answers.
# Invariants: 1. no outcome is lost: it is put down before the flag is looked at, and the loop lowers the flag before it
#   looks at what was put down.    2. a loop that is closed wakes nobody: then nobody waits any more.
# Why not `await future`: that wakes the loop for each. The switch of threads there and back is most of what a short
#   answer costs; so calls are begun together, once all that has arrived is read, and answers are fetched together.

from __future__ import annotations

import asyncio
import logging
import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from libactor._core._impl import ON_ABANDONED, ON_ANY
from libactor.future import Future

log = logging.getLogger("libactor.http")

BATCH_MAX = 8  # calls that the first of them waits for


class Waking:
    """What workers wake one event loop by."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._beginning: list[Callable[[], None]] = []
        self._seen = 0  # of them, when the loop last looked for more
        self._arrived: deque[Callable[[], None]] = deque()
        self._called = False

    def call_soon(self, function: Callable[[], None]) -> None:
        """Call ``function`` before the loop sleeps again, when all that has arrived until now is read.

        What wakes workers is best done then: the loop is about to let go of the interpreter, and they need not wait.
        """
        if not self._beginning:
            self._loop.call_soon(self._begin)
        self._beginning.append(function)

    def _begin(self) -> None:
        if self._seen < len(self._beginning) and self._seen < BATCH_MAX:  # more may have come while these were read
            self._seen = len(self._beginning)
            self._loop.call_soon(self._begin)
            return
        beginning, self._beginning, self._seen = self._beginning, [], 0
        for function in beginning:
            _call(function)

    def call_at_end_of(self, future: Future[Any], function: Callable[[], None]) -> None:
        """Have the loop call ``function`` once ``future`` is complete or abandoned; twice if it is first the one."""
        put = partial(self._put, function)
        future._subscribe(ON_ANY, put)
        future._subscribe(ON_ABANDONED, put)

    async def end_of(self, future: Future[Any]) -> None:
        """Wait until ``future`` is complete or abandoned; a task that is cancelled asks for its discard."""
        waiter: asyncio.Future[None] = self._loop.create_future()
        self.call_at_end_of(future, partial(_wake, waiter))
        try:
            await waiter
        except asyncio.CancelledError:
            future.discard()
            raise

    def _put(self, function: Callable[[], None], _: object = None) -> None:
        """From any thread: have ``function`` called soon."""
        self._arrived.append(function)
        if self._called:
            return
        self._called = True
        try:
            self._loop.call_soon_threadsafe(self._hand_out)
        except RuntimeError:
            if not self._loop.is_closed():
                raise

    def _hand_out(self) -> None:
        self._called = False
        while self._arrived:
            _call(self._arrived.popleft())


def _call(function: Callable[[], None]) -> None:
    try:
        function()
    except Exception:
        log.exception("a request was lost on its way to its actor, or its answer on the way back")


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


_of_loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Waking] = weakref.WeakKeyDictionary()


def waking() -> Waking:
    """That of the running loop."""
    loop = asyncio.get_running_loop()
    found = _of_loops.get(loop)
    if found is None:
        found = _of_loops[loop] = Waking(loop)
    return found
