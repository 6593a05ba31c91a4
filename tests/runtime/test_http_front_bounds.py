"""The worker that answers HTTP: among other threads, at its limits, at the end of the server, and in a fork."""

import asyncio
import errno
import os
import select
import socket
import threading
from types import SimpleNamespace

import pytest

import libactor as la
from libactor.http import HttpServer, application, serve
from libactor.http.connection import PIECE_BYTES, Connection
from libactor.http.door import Handover
from libactor.http.front import Fronts
from libactor.http.front_connection import FrontConnection
from libactor.http.listeners import Listeners
from tests.runtime.house import BOUND, House, connect, get, read_all, read_answer

pytestmark = pytest.mark.real


@pytest.fixture
def runtime():
    with la.Runtime() as runtime:
        runtime.spawn(House())
        yield runtime


@pytest.fixture
def pair():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), BOUND)
        accepted, _ = listener.accept()
    with client, accepted:
        yield client, accepted


class Interrupted:
    """A socket: as soon as it has been read from, ``happens()``."""

    def __init__(self, sock, happens):
        self.sock, self.happens = sock, happens
        self.fileno, self.send, self.close = sock.fileno, sock.send, sock.close

    def recv(self, size):
        try:
            return self.sock.recv(size)
        finally:
            happens, self.happens = self.happens, lambda: None
            happens()


def never_polled(runtime, sock):
    """A connection of a front whose poller tells of nothing by itself."""
    poller = SimpleNamespace(watch=lambda fd, ready: None, forget=lambda fd: None, call=lambda function: None)
    state = SimpleNamespace(patience_s=BOUND, default_headers=[])
    front = SimpleNamespace(
        poller=poller, state=state, site=application(runtime), ending=False, retired=False, drop=lambda connection: None
    )
    return FrontConnection(front, sock)


# Goal: no news of the socket is lost, whichever thread reads. Method: a second request comes, and is told of, between
# the reading of the first and what is made of it.
@pytest.mark.parametrize("first", [b"", get("/nobody/1")], ids=["nothing to read", "a request to read"])
def test_what_comes_while_another_thread_reads_is_not_overlooked(runtime, pair, first):
    client, accepted = pair
    connection = never_polled(runtime, accepted)

    def more_comes():
        client.sendall(get("/nobody/2"))
        connection._ready(select.EPOLLIN)

    client.sendall(first)
    connection._sock = Interrupted(accepted, more_comes)

    connection._ready(select.EPOLLIN)

    client.settimeout(BOUND)
    assert [read_answer(client)[0] for _ in range(2 if first else 1)] == [404] * (2 if first else 1)


def test_an_end_that_is_told_while_another_thread_reads_is_not_overlooked(runtime, pair):
    client, accepted = pair
    connection = never_polled(runtime, accepted)

    def it_ends():
        client.shutdown(socket.SHUT_WR)
        connection._ready(select.EPOLLIN | select.EPOLLRDHUP)

    client.sendall(get("/nobody"))
    connection._sock = Interrupted(accepted, it_ends)

    connection._ready(select.EPOLLIN)

    assert accepted.fileno() == -1


# Limits.


def test_who_was_let_in_is_served_when_it_is_handed_over_however_many_there_are(runtime):
    with serve(runtime, connections_max=1) as server, connect(server.url) as connection:
        connection.sendall(get("/house/now"))
        assert read_answer(connection)[0] == 200
        server._front.state.elsewhere.append(lambda: 1)  # one who is about to be refused, say

        connection.sendall(get("/house/body", "content-length: 5", method="POST", body=b"hello"))

        assert read_answer(connection) == (200, b"hello")


def test_one_too_many_is_refused_while_the_event_loop_is_held_up(runtime):
    held_up = threading.Event()
    with serve(runtime, connections_max=1) as server, connect(server.url) as first:
        first.sendall(get("/house/now"))
        read_answer(first)
        server._server._loop.call_soon_threadsafe(held_up.wait, BOUND)
        try:
            with connect(server.url) as second:
                assert read_all(second).startswith(b"HTTP/1.1 503 ")
        finally:
            held_up.set()


def test_a_connection_is_counted_all_the_way_to_the_event_loop(runtime):
    counted = []
    with serve(runtime) as server, connect(server.url) as connection:
        door, state = server._front.door, server._front.state
        create = door._create
        door._create = lambda **given: counted.append(given["handover"] in state.arriving) or create(**given)

        connection.sendall(get("/house/body", "content-length: 5", method="POST", body=b"hello"))
        read_answer(connection)

        assert counted == [True]
        assert (len(state.arriving), len(state.connections)) == (0, 1)


class Crowded:
    """A listener that accepts nobody: there are no descriptors left."""

    def __init__(self, listener):
        self.url, self.close, self.socket = listener.url, listener.close, self
        self.fileno = listener.socket.fileno

    def accept(self):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


def test_without_descriptors_it_is_tried_again_once_a_second_however_many_connect(runtime, monkeypatch, caplog):
    with serve(runtime) as server:
        front, alarms = server._front, []
        monkeypatch.setattr(front, "_listener", Crowded(front._listener))
        monkeypatch.setattr(front.poller, "after", lambda seconds, function: alarms.append(function) or function)

        for _ in range(3):
            front._accept()
        assert len(alarms) == 1
        assert caplog.text.count("cannot accept") == 1

        alarms[0]()
        assert len(alarms) == 2


