"""What others name is not kept for ever, and what several threads do to one connection leaves nothing behind."""

import gc
import socket
import threading
import weakref
from types import SimpleNamespace

import pytest

import libactor as la
from libactor.poller import Alarm
from libactor.transport import asking
from libactor.transport.node import PEERS_MAX, WARNINGS_MAX
from libactor.transport.peer import ID_LENGTH_MAX
from libactor.transport.peers import HandshakeRefused
from libactor.transport.tls_socket import TlsRefused
from libactor.waiting import awaited

pytestmark = pytest.mark.real

LIMIT = 30


class Counter(la.Actor):
    def __init__(self):
        super().__init__("counter")
        self.taken = []

    @la.remote
    def take(self, value):
        self.taken.append(value)
        return len(self.taken)

    @la.remote
    def all(self):
        return self.taken


class Watcher(la.Actor):
    def __init__(self, watched):
        super().__init__()
        self.watched, self.gone = watched, la.Promise()

    def on_start(self):
        la.link(self.watched)

    def on_exited(self, pid, reason):
        self.gone.set(pid.id)

    def end(self):
        return self.gone.future


@pytest.fixture
def there():
    with la.Runtime(remote=la.Remote()) as runtime:
        runtime.spawn(Counter())
        yield runtime


@pytest.fixture
def connection(here, there):
    """The one from here to there, which is open."""
    pid = here.parse_pid(f"counter@{there.address}", Counter)
    assert la.dispatch(pid, Counter.take, 0).get(LIMIT) == 1
    return here._node.peer(there.address).current


def name_many(runtime):
    """Have more addresses named than are kept."""
    for number in range(3 * PEERS_MAX):
        runtime.parse_pid(f"a@10.0.{number >> 8}.{number & 255}:7")


def test_addresses_that_are_only_named_are_not_kept(here):
    name_many(here)

    assert len(here._node._peers) <= PEERS_MAX


def test_pids_made_before_and_after_an_address_was_forgotten_use_one_connection(here, there):
    before = here.parse_pid(f"counter@{there.address}", Counter)
    name_many(here)
    after = here.parse_pid(f"counter@{there.address}", Counter)

    for number in range(0, 100, 2):
        la.tell(before, Counter.take, number)
        la.tell(after, Counter.take, number + 1)

    assert la.dispatch(before, Counter.all).get(LIMIT) == list(range(100))
    assert len(there._node.connections) == 1


def test_an_address_with_a_connection_is_kept(here, there, connection):
    name_many(here)

    assert here._node.peer(there.address).current is connection


def test_a_link_by_a_pid_made_before_its_address_was_forgotten_is_told_and_ends_with_its_actor(here, there):
    pid = here.parse_pid(f"counter@{there.address}", Counter)
    name_many(here)
    successor = here.parse_pid(f"a@{there.address}")
    mortal = here.spawn(Watcher(pid))

    la.terminate(pid)

    assert la.dispatch(mortal, Watcher.end).get(LIMIT) == "counter"
    assert list(here._node.peer(successor.address)._watching) == [mortal._process]


@pytest.mark.parametrize(("length", "kept"), [(ID_LENGTH_MAX, True), (ID_LENGTH_MAX + 1, False)])
def test_a_pid_with_a_long_id_is_not_kept(here, there, length, kept):
    pid = here.parse_pid(f"{'a' * length}@{there.address}")

    assert (pid in here._node.peer(there.address)._pids.values()) is kept


def test_what_is_put_in_after_a_break_is_not_tried_while_somebody_reads(connection, monkeypatch):
    assert connection._begin_reading()
    connection.break_(ConnectionAbortedError("for the test"))
    connection.put("beat", 15)
    monkeypatch.setattr(connection, "_may_write", True)

    connection.flush()
    untried = connection._may_write  # an attempt begins with forgetting that
    connection._end_reading()
    connection._close()

    assert untried
    assert connection.sock.fileno() == -1


def test_a_connection_is_closed_though_two_come_to_close_it_at_once(connection, monkeypatch):
    tries = []

    def begin_late():
        """No when the one comes; the other lets go of it, and goes since the one has begun."""
        tries.append(connection._reads)
        return len(tries) > 1

    monkeypatch.setattr(connection, "_begin_writing", begin_late)

    connection.break_(ConnectionAbortedError("for the test"))

    assert tries == [True, True]
    assert connection.sock.fileno() == -1


