"""FrontConnection: one connection while the worker of the runtime serves it: simple requests, one after the other."""

# Who calls: front.py makes them; the poller, when the socket is ready; whoever completes the future of a handler.
# Simple is a request of HTTP/1.1 whose head was read in one piece, without body, Expect and Upgrade, for a route that
#   needs nothing but its handler, and whose answer is there as a whole, needs no finish, and is taken by the system at
#   once. At the first thing that is not, the connection goes through the door to the event loop, with all that was
#   read since the start of the request, the handler's answer if there is one, and what could not be sent.
# Invariants: 1. one thread at a time works here: who comes second leaves a mark, and the first looks again. Nobody
#   waits.    2. at most READ_BYTES are kept, and nothing that is to be sent.    3. while a handler is at work nothing
#   is read: the socket's end is heard from the poller all the same, and discards the handler's future.
#   4. what our parser and that of the loop make of the same bytes is the same: it is the same parser, and a request
#   that is handed over is parsed there from its first byte.
# Rejected: parsing what comes in pieces, which would need deadlines and bounds that the loop has already.

from __future__ import annotations

import logging
import select
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httptools

from libactor._core._impl import ON_ABANDONED, ON_ANY
from libactor._core.clock import NANOSECONDS, monotonic_ns
from libactor.http.calling import unserved
from libactor.http.door import Handover
from libactor.http.exchange import CLOSING, CLOSING_HEADERS
from libactor.http.plain import JOINED_BYTES_MAX, plain_answer, refusal
from libactor.http.response import Response

if TYPE_CHECKING:
    from libactor.future import Future
    from libactor.http.calling import RouteTarget
    from libactor.http.front import Front
    from libactor.http.request import Request
    from libactor.http.state import State

log = logging.getLogger("libactor.http")

READ_BYTES = 8 * 1024  # at a time; what is parsed of it takes well below a millisecond
STEPS_MAX = 8  # in one go; who is asked for the answer to a request ends it, so it is only reached without
REST_NS = 5 * NANOSECONDS  # what a connection may rest between two requests
HEAD_END = b"\r\n\r\n"
NOT_SIMPLE = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade"})
END = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
NO_SIGNAL = int(socket.MSG_NOSIGNAL)


def refuse(state: State, sock: socket.socket, client: tuple[Any, ...]) -> None:
    """Say that there are too many; at once, since on its way to the loop it would still take a descriptor."""
    text = state.too_many()
    log.info("%s: 503: %s", client[:2], text)
    with sock, suppress(OSError):  # it may have gone already
        sock.send(refusal(503, text, state.default_headers), socket.MSG_DONTWAIT | NO_SIGNAL)


