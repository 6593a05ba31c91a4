"""Poller: a runtime learns what arrives on descriptors on its own workers, whatever its actors do meanwhile."""

# Descriptors are real, so all of these are marked. What a test waits for is a future or a gate; timeouts are bounds on
#   failure. Edge triggered: a test reads what it is told of before it makes more arrive.

import errno
import logging
import os
import select
import socket
import sys
import threading

import pytest

import libactor as la
from libactor.poller import Poller
from libactor.testing import DeterministicRuntime

pytestmark = pytest.mark.real

LIMIT = 60  # seconds; a bound on failure
SHORT = 0.01
LATER = 0.2  # seconds that the machine may be busy with others, amid a test


class Spinner(la.Actor):
    """Always has something to do, or blocks."""

    def __init__(self):
        super().__init__()
        self.spinning = True

    def spin(self):
        if self.spinning:
            la.tell(self.pid, Spinner.spin)

    def rest(self):
        self.spinning = False

    def block(self, gate):
        gate.value.wait(LIMIT)

    def wait(self, future):
        return future.get(LIMIT)


class Inbox:
    """What arrives on one end of a pair of sockets, as a stream of futures."""

    def __init__(self, runtime):
        self.near, self.far = socket.socketpair()
        self.near.setblocking(False)
        self.chunks = la.Queue()
        self.runtime = runtime
        runtime.poller.watch(self.near.fileno(), self.ready)

    def ready(self, mask):
        if mask & select.EPOLLIN:
            try:
                data = self.near.recv(1000)
            except BlockingIOError:  # the report was of something else
                return
            self.chunks.put((data, threading.current_thread().name))

    def next(self):
        return self.chunks.get().get(LIMIT)[0]

    def close(self):
        self.runtime.poller.forget(self.near.fileno())
        self.near.close()
        self.far.close()


def pass_by(runtime):
    """Wait until a worker has come to what it was asked before."""
    passed = la.Promise()
    runtime.poller.call(lambda: passed.set(None))
    passed.future.get(LIMIT)


@pytest.fixture
def runtime():
    with la.Runtime() as current:
        yield current


@pytest.fixture
def inbox(runtime):
    box = Inbox(runtime)
    yield box
    box.close()


def test_what_arrives_is_reported_in_a_worker_and_outside_of_actors(runtime, inbox):
    inbox.far.send(b"hello")

    data, thread = inbox.chunks.get().get(LIMIT)

    assert data == b"hello"
    assert thread.startswith(f"{runtime.address}-worker-")


def test_a_descriptor_that_is_ready_when_it_is_watched_is_reported(runtime):
    near, far = socket.socketpair()
    reported = la.Promise()
    far.send(b"before")

    runtime.poller.watch(near.fileno(), reported.set)

    assert reported.future.get(LIMIT) & select.EPOLLIN
    runtime.poller.forget(near.fileno())
    near.close()
    far.close()


def test_each_arrival_is_reported_again(inbox):
    for number in range(100):
        inbox.far.send(b"%d" % number)
        assert inbox.next() == b"%d" % number


def test_the_end_of_the_other_side_is_reported(runtime):
    near, far = socket.socketpair()
    ended = la.Promise()
    runtime.poller.watch(near.fileno(), lambda mask: ended.set(mask) if mask & select.EPOLLRDHUP else None)

    far.close()

    assert ended.future.get(LIMIT) & select.EPOLLRDHUP
    runtime.poller.forget(near.fileno())
    near.close()


def test_actors_that_always_have_something_to_do_do_not_keep_arrivals_waiting(runtime, inbox):
    pids = [la.spawn(Spinner()) for _ in range(3)]
    for pid in pids:
        la.tell(pid, Spinner.spin)

    inbox.far.send(b"through")

    assert inbox.next() == b"through"
    for pid in pids:
        la.dispatch(pid, Spinner.rest).get(LIMIT)


# Goal: whoever takes over the charge polls. Method: the handlers would end only after what is to arrive.
def test_a_handler_that_blocks_does_not_keep_arrivals_waiting(runtime, inbox):
    gate = la.Shared(threading.Event())
    pids = [la.spawn(Spinner()) for _ in range(3)]
    blocked = [la.dispatch(pid, Spinner.block, gate) for pid in pids]

    inbox.far.send(b"through")

    assert inbox.next() == b"through"
    gate.value.set()
    la.collect(blocked).get(LIMIT)


