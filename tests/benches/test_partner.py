"""The other process of a measurement, and the client of the http lines: what they notice."""

import os
import socket
import threading
import time
from contextlib import suppress

import pytest

from bench.benchmarks import WorkNotDone
from bench.http_client import CONNECTIONS, get_body, get_many
from bench.partner import PLACE, Partner, PartnerFailed
from bench.peers.sockets import connect
from bench.peers.tally import SMALL, expect_arrived

BODY = b"hello, world"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"


@pytest.fixture
def served():
    """Start a server whose every connection gets the given responses, one for each read, and then is closed."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads = []

    def run(function, *arguments):
        threads.append(threading.Thread(target=function, args=arguments))
        threads[-1].start()

    def accept(responses, connections):
        for _ in range(connections):
            run(answer, listener.accept()[0], responses)

    def answer(connection, responses):
        with connection, suppress(ConnectionError):  # a client that has noticed something is gone
            for response in responses:
                connection.recv(4096)
                connection.sendall(response)

    def start(*responses, connections=CONNECTIONS):
        run(accept, responses, connections)
        return "{}:{}".format(*listener.getsockname())

    with listener:
        yield start
        for thread in threads:  # grows until the first one, which accepts, has ended
            thread.join()


@pytest.mark.real
def test_a_partner_runs_where_its_side_of_the_line_is_to_run(monkeypatch):
    here = sorted(os.sched_getaffinity(0))
    monkeypatch.setenv(PLACE, str(here[-1]))

    with Partner("bench.peers.sockets:serve") as partner:
        assert os.sched_getaffinity(partner._process.pid) == {here[-1]}


@pytest.mark.real
def test_the_time_of_a_partner_is_what_it_has_worked_itself():
    with Partner("bench.peers.sockets:serve") as partner, connect(partner.address) as connection:
        start, before = time.perf_counter(), partner.processor_seconds()
        connection.sendall(b"eping")
        connection.recv(100)
        used = partner.processor_seconds() - before

    assert 0 < used < time.perf_counter() - start


@pytest.mark.real
def test_a_partner_ends_with_who_started_it():
    with Partner("bench.peers.sockets:serve") as partner:
        partner._process.stdin.close()

        assert partner._process.wait(timeout=60) == 0


@pytest.mark.real
def test_a_partner_that_ends_before_it_serves_is_an_error():
    with pytest.raises(PartnerFailed, match=r"the process that is to serve bench\.peers\.sockets:teleport ended"):
        Partner("bench.peers.sockets:teleport")


@pytest.mark.real
def test_one_partner_serves_one_connection_after_the_other():
    with Partner("bench.peers.sockets:serve") as partner:
        for _ in range(2):
            with connect(partner.address) as connection:
                connection.sendall(b"eping")

                assert connection.recv(100) == b"ping"


@pytest.mark.parametrize(
    "report", [(9, 1_000, 45), (10, 999, 45), (10, 1_000, 44)], ids=["lost", "cut", "not what was sent"]
)
def test_messages_that_did_not_arrive_as_they_were_sent_are_noticed(report):
    expect_arrived((10, 1_000, 45), SMALL, 10)

    with pytest.raises(WorkNotDone, match="messages, bytes and sum that arrived"):
        expect_arrived(report, SMALL, 10)


@pytest.mark.real
@pytest.mark.parametrize(
    ("first", "then"),
    [
        (HEAD + BODY, HEAD.replace(b"200", b"500") + BODY),
        (HEAD + BODY, HEAD + BODY[::-1]),
        (HEAD + BODY, HEAD + BODY[:-1]),
        (HEAD + BODY, b""),
        (HEAD.replace(b"200", b"500") + BODY, b""),
        (HEAD + BODY[::-1], b""),
        (HEAD.replace(b"12", b"11") + BODY, b""),
    ],
)
def test_a_response_that_is_not_the_wanted_one_is_noticed(first, then, served):
    address = served(first, then)

    with pytest.raises(WorkNotDone):
        get_many(address, "/", BODY, 4, time.process_time)


@pytest.mark.real
def test_whole_responses_are_counted_however_they_come(served):
    address = served(HEAD + BODY, HEAD + BODY, HEAD + BODY)

    assert get_many(address, "/", BODY, 8, iter([3.0, 5.0]).__next__) == 2.0


@pytest.mark.real
def test_a_large_body_that_is_cut_is_noticed(served):
    address = served(HEAD + BODY, HEAD + BODY[:5], connections=1)

    with pytest.raises(WorkNotDone, match="bytes of the responses"):
        get_body(address, "/", BODY, 1)
