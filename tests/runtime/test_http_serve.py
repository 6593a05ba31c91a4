"""serve: actors behind real sockets: streams both ways, clients that go away, and the end of the server."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
from email.utils import parsedate_to_datetime

import pytest

import libactor as la
from libactor.http import HttpServer, Pipe, Response, application, serve

pytestmark = pytest.mark.real

BOUND = 60.0  # seconds after which a test has failed; never waited for when all is well
CLOSE = b"connection: close\r\n"


@pytest.fixture
def runtime():
    with la.Runtime() as runtime:
        yield runtime


@contextlib.contextmanager
def connect(server):
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), BOUND) as connection:
        yield connection


def request(path, method="GET", body=None, *fields):
    """Return the bytes of a request; a ``body`` is announced by its length."""
    length = [] if body is None else [f"content-length: {len(body)}"]
    head = "\r\n".join([f"{method} {path} HTTP/1.1", "host: x", *length, *fields, "", ""])
    return head.encode() + (body or b"")


class Replies:
    """Reads responses off a connection, one by one."""

    def __init__(self, connection):
        self.file = connection.makefile("rb")

    def head(self):
        """Return the status and the headers of the next response."""
        status = int(self.file.readline().split()[1])
        headers = {}
        while (line := self.file.readline().strip()) != b"":
            name, _, value = line.partition(b": ")
            headers[name.decode()] = value.decode()
        return status, headers

    def chunk(self):
        """Return the next chunk of the body; b"" is the end, None is the end of the connection before that."""
        line = self.file.readline()
        if not line:
            return None
        data = self.file.read(int(line, 16))
        self.file.readline()
        return data

    def next(self):
        """Return status and body of the next response, whichever form it has."""
        status, headers = self.head()
        if "content-length" in headers:
            return status, self.file.read(int(headers["content-length"]))
        return status, b"".join(iter(self.chunk, b"")) if "transfer-encoding" in headers else b""


def ask(server, path, method="GET", body=None, *fields):
    """Return status and body of one request on a connection of its own."""
    with connect(server) as connection:
        connection.sendall(request(path, method, body, *fields))
        return Replies(connection).next()


class House(la.Actor):
    """Answers at once, later, piece by piece, or never."""

    def __init__(self):
        super().__init__("house")
        self.promises = {}
        self.pipes = la.Queue()
        self.asked = la.Queue()
        self.discarded = la.Queue()

    @la.route("/now")
    def now(self, request):
        return request.rest

    @la.route("/large")
    def large(self, request):
        return bytes(1_000_000)

    @la.route("/body", methods=["POST"])
    def body(self, request):
        return str(len(request.body))

    @la.route("/late")
    def late(self, request):
        promise = self.promises.setdefault(request.rest, la.Promise())
        self.asked.put(request.rest)
        return promise.future.on_discard(lambda: self.discarded.put(request.rest))

    @la.route("/stream")
    def stream(self, request):
        pipe = Pipe()
        self.pipes.put(pipe.writer)
        return Response(200, pipe.reader, {"content-type": "text/event-stream"})

    @la.route("/count", methods=["POST"], stream=True)
    async def count(self, request):
        size = 0
        async for chunk in request.body:
            size += len(chunk)
        return str(size)

    @la.route("/first", methods=["POST"], stream=True)
    async def first(self, request):
        self.answer = Pipe()
        self.pipes.put(request.body)
        return self.answer.reader

    @la.route("/echo", methods=["POST"], stream=True)
    def echo(self, request):
        return request.body


@pytest.fixture
def house(runtime):
    house = House()
    runtime.spawn(house)
    return house


@pytest.fixture
def server(runtime, house):
    with serve(runtime) as server:
        yield server


# LP HTTPTest.Get
def test_an_actor_is_served_at_a_port_of_its_own(server):
    assert ask(server, "/house/now/x") == (200, b"/x")
    assert ask(server, "/nobody")[0] == 404


# LP HTTPConnectionTest.Serial
def test_a_connection_is_used_for_one_request_after_the_other(server):
    with connect(server) as connection:
        replies = Replies(connection)
        for number in range(3):
            connection.sendall(request(f"/house/now/{number}"))
            assert replies.next() == (200, f"/{number}".encode())


# LP HttpServeTest.Pipelining
# LP HTTPConnectionTest.Pipeline
# LP HttpServerTest.Pipeline
# Goal: answers come in the order of the requests. Method: the first is completed last.
def test_pipelined_requests_are_answered_in_their_order(house, server):
    for name in ("/1", "/2", "/3"):
        house.promises[name] = la.Promise()
    with connect(server) as connection:
        connection.sendall(b"".join(request(f"/house/late/{number}") for number in (1, 2, 3)))
        house.asked.get().get(BOUND)
        for name in ("/3", "/2", "/1"):
            house.promises[name].set(f"answer {name}")
        replies = Replies(connection)

        assert [replies.next() for _ in range(3)] == [(200, f"answer /{number}".encode()) for number in (1, 2, 3)]


def test_thousands_of_pipelined_requests_need_no_stack(server):
    with connect(server) as connection:
        sending = threading.Thread(target=connection.sendall, args=(request("/house/now") * 5000,))
        sending.start()
        replies = Replies(connection)

        answers = [replies.next() for _ in range(5000)]
        sending.join()

    assert set(answers) == {(200, b"")}


def test_pipelined_refusals_and_answers_keep_their_order(server):
    paths = ["/house/now/a", "/nobody", "/house/now/b", "/house/body", "/house/../x"] * 20
    with connect(server) as connection:
        connection.sendall(b"".join(request(path) for path in paths))
        replies = Replies(connection)

        assert [replies.next()[0] for _ in paths] == [200, 404, 200, 405, 404] * 20


# LP HTTPConnectionTest.ClosingRequest
def test_who_asks_for_the_end_of_the_connection_gets_it_after_the_answer(server):
    with connect(server) as connection:
        connection.sendall(request("/house/now/x", "GET", None, "connection: close"))
        everything = connection.makefile("rb").read()

    assert everything.endswith(b"\r\n\r\n/x")
    assert CLOSE in everything


# LP EncoderTest.Response
def test_every_answer_says_its_length_and_when_it_was_given(server):
    with connect(server) as connection:
        connection.sendall(request("/house/now/x") + request("/nobody"))
        replies = Replies(connection)
        answers = []
        for _ in range(2):
            status, headers = replies.head()
            answers.append((status, len(replies.file.read(int(headers["content-length"]))) > 0))
            parsedate_to_datetime(headers["date"])

    assert answers == [(200, True), (404, True)]


# LP HTTPTest.Headers
def test_headers_arrive_as_they_were_sent(runtime, server):
    class Mirror(la.Actor):
        @la.route("/")
        def headers(self, request):
            return dict(request.headers)

    runtime.spawn(Mirror("mirror"))

    _, body = ask(server, "/mirror", "GET", None, "X-One: a: b", "x-TWO:  c ", "x-empty:")

    assert json.loads(body) == {"host": "x", "x-one": "a: b", "x-two": "c", "x-empty": ""}


def test_head_has_the_length_and_no_body(server):
    with connect(server) as connection:
        connection.sendall(request("/house/large", "HEAD") + request("/house/now/x"))
        replies = Replies(connection)

        assert replies.head()[1]["content-length"] == "1000000"
        assert replies.next() == (200, b"/x")


# LP HTTPTest.Endpoints
# LP HTTPTest.StreamingGetComplete
def test_a_stream_comes_as_it_is_written_and_ends_when_it_is_closed(house, server):
    with connect(server) as connection:
        connection.sendall(request("/house/stream"))
        replies, writer = Replies(connection), house.pipes.get().get(BOUND)

        status, headers = replies.head()
        writer.write(b"one")
        first = replies.chunk()
        writer.write(b"two")
        second = replies.chunk()
        writer.close()

        assert (status, headers["content-type"]) == (200, "text/event-stream")
        assert (first, second, replies.chunk()) == (b"one", b"two", b"")
        connection.sendall(request("/house/now/after"))
        assert replies.next() == (200, b"/after")


# LP HTTPTest.StreamingGetFailure
def test_a_stream_that_fails_is_cut_so_that_the_client_can_tell(house, server):
    with connect(server) as connection:
        connection.sendall(request("/house/stream"))
        replies, writer = Replies(connection), house.pipes.get().get(BOUND)
        replies.head()
        writer.write(b"half")
        first = replies.chunk()

        writer.fail("the disk is gone")

        with contextlib.suppress(ConnectionResetError):
            assert replies.chunk() is None
        assert first == b"half"


def test_a_writer_whose_actor_stops_fails_the_stream(runtime, server):
    class Brief(la.Actor):
        @la.route("/")
        def begin(self, request):
            self.pipe = Pipe()
            la.terminate(self.pid, inject=False)
            return self.pipe.reader

    runtime.spawn(Brief("brief"))
    with connect(server) as connection:
        connection.sendall(request("/brief"))
        replies = Replies(connection)
        status, _ = replies.head()

        with contextlib.suppress(ConnectionResetError):
            assert replies.chunk() is None

    assert status == 200


# Goal: a client that does not read stops the writer, and nothing grows. Method: write until a write is not taken,
#   which is bounded by the buffers of both sockets and one of the server; then read, and the write is over.
def test_a_slow_reader_holds_up_the_writer(house, server):
    megabyte = bytes(1 << 20)
    with connect(server) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        connection.sendall(request("/house/stream"))
        writer = house.pipes.get().get(BOUND)
        written, stuck = 0, None
        while written < 64 and stuck is None:
            write = writer.write(megabyte)
            try:
                write.get(0.5)
                written += 1
            except TimeoutError:
                stuck = write

        assert stuck is not None
        replies = Replies(connection)
        replies.head()
        received = 0
        while stuck.is_pending() or received < (written + 1) << 20:
            received += len(replies.chunk())
        assert stuck.get(BOUND) is True
        writer.close()
        assert replies.chunk() == b""


def test_a_client_that_goes_away_closes_the_reader_of_its_stream(house, server):
    with connect(server) as connection:
        connection.sendall(request("/house/stream"))
        writer = house.pipes.get().get(BOUND)
        writer.write(b"one")
        Replies(connection).head()

    assert writer.reader_closed.get(BOUND) is None


def test_a_client_that_goes_away_discards_what_its_handler_waits_for(house, server):
    with connect(server) as connection:
        connection.sendall(request("/house/late/x"))
        house.asked.get().get(BOUND)

    assert house.discarded.get().get(BOUND) == "/x"


@pytest.mark.parametrize("size", [0, 1, 100_000, 5_000_000])
def test_a_streamed_body_arrives_whole(server, size):
    assert ask(server, "/house/count", "POST", bytes(size)) == (200, str(size).encode())


@pytest.mark.parametrize("size", [0, 1, 100_000, 5_000_000])
def test_a_body_arrives_whole_and_may_be_chunked(server, size):
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (size, bytes(size)) if size else b"0\r\n\r\n"
    with connect(server) as connection:
        connection.sendall(request("/house/body", "POST", bytes(size)))
        connection.sendall(request("/house/body", "POST", None, "transfer-encoding: chunked") + chunked)
        replies = Replies(connection)

        assert [replies.next() for _ in range(2)] == [(200, str(size).encode())] * 2


# LP HTTPConnectionTest.RequestStreaming
def test_a_body_goes_through_an_actor_piece_by_piece(server):
    with connect(server) as connection:
        connection.sendall(request("/house/echo", "POST", None, "transfer-encoding: chunked"))
        replies = Replies(connection)

        status, _ = replies.head()
        echoed = []
        for piece in (b"one", b"two"):
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
            echoed.append(replies.chunk())
        connection.sendall(b"0\r\n\r\n")

        assert (status, echoed, replies.chunk()) == (200, [b"one", b"two"], b"")


# Goal: an actor that does not read its body stops the client, and nothing grows. Method: send until the socket takes
#   no more, which is bounded by buffers; then read all of it.
def test_a_handler_that_reads_slowly_holds_up_the_client(house, server):
    with connect(server) as connection:
        connection.sendall(request("/house/first", "POST", None, "content-length: 200000000"))
        reader = house.pipes.get().get(BOUND)
        connection.settimeout(0.5)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 200_000_000:
                sent += connection.send(bytes(1 << 20))
        assert sent < 50_000_000

        received = 0
        while received < sent:
            received += len(reader.read().get(BOUND))
        assert received == sent


def test_a_client_that_breaks_off_its_body_fails_the_stream(house, server):
    with connect(server) as connection:
        connection.sendall(request("/house/first", "POST", None, "content-length: 100") + b"half")
        reader = house.pipes.get().get(BOUND)
        first = reader.read().get(BOUND)
        rest = reader.read()

    assert first == b"half"
    with pytest.raises((ConnectionResetError, RuntimeError)):
        rest.get(BOUND)


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(runtime, house):
    with serve(runtime, body_bytes_max=1000) as server, connect(server) as connection:
        expect = ("content-length: 1001", "expect: 100-continue")
        connection.sendall(request("/house/body", "POST", None, *expect))

        assert Replies(connection).next()[0] == 413


def test_a_path_of_many_segments_costs_no_more_than_its_length(server):
    assert ask(server, "/house" + "/x" * 30_000)[0] == 404
    assert ask(server, "/" * 60_000)[0] == 404


# LP HttpServerTest.Discard
def test_close_discards_what_is_not_answered_yet_and_says_so(runtime, house):
    server = serve(runtime)
    with connect(server) as connection:
        connection.sendall(request("/house/late/x"))
        house.asked.get().get(BOUND)

        server.close(timeout=BOUND)

        assert house.discarded.get().get(BOUND) == "/x"
        assert Replies(connection).next() == (503, b"The server is closing.")
    assert not [thread for thread in threading.enumerate() if thread.name == "http-server"]


def test_close_ends_an_open_stream_properly_and_tells_its_writer(runtime, house):
    server = serve(runtime)
    with connect(server) as connection:
        connection.sendall(request("/house/stream"))
        replies, writer = Replies(connection), house.pipes.get().get(BOUND)
        replies.head()

        server.close(timeout=BOUND)

        assert replies.chunk() == b""
        assert writer.reader_closed.get(BOUND) is None
        assert writer.write(b"late").get(BOUND) is False


# LP HttpServerTest.StopNotRunning
def test_a_second_close_does_nothing(runtime):
    server = serve(runtime)

    server.close()
    server.close()

    with pytest.raises(ConnectionRefusedError), connect(server):
        pass


def test_what_is_asked_after_the_runtime_is_503():
    with la.Runtime() as runtime:
        runtime.spawn(House())
        server = serve(runtime)
    with server:
        assert ask(server, "/house/now")[0] == 503


@pytest.mark.parametrize(
    "wrong",
    [{"port": "80"}, {"port": True}, {"host": None}, {"patience_s": 0}, {"patience_s": "x"}, {"connections_max": 0}],
)
def test_where_and_how_to_serve_is_checked_at_once(runtime, wrong):
    with pytest.raises((TypeError, ValueError), match=r"got .*, expected"):
        serve(runtime, **wrong)


def test_a_taken_port_is_refused_by_its_name(runtime, server):
    port = int(server.url.rpartition(":")[2])

    with pytest.raises(OSError, match=f"127.0.0.1:{port}"):
        serve(runtime, port=port)


def test_a_handler_that_blocks_holds_up_nobody_elses_actor(runtime, server):
    go_on, entered = threading.Event(), threading.Event()

    class Slow(la.Actor):
        @la.route("/wait")
        def wait(self, request):
            entered.set()
            go_on.wait(BOUND)
            return "done"

    runtime.spawn(Slow("slow"))
    with connect(server) as connection:
        connection.sendall(request("/slow/wait"))
        entered.wait(BOUND)

        meanwhile = ask(server, "/house/now/x")
        go_on.set()

        assert meanwhile == (200, b"/x")
        assert Replies(connection).next() == (200, b"done")


def test_the_application_is_served_beside_others_by_one_server(runtime, house):
    async def hello(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"hi"})

    class Urls:
        def __init__(self, url):
            self.url = url

    with HttpServer() as server:
        actors, other = Urls(server.listen(application(runtime))), Urls(server.listen(hello))

        assert (ask(actors, "/house/now/x"), ask(other, "/")) == ((200, b"/x"), (200, b"hi"))


# Goal: nothing is left that would warn or keep the process. Method: a process of its own, every warning an error.
def test_a_program_that_serves_and_closes_ends_silently(complaints):
    program = """
import sys, threading, urllib.request
import libactor as la
from libactor.http import serve
class A(la.Actor):
    @la.route("/v")
    def v(self, request):
        return "ok"
with la.Runtime() as runtime:
    runtime.spawn(A("a"))
    with serve(runtime) as server:
        print(urllib.request.urlopen(server.url + "/a/v").read())
print(threading.active_count())
"""

    command = [sys.executable, "-W", "error", "-X", "dev", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.stdout, complaints(done.stderr), done.returncode) == ("b'ok'\n1\n", "", 0)


def test_actors_with_routes_import_neither_the_package_nor_the_server_libraries():
    program = """
import sys
import libactor as la
class A(la.Actor):
    @la.route("/v")
    def v(self, request): ...
print(sorted(name for name in sys.modules if name in ("uvicorn", "httptools", "uvloop") or "libactor.http" in name))
"""

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
