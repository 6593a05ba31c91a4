"""libactor's HTTP: the routes of an actor, and a bare application, served by the other process."""

# Who calls: the peer derives from Http (bench/peers/libactor_runtime.py).

from __future__ import annotations

import threading

import libactor as la
from bench.http_client import get_many
from bench.partner import Announce, Partner
from bench.peers.uvicorn_apps import SMALL_BODY, SMALL_PATH, fetch_bodies, large_body, make_app
from libactor.http import HttpServer, Request, serve


class Site(la.Actor):
    """Answers what the bare application of the peer uvicorn answers."""

    def __init__(self) -> None:
        super().__init__("bench")

    @la.route("/value")
    def value(self, request: Request) -> str:
        """Twelve bytes of text."""
        return SMALL_BODY.decode()

    @la.route("/body")
    def body(self, request: Request) -> bytes:
        """As many megabytes as the query says."""
        return large_body(int(request.query["megabytes"]))


class Http:
    """The lines that begin with http-."""

    def http_route(self, count: int) -> float:
        """A route of an actor."""
        with Partner("bench.peers.libactor_http:serve_actor") as partner:
            return get_many(partner.address, SMALL_PATH, SMALL_BODY, count, partner.processor_seconds)

    def http_app(self, count: int) -> float:
        """The bare application of the peer uvicorn, without an actor."""
        with Partner("bench.peers.libactor_http:serve_app") as partner:
            return get_many(partner.address, SMALL_PATH, SMALL_BODY, count, partner.processor_seconds)

    def http_body(self, count: int, megabytes: int) -> float:
        """A route of an actor that answers bytes."""
        with Partner("bench.peers.libactor_http:serve_actor") as partner:
            return fetch_bodies(partner.address, count, megabytes)


def serve_actor(announce: Announce) -> None:
    """Serve the routes of one actor."""
    with la.Runtime() as runtime, serve(runtime) as server:
        la.spawn(Site())
        announce(server.url.removeprefix("http://"))
        threading.Event().wait()


def serve_app(announce: Announce) -> None:
    """Serve the bare application."""
    with HttpServer() as server:
        announce(server.listen(make_app()).removeprefix("http://"))
        threading.Event().wait()
