"""Frameworks over HTTP that only listen, a program of their own: ``subscriber_client.py HOST:PORT COUNT``."""

# Who calls: bench/subscriptions.py. It imports nothing of this tree, and little else, to begin at once.
# A line out when all are subscribed, and another one when each has heard of an offer: seconds since the first dialled.

import json
import select
import sys
from socket import IPPROTO_TCP, TCP_NODELAY, create_connection, socket
from time import perf_counter

PATIENCE_SECONDS = 110.0
EVENTS = (b'"SUBSCRIBED"', b'"OFFERS"')  # in the order in which each is waited for
QUEUED_MAX = 2_000  # dialled and not subscribed: Linux queues 4,096 for a server, and of more drops the first packet
TAIL_BYTES = 16  # that are kept of what was read, for a word that is cut in two


class Subscribers:
    """So many subscriptions, on as many connections."""

    def __init__(self, address: str, count: int) -> None:
        host, _, port = address.rpartition(":")
        call = {"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "root", "name": "bench"}}}
        body = json.dumps(call).encode()
        head = f"POST /api/v1/scheduler HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n"
        self._request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        self._where = (host, int(port))
        self._left = [count] * len(EVENTS)
        self._poller = select.epoll()
        self._open: dict[int, tuple[socket, int, bytes]] = {}  # what each waits for, and the end of what it has read
        self._start = perf_counter()
        for dialled in range(1, count + 1):
            self._dial()
            while dialled - (count - self._left[0]) >= QUEUED_MAX:
                self._hear(1.0)
            self._hear(0.0)
        while any(self._left):
            if perf_counter() - self._start > PATIENCE_SECONDS:
                raise TimeoutError(f"{self._left} of {count} have not heard of {EVENTS}")
            self._hear(1.0)

    def _dial(self) -> None:
        connection = create_connection(self._where)
        connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        connection.sendall(self._request)
        self._open[connection.fileno()] = connection, 0, b""
        self._poller.register(connection.fileno(), select.EPOLLIN)

    def _hear(self, seconds: float) -> None:
        for number, _ in self._poller.poll(seconds):
            connection, waited, tail = self._open[number]
            data = connection.recv(1 << 16)
            if not data:
                raise ConnectionError("a stream has ended")
            tail += data
            while waited < len(EVENTS) and EVENTS[waited] in tail:
                self._left[waited] -= 1
                if not self._left[waited]:
                    print(perf_counter() - self._start, flush=True)
                waited += 1
            self._open[number] = connection, waited, tail[-TAIL_BYTES:]


if __name__ == "__main__":
    Subscribers(sys.argv[1], int(sys.argv[2]))
    sys.stdin.read()  # the streams stay open until the master has been looked at
