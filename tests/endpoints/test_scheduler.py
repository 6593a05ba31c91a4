"""The scheduler endpoint: the checks of a call in Mesos's order, and what reaches the master in whose name."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

import libactor as la
from mesoslite.api import Authentication, master_app
from mesoslite.api.exchange import BODY_BYTES_MAX
from mesoslite.api.outlet import Outlet
from mesoslite.model import (
    Accept,
    Decline,
    Error,
    Kill,
    Offer,
    OfferID,
    Offers,
    Reconcile,
    RequestResources,
    Rescind,
    Resources,
    Revive,
    Suppress,
    Teardown,
)
from mesoslite.model.records import Framework
from mesoslite.model.v1 import Records

from .fakes import BOUND, FRAMEWORK, FakeMaster, request
from .streams import SUBSCRIBE, Client
from .views import framework, view

PATH = "/api/v1/scheduler"
CPUS = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}}
CALL = {"type": "REVIVE", "framework_id": {"value": FRAMEWORK}}


def post(app, document, **headers):
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return request(app, "POST", PATH, body=body, **{"content_type": "application/json", **headers})


@pytest.fixture
def actor():
    return FakeMaster()


@pytest.fixture
def master(runtime, actor):
    return runtime.spawn(actor)


@pytest.fixture
def app(master):
    return master_app(master)


@pytest.fixture
def client(server, app, actor):
    with Client(server.listen(app)) as client:
        client.subscribe()
        client.sender = actor.heard.get(timeout=BOUND)[1]
        yield client


@pytest.mark.parametrize(
    ("body", "headers", "status", "text"),
    [
        (b"{}", {"content_type": "application/x-protobuf"}, 415, "application/x-protobuf"),
        (b"{}", {"content_type": "application/json; charset=utf-8"}, 415, "Content-Type"),
        (b"", {}, 400, "Failed to parse body into JSON"),
        (b"{", {}, 400, "Failed to parse body into JSON"),
        (b'"\xff"', {}, 400, "Failed to parse body into JSON"),
        (b"[" * 100_000, {}, 400, "Failed to parse body into JSON"),
        (b"[]", {}, 400, "Failed to validate scheduler::Call: the document: got an array, expected an object"),
        (b"{}", {}, 400, "type: is missing"),
        (b'{"type": "NO_SUCH"}', {}, 400, "type: got 'NO_SUCH'"),
        (b'{"type": "UNKNOWN"}', {}, 501, "UNKNOWN"),
        (b'{"type": "SHUTDOWN"}', {}, 400, "shutdown: is missing"),
        (b'{"type": "REQUEST", "framework_id": {"value": "f"}}', {}, 400, "request: is missing"),
        (b'{"type": "KILL", "framework_id": {"value": "f"}}', {}, 400, "kill: is missing"),
        (SUBSCRIBE, {"accept": "application/x-protobuf"}, 406, "Accept"),
        (SUBSCRIBE, {"mesos_stream_id": "s"}, 400, "should not include"),
        (json.dumps(CALL).encode(), {}, 400, "Framework cannot be found"),
    ],
)
def test_a_call_that_cannot_be_taken_is_told_why(app, body, headers, status, text):
    answer = post(app, body, **headers)

    assert answer.status == status
    assert text in answer.body.decode()


def test_a_call_without_content_type_is_400(app):
    assert request(app, "POST", PATH, body=b"{}").status == 400


# What readers see is not asked for: any client can send calls.
def test_a_call_for_a_framework_that_is_not_subscribed_here_is_403_and_costs_no_view(runtime):
    master = FakeMaster(view(frameworks=[framework(FRAMEWORK)]))
    app = master_app(runtime.spawn(master))

    answer = post(app, CALL)

    assert (answer.status, answer.body) == (403, b"Framework is not subscribed")
    assert master.views_asked == 0


# Source: Mesos looks at the principal first (facts of Master::Http::scheduler)
@pytest.mark.parametrize(("owner", "status"), [("ann", 403), ("bob", 400), ("", 400)])
def test_who_may_not_call_for_a_framework_is_told_before_whether_it_is_subscribed(runtime, owner, status):
    owned = Framework(FRAMEWORK, "f", "root", 4_000_000_000, principal=owner)
    master = FakeMaster(view(frameworks=[framework(record=owned)]))
    authentication = Authentication({"ann": "a"}, frameworks=True)
    app = master_app(runtime.spawn(master), authentication=authentication)

    answer = post(app, CALL, authorization="Basic YW5uOmE=")

    assert answer.status == status
    assert (f"does not match principal '{owner}'" in answer.body.decode()) == (status == 400)


def test_a_body_beyond_the_bound_is_413_whether_announced_or_not(app):
    announced = post(app, b"{}", content_length=str(BODY_BYTES_MAX + 1))
    pieces = [b" " * (1 << 20)] * 9
    arriving = request(app, "POST", PATH, pieces=pieces, content_type="application/json")

    assert (announced.status, arriving.status) == (413, 413)


def test_a_body_that_stops_half_way_is_not_answered(app):
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    headers = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": PATH, "query_string": b"", "headers": headers}
    asyncio.run(app(scope, receive, send))

    assert sent == []


@pytest.mark.real
def test_a_subscription_begins_with_subscribed_and_a_heartbeat(client):
    assert client.status == 200
    assert client.headers["content-type"] == "application/json"
    assert client.headers["transfer-encoding"] == "chunked"
    assert client.headers["mesos-stream-id"]
    assert client.first["subscribed"]["framework_id"] == {"value": FRAMEWORK}
    master_info = client.first["subscribed"]["master_info"]
    assert (master_info["id"], master_info["ip"]) == ("m", 16777343)
    assert [each["type"] for each in master_info["capabilities"]] == ["AGENT_UPDATE", "AGENT_DRAINING", "QUOTA_V2"]
    assert client.event() == {"type": "HEARTBEAT"}


@pytest.mark.real
@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"type": "ACCEPT", "accept": {"offer_ids": [{"value": "o"}]}}, Accept),
        ({"type": "DECLINE", "decline": {"offer_ids": [{"value": "o"}]}}, Decline),
        ({"type": "KILL", "kill": {"task_id": {"value": "t"}}}, Kill),
        ({"type": "RECONCILE", "reconcile": {}}, Reconcile),
        ({"type": "SUPPRESS"}, Suppress),
        ({"type": "REVIVE"}, Revive),
        ({"type": "REQUEST", "request": {"requests": [{"resources": [CPUS]}, {}]}}, RequestResources),
    ],
)
def test_a_call_reaches_the_master_in_the_name_of_its_subscription(client, actor, document, kind):
    status = client.post({**document, "framework_id": {"value": FRAMEWORK}})

    assert status == 202
    call, sender = actor.heard.get(timeout=BOUND)
    assert isinstance(call, kind)
    assert sender == client.sender


@pytest.mark.real
def test_a_reconcile_waits_until_the_ones_before_are_answered_and_nothing_else_does(client, actor):
    actor.served = la.Promise()
    reconcile = {"type": "RECONCILE", "framework_id": {"value": FRAMEWORK}, "reconcile": {}}
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(client.post, reconcile)
        assert actor.waits.get(timeout=BOUND) == client.sender

        assert client.post(CALL) == 202
        assert isinstance(actor.heard.get(timeout=BOUND)[0], Revive)
        assert not answer.done()
        actor.served.set(None)

        assert answer.result(BOUND) == 202
        assert isinstance(actor.heard.get(timeout=BOUND)[0], Reconcile)


@pytest.mark.real
@pytest.mark.parametrize("stream_id", [None, "another"])
def test_a_call_without_the_right_stream_id_is_refused(client, stream_id):
    assert client.post(CALL, stream_id=stream_id) == 400


@pytest.mark.real
def test_events_of_the_master_come_out_of_the_stream(client):
    offer = Offer(
        id=OfferID("o"),
        framework_id=FRAMEWORK,
        agent_id="a",
        hostname="h",
        resources=Resources.of(cpus=1),
        role="*",
        port=5051,
    )
    client.event()

    la.post(client.sender, Offers((offer,)))

    event = client.event()
    assert event["type"] == "OFFERS"
    [told] = event["offers"]["offers"]
    assert told["id"] == {"value": "o"}
    # Its agent is in the program of the master, so at the address that the client has reached.
    assert told["url"]["address"] == {"hostname": "h", "port": 5051, "ip": "127.0.0.1"}


@pytest.mark.real
def test_a_heartbeat_comes_every_fifteen_seconds_of_the_runtimes_clock(runtime, server, app):
    runtime.clock.pause()
    with Client(server.listen(app)) as client:
        client.subscribe()
        beats = [client.event()]

        for _ in range(3):
            runtime.clock.advance(15)
            beats.append(client.event())

    assert beats == [{"type": "HEARTBEAT"}] * 4


@pytest.mark.real
def test_a_client_that_goes_away_is_an_actor_that_exits(client, actor):
    client.close()

    assert actor.heard.get(timeout=BOUND) == ("exited", client.sender)


@pytest.mark.real
def test_a_teardown_ends_the_stream_after_it_reached_the_master(client, actor):
    client.event()

    status = client.post({"type": "TEARDOWN", "framework_id": {"value": FRAMEWORK}})

    assert status == 202
    assert isinstance(actor.heard.get(timeout=BOUND)[0], Teardown)
    assert actor.heard.get(timeout=BOUND) == ("exited", client.sender)
    assert client.event() is None


# Goal: roles in the field of the other capability are no error of HTTP, and are looked at last. Source: Mesos's
# framework::validate, behind all that the endpoint checks. Method: alone, and beside other mistakes.
def test_a_subscription_whose_roles_are_in_the_wrong_field_is_a_stream_of_one_error(app, actor):
    info = {"name": "f", "user": "u", "roles": ["ads"]}
    document = {"type": "SUBSCRIBE", "subscribe": {"framework_info": info}}
    worse = {"type": "SUBSCRIBE", "subscribe": {"framework_info": info, "suppressed_roles": [1]}}

    answer = post(app, document)

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    [record] = Records().feed(answer.body)
    event = json.loads(record)
    assert (event["type"], "MULTI_ROLE" in event["error"]["message"]) == ("ERROR", True)
    assert post(app, document, accept="text/html").status == 406
    assert post(app, document, mesos_stream_id="s").status == 400
    assert post(app, worse).status == 400
    assert actor.heard.empty()


@pytest.mark.real
def test_an_update_whose_roles_are_in_the_wrong_field_is_400_behind_who_is_subscribed(client, app, actor):
    client.event()
    info = {"name": "test", "user": "", "id": {"value": FRAMEWORK}, "roles": ["ads"]}
    call = {"type": "UPDATE_FRAMEWORK", "update_framework": {"framework_info": info}}

    assert client.post({**call, "framework_id": {"value": FRAMEWORK}}) == 400
    assert post(app, {**call, "framework_id": {"value": "f"}}).body == b"Framework cannot be found"
    assert actor.heard.empty()


@pytest.mark.real
def test_an_update_of_a_framework_is_answered_with_what_the_master_thinks_of_it(client, actor):
    client.event()
    info = {"name": "test", "user": "", "id": {"value": FRAMEWORK}, "capabilities": [{"type": "MULTI_ROLE"}]}
    call = {"type": "UPDATE_FRAMEWORK", "framework_id": {"value": FRAMEWORK}}

    taken = client.post({**call, "update_framework": {"framework_info": {**info, "roles": ["ads"]}}})
    refused = client.post({**call, "update_framework": {"framework_info": {**info, "user": "nobody"}}})

    denied = client.post({**call, "update_framework": {"framework_info": {**info, "user": "nobody's"}}})

    assert (taken, refused, denied) == (200, 400, 403)
    update, scheduler = actor.heard.get(timeout=BOUND)
    assert (update.framework.roles, scheduler) == (("ads",), client.sender)


@pytest.mark.real
def test_an_error_of_the_master_is_the_last_record(client):
    client.event()

    la.post(client.sender, Error("Framework failed over"))

    assert client.event() == {"type": "ERROR", "error": {"message": "Framework failed over"}}
    assert client.event() is None


@pytest.mark.real
@pytest.mark.parametrize("end", [la.terminate, lambda master: la.tell(master, FakeMaster.fail)])
def test_the_end_of_the_master_is_the_end_of_the_stream_and_no_error_of_it(client, master, end):
    client.event()

    end(master)

    assert client.event() is None


@pytest.mark.real
def test_a_framework_that_subscribes_again_takes_its_calls_along(client, actor, server, app):
    info = {"name": "f", "user": "u", "id": {"value": FRAMEWORK}}
    again = {"type": "SUBSCRIBE", "framework_id": {"value": FRAMEWORK}, "subscribe": {"framework_info": info}}
    with Client(client.url) as second:
        second.subscribe(json.dumps(again).encode())
        sender = actor.heard.get(timeout=BOUND)[1]

        old, new = client.post(CALL), second.post(CALL)

        assert (old, new) == (400, 202)
        assert actor.heard.get(timeout=BOUND)[1] == sender != client.sender


@pytest.mark.real
def test_a_client_that_does_not_read_loses_its_subscription_and_nobody_else_suffers(runtime, server, actor, master):
    url = server.listen(master_app(master, subscriber_buffer_bytes=1 << 20))
    with Client(url, receive_buffer=4096) as slow, Client(url) as other:
        slow.subscribe()
        sender = actor.heard.get(timeout=BOUND)[1]
        other.subscribe(SUBSCRIBE)
        neighbour = actor.heard.get(timeout=BOUND)[1]
        other.event()

        while runtime.find(sender.id) is not None:
            la.post(sender, Rescind(OfferID("o" * 100_000)))
            la.dispatch(master, FakeMaster.ping).get(timeout=BOUND)
        la.post(neighbour, Error("done"))

        assert actor.heard.get(timeout=BOUND) == ("exited", sender)
        assert other.event()["type"] == "ERROR"
        assert slow.drain_is_cut()


@pytest.mark.real
def test_many_calls_on_one_connection_are_taken_in_order(client, actor):
    count = 200

    statuses = client.pipeline(
        [
            {"type": "KILL", "framework_id": {"value": FRAMEWORK}, "kill": {"task_id": {"value": f"t{number}"}}}
            for number in range(count)
        ]
    )

    assert statuses == [202] * count
    assert [actor.heard.get(timeout=BOUND)[0].task_id for _ in range(count)] == [f"t{n}" for n in range(count)]


@pytest.mark.real
def test_closing_the_server_ends_the_subscription(server, app, actor):
    client = Client(server.listen(app))
    with client:
        client.subscribe()
        sender = actor.heard.get(timeout=BOUND)[1]
        client.event()

        server.close()

        assert client.event() is None
        assert actor.heard.get(timeout=BOUND) == ("exited", sender)


def test_an_outlet_takes_one_record_of_any_size_but_no_second_beyond_its_bound():
    async def scenario():
        outlet = Outlet(10)
        taken = [outlet.put(b"x" * 100), outlet.put(b"y"), outlet.put(b"z")]
        told = asyncio.Event()
        outlet.when_overflowed = told.set
        await asyncio.wait_for(told.wait(), BOUND)
        return taken, await outlet.take(), outlet.overflowed

    assert asyncio.run(scenario()) == ([True, False, False], [b"x" * 100], True)


def test_an_outlet_that_has_ended_gives_what_it_holds_and_takes_no_more():
    async def scenario():
        outlet = Outlet(100)
        outlet.put(b"a")
        outlet.put(b"b")
        outlet.end()
        return outlet.put(b"c"), await outlet.take(), await outlet.take()

    assert asyncio.run(scenario()) == (False, [b"a", b"b"], None)
