"""What the fetcher puts into a sandbox, and what it refuses to: hostile archives above all."""

import bz2
import gzip
import io
import lzma
import os
import socket
import stat
import subprocess
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mesoslite.containment.fetcher import archives, patience
from mesoslite.containment.fetcher import place as places
from mesoslite.containment.fetcher.main import Failure, run
from mesoslite.containment.fetcher.sources import name_of, shown
from mesoslite.containment.fetching.programs import COMMAND

BOUND_SECONDS = 60.0


class Desk:
    """A sandbox, a directory with what is to be fetched, and a secret beside both."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.sandbox, self.sources = place / "sandbox", place / "sources"
        self.sandbox.mkdir()
        self.sources.mkdir()
        self.secret = place / "secret"
        self.secret.write_text("kept")

    def put(self, name: str, content: bytes) -> str:
        (self.sources / name).write_bytes(content)
        return str(self.sources / name)

    def fetch(self, *items: dict[str, Any] | str, **job: Any) -> None:
        usual = {"name": "", "executable": False, "extract": True, "kept": None}
        whole = [{**usual, **(item if isinstance(item, dict) else {"uri": item})} for item in items]
        given = {
            "items": whole,
            "identity": None,
            "directory": str(self.sandbox),
            "file": "",
            "bytes_max": 1 << 40,
            "stall_seconds": BOUND_SECONDS,
            "frameworks_home": "",
            **job,
        }
        with ExitStack() as files:
            run(given, files)

    def refused(self, *items: dict[str, Any] | str, **job: Any) -> str:
        with pytest.raises(Failure) as failure:
            self.fetch(*items, **job)
        return str(failure.value)

    def found(self) -> dict[str, str]:
        """What is in the sandbox: the texts of files, and where links lead."""
        paths = [path for path in self.sandbox.rglob("*") if path.is_symlink() or path.is_file()]
        return {str(path.relative_to(self.sandbox)): text_of(path) for path in paths}


def text_of(path: Path) -> str:
    """The text of a file, or where a link leads."""
    return f"-> {os.readlink(path)}" if path.is_symlink() else path.read_bytes().decode(errors="replace")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def tarred(*members: tuple[str, dict[str, Any], bytes], mode: str = "w") -> bytes:
    """An archive of members: name, fields of their TarInfo, content."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for name, fields, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            for key, value in fields.items():
                setattr(member, key, value)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def zipped(*members: tuple[str, int, bytes]) -> bytes:
    """An archive of members: name, mode with the type of the file, content."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, mode, content in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return file.getvalue()


LINK, HARD = {"type": tarfile.SYMTYPE}, {"type": tarfile.LNKTYPE}
SYMLINK = stat.S_IFLNK | 0o777


# ---- what is fetched ----


def test_a_file_bears_its_name_or_the_one_it_is_given(desk: Desk):
    uri = desk.put("f", b"text")

    desk.fetch(uri, {"uri": f"file://{uri}", "name": "a/b/g"}, {"uri": f"file://localhost{uri}", "name": "x"})

    assert desk.found() == {"f": "text", "a/b/g": "text", "x": "text"}


def test_an_executable_can_be_run_and_is_not_unpacked(desk: Desk):
    uri = desk.put("f.gz", b"no archive")

    desk.fetch({"uri": uri, "executable": True}, {"uri": uri, "name": "plain"})

    assert (desk.sandbox / "f.gz").stat().st_mode & 0o777 == 0o755
    assert (desk.sandbox / "plain").stat().st_mode & 0o777 == 0o644


def test_of_two_files_of_one_name_the_later_is_there(desk: Desk):
    first = desk.put("f", b"first")
    (desk.sources / "more").mkdir()
    second = desk.put("more/f", b"2nd")

    desk.fetch(first, second)

    assert desk.found() == {"f": "2nd"}


def test_a_relative_path_is_below_the_home_of_frameworks(desk: Desk):
    desk.put("f", b"text")

    desk.fetch("f", frameworks_home=str(desk.sources))

    assert desk.found() == {"f": "text"}
    assert "--frameworks-home" in desk.refused("f")


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("hdfs://h/f", "nobody here knows the scheme 'hdfs'; there are file, http, https, ftp"),
        ("s3://b/f", "the scheme 's3'"),
        ("/none/such", "No such file"),
        ("/dev/null", "it is no plain file"),
        ("/dev/", "ends in no name"),
        ("file://elsewhere/f", "a file of another host"),
    ],
)
def test_what_cannot_be_fetched_is_named_with_the_reason(desk: Desk, uri: str, problem: str):
    message = desk.refused(uri)

    assert message.startswith(f"Failed to fetch {uri!r}: ")
    assert problem in message


def test_a_named_pipe_is_not_waited_for(desk: Desk):
    os.mkfifo(desk.sources / "pipe")

    assert "no plain file" in desk.refused(str(desk.sources / "pipe"))


def test_a_uri_is_shown_without_its_password():
    assert shown("http://me:secret@h:1/a@b") == "http://h:1/a@b"
    assert name_of("http://h/a/b?c=d") == "b?c=d"


# ---- archives ----

TREE = tarred(("./", {"type": tarfile.DIRTYPE, "mode": 0o700}, b""), ("d/f", {"mode": 0o755}, b"text"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tar", TREE),
        ("a.tar.gz", gzip.compress(TREE)),
        ("a.tgz", gzip.compress(TREE)),
        ("a.tar.bz2", bz2.compress(TREE)),
        ("a.tbz2", bz2.compress(TREE)),
        ("a.tar.xz", lzma.compress(TREE)),
        ("a.txz", lzma.compress(TREE)),
        ("a.zip", zipped(("d/", stat.S_IFDIR | 0o755, b""), ("d/f", stat.S_IFREG | 0o755, b"text"))),
    ],
)
def test_each_kind_of_archive_is_unpacked_beside_itself(desk: Desk, name: str, content: bytes):
    desk.fetch(desk.put(name, content))
    (desk.sandbox / name).unlink()

    assert desk.found() == {"d/f": "text"}
    assert (desk.sandbox / "d/f").stat().st_mode & 0o777 == 0o755


def test_a_compressed_file_is_unpacked_under_its_name_alone(desk: Desk):
    desk.fetch(desk.put("f.txt.gz", gzip.compress(b"text")))
    (desk.sandbox / "f.txt.gz").unlink()

    assert desk.found() == {"f.txt": "text"}


def test_an_archive_stays_as_it_is_unless_it_is_to_be_extracted(desk: Desk):
    desk.fetch({"uri": desk.put("a.tar", TREE), "extract": False})

    assert [path.name for path in desk.sandbox.iterdir()] == ["a.tar"]


def test_what_is_in_the_cache_is_unpacked_from_there(desk: Desk):
    kept = desk.put("c1", TREE)

    desk.fetch({"uri": "http://nowhere.invalid/a.tar", "kept": kept})

    assert desk.found() == {"d/f": "text"}


def test_links_within_an_archive_are_kept(desk: Desk):
    members = (
        ("d/f", {}, b"text"),
        ("d/up", {**LINK, "linkname": "../e/g"}, b""),
        ("to", {**LINK, "linkname": "d/f"}, b""),
        ("e/g", {**HARD, "linkname": "d/f"}, b""),
    )

    desk.fetch({"uri": desk.put("a.tar", tarred(*members))})
    (desk.sandbox / "a.tar").unlink()

    assert desk.found() == {"d/f": "text", "d/up": "-> ../e/g", "to": "-> d/f", "e/g": "text"}
    assert (desk.sandbox / "d/f").stat().st_nlink == 2


HOSTILE: list[tuple[str, bytes, str]] = [
    ("up.tar", tarred(("../secret", {}, b"bad")), "leads out"),
    ("deep.tar", tarred(("a/../../secret", {}, b"bad")), "leads out"),
    ("link.tar", tarred(("l", {**LINK, "linkname": "../secret"}, b"")), "may lead out"),
    ("whole.tar", tarred(("l", {**LINK, "linkname": "/etc/passwd"}, b"")), "may lead out"),
    ("empty.tar", tarred(("l", {**LINK, "linkname": ""}, b"")), "may lead out"),
    (
        "dance.tar",
        tarred(
            ("a/b/c", {"type": tarfile.DIRTYPE, "mode": 0o755}, b""),
            ("a/b/up", {**LINK, "linkname": "../.."}, b""),
            ("l", {**LINK, "linkname": "a/b/up/../secret"}, b""),
        ),
        "may lead out",
    ),
    ("through.tar", tarred(("l", {**LINK, "linkname": "."}, b""), ("l/f", {}, b"")), "leads through 'l'"),
    ("hard.tar", tarred(("l", {**HARD, "linkname": "../secret"}, b"")), "leads out"),
    (
        "hardlink.tar",
        tarred(("l", {**LINK, "linkname": "m"}, b""), ("h", {**HARD, "linkname": "l"}, b"")),
        "no plain file",
    ),
    ("node.tar", tarred(("n", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}, b"")), "no file, directory"),
    ("fifo.tar", tarred(("n", {"type": tarfile.FIFOTYPE}, b"")), "no file, directory"),
    ("long.tar", tarred(("d/" * 1_200 + "f", {}, b"")), "has more than 2048 bytes"),
    ("cut.tar", tarred(("f", {}, b"x" * 5_000))[:3_000], "unexpected end"),
    ("cut2.tar", tarred(("f", {}, b"x"), ("g", {}, b"y"))[:1_100], "damaged"),
    ("odd.tar", tarred(("f", {}, b"x"))[:1_024] + b"z" * 512, "damaged"),
    ("cut.tar.gz", gzip.compress(os.urandom(9_000))[:4_000], ""),
    ("none.tar", b"", "empty file"),
    ("none.zip", b"no archive", "not a zip file"),
    ("up.zip", zipped(("../secret", 0, b"bad")), "leads out"),
    ("link.zip", zipped(("l", SYMLINK, b"../secret")), "may lead out"),
    ("through.zip", zipped(("l", SYMLINK, b"."), ("l/f", 0, b"")), "leads through 'l'"),
    ("node.zip", zipped(("n", stat.S_IFCHR | 0o666, b"")), "no file, directory"),
    ("none.gz", b"no archive", "Not a gzipped file"),
]


# Goal: nothing is read, made or changed outside of the sandbox. Method: each trick by itself, with a secret to hit.
@pytest.mark.parametrize(("name", "content", "problem"), HOSTILE, ids=[name for name, _, _ in HOSTILE])
def test_a_hostile_or_broken_archive_is_refused(desk: Desk, name: str, content: bytes, problem: str):
    message = desk.refused(desk.put(name, content))

    assert problem in message
    assert desk.secret.read_text() == "kept"
    assert {path.name for path in desk.place.iterdir()} == {"sandbox", "sources", "secret"}
    assert not [path for path in desk.sandbox.rglob("*") if not path.resolve().is_relative_to(desk.sandbox)]


def test_whole_paths_are_taken_as_relative(desk: Desk):
    desk.fetch({"uri": desk.put("a.tar", tarred(("/d/f", {}, b"tar"))), "name": "a.tar"})
    desk.fetch({"uri": desk.put("b.zip", zipped(("/d/g", 0, b"zip")))})

    assert (desk.found()["d/f"], desk.found()["d/g"]) == ("tar", "zip")


def test_nothing_is_setuid_or_writable_for_others(desk: Desk):
    desk.fetch(desk.put("a.tar", tarred(("f", {"mode": 0o7777}, b""), ("g", {"mode": 0o000}, b""))))

    assert stat.S_IMODE((desk.sandbox / "f").stat().st_mode) == 0o755
    assert stat.S_IMODE((desk.sandbox / "g").stat().st_mode) == 0o600


# Goal: no link that is planted is followed. Method: each way to plant one, then a file of that name.
def test_a_link_that_is_in_the_way_is_replaced_and_not_followed(desk: Desk):
    (desk.sandbox / "f").symlink_to(desk.secret)
    (desk.sandbox / "d").symlink_to(desk.place)
    uri = desk.put("f", b"new")

    desk.fetch(uri)
    message = desk.refused({"uri": uri, "name": "d/secret"})

    assert desk.found()["f"] == "new"
    assert "leads through 'd', which is no directory" in message
    assert desk.secret.read_text() == "kept"


def test_a_link_of_one_archive_is_not_followed_by_the_next(desk: Desk):
    (desk.sandbox / "d").symlink_to(desk.place)
    zip_uri = desk.put("a.zip", zipped(("l", SYMLINK, b"inner"), ("inner/", stat.S_IFDIR | 0o755, b"")))
    tar_uri = desk.put("a.tar", tarred(("l/f", {}, b"bad")))

    message = desk.refused(zip_uri, tar_uri)

    assert "leads through 'l'" in message
    assert "inner/f" not in desk.found()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bomb.tar.gz", gzip.compress(tarred(("f", {}, bytes(300_000))))),
        ("bomb.zip", zipped(("f", 0, bytes(300_000)))),
        ("bomb.gz", gzip.compress(bytes(300_000))),
    ],
)
def test_what_swells_ends_at_the_bound(desk: Desk, name: str, content: bytes):
    message = desk.refused(desk.put(name, content), bytes_max=100_000)

    assert "more than there is room for" in message
    assert sum(path.stat().st_size for path in desk.sandbox.iterdir()) <= 100_000


def test_what_others_leave_free_is_all_there_is_room_for(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    uri, blocks = desk.put("f.gz", gzip.compress(bytes(4 << 20))), 100_000
    free = iter([blocks, blocks, blocks // 100 + 300, blocks // 100 + 100, 0])  # as somebody else fills the disk

    def look(descriptor: int) -> SimpleNamespace:
        return SimpleNamespace(f_bavail=next(free), f_blocks=blocks, f_frsize=4096)

    monkeypatch.setattr(os, "fstatvfs", look)

    assert "more than there is room for" in desk.refused(uri)
    assert (desk.sandbox / "f").stat().st_size == 2 << 20


def test_files_without_number_end_at_the_bound(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(places.Room.__init__, "__defaults__", (10,))

    assert "it has more than" in desk.refused(
        desk.put("many.tar", tarred(*[(f"d{number}/f", {}, b"") for number in range(9)]))
    )


def test_what_takes_time_and_no_room_ends_at_a_bound(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(archives, "ENTRIES_MAX", 10)
    monkeypatch.setattr(archives, "PADDING_BYTES_MAX", 3 << 20)
    again = [("d", {"type": tarfile.DIRTYPE}, b"")]
    padded = bz2.compress(tarred(("f", {}, b"text")) + bytes(2 << 20))

    desk.fetch(desk.put("ten.tar", tarred(*again * 10)), desk.put("padded.tar.bz2", padded))
    members = desk.refused(desk.put("many.tar", tarred(*again * 11)))
    zeros = desk.refused(desk.put("zeros.tar.bz2", padded + bz2.compress(bytes(2 << 20))))

    assert "it has more than 10 files" in members
    assert "ends in more than 3 MiB of zeros" in zeros


# ---- servers ----


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


# ---- rights ----

WITHOUT_LIBRARY = """
import os, sys
sys.path.append(sys.argv[1])
from fetcher import main
from fetcher.archives import unpack
from fetcher.place import Place, Room
main._import([{"uri": "ftp://host/a.zip", "kept": None}])
sys.meta_path.clear()  # the library is where only root can read
with open(sys.argv[2], "rb") as archive:
    place = os.open(sys.argv[3], os.O_DIRECTORY)
    unpack(archive, "a.zip", Place(place, Room(place, 1 << 20)))
"\u00e4.invalid".encode("idna")
import ftplib, mimetypes
"""


@pytest.mark.real
def test_a_user_who_cannot_read_the_library_has_archives_and_servers_nevertheless(desk: Desk):
    archive = desk.put("a.zip", zipped(("inner", 0o644, b"text")))

    *python, _, place = COMMAND
    job = [*python, WITHOUT_LIBRARY, place, archive, str(desk.sandbox)]
    subprocess.run(job, check=True, timeout=BOUND_SECONDS)

    assert desk.found() == {"inner": "text"}


# ---- the cache ----


def test_a_file_of_the_cache_is_only_its_agents(desk: Desk):
    kept = desk.place / "c1"

    desk.fetch(desk.put("f", b"text"), file=str(kept))

    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("text", 0o600)
    assert desk.found() == {}


def test_what_is_too_large_for_the_cache_is_told_as_such(desk: Desk):
    uri = desk.put("f", b"text")

    assert "more than there is room for" in desk.refused(uri, file=str(desk.place / "c1"), bytes_max=3)
    assert (desk.place / "c1").stat().st_size == 0
