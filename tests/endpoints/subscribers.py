"""Subscribers to a stream of an application, without sockets."""

import asyncio
import json
import queue
import threading

from mesoslite.model.v1 import Records

from .fakes import BOUND

SUBSCRIBE = b'{"type": "SUBSCRIBE"}'
HEARTBEAT = {"type": "HEARTBEAT"}


class Loop:
    """An event loop in a thread of its own, as a server has one."""

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        return self

    def __exit__(self, *error):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(BOUND)
        self.loop.close()

    def subscriber(self, app, body=SUBSCRIBE, path="/api/v1", reads=True, headers=()):
        return Subscriber(self, app, body, path, reads, headers)

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)


class Subscriber:
    """A client that has asked and reads what it gets; one that does not read takes the head and no byte more."""

    def __init__(self, loop, app, body, path, reads, headers):
        self._records = Records()
        self._arrived = queue.SimpleQueue()  # pieces; None at the end, an error if the stream was cut
        self._events = []
        self._head = queue.SimpleQueue()
        self._reads = asyncio.Event()
        self._loop = loop
        if reads:
            self._reads.set()
        scope = {
            "type": "http", "method": "POST", "path": path, "query_string": b"", "server": ("127.0.0.1", 5050),
            "headers": [(b"content-type", b"application/json"), *headers],
        }  # fmt: skip
        self._gone = asyncio.Event()
        self._asked = iter([{"type": "http.request", "body": body, "more_body": False}])
        self._served = loop.run(self._serve(app, scope))

    async def _serve(self, app, scope):
        try:
            await app(scope, self._receive, self._send)
        except ConnectionAbortedError as error:
            self._arrived.put(error)
        else:
            self._arrived.put(None)

    async def _receive(self):
        for message in self._asked:
            return message
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message):
        if message["type"] == "http.response.start":
            headers = {name.decode(): value.decode() for name, value in message["headers"]}
            self._head.put((message["status"], headers))
            return
        await self._reads.wait()
        self._arrived.put(message["body"])

    def head(self):
        """Wait for the status and the headers, and return them."""
        return self._head.get(timeout=BOUND)

    def event(self):
        """The next event; None at the end. Raises: ConnectionAbortedError, if the stream was cut."""
        while not self._events:
            piece = self._arrived.get(timeout=BOUND)
            if isinstance(piece, Exception):
                raise piece
            if piece is None:
                assert self._records.is_between_records
                return None
            self._events += [json.loads(record) for record in self._records.feed(piece)]
        return self._events.pop(0)

    def until_heartbeat(self):
        """All events until the next heartbeat."""
        found = []
        while (event := self.event()) not in (HEARTBEAT, None):
            found.append(event)
        return found

    def release(self):
        """Read from now on."""
        self._loop.loop.call_soon_threadsafe(self._reads.set)

    def leave(self):
        """Close the connection."""
        self._loop.loop.call_soon_threadsafe(self._gone.set)
        self._served.result(BOUND)
