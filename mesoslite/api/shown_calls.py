"""Shown calls: those of the operator API that show the cluster: all of it, or its tasks, agents, frameworks."""

# Who calls: master.py puts them into the table of operator_calls.py.
# Each asks the master for the View of now, which is never older than the question, and has a document made of it beside
#   the master (serving/); equal calls share it.

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mesoslite.model import MasterPort

from .asking import ask
from .common_calls import nothing
from .operator_calls import LargeCall, OperatorCalls
from .role_sums import ask_entitled
from .sight import seen_document, sight_of
from .v1 import state
from .v1.roles import roles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import libactor as la
    from mesoslite.model.view import View

    from .exchange import Exchange, Response
    from .serving import Part, Serving
    from .sight import Sight

PARTS: dict[str, Callable[[View, Sight], Iterator[Part]]] = {
    "GET_STATE": state.state,
    "GET_TASKS": state.tasks,
    "GET_EXECUTORS": state.executors,
    "GET_FRAMEWORKS": state.frameworks,
    "GET_AGENTS": state.agents,
    "GET_OPERATIONS": state.operations,
}
# What of a cluster they tell.
TOLD: dict[str, tuple[str, ...]] = {
    "GET_STATE": ("frameworks", "tasks", "executors", "roles"),
    "GET_TASKS": ("frameworks", "tasks"),
    "GET_EXECUTORS": ("frameworks", "executors"),
    "GET_FRAMEWORKS": ("frameworks",),
    "GET_AGENTS": ("roles",),
    "GET_OPERATIONS": ("frameworks", "roles"),
    "GET_ROLES": ("frameworks", "roles"),
}


def shown_calls(master: la.PID[MasterPort], serving: Serving, flags: Mapping[str, str]) -> OperatorCalls:
    """The calls, for the master at that address, whose program was started with the options ``flags``."""

    def show(kind: str, parts: Callable[[View, Sight], Iterator[Part]]) -> LargeCall:
        async def answer(exchange: Exchange, asked: None) -> Response | None:
            sight = sight_of(exchange, *TOLD[kind])
            view: View = await ask(master, MasterPort.view)
            document = seen_document(kind, view, sight, partial(_response, kind, partial(parts, view, sight)))
            return await serving.answer(exchange, document)

        return LargeCall(nothing, answer)

    async def show_roles(exchange: Exchange, asked: None) -> Response | None:
        sight = sight_of(exchange, *TOLD["GET_ROLES"])
        view: View = await ask(master, MasterPort.view)
        entitled = await ask_entitled(master, flags)
        parts = partial(_response, "GET_ROLES", partial(roles, view, sight, entitled))
        return await serving.answer(exchange, seen_document(entitled.form("GET_ROLES"), view, sight, parts))

    shown = {kind: show(kind, parts) for kind, parts in PARTS.items()}
    return {**shown, "GET_ROLES": LargeCall(nothing, show_roles)}


def _response(kind: str, parts: Callable[[], Iterator[Part]]) -> Iterator[Part]:
    """The whole of a response."""
    yield b'{"type":"%s","%s":' % (kind.encode(), kind.lower().encode())
    yield from parts()
    yield b"}"
