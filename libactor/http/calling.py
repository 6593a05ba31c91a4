"""Calling: from a request to the handler that answers it, and from what that returned to a response."""

# Who calls: application.py, on the event loop, once a request may be served; front_connection.py, on the worker.
# A handler is called as by `dispatch`: in its turn, by name, exclusive or by the control lane if it is marked so, and
#   what it returns leaves the actor by value. Handlers never run on the event loop: one that waits would hold up all.
# What goes wrong is answered, and logged where it is ours or the handler's fault: 500 with the text of the failure, as
#   libprocess does; 503 where the mailbox is full.
# Source: libprocess process.cpp (HttpEvent), http.hpp.

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any

from libactor._core._impl import FAILED, READY, Moved
from libactor._core.errors import MailboxFull
from libactor.future import Future, _abandoned
from libactor.http.response import Response, respond
from libactor.http.waking import waking
from libactor.messages import dispatch

if TYPE_CHECKING:
    from libactor.http.application import Site
    from libactor.http.request import Request
    from libactor.http.site import Principal, Soon, SystemRoute, V
    from libactor.process import Process
    from libactor.routes import Route

log = logging.getLogger("libactor.http")

TEXT_MAX = 10_000  # characters of an error that a client is told


class RouteTarget:
    """A route of an actor answers."""

    __slots__ = ("key", "realm", "route", "streams")

    def __init__(self, process: Process, route: Route) -> None:
        self.key = process  # requests for one actor are admitted in the order in which they came
        self.route = route
        self.realm = route.realm
        self.streams = route.stream

    def ask(self, request: Request, principal: Principal | None) -> Future[Any]:
        """Have the handler called."""
        route = self.route
        if route.takes_principal:
            return dispatch(self.key.pid, route.function, request, principal)
        return dispatch(self.key.pid, route.function, request)

    async def answer(self, site: Site, request: Request, principal: Principal | None) -> Response:
        """What the handler says."""
        future = self.ask(request, principal)
        simulation = self.key.runtime.simulation
        if simulation is not None:
            simulation.wait_for(future, None)  # the loop stands still while the actors run: nobody else would run them
        elif future.is_pending():
            await waking().end_of(future)
        return self.response(future, request)

    def response(self, future: Future[Any], request: Request) -> Response:
        """What stands for the outcome of ``future``, which is complete or abandoned."""
        try:
            state, value = future._outcome()
            if state == READY:
                return _response(future.get(0) if type(value) is Moved else value, request)
            return _refused(future, request)
        except Exception:  # of an exception that cannot be told, say
            log.exception("%s %s: what came of the handler cannot be told", request.method, request.path)
            return Response(500, "Internal Server Error")


class SystemTarget:
    """A route of the site itself answers."""

    __slots__ = ("key", "realm", "route", "streams")

    def __init__(self, route: SystemRoute) -> None:
        self.key = self.route = route
        self.realm = route.realm
        self.streams = False

    async def answer(self, site: Site, request: Request, principal: Principal | None) -> Response:
        """What the handler says, on this event loop."""
        return _response(await soon(self.route.handler(site, request, principal)), request)


Target = RouteTarget | SystemTarget


async def soon(value: Soon[V]) -> V:
    """The value, or what a future or awaitable comes to."""
    if isinstance(value, Future) or inspect.isawaitable(value):
        return await value
    return value


def unserved(request: Request, error: Exception) -> Response:
    """What stands for an answer where serving has failed with ``error``, which is no business of the client."""
    log.error("%s %s: could not be served", request.method, request.path, exc_info=error)
    return Response(500, "Internal Server Error")


def _response(value: Any, request: Request) -> Response:
    """What a handler returned, as a response."""
    if type(value) is Response:
        return value
    try:
        return respond(value)
    except (TypeError, ValueError) as error:
        log.error("%s %s: the handler's answer cannot be sent: %s", request.method, request.path, error)
        return Response(500, f"The handler's answer cannot be sent: {error}")


def _refused(future: Future[Any], request: Request) -> Response:
    """What stands for an answer that has not come."""
    state, value = future._outcome()
    if state == FAILED:
        if isinstance(value, MailboxFull):
            return _full(value)
        log.error("%s %s: the handler failed", request.method, request.path, exc_info=value)
        return Response(500, str(value)[:TEXT_MAX] or type(value).__name__)
    if not future.is_abandoned():
        return Response(500, "The handler's future was discarded.")
    error = _abandoned(value)
    if isinstance(error.reason, MailboxFull):
        return _full(error.reason)
    log.error("%s %s: %s", request.method, request.path, error)
    return Response(500, str(error))


def _full(error: MailboxFull) -> Response:
    return Response(503, str(error), {"retry-after": "1"})
