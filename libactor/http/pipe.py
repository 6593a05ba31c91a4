"""Pipe: bytes on their way from who writes to who reads, at the pace of the slower one."""

# Who calls: handlers that stream an answer or take a streamed request; the other end is calling.py, on the event loop.
#   Both ends may be used from any thread.
# Invariants: 1. each write that is not empty is one read, in order.    2. a write is over when its bytes were taken, so
#   who waits for that never has more than one under way; who does not wait is stopped at BYTES_MAX.
#   3. after the end of either side nothing is kept, and whoever waits hears of it.    4. futures are completed outside
#   of the lock: what hangs on them runs at once.
# A writer that is let go of without close() fails the reader: what it had to say is not whole.
# Rejected: a buffer with a size to choose; libprocess keeps what is not read yet without bound, and nobody waits.
# Source: libprocess http.hpp (Pipe).

from __future__ import annotations

import threading
from collections import deque
from functools import partial
from typing import Any

from libactor._core._impl import DISCARDED, FAILED, READY
from libactor._core.values import register_immutable
from libactor.future import Future, ready
from libactor.iteration import Break, Continue, loop

BYTES_MAX = 16 << 20  # of writes that nobody has taken yet; then the pipe fails: its writer does not wait
OVERHEAD_BYTES = 256  # of one such write, however short

Outcome = tuple[Future[Any], int, Any]  # a future to complete when the lock is let go of


