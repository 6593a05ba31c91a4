"""Connections of clients that send too slowly or too much, driven by hand: no socket, and time is told, not passed."""

import asyncio

import pytest
import uvicorn

from libactor.http.connection import BODY_BYTES_MIN, HEAD_BYTES_MAX, PIECE_BYTES, REST_TICKS, Connection
from libactor.http.presence import Presence
from libactor.http.state import State

pytestmark = pytest.mark.coreless

HEAD = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"


class Handle:
    def __init__(self, action):
        self.action = action
        self.cancelled = False

    def cancel(self):
        self.cancelled = True


class Task:
    def add_done_callback(self, callback):
        pass


class Loop:
    """Time passes by ``expire``; an application starts, but nothing goes on by itself."""

    def __init__(self):
        self.handles = []
        self.started = []

    def call_later(self, delay, action):
        self.handles.append(Handle(action))
        return self.handles[-1]

    def call_soon(self, action):
        action()

    def create_task(self, coroutine):
        self.started.append(coroutine)
        return Task()

    def expire(self):
        """Let the time of everything that waits now be over."""
        waiting, self.handles = [handle for handle in self.handles if not handle.cancelled], []
        for handle in waiting:
            handle.action()
        return len(waiting)


class Transport(asyncio.Transport):
    def __init__(self):
        super().__init__()
        self.sent = b""
        self.state = "open"

    def write(self, data):
        self.sent += data

    def close(self):
        self.state = "closed"

    def abort(self):
        self.state = "cut"

    def is_closing(self):
        return self.state != "open"

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


async def app(scope, receive, send):
    """Never run: what matters is what the connection does meanwhile."""


async def be_patient(scope):
    with Presence(scope, None) as presence:
        presence.be_patient()


class Client:
    """A connection of a server that serves ``connections_max``."""

    def __init__(self, loop, state):
        config = uvicorn.Config(app, http=Connection, ws="none", lifespan="off", log_config=None)
        self.loop = loop
        self.transport = Transport()
        self.connection = Connection(lambda app: app, None, config=config, server_state=state, app_state={}, _loop=loop)
        self.connection.connection_made(self.transport)

    def send(self, data):
        self.connection.data_received(data)

    @property
    def seen(self):
        """The state of the connection and the status of what was answered."""
        return self.transport.state, self.transport.sent[9:12].decode()

    @property
    def request(self):
        return self.connection.cycle

    def answer(self, more=False):
        """Let the application answer the last request."""
        asyncio.run(self._answer(more))

    async def _answer(self, more):
        await self.request.send({"type": "http.response.start", "status": 200, "headers": []})
        await self.request.send({"type": "http.response.body", "body": b"x", "more_body": more})


@pytest.fixture
def loop():
    loop = Loop()
    yield loop
    for coroutine in loop.started:
        coroutine.close()


@pytest.fixture
def client(loop):
    return Client(loop, State(20.0, 1))


def test_a_head_that_does_not_end_in_time_is_408(client, loop):
    client.send(HEAD[:10])
    client.send(HEAD[10:20])

    assert loop.expire() == 1
    assert client.seen == ("closed", "408")


def test_who_rests_after_an_answer_for_too_long_is_closed(loop):
    state = State(20.0, 1)
    client = Client(loop, state)
    client.send(HEAD)
    client.answer()
    seconds_open = []
    for _ in range(REST_TICKS + 1):
        seconds_open.append(client.seen[0])
        state.tick()

    assert (seconds_open, client.seen) == (["open"] * (REST_TICKS + 1), ("closed", "200"))


@pytest.mark.parametrize("begin", [HEAD, HEAD[:10]])
def test_who_is_served_or_asks_is_not_taken_to_rest(loop, begin):
    state = State(20.0, 1)
    client = Client(loop, state)
    client.send(HEAD)
    client.answer()

    client.send(begin)
    for _ in range(REST_TICKS + 1):
        state.tick()

    assert (client.seen[0], state.answered) == ("open", set())


def test_who_asks_nothing_is_closed_without_a_word(client, loop):
    client.send(b"\r\n")

    loop.expire()

    assert client.seen == ("closed", "")


def test_a_body_that_does_not_go_on_is_408(client, loop):
    client.send(POST + b"x")

    loop.expire()

    assert client.seen == ("closed", "408")


def test_a_body_that_goes_on_slowly_has_time_until_it_stops(client, loop):
    client.send(POST)
    for _ in range(3):
        client.send(bytes(BODY_BYTES_MIN))
        loop.expire()
        assert client.seen == ("open", "")

    loop.expire()

    assert client.seen == ("closed", "408")


