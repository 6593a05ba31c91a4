"""Event stream: SUBSCRIBE of the operator API: the state of the cluster, and then what happens."""

# Who calls: master.py puts it into the table of operator_calls.py.
# The first record, SUBSCRIBED, is all of GET_STATE behind its length. So it is rendered twice, unless it is short: to
#   know the length, and to be sent. Nothing of it is kept in between.
# Source: Mesos src/master/http.cpp (Master::Http::subscribe).

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import libactor as la

from .common_calls import nothing
from .event_fan import HEARTBEAT_SECONDS, SUBSCRIBERS_MAX, EventFan
from .exchange import JSON
from .operator_calls import LargeCall, OperatorCalls
from .outlet import Outlet
from .sight import sight_of
from .streaming import stream
from .v1.state import state

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from mesoslite.model import MasterPort
    from mesoslite.model.view import View

    from .exchange import Exchange
    from .serving import Part, Serving
    from .sight import Sight

HELD_BYTES_MAX = 4 * 1024 * 1024  # of a SUBSCRIBED that is rendered once


class EventStreams:
    """The streams of one master; ``buffer_bytes_max`` is how far each subscriber may lag behind."""

    def __init__(
        self,
        master: la.PID[MasterPort],
        serving: Serving,
        buffer_bytes_max: int,
        subscribers_max: int = SUBSCRIBERS_MAX,
    ) -> None:
        self._master = master
        self._serving = serving
        self._buffer_bytes_max = buffer_bytes_max
        self._subscribers_max = subscribers_max
        self._fan: la.Future[la.PID[EventFan]] | None = None

    @property
    def calls(self) -> OperatorCalls:
        """The call that opens one."""
        return {"SUBSCRIBE": LargeCall(nothing, self._subscribe)}

    async def _subscribe(self, exchange: Exchange, asked: None) -> None:
        sight = sight_of(exchange, "frameworks", "tasks", "executors", "roles")
        if self._fan is None:
            fan = EventFan(self._master, self._subscribers_max)
            self._fan = la.execute(self._master, partial(la.spawn, fan))  # so it lives in the master's runtime
        pid = await self._fan
        outlet = Outlet(self._buffer_bytes_max)
        try:
            view = await la.dispatch(pid, EventFan.subscribe, la.Shared(outlet), sight)
            await stream(exchange, outlet, {"content-type": JSON}, self._subscribed(view, sight))
        finally:
            la.tell(pid, EventFan.leave, la.Shared(outlet))

    async def _subscribed(self, view: View, sight: Sight) -> AsyncIterator[bytes]:
        """The record that comes first."""
        parts, renderings = partial(_subscribed, view, sight), self._serving.renderings
        length, held = 0, bytearray()
        async for piece in renderings.alone(parts):
            length += len(piece)
            if length <= HELD_BYTES_MAX:
                held += piece
        yield b"%d\n" % length
        if len(held) == length:
            yield bytes(held)
            return
        held.clear()
        async for piece in renderings.alone(parts):
            yield piece


def _subscribed(view: View, sight: Sight) -> Iterator[Part]:
    yield b'{"type":"SUBSCRIBED","subscribed":{"get_state":'
    yield from state(view, sight)
    yield b',"heartbeat_interval_seconds":%.1f}}' % HEARTBEAT_SECONDS
