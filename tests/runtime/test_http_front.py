"""What the worker answers by itself, and what it hands over to the event loop: nobody can tell the difference."""

import socket

import pytest

import libactor as la
from libactor.http import (
    DisabledPaths,
    HttpServer,
    application,
    compress,
    front_connection,
    jsonp,
    serve,
)
from libactor.http.exchange import CLOSING
from tests.runtime.house import BOUND, LAST, House, connect, get, read_all, read_answer, read_some

pytestmark = pytest.mark.real

PATIENCE_S = 1.0  # far longer than it takes to send a request; who has sent nothing by then is not told anything


@pytest.fixture
def house():
    return House()


@pytest.fixture
def runtime(house):
    with la.Runtime() as runtime:
        runtime.spawn(house)
        yield runtime


def answers_of_both(runtime, sent):
    """Return what a server answers that has a front, and one that has none."""
    received = []
    with serve(runtime) as server, HttpServer() as loop:
        for url in (server.url, loop.listen(application(runtime))):
            with connect(url) as connection:
                connection.sendall(sent)
                received.append(read_all(connection))
    return received


SIMPLE = [
    get("/house/now/a%20b?x=1"),
    get("/house/get"),
    get("/house/get", method="HEAD"),
    get("/house/get", method="DELETE"),
    get("/house/get", method="OPTIONS"),
    get("/house/none"),
    get("/house/fails"),
    get("/house/teapot"),
    get("/house/bytes?n=100"),
    get("/nobody/at/home"),
    get("/house/no/route"),
    get("/house/../now"),
    get("/house/now?%zz"),
    get("http://elsewhere/house/now"),
    get("/house/now", "x: " + "y" * 4000),
]

NOT_SIMPLE = [
    get("/house/bytes?n=2000"),
    get("/house/bytes?n=2000", "accept-encoding: gzip"),
    get("/house/bytes?n=200000"),
    get("/house/pipe"),
    get("/house/length", "content-length: 3", method="POST", body=b"abc"),
    get("/house/body", "content-length: 3", method="POST", body=b"abc"),
    get("/house/body", "content-length: 0", method="POST"),
    get("/house/body", "transfer-encoding: chunked", method="POST", body=b"3\r\nabc\r\n0\r\n\r\n"),
    get("/house/body", "expect: 100-continue", "content-length: 3", method="POST", body=b"abc"),
    get("/help?format=json"),
    get("/house/now", "x: " + "y" * 20_000),
]

ENDING = [  # the connection, after their answer
    get("/house/now", "connection: close"),
    get("/house/now", "connection: close, upgrade", "upgrade: websocket"),
    b"GET /house/now HTTP/1.0\r\nhost: x\r\n\r\n",
]

REFUSED = [
    b"no request at all\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"GET /house/now HTTP/1.1\r\nno field\r\n\r\n",
    b"GET /house/now HTTP/1.1\r\ncontent-length: x\r\n\r\n",
    get("/house/body", "content-length: 3", "transfer-encoding: chunked", method="POST", body=b"abc"),
    b"GET nowhere HTTP/1.1\r\nhost: x\r\n\r\n",
    get("http://elsewhere"),
    get("http://elsewhere:99999/house/now"),
    get("http:///house/now"),
    b"GET /house/now HTTP/1.1\nhost: x\n\n" + LAST,
]


# Goal: who reads a request cannot be told from its answer. Method: the same bytes to a server that has no front.
@pytest.mark.parametrize("sent", [*SIMPLE, *NOT_SIMPLE, *ENDING], ids=lambda sent: repr(sent[:40]))
@pytest.mark.parametrize("before", [b"", get("/house/now"), get("/nobody") + get("/house/get")])
def test_the_worker_answers_byte_for_byte_as_the_event_loop(runtime, before, sent):
    by_worker, by_loop = answers_of_both(runtime, before + sent + LAST)

    assert by_worker == by_loop
    assert by_worker


