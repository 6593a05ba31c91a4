"""Operations: what can be waited for on a descriptor, each tried without blocking until it is done."""

# Who calls: streams (libactor/io/stream.py), which try the operations of a line one after the other.
# Invariant: no attempt blocks, and none takes more than TURN_BYTES: the worker that makes it has actors to run.
# A descriptor that blocks is asked whether it is ready before each call, and written to in pieces that it takes whole
#   when it says so. Rejected: to set O_NONBLOCK, which all who have the same file open would feel.
# What is always ready, such as a regular file or /dev/null, never has to wait.

from __future__ import annotations

import enum
import errno
import fcntl
import os
import select
from contextlib import suppress
from io import BytesIO
from typing import Any, Generic, TypeVar

from libactor._core._impl import DISCARDED, FAILED, READY
from libactor.future import Future

T = TypeVar("T")

CHUNK_BYTES = 65_536  # what one read asks for, unless told otherwise: as much as a pipe holds
WIDE_BYTES = 262_144  # what a pipe to a program holds once it was full; at 1 MiB nothing was faster
TURN_BYTES = 1 << 20  # what an operation moves until others have their turn
PIECE_BYTES = select.PIPE_BUF  # what a descriptor that blocks takes whole once it is ready

_ADVICE = {
    errno.EBADF: "it is closed, or not open for that",
    errno.EISDIR: "expected a file, a pipe, a socket or a terminal",
    errno.EPIPE: "nobody reads the other end any more",
}


class Readiness(enum.IntFlag):
    """What a descriptor can be ready for: see ``poll``. At its end, or in error, it is ready for all that was asked."""

    READ = select.POLLIN
    WRITE = select.POLLOUT


READ, WRITE = Readiness.READ, Readiness.WRITE


class Progress(enum.Enum):
    """What came of an attempt: the operation has to wait, could go on at once, or is done."""

    WAIT = 0
    MORE = 1
    DONE = 2


class Operation(Generic[T]):
    """Something that somebody waits for by ``future``."""

    __slots__ = ("future", "outcome")

    writes = False  # it stands in the line of those who write
    name = ""  # for errors

    # outcome: the value, or the error, once it is done.

    def __init__(self) -> None:
        self.future: Future[T] = Future()
        self.outcome: Any = None

    def attempt(self, descriptor: int, called: str = "") -> Progress:
        """Go on as far as it goes without blocking; called by one thread at a time. ``called``: its name for errors."""
        try:
            return self._go_on(descriptor)
        except OSError as error:
            self.outcome = explained(error, self.name, called or f"descriptor {descriptor}")
            return Progress.DONE

    def is_held_up(self, progress: Progress) -> bool:
        """Whether after that attempt a pipe of no more than CHUNK_BYTES seems too narrow for what goes through it."""
        return False

    def finish(self) -> None:
        """Tell who waits, with no lock held."""
        failed = isinstance(self.outcome, BaseException)
        self.future._complete(FAILED if failed else READY, self.outcome)

    def discard(self) -> None:
        """Tell who waits that it was given up."""
        self.future._complete(DISCARDED, None)

    def _go_on(self, descriptor: int) -> Progress:
        raise NotImplementedError


class Poll(Operation[Readiness]):
    """Wait until the descriptor is ready for one of ``events``."""

    __slots__ = ("_events",)

    name = "poll"

    def __init__(self, events: Readiness) -> None:
        super().__init__()
        self._events = events

    def _go_on(self, descriptor: int) -> Progress:
        mask = look(descriptor, self._events)
        if not mask:
            return Progress.WAIT
        if mask & select.POLLNVAL:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        self.outcome = self._events & mask or self._events
        return Progress.DONE


class Read(Operation[bytes]):
    """Wait for at most ``size`` bytes, or the end."""

    __slots__ = ("_size",)

    name = "read"

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = min(size, TURN_BYTES)

    def _go_on(self, descriptor: int) -> Progress:
        self.outcome = read_now(descriptor, self._size)
        return Progress.WAIT if self.outcome is None else Progress.DONE

    def is_held_up(self, progress: Progress) -> bool:
        return progress is Progress.DONE and isinstance(self.outcome, bytes) and len(self.outcome) >= CHUNK_BYTES


class ReadAll(Operation[bytes]):
    """Wait for the end; what came until then, if it is not more than ``limit`` bytes."""

    __slots__ = ("_gathered", "_limit")

    name = "read_all"

    def __init__(self, limit: int | None) -> None:
        super().__init__()
        self._limit = limit
        self._gathered = BytesIO()  # which hands out its bytes at the end without a copy

    def _go_on(self, descriptor: int) -> Progress:
        gathered = self._gathered
        turn = gathered.tell() + TURN_BYTES
        while gathered.tell() < turn:
            data = read_now(descriptor, CHUNK_BYTES)
            if data is None:
                return Progress.WAIT
            if not data:
                self.outcome, self._gathered = gathered.getvalue(), BytesIO()
                return Progress.DONE
            gathered.write(data)
            if self._limit is not None and gathered.tell() > self._limit:
                self._gathered = BytesIO()
                too_much = f"more than the limit of {self._limit} bytes came; allow more, or read piece by piece"
                raise OSError(errno.EFBIG, too_much)
        return Progress.MORE


class Write(Operation[None]):
    """Wait until all of ``data`` was taken."""

    __slots__ = ("_rest",)

    name = "write"
    writes = True

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._rest = memoryview(data)

    def _go_on(self, descriptor: int) -> Progress:
        blocks = does_block(descriptor, os.O_RDONLY)
        taken = 0
        while taken < TURN_BYTES:
            if blocks and not look(descriptor, select.POLLOUT):
                return Progress.WAIT
            try:
                count = os.write(descriptor, self._rest[: PIECE_BYTES if blocks else TURN_BYTES])
            except BlockingIOError:
                return Progress.WAIT
            self._rest = self._rest[count:]
            if not self._rest:
                return Progress.DONE
            taken += count
        return Progress.MORE

    def is_held_up(self, progress: Progress) -> bool:
        return progress is Progress.WAIT


def widen(pipe: int) -> None:
    """Have ``pipe`` hold WIDE_BYTES, if the system lets the user have as many of them."""
    with suppress(PermissionError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, WIDE_BYTES)


def look(descriptor: int, events: int) -> int:
    """What of ``events``, error and end is so now."""
    poll = select.poll()
    poll.register(descriptor, events)
    ready = poll.poll(0)
    return ready[0][1] if ready else 0


def does_block(descriptor: int, refused: int) -> bool:
    """Whether calls on it may block. Raises: OSError if it is open for ``refused`` alone: nothing would ever come."""
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    if flags & os.O_ACCMODE == refused:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return not flags & os.O_NONBLOCK


def read_now(descriptor: int, size: int) -> bytes | None:
    """At most ``size`` bytes, none at the end; None if nothing is there yet."""
    if does_block(descriptor, os.O_WRONLY) and not look(descriptor, select.POLLIN):
        return None
    try:
        return os.read(descriptor, size)
    except BlockingIOError:
        return None
    except OSError as error:
        if error.errno == errno.EIO and os.isatty(descriptor):  # the other side of a pseudo terminal has gone
            return b""
        raise


def explained(error: OSError, name: str, what: str) -> OSError:
    """The same error with a text that says what to do."""
    number = error.errno or 0
    advice = f"; {_ADVICE[number]}" if number in _ADVICE else ""
    return OSError(number, f"{name}: {what}: {error.strerror or error}{advice}")
