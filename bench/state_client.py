"""One client that asks a master for all of its cluster, a program of its own: ``state_client.py HOST:PORT PATH TAG``.

PATH with GET, or POST and the name of a call; TAG is what it has already, or nothing. The line out: the seconds of the
answer, its status, its bytes and its tag.
"""

# Who calls: bench/state.py. As load_client.py, it imports nothing of this tree but that.
# The connection is open before, and has been answered once.

import json
import sys
from time import perf_counter

from load_client import Connection

if __name__ == "__main__":
    address, path, tag = sys.argv[1:]
    connection = Connection(address)
    connection.ask("/health")
    headers, body = {"if-none-match": f'"{tag}"'} if tag else {}, b""
    if not path.startswith("/"):
        headers, body = {"content-type": "application/json"}, json.dumps({"type": path}).encode()
        path = "/api/v1"
    start = perf_counter()
    size = connection.ask(path, headers, body)
    seconds = perf_counter() - start
    print(seconds, connection.status, size, connection.headers.get("etag", '""').strip('W/"') or "-")
