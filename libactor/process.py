"""Process: the runtime's side of one actor: its mailbox, its turns, its end."""

# Who calls: messages put events by deliver, from any thread; the worker that popped the process from the run queue
#   runs one turn; terminate and the handlers themselves end it by stop.
# Invariants: 1. at most one worker is inside run_turn of a process (the mailbox answers WAKE once per idle time).
#   2. after stop() no handler runs; every event left is dropped, and says so to whoever waits for it.
#   3. a link is told exactly once, also when it is made to a process that has stopped.
# A turn is bounded: an actor that is sent to faster than it serves goes to the back of the queue after TURN_EVENTS_MAX.
# Source: libprocess process.cpp (resume, cleanup); bounded turns are ours, there a busy actor keeps its worker.

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from libactor._core._impl import CLOSED, READY, WAKE, Mailbox
from libactor.context import running
from libactor.events import Exited, Start
from libactor.future import Future
from libactor.pid import PID

if TYPE_CHECKING:
    from libactor.actor import Actor
    from libactor.runtime import Runtime

log = logging.getLogger("libactor")

TURN_EVENTS_MAX = 256  # about a millisecond of small handlers

_links = threading.Lock()  # links are rare: one lock for all of them keeps a process small


class Process:
    """One spawned actor."""

    __slots__ = ("_linkers", "actor", "kind", "mailbox", "pid", "runtime", "started", "stopped")

    # actor: its state; dropped at the end.    kind: its class.
    # started: on_start has returned.    stopped: a future, ready (with None) once the actor is gone.
    # _linkers: who is to hear of the end; None once they have been told.

    def __init__(self, runtime: Runtime, actor: Actor, id: str) -> None:
        self.runtime = runtime
        self.actor = actor
        self.kind = type(actor)
        self.pid: PID[Any] = PID(id, runtime.address, self)
        self.mailbox = Mailbox()
        self.started = False
        self.stopped: Future[None] = Future()
        self._linkers: list[Process] | None = []

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
                self._serve(event)
                if self._linkers is None:
                    return
        finally:
            running.process = None
        self.runtime.queue.push(self)

    def stop(self, reason: BaseException | None) -> None:
        """End the actor, in its own turn: on_stop, drop what waits, tell links, release waiters."""
        if self.started:
            self.started = False
            try:
                self.actor.on_stop()
            except Exception:
                log.exception("%s: on_stop failed", self.pid)
        self.runtime._forget(self)
        for event in self.mailbox.close():
            event.drop(self)
        with _links:
            linkers, self._linkers = self._linkers or [], None
        for linker in linkers:
            linker.deliver(Exited(self.pid, reason))
        del self.actor
        self.stopped._complete(READY, None)

    def link(self, watcher: Process) -> None:
        """Tell ``watcher`` once when this process ends; at once if it has."""
        with _links:
            if self._linkers is not None:
                if watcher not in self._linkers:
                    self._linkers.append(watcher)
                return
        watcher.deliver(Exited(self.pid, None))

    def _serve(self, event: Any) -> None:
        try:
            event.serve(self)
            if type(event) is Start:
                self.started = True
        except BaseException as error:  # SystemExit too: it must not take the worker along
            log.error("%s: stopped by an error in its handler", self.pid, exc_info=error)
            self.stop(error)
