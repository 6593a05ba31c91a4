"""HttpConnection: a framework's calls reach a master over HTTP and events come back, also when things go wrong."""

# Method: the connection reads real sockets in its thread, so tests wait for what comes; its time is the runtime's,
#   which is paused and advanced.

import logging
import queue
import socket
import threading

import pytest

import libactor as la
import mesoslite
from libactor.http import Listener
from mesoslite.api import master_app
from mesoslite.framework import submit
from mesoslite.framework.http import HttpConnection
from mesoslite.framework.http.reports import Ended, Heard
from mesoslite.model import (
    Error,
    FrameworkID,
    Heartbeat,
    InvalidRequest,
    OfferID,
    Rescind,
    Source,
    TaskState,
    Update,
)
from mesoslite.model.v1 import frame

from .fakes import BOUND, FRAMEWORK, FakeMaster
from .scripted import Diary, ScriptedMaster, bad, good, offer, record

pytestmark = pytest.mark.real

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
BROKEN = {
    "it ends": ((None,), "has ended the stream of events"),
    "it ends amid a record": ((b"100\n{", None), "has ended the stream of events, amid a record"),
    "it is no RecordIO": ((b"what?",), "sends what cannot be read: stream:"),
    "its length has no end": ((b"1" * 1000,), "where the length of a record should be"),
    "its length never ends": ((b"1",) * 21, "where the length of a record should be"),
    "it announces a gigabyte": ((b"1073741824\n",), "a record of 1073741824 bytes is announced, at most"),
    "it is no JSON": ((b"2\n{x",), "sends what cannot be read"),
    "it is nested": ((b"100000\n" + b"[" * 100000,), "sends what cannot be read"),
    "it is an array": ((b"2\n[]",), "got an array, expected an object"),
    "it lacks a field": ((b'18\n{"type":"RESCIND"}',), "rescind: is missing"),
}
UNREADY = {
    "it is not recovered": (bad(b"Master has not finished recovery", status=503), "answered 503: Master has not"),
    "it has no routes yet": (bad(status=404), "answered 404"),
    "it is a web page": (bad(b"<html>", content_type="text/html"), "a stream of 'text/html', expected one of"),
    "its refusal has no end": ((500, {}, (b"x" * 1_000_000,)), "answered 500: xxxxx"),
    "it redirects to no port": (bad(status=307, location="http://127.0.0.1:99999/"), "to a port above 65535"),
    "it is compressed": (bad(b"\x1f\x8b\x08\x00", content_encoding="gzip"), "sends what cannot be read"),
}


class House:
    """A runtime whose clock stands still, and what is logged, frameworks that are submitted there."""

    def __init__(self, runtime):
        self.runtime = runtime
        self.clock = runtime.clock
        self.clock.pause()
        self.warnings = queue.SimpleQueue()

    def submit(self, framework, *masters, **options):
        return submit(self.runtime, framework, HttpConnection(*masters, **options))

    def warning(self):
        return self.warnings.get(timeout=BOUND)

    def advance(self, seconds):
        self.clock.settle(BOUND)
        self.clock.advance(seconds)
        self.clock.settle(BOUND)


@pytest.fixture
def house(runtime):
    house = House(runtime)
    handler, log = logging.Handler(), logging.getLogger("mesoslite.framework")
    handler.emit = lambda entry: house.warnings.put(entry.getMessage())
    log.addHandler(handler)
    yield house
    log.removeHandler(handler)


@pytest.fixture
def master():
    return ScriptedMaster()


@pytest.fixture
def diary(house, server, master):
    """A framework that is subscribed with ``master``."""
    diary = Diary(failover_timeout=60)
    diary.ended = house.submit(diary, server.listen(master))
    assert diary.next() == "subscribed"
    diary.line = master.line()
    return diary


def connection_threads():
    return [thread for thread in threading.enumerate() if thread.name == "scheduler-connection"]


def do(framework, action):
    la.execute(framework.pid, lambda: action(framework)).get(timeout=BOUND)


# ---- all is well ----


