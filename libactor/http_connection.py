"""Connections of an HttpServer: how requests reach applications, and how open responses end when the server closes."""

# Who calls: libactor/http.py, which imports this on first use, because the server libraries take long to import.
# Everything here runs on the server's event loop.
# Invariants: 1. a request's task belongs to exactly one Exchange while its application runs, so closing can end it.
#   2. what one connection can make us keep is bounded: HEAD_BYTES_MAX of request line and headers, one buffer of body
#   and one buffer of response, both bounded by uvicorn's flow control.
# The protocol is uvicorn's; overridden is only what it leaves open: the bound of the head, the logger, a way to cut.

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

if TYPE_CHECKING:
    from libactor.http import Application, Message, Receive, Scope, Send

log = logging.getLogger("libactor.http")

HEAD_BYTES_MAX = 64 * 1024  # of request line and headers; what browsers and proxies send stays below 16 KiB
DATE_INTERVAL_S = 1.0  # the Date header is as fine as a second
_CUT = "libactor.http.cut"  # extension of the scope: the function that cuts the connection


class State(ServerState):
    """What all connections share; ``idle`` is set while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.idle = asyncio.Event()
        self.idle.set()


class Connection(HttpToolsProtocol):
    """One connection of a client."""

    server_state: State

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.logger = log  # instead of uvicorn's own, which belongs to the program we are in
        self.access_log = False
        self.in_head = True  # between requests, or in the request line and the headers of one
        self.head_bytes = 0  # received of that head, but for what came together with its first byte
        self.requests = 0  # begun on this connection
        self.server_state.idle.clear()
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if not self.connections:
            self.server_state.idle.set()

    def data_received(self, data: bytes) -> None:
        requests = self.requests
        super().data_received(data)
        if not self.in_head or self.requests != requests or self.transport.is_closing():
            return
        self.head_bytes += len(data)
        if self.head_bytes > HEAD_BYTES_MAX:
            self.send_400_response(f"The request line and headers are larger than {HEAD_BYTES_MAX} bytes.")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.requests += 1
        self.head_bytes = 0
        self.scope["extensions"] = {_CUT: {"cut": self.transport.abort}}

    def on_headers_complete(self) -> None:
        self.in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self.in_head = True


class Exchange:
    """One request and its response: sees how far the response got, so that it can be ended properly."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self.streaming = False  # the length is not announced, so the end is a chunk of its own
        self.complete = False

    async def send(self, message: Message) -> None:
        """Pass a message of the application on to the client."""
        if message["type"] == "http.response.start":
            self.started = True
            self.streaming = not any(name.lower() == b"content-length" for name, _ in message.get("headers", ()))
        elif not message.get("more_body", False):
            self.complete = True
        await self._send(message)

    async def end(self) -> bool:
        """End the response in whatever state it is; False if it cannot be ended so that the client can tell."""
        if not self.started:
            headers = [(b"content-length", b"0"), (b"connection", b"close")]
            await self._send({"type": "http.response.start", "status": 503, "headers": headers})
        elif self.complete:
            return True
        elif not self.streaming:
            return False
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        return True


class Listeners:
    """The applications of one server, their sockets and their open requests."""

    def __init__(self) -> None:
        self._state = State()
        self._servers: list[asyncio.Server] = []
        self._requests: set[asyncio.Task[Any]] = set()
        self._stopping: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._refresh_date()

    async def add(self, app: Application, listener: socket.socket) -> None:
        """Serve ``app`` on a bound socket, which is ours from now on."""
        config = uvicorn.Config(
            self._guard(app),
            http=Connection,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            proxy_headers=False,
            server_header=False,
        )
        config.load()
        loop = asyncio.get_running_loop()
        create = _connection_factory(config, self._state, loop)
        self._servers.append(await loop.create_server(create, sock=listener))

    def stop(self, timeout: float) -> None:
        """Ask for the end; ``closed`` returns when it is reached."""
        if not self._stopping.done():
            self._stopping.set_result(timeout)

    async def closed(self) -> None:
        """Wait for ``stop``, then end everything: listeners, responses, connections, in this order."""
        timeout = await self._stopping
        for server in self._servers:
            server.close()
        for request in self._requests:
            request.cancel()
        for connection in list(self._state.connections):
            connection.shutdown()
        try:
            await asyncio.wait_for(self._state.idle.wait(), timeout)
        except TimeoutError:
            log.info("closing: %d clients did not read to the end; they are cut", len(self._state.connections))
            for connection in list(self._state.connections):
                connection.transport.abort()
            await self._state.idle.wait()
        self._date.cancel()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks)
        for server in self._servers:
            await server.wait_closed()

    def _guard(self, app: Application) -> Application:
        """Wrap ``app`` so that its responses end when the server closes."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            exchange = Exchange(send)
            request = asyncio.current_task()
            assert request is not None
            self._requests.add(request)
            try:
                if self._stopping.done():
                    cut = not await exchange.end()
                else:
                    await app(scope, receive, exchange.send)
                    cut = False
            except asyncio.CancelledError:
                if not self._stopping.done():
                    raise
                request.uncancel()
                cut = not await exchange.end()
            except ConnectionAbortedError as error:
                log.info("%s %s: the connection is cut: %s", scope["method"], scope["path"], error)
                cut = True
            finally:
                self._requests.discard(request)
            if cut:
                await _cut(scope, receive)

        return guarded

    def _refresh_date(self) -> None:
        date = formatdate(usegmt=True).encode()
        self._state.default_headers = [(b"date", date)]
        self._date = asyncio.get_running_loop().call_later(DATE_INTERVAL_S, self._refresh_date)


def _connection_factory(
    config: uvicorn.Config, state: State, loop: asyncio.AbstractEventLoop
) -> Callable[[], Connection]:
    return lambda: Connection(config=config, server_state=state, app_state={}, _loop=loop)


async def _cut(scope: Scope, receive: Receive) -> None:
    """Drop the connection, unsent data included, and wait until it is gone."""
    scope["extensions"][_CUT]["cut"]()
    while (await receive())["type"] != "http.disconnect":
        pass
