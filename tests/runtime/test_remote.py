"""Remote actors: calls, messages and answers between two runtimes that talk by real sockets."""

import collections
import dataclasses
import os
import socket
import threading

import msgspec
import pytest

import libactor as la
from libactor._core._impl import DEBUG_VALUES
from libactor.codec import Reader
from tests.runtime.adder import Adder

pytestmark = pytest.mark.real

LIMIT = 30


class Hit(msgspec.Struct, frozen=True):
    n: int


@dataclasses.dataclass
class Point:
    x: int
    y: list[int]


class Counter(Adder):
    def __init__(self, id="counter"):
        super().__init__(id)
        self.got = []

    @la.remote
    def echo(self, *values, **named):
        return (values, named) if named else values[0] if len(values) == 1 else values

    @la.remote
    def fail(self, error):
        raise error

    @la.remote
    def note(self, value):
        self.got.append(value)

    @la.remote
    def notes(self):
        return tuple(self.got)

    @la.remote
    async def wait_for(self, gate):
        return await la.dispatch(gate, Gate.opened)

    @la.remote
    def lock(self):
        return threading.Lock()

    def private(self):
        return "secret"

    @la.handles(Hit)
    def hit(self, message, sender):
        self.got.append((message, sender))


class Sub(Counter):
    def add(self, k):
        return super().add(10 * k)


class Gate(la.Actor):
    def __init__(self, id="gate"):
        super().__init__(id)
        self.promise = la.Promise()

    @la.remote
    def opened(self):
        return self.promise.future

    @la.remote
    def open(self, value):
        self.promise.set(value)

    @la.remote
    def discards(self):
        self.discarded = la.Promise()
        self.promise.future.on_discard(lambda: self.discarded.set(True))
        return

    @la.remote
    def was_discarded(self):
        return self.discarded.future


class Caller(la.Actor):
    """An actor that calls another one."""

    def ask(self, pid, method, *arguments):
        return la.dispatch(pid, method, *arguments)

    def tell_all(self, pid, count):
        for n in range(count):
            la.tell(pid, Counter.note, n)
            la.post(pid, Hit(n))
        return la.dispatch(pid, Counter.notes)

    def post(self, pid, message):
        la.post(pid, message)


@pytest.fixture
def counter(here, there):
    return here.parse_pid(str(there.spawn(Counter())), Counter)


@pytest.mark.skipif(DEBUG_VALUES, reason="debug mode looks at what arrives as at what is sent, which is copied")
def test_what_has_been_read_is_handed_over_without_another_copy(here, there, monkeypatch):
    actor, made, read = Counter(), [], Reader.decode
    counter = here.parse_pid(str(there.spawn(actor)), Counter)
    monkeypatch.setattr(Reader, "decode", lambda self, data: made.append(read(self, data)) or made[-1])

    la.dispatch(counter, Counter.note, [Point(1, [2])]).get(LIMIT)
    la.tell(counter, Counter.note, value=Point(3, []))
    la.post(counter, Hit(4))
    la.dispatch(counter, Counter.add, 1).get(LIMIT)

    (((one,), _), (_, named), message), got = made, actor.got
    assert got[0] is one
    assert got[1] is named["value"]
    assert got[2][0] is message


