"""A peer that means harm, on a real socket, costs only its own connection: a good one goes on being served."""

import contextlib
import itertools
import logging
import secrets
import socket

import msgspec
import pytest

import libactor as la
from libactor._core._impl import append_frame, parse_frames
from libactor.codec import Writer
from libactor.transport import frames
from libactor.transport.handshake import Handshake, HandshakeRefused, Role
from tests.runtime.adder import Adder

pytestmark = pytest.mark.real

LIMIT = 30
SECRET = b"a secret of some length"
STRANGER = "127.0.0.1:1"  # what those call themselves who mean harm; nobody listens there


class Counter(Adder):
    @la.remote
    def echo(self, value):
        return value

    @la.remote
    def never(self):
        return la.Promise().future

    def private(self):
        self.n += 1000


class Watcher(la.Actor):
    def __init__(self, watched, gone):
        super().__init__()
        self.watched, self.gone = watched, gone

    def on_start(self):
        la.link(self.watched)

    def on_exited(self, pid, reason):
        self.gone.set(reason)


@pytest.fixture
def open_runtime():
    """A function that opens a runtime with an actor, closed after the test; what it is given goes to Remote."""
    with contextlib.ExitStack() as stack:

        def make(**more):
            runtime = stack.enter_context(la.Runtime(remote=la.Remote(secret=SECRET, **more)))
            runtime.spawn(Counter())
            return runtime

        yield make


@pytest.fixture
def serving(open_runtime):
    return open_runtime()


@pytest.fixture
def good(open_runtime, serving):
    """A peer that is served before the others come; it must be afterwards."""
    runtime = open_runtime()
    assert ask(runtime, serving) == 0
    yield runtime
    assert ask(runtime, serving) >= 0, "the good peer is not served any more"


def ask(runtime, other, k=0):
    return la.dispatch(runtime.parse_pid(f"counter@{other.address}", Counter), Counter.add, k).get(LIMIT)


class Raw:
    """One end of a connection to a runtime, whose bytes the test makes."""

    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self.address = address
        self.socket = socket.create_connection((host, int(port)), LIMIT)
        self.sent = bytearray()
        self.arrived = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def say(self, data):
        """Send bytes, if the other side still reads."""
        self.sent += data
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def greet(self, name=STRANGER, secret=SECRET, instance=b"i" * 16):
        """Have the handshake; True if both sides know each other."""
        machine = Handshake(Role.CONNECTOR, name, instance, secret, self.address)
        self.say(machine.start())
        while not machine.done:
            data = self.read()
            if not data:
                return False
            try:
                self.say(machine.receive(data))
            except HandshakeRefused:
                self.wait_closed()
                return False
        self.arrived += machine.leftover
        self.frame(frames.CALL, 99, "counter", "echo", "hello")  # once it is answered the connection is in use there
        assert self.next_frame() == (frames.ANSWER, 99, "hello")
        return True

    def frame(self, *values):
        """Send a frame."""
        data = bytearray()
        assert append_frame(data, 2**31, *values) > 0, values
        self.say(data)

    def read(self):
        try:
            return self.socket.recv(65_536)
        except ConnectionResetError:
            return b""

    def next_frame(self):
        """The next frame that arrives, but for beats."""
        while True:
            found, start, complaint = parse_frames(bytes(self.arrived), 0, len(self.arrived), 2**31)
            assert complaint is None
            others = [entry for entry in found if entry[0] != frames.BEAT]
            if others:
                rest = bytearray()
                for entry in others[1:]:
                    append_frame(rest, 2**31, *entry)
                self.arrived[:start] = rest
                return others[0]
            data = self.read()
            assert data, "the connection was closed"
            self.arrived += data

    def wait_closed(self):
        """Wait until the other side has closed."""
        while self.read():
            pass


