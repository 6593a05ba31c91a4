"""Channel: one TCP connection as a way for frames: its socket, what waits to be sent, what has arrived."""

# Who calls: the poller, when the socket is ready; whoever sends; a thread that waits for an answer and reads itself.
# Invariants: 1. one thread at a time writes to the socket, one at a time reads from it. Nobody waits for another one to
#   be done with that: who comes second leaves a mark, and the first looks again.    2. frames leave in the order in
#   which they were put in: what is put in is appended to `outgoing` in one step.    3. the descriptor is closed when
#   nobody is in a call with it, so that its number is nobody else's meanwhile.    4. nothing here waits but the threads
#   that may: for room, outside of actors, and for an answer.
# No locks around what users' code might come into: a finalizer may send too, in any thread, between any two steps.
# The socket blocks and each use says that it does not want that (MSG_DONTWAIT): so a thread that waits for an answer
#   can have the system wait, without another call for it.

from __future__ import annotations

import logging
import select
import socket
import threading
from typing import TYPE_CHECKING, Any, TypeAlias

from libactor._core._impl import append_frame, parse_frames
from libactor._core.clock import monotonic_ns
from libactor._core.errors import NotPassable
from libactor.transport.frames import Malformed

if TYPE_CHECKING:
    from libactor.transport.node import Node
    from libactor.transport.tls_socket import TlsSocket

log = logging.getLogger("libactor.transport")

Socket: TypeAlias = "socket.socket | TlsSocket"