def test_a_descriptor_is_forgotten_before_anybody_finds_the_connection_broken(connection, monkeypatch):
    part = connection.peer.part
    seen = []

    def flush_first(one):
        """Between the two another thread sends."""
        fd = one.sock.fileno()
        one.flush()
        seen.append((fd in one.poller._watched, one.sock.fileno()))
        part(one)

    monkeypatch.setattr(connection.peer, "part", flush_first)

    connection.break_(ConnectionAbortedError("for the test"))

    assert seen == [(False, -1)]


@pytest.mark.parametrize("size", [1, 100_000])
def test_an_answer_that_is_quicker_than_who_asks_leaves_nothing_behind(here, there, connection, monkeypatch, size):
    append = asking.append_frame

    def answer_at_once(buffer, most, kind, number, *rest):
        size = append(buffer, most, kind, number, *rest)
        connection.take_answer(number, "quick")
        return size

    slow = SimpleNamespace(outgoing=b"", call=connection.call)  # which is no connection to the core: Python sends
    monkeypatch.setattr(here._node.peer(there.address), "current", slow)
    monkeypatch.setattr(asking, "append_frame", answer_at_once)
    future = la.dispatch(here.parse_pid(f"counter@{there.address}", Counter), Counter.take, bytes(size))

    assert future.get(LIMIT) == "quick"
    assert not connection.calls
    assert future not in awaited


class SlowListener:
    """Accepts as ever, but answers only when told to."""

    def __init__(self, listener):
        self.listener, self.accepted, self.go_on = listener, [], threading.Event()
        self.has_accepted = threading.Event()
        self.fileno, self.close = listener.fileno, listener.close

    def accept(self):
        self.accepted.append(self.listener.accept())
        self.has_accepted.set()
        self.go_on.wait(LIMIT)
        return self.accepted[-1]


def test_who_is_accepted_while_the_runtime_closes_is_not_left_open(monkeypatch):
    with la.Runtime(remote=la.Remote(connect_timeout_s=10 * LIMIT)) as runtime:
        node = runtime._node
        slow = SlowListener(node._listener)
        monkeypatch.setattr(node, "_listener", slow)
        host, port = runtime.address.rsplit(":", 1)
        with socket.create_connection((host, int(port))) as stranger:
            assert slow.has_accepted.wait(LIMIT)

            node.close(LIMIT)
            slow.go_on.set()
            stranger.settimeout(LIMIT)

            assert stranger.recv(1) == b""
    (accepted, _) = slow.accepted[0]
    assert accepted.fileno() == -1


def test_a_connection_that_was_broken_before_it_began_is_not_watched(here, there, connection):
    fresh = here._node.dial(here._node.peer(there.address))
    fresh.break_(ConnectionAbortedError("for the test"))
    number = fresh.sock.fileno()

    fresh.begin()

    assert number == -1
    assert fresh._alarm is None


def test_without_descriptors_accepting_is_tried_again_by_one_alarm_and_the_log_is_not_filled(here, caplog, monkeypatch):
    node, alarms = here._node, []

    def fail():
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(node, "_listener", SimpleNamespace(accept=fail, fileno=node._listener.fileno))
        patch.setattr(node.poller, "after", lambda seconds, function: alarms.append(function) or Alarm(0, function))
        for _ in range(10 * WARNINGS_MAX):
            node._accept()

    assert alarms == [node._accept]
    assert "accepting a connection failed: [Errno 24]" in caplog.records[0].getMessage()
    assert len(caplog.records) <= 2 * WARNINGS_MAX + 2  # if a span of time has ended meanwhile


def test_calls_for_which_no_connection_can_be_made_are_not_kept(here, monkeypatch):
    def fail(peer):
        raise OSError(24, "Too many open files")

    pid = here.parse_pid("a@127.0.0.1:9", Counter)
    monkeypatch.setattr(here._node, "dial", fail)
    calls = [weakref.ref(la.dispatch(pid, Counter.take, number)) for number in range(3)]

    gc.collect()

    assert [call() for call in calls] == [None] * 3


def test_a_connection_that_broke_keeps_nothing_of_whoever_has_broken_it(connection):
    def send():
        try:
            raise HandshakeRefused("inside", b"")
        except HandshakeRefused:
            raise TlsRefused("outside")  # noqa: B904

    try:
        send()
    except TlsRefused as error:
        connection.break_(error)

    assert str(connection.broken) == "outside"
    assert connection.broken.__traceback__ is connection.broken.__context__ is None


def test_a_flood_of_strangers_is_no_flood_of_warnings(here, caplog):
    for number in range(10 * WARNINGS_MAX):
        here._node.warn("refused: %s", number)

    assert [record.getMessage() for record in caplog.records[:2]] == ["refused: 0", "refused: 1"]
    assert len(caplog.records) <= 2 * WARNINGS_MAX + 2  # if a span of time has ended meanwhile
