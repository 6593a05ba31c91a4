"""State: what all connections of one server share."""

# Who calls: listeners.py makes it; connections (connection.py), doors and fronts count themselves in it. It belongs to
#   the server's event loop, but for what others add to: those on their way to it, and who serves elsewhere.

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from uvicorn.server import ServerState

from libactor.http.options import affordable_connections

if TYPE_CHECKING:
    from libactor.http.connection import Connection
    from libactor.http.door import Handover


class State(ServerState):
    """What all connections share; ``idle`` is set while there is none."""

    def __init__(self, patience_s: float, connections_max: int | None) -> None:
        super().__init__()
        self.patience_s = patience_s
        self.connections_max = connections_max if connections_max is not None else affordable_connections()
        self.stopping = False
        self.arriving: set[Handover] = set()  # accepted elsewhere, and on their way to the loop
        self.answered: set[Connection] = set()  # whose last request was, and which may rest: others are left alone
        self.elsewhere: list[Callable[[], int]] = []  # who serves connections of this server: how many
        self.idle = asyncio.Event()
        self.idle.set()

    def count(self) -> int:
        """How many connections there are."""
        return len(self.connections) + len(self.arriving) + sum([others() for others in self.elsewhere])

    def too_many(self) -> str:
        """What is said to one more."""
        return f"There are {self.connections_max} connections already; try again later."

    def tick(self) -> None:
        """Another second is over. Of ten thousand streams not one rests, and to ask each would take milliseconds."""
        for connection in list(self.answered):
            connection.tick()

    def drop_arriving(self) -> None:
        """The loop has ended: what was on its way to it is closed."""
        while self.arriving:
            self.arriving.pop().drop()
