"""Pages, realms and files over real sockets: clients that write anything, read slowly, or leave."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

import libactor as la
from libactor import http
from libactor.http.parts import PIECE_BYTES, FilePart

pytestmark = pytest.mark.real

LIMIT = 30
SECRET = "a secret of more than thirty-two bytes"


class Safe(la.Actor):
    def __init__(self):
        super().__init__("safe")

    @la.route("/basic", realm="basic")
    def basic(self, request, principal):
        return principal.value

    @la.route("/token", realm="token")
    def token(self, request, principal):
        return principal.value


@pytest.fixture
def served(paused):
    """A server with two realms, and a clock that does not move by itself."""
    la.spawn(Safe())
    realms = {"basic": http.Basic("basic", {"ann": "tea"}), "token": http.JWT("token", SECRET)}
    with http.serve(paused, realms=realms) as server:
        yield server


def connect(server):
    """A socket to a server."""
    parts = urlsplit(server.url)
    return socket.create_connection((parts.hostname, parts.port), timeout=LIMIT)


def send(server, path, *headers):
    """A socket by which a request was sent, of headers as bytes."""
    client = connect(server)
    lines = [b"GET " + path + b" HTTP/1.1", b"Host: x", b"Connection: close", *headers, b"", b""]
    client.sendall(b"\r\n".join(lines))
    return client


def status(client):
    """The status that comes back, and then the end of the connection."""
    with client, client.makefile("rb") as answer:
        line = answer.readline()
        answer.read()
    return int(line.split()[1])


def read_all(answer):
    """How many bytes come until the connection is cut."""
    count = 0
    try:
        while piece := answer.read(1 << 20):
            count += len(piece)
    except ConnectionResetError:
        pass
    return count


@pytest.mark.parametrize(
    "value",
    [
        b"", b"Basic", b"Basic \xff\xfe", b"Basic ====", b"Basic Og==", b"Basic " + b"A" * 30_000, b"basic YW5uOg==",
        b"\xe9 \xe9", b"Bearer", b"Bearer ....", b"Bearer \xff.\xff.\xff", b"Bearer " + b"A" * 30_000,
        b"Bearer eyJhbGciOiJub25lIn0.e30.", b"Basic YW5uOnRlYQ==, Basic YW5uOnRlYQ==",
    ],
)  # fmt: skip
def test_whatever_an_authorization_holds_nobody_comes_in_and_nothing_fails(served, value):
    header = b"Authorization: " + value

    assert [status(send(served, path, header)) for path in (b"/safe/basic", b"/safe/token")] == [401, 401]


def test_the_right_one_comes_in(served):
    assert status(send(served, b"/safe/basic", b"aUTHORIZATION:   bAsIc YW5uOnRlYQ==  ")) == 200


@pytest.mark.parametrize(
    "value", [b"gzip;q=\xff", b"*;q=1e400", b"," * 20_000, b"gzip" + b";q=1" * 5_000, b"gzip, gzip;q=0"]
)
def test_whatever_an_accept_holds_is_answered(served, value):
    headers = (b"Accept-Encoding: " + value, b"Accept: " + value, b"Range: " + value)

    assert [status(send(served, path, *headers)) for path in (b"/help", b"/__processes__")] == [200, 200]


@pytest.mark.parametrize(
    "query", [b"timeout=%ff", b"timeout=" + b"9" * 5_000 + b"secs", b"timeout=1secs&timeout=x", b"jsonp=%00&timeout=x"]
)
def test_whatever_a_timeout_holds_is_a_400(served, query):
    assert status(send(served, b"/metrics/snapshot?" + query)) == 400


# Goal: the end does not wait for who waits. Method: a clock that does not move, so that no turn comes.
def test_a_server_that_closes_ends_requests_that_wait_for_their_turn(served):
    assert status(send(served, b"/metrics/snapshot")) == 200
    waiting = send(served, b"/metrics/snapshot")
    connected = httpx2.get(f"{served.url}/__processes__", timeout=LIMIT).status_code

    served.close(timeout=0.1)

    with waiting, waiting.makefile("rb") as answer:
        line = answer.readline()
    assert connected == 200
    assert line == b"" or int(line.split()[1]) >= 500


@pytest.fixture
def files(runtime, tmp_path):
    """A server of files, and their directory."""
    with http.serve(runtime, system={"/files": http.provide(tmp_path)}) as server:
        yield server, tmp_path


def test_a_large_file_arrives_whole_and_as_it_is(files):
    server, directory = files
    data = os.urandom(1 << 16) * 256
    (directory / "large").write_bytes(data)

    found = httpx2.get(f"{server.url}/files/large", timeout=LIMIT)

    assert found.content == data
    assert "content-encoding" not in found.headers


# Goal: a client that does not read costs a few pieces and no more. Method: count what was read of a sparse file.
def test_of_a_file_only_as_much_is_read_as_its_client_takes(files, monkeypatch):
    server, directory = files
    with open(directory / "huge", "wb") as file:
        file.truncate(1 << 40)
    done = []
    read = FilePart.read
    monkeypatch.setattr(FilePart, "read", lambda part, start: done.append(start) or read(part, start))

    with send(server, b"/files/huge") as client:
        assert client.recv(15) == b"HTTP/1.1 200 OK"
        server.close(timeout=0.1)

    assert max(done) < 64 * PIECE_BYTES


def test_a_file_that_becomes_shorter_is_not_passed_off_as_whole(files):
    server, directory = files
    with open(directory / "shrinking", "wb") as file:
        file.truncate(1 << 30)

    with send(server, b"/files/shrinking") as client, client.makefile("rb") as answer:
        assert b"200" in answer.readline()
        os.truncate(directory / "shrinking", 5)
        assert read_all(answer) < 1 << 30


def test_two_hundred_clients_that_leave_keep_no_descriptors(files):
    server, directory = files
    with open(directory / "huge", "wb") as file:
        file.truncate(1 << 40)
    before = len(os.listdir("/proc/self/fd"))

    for _ in range(200):
        with send(server, b"/files/huge") as client:
            assert client.recv(15) == b"HTTP/1.1 200 OK"
    server.close(timeout=0.1)

    assert len(os.listdir("/proc/self/fd")) <= before


def test_the_example_asks_itself_and_fits_on_a_page(complaints):
    example = Path(__file__).parents[2] / "examples" / "http_guarded.py"
    command = [sys.executable, "-X", "dev", "-W", "error", example]

    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (ran.returncode, complaints(ran.stderr)) == (0, "")
    statuses = [line.split(" -> ")[1][:3] for line in ran.stdout.splitlines()]
    assert statuses == ["200", "401", "403", "200", "403", "200"]
    assert "ann has bought 3" in ran.stdout
    assert len(example.read_text().splitlines()) <= 80
