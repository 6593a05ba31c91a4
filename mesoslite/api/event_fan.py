"""Event fan: the actor that follows what happens in a master, for all who have subscribed to its events."""

# Who calls: event_stream.py spawns one for each application when somebody subscribes for the first time.
# The master posts a View for each who subscribes, and what happens after it: so each stream begins with the state, and
#   goes on with exactly what has happened since. All are told the same bytes, which are made once; who may not see all
#   is told of what is in his sight, of an agent without what tells of other roles.
# Invariants: 1. nobody is told of what happened before his View.    2. while nobody is subscribed nothing is told here,
#   and the master makes nothing to be told.    3. at most SUBSCRIBERS_MAX are subscribed: beyond, the oldest is let go.
# Source: Mesos src/master/master.cpp (Master::Subscribers, Heartbeater).

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

import libactor as la
from mesoslite.model import MasterPort, constants, happenings
from mesoslite.model.v1 import frame
from mesoslite.model.view import View

from .owners import Owners
from .resources_seen import seen_resources
from .sight import WHOLE
from .v1.events import Events

if TYPE_CHECKING:
    from .outlet import Outlet
    from .sight import Sight

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
        self._outlets: dict[Outlet, Sight] = {}  # oldest first; a whole sight is WHOLE itself
        # For each View that is on its way, in order: who goes on from it; None: nobody any more.
        self._coming: deque[tuple[Outlet, Sight, la.Promise[View]] | None] = deque()
        self._events = Events()
        self._owners: Owners | None = None  # while somebody is subscribed who may not see all
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

    def subscribe(self, outlet: la.Shared[Outlet], sight: Sight) -> la.Future[View]:
        """The future of a View; what happens after it, of what is in ``sight``, goes into ``outlet``, until that is
        full or leaves.
        """
        seen: la.Promise[View] = la.Promise()
        self._coming.append((outlet.value, WHOLE if sight.is_whole else sight, seen))
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
            outlet, sight, seen = coming
            if self._owners is None and sight is not WHOLE:
                self._owners = Owners(view)
            self._admit(outlet, sight)
            seen.set(view)

    def _admit(self, outlet: Outlet, sight: Sight) -> None:
        if len(self._outlets) >= self._subscribers_max:
            oldest = next(iter(self._outlets))
            log.warning("%d have subscribed to the events of operators; the oldest is let go", len(self._outlets))
            oldest.end()
            del self._outlets[oldest]
        self._outlets[outlet] = sight
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
        """Tell all who have subscribed, each of what is in his sight."""
        owners = self._owners
        if owners is not None:
            owners.learn(happening)
        text = self._events.event(happening) if self._outlets else None
        if text is not None:
            self._put(frame(text), happening)
        if owners is not None:
            owners.forget(happening)

    def _seen(self, sight: Sight, happening: happenings.Happening, record: bytes) -> bytes | None:
        """What of a happening, which is told as ``record`` to who sees all, is told to who sees that."""
        assert self._owners is not None
        if not self._owners.sees(sight, happening):
            return None
        if sight.roles.is_all or not isinstance(happening, happenings.AgentAdded | happenings.AgentReturned):
            return record
        seen = replace(happening.info, resources=seen_resources(sight.roles, happening.info.resources))
        text = self._events.event(replace(happening, info=seen))
        return frame(text) if text is not None else None

    def _put(self, record: bytes, happening: happenings.Happening | None = None) -> None:
        """Put a record into each outlet; of a happening what is seen of it, made once for all who see the same."""
        seen: dict[Sight, bytes | None] = {}
        full = []
        for outlet, sight in self._outlets.items():
            told: bytes | None = record
            if happening is not None and sight is not WHOLE:
                if sight not in seen:
                    seen[sight] = self._seen(sight, happening, record)
                told = seen[sight]
            if told is not None and not outlet.put(told):
                full.append(outlet)
        for outlet in full:
            log.warning("a subscriber does not read the events of operators; its stream is ended")
            self._forget(outlet)

    def _forget(self, outlet: Outlet) -> None:
        if outlet in self._outlets:
            del self._outlets[outlet]
            self._tell_count()
            if all(sight is WHOLE for sight in self._outlets.values()):
                self._owners = None
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