def test_a_handler_may_wait_for_what_only_an_arrival_brings(runtime):
    near, far = socket.socketpair()
    arrived = la.Promise()
    runtime.poller.watch(near.fileno(), lambda mask: arrived.set(mask) if mask & select.EPOLLIN else None)
    answer = la.dispatch(la.spawn(Spinner()), Spinner.wait, arrived.future)

    far.send(b"go on")

    assert answer.get(LIMIT) & select.EPOLLIN
    runtime.poller.forget(near.fileno())
    near.close()
    far.close()


# Goal: invariant 2 of the poller. Method: the first callback blocks until the others were told, which were noted by
# the same look at epoll.
def test_a_callback_that_blocks_holds_up_no_other_descriptor(runtime):
    gate = threading.Event()
    told = la.Queue()
    pairs = [socket.socketpair() for _ in range(4)]

    def ready(number):
        if number == 0:
            gate.wait(LIMIT)
        told.put(number)

    def watch_all():
        for number, (near, _) in enumerate(pairs):
            runtime.poller.watch(near.fileno(), lambda mask, number=number: ready(number))

    for _, far in pairs:
        far.send(b"x")
    runtime.poller.call(watch_all)
    others = sorted(told.get().get(LIMIT) for _ in range(3))
    gate.set()

    assert others == [1, 2, 3]
    assert told.get().get(LIMIT) == 0
    for near, far in pairs:
        runtime.poller.forget(near.fileno())
        near.close()
        far.close()


# Goal: never twice at the same time for one descriptor. Method: while its callback blocks another worker is told of
# more; it leaves that to the first.
def test_callbacks_of_one_descriptor_come_one_after_the_other(runtime):
    near, far = socket.socketpair()
    near.setblocking(False)
    inside, gate, order = la.Promise(), threading.Event(), la.Queue()
    first = threading.Lock()

    def ready(mask):
        order.put("in")
        if first.acquire(blocking=False):
            inside.set(None)
            gate.wait(LIMIT)
        order.put("out")

    far.send(b"x")
    runtime.poller.watch(near.fileno(), ready)
    inside.future.get(LIMIT)
    far.send(b"y")
    pass_by(runtime)  # by a worker that has looked at epoll since
    gate.set()

    assert [order.get().get(LIMIT) for _ in range(4)] == ["in", "out", "in", "out"]
    runtime.poller.forget(near.fileno())
    near.close()
    far.close()


def test_a_callback_that_raises_is_logged_and_the_next_arrival_is_reported(runtime, caplog):
    near, far = socket.socketpair()
    near.setblocking(False)
    told = la.Queue()

    def ready(mask):
        data = near.recv(100)
        told.put(data)
        if data == b"bad":
            raise ValueError("of the test")

    far.send(b"bad")
    with caplog.at_level(logging.ERROR, logger="libactor"):
        runtime.poller.watch(near.fileno(), ready)
        assert told.get().get(LIMIT) == b"bad"
        far.send(b"good")
        assert told.get().get(LIMIT) == b"good"

    assert "a callback of the poller failed" in caplog.text
    assert "of the test" in caplog.text
    runtime.poller.forget(near.fileno())
    near.close()
    far.close()


# Goal: an exit is of one callback. Method: both are there before the worker looks, so nothing else wakes it.
def test_a_call_that_exits_does_not_keep_the_next_one_waiting(runtime, caplog):
    made = la.Promise()

    class Asking(la.Actor):
        def ask(self):
            runtime.poller.call(sys.exit)
            runtime.poller.call(lambda: made.set("made"))

    la.dispatch(la.spawn(Asking()), Asking.ask).get(LIMIT)

    assert made.future.get(LIMIT) == "made"


