"""HttpServer over real sockets: requests whole and broken, streams, slow readers, and the end of it all."""

import asyncio
import errno
import logging
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from libactor.http import HttpServer, Listener
from libactor.http import server as http
from libactor.http.state import State

pytestmark = pytest.mark.real

needs_ipv6 = pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")

BOUND = 60.0  # seconds after which a test has failed; never waited for when all is well


async def hello(scope, receive, send):
    """Answer with the path, once the body has been read."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        if not message["more_body"]:
            break
    text = scope["path"].encode() + b" " + str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
    await send({"type": "http.response.body", "body": text})


class Stream:
    """An application that streams one record and then waits until it is ended from outside."""

    def __init__(self):
        self.opened = threading.Event()
        self.ended = threading.Event()

    async def __call__(self, scope, receive, send):
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
            self.opened.set()
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self.ended.set()


class Flood:
    """An application that sends for as long as the client takes it, and more."""

    def __init__(self):
        self.full = threading.Event()

    async def __call__(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            sending = asyncio.ensure_future(
                send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
            )
            done, _ = await asyncio.wait({sending}, timeout=0.2)
            if not done:
                self.full.set()
            await sending


@pytest.fixture
def server():
    with HttpServer() as server:
        yield server


def connect(url):
    host, port = url.removeprefix("http://").rsplit(":", 1)
    return socket.create_connection((host.strip("[]"), int(port)), timeout=BOUND)


def exchange(url, request):
    """Send bytes, then read until the server closes."""
    with connect(url) as connection:
        connection.sendall(request)
        return read_all(connection)


def read_all(connection):
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def read_until(connection, mark):
    received = b""
    while mark not in received:
        chunk = connection.recv(65536)
        assert chunk, f"closed before {mark!r} came; got {received!r}"
        received += chunk
    return received


def server_threads():
    return [thread.name for thread in threading.enumerate() if thread.name == "http-server"]


def test_a_request_reaches_the_application_and_its_answer_the_client(server):
    url = server.listen(hello)

    answer = exchange(url, b"GET /path HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\ndate: " in head
    assert body == b"/path 0"


def test_several_applications_listen_on_ports_of_their_own_from_one_thread(server):
    urls = {server.listen(hello) for _ in range(3)}

    answers = [exchange(url, b"GET / HTTP/1.0\r\n\r\n") for url in urls]

    assert len(urls) == 3
    assert all(answer.endswith(b"/ 0") for answer in answers)
    assert len(server_threads()) == 1


# Goal: a port can be told to others before it is served. Method: send a request first, serve it then.
def test_a_connection_to_a_listener_waits_until_it_is_served(server):
    listener = Listener()
    with connect(listener.url) as client:
        client.sendall(b"GET /early HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        server.serve(hello, listener)

        assert b"/early 0" in read_all(client)
    assert listener.url.endswith(f":{listener.port}")


def test_a_listener_that_is_served_is_the_servers_to_close(server):
    listener = Listener()
    server.serve(hello, listener)

    listener.close()

    assert exchange(listener.url, b"GET / HTTP/1.0\r\n\r\n").endswith(b"/ 0")


def test_pipelined_requests_are_answered_in_order(server):
    url = server.listen(hello)
    request = b"".join(b"GET /%d HTTP/1.1\r\nhost: x\r\n\r\n" % number for number in range(50))

    answer = exchange(url, request + b"GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")

    bodies = [part.split(b"HTTP/1.1")[0] for part in answer.split(b"\r\n\r\n")[1:]]
    assert bodies == [b"/%d 0" % number for number in range(50)] + [b"/last 0"]


def streaming(*headers):
    """An application that answers in two pieces."""

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
        await send({"type": "http.response.body", "body": b"one ", "more_body": True})
        await send({"type": "http.response.body", "body": b"two"})

    return app


@pytest.mark.parametrize("headers", [(), ((b"Content-Length", b"7"),)])
def test_a_client_of_http_1_0_gets_no_chunks(server, headers):
    url = server.listen(streaming(*headers))

    head, _, body = exchange(url, b"GET / HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")
    head_alone = exchange(url, b"HEAD / HTTP/1.0\r\n\r\n")

    assert body == b"one two"
    assert b"transfer-encoding" not in head
    assert head_alone.partition(b"\r\n\r\n")[2] == b""


def test_an_open_stream_of_http_1_0_ends_with_the_server():
    stream = Stream()
    with HttpServer() as server, connect(server.listen(stream)) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        read_until(connection, b"first")

        server.close()

        assert read_all(connection) == b""
    assert stream.ended.is_set()


def test_offers_of_another_protocol_are_not_taken_up_and_swallow_nothing(server):
    url = server.listen(hello)
    offer = b"POST /%d HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: 3\r\n\r\nabc"

    answer = exchange(url, offer % 1 + offer % 2 + b"GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")

    bodies = [part.split(b"HTTP/1.1")[0] for part in answer.split(b"\r\n\r\n")[1:]]
    assert bodies == [b"/1 3", b"/2 3", b"/last 0"]


def test_more_pipelined_requests_than_one_head_may_hold_are_no_large_head(server):
    url = server.listen(hello)
    count = 4000

    with connect(url) as connection:
        writer = threading.Thread(
            target=connection.sendall, args=(b"GET / HTTP/1.1\r\nhost: x\r\nfiller: 0123456789\r\n\r\n" * count,)
        )
        writer.start()
        received = 0
        while received < count:
            received += connection.recv(65536).count(b"/ 0")
        writer.join()

    assert received == count


def test_a_head_without_end_is_refused(server):
    url = server.listen(hello)

    with connect(url) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nendless: ")
        answer = b""
        try:
            for _ in range(64):
                connection.sendall(b"x" * (1 << 18))
            answer = read_all(connection)
        except ConnectionError as error:  # the server closes while we still send
            refusal = error
        else:
            refusal = None

    assert refusal is not None or answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "garbage",
    [b"\x16\x03\x01\x02\x00 not HTTP\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n"],
    ids=["tls", "no-path", "no-colon"],
)
def test_what_is_not_http_gets_400_and_harms_nobody(server, garbage):
    url = server.listen(hello)

    answer = exchange(url, garbage)

    assert answer.startswith(b"HTTP/1.1 400")
    assert exchange(url, b"GET / HTTP/1.0\r\n\r\n").endswith(b"/ 0")


def test_a_truncated_request_never_reaches_its_end_and_harms_nobody(server):
    url = server.listen(hello)

    with connect(url) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nonly this")

    assert exchange(url, b"GET / HTTP/1.0\r\n\r\n").endswith(b"/ 0")


def test_an_application_that_fails_gives_500_and_a_log_record(server, caplog):
    async def broken(scope, receive, send):
        raise ValueError("no")

    url = server.listen(broken)

    with caplog.at_level(logging.ERROR, logger="libactor.http"):
        answer = exchange(url, b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 500")
    assert {record.name for record in caplog.records} == {"libactor.http"}


def test_close_ends_an_open_stream_so_that_the_client_sees_a_proper_end():
    server, stream = HttpServer(), Stream()
    url = server.listen(stream)
    with connect(url) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        received = read_until(connection, b"first")

        server.close()
        received += read_all(connection)

    assert received.endswith(b"first\r\n0\r\n\r\n")
    assert stream.ended.is_set()
    assert server_threads() == []


def test_a_request_that_waits_is_answered_503_by_close():
    waiting = threading.Event()

    async def wait(scope, receive, send):
        waiting.set()
        await asyncio.get_running_loop().create_future()

    server = HttpServer()
    with connect(server.listen(wait)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert waiting.wait(BOUND)

        server.close()
        answer = read_all(connection)

    assert answer.startswith(b"HTTP/1.1 503")
    assert answer.endswith(b"\r\n\r\nThe server is closing.")


def test_a_client_that_does_not_read_cannot_hold_up_close():
    server, flood = HttpServer(), Flood()
    with connect(server.listen(flood)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        assert flood.full.wait(BOUND)

        server.close(timeout=0.1)

    assert server_threads() == []


def test_close_ends_idle_connections_and_frees_the_port():
    server = HttpServer()
    url = server.listen(hello)
    with connect(url) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        read_until(connection, b"/ 0")

        server.close()

        assert connection.recv(1) == b""
    with HttpServer() as other:
        assert other.listen(hello, port=int(url.rsplit(":", 1)[1])) == url


def test_an_application_can_cut_a_client_off(server):
    async def cut(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        raise ConnectionAbortedError("the test wants it")

    with connect(server.listen(cut)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        try:
            received = read_all(connection)
        except ConnectionResetError:
            received = b""

    assert not received.endswith(b"0\r\n\r\n")


def test_a_port_in_use_is_named_with_what_to_do(server):
    url = server.listen(hello)
    port = int(url.rsplit(":", 1)[1])

    with pytest.raises(OSError, match=rf"127\.0\.0\.1:{port}, the port is in use; stop the program") as caught:
        server.listen(hello, port=port)

    assert caught.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70000), ("256.1.1.1", 0), ("8.8.8.8", 0)])
def test_an_address_that_cannot_be_listened_on_is_named(server, host, port):
    with pytest.raises(OSError, match=f"listen: .*{host}.*(; |expected)"):
        server.listen(hello, host=host, port=port)


def test_a_wildcard_address_gives_a_url_that_can_be_opened(server):
    url = server.listen(hello, host="0.0.0.0")

    assert exchange(url, b"GET / HTTP/1.0\r\n\r\n").endswith(b"/ 0")


@pytest.mark.parametrize(
    ("node", "name"), [("localhost", "localhost"), ("no such name", "127.0.0.1"), ("", "127.0.0.1")]
)
def test_a_wildcard_address_is_told_to_others_by_the_name_of_the_machine_if_that_leads_anywhere(
    monkeypatch, node, name
):
    monkeypatch.setattr("platform.node", lambda: node)
    http._machine_name.cache_clear()
    listeners = [Listener("0.0.0.0"), Listener("127.0.0.1")]

    names = [listener.name for listener in listeners]

    assert names == [name, "127.0.0.1"]
    for listener in listeners:
        listener.close()
    http._machine_name.cache_clear()


@needs_ipv6
def test_an_ipv6_address_stands_in_brackets_and_its_wildcard_serves_both_families(server):
    listeners = [Listener("::1"), Listener("::")]
    for listener in listeners:
        server.serve(hello, listener)

    answers = [exchange(listener.url, b"GET / HTTP/1.0\r\n\r\n") for listener in listeners]
    by_ipv4 = exchange(f"http://127.0.0.1:{listeners[1].port}", b"GET / HTTP/1.0\r\n\r\n")

    assert listeners[0].url == f"http://[::1]:{listeners[0].port}"
    assert all(answer.endswith(b"/ 0") for answer in [*answers, by_ipv4])


def test_a_closed_server_refuses_to_listen_and_to_close_again_is_nothing():
    server = HttpServer()
    server.close()
    server.close()

    with pytest.raises(RuntimeError, match="closed"):
        server.listen(hello)


# Goal: nothing is left that would warn or keep the process. Method: a process of its own, every warning an error.
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_program_that_serves_and_closes_ends_silently(loop, complaints):
    program = """
