"""A counter that is asked over HTTP: a value, a body, and a stream of what changes.

Run it:  python examples/http_counter.py            it asks itself, and says what was answered
         python examples/http_counter.py --port 8080     it serves until Ctrl-C:
             curl localhost:8080/counter/value      curl -d 5 localhost:8080/counter/add
             curl -N localhost:8080/counter/changes      and localhost:8080/help for the rest
"""

from __future__ import annotations

import argparse
import threading
import urllib.request

import libactor as la
from libactor.http import Pipe, Request, Response, Writer, serve


class Counter(la.Actor):
    """Counts, and tells whoever wants to know."""

    def __init__(self) -> None:
        super().__init__("counter")
        self.n = 0
        self.watchers: list[Writer] = []

    @la.route("/value", methods=["GET"])
    def value(self, request: Request) -> dict[str, int]:
        """The number, as JSON."""
        return {"n": self.n}

    @la.route("/add", methods=["POST"])
    def add(self, request: Request) -> Response | dict[str, int]:
        """Add the number in the body."""
        assert isinstance(request.body, bytes)
        try:
            self.n += int(request.body)
        except ValueError:
            return Response(400, f"got {request.body[:20]!r}, expected a whole number\n")
        for writer in self.watchers:
            writer.write(f"data: {self.n}\n\n")
        return {"n": self.n}

    @la.route("/changes", methods=["GET"])
    def changes(self, request: Request) -> Response:
        """Each new value as it comes, as server-sent events."""
        pipe = Pipe(bytes_max=64 * 1024)  # who reads too slowly is cut off
        self.watchers.append(pipe.writer)
        pipe.writer.reader_closed.on_ready(la.defer(self.pid, Counter.forget, pipe.writer))
        return Response(200, pipe.reader, {"content-type": "text/event-stream"})

    def forget(self, writer: Writer, _: None) -> None:
        """That client has gone."""
        self.watchers.remove(writer)


def main(arguments: list[str] | None = None) -> None:
    """Serve, for as long as somebody wants or to ourselves."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, help="serve there until Ctrl-C")
    port = parser.parse_args(arguments).port
    with la.Runtime() as runtime:
        runtime.spawn(Counter())
        with serve(runtime, port=port or 0) as server:
            if port is not None:
                print(f"serving at {server.url}, Ctrl-C ends it")
                threading.Event().wait()
            with urllib.request.urlopen(f"{server.url}/counter/changes") as changes:
                for number in (2, 3):
                    urllib.request.urlopen(f"{server.url}/counter/add", data=str(number).encode()).close()
                print("changes:", [changes.readline().strip().decode() for _ in range(4)][::2])
            with urllib.request.urlopen(f"{server.url}/counter/value") as answer:
                print("value:", answer.read().decode())


if __name__ == "__main__":
    main()
