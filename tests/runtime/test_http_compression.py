"""Compressed answers and answers as scripts: when, and what is said of them."""

import asyncio
import gzip
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libactor.http import compression
from libactor.http.compression import GZIP_BYTES_MIN, INLINE_BYTES_MAX, compress
from libactor.http.jsonp import jsonp
from libactor.http.pipe import Pipe
from libactor.http.request import Request
from libactor.http.response import Response

pytestmark = pytest.mark.coreless

TEXT = b"x" * GZIP_BYTES_MIN


def answered(body, accept="gzip", headers=()):
    fields = () if accept is None else ((b"Accept-Encoding", accept.encode()),)
    found = compress(Request(raw_headers=fields), Response(200, body, headers))
    return found if isinstance(found, Response) else asyncio.run(found)


@given(st.binary(max_size=3 * GZIP_BYTES_MIN))
def test_what_was_compressed_comes_back(body):
    found = answered(body)

    encoded = found.header("content-encoding") == "gzip"
    assert encoded == (len(body) >= GZIP_BYTES_MIN)
    assert (gzip.decompress(found.body) if encoded else found.body) == body


@pytest.mark.parametrize("accept", [None, "", "identity", "gzip;q=0", "*;q=0", "br", "gzip;q=x"])
def test_a_client_that_does_not_take_it_gets_the_body_and_caches_are_told(accept):
    found = answered(TEXT, accept)

    assert found.body == TEXT
    assert found.header("content-encoding") is None
    assert found.header("vary") == "Accept-Encoding"


@pytest.mark.parametrize(
    "headers",
    [{"Content-Encoding": "br"}, {"Content-Range": "bytes 0-1/2"}, {"Cache-Control": "private, No-Transform"}],
)
def test_what_must_stay_as_it_is_does(headers):
    found = answered(TEXT, headers=headers)

    assert found.body == TEXT
    assert found.header("vary") is None


@pytest.mark.parametrize(
    ("vary", "then"),
    [("Origin", "Origin, Accept-Encoding"), ("*", "*"), ("accept-encoding, Origin", "accept-encoding, Origin")],
)
def test_what_an_answer_varies_by_is_kept(vary, then):
    assert answered(TEXT, headers={"Vary": vary}).header("vary") == then


def test_headers_sent_several_times_are_kept():
    found = answered(TEXT, headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])

    assert [value for name, value in found.headers if name == b"set-cookie"] == [b"a=1", b"b=2"]


def test_a_small_body_and_a_stream_go_as_they_are():
    pipe = Pipe()

    assert answered(TEXT[1:]).body == TEXT[1:]
    assert answered(pipe.reader).body is pipe.reader
    pipe.writer.close()


# Goal: a large body does not hold up the event loop. Method: look which thread compresses.
def test_a_large_body_is_compressed_in_another_thread(monkeypatch):
    threads = []
    original = compression._gzip
    monkeypatch.setattr(compression, "_gzip", lambda body: threads.append(threading.current_thread()) or original(body))

    answered(b"x" * INLINE_BYTES_MAX)
    answered(b"x" * (INLINE_BYTES_MAX + 1))

    assert threads[0] is threading.main_thread()
    assert threads[1] is not threading.main_thread()


def script(query, response):
    return jsonp(Request(query_string=query), response)


def test_json_becomes_a_script_that_calls_the_function():
    found = script(b"jsonp=page.show&x=1", Response(200, {"a": 1}, {"X-Mine": "1"}))

    assert found.body == b'page.show({"a":1});'
    assert found.header("content-type") == "text/javascript"
    assert found.header("x-content-type-options") == "nosniff"
    assert found.header("x-mine") == "1"


@pytest.mark.parametrize("response", [Response(200, "text"), Response(204), Response(200, b"{}")])
def test_what_is_no_json_stays_as_it_is(response):
    assert script(b"jsonp=f", response) is response


def test_without_a_function_json_stays_as_it_is():
    response = Response(200, {"a": 1})

    assert script(b"", response) is response
    assert script(b"a=jsonp", response) is response


@pytest.mark.parametrize("query", [b"jsonp=", b"jsonp=alert(1)", b"jsonp=a%0ab", b"jsonp=%ff", b"jsonp=<script>"])
def test_a_name_that_will_not_do_is_refused(query):
    assert script(query, Response(200, {"a": 1})).status == 400
