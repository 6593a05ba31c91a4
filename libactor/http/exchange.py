"""Exchange: one response of an application on its way out, so that whoever ends it knows how far it has come."""

# Who calls: connection.py wraps each application in it, and ends what is open when the server closes.
# Source: the ASGI specification, version 3; RFC 9112 6.1 and 6.3.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from libactor.http.plain import JOINED_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from libactor.http.server import Application, Message, Receive, Scope, Send


CLOSING = b"The server is closing."  # for whom it has not begun to answer
CLOSING_HEADERS = ((b"content-type", b"text/plain; charset=utf-8"),)


class Exchange:
    """One request and its response: sees how far the response got, so that it can be ended properly."""

    def __init__(self, send: Send, send_large: Callable[[bytes], Awaitable[bool]]) -> None:
        self._send = send
        self._send_large = send_large
        self.started = False
        self.headers: Iterable[tuple[bytes, bytes]] = ()
        self.complete = False

    async def send(self, message: Message) -> None:
        """Pass a message of the application on to the client."""
        if message["type"] == "http.response.start":
            self.started = True
            self.headers = message.get("headers", ())
        elif not message.get("more_body", False):
            self.complete = True
        elif len(body := message.get("body", b"")) > JOINED_BYTES_MAX and await self._send_large(body):
            return
        await self._send(message)

    async def end(self) -> bool:
        """End the response in whatever state it is; False if it cannot be ended so that the client can tell."""
        if not self.started:
            headers = [*CLOSING_HEADERS, (b"content-length", b"%d" % len(CLOSING)), (b"connection", b"close")]
            await self._send({"type": "http.response.start", "status": 503, "headers": headers})
            await self._send({"type": "http.response.body", "body": CLOSING, "more_body": False})
            return True
        if self.complete:
            return True
        if any(name.lower() == b"content-length" for name, _ in self.headers):
            return False  # else the end is a chunk of its own
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        return True


def without_chunks(cycle: Any, app: Application) -> Application:
    """``app`` for a client of HTTP/1.0, which knows no chunks: a body of unknown length ends with the connection.

    ``cycle`` is uvicorn's, of the request; it is told piece by piece that what is still to come is just that piece.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        has_length = False

        async def send_plain(message: Message) -> None:
            nonlocal has_length
            if message["type"] == "http.response.start":
                has_length = any(name.lower() == b"content-length" for name, _ in message.get("headers", ()))
                if not has_length:
                    cycle.chunked_encoding = False
            elif not has_length:
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await app(scope, receive, send_plain)

    return answer
