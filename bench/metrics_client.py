"""The client of GET_METRICS, a program of its own: ``metrics_client.py HOST:PORT TEXT``."""

# Who calls: bench/metrics.py. Out: the seconds from the request to the end of the answer, and how often TEXT is in it.
# It imports nothing of this tree, which would take longer than what it measures. It reads into memory that it has
#   touched before, so that not it, but who answers is measured.

import http.client
import sys
from time import perf_counter

CALL = b'{"type": "GET_METRICS"}'
HEADERS = {"Content-Type": "application/json"}
PIECE_BYTES = 1 << 20
ANSWER_BYTES = 100 << 20  # at most


def ask(address: str, text: bytes) -> tuple[float, int]:
    """Return the seconds, and how often."""
    connection = http.client.HTTPConnection(address)
    connection.connect()
    read, got = memoryview(bytearray(b" " * ANSWER_BYTES)), 0
    start = perf_counter()
    connection.request("POST", "/api/v1", CALL, HEADERS)
    answer = connection.getresponse()
    while size := answer.readinto(read[got : got + PIECE_BYTES]):
        got += size
    seconds = perf_counter() - start
    return seconds, bytes(read[:got]).count(text)


if __name__ == "__main__":
    print(*ask(sys.argv[1], sys.argv[2].encode()))