class FrontConnection:
    """One connection of a client. It is its parser's listener too."""

    def __init__(self, front: Front, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = sock.getpeername()
        self._front = front
        self._sock = sock
        self._client = (str(peer[0]), int(peer[1]))
        self._parser: Any = httptools.HttpRequestParser(self)
        self._turn = threading.Lock()  # whoever works here has it
        self._due = False  # there is something to look at
        self._open = True  # it is ours
        self._readable = False  # there may be something to read
        self._client_ends = False  # the poller has told so, which it does once
        self._read = b""  # and not served yet; the request that is being served is no part of it
        self._head = b""  # of the request that is being served
        self._request: Request | None = None
        self._target: RouteTarget | None = None
        self._future: Future[Any] | None = None  # of its handler
        self._keep_alive = True
        self._rests_since_ns = monotonic_ns()
        self._rest_ns = round(front.state.patience_s * NANOSECONDS)  # that it may, until the first request
        # What the parser has found in one head.
        self._begun = self._complete = 0
        self._is_simple = True
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []

    def begin(self) -> None:
        """Serve it from now on."""
        try:
            self._front.poller.watch(self._sock.fileno(), self._ready)
        except OSError as error:  # there is a limit to what may be watched
            log.info("%s: cannot be watched: %s", self._client, error)
            self._close()

    def tick(self) -> None:
        """Some time is over."""
        if self._future is None and monotonic_ns() - self._rests_since_ns > self._rest_ns:
            self.go_on()

    def go_on(self, _: object = None) -> None:
        """Do what there is to do; from any thread."""
        self._due = True
        while self._due and self._turn.acquire(blocking=False):
            self._due = False
            try:
                self._work()
            except Exception:  # of one client, who must not keep others from theirs
                log.exception("%s: a connection is closed, because serving it failed", self._client)
                self._close()
            finally:
                self._turn.release()

    def hand_over(
        self, answer: tuple[Request, Response] | None = None, unsent: bytes = b"", is_last: bool = False
    ) -> None:
        """Have the event loop go on from the start of the request that was read last and not answered."""
        self._open = False
        self._front.poller.forget(self._sock.fileno())
        self._front.door.take(Handover(self._sock, self._head + self._read, answer, unsent, is_last))
        self._end()

    def orphan(self) -> None:
        """In the child of a fork: see Front."""
        self._open = False
        self._sock.close()

    # Whose turn it is.

    def _ready(self, mask: int) -> None:
        """The poller says what the socket is ready for."""
        if mask & END:
            self._client_ends = True
        if mask & (select.EPOLLIN | END):
            self._readable = True
            self.go_on()

    def _work(self) -> None:
        for _ in range(STEPS_MAX):
            if not self._open or not self._step():
                return
        if self._future is not None:
            self._front.poller.call(self.go_on)
        elif self._open:  # it sends much that nobody is asked about: hundreds of the kind would hold up all actors
            self.hand_over()

    def _step(self) -> bool:
        """Do the next thing; False if there is none."""
        future = self._future
        if future is not None:
            if future.is_pending() and not future.is_abandoned():
                self._end_if_told(future)
                return False
            self._arrived(future)
        elif self._front.ending:
            self._close()
        elif self._front.retired:
            self.hand_over()
        elif self._read:
            self._serve()
        elif self._readable:
            return self._receive()
        else:
            if monotonic_ns() - self._rests_since_ns > self._rest_ns:
                self._close()
            return False
        return True

    def _end_if_told(self, future: Future[Any]) -> None:
        """While a handler is at work: has the client gone, or does the server end?"""
        if self._client_ends:
            self._close()
            future.discard()
        elif self._front.ending:
            future.discard()
            self._keep_alive = False
            self._send(503, CLOSING_HEADERS, CLOSING)

    # Reading.

    def _receive(self) -> bool:
        self._readable = False  # before the look: what comes after it is told, perhaps to another thread meanwhile
        try:
            self._read = self._sock.recv(READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            self._close()
            return False
        if not self._read:
            self._close()
            return False
        if self._client_ends or len(self._read) == READ_BYTES:
            self._readable = True
        return True

    def _serve(self) -> None:
        """Begin with the next request of what was read."""
        end = self._read.find(HEAD_END) + len(HEAD_END)
        scope = self._parse(self._read[:end]) if end >= len(HEAD_END) else None
        found = self._front.site.find_direct(scope) if scope is not None else None
        if found is None:
            self.hand_over()
            return
        self._head, self._read = self._read[:end], self._read[end:]
        self._request, target = found
        if isinstance(target, Response):
            self._answer(self._request, target)
            return
        try:
            future = target.ask(self._request, None)
        except Exception as error:
            self._answer(self._request, unserved(self._request, error))
            return
        self._target, self._future = target, future
        future._subscribe(ON_ANY, self.go_on)
        future._subscribe(ON_ABANDONED, self.go_on)

    def _parse(self, head: bytes) -> dict[str, Any] | None:
        """The request as ASGI says it; None, if it is not one simple request and nothing else."""
        self._begun = self._complete = 0
        self._is_simple = True
        try:
            self._parser.feed_data(head)
            if not self._is_simple or not self._begun == self._complete == 1:
                return None
            url: Any = httptools.parse_url(self._url)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return None
        if url.path is None or not url.path.isascii():  # a host alone, say
            return None
        path = url.path.decode("ascii")
        return {
            "method": self._parser.get_method().decode("ascii"),
            "path": unquote(path) if "%" in path else path,
            "raw_path": url.path,
            "query_string": url.query or b"",
            "headers": self._headers,
            "client": self._client,
            "scheme": "http",
            "root_path": "",
        }

    def on_message_begin(self) -> None:
        self._begun += 1
        self._url = b""
        self._headers = []

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name in NOT_SIMPLE:
            self._is_simple = False
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._keep_alive = self._parser.should_keep_alive()
        if self._parser.get_http_version() != "1.1":
            self._is_simple = False

    def on_message_complete(self) -> None:
        self._complete += 1

    # Answering.

    def _arrived(self, future: Future[Any]) -> None:
        """The handler has answered, or never will."""
        assert self._request is not None
        assert self._target is not None
        self._answer(self._request, self._target.response(future, self._request))

    def _answer(self, request: Request, response: Response) -> None:
        body = response.body
        if type(body) is not bytes or len(body) > JOINED_BYTES_MAX or not self._front.site.is_finished(response):
            self.hand_over((request, response))
        else:
            self._send(response.status, response.headers, body)

    def _send(self, status: int, headers: tuple[tuple[bytes, bytes], ...], body: bytes) -> None:
        assert self._request is not None
        keep_alive, defaults = self._keep_alive, self._front.state.default_headers
        head, body = plain_answer(self._request.method, keep_alive, status, defaults, headers, body)
        data = head + body
        self._head, self._request, self._target, self._future = b"", None, None, None
        try:
            sent = self._sock.send(data, NO_SIGNAL)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._close()
            return
        if sent < len(data):
            self.hand_over(unsent=data[sent:], is_last=not keep_alive)
        elif not keep_alive:
            self._close()
        else:
            self._rests_since_ns = monotonic_ns()
            self._rest_ns = REST_NS

    # The end.

    def _close(self) -> None:
        if self._open:
            self._open = False
            self._front.poller.forget(self._sock.fileno())
            self._sock.close()
            self._end()

    def _end(self) -> None:
        self._head = self._read = b""
        self._parser = self._request = self._target = self._future = None
        self._front.drop(self)
