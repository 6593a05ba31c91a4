"""Stream: an open descriptor with those who wait to read from it and those who wait to write to it, in order."""

# Who calls: users; the functions of libactor/io/transfers.py; the pipes of libactor/subprocess.
# How: an operation is tried at once, by whoever asks for it; if it has to wait it stands in a line, and the poller of
#   the runtime says when to try again. Edges are not lost: the descriptor is watched before an operation that has to
#   wait is left alone, and an operation is tried under the same lock that it stands in line by.
# Invariants: 1. at most one thread tries operations of a stream.    2. no future is completed while the lock is held.
#   3. a stream that somebody waits for lives; one that nobody holds and nobody waits for closes its descriptor.
#   4. after the end of the runtime all descriptors are closed, and who waits finds the future abandoned.
#   5. the descriptor is the stream's own, so whoever closes the one it was made of takes nothing away from it, and no
#   number is watched that stands for another file by then.

from __future__ import annotations

import errno
import os
import reprlib
import threading
import weakref
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from libactor._core._impl import hop
from libactor._core.values import register_immutable
from libactor.context import current_runtime
from libactor.future import Future
from libactor.io.operations import CHUNK_BYTES, Operation, Progress, Read, ReadAll, Write, explained, widen

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from libactor.poller import Poller
    from libactor.runtime import Runtime

T = TypeVar("T")


class HasDescriptor(Protocol):
    """A file, a socket: anything with a descriptor."""

    def fileno(self) -> int:
        """The number of the descriptor."""


class Streams:
    """The streams of one runtime, which ends them."""

    def __init__(self, poller: Poller) -> None:
        self.poller = poller
        self.waiting: set[Stream] = set()  # somebody waits for them, so they live
        self._all: weakref.WeakSet[Stream] = weakref.WeakSet()
        self._lock = threading.RLock()
        self._closed = False

    def add(self, stream: Stream) -> None:
        """Have ``stream`` ended with the runtime. Raises: RuntimeError if that is over."""
        with self._lock:
            if self._closed:
                raise RuntimeError("io: the runtime is closed; make a new one")
            self._all.add(stream)

    def end(self, timeout: float) -> list[str]:
        """Close what is open; nothing of it takes time."""
        for stream in self._last():
            stream.end()
        return []

    def end_outputs(self) -> None:
        """Close all but the pipes that programs read from: they are to be killed, and take no end of input for that of
        what was sent to them."""
        for stream in self._last():
            if not stream.feeds_program:
                stream.end()

    def _last(self) -> list[Stream]:
        with self._lock:
            self._closed = True
            return list(self._all)

    def orphan(self) -> None:
        """In the child of a fork: let go of the descriptors, so that it does not hold the ends of pipes open."""
        self._lock = threading.RLock()
        for stream in list(self._all):
            stream.orphan()
        self.waiting.clear()


