"""application: the actors of a runtime as an ASGI 3 application."""

# Who calls: an ASGI server, ours (serving.py) or one of the user's, for each request.
# The steps of a request, in this order, as in libprocess; the first that answers ends it:
#   1. a path that does not begin with "/" or is badly encoded: 400.    2. "/.." in the path: 404.
#   3. whom it is for: the actor whose id is the first segment, else a system route, else the delegate (finding.py).
#   4. the firewall, whoever it is for, nobody too: what a rule answers, such as 403.    5. nobody: 404.
#   6. the route: none 404, not for this method 405 with Allow (OPTIONS: 204).    7. in order of arrival at each actor:
#   who it is (401, 403), whether they may (403).    8. the body, bounded: 413, 503.    9. the handler, in the actor.
#   10. the finish: compression and the like; then it goes out (sending.py).
# Step 7 comes before 8, unlike there: nobody makes us keep a body before we know who sends it.
# Invariant: a client that goes away cancels the task of its request, wherever that waits: what came of a body is
#   dropped, the handler's future discarded, the pipe of an answer closed.
# Source: libprocess process.cpp (ProcessManager::handle, ProcessBase::consume).

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from libactor._core._impl import RuntimeCell
from libactor.http.bodies import BODIES_BYTES_MAX, BODY_BYTES_MAX, Bodies, has_body
from libactor.http.calling import RouteTarget, Target, soon, unserved
from libactor.http.compression import GZIP_BYTES_MIN, compress
from libactor.http.direct import DirectCall
from libactor.http.finding import Finder
from libactor.http.inflating import is_gzip, without_encoding
from libactor.http.lines import Lines
from libactor.http.options import (
    check_bytes,
    check_function,
    check_functions,
    check_names,
    check_realms,
    check_system,
)
from libactor.http.own import own_routes
from libactor.http.pipe import Pipe
from libactor.http.presence import Presence
from libactor.http.response import Refusal, Response
from libactor.http.sending import send_response
from libactor.http.site import Authenticator, Authorize, Finish, Principal, Rule, Soon, SystemRoute
from libactor.http.unserved import UnservedRealms

if TYPE_CHECKING:
    from libactor.http.connection import Connection
    from libactor.http.request import Request
    from libactor.http.server import Receive, Scope, Send
    from libactor.pid import PID
    from libactor.runtime import Runtime

log = logging.getLogger("libactor.http")


