"""libactor's HTTP, served by the other process."""

# Who calls: the peer derives from Http (bench/peers/libactor_runtime.py).

from __future__ import annotations

import threading

from bench.http_client import get_many
from bench.partner import Announce, Partner
from bench.peers.uvicorn_apps import SMALL_BODY, SMALL_PATH, make_app
from libactor.http import HttpServer


class Http:
    """The lines that begin with http-."""

    def http_app(self, count: int) -> float:
        """The bare application of the peer uvicorn, without an actor."""
        with Partner("bench.peers.libactor_http:serve_app") as partner:
            return get_many(partner.address, SMALL_PATH, SMALL_BODY, count)


def serve_app(announce: Announce) -> None:
    """Serve the bare application."""
    with HttpServer() as server:
        announce(server.listen(make_app()).removeprefix("http://"))
        threading.Event().wait()
