"""The examples of actors over HTTP do what they say; and actors mounted in an application that uvicorn serves."""

import contextlib
import importlib.util
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx2
import pytest
import uvicorn

import libactor as la
from libactor.http import Pipe, application

ROOT = Path(__file__).resolve().parents[2]
BOUND = 60.0

pytestmark = pytest.mark.real


def run_example(name):
    command = [sys.executable, "-X", "dev", "-W", "error", ROOT / "examples" / name]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_http_counter_asks_itself(complaints):
    ran = run_example("http_counter.py")

    assert (ran.returncode, complaints(ran.stderr)) == (0, "")
    assert ran.stdout.splitlines() == ["changes: ['data: 2', 'data: 5']", 'value: {"n":5}']


def test_mount_in_asgi_asks_itself(complaints):
    ran = run_example("mount_in_asgi.py")

    assert (ran.returncode, complaints(ran.stderr)) == (0, "")
    assert ran.stdout.splitlines() == [
        "/ -> This page is mine.",
        "/actors/greeter/hello -> Hello world, you are number 1 at /actors.",
        "/actors/greeter/hello/you -> Hello you, you are number 2 at /actors.",
    ]


def test_records_over_http_shows_a_snapshot_while_the_records_change(complaints):
    ran = run_example("records_over_http.py")

    assert (ran.returncode, complaints(ran.stderr)) == (0, "")
    assert ran.stdout.splitlines() == ["shown: 10000 sessions, s-7 among them: True", "left: 9999"]


@pytest.mark.parametrize("name", ["http_counter.py", "mount_in_asgi.py"])
def test_examples_fit_on_a_page(name):
    assert len((ROOT / "examples" / name).read_text().splitlines()) <= 80


@contextlib.contextmanager
def uvicorn_serves(app, lifespan="off"):
    """Serve ``app`` as somebody would who has never heard of us; yields the URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan=lifespan, log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(BOUND)


def test_mount_in_asgi_lives_as_long_as_a_real_server():
    spec = importlib.util.spec_from_file_location("mount_in_asgi", ROOT / "examples" / "mount_in_asgi.py")
    example = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(example)

    with uvicorn_serves(example.app, lifespan="on") as url:
        texts = [httpx2.get(url + path).text for path in ("/x", "/actors/greeter/hello/you", "/actors/nobody")]

    assert texts[0] == "This page is mine."
    assert texts[1] == "Hello you, you are number 1 at /actors."
    assert texts[2] == "There is no actor for '/nobody'."


class Streams(la.Actor):
    """Streams both ways, and waits for ever."""

    def __init__(self):
        super().__init__("streams")
        self.writers, self.discarded = la.Queue(), la.Queue()
        self.promise = la.Promise()

    @la.route("/out")
    def out(self, request):
        pipe = Pipe()
        self.writers.put(pipe.writer)
        return pipe.reader

    @la.route("/in", methods=["POST"], stream=True)
    async def count(self, request):
        return str(sum([len(chunk) async for chunk in request.body]))

    @la.route("/whole", methods=["POST"])
    def whole(self, request):
        return str(len(request.body))

    @la.route("/never")
    def never(self, request):
        self.writers.put(None)
        return self.promise.future.on_discard(lambda: self.discarded.put(request.path))


@pytest.fixture
def streams():
    with la.Runtime() as runtime:
        actor = Streams()
        runtime.spawn(actor)
        with uvicorn_serves(application(runtime)) as url:
            yield actor, url


def test_under_another_server_bodies_go_both_ways(streams):
    _, url = streams
    body = bytes(3_000_000)

    assert httpx2.post(f"{url}/streams/whole", content=body).text == "3000000"
    assert httpx2.post(f"{url}/streams/in", content=body).text == "3000000"
    assert httpx2.post(f"{url}/streams/in", content=iter([b"a", b"bc"])).text == "3"


def test_under_another_server_a_client_that_goes_away_is_noticed(streams):
    actor, url = streams

    with httpx2.stream("GET", f"{url}/streams/out"):
        writer = actor.writers.get().get(BOUND)
    with socket.create_connection(url.removeprefix("http://").split(":"), BOUND) as connection:
        connection.sendall(b"GET /streams/never HTTP/1.1\r\nhost: x\r\n\r\n")
        actor.writers.get().get(BOUND)

    assert writer.reader_closed.get(BOUND) is None
    assert actor.discarded.get().get(BOUND) == "/streams/never"
