"""CallLine: a connection by which calls go out one after the other, each answered before the next."""

# Who calls: stream.py makes one for each subscription, calls.py sends by it, in the thread of the connection.
# Invariants: 1. one request is under way at a time, and none is sent twice.    2. a connection is used again only if
#   the answer before was read to its end, and KEPT_SECONDS have not passed since.    3. of an answer BODY_BYTES_MAX are
#   kept; the connection of a longer one ends.
# Why not the client that reads events: a framework acknowledges each status by a call, and for 2,000 of them the thread
#   of its connection took 1.4 s of the processor by that client, and takes 0.5 s by this.

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

CONNECT_SECONDS = 5.0
KEPT_SECONDS = 2.0  # that it is kept unused: masters close theirs after 5 s, which must not cross
BODY_BYTES_MAX = 2_000


class LineError(Exception):
    """There is no answer, and why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is its beginning."""

    status: int
    body: bytes


class CallLine:
    """To ``url``, a valid one with a path, at ``address`` of its host; ``headers`` go with each call."""

    def __init__(self, url: str, address: str, headers: Mapping[str, str]) -> None:
        import httpx2 as httpx  # takes longer than all the rest of a program that does not use HTTP

        place = httpx.URL(url)
        self._is_secure = place.scheme == "https"
        self._host, self._address, self._port = place.host, address, place.port or (443 if self._is_secure else 80)
        fields = [b"%s: %s\r\n" % (name.encode(), value.encode()) for name, value in headers.items()]
        self._head = b"POST %s HTTP/1.1\r\nhost: %s\r\n%s" % (place.raw_path, place.netloc, b"".join(fields))
        self._connection: _Connection | None = None

    async def post(self, content: bytes) -> Answer:
        """Send one call. Raises: LineError."""
        connection = self._connection
        if connection is None or not connection.is_fresh:
            self.close()
            connection = self._connection = await self._connect()
        return await connection.ask(b"%scontent-length: %d\r\n\r\n%s" % (self._head, len(content), content))

    def close(self) -> None:
        """End the connection, with what is under way."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await loop.create_connection(
                    _Connection,
                    self._address,
                    self._port,
                    ssl=_secure() if self._is_secure else None,
                    server_hostname=self._host if self._is_secure else None,
                )
        except OSError as error:  # TimeoutError among them
            raise LineError(str(error) or type(error).__name__) from error
        return connection


class _Connection(asyncio.Protocol):
    """One to the server; the methods below the line are called by the loop, and by the parser."""

    def __init__(self) -> None:
        import httptools

        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[Answer] | None = None  # to the request that is under way
        self._is_open = True
        self._used_at = self._loop.time()
        self._parser: Any = httptools.HttpResponseParser(self)
        self._begin()

    @property
    def is_fresh(self) -> bool:
        """Whether another request may go by it."""
        return self._is_open and self._loop.time() - self._used_at < KEPT_SECONDS

    async def ask(self, request: bytes) -> Answer:
        """Raises: LineError, if it ends before the answer has."""
        assert self._answer is None
        self._answer = self._loop.create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """An answer that is awaited does not come."""
        self._end("the connection was closed")

    def _begin(self) -> None:
        self._body = b""
        self._is_bounded = False  # the answer says where it ends
        self._has_head = False

    def _end(self, reason: str) -> None:
        self._is_open = False
        self._transport.abort()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(LineError(reason))

    def _finish(self, *, may_go_on: bool) -> None:
        answer, self._answer = self._answer, None
        self._used_at = self._loop.time()
        if answer is not None and not answer.done():
            answer.set_result(Answer(self._parser.get_status_code(), self._body))
        if not may_go_on:
            self._end("")

    # ------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        import httptools

        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._end(str(error))

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and self._has_head and not self._is_bounded and error is None:
            self._finish(may_go_on=False)
        else:
            self._end(str(error) if error is not None else "the server has closed the connection without an answer")

    def on_message_begin(self) -> None:
        if self._answer is None:
            self._end("")  # it says what it was not asked
        self._begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._is_bounded |= name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        self._has_head = self._parser.get_status_code() >= 200

    def on_body(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > BODY_BYTES_MAX and self._answer is not None:
            self._finish(may_go_on=False)

    def on_message_complete(self) -> None:
        if self._has_head:  # else only an interim answer
            self._finish(may_go_on=self._parser.should_keep_alive())


def _secure() -> ssl.SSLContext:
    import httpx2 as httpx

    return httpx.create_ssl_context(trust_env=False)