class Stream:
    """A descriptor to read from and to write to by futures; several who read, or write, are served in their order.

    ``file`` is a descriptor or an object with one, which stays the caller's: the stream has a duplicate, which it
    closes with ``close``, when nobody holds it any more, and with its runtime.

    A discard of a future gives up what was asked for. A write may then have been done in part.
    Raises: OSError if ``file`` is closed; RuntimeError in a deterministic runtime; NoRuntime without a runtime.
    """

    __slots__ = (
        "__weakref__",
        "_advancing",
        "_again",
        "_descriptor",
        "_lock",
        "_narrow",
        "_pipe",
        "_reads",
        "_streams",
        "_watched",
        "_writes",
    )

    # _advancing: a thread tries operations; _again: it is to look once more.
    # _pipe: which stream of a program it leads to, by a pipe of our own; else empty.
    # _narrow: that pipe is as it came, and is widened once it holds somebody up.

    def __init__(self, file: int | HasDescriptor, *, runtime: Runtime | None = None) -> None:
        self._descriptor = -1
        streams = (runtime or current_runtime("Stream")).poller.keep(Streams)
        self._own(duplicate("Stream", descriptor_of("Stream", file)), streams, "")

    def read(self, size: int = CHUNK_BYTES) -> Future[bytes]:
        """The next bytes, at least one and at most ``size``, as soon as there are any; none at the end."""
        return self.submit(Read(check_size("read", "size", size, 1)))

    def read_all(self, limit: int | None = None) -> Future[bytes]:
        """All bytes up to the end. Fails with OSError if more than ``limit`` come."""
        return self.submit(ReadAll(None if limit is None else check_size("read_all", "limit", limit, 0)))

    def write(self, data: bytes | bytearray | memoryview, *, last: bool = False) -> Future[None]:
        """Ready once the system has taken all of ``data``; who waits for it before the next write sends no faster than
        the other side reads. Fails with BrokenPipeError if nobody reads the other end any more.

        ``last``: close the stream then, whatever came of it, so that the other side finds the end.
        """
        written = self.submit(Write(check_data("write", data)))
        return written.on_any(lambda _: self.close()) if last else written

    def close(self) -> None:
        """Close the descriptor; who waits finds the future failed. A second close does nothing."""
        error = partial(OSError, errno.EBADF, "the stream was closed while somebody waited for it")
        for operation in self._let_go():
            operation.outcome = error()
            operation.finish()

    @property
    def closed(self) -> bool:
        """Whether the descriptor is closed."""
        return self._descriptor < 0

    def fileno(self) -> int:
        """The descriptor; -1 when it is closed."""
        return self._descriptor

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._descriptor < 0 else self._name()
        return f"<Stream {state}, {len(self._reads)} reading, {len(self._writes)} writing>"

    def __del__(self) -> None:
        if self._descriptor >= 0:
            self._let_go()

    # For the modules of this layer.

    def submit(self, operation: Operation[T]) -> Future[T]:
        """Try an operation, after those of its line; its future."""
        with self._lock:
            is_open = self._descriptor >= 0
            if is_open:
                (self._writes if operation.writes else self._reads).append(operation)
        if not is_open:
            operation.outcome = OSError(errno.EBADF, f"{operation.name}: the stream is closed; make a new one")
            operation.finish()
            return operation.future
        self._advance()
        if operation.future.is_pending():
            operation.future.on_discard(partial(_withdraw, weakref.ref(self), operation))
        return operation.future

    @property
    def feeds_program(self) -> bool:
        """Whether it is our end of a program's input."""
        return self._pipe == "stdin"

    def end(self) -> None:
        """The runtime ends: close the descriptor; who waits finds the future abandoned."""
        for operation in self._let_go():
            operation.future._abandon("get: the runtime was closed while this was waited for")

    def orphan(self) -> None:
        """In the child of a fork: close the descriptor, past the poller, which is shared with the parent."""
        self._lock = threading.RLock()
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def withdraw(self, operation: Operation[Any]) -> None:
        """Give ``operation`` up, unless it is done."""
        line = self._writes if operation.writes else self._reads
        with self._lock:
            waits = operation in line
            if waits:
                line.remove(operation)
        if waits:
            operation.discard()
            self._advance()

    def _own(self, descriptor: int, streams: Streams, pipe: str) -> None:
        """Begin with a descriptor that is the stream's from now on."""
        self._streams = streams
        self._lock = threading.RLock()  # re-entrant: a finalizer or a signal's handler may come in any section
        self._reads: deque[Operation[Any]] = deque()
        self._writes: deque[Operation[Any]] = deque()
        self._watched = self._advancing = self._again = False
        self._pipe, self._narrow = pipe, pipe != ""
        self._descriptor = descriptor
        try:
            streams.add(self)
        except BaseException:
            self._let_go()
            raise

    def _advance(self) -> None:
        """Try those at the heads of the lines until they have to wait, and tell those who are done."""
        done: list[Operation[Any]] = []
        with self._lock:
            self._again = True
            while self._again and not self._advancing:
                self._again, self._advancing = False, True
                try:
                    for line in (self._reads, self._writes):
                        self._try_line(line, done)
                finally:
                    self._advancing = False
            if self._reads or self._writes:
                self._streams.waiting.add(self)
            else:
                self._streams.waiting.discard(self)
        for operation in done:
            hop(operation.finish)

    def _try_line(self, line: deque[Operation[Any]], done: list[Operation[Any]]) -> None:
        while line:
            operation = line[0]
            progress = operation.attempt(self._descriptor, self._pipe)
            if self._narrow and operation.is_held_up(progress):
                self._narrow = False
                widen(self._descriptor)
            if progress is Progress.WAIT and not self._watched:
                progress = self._watch(operation)
            if progress is Progress.MORE:
                self._streams.poller.call(self._advance)
            if progress is not Progress.DONE or not line or line[0] is not operation:
                return  # it waits, or a finalizer or a signal's handler has given it up meanwhile
            line.popleft()
            done.append(operation)

    def _name(self) -> str:
        """What it is, for people."""
        return self._pipe or f"descriptor {self._descriptor}"

    def _watch(self, operation: Operation[Any]) -> Progress:
        """Have the poller say when to try again."""
        reference = weakref.ref(self)

        def ready(_: int) -> None:
            stream = reference()
            if stream is not None:
                stream._advance()

        try:
            self._streams.poller.watch(self._descriptor, ready)
        except OSError as error:  # the system allows no more of them
            operation.outcome = explained(error, operation.name, self._name())
            return Progress.DONE
        self._watched = True
        return Progress.WAIT

    def _let_go(self) -> list[Operation[Any]]:
        """Close the descriptor; the operations that are left."""
        with self._lock:
            descriptor, self._descriptor = self._descriptor, -1
            if descriptor < 0:
                return []
            left = [*self._reads, *self._writes]
            self._reads.clear()
            self._writes.clear()
            self._streams.waiting.discard(self)
            if self._watched:
                self._streams.poller.forget(descriptor)
            os.close(descriptor)
        return left