def test_a_framework_subscribes_hears_events_and_calls(house, runtime, server):
    actor, diary = FakeMaster(), Diary()
    house.submit(diary, server.listen(master_app(runtime.spawn(actor))))
    subscribe, sender = actor.heard.get(timeout=BOUND)
    first = diary.next()

    la.post(sender, Rescind(OfferID("o")))
    do(diary, lambda diary: diary.kill("t"))

    assert (subscribe.framework.name, first, diary.framework_id) == ("diary", "subscribed", FRAMEWORK)
    assert diary.next() == ("rescind", "o")
    call, caller = actor.heard.get(timeout=BOUND)
    assert (call.task_id, caller) == ("t", sender)


def test_calls_arrive_in_order_with_the_id_of_their_stream(diary, master):
    def kill(diary):
        for number in range(50):
            diary.kill(str(number))

    do(diary, kill)

    calls = [master.call() for _ in range(50)]
    assert [call["kill"]["task_id"]["value"] for call, _ in calls] == [str(number) for number in range(50)]
    assert {stream_id for _, stream_id in calls} == {"s"}


def test_who_stops_tears_itself_down_and_leaves_no_thread(diary, master):
    do(diary, lambda diary: diary.stop("done"))

    assert diary.ended.get(timeout=BOUND) == "done"
    assert master.call()[0] == {"type": "TEARDOWN", "framework_id": {"value": FRAMEWORK}}
    diary.line.gone.future.get(timeout=BOUND)
    assert connection_threads() == []
    assert diary.entries.empty()


def test_who_stops_for_a_failover_only_goes(diary, master):
    do(diary, lambda diary: diary.stop("done", failover=True))

    assert diary.ended.get(timeout=BOUND) == "done"
    diary.line.gone.future.get(timeout=BOUND)
    assert connection_threads() == []
    assert master.calls.empty()


# Goal: closing inside an actor does not hold up the master whose answer it waits for. Method: both in one runtime.
def test_close_inside_an_actor_lets_the_master_answer(house, runtime, server):
    actor, diary = FakeMaster(), Diary({"subscribed": lambda diary: diary.stop("done")})
    result = house.submit(diary, server.listen(master_app(runtime.spawn(actor))))

    assert result.get(timeout=BOUND) == "done"
    assert connection_threads() == []


def test_events_are_read_however_the_stream_is_cut(diary):
    stream = record(Rescind(OfferID("a"))) + record(Rescind(OfferID("b")))

    diary.line.send(*[stream[n : n + 1] for n in range(len(stream))])

    assert [diary.next(), diary.next()] == [("rescind", "a"), ("rescind", "b")]


def test_events_without_a_meaning_here_are_passed_over(diary):
    diary.line.send(frame(b'{"type":"WORDS_TO_COME"}'), record(Rescind(OfferID("a"))))

    assert diary.next() == ("rescind", "a")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"roles": ("ads",)}, {"role": "ads"}),
        (
            {"roles": ("ads",), "capabilities": ("MULTI_ROLE",)},
            {"roles": ["ads"], "capabilities": [{"type": "MULTI_ROLE"}]},
        ),
    ],
)
def test_a_framework_is_subscribed_as_it_describes_itself(house, server, master, options, said):
    diary = Diary(**options)
    house.submit(diary, server.listen(master))

    info = master.line().document["subscribe"]["framework_info"]

    assert {key: info[key] for key in ("role", "roles", "capabilities") if key in info} == said


def test_offers_that_do_not_say_their_role_are_for_the_one_of_the_framework(house, server):
    diary = Diary(roles=("ads",))
    house.submit(diary, server.listen(ScriptedMaster(good(offer()))))

    assert [diary.next(), diary.next()] == ["subscribed", "offers"]
    assert [each.role for each in diary.offers] == ["ads"]


def test_a_status_is_acknowledged_once_its_coroutine_has_ended(house, server, master):
    gate = la.Promise()

    class Slow(Diary):
        async def on_update(self, status):
            self.kill("before")
            await gate.future
            self.kill("after")

    diary = Slow()
    house.submit(diary, server.listen(master))
    assert diary.next() == "subscribed"
    status = mesoslite.TaskStatus(
        task_id="t",
        state=TaskState.TASK_RUNNING,
        source=Source.SOURCE_EXECUTOR,
        timestamp=0.0,
        agent_id="a",
        uuid=b"u" * 16,
    )
    master.line().send(record(Update(status)), record(Rescind(OfferID("o"))))
    assert diary.next() == ("rescind", "o")  # while on_update waits

    gate.set(None)

    calls = [master.call()[0] for _ in range(3)]
    assert [call["type"] for call in calls] == ["KILL", "KILL", "ACKNOWLEDGE"]


