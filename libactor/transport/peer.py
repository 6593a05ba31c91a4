"""Peer: another runtime, as this one knows it: its PIDs, and the connections with it."""

# Who calls: the core offers it, as the network of the queue that its PIDs lead to, all that is sent to them; the node.
# A PID of another runtime leads to a process that stands in: nothing is ever in its mailbox, since the network takes
#   everything over.
# Invariants: 1. all that this side sends goes by one connection, `current`, until that breaks or is replaced: so each
#   direction is first in, first out.    2. without a connection the next thing that is sent makes one.    3. of those
#   for one address only that in the table of the node has connections and watchers; one without may be dropped from
#   there, since others name as many addresses as they like, and its PIDs lead to whoever takes its place.
# Local: the same for the own address, where a PID names an actor that is not, or was not when the PID was made.
# Source: link(pid, RECONNECT) of libprocess src/process.cpp, which swaps the connection below all links as well.

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from libactor._core._impl import RunQueue, RuntimeCell, terminate
from libactor._core.errors import Disconnected, NotPassable
from libactor.bounds import may_block
from libactor.events import Exited
from libactor.methods import Unknown
from libactor.transport.peers import without_frames

if TYPE_CHECKING:
    from libactor._core.errors import ForkedRuntime
    from libactor.pid import PID
    from libactor.process import Process
    from libactor.runtime import Runtime
    from libactor.supervision.census import Census
    from libactor.transport.connection import Connection
    from libactor.transport.node import Node

log = logging.getLogger("libactor.transport")

PIDS_MAX = 10_000  # that are kept, so that they need not be made for each message
CONNECTIONS_MAX = 64  # with one peer: one each way, and those that were replaced and have calls under way
ID_LENGTH_MAX = 128  # of an actor whose PID is: others choose these, and may not choose what is kept


class Place(RuntimeCell):
    """Where PIDs lead to that are of no actor in the table of the runtime."""

    simulation = None

    def __init__(self, runtime: Runtime, address: str) -> None:
        queue = RunQueue()
        super().__init__(address, queue)
        queue.network = self
        self.runtime = runtime
        self._pids: dict[tuple[str, type], PID[Any]] = {}

    def __call__(self, sender: Any, process: Any, event: Any, /) -> bool:
        """Something is sent to an actor there."""
        raise NotImplementedError

    def link(self, watcher: Any, process: Any, /) -> bool:
        """An actor here is to hear of the end of one there."""
        raise NotImplementedError

    def terminate(self, process: Any, inject: bool, /) -> bool:
        """An actor there is to stop."""
        raise NotImplementedError

    def pid(self, id: str, kind: type = Unknown) -> PID[Any]:
        """The address of an actor there."""
        pid: PID[Any] | None = self._pids.get((id, kind))
        if pid is None:
            pid = self._stand_in(id, kind)
            if len(id) <= ID_LENGTH_MAX:
                if len(self._pids) >= PIDS_MAX:
                    self._pids.clear()
                self._pids[id, kind] = pid
        return pid

    # What is asked of a runtime whose PID somebody has.

    @property
    def clock(self) -> Any:
        """That of the runtime here."""
        return self.runtime.clock

    @property
    def workers(self) -> Any:
        """Those of the runtime here."""
        return self.runtime.workers

    @property
    def census(self) -> Census:
        """That of the runtime here."""
        return self.runtime.census

    def check_here(self) -> None:
        """Raise ForkedRuntime in the child of a fork."""
        self.runtime.check_here()

    def forked(self) -> ForkedRuntime:
        """See Runtime."""
        return self.runtime.forked()

    def dead_letter(self, pid: PID[Any], what: str, why: str, count: int = 1) -> None:
        """See Runtime."""
        self.runtime.dead_letter(pid, what, why, count)


class Local(Place):
    """The own address."""

    def __call__(self, sender: Any, process: Any, event: Any, /) -> bool:
        """Hand it to who has the id now, or drop it."""
        self.runtime.check_here()
        found = self._find(process)
        if found is None:
            event.drop(process)
        else:
            found.arrive(event)
        return True

    def link(self, watcher: Any, process: Any, /) -> bool:
        """Link to who has the id now."""
        found = self._find(process)
        if found is None:
            watcher.arrive(Exited(process.pid, None))
        else:
            found.link(watcher)
        return True

    def terminate(self, process: Any, inject: bool, /) -> bool:
        """Ask who has the id now to stop."""
        found = self._find(process)
        if found is not None:
            terminate(found.pid, inject)
        return True

    def _find(self, process: Process) -> Process | None:
        return self.runtime._processes.get(process.pid.id)


