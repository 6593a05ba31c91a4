"""The pages of metrics, /metrics/snapshot and /metrics: libactor's, of the runtime of a master or an agent."""

# Who calls: master.py and agent.py. A master that does not lead answers too, with what it has, as in Mesos.
# Source: Mesos 3rdparty/libprocess/src/metrics/metrics.cpp.

from __future__ import annotations

from typing import TYPE_CHECKING

from libactor.http import application, compress, jsonp, own_routes

from .routes import methods

if TYPE_CHECKING:
    import libactor as la

    from .exchange import Exchange
    from .routes import Routes

PREFIX = "/metrics"
PATHS = (f"{PREFIX}/snapshot", PREFIX)


def metrics_routes(runtime: la.Runtime) -> Routes:
    """The pages that tell the metrics of ``runtime``, each with a limit of its own of how often that is."""
    pages = own_routes(runtime)
    site = application(runtime, system={path: pages[path] for path in PATHS}, finish=(jsonp, compress))

    async def answer(exchange: Exchange) -> None:
        await exchange.hand_over(site, PREFIX + exchange.path.partition(PREFIX)[2])

    return {path: methods(GET=answer) for path in PATHS}
