"""The clients that load a master's HTTP API, a program of their own: ``load_client.py poll|watch HOST:PORT ...``."""

# Who calls: bench/pollers.py, bench/responsive.py. It imports nothing of this tree, and little else, to begin at once.
# poll HOST:PORT CLIENTS TIMES: so many clients ask for /state again and again, each over a connection of its own: so
#   often, or, with 0, until standard input ends. The first line out is empty: each has been answered once, which does
#   not count.
# watch HOST:PORT SECONDS: one client asks for /health, two milliseconds after each answer, for so long.
# The last line out: the seconds of each answer, the least first, and then the bytes of the last.
# Bodies are read and counted, not kept: what is measured is the server, on as few CPUs as may be.

import sys
import threading
from collections.abc import Mapping
from socket import IPPROTO_TCP, TCP_NODELAY, create_connection, socket
from time import perf_counter, sleep
from types import MappingProxyType

BUFFER_BYTES = 1 << 20
PAUSE_SECONDS = 0.002


class Connection:
    """A connection that is kept alive; ``ask`` gives the bytes of the body of an answer."""

    status = 0
    headers: Mapping[str, str] = MappingProxyType({})  # of the last answer, names in lower case

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._address = address
        self._socket: socket = create_connection((host, int(port)))
        self._socket.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        self._buffer = bytearray(BUFFER_BYTES)
        self._rest = b""

    def ask(self, path: str, headers: Mapping[str, str] = MappingProxyType({}), body: bytes = b"") -> int:
        more = {"host": self._address, **headers, **({"content-length": str(len(body))} if body else {})}
        fields = "".join([f"{name}: {value}\r\n" for name, value in more.items()])
        self._socket.sendall(f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\n{fields}\r\n".encode() + body)
        first, *lines = self._line(b"\r\n\r\n").decode().split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in [line.partition(":") for line in lines]}
        if self.status not in (200, 304):
            raise ConnectionError(f"{path}: {first!r}")
        if "transfer-encoding" in self.headers:
            return self._chunks()
        length = int(self.headers.get("content-length", "0"))
        self._skip(length)
        return length

    def _chunks(self) -> int:
        whole = 0
        while size := int(self._line(b"\r\n"), 16):
            self._skip(size + 2)
            whole += size
        self._line(b"\r\n")
        return whole

    def _line(self, end: bytes) -> bytes:
        while end not in self._rest:
            self._rest += self._more()
        line, _, self._rest = self._rest.partition(end)
        return line

    def _skip(self, size: int) -> None:
        taken = min(size, len(self._rest))
        self._rest, left = self._rest[taken:], size - taken
        while left:
            got = self._socket.recv_into(self._buffer, min(left, BUFFER_BYTES))
            if not got:
                raise ConnectionError("closed in the middle of an answer")
            left -= got

    def _more(self) -> bytes:
        data = self._socket.recv(4_096)
        if not data:
            raise ConnectionError("closed in the middle of an answer")
        return data


def poll(address: str, clients: int, times: int) -> tuple[list[float], int]:
    answers: list[float] = []
    sizes = [0] * clients
    begun = threading.Barrier(clients + 1)
    over = threading.Event()

    def run(number: int) -> None:
        connection = Connection(address)
        connection.ask("/state")
        begun.wait()
        asked = 0
        while asked < times if times else not over.is_set():
            start = perf_counter()
            sizes[number] = connection.ask("/state")
            answers.append(perf_counter() - start)
            asked += 1

    threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    begun.wait()
    print(flush=True)
    if not times:
        sys.stdin.read()
        over.set()
    for thread in threads:
        thread.join()
    return answers, sizes[0]


def watch(address: str, seconds: float) -> tuple[list[float], int]:
    connection = Connection(address)
    connection.ask("/health")
    answers = []
    end = perf_counter() + seconds
    while perf_counter() < end:
        start = perf_counter()
        connection.ask("/health")
        answers.append(perf_counter() - start)
        sleep(PAUSE_SECONDS)
    return answers, 0


if __name__ == "__main__":
    kind, where, *numbers = sys.argv[1:]
    found, size = poll(where, *map(int, numbers)) if kind == "poll" else watch(where, *map(float, numbers))
    print(*sorted(found), size)
