"""ChannelCell: one connection's bytes: what waits to be sent, what has arrived. TrafficCell: how many there were."""

# Who calls: libactor/transport derives from them.
# Invariants: 1. one thread at a time writes to the socket, one at a time reads from it. Nobody waits for another one to
#   be done with that: who comes second leaves a mark, and the first looks again.    2. frames leave in the order in
#   which they were put in: what is put in is appended to `outgoing` in one step.    3. whoever closes the socket has
#   begun to read and to write, and does not end that.
# Twin: csrc/channel.c and channel_type.c; both pass tests/runtime/test_channel.py. That also serves plain calls and
#   sends their answers itself (csrc/channel_calls.c), for which here the methods of libactor/transport/serving.py are.

from __future__ import annotations

import itertools
import select
import socket
import threading
from collections import deque
from typing import Any

from libactor._core._wire import HEAD_BYTES, parse_frames
from libactor._core.clock import monotonic_ns

READ_BYTES = 256 * 1024  # of the buffer that is read into, which grows for one frame that is larger
READ_BYTES_MAX = 4 * READ_BYTES  # in one go, before the actors have their turn
WRITE_BYTES = 512 * 1024  # that are handed to the system at once
SPAN_NS = 100_000  # of one sender's frames that follow so quickly all but the first leave together
END = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
NO_WAIT = int(socket.MSG_DONTWAIT)  # plain numbers: those of an enum are slow to combine and to pass
NOW = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def is_of_system(error: OSError) -> bool:
    """Whether the system has said so. An OSError without a number is another one: a signal's handler has raised it."""
    return error.errno is not None


class TrafficCell:
    """What the connections of one runtime have carried."""

    def __init__(self) -> None:
        self.frames_sent = self.frames_received = self.bytes_sent = self.bytes_received = 0


