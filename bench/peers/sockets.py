"""The work on bare sockets: one blocking TCP connection with TCP_NODELAY between two processes, and no more."""

# Who calls: make_peer for the remote lines; the other process runs serve (bench/partner.py).
# ask is a ping-pong of 40 bytes, about as many as a call takes: nothing is packed, looked up or called. It is what a
#   round trip costs in Python.

from __future__ import annotations

import json
import pickle
import socket
from collections.abc import Sequence
from time import perf_counter

from bench.benchmarks import expect
from bench.partner import Announce, Partner, host_and_port
from bench.peers.tally import LARGE, READINGS, SMALL, Tally, expect_arrived, expect_sums, messages

COUNTED, ECHOED, PICKLED = b"c", b"e", b"p"  # the first byte of a connection: what becomes of the rest
PING = bytes(range(40))
BUFFER_BYTES = 1 << 16


class Sockets:
    """Each method has a process of its own at the other end."""

    def remote_tell(self, count: int) -> float:
        """A ``sendall`` each; the other side reads what has come and takes it apart."""
        return _tell(SMALL, count)

    def remote_bytes(self, count: int) -> float:
        """The same with large messages."""
        return _tell(LARGE, count)

    def remote_ask(self, count: int) -> float:
        """A ``sendall`` and a ``recv`` on either side."""
        with Partner("bench.peers.sockets:serve") as partner, connect(partner.address) as connection:
            connection.sendall(ECHOED)
            echoed = 0
            start = perf_counter()
            for _ in range(count):
                connection.sendall(PING)
                echoed += connection.recv(BUFFER_BYTES) == PING
            seconds = perf_counter() - start
        expect(echoed, count, "pings that came back")
        return seconds

    def remote_objects(self, count: int) -> float:
        """The same with what pickle makes of a list, and the sum as text."""
        with Partner("bench.peers.sockets:serve") as partner, connect(partner.address) as connection:
            connection.sendall(PICKLED)
            total = 0
            start = perf_counter()
            for _ in range(count):
                data = pickle.dumps(READINGS)
                connection.sendall(len(data).to_bytes(4, "big") + data)
                total += int(connection.recv(BUFFER_BYTES))
            seconds = perf_counter() - start
        expect_sums(total, count)
        return seconds


def connect(address: str) -> socket.socket:
    """Return a connection that sends at once."""
    connection = socket.create_connection(host_and_port(address))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def serve(announce: Announce) -> None:
    """Serve one connection after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        announce(f"127.0.0.1:{listener.getsockname()[1]}")
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection:
                {ECHOED: _echo, COUNTED: _count, PICKLED: _sum_up}[connection.recv(1)](connection)


def _tell(payloads: Sequence[bytes], count: int) -> float:
    with Partner("bench.peers.sockets:serve") as partner, connect(partner.address) as connection:
        connection.sendall(COUNTED)
        frames = [len(payload).to_bytes(4, "big") + payload for payload in payloads]
        start = perf_counter()
        for frame in messages(frames, count):
            connection.sendall(frame)
        connection.shutdown(socket.SHUT_WR)
        report = json.loads(connection.makefile("rb").read())
        seconds = perf_counter() - start
    expect_arrived(report, payloads, count)
    return seconds


def _echo(connection: socket.socket) -> None:
    while data := connection.recv(BUFFER_BYTES):
        connection.sendall(data)


def _sum_up(connection: socket.socket) -> None:
    """Answer each list."""
    tally = Tally()
    with connection.makefile("rb", buffering=BUFFER_BYTES) as stream:
        while head := stream.read(4):
            total = tally.sum_up(pickle.loads(stream.read(int.from_bytes(head, "big"))))
            connection.sendall(str(total).encode())


def _count(connection: socket.socket) -> None:
    """Call a method for each message, and say at the end what came."""
    tally = Tally()
    with connection.makefile("rb", buffering=BUFFER_BYTES) as stream:
        while head := stream.read(4):
            tally.take(stream.read(int.from_bytes(head, "big")))
    connection.sendall(json.dumps(tally.report()).encode())
