"""Sessions by the ten thousand: kept as records by one actor, shown by another while they change.

Run it:  python examples/records_over_http.py            it asks itself, and says what was answered
         python examples/records_over_http.py --port 8080     it serves until Ctrl-C:
             curl localhost:8080/page/sessions
"""

from __future__ import annotations

import argparse
import json
import threading
import urllib.request

import msgspec

import libactor as la
from libactor.http import Pipe, Request, Response, Writer, serve
from libactor.records import Collection, JsonWriter, RecordType, Snapshot
from libactor.records.projection import Field, Key, Object, Projection


class Session(msgspec.Struct, array_like=True, frozen=True):
    """Who is there, and since when."""

    id: str
    user: str
    opened: float


SESSION = RecordType(Session, hot=("id",))
SESSION_JSON = Projection(
    SESSION, Object(Key("id", Field("id")), Key("user", Field("user")), Key("since", Field("opened")))
)


class Sessions(la.Actor):
    """Keeps them, and gives snapshots away."""

    def __init__(self, number: int) -> None:
        super().__init__("sessions")
        self.sessions = Collection(SESSION, key="id")
        for n in range(number):
            self.sessions.put(SESSION.pack(Session(f"s-{n}", f"user-{n % 100}", float(n))))

    def close(self, id: str) -> None:
        """This one has gone."""
        self.sessions.pop(id)

    def snapshot(self) -> Snapshot[Session]:
        """What there is now: it stays so, and costs next to nothing."""
        return self.sessions.snapshot()


class Page(la.Actor):
    """Shows them, as fast as whoever reads."""

    def __init__(self, sessions: la.PID[Sessions]) -> None:
        super().__init__("page")
        self.sessions = sessions

    @la.route("/sessions", methods=["GET"])
    async def show(self, request: Request) -> Response:
        """All sessions, in one document."""
        snapshot = await la.dispatch(self.sessions, Sessions.snapshot)
        pipe = Pipe()
        la.tell(self.pid, Page.write, pipe.writer, snapshot)
        return Response(200, pipe.reader, {"content-type": "application/json"})

    async def write(self, writer: Writer, snapshot: Snapshot[Session]) -> None:
        """A piece, and the next one once it was taken: no more than that is in memory."""
        document = JsonWriter()
        document.start_object()
        document.key("count")
        document.value(len(snapshot))
        document.key("sessions")
        document.start_array()
        for _ in document.each_piece(snapshot, SESSION_JSON):
            while piece := document.take():
                if not await writer.write(piece):
                    return  # the client has gone
        document.end_array()
        document.end_object()
        await writer.write(document.take())
        writer.close()


def main(arguments: list[str] | None = None) -> None:
    """Serve, for as long as somebody wants or to ourselves."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, help="serve there until Ctrl-C")
    port = parser.parse_args(arguments).port
    with la.Runtime() as runtime:
        sessions = runtime.spawn(Sessions(10_000))
        runtime.spawn(Page(sessions))
        with serve(runtime, port=port or 0) as server:
            if port is not None:
                print(f"serving at {server.url}, Ctrl-C ends it")
                threading.Event().wait()
            with urllib.request.urlopen(f"{server.url}/page/sessions") as page:
                begin = page.read(1000)
                la.dispatch(sessions, Sessions.close, "s-7").get(timeout=10)  # while the page is being written
                shown = json.loads(begin + page.read())
            ids = {session["id"] for session in shown["sessions"]}
            print(f"shown: {shown['count']} sessions, s-7 among them: {'s-7' in ids}")
            print("left:", len(la.dispatch(sessions, Sessions.snapshot).get(timeout=10)))


if __name__ == "__main__":
    main()