import sys, threading, urllib.request
if sys.argv[1] == "asyncio":
    sys.modules["uvloop"] = None
from libactor.http import HttpServer, Listener
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
with HttpServer() as server:
    listeners = [Listener() for _ in range(2)]
    for listener in listeners:
        server.serve(app, listener)
    bodies = [urllib.request.urlopen(listener.url).read() for listener in listeners]
    listener.close()
print(bodies, threading.active_count())
"""

    command = [sys.executable, "-W", "error", "-X", "dev", "-c", program, loop]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.stdout, complaints(done.stderr), done.returncode) == ("[b'ok', b'ok'] 1\n", "", 0)


def test_libactor_is_imported_without_the_server_libraries():
    program = "import sys, libactor.http; print(sorted({'uvicorn', 'httptools', 'uvloop'} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_a_client_that_sends_too_slowly_is_told_so():
    # A second is far longer than it takes to send eight bytes; who has sent none by then is not told anything.
    with HttpServer(patience_s=1.0) as server, connect(server.listen(hello)) as connection:
        connection.sendall(b"GET /hea")

        assert read_all(connection).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    "sent",
    [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n\r\n"],
)
def test_what_strangers_send_is_no_warning(caplog, sent):
    caplog.set_level(logging.INFO, logger="libactor.http")

    with HttpServer() as server, connect(server.listen(hello)) as connection:
        connection.sendall(sent)
        read_all(connection)

    assert [record.getMessage() for record in caplog.records if record.levelno > logging.INFO] == []


def test_more_connections_than_the_server_takes_get_503():
    with HttpServer(connections_max=1) as server:
        url = server.listen(hello)
        with connect(url) as first:
            first.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            read_until(first, b"/ 0")

            with connect(url) as second:
                answer = read_all(second)

    assert answer.startswith(b"HTTP/1.1 503")
    assert b"1 connections already" in answer


# Goal: a burst of clients need not dial again. Method: the kernel says of a listening socket, in the sixth number of
# TCP_INFO behind eight single bytes (tcpi_sacked), how many connections may wait.
@pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO is Linux's")
def test_as_many_connections_may_wait_to_be_accepted_as_the_system_allows():
    allowed = int(Path("/proc/sys/net/core/somaxconn").read_text())

    with HttpServer() as server:
        listener = Listener()
        server.serve(hello, listener)
        info = listener.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)

    assert struct.unpack_from("8x6I", info)[5] == min(http.BACKLOG, allowed)


@pytest.mark.parametrize(
    ("descriptors", "connections"), [(1024, 512), (20_000, 15_904), (1 << 20, 16_384), (-1, 16_384), (1, 1)]
)
def test_connections_take_half_of_the_descriptors_at_most(monkeypatch, descriptors, connections):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda which: (descriptors, descriptors))

    async def bound():
        return State(1.0, None).connections_max

    assert asyncio.run(bound()) == connections