class Peer(Place):
    """Another runtime."""

    def __init__(self, node: Node, address: str) -> None:
        super().__init__(node.runtime, address)
        self._node = node
        self._lock = threading.RLock()  # of the change of connections
        self.connections: dict[Connection, None] = {}  # those that stand or are being made, the oldest first
        self.current: Connection | None = None  # by which everything is sent
        self._watching: dict[Process, set[str]] = {}  # actors here that have been linked to some there, by id
        self.missing = False  # the last connection could not be made
        self.is_reported = False  # the log says that it is not there
        self.instance = b""  # which life of the runtime it is, once that has said so

    def __call__(self, sender: Any, process: Any, event: Any, /) -> bool:
        """Send it. Raises: NotPassable; nothing was sent then."""
        connection = self.current
        if connection is None or len(connection.outgoing) > self._node.outside_bytes_max:
            try:
                connection = self._find_way(sender, process)
            except Disconnected as error:
                self._lose(process.pid, event, without_frames(error), sender in self._watching)
                return True
        kind = getattr(event, "kind", None)
        if kind == "dispatch":
            connection.call(process.pid, event)
        elif kind == "tell":
            connection.tell(process.pid, event)
        elif kind == "message":
            connection.post(process.pid, event)
        elif kind == "execute":
            raise NotPassable(
                f"execute: a function runs in one program only, and {process.pid} is in another; use dispatch"
            )
        return True  # what is of an actor's own life is nothing for one that only stands in

    def link(self, watcher: Any, process: Any, /) -> bool:
        """Link an actor here to one there."""
        home = self._note_watcher(watcher, process.pid.id)
        if home is not self:
            return home.link(watcher, process)
        try:
            self._way().link(watcher, process.pid)
        except Disconnected as error:
            watcher.arrive(Exited(process.pid, without_frames(error)))
        return True

    def terminate(self, process: Any, inject: bool, /) -> bool:
        """Ask an actor there to stop."""
        with suppress(Disconnected):  # it is lost, like all that is sent where nobody is
            self._way().terminate(process.pid.id, inject)
        return True

    def relink(self, watcher: Process, process: Process) -> None:
        """As link, by a new connection, to which all other links go over as well."""
        home = self._note_watcher(watcher, process.pid.id)
        if home is not self:
            home.relink(watcher, process)
            return
        with self._lock:
            before, self.current = self.current, None
            try:
                fresh = self._way()
            except Disconnected as error:
                self.current = before
                watcher.arrive(Exited(process.pid, without_frames(error)))
                return
        fresh.link(watcher, process.pid)
        if before is not None and before is not fresh:
            before.retire(fresh)

    def other_than(self, connection: Connection) -> Connection | None:
        """The newest connection that stands, if it is another one."""
        with self._lock:
            others = [one for one in self.connections if one is not connection and one.open and not one.retired]
        return others[-1] if others else None

    def refuse_another(self, instance: bytes) -> str | None:
        """Why one more connection that this life of the runtime has made is refused; None if it is not."""
        if instance != self.instance or len(self.connections) < CONNECTIONS_MAX:
            return None
        return f"{self.address} has {CONNECTIONS_MAX} connections already, which is all that one host may have"

    def welcome(self, connection: Connection, instance: bytes) -> Peer:
        """The other side has said who it is: another life of it ends all that was with the last one."""
        with self._lock:
            home = self._node.keep(self)
            if home is not self:
                return home.welcome(connection, instance)
            stale = list(self.connections) if self.instance not in (b"", instance) else []
            self.instance = instance
            self.missing = self.is_reported = False
            self.connections[connection] = None
            if self.current is None or self.current in stale:
                self.current = connection
        for one in stale:
            if one is not connection:
                one.break_(ConnectionResetError("the runtime there is another one by now"))
        return self

    def leave_if_idle(self, table: dict[str, Peer]) -> None:
        """Go from ``table``, if nothing is lost with it; it is in use if somebody has the lock."""
        if self._lock.acquire(blocking=False):
            try:
                if not self.connections and not self._watching:
                    table.pop(self.address, None)
            finally:
                self._lock.release()

    def report(self, why: str) -> None:
        """Something is lost of which nobody is told: the log says so, once until somebody is there."""
        if not self.is_reported:
            self.is_reported = True
            log.warning("%s; what is sent there is lost", why)

    def part(self, connection: Connection) -> None:
        """A connection broke."""
        with self._lock:
            self.connections.pop(connection, None)
            if self.current is connection:
                self.current = next((one for one in reversed(self.connections) if one.open and not one.retired), None)

    def end(self, process: Process) -> None:
        """An actor here has ended that was linked to some there."""
        for name in self._watching.pop(process, ()):
            for connection in list(self.connections):
                connection.unlink(process, name)

    def _note_watcher(self, watcher: Process, id: str) -> Peer:
        """In the turn of ``watcher``: have its links there end with it, if this one has the connections; who has."""
        with self._lock:
            home = self._node.keep(self)
            if home is self:
                ids = self._watching.get(watcher)
                if ids is None:
                    ids = self._watching[watcher] = set()
                    watcher.belong(self)
                ids.add(id)
        return home

    def _find_way(self, sender: Process | None, process: Process) -> Connection:
        """The connection to send by; a thread that may wait does so until there is room, but not for a host that was
        not there the last time. Raises: Disconnected."""
        connection = self._way()
        if len(connection.outgoing) > self._node.outside_bytes_max and sender is None and may_block(process):
            if self.missing:
                raise Disconnected(f"no connection to {self.address} could be made last time, and much waits for one")
            connection.wait_for_room()
        return connection

    def _way(self) -> Connection:
        """The connection to send by; it may be broken. Raises: Disconnected, if none can be made."""
        self.runtime.check_here()
        with self._lock:
            home = self._node.keep(self)
            if home is not self:
                return home._way()
            connection = self.current
            if connection is None:
                try:
                    connection = self._node.dial(self)
                except OSError as error:
                    self._node.failed += 1
                    raise Disconnected(f"no connection to {self.address} can be made: {error}") from error
                if connection.broken is not None:
                    raise Disconnected(f"no connection to {self.address} can be made: {connection.broken}")
                self.current = connection
        return connection

    def _lose(self, pid: PID[Any], event: Any, error: Disconnected, is_told: bool) -> None:
        """What was to be sent goes nowhere; ``is_told``: its sender hears of that by a link."""
        kind = getattr(event, "kind", None)
        if kind == "dispatch":
            event.future._abandon((pid, error))
        elif kind in ("tell", "message"):
            what = event.what if kind == "tell" else type(event.what).__qualname__
            self.runtime.dead_letter(pid, what, str(error))
            if not is_told:
                self.report(str(error))