# ---- the master is lost, and found again ----


@pytest.mark.parametrize("case", BROKEN)
def test_a_stream_that_breaks_is_told_and_the_framework_comes_back_under_its_id(diary, house, master, case):
    pieces, problem = BROKEN[case]
    master.answers = [good(stream_id="second")]
    first = diary.line.document["subscribe"]["framework_info"]

    diary.line.send(*pieces)

    assert diary.next() == "disconnected"
    assert problem in house.warning()
    house.advance(1)
    assert diary.next() == "resubscribed"
    again = master.line()
    assert again.document["framework_id"] == {"value": FRAMEWORK}
    assert again.document["subscribe"]["framework_info"] == {**first, "id": {"value": FRAMEWORK}}
    assert "mesos-stream-id" not in again.headers
    assert again.headers["accept-encoding"] == "identity"
    assert "answers again" in house.warning()
    assert master.call() == (
        {"type": "RECONCILE", "framework_id": {"value": FRAMEWORK}, "reconcile": {}},
        "second",
    )


@pytest.mark.parametrize("case", UNREADY)
def test_a_master_that_cannot_admit_it_yet_is_asked_again(house, server, case):
    answer, problem = UNREADY[case]
    diary, master = Diary(), ScriptedMaster(answer, good())
    house.submit(diary, server.listen(master))
    warning = house.warning()

    house.advance(1)

    assert problem in warning
    assert len(warning) < 1_000
    assert diary.next() == "subscribed"
    assert "framework_id" not in [master.line(), master.line()][1].document


def test_waits_grow_and_one_is_short_again_once_it_was_subscribed(house, server):
    master = ScriptedMaster(*[bad(str(number).encode(), status=503) for number in range(3)], good(None), good())
    diary = Diary()
    house.submit(diary, server.listen(master))

    for number, wait in enumerate((1, 2, 4)):  # seconds at most
        assert f"answered 503: {number}" in house.warning()
        master.line()
        house.advance(wait / 2 - 0.001)
        assert master.lines.empty()
        house.advance(wait / 2 + 0.001)
    assert [diary.next(), diary.next()] == ["subscribed", "disconnected"]
    house.advance(1)

    assert diary.next() == "resubscribed"


def test_it_may_begin_before_its_master(house, server, master):
    listener = Listener()
    listener.close()
    diary = Diary()
    house.submit(diary, listener.url)
    warning = house.warning()

    server.listen(master, port=listener.port)
    house.advance(1)

    assert f"no master answers at {listener.url}" in warning
    assert "start the master" in warning
    assert diary.next() == "subscribed"


def test_of_several_masters_the_first_that_leads_is_found_without_a_wait(house, server, master):
    listener = Listener()
    listener.close()
    diary = Diary()

    house.submit(diary, [listener.url, server.listen(ScriptedMaster(bad(status=503)))], server.listen(master))

    assert diary.next() == "subscribed"


def redirect(where):
    return bad(status=307, location=where.removeprefix("http:") + "/api/v1/scheduler")


# Goal: whoever led is asked again, and if nobody answers there, who was given: he knows who leads now.
def test_a_redirect_is_followed_by_calls_as_well_and_again_when_the_leader_is_lost(house, server, master):
    with type(server)() as other:
        leader = other.listen(master)
        standby = ScriptedMaster(redirect(leader), good())
        diary = Diary()
        house.submit(diary, server.listen(standby))
        diary.next()
        do(diary, lambda diary: diary.kill("t"))
        call, _ = master.call()
        asked = [standby.line()]
        master.line().send(None)
        diary.next()
        house.advance(1)
        again = [diary.next(), master.line()]
        master.call()

    assert diary.next() == "disconnected"
    house.advance(1)
    assert diary.next() == "resubscribed"
    assert call["type"] == "KILL"
    assert (again[0], len(asked), standby.line().document["type"]) == ("resubscribed", 1, "SUBSCRIBE")


