"""A client of bare sockets for the http lines."""

# Who calls: the peers that serve HTTP (bench/peers/); they serve in the other process, the client runs in this one.
# Invariants: each response is checked for its status, its length and its end, each connection's first one whole.
# Small requests are counted by the time that the server is on a CPU for them. By the clock on the wall the figure
#   would be the client's own: to send a request costs it as much as a quick server needs to answer.
# The requests and the connections are the same for every server.

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter

from bench.benchmarks import expect
from bench.partner import host_and_port

CONNECTIONS = 16  # kept alive; each has a request open at any time
OK = b"HTTP/1.1 200 "
BUFFER_BYTES = 1 << 20


def get_many(address: str, path: str, body: bytes, count: int, busy: Callable[[], float]) -> float:
    """Return how many seconds of ``busy``, the server's time on a CPU, ``count`` requests for ``path`` take, over
    connections that are open already."""
    request = _request(address, path)
    with ExitStack() as stack:
        connections = [stack.enter_context(_connect(address)) for _ in range(CONNECTIONS)]
        size, *_ = [_first(connection, request, body) for connection in connections]
        start = busy()
        for connection in connections[:count]:
            connection.sendall(request)
        good = 0
        for number in range(count):
            connection = connections[number % CONNECTIONS]
            response = connection.recv(BUFFER_BYTES)
            if len(response) < size:
                response = _rest(connection, response, size)
            good += response.startswith(OK) and response.endswith(body) and len(response) == size
            if number < count - CONNECTIONS:
                connection.sendall(request)
        seconds = busy() - start
    expect(good, count, "whole responses")
    return seconds


def get_body(address: str, path: str, body: bytes, count: int) -> float:
    """Return how many seconds ``count`` requests one after the other take, with a ``body`` of many megabytes each."""
    request = _request(address, path)
    buffer = memoryview(bytearray(BUFFER_BYTES))
    with _connect(address) as connection:
        size = _first(connection, request, body)
        received = 0
        start = perf_counter()
        for _ in range(count):
            connection.sendall(request)
            left = size
            while left:
                left -= (got := connection.recv_into(buffer))
                received += got
                if not got:
                    break
        seconds = perf_counter() - start
    expect(received, size * count, "bytes of the responses")
    return seconds


def _request(address: str, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept: */*\r\n\r\n".encode()


def _connect(address: str) -> socket.socket:
    connection = socket.create_connection(host_and_port(address))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _first(connection: socket.socket, request: bytes, body: bytes) -> int:
    """Check one response whole, and return its length, which all others of this server have."""
    connection.sendall(request)
    response = b""
    while not (end := response.find(b"\r\n\r\n") + 4) > 3:
        response += _more(connection)
    head = response[:end].lower()
    expect((response.startswith(OK), f"content-length: {len(body)}\r\n".encode() in head), (True, True),
           f"status 200 and the length of the body, in {head!r}")  # fmt: skip
    response = _rest(connection, response, end + len(body))
    expect(response[end:] == body, True, "body as it was served")
    return len(response)


def _rest(connection: socket.socket, response: bytes, size: int) -> bytes:
    parts = [response]
    left = size - len(response)
    while left > 0:
        parts.append(_more(connection))
        left -= len(parts[-1])
    return b"".join(parts)


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(BUFFER_BYTES)
    expect(bool(data), True, "response before the connection was closed")
    return data
