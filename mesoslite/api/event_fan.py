"""Event fan: the actor that follows what happens in a master, for all who have subscribed to its events."""

# Who calls: event_stream.py spawns one for each application when somebody subscribes for the first time.
# The master posts a View for each who subscribes, and what happens after it: so each stream begins with the state, and
#   goes on with exactly what has happened since. All are told the same bytes, which are made once.
# Invariants: 1. nobody is told of what happened before his View.    2. while nobody is subscribed nothing is told here,
#   and the master makes nothing to be told.    3. at most SUBSCRIBERS_MAX are subscribed: beyond, the oldest is let go.
# Source: Mesos src/master/master.cpp (Master::Subscribers, Heartbeater).

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any

import libactor as la
from mesoslite.model import MasterPort, constants, happenings
from mesoslite.model.v1 import frame
from mesoslite.model.view import View

from .v1.events import Events

if TYPE_CHECKING:
    from .outlet import Outlet

log = logging.getLogger("mesoslite.api")

SUBSCRIBERS_MAX = 1000
HEARTBEAT_SECONDS = float(constants.HEARTBEAT_INTERVAL_SECONDS)
_HEARTBEAT = frame(b'{"type":"HEARTBEAT"}')


class EventFan(la.Actor):
    """The subscribers of one ``master``."""

    def __init__(self, master: la.PID[MasterPort], subscribers_max: int) -> None:
        super().__init__(la.generate_id("event-fan"))
        self._master = master
        self._subscribers_max = subscribers_max
        self._outlets: dict[Outlet, None] = {}  # oldest first
        # For each View that is on its way, in order: who goes on from it; None: nobody any more.
        self._coming: deque[tuple[Outlet, la.Promise[View]] | None] = deque()
        self._events = Events()
        self._beat: la.Timer | None = None

    def on_start(self) -> None:
        """End with the master."""
        la.link(self._master)

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        """The master has stopped: the streams end."""
        la.terminate(self.pid)

    def on_stop(self) -> None:
        """End the streams."""
        if self._beat is not None:
            self._beat.cancel()
        for outlet in self._outlets:
            outlet.end()

    def subscribe(self, outlet: la.Shared[Outlet]) -> la.Future[View]:
        """The future of a View; all that happens after it goes into ``outlet``, until that is full or leaves."""
        seen: la.Promise[View] = la.Promise()
        self._coming.append((outlet.value, seen))
        self._follow(self._events.kinds)
        return seen.future

    def leave(self, outlet: la.Shared[Outlet]) -> None:
        """Put nothing more into ``outlet``."""
        for place, coming in enumerate(self._coming):
            if coming is not None and coming[0] is outlet.value:
                self._coming[place] = None
        self._forget(outlet.value)

    @la.handles(View)
    def begin(self, view: View) -> None:
        """What is told from now on has happened after that View."""
        coming = self._coming.popleft()
        if not self._outlets:
            self._events.begin(view)
        if coming is not None:
            self._admit(coming[0])
            coming[1].set(view)

    def _admit(self, outlet: Outlet) -> None:
        if len(self._outlets) >= self._subscribers_max:
            oldest = next(iter(self._outlets))
            log.warning("%d have subscribed to the events of operators; the oldest is let go", len(self._outlets))
            oldest.end()
            del self._outlets[oldest]
        self._outlets[outlet] = None
        self._tell_count()
        outlet.put(_HEARTBEAT)
        if self._beat is None:
            self._beat = la.delay(HEARTBEAT_SECONDS, self.pid, EventFan.beat)

    def beat(self) -> None:
        """Tell all that the master lives."""
        self._put(_HEARTBEAT)
        self._beat = la.delay(HEARTBEAT_SECONDS, self.pid, EventFan.beat) if self._outlets else None

    @la.handles(happenings.TaskLaunched)
    @la.handles(happenings.TaskReturned)
    @la.handles(happenings.TaskUpdated)
    @la.handles(happenings.TaskRemoved)
    @la.handles(happenings.AgentAdded)
    @la.handles(happenings.AgentReturned)
    @la.handles(happenings.AgentRemoved)
    @la.handles(happenings.FrameworkAdded)
    @la.handles(happenings.FrameworkUpdated)
    @la.handles(happenings.FrameworkRemoved)
    def tell(self, happening: happenings.Happening) -> None:
        """Tell all who have subscribed."""
        text = self._events.event(happening) if self._outlets else None
        if text is not None:
            self._put(frame(text))

    def _put(self, record: bytes) -> None:
        for outlet in [outlet for outlet in self._outlets if not outlet.put(record)]:
            log.warning("a subscriber does not read the events of operators; its stream is ended")
            self._forget(outlet)

    def _forget(self, outlet: Outlet) -> None:
        if outlet in self._outlets:
            del self._outlets[outlet]
            self._tell_count()
            if not self._outlets and not any(self._coming):
                self._coming.append(None)
                self._follow(frozenset())

    def _tell_count(self) -> None:
        la.tell(self._master, MasterPort.count_operator_streams, len(self._outlets))

    def _follow(self, kinds: frozenset[type[happenings.Happening]]) -> None:
        la.dispatch(self._master, MasterPort.follow_view, self.pid, kinds).on_failed(self._give_up)

    def _give_up(self, error: BaseException) -> None:
        """The master does not lead any more."""
        la.terminate(self.pid)