def test_a_master_that_misses_five_heartbeats_is_lost(diary, house, master):
    house.advance(50)
    diary.line.send(record(Heartbeat()), record(Rescind(OfferID("o"))))
    diary.next()
    house.advance(74)
    before = diary.entries.empty()

    house.advance(4)

    assert before
    assert diary.next() == "disconnected"
    assert "for 75 s; the master is lost" in house.warning()
    diary.line.gone.future.get(timeout=BOUND)
    house.advance(1)
    assert diary.next() == "resubscribed"


def test_a_master_that_takes_connections_and_never_answers_is_asked_again(house, server):
    master, diary = ScriptedMaster((200, {"content-type": "application/json"}, ()), good()), Diary()
    house.submit(diary, server.listen(master))
    line = master.line()

    house.advance(31)

    assert "for 30 s; the master is lost" in house.warning()
    line.gone.future.get(timeout=BOUND)
    house.advance(1)
    assert diary.next() == "subscribed"


@pytest.mark.parametrize("interval", [b"0", b"-1.0", b'"Infinity"', b'"NaN"'])
def test_a_heartbeat_interval_that_is_none_is_taken_for_the_usual_one(house, server, interval):
    event = b'{"type":"SUBSCRIBED","subscribed":{"framework_id":{"value":"f"},"heartbeat_interval_seconds":%s}}'
    diary = Diary()
    house.submit(diary, server.listen(ScriptedMaster((200, {}, (frame(event % interval),)))))
    assert diary.next() == "subscribed"

    house.advance(74)
    before = diary.entries.empty()
    house.advance(4)

    assert before
    assert diary.next() == "disconnected"


def test_who_does_not_speak_http_is_told_apart(house):
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = house.submit(Diary(), f"127.0.0.1:{other.getsockname()[1]}")
        connection, _ = other.accept()
        with connection:
            connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")

            assert "does not speak HTTP" in house.warning()
    result.discard()


# Goal: what a stream that was given up has still to tell is passed over. Method: its last report comes late.
def test_who_is_silent_for_too_long_is_not_heeded_afterwards(diary, house, master):
    connection, abandoned = diary.connection, diary.connection._stream
    house.advance(78)
    assert diary.next() == "disconnected"

    do(diary, lambda _: connection._heed(abandoned, Heard((Error("Framework failed over"),))))
    house.advance(1)
    do(diary, lambda _: connection._heed(abandoned, Ended("it is gone")))

    assert diary.next() == "resubscribed"
    diary.line = master.line()
    diary.line.send(record(Rescind(OfferID("o"))))
    assert diary.next() == ("rescind", "o")


def test_a_call_that_is_not_answered_means_that_the_master_is_lost(diary, house, master):
    master.silent = True
    do(diary, lambda diary: diary.kill("t"))
    master.call()

    house.advance(13)

    assert diary.next() == "disconnected"
    assert "call: no answer from" in house.warning()


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, "Framework cannot be found"),
        (403, "Framework is not subscribed"),
        (400, "The stream ID 's' included in this request didn't match the stream ID currently associated with"),
        (307, ""),
        (503, "No leader elected"),
    ],
)
def test_a_call_to_a_master_that_does_not_know_of_the_subscription_renews_it(diary, house, master, status, text):
    master.refusals = [(status, text)]

    do(diary, lambda diary: diary.kill("t"))

    assert diary.next() == "disconnected"
    assert f"answered {status}: {text}" in house.warning()
    house.advance(1)
    assert diary.next() == "resubscribed"


def test_who_reconciles_by_itself_is_told_once(diary, house, master):
    diary.doing = {"resubscribed": lambda diary: (diary.reconcile("it"), diary.kill("it"))}
    diary.line.send(None)
    diary.next()

    house.advance(1)

    assert [master.call()[0]["type"] for _ in range(2)] == ["RECONCILE", "KILL"]
    do(diary, lambda diary: diary.kill("other"))
    assert master.call()[0]["type"] == "KILL"


def test_a_framework_of_another_program_comes_under_its_id_and_reconciles(house, server, master):
    diary = Diary(id=FrameworkID(FRAMEWORK))
    house.submit(diary, server.listen(master))

    assert diary.next() == "subscribed"
    assert master.line().document["framework_id"] == {"value": FRAMEWORK}
    assert master.call()[0]["type"] == "RECONCILE"


