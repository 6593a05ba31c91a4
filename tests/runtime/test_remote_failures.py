"""What goes wrong between two runtimes: peers that are hostile, frozen, slow or gone, and buffers that are full."""

import os
import re
import socket
import sys
import threading

import msgspec
import pytest

import libactor as la
from libactor._core._impl import append_frame, parse_frames
from libactor.transport import frames
from libactor.transport.channel import Channel
from libactor.transport.handshake import Handshake, HandshakeRefused, Role
from libactor.transport.peer import CONNECTIONS_MAX
from tests.runtime.adder import Adder

pytestmark = pytest.mark.real

LIMIT = 30
INSTANCE = b"i" * 16


class Counter(Adder):
    @la.remote
    def take(self, data):
        self.n += 1

    @la.remote
    def count(self):
        return self.n


class Bounded(Counter, mailbox=la.Bounded(1, "fail-sender")):
    pass


class Sender(la.Actor):
    def flood(self, pid, size, count):
        for _ in range(count):
            la.tell(pid, Counter.take, bytes(size))

    @la.remote
    def link(self, pid):
        self.broke = la.Promise()
        la.link(pid)

    def on_exited(self, pid, reason):
        self.broke.set(reason)

    def broken(self):
        return self.broke.future


class Stranger:
    """The other end of a connection, by hand."""

    def __init__(self, sock, address="127.0.0.1:9", role=Role.CONNECTOR, instance=INSTANCE):
        self.sock = sock
        self.sock.settimeout(LIMIT)
        self.handshake = Handshake(role, address, instance)
        self.left, self.arrived = b"", []

    def greet(self):
        self.sock.sendall(self.handshake.start())
        while not self.handshake.done:
            self.sock.sendall(self.handshake.receive(self.sock.recv(4096)))
        self.left = self.handshake.leftover
        return self

    def send(self, *values):
        buffer = bytearray()
        assert append_frame(buffer, 2**31, *values)
        self.sock.sendall(buffer)

    def receive(self):
        """The next frame that is no beat."""
        while not self.arrived:
            found, start, complaint = parse_frames(self.left, 0, len(self.left), 2**31)
            assert complaint is None
            self.arrived += [frame for frame in found if frame[0] != frames.BEAT]
            self.left = self.left[start:]
            if not self.arrived:
                data = self.sock.recv(1_000_000)
                assert data, "the other side has closed it"
                self.left += data
        return self.arrived.pop(0)

    def is_closed(self):
        """Read to the end."""
        try:
            while self.sock.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return True


@pytest.fixture
def here():
    with la.Runtime(remote=la.Remote(silence_s=20)) as runtime:
        runtime.spawn(Counter())
        yield runtime


@pytest.fixture
def dial():
    """A function that connects to a runtime by hand."""
    made = []

    def connect(runtime):
        host, port = runtime.address.split(":")
        made.append(socket.create_connection((host, int(port)), LIMIT))
        return made[-1]

    yield connect
    for sock in made:
        sock.close()


class Listener:
    """A host by hand, which others dial."""

    def __init__(self, sock):
        self.sock = sock
        self.address = f"127.0.0.1:{sock.getsockname()[1]}"
        self.accepted = []

    def accept(self, address=None):
        self.accepted.append(self.sock.accept()[0])
        return Stranger(self.accepted[-1], address or self.address, Role.ACCEPTOR).greet()

    def close(self):
        for sock in (self.sock, *self.accepted):
            sock.close()


@pytest.fixture
def listener():
    sock = socket.create_server(("127.0.0.1", 0))
    sock.settimeout(LIMIT)
    made = Listener(sock)
    yield made
    made.close()


def metric(runtime, name):
    return runtime.metrics.snapshot().get(LIMIT)[f"libactor/remote/{name}"]


def test_a_peer_by_hand_is_answered(here, dial):
    stranger = Stranger(dial(here)).greet()

    stranger.send(frames.CALL, 7, "counter", "add", 5)

    assert stranger.receive() == (frames.ANSWER, 7, 5)


