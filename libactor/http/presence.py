"""Presence: whether the client of a request is still there, and what it sends while it is being served."""

# Who calls: application.py, one for each request.
# Our server tells by itself when a connection ends (connection.py). Of another one it is heard by asking for the next
#   message, for which nobody else may ask then; so a body that a handler wants as a stream is fed by the same task.
# Invariants: 1. a client that has left cancels the task of its request once.    2. no task is left behind.

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from libactor.http.waking import waking

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from libactor.http.pipe import Writer
    from libactor.http.server import Message, Receive, Scope

# Extension of the scope: the functions to call when the connection is lost, None: it is; and whether a body may rest.
GONE = "libactor.http.gone"


class Presence:
    """The client of one request, as the task that serves it sees it."""

    __slots__ = ("__weakref__", "_feeding", "_left", "_receive", "_task", "_watchers", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self._receive = receive
        self._task = asyncio.current_task()
        self._feeding: asyncio.Task[None] | None = None
        self._left = False
        extension = scope.get("extensions", {}).get(GONE)
        self._watchers: set[Callable[[], None]] | None = None if extension is None else extension["watchers"]
        if self._watchers is not None:
            self._watchers.add(self._leave)

    def watch(self) -> None:
        """Be told from now on; the whole request has been read."""
        if self._watchers is None:
            self._feeding = asyncio.ensure_future(self._wait())

    def be_patient(self) -> None:
        """The body of this request comes as slowly as its client likes, and need not end, as of a conversation."""
        extension = self.scope.get("extensions", {}).get(GONE)
        if extension is not None:
            extension["is_patient"] = True

    def feed(self, writer: Writer) -> None:
        """Write the body as it comes, at the pace of who reads it, and be told when the client goes."""
        self._feeding = asyncio.ensure_future(self._feed(writer))

    async def receive(self) -> Message:
        """The next part of the request. Raises: CancelledError once the client has gone."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._left = True
            raise asyncio.CancelledError("the client has gone")
        return message

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """The request is over. What the client has cancelled by leaving is; what others have is raised."""
        if self._watchers is not None:
            self._watchers.discard(self._leave)
        if self._feeding is not None:
            self._feeding.cancel()
        if not self._left or not isinstance(error, asyncio.CancelledError) or self._task is None:
            return False
        return self._task.cancelling() == 0 or self._task.uncancel() == 0

    def _leave(self) -> None:
        if not self._left and self._task is not None:
            self._left = True
            self._task.cancel()

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    async def _feed(self, writer: Writer) -> None:
        try:
            while await self._pass_on(writer):
                pass
        finally:
            writer.fail(ConnectionResetError("the request is over, or its client has gone, before the end of its body"))
        if self._watchers is None:
            await self._wait()

    async def _pass_on(self, writer: Writer) -> bool:
        """Write one part of the body; False when there is no more, or nobody wants it."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._leave()
            return False
        written = writer.write(message.get("body", b""))
        if written.is_pending():
            await waking().end_of(written)
        if not written.get(0):
            return False
        more: bool = message.get("more_body", False)
        if not more:
            writer.close()
        return more
