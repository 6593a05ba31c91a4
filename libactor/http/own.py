"""The endpoints that an application has by itself: help, the list of actors, metrics."""

# Who calls: application.py, unless it is given others; who wants some of them, or a realm for them, calls it too.
# They are open to everybody who reaches the server unless they have a realm, as in libprocess: they tell names of
#   actors and numbers, and change nothing.
# Source: libprocess process.cpp (initialize), help.hpp, metrics/metrics.hpp.

from __future__ import annotations

from typing import TYPE_CHECKING

from libactor.http.help import answer_help
from libactor.http.metrics import PER_SECOND, MetricsPages
from libactor.http.processes import answer_processes
from libactor.http.response import Response
from libactor.http.site import SystemRoute

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from libactor.http.application import Site
    from libactor.http.request import Request
    from libactor.http.site import Principal
    from libactor.runtime import Runtime

    Handler = Callable[[Site, Request, Principal | None], Response | Awaitable[Response]]


def own_routes(
    runtime: Runtime, *, realm: str | None = None, metrics_per_second: float | None = PER_SECOND
) -> dict[str, SystemRoute]:
    """``/help``, ``/__processes__``, ``/metrics/snapshot`` and ``/metrics``: for ``application(system=...)``.

    ``realm``: who may see them is asked of the authenticator of that name. ``metrics_per_second``: how many snapshots
    may be taken, by whoever asks; who comes too soon waits, if not too many do. None: no limit.
    """
    metrics = MetricsPages(runtime, metrics_per_second)

    def help_pages(site: Site, request: Request, principal: Principal | None) -> Awaitable[Response]:
        """What every actor answers to; add an actor's id for its routes, and one of these. JSON with ?format=json."""
        return answer_help(runtime, {path: route.help for path, route in site.system.items()}, request)

    def processes(site: Site, request: Request, principal: Principal | None) -> Awaitable[Response]:
        """Every actor and what waits in its mailbox, as JSON."""
        return answer_processes(runtime)

    def snapshot(site: Site, request: Request, principal: Principal | None) -> Awaitable[Response]:
        """All metrics as one JSON object. ?timeout=5secs leaves out gauges that have not answered by then."""
        return metrics.snapshot(request)

    def prometheus(site: Site, request: Request, principal: Principal | None) -> Awaitable[Response]:
        """All metrics in the text form of Prometheus."""
        return metrics.prometheus(request)

    def page(handler: Handler, is_leaf: bool = True) -> SystemRoute:
        def answer(site: Site, request: Request, principal: Principal | None) -> Response | Awaitable[Response]:
            if runtime._closed:
                return Response(503, "The actors behind this server have stopped.")
            if is_leaf and request.rest:
                return Response(404, "There is no such page.")
            return handler(site, request, principal)

        return SystemRoute(answer, realm, handler.__doc__ or "")

    return {
        "/help": page(help_pages, is_leaf=False),
        "/__processes__": page(processes),
        "/metrics/snapshot": page(snapshot),
        "/metrics": page(prometheus),
    }
