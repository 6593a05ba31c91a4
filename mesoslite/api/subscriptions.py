"""Subscription: the actor that a framework behind HTTP is to its master; Subscriptions: which there are."""

# Who calls: scheduler.py spawns one for each SUBSCRIBE; the master posts its events; its end is the end of the stream.
# Lifecycle: subscribe -> Subscribed: entered in the table, first heartbeat -> events -> Error, overflow, the client's
#   or the master's end -> out of the table, outlet ended. The master is linked to it and so learns of a lost client.
# Invariant: the framework is in the table before its client can see SUBSCRIBED, so its next call finds it there.
# Source: Mesos src/master/master.cpp (HttpConnection, Heartbeater).

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any

import msgspec

import libactor as la
from mesoslite.model import (
    MULTI_ROLE,
    RESERVATION_REFINEMENT,
    Error,
    Event,
    ExecutorMessage,
    Failure,
    FrameworkID,
    FrameworkInfo,
    Heartbeat,
    InverseOffers,
    MasterPort,
    Offers,
    Rescind,
    RescindInverseOffer,
    Subscribe,
    Subscribed,
    Update,
    UpdateOperationStatus,
)
from mesoslite.model.v1 import encode_event, frame

from .outlet import Outlet

log = logging.getLogger("mesoslite.api")

_HEARTBEAT = frame(msgspec.json.encode(encode_event(Heartbeat())))


class Subscriptions:
    """The frameworks that are subscribed through one application; any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[FrameworkID, tuple[la.PID[Subscription], str, str]] = {}

    def add(self, framework_id: FrameworkID, pid: la.PID[Subscription], stream_id: str, principal: str) -> None:
        """Enter a framework; one that subscribes again replaces itself."""
        with self._lock:
            self._entries[framework_id] = (pid, stream_id, principal)

    def remove(self, framework_id: FrameworkID, pid: la.PID[Subscription]) -> None:
        """Strike out a framework, unless it has subscribed from elsewhere since."""
        with self._lock:
            entry = self._entries.get(framework_id)
            if entry is not None and entry[0] == pid:
                del self._entries[framework_id]

    def find(self, framework_id: FrameworkID) -> tuple[la.PID[Subscription], str, str] | None:
        """The actor, the stream id and the principal of a framework; None if it is not subscribed here."""
        return self._entries.get(framework_id)


class Subscription(la.Actor):
    """A framework's stream of events.

    ``master_info`` is what SUBSCRIBED says of the master beyond its id.
    """

    def __init__(
        self,
        call: Subscribe,
        *,
        master: la.PID[MasterPort],
        outlet: Outlet,
        table: Subscriptions,
        stream_id: str,
        master_info: Mapping[str, Any],
    ) -> None:
        super().__init__(la.generate_id("subscription"))
        self._call = call
        self._master = master
        self._outlet = outlet
        self._table = table
        self._stream_id = stream_id
        self._master_info = master_info
        self.follow(call.framework)
        self._framework_id: FrameworkID | None = None  # until the master has answered
        self._heartbeat: la.Timer | None = None

    def follow(self, framework: FrameworkInfo) -> None:
        """Write events as the framework, by its capabilities, wants them from now on."""
        self._multi_role = MULTI_ROLE in framework.capabilities
        self._refined = RESERVATION_REFINEMENT in framework.capabilities

    def on_start(self) -> None:
        """Subscribe."""
        la.link(self._master)
        la.post(self._master, self._call)

    def on_stop(self) -> None:
        """End the stream."""
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        if self._framework_id is not None:
            self._table.remove(self._framework_id, self.pid)
        self._outlet.end()

    def on_exited(self, pid: la.PID[Any], reason: BaseException | None) -> None:
        """The master has stopped: the stream ends, without the Error after which no client would look for the next."""
        la.terminate(self.pid)

    @la.handles(Subscribed)
    def subscribed(self, event: Subscribed) -> None:
        """The framework is admitted."""
        self._framework_id = event.framework_id
        self._table.add(event.framework_id, self.pid, self._stream_id, self._call.framework.principal)
        self._write(event)
        self.beat(event.heartbeat_interval_seconds)

    @la.handles(Offers)
    @la.handles(Update)
    @la.handles(UpdateOperationStatus)
    @la.handles(Rescind)
    @la.handles(InverseOffers)
    @la.handles(RescindInverseOffer)
    @la.handles(ExecutorMessage)
    @la.handles(Failure)
    def event(
        self,
        event: Offers
        | Update
        | UpdateOperationStatus
        | Rescind
        | InverseOffers
        | RescindInverseOffer
        | ExecutorMessage
        | Failure,
    ) -> None:
        """Pass an event on."""
        self._write(event)

    @la.handles(Error)
    def error(self, event: Error) -> None:
        """The master ends the subscription."""
        self._write(event)
        la.terminate(self.pid)

    def beat(self, interval_seconds: float) -> None:
        """Tell the client that the master is alive, now and after each interval."""
        self._put(_HEARTBEAT)
        self._heartbeat = la.delay(interval_seconds, self.pid, Subscription.beat, interval_seconds)

    def _write(self, event: Event) -> None:
        document = encode_event(
            event, multi_role=self._multi_role, refined=self._refined, master_info=self._master_info
        )
        self._put(frame(msgspec.json.encode(document)))

    def _put(self, record: bytes) -> None:
        if not self._outlet.put(record):
            log.warning("framework %s does not read its events; its subscription is ended", self._framework_id)
            la.terminate(self.pid)
