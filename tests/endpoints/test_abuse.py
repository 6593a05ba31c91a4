"""Bad bodies, bad heads and many connections, over sockets: each has the documented answer, and nobody suffers."""

import resource
import socket
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import pytest

import libactor as la
from libactor.http import HttpServer
from mesoslite.api.exchange import BODY_BYTES_MAX

from .fakes import BOUND
from .live import Live

pytestmark = pytest.mark.real

PATHS = ["/api/v1/scheduler", "/api/v1"]
FIELDS = {"/api/v1/scheduler": "subscribe.framework_info", "/api/v1": "update_quota.quota_configs"}
OPENINGS = {
    "/api/v1/scheduler": b'{"type": "SUBSCRIBE", "subscribe": {"framework_info": %s}}',
    "/api/v1": b'{"type": "UPDATE_QUOTA", "update_quota": {"quota_configs": %s}}',
}


@pytest.fixture(scope="module")
def master():
    """Where a master serves."""
    with la.Runtime() as runtime, HttpServer() as server:
        yield server.listen(Live(runtime).app)


def connect(url):
    address = urlsplit(url)
    return socket.create_connection((address.hostname, address.port), timeout=BOUND)


def read(connection):
    """What comes until the other side closes, or breaks off."""
    received = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return received


def status_of(answer):
    return int(answer.split(b" ")[1]) if answer else None


def send(url, *pieces):
    """Send these pieces, as long as the other side takes them; the answer."""
    with connect(url) as connection:
        with suppress(ConnectionError):
            for piece in pieces:
                connection.sendall(piece)
        return read(connection)


def head(path, *headers, method="POST"):
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", "Content-Type: application/json", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def post(url, path, body):
    return send(url, head(path, f"Content-Length: {len(body)}"), body)


def assert_serves(url):
    assert status_of(send(url, head("/health", method="GET"))) == 200


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "value",
    [
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b"[" * 200_000 + b"]" * 200_000,
        b'"\xff\xfe"',
        b"nul",
        b"1e",
        b"1e999",
        b'"\\ud8"',
    ],
    ids=["open", "open-objects", "nested", "non-utf-8", "word", "number", "too-large", "escape"],
)
def test_a_body_that_is_no_json_is_400(master, path, value):
    answer = post(master, path, OPENINGS[path] % value)

    assert status_of(answer) == 400
    assert_serves(master)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("value", [b"7", b'"text"', b"true", b"[[]]", b'[{"role": 1, "name": {}}]'])
def test_a_value_of_another_type_is_400_with_the_path_of_its_field(master, path, value):
    answer = post(master, path, OPENINGS[path] % value)

    assert status_of(answer) == 400
    assert FIELDS[path].encode() in answer


@pytest.mark.parametrize("path", PATHS)
def test_a_hundred_megabytes_that_are_announced_are_not_waited_for(master, path):
    answer = send(master, head(path, f"Content-Length: {100 << 20}"))

    assert status_of(answer) == 413


# The answer may be lost when the rest of what we send meets a closed connection; then that is what we see.
@pytest.mark.parametrize("path", PATHS)
def test_a_body_without_end_is_cut_at_the_bound(master, path):
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"

    answer = send(master, head(path, "Transfer-Encoding: chunked"), *[chunk] * (4 * BODY_BYTES_MAX // 65536))

    assert status_of(answer) in (413, None)
    assert_serves(master)


# Goal: whoever sends a byte now and then is not waited for. Method: the rest of the body never comes.
@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_comes_too_slowly_is_408(live, path):
    with HttpServer(patience_s=0.5) as server:
        answer = send(server.listen(live.app), head(path, "Content-Length: 1000") + b"{")

    assert status_of(answer) == 408


@pytest.mark.parametrize("path", PATHS)
def test_a_truncated_body_harms_nobody(master, path):
    with connect(master) as connection:
        connection.sendall(head(path, "Content-Length: 1000") + b"{")

    assert_serves(master)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([f"X-{number}: y" for number in range(20_000)], 400),
        (["X-Long: " + "y" * 200_000], 400),
        (["Content-Length: 2", "Content-Length: 3"], 400),
        (["Content-Length: -1"], 400),
        (["Content-Length: 99999999999999999999999"], 400),
        (["Content-Length: 2", "Transfer-Encoding: chunked"], 400),
        (["Transfer-Encoding: gzip"], 400),
        (["X\x00: y"], 400),
    ],
    ids=["many", "long", "two-lengths", "negative", "huge", "length-and-chunks", "unknown-coding", "zero"],
)
def test_a_head_that_cannot_be_is_refused(master, headers, status):
    answer = send(master, head("/api/v1", *headers) + b"{}")

    assert status_of(answer) in (status, None)  # None: it was closed while we still sent
    assert_serves(master)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", PATHS)
def test_another_method_is_405(master, path, method):
    answer = send(master, head(path, "Content-Length: 0", method=method))

    assert (status_of(answer), b"\r\nallow: post\r\n" in answer.lower()) == (405, True)


# Both ends are in this process, and each has a descriptor.
def test_many_idle_connections_keep_nobody_out(master):
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        for _ in range(min(1_000, descriptors // 8)):
            stack.enter_context(connect(master))

        assert_serves(master)
