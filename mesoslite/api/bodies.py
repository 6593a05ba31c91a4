"""Bodies: how much of requests' bodies one application holds, and whose turn it is to read a large one."""

# Who calls: routes.py makes one for each application; exchange.py takes from it.
# Invariants: 1. what is held of bodies beyond the first SMALL_BYTES of each is at most ``bytes_max``.    2. one large
#   body is read at a time, in a thread: the others go on as if there were one such client, however many there are.
# Small bodies are not counted: who sends large ones slowly must not keep the small ones of others out.

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

SMALL_BYTES = 64 * 1024
BODIES_BYTES_MAX = 256 * 1024 * 1024


class Bodies:
    """Of one application."""

    def __init__(self, bytes_max: int = BODIES_BYTES_MAX) -> None:
        self._left = bytes_max
        self._turn = asyncio.Lock()

    def take(self, held: int, grown: int) -> bool:
        """Whether a body may grow from ``held`` bytes to ``grown``, which it then has."""
        more = max(grown - SMALL_BYTES, 0) - max(held - SMALL_BYTES, 0)
        if more > self._left:
            return False
        self._left -= more
        return True

    def give_back(self, held: int) -> None:
        """A body of ``held`` bytes is let go of."""
        self._left += max(held - SMALL_BYTES, 0)

    async def in_turn(self, read: Callable[[], T]) -> T:
        """Read a large body, in a thread, once those before it have been."""
        async with self._turn:
            return await asyncio.to_thread(read)
