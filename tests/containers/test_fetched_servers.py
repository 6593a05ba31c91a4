"""What the fetcher asks servers for, and what becomes of those that do not answer as they should."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mesoslite.containment.fetcher import patience

from .desk import BOUND_SECONDS, Desk


class Served(BaseHTTPRequestHandler):
    """Answers by what ``answers`` has for a path."""

    answers: dict[str, Callable[["Served"], None]]
    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization")))
        self.answers[self.path](self)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


class Web:
    """A server of this machine; ``answers`` says what it does."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[Served], None]] = {}
        self.asked: list[tuple[str, str | None]] = []
        handler = type("Handler", (Served,), {"answers": self.answers, "asked": self.asked})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server.server_address[1]}{path}"


@pytest.fixture
def web() -> Iterator[Web]:
    made = Web()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(autouse=True)
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ftp_proxy", "FTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.real
def test_a_file_of_a_server_is_fetched_behind_redirects(desk: Desk, web: Web):
    web.answers["/a"] = lambda served: served.answer(302, Location="/b%20c")
    web.answers["/b%20c"] = lambda served: served.answer(200, b"text")

    desk.fetch(web.url("/a"))

    assert desk.found() == {"a": "text"}


@pytest.mark.real
@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (lambda served: served.answer(404), "the server answered 404"),
        (lambda served: served.answer(204), "the server answered 204, and not 200"),
        (lambda served: served.answer(302, Location="/a"), "infinite loop"),
        (lambda served: served.answer(302, Location="file:///etc/passwd"), "which is not HTTP"),
        (lambda served: served.answer(302, Location="ftp://h/f"), "which is not HTTP"),
        (lambda served: served.answer(200, b"text", Content_Length="9"), "4 bytes came of 9"),
        (lambda served: served.wfile.write(b"no HTTP\r\n\r\n"), "BadStatusLine"),
        (lambda served: None, "closed connection"),
    ],
)
def test_what_a_server_does_wrong_is_told(desk: Desk, web: Web, answer: Callable[[Served], None], problem: str):
    web.answers["/a"] = answer

    assert problem in desk.refused(web.url("/a"))


@pytest.mark.real
def test_a_server_that_says_nothing_any_more_is_given_up(desk: Desk, web: Web):
    is_over = threading.Event()

    def stall(served: Served) -> None:
        served.send_response(200)
        served.send_header("Content-Length", "9")
        served.end_headers()
        served.wfile.write(b"text")
        is_over.wait(BOUND_SECONDS)

    web.answers["/a"] = stall
    message = desk.refused(web.url("/a"), stall_seconds=0.1)
    is_over.set()

    assert "the server sent nothing, or less than a byte a second, for 0.1 seconds" in message


HEAD = b"HTTP/1.0 200 OK\r\n"


# The time-out of a socket begins anew with each byte.
@pytest.mark.real
@pytest.mark.parametrize("first", [HEAD + b"Content-Length: 9999\r\n\r\n", HEAD + b"X: ", b"H"])
def test_a_server_that_sends_a_byte_now_and_then_is_given_up(
    desk: Desk, web: Web, monkeypatch: pytest.MonkeyPatch, first: bytes
):
    monkeypatch.setattr(patience, "BYTES_PER_SECOND_MIN", 1_000.0)
    is_over = threading.Event()

    def drip(served: Served) -> None:
        served.wfile.write(first)
        while not is_over.wait(0.02):
            with suppress(ConnectionError):
                served.wfile.write(b"x")

    web.answers["/a"] = drip
    message = desk.refused(web.url("/a"), stall_seconds=0.1)
    is_over.set()

    assert "less than a byte a second, for 0.1 seconds" in message


@pytest.mark.real
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_slow_server_that_sends_enough_is_waited_for(desk: Desk, web: Web, is_chunked: bool):
    """Each piece takes less than the time-out, all of them more."""
    is_over = threading.Event()

    def trickle(served: Served) -> None:
        served.protocol_version = "HTTP/1.1"
        served.send_response(200)
        served.send_header(*("Transfer-Encoding", "chunked") if is_chunked else ("Content-Length", "3"))
        served.end_headers()
        for piece in (b"a", b"b", b"c"):
            is_over.wait(0.25)
            served.wfile.write(b"1\r\n%b\r\n" % piece if is_chunked else piece)
        served.wfile.write(b"0\r\n\r\n" if is_chunked else b"")

    web.answers["/a"] = trickle
    desk.fetch(web.url("/a"), stall_seconds=0.5)

    assert desk.found() == {"a": "abc"}


