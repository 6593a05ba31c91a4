"""Connection: one TCP connection with another runtime, from its first byte to its end."""

# Who calls: the node makes one for each connection it accepts or dials, and ends those that are silent.
# States, one after the other: dialling (if it was not accepted), greeting, open, broken. What is sent before it is open
#   waits. A connection that another one has replaced is retired: it takes nothing new, and ends when all calls that go
#   by it have their answers.
# Invariants: 1. it is broken once, by whoever notices first, and then tells all that wait for it.    2. before it is
#   open nothing but the handshake is read or written, within a time and a number of bytes.

from __future__ import annotations

import logging
import os
import select
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from libactor.transport import frames
from libactor.transport.channel import WAIT_S, Overflow
from libactor.transport.frames import Malformed
from libactor.transport.handshake import Handshake, HandshakeRefused, Role
from libactor.transport.peers import without_frames
from libactor.transport.serving import Serving
from libactor.transport.tls_socket import TlsRefused, TlsSocket

if TYPE_CHECKING:
    from libactor.poller import Alarm
    from libactor.transport.channel import Socket
    from libactor.transport.node import Node
    from libactor.transport.peer import Peer
    from libactor.transport.peers import Peer as Introduced

log = logging.getLogger("libactor.transport")

ATTEMPT = struct.pack("@ll", 0, round(WAIT_S * 1_000_000))


class Connection(Serving):
    """One end of it; ``peer`` is who was dialled, None for one that was accepted."""

    def __init__(self, node: Node, sock: Socket, peer: Peer | None) -> None:
        super().__init__(node, sock, peer)
        role = Role.ACCEPTOR if peer is None else Role.CONNECTOR
        expect = None if peer is None else peer.address
        self._handshake = Handshake(role, node.address, node.instance, node.secret, expect, self._refuse)
        self._accepted = peer is None
        self._dialling = peer is not None
        self._alarm: Alarm | None = None
        self._end = threading.Lock()  # taken by whoever breaks it
        self.retired = False  # nothing new goes by it
        self.parted = False  # the other side has retired it as well

    def __repr__(self) -> str:
        ends = (self.name, self.node.address) if self._accepted else (self.node.address, self.name)
        return f"connection from {ends[0]} to {ends[1]}"

    def _refuse(self, who: Introduced) -> str | None:
        """Why a peer is not let in; None if it is."""
        reason = self.sock.refuse_claim(who.address) if isinstance(self.sock, TlsSocket) else None
        return self.node.refuse_another(who) if reason is None and self._accepted else reason

    def begin(self) -> None:
        """Have the poller tell of it, and set the time for its first steps; nothing, if the node broke it meanwhile."""
        if not self._begin_reading():  # so that nobody closes the descriptor meanwhile; but it is closed
            return
        try:
            self._expect("connect" if self._dialling else "say who it is")
            self.poller.watch(self.fd, self.ready)
            if self.broken is not None:  # before it was watched, perhaps
                self.poller.forget(self.fd)
                self._cancel_alarm()
        finally:
            self._stop_reading()

    def _begins(self, mask: int) -> bool:
        """See Channel."""
        return not self._dialling or self._has_arrived(mask)

    def serve(self, frame: tuple[Any, ...]) -> None:
        """See Channel."""
        serve, least, most = _SERVE.get(frame[0] if frame else None, _NONE)
        if not least <= len(frame) <= most:
            raise Malformed(f"got {frame[:3]!r:.200} of {len(frame)} values")
        serve(self, *frame[1:])

    def greet(self, data: bytes) -> bytes:
        """Go on with the handshake."""
        handshake = self._handshake
        try:
            self._say(handshake.receive(data))
        except HandshakeRefused as refused:
            self._say(refused.farewell)
            self.refuse(refused)
            return b""
        if not handshake.done or self.broken is not None:
            return b""
        assert handshake.peer is not None, "a handshake that is done knows the peer"
        self._cancel_alarm()
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self.sock.setsockopt(socket.SOL_SOCKET, option, ATTEMPT)
        self.sock.setblocking(True)
        self.peer = self.node.welcome(self, handshake.peer)
        self.open = True
        self.flush()
        for other in list(self.peer.connections):
            other.follow()
        return handshake.leftover

    def tick(self, silent_max: int) -> None:
        """Once in a while: say something if nothing was said; break it if nothing was heard so often."""
        if not self.open or self.broken is not None:
            return
        if not self.spoke:
            self.sent(self.put("beat", frames.BEAT), True)
        self.spoke = False
        self.quiet = 0 if self.heard else self.quiet + 1
        if not self.heard:
            self.shrink()
        if self.quiet >= silent_max:
            self.read()  # the worker may not have come to it
            if not self.heard:
                self.break_(TimeoutError("nothing was heard of it"))
        self.heard = False

    def finish(self) -> None:
        """Send what waits, say that this was all, and wait for the other side to close."""
        if not self.open and not self.outgoing:
            self.break_(ConnectionAbortedError("the runtime is closed"))
        self.finishing = True
        self.flush()

    def break_(self, error: BaseException) -> None:
        """See Channel."""
        if not self._end.acquire(blocking=False):
            return
        self.poller.forget(self.fd)  # before anybody finds it broken, closes it, and the number is another one's
        self.broken = without_frames(error)
        self._cancel_alarm()
        if isinstance(error, TlsRefused) and not self.open:
            self._count_refused(error)
        if self.open:
            self.node.disconnects += 1
            self._tell_lost(error)
        elif isinstance(error, Overflow):
            self._tell_lost(error)
        elif not self._accepted:
            self.node.failed += 1
        log.debug("%s: broken: %s", self, error)
        if self.peer is not None:
            self.peer.part(self)
            self._lose_all(self.peer, error)
        self.shut()
        self.leave()
        self.tell_broken()

    def refuse(self, error: Exception) -> None:
        """The handshake has failed."""
        if self.broken is None:
            self._count_refused(error)
            self.break_(error)

    def _count_refused(self, error: BaseException) -> None:
        self.node.refused += 1
        if self._accepted:  # of one that was dialled it is told once that none can be made
            self.node.warn("%s: refused: %s", self, error)

    def _tell_lost(self, error: BaseException) -> None:
        """Say what nobody hears of who only tells."""
        if self.outgoing and type(error) is not ConnectionAbortedError:  # by the close of the runtime
            log.warning("%s: broken: %s; %d bytes that waited are lost", self, error, len(self.outgoing))

    def _lose_all(self, peer: Peer, error: BaseException) -> None:
        """Of what waits, that of which nobody is told otherwise are dead letters."""
        why = f"the connection broke: {error}" if self.open else f"no connection: {error}"
        waited = list(self.take_lost())
        lost = Counter(
            (frame[1], "a message" if frame[0] == frames.POST else frame[2])
            for frame in waited
            if frame[0] in (frames.TELL, frames.TELL_CODED, frames.POST)
        )
        for (name, what), count in lost.items():
            self.node.runtime.dead_letter(peer.pid(name), what, why, count)
        if self.open or type(error) is ConnectionAbortedError or isinstance(error, Overflow):  # as above
            return
        peer.missing = True
        if lost and not any(frame[0] == frames.LINK for frame in waited):  # else who has sent it hears, by that
            peer.report(f"no connection to {peer.address} can be made: {error}")

    # Retiring.

    def retire(self, successor: Connection) -> None:
        """Have all that is new go by ``successor``; links move there now, and the other side is to do the same."""
        if not self.retired:
            self.retired = True
            self._hand_links(successor)
            self.sent(self.put("retire", frames.RETIRE), True)
            self.leaving = self.parted
        self.end_if_idle()

    def take_retire(self) -> None:
        """The other side sends nothing new by this one."""
        self.parted = True
        self.follow()

    def follow(self) -> None:
        """If the other side has retired it, do the same as soon as there is another one that stands."""
        successor = None if self.peer is None or not self.parted else self.peer.other_than(self)
        if successor is not None:
            self.retire(successor)
        self.leaving = self.retired and self.parted
        self.end_if_idle()

    def end_if_idle(self) -> None:
        """See Channel."""
        if self.leaving and not self.calls and not self.serving and not self.outgoing:
            self.break_(ConnectionResetError("another one has replaced it"))

    def _hand_links(self, successor: Connection) -> None:
        for name in list(self.links):
            for watcher, pid in self.links.pop(name, {}).items():
                successor.link(watcher, pid)

    def _has_arrived(self, mask: int) -> bool:
        """Whether a connection that was dialled stands."""
        error = self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self.break_(ConnectionError(error, os.strerror(error)))
        if error or not mask & select.EPOLLOUT:
            return False
        self._dialling = False
        self._expect("say who it is")
        self._say(self._handshake.start())
        return self.broken is None

    def _say(self, data: bytes) -> None:
        """Send a part of the handshake, which a fresh connection has room for."""
        if not data or self.broken is not None:
            return
        try:
            sent = self.sock.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)
        except OSError as error:
            self.break_(error)
            return
        if sent < len(data):
            self.break_(ConnectionError("there is no room for the handshake"))

    def _expect(self, what: str) -> None:
        """Break it unless that is done in time."""
        self._cancel_alarm()
        seconds = self.node.connect_timeout_s

        def give_up() -> None:
            self.refuse(TimeoutError(f"it took longer than {seconds} s to {what}"))

        self._alarm = self.poller.after(seconds, give_up)

    def _cancel_alarm(self) -> None:
        alarm, self._alarm = self._alarm, None
        if alarm is not None:
            alarm.cancel()


