"""Process: the runtime's side of one actor: its mailbox, its links, its end."""

# Who calls: the core puts calls and messages into it and serves them in turns (its half is the Mailbox); terminate and
#   the handlers themselves end it by stop.
# Invariants: 1. at most one thread is inside a turn of a process (the mailbox sees to it).
#   2. after stop() no handler runs; every event left is dropped, and says so to whoever waits for it.
#   3. a link is told exactly once, also when it is made to a process that has stopped.    4. on_start is served before
#   anything else; stop() goes through to its end, whatever the code it calls on its way raises.    5. a process is
#   among the linkers of another exactly while that one is among its linked: neither keeps one that has stopped.
# Source: libprocess process.cpp (resume, cleanup).

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING, Any

from libactor._core._impl import BLOCK, DROP_NEW, FAIL_SENDER, Mailbox
from libactor._core.errors import ForkedRuntime, MailboxFull
from libactor.events import Exited
from libactor.foresight import is_foreseen

if TYPE_CHECKING:
    from libactor.actor import Actor
    from libactor.pid import PID
    from libactor.runtime import Runtime

log = logging.getLogger("libactor")

# Links are rare: one lock for all, and nothing allocated before the first, keep an idle process small.
_links = threading.RLock()  # re-entrant: a finalizer may run between any two steps, and link too
os.register_at_fork(before=_links.acquire, after_in_parent=_links.release, after_in_child=_links.release)


class Process(Mailbox):
    """One spawned actor."""

    __slots__ = ()

    if TYPE_CHECKING:  # what Mailbox has, with the types of this layer
        pid: PID[Any]
        actor: Actor
        runtime: Runtime
        _linkers: dict[Process, None] | None
        _linked: dict[Process, None]
        _delegates: dict[type, PID[Any]] | None

    def link(self, watcher: Process) -> None:
        """Tell ``watcher`` once when this process ends; at once if it has, and not at all if ``watcher`` has.

        If it has, and a supervisor may start the next incarnation, it is the end of that one which is told.
        If a network lies between the two, it is told as well when the connection breaks.
        """
        network: Any = None if self.queue is None or watcher.runtime is self.runtime else self.queue.network
        if network is None or not network.link(watcher, self):
            self.link_here(watcher)

    def relink(self, watcher: Process) -> None:
        """As link, by a new connection, if a network lies between that has connections to make."""
        relink = getattr(None if self.queue is None else self.queue.network, "relink", None)
        if relink is None or watcher.runtime is self.runtime:
            self.link(watcher)
        else:
            relink(watcher, self)

    def link_here(self, watcher: Process) -> None:
        """As link, and no network is asked."""
        with _links:
            if watcher._linkers is None:
                return
            linkers = self._open_linkers()  # before this step the end of the actor takes no notice of _links
            if linkers is not None:
                if not watcher._linked:
                    watcher._linked = {}
                linkers[watcher] = watcher._linked[self] = None
                return
        if not self.runtime.census.keep_link(self, watcher):
            watcher.deliver(Exited(self.pid, self.reason))

    def unlink_here(self, watcher: Process) -> None:
        """Have ``watcher`` not be told any more."""
        with _links:
            if self._linkers is not None and self._linkers.pop(watcher, ...) is None:
                watcher._linked.pop(self, None)

    def delegate(self, kind: type, pid: PID[Any] | None) -> None:
        """Send messages of the class ``kind`` without a handler on to ``pid``; with None no longer."""
        delegates = self._delegates or {}
        if pid is None:
            delegates.pop(kind, None)
        else:
            delegates[kind] = pid
        self._delegates = delegates or None

    def _fail(self, error: BaseException) -> None:
        """End the actor: a handler let ``error`` escape that nobody waits for."""
        try:
            if self.runtime.crashes is not None:
                self.runtime.crashes.append((self.pid, error))
            if is_foreseen(error):
                log.log(logging.INFO if self._is_watched() else logging.ERROR, "%s: stopped: %s", self.pid, error)
            else:
                log.error("%s: stopped by an error in its handler", self.pid, exc_info=error)
        finally:
            self.stop(error)

    def _is_watched(self) -> bool:
        """Whether somebody hears of the end, and why."""
        return bool(self._linkers) or bool(self.runtime.census.divide([self])[1])

    def _dead_letter(self, what: str, why: str) -> None:
        """Count a tell or message that will not be served."""
        self.runtime.dead_letter(self.pid, what, why)

    def _overflow(self, event: Any) -> None:
        """The mailbox has no room for ``event``, or has dropped it for a newer one: count it, and tell who waits."""
        capacity, overflow = self.bound or (0, DROP_NEW)
        error = MailboxFull(f"the mailbox of {self.pid} is full: {capacity} events wait, which is as many as may")
        error.pid, error.capacity = self.pid, capacity
        self.runtime.overflow()
        event.refuse(self, error, overflow in (FAIL_SENDER, BLOCK))

    def _unhandled(self, event: Any) -> None:
        """A message has come that no handler is marked for: somebody else's, or a dead letter."""
        kind = type(event.what)
        pid = self._delegates.get(kind) if self._delegates is not None else None
        if pid is None:
            self._dead_letter(kind.__qualname__, "no method is marked to handle it")
        else:
            pid._process.deliver(event)

    def _orphaned(self) -> ForkedRuntime:
        """The error for whoever sends to an actor of the parent, in the child of a fork."""
        return self.runtime.forked()

    def _end_links(self) -> None:
        """Take the process out of all links, for good, and tell those who are to hear of its end."""
        with _links:
            linkers, self._linkers = self._linkers, None
            linked, self._linked = self._linked, {}
            for other in linked:
                if other._linkers is not None:
                    other._linkers.pop(self, None)
            for linker in linkers or ():
                linker._linked.pop(self, None)
        for linker in linkers or ():
            linker.deliver(Exited(self.pid, self.reason))

    def _report_last(self, what: str, error: BaseException) -> None:
        """Log what was raised on the way out, which goes on."""
        log.error("%s: stopping: %s failed", self.pid, what, exc_info=error)
