"""Sessions in containers, and who is attached to their output and input, by the agent's v1 API."""

# Names in brackets are those of the tests of Mesos that assert the same.

import base64
import http.client
import json
import threading
from urllib.parse import urlsplit

import pytest

from mesoslite.api.container_input import RECORD_BYTES_MAX
from mesoslite.api.output_stream import HOLD_BYTES
from mesoslite.model import Reason, Termination
from mesoslite.model.v1 import Records
from tests.agents.house import FakeAttachment

from .contained import RECORDIO, Contained, record
from .fakes import BOUND, request

pytestmark = pytest.mark.real
HEADERS = {"Content-Type": "application/json"}
BEAT = {"type": "CONTROL", "control": {"type": "HEARTBEAT", "heartbeat": {"interval": {"nanoseconds": 30_000_000_000}}}}
SESSION = {"command": {"value": "sh"}}


@pytest.fixture
def agent(runtime, server, tmp_path):
    agent = Contained(runtime, tmp_path)
    agent.url, agent.streams = server.listen(agent.app), []
    yield agent
    for stream in agent.streams:
        stream.close()


def printed(data, stream="STDOUT"):
    return {"type": "DATA", "data": {"type": stream, "data": base64.b64encode(data).decode()}}


def call_of(kind, container_id, **fields):
    return {"type": kind, kind.lower(): {"container_id": container_id, **fields}}


class Stream:
    """One connection, whose answer is a stream of records."""

    def __init__(self, agent, call, **headers):
        agent.streams.append(self)
        address = urlsplit(agent.url)
        self.connection = http.client.HTTPConnection(address.hostname, address.port, timeout=BOUND)
        self.connection.request("POST", "/api/v1", json.dumps(call).encode(), {**HEADERS, **headers})
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self._records, self._read = Records(), []

    def next(self):
        """The next record; None at the end."""
        while not self._read:
            piece = self.response.read1(65536)
            if not piece:
                assert self._records.is_between_records
                return None
            self._read += [json.loads(each) for each in self._records.feed(piece)]
        return self._read.pop(0)

    def close(self):
        self.response.close()
        self.connection.close()


def session(agent, name="s", **headers):
    stream = Stream(agent, call_of("LAUNCH_NESTED_CONTAINER_SESSION", agent.id(name), **SESSION), **headers)
    return stream, agent.house.boxes.made[-1]


def attachment(agent, *names):
    return agent.house.boxes.attachments[".".join((agent.root, *names))]


# [AgentAPIStreamingTest.LaunchNestedContainerSession]
def test_a_session_streams_what_its_command_prints_until_that_ends(agent):
    stream, box = session(agent)
    held = attachment(agent, "s")

    held.say(b"out\x00\xff")
    held.say(b"err", is_stderr=True)
    held.end()
    box.exit(0)

    assert (stream.status, stream.response.getheader("content-type")) == (200, "application/json")
    assert [stream.next() for _ in range(4)] == [BEAT, printed(b"out\x00\xff"), printed(b"err", "STDERR"), None]
    assert json.loads(agent.call("WAIT_NESTED_CONTAINER", "s").body)["wait_nested_container"] == {"exit_status": 0}


def test_a_client_that_takes_records_alone_is_told_so(agent):
    stream, _ = session(agent, Accept="application/recordio")

    assert stream.response.getheader("content-type") == "application/recordio"
    assert stream.response.getheader("message-content-type") == "application/json"
    assert stream.next() == BEAT


# [AgentAPIStreamingTest.LaunchNestedContainerSessionKillTask, ...DisconnectTask]
def test_a_session_is_killed_when_its_connection_breaks(agent):
    stream, box = session(agent)
    stream.next()
    killed = box.kill

    box.kill = lambda: (killed(), box.exit(-9))
    stream.close()

    assert json.loads(agent.call("WAIT_NESTED_CONTAINER", "s").body)["wait_nested_container"] == {"exit_status": 9}


def test_a_session_that_cannot_be_started_is_no_stream(agent):
    agent.house.boxes.error = OSError("launch: no such program")
    refused, _ = session(agent)
    agent.house.boxes.error = None
    launch = agent.house.boxes.launch

    def fail(config, notices):
        box = launch(config, notices)
        box.has_started = False
        notices.ended(Termination(None, Reason.REASON_CONTAINER_LAUNCH_FAILED, "no such file"))
        return box

    agent.house.boxes.launch = fail
    failed, _ = session(agent, "t")

    assert (refused.status, refused.response.read()) == (400, b"launch: no such program")
    assert (failed.status, failed.response.read()) == (400, b"no such file")


