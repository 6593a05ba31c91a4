"""Connections of an HttpServer: how requests reach applications, and what clients may keep us busy with."""

# Who calls: libactor/http/listeners.py makes one for each client. Everything here runs on the server's event loop.
# Invariants: 1. a request reaches its application once, in its turn.    2. what one connection can make us keep is
#   bounded: HEAD_BYTES_MAX of request line and headers, as much of trailers (which are read and dropped), one buffer of
#   body and one buffer of response, both bounded by uvicorn's flow control; and, while requests wait for their turn,
#   those of PIECE_BYTES and one buffer of what came behind them.
#   3. who owes us the rest of a request holds a connection for a bounded time; so does who sends nothing at all. A body
#   has all the time that its application gives it (presence.py).
#   4. connections are bounded, so that clients never use up the descriptors that the rest of the process needs.
# States of a connection: between requests -> head -> body -> between requests, whatever the responses do meanwhile.
# The protocol is uvicorn's; overridden is what it leaves open: the bounds, the deadline, the logger, a way to cut.
# Rejected: a deadline for a response. Streams of events last for ever, and a slow reader costs one bounded buffer.

from __future__ import annotations

import asyncio
import enum
import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from libactor.http.application import Site
from libactor.http.exchange import CLOSING, CLOSING_HEADERS, without_chunks
from libactor.http.joining import Joining, send_large, send_to_nobody
from libactor.http.plain import JOINED_BYTES_MAX, plain_answer, refusal
from libactor.http.presence import GONE

if TYPE_CHECKING:
    from libactor.http.direct import DirectCall
    from libactor.http.door import Handover
    from libactor.http.server import Application
    from libactor.http.state import State

log = logging.getLogger("libactor.http")

HEAD_BYTES_MAX = 64 * 1024  # of request line and headers; what browsers and proxies send stays below 16 KiB
BODY_BYTES_MIN = 1024  # of a body, in the time that is given, from a client that is slow and not idle
PIECE_BYTES = 4 * 1024  # that are parsed at a time, but for bodies: requests take many times the room they came in
REST_TICKS = 5  # what a connection may rest between two requests
OURS = "libactor.http.connection"  # extension of the scope: what cuts it, and what sends large pieces of a body