READ_BYTES = 256 * 1024  # of the buffer that is read into, which grows for one frame that is larger
READ_BYTES_MAX = 4 * READ_BYTES  # in one go, before the actors have their turn
WRITE_BYTES = 512 * 1024  # that are handed to the system at once
SPAN_NS = 100_000  # of one sender's frames that follow so quickly all but the first leave together
WAIT_S = 0.2  # that one look of a thread that waits may take; it is interrupted by signals earlier
END = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
IN = select.EPOLLIN | END
NO_WAIT = int(socket.MSG_DONTWAIT)  # plain numbers: those of an enum are slow to combine and to pass
NOW = int(socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


class Channel:
    """The bytes of one connection. Who derives from it says what frames mean, and what its end is."""

    def __init__(self, node: Node, sock: Socket) -> None:
        self.node = node
        self.sock = sock
        self.fd = sock.fileno()
        self.poller = node.poller
        self._frame_max = node.frame_bytes_max
        self.open = False  # both sides know each other: frames may be sent
        self.broken: BaseException | None = None
        self.outgoing = bytearray()
        self.leaving = False  # both sides have replaced it
        self.finishing = False  # when all is sent the peer is told that this was all
        self.heard = True  # something has arrived since the node last looked
        self.spoke = False  # something was sent since then
        self.quiet = 0  # how often it looked in vain
        self._may_write = False  # the system takes more
        self._flush_due = False  # the worker will flush
        self._flushed_ns = 0
        self._ending = False  # the poller has told of the end, which it does once: read until it comes
        self._unread = False  # somebody has come to read while another thread did
        self._writing = threading.Lock()
        self._reading = threading.Lock()
        self._room = threading.Condition()
        self._waiting = 0  # threads that wait for room
        self._buffer = bytearray(READ_BYTES)
        self._view = memoryview(self._buffer)
        self._start = self._filled = 0  # between them is what has arrived and was not served
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    # What the connection is asked.

    def serve(self, frame: tuple[Any, ...]) -> None:
        """A frame has arrived. Raises: Malformed."""
        raise NotImplementedError

    def greet(self, data: bytes) -> bytes:
        """Bytes have arrived before both sides know each other; what of them is left."""
        raise NotImplementedError

    def break_(self, error: BaseException) -> None:
        """End it; its two ends are told."""
        raise NotImplementedError

    def end_if_idle(self) -> None:
        """Break it, if nothing goes by it any more; it is ``leaving``."""
        raise NotImplementedError

    def give_back(self) -> None:
        """Have the poller look after the socket, should a thread have borrowed it."""
        raise NotImplementedError

    def is_awaited(self) -> bool:
        """Whether somebody waits for something to arrive."""
        raise NotImplementedError

    # Writing.

    def put(self, what: str, *values: Any) -> int:
        """Put a frame behind what waits; its size. Raises: NotPassable, naming ``what`` it is, if it is too large."""
        size = append_frame(self.outgoing, self._frame_max, *values)
        if size <= 0:
            raise NotPassable(
                f"{what}: is larger than {self._frame_max} bytes on the wire; send it in parts, or raise "
                "frame_bytes_max on both sides"
            )
        return size

    def sent(self, size: int, at_once: bool = False) -> None:
        """A frame of ``size`` was put in: send it, now if ``at_once``, else soon, together with others."""
        self.node.frames_sent += 1
        if len(self.outgoing) - size > self.node.buffer_bytes_max:
            self._overflow()
        elif at_once:
            self.flush()
        elif not self._flush_due:
            if monotonic_ns() - self._flushed_ns > SPAN_NS:
                self.flush()
            else:
                self._flush_due = True
                self.poller.call(self.flush)

    def flush(self) -> None:
        """Hand to the system what it takes of what waits."""
        self._flush_due = False
        while self.outgoing and self._may_write and self.open and self.broken is None and self._writing.acquire(False):
            try:
                self._write()
            finally:
                self._writing.release()
        if self._waiting or self.finishing or self.leaving or self.broken is not None:
            self._go_on()

    def _go_on(self) -> None:
        """After something was written: whoever waited for that does what comes next."""
        if self._waiting and self._has_room():
            with self._room:
                self._room.notify_all()
        if self.finishing and not self.outgoing and self.open:
            self._say_all()
        if self.leaving and self.broken is None:
            self.end_if_idle()
        if self.broken is not None:
            self._close()

    def wait_for_room(self) -> None:
        """Have the calling thread, which may wait, write until there is room for threads like it, or the connection is
        broken. The rest of the buffer is for handlers, who cannot wait."""
        while not self._has_room():
            if self.open and self._writing.acquire(blocking=False):
                try:
                    self._write_patiently()
                finally:
                    self._writing.release()
                self.flush()
            else:
                self._sleep_for_room()

    def _has_room(self) -> bool:
        return len(self.outgoing) <= self.node.outside_bytes_max // 4 or self.broken is not None

    def _sleep_for_room(self) -> None:
        """Wait for who writes now, or for the connection to open."""
        with self._room:
            self._waiting += 1
            try:
                if not self._has_room():
                    self._room.wait(WAIT_S)
            finally:
                self._waiting -= 1

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
                self.break_(error)
                return
            self._may_write = self.spoke = True
            self.node.bytes_sent += sent
            del outgoing[:sent]

    def _write_patiently(self) -> None:
        """Write and wait, until there is room."""
        while not self._has_room():
            try:
                sent = self.sock.send(self.outgoing[:WRITE_BYTES], socket.MSG_NOSIGNAL)
            except BlockingIOError:  # the time for one attempt is over
                continue
            except OSError as error:
                self.break_(error)
                return
            self.spoke = True
            self.node.bytes_sent += sent
            del self.outgoing[:sent]

    def _overflow(self) -> None:
        """More waits to be sent than may."""
        if self.broken is None:
            self.node.overflows += 1
            log.warning(
                "%s: broken: %d bytes wait to be sent, more than buffer_bytes_max, and are lost; who sends much awaits "
                "an answer now and then",
                self, len(self.outgoing),
            )  # fmt: skip
            self.break_(
                OSError(f"{len(self.outgoing)} bytes wait to be sent, more than buffer_bytes_max; send less at a time")
            )

    def _say_all(self) -> None:
        self.finishing = False
        if self._writing.acquire(blocking=False):
            try:
                self.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it is broken, which the poller tells
            finally:
                self._writing.release()

    # Reading.

    def ready(self, mask: int) -> None:
        """The poller says what the socket is ready for."""
        if mask & END:
            self._ending = True
        if mask & select.EPOLLOUT:
            self._may_write = True
            if self.outgoing or self.finishing:
                self.flush()
        if mask & IN:
            self.read()

    def read(self) -> None:
        """Serve what has arrived."""
        self._unread = True
        while self._unread and self.broken is None and self._reading.acquire(blocking=False):
            self._unread = False
            try:
                self._receive()
            finally:
                self._reading.release()
        if self.leaving and self.broken is None:
            self.end_if_idle()
        if self.broken is not None:
            self._close()

    def _stop_reading(self) -> None:
        """Let others read; whoever came meanwhile, and found that somebody does, is not forgotten."""
        self._reading.release()
        if self.broken is not None:
            self._close()
        elif self._unread:
            self.poller.call(self.read)

    def _receive(self) -> None:
        """Read until there is no more, or enough for this time."""
        rest = READ_BYTES_MAX
        while rest > 0 and self.broken is None:
            count = self._read_once(NO_WAIT)
            if count <= 0 and (count == 0 or not self._ending):
                return
            rest -= abs(count)
        if self.broken is None:
            self.poller.call(self.read)

    def _read_once(self, flags: int) -> int:
        """Read, and serve the frames that are complete; how much there was, negative if that was all by now."""
        view = self._view[self._filled :] if self._filled else self._view
        try:
            count = self.sock.recv_into(view, 0, flags)
        except BlockingIOError:
            return 0
        except OSError as error:
            self.break_(error)
            return 0
        if count == 0:
            self.break_(ConnectionResetError("the other side has closed it"))
            return 0
        self.heard = True
        self.node.bytes_received += count
        self._filled += count
        try:
            if self.open or self._greet():
                self._serve_all()
        except Malformed as error:
            log.warning("%s: broken: what arrived is no frame: %s", self, error)
            self.break_(Malformed(f"what arrived is no frame: {error}"))
        return count if count == len(view) else -count

    def _greet(self) -> bool:
        """Have the handshake go on; whether it is over."""
        left = self.greet(bytes(self._view[: self._filled]))
        self._view[: len(left)] = left
        self._start, self._filled = 0, len(left)
        return self.open

    def _serve_all(self) -> None:
        """Serve the frames that are there as a whole."""
        arrived, self._start, complaint = parse_frames(self._buffer, self._start, self._filled, self._frame_max)
        if self._start == self._filled:
            self._start = self._filled = 0
        else:
            self._make_space()
        self.node.frames_received += len(arrived)
        serve = self.serve
        for frame in arrived:
            try:
                serve(frame)
            except Malformed:
                raise
            except Exception:  # of one frame, which must not keep the others from theirs
                log.exception("%s: serving a frame failed", self)
            if self.broken is not None:
                return
        if complaint is not None:
            raise Malformed(complaint)

    def _make_space(self) -> None:
        """Move what is left to the front, and have room for more: the more of a large frame is there, the more."""
        start, left, size = self._start, self._filled - self._start, len(self._buffer)
        if left == size:
            fresh = bytearray(2 * size)
            fresh[:left] = self._view
            self._buffer, self._view = fresh, memoryview(fresh)
        elif start and left:
            self._view[:left] = self._view[start : self._filled]
        self._start, self._filled = 0, left

    def shrink(self) -> None:
        """Give back what a large frame took, if nothing is in it."""
        if len(self._buffer) > READ_BYTES and self._reading.acquire(blocking=False):
            if not self._filled:
                self._buffer = bytearray(READ_BYTES)
                self._view = memoryview(self._buffer)
            self._stop_reading()

    # The end.

    def shut(self) -> None:
        """Have nothing read or written any more; close the descriptor when nobody uses it. ``broken`` is set."""
        self.poller.forget(self.fd)
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it never was connected, or is not any more
        self.outgoing.clear()
        self._close()

    def _close(self) -> None:
        """Close the descriptor, unless a thread uses it: that one will."""
        while self._reading.acquire(blocking=False):
            if self._writing.acquire(blocking=False):
                self.sock.close()  # and nobody reads or writes any more: the locks stay as they are
                self.node.closed(self)
                break
            self._reading.release()
            if self._writing.locked():  # whoever writes comes here after that, and finds that nobody reads
                break
        if self._waiting:
            with self._room:
                self._room.notify_all()