# [AgentAPIStreamingTest.AttachContainerOutput...]: several may follow, each from then on
def test_several_follow_one_container(agent):
    first, _ = session(agent)
    first.next()
    second = Stream(agent, call_of("ATTACH_CONTAINER_OUTPUT", agent.id("s")))
    assert second.next() == BEAT

    attachment(agent, "s").say(b"both")
    second.close()

    assert first.next() == printed(b"both")


def test_streams_beat_as_often_as_they_say(agent):
    stream, _ = session(agent)
    assert stream.next() == BEAT

    agent.house.advance(30)

    assert stream.next() == BEAT


# Goal: who follows and does not read costs nobody else anything; who has a session holds that up, and is not cut off.
# Method: print what fills the connections of both; the one of a session goes on once it is read.
def test_who_does_not_read_is_let_go_of_and_a_session_waits(agent):
    first, _ = session(agent)
    first.next()
    slow = Stream(agent, call_of("ATTACH_CONTAINER_OUTPUT", agent.id("s")))
    held, piece = attachment(agent, "s"), bytes(HOLD_BYTES // 2)

    said = 0
    while len(held.followers) > 1 or not held.holding:
        said += not held.holding
        if held.holding:  # what its container would not print any more, others still are told
            for follower in held.followers[1:]:  # a copy: the server may let go of it meanwhile
                follower.output(False, piece) or held.unfollow(follower)
        else:
            held.say(piece)

    assert len(held.followers) == len(held.holding) == 1
    for _ in range(said):
        assert first.next()["type"] == "DATA"
    assert held.holding == []
    slow.close()


# Goal: Mesos's command line is told as by Mesos, for whom it is no failure of its own that a container has ended.
@pytest.mark.parametrize(("names", "status"), [(("nobody",), 500), ((), 500)])
def test_only_streams_that_are_held_are_attached_to(agent, names, status):
    stream = Stream(agent, call_of("ATTACH_CONTAINER_OUTPUT", agent.id(*names)))
    elsewhere = Stream(agent, call_of("ATTACH_CONTAINER_OUTPUT", {"value": "elsewhere"}))

    assert (stream.status, elsewhere.status) == (status, 404)


def test_streams_end_when_their_agent_stops(agent, runtime):
    stream, _ = session(agent)
    assert stream.next() == BEAT

    runtime.terminate(agent.house.agent)

    assert stream.next() is None


# ---- input, of which the application is asked without sockets ----


def input_of(*messages):
    return [
        {"type": "ATTACH_CONTAINER_INPUT", "attach_container_input": {"type": "PROCESS_IO", "process_io": each}}
        for each in messages
    ]


def attach(agent, *names):
    container = {"type": "CONTAINER_ID", "container_id": agent.id(*names)}
    return {"type": "ATTACH_CONTAINER_INPUT", "attach_container_input": container}


def typed(data):
    return printed(data, "STDIN")


def window(rows=24, columns=80):
    size = {"rows": rows, "columns": columns}
    return {"type": "CONTROL", "control": {"type": "TTY_INFO", "tty_info": {"window_size": size}}}


@pytest.fixture
def held(runtime, tmp_path):
    """An agent with a container `s` that has streams, and `t` with a terminal."""
    agent = Contained(runtime, tmp_path)
    for name, container in (("s", None), ("t", {"type": "MESOS", "tty_info": {}})):
        box_fields = {"container": container} if container else {}
        assert agent.call("LAUNCH_NESTED_CONTAINER", name, command={"value": "sh"}, **box_fields).status == 200
        if container is None:
            made = agent.house.boxes.made[-1]
            agent.house.boxes.attachments[made.config.container_id] = FakeAttachment(made.config)
    return agent


# [AgentAPIStreamingTest.AttachContainerInput, IOSwitchboardServerTest.AttachInput, SendHeartbeat]
def test_input_is_written_and_ended(held):
    answer = request(
        held.app,
        "POST",
        "/api/v1",
        b"".join(map(record, [attach(held, "s"), *input_of(typed(b"one"), BEAT, typed(bytes(100_000)), typed(b""))])),
        stays=True,
        **RECORDIO,
    )

    streams = attachment(held, "s")
    assert answer.status == 200
    assert [len(each) for each in streams.written] == [3, 65536, 34464]
    assert streams.input_ended


def test_a_terminal_has_a_size_and_its_input_no_end(held):
    answer = held.stream(attach(held, "t"), *input_of(window(50, 132), typed(b"")))

    assert answer.status == 200
    assert (attachment(held, "t").sizes, attachment(held, "t").input_ended) == ([(50, 132)], False)


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        (input_of(printed(b"x")), "process_io.data.type: got STDOUT"),
        (input_of({"type": "DATA", "data": {"type": "STDIN"}}), "process_io.data.data: is missing"),
        (input_of(window()), "Unable to set the window size"),
        (input_of(window(rows=-1)), "window_size.rows: got -1"),
        (input_of({"type": "NONSENSE"}), "process_io.type: got 'NONSENSE'"),
        (input_of({"type": "CONTROL", "control": {"type": "X"}}), "control.type: got 'X'"),
        ([attach], "attach_container_input.type: got 'CONTAINER_ID'"),
    ],
)
def test_a_record_that_cannot_be_is_refused_with_its_path(held, messages, text):
    messages = [each(held, "s") if callable(each) else each for each in messages]
    answer = held.stream(attach(held, "s"), *input_of(typed(b"before")), *messages)

    assert (answer.status, text in answer.body.decode()) == (400, True), answer.body
    assert attachment(held, "s").written == [b"before"]
    assert held.stream(attach(held, "s")).status == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"nonsense", 400),
        (b"3\nabc", 400),
        (b"5\n{}", 400),
        (b"99999999\n{", 400),
        (b"4\n\xff\xfe{}", 400),
        (record({"type": "GET_STATE"}), 415),
        (record(input_of(typed(b"x"))[0]), 400),
        (b"20000\n" + b"[" * 20000, 400),
    ],
)
def test_a_body_that_is_no_such_stream_is_refused(held, body, status):
    assert request(held.app, "POST", "/api/v1", body, stays=True, **RECORDIO).status == status


