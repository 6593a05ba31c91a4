"""Door: where connections come to the server's event loop that somebody else has accepted and begun to serve."""

# Who calls: front_connection.py hands over, from any thread, what is more than it can do; connection.py goes on there.
# Invariants: 1. a connection that is handed over has been let in: it is counted all the way, and never refused for
#   want of room.    2. it is served from the byte on at which a
#   request began that nobody has answered: what was read of it comes first, before what the socket still holds.
#   3. when the server ends nothing is left on its way.

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from libactor.http.connection import Connection
    from libactor.http.request import Request
    from libactor.http.response import Response
    from libactor.http.state import State

log = logging.getLogger("libactor.http")


@dataclass(eq=False, slots=True)
class Handover:
    """One connection, and how far it has come."""

    sock: socket.socket
    read: bytes  # from the start of a request on
    answer: tuple[Request, Response] | None = None  # to the first request in ``read``, not finished yet
    unsent: bytes = b""  # of an answer, ahead of everything else
    is_last: bool = False  # nothing follows after ``unsent``

    def drop(self) -> None:
        """Nobody takes it."""
        self.answer = None
        self.sock.close()


class Door:
    """The way in to one application of a server."""

    def __init__(self, create: Callable[..., Connection], state: State) -> None:
        self._create = create
        self._state = state
        self._loop = asyncio.get_running_loop()
        self._arrivals: set[asyncio.Task[None]] = set()

    @property
    def state(self) -> State:
        """What all connections of the server share."""
        return self._state

    def take(self, handover: Handover) -> None:
        """Have the loop serve it from now on; from any thread. If the server has ended it is closed."""
        self._state.arriving.add(handover)
        try:
            self._loop.call_soon_threadsafe(self._begin, handover)
        except RuntimeError:
            if not self._loop.is_closed():
                raise
            self._drop(handover)

    async def settled(self) -> None:
        """Wait until all who came are connections like any other."""
        while self._arrivals:
            await asyncio.wait(self._arrivals)

    def _begin(self, handover: Handover) -> None:
        if self._state.stopping:
            self._drop(handover)
            return
        task = self._loop.create_task(self._connect(handover))
        self._arrivals.add(task)
        task.add_done_callback(self._arrivals.discard)

    async def _connect(self, handover: Handover) -> None:
        try:
            await self._loop.connect_accepted_socket(partial(self._create, handover=handover), handover.sock)
        except OSError as error:
            log.info("a connection was lost on its way: %s", error)
            self._drop(handover)

    def _drop(self, handover: Handover) -> None:
        self._state.arriving.discard(handover)
        handover.drop()
