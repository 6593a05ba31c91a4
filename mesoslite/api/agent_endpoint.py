"""AgentEndpoint: the v1 operator API of an agent, where bodies and answers may be streams of records."""

# Who calls: agent.py routes POST /api/v1 here.
# Source: Mesos src/slave/http.cpp (Http::api).

from __future__ import annotations

from typing import TYPE_CHECKING

from .media_types import is_stream

if TYPE_CHECKING:
    from .container_input import ContainerInput
    from .exchange import Exchange, Response
    from .operator_calls import OperatorEndpoint


class AgentEndpoint:
    """The endpoint of one agent: ``calls`` are answered whole or by a stream, ``container_input`` is one."""

    def __init__(self, calls: OperatorEndpoint, container_input: ContainerInput) -> None:
        self._calls = calls
        self._container_input = container_input

    async def __call__(self, exchange: Exchange) -> Response | None:
        """Answer a call."""
        return await (self._container_input if is_stream(exchange) else self._calls)(exchange)