class ProtocolLog(logging.Logger):
    """What uvicorn logs of a connection: its errors. Of broken requests we tell ourselves, and at a level that a
    stranger may fill."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802  # logging's own name
        return level >= logging.ERROR and log.isEnabledFor(level)


_protocol_log = ProtocolLog(log.name, logging.ERROR)
_protocol_log.parent = log


class Reading(enum.Enum):
    """What a connection reads next."""

    NEXT = enum.auto()  # the first byte of a request
    HEAD = enum.auto()
    BODY = enum.auto()  # and what may follow it, the trailers


class Connection(HttpToolsProtocol):
    """One connection of a client."""

    server_state: State
    cycle: Any  # uvicorn's, of the last request whose headers were read; None before the first

    def __init__(
        self,
        guard: Callable[[Application], Application],
        site: Site | None,
        handover: Handover | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(**arguments)
        self.guard = guard
        self.site = site
        self.handover = handover  # what somebody else has left to do, until that is done

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.logger = _protocol_log  # instead of uvicorn's own, which belongs to the program we are in
        self.access_log = False
        self.reading = Reading.NEXT
        self.phase = 0  # counts the changes of ``reading``
        self.unread_bytes = 0  # received of a head, or since the last byte of a body, but for what came with its start
        self.body_bytes = 0  # of a body, since the deadline was set
        self.body_left = 0  # of a body, still to come; 0 if its length was not said
        self.body_pieces: list[bytes] = []  # of a body, read and not passed on
        self.rest_ticks = 0  # since the last bytes came
        self.unparsed = b""  # behind requests that wait for their turn
        self.deadline: asyncio.TimerHandle | None = None
        self.served: Any = None  # uvicorn's cycle of the request whose application runs, or ran last
        self.watchers: set[Callable[[], None]] = set()  # of requests that are being served: call when the client goes
        self.direct_call: DirectCall | None = None  # what the request that is being served has become
        functions = {"cut": self._cut, "send_large": self._send_large}
        self.extensions: dict[str, Any] = {OURS: functions, GONE: {"watchers": self.watchers, "is_patient": False}}
        self.server_state.idle.clear()
        self._enter(transport)
        if self.handover is not None:  # it has been let in where it was accepted
            self.server_state.arriving.discard(self.handover)
            self._set_deadline()
            self._go_on_for(self.handover)
        elif self.server_state.count() > self.server_state.connections_max:
            self._refuse(503, self.server_state.too_many())
        else:
            self._set_deadline()

    def _enter(self, transport: asyncio.Transport) -> None:
        """As uvicorn does, which asks the system for both addresses again, by a socket made for each."""
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        self.server, self.client = [_address(transport.get_extra_info(name)) for name in ("sockname", "peername")]
        self.scheme = "http"

    def _go_on_for(self, handover: Handover) -> None:
        """Go on where somebody else has left off."""
        if handover.unsent:
            self.transport.write(handover.unsent)
        if handover.is_last:
            self.transport.close()
        elif handover.read:
            self.loop.call_soon(self.data_received, b"")  # unless more comes first; here it cannot stop the reading yet

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.server_state.answered.discard(self)
        if self.served is not None:  # else uvicorn tells the last request alone, which may wait behind this one
            self.served.disconnected = True
            self.served.message_event.set()
        self._let_go()
        for leave in list(self.watchers):
            leave()
        if self.direct_call is not None:
            self.direct_call.leave()
        self.handover = None
        self._clear_deadline()
        if not self.connections:
            self.server_state.idle.set()

    def _let_go(self) -> None:
        """What is over goes without the collector: nothing that we hold may hold us."""
        self.extensions[GONE]["watchers"] = None
        self.extensions[OURS].update(cut=self.transport.abort, send_large=send_to_nobody)
        if self.served is not None:
            self.served.transport = self.transport  # a head may still wait for its body

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self.handover is not None and self.handover.read:
            data, self.handover.read = self.handover.read + data, b""
        if self.unparsed:
            data, self.unparsed = self.unparsed + data, b""
        self.rest_ticks = 0
        rest = memoryview(data)
        while rest:
            if self.pipeline:
                self.unparsed = bytes(rest)
                break
            size = max(PIECE_BYTES, self.body_left)  # no request hides in what is known to be of a body
            self._parse(rest[:size])
            if self.transport.is_closing():
                return
            rest = rest[size:]
        self._pass_on_body()
        if self.deadline is None and self._is_owed():
            self._set_deadline()

    def _parse(self, data: memoryview) -> None:
        """Make of the next bytes what they are."""
        phase, body_bytes = self.phase, self.body_bytes
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse(400, "Invalid HTTP request received.")
        except httptools.HttpParserUpgrade as upgrade:
            self._stay(data[upgrade.args[0] :])
        if self.transport.is_closing():
            return
        if self.phase != phase:
            self._clear_deadline()
        elif self.body_bytes == body_bytes:
            self.unread_bytes += len(data)
            if self.unread_bytes > HEAD_BYTES_MAX:
                part = "trailers" if self.reading is Reading.BODY else "request line and headers"
                self._refuse(400, f"The {part} are larger than {HEAD_BYTES_MAX} bytes.")

    def _stay(self, rest: memoryview) -> None:
        """Read a request that offers another protocol as one that does not, and ``rest``, what follows its head."""
        if self.parser.get_method() == b"CONNECT":
            self._refuse(400, "Invalid HTTP request received.")
            return
        line = b"%b %b HTTP/%b\r\n" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        fields = [b"%b: %b\r\n" % field for field in self.headers if field[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
        self._parse(memoryview(b"".join((line, *fields, b"\r\n"))))
        if rest and not self.transport.is_closing():
            self._parse(rest)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self.served = cycle
        if self.site is None or self.server_state.stopping:
            self._run(cycle, app)
        elif self.handover is not None and self.handover.answer is not None:
            answer, self.handover = self.handover.answer, None
            self.go_on(cycle, partial(self.site.send_answer, *answer))
        else:
            self.site.start(self, cycle.scope)

    def go_on(self, cycle: Any, app: Application) -> None:
        """Have ``app`` answer the request of ``cycle``."""
        self._run(cycle, self.guard(app))

    def _run(self, cycle: Any, app: Application) -> None:
        if cycle.scope["http_version"] < "1.1":
            app = without_chunks(cycle, app)
        if cycle.scope["method"] != "HEAD":  # of whose answer only the head is written
            Joining(cycle, self.loop)
        super()._start_asgi_task(cycle, app)  # type: ignore[arg-type]  # whose types are narrower

    def answer(self, cycle: Any, status: int, headers: tuple[tuple[bytes, bytes], ...], body: bytes) -> None:
        """Answer the request of ``cycle``, of which nothing has been answered yet, with all there is."""
        if cycle.disconnected:
            return
        head, body = plain_answer(
            cycle.scope["method"], cycle.keep_alive, status, self.server_state.default_headers, headers, body
        )
        if len(body) > JOINED_BYTES_MAX:
            self.transport.writelines((head, body))
        else:
            self.transport.write(head + body)
        cycle.response_started = cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()

    def end_direct_call(self) -> None:
        """The server ends: what has not been answered yet will not be."""
        if self.direct_call is not None:
            self.direct_call.leave()
            self.answer(self.served, 503, CLOSING_HEADERS, CLOSING)

    def on_response_complete(self) -> None:
        """As uvicorn does, but for a timer for each response: tick() tells how long a connection rests."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.server_state.answered.add(self)
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        self.rest_ticks = 0
        if self.pipeline:
            return
        if self.unparsed:
            self.loop.call_soon(self.data_received, b"")
        else:
            self.flow.resume_reading()

    def tick(self) -> None:
        """Another second is over since an answer: close a connection that rests between two requests for too long."""
        self.rest_ticks += 1
        rests = self.reading is Reading.NEXT and self.cycle.response_complete
        if rests and self.rest_ticks > REST_TICKS and not self.transport.is_closing():
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.server_state.answered.discard(self)
        self._read(Reading.HEAD)
        self.scope["extensions"] = self.extensions
        self.extensions[GONE]["is_patient"] = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.reading is Reading.HEAD:  # else a trailer, which nothing asks for and which must pass for no header
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():  # its body would pass for the next request: see _stay
            return
        super().on_headers_complete()
        self._read(Reading.BODY)
        self.body_left = int(dict(self.headers).get(b"content-length", 0))  # which the parser has checked

    def on_body(self, body: bytes) -> None:
        self.body_bytes += len(body)
        self.body_left = max(0, self.body_left - len(body))
        self.unread_bytes = 0
        self.body_pieces.append(body)

    def _pass_on_body(self) -> None:
        """As uvicorn does with each piece, which copies what there is already to add a few KiB."""
        pieces, self.body_pieces = self.body_pieces, []
        if pieces and not self.cycle.response_complete:
            self.cycle.body += b"".join(pieces)
            if len(self.cycle.body) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
            self.cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._pass_on_body()
        super().on_message_complete()
        self._read(Reading.NEXT)

    def _read(self, part: Reading) -> None:
        self.reading = part
        self.phase += 1
        self.unread_bytes = 0
        self.body_left = 0

    def _is_owed(self) -> bool:
        """Whether it is the client's turn to send."""
        return self.reading is not Reading.NEXT or self.cycle is None or self.cycle.response_complete

    def _set_deadline(self) -> None:
        self.body_bytes = 0
        self.deadline = self.loop.call_later(self.server_state.patience_s, self._expire)

    def _cut(self) -> None:
        """Drop the connection; what was said before, the head of a response for one, is sent if it can be at once."""
        self.served.transport.abort()

    async def _send_large(self, body: bytes) -> bool:
        return await send_large(self.served, body)

    def _clear_deadline(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def _expire(self) -> None:
        """The client's time is over, unless we have not read meanwhile, or it is slow but sends its body."""
        self.deadline = None
        if self.transport.is_closing() or not self._is_owed():
            return
        is_patient = self.body_bytes >= BODY_BYTES_MIN or self.extensions[GONE]["is_patient"]
        if self.flow.read_paused or (self.reading is Reading.BODY and is_patient):
            self._set_deadline()
            return
        if self.reading is Reading.NEXT:
            self.transport.close()  # nothing was asked, so there is nothing to answer
            return
        part = "body" if self.reading is Reading.BODY else "request line and headers"
        self._refuse(408, f"The {part} did not come within {self.server_state.patience_s:g} seconds.")

    def _refuse(self, status: int, text: str) -> None:
        """Answer and close; without an answer where it would land in the middle of another."""
        log.info("%s: %d: %s", self.client, status, text)
        if not self._is_free():
            self.transport.abort()
            return
        self.transport.write(refusal(status, text, self.server_state.default_headers))
        self.transport.close()

    def _is_free(self) -> bool:
        """Whether an answer would come at the start of a response, to the request that is being read."""
        if self.cycle is None or self.pipeline:
            return not self.pipeline
        if self.reading is Reading.BODY:
            return not self.cycle.response_started
        return bool(self.cycle.response_complete)


def _address(name: Any) -> tuple[str, int] | None:
    return name[:2] if name is not None else None  # None: it has gone already
