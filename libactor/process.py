"""Process: the runtime's side of one actor: its mailbox, its turns, its end."""

# Who calls: messages put events by deliver, from any thread; the worker that popped the process from the run queue
#   runs one turn; terminate and the handlers themselves end it by stop.
# Invariants: 1. at most one worker is inside run_turn of a process (the mailbox answers WAKE once per idle time).
#   2. after stop() no handler runs; every event left is dropped, and says so to whoever waits for it.
#   3. a link is told exactly once, also when it is made to a process that has stopped.    4. on_start is served before
#   anything else; stop() goes through to its end, whatever the code it calls on its way raises.    5. a process is
#   among the linkers of another exactly while that one is among its linked: neither keeps one that has stopped.
# A turn is bounded: an actor that is sent to faster than it serves goes to the back of the queue after TURN_EVENTS_MAX.
# Source: libprocess process.cpp (resume, cleanup); bounded turns are ours, there a busy actor keeps its worker.

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from libactor._core._impl import CLOSED, READY, WAKE, Mailbox
from libactor.context import running
from libactor.events import Exited, Start
from libactor.future import Future, ready
from libactor.pid import PID

if TYPE_CHECKING:
    from libactor.actor import Actor
    from libactor.runtime import Runtime

log = logging.getLogger("libactor")

TURN_EVENTS_MAX = 256  # about a millisecond of small handlers

# Links and waiting are rare: one lock for all, and nothing allocated before the first, keep an idle process small.
_links = threading.RLock()  # re-entrant: a finalizer may run between any two steps, and wait or link too
_NONE_YET: dict[Process, None] = {}  # stays empty: what every process has in the place of its first link
_GONE: Future[None] = ready(None)


class Process:
    """One spawned actor."""

    __slots__ = ("_linked", "_linkers", "_stopped", "actor", "kind", "mailbox", "pid", "reason", "runtime", "started")

    # actor: its state; dropped at the end.    kind: its class.
    # started: on_start has returned.    reason: what stopped it, None before and if it was terminated.
    # _linkers: who is to hear of the end, in order of linking; None once that is being told.
    # _linked: those of whose end this one is to hear.
    # _stopped: see stopped; None until somebody asks for it.

    def __init__(self, runtime: Runtime, actor: Actor, id: str) -> None:
        self.runtime = runtime
        self.actor = actor
        self.kind = type(actor)
        self.pid: PID[Any] = PID(id, runtime.address, self)
        self.mailbox = Mailbox()
        self.mailbox.put(Start())  # before anybody can know the PID; whoever makes the process pushes it
        self.started = False
        self.reason: BaseException | None = None
        self._linkers: dict[Process, None] | None = _NONE_YET
        self._linked: dict[Process, None] = _NONE_YET
        self._stopped: Future[None] | None = None

    @property
    def stopped(self) -> Future[None]:
        """Ready, with None, once the actor is gone."""
        with _links:
            if self._stopped is None:
                self._stopped = Future()
            return self._stopped

    def deliver(self, event: Any) -> None:
        """Put ``event`` into the mailbox and see that it is served; a stopped actor's events are dropped."""
        outcome = self.mailbox.put(event)
        if outcome == WAKE:
            self.runtime.queue.push(self)
        elif outcome == CLOSED:
            event.drop(self)

    def deliver_first(self, event: Any) -> None:
        """As deliver, ahead of everything that waits."""
        outcome = self.mailbox.put_first(event)
        if outcome == WAKE:
            self.runtime.queue.push(self)
        elif outcome == CLOSED:
            event.drop(self)

    def run_turn(self) -> None:
        """Serve events until none is left or the turn is over; then others come first."""
        running.process = self
        try:
            take = self.mailbox.take
            for _ in range(TURN_EVENTS_MAX):
                event = take()
                if event is None:
                    return  # idle: from here on another worker may run this process
                try:
                    event.serve(self)
                except BaseException as error:  # SystemExit too: it must not take the worker along
                    log.error("%s: stopped by an error in its handler", self.pid, exc_info=error)
                    self.stop(error)
                if self._linkers is None:
                    return
        finally:
            running.process = None
        self.runtime.queue.push(self)

    def stop(self, reason: BaseException | None) -> None:
        """End the actor, in its own turn: on_stop, drop what waits, tell links, release waiters."""
        self.reason = reason
        if self.started:
            self.started = False
            self._call_last("on_stop", self.actor.on_stop)
        self.runtime._forget(self)
        for event in self.mailbox.close():
            self._call_last("what waited for an answer", event.drop, self)
        for linker in self._unlink():
            linker.deliver(Exited(self.pid, reason))
        del self.actor
        with _links:
            stopped, self._stopped = self._stopped, _GONE
        if stopped is not None:
            stopped._complete(READY, None)

    def link(self, watcher: Process) -> None:
        """Tell ``watcher`` once when this process ends; at once if it has, and not at all if ``watcher`` has."""
        with _links:
            if watcher._linkers is None:
                return
            if self._linkers is not None:
                if self._linkers is _NONE_YET:
                    self._linkers = {}
                if watcher._linked is _NONE_YET:
                    watcher._linked = {}
                self._linkers[watcher] = watcher._linked[self] = None
                return
        watcher.deliver(Exited(self.pid, self.reason))

    def _unlink(self) -> Iterable[Process]:
        """Take the process out of all links, for good; who is to hear of its end."""
        with _links:
            linkers, self._linkers = self._linkers, None
            linked, self._linked = self._linked, _NONE_YET
            for other in linked:
                if other._linkers is not None:
                    other._linkers.pop(self, None)
            for linker in linkers or ():
                linker._linked.pop(self, None)
        return linkers or ()

    def _call_last(self, what: str, function: Callable[..., object], *arguments: Any) -> None:
        """Call a function on the way out: an error, even SystemExit, is logged, because the way goes on."""
        try:
            function(*arguments)
        except BaseException:
            log.exception("%s: stopping: %s failed", self.pid, what)