HOSTILE = {
    "an unknown kind": (99,),
    "a kind that is text": ("call", 1, "counter", "add", 1),
    "nothing": (),
    "too few": (frames.CALL, 1, "counter"),
    "too many": (frames.ANSWER, 1, 2, 3),
    "an id that is none": (frames.TELL, 7, "add", 1),
}


@pytest.mark.parametrize("frame", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_frame_that_is_none_ends_its_connection_and_nothing_else(here, dial, frame):
    other, stranger = Stranger(dial(here), "127.0.0.1:8").greet(), Stranger(dial(here)).greet()

    stranger.send(*frame)

    assert stranger.is_closed()
    other.send(frames.CALL, 1, "counter", "add", 1)
    assert other.receive() == (frames.ANSWER, 1, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x00",
        b"\x00\x00\x00\x01\x80",
        b"\x00\x00\x00\x03\xdd\xff\xff",
        b"GET / HTTP/1.1\r\n",
    ],
)
def test_bytes_that_are_no_frame_end_their_connection(here, dial, data):
    stranger = Stranger(dial(here)).greet()

    stranger.sock.sendall(data)

    assert stranger.is_closed()


HARMLESS = {
    "an answer to no call": (frames.ANSWER, 1, 2),
    "an answer whose number is text": (frames.ANSWER, "1", 2),
    "a coded answer to no call": (frames.ANSWER_CODED, 1, b"\xc1"),
    "a failure of no call": (frames.FAILED, 1, b"\xc1"),
    "an abandonment of no call": (frames.ABANDONED, 1, None),
    "a discard of no call": (frames.DISCARD, 1),
    "an exit of nobody": (frames.EXITED, "nobody", None),
    "an unlink of nobody": (frames.UNLINK, "nobody"),
    "an unlink without a link": (frames.UNLINK, "counter"),
    "a tell of nobody": (frames.TELL, "nobody", "add", 1),
    "a tell of a method that is none": (frames.TELL, "counter", "__init__"),
    "a tell of what is no method": (frames.TELL, "counter", 7),
    "a tell whose arguments are not coded": (frames.TELL_CODED, "counter", "add", b"\xc1"),
    "a tell whose arguments are no bytes": (frames.TELL_CODED, "counter", "add", 7),
    "a message that is not coded": (frames.POST, "counter", None, None, b"\xc1"),
    "a message whose sender is none": (frames.POST, "counter", "a@b", "x", b"\xc0"),
    "a message whose sender is a number": (frames.POST, "counter", 7, 8, b"\xc0"),
    "a termination of nobody": (frames.TERMINATE, "nobody", True),
    "a beat": (frames.BEAT,),
}


@pytest.mark.parametrize("frame", HARMLESS.values(), ids=HARMLESS.keys())
def test_a_frame_about_nothing_does_nothing(here, dial, frame):
    stranger = Stranger(dial(here)).greet()

    stranger.send(*frame)
    stranger.send(frames.CALL, 1, "counter", "count")

    assert stranger.receive() == (frames.ANSWER, 1, 0)


@pytest.mark.parametrize(
    "frame",
    [
        (frames.TELL_CODED, "counter", "m" * 10**6, b"?"),
        (frames.TELL_CODED, "i" * 10**6, "add", b"?"),
        (frames.TELL_CODED, "counter", "add", msgspec.msgpack.encode(["x" * 10**6, {}])),
        (frames.POST, "counter", None, None, msgspec.msgpack.encode(["object", "m" * 10**6, "n" * 10**6])),
        (frames.POST, "counter", "s" * 10**6, "a" * 10**6, b"\xc0"),
        (frames.TELL, b"i" * 10**6, "add", 1),
        ("k" * 10**6,),
    ],
)
def test_what_a_peer_writes_does_not_fill_the_log(here, dial, caplog, frame):
    stranger = Stranger(dial(here)).greet()

    stranger.send(*frame)
    stranger.sock.shutdown(socket.SHUT_WR)

    assert stranger.is_closed()
    assert caplog.records
    assert max(len(record.getMessage()) for record in caplog.records) < 2000


def test_a_call_whose_arguments_cannot_be_made_fails(here, dial):
    stranger = Stranger(dial(here)).greet()

    stranger.send(frames.CALL_CODED, 1, "counter", "add", b"\xc1")

    assert stranger.receive()[:2] == (frames.FAILED, 1)