register_immutable(Stream)  # threads may share it


def own_descriptor(descriptor: int, streams: Streams, *, pipe: str = "") -> Stream:
    """A stream of ``descriptor`` itself, which is closed if there cannot be one. ``pipe``: it leads to that stream of a
    program."""
    stream = Stream.__new__(Stream)
    stream._own(descriptor, streams, pipe)
    return stream


def _withdraw(reference: Callable[[], Stream | None], operation: Operation[Any]) -> None:
    stream = reference()
    if stream is not None:
        hop(stream.withdraw, operation)


def descriptor_of(name: str, file: int | HasDescriptor) -> int:
    """The number of the descriptor. Raises: TypeError or ValueError for what is none."""
    number: Any = file
    if not isinstance(file, int) and hasattr(file, "fileno"):
        number = file.fileno()
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"{name}: got {reprlib.repr(file)}, expected a descriptor, or an object with a fileno()")
    if not 0 <= number < 1 << 31:
        raise ValueError(f"{name}: got the descriptor {number}, expected 0 or more; it may have been closed before")
    return number


def duplicate(name: str, descriptor: int) -> int:
    """A second descriptor of the same open file. Raises: OSError if it is closed, or none is left."""
    try:
        return os.dup(descriptor)  # which is not inherited
    except OSError as error:
        raise OSError(error.errno, f"{name}: cannot use descriptor {descriptor}: {error.strerror}") from None


def check_size(name: str, what: str, size: Any, lowest: int) -> int:
    """``size``, if it is a number of bytes."""
    if not isinstance(size, int) or isinstance(size, bool):
        raise TypeError(f"{name}: {what} got {size!r}, expected a whole number of bytes")
    if size < lowest:
        raise ValueError(f"{name}: {what} got {size}, expected {lowest} or more bytes")
    return size


def check_data(name: str, data: Any) -> bytes:
    """``data`` as bytes that nobody changes any more."""
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"{name}: got {type(data).__qualname__} to write, expected bytes; encode text first")
    return bytes(data)
