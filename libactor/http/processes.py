"""What all actors have before them: the page /__processes__."""

# Who calls: the application, on its event loop.
# Invariant: nobody is asked and nothing is waited for; the mailboxes are looked at. So an actor that is stuck, which is
#   what one comes to look for, holds up nothing.
# Only names are told, no arguments: those may be large, secret, or fail when they are turned into text.
# Source: libprocess process.cpp (__processes__), which asks each actor and therefore once hung on one that had gone.

from __future__ import annotations

from collections.abc import AsyncIterator
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

import msgspec

from libactor.events import Exited
from libactor.http.breathing import breathe
from libactor.http.response import Response

if TYPE_CHECKING:
    from libactor.process import Process
    from libactor.runtime import Runtime

SLICE = 500  # actors that are looked at in one go, a millisecond or so
EVENTS_MAX = 1000  # that are listed of one actor; how many more there are is said


async def answer_processes(runtime: Runtime) -> Response:
    """Every actor of ``runtime``, in order of spawning, as JSON: its id and what waits in its mailbox, in the order of
    serving.

    An actor with more than EVENTS_MAX has ``events_left_out`` besides. What comes in while it looks may be seen or not.
    """
    parts = [_describe_slice(entries) async for entries in slices(runtime)]
    return Response(200, b"[" + b",".join(parts) + b"]", {"content-type": "application/json"})


def _describe_slice(entries: list[tuple[str, Process]]) -> bytes:
    """What the page has of some actors, without brackets."""
    return msgspec.json.encode([_describe(name, process) for name, process in entries])[1:-1]


async def slices(runtime: Runtime) -> AsyncIterator[list[tuple[str, Process]]]:
    """The actors of ``runtime`` by id, some at a time; between them the event loop serves others."""
    processes = list(runtime._processes.items())  # made in one step
    for start in range(0, len(processes), SLICE):
        if start:
            await breathe()
        yield processes[start : start + SLICE]


def _describe(name: str, process: Process) -> dict[str, Any]:
    events = [_describe_event(event) for event in process.waiting(EVENTS_MAX)]
    left_out = len(process) - len(events)
    return {
        "id": name,
        "events": events,
        **({"events_left_out": left_out} if left_out > 0 and len(events) == EVENTS_MAX else {}),
    }


def _describe_event(event: Any) -> dict[str, str]:
    if type(event) is tuple:
        return {"type": "RESUME", "name": _name(event[1])}
    if type(event) is Exited:
        return {"type": "EXITED", "pid": str(event.pid)}
    kind = getattr(event, "kind", None)
    if kind == "message":
        sender = event.future
        return {
            "type": "MESSAGE",
            "name": type(event.what).__qualname__,
            **({"from": str(sender)} if sender is not None else {}),
        }
    if kind is not None:
        return {"type": "DISPATCH", "name": _name(event.what)}
    return {"type": type(event).__name__.upper()}


def _name(what: object) -> str:
    """What a handler is called: of a method it is the name, of an object its class."""
    if isinstance(what, str):
        return what
    if isinstance(what, (FunctionType, MethodType)):
        return what.__qualname__
    return what.__qualname__ if isinstance(what, type) else type(what).__qualname__