VALUES = [
    None, True, 7, -1, 2**64 - 1, 2**70, -(2**63) - 1, 0.5, "", "text", "x" * 70_000, b"", b"\x00\xff",
    b"y" * 3_000_000, [1, (2, {"a": {3}})], {1: (2, 3)}, Point(1, [2]), Hit(4), frozenset({1}), 1 + 2j,
    ValueError("no"),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
def test_a_value_arrives_with_its_type_and_comes_back(counter, value):
    found = la.dispatch(counter, Counter.echo, value).get(LIMIT)

    assert type(found) is type(value)
    assert repr(found) == repr(value)


def test_arguments_with_and_without_names_arrive(counter):
    assert la.dispatch(counter, Counter.echo, 1, "b", k=[2], j=None).get(LIMIT) == ((1, "b"), {"k": [2], "j": None})
    assert la.dispatch(counter, Counter.echo, *range(300)).get(LIMIT) == tuple(range(300))


def test_the_method_of_the_class_of_the_actor_is_called(here, there):
    pid = here.parse_pid(str(there.spawn(Sub("sub"))), Counter)

    assert la.dispatch(pid, Counter.add, 2).get(LIMIT) == 20


def test_a_pid_without_a_class_lets_any_method_through(here, there, counter):
    pid = here.parse_pid(str(counter))

    assert la.dispatch(pid, Counter.add, 2).get(LIMIT) == 2
    with pytest.raises(la.NotPassable, match=r"Counter\.opened .*: Counter has no such method; correct the name"):
        la.dispatch(pid, Gate.opened).get(LIMIT)


def test_only_marked_methods_can_be_called(there, counter):
    with pytest.raises(la.NotPassable, match=r"Counter\.private is not for other hosts; mark it"):
        la.dispatch(counter, Counter.private).get(LIMIT)

    la.tell(counter, Counter.private)

    assert la.dispatch(counter, Counter.add, 1).get(LIMIT) == 1
    assert there.dead_letters == 1


@pytest.mark.parametrize("error", [ValueError("no", 3), KeyError("k"), OSError(2, "gone")], ids=repr)
def test_what_a_handler_raises_is_raised_where_it_was_called(counter, error):
    with pytest.raises(type(error)) as raised:
        la.dispatch(counter, Counter.fail, error).get(LIMIT)

    assert raised.value.args == error.args


def test_an_error_that_cannot_cross_arrives_as_text(counter):
    class Local(Exception):
        pass

    there = counter._process.runtime
    assert there is not None
    with pytest.raises(la.NotPassable, match="Local"):
        la.dispatch(counter, Counter.fail, Local("deep"))


@pytest.mark.parametrize(
    "value", [threading.Lock(), la.Promise().future, lambda: 1, "\ud800"], ids=lambda v: type(v).__name__
)
def test_what_cannot_cross_is_refused_where_it_is_sent(counter, value):
    with pytest.raises(la.NotPassable):
        la.dispatch(counter, Counter.echo, value)

    assert la.dispatch(counter, Counter.add, 1).get(LIMIT) == 1


# Goal: nobody is sent from one refusal to the next. Method: what move() does not carry to another host either.
@pytest.mark.parametrize("value", [lambda: 1, collections.Counter("aa")], ids=lambda v: type(v).__name__)
def test_move_is_advised_within_one_host_only(counter, value):
    with pytest.raises(la.NotPassable, match=r"move\(\)( it)? within one host"):
        la.dispatch(counter, Counter.echo, value)
    with pytest.raises(la.NotPassable, match="one host only"):
        la.dispatch(counter, Counter.echo, la.move(value))


def test_what_is_moved_goes_by_value(counter):
    assert la.dispatch(counter, Counter.echo, la.move([1, [2]])).get(LIMIT) == [1, [2]]


def test_a_result_that_cannot_cross_fails_the_call(counter):
    with pytest.raises(la.NotPassable, match="result of"):
        la.dispatch(counter, Counter.lock).get(LIMIT)


def test_execute_is_for_actors_of_the_own_program(counter):
    with pytest.raises(la.NotPassable, match="execute: a function runs in one program only"):
        la.execute(counter, lambda: 1)


def test_the_end_of_an_actor_elsewhere_is_a_matter_of_links(counter):
    with pytest.raises(RuntimeError, match="only a link tells of"):
        la.wait(counter)
    with pytest.raises(RuntimeError, match="only a link tells of"):
        la.stopped(counter)


def test_a_message_arrives_with_its_sender_who_can_be_answered(here, there, counter):
    caller = la.spawn(Caller("caller"))

    la.dispatch(caller, Caller.post, counter, Hit(1)).get(LIMIT)
    la.post(counter, Hit(2))

    assert la.dispatch(counter, Counter.notes).get(LIMIT) == ((Hit(1), caller), (Hit(2), None))


def test_a_sender_that_nobody_could_answer_is_refused(counter):
    with la.Runtime() as alone:
        sender = alone.spawn(Caller())

        with pytest.raises(la.NotPassable, match="runtime that nobody can reach"):
            la.post(counter, Hit(1), sender)
        with pytest.raises(la.NotPassable, match="runtime that nobody can reach"):
            la.dispatch(counter, Counter.echo, sender)


def test_what_one_sends_to_another_arrives_in_order(here, counter):
    caller = la.spawn(Caller())

    found = la.dispatch(caller, Caller.tell_all, counter, 2000).get(LIMIT)

    assert found == tuple(x for n in range(2000) for x in (n, (Hit(n), caller)))


def test_calls_of_a_thread_arrive_in_order(counter):
    answers = [la.dispatch(counter, Counter.add, 1) for _ in range(3000)]

    assert [answer.get(LIMIT) for answer in answers] == list(range(1, 3001))


def test_pids_in_values_are_live_where_they_arrive(here, there, counter):
    gate = la.spawn(Gate())

    answer = la.dispatch(counter, Counter.wait_for, gate)
    la.tell(gate, Gate.open, "sesame")

    assert answer.get(LIMIT) == "sesame"
    assert la.dispatch(counter, Counter.echo, [counter, gate]).get(LIMIT) == [counter, gate]
    assert la.dispatch(counter, Counter.echo, gate).get(LIMIT)._process is gate._process


def test_a_discard_crosses_and_its_outcome_comes_back(here, there):
    pid = here.parse_pid(str(there.spawn(Gate())), Gate)
    answer = la.dispatch(pid, Gate.opened)
    la.dispatch(pid, Gate.discards).get(LIMIT)

    answer.discard()

    assert la.dispatch(pid, Gate.was_discarded).get(LIMIT)


def test_a_call_of_an_actor_that_stops_is_abandoned_with_its_reason(here, there):
    pid = here.parse_pid(str(there.spawn(Gate())), Gate)
    answer = la.dispatch(pid, Gate.opened)

    la.dispatch(pid, Gate.discards).get(LIMIT)
    la.terminate(pid)

    with pytest.raises(la.Abandoned) as raised:
        la.dispatch(pid, Gate.opened).get(LIMIT)
    assert raised.value.pid == pid
    assert answer.is_pending()  # its promise is the test's, and lives


def test_a_call_of_nobody_is_abandoned_and_a_message_is_a_dead_letter(here, there, counter):
    nobody = here.parse_pid(f"nobody@{there.address}", Counter)

    la.tell(nobody, Counter.add, 1)
    la.post(nobody, Hit(1))

    with pytest.raises(la.Abandoned):
        la.dispatch(nobody, Counter.add, 1).get(LIMIT)
    assert there.dead_letters == 2


@pytest.mark.parametrize("forwards", [True, False])
def test_who_does_not_forward_hears_a_peer_only_in_the_name_of_its_own_actors(here, there, forwards, caplog):
    with la.Runtime(remote=la.Remote(forwards=forwards)) as careful:
        careful.spawn(Counter())
        pid = here.parse_pid(f"counter@{careful.address}", Counter)
        own, third = here.spawn(Counter("own")), here.parse_pid(f"counter@{there.address}", Counter)
        servant = here.parse_pid(f"counter@{careful.address}", Counter)  # the receiver's own actor

        for number, sender in enumerate([own, third, servant, None]):
            la.post(pid, Hit(number), sender=sender)

        heard = [message.n for message, _ in la.dispatch(pid, Counter.notes).get(LIMIT)]
        assert heard == ([0, 1, 2, 3] if forwards else [0, 3])
        assert careful.dead_letters == (0 if forwards else 2)
        assert ("in the name of an actor of another host" in caplog.text) is not forwards


def test_the_own_address_leads_to_the_own_actor(here):
    pid = la.spawn(Counter())

    assert here.parse_pid(str(pid))._process is pid._process
    assert la.parse_pid(str(pid), Counter) == pid


def test_the_own_address_leads_to_whoever_has_the_id_by_then(here):
    early = la.parse_pid(f"counter@{here.address}", Counter)
    with pytest.raises(la.Abandoned):
        la.dispatch(early, Counter.add, 1).get(LIMIT)

    la.spawn(Counter())

    assert la.dispatch(early, Counter.add, 1).get(LIMIT) == 1
    la.post(early, Hit(1))
    assert la.dispatch(early, Counter.notes).get(LIMIT) == ((Hit(1), None),)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (7, TypeError), ("", ValueError), ("counter", ValueError), ("@1.2.3.4:5", ValueError),
        ("a/b@1.2.3.4:5", ValueError), ("a@1.2.3.4", ValueError), ("a@1.2.3.4:0", ValueError),
        ("a@1.2.3.4:65536", ValueError), ("a@name.example:5", ValueError), ("a@b@1.2.3.4:5", ValueError),
        ("a@1.2.3.4:5" + "5" * 100_000, ValueError),
    ],
)  # fmt: skip
def test_what_is_no_pid_is_refused(here, text, error):
    with pytest.raises(error, match="parse_pid"):
        la.parse_pid(text)


