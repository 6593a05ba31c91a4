"""HttpConnection: a framework's calls reach a master over HTTP and events come back, also when things go wrong."""

import asyncio
import queue
import threading

import msgspec
import pytest

import libactor as la
import mesoslite
from libactor.http import Listener
from mesoslite.api import master_app
from mesoslite.framework.http import HttpConnection
from mesoslite.model import (
    Decline,
    Error,
    FrameworkInfo,
    Heartbeat,
    InvalidRequest,
    Kill,
    OfferID,
    Rescind,
    Subscribe,
    Subscribed,
    TaskID,
    Teardown,
)
from mesoslite.model.v1 import encode_event, frame

from .fakes import BOUND, FRAMEWORK, FakeMaster

pytestmark = pytest.mark.real

INFO = FrameworkInfo(name="f", user="u")
INVALID_URLS = [
    "",
    "http://",
    "ftp://host",
    "http:///path",
    "http://[::1",
    "http://x:99999",
    "http://x:p",
    "http://a b",
]
HEAD = {"type": "http.response.start", "status": 200, "headers": [(b"mesos-stream-id", b"s")]}


class Scheduler(la.Actor):
    """Puts every event into ``events``."""

    def __init__(self):
        super().__init__()
        self.events = queue.SimpleQueue()

    @la.handles(Subscribed)
    @la.handles(Rescind)
    @la.handles(Error)
    @la.handles(Heartbeat)
    def event(self, event):
        self.events.put(event)

    def next(self):
        return self.events.get(timeout=BOUND)


@pytest.fixture
def scheduler(runtime):
    scheduler = Scheduler()
    runtime.spawn(scheduler)
    return scheduler


@pytest.fixture
def connect(scheduler):
    connections = []

    def connect(url, **options):
        connection = HttpConnection(url, **options)
        connections.append(connection)
        connection.open(scheduler.pid)
        connection.send(Subscribe(INFO))
        return connection

    yield connect
    for connection in connections:
        connection.close()


def answering(*bodies, status=200, wait=False):
    """An application that answers every request with these pieces, and with ``wait`` keeps the stream open."""

    async def app(scope, receive, send):
        await send({**HEAD, "status": status})
        for body in bodies:
            await send({"type": "http.response.body", "body": body, "more_body": True})
        if wait:
            await asyncio.get_running_loop().create_future()
        await send({"type": "http.response.body", "body": b""})

    return app


def record(event):
    return frame(msgspec.json.encode(encode_event(event)))


def connection_threads():
    return [thread for thread in threading.enumerate() if thread.name == "scheduler-connection"]


def test_a_framework_subscribes_hears_events_and_calls(runtime, server, scheduler, connect):
    actor = FakeMaster()
    connection = connect(server.listen(master_app(runtime.spawn(actor))))
    subscribe, sender = actor.heard.get(timeout=BOUND)
    first, second = scheduler.next(), scheduler.next()

    la.post(sender, Rescind(OfferID("o")))
    connection.send(Kill(framework_id=FRAMEWORK, task_id=TaskID("t")))

    assert subscribe.framework.name == "f"
    assert (first.framework_id, second) == (FRAMEWORK, Heartbeat())
    assert scheduler.next() == Rescind(OfferID("o"))
    assert actor.heard.get(timeout=BOUND) == (Kill(framework_id=FRAMEWORK, task_id=TaskID("t")), sender)


def test_calls_arrive_in_order(runtime, server, scheduler, connect):
    actor = FakeMaster()
    connection = connect(server.listen(master_app(runtime.spawn(actor))))
    scheduler.next()
    actor.heard.get(timeout=BOUND)

    for number in range(50):
        connection.send(Decline(framework_id=FRAMEWORK, offer_ids=(OfferID(str(number)),)))

    assert [actor.heard.get(timeout=BOUND)[0].offer_ids for _ in range(50)] == [(str(n),) for n in range(50)]


def test_close_delivers_what_was_sent_and_leaves_no_thread(runtime, server, scheduler, connect):
    actor = FakeMaster()
    connection = connect(server.listen(master_app(runtime.spawn(actor))))
    scheduler.next()
    _, sender = actor.heard.get(timeout=BOUND)
    connection.send(Teardown(FRAMEWORK))

    connection.close()

    assert actor.heard.get(timeout=BOUND) == (Teardown(FRAMEWORK), sender)
    assert connection_threads() == []
    assert scheduler.next() == Heartbeat()
    assert scheduler.events.empty()


# Goal: closing inside an actor does not hold up the master whose answer it waits for. Method: both in one runtime.
def test_close_inside_an_actor_lets_the_master_answer(runtime, server, scheduler, connect):
    actor = FakeMaster()
    connection = connect(server.listen(master_app(runtime.spawn(actor))))

    la.execute(scheduler.pid, connection.close).get(timeout=BOUND)

    assert connection_threads() == []


