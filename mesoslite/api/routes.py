"""Routes: from the path and the method of a request to its endpoint."""

# Who calls: master.py and agent.py build one application each; the HTTP server calls it for every request.
# Mesos's rules: endpoints belong to a process id, /master or /slave(1), which may be left out; a trailing slash does
#   not matter; the longest route that the path begins with is taken, so /state/x is /state. So is /state.json, the name
#   that it had before 1.0.
# The method is looked at behind the path and, of what the leader alone answers, behind who leads: so it is a part of
#   the endpoint, and not of the route.
# Source: Mesos 3rdparty/libprocess/src/process.cpp (ProcessBase::consume of an HttpEvent).

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING, TypeAlias

import libactor as la
from libactor.http import Application, Receive, Scope, Send

from .bodies import Bodies
from .exchange import ClientGone, Exchange, Refusal, Response
from .hosts import check_host

if TYPE_CHECKING:
    from .authentication import Realms

log = logging.getLogger("mesoslite.api")

# An endpoint that has streamed its answer itself returns None.
Endpoint: TypeAlias = Callable[[Exchange], Awaitable[Response | None]]
Routes: TypeAlias = Mapping[str, Endpoint]  # by path

ROOT = "/"  # the path of the one route that no other path falls to


def application(
    routes: Routes, prefixes: tuple[str, ...], hosts: Collection[str] | None, realms: Realms | None = None
) -> Application:
    """Return the ASGI application of ``routes``; each is also reached below each of ``prefixes``, such as /master.

    Requests for other ``hosts`` are refused; None allows any. ``realms`` say who is let in; without, everybody.
    """

    bodies = Bodies()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send, bodies)
        try:
            check_host(exchange, hosts)
            path, endpoint = _route(routes, prefixes, exchange)
            if realms is not None:
                realms.admit(path, exchange)
            response = await endpoint(exchange)
        except ClientGone:
            return
        except Refusal as refusal:
            response = Response(refusal.status, refusal.text.encode(), "text/plain; charset=utf-8", refusal.headers)
        except la.Abandoned:
            response = Response(503, b"The actor behind this endpoint has stopped", "text/plain; charset=utf-8")
        if response is not None:
            log.debug("%s %s: %d", exchange.method, exchange.path, response.status)
            await exchange.answer(response)

    return serve


def methods(**endpoints: Endpoint) -> Endpoint:
    """The endpoint that has another one for each method, as in ``methods(GET=version)``; GET's answers HEAD as well.

    Refuses other methods (405).
    """

    async def answer(exchange: Exchange) -> Response | None:
        endpoint = endpoints.get("GET" if exchange.method == "HEAD" else exchange.method)
        if endpoint is None:
            allowed = ", ".join(endpoints)
            raise Refusal(405, f"Expecting one of {{ {allowed} }}, got {exchange.method}", {"allow": allowed})
        return await endpoint(exchange)

    answer.__doc__ = ", ".join(endpoints)  # for the page of help (debugging.py)
    return answer


def _route(routes: Routes, prefixes: tuple[str, ...], exchange: Exchange) -> tuple[str, Endpoint]:
    path = "/" + exchange.path.strip("/")
    for prefix in prefixes:
        if path == prefix or path.startswith(prefix + "/"):
            path = path[len(prefix) :] or ROOT
            break
    while path and path not in routes:
        path = path.removesuffix(".json") if path.endswith(".json") else path.rpartition("/")[0]
    if not path:
        raise Refusal(404, f"{exchange.path[:200]}: no such endpoint")
    return path, routes[path]