# Behind a request that is not answered yet the loop cuts: only here is the answer the same whoever is quicker.
@pytest.mark.parametrize("sent", REFUSED, ids=lambda sent: repr(sent[:40]))
def test_what_is_no_request_is_refused_as_by_the_event_loop(runtime, sent, caplog):
    by_worker, by_loop = answers_of_both(runtime, sent + LAST)

    assert by_worker == by_loop
    assert by_worker.startswith(b"HTTP/1.1 400 ")
    assert not [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")]


@pytest.mark.parametrize("sent", SIMPLE, ids=lambda sent: repr(sent[:40]))
def test_simple_requests_stay_with_the_worker(runtime, sent):
    with serve(runtime) as server, connect(server.url) as connection:
        connection.sendall(sent + get("/house/now/last"))

        while b"/last?" not in read_some(connection, 1 << 16):
            pass

        assert len(server._front.connections) == 1


@pytest.mark.parametrize("sent", NOT_SIMPLE, ids=lambda sent: repr(sent[:40]))
def test_what_is_not_simple_goes_to_the_event_loop_for_good(runtime, sent):
    with serve(runtime) as server, connect(server.url) as connection:
        connection.sendall(sent + get("/house/now/last"))

        received = b""
        while b"/last?" not in received:
            received += read_some(connection, 1 << 16)

        assert len(server._front.state.connections) == 1  # of the event loop


@pytest.mark.parametrize("cut", [1, 20, len(get("/house/now")) - 1])
def test_a_head_in_two_pieces_is_answered_once_both_are_there(runtime, cut):
    whole = get("/house/now")
    with serve(runtime) as server, connect(server.url) as connection:
        connection.sendall(get("/house/now/first") + whole[:cut])
        first = read_answer(connection)

        connection.sendall(whole[cut:])

        assert [first, read_answer(connection)] == [(200, b"/first?"), (200, b"?")]


def test_who_is_handed_over_with_the_second_of_three_requests_gets_three_answers_in_order(runtime):
    posted = get("/house/body", "content-length: 5", method="POST", body=b"hello")
    with serve(runtime) as server, connect(server.url) as connection:
        connection.sendall(get("/house/now/1") + posted + get("/house/now/3"))

        assert [read_answer(connection)[1] for _ in range(3)] == [b"/1?", b"hello", b"/3?"]


def test_who_does_not_read_gets_all_answers_in_order_once_it_does(runtime):
    count = 600
    with serve(runtime, finish=[]) as server, connect(server.url) as connection:
        connection.sendall(b"".join([get(f"/house/bytes?n={16_000 + number % 7}") for number in range(count)]))

        assert [len(read_answer(connection)[1]) for _ in range(count)] == [16_000 + n % 7 for n in range(count)]


def test_connections_of_the_worker_count_too(runtime):
    with serve(runtime, connections_max=1) as server, connect(server.url) as first:
        first.sendall(get("/house/now"))
        assert read_answer(first)[0] == 200

        with connect(server.url) as second:
            refused = read_all(second)

        assert refused.startswith(b"HTTP/1.1 503 ")
        first.sendall(get("/house/now"))
        assert read_answer(first)[0] == 200


@pytest.mark.parametrize(
    "options",
    [
        {"finish": [jsonp, compress]},
        {"firewall": [DisabledPaths(["/house/none"])]},
        {"authorize": lambda endpoint, request, principal: True},
    ],
    ids=lambda options: next(iter(options)),
)
def test_what_asks_functions_of_the_user_is_done_by_the_event_loop(runtime, options):
    with serve(runtime, **options) as server, connect(server.url) as connection:
        connection.sendall(get("/house/get?jsonp=show"))

        status, body = read_answer(connection)

        assert status == 200
        assert body == (b'show({"method":"GET"});' if "finish" in options else b'{"method":"GET"}')
        assert len(server._front.state.connections) == 1  # of the event loop


def test_who_sends_nothing_is_closed(runtime):
    with serve(runtime, patience_s=0.05) as server, connect(server.url) as connection:
        assert connection.recv(1) == b""


def test_who_sends_half_a_head_is_told_that_its_time_is_over(runtime):
    with serve(runtime, patience_s=PATIENCE_S) as server, connect(server.url) as connection:
        connection.sendall(get("/house/now")[:10])

        assert read_all(connection).startswith(b"HTTP/1.1 408 ")


def test_who_rests_too_long_between_two_requests_is_closed(runtime, monkeypatch):
    monkeypatch.setattr(front_connection, "REST_NS", 0)
    with serve(runtime, patience_s=PATIENCE_S) as server, connect(server.url) as connection:
        connection.sendall(get("/house/now/last"))

        assert read_all(connection).endswith(b"/last?")


def test_a_client_that_goes_away_discards_what_its_handler_waits_for(runtime, house):
    with serve(runtime) as server:
        with connect(server.url) as connection:
            connection.sendall(get("/house/never/x") + get("/house/now"))
            house.asked.get().get(BOUND)

        assert house.discarded.get().get(BOUND) == "/x"


def test_close_answers_503_to_what_is_served_and_closes_what_rests(runtime, house):
    with serve(runtime) as server, connect(server.url) as served, connect(server.url) as rests:
        with connect(server.url) as half:
            half.sendall(get("/house/now")[:10])
            rests.sendall(get("/house/now"))
            read_answer(rests)
            served.sendall(get("/house/never/x"))
            house.asked.get().get(BOUND)

            server.close(BOUND)

            assert half.recv(1) == b""
        assert house.discarded.get().get(BOUND) == "/x"
        assert read_answer(served) == (503, CLOSING)
        assert rests.recv(1) == b""
        with pytest.raises(ConnectionRefusedError), connect(server.url):
            pass


def test_a_dropped_promise_is_answered_500(runtime, house):
    with serve(runtime) as server, connect(server.url) as connection:
        connection.sendall(get("/house/never/x"))
        house.asked.get().get(BOUND)

        connection.sendall(get("/house/never/y"))
        la.dispatch(house.pid, House.forget)

        assert read_answer(connection)[0] == 500


def test_after_the_runtime_the_event_loop_answers_old_and_new_connections():
    with la.Runtime() as runtime:
        runtime.spawn(House())
        server = serve(runtime)
        old = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])), BOUND)
        old.sendall(get("/house/now"))
        read_answer(old)
    with old, server, connect(server.url) as new:
        old.sendall(get("/house/now"))
        new.sendall(get("/house/now"))

        assert [read_answer(old)[0], read_answer(new)[0]] == [503, 503]


def test_a_failure_of_serving_closes_that_connection_alone(runtime, monkeypatch, caplog):
    with serve(runtime) as server, connect(server.url) as other:
        find = server.site.find_direct
        monkeypatch.setattr(server.site, "find_direct", lambda scope: find(scope) if scope["path"] != "/x" else 1 / 0)
        with connect(server.url) as connection:
            connection.sendall(get("/x"))

            assert connection.recv(1) == b""
        other.sendall(get("/house/now"))
        assert read_answer(other)[0] == 200
    assert "serving it failed" in caplog.text
