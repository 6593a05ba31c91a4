"""Files that are handed out: which ones, what is said of them, and what stays where it is."""

import gc
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libactor.http.files import Files
from libactor.http.parts import PIECE_BYTES, FilePart
from libactor.http.request import Request

pytestmark = pytest.mark.coreless


@pytest.fixture
def site(tmp_path):
    """A directory of three files, and beside it one that nobody is to see."""
    site = tmp_path / "site"
    (site / "deep" / "er").mkdir(parents=True)
    (site / "page.html").write_text("<p>")
    (site / "deep" / "er" / "x.js").write_text("1")
    (site / "pack.tar.gz").write_bytes(b"\x1f\x8b")
    (tmp_path / "secret").write_text("s3cret")
    return site


def content(files, rest):
    """What is in a file; None if there is none."""
    part = files.open(rest)
    if part is None:
        return None
    data = part.read(0)
    part.close()
    return data


def answer(files, rest="", method="GET", **headers):
    """What is answered to a request with headers, ``if_range`` for If-Range; its body as bytes."""
    raw = tuple((name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items())
    response = files.answer(Request(method, rest=rest, raw_headers=raw))
    if not isinstance(response.body, FilePart):
        return response, response.body
    data = response.body.read(0)
    response.body.close()
    return response, data


def test_a_file_of_the_directory_is_found_by_its_path(site):
    files = Files(site)

    assert content(files, "/page.html") == b"<p>"
    assert content(files, "deep/er/x.js") == b"1"
    assert content(files, "//deep///er/x.js") == b"1"


def test_one_file_stands_for_itself(site):
    files = Files(site / "page.html")

    assert content(files, "") == b"<p>"
    assert content(files, "/page.html") is None


@pytest.mark.parametrize(
    "rest",
    ["/none", "", "/", "/deep", "/page.html/", "/page.html/x", "/x" * 5000, "/" + "x" * 300, "/\0", "/\ud800", "/é"],
)
def test_what_is_no_file_is_none(site, rest):
    assert content(Files(site), rest) in (None, b"<p>" if rest == "/page.html/" else None)


@pytest.mark.parametrize(
    "rest",
    [
        "../secret",
        "/../secret",
        "/deep/../../secret",
        "/deep/er/../../../secret",
        "/%2e%2e/secret",
        "/..",
        "/...",
        "/./page.html/..",
    ],
)
def test_no_path_leads_out(site, rest):
    assert content(Files(site), rest) is None


@given(st.lists(st.sampled_from(["..", ".", "", "site", "secret", "deep", "~", "\0", "etc", "passwd"]), max_size=8))
def test_whatever_the_path_nothing_outside_is_read(tmp_path_factory, parts):
    root = tmp_path_factory.getbasetemp() / "fuzzed"
    (root / "site" / "deep").mkdir(parents=True, exist_ok=True)
    (root / "secret").write_text("s3cret")

    assert content(Files(root / "site"), "/" + "/".join(parts)) is None


@pytest.mark.parametrize("line", json.loads((Path(__file__).parent / "corpus" / "http_parsers.json").read_text()))
def test_no_line_of_the_corpus_is_a_file_or_does_harm(site, line):
    assert content(Files(site), f"/{line}") is None
    assert answer(Files(site), "page.html", range=line.encode("utf-8", "replace").decode("latin-1"))[0].status in (
        200,
        206,
        416,
    )


def test_a_link_within_the_directory_is_followed_and_one_out_of_it_is_not(site):
    (site / "inner").symlink_to("page.html")
    (site / "outer").symlink_to("../secret")
    (site / "absolute").symlink_to(site.parent / "secret")
    (site / "up").symlink_to("..")
    (site / "loop").symlink_to("loop")
    files = Files(site)

    assert content(files, "/inner") == b"<p>"
    assert [content(files, rest) for rest in ("/outer", "/absolute", "/up/secret", "/loop")] == [None] * 4


def test_the_directory_itself_may_be_a_link(site):
    link = site.parent / "link"
    link.symlink_to(site)

    assert content(Files(link), "/page.html") == b"<p>"


# Goal: a link that changes between the look and the opening leads nowhere. Method: the first look is made to pass.
def test_what_counts_is_what_was_opened(site, monkeypatch):
    (site / "outer").symlink_to("../secret")
    files = Files(site)
    monkeypatch.setattr(os.path, "realpath", str)

    assert content(files, "/outer") is None


# Goal: what is no regular file holds nobody up. Method: a named pipe that nobody writes to.
def test_a_named_pipe_is_no_file(site):
    os.mkfifo(site / "pipe")

    assert content(Files(site), "/pipe") is None


def test_a_directory_beside_it_with_a_longer_name_is_outside(site):
    (site.parent / "site2").mkdir()
    (site.parent / "site2" / "x").write_text("x")
    (site / "beside").symlink_to("../site2/x")

    assert content(Files(site), "/beside") is None


@pytest.mark.parametrize(
    ("rest", "media"),
    [
        ("page.html", "text/html; charset=utf-8"),
        ("deep/er/x.js", "text/javascript; charset=utf-8"),
        ("pack.tar.gz", "application/gzip"),
        ("none", "application/octet-stream"),
    ],
)
def test_the_media_type_follows_the_suffix(site, rest, media):
    (site / "none").write_text("?")
    response, _ = answer(Files(site), rest)

    assert response.header("content-type") == media
    assert response.header("x-content-type-options") == "nosniff"


def test_media_types_can_be_given(site):
    response, _ = answer(Files(site, {".js": "text/x-mine"}), "deep/er/x.js")

    assert response.header("content-type") == "text/x-mine"


def test_who_has_a_file_already_is_told_so(site):
    files = Files(site)
    tag = answer(files, "page.html")[0].header("etag")
    modified = answer(files, "page.html")[0].header("last-modified")

    assert answer(files, "page.html", if_none_match=tag)[0].status == 304
    assert answer(files, "page.html", if_none_match=f'"x", W/{tag}')[0].status == 304
    assert answer(files, "page.html", if_modified_since=modified)[0].status == 304
    assert answer(files, "page.html", if_none_match='"x"', if_modified_since=modified)[0].status == 200
    os.utime(site / "page.html", (1, 1))
    assert answer(files, "page.html", if_none_match=tag)[0].status == 200
    assert answer(files, "page.html")[0].header("last-modified") == "Thu, 01 Jan 1970 00:00:01 GMT"


def test_a_range_is_a_part_of_the_file(site):
    (site / "ten").write_bytes(b"0123456789")
    files = Files(site)

    response, body = answer(files, "ten", range="bytes=2-4")
    assert (response.status, body, response.header("content-range")) == (206, b"234", "bytes 2-4/10")
    response, body = answer(files, "ten", range="bytes=-3")
    assert (response.status, body, response.header("content-range")) == (206, b"789", "bytes 7-9/10")
    response, _ = answer(files, "ten", range="bytes=10-")
    assert (response.status, response.header("content-range")) == (416, "bytes */10")
    response, body = answer(files, "ten", range="bytes=2-4", if_range='"changed"')
    assert (response.status, body) == (200, b"0123456789")


def test_a_large_file_is_read_in_pieces(site):
    (site / "large").write_bytes(b"x" * (PIECE_BYTES + 5))
    part = Files(site).open("large")

    assert part.length == PIECE_BYTES + 5
    assert len(part.read(0)) == PIECE_BYTES
    assert part.read(PIECE_BYTES) == b"x" * 5
    assert part.read(part.length) == b""
    part.close()


def test_what_is_not_asked_for_with_get_or_head_is_refused(site):
    assert answer(Files(site), "page.html", "HEAD")[0].status == 200
    assert answer(Files(site), "page.html", "DELETE")[0].status == 405


def test_what_may_not_be_read_is_403(site, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "no")

    monkeypatch.setattr(os, "open", refuse)

    assert answer(Files(site), "page.html")[0].status == 403


# Goal: a response that nobody sends keeps no descriptor. Method: count those that are open.
def test_a_part_that_is_forgotten_is_closed(site):
    files = Files(site)
    before = len(os.listdir("/proc/self/fd"))

    for _ in range(50):
        files.answer(Request(rest="page.html"))
        files.open("page.html")
    gc.collect()

    assert len(os.listdir("/proc/self/fd")) == before


def test_a_directory_that_is_not_there_is_an_error_at_once(tmp_path):
    with pytest.raises(ValueError, match="nothing at"):
        Files(tmp_path / "none")
