"""Container streams: sessions in containers, and what containers print, as long as their clients stay."""

# Who calls: agent.py puts them into the table of operator_calls.py.
# A session is followed before anybody knows whether its command could be started, so that nothing it prints is lost.
# Invariant: a session has ended, or was told to, when its request is over.
# Source: Mesos src/slave/http.cpp (launchNestedContainerSession, attachContainerOutput).

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import libactor as la
from mesoslite.model import AgentPort
from mesoslite.model.container_calls import AwaitStart, SignalContainer
from mesoslite.model.v1 import decode_container_id, decode_launch

from .exchange import Response
from .media_types import stream_headers
from .nested_calls import body
from .operator_calls import OperatorCalls, StreamCall
from .outlet import Outlet
from .output_stream import BUFFER_BYTES_MAX, Followed, OutputStream
from .streaming import stream

if TYPE_CHECKING:
    from mesoslite.model import ContainerID
    from mesoslite.model.container_calls import LaunchContainer
    from mesoslite.model.fields import Fields

    from .container_line import ContainerLine
    from .exchange import Exchange


class ContainerStreams:
    """Those of one agent, with a heartbeat each ``heartbeat_seconds``."""

    def __init__(self, line: ContainerLine, heartbeat_seconds: float) -> None:
        self._line = line
        self._heartbeat_seconds = heartbeat_seconds

    def calls(self) -> OperatorCalls:
        """Both of them."""
        session = body("launch_nested_container_session", partial(decode_launch, is_nested=True, is_session=True))
        return {
            "LAUNCH_NESTED_CONTAINER_SESSION": StreamCall(session, self._launch),
            "ATTACH_CONTAINER_OUTPUT": StreamCall(body("attach_container_output", _container), self._attach),
        }

    async def _launch(self, exchange: Exchange, call: LaunchContainer) -> Response | None:
        headers, container_id = stream_headers(exchange), call.container_id
        await self._line.permit(exchange, "LAUNCH_NESTED_CONTAINER_SESSION", container_id, call.command.user)
        if not await self._line.ask(call):
            return Response(202)
        try:
            await self._follow(exchange, container_id, headers, is_session=True)
        finally:
            end: la.Future[None] = la.dispatch(
                self._line.agent, AgentPort.container_call, SignalContainer(container_id)
            )
            end.on_failed(lambda error: None)  # it has ended by itself, or its agent stops
        return None

    async def _attach(self, exchange: Exchange, container_id: ContainerID) -> None:
        headers = stream_headers(exchange)
        await self._line.permit(exchange, "ATTACH_CONTAINER_OUTPUT", container_id)
        await self._follow(exchange, container_id, headers, is_session=False)

    async def _follow(
        self, exchange: Exchange, container_id: ContainerID, headers: dict[str, str], *, is_session: bool
    ) -> None:
        attachment = await self._line.attach(container_id)
        outlet = Outlet(BUFFER_BYTES_MAX)
        follower = Followed(attachment, outlet, holds=is_session)
        beats = OutputStream(self._line.agent, outlet, self._heartbeat_seconds)
        pid = await la.execute(self._line.agent, partial(la.spawn, beats))  # so it lives in the agent's runtime
        try:
            attachment.follow(follower)
            await self._line.ask(AwaitStart(container_id))
            await stream(exchange, outlet, headers)
        finally:
            attachment.unfollow(follower)
            la.terminate(pid)


def _container(fields: Fields) -> ContainerID:
    return decode_container_id(fields.message("container_id"))
