"""Nested calls: containers, in others or standalone, are launched, waited for, killed and removed."""

# Who calls: agent.py puts them into the table of operator_calls.py.
# Of both names of a call the older one, with NESTED in it, is about containers in others alone.
# Source: Mesos src/slave/http.cpp (_launchContainer, _waitContainer, _killContainer, _removeContainer).

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mesoslite.model.container_calls import AwaitEnd, AwaitStart, RemoveContainer
from mesoslite.model.v1 import decode_called_id, decode_kill, decode_launch, encode_termination

from .exchange import ClientGone, Response
from .operator_calls import LargeCall, OperatorCalls

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import ContainerID
    from mesoslite.model.container_calls import LaunchContainer, SignalContainer
    from mesoslite.model.fields import Fields

    from .container_line import ContainerLine
    from .exchange import Exchange


class NestedCalls:
    """Those about containers of one agent that are nested in others, or standalone."""

    def __init__(self, line: ContainerLine) -> None:
        self._line = line

    def calls(self) -> OperatorCalls:
        """All of them."""
        return {name: call for kind in ("NESTED_CONTAINER", "CONTAINER") for name, call in self._of(kind).items()}

    def _of(self, kind: str) -> OperatorCalls:
        is_nested = kind == "NESTED_CONTAINER"
        launch, kill, called = [
            partial(decode, is_nested=is_nested) for decode in (decode_launch, decode_kill, decode_called_id)
        ]
        return {
            f"LAUNCH_{kind}": LargeCall(body(f"launch_{kind}", launch), self._launch),
            f"WAIT_{kind}": LargeCall(body(f"wait_{kind}", called), partial(self._wait, f"WAIT_{kind}")),
            f"KILL_{kind}": LargeCall(body(f"kill_{kind}", kill), self._kill),
            f"REMOVE_{kind}": LargeCall(body(f"remove_{kind}", called), self._remove),
        }

    async def _launch(self, exchange: Exchange, call: LaunchContainer) -> Response:
        await self._line.permit(exchange, "LAUNCH_CONTAINER", call.container_id, call.command.user)
        is_new = await self._line.ask(call)
        await self._line.ask(AwaitStart(call.container_id))
        return Response(200 if is_new else 202)

    async def _wait(self, kind: str, exchange: Exchange, container_id: ContainerID) -> Response:
        await self._line.permit(exchange, "WAIT_CONTAINER", container_id)
        with exchange.presence() as presence:
            presence.watch()
            termination = await self._line.ask(AwaitEnd(container_id))
            return exchange.json({"type": kind, kind.lower(): encode_termination(termination)})
        raise ClientGone

    async def _kill(self, exchange: Exchange, call: SignalContainer) -> Response:
        await self._line.permit(exchange, "KILL_CONTAINER", call.container_id)
        await self._line.ask(call)
        return Response()

    async def _remove(self, exchange: Exchange, container_id: ContainerID) -> Response:
        await self._line.permit(exchange, "REMOVE_CONTAINER", container_id)
        await self._line.ask(RemoveContainer(container_id))
        return Response()


def body(name: str, decode: Callable[[Fields], object]) -> Callable[[Fields], object]:
    """What ``decode`` makes of the message of that name, in lower case, in a call."""
    return lambda fields: decode(fields.message(name.lower()))
