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
from .serving import Document
from .v1 import state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


def shown_calls(master: la.PID[MasterPort], serving: Serving) -> OperatorCalls:
    """The calls, for the master at that address."""

    def show(kind: str, parts: Callable[[View], Iterator[Part]]) -> LargeCall:
        async def answer(exchange: Exchange, asked: None) -> Response | None:
            view: View = await ask(master, MasterPort.view)
            version = view.master.info.id, view.number
            return await serving.answer(exchange, Document(kind, version, partial(_response, kind, parts, view)))

        return LargeCall(nothing, answer)

    return {kind: show(kind, parts) for kind, parts in PARTS.items()}


def _response(kind: str, parts: Callable[[View], Iterator[Part]], view: View) -> Iterator[Part]:
    """The whole of a response."""
    yield b'{"type":"%s","%s":' % (kind.encode(), kind.lower().encode())
    yield from parts(view)
    yield b"}"
