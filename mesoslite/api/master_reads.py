"""Master reads: the unversioned endpoints that show the cluster: all of it, or its agents, frameworks or tasks."""

# Who calls: master.py serves these routes.
# Each asks the master for the View of now, which is never older than the question, and has a document made of it beside
#   the master (serving/).

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mesoslite.model import MasterPort

from .asking import ask
from .role_sums import ask_entitled
from .routes import methods
from .sight import seen_document, sight_of
from .v0.agents import agents_parts
from .v0.constraints import constraints_parts
from .v0.roles import roles_parts
from .v0.state import frameworks_parts, state_parts
from .v0.summary import summary_parts
from .v0.tasks import page_of, tasks_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    import libactor as la
    from mesoslite.model.view import View

    from .exchange import Exchange, Response
    from .routes import Endpoint, Routes
    from .serving import Part, Serving

# What of a cluster the documents tell.
TOLD: Mapping[str, tuple[str, ...]] = {
    "frameworks": ("frameworks", "tasks", "executors"),
    "offer_constraints_debug": ("frameworks",),
    "roles": ("frameworks", "roles"),
    "slaves": ("roles",),
    "state": ("frameworks", "tasks", "executors", "roles", "flags"),
    "state-summary": ("frameworks", "roles"),
    "tasks": ("frameworks", "tasks"),
}
CONSTRAINTS = "/hierarchical-allocator(1)/offer_constraints_debug"


def read_routes(master: la.PID[MasterPort], serving: Serving, flags: Mapping[str, str]) -> Routes:
    """The endpoints, for the master at that address; that it leads is for the caller to see to.

    ``flags`` are the options that its program was started with.
    """

    def show(
        form: str, parts: Callable[..., Iterator[Part]], asked: Callable[[Mapping[str, str]], Hashable] | None = None
    ) -> Endpoint:
        """Show what ``parts`` makes of a View as it is seen and, if told, of what was asked for by the query."""

        async def answer(exchange: Exchange) -> Response | None:
            query = () if asked is None else (asked(exchange.query),)
            sight = sight_of(exchange, *TOLD[form])
            view: View = await ask(master, MasterPort.view)
            return await serving.answer(
                exchange, seen_document(form, view, sight, partial(parts, view, sight, *query), *query)
            )

        return methods(GET=answer)

    async def roles(exchange: Exchange) -> Response | None:
        sight = sight_of(exchange, *TOLD["roles"])
        view: View = await ask(master, MasterPort.view)
        entitled = await ask_entitled(master, flags)
        parts = partial(roles_parts, view, sight, entitled)
        return await serving.answer(exchange, seen_document(entitled.form("roles"), view, sight, parts))

    return {
        CONSTRAINTS: show("offer_constraints_debug", constraints_parts),
        "/roles": methods(GET=roles),
        "/state": show("state", partial(state_parts, flags=flags)),
        "/state-summary": show("state-summary", partial(summary_parts, flags=flags)),
        "/slaves": show("slaves", agents_parts, lambda query: query.get("slave_id")),
        "/frameworks": show("frameworks", frameworks_parts, lambda query: query.get("framework_id")),
        "/tasks": show("tasks", tasks_parts, page_of),
    }
