"""Node: a runtime's place among others: where it listens, whom it knows, and its connections."""

# Who calls: the runtime makes one before all else, since its address is a part of PIDs, starts it when its workers are
#   there, and closes it when its actors have stopped.
# Invariants: 1. after close() nothing of it is left: no descriptor, no port, no alarm.    2. connections that have not
#   said who they are are few, and end after a while; for who comes beyond that the oldest one goes.    3. in the child
#   of a fork its descriptors are closed, and nothing is said to anybody.
# Source: libprocess src/process.cpp, SocketManager: one persistent connection with each address.

from __future__ import annotations

import errno
import logging
import os
import socket
import threading
from typing import TYPE_CHECKING, Any, cast

from libactor._core._impl import TrafficCell
from libactor._core.clock import NANOSECONDS, monotonic_ns
from libactor._core.randomness import random_nonce
from libactor.methods import Unknown
from libactor.transport.address import split_pid
from libactor.transport.configuration import Remote, check_address
from libactor.transport.connection import Connection
from libactor.transport.peer import Local, Peer
from libactor.transport.tls_socket import TlsSocket

if TYPE_CHECKING:
    from libactor.pid import PID
    from libactor.poller import Alarm, Poller
    from libactor.runtime import Runtime
    from libactor.transport.channel import Channel
    from libactor.transport.peers import Peer as Introduced

log = logging.getLogger("libactor.transport")

INSTANCE_BYTES = 16
BACKLOG = 128
OUTSIDE_BYTES_MAX = 1024 * 1024  # that wait before senders wait that can: they write themselves, more gains nothing
LINGER_S = 1.0  # that close() waits for others to have read all
TICKS = 6  # looks at each connection in the time of silence
RETRY_S = 0.1  # after accepting failed, for want of descriptors say
ACCEPTS_MAX = 16  # in one go
WARNINGS_MAX = 20  # of strangers, in as many seconds as follow
WARNINGS_S = 10
PEERS_MAX = 1000  # that are kept though there is no connection: others name as many as they like