class Site:
    """What ``application`` returns: the ASGI application. ``firewall`` may be assigned anew at any time."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        delegate: PID[Any] | str | None = None,
        realms: Mapping[str, Authenticator] | None = None,
        authorize: Authorize | None = None,
        firewall: Sequence[Rule] = (),
        system: Mapping[str, SystemRoute] | None = None,
        finish: Sequence[Finish] = (compress,),
        body_bytes_max: int = BODY_BYTES_MAX,
        bodies_bytes_max: int = BODIES_BYTES_MAX,
    ) -> None:
        if not isinstance(runtime, RuntimeCell):
            raise TypeError(f"application: got the runtime {runtime!r}, expected a libactor.Runtime")
        self.runtime = runtime
        self.realms = dict(check_realms(realms) or {})
        self.authorize = authorize if authorize is None else check_function("authorize", authorize)
        self.firewall = check_functions("firewall", firewall)
        self.finish = check_functions("finish", finish)
        self.system = check_system(own_routes(runtime) if system is None else system)
        self.finder = Finder(runtime, delegate, self.system, UnservedRealms(realms))
        self._bodies = Bodies(
            check_bytes("body_bytes_max", body_bytes_max), check_bytes("bodies_bytes_max", bodies_bytes_max)
        )
        self._lines = Lines()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the start and end of the server."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"libactor.http: got the scope {scope['type']!r}, expected http; mount it for http alone")
        await self._serve_found(*self._find(scope), scope, receive, send)

    def start(self, connection: Connection, scope: Scope) -> None:
        """As a call, on a connection of our own server: have the request answered, by the short way if it can."""
        request, target = self._find(scope)
        if (
            isinstance(target, RouteTarget)
            and self._is_direct(target)
            and not has_body(scope)
            and not self._lines.has(target.key)
        ):
            connection.direct_call = DirectCall(self, connection, request, target)
        else:
            connection.go_on(connection.served, partial(self._serve_found, request, target))

    def find_direct(self, scope: Scope) -> tuple[Request, RouteTarget | Response] | None:
        """Steps 1 to 6 of a request without a body, on any thread; None if it has to be served on an event loop."""
        if self.firewall or self._lines.are_busy():
            return None
        request, target = self.finder.find(scope)
        if isinstance(target, Response) or (isinstance(target, RouteTarget) and self._is_direct(target)):
            return request, target
        return None

    def is_finished(self, response: Response) -> bool:
        """Whether step 10 leaves ``response`` as it is, and its body is there as a whole; on any thread."""
        if type(response.body) is not bytes:
            return False
        return not self.finish or (self.finish == (compress,) and len(response.body) < GZIP_BYTES_MIN)

    def _is_direct(self, target: RouteTarget) -> bool:
        """Whether nothing but the handler has to be asked."""
        return (
            not target.streams
            and self.authorize is None
            and target.realm not in self.realms
            and target.key.runtime.simulation is None
        )

    async def send_answer(
        self, request: Request, response: Response, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Step 10, of what a handler has answered that was called elsewhere."""
        await self.send_when_finished(request, self.finish_now(request, response), scope, receive, send)

    async def send_when_finished(
        self, request: Request, response: Soon[Response], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """The end of the short way, where something has to be waited for."""
        with Presence(scope, receive) as presence:
            presence.watch()
            await send_response(request, await soon(response), send)

    async def _serve_found(
        self, request: Request, target: Target | Response, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Steps 5 to 10."""
        with Presence(scope, receive) as presence:
            try:
                response = await self._respond(request, target, presence)
                await send_response(request, await soon(self.finish_now(request, response)), send)
            finally:
                self._bodies.release(presence)

    async def _respond(self, request: Request, target: Target | Response, presence: Presence) -> Response:
        """Steps 5 to 9."""
        if isinstance(target, Response):
            return target
        try:
            return await self._serve(request, target, presence)
        except Refusal as refusal:
            return refusal.response
        except Exception as error:
            return unserved(request, error)

    def finish_now(self, request: Request, response: Response, done: int = 0) -> Soon[Response]:
        """Step 10, but for the ``done`` first of it: the response, unless a part of it takes time."""
        for number, finish in enumerate(self.finish[done:], done):
            try:
                finished = finish(request, response)
            except Exception as error:
                return self._unfinished(request, finish, error)
            if not isinstance(finished, Response):
                return self._finish_later(request, finished, number)
            response = finished
        return response

    async def _finish_later(self, request: Request, pending: Soon[Response], number: int) -> Response:
        try:
            response = await soon(pending)
        except Exception as error:
            return self._unfinished(request, self.finish[number], error)
        return await soon(self.finish_now(request, response, number + 1))

    def _unfinished(self, request: Request, finish: Finish, error: Exception) -> Response:
        log.error("%s %s: could not be finished by %r", request.method, request.path, finish, exc_info=error)
        return Response(500, "Internal Server Error")

    def _find(self, scope: Scope) -> tuple[Request, Target | Response]:
        """Steps 1 to 4."""
        request, target = self.finder.find(scope)
        for rule in self.firewall:
            try:
                refused = rule(request)
            except Exception:
                log.exception("%s %s: could not be asked about: %r", request.method, request.path, rule)
                refused = Response(500, "Internal Server Error")
            if refused is not None:
                return request, refused
        return request, target

    async def _serve(self, request: Request, target: Target, presence: Presence) -> Response:
        """Steps 7 to 9."""
        authenticator = self.realms.get(target.realm) if target.realm is not None else None
        principal = None
        if authenticator is not None or self.authorize is not None or self._lines.has(target.key):
            async with self._lines.turn(target.key):
                principal = await self._admit(request, target, authenticator)
        # From here to the call nothing may be waited for, but a body: who comes next in line must not come first.
        if not has_body(presence.scope):
            presence.watch()
        elif not target.streams:
            body = await self._bodies.read(presence)
            headers = without_encoding(request.raw_headers) if is_gzip(request.raw_headers) else request.raw_headers
            request = msgspec.structs.replace(request, body=body, raw_headers=headers)
            presence.watch()
        if target.streams:
            pipe = Pipe()
            request = msgspec.structs.replace(request, body=pipe.reader)
            presence.feed(pipe.writer)
        return await target.answer(self, request, principal)

    async def _admit(self, request: Request, target: Target, authenticator: Authenticator | None) -> Principal | None:
        """Who sends the request, if its realm asks for that. Raises: Refusal."""
        principal = None
        if authenticator is not None:
            found = await soon(authenticator.authenticate(request))
            if isinstance(found, Response):
                raise Refusal(found)
            if not isinstance(found, Principal):
                raise TypeError(f"{authenticator!r} answered {found!r}, expected a Principal or a Response")
            principal = found
        if self.authorize is not None:
            allowed = await soon(self.authorize(request.endpoint, request, principal))
            if isinstance(allowed, Response):
                raise Refusal(allowed)
            if allowed is not True:
                raise Refusal(Response(403, f"{request.endpoint}: you may not do that"))
        return principal


def application(runtime: Runtime, **options: Any) -> Site:
    """The actors of ``runtime`` as an ASGI 3 application, to be served by ``serve`` or mounted in one of your own.

    ``/<actor id><route>`` is answered by the method that ``@la.route`` marks there. Options:
    ``delegate``: the actor, or its id, that gets what begins with the id of none.
    ``realms``: authenticators by name. A route whose realm is none of them is refused, and the log says so; without
    ``realms`` it is called for everybody, without a principal.
    ``authorize``: asked for every request, with the endpoint and the principal.
    ``firewall``: rules, asked before anything else. ``system``: endpoints of the site itself, left out those of
    ``own_routes``. ``finish``: last changes of a response, in order; left out, ``compress``.
    ``body_bytes_max``: of one request, unless its route streams; ``bodies_bytes_max``: of all that are being served.
    """
    check_names(options, Site)
    return Site(runtime, **options)


async def _live(receive: Receive, send: Send) -> None:
    """Say yes to the start and the end of the server: there is nothing to prepare or to end."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
