"""Transfers: poll, read, read_all, write and redirect on descriptors that stay the caller's."""

# Who calls: users.
# What can be done at once is done at once, on the descriptor itself; what has to wait waits on a duplicate, so nothing
#   happens to it if the caller closes his own. It keeps the file open until it is done or discarded.
# Two who read from one descriptor, or write to it, at a time do not wait for one another: a Stream is for that.

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from libactor.context import current_runtime
from libactor.future import Future, Promise
from libactor.io.operations import CHUNK_BYTES, READ, WRITE, Operation, Poll, Progress, Read, ReadAll, Readiness, Write
from libactor.io.stream import (
    HasDescriptor,
    Stream,
    Streams,
    check_data,
    check_size,
    descriptor_of,
    duplicate,
    own_descriptor,
)
from libactor.iteration import Break, Continue, loop

if TYPE_CHECKING:
    from libactor.runtime import Runtime

T = TypeVar("T")

ROUNDS = 16  # of a redirect, until others have their turn


def poll(file: int | HasDescriptor, events: Readiness = READ, *, runtime: Runtime | None = None) -> Future[Readiness]:
    """Ready once ``file`` is, with those of ``events`` (READ, WRITE, READ | WRITE) that it is ready for.

    A discard gives it up. Fails with OSError for a closed descriptor.
    Raises: TypeError, ValueError; RuntimeError in a deterministic runtime; NoRuntime without one. Here and below.
    """
    if events not in (READ, WRITE, READ | WRITE):
        raise ValueError(f"poll: got the events {events!r}, expected io.READ, io.WRITE or both of them")
    return _begin(Poll(events), file, runtime)


def read(file: int | HasDescriptor, size: int = CHUNK_BYTES, *, runtime: Runtime | None = None) -> Future[bytes]:
    """At least one byte and at most ``size`` bytes of ``file``, as soon as there are any; none at its end."""
    return _begin(Read(check_size("read", "size", size, 1)), file, runtime)


def read_all(file: int | HasDescriptor, limit: int | None = None, *, runtime: Runtime | None = None) -> Future[bytes]:
    """All bytes of ``file`` up to its end. Fails with OSError if more than ``limit`` come."""
    checked = None if limit is None else check_size("read_all", "limit", limit, 0)
    return _begin(ReadAll(checked), file, runtime)


def write(
    file: int | HasDescriptor, data: bytes | bytearray | memoryview, *, runtime: Runtime | None = None
) -> Future[None]:
    """Ready once the system has taken all of ``data``. Fails with BrokenPipeError if nobody reads the other end."""
    return _begin(Write(check_data("write", data)), file, runtime)


def redirect(
    source: int | HasDescriptor,
    target: int | HasDescriptor | None,
    *,
    hooks: Iterable[Callable[[bytes], object]] = (),
    runtime: Runtime | None = None,
) -> Future[None]:
    """Copy ``source`` to ``target`` until its end; nowhere, if ``target`` is None. No more is read than was written.

    ``hooks`` are called with each piece of data before it is written; they run in a worker of the runtime, so they
    neither wait nor take long. What one raises fails the future. Both descriptors are duplicated first, so the caller
    may close his own.
    """
    streams = (runtime or current_runtime("redirect")).poller.keep(Streams)
    functions = tuple(hooks)
    for hook in functions:
        if not callable(hook):
            raise TypeError(f"redirect: got the hook {hook!r}, expected a function that takes bytes")
    numbers = [descriptor_of("redirect", file) for file in (source, target) if file is not None]
    ends: list[Stream] = []
    try:
        for number in numbers:  # one by one, so that those that are made are closed if the next cannot be
            ends.append(own_descriptor(duplicate("redirect", number), streams))  # noqa: PERF401
        copied: Future[None] = loop(*_Copy(streams, functions, *ends).steps())
    except BaseException:
        _close(ends)
        raise
    return copied.on_any(partial(_close, ends)).on_abandoned(partial(_close, ends))


def _begin(operation: Operation[T], file: int | HasDescriptor, runtime: Runtime | None) -> Future[T]:
    """Try an operation at once, and if it has to wait on a stream of its own."""
    streams = (runtime or current_runtime(operation.name)).poller.keep(Streams)
    descriptor = descriptor_of(operation.name, file)
    if operation.attempt(descriptor) is Progress.DONE:
        operation.finish()
        return operation.future
    stream = own_descriptor(duplicate(operation.name, descriptor), streams)
    operation.future.on_any(lambda _: stream.close())
    return stream.submit(operation)


def _close(streams: list[Stream], _: object = None) -> None:
    for stream in streams:
        stream.close()


class _Copy:
    """A redirect on its way."""

    def __init__(
        self,
        streams: Streams,
        hooks: tuple[Callable[[bytes], object], ...],
        source: Stream,
        target: Stream | None = None,
    ) -> None:
        self._streams = streams
        self._hooks = hooks
        self._source = source
        self._target = target
        self._rounds = 0

    def steps(self) -> tuple[Callable[[], Future[bytes]], Callable[[bytes], Any]]:
        """Those of the loop."""
        return self._take, self._put

    def _take(self) -> Future[bytes]:
        self._rounds += 1
        if self._rounds % ROUNDS:
            return self._source.read()
        turn: Promise[None] = Promise()
        self._streams.poller.call(partial(turn.set, None))
        return turn.future.then(lambda _: self._source.read())

    def _put(self, data: bytes) -> Any:
        if not data:
            return Break(None)
        for hook in self._hooks:
            hook(data)
        return Continue() if self._target is None else self._target.write(data).then(lambda _: Continue())
