"""Listeners: the ports and doors of one server, and how open responses end when it closes."""

# Who calls: libactor/http/server.py, which imports this on first use, because the server libraries take long to import.
# Everything here runs on the server's event loop.
# Invariant: a request's task belongs to exactly one Exchange while its application runs, so closing can end it.

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn

from libactor.http.application import Site
from libactor.http.connection import OURS, Connection
from libactor.http.door import Door
from libactor.http.exchange import Exchange
from libactor.http.server import BACKLOG
from libactor.http.state import State

if TYPE_CHECKING:
    from libactor.http.server import Application, Receive, Scope, Send

log = logging.getLogger("libactor.http")

TICK_S = 1.0  # the Date header is as fine as a second
ACCEPTED_AT_ONCE = 16  # connections; uvloop accepts one for each descriptor in a turn, so a port has as many of these


class Listeners:
    """The applications of one server, their sockets and their open requests."""

    def __init__(self, patience_s: float, connections_max: int | None) -> None:
        self._state = State(patience_s, connections_max)
        self._servers: list[asyncio.Server] = []
        self._adding: set[asyncio.Task[Any]] = set()  # who is about to append to these
        self._doors: list[Door] = []
        self._requests: set[asyncio.Task[Any]] = set()
        self._stopping: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._tick()

    async def add(self, app: Application, listener: socket.socket) -> None:
        """Serve ``app`` on a bound socket, which is ours from now on."""
        task = asyncio.current_task()
        assert task is not None
        self._adding.add(task)
        try:
            # Not without backlog: asyncio lowers the socket's to 100, and a burst of clients waits to dial again.
            loop = asyncio.get_running_loop()
            for sock in _many_times(listener):
                self._servers.append(await loop.create_server(self._creator(app), sock=sock, backlog=BACKLOG))
        finally:
            self._adding.discard(task)

    async def open_door(self, app: Application) -> Door:
        """The way in for connections to ``app`` that somebody else accepts."""
        self._doors.append(Door(self._creator(app), self._state))
        return self._doors[-1]

    def _creator(self, app: Application) -> Callable[..., Connection]:
        """What makes the connections to ``app``."""
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
        return partial(
            Connection,
            self._guard,
            app if isinstance(app, Site) else None,
            config=config,
            server_state=self._state,
            app_state={},
            _loop=asyncio.get_running_loop(),
        )

    def stop(self, timeout: float) -> None:
        """Ask for the end; ``closed`` returns when it is reached."""
        if not self._stopping.done():
            self._stopping.set_result(timeout)

    def drop_arriving(self) -> None:
        """The loop has ended: close what came too late; from any thread."""
        self._state.drop_arriving()

    async def closed(self) -> None:
        """Wait for ``stop``, then end everything: listeners, responses, connections, in this order."""
        timeout = await self._stopping
        self._state.stopping = True
        while self._adding:
            await asyncio.wait(self._adding)
        for door in self._doors:
            await door.settled()
        for server in self._servers:
            server.close()
        for request in self._requests:
            request.cancel()
        for connection in list(self._state.connections):
            assert isinstance(connection, Connection)
            connection.shutdown()
            connection.end_direct_call()
        try:
            await asyncio.wait_for(self._state.idle.wait(), timeout)
        except TimeoutError:
            log.info("closing: %d clients did not read to the end; they are cut", len(self._state.connections))
            for connection in list(self._state.connections):
                connection.transport.abort()
            await self._state.idle.wait()
        self._next_tick.cancel()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks)
        for server in self._servers:
            await server.wait_closed()

    def _guard(self, app: Application) -> Application:
        """Wrap ``app`` so that its responses end when the server closes."""

        async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
            exchange = Exchange(send, scope["extensions"][OURS]["send_large"])
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

    def _tick(self) -> None:
        self._state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
        self._state.tick()
        self._next_tick = asyncio.get_running_loop().call_later(TICK_S, self._tick)


def _many_times(listener: socket.socket) -> list[socket.socket]:
    """The socket, by so many descriptors, or fewer where these are short."""
    sockets = [listener]
    with suppress(OSError):
        while len(sockets) < ACCEPTED_AT_ONCE:
            sockets.append(listener.dup())
    return sockets


async def _cut(scope: Scope, receive: Receive) -> None:
    """Drop the connection, unsent data included, and wait until it is gone."""
    scope["extensions"][OURS]["cut"]()
    while (await receive())["type"] != "http.disconnect":
        pass
