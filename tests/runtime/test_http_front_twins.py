"""What is no proper request, in all the ways there are: the worker and the event loop make the same of it."""

# Goal: no request means one thing to the one who reads it first and another to the one behind, which is what request
#   smuggling lives on. Method: the same bytes, made of what breaks parsers, to a server with a front and one without.
# The bytes end with a request that closes the connection. What is wrong behind an answer is answered or cut: there the
#   loop, which reads it while its handler is at work, may say less.

import pytest
from hypothesis import given
from hypothesis import strategies as st

import libactor as la
from libactor.http import HttpServer, application, serve
from tests.runtime.house import LAST, House, connect, read_until_reset

pytestmark = pytest.mark.real

METHODS = [b"GET", b"HEAD", b"POST", b"OPTIONS", b"CONNECT", b"PRI", b"QUERY", b"M-SEARCH", b"get", b"G\0T", b""]
TARGETS = [
    *(b"/house/echo", b"/house/echo/a%20b?x=1", b"/house/get", b"//house/echo", b"/house//echo", b"/%68ouse/echo"),
    *(b"/house%2Fecho", b"/house/echo/%2e%2e/x", b"/house/../x", b"/house/echo/%00", b"/house/echo/%ff", b"/%zz"),
    *(b"/house/echo/\xc3\xa9", b"/house/echo?x=\xff", b"/house/echo/\0", b"/house/echo/\x7f", b"/house/echo#a?b"),
    *(b"/house/echo??", b"/house/echo;a=b", b'/house/echo/\\|{}<>"', b"/", b"/?", b"?x", b"*", b"", b"h:80"),
    *(b"http://h/house/echo", b"http://u:p@h:80/house/echo", b"http://[::1]/house/echo", b"https://h/house/echo"),
    *(b"http://h", b"http://h?x", b"http://h:/x", b"http://h:99999/x", b"http:///x", b"/house/echo/" + b"a" * 9000),
]
VERSIONS = [
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/0.9",
    b"HTTP/1.2",
    b"HTTP/2.0",
    b"HTTP/11.1",
    b"http/1.1",
    b"HTTP/1.1 ",
    b"",
]
FIELDS = [
    *(b"Host: y", b"host:", b"x: \0", b"x: \xff", b"x:\x01", b"x", b": y", b"x y: z", b"x:   z   ", b"\x80: y"),
    *(b"content-length: 0", b"Content-Length: 3", b"content-length: +3", b"content-length: 3, 3", b"content-length:"),
    *(b"content-length : 0", b"content-length: 18446744073709551616", b"content_length: 3", b"content-length: 3\t"),
    *(b"Transfer-Encoding: chunked", b"transfer-encoding: identity", b"transfer-encoding: x, chunked"),
    *(b"transfer-encoding:\x0bchunked", b"transfer-encoding : chunked", b"te: trailers", b"trailer: host"),
    *(b"connection: close", b"connection: keep-alive", b"CONNECTION:\tCLOSE", b"connection: close, keep-alive"),
    *(b"connection: upgrade", b"upgrade: h2c", b"upgrade: websocket", b"proxy-connection: close"),
    *(b"expect: 100-continue", b"expect: x", b" folded", b"\tfolded", b"x: a\r\n b", b"x: a\nb: c", b"x: a\rb: c"),
    *(b"x: " + b"y" * 3000, b"cookie: a", b"cookie: b", b"accept-encoding: gzip"),
]
ENDS = [b"\r\n"] * 8 + [b"\n", b"\r", b"\r\r\n", b"\n\r\n"]
BEFORE = [b""] * 8 + [b"\r\n", b"\n", b" ", b"\r\n\r\n"]
AFTER = [b""] * 8 + [b"abc", b"3\r\nabc\r\n0\r\n\r\n", b"\r\n", b"\r\n\r\n", b"\0"]


class Echo(House):
    """Tells what it was asked."""

    @la.route("/echo")
    def echo(self, request):
        fields = (request.method, request.path, request.rest, request.query_string, request.raw_headers)
        return repr((*fields, request.endpoint, request.scheme, request.root_path))[:900]


@st.composite
def heads(draw):
    """Bytes that are nearly a request."""

    def often(usual, others):
        return draw(st.one_of(st.just(usual), st.sampled_from(others)))

    line = b" ".join((often(b"GET", METHODS), often(b"/house/echo", TARGETS), often(b"HTTP/1.1", VERSIONS)))
    fields = [b"host: x", *draw(st.lists(st.sampled_from(FIELDS), max_size=3))]
    return draw(st.sampled_from(BEFORE)) + draw(st.sampled_from(ENDS)).join((line, *fields, b"", b""))


@pytest.fixture(scope="module")
def urls():
    """Where the worker answers, and where the event loop alone does."""
    with la.Runtime() as runtime:
        runtime.spawn(Echo())
        with serve(runtime, patience_s=10.0) as server, HttpServer(patience_s=10.0) as loop:
            yield server.url, loop.listen(application(runtime))


def answers(urls, sent):
    received = []
    for url in urls:
        with connect(url) as connection:
            connection.sendall(sent)
            received.append(read_until_reset(connection))
    return received


@given(head=heads(), after=st.sampled_from(AFTER))
def test_the_worker_and_the_event_loop_make_the_same_of_what_is_hardly_a_request(urls, head, after):
    by_worker, by_loop = answers(urls, head + after + LAST)

    assert by_worker == by_loop or (by_worker.startswith(by_loop) and by_worker.count(b"HTTP/1.1 ") > 1)
