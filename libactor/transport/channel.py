"""Channel: one TCP connection as a way for frames: its socket, what waits to be sent, what has arrived."""

# Who calls: the poller, when the socket is ready; whoever sends; a thread that waits for an answer and reads itself.
# What is done once per frame, and the invariants of reading and writing: its core, libactor/_core/_channel.py. Here is
#   what is rare: that there is no room, that a thread waits for some, a frame that is none, the end.
# Invariants: 1. the descriptor is closed when nobody is in a call with it, so that its number is nobody else's
#   meanwhile.    2. nothing here waits but the threads that may: for room, outside of actors, and for an answer.
# No locks around what users' code might come into: a finalizer may send too, in any thread, between any two steps.
# The socket blocks and each use says that it does not want that (MSG_DONTWAIT): so a thread that waits for an answer
#   can have the system wait, without another call for it.

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from libactor._core._channel import READ_BYTES, WRITE_BYTES, is_of_system
from libactor._core._impl import ChannelCell, append_frame, parse_frames
from libactor._core.errors import NotPassable
from libactor.context import serving
from libactor.transport.frames import Malformed
from libactor.waiting import awaited

if TYPE_CHECKING:
    from libactor.transport.node import Node
    from libactor.transport.tls_socket import TlsSocket

log = logging.getLogger("libactor.transport")

Socket: TypeAlias = "socket.socket | TlsSocket"

PART_BYTES = 64 * 1024  # of what is lost, that are looked at in one go
WAIT_S = 0.2  # that one look of a thread that waits may take; it is interrupted by signals earlier


class Overflow(OSError):
    """More waits to be sent than may. That says nothing about who is at the other end."""


class Channel(ChannelCell):
    """The bytes of one connection. Who derives from it says what frames mean, and what its end is."""

    node: Node
    sock: Socket

    def __init__(self, node: Node, sock: Socket) -> None:
        direct = isinstance(sock, socket.socket)
        super().__init__(
            node,
            sock,
            direct,
            node.runtime._processes,
            awaited,
            serving,
            node.frame_bytes_max,
            node.buffer_bytes_max,
            node.outside_bytes_max,
        )
        self.poller = node.poller
        self._frame_max = node.frame_bytes_max
        self.quiet = 0  # how often the node looked in vain for something that has arrived
        self._room = threading.Condition()
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
                f"{what}: larger than {self._frame_max} bytes on the wire; send it in parts, or raise "
                "frame_bytes_max on both sides"
            )
        return size

    def _flush_soon(self) -> None:
        """Have the worker send what waits."""
        self.poller.call(self.flush)

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
            if self.open and self._begin_writing():
                try:
                    self._write_patiently()
                finally:
                    self._end_writing()
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

    def _write_patiently(self) -> None:
        """Write and wait, until there is room."""
        while not self._has_room():
            try:
                sent = self.sock.send(self.outgoing[:WRITE_BYTES], socket.MSG_NOSIGNAL)
            except BlockingIOError:  # the time for one attempt is over
                continue
            except OSError as error:
                if not is_of_system(error):
                    raise
                self.break_(error)
                return
            self._took(sent)

    def _overflow(self) -> None:
        """More waits to be sent than may."""
        if self.broken is None:
            self.node.overflows += 1
            self.break_(
                Overflow(
                    f"{len(self.outgoing)} bytes wait to be sent, more than buffer_bytes_max; who sends much awaits an "
                    "answer now and then"
                )
            )

    def _say_all(self) -> None:
        if self._begin_writing():  # or else whoever writes comes here after that
            self.finishing = False
            try:
                self.sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it is broken, which the poller tells
            finally:
                self._end_writing()

    # Reading.

    def _begins(self, mask: int) -> bool:
        """The poller says something of a connection that is not open: whether that is of its bytes."""
        return True

    def _read_soon(self) -> None:
        """Have the worker go on reading, after the actors had their turn."""
        self.poller.call(self.read)

    def _stop_reading(self) -> None:
        """Let others read; whoever came meanwhile, and found that somebody does, is not forgotten."""
        self._end_reading()
        if self.broken is not None:
            self._close()
        elif self._unread or self._behind:
            self._read_soon()

    def _greet(self) -> None:
        """Have the handshake go on."""
        self._put_arrived(self.greet(self._take_arrived()))

    def _serve(self, frame: tuple[Any, ...]) -> None:
        """Serve a frame; if it fails, the others get theirs all the same."""
        try:
            self.serve(frame)
        except Malformed as error:
            self._break_malformed(str(error))
        except Exception as error:
            self._report(error)

    def _fail(self, error: BaseException) -> None:
        """Reading has failed, and nobody would come to read the rest: end it, or after an interrupt have that done."""
        if not isinstance(error, Exception):
            self._read_soon()
            raise error
        log.error("%s: broken: reading it failed", self, exc_info=error)
        self.break_(error)

    def _report(self, error: BaseException) -> None:
        if not isinstance(error, Exception):
            raise error
        log.error("%s: serving a frame failed", self, exc_info=error)

    def _break_malformed(self, complaint: str) -> None:
        log.warning("%s: broken: what arrived is no frame: %s", self, complaint)
        self.break_(Malformed(f"what arrived is no frame: {complaint}"))

    def _end_here(self) -> None:
        self.break_(ConnectionResetError("the other side has closed it"))

    def shrink(self) -> None:
        """Give back what a large frame took, if nothing is in it."""
        if len(self._buffer) > READ_BYTES and self._begin_reading():
            self._shrink()
            self._stop_reading()

    # The end.

    def take_lost(self) -> Iterator[tuple[Any, ...]]:
        """Take out the frames that waited in vain."""
        data, start, arrived = self._take_unsent(), 0, [()]
        while arrived:
            size = max(PART_BYTES, 4 + int.from_bytes(data[start : start + 4], "big"))
            arrived, start, _ = parse_frames(data, start, min(len(data), start + size), self._frame_max)
            yield from arrived

    def shut(self) -> None:
        """Have nothing read or written any more; close the descriptor when nobody uses it. ``broken`` is set, and the
        poller knows it no more."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it never was connected, or is not any more
        self.outgoing.clear()
        self._close()

    def orphan(self) -> None:
        """In the child of a fork: give back what is the child's copy; nothing is read or written by it."""
        self._begin_reading()
        self._begin_writing()
        self.sock.close()

    def _close(self) -> None:
        """Close the descriptor, unless a thread uses it: that one will."""
        while self._begin_reading():
            if self._begin_writing():
                self.sock.close()  # and nobody reads or writes any more: that does not end
                self.node.closed(self)
                break
            self._end_reading()
            if self._writes:  # whoever writes comes here after that, and finds that nobody reads
                break
        if self._waiting:
            with self._room:
                self._room.notify_all()
