"""Clients of a streamed answer, all on one event loop, each of which reads when the test lets it."""

import asyncio
import gzip
import json


class Reader:
    """One client. ``allowed`` is how many pieces it takes before it stops reading, None for all."""

    def __init__(self, app, path, *, method="GET", query="", allowed=None, **headers):
        self.status, self.headers, self.pieces = 0, {}, []
        self.is_through = False
        self.stopped = asyncio.Event()  # it has read what it was to read, and is given more
        self._allowed = allowed
        self._reads, self._gone = asyncio.Event(), asyncio.Event()
        self._scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
            "server": ("127.0.0.1", 5050),
        }
        self.task = asyncio.ensure_future(app(self._scope, self._receive, self._send))

    @property
    def body(self):
        body = b"".join(self.pieces)
        return gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body

    @property
    def document(self):
        return json.loads(self.body)

    def read_on(self):
        self._allowed = None
        self._reads.set()

    def leave(self):
        self._gone.set()
        self.read_on()

    async def _receive(self):
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message):
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        if self._allowed is not None and len(self.pieces) >= self._allowed:
            self.stopped.set()
            await self._reads.wait()
        if not self._gone.is_set():
            self.pieces.append(message["body"])
            self.is_through = not message["more_body"]