@pytest.mark.parametrize(
    ("address", "flaw"),
    [
        ("10.0.0.6", "has no port"), ("10.0.0.6:", "has no port"), (":80", "has no port"),
        ("10.0.0.6:080", "begins with a 0"),
        ("10.0.0.6:65536", "too large"), ("10.0.0.6:" + "9" * 5000, "too large"), ("::1:80", "lacks its brackets"),
        ("10.0.0.6:٣", "has no port"), ("a b:80", "'a b:80', expected"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_address_is_said(address, flaw):
    with pytest.raises(ValueError, match=f"listen: got the address .*{flaw}"):
        la.Remote(address)


def test_a_class_of_no_actor_is_refused(here):
    with pytest.raises(TypeError, match="parse_pid: got <class 'int'>, expected the class of the actor"):
        la.parse_pid("a@10.0.0.6:80", int)


def test_a_class_that_is_none_is_refused(here):
    with pytest.raises(TypeError, match="parse_pid: got 7"):
        la.parse_pid("a@1.2.3.4:5", 7)


def test_a_runtime_without_an_address_says_so():
    with la.Runtime(), pytest.raises(RuntimeError, match=r"open it with Runtime\(remote=Remote"):
        la.parse_pid("a@1.2.3.4:5")


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"listen": 5}, TypeError, "listen: got 5"),
        ({"listen": "localhost:0"}, ValueError, "got the name 'localhost'"),
        ({"listen": "127.0.0.1"}, ValueError, "expected host:port"),
        ({"listen": "10.0.0.1:0"}, ValueError, "give secret="),
        ({"listen": "0.0.0.0:0", "secret": b"x" * 16}, ValueError, "advertise="),
        ({"advertise": "0.0.0.0:7"}, ValueError, "nobody can connect"),
        ({"secret": "text"}, TypeError, "expected bytes"),
        ({"secret": b"short"}, ValueError, "at least 16"),
        ({"frame_bytes_max": 1.5}, TypeError, "frame_bytes_max"),
        ({"frame_bytes_max": 0}, ValueError, "frame_bytes_max"),
        ({"buffer_bytes_max": 2**40}, ValueError, "buffer_bytes_max"),
        ({"silence_s": 0}, ValueError, "silence_s"),
        ({"forwards": "no"}, TypeError, "forwards='no', expected True or False"),
        ({"silence_s": float("nan")}, ValueError, "silence_s"),
        ({"connect_timeout_s": "1"}, TypeError, "connect_timeout_s"),
        ({"strangers_max": True}, TypeError, "strangers_max"),
    ],
)
def test_a_configuration_that_will_not_do_is_refused_at_once(given, error, text):
    with pytest.raises(error, match=text):
        la.Remote(**given)


