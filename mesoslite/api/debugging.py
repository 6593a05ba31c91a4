"""The pages for who looks into the program itself: /help, and /__processes__, libactor's, with our endpoints listed."""

# Who calls: master.py and agent.py, with the rest of their routes. They are open to who may read, and change nothing.
# Source: Mesos 3rdparty/libprocess/src/help.cpp, process.cpp (__processes__).

from __future__ import annotations

from typing import TYPE_CHECKING

from libactor.http import Response as Page
from libactor.http import SystemRoute, application, compress, own_routes

from .routes import methods

if TYPE_CHECKING:
    import libactor as la

    from .exchange import Exchange
    from .routes import Routes

HELP, PROCESSES = "/help", "/__processes__"


def debugging_routes(runtime: la.Runtime, program: str, routes: Routes) -> Routes:
    """The pages of ``runtime``. The help tells of ``routes``, as those of the actor ``program``, with their methods."""
    pages = own_routes(runtime)
    described = {f"/{program}{path}": _described(endpoint.__doc__ or "") for path, endpoint in routes.items()}
    own = {path: pages[path] for path in (HELP, PROCESSES)}
    site = application(runtime, system={**described, **own}, finish=(compress,))

    async def help_pages(exchange: Exchange) -> None:
        await exchange.hand_over(site, HELP + exchange.path.partition(HELP)[2])

    async def processes(exchange: Exchange) -> None:
        await exchange.hand_over(site, PROCESSES + exchange.path.partition(PROCESSES)[2])

    return {HELP: methods(GET=help_pages), PROCESSES: methods(GET=processes)}


def _described(text: str) -> SystemRoute:
    """An endpoint that the site lists; it is served elsewhere, and never asked for here."""
    return SystemRoute(lambda site, request, principal: Page(404), None, text)
