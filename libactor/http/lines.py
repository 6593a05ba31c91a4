"""Lines: who waits for what is done strictly in order of arrival, apart for each actor."""

# Who calls: application.py, around authentication and authorization; a request that needs neither waits in no line
#   unless there is one.
# Invariants: 1. a turn begins when the one before it has ended, however it did.    2. one who gives up while waiting
#   ends with the one before, so nobody is overtaken.    3. a line that is empty takes no room.
# Each event loop has lines of its own: between loops there is no order of arrival.
# Source: libprocess process.cpp (the Sequence of each process).

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

Key = tuple[asyncio.AbstractEventLoop, Any]


class Lines:
    """The lines of one site."""

    def __init__(self) -> None:
        self._last: dict[Key, asyncio.Future[None]] = {}  # of each line, the end of its last turn

    def has(self, what: object) -> bool:
        """Whether somebody waits or is served in the line of ``what``."""
        return bool(self._last) and (asyncio.get_running_loop(), what) in self._last

    def are_busy(self) -> bool:
        """Whether anybody waits or is served in any of them; from any thread."""
        return bool(self._last)

    @asynccontextmanager
    async def turn(self, what: object) -> AsyncIterator[None]:
        """Wait until all who came before are through."""
        loop = asyncio.get_running_loop()
        key = (loop, what)
        before, mine = self._last.get(key), loop.create_future()
        self._last[key] = mine
        try:
            if before is not None:
                await asyncio.wait([before])
            yield
        finally:
            if before is None or before.done():
                self._end(key, mine)
            else:
                before.add_done_callback(lambda _: self._end(key, mine))

    def _end(self, key: Key, mine: asyncio.Future[None]) -> None:
        mine.set_result(None)
        if self._last.get(key) is mine:
            del self._last[key]
