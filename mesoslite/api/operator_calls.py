"""Operator calls: the v1 operator API of a master or an agent, a table of calls and the checks common to all."""

# Who calls: master.py routes POST /api/v1 here, and with it all that begins so and is no endpoint of its own, such as
#   /api/v1/operator, which clients of Mesos use; agent.py likewise.
# The order of the checks is Mesos's: content type and body, the call, Accept, then the call's own. Who leads, and the
#   method, are looked at before (master.py).
# Source: Mesos include/mesos/v1/master/master.proto, src/master/http.cpp (Master::Http::api).

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, NamedTuple, TypeAlias

from mesoslite.model import InvalidRequest
from mesoslite.model.fields import Fields

from .documents import Document
from .exchange import JSON, Exchange, Refusal, Response, json_document
from .permissions import call_demands

# Calls of Mesos's master that are no mistake of the client's, and are not served.
NOT_SERVED = frozenset({"UNKNOWN"})


class OperatorCall(NamedTuple):
    """How a call is read, and then answered: with what stands in the response under its name, or with a status."""

    decode: Callable[[Fields], Any]
    answer: Callable[[Exchange, Any], Awaitable[Document | None]]
    status: int = 200


class LargeCall(NamedTuple):
    """How a call is read, and then answered by a whole response that is made off the loop, or was streamed (None)."""

    decode: Callable[[Fields], Any]
    answer: Callable[[Exchange, Any], Awaitable[Response | None]]


class StreamCall(NamedTuple):
    """As LargeCall, of one whose answer is a stream; it looks at what its client takes by itself."""

    decode: Callable[[Fields], Any]
    answer: Callable[[Exchange, Any], Awaitable[Response | None]]


OperatorCalls: TypeAlias = Mapping[str, OperatorCall | LargeCall | StreamCall]  # by type


class OperatorEndpoint:
    """The endpoint of a ``program``, master or agent, which answers ``calls`` and knows others, ``not_served``."""

    def __init__(self, program: str, calls: OperatorCalls, not_served: Collection[str]) -> None:
        self._program = program
        self._calls = calls
        self._not_served = not_served

    async def __call__(self, exchange: Exchange) -> Response | None:
        """Answer a call."""
        kind, asked = await json_document(exchange, self._parse)
        if not exchange.accepts(JSON) and not isinstance(self._calls.get(kind), StreamCall):
            raise Refusal(406, f"Expecting 'Accept' to allow {JSON}")
        if kind in self._not_served:
            raise Refusal(501, f"{kind} calls are not implemented by mesoslite")
        call = self._calls[kind]
        exchange.demand(call_demands(kind))
        if isinstance(call, LargeCall | StreamCall):
            return await call.answer(exchange, asked)
        answer = await call.answer(exchange, asked)
        return exchange.json({"type": kind, kind.lower(): answer}) if answer is not None else Response(call.status)

    def _parse(self, document: Any) -> tuple[str, Any]:
        try:
            return self._read(Fields(document))
        except InvalidRequest as error:
            raise Refusal(400, f"Failed to validate {self._program}::Call: {error}") from error

    def _read(self, fields: Fields) -> tuple[str, Any]:
        """The type of a call, and what it asks. Raises: InvalidRequest."""
        kind = fields.text("type")
        if kind in self._not_served:
            return kind, None
        call = self._calls.get(kind)
        if call is None:
            known = ", ".join(sorted(self._calls))
            raise fields.invalid("type", f"got {kind[:80]!r}, expected one of {known}")
        return kind, call.decode(fields)
