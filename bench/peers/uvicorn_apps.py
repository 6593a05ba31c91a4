"""A bare ASGI application on uvicorn, with httptools and uvloop: what HTTP costs without an actor behind it."""

# Who calls: make_peer for the http lines; the other process runs serve (bench/partner.py).
# The settings are those that libactor.http gives to the same library: no access log, no lifespan, no server header.

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

import uvicorn

from bench.http_client import get_body, get_many
from bench.partner import Announce, Partner

SMALL_PATH, LARGE_PATH = "/bench/value", "/bench/body"
SMALL_BODY = b"hello, world"
PLAIN = (b"content-type", b"text/plain; charset=utf-8")

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class UvicornApps:
    """Each method has a server in the other process and a client in this one."""

    def http_route(self, count: int) -> float:
        """Twelve bytes of text."""
        with Partner("bench.peers.uvicorn_apps:serve") as partner:
            return get_many(partner.address, SMALL_PATH, SMALL_BODY, count, partner.processor_seconds)

    def http_body(self, count: int, megabytes: int) -> float:
        """Bodies that are there already, sent as one piece."""
        with Partner("bench.peers.uvicorn_apps:serve") as partner:
            return fetch_bodies(partner.address, count, megabytes)


def fetch_bodies(address: str, count: int, megabytes: int) -> float:
    """Get bodies of so many ``megabytes`` until they are ``count`` together, as the line counts; see ``large_body``."""
    return get_body(address, f"{LARGE_PATH}?megabytes={megabytes}", large_body(megabytes), max(1, count // megabytes))


@cache
def large_body(megabytes: int) -> bytes:
    """Return a body whose parts differ; the same one each time, so that making it is not measured."""
    return bytes(range(250)) * (megabytes * 4_000)


def make_app() -> Callable[[dict[str, Any], Receive, Send], Awaitable[None]]:
    """Return the application: two paths, no framework."""

    async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
        body = SMALL_BODY if scope["path"] == SMALL_PATH else large_body(int(scope["query_string"].partition(b"=")[2]))
        headers = [(b"content-length", b"%d" % len(body)), PLAIN]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


def serve(announce: Announce) -> None:
    """Serve the application on a free port."""
    config = uvicorn.Config(
        make_app(),
        http="httptools",
        loop="uvloop",
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        announce(f"127.0.0.1:{listener.getsockname()[1]}")
        uvicorn.Server(config).run(sockets=[listener])
