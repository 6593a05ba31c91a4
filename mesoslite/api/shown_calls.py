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
from .serving import Document
from .v1 import state
from .v1.roles import roles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import libactor as la
    from mesoslite.model.view import View

    from .exchange import Exchange, Response
    from .serving import Part, Serving

PARTS: dict[str, Callable[[View], Iterator[Part]]] = {
    "GET_STATE": state.state,
    "GET_TASKS": state.tasks,
    "GET_EXECUTORS": state.executors,
    "GET_FRAMEWORKS": state.frameworks,
    "GET_AGENTS": state.agents,
    "GET_OPERATIONS": state.operations,
}


def shown_calls(master: la.PID[MasterPort], serving: Serving, flags: Mapping[str, str]) -> OperatorCalls:
    """The calls, for the master at that address, whose program was started with the options ``flags``."""

    def show(kind: str, parts: Callable[[View], Iterator[Part]]) -> LargeCall:
        async def answer(exchange: Exchange, asked: None) -> Response | None:
            view: View = await ask(master, MasterPort.view)
            version = view.master.info.id, view.number
            return await serving.answer(exchange, Document(kind, version, partial(_response, kind, parts, view)))

        return LargeCall(nothing, answer)

    async def show_roles(exchange: Exchange, asked: None) -> Response | None:
        view: View = await ask(master, MasterPort.view)
        entitled = await ask_entitled(master, flags)
        version, parts = (view.master.info.id, view.number), partial(roles, entitled=entitled)
        document = Document(entitled.form("GET_ROLES"), version, partial(_response, "GET_ROLES", parts, view))
        return await serving.answer(exchange, document)

    shown = {kind: show(kind, parts) for kind, parts in PARTS.items()}
    return {**shown, "GET_ROLES": LargeCall(nothing, show_roles)}


def _response(kind: str, parts: Callable[[View], Iterator[Part]], view: View) -> Iterator[Part]:
    """The whole of a response."""
    yield b'{"type":"%s","%s":' % (kind.encode(), kind.lower().encode())
    yield from parts(view)
    yield b"}"
