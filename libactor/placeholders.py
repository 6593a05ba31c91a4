"""Placeholders: ``_1`` stands for the first argument of the call wherever it is bound in ``defer``.

from libactor.placeholders import _1, _2

la.defer(pid, Store.put, _2, "x", key=_1)
"""

# Source: std::placeholders, which libprocess's defer takes.

from __future__ import annotations

from typing import final

__all__ = ["_1", "_2", "_3", "_4", "_5", "_6", "_7", "_8", "_9", "Placeholder"]


@final
class Placeholder:
    """Stands for the argument number ``place`` of a call, counted from 1."""

    __slots__ = ("place",)

    def __init__(self, place: int) -> None:
        if place < 1:
            raise ValueError(f"Placeholder: got {place}, expected 1 for the first argument of the call, or more")
        self.place = place

    def __repr__(self) -> str:
        return f"_{self.place}"


_1, _2, _3, _4, _5, _6, _7, _8, _9 = map(Placeholder, range(1, 10))