# As other bodies, but that a stream is not taken in gzip either.
@pytest.mark.parametrize(("encoding", "status"), [("identity", 200), ("gzip", 415), ("br", 415)])
def test_input_that_is_compressed_is_refused(held, encoding, status):
    body = record(attach(held, "s"))
    answer = request(held.app, "POST", "/api/v1", body, stays=True, content_encoding=encoding, **RECORDIO)

    assert (answer.status, answer.headers.get("accept-encoding")) == (status, None if status == 200 else "identity")


def test_a_body_that_breaks_off_or_is_too_large_is_refused_behind_what_it_said(held):
    begun = (attach(held, "s"), *input_of(typed(b"x")))

    broken = held.stream(*begun, end=b"100\n{")
    large = held.stream(*begun, end=b"%d\n" % (RECORD_BYTES_MAX + 1))

    assert (broken.status, large.status, attachment(held, "s").written) == (400, 400, [b"x", b"x"])


@pytest.mark.parametrize("name", ["nobody", "plain"])
def test_nobody_writes_to_who_has_no_streams(held, name):
    held.launch("plain")

    assert held.stream(attach(held, name)).status == 500


# [IOSwitchboardServerTest.AttachInput], and a container of a group has two names
@pytest.mark.parametrize("name", ["s", "twin"])
def test_one_client_writes_to_a_container_whatever_it_calls_it(held, name):
    streams, held_back, written = attachment(held, "s"), [], threading.Event()
    held.launch("twin")
    held.house.boxes.attachments[f"{held.root}.twin"] = streams
    streams.write = lambda data, taken: (held_back.append(taken), written.set())
    first = threading.Thread(target=held.stream, args=(attach(held, "s"), *input_of(typed(b"x"))))
    first.start()
    assert written.wait(BOUND)

    second = held.stream(attach(held, name))
    held_back[0](True)
    first.join(BOUND)

    assert (second.status, second.body) == (409, b"Multiple input connections are not allowed")
    assert held.stream(attach(held, name)).status == 200


# Goal: what is written to nobody is no failure; the answer comes with the end of the container.
def test_input_waits_for_the_end_of_a_container_that_reads_no_more(held):
    streams = attachment(held, "s")
    streams.input_ended = True
    write = streams.write
    box = held.house.boxes.left[f"{held.root}.s"]
    streams.write = lambda data, taken: (write(data, taken), box.exit(0))

    answer = held.stream(attach(held, "s"), *input_of(typed(b"x"), typed(b"never")))

    assert (answer.status, streams.written) == (200, [b"x"])