def test_a_runtime_takes_nothing_but_a_remote():
    with pytest.raises(TypeError, match="expected a Remote"):
        la.Runtime(remote="127.0.0.1:0")


def test_a_port_that_is_taken_is_an_error_that_leaves_nothing(here):
    threads = threading.active_count()

    with pytest.raises(OSError, match="cannot listen on"):
        la.Runtime(remote=la.Remote(here.address))

    assert threading.active_count() == threads


def test_a_runtime_can_be_called_by_another_address(here):
    with la.Runtime(remote=la.Remote("0.0.0.0:0", advertise="127.0.0.2:0", secret=b"x" * 16)) as runtime:
        assert runtime.address.startswith("127.0.0.2:")
        assert str(runtime.spawn(Counter())) == f"counter@{runtime.address}"


def test_addresses_of_version_six_will_do():
    with la.Runtime(remote=la.Remote("[::1]:0")) as one, la.Runtime(remote=la.Remote("[::1]:0")) as other:
        pid = other.parse_pid(str(one.spawn(Counter())), Counter)

        assert la.dispatch(pid, Counter.add, 2).get(LIMIT) == 2


def test_remote_marks_methods_only():
    with pytest.raises(TypeError, match="remote: got 7"):
        la.remote(7)


@pytest.mark.parametrize(("mine", "yours"), [(b"x" * 16, None), (None, b"x" * 16), (b"x" * 16, b"y" * 16)])
def test_who_has_another_secret_is_not_talked_to(mine, yours):
    with la.Runtime(remote=la.Remote(secret=yours)) as one, la.Runtime(remote=la.Remote(secret=mine)) as other:
        pid = other.parse_pid(str(one.spawn(Counter())), Counter)

        with pytest.raises(la.Abandoned, match="no connection"):
            la.dispatch(pid, Counter.add, 2).get(LIMIT)


