"""A client that abuses a master's HTTP API, a program of its own: ``abuse_client.py KIND HOST:PORT SIZE``."""

# Who calls: bench/abuse.py. It goes on until standard input ends. The first line out is empty: it has begun. The last
#   one: how many answers there were of each status, where 0 is a connection that was closed without one.
# SIZE is how large the abuse is, as KINDS says. Nothing of this tree is imported.

import json
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from socket import SO_RCVBUF, SOL_SOCKET, create_connection, socket

SCHEDULER = "/api/v1/scheduler"
JSON = "Content-Type: application/json"
FRAMEWORK = {"value": "framework-0"}
TASK = {"name": "n", "task_id": {"value": "t"}, "agent_id": {"value": "a"}, "command": {"value": "true"}}


class Abuse:
    """Abuses of one master; ``size`` is that of KINDS."""

    def __init__(self, address: str, size: int) -> None:
        host, _, port = address.rpartition(":")
        self._host, self._port = host, int(port)
        self._size = size
        self.over = threading.Event()
        self.statuses: Counter[int] = Counter()

    def filled(self, opening: bytes, one: bytes, closing: bytes) -> None:
        """Bodies of so many MB, of so many of one thing."""
        self._post(opening + one * ((self._size * 1_000_000 - len(opening)) // len(one)) + closing)

    def tasks(self) -> None:
        """Of tasks to be launched."""
        opening = f'{{"type": "ACCEPT", "framework_id": {json.dumps(FRAMEWORK)}, "accept": {{"offer_ids": [], '
        opening += '"operations": [{"type": "LAUNCH", "launch": {"task_infos": ['
        one = json.dumps(TASK).encode()
        self.filled(opening.encode(), one + b",", one + b"]}}]}}")

    def lists(self) -> None:
        """Of empty lists."""
        self.filled(b'{"type": "REVIVE", "unknown": [', b"[],", b"[]]}")

    def nested(self) -> None:
        """Of lists in one another."""
        self.filled(b'{"type": "REVIVE", "unknown": ', b"[", b"")

    def endless(self) -> None:
        """Bodies that do not end, in chunks of 64 KiB, by so many clients."""
        chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
        head = self._head("Transfer-Encoding: chunked")
        while not self.over.is_set():
            with self._connect() as connection:
                with suppress(ConnectionError):
                    connection.sendall(head)
                    while not self.over.is_set():
                        connection.sendall(chunk)
                if not self.over.is_set():
                    self._note(connection)

    def slow(self) -> None:
        """So many clients that send a byte of their body a second."""
        connections = [self._connect() for _ in range(self._size)]
        for connection in connections:
            connection.sendall(self._head("Content-Length: 1000"))
        while not self.over.wait(1.0):
            for connection in connections:
                with suppress(ConnectionError):
                    connection.sendall(b" ")

    def idle(self) -> None:
        """So many connections that say nothing, made again when they are closed."""
        connections = [self._connect() for _ in range(self._size)]
        while not self.over.wait(1.0):
            for number, connection in enumerate(connections):
                if _is_closed(connection):
                    connection.close()
                    connections[number] = self._connect()

    def unread(self) -> None:
        """A framework that asks for the state of all its tasks, so many times, and never reads; then it comes again."""
        info = {"id": FRAMEWORK, "name": "framework-0", "user": "root", "failover_timeout": 600}
        subscribe = {"type": "SUBSCRIBE", "framework_id": FRAMEWORK, "subscribe": {"framework_info": info}}
        body = json.dumps(subscribe).encode()
        call = json.dumps({"type": "RECONCILE", "framework_id": FRAMEWORK, "reconcile": {"tasks": []}}).encode()
        while not self.over.is_set():
            with socket() as stream, self._connect() as calls:
                stream.setsockopt(SOL_SOCKET, SO_RCVBUF, 4_096)
                stream.connect((self._host, self._port))
                stream.sendall(self._head(f"Content-Length: {len(body)}") + body)
                head = stream.recv(4_096).lower()
                stream_id = head.partition(b"mesos-stream-id: ")[2].split(b"\r\n")[0].decode()
                for _ in range(self._size):
                    calls.sendall(self._head(f"Content-Length: {len(call)}", f"Mesos-Stream-Id: {stream_id}") + call)
                    if self.over.is_set() or not self._note(calls):
                        break

    def _post(self, body: bytes) -> None:
        head = self._head(f"Content-Length: {len(body)}")
        while not self.over.is_set():
            with self._connect() as connection:
                connection.sendall(head + body)
                self._note(connection)

    def _note(self, connection: socket) -> bool:
        """Count an answer, and tell whether the call was taken."""
        answer = b""
        with suppress(ConnectionError):
            answer = connection.recv(65_536)
        status = int(answer.split()[1]) if answer else 0
        self.statuses[status] += 1
        return status == 202

    def _connect(self) -> socket:
        return create_connection((self._host, self._port))

    def _head(self, *headers: str) -> bytes:
        lines = [f"POST {SCHEDULER} HTTP/1.1", f"Host: {self._host}", JSON, *headers]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"


# The size of each: MB of a body, clients, calls; and how many do the same at once.
KINDS: dict[str, tuple[Callable[[Abuse], None], int]] = {
    "tasks": (Abuse.tasks, 2),
    "lists": (Abuse.lists, 2),
    "nested": (Abuse.nested, 2),
    "endless": (Abuse.endless, 4),
    "slow": (Abuse.slow, 1),
    "idle": (Abuse.idle, 1),
    "unread": (Abuse.unread, 1),
}


def _is_closed(connection: socket) -> bool:
    connection.setblocking(False)
    try:
        return not connection.recv(4_096)
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def main(kind: str, address: str, size: int) -> None:
    """Abuse until standard input ends."""
    work, times = KINDS[kind]
    abuse = Abuse(address, size)
    threads = [threading.Thread(target=work, args=(abuse,)) for _ in range(times)]
    for thread in threads:
        thread.start()
    print(flush=True)
    sys.stdin.read()
    abuse.over.set()
    for thread in threads:
        thread.join()
    print(json.dumps(abuse.statuses))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
