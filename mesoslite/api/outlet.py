"""Outlet: a bounded buffer that an actor fills and a response stream empties."""

# Who calls: the Subscription's actor puts, from a worker; the stream's coroutine takes, on the HTTP server's loop.
# Invariants: 1. what waits is at most ``bytes_max``, or one record, so a client that does not read costs no more.
#   2. records leave in the order they came; after the end or an overflow nothing enters.
# On overflow the subscription is lost, not the record: a stream with a gap would look whole to the client.

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable


class Outlet:
    """Made on the loop that empties it."""

    def __init__(self, bytes_max: int) -> None:
        self.overflowed = False  # something did not fit, and the loop has come to know of it
        self.when_taken: Callable[[], object] | None = None  # called on the loop, after records were taken
        self.when_overflowed: Callable[[], object] | None = None  # called on the loop then
        self._bytes_max = bytes_max
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._pieces: list[bytes] = []
        self._size = 0
        self._open = True
        self._lost = False  # something did not fit
        self._waiter: asyncio.Future[None] | None = None  # of who takes

    def put(self, record: bytes) -> bool:
        """Add a record; False if the buffer is full, which ends it, or has ended. Any thread may call."""
        with self._lock:
            if not self._open:
                return False
            is_first = not self._pieces  # else the loop has been told, and has not come to it yet
            fits = is_first or self._size + len(record) <= self._bytes_max
            if fits:
                self._pieces.append(record)
                self._size += len(record)
            else:
                self._open, self._lost = False, True
        if not fits:
            self._signal(self._overflow)
        elif is_first:
            self._signal(self._wake)
        return fits

    @property
    def size(self) -> int:
        """How many bytes wait."""
        return self._size

    def end(self) -> None:
        """Take no more; what waits is still sent. Any thread may call."""
        with self._lock:
            self._open = False
        self._signal(self._wake)

    async def take(self) -> list[bytes] | None:
        """Wait for records and return all that wait; None at the end.

        Raises: ConnectionAbortedError in the place of the end after an overflow: a gap must not look like an end.
        """
        while True:
            with self._lock:
                taken, self._pieces, self._size = self._pieces, [], 0
                if not taken and self._lost:
                    raise ConnectionAbortedError("the client does not read its events")
                if not taken and not self._open:
                    return None
                if not taken:
                    self._waiter = self._loop.create_future()
            if taken:
                if self.when_taken is not None:
                    self.when_taken()
                return taken
            assert self._waiter is not None
            await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _overflow(self) -> None:
        self.overflowed = True
        if self.when_overflowed is not None:
            self.when_overflowed()

    def _signal(self, action: Callable[[], object]) -> None:
        try:
            self._loop.call_soon_threadsafe(action)
        except RuntimeError:  # the server has closed, maybe this moment, and the stream with it
            if not self._loop.is_closed():
                raise
