"""StreamSocket: the socket by which one attaches to a container: whole packets, on this machine, without waiting."""

# Who calls: supervised.py makes them, the one for the supervisor, and connections to it; pump.py, both ends; streams.py
#   speaks over these.
# An address holds some hundred bytes, and the directory of a container may be longer: so it is reached by a descriptor.

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from mesoslite.model import NotFound

from .container_directory import SOCKET

if TYPE_CHECKING:
    from collections.abc import Callable

    from .container_directory import ContainerDirectory


class StreamSocket:
    """One end of it; a context, which closes it."""

    def __init__(self, end: socket.socket | None = None) -> None:
        """Around ``end``, of which the other one is in this program; None: around one that is yet to be connected."""
        self._socket = end if end is not None else socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)

    @classmethod
    def pair(cls) -> tuple[StreamSocket, StreamSocket]:
        """Both ends of a connection within this program."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(ours), cls(theirs)

    @classmethod
    def listen(cls, directory: ContainerDirectory) -> StreamSocket:
        """What the supervisor of a container is given. Raises: OSError."""
        made = cls()
        try:
            _reach(directory, made._socket.bind)
            made._socket.listen()
        except BaseException:
            made.close()
            raise
        return made

    @classmethod
    def connect(cls, directory: ContainerDirectory) -> StreamSocket:
        """A connection to the supervisor of a container. Raises: NotFound, if that is gone."""
        made = cls()
        try:
            _reach(directory, made._socket.connect)
        except OSError as error:
            made.close()
            container_id = directory.container_id
            raise NotFound(f"attach: container {container_id!r} cannot be reached: {error.strerror}") from error
        return made

    def __enter__(self) -> StreamSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """Its descriptor; -1 once it is closed."""
        return self._socket.fileno()

    def send(self, packet: bytes) -> None:
        """Send a packet as a whole. Raises: BlockingIOError, if there is no room; OSError, if nobody is there."""
        self._socket.send(packet)

    def receive(self, most: int) -> bytes:
        """The next packet, of so many bytes at most; empty: that was all. Raises: BlockingIOError, if none has come."""
        try:
            return self._socket.recv(most)
        except BlockingIOError:
            raise
        except OSError:
            return b""

    def close(self) -> None:
        """Close it; a second call does nothing."""
        self._socket.close()


def _reach(directory: ContainerDirectory, call: Callable[[str], None]) -> None:
    descriptor = os.open(directory.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        call(f"/proc/self/fd/{descriptor}/{SOCKET}")
    finally:
        os.close(descriptor)
