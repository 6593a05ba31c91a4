"""Crossing: what becomes of values on their way from one simulated host to another."""

# Who calls: the network. Values go through the codec of the wire, so that what works in a simulation works over TCP.

from __future__ import annotations

import itertools
from typing import Any

from libactor._core.errors import NotPassable
from libactor.codec import round_trip

REMEDY = "or keep both actors on one host"
PLAIN = frozenset({int, float, bool, bytes, type(None)})  # any of these can be encoded, and comes back the same


def cross_error(error: BaseException) -> BaseException:
    """What another host gets for ``error``; a RuntimeError with its name and text, if it cannot be encoded."""
    try:
        crossed: BaseException = cross_value(error, "error")
    except NotPassable:
        return RuntimeError(f"{type(error).__qualname__}: {error}")
    return crossed


def cross_value(value: Any, place: str) -> Any:
    """What another host gets for ``value``. Raises: NotPassable."""
    if type(value) in PLAIN:
        return value
    crossed, local = round_trip(value, place, REMEDY)
    if local:
        raise NotPassable(
            f"{place}: a {type(local[0]).__qualname__} works inside one host only; send what it stands for"
        )
    return crossed


def check_event(event: Any) -> None:
    """Raise NotPassable if what ``event`` brings cannot cross."""
    if event.kind == "message":
        cross_value(event.what, f"message {type(event.what).__qualname__}")
        return
    for place, value in itertools.chain(enumerate(event.arguments, 1), event.keywords.items()):
        cross_value(value, f"argument {place} of {event.what}")