@pytest.mark.parametrize(
    ("app", "problem"),
    [
        (answering(b"not today", status=503), "answered 503: not today"),
        (answering(record(Heartbeat())), "has ended the stream of events"),
        (answering(b"what?"), "sends what cannot be read: stream:"),
        (answering(b"2\n{x"), "sends what cannot be read"),
        (answering(b"2\n[]"), "got an array, expected an object"),
        (answering(b"99999999999999\n"), "at most"),
        (answering(b'18\n{"type":"RESCIND"}'), "rescind: is missing"),
    ],
)
def test_a_stream_that_fails_is_one_error_event_that_says_why(server, scheduler, connect, app, problem):
    connect(server.listen(app))

    event = scheduler.next()
    while isinstance(event, Heartbeat):
        event = scheduler.next()

    assert isinstance(event, Error)
    assert problem in event.message


def test_an_error_of_the_master_is_passed_on_and_not_repeated(server, scheduler, connect):
    connection = connect(server.listen(answering(record(Error("removed")))))

    event = scheduler.next()
    connection.close()

    assert event == Error("removed")
    assert scheduler.events.empty()


def test_events_are_read_however_the_stream_is_cut(server, scheduler, connect):
    stream = record(Rescind(OfferID("a"))) + record(Rescind(OfferID("b")))

    connect(server.listen(answering(*[stream[n : n + 1] for n in range(len(stream))], wait=True)))

    assert [scheduler.next(), scheduler.next()] == [Rescind(OfferID("a")), Rescind(OfferID("b"))]


def test_events_without_a_meaning_here_are_passed_over(server, scheduler, connect):
    unknown = frame(b'{"type":"MESSAGE","message":{}}')

    connect(server.listen(answering(unknown, record(Heartbeat()), wait=True)))

    assert scheduler.next() == Heartbeat()


def test_a_silent_master_counts_as_lost(server, scheduler, connect):
    connect(server.listen(answering(wait=True)), silence_seconds=0.1)

    assert "nothing from" in scheduler.next().message


def test_no_master_at_all_is_an_error_that_names_the_address(scheduler, connect):
    listener = Listener()
    listener.close()

    connect(listener.url)

    message = scheduler.next().message
    assert listener.url in message
    assert "start the master" in message


def test_a_name_that_cannot_be_one_is_an_error_that_names_it(scheduler, connect):
    connect("http://a\N{ARABIC TATWEEL}b:5050")

    assert "b:5050/api/v1/scheduler is no URL" in scheduler.next().message


def test_a_refused_call_is_an_error_event(runtime, server, scheduler, connect):
    connection = connect(server.listen(master_app(runtime.spawn(FakeMaster()))))
    scheduler.next()
    scheduler.next()

    connection.send(Kill(framework_id="another", task_id=TaskID("t")))

    assert "answered 400: Framework cannot be found" in scheduler.next().message


def test_a_redirect_to_the_leading_master_is_followed_by_calls_as_well(runtime, server, scheduler, connect):
    actor = FakeMaster()
    leader = server.listen(master_app(runtime.spawn(actor)))
    asked = []

    async def standby(scope, receive, send):
        asked.append(scope["path"])
        location = leader.removeprefix("http:") + scope["path"]
        headers = [(b"location", location.encode()), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 307, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    connection = connect(server.listen(standby))
    scheduler.next()
    actor.heard.get(timeout=BOUND)
    connection.send(Teardown(FRAMEWORK))

    assert actor.heard.get(timeout=BOUND)[0] == Teardown(FRAMEWORK)
    assert asked == ["/api/v1/scheduler"]


def test_a_redirect_to_a_port_that_is_none_is_told(server, scheduler, connect):
    async def standby(scope, receive, send):
        headers = [(b"location", b"http://127.0.0.1:99999/api/v1/scheduler"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 307, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    connect(server.listen(standby))

    assert "redirects to a port above 65535" in scheduler.next().message


def test_a_framework_is_subscribed_with_roles_that_its_offers_can_tell(runtime, server, connect):
    actor = FakeMaster()

    connect(server.listen(master_app(runtime.spawn(actor))))

    subscribe, _ = actor.heard.get(timeout=BOUND)
    assert subscribe.framework.capabilities == ("MULTI_ROLE",)
    assert subscribe.framework.roles == INFO.roles


@pytest.mark.parametrize("url", INVALID_URLS)
def test_what_is_no_url_is_refused(url):
    with pytest.raises(InvalidRequest, match="expected the URL of a master"):
        HttpConnection(url)


def test_a_connection_is_used_in_its_order(scheduler):
    connection = HttpConnection("127.0.0.1:1")

    with pytest.raises(RuntimeError, match="not open"):
        connection.send(Subscribe(INFO))
    connection.open(scheduler.pid)
    with pytest.raises(RuntimeError, match="not subscribed"):
        connection.send(Teardown(FRAMEWORK))
    connection.close()


@pytest.mark.parametrize(("roles", "capabilities"), [(("ads",), ()), (("ads", "web"), ("MULTI_ROLE",))])
def test_a_framework_of_several_roles_says_that_it_knows_them(roles, capabilities):
    assert mesoslite.Framework(roles=roles).info.capabilities == capabilities
