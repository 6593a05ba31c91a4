"""Routes of actors as an ASGI application, asked without a server: whom a request reaches and what it is answered."""

import asyncio
import dataclasses
import datetime
import json
import logging
import threading
import uuid
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

import libactor as la
from libactor.http import Principal, Request, Response, SystemRoute, application


@pytest.fixture
def runtime():
    with la.Runtime() as runtime:
        yield runtime


@dataclasses.dataclass
class Answer:
    """What an application has sent."""

    status: int
    headers: dict
    body: bytes


def scope_of(path, method="GET", headers=(), **more):
    """Return what a server makes of a request line and headers."""
    raw, _, query = path.partition("?")
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw),
        "raw_path": raw.encode(),
        "query_string": query.encode(),
        "headers": list(headers),
        "client": ("127.0.0.1", 5),
        "root_path": "",
    } | more


async def serve_one(app, scope, *chunks):
    """Let ``app`` serve one request whose body comes in ``chunks``; the client stays until it is answered."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    sent = []

    async def receive():
        if messages:
            return messages.pop(0)
        return await asyncio.get_running_loop().create_future()

    async def send(message):
        sent.append(message)

    await asyncio.wait_for(app(scope, receive, send), 10)
    start, *parts = sent
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], headers, b"".join(part["body"] for part in parts))


def ask(app, path, method="GET", *chunks, headers=(), **more):
    """Return what ``app`` answers to one request."""
    headers = [*headers, *([(b"transfer-encoding", b"chunked")] if chunks else [])]
    return asyncio.run(serve_one(app, scope_of(path, method, headers, **more), *chunks))


class Echo(la.Actor):
    """Answers with what it was asked."""

    @la.route("/a")
    def a(self, request):
        return f"a{request.rest}"

    @la.route("/a/b")
    def ab(self, request):
        return f"ab{request.rest}"

    @la.route("/", methods=["GET"])
    def root(self, request):
        return f"root{request.rest}"

    @la.route("/body", methods=["POST", "PUT"])
    def body(self, request):
        return request.body

    @la.route("/query")
    def query(self, request):
        return dict(request.query)


# LP HTTPTest.NestedGet
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/echo/a", b"a"),
        ("/echo/a/", b"a"),
        ("/echo/a/x", b"a/x"),
        ("/echo/a/b", b"ab"),
        ("/echo/a/b/c/d/", b"ab/c/d"),
        ("/echo/ab", b"root/ab"),
        ("/echo", b"root"),
        ("/echo/", b"root"),
    ],
)
def test_the_longest_route_that_is_a_prefix_by_whole_segments_answers(runtime, path, body):
    runtime.spawn(Echo("echo"))

    answer = ask(application(runtime), path)

    assert (answer.status, answer.body) == (200, body)


# LP HTTPTest.Statuses
# LP RequestDecoderTest.InvalidQueryArgs
@pytest.mark.parametrize("path", ["echo/a", "/echo/a%2", "/echo/%ff", "/echo/a?x=%ff", "/echo/a?x=%zz"])
def test_a_path_that_is_badly_encoded_is_400(runtime, path):
    runtime.spawn(Echo("echo"))

    assert ask(application(runtime), path).status == 400


@pytest.mark.parametrize("path", ["/echo/../a", "/echo/%2e%2e/a"])
def test_a_path_that_no_actor_should_see_is_404(runtime, path):
    runtime.spawn(Echo("echo"))

    assert ask(application(runtime), path).status == 404


def test_nobody_and_no_route_are_404(runtime):
    class Bare(la.Actor):
        """Has no route at all."""

    runtime.spawn(Bare("bare"))
    app = application(runtime)

    assert [ask(app, path).status for path in ("/", "/who", "/who/a", "/bare", "/bare/a")] == [404] * 5


# LP ProcessTest.PercentEncodedURLs
def test_an_id_is_found_by_its_encoded_form(runtime):
    runtime.spawn(Echo("id(1) é"))

    assert ask(application(runtime), "/id(1)%20%c3%a9/a").body == b"a"
    assert ask(application(runtime), "/%69%64%281%29%20%C3%A9/%61").body == b"a"


def test_the_delegate_gets_what_begins_with_no_actors_id(runtime):
    runtime.spawn(Echo("echo"))
    runtime.spawn(Echo("a"))
    app = application(runtime, delegate="echo")

    bodies = [ask(app, path).body for path in ("/a", "/a/b", "/query", "/echo/a/b", "/")]

    assert bodies == [b"root", b"root/b", b"{}", b"ab", b"root"]


def test_a_method_that_no_route_at_the_path_answers_is_405_with_those_that_would(runtime):
    runtime.spawn(Echo("echo"))
    app = application(runtime)

    refused, options = ask(app, "/echo/body"), ask(app, "/echo/body", "OPTIONS")

    assert (refused.status, refused.headers["allow"]) == (405, "OPTIONS, POST, PUT")
    assert (options.status, options.headers["allow"], options.body) == (204, "OPTIONS, POST, PUT", b"")


def test_head_comes_with_get(runtime):
    runtime.spawn(Echo("echo"))

    assert ask(application(runtime), "/echo/", "HEAD").headers["content-length"] == "4"


def test_routes_of_one_path_may_share_it_by_method(runtime):
    class Both(la.Actor):
        @la.route("/v", methods=["GET"])
        def get(self, request):
            return "got"

        @la.route("/v", methods=["POST"])
        def post(self, request):
            return "posted"

    runtime.spawn(Both("both"))
    app = application(runtime)

    assert [ask(app, "/both/v", method).body for method in ("GET", "POST")] == [b"got", b"posted"]


def test_a_subclass_answers_by_its_own_method_and_may_take_a_route_over(runtime):
    class Other(Echo):
        def a(self, request):
            return "other a"

        @la.route("/a/b")
        def own(self, request):
            return "own"

    runtime.spawn(Other("other"))
    app = application(runtime)

    assert [ask(app, path).body for path in ("/other/a", "/other/a/b", "/other")] == [b"other a", b"own", b"root"]


# LP HTTPTest.QueryEncodeDecode
def test_the_last_of_several_values_of_a_query_counts(runtime):
    runtime.spawn(Echo("echo"))

    answer = ask(application(runtime), "/echo/query?a=1&b=x+y%26&a=2&c=&d")

    assert json.loads(answer.body) == {"a": "2", "b": "x y&", "c": "", "d": ""}


# LP HTTPTest.CaseInsensitiveHeaders
# LP RequestDecoderTest.HeaderCaseInsensitive
def test_headers_are_found_in_any_case():
    request = Request(raw_headers=((b"x-Name", b"1"), (b"X-NAME", b"2"), (b"cookie", b"a"), (b"Cookie", b"b")))

    assert (request.headers["X-nAmE"], request.headers["COOKIE"]) == ("1, 2", "a; b")
    assert "x-other" not in request.headers
    assert 7 not in request.headers
    assert len(request.headers) == 2


# LP HTTPTest.Post
def test_a_body_arrives_whole(runtime):
    runtime.spawn(Echo("echo"))

    assert ask(application(runtime), "/echo/body", "POST", b"one ", b"", b"two").body == b"one two"


@pytest.fixture(scope="module")
def echo_app():
    with la.Runtime() as runtime:
        runtime.spawn(Echo("echo"))
        yield application(runtime)


class Color(la.Actor):
    """Returns whatever it was made with."""

    def __init__(self, value):
        super().__init__("color")
        self.value = value

    @la.route("/v")
    def v(self, request):
        return self.value


@dataclasses.dataclass
class Point:
    """A value with a form in JSON."""

    x: int
    at: datetime.date


@pytest.mark.parametrize(
    ("value", "body", "kind"),
    [
        ("é", "é".encode(), "text/plain; charset=utf-8"),
        (b"raw", b"raw", "application/octet-stream"),
        ({"a": [1, None]}, b'{"a":[1,null]}', "application/json"),
        ([1.5, True], b"[1.5,true]", "application/json"),
        ((1, 2), b"[1,2]", "application/json"),
        (7, b"7", "application/json"),
        (Point(1, datetime.date(2020, 1, 2)), b'{"x":1,"at":"2020-01-02"}', "application/json"),
        (uuid.UUID(int=0), b'"00000000-0000-0000-0000-000000000000"', "application/json"),
    ],
)
def test_what_a_handler_returns_is_its_own_shorthand_for_a_response(runtime, value, body, kind):
    runtime.spawn(Color(value))

    answer = ask(application(runtime), "/color/v")

    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, body, kind)
    assert answer.headers["content-length"] == str(len(body))


def test_none_is_no_content(runtime):
    runtime.spawn(Color(None))

    answer = ask(application(runtime), "/color/v")

    assert (answer.status, answer.headers, answer.body) == (204, {}, b"")


# Goal: an answer that cannot be sent is told apart from a handler that failed. Method: one of each kind.
@pytest.mark.parametrize(
    ("value", "said"),
    [
        (object(), b"result of color.v: builtins.object is neither"),
        ({(1, 2): 3}, b"The handler's answer cannot be sent: Response: a dict cannot be the body"),
        ("\ud800", b"The handler's answer cannot be sent: "),
    ],
)
def test_what_has_no_form_in_json_is_a_500_that_says_so(runtime, value, said):
    runtime.spawn(Color(value))

    answer = ask(application(runtime), "/color/v")

    assert answer.status == 500
    assert answer.body.startswith(said)


class Late(la.Actor):
    """Answers later, or never."""

    def __init__(self):
        super().__init__("late")
        self.promise = la.Promise()

    @la.route("/future")
    def future(self, request):
        return la.ready({"n": 1}).then(lambda value: value)

    @la.route("/coroutine")
    async def coroutine(self, request):
        return Response(201, await la.ready("made"), {"x-kind": "late"})

    @la.route("/fail")
    def fail(self, request):
        raise ValueError("no such color")

    @la.route("/discarded")
    def discarded(self, request):
        self.promise.discard()
        return self.promise.future

    @la.route("/dropped")
    def dropped(self, request):
        return la.Promise().future

    @la.route("/stop")
    def stop(self, request):
        la.terminate(self.pid)
        return self.promise.future


def test_futures_and_coroutines_are_waited_for(runtime):
    runtime.spawn(Late())
    app = application(runtime)

    future, coroutine = ask(app, "/late/future"), ask(app, "/late/coroutine")

    assert (future.status, future.body) == (200, b'{"n":1}')
    assert (coroutine.status, coroutine.body, coroutine.headers["x-kind"]) == (201, b"made", "late")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/late/fail", b"no such color"),
        ("/late/discarded", b"The handler's future was discarded."),
        ("/late/dropped", b"get: nobody is left to complete this future"),
    ],
)
def test_a_handler_that_does_not_answer_is_a_500(runtime, caplog, path, said):
    runtime.spawn(Late())

    with caplog.at_level(logging.CRITICAL, logger="libactor.http"):
        answer = ask(application(runtime), path)

    assert answer.status == 500
    assert answer.body.startswith(said)


def test_a_handler_whose_actor_stops_is_a_500_and_then_404(runtime):
    pid = runtime.spawn(Late())
    app = application(runtime)

    first = ask(app, "/late/stop")
    runtime.wait(pid)

    assert (first.status, ask(app, "/late/stop").status) == (500, 404)


def test_the_failure_of_a_handler_is_logged_with_its_traceback(runtime, caplog):
    runtime.spawn(Late())

    with caplog.at_level(logging.ERROR, logger="libactor.http"):
        ask(application(runtime), "/late/fail")

    assert [record.getMessage() for record in caplog.records] == ["GET /late/fail: the handler failed"]
    assert caplog.records[0].exc_info


def test_a_full_mailbox_is_a_503(runtime):
    entered, go_on = threading.Event(), threading.Event()

    def hold():
        entered.set()
        go_on.wait(10)

    pid = runtime.spawn(Echo("echo"), mailbox=la.Bounded(1, "fail-sender"))
    la.execute(pid, hold)
    entered.wait(10)
    la.tell(pid, Echo.a, Request())

    answer = ask(application(runtime), "/echo/a")
    go_on.set()

    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


def test_a_closed_runtime_is_a_503():
    with la.Runtime() as runtime:
        runtime.spawn(Echo("echo"))
        app = application(runtime)

    assert ask(app, "/echo/a").status == 503


# LP HttpServeTest.Discard
def test_a_client_that_goes_away_has_its_handlers_future_discarded(runtime):
    discarded = la.Promise()

    class Waiting(Late):
        @la.route("/wait")
        def wait(self, request):
            left.put(None)
            return self.promise.future.on_discard(lambda: discarded.set(True))

    left = la.Queue()
    runtime.spawn(Waiting())

    async def receive():
        await left.get()
        return {"type": "http.disconnect"}

    async def send(message):
        raise AssertionError(f"sent {message} to a client that has gone")

    asyncio.run(asyncio.wait_for(application(runtime)(scope_of("/late/wait"), receive, send), 10))

    assert discarded.future.get(10)


def test_bodies_beyond_the_bounds_are_refused_by_length_and_by_what_comes(runtime):
    runtime.spawn(Echo("echo"))
    app = application(runtime, body_bytes_max=10, bodies_bytes_max=10)

    announced = ask(app, "/echo/body", "POST", headers=[(b"content-length", b"11")])
    arrived = ask(app, "/echo/body", "POST", b"123456", b"78901")
    after = ask(app, "/echo/body", "POST", b"1234567890")

    assert [announced.status, arrived.status, after.status] == [413, 413, 200]


def test_the_bodies_of_a_site_are_bounded_together(runtime):
    class Holder(la.Actor):
        def __init__(self):
            super().__init__("holder")
            self.asked, self.promise = la.Promise(), la.Promise()

        @la.route("/hold")
        def hold(self, request):
            self.asked.set(None)
            return self.promise.future

    holder = Holder()
    runtime.spawn(holder)
    runtime.spawn(Echo("echo"))
    app = application(runtime, body_bytes_max=10, bodies_bytes_max=15)
    chunked = [(b"transfer-encoding", b"chunked")]

    async def both():
        first = asyncio.ensure_future(serve_one(app, scope_of("/holder/hold", "POST", chunked), b"1234567890"))
        await holder.asked.future
        second = await serve_one(app, scope_of("/echo/body", "POST", chunked), b"1234567890")
        holder.promise.set("done")
        third = await first, await serve_one(app, scope_of("/echo/body", "POST", chunked), b"1234567890")
        return second.status, third[0].body, third[1].status

    assert asyncio.run(both()) == (503, b"done", 200)


def test_the_application_says_yes_to_the_start_and_end_of_a_server(runtime):
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent = []

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message["type"])

    asyncio.run(application(runtime)({"type": "lifespan"}, receive, send))

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_websockets_are_refused_clearly(runtime):
    with pytest.raises(ValueError, match="got the scope 'websocket', expected http"):
        asyncio.run(application(runtime)({"type": "websocket"}, None, None))


@pytest.mark.parametrize("path", ["/api/echo/a", "/echo/a"], ids=["whole", "taken-off-before"])
def test_a_mounted_application_takes_its_mount_point_off_the_path(runtime, path):
    class Where(la.Actor):
        @la.route("/a")
        def a(self, request):
            return [request.root_path, request.path, request.endpoint]

    runtime.spawn(Where("echo"))

    answer = ask(application(runtime), path, root_path="/api")

    assert json.loads(answer.body) == ["/api", "/echo/a", "/echo/a"]


def test_system_routes_stand_between_actors_and_the_delegate(runtime):
    async def tell_help(site, request, principal):
        return f"help {request.path}"

    runtime.spawn(Echo("echo"))
    app = application(
        runtime, delegate="echo", system={"/help": SystemRoute(tell_help), "/echo/a": SystemRoute(tell_help)}
    )

    assert [ask(app, path).body for path in ("/help", "/help/x", "/echo/a", "/hel")] == [
        b"help /help", b"help /help/x", b"a", b"root/hel"
    ]  # fmt: skip


def test_rules_of_the_firewall_come_first_and_may_change(runtime):
    runtime.spawn(Echo("echo"))
    app = application(runtime, firewall=[lambda request: Response(403) if request.endpoint == "/echo/a" else None])

    before = [ask(app, path).status for path in ("/echo/a", "/echo/a/x/", "/echo/a/b", "/nobody")]
    app.firewall = ()

    assert before == [403, 403, 200, 404]
    assert ask(app, "/echo/a").status == 200


class Secret(la.Actor):
    """Has a route for those who are known."""

    @la.route("/who", realm="house")
    def who(self, request, principal):
        return "nobody" if principal is None else principal.value


class Names:
    """Takes the value of the header `name` for the name; forbids one."""

    scheme = "Name"

    def authenticate(self, request):
        name = request.headers.get("name")
        if name is None:
            return Response(401, headers={"www-authenticate": "Name"})
        return Response(403) if name == "eve" else la.ready(Principal(name))


# LP HttpAuthenticationTest.Unauthorized
# LP HttpAuthenticationTest.Forbidden
# LP HttpAuthenticationTest.Authenticated
def test_the_realm_of_a_route_says_who_asks(runtime):
    runtime.spawn(Secret("secret"))
    app = application(runtime, realms={"house": Names()})

    nobody = ask(app, "/secret/who")
    eve, ann = (ask(app, "/secret/who", headers=[(b"Name", name)]) for name in (b"eve", b"ann"))

    assert (nobody.status, nobody.headers["www-authenticate"]) == (401, "Name")
    assert (eve.status, ann.status, ann.body) == (403, 200, b"ann")


def test_authorization_sees_endpoint_and_principal(runtime):
    runtime.spawn(Secret("secret"))
    seen = []

    async def allow(endpoint, request, principal):
        seen.append((endpoint, principal))
        return principal == Principal("ann")

    app = application(runtime, realms={"house": Names()}, authorize=allow)

    bob, ann = (ask(app, "/secret/who/x", headers=[(b"name", name)]).status for name in (b"bob", b"ann"))

    assert (bob, ann) == (403, 200)
    assert seen == [("/secret/who", Principal("bob")), ("/secret/who", Principal("ann"))]


# LP HttpAuthenticationTest.Pipelining
# Goal: who is admitted first is served first. Method: the first of three is held up while it is authenticated.
def test_requests_for_one_actor_are_admitted_in_order_of_arrival(runtime):
    class Log(la.Actor):
        def __init__(self):
            super().__init__("log")
            self.seen = []

        @la.route("/in", realm="house")
        def inside(self, request, principal):
            self.seen.append(principal.value)

        @la.route("/out")
        def outside(self, request):
            self.seen.append("out")

    held = la.Promise()

    class Slow(Names):
        def authenticate(self, request):
            principal = super().authenticate(request)
            return held.future.then(lambda _: principal) if request.headers["name"] == "ann" else principal

    log = Log()
    pid = runtime.spawn(log)
    app = application(runtime, realms={"house": Slow()})

    async def all_three():
        scopes = [scope_of(path, headers=[(b"name", name)]) for path, name in
                  [("/log/in", b"ann"), ("/log/in", b"bob"), ("/log/out", b"")]]  # fmt: skip
        tasks = [asyncio.ensure_future(serve_one(app, scope)) for scope in scopes]
        await asyncio.sleep(0)
        before = await la.execute(pid, lambda: len(log.seen))
        held.set(None)
        await asyncio.gather(*tasks)
        return before

    assert asyncio.run(all_three()) == 0
    assert log.seen == ["ann", "bob", "out"]


def test_finishers_change_the_response_in_order(runtime):
    def mark(letter):
        return lambda request, response: Response(response.status, response.body + letter)

    runtime.spawn(Echo("echo"))

    assert ask(application(runtime, finish=[mark(b"1"), mark(b"2")]), "/echo/a").body == b"a12"


@pytest.mark.parametrize("path", ["", "value", "/value/", "//", "/a//b", "/../a", "/a?b"])
def test_a_route_that_cannot_be_reached_is_refused(path):
    with pytest.raises(ValueError, match="route: the path"):
        la.route(path)


@pytest.mark.parametrize("wrong", [7, None, b"/a"])
def test_a_path_that_is_no_text_is_refused(wrong):
    with pytest.raises(TypeError, match="expected text, such as '/value'"):
        la.route(wrong)


@pytest.mark.parametrize("methods", [[], ["get"], ["GET /"], "", [7]])
def test_methods_that_http_does_not_know_are_refused(methods):
    with pytest.raises(ValueError, match="route: "):
        la.route("/a", methods=methods)


def test_two_methods_of_one_class_for_the_same_requests_are_refused():
    with pytest.raises(TypeError, match="one and other both answer /a"):

        class Twice(la.Actor):
            @la.route("/a")
            def one(self, request):
                pass

            @la.route("/a", methods=["GET"])
            def other(self, request):
                pass


def test_a_method_that_cannot_be_called_with_a_request_is_refused():
    with pytest.raises(TypeError, match=r"Bad.value: a route takes \(self, request\)"):

        class Bad(la.Actor):
            @la.route("/a")
            def value(self):
                pass


def test_an_asynchronous_generator_is_refused():
    with pytest.raises(TypeError, match="asynchronous generator"):

        class Generator(la.Actor):
            @la.route("/a")
            async def value(self, request):
                yield b"x"


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": 99},
        {"status": "200"},
        {"status": True},
        {"status": 204, "body": "x"},
        {"headers": {"a b": "c"}},
        {"headers": {"x": "a\r\nset-cookie: b"}},
        {"headers": {"x": "é"}},
        {"headers": {"Content-Length": "3"}},
        {"headers": {"x": 3}},
    ],
)
def test_a_response_that_could_not_be_sent_is_refused(wrong):
    with pytest.raises(ValueError, match="Response: "):
        Response(**wrong)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (TypeError, {"delegate": 7}),
        (ValueError, {"body_bytes_max": -1}),
        (ValueError, {"bodies_bytes_max": "1M"}),
        (TypeError, {"bodies_bytes": 1}),
    ],
)
def test_options_that_will_not_do_are_refused(runtime, kind, options):
    with pytest.raises(kind, match=next(iter(options)) if kind is ValueError else "application|Site"):
        application(runtime, **options)


def test_an_application_needs_a_runtime_and_a_delegate_of_it(runtime):
    with la.Runtime() as other:
        stranger = other.spawn(Echo("echo"))

        with pytest.raises(ValueError, match="expected an actor of local-"):
            application(runtime, delegate=stranger)
    with pytest.raises(TypeError, match=r"expected a libactor\.Runtime"):
        application("runtime")


def test_the_same_application_is_asked_in_a_deterministic_runtime():
    with la.testing.DeterministicRuntime(seed=7) as runtime:
        runtime.spawn(Echo("echo"))
        runtime.spawn(Late())
        app = application(runtime)

        assert [ask(app, path).body for path in ("/echo/a", "/late/coroutine")] == [b"a", b"made"]


def test_an_exception_that_cannot_be_told_is_a_500(runtime, caplog):
    class Mute(Exception):
        def __str__(self):
            raise KeyError("no words")

    class Broken(la.Actor):
        @la.route("/")
        def fail(self, request):
            raise Mute

    runtime.spawn(Broken("broken"))

    with caplog.at_level(logging.CRITICAL, logger="libactor.http"):
        answer = ask(application(runtime), "/broken")

    assert (answer.status, answer.body) == (500, b"Internal Server Error")


# Goal: whatever stands in a request, it is answered, and no actor sees a path that climbs. Method: any bytes.
@given(
    path=st.binary(max_size=60).map(lambda raw: b"/" + raw) | st.text(max_size=30).map(lambda t: "/echo/" + t),
    query=st.binary(max_size=40),
    method=st.sampled_from(["GET", "POST", "OPTIONS", "HEAD", "BREW", ""]),
    root=st.sampled_from(["", "/echo", "/a/b"]),
    headers=st.lists(st.tuples(st.binary(max_size=10), st.binary(max_size=20)), max_size=4),
)
def test_any_request_is_answered(echo_app, path, query, method, root, headers):
    raw = path if isinstance(path, bytes) else quote(path, errors="replace").encode()
    wild = {"raw_path": raw, "path": unquote(raw.decode("latin-1")), "query_string": query, "root_path": root}
    scope = scope_of("/", method, headers) | wild

    answer = asyncio.run(serve_one(echo_app, scope))

    assert answer.status in (200, 204, 400, 404, 405)
    if "/.." in scope["path"]:
        assert answer.status in (400, 404)
