"""House: an actor that answers over HTTP in all the ways there are, and clients that see bytes."""

import contextlib
import re
import socket

import libactor as la
from libactor.http import Pipe, Response

BOUND = 60.0  # seconds after which a test has failed; never waited for when all is well
LAST = b"GET /house/now HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


class House(la.Actor):
    """Answers in all the ways there are."""

    def __init__(self):
        super().__init__("house")
        self.asked = la.Queue()
        self.discarded = la.Queue()

    @la.route("/now")
    def now(self, request):
        return request.rest + "?" + request.query_string.decode()

    @la.route("/get", methods=["GET"])
    def get(self, request):
        return {"method": request.method}

    @la.route("/none")
    def none(self, request):
        return None

    @la.route("/fails")
    def fails(self, request):
        raise ValueError("no such luck")

    @la.route("/bytes")
    def bytes(self, request):
        return bytes(int(request.query["n"]))

    @la.route("/pipe")
    def pipe(self, request):
        pipe = Pipe()
        pipe.writer.write(b"piece by piece")
        pipe.writer.close()
        return pipe.reader

    @la.route("/teapot")
    def teapot(self, request):
        return Response(418, "short and stout", {"x-tea": "green"})

    @la.route("/body")
    def body(self, request):
        return request.body

    @la.route("/length", stream=True)
    async def length(self, request):
        return str(sum([len(piece) async for piece in request.body]))

    @la.route("/never")
    def never(self, request):
        self.asked.put(request.rest)
        self.promise = la.Promise()
        return self.promise.future.on_discard(lambda: self.discarded.put(request.rest))

    def forget(self):
        self.promise = None


@contextlib.contextmanager
def connect(url):
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), BOUND) as connection:
        yield connection


def get(target, *fields, method="GET", body=b""):
    """Return the bytes of a request."""
    return "\r\n".join([f"{method} {target} HTTP/1.1", "host: x", *fields, "", ""]).encode() + body


def read_all(connection):
    """Return all that comes, without what differs from time to time."""
    received = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    return without_dates(received)


def read_until_reset(connection):
    """As read_all, from a server that may not have read all it was sent."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(1 << 16):
            received += piece
    return without_dates(received)


def without_dates(received):
    return re.sub(rb"date: [^\r]*\r\n", b"", received)


def read_answer(connection):
    """Return the status and the body of one answer that says its length."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += read_some(connection, 1)
    length = int(re.search(rb"content-length: (\d+)", received)[1])
    body = b""
    while len(body) < length:
        body += read_some(connection, length - len(body))
    return int(received[9:12]), body


def read_some(connection, size):
    """Return at most ``size`` bytes, but one at least."""
    received = connection.recv(size)
    assert received, "the connection has ended"
    return received
