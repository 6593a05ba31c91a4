"""Bodies of requests that are gzip: what arrives, and that none swells beyond what is allowed."""

import asyncio
import gzip
import random
import zlib

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

import libactor as la
from libactor import http
from libactor.http.inflating import MEMBERS_MAX, inflate, is_gzip
from libactor.http.response import Refusal

LIMIT = 30


class Echo(la.Actor):
    def __init__(self):
        super().__init__("echo")

    @la.route("/body", methods=["POST"])
    def body(self, request):
        return http.Response(200, request.body, {"x-encoding": request.headers.get("content-encoding", "none")})

    @la.route("/stream", methods=["POST"], stream=True)
    async def stream(self, request):
        return await request.body.read_all()


def post(site, path, body, encoding="gzip"):
    """What ``site`` answers to one request."""

    async def send():
        transport = httpx2.ASGITransport(site)
        async with httpx2.AsyncClient(transport=transport, base_url="http://x", timeout=LIMIT) as client:
            return await client.post(path, content=body, headers={"Content-Encoding": encoding})

    return asyncio.run(send())


def inflated(body, most=1 << 20):
    """What comes of a body; a Refusal of 413 beyond ``most``."""
    made = []

    def hold(count):
        made.append(count)
        if sum(made) > most:
            raise Refusal(http.Response(413))

    return asyncio.run(inflate(body, hold))


def outcome(body):
    """The status of a refusal, or 200."""
    try:
        inflated(body)
    except Refusal as refusal:
        return refusal.response.status
    return 200


# LP HTTPConnectionTest.GzipRequestBody
def test_a_body_that_is_gzip_arrives_as_what_it_was(runtime):
    runtime.spawn(Echo())
    site = http.application(runtime)

    found = post(site, "/echo/body", gzip.compress(b"tea" * 100_000))

    assert found.content == b"tea" * 100_000
    assert found.headers["x-encoding"] == "none"


def test_other_encodings_and_streams_arrive_as_they_were_sent(runtime):
    runtime.spawn(Echo())
    site = http.application(runtime)
    data = gzip.compress(b"tea")

    assert post(site, "/echo/body", b"tea", "br").headers["x-encoding"] == "br"
    assert post(site, "/echo/body", data, "gzip, br").content == data
    assert post(site, "/echo/stream", data).content == data


ZIPPED = gzip.compress(b"tea", mtime=0)


@pytest.mark.parametrize(
    "body",
    [b"tea", ZIPPED[:-1], ZIPPED + b"x", zlib.compress(b"tea")],
    ids=["plain", "cut", "with something behind it", "zlib"],
)
def test_what_is_no_gzip_or_not_whole_is_400(runtime, body):
    runtime.spawn(Echo())

    found = post(http.application(runtime), "/echo/body", body)

    assert found.status_code == 400
    assert "gzip" in found.text


# Goal: a small body cannot take much memory. Method: 20 MB of zeros, which are 20 kB as gzip, where 1 MB is allowed.
def test_a_body_that_swells_too_much_is_413(runtime):
    runtime.spawn(Echo())
    site = http.application(runtime, body_bytes_max=1 << 20)

    assert post(site, "/echo/body", gzip.compress(bytes(20 << 20))).status_code == 413
    assert post(site, "/echo/body", gzip.compress(bytes(1 << 19))).status_code == 200
    assert site._bodies._bytes == 0


@given(st.lists(st.binary(max_size=200), max_size=4))
def test_several_members_are_one_body(parts):
    assert inflated(b"".join(gzip.compress(part) for part in parts)) == b"".join(parts)


@given(st.binary(max_size=300), st.data())
def test_whatever_comes_is_inflated_or_refused(data, draw):
    body = bytearray(gzip.compress(data))
    for _ in range(draw.draw(st.integers(0, 3))):
        body[draw.draw(st.integers(0, len(body) - 1))] = draw.draw(st.integers(0, 255))
    for given_body in (bytes(body), data, bytes(body[: draw.draw(st.integers(0, len(body)))])):
        assert outcome(given_body) in (200, 400)


def test_only_one_encoding_is_undone():
    assert is_gzip([(b"content-encoding", b" GZIP ")])
    assert is_gzip([(b"content-encoding", b"x-gzip")])
    assert not is_gzip([])
    assert not is_gzip([(b"content-encoding", b"gzip"), (b"content-encoding", b"gzip")])


def test_a_body_of_very_many_empty_members_is_refused():
    body = gzip.compress(b"", mtime=0) * (MEMBERS_MAX + 1)

    assert outcome(body) == 400
    assert outcome(body[: len(body) // (MEMBERS_MAX + 1) * MEMBERS_MAX]) == 200


def test_inflating_hands_each_byte_of_a_long_body_over_about_once(monkeypatch):
    data = random.Random(1).randbytes(1 << 20)  # which gzip makes no shorter
    handed = []

    class Counted:
        def __init__(self, bits):
            self.inner = make(bits)

        def __getattr__(self, name):
            return getattr(self.inner, name)

        def decompress(self, given, most):
            handed.append(len(given))
            return self.inner.decompress(given, most)

    make = zlib.decompressobj
    monkeypatch.setattr(zlib, "decompressobj", Counted)

    found = inflated(gzip.compress(data, 1))

    assert found == data
    assert sum(handed) < 3 * len(data)