def test_what_is_called_without_a_master_is_dropped_and_tasks_are_told_lost(diary, house, master):
    diary.line.send(offer(), None)
    assert [diary.next(), diary.next()] == ["offers", "disconnected"]

    def launch(diary):
        diary.kill("other")
        diary.launch(diary.offers[0], diary.task(diary.offers[0], "true", cpus=1, task_id="t"))

    do(diary, launch)

    assert diary.next() == ("update", "t", "TASK_LOST")
    house.advance(1)
    assert diary.next() == "resubscribed"
    assert master.call()[0]["type"] == "RECONCILE"


def test_who_stops_without_a_master_waits_for_one_and_tears_itself_down_there(diary, house, master):
    diary.line.send(None)
    diary.next()
    do(diary, lambda diary: diary.stop("done"))

    house.advance(1)

    assert diary.ended.get(timeout=BOUND) == "done"
    assert master.call()[0]["type"] == "TEARDOWN"


# ---- the end ----


@pytest.mark.parametrize("reason", ["Framework failed over", "Framework has been removed"])
def test_an_error_of_the_master_is_passed_on_and_ends_the_subscription(diary, house, master, reason):
    diary.line.send(record(Error(reason)), record(Rescind(OfferID("o"))))
    error = diary.next()

    diary.line.gone.future.get(timeout=BOUND)
    house.advance(1_000)
    do(diary, lambda diary: diary.stop("done"))

    assert error == ("error", reason)
    assert diary.ended.get(timeout=BOUND) == "done"
    assert (diary.entries.empty(), master.lines.empty(), master.calls.empty()) == (True, True, True)


@pytest.mark.parametrize(("status", "text"), [(401, "who are you"), (403, "not you"), (400, "Failed to validate")])
def test_who_is_refused_for_good_is_told_and_can_stop(house, server, status, text):
    diary = Diary({"error": lambda diary: diary.stop("done")})
    master = ScriptedMaster(bad(text.encode(), status=status))
    result = house.submit(diary, server.listen(master))

    assert result.get(timeout=BOUND) == "done"
    assert f"answered {status}: {text}" in diary.next()[1]


def test_a_refused_call_is_told_and_the_subscription_stands(diary, master):
    master.refusals = [(400, "Failed to validate scheduler::Call: no")]

    do(diary, lambda diary: diary.kill("t"))
    error = diary.next()
    diary.line.send(record(Rescind(OfferID("o"))))

    assert "kill: " in error[1]
    assert "answered 400: Failed to validate scheduler::Call: no" in error[1]
    assert diary.next() == ("rescind", "o")


@pytest.mark.parametrize("case", BROKEN)
def test_without_reconnecting_a_stream_that_breaks_is_one_error_that_says_why(house, server, case):
    pieces, problem = BROKEN[case]
    diary = Diary()
    house.submit(diary, server.listen(ScriptedMaster(good(*pieces))), reconnect=False)

    assert diary.next() == "subscribed"
    kind, message = diary.next()
    house.advance(1_000)

    assert kind == "error"
    assert problem in message
    assert diary.entries.empty()


def test_without_reconnecting_no_master_at_all_is_an_error_that_names_the_address(house):
    listener = Listener()
    listener.close()
    diary = Diary()
    house.submit(diary, listener.url, reconnect=False)

    _, message = diary.next()

    assert listener.url in message
    assert "start the master" in message


def test_a_name_that_cannot_be_one_is_an_error_that_names_it(house):
    diary = Diary()
    house.submit(diary, "http://a\N{ARABIC TATWEEL}b:5050")

    assert "b:5050 is no URL" in diary.next()[1]


@pytest.mark.parametrize("url", INVALID_URLS)
def test_what_is_no_url_is_refused(url):
    with pytest.raises(InvalidRequest, match="expected the URL of a master"):
        HttpConnection("http://127.0.0.1:5050", url)


def test_no_master_and_no_patience_are_refused():
    with pytest.raises(InvalidRequest, match="got no master"):
        HttpConnection([])
    with pytest.raises(InvalidRequest, match="silence_seconds is 0"):
        HttpConnection("a:1", silence_seconds=0)


@pytest.mark.parametrize(("roles", "capabilities"), [(("ads",), ()), (("ads", "web"), ("MULTI_ROLE",))])
def test_a_framework_of_several_roles_says_that_it_knows_them(roles, capabilities):
    assert mesoslite.Framework(roles=roles).info.capabilities == capabilities