def test_a_connection_that_cannot_be_watched_is_closed(runtime, monkeypatch):
    with serve(runtime) as server:
        error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        monkeypatch.setattr(runtime.poller, "watch", lambda fd, ready: (_ for _ in ()).throw(error))

        with connect(server.url) as connection:
            assert read_all(connection) == b""

        with server._front._lock:  # the worker has it until all is done
            assert not server._front.connections


# Goal: thousands of requests that come at once take little room while they wait. Method: look how many wait whenever
# one of them begins.
def test_of_pipelined_requests_few_wait_as_such_and_the_others_as_the_bytes_that_came(runtime, monkeypatch):
    waiting, start = [], Connection._start_asgi_task

    def start_and_look(connection, cycle, app):
        waiting.append(len(connection.pipeline))
        start(connection, cycle, app)

    monkeypatch.setattr(Connection, "_start_asgi_task", start_and_look)
    count = 3000
    with HttpServer() as loop, connect(loop.listen(application(runtime))) as connection:
        connection.sendall(b"".join([get(f"/house/now/{number}") for number in range(count)]))

        assert [read_answer(connection)[1] for _ in range(count)] == [b"/%d?" % number for number in range(count)]

    assert len(waiting) == count
    assert max(waiting) <= PIECE_BYTES / len(get("/house/now/0"))


# Goal: actors are not held up by clients whom nobody has to be asked about.
def test_who_asks_for_much_that_is_not_there_goes_to_the_event_loop(runtime):
    with serve(runtime) as server, connect(server.url) as connection:
        connection.sendall(get("/nobody") * 50 + get("/house/now/last"))

        assert [read_answer(connection)[0] for _ in range(51)] == [404] * 50 + [200]
        assert len(server._front.state.connections) == 1


# Ends.


def test_a_server_that_begins_while_its_runtime_ends_is_served_by_the_event_loop(runtime):
    runtime.poller.keep(Fronts).end(BOUND)

    with serve(runtime) as server, connect(server.url) as connection:
        connection.sendall(get("/house/now"))

        assert read_answer(connection)[0] == 200
        assert not server._front.connections


def test_a_port_that_is_taken_over_while_the_server_closes_is_closed_with_it(monkeypatch):
    async def close_meanwhile():
        loop, may_create = asyncio.get_running_loop(), asyncio.Event()
        create_server = loop.create_server

        async def create_later(*given, **named):
            await may_create.wait()
            return await create_server(*given, **named)

        monkeypatch.setattr(loop, "create_server", create_later)
        listeners = Listeners(BOUND, None)
        adding = asyncio.ensure_future(listeners.add(application, listener))
        await asyncio.sleep(0)
        listeners.stop(BOUND)
        closed = asyncio.ensure_future(listeners.closed())
        await asyncio.wait([closed], timeout=0)
        may_create.set()
        await asyncio.gather(adding, closed)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        asyncio.run(close_meanwhile())

        assert listener.fileno() == -1


def test_what_is_still_on_its_way_when_the_loop_ends_is_closed(pair):
    _, accepted = pair
    server = HttpServer()
    server.open_door(application).state.arriving.add(Handover(accepted, b""))

    server.close()

    assert accepted.fileno() == -1


@pytest.mark.parametrize("target", ["/house/now", "/house/never"])
def test_what_cannot_be_asked_is_answered_500_by_the_worker_and_by_the_loop(runtime, monkeypatch, caplog, target):
    def refuse(*given):
        raise RuntimeError("secret")

    monkeypatch.setattr("libactor.http.calling.dispatch", refuse)
    with serve(runtime) as server, HttpServer() as loop:
        for url in (server.url, loop.listen(application(runtime))):
            with connect(url) as connection:
                connection.sendall(get(target) + get(target))

                assert [read_answer(connection) for _ in range(2)] == [(500, b"Internal Server Error")] * 2
    assert caplog.text.count("RuntimeError: secret") == 4


FORKED = """
import os, socket, sys, warnings
import libactor as la
from libactor.http import serve

warnings.simplefilter("ignore")  # Python warns of every fork beside threads

class House(la.Actor):
    asked = la.Queue()
    @la.route("/wait")
    def wait(self, request):
        self.asked.put(None)
        return promise.future

def connect():
    client = socket.create_connection(address, 60)
    client.sendall(b"GET /house/wait HTTP/1.1\\r\\nhost: x\\r\\n\\r\\n")
    House.asked.get().get(60)
    return client

promise = la.Promise()
runtime = la.Runtime()
runtime.spawn(House("house"))
server = serve(runtime)
address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
client = connect()
done, stay = os.pipe(), os.pipe()
child = os.fork()
if child == 0:
    os.close(stay[1])
    server.close()
    os.write(done[1], b"x")
    os.read(stay[0], 1)
    os._exit(0)
os.read(done[0], 1)
promise.set("served")
print(client.recv(1000).split(b"\\r\\n")[0].decode())
server.close()
print(client.recv(1000))
try:
    socket.create_connection(address, 60)
except ConnectionRefusedError:
    print("refused")
os.write(stay[1], b"x")
print(os.waitpid(child, 0)[1])
runtime.close()
"""


# Goal: port and connections are the parent's: what the child does neither answers on them nor keeps them open.
def test_the_child_of_a_fork_has_no_part_in_the_server_of_its_parent(program):
    output = program(FORKED)

    assert output == "HTTP/1.1 200 OK\nb''\nrefused\n0\n"
