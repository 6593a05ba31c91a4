"""Connections: what comes at once is accepted at once, and what is said at once is written at once."""

import asyncio
import gc
import socket
import threading
import weakref
from types import SimpleNamespace

import pytest

from libactor.http import HttpServer
from libactor.http.connection import Connection
from libactor.http.joining import Joining
from libactor.http.listeners import ACCEPTED_AT_ONCE
from libactor.http.plain import JOINED_BYTES_MAX

pytestmark = pytest.mark.real

BOUND = 60.0  # seconds after which a test has failed
GET = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Recorder:
    """A transport that notes what is written at a time."""

    def __init__(self, transport, writes):
        self._transport = transport
        self._writes = writes

    def __getattr__(self, name):
        return getattr(self._transport, name)

    def write(self, data):
        self._writes.append(bytes(data))
        self._transport.write(data)

    def writelines(self, pieces):
        self._writes.append(b"".join(pieces))
        self._transport.writelines(pieces)


@pytest.fixture
def writes(monkeypatch):
    noted = []
    made = Connection.connection_made
    monkeypatch.setattr(Connection, "connection_made", lambda self, transport: made(self, Recorder(transport, noted)))
    return noted


@pytest.fixture
def server():
    with HttpServer() as server:
        yield server


def connect(url):
    host, _, port = url.partition("//")[2].partition(":")
    return socket.create_connection((host, int(port)), timeout=BOUND)


def read_all(client):
    answer = b""
    while data := client.recv(1 << 16):
        answer += data
    return answer


def saying(*pieces, headers=()):
    """The application that says so much, the head first, without a pause."""

    async def answer(scope, receive, send):
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
        for piece in pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return answer


@pytest.mark.parametrize("size", [1, JOINED_BYTES_MAX + 1])
def test_the_head_goes_out_with_the_first_piece_of_the_body(server, writes, size):
    body = b"x" * size
    length = (b"content-length", b"%d" % size)
    with connect(server.listen(saying(body, headers=[length]))) as client:
        client.sendall(GET)

        answer = read_all(client)

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\n" + body)
    assert [piece for piece in writes if piece] == [answer]


def test_what_follows_is_written_when_it_is_said(server, writes):
    with connect(server.listen(saying(b"one", b"two"))) as client:
        client.sendall(GET)

        answer = read_all(client)

    assert b"".join(writes) == answer
    assert [piece.rpartition(b"\r\n\r\n")[2] for piece in writes[:2]] == [b"3\r\none\r\n", b"3\r\ntwo\r\n"]


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
def test_large_pieces_are_written_as_they_are(server, monkeypatch, method):
    pieces = [bytes([letter]) * (JOINED_BYTES_MAX + 1) for letter in b"ab"]
    lines = []
    made = Connection.connection_made

    class Lines(Recorder):
        def writelines(self, pieces):
            lines.append(list(pieces))
            self._transport.writelines(pieces)

    monkeypatch.setattr(Connection, "connection_made", lambda self, transport: made(self, Lines(transport, [])))
    with connect(server.listen(saying(*pieces))) as client:
        client.sendall(GET.replace(b"GET", method))
        answer = read_all(client)

    chunks = b"".join([b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces])
    if method == b"HEAD":
        assert (answer.partition(b"\r\n\r\n")[2], lines) == (b"", [])
    else:
        assert answer.endswith(b"\r\n\r\n" + chunks + b"0\r\n\r\n")
        assert [sum(part is piece for part in line) for line, piece in zip(lines, pieces, strict=True)] == [1, 1]


def test_a_reader_that_is_slow_holds_up_large_pieces(server):
    sent = []

    async def answer(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(100):
            await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
            sent.append(1)

    with connect(server.listen(answer)) as client:
        client.sendall(GET)
        client.recv(1)
        loop = server._loop
        for _ in range(3):  # turns in which it would go on, if it did not wait
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(BOUND)

        assert len(sent) < 50


# Goal: who waits for a head is not kept waiting for a body. Method: the body comes when the client has the head.
def test_a_head_without_a_body_does_not_wait_for_one(server):
    seen = threading.Event()

    async def answer(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        assert await asyncio.to_thread(seen.wait, BOUND)
        await send({"type": "http.response.body", "body": b"late"})

    with connect(server.listen(answer)) as client:
        client.sendall(GET)
        head = client.recv(1 << 16)
        seen.set()

        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert head.endswith(b"\r\n\r\n")
        assert b"late" in read_all(client)


def test_the_head_alone_answers_head_and_goes_ahead_of_the_end(server):
    url = server.listen(saying(b"x", headers=[(b"content-length", b"1")]))
    with connect(url) as client:
        client.sendall(GET.replace(b"GET", b"HEAD"))

        assert read_all(client).endswith(b"content-length: 1\r\nconnection: close\r\n\r\n")


def test_a_response_that_is_not_gone_through_with_begins_and_is_cut_off(server):
    async def answer(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})

    with connect(server.listen(answer)) as client:
        client.sendall(GET)

        assert read_all(client).endswith(b"content-length: 9\r\nconnection: close\r\n\r\n")


# Goal: a client that goes between the head and the end of the step is no error. Method: the transport is closing then.
def test_a_head_that_nobody_waits_for_any_more_is_dropped():
    class Gone(SimpleNamespace):
        def write(self, data):
            raise RuntimeError("unable to perform operation; the handler is closed")

    later = []
    transport = Gone(is_closing=lambda: True)
    cycle = SimpleNamespace(transport=transport, response_started=True)
    Joining(cycle, SimpleNamespace(call_soon=later.append))
    cycle.transport.write(b"HTTP/1.1 200 OK\r\n\r\n")

    [flush] = later
    flush()


def test_leave_to_send_the_body_is_given_at_once(server, writes):
    with connect(server.listen(saying(b"x"))) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n")
        client.sendall(b"Expect: 100-continue\r\n\r\n")
        assert client.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"b")

        assert read_all(client).startswith(b"HTTP/1.1 200 OK\r\n")


# Method: the collector is off, and all that the loop still has to do is done.
@pytest.mark.parametrize("app", [saying(b"x"), saying(bytes(JOINED_BYTES_MAX + 1))])
def test_a_connection_that_is_over_goes_without_the_collector(server, monkeypatch, app):
    seen = []
    made = Connection.connection_made

    def noted(self, transport):
        seen.append(weakref.ref(self))
        made(self, transport)

    monkeypatch.setattr(Connection, "connection_made", noted)
    gc.disable()
    try:
        with connect(server.listen(app)) as client:
            client.sendall(GET)
            read_all(client)
        for _ in range(10):
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), server._loop).result(BOUND)

        assert [connection() for connection in seen] == [None]
    finally:
        gc.enable()


# Goal: a burst of clients does not cost a turn of the loop each. Method: they come while the loop is held up, and it
# counts its turns until it has them all.
def test_connections_that_come_together_are_accepted_together(server):
    url = server.listen(saying(b"x"))
    loop, connections = server._loop, server._listeners._state.connections
    arrived, turns, accepted = threading.Event(), [], threading.Event()

    def turn():
        if len(connections) == ACCEPTED_AT_ONCE:
            accepted.set()
        else:
            turns.append(len(connections))
            loop.call_soon(turn)

    def hold_up():
        arrived.wait(BOUND)
        turn()

    loop.call_soon_threadsafe(hold_up)
    clients = [connect(url) for _ in range(ACCEPTED_AT_ONCE)]
    arrived.set()
    assert accepted.wait(BOUND)
    for client in clients:
        client.close()

    assert len(turns) < ACCEPTED_AT_ONCE / 2