class _Flow:
    """What both ends share."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.lock = threading.RLock()  # re-entrant: a Writer may be finalized inside any section
        self.writes: deque[tuple[bytes, Future[bool]]] = deque()  # not taken yet; then there are no reads
        self.reads: deque[Future[bytes]] = deque()
        self.held_bytes = 0
        self.ended = False  # by the writer: no write any more
        self.error: BaseException | None = None  # how it ended, if not well
        self.closed = False  # by the reader
        self.reader_closed: Future[None] = Future()

    def write(self, data: bytes) -> Future[bool]:
        """Put ``data`` behind what waits, or into the hands of a reader that does."""
        future: Future[bool] = Future()
        with self.lock:
            if self.ended or self.closed:
                outcomes: list[Outcome] = [(future, READY, False)]
            elif self.reads:
                outcomes = [(self.reads.popleft(), READY, data), (future, READY, True)]
            elif self.held_bytes + len(data) + OVERHEAD_BYTES > max(self.bytes_max, len(data) + OVERHEAD_BYTES):
                error = BufferError(
                    f"Pipe: more than {self.bytes_max} bytes were written and not read; wait for the future of each "
                    "write before the next"
                )
                outcomes = [*self._end(error), (future, READY, False)]
            else:
                self.writes.append((data, future))
                self.held_bytes += len(data) + OVERHEAD_BYTES
                outcomes = []
        _complete(outcomes)
        return future

    def read(self) -> Future[bytes]:
        """The next write, or the end."""
        future: Future[bytes] = Future()
        with self.lock:
            if self.closed:
                outcomes: list[Outcome] = [(future, FAILED, ValueError("read: the reader of this pipe is closed"))]
            elif self.writes:
                data, written = self.writes.popleft()
                self.held_bytes -= len(data) + OVERHEAD_BYTES
                outcomes = [(future, READY, data), (written, READY, True)]
            elif self.ended:
                outcomes = [(future, READY, b"") if self.error is None else (future, FAILED, self.error)]
            else:
                self.reads.append(future)
                outcomes = []
        _complete(outcomes)
        if future.is_pending():
            future.on_discard(partial(self.give_up, future))
        return future

    def give_up(self, future: Future[bytes]) -> None:
        """Honour the discard of a read that waits."""
        with self.lock:
            waits = future in self.reads
            if waits:
                self.reads.remove(future)
        if waits:
            future._complete(DISCARDED, None)

    def end(self, error: BaseException | None) -> bool:
        """No more writes; with an error, what was not read by now is lost. False if it had ended already."""
        with self.lock:
            if self.ended or self.closed:
                return False
            outcomes = self._end(error)
        _complete(outcomes)
        return True

    def close(self) -> bool:
        """No more reads. False if there was no need to say so again."""
        with self.lock:
            if self.closed:
                return False
            self.closed = True
            outcomes: list[Outcome] = [(written, READY, False) for _, written in self.writes]
            outcomes += [(read, DISCARDED, None) for read in self.reads]
            outcomes.append((self.reader_closed, READY, None))
            self._forget()
        _complete(outcomes)
        return True

    def _end(self, error: BaseException | None) -> list[Outcome]:
        self.ended, self.error = True, error
        if error is None:
            outcomes: list[Outcome] = [(read, READY, b"") for read in self.reads]
            self.reads.clear()
            return outcomes  # what was written may still be read
        outcomes = [(read, FAILED, error) for read in self.reads]
        outcomes += [(written, READY, False) for _, written in self.writes]
        self._forget()
        return outcomes

    def _forget(self) -> None:
        self.writes.clear()
        self.reads.clear()
        self.held_bytes = 0


class Writer:
    """The writing end of a Pipe."""

    __slots__ = ("__weakref__", "_flow")

    def __init__(self, flow: _Flow) -> None:
        self._flow = flow

    def write(self, data: bytes | str) -> Future[bool]:
        """Send ``data``: True once the reader has taken it, False if it will not, since either end is closed.

        Wait for it before the next write, to keep the pace of the reader: a pipe in which more than its ``bytes_max``
        wait fails, and is closed. Nothing is sent for an empty text. Raises: TypeError for what is not bytes or text.
        """
        if isinstance(data, str):
            data = data.encode("utf-8")
        elif not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError(f"write: got {data!r}, expected bytes or text")
        return self._flow.write(bytes(data)) if data else ready(True)

    def close(self) -> bool:
        """End it: the reader gets what is still on its way, and then b"". False if it has ended already."""
        return self._flow.end(None)

    def fail(self, error: BaseException | str) -> bool:
        """End it badly: the reader gets the error (a text: RuntimeError of it), and nothing of what it has not read.

        False if it has ended already.
        """
        if not isinstance(error, (BaseException, str)):
            raise TypeError(f"fail: got {error!r}, expected an exception object or a text")
        return self._flow.end(RuntimeError(error) if isinstance(error, str) else error)

    @property
    def reader_closed(self) -> Future[None]:
        """Ready once the reader wants no more, such as because its client has gone."""
        return self._flow.reader_closed

    def __del__(self) -> None:
        flow = getattr(self, "_flow", None)
        if flow is not None and not flow.ended:
            flow.end(RuntimeError("the writer of this pipe has gone, or its actor, without close()"))


class Reader:
    """The reading end of a Pipe; also an asynchronous iterator of what was written."""

    __slots__ = ("__weakref__", "_flow")

    def __init__(self, flow: _Flow) -> None:
        self._flow = flow

    def read(self) -> Future[bytes]:
        """What the next write has written; b"" at the end. It fails with the error of ``Writer.fail``."""
        return self._flow.read()

    def read_all(self, bytes_max: int | None = None) -> Future[bytes]:
        """All that comes until the end, in one piece; beyond ``bytes_max`` it fails with BufferError."""
        chunks: list[bytes] = []
        size = 0

        def keep(chunk: bytes) -> Continue | Break[bytes]:
            nonlocal size
            if not chunk:
                return Break(b"".join(chunks))
            size += len(chunk)
            if bytes_max is not None and size > bytes_max:
                self.close()
                raise BufferError(f"read_all: more than {bytes_max} bytes came; allow more, or read them one by one")
            chunks.append(chunk)
            return Continue()

        return loop(self.read, keep)

    def close(self) -> bool:
        """Want no more: the writer hears of it. False if it was closed already."""
        return self._flow.close()

    def __del__(self) -> None:
        flow = getattr(self, "_flow", None)
        if flow is not None:
            flow.close()

    def __aiter__(self) -> Reader:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self.read()
        if not chunk:
            raise StopAsyncIteration
        return chunk


class Pipe:
    """Two ends, ``writer`` and ``reader``: what is written to the one is read from the other.

    Return the reader from a route, and write as things happen. ``bytes_max``: how much may have been written and not
    been read, if the writer does not wait.
    """

    __slots__ = ("reader", "writer")

    def __init__(self, bytes_max: int = BYTES_MAX) -> None:
        flow = _Flow(bytes_max)
        self.reader = Reader(flow)
        self.writer = Writer(flow)


register_immutable(Reader)
register_immutable(Writer)


def _complete(outcomes: list[Outcome]) -> None:
    for future, state, value in outcomes:
        future._complete(state, value)