def test_a_call_with_wrong_arguments_fails(here, dial):
    stranger = Stranger(dial(here)).greet()

    stranger.send(frames.CALL, 1, "counter", "add")

    assert stranger.receive()[:2] == (frames.FAILED, 1)


def test_an_answer_that_cannot_be_made_fails_the_call(here, listener):
    pid = here.parse_pid(f"a@{listener.address}", Counter)
    answer = la.dispatch(pid, Counter.count)
    stranger = listener.accept()
    _, number, *_ = stranger.receive()

    stranger.send(frames.ANSWER_CODED, number, b"\xc1")

    with pytest.raises(la.NotPassable, match=f"the result cannot be made at {here.address}: cannot be read"):
        answer.get(LIMIT)


def test_a_failure_that_cannot_be_made_says_so(here, listener):
    pid = here.parse_pid(f"a@{listener.address}", Counter)
    answer = la.dispatch(pid, Counter.count)
    stranger = listener.accept()
    _, number, *_ = stranger.receive()

    stranger.send(frames.FAILED, number, 7)

    with pytest.raises(RuntimeError, match="cannot be made here"):
        answer.get(LIMIT)


def test_a_stranger_who_says_nothing_is_hung_up_on(dial, caplog):
    with la.Runtime(remote=la.Remote(connect_timeout_s=0.05)) as runtime:
        stranger = Stranger(dial(runtime))

        assert stranger.is_closed()
        assert metric(runtime, "handshakes_refused") == 1
        assert f"to {runtime.address}: refused: it took longer than 0.05 s to say who it is" in caplog.text


def test_a_stranger_who_babbles_is_hung_up_on(here, dial):
    stranger = Stranger(dial(here))

    stranger.sock.sendall(os.urandom(5000))

    assert stranger.is_closed()
    assert metric(here, "handshakes_refused") == 1


def test_of_strangers_beyond_the_bound_the_oldest_one_goes(dial, caplog):
    with la.Runtime(remote=la.Remote(strangers_max=2)) as runtime:
        runtime.spawn(Counter())
        first, second = Stranger(dial(runtime)), Stranger(dial(runtime), "127.0.0.1:8")
        third = Stranger(dial(runtime), "127.0.0.1:7")
        assert first.is_closed()
        assert "refused: too many have come since" in caplog.text

        second.greet()
        third.greet()

        third.send(frames.CALL, 1, "counter", "count")
        assert third.receive() == (frames.ANSWER, 1, 0)


def ask(stranger):
    """Have one added, and the sum answered."""
    stranger.send(frames.CALL, 1, "counter", "add", 1)
    return stranger.receive()[2]


def test_one_host_has_no_more_than_a_few_connections_and_those_that_stand_are_kept(here, dial, caplog):
    held = [Stranger(dial(here)) for _ in range(CONNECTIONS_MAX)]
    before = [ask(stranger.greet()) for stranger in held]

    with pytest.raises(HandshakeRefused, match=rf"127\.0\.0\.1:9 has {CONNECTIONS_MAX} connections already"):
        Stranger(dial(here)).greet()

    assert before + [ask(stranger) for stranger in held] == list(range(1, 2 * CONNECTIONS_MAX + 1))
    assert metric(here, "connections") == CONNECTIONS_MAX
    assert metric(here, "handshakes_refused") == 1
    assert f"has {CONNECTIONS_MAX} connections already" in caplog.text
    assert Stranger(dial(here), instance=b"j" * 16).greet().handshake.done


def test_what_waits_when_a_connection_breaks_is_said_to_be_lost(here, listener, caplog):
    pid = here.parse_pid(f"a@{listener.address}", Counter)
    answer = la.dispatch(pid, Counter.count)
    listener.accept().receive()
    la.dispatch(here.spawn(Sender()), Sender.flood, pid, 1_000_000, 20).get(LIMIT)

    pid._process.runtime.current.break_(TimeoutError("for the test"))

    with pytest.raises(la.Abandoned, match="for the test"):
        answer.get(LIMIT)
    assert re.search(r"broken: for the test; \d+ bytes that waited are lost", caplog.text)


