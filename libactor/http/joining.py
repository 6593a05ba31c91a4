"""Joining: what of a response is said in one step goes out in one write, and what is large without being copied."""

# Who calls: connection.py, for each request that is answered by messages of ASGI, in which head and body come apart.
# Two writes are two system calls, and the client is woken by each. Of what is large the system gets the pieces as they
#   are: to join them, as uvicorn does with each chunk, takes a third of what it takes to send them.
# Invariant: what is written here reaches the transport in its order, and the head at the latest when the loop comes to
#   what it has to do next: a client that waits for the head of a stream has it as soon as before.
# Rejected: to wait for the body without end, which ASGI allows; of a stream it may come an hour later.

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from libactor.http.plain import JOINED_BYTES_MAX


class Joining:
    """What uvicorn's ``cycle`` has for its transport until the head of its response is out."""

    __slots__ = ("_cycle", "_head", "_loop", "_transport")

    def __init__(self, cycle: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._cycle = cycle
        self._loop = loop
        self._transport: asyncio.Transport = cycle.transport
        self._head = b""
        cycle.transport = self

    def write(self, data: bytes) -> None:
        """Send it, the head with what comes next."""
        if self._head:
            self._send(data)
        elif self._cycle.response_started:
            self._head = data
            self._loop.call_soon(self._flush)
        else:  # 100 Continue
            self._transport.write(data)

    def writelines(self, pieces: Iterable[bytes]) -> None:
        """Send them, the head before them."""
        head, self._head = self._head, b""
        self._cycle.transport = self._transport
        self._transport.writelines((head, *pieces) if head else pieces)

    def close(self) -> None:
        """Close the connection when all of it has gone out."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Drop the connection, behind the head."""
        self._flush()
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether the connection is being closed."""
        return self._transport.is_closing()

    def _flush(self) -> None:
        if self._head and not self._transport.is_closing():  # after which uvloop takes a write for a mistake
            self._send(b"")

    def _send(self, body: bytes) -> None:
        if len(body) > JOINED_BYTES_MAX:
            self.writelines((body,))
            return
        head, self._head = self._head, b""
        self._cycle.transport = self._transport
        self._transport.write(head + body)


async def send_large(cycle: Any, body: bytes) -> bool:
    """Send a piece of the response of ``cycle``, which goes on; False: this is uvicorn's, for it is not in chunks.

    Waits, as uvicorn does, while the client is slow to read.
    """
    if not cycle.chunked_encoding or cycle.response_complete or cycle.scope["method"] == "HEAD":
        return False
    if cycle.flow.write_paused and not cycle.disconnected:
        await cycle.flow.drain()
    if not cycle.disconnected:
        cycle.transport.writelines((b"%x\r\n" % len(body), body, b"\r\n"))
    return True


async def send_to_nobody(body: bytes) -> bool:
    """As ``send_large``, once the client has gone."""
    return True