@pytest.fixture
def raw(serving):
    """A function that connects to ``serving``, without a word."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(Raw(serving.address))


@pytest.fixture
def known(raw):
    """A peer that has the secret."""
    peer = raw()
    assert peer.greet()
    return peer


@pytest.fixture(autouse=True)
def no_fault(caplog):
    """What the runtime would log if code of ours did not expect what came."""
    yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def refused(runtime):
    return runtime._node.refused


# Before the handshake is over.

WORDS = {
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "tls": bytes.fromhex("16030100f8010000f40303") + bytes(200),
    "zeros": bytes(1000),
    "huge length": b"\xff\xff\xff\xff",
    "huge length and more": b"\x7f\xff\xff\xff" + b"x" * 100_000,
    "array of four billion": b"\0\0\0\5\xdd\xff\xff\xff\xff",
    "deep": b"\0\0\3\xe8" + b"\x91" * 1000,
    "a frame before it is known": b"\0\0\0\2\x91\x0f",
    "much": b"\0\0\0\1" * 250_000,
}


@pytest.mark.parametrize("name", WORDS)
def test_who_does_not_speak_the_protocol_is_turned_away(serving, good, raw, name):
    peer = raw()

    peer.say(WORDS[name])
    peer.wait_closed()

    assert refused(serving) == 1


def test_random_bytes_are_turned_away_or_waited_for(open_runtime):
    serving = open_runtime(connect_timeout_s=2.0)  # which the good one keeps
    good = open_runtime()
    assert ask(good, serving) == 0

    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(Raw(serving.address)) for _ in range(7)]
        for peer, size in zip(peers, (1, 3, 4, 5, 100, 5_000, 100_000), strict=True):
            peer.say(secrets.token_bytes(size))
        for peer in peers:
            peer.wait_closed()

    assert ask(good, serving) == 0
    assert refused(serving) == 7


def test_who_goes_in_the_middle_of_the_handshake_leaves_nothing_behind(serving, good, raw):
    hello = Handshake(Role.CONNECTOR, STRANGER, b"i" * 16, SECRET, serving.address).start()

    for size in range(0, len(hello), 10):
        with Raw(serving.address) as peer:
            peer.say(hello[:size])
    last = raw()
    last.say(WORDS["zeros"])
    last.wait_closed()

    assert len(serving._node.connections) <= 2 + len(hello) // 10


# Method: a byte whenever the peer has waited for a while, for as long as the other side reads.
def test_who_dawdles_in_the_handshake_is_turned_away_in_time(open_runtime):
    serving = open_runtime(connect_timeout_s=2.0)  # which the good one keeps
    good = open_runtime()
    assert ask(good, serving) == 0
    with Raw(serving.address) as peer:
        peer.socket.settimeout(0.1)
        hello = iter(Handshake(Role.CONNECTOR, STRANGER, b"i" * 16, SECRET, serving.address).start())
        for byte in itertools.islice(hello, 100):
            try:
                if not peer.read():
                    break
            except TimeoutError:
                peer.say(bytes([byte]))
        else:
            pytest.fail("the peer was listened to for 10 s, expected 2")

    assert ask(good, serving) == 0
    assert refused(serving) == 1


def test_another_secret_is_refused_and_the_log_says_so(serving, good, raw, caplog):
    assert not raw().greet(secret=b"another secret of some length")

    assert "127.0.0.1:1 has another secret; give both the same" in caplog.text
    assert SECRET.decode() not in caplog.text


def test_no_secret_is_refused(serving, good, raw):
    assert not raw().greet(secret=None)


def test_who_calls_itself_as_we_are_called_is_refused(serving, good, raw):
    peer = raw()
    machine = Handshake(Role.CONNECTOR, serving.address, b"i" * 16, SECRET)
    peer.say(machine.start())
    peer.wait_closed()

    assert refused(serving) == 1


# Goal: a recorded session is worth nothing. Method: one in which a counter was raised is sent again.
def test_a_recorded_session_cannot_be_replayed(serving, good, raw):
    recorded = raw()
    assert recorded.greet()
    recorded.frame(frames.CALL, 1, "counter", "add", 5)
    assert recorded.next_frame() == (frames.ANSWER, 1, 5)

    again = raw()
    again.say(recorded.sent)
    again.wait_closed()

    assert ask(good, serving) == 5
    assert refused(serving) == 1


# Goal: who says nothing keeps nobody out. Method: as many as may be, and more; those that came last are still there.
def test_strangers_are_few_and_keep_nobody_out(open_runtime):
    serving = open_runtime(strangers_max=3, connect_timeout_s=60)
    good = open_runtime()
    assert ask(good, serving) == 0
    with contextlib.ExitStack() as stack:
        strangers = [stack.enter_context(Raw(serving.address)) for _ in range(20)]
        for stranger in strangers[:17]:
            stranger.wait_closed()

        with Raw(serving.address) as late:
            assert late.greet()
        served = ask(good, serving)
        strangers[0].wait_closed()
        strangers_left = [one for one in serving._node.connections if one.peer is None]

    assert served == 0
    assert len(strangers_left) <= 3
    assert refused(serving) >= 17


# With the secret.

GARBAGE = {
    "huge length": b"\xff\xff\xff\xff",
    "no length": b"\0\0\0\0",
    "no msgpack": b"\0\0\0\1\xc1",
    "no array": b"\0\0\0\1\x01",
    "nested": b"\0\0\0\3\x92\x0f\x90",
    "map": b"\0\0\0\4\x92\x00\x80\x00",
    "array of four billion": b"\0\0\0\5\xdd\xff\xff\xff\xff",
    "text of four billion": b"\0\0\0\x07\x92\x00\xdb\xff\xff\xff\xff",
    "no UTF-8": b"\0\0\0\4\x92\x00\xa1\xff",
    "bytes behind": b"\0\0\0\3\x91\x0f\x00",
    "nothing in it": b"\0\0\0\1\x90",
    "random": secrets.token_bytes(3) + b"\xff" * 1000,
}


@pytest.mark.parametrize("name", GARBAGE)
def test_a_frame_that_is_none_breaks_the_connection(serving, good, known, name):
    known.say(GARBAGE[name])

    known.wait_closed()


def test_a_frame_that_is_too_large_breaks_the_connection(open_runtime):
    serving = open_runtime(frame_bytes_max=65_536)
    good = open_runtime()
    with Raw(serving.address) as peer:
        assert peer.greet()
        peer.frame(frames.CALL, 1, "counter", "echo", b"x" * 60_000)
        assert peer.next_frame()[:2] == (frames.ANSWER, 1)
        peer.frame(frames.CALL, 2, "counter", "echo", b"x" * 65_536)
        peer.wait_closed()

    assert ask(good, serving) == 0


SOME = [None, True, -1, 0, 2**64 - 1, 1.5, float("nan"), "", "counter", "add", "x" * 100, b"", b"\xc1", b"\x91" * 400]


# Goal: no kind of frame is a fault of ours, whatever is in it. Method: all kinds and some that are none, with one to
#   five values out of a list, each by a connection of its own until that is broken.
@pytest.mark.parametrize("kind", [*range(-1, 19), "x", None])
def test_frames_with_anything_in_them_are_refused_or_come_to_nothing(serving, good, raw, kind):
    for count in range(6):
        for shift in range(0, len(SOME), 3):
            peer = raw()
            assert peer.greet()
            values = [SOME[(shift + 5 * place) % len(SOME)] for place in range(count)]
            peer.frame(kind, *values)
            peer.frame("the last word, which breaks the connection")
            peer.wait_closed()


def coded(value):
    return Writer().encode(value)


UNMADE = {
    "no bytes": "text",
    "no msgpack": b"\xc1",
    "no arguments": coded([1]),
    "no tuple": coded(([], {})),
    "names that are numbers": coded(((1,), {1: 2})),
    "unknown class": msgspec.msgpack.encode(["object", "no_module", "X", ["list"], ["dict"]]),
    "class that runs programs": msgspec.msgpack.encode(["object", "subprocess", "Popen", ["list", "true"], ["dict"]]),
    "ten gigabytes": msgspec.msgpack.encode(["bytearray", 10**10]),
    "deep": b"\x91" * 100_000,
    "local": msgspec.msgpack.encode(["local", 0]),
    "pid of no address": msgspec.msgpack.encode(["pid", "x", "nowhere"]),
}


@pytest.mark.parametrize("name", UNMADE)
def test_arguments_that_cannot_be_made_here_fail_that_call_and_no_other(serving, good, known, name):
    known.frame(frames.CALL_CODED, 1, "counter", "echo", UNMADE[name])
    known.frame(frames.TELL_CODED, "counter", "echo", UNMADE[name])
    known.frame(frames.POST, "counter", None, None, UNMADE[name])
    known.frame(frames.CALL, 2, "counter", "add", 7)

    assert known.next_frame()[:2] == (frames.FAILED, 1)
    assert known.next_frame() == (frames.ANSWER, 2, 7)


@pytest.mark.parametrize("method", ["private", "__init__", "on_stop", "_process", "pid", "add.__call__", "", 5])
def test_only_marked_methods_can_be_called(serving, good, known, method):
    known.frame(frames.TELL, "counter", method)
    known.frame(frames.CALL, 1, "counter", method)
    known.frame(frames.CALL, 2, "counter", "add", 0)

    assert known.next_frame()[:2] == (frames.FAILED, 1)
    assert known.next_frame() == (frames.ANSWER, 2, 0)


def test_the_same_number_twice_harms_only_who_sends_it(serving, good, known):
    for _ in range(3):
        known.frame(frames.CALL, 1, "counter", "never")
        known.frame(frames.CALL, 1, "counter", "add", 1)
    known.frame(frames.CALL, 2, "counter", "echo", "still there")

    answers = []
    while (frames.ANSWER, 2, "still there") not in answers:
        answers.append(known.next_frame())

    assert ask(good, serving) == 3


def test_answers_and_ends_that_nobody_waits_for_come_to_nothing(serving, good, known):
    reason = coded(ValueError("made up"))
    for number in (0, 1, 7, -1, None, "x", 2.5):
        known.frame(frames.ANSWER, number, "made up")
        known.frame(frames.ANSWER_CODED, number, coded([1]))
        known.frame(frames.FAILED, number, reason)
        known.frame(frames.DISCARDED, number)
        known.frame(frames.ABANDONED, number, reason)
        known.frame(frames.DISCARD, number)
        known.frame(frames.EXITED, number, reason)
        known.frame(frames.UNLINK, number)
    known.frame(frames.EXITED, "counter", None)
    known.frame(frames.CALL, 1, "counter", "add", 3)

    assert known.next_frame() == (frames.ANSWER, 1, 3)


def test_an_answer_by_another_connection_is_for_nobody(serving, good, raw, known):
    pid = serving.parse_pid(f"actor@{STRANGER}", Counter)
    future = la.dispatch(pid, Counter.add, 1)
    kind, number, *_ = known.next_frame()
    assert kind == frames.CALL
    other = raw()
    assert other.greet(name="127.0.0.1:2", instance=b"o" * 16)

    other.frame(frames.ANSWER, number, "made up")
    other.frame(frames.CALL, 9, "counter", "add", 0)
    assert other.next_frame() == (frames.ANSWER, 9, 0)
    known.frame(frames.ANSWER, number, "true")

    assert future.get(LIMIT) == "true"


ENDS = ["SystemExit", "KeyboardInterrupt", "GeneratorExit"]


@pytest.mark.parametrize("name", ENDS)
def test_an_error_that_would_end_the_program_arrives_as_another(serving, good, known, name):
    error = ["exception", "builtins", name, ["tuple", 1], ["tuple", 1], ["dict"], ["dict"]]
    future = la.dispatch(serving.parse_pid(f"actor@{STRANGER}", Counter), Counter.add, 1)
    _, number, *_ = known.next_frame()

    known.frame(frames.FAILED, number, msgspec.msgpack.encode(error))

    with pytest.raises(RuntimeError, match="none can be made here"):
        future.get(LIMIT)


def test_who_calls_itself_as_a_good_peer_does_not_keep_that_one_out(serving, good, raw):
    liar = raw()
    assert liar.greet(name=good.address, instance=b"l" * 16)

    with contextlib.suppress(la.Abandoned):
        ask(good, serving)

    assert ask(good, serving) == 0


# Goal: the end is noticed when it comes, and not by silence. Method: a link; the last frame and the end come at once.
@pytest.mark.parametrize("last", [b"", b"\0\0\0\2\x91\x0f", b"\0\0\0\2\x91", b"\0\0\0\1\xc1"])
def test_who_speaks_and_goes_at_once_is_noticed(serving, good, known, last):
    gone = la.Promise()
    serving.spawn(Watcher(serving.parse_pid(f"actor@{STRANGER}"), gone))
    assert known.next_frame()[0] == frames.LINK

    known.say(last)
    known.socket.close()

    assert isinstance(gone.future.get(60), la.Disconnected)


def test_half_a_frame_and_then_silence_ends_the_connection(open_runtime):
    serving = open_runtime(silence_s=2.0)
    with Raw(serving.address) as peer:
        assert peer.greet()
        peer.say(b"\0\1\0\0\x91")
        peer.wait_closed()

    assert ask(open_runtime(), serving) == 0


def test_who_asks_for_much_and_reads_nothing_loses_its_connection(open_runtime):
    serving = open_runtime(buffer_bytes_max=1_000_000)
    good = open_runtime()
    assert ask(good, serving) == 0
    with Raw(serving.address) as peer:
        assert peer.greet()
        for number in range(400):
            peer.frame(frames.CALL, number, "counter", "echo", b"x" * 60_000)
        peer.wait_closed()

    assert ask(good, serving) == 0
    assert serving._node.overflows == 1


def test_many_bad_peers_at_once_leave_the_good_one_served(serving, good, raw):
    peers = [raw() for _ in range(30)]
    for number, peer in enumerate(peers):
        peer.say([WORDS["http"], WORDS["much"], b"\0\0", WORDS["deep"]][number % 4])

    served = [ask(good, serving, 1) for _ in range(100)]

    assert served == list(range(1, 101))
