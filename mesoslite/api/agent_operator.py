"""Agent operator endpoint: the calls of the agent's v1 API that read: GET_HEALTH, GET_VERSION, READ_FILE."""

# Who calls: agent.py routes POST /api/v1 here.
# READ_FILE carries bytes as base64, so it is the way to follow a file that is not text; /files/read is not.
# Source: Mesos include/mesos/v1/agent/agent.proto, src/slave/http.cpp.

from __future__ import annotations

import asyncio
import base64
from typing import Any

from mesoslite.model import InvalidRequest
from mesoslite.model.fields import Fields

from .documents import version_document
from .exchange import JSON, Exchange, Refusal, Response, json_document
from .files import Sandboxes
from .master import Ping

_KINDS = ("GET_HEALTH", "GET_VERSION", "READ_FILE")


class AgentOperatorEndpoint:
    """The endpoint of one agent; ``ping`` asks whether it is alive."""

    def __init__(self, sandboxes: Sandboxes, ping: Ping) -> None:
        self._sandboxes = sandboxes
        self._ping = ping

    async def __call__(self, exchange: Exchange) -> Response:
        """Answer a call."""
        document = await json_document(exchange)
        try:
            fields = Fields(document)
            kind = fields.text("type")
            if kind not in _KINDS:
                raise fields.invalid("type", f"got {kind[:80]!r}, expected one of {', '.join(_KINDS)}")
            if not exchange.accepts(JSON):
                raise Refusal(406, f"Expecting 'Accept' to allow {JSON}")
            return exchange.json({"type": kind, kind.lower(): await self._answer(kind, fields)})
        except InvalidRequest as error:
            raise Refusal(400, f"Failed to validate agent::Call: {error}") from error

    async def _answer(self, kind: str, fields: Fields) -> dict[str, Any]:
        if kind == "GET_HEALTH":
            await self._ping()
            return {"healthy": True}
        if kind == "GET_VERSION":
            return {"version_info": version_document()}
        body = fields.message("read_file")
        path, offset, length = body.text("path"), body.whole("offset"), body.whole("length", -1)
        if offset < 0 or length < -1:
            raise body.invalid("offset", f"got {offset} and a length of {length}, expected bytes from the start")
        page = await asyncio.to_thread(self._sandboxes.read, path, offset, length)
        return {"size": page.size, "data": base64.b64encode(page.data).decode()}
