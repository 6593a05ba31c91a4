"""Finding: for whom a request is, by its path alone."""

# Who calls: application.py, for each request, on the event loop or the worker. No actor is asked: ids are in the
#   runtime's table, and the routes of a class never change.
# Order: the actor whose id is the first segment of the path, a system route, the delegate. The id is decoded by itself,
#   so that one with an encoded slash in it is one segment; the rest is decoded as a whole.
# Invariant: the work is linear in the length of the path, whatever stands in it.
# Source: libprocess process.cpp (ProcessManager::handle, ProcessBase::consume).

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, unquote_to_bytes

from libactor.http.calling import RouteTarget, SystemTarget, Target
from libactor.http.request import Request
from libactor.http.response import Response
from libactor.http.unserved import UnservedRealms
from libactor.pid import PID
from libactor.routes import depth_of, longest_prefix, routes_of

if TYPE_CHECKING:
    from libactor.http.server import Scope
    from libactor.http.site import SystemRoute
    from libactor.process import Process
    from libactor.runtime import Runtime

_BAD_ENCODING = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Finder:
    """Finds who answers a request to one site."""

    def __init__(
        self,
        runtime: Runtime,
        delegate: PID[Any] | str | None,
        system: dict[str, SystemRoute],
        unserved: UnservedRealms,
    ) -> None:
        if delegate is not None and not isinstance(delegate, (PID, str)):
            raise TypeError(f"application: got the delegate {delegate!r}, expected the PID or the id of an actor")
        if isinstance(delegate, PID) and delegate._process.runtime is not runtime:
            raise ValueError(f"application: got the delegate {delegate}, expected an actor of {runtime.address}")
        self._runtime = runtime
        self._delegate = delegate if delegate is None or isinstance(delegate, str) else delegate.id
        self._system = {path: (path, route) for path, route in system.items()}
        self._depth = depth_of(system)
        self._unserved = unserved

    def find(self, scope: Scope) -> tuple[Request, Target | Response]:
        """The request as its actor sees it, and who answers it, or what is answered in its place."""
        root, path, raw = _below_root(scope)
        query = scope.get("query_string", b"")
        well_encoded = _is_well_encoded(raw) and _is_well_encoded(query)
        endpoint, rest, target = path, "", None
        if path.startswith("/") and well_encoded and "/.." not in path:
            endpoint, rest, target = self._look_up(scope["method"], path, raw)
        client = scope.get("client")
        request = Request(
            scope["method"],
            path,
            query,
            tuple(scope["headers"]),
            b"",
            None if client is None else (client[0], client[1]),
            scope.get("scheme", "http"),
            root,
            endpoint,
            rest,
        )
        if isinstance(target, Response):
            return request, target
        if target is not None:
            return request, target if target.realm is None else self._unserved.check(endpoint, target)
        if not path.startswith("/") or not well_encoded:
            return request, Response(400, "The path must begin with '/', it and the query be percent-encoded UTF-8.")
        return request, self._nobody(path)

    def _look_up(self, method: str, path: str, raw: bytes) -> tuple[str, str, Target | Response | None]:
        """Endpoint, what follows below it, and who or what answers."""
        first, _, below = raw[1:].partition(b"/")
        process = self._runtime._processes.get(_decode(first))
        if process is not None:
            return _route(process, method, "/" + _decode(below).rstrip("/"))
        system = longest_prefix(self._system, path.rstrip("/") or "/", self._depth) if self._system else None
        if system is not None:
            at, route = system
            return at, path.rstrip("/")[len(at) :] if at != "/" else path, SystemTarget(route)
        if self._delegate is not None:
            process = self._runtime._processes.get(self._delegate)
            if process is not None:
                return _route(process, method, path.rstrip("/") or "/")
        return path, "", None

    def _nobody(self, path: str) -> Response:
        if self._runtime._closed:
            return Response(503, "The actors behind this server have stopped.")
        return Response(404, f"There is no actor for {path[:100]!r}.")


def _route(process: Process, method: str, path: str) -> tuple[str, str, Target | Response]:
    """As Finder._look_up, for the ``path`` within the actor of ``process``."""
    routes = routes_of(process.kind).find(path)
    if not routes:
        return f"/{process.pid.id}{path}", "", Response(404, f"{process.pid.id} has no route for {path[:100]!r}.")
    at = routes[0].path
    endpoint, rest = f"/{process.pid.id}{at}", path.removeprefix(at) if at != "/" or path == "/" else path
    for route in routes:
        if route.methods is None or method in route.methods:
            return endpoint, rest, RouteTarget(process, route)
    allowed = {name for route in routes for name in route.methods or ()} | {"OPTIONS"}
    allow = {"allow": ", ".join(sorted(allowed))}
    if method == "OPTIONS":
        return endpoint, rest, Response(204, headers=allow)
    return endpoint, rest, Response(405, f"{endpoint} answers {allow['allow']}.", allow)


def _below_root(scope: Scope) -> tuple[str, str, bytes]:
    """Where the application is mounted, and the path below it, decoded and as it was sent."""
    root, path = scope.get("root_path", ""), scope["path"]
    raw: bytes = scope.get("raw_path") or quote(path).encode("ascii")
    if root and (path == root or path.startswith(root + "/")):
        path = path[len(root) :] or "/"
        raw = b"/" + b"/".join(raw.split(b"/", root.count("/") + 1)[root.count("/") + 1 :])
    return root, path, raw


def _is_well_encoded(raw: bytes) -> bool:
    if b"%" not in raw:
        return True
    if _BAD_ENCODING.search(raw) is not None:
        return False
    try:
        unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:  # what is no text would be replaced, and several paths become one
        return False
    return True


def _decode(raw: bytes) -> str:
    text = raw.decode("latin-1")
    return unquote(text) if "%" in text else text