class ChannelCell:
    """The bytes of one connection; whoever derives from it has the methods below that only raise."""

    def __init__(
        self,
        node: TrafficCell,
        sock: Any,
        direct: bool,
        processes: dict[str, Any],
        awaited: dict[Any, Any],
        context: Any,
        frame_max: int,
        buffer_max: int,
        outside_max: int,
        /,
    ) -> None:
        self.node: Any = node
        self.sock = sock
        self.fd: int = sock.fileno()
        self.outgoing = bytearray()
        self.broken: BaseException | None = None
        self.serving: dict[Any, Any] = {}  # futures of calls that are not answered, by the caller's number
        self.calls: dict[int, list[Any]] = {}  # by number: future, whose answer it is, what keeps the future alive
        self.lent = False  # the poller leaves the socket alone, since threads that wait read
        self.open = False  # both sides know each other: frames may be sent
        self.leaving = False  # both sides have replaced it
        self.finishing = False  # when all is sent the peer is told that this was all
        self.heard = True  # something has arrived since the node last looked
        self.spoke = False  # something was sent since then
        self._number = itertools.count().__next__  # that of the next call
        self._frame_max = frame_max
        self._buffer_max = buffer_max
        self._may_write = False  # the system takes more
        self._flush_due = False  # the worker will flush
        self._flushed_ns = 0
        self._ending = False  # the poller has told of the end, which it does once: read until it comes
        self._unread = False  # somebody has come to read while another thread did
        self._waiting = 0  # threads that wait for room
        self._frames: deque[tuple[Any, ...]] = deque()  # that were taken out of the buffer and are not served
        self._behind = False  # an interrupt has left some
        self._read_lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._buffer = bytearray(READ_BYTES)
        self._cut = 0  # bytes at the front of `outgoing` that are the rest of a frame whose others were sent
        self._start = self._filled = 0  # between them is what has arrived and was not served

    # What the transport is asked.

    def break_(self, error: BaseException) -> None:
        """End it because of ``error``."""
        raise NotImplementedError

    def give_back(self) -> None:
        """Have the poller look after the socket."""
        raise NotImplementedError

    def end_if_idle(self) -> None:
        """It is ``leaving``: break it, if nothing goes by it any more."""
        raise NotImplementedError

    def _serve(self, frame: tuple[Any, ...]) -> None:
        """A frame has arrived."""
        raise NotImplementedError

    def _break_malformed(self, complaint: str) -> None:
        """What has arrived is no frame."""
        raise NotImplementedError

    def _end_here(self) -> None:
        """There will be no more bytes."""
        raise NotImplementedError

    def _greet(self) -> None:
        """Bytes have arrived before it is open."""
        raise NotImplementedError

    def _begins(self, mask: int) -> bool:
        """The poller says something of it before it is open: whether that is of its bytes."""
        raise NotImplementedError

    def _overflow(self) -> None:
        """More waits to be sent than may."""
        raise NotImplementedError

    def _go_on(self) -> None:
        """Something was sent that somebody may have waited for."""
        raise NotImplementedError

    def _flush_soon(self) -> None:
        """Have flush called."""
        raise NotImplementedError

    def _read_soon(self) -> None:
        """Have read called."""
        raise NotImplementedError

    def _fail(self, error: BaseException) -> None:
        """Reading has failed: end it, or after an interrupt, which is raised again, see that somebody goes on."""
        raise NotImplementedError

    def _close(self) -> None:
        """It is broken: close the socket, if nobody reads or writes."""
        raise NotImplementedError

    # Writing.

    def sent(self, size: int, at_once: bool = False, /) -> None:
        """A frame of ``size`` was put in: send it, now if ``at_once``, else soon, together with others."""
        self.node.frames_sent += 1
        if len(self.outgoing) - size > self._buffer_max:
            self._overflow()
        elif at_once:
            self.flush()
        elif not self._flush_due:
            if monotonic_ns() - self._flushed_ns > SPAN_NS:
                self.flush()
            else:
                self._flush_due = True
                self._flush_soon()

    def flush(self) -> None:
        """Hand to the system what it takes of what waits."""
        self._flush_due = False
        while self.outgoing and self._may_write and self.open and self.broken is None and self._begin_writing():
            try:
                self._write()
            finally:
                self._end_writing()
        if self._waiting or self.finishing or self.leaving or self.broken is not None:
            self._go_on()

    def _write(self) -> None:
        """Write until the system takes no more."""
        outgoing = self.outgoing
        self._flushed_ns = monotonic_ns()
        while outgoing and self.broken is None:
            self._may_write = False  # before the attempt: what the poller says of it afterwards is not lost
            try:
                sent = self.sock.send(outgoing[:WRITE_BYTES], NOW)
            except BlockingIOError:
                self.give_back()  # so that the poller tells when there is room
                return
            except OSError as error:
                if not is_of_system(error):
                    raise
                self.break_(error)
                return
            self._may_write = True
            self._took(sent)

    def _took(self, sent: int, /) -> None:
        """The system has taken so much of what waits."""
        outgoing, at = self.outgoing, self._cut
        self.spoke = True
        self.node.bytes_sent += sent
        if sent < len(outgoing):
            while at < sent:
                at += HEAD_BYTES + int.from_bytes(outgoing[at : at + HEAD_BYTES], "big")
        self._cut = at - sent if sent < len(outgoing) else 0
        del outgoing[:sent]

    def _take_unsent(self) -> bytes:
        """Take out what waits: the frames of which nothing was sent."""
        unsent = bytes(self.outgoing[self._cut :])
        self._cut = 0
        self.outgoing.clear()
        return unsent

    # Reading.

    def ready(self, mask: int, /) -> None:
        """The poller says what the socket is ready for."""
        if not self.open and not self._begins(mask):
            return
        if mask & END:
            self._ending = True
        if mask & select.EPOLLOUT:
            self._may_write = True
            if self.outgoing or self.finishing:
                self.flush()
        if mask & (select.EPOLLIN | END):
            self.read()

    def read(self) -> None:
        """Serve what has arrived."""
        self._unread = True
        while self._unread and self.broken is None and self._begin_reading():
            self._unread = False
            failure: BaseException | None = None
            try:
                self._receive()
            except BaseException as error:
                failure = error
            finally:
                self._end_reading()
            if failure is not None:
                self._fail(failure)
        if self.leaving and self.broken is None:
            self.end_if_idle()
        if self.broken is not None:
            self._close()

    def _receive(self) -> None:
        """Read until there is no more, or enough for this time."""
        rest = READ_BYTES_MAX
        while rest > 0 and self.broken is None:
            count = self._read_once(NO_WAIT)
            if count <= 0 and (count == 0 or not self._ending):
                return
            rest -= abs(count)
        if self.broken is None:
            self._read_soon()

    def _read_once(self, flags: int, /) -> int:
        """Read, and serve the frames that are complete; how much there was, negative if that was all by now."""
        if self._behind:
            self._serve_all()
            return 1  # there may be more
        room = len(self._buffer) - self._filled
        try:
            with memoryview(self._buffer) as whole, whole[self._filled :] as view:
                count: int = self.sock.recv_into(view, 0, flags)
        except BlockingIOError:
            return 0
        except OSError as error:
            if not is_of_system(error):
                raise
            self.break_(error)
            return 0
        if count == 0:
            self._end_here()
            return 0
        self.heard = True
        self.node.bytes_received += count
        self._filled += count
        if not self.open:
            self._greet()
        if self.open:
            self._serve_all()
        return count if count == room else -count

    def _serve_all(self) -> None:
        """Serve the frames that are there as a whole."""
        arrived, self._start, complaint = parse_frames(self._buffer, self._start, self._filled, self._frame_max)
        self._make_space()
        self.node.frames_received += len(arrived)
        self._frames += arrived
        self._behind = True
        while self._frames and self.broken is None:
            self._serve(self._frames.popleft())
        if complaint is not None and self.broken is None:
            self._break_malformed(complaint)
        self._behind = False

    def _make_space(self) -> None:
        """Move what is left to the front, and have room for more: the more of a large frame is there, the more."""
        start, left, size = self._start, self._filled - self._start, len(self._buffer)
        if left == size:
            fresh = bytearray(2 * size)
            fresh[:left] = self._buffer
            self._buffer = fresh
        elif start and left:
            self._buffer[:left] = self._buffer[start : self._filled]
        self._start, self._filled = 0, left

    def _take_arrived(self) -> bytes:
        """Take out what has arrived and was not served."""
        arrived = bytes(self._buffer[self._start : self._filled])
        self._start = self._filled = 0
        return arrived

    def _put_arrived(self, data: bytes, /) -> None:
        """Put back what is left of it: frames."""
        self._buffer[: len(data)] = data
        self._start, self._filled = 0, len(data)

    def _shrink(self) -> None:
        """Give back what a large frame took, if nothing is in it. Who reads may."""
        if not self._filled and len(self._buffer) > READ_BYTES:
            self._buffer = bytearray(READ_BYTES)

    # Who reads, who writes.

    def _begin_reading(self) -> bool:
        """Whether the calling thread may read now: no other does."""
        return self._read_lock.acquire(blocking=False)

    def _end_reading(self) -> None:
        """Let others read."""
        self._read_lock.release()

    @property
    def _reads(self) -> bool:
        """A thread reads."""
        return self._read_lock.locked()

    def _begin_writing(self) -> bool:
        """Whether the calling thread may write now: no other does."""
        return self._write_lock.acquire(blocking=False)

    @property
    def _writes(self) -> bool:
        """A thread writes."""
        return self._write_lock.locked()

    def _end_writing(self) -> None:
        """Let others write."""
        self._write_lock.release()