# Goal: what has arrived on a descriptor is not told of another one of its number. Method: both are told of by one look
# at epoll; whichever comes first ends the other, whose number is that of a third, on which nothing has arrived.
def test_nothing_is_reported_of_a_new_descriptor_that_arrived_on_one_of_its_number_before(runtime):
    pairs = [socket.socketpair() for _ in range(2)]
    replaced, told = la.Promise(), la.Queue()

    def replace(index):
        if replaced.future.is_ready():
            return
        near = pairs[1 - index][0]
        number = near.fileno()
        runtime.poller.forget(number)
        near.close()
        new = socket.socketpair()
        pairs.append(new)
        assert number in (new[0].fileno(), new[1].fileno())
        runtime.poller.watch(number, told.put)
        replaced.set(None)

    def watch_all():
        for index, (near, _) in enumerate(pairs):
            runtime.poller.watch(near.fileno(), lambda mask, index=index: replace(index))

    for _, far in pairs:
        far.send(b"x")
    runtime.poller.call(watch_all)

    replaced.future.get(LIMIT)
    assert told.get().get(LIMIT) == select.EPOLLOUT
    for near, far in pairs:
        runtime.poller.forget(near.fileno())
        runtime.poller.forget(far.fileno())
        near.close()
        far.close()


class Brought:
    """In the place of the run queue: what epoll has brought is what a test says."""

    def __init__(self):
        self.pairs = []

    def poll_by(self, epoll, bell):
        pass

    def arrivals(self):
        pairs, self.pairs = self.pairs, []
        return pairs

    def run_watched(self, function, *arguments):
        function(*arguments)


@pytest.fixture
def brought():
    return Brought()


@pytest.fixture
def poller(brought):
    current = Poller("test", brought)
    yield current
    current.close()


# Goal: the same if epoll had brought it before the other one was forgotten, in another thread, and nobody had taken it.
def test_what_epoll_has_brought_of_a_descriptor_before_is_not_reported_of_the_next_of_its_number(poller, brought):
    told = []
    old, new = os.pipe(), socket.socketpair()
    poller.watch(old[0], told.append)
    poller.serve_arrivals()

    poller.forget(old[0])
    os.dup2(new[0].fileno(), old[0])
    poller.watch(old[0], told.append)
    brought.pairs = [(old[0], select.EPOLLIN | select.EPOLLHUP)]
    poller.serve_arrivals()

    assert told == []
    brought.pairs = [(old[0], select.EPOLLOUT)]
    poller.serve_arrivals()
    assert told == [select.EPOLLOUT]
    poller.forget(old[0])
    for descriptor in old:
        os.close(descriptor)
    for end in new:
        end.close()


@pytest.mark.parametrize("takes", [0, 1, 2])
def test_what_arrives_on_a_new_descriptor_is_reported_as_it_is(poller, brought, takes):
    told = []
    near, far = socket.socketpair()
    poller.watch(near.fileno(), told.append)
    for _ in range(takes):
        poller.serve_arrivals()
    far.close()

    brought.pairs = [(near.fileno(), select.EPOLLIN | select.EPOLLHUP | select.EPOLLRDHUP)]
    poller.serve_arrivals()

    assert told == [select.EPOLLIN | select.EPOLLHUP | select.EPOLLRDHUP]
    poller.forget(near.fileno())
    near.close()


def test_nothing_is_reported_of_what_was_forgotten(runtime, inbox):
    told = []
    near, far = socket.socketpair()
    runtime.poller.watch(near.fileno(), told.append)
    runtime.poller.forget(near.fileno())
    told.clear()

    far.send(b"late")
    inbox.far.send(b"through")
    inbox.next()

    assert told == []
    near.close()
    far.close()


def test_what_was_lent_is_reported_once_it_is_taken_back(runtime, inbox):
    fd = inbox.near.fileno()
    runtime.poller.lend(fd)
    inbox.far.send(b"mine")
    pass_by(runtime)

    read_here = inbox.near.recv(100)
    inbox.far.send(b"yours")
    runtime.poller.take_back(fd)

    assert read_here == b"mine"
    assert inbox.next() == b"yours"


# Goal: a broken descriptor is told of once, and not for ever, while somebody else is to read it.
class Late:
    """An epoll before whose register another thread has had the descriptor forgotten."""

    def __init__(self, poller):
        self.epoll, self.poller, self.unregister = poller._epoll, poller, poller._epoll.unregister

    def register(self, fd, events):
        self.poller.forget(fd)
        self.epoll.register(fd, events)