def test_who_has_the_same_secret_is():
    with la.Runtime(remote=la.Remote(secret=b"x" * 16)) as one, la.Runtime(remote=la.Remote(secret=b"x" * 16)) as other:
        pid = other.parse_pid(str(one.spawn(Counter())), Counter)

        assert la.dispatch(pid, Counter.add, 2).get(LIMIT) == 2


def test_both_sides_use_one_connection_that_stays(here, there, counter):
    back = there.parse_pid(str(la.spawn(Counter("back"))), Counter)

    for _ in range(3):
        la.dispatch(counter, Counter.add, 1).get(LIMIT)
        la.dispatch(back, Counter.add, 1).get(LIMIT)

    assert len(here._node.connections) == len(there._node.connections) == 1


def test_nobody_at_an_address_abandons_the_call(here):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        pid = la.parse_pid(f"a@127.0.0.1:{unused.getsockname()[1]}")

        with pytest.raises(la.Abandoned) as raised:
            la.dispatch(pid, Counter.add, 1).get(LIMIT)

    assert isinstance(raised.value.reason, la.Disconnected)


def test_a_close_leaves_no_descriptor_thread_or_port():
    def count():
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    before = count()
    one, other = la.Runtime(remote=la.Remote()), la.Runtime(remote=la.Remote())
    pid = one.parse_pid(str(other.spawn(Counter())), Counter)
    la.dispatch(pid, Counter.add, 1).get(LIMIT)

    one.close()
    other.close()

    assert count() == before
    la.Runtime(remote=la.Remote(one.address)).close()


def test_what_was_sent_before_a_close_arrives(there):
    counter = there.spawn(Counter())
    with la.Runtime(remote=la.Remote()) as runtime:
        pid = runtime.parse_pid(str(counter), Counter)
        for n in range(1000):
            la.tell(pid, Counter.note, n)

    # The other side serves what has arrived; it closes its end of the connection after that.
    assert len(la.dispatch(counter, Counter.notes).get(LIMIT)) == 1000


def test_threads_that_call_at_once_get_their_own_answers(counter):
    failures = []

    def call(number):
        for n in range(300):
            value = number * 1000 + n
            if la.dispatch(counter, Counter.echo, value).get(LIMIT) != value:
                failures.append(value)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)

    assert not failures