def test_a_thread_is_not_held_back_for_a_host_that_was_not_there_the_last_time(listener, monkeypatch):
    with la.Runtime(remote=la.Remote(connect_timeout_s=0.5)) as runtime:
        pid = runtime.parse_pid(f"a@{listener.address}", Counter)
        with pytest.raises(la.Abandoned, match="say who it is"):
            la.dispatch(pid, Counter.count).get(LIMIT)
        monkeypatch.delattr(Channel, "wait_for_room")

        for _ in range(40):
            la.tell(pid, Counter.take, bytes(1_000_000))

        assert runtime.dead_letters > 0


class Flood(la.Actor):
    """Tells so much at once that it does not fit what may wait."""

    def send(self, pid, bytes_max):
        for _ in range(5):  # the fourth of which breaks the connection
            la.tell(pid, Counter.take, bytes(bytes_max // 2 - 1000))


def test_a_host_for_which_too_much_waits_is_not_taken_for_one_that_is_not_there(listener, monkeypatch, caplog):
    with la.Runtime(remote=la.Remote(buffer_bytes_max=4_000_000, frame_bytes_max=3_000_000)) as runtime:
        pid = runtime.parse_pid(f"a@{listener.address}", Counter)
        waits = []

        def wait(connection):
            waits.append(connection)

        monkeypatch.setattr(Channel, "wait_for_room", wait)
        flood = runtime.spawn(Flood())

        la.dispatch(flood, Flood.send, pid, 4_000_000).get(LIMIT)
        la.tell(pid, Counter.take, 1)

        assert metric(runtime, "buffer_overflows") == 1
        assert metric(runtime, "connections_failed") == 0
        assert len(waits) == 1
    assert "can be made" not in caplog.text


def test_a_peer_that_falls_silent_counts_as_gone(listener):
    with la.Runtime(remote=la.Remote(silence_s=0.2)) as runtime:
        pid = runtime.parse_pid(f"a@{listener.address}", Counter)
        answer = la.dispatch(pid, Counter.count)
        stranger = listener.accept()

        with pytest.raises(la.Abandoned, match="nothing was heard"):
            answer.get(LIMIT)
        assert stranger.is_closed()


def test_two_that_have_nothing_to_say_stay_connected():
    quick = la.Remote(silence_s=1.0)  # what they say meanwhile must not be a second late
    with la.Runtime(remote=quick) as one, la.Runtime(remote=quick) as other:
        pid = other.parse_pid(str(one.spawn(Counter())), Counter)
        la.dispatch(pid, Counter.add, 1).get(LIMIT)
        before = metric(other, "frames_received")
        waiting = la.after(2.5, runtime=other)

        waiting.get(LIMIT)

        assert metric(other, "disconnects") == 0
        assert metric(other, "frames_received") > before


def test_who_answers_nothing_when_dialled_is_given_up(listener):
    with la.Runtime(remote=la.Remote(connect_timeout_s=0.5)) as runtime:
        pid = runtime.parse_pid(f"a@{listener.address}", Counter)

        with pytest.raises(la.Abandoned, match="say who it is"):
            la.dispatch(pid, Counter.count).get(LIMIT)


def test_who_calls_himself_another_name_is_not_talked_to(here, listener):
    pid = here.parse_pid(f"a@{listener.address}", Counter)
    answer = la.dispatch(pid, Counter.count)

    assert listener.accept("127.0.0.1:9").is_closed()
    with pytest.raises(la.Abandoned, match="calls itself"):
        answer.get(LIMIT)


def test_another_life_of_a_peer_ends_what_was_with_the_last_one(here, dial):
    stranger = Stranger(dial(here)).greet()
    stranger.send(frames.CALL, 1, "counter", "count")
    stranger.receive()
    sender = here.spawn(Sender())
    la.dispatch(sender, Sender.link, here.parse_pid("a@127.0.0.1:9")).get(LIMIT)
    assert stranger.receive() == (frames.LINK, "a")

    again = Stranger(dial(here), instance=b"j" * 16).greet()

    assert stranger.is_closed()
    assert isinstance(la.dispatch(sender, Sender.broken).get(LIMIT), la.Disconnected)
    again.send(frames.CALL, 1, "counter", "count")
    assert again.receive() == (frames.ANSWER, 1, 0)


def test_a_message_larger_than_a_frame_may_be_is_refused_where_it_is_sent():
    remote = la.Remote(frame_bytes_max=100_000)
    with la.Runtime(remote=remote) as one, la.Runtime(remote=remote) as other:
        pid = other.parse_pid(str(one.spawn(Counter())), Counter)

        with pytest.raises(la.NotPassable, match="larger than 100000 bytes"):
            la.tell(pid, Counter.take, bytes(200_000))
        with pytest.raises(la.NotPassable, match="larger than 100000 bytes"):
            la.dispatch(pid, Counter.take, [bytes(200_000)])

        assert la.dispatch(pid, Counter.count).get(LIMIT) == 0


def test_a_frame_larger_than_one_may_be_ends_the_connection(dial):
    with la.Runtime(remote=la.Remote(frame_bytes_max=100_000)) as runtime:
        stranger = Stranger(dial(runtime)).greet()

        stranger.sock.sendall((100_001).to_bytes(4, "big"))

        assert stranger.is_closed()


def test_a_handler_that_sends_more_than_may_wait_loses_the_connection(listener, caplog):
    with la.Runtime(remote=la.Remote(buffer_bytes_max=10_000_000)) as runtime:
        pid = runtime.parse_pid(f"a@{listener.address}", Counter)
        sender = runtime.spawn(Sender())
        la.dispatch(sender, Sender.link, pid).get(LIMIT)
        stranger = listener.accept()
        stranger.receive()

        la.dispatch(sender, Sender.flood, pid, 1_000_000, 40).get(LIMIT)

        assert "buffer_bytes_max" in str(la.dispatch(sender, Sender.broken).get(LIMIT))
        assert metric(runtime, "buffer_overflows") >= 1
        assert runtime.dead_letters >= 9
        assert re.search(rf"to {listener.address}: broken: \d+ bytes wait.* awaits an answer.* are lost", caplog.text)
        assert stranger.is_closed()


def test_a_thread_that_sends_more_than_may_wait_waits_until_there_is_room(here, listener):
    pid = here.parse_pid(f"a@{listener.address}", Counter)
    sent = threading.Event()

    def send():
        for _ in range(40):
            la.tell(pid, Counter.take, bytes(1_000_000))
        sent.set()

    thread = threading.Thread(target=send)
    thread.start()
    stranger = listener.accept()
    assert not sent.is_set()

    for _ in range(40):
        assert len(stranger.receive()[3]) == 1_000_000

    thread.join(LIMIT)
    assert sent.is_set()


def test_a_thread_that_waits_for_room_goes_on_when_the_connection_breaks(here, listener):
    pid = here.parse_pid(f"a@{listener.address}", Counter)

    def send():
        for _ in range(40):
            la.tell(pid, Counter.take, bytes(1_000_000))

    thread = threading.Thread(target=send)
    thread.start()
    stranger = listener.accept()

    assert stranger.handshake.done
    listener.close()

    thread.join(LIMIT)
    assert not thread.is_alive()


def test_all_calls_are_told_that_the_connection_broke_whatever_a_callback_of_one_raises(here, listener):
    pid = here.parse_pid(f"a@{listener.address}", Counter)
    calls = [la.dispatch(pid, Counter.count) for _ in range(3)]
    stranger = listener.accept()
    [connection] = here._node.connections
    calls[0].on_abandoned(sys.exit)

    stranger.sock.close()

    for call in calls:
        with pytest.raises((la.Abandoned, SystemExit)):
            call.get(LIMIT)
    assert not connection.calls


def test_a_mailbox_that_is_full_refuses_calls_of_other_hosts_as_it_does_those_of_its_own(here):
    begun, gate = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        gate.wait(LIMIT)

    with la.Runtime(remote=la.Remote()) as other:
        local = other.spawn(Bounded("bounded"))
        pid = here.parse_pid(str(local), Counter)
        la.dispatch(pid, Counter.count).get(LIMIT)
        busy = la.execute(local, hold)
        assert begun.wait(LIMIT)  # from here on nothing waits

        answers = [la.dispatch(pid, Counter.add, 1) for _ in range(3)]
        with pytest.raises(la.MailboxFull):
            answers[2].get(LIMIT)
        gate.set()

        busy.get(LIMIT)
        assert answers[0].get(LIMIT) == 1


def test_the_child_of_a_fork_has_none_of_the_descriptors_and_disturbs_nothing(here):
    with la.Runtime(remote=la.Remote()) as other:
        pid = here.parse_pid(str(other.spawn(Counter())), Counter)
        la.dispatch(pid, Counter.add, 1).get(LIMIT)
        numbers = [connection.fd for connection in here._node.connections]
        numbers.append(here._node._listener.fileno())

        child = os.fork()
        if child == 0:
            status = 1
            try:
                open_ones = [number for number in numbers if os.path.exists(f"/proc/self/fd/{number}")]
                try:
                    la.dispatch(pid, Counter.add, 1)
                except la.ForkedRuntime:
                    status = 2 if open_ones else 0
            finally:
                os._exit(status)

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert la.dispatch(pid, Counter.add, 1).get(LIMIT) == 2


def test_numbers_tell_of_connections_frames_and_bytes(here):
    with la.Runtime(remote=la.Remote()) as other:
        pid = here.parse_pid(str(other.spawn(Counter())), Counter)
        la.dispatch(pid, Counter.add, 1).get(LIMIT)

        assert metric(here, "connections") == metric(other, "connections_opened") == 1
        assert metric(here, "frames_sent") == metric(other, "frames_received") == 1
        assert metric(here, "bytes_received") > metric(other, "frames_sent")

    assert metric(here, "handshakes_refused") == 0


def test_a_host_that_comes_up_later_is_reached(here):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        address = f"127.0.0.1:{unused.getsockname()[1]}"
    pid = here.parse_pid(f"counter@{address}", Counter)
    for _ in range(3):
        with pytest.raises(la.Abandoned, match="refused"):
            la.dispatch(pid, Counter.count).get(LIMIT)
    assert metric(here, "connections_failed") == 3

    with la.Runtime(remote=la.Remote(address)) as other:
        other.spawn(Counter())

        assert la.dispatch(pid, Counter.count).get(LIMIT) == 0


def test_where_no_connection_can_be_made_all_is_told_as_if_it_broke(here, monkeypatch):
    def fail(peer):
        raise OSError(24, "Too many open files")

    pid = here.parse_pid("a@127.0.0.1:9", Counter)
    sender = here.spawn(Sender())
    with monkeypatch.context() as patch:
        patch.setattr(here._node, "dial", fail)

        la.dispatch(sender, Sender.link, pid).get(LIMIT)
        la.tell(pid, Counter.add, 1)
        la.terminate(pid)
        with pytest.raises(la.Abandoned, match="Too many open files"):
            la.dispatch(pid, Counter.count).get(LIMIT)

        assert isinstance(la.dispatch(sender, Sender.broken).get(LIMIT), la.Disconnected)
        assert here.dead_letters == 1
        assert metric(here, "connections_failed") == 4


def test_what_is_sent_after_a_close_is_abandoned():
    with la.Runtime(remote=la.Remote()) as other:
        runtime = la.Runtime(remote=la.Remote())
        pid = runtime.parse_pid(str(other.spawn(Counter())), Counter)
        la.dispatch(pid, Counter.count).get(LIMIT)
        runtime.close()

        with pytest.raises(la.Abandoned, match="closed"):
            la.dispatch(pid, Counter.count).get(LIMIT)


def test_the_place_that_a_large_message_took_is_given_back():
    remote = la.Remote()  # whose node does not look as soon as this test does
    with la.Runtime(remote=remote) as one, la.Runtime(remote=remote) as other:
        pid = other.parse_pid(str(one.spawn(Counter())), Counter)
        la.dispatch(pid, Counter.take, bytes(5_000_000)).get(LIMIT)
        [connection] = one._node.connections
        grown = len(connection._buffer)

        connection.heard = False
        connection.shrink()

        assert len(connection._buffer) < grown
        assert la.dispatch(pid, Counter.count).get(LIMIT) == 1