def test_what_is_forgotten_before_it_is_watched_indeed_is_not_watched(poller):
    near, far = socket.socketpair()
    with near, far:
        epoll = poller._epoll
        poller._epoll = Late(poller)

        poller.watch(near.fileno(), print)

        poller._epoll = epoll
        assert near.fileno() not in poller._watched
        with pytest.raises(FileNotFoundError):
            epoll.unregister(near.fileno())


class Closing:
    """An epoll before whose modify another thread has had the descriptor forgotten, closed and made anew."""

    def __init__(self, poller):
        self.epoll, self.poller = poller._epoll, poller
        self.unregister, self.register = self.epoll.unregister, self.epoll.register

    def modify(self, fd, events):
        self.poller.forget(fd)
        try:
            self.epoll.modify(fd, events)
        finally:
            self.poller.watch(fd, print)


@pytest.mark.parametrize("operation", ["lend", "take_back"])
def test_what_another_thread_replaces_meanwhile_is_no_error_of_who_lends_it_or_takes_it_back(poller, operation):
    near, far = socket.socketpair()
    with near, far:
        poller.watch(near.fileno(), print)
        before = poller._watched[near.fileno()]
        poller._epoll = Closing(poller)

        getattr(poller, operation)(near.fileno())

        poller._epoll = poller._epoll.epoll
        assert poller._watched[near.fileno()] is not before


def test_what_breaks_while_it_is_lent_does_not_keep_the_worker_busy(runtime):
    near, far = socket.socketpair()
    told = []
    runtime.poller.watch(near.fileno(), told.append)
    runtime.poller.lend(near.fileno())
    pass_by(runtime)
    told.clear()

    far.close()
    for _ in range(20):
        pass_by(runtime)

    assert len(told) <= 1
    runtime.poller.forget(near.fileno())
    near.close()


def test_calls_are_made_in_order_by_a_worker(runtime):
    order = la.Queue()

    for number in range(2000):
        runtime.poller.call(lambda number=number: order.put((number, threading.current_thread().name)))

    made = [order.get().get(LIMIT) for _ in range(2000)]
    assert [number for number, _ in made] == list(range(2000))
    assert {name.partition("-worker")[0] for _, name in made} == {runtime.address}


def test_an_alarm_comes_in_real_time_even_while_the_clock_is_paused(runtime):
    rung = la.Promise()
    runtime.clock.pause()

    runtime.poller.after(SHORT, lambda: rung.set("rung"))

    assert rung.future.get(LIMIT) == "rung"


def test_alarms_come_in_the_order_of_their_times_and_not_when_cancelled(runtime):
    order = la.Queue()
    runtime.poller.after(2 * LATER, lambda: order.put("last"))
    cancelled = runtime.poller.after(LATER, lambda: order.put("never"))
    runtime.poller.after(SHORT, lambda: order.put("first"))

    assert cancelled.cancel() is True
    assert cancelled.cancel() is False
    assert [order.get().get(LIMIT) for _ in range(2)] == ["first", "last"]


def test_an_alarm_that_was_rung_cannot_be_cancelled(runtime):
    rung = la.Promise()
    alarm = runtime.poller.after(0, lambda: rung.set(None))
    rung.future.get(LIMIT)

    assert alarm.cancel() is False


def test_what_cannot_be_watched_is_refused_and_leaves_nothing(runtime, tmp_path):
    with open(tmp_path / "file", "wb") as file, pytest.raises(PermissionError) as refused:
        runtime.poller.watch(file.fileno(), print)

    assert refused.value.errno == errno.EPERM
    with pytest.raises(ValueError, match="descriptor"):
        runtime.poller.watch(-1, print)
    runtime.poller.forget(-1)


def test_what_is_watched_cannot_be_watched_by_another(runtime, inbox):
    with pytest.raises(FileExistsError):
        runtime.poller.watch(inbox.near.fileno(), print)

    inbox.far.send(b"still")
    assert inbox.next() == b"still"


def test_closers_are_called_last_first_when_the_actors_have_stopped(runtime):
    order = []
    pid = la.spawn(Spinner())
    runtime.poller.at_close(lambda timeout: order.append(("first", la.stopped(pid).is_ready())) or [])
    runtime.poller.at_close(lambda timeout: order.append(("second", timeout)) or [])

    runtime.close(7)

    assert order == [("second", 7), ("first", True)]


