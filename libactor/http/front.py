"""Front: has the worker of a runtime itself accept connections for its actors, and answer simple requests on them."""

# Who calls: serving.py makes one for each port; the poller of the runtime, when somebody connects and once a second.
# Why: a request that is read on the event loop and answered by a worker costs two switches of threads, which is more
#   than all the rest of a short answer. Read by the worker it costs none. What is not simple goes through the door to
#   the event loop, connection and all, and stays there (front_connection.py says what that is).
# Invariants: 1. connections here and on the loop are counted together.    2. the listener is watched here or served by
#   the loop, never both.    3. when the server or the runtime ends, nobody is left here: the one closes what rests and
#   answers 503 to what is being served, the other hands all over.
# Rejected: reading everything here. Bodies, streams and slow clients have their bounds and deadlines on the loop.

from __future__ import annotations

import errno
import logging
import threading
from typing import TYPE_CHECKING

from libactor.http.front_connection import FrontConnection, refuse

if TYPE_CHECKING:
    from libactor.http.application import Site
    from libactor.http.door import Door
    from libactor.http.server import HttpServer, Listener
    from libactor.poller import Alarm, Poller

log = logging.getLogger("libactor.http")

ACCEPTED_MAX = 32  # connections in one go, before others have their turn
TICK_S = 1.0  # between two looks at who rests too long
GONE_ALREADY = (errno.ECONNABORTED, errno.EINTR, errno.EPROTO)  # a client that went before it was accepted


class Front:
    """One port, and those of its connections that the worker serves."""

    def __init__(self, site: Site, server: HttpServer, listener: Listener, poller: Poller) -> None:
        self.site = site
        self.poller = poller
        self.connections: set[FrontConnection] = set()
        self.door: Door = server.open_door(site)
        self.state = self.door.state
        self.tick_s = min(TICK_S, self.state.patience_s)
        self.ending = False  # the server ends
        self.retired = False  # the runtime ends: what rests goes to the loop
        self._server = server
        self._listener = listener
        self._lock = threading.Lock()  # whoever accepts, or ends that
        self._alarm: Alarm | None = None  # while there are connections
        self._later: Alarm | None = None  # while there is no room for who has connected
        self._empty = threading.Event()
        self.state.elsewhere.append(self.connections.__len__)
        listener.socket.setblocking(False)
        self._registry = poller.keep(Fronts)
        poller.watch(listener.socket.fileno(), self._accept)
        self._registry.add(self)

    def close(self, timeout: float) -> None:
        """The server ends: accept nobody any more, and end what is here."""
        with self._lock:
            self._registry.fronts.discard(self)
            self.ending = True
            if not self.retired:
                self.poller.forget(self._listener.socket.fileno())
                self._listener.close()
        for connection in list(self.connections):
            connection.go_on()
        if self.connections:
            self._empty.wait(timeout)

    def retire(self) -> None:
        """The runtime ends: the loop goes on, and answers that it has."""
        with self._lock:
            if self.ending or self.retired:
                return
            self.retired = True
            self.poller.forget(self._listener.socket.fileno())
        try:
            self._server.serve(self.site, self._listener)
        except RuntimeError:
            log.debug("%s: the server was closed meanwhile", self._listener.url)
        for connection in list(self.connections):
            connection.go_on()

    def orphan(self) -> None:
        """In the child of a fork: close what is the child's copy; port and connections are the parent's."""
        self._lock = threading.Lock()
        self.ending = self.retired = True
        self._listener.socket.close()
        for connection in list(self.connections):
            connection.orphan()
        self.connections.clear()

    def drop(self, connection: FrontConnection) -> None:
        """It is closed, or served by the loop."""
        self.connections.discard(connection)
        if self.ending and not self.connections:
            self._empty.set()

    def _accept(self, mask: int = 0) -> None:
        """Somebody has connected."""
        with self._lock:
            for _ in range(ACCEPTED_MAX):
                if self.ending or self.retired or not self._accept_one():
                    return
        self.poller.call(self._accept)

    def _accept_one(self) -> bool:
        try:
            sock, client = self._listener.socket.accept()
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno in GONE_ALREADY:
                return True
            if self._later is None:  # else somebody connects in vain who is not the first
                log.warning("%s: cannot accept: %s; trying again in %g s", self._listener.url, error, TICK_S)
                self._later = self.poller.after(TICK_S, self._accept_now)
            return False
        if self.state.count() >= self.state.connections_max:
            refuse(self.state, sock, client)
            return True
        try:
            connection = FrontConnection(self, sock)
        except OSError:  # it has gone already
            sock.close()
            return True
        self.connections.add(connection)
        connection.begin()
        if self._alarm is None:
            self._alarm = self.poller.after(self.tick_s, self._tick)
        return True

    def _accept_now(self) -> None:
        """There may be room by now."""
        with self._lock:
            self._later = None
        self._accept()

    def _tick(self) -> None:
        for connection in list(self.connections):
            connection.tick()
        with self._lock:
            self._alarm = self.poller.after(self.tick_s, self._tick) if self.connections else None


class Fronts:
    """Those of one runtime."""

    def __init__(self, poller: Poller) -> None:
        self.fronts: set[Front] = set()
        self._ended = False

    def add(self, front: Front) -> None:
        """One more, which is at its end at once if the runtime is."""
        self.fronts.add(front)
        if self._ended:
            front.retire()

    def end(self, timeout: float) -> list[str]:
        """The actors have stopped: the loops go on."""
        self._ended = True
        for front in list(self.fronts):
            front.retire()
        return []

    def orphan(self) -> None:
        """In the child of a fork there is no loop either: nothing is served."""
        for front in self.fronts:
            front.orphan()


def front_of(site: Site, server: HttpServer, listener: Listener) -> Front | None:
    """The worker serves ``listener``, if the runtime has one that looks at descriptors; else None."""
    if site.runtime.simulation is not None:
        return None
    try:
        return Front(site, server, listener, site.runtime.poller)
    except RuntimeError:  # it is closed, perhaps just now: the loop says so
        return None
