"""Streams: the input and output of containers that somebody attaches to, over a socket to the supervisor of each."""

# Who calls: SupervisedContainerizer. Twin: csrc/supervisor/streams.c, which says what the packets are.
# One connection for each container that is attached to, and one thread for all. A debug container is connected to
#   before it starts, and nothing of its output is read until somebody follows: so it waits, and nothing is lost,
#   also if it has ended by then.
# Invariants: 1. followers of a container are told of its output in order, by one thread at a time, and of its end
#   before `ended` of the container.    2. each piece of input is answered once.

from __future__ import annotations

import logging
import os
import select
import threading
from collections import deque
from typing import TYPE_CHECKING

from mesoslite.model import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import ContainerID, OutputFollower

    from .stream_socket import StreamSocket

log = logging.getLogger("mesoslite")

PIECE_BYTES = 1 << 14  # of one packet
UNHEARD_MAX = 256  # debug containers that have ended, and that nobody has followed yet
_TURN_PACKETS = 64  # that are read of one container before others have their turn
_SIZE_MAX = 65_535  # rows, or columns
_END_SECONDS = 5.0  # for the connection to close when the supervisor has gone: a bound on failure


class Streams:
    """Those of one container: see model.Attachment. Output is read once it is to be, from the first follower on."""

    def __init__(
        self, hub: StreamHub, container_id: ContainerID, connection: StreamSocket, *, has_tty: bool, reads: bool
    ) -> None:
        self.container_id = container_id
        self.has_tty = has_tty
        self._hub = hub
        self.connection = connection
        self.descriptor = connection.fileno()
        self._turn = threading.RLock()  # of reading
        self._lock = threading.Lock()  # of what follows
        self._followers: list[OutputFollower] = []
        self._holding: list[OutputFollower] = []  # who has enough for now
        self._packets: deque[tuple[bytes, Callable[[bool], None] | None]] = deque()  # that are to be sent
        self._answers: deque[Callable[[bool], None] | None] = deque()  # that are awaited
        self._is_over = False
        self.reads = reads

    def follow(self, follower: OutputFollower) -> None:
        """See model.Attachment."""
        with self._lock:
            is_over = self._is_over
            if not is_over:
                self._followers.append(follower)
                self.reads = True
        if is_over:
            follower.ended()
        else:
            self._hub.watch(self)

    def unfollow(self, follower: OutputFollower) -> None:
        """See model.Attachment."""
        with self._lock:
            if follower in self._followers:
                self._followers.remove(follower)
        self.go_on(follower)

    def hold(self, follower: OutputFollower) -> None:
        """See model.Attachment."""
        with self._lock:
            if follower in self._followers and follower not in self._holding:
                self._holding.append(follower)

    def go_on(self, follower: OutputFollower) -> None:
        """See model.Attachment."""
        with self._lock:
            is_held = follower in self._holding
            if is_held:
                self._holding.remove(follower)
        if is_held:
            self._hub.watch(self)

    def write(self, data: bytes, taken: Callable[[bool], None]) -> None:
        """See model.Attachment."""
        pieces = [data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES)]
        if not pieces:
            taken(True)
            return
        self._put(*[(b"i" + piece, None) for piece in pieces[:-1]], (b"i" + pieces[-1], taken))

    def end_input(self) -> None:
        """See model.Attachment."""
        self._put((b"e", None))

    def resize(self, rows: int, columns: int) -> None:
        """See model.Attachment."""
        if not self.has_tty:
            raise Conflict("attach: the container has no terminal, and so no size; launch it with tty_info")
        self._put((b"w%05d%05d" % (min(max(rows, 0), _SIZE_MAX), min(max(columns, 0), _SIZE_MAX)), None))

    def _put(self, *packets: tuple[bytes, Callable[[bool], None] | None]) -> None:
        with self._lock:
            is_over = self._is_over
            if not is_over:
                self._packets.extend(packets)
        if is_over:
            for _, taken in packets:
                if taken is not None:
                    taken(False)
        else:
            self._hub.watch(self)

    @property
    def interest(self) -> int:
        """What its connection is to be watched for."""
        with self._lock:
            return (select.EPOLLIN if self.reads and not self._holding else 0) | (
                select.EPOLLOUT if self._packets else 0
            )

    def send(self) -> None:
        """Send what the supervisor has room for; in the thread."""
        while True:
            with self._lock:
                if not self._packets:
                    return
                packet, taken = self._packets[0]
                try:
                    self.connection.send(packet)
                except BlockingIOError:
                    return
                except OSError:  # it has gone, and so have those who would have taken the rest
                    self._answers.extend([each for _, each in self._packets])
                    self._packets.clear()
                    return
                self._packets.popleft()
                if packet.startswith(b"i"):
                    self._answers.append(taken)

    def receive(self, packets: int | None = _TURN_PACKETS) -> bool:
        """Hand on what has come, so many packets at most; False: there is no more."""
        with self._turn:
            while packets is None or packets > 0:
                if packets is not None:
                    if self._holding:
                        return True
                    packets -= 1
                try:
                    packet = self.connection.receive(PIECE_BYTES + 1)
                except BlockingIOError:
                    return True
                if not packet:
                    self.end()
                    return False
                self._take(packet)
            return True

    def drain(self) -> None:
        """The supervisor has gone: hand on all that is left, and tell of the end."""
        with self._turn:
            while self.receive(None):
                waits = select.poll()
                waits.register(self.connection, select.POLLIN)
                if not waits.poll(_END_SECONDS * 1000):
                    log.warning("streams: the connection to a supervisor that has gone is open")
                    self.end()

    def _take(self, packet: bytes) -> None:
        kind = packet[:1]
        if kind in (b"k", b"n"):
            with self._lock:
                taken = self._answers.popleft() if self._answers else None
            if taken is not None:
                taken(kind == b"k")
            return
        with self._lock:
            followers = tuple(self._followers)
        data, is_stderr = packet[1:], kind == b"2"
        for follower in followers:
            if not follower.output(is_stderr, data):
                self.unfollow(follower)

    def end(self) -> None:
        """There is no more, or nobody is to hear of it any more."""
        with self._turn:
            with self._lock:
                if self._is_over:
                    return
                self._is_over = True
                followers, self._followers = self._followers, []
                waiting = [*self._answers, *[taken for _, taken in self._packets]]
            self._hub.drop(self)
            self.connection.close()
        for taken in waiting:
            if taken is not None:
                taken(False)
        for follower in followers:
            follower.ended()