def test_what_would_not_end_is_named_by_close_and_a_closer_that_raises_is_logged(caplog):
    runtime = la.Runtime()
    runtime.poller.at_close(lambda timeout: ["a thing of the test"])
    runtime.poller.at_close(lambda timeout: 1 / 0)

    with pytest.raises(RuntimeError, match="a thing of the test"):
        runtime.close()

    assert "closing failed" in caplog.text


def test_a_closed_runtime_has_given_back_every_descriptor():
    before = set(os.listdir("/proc/self/fd"))
    with la.Runtime() as runtime:
        near, far = socket.socketpair()
        runtime.poller.watch(near.fileno(), print)
        poller = runtime.poller
    near.close()
    far.close()

    assert set(os.listdir("/proc/self/fd")) <= before
    with pytest.raises(RuntimeError, match="closed"):
        poller.watch(0, print)


def test_a_poller_that_may_watch_nothing_has_given_back_every_descriptor(brought, monkeypatch):
    before = set(os.listdir("/proc/self/fd"))

    class Refusing:
        def register(self, *_):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(select, "epoll", Refusing)
    with pytest.raises(OSError, match="No space left"):
        Poller("test", brought)

    assert set(os.listdir("/proc/self/fd")) <= before


def test_a_runtime_that_could_not_listen_has_given_back_every_descriptor(monkeypatch):
    before = set(os.listdir("/proc/self/fd"))

    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Poller, "watch", refuse)
    with pytest.raises(OSError, match="No space left"):
        la.Runtime(remote=la.Remote("127.0.0.1:0"))

    assert set(os.listdir("/proc/self/fd")) <= before


def test_a_runtime_that_was_closed_makes_no_poller():
    with la.Runtime() as runtime:
        pass

    with pytest.raises(RuntimeError, match="closed; make a new one"):
        _ = runtime.poller


def test_a_deterministic_runtime_says_that_it_has_none():
    with DeterministicRuntime(1) as runtime, pytest.raises(RuntimeError, match="no descriptors"):
        _ = runtime.poller


def test_what_is_kept_is_made_once_and_ended_in_reverse_order():
    made, ended = [], []

    class Kept:
        def __init__(self, poller):
            made.append(self)

        def end(self, timeout):
            ended.append((type(self).__name__, timeout))
            return []

        def orphan(self):
            """Nothing to let go of."""

    class Upper(Kept):
        def __init__(self, poller):
            super().__init__(poller)
            self.lower = poller.keep(Kept)

    with la.Runtime() as runtime:
        poller = runtime.poller
        assert poller.keep(Upper) is poller.keep(Upper)
        assert poller.keep(Kept) is poller.keep(Upper).lower

    assert len(made) == 2
    assert [name for name, _ in ended] == ["Upper", "Kept"]
    with pytest.raises(RuntimeError, match="is closed; make a new one"):
        poller.keep(object)


def test_what_would_not_end_is_told_by_close():
    class Stubborn:
        def __init__(self, poller):
            """Nothing to begin with."""

        def end(self, timeout):
            return ["process 7"]

        def orphan(self):
            """Nothing to let go of."""

    runtime = la.Runtime()
    runtime.poller.keep(Stubborn)

    with pytest.raises(RuntimeError, match="process 7"):
        runtime.close()


def test_a_forked_child_gives_its_copies_back_and_the_parent_s_go_on(program):
    script = """
import os, socket, libactor as la
runtime = la.Runtime()
near, far = socket.socketpair()
near.setblocking(False)
told = la.Queue()
runtime.poller.watch(near.fileno(), lambda mask: told.put(near.recv(100)) if mask & 1 else None)
kept = len(os.listdir("/proc/self/fd"))
child = os.fork()
if child == 0:
    try:
        runtime.poller
    except la.ForkedRuntime:
        os._exit(len(os.listdir("/proc/self/fd")) - kept + 10)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
far.send(b"for the parent")
print(told.get().get(60))
runtime.close()
near.close(); far.close()
"""

    output = program("import warnings; warnings.simplefilter('ignore')\n" + script).splitlines()

    assert int(output[0]) <= 8  # epoll and its bell at least
    assert output[1] == "b'for the parent'"
