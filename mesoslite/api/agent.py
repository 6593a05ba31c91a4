"""Agent application: the HTTP API of an agent."""

# Who calls: composition roots, which give it to an HttpServer.
# Files are read in a thread, never on the server's loop: a disk can be slow.

from __future__ import annotations

import asyncio
import mimetypes
import re
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

import libactor as la
from libactor.http import Application
from mesoslite.model import AgentPort

from .agent_operator import NOT_SERVED, agent_calls
from .agent_state import state_document
from .exchange import Exchange, Refusal, Response
from .files import Sandboxes, readable_text
from .logging_level import logging_routes
from .master import NO_FLAGS, health, told_flags, version
from .metrics import metrics_routes
from .operator_calls import OperatorEndpoint
from .routes import Routes, application, methods
from .system_stats import system_routes

_UNQUOTABLE = re.compile(r"[^ !#-\[\]-~]")  # in the header that names a file


def agent_app(
    agent: la.PID[AgentPort],
    work_dir: Path,
    *,
    runtime: la.Runtime | None = None,
    hosts: Collection[str] | None = None,
    flags: Mapping[str, str] = NO_FLAGS,
) -> Application:
    """Return the ASGI application of the agent at that address, whose sandboxes lie below ``work_dir``.

    Endpoints: ``/health``, ``/version``, ``/flags``, ``/state``, ``/files/browse``, ``/files/read``,
    ``/files/download`` and ``/api/v1``, also below ``/slave(1)`` and below the agent's own id. ``runtime``, ``hosts``
    and ``flags`` as of ``master_app``.
    """
    sandboxes = Sandboxes(work_dir)
    ping = partial(la.dispatch, agent, AgentPort.ping)

    async def state(exchange: Exchange) -> Response:
        snapshot = await la.dispatch(agent, AgentPort.state)
        return await asyncio.to_thread(lambda: exchange.json(state_document(snapshot, flags)))

    async def browse(exchange: Exchange) -> Response:
        path = _path(exchange)
        return exchange.json(await asyncio.to_thread(sandboxes.browse, path))

    async def read(exchange: Exchange) -> Response:
        path, offset, length = _path(exchange), _bound(exchange, "offset"), _bound(exchange, "length")
        page = await asyncio.to_thread(sandboxes.read, path, offset, length)
        start = page.size if offset == -1 else min(offset, page.size)
        return exchange.json({"offset": start, "data": readable_text(page.data)})

    async def download(exchange: Exchange) -> Response | None:
        path = _path(exchange)
        await _download(exchange, sandboxes, path)
        return None

    routes: Routes = {
        "/health": methods(GET=health(ping)),
        "/version": methods(GET=version),
        "/flags": methods(GET=told_flags(flags)),
        "/state": methods(GET=state),
        "/files/browse": methods(GET=browse),
        "/files/read": methods(GET=read),
        "/files/download": methods(GET=download),
        "/api/v1": methods(POST=OperatorEndpoint("agent", agent_calls(agent, sandboxes, runtime, flags), NOT_SERVED)),
        **(
            {**metrics_routes(runtime), **system_routes(runtime), **logging_routes(runtime)}
            if runtime is not None
            else {}
        ),
    }
    return application(routes, (f"/{agent.id}", "/slave(1)"), hosts)


async def _download(exchange: Exchange, sandboxes: Sandboxes, path: str) -> None:
    """Send a file as it is, up to the size that it has now."""
    file = await asyncio.to_thread(sandboxes.open, path)
    with file:
        left = sandboxes.size(file, path)
        name = _UNQUOTABLE.sub("_", Path(path).name)
        headers = {
            "content-type": mimetypes.guess_type(path)[0] or "application/octet-stream",
            "content-disposition": f'attachment; filename="{name}"',
            "content-length": str(left),
        }
        await exchange.start(200, headers)
        while left:
            piece = await asyncio.to_thread(file.read, min(left, 1 << 18))
            if not piece:
                raise ConnectionAbortedError(f"{path} has become shorter while it was sent")
            left -= len(piece)
            await exchange.send(piece)
        await exchange.send(b"", more=False)


def _path(exchange: Exchange) -> str:
    path = exchange.query.get("path", "")
    if not path:
        raise Refusal(400, "Expecting 'path=value' in query")
    return path


def _bound(exchange: Exchange, name: str) -> int:
    """Offset or length; -1 if it is left out."""
    text = exchange.query.get(name, "-1")
    digits = text.removeprefix("-")
    value = int(text) if digits.isascii() and digits.isdigit() and len(digits) < 19 else -2
    if value < -1:
        raise Refusal(400, f"{name}: got {text[:80]!r}, expected a number of bytes, or -1")
    return value
