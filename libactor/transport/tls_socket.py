"""A socket whose bytes go through TLS: for a channel it is one like any other."""

# Who calls: a channel, as it would call a socket: one thread at a time sends, one at a time receives, and nothing waits
#   that has MSG_DONTWAIT. The node makes one for each connection, if there is a Tls.
# Invariants: 1. records leave in their order: whoever sends, the reader's answers to TLS among them, does it in `_out`.
#   2. receiving less than was asked for means that the system has no more, as edge-triggered polling demands.
#   3. what the system did not take is kept here, and then the last byte given to send() counts as not taken: so the
#   channel comes back with it when there is room, and nobody else has to know that something waits here.
#   4. what was received before an error is handed over before that is raised, as of any other socket.
# What is sent before the certificates were shown waits here; it is the handshake that follows, a few hundred bytes.
# What is wrong with TLS is an OSError (TlsRefused), since a channel breaks for each of these alike.

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from threading import RLock

from libactor.transport.handshake import refusal
from libactor.transport.peers import HandshakeRefused
from libactor.transport.tls import TlsEnd

RECEIVE_BYTES = 256 * 1024
SEND_BYTES_MAX = 256 * 1024  # encrypted in one go
NOW = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL


class TlsRefused(ConnectionAbortedError):
    """The peer is not to be talked to; the text says why. It has a number, as the system's errors have."""

    def __init__(self, text: str) -> None:
        super().__init__(errno.ECONNABORTED, text)

    def __str__(self) -> str:
        return str(self.strerror)


class TlsSocket:
    """``sock`` with TLS on it."""

    def __init__(self, sock: socket.socket, end: TlsEnd) -> None:
        self._sock = sock
        self._end = end
        self._out = RLock()
        self._early = b""  # to be sent once the certificates were shown
        self._pending = b""  # records that the system did not take
        self._kept = 0  # 1: the first byte of the next send() is in a record already
        self._plain = memoryview(b"")  # received, and not asked for yet
        self._over = False  # nothing more will come
        self._failure: OSError | None = None  # nothing more can be received, and why
        self.fileno = sock.fileno
        self.setsockopt, self.getsockopt = sock.setsockopt, sock.getsockopt
        self.setblocking, self.connect_ex, self.close = sock.setblocking, sock.connect_ex, sock.close

    def refuse_claim(self, address: str) -> str | None:
        """Why a peer that calls itself ``address`` is refused by its certificate; None if it is not."""
        return self._end.refuse_claim(address)

    def send(self, data: bytes | bytearray | memoryview, flags: int = 0, /) -> int:
        """Send some of ``data``; how much of it. Raises: BlockingIOError if the system takes nothing, now or in the
        time that the socket has for it, as ``flags`` say."""
        with self._out:
            if not self._end.done:
                self._early += data
                self._flush()
                return len(data)
            if not self._flush(flags):
                raise BlockingIOError
            part = memoryview(data)[:SEND_BYTES_MAX]
            self._end.send(part[self._kept :])
            self._kept = 0 if self._flush(flags) else 1
            return len(part) - self._kept

    def recv_into(self, view: memoryview, _count: int = 0, flags: int = 0, /) -> int:
        """Receive into ``view``; less than all of it only if there is no more. As recv_into of a socket."""
        filled = self._take(view)
        while filled < len(view) and not self._over and self._failure is None:
            try:
                self._receive(0 if filled == 0 and not flags else socket.MSG_DONTWAIT)
            except BlockingIOError:
                if filled == 0:
                    raise
                break
            except OSError as error:
                self._failure = error
            filled += self._take(view[filled:])
        if self._failure is not None:
            self._fail(filled)
        return filled

    def shutdown(self, how: int) -> None:
        """Say that nothing more comes, and tell the system."""
        try:
            with self._out:
                if self._end.done:
                    self._end.close()
                    self._flush()
        finally:
            self._sock.shutdown(how)

    def _receive(self, flags: int) -> None:
        """Have more in `_plain`, which is empty, or find that there is none."""
        data = self._sock.recv(RECEIVE_BYTES, flags)
        if data:
            self._decrypt(data)
        else:
            self._over = True

    def _fail(self, filled: int) -> None:
        """Nothing follows what was received before: raise why, or, so that this is not lost, have the poller tell."""
        if filled == 0:
            assert self._failure is not None, "only then it is called"
            raise self._failure
        with suppress(OSError):  # it has an end, of which the poller tells
            self._sock.shutdown(socket.SHUT_RD)

    def _take(self, view: memoryview) -> int:
        count = min(len(view), len(self._plain))
        view[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count

    def _decrypt(self, data: bytes) -> None:
        """Have what has arrived in `_plain`, which is empty, and answer what TLS has to answer."""
        try:
            self._plain = memoryview(self._end.receive(data))
            self._end.check()
        except HandshakeRefused as refused:
            self._say_farewell(refused.farewell or refusal(str(refused)))  # the latter if the peer speaks no TLS
            raise TlsRefused(str(refused)) from None
        self._over = self._end.ended
        if self._out.acquire(blocking=False):  # or else who sends now takes along what there is to answer
            try:
                if self._end.done and self._early:
                    early, self._early = self._early, b""
                    self._end.send(early)
                self._flush()
            finally:
                self._out.release()

    def _flush(self, flags: int = NOW) -> bool:
        """Hand records to the system; whether it took all."""
        self._pending += self._end.drain()
        while self._pending:
            try:
                sent = self._sock.send(self._pending, flags)
            except BlockingIOError:
                return False
            self._pending = self._pending[sent:]
        return True

    def _say_farewell(self, farewell: bytes) -> None:
        with self._out:
            self._pending += farewell
            try:
                self._flush()
            except OSError:
                return  # it is gone already
