"""Pump: input and output of a container of plain processes that somebody may attach to: pipes, or a terminal."""

# Who calls: PosixContainerizer, for each launch with streams. Twin: csrc/supervisor/streams.c, which does the same
#   where there is a supervisor, and says what the packets are; streams.py is the other side of both.
# One thread for each such container: in them people try things, and they are few.
# A terminal is made that of the session by a shell that opens it: it leads a session that has none.
# Invariant: one piece of output is held, and one of input, as there.
# Rejected: TIOCSCTTY between fork and exec, which would be Python there, or more C.

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import select
import struct
import termios
import threading
from typing import TYPE_CHECKING

from .stream_socket import StreamSocket
from .streams import PIECE_BYTES

if TYPE_CHECKING:
    from .program import Program

log = logging.getLogger("mesoslite")

_SHELL = "/bin/sh"
_IN_TERMINAL = 'exec "$@" <>"$0" >&0 2>&1'
_END_OF_INPUT = b"\4"  # as a terminal has it
_SIZE_DIGITS = 5


class Pump:
    """The streams of one container; ``stdin``, ``stdout`` and ``stderr`` are its ends of them, until ``started``.

    ``connection`` is where one attaches. ``size`` is rows and columns of its terminal, which gets the user ``owner``;
    None: it has pipes. What it puts out goes to copies of the descriptors ``files`` as well. Raises: OSError.
    """

    def __init__(self, files: tuple[int, int], *, size: tuple[int, int] | None, owner: int | None) -> None:
        self.has_tty = size is not None
        self._own: set[int] = set()  # descriptors, for as long as the thread runs
        self._lock = threading.Lock()  # of the wake, which another thread writes to
        self._is_over = False
        self._held: bytes | None = None  # a packet of output
        self._piece = b""  # of input
        self._is_counted = False  # the client is told when the piece has been taken
        self._answers: list[bytes] = []
        self.connection, self._socket = StreamSocket.pair()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._own.add(self._wake)
        self._outputs: dict[int, tuple[bytes, int]] = {}  # by descriptor: what its packets begin with, and the file
        self._input = self.stdin = self.stdout = self.stderr = -1
        try:
            copies = [self._owned(os.dup(file)) for file in files]
            if size is not None:
                self._open_terminal(size, owner, copies[0])
            else:
                self._open_pipes(*copies)
            for descriptor in (self._input, *self._outputs):
                os.set_blocking(descriptor, False)
        except BaseException:
            self.connection.close()
            self.discard()
            raise

    def _owned(self, descriptor: int) -> int:
        self._own.add(descriptor)
        return descriptor

    def _open_terminal(self, size: tuple[int, int], owner: int | None, file: int) -> None:
        self._input, end = map(self._owned, os.openpty())  # of its end we keep one, or reading would fail between two
        self.stdin = self.stdout = self.stderr = end
        self._outputs = {self._input: (b"1", file)}
        self._resize(*size)
        if owner is not None:
            os.fchown(end, owner, -1)

    def _open_pipes(self, out_file: int, error_file: int) -> None:
        self.stdin, self._input = os.pipe()
        self._own.add(self._input)
        out, self.stdout = os.pipe()
        self._outputs[self._owned(out)] = b"1", out_file
        error, self.stderr = os.pipe()
        self._outputs[self._owned(error)] = b"2", error_file

    def command(self, program: Program) -> tuple[str, tuple[str, ...]]:
        """The file and the arguments by which a program is started, so that the terminal is that of its session."""
        if not self.has_tty:
            return program.file, program.arguments
        return _SHELL, (_SHELL, "-c", _IN_TERMINAL, os.ttyname(self.stdin), program.file, *program.arguments[1:])

    def start(self) -> None:
        """The container has its ends: go on by itself."""
        self._leave_ends()
        threading.Thread(target=self._run, name="pump", daemon=True).start()

    def finish(self) -> None:
        """None of its processes is left: what is in the pipes is all that there will be."""
        with self._lock:
            self._is_over = True
            if self._wake in self._own:
                os.eventfd_write(self._wake, 1)

    def discard(self) -> None:
        """It was not started."""
        self._leave_ends()
        self._close()

    def _leave_ends(self) -> None:
        for descriptor in {self.stdin, self.stdout, self.stderr} - self._own - {-1}:
            os.close(descriptor)

    def _close(self) -> None:
        with self._lock:
            for descriptor in self._own:
                os.close(descriptor)
            self._own.clear()
            self._socket.close()

    # ---- in the thread ----

    def _run(self) -> None:
        try:
            while not self._is_over or self._outputs or self._held is not None:
                self._move(self._wait())
                self._tell()
        except Exception:  # the container goes on, and finds its pipes closed
            log.exception("pump: the streams of a container cannot be moved")
        self._close()

    def _wait(self) -> dict[int, int]:
        """By descriptor, what there is to do."""
        waits = select.poll()
        waits.register(self._wake, select.POLLIN)
        if self._has_client:
            tells = self._held is not None or bool(self._answers)
            waits.register(self._socket, (0 if self._piece else select.POLLIN) | (select.POLLOUT if tells else 0))
        if self._held is None:
            for descriptor in self._outputs:
                waits.register(descriptor, select.POLLIN)
        if self._piece and self._input in self._own:
            also = select.POLLIN if self._input in self._outputs and self._held is None else 0
            waits.register(self._input, select.POLLOUT | also)
        drains = self._is_over and self._held is None
        return dict(waits.poll(0 if drains else None))

    @property
    def _has_client(self) -> bool:
        return self._socket.fileno() >= 0

    def _move(self, ready: dict[int, int]) -> None:
        if self._wake in ready:
            os.eventfd_read(self._wake)
        if self._has_client and self._socket.fileno() in ready:
            if not self._piece:
                self._hear()
            elif ready[self._socket.fileno()] & ~(select.POLLIN | select.POLLOUT):
                self._end_client()
        if self._piece:
            self._put_input()
        for descriptor in list(self._outputs):
            if self._held is None and (descriptor in ready or self._is_over):
                self._take_output(descriptor)

    def _take_output(self, descriptor: int) -> None:
        kind, file = self._outputs[descriptor]
        try:
            data = os.read(descriptor, PIECE_BYTES)
        except BlockingIOError:
            if not self._is_over:
                return
            data = b""
        except OSError:  # of a terminal that nobody has any more
            data = b""
        if not data:
            del self._outputs[descriptor]
            return
        with contextlib.suppress(OSError):  # a full disk holds nobody up
            os.write(file, data)
        if self._has_client:
            self._held = kind + data
            self._tell()

    def _tell(self) -> None:
        """Send what the client has room for."""
        while self._answers and self._send(self._answers[0]):
            del self._answers[:1]
        if self._held is not None and self._send(self._held):
            self._held = None

    def _send(self, packet: bytes) -> bool:
        """Whether the client has it, or has gone."""
        try:
            if self._has_client:
                self._socket.send(packet)
        except BlockingIOError:
            return False
        except OSError:
            self._end_client()
        return True

    def _end_client(self) -> None:
        self._socket.close()
        self._held = None
        self._answers = []

    def _hear(self) -> None:
        try:
            packet = self._socket.receive(PIECE_BYTES + 1)
        except BlockingIOError:
            return
        if not packet:
            self._end_client()
            return
        kind, rest = packet[:1], packet[1:]
        self._is_counted = kind == b"i"
        if kind == b"i":
            self._piece = rest
        elif kind == b"e" and self.has_tty:
            self._piece = _END_OF_INPUT
        elif kind == b"e":
            self._end_input()
        elif self.has_tty:
            self._resize(int(rest[:_SIZE_DIGITS]), int(rest[_SIZE_DIGITS:]))

    def _put_input(self) -> None:
        """Give the container what is held for it, as far as it takes it."""
        answer = b"k" if self._input in self._own else b"n"  # then nobody will ever read it
        while self._piece and answer == b"k":
            try:
                self._piece = self._piece[os.write(self._input, self._piece) :]
            except BlockingIOError:
                return
            except OSError:
                answer = b"n"
                self._end_input()
        self._piece = b""
        if self._is_counted:
            self._answers.append(answer)

    def _end_input(self) -> None:
        if self._input in self._own and not self.has_tty:
            self._own.discard(self._input)
            os.close(self._input)

    def _resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._input, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
