"""Executor endpoint: the calls of executors, and the stream of events that one of them opens."""

# Who calls: agent.py routes POST /api/v1/executor here.
# The checks come in Mesos's order. A call is answered once the agent has taken it, so those that an executor sends one
#   after the other, on whatever connections, are taken in that order.
# Whether an executor is who it says to be is checked only if there is a token to know it by (authentication.py).
# Source: Mesos src/slave/http.cpp (Http::executor).

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import libactor as la
from mesoslite.model import AgentPort, Conflict, InvalidRequest, NotFound
from mesoslite.model.executor_calls import ExecutorAlive, ExecutorCall, ExecutorSubscribe
from mesoslite.model.v1 import decode_executor_call

from .exchange import JSON, Exchange, Refusal, Response, json_document
from .executor_stream import ExecutorStream
from .outlet import Outlet
from .streaming import stream

BUFFER_BYTES_MAX = 32 * 1024 * 1024  # that may wait for an executor which does not read


class ExecutorEndpoint:
    """The endpoint of one agent; nobody is let in before it ``is_recovered``."""

    def __init__(self, agent: la.PID[AgentPort], is_recovered: Callable[[], bool]) -> None:
        self._agent = agent
        self._is_recovered = is_recovered

    async def __call__(self, exchange: Exchange) -> Response | None:
        """Take a call."""
        if not self._is_recovered():
            raise Refusal(503, "Agent has not finished recovery")
        call = await json_document(exchange, _parse)
        if isinstance(call, ExecutorSubscribe):
            await self._subscribe(exchange, call)
            return None
        if not isinstance(call, ExecutorAlive):
            await self._ask(la.dispatch(self._agent, AgentPort.executor_call, call, exchange.claims))
        return Response(202)

    async def _subscribe(self, exchange: Exchange, call: ExecutorSubscribe) -> None:
        if not exchange.accepts(JSON):
            raise Refusal(406, f"Expecting 'Accept' to allow {JSON}")
        outlet = Outlet(BUFFER_BYTES_MAX)
        end = ExecutorStream(self._agent, outlet)
        pid = await la.execute(self._agent, partial(la.spawn, end))  # so it lives in the agent's runtime
        try:
            await self._ask(la.dispatch(self._agent, AgentPort.subscribe_executor, call, pid, exchange.claims))
            await stream(exchange, outlet, {"content-type": JSON})
        finally:
            la.terminate(pid)

    async def _ask(self, answer: la.Future[None]) -> None:
        try:
            await answer
        except NotFound as error:
            raise Refusal(400, str(error)) from error
        except Conflict as error:
            raise Refusal(403, str(error)) from error


def _parse(document: Any) -> ExecutorCall:
    try:
        return decode_executor_call(document)
    except InvalidRequest as error:
        raise Refusal(400, f"Failed to validate executor::Call: {error}") from error