@pytest.mark.real
def test_a_password_goes_to_its_own_server_alone(desk: Desk, web: Web):
    web.answers["/a"] = lambda served: served.answer(302, Location="/b")
    web.answers["/b"] = lambda served: served.answer(302, Location=web.url("/c", "localhost"))
    web.answers["/c"] = lambda served: served.answer(200, b"text")

    desk.fetch(web.url("/a").replace("//", "//me:secret@"))

    assert web.asked == [("/a", "Basic bWU6c2VjcmV0"), ("/b", "Basic bWU6c2VjcmV0"), ("/c", None)]


@pytest.mark.real
def test_a_password_that_a_server_leads_to_goes_there_and_is_not_told(desk: Desk, web: Web):
    web.answers["/a"] = lambda served: served.answer(302, Location=web.url("/b").replace("//", "//me:secret@"))
    web.answers["/b"] = lambda served: served.answer(302, Location="/c")
    web.answers["/c"] = lambda served: served.answer(302, Location="sftp://me:secret@h/f")

    message = desk.refused(web.url("/a"))

    assert web.asked == [("/a", None), ("/b", "Basic bWU6c2VjcmV0"), ("/c", "Basic bWU6c2VjcmV0")]
    assert "leads to 'sftp://h/f', which is not HTTP" in message


@pytest.mark.real
def test_what_a_proxy_is_told_is_not_told_others(desk: Desk, web: Web, monkeypatch: pytest.MonkeyPatch):
    told: list[str | None] = []

    def answer(served: Served) -> None:
        told.append(served.headers.get("Proxy-Authorization"))
        served.answer(*(200, b"text") if served.path == "/f" else (302,), **places[served.path])

    places = {"http://h.invalid/f": {"Location": "/g"}, "http://h.invalid/g": {"Location": web.url("/f")}, "/f": {}}
    web.answers.update(dict.fromkeys(places, answer))
    monkeypatch.setenv("http_proxy", web.url("").replace("//", "//me:secret@"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    desk.fetch("http://h.invalid/f")

    assert told == ["Basic bWU6c2VjcmV0", "Basic bWU6c2VjcmV0", None]


@pytest.mark.real
def test_a_proxy_of_the_environment_is_asked(desk: Desk, web: Web, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("http_proxy", web.url(""))
    web.answers["http://h.invalid/f"] = lambda served: served.answer(200, b"text")

    desk.fetch("http://h.invalid/f")

    assert desk.found() == {"f": "text"}


ANSWERS = {"USER": "331 password", "PASS": "230 in", "TYPE": "200 so", "CWD": "250 there"}


def serve_ftp(listener: socket.socket, content: bytes, length: int, said: list[str]) -> None:
    """Serve one file to one client, and say that it has ``length`` bytes."""
    connection = listener.accept()[0]
    with connection, connection.makefile("rwb", 0) as lines, socket.create_server(("127.0.0.1", 0)) as data:
        lines.write(b"220 ready\r\n")
        while line := lines.readline().decode().strip():
            said.append(line)
            verb = line.partition(" ")[0]
            if verb == "RETR":
                lines.write(f"150 opened ({length} bytes)\r\n".encode())
                with data.accept()[0] as stream:
                    stream.sendall(content)
                lines.write(b"226 sent\r\n")
            elif verb in ("EPSV", "PASV"):
                port = data.getsockname()[1]
                mode = f"229 (|||{port}|)" if verb == "EPSV" else f"227 (127,0,0,1,{port >> 8},{port & 255})"
                lines.write(f"{mode}\r\n".encode())
            else:
                lines.write(f"{ANSWERS.get(verb, '221 bye')}\r\n".encode())


@pytest.mark.real
@pytest.mark.parametrize("length", [4, 9])
def test_a_file_of_an_ftp_server_is_fetched_whole_or_not(desk: Desk, length: int):
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve_ftp, args=(listener, b"text", length, said))
        thread.start()
        uri = f"ftp://me:secret@127.0.0.1:{listener.getsockname()[1]}/d/f"
        if length == 4:
            desk.fetch(uri)
        else:
            assert "4 bytes came of 9" in desk.refused(uri)
        thread.join(BOUND_SECONDS)

    assert said[:2] == ["USER me", "PASS secret"]
    assert desk.found() == {"f": "text"}