_NONE: tuple[Callable[..., None], int, int] = (Connection.take_beat, 1, 0)  # of what is no kind: no length will do

# By kind: what is called with the rest, and how many values there are at least and at most.
_SERVE: dict[Any, tuple[Callable[..., None], int, int]] = {
    frames.TELL: (Connection.take_tell, 3, 255),
    frames.CALL: (Connection.take_call, 4, 255),
    frames.POST: (Connection.take_post, 5, 5),
    frames.ANSWER: (Connection.take_answer, 3, 3),
    frames.TELL_CODED: (Connection.take_tell_coded, 4, 4),
    frames.CALL_CODED: (Connection.take_call_coded, 5, 5),
    frames.ANSWER_CODED: (Connection.take_answer_coded, 3, 3),
    frames.FAILED: (Connection.take_failure, 3, 3),
    frames.DISCARDED: (Connection.take_discarded, 2, 2),
    frames.ABANDONED: (Connection.take_abandoned, 3, 3),
    frames.DISCARD: (Connection.take_discard, 2, 2),
    frames.LINK: (Connection.take_link, 2, 2),
    frames.UNLINK: (Connection.take_unlink, 2, 2),
    frames.EXITED: (Connection.take_exit, 3, 3),
    frames.TERMINATE: (Connection.take_terminate, 3, 3),
    frames.BEAT: (Connection.take_beat, 1, 1),
    frames.RETIRE: (Connection.take_retire, 1, 1),
}