def test_a_body_that_we_do_not_read_is_not_the_clients_delay(client, loop):
    client.send(POST + bytes(70_000))  # more than waits for an application, so reading has stopped

    loop.expire()
    loop.expire()

    assert client.seen == ("open", "")


# Goal: a conversation may rest in the middle of its body, and no other request of the connection.
def test_a_body_has_the_time_that_its_application_gives_it(client, loop):
    client.send(CHUNKED[: -len(b"0\r\n")])
    asyncio.run(be_patient(client.request.scope))
    loop.expire()
    loop.expire()
    assert client.seen == ("open", "")

    client.send(b"0\r\n\r\n")
    client.answer()
    client.send(POST + b"x")
    loop.expire()

    assert client.transport.state == "closed"
    assert b"HTTP/1.1 408 " in client.transport.sent


def test_a_response_may_take_as_long_as_it_likes(client, loop):
    client.send(HEAD)
    client.answer(more=True)

    assert loop.expire() == 0
    assert client.seen == ("open", "200")


def test_an_idle_connection_that_only_sends_blank_lines_is_closed(client, loop):
    client.send(HEAD)
    client.answer()
    client.send(b"\r\n")

    loop.expire()

    assert client.transport.state == "closed"


def test_a_late_request_behind_an_open_response_is_cut_and_does_not_write_into_it(client, loop):
    client.send(HEAD)
    client.answer(more=True)
    sent = client.transport.sent
    client.send(HEAD[:10])

    loop.expire()

    assert client.seen == ("cut", "200")
    assert client.transport.sent == sent


class Fed:
    """A parser that notes how much it is given at a time."""

    def __init__(self, parser):
        self.parser = parser
        self.sizes = []

    def feed_data(self, data):
        self.sizes.append(len(data))
        self.parser.feed_data(data)

    def __getattr__(self, name):
        return getattr(self.parser, name)


def test_a_body_is_parsed_as_it_came_and_what_is_behind_it_in_small_pieces(client):
    client.send(POST)
    client.connection.parser = fed = Fed(client.connection.parser)

    client.send(b"x" * 99_000)
    client.send(b"x" * 1_000 + HEAD * 1_000)

    assert fed.sizes == [99_000, PIECE_BYTES]
    assert len(client.connection.pipeline) <= PIECE_BYTES / len(HEAD)


def test_a_body_whose_length_is_not_said_is_parsed_in_small_pieces(client):
    client.send(CHUNKED.replace(b"0\r\n", b""))
    client.connection.parser = fed = Fed(client.connection.parser)

    client.send(b"2710\r\n" + b"x" * 10_000)

    assert fed.sizes == [PIECE_BYTES, PIECE_BYTES, 10_006 - 2 * PIECE_BYTES]
    assert client.request.body == b"x" * 10_001


# Goal: no body passes for a request. Method: a body that is one, behind an offer that the parser takes for accepted.
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_request_that_offers_another_protocol_keeps_its_body(client, loop, size):
    body = b"DELETE / HTTP/1.1\r\nhost: x\r\n\r\n"
    offer = b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\n"
    request = POST.replace(b"content-length: 100000\r\n", offer + b"content-length: %d\r\n" % len(body)) + body

    for start in range(0, len(request), size):
        client.send(request[start : start + size])

    assert (client.request.scope["method"], client.request.body) == ("POST", body)
    assert not client.request.more_body
    assert len(loop.started) == 1
    assert not client.connection.pipeline
    assert client.seen == ("open", "")


def test_trailers_without_end_are_400(client):
    client.send(CHUNKED)
    line = b"trailer: " + bytes(1000).replace(b"\0", b"x") + b"\r\n"

    for _ in range(HEAD_BYTES_MAX // len(line) + 1):
        client.send(line)

    assert client.seen == ("closed", "400")


def test_a_trailer_passes_for_no_header(client):
    client.send(CHUNKED + b"host: evil\r\n\r\n")

    assert [value for name, value in client.request.scope["headers"] if name == b"host"] == [b"x"]
    assert client.seen == ("open", "")


def test_a_connection_beyond_the_bound_is_503_until_another_has_gone(client, loop):
    late = Client(loop, client.connection.server_state)
    late.send(HEAD)
    late.connection.connection_lost(None)
    client.connection.connection_lost(None)

    next_one = Client(loop, client.connection.server_state)

    assert late.seen == ("closed", "503")
    assert late.request is None
    assert next_one.seen == ("open", "")