class Node(TrafficCell):
    """The transport of one runtime."""

    runtime: Runtime
    poller: Poller

    def __init__(self, remote: Remote) -> None:
        if not isinstance(remote, Remote):
            raise TypeError(f"Runtime: got remote={remote!r}, expected a Remote, such as Remote('127.0.0.1:0')")
        super().__init__()
        self._owner = os.getpid()
        self._listener = _listen(remote.listen)
        self.address = _address_of(self._listener, remote)
        self._check_certificate(remote)
        self.instance = random_nonce()[:INSTANCE_BYTES]
        self.secret = remote.secret
        self.tls = remote.tls
        self.buffer_bytes_max = remote.buffer_bytes_max
        self.outside_bytes_max = min(remote.buffer_bytes_max // 2, OUTSIDE_BYTES_MAX)
        self.frame_bytes_max = remote.frame_bytes_max
        self.forwards = remote.forwards
        self.connect_timeout_s = remote.connect_timeout_s
        self._silence_s = remote.silence_s
        self._strangers_max = remote.strangers_max
        self._peers: dict[str, Peer] = {}
        self._peers_max = PEERS_MAX
        self._lock = threading.RLock()  # of the tables; re-entrant, since finalizers may send
        self._connections: dict[Connection, None] = {}  # whose descriptors are open
        self._warned_ns = self._warnings = 0  # when the first of these was logged, and how many would have been since
        self._closing = False
        self._empty = threading.Event()  # closing, and no connection is left
        self._alarm: Alarm | None = None
        self._retry: Alarm | None = None  # of accepting
        self.opened = self.failed = self.disconnects = self.refused = self.overflows = (
            0  # connections; see metrics/own.py
        )

    def _check_certificate(self, remote: Remote) -> None:
        if remote.tls is not None:
            try:
                remote.tls.check_address(self.address)
            except ValueError:
                self._listener.close()
                raise

    def start(self, runtime: Runtime) -> None:
        """Listen from now on."""
        self.runtime = runtime
        self.poller = runtime.poller
        self.local = Local(runtime, self.address)
        self.poller.at_close(self.close)
        self.poller.watch(self._listener.fileno(), self._accept)
        self._alarm = self.poller.after(self._silence_s / TICKS, self._tick)

    # PIDs.

    def parse(self, text: str, kind: type = Unknown) -> PID[Any]:
        """The PID that is written ``text``. Raises: TypeError, ValueError."""
        name, address = split_pid(text, kind)
        _, port = check_address(address, "parse_pid")
        if port == 0:
            raise ValueError(f"parse_pid: got {text[:200]!r}, expected the port that the runtime listens on, not 0")
        return self.pid(name, address, kind)

    def pid(self, id: str, address: str, kind: type = Unknown) -> PID[Any]:
        """The PID of an actor at an address that was checked."""
        if address == self.address:
            process = self.runtime._processes.get(id)
            return self.local.pid(id, kind) if process is None else process.pid
        return self.peer(address).pid(id, kind)

    def __getitem__(self, name: tuple[str, str]) -> PID[Any]:
        """The PID with that id and address, as they stand in a frame. Raises: ValueError."""
        peer = self._peers.get(name[1])
        return self.parse("@".join(name)) if peer is None else peer.pid(name[0])

    def peer(self, address: str) -> Peer:
        """The runtime at that address, whether there is a connection or not."""
        peer = self._peers.get(address)
        if peer is None:
            with self._lock:
                if len(self._peers) >= self._peers_max:
                    self._drop_idle_peers()
                peer = self._peers.setdefault(address, Peer(self, address))
        return peer

    def keep(self, peer: Peer) -> Peer:
        """Who has the connections with the address of ``peer``: itself, unless another one has taken its place."""
        return self._peers.setdefault(peer.address, peer)

    def _drop_idle_peers(self) -> None:
        for peer in list(self._peers.values()):
            peer.leave_if_idle(self._peers)
        self._peers_max = max(PEERS_MAX, 2 * len(self._peers))  # so that looking at all of them is rare

    # Connections.

    def dial(self, peer: Peer) -> Connection:
        """A new connection to ``peer``; it may be broken already."""
        host, port = check_address(peer.address, "dial")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        connection = Connection(
            self, sock if self.tls is None else TlsSocket(sock, self.tls.connect(peer.address)), peer
        )
        peer.connections[connection] = None
        error = sock.connect_ex((host, port))
        if self._take_in(connection):
            if error in (0, errno.EINPROGRESS):
                connection.begin()
            else:
                connection.break_(ConnectionError(error, os.strerror(error)))
        return connection

    def refuse_another(self, who: Introduced) -> str | None:
        """Why one more connection that ``who`` has made is refused; None if it is not."""
        peer = self._peers.get(who.address)
        return None if peer is None else peer.refuse_another(who.instance)

    def welcome(self, connection: Connection, who: Introduced) -> Peer:
        """A connection knows who is at the other end."""
        self.opened += 1
        return self.peer(who.address).welcome(connection, who.instance)

    def warn(self, text: str, *values: object) -> None:
        """Log what a stranger has done wrong, but not for each of thousands of them."""
        now_ns = monotonic_ns()
        if now_ns - self._warned_ns > WARNINGS_S * NANOSECONDS:
            self._warned_ns, self._warnings = now_ns, 0
        self._warnings += 1
        if self._warnings <= WARNINGS_MAX:
            log.warning(text, *values)
        elif self._warnings == WARNINGS_MAX + 1:
            log.warning(
                "%s: more is refused, and only counted for %s s: libactor/remote/handshakes_refused",
                self.address,
                WARNINGS_S,
            )

    def closed(self, connection: Channel) -> None:
        """The descriptor of a connection is closed."""
        with self._lock:
            self._connections.pop(cast(Connection, connection), None)
            if self._closing and not self._connections:
                self._empty.set()

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Those whose descriptors are open."""
        with self._lock:
            return tuple(self._connections)

    def close(self, timeout: float) -> list[str]:
        """Send what waits and end all connections; others are given a moment to read it."""
        self._closing = True
        if self._alarm is not None:
            self._alarm.cancel()
        self.poller.forget(self._listener.fileno())
        self._listener.close()
        for connection in self.connections:
            connection.finish()
        if self.connections:
            self._empty.wait(min(timeout, LINGER_S))
        for connection in self.connections:
            connection.break_(ConnectionAbortedError("the runtime is closed"))
        return []

    def abort(self) -> None:
        """Give the port back: the runtime did not come to be."""
        self._listener.close()

    def orphan(self) -> None:
        """In the child of a fork: close what is the child's copy; the connections are the parent's."""
        self._listener.close()
        for connection in list(self._connections):
            connection.orphan()
        self._connections.clear()
        for peer in self._peers.values():
            peer.current = None  # so that whoever sends is told

    def _take_in(self, connection: Connection) -> bool:
        """Whether the connection may begin; the node may have been closed since somebody asked for it."""
        with self._lock:
            self._connections[connection] = None
        if self._closing:  # and may not see this one
            connection.break_(ConnectionAbortedError("the runtime is closed"))
        return not self._closing

    def _accept(self, _: int = 0) -> None:
        """Somebody has connected."""
        for _ in range(ACCEPTS_MAX):
            if self._closing:
                return
            try:
                sock, who = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self._accept_later(error)
                return
            self._admit(sock, f"a stranger at {who[0]}:{who[1]}")
        self.poller.call(self._accept)

    def _accept_later(self, error: OSError) -> None:
        """Accepting has failed: try again, by one alarm however many knock."""
        self.warn("%s: accepting a connection failed: %s", self.address, error)
        if self._retry is None or self._retry.function is None:
            self._retry = self.poller.after(RETRY_S, self._accept)

    def _admit(self, sock: socket.socket, who: str) -> None:
        """Hear who it is; if too many have not said so, not the newest has to go, or they would keep others out."""
        strangers = [one for one in self.connections if one.peer is None and one.broken is None]
        if len(strangers) >= self._strangers_max:
            strangers[0].refuse(ConnectionAbortedError("too many have come since that are to say who they are"))
        sock.setblocking(False)
        connection = Connection(self, sock if self.tls is None else TlsSocket(sock, self.tls.accept()), None)
        connection.stranger = who
        if self._take_in(connection):
            connection.begin()

    def _tick(self) -> None:
        """Look after all connections."""
        for connection in self.connections:
            connection.tick(TICKS)
        if not self._closing:
            self._alarm = self.poller.after(self._silence_s / TICKS, self._tick)


def _listen(address: str) -> socket.socket:
    host, port = check_address(address, "Remote: listen")
    sock = socket.socket(
        socket.AF_INET6 if ":" in host else socket.AF_INET,
        socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC,
    )
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise OSError(
            error.errno,
            f"Runtime: cannot listen on {address}: {os.strerror(error.errno or 0)}; choose another port, or 0",
        ) from None
    return sock


def _address_of(listener: socket.socket, remote: Remote) -> str:
    """What others call it."""
    bound = listener.getsockname()[1]
    host, port = check_address(remote.advertise or remote.listen, "Remote: advertise")
    return f"[{host}]:{port or bound}" if ":" in host else f"{host}:{port or bound}"