class StreamHub:
    """The streams of one containerizer; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_container: dict[ContainerID, Streams] = {}
        self._unheard: dict[ContainerID, Streams] = {}
        self._by_descriptor: dict[int, Streams] = {}
        self._epoll: select.epoll | None = None
        self._wake = -1
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def find(self, container_id: ContainerID) -> Streams | None:
        """The streams of a container that was attached to, or that waits for it, if it has ended."""
        with self._lock:
            return self._unheard.pop(container_id, None) or self._by_container.get(container_id)

    def add(self, container_id: ContainerID, connection: StreamSocket, *, has_tty: bool, waits: bool) -> Streams:
        """Attach to a container; ``waits``: it is not read from before somebody follows."""
        with self._lock:
            known = self._by_container.get(container_id)
            if known is not None:  # another thread was first
                connection.close()
                return known
            made = Streams(self, container_id, connection, has_tty=has_tty, reads=not waits)
            self._by_container[container_id] = made
        self.watch(made)
        return made

    def watch(self, streams: Streams) -> None:
        """Have the thread do what it wants done."""
        with self._lock:
            if self._is_closed or streams.connection.fileno() < 0:
                return
            if self._epoll is None:
                self._epoll = select.epoll()
                self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
                self._epoll.register(self._wake, select.EPOLLIN)
                self._thread = threading.Thread(target=self._run, args=(self._epoll,), name="streams", daemon=True)
                self._thread.start()
            interest = streams.interest
            is_watched = streams.descriptor in self._by_descriptor
            if interest and is_watched:
                self._epoll.modify(streams.descriptor, interest)
            elif interest:
                self._by_descriptor[streams.descriptor] = streams
                self._epoll.register(streams.descriptor, interest)
            elif is_watched:  # its end would be told of again and again
                del self._by_descriptor[streams.descriptor]
                self._epoll.unregister(streams.descriptor)

    def drop(self, streams: Streams) -> None:
        """It is over; its connection is closed next."""
        with self._lock:
            if self._by_descriptor.pop(streams.descriptor, None) is not None and self._epoll is not None:
                self._epoll.unregister(streams.descriptor)
            if self._unheard.get(streams.container_id) is streams:  # by whoever had them before the container ended
                del self._unheard[streams.container_id]

    def finish(self, container_id: ContainerID) -> None:
        """The supervisor of a container has gone: hand on the rest of its output, and tell of its end."""
        with self._lock:
            streams = self._by_container.pop(container_id, None)
            if streams is not None and not streams.reads and not self._is_closed:
                self._unheard[container_id] = streams
                oldest = next(iter(self._unheard)) if len(self._unheard) > UNHEARD_MAX else None
                streams = self._unheard.pop(oldest) if oldest is not None else None
        if streams is not None:
            streams.drain()

    def discard(self, container_id: ContainerID) -> None:
        """It was not started."""
        with self._lock:
            streams = self._by_container.pop(container_id, None)
        if streams is not None:
            streams.end()

    def close(self) -> None:
        """Let go of all."""
        with self._lock:
            self._is_closed = True
            left = [*self._by_container.values(), *self._unheard.values()]
            self._by_container, self._unheard = {}, {}
            thread, epoll = self._thread, self._epoll
        for streams in left:
            streams.end()
        if thread is not None and epoll is not None:
            os.eventfd_write(self._wake, 1)
            thread.join()
            epoll.close()
            os.close(self._wake)
            self._thread = self._epoll = None

    def _run(self, epoll: select.epoll) -> None:
        while True:
            for descriptor, events in epoll.poll():
                if descriptor == self._wake:
                    return
                with self._lock:
                    streams = self._by_descriptor.get(descriptor)
                if streams is not None:
                    self._move(streams, events)

    def _move(self, streams: Streams, events: int) -> None:
        try:
            if events & ~select.EPOLLIN:
                streams.send()
            if streams.reads and not streams.receive():
                return
            self.watch(streams)
        except Exception:  # the thread goes on, for all other containers
            log.exception("streams: a container's could not be told")
            streams.end()
