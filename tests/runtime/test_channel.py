"""The bytes of a connection: what is put in leaves in order, what arrives is served frame by frame, once."""

# Both cores, over a pair of sockets. What the transport makes of it: test_remote*.py.

import select
import signal
import socket
import sys
import threading
from types import SimpleNamespace

import pytest

IN, OUT = select.EPOLLIN, select.EPOLLOUT
READ_BYTES = 256 * 1024
FRAME_MAX = 1 << 22
BUFFER_MAX = 1 << 20
HELPLESS = (
    "_go_on",
    "_close",
    "_flush_soon",
    "_read_soon",
    "give_back",
    "_overflow",
    "_end_here",
    "end_if_idle",
    "_greet",
)


@pytest.fixture
def pair():
    near, far = socket.socketpair()
    with near, far:
        yield near, far


@pytest.fixture
def make(core, pair):
    """A function that makes a channel on the near end, which notes what it is asked; ``direct``: without TLS."""

    def make(direct=True, sock=pair[0]):
        asked, frames = [], []
        methods = {name: lambda self, name=name: asked.append(name) for name in HELPLESS}
        methods["_serve"] = lambda self, frame: frames.append(frame)
        methods["break_"] = lambda self, error: (asked.append(error), setattr(self, "broken", error))
        methods["_break_malformed"] = lambda self, complaint: self.break_(ValueError(complaint))
        methods["_fail"] = lambda self, error: (_ for _ in ()).throw(error)
        methods["_begins"] = lambda self, mask: True
        kind = type("Noting", (core.ChannelCell,), methods)
        node = core.TrafficCell()
        context = SimpleNamespace(workers=None)
        channel = kind(node, sock, direct, {}, {}, context, FRAME_MAX, BUFFER_MAX, BUFFER_MAX)
        channel.open = True
        channel.asked, channel.frames = asked, frames
        return channel

    return make


def put(core, channel, *values):
    return core.append_frame(channel.outgoing, FRAME_MAX, *values)


def frames_of(core, *frames):
    data = bytearray()
    for values in frames:
        core.append_frame(data, FRAME_MAX, *values)
    return bytes(data)


def drain(end):
    """All that has been sent so far."""
    data = b""
    while True:
        try:
            data += end.recv(1 << 20, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return data


@pytest.mark.parametrize("direct", [True, False])
def test_what_is_put_in_is_sent_once_it_can_be(core, make, pair, direct):
    channel = make(direct)

    channel.sent(put(core, channel, "first"), True)
    before = drain(pair[1])
    channel.ready(OUT)

    assert before == b""
    assert drain(pair[1]) == frames_of(core, ["first"])
    assert channel.outgoing == b""
    assert (channel.node.frames_sent, channel.node.bytes_sent) == (1, len(frames_of(core, ["first"])))


def test_frames_that_follow_quickly_leave_together(core, make, pair):
    channel = make()
    channel.ready(OUT)
    channel.sent(put(core, channel, "first"), True)

    for number in range(3):
        channel.sent(put(core, channel, number))

    assert channel.asked == ["_flush_soon"]
    channel.flush()
    assert drain(pair[1]) == frames_of(core, ["first"], [0], [1], [2])


def test_what_the_system_does_not_take_goes_when_there_is_room(core, make, pair):
    channel = make()
    channel.ready(OUT)
    large = b"x" * (BUFFER_MAX * 3)

    channel.sent(put(core, channel, large), True)
    asked = list(channel.asked)
    data = drain(pair[1])
    while channel.outgoing:
        channel.ready(OUT)
        data += drain(pair[1])

    assert asked == ["give_back"]
    assert data == frames_of(core, [large])


@pytest.mark.parametrize("taken", [0, 1, 3, 4, 6, 7, 8, 40, 41, 42])
def test_of_what_was_not_sent_the_frames_are_known_of_which_nothing_was(core, make, taken):
    channel = make()
    sent = [[1], ["a text of twenty-nine characters"], [b"x" * 70_000], [4], [5]]
    whole = [frames_of(core, values) for values in sent]
    for values in sent:
        put(core, channel, *values)

    for _ in range(3):
        channel._took(taken)

    begun = [sum(map(len, whole[:count])) < 3 * taken for count in range(len(whole))]
    assert channel.node.bytes_sent == 3 * taken
    assert channel._take_unsent() == b"".join(frame for frame, cut in zip(whole, begun, strict=True) if not cut)
    assert (channel.outgoing, channel._take_unsent()) == (b"", b"")


def test_a_frame_that_was_begun_is_not_among_what_was_not_sent_and_the_next_is(core, make, pair):
    channel = make()
    channel.ready(OUT)
    channel.sent(put(core, channel, b"x" * 3 * BUFFER_MAX), True)
    first = len(channel._take_unsent())
    channel.sent(put(core, channel, 1), False)

    assert first == 0
    assert channel._take_unsent() == frames_of(core, [1])


def test_more_than_may_wait_is_told(core, make):
    channel = make()

    channel.sent(put(core, channel, b"x" * (BUFFER_MAX + 1)))
    told_of_the_first = list(channel.asked)
    channel.sent(put(core, channel, 1))

    assert "_overflow" not in told_of_the_first
    assert "_overflow" in channel.asked


def test_nothing_is_written_while_another_thread_writes_or_it_is_not_open(core, make, pair):
    channel = make()
    channel.ready(OUT)
    put(core, channel, 1)

    assert channel._begin_writing()
    assert not channel._begin_writing()
    channel.flush()
    channel._end_writing()
    channel.open = False
    channel.flush()

    assert drain(pair[1]) == b""


@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize("step", [1, 3, 1000])
def test_frames_arrive_whole_wherever_they_were_cut(core, make, pair, direct, step):
    channel = make(direct)
    sent = [[5, "one"], [], [6, b"two" * 20, None, -1.5], [7]]
    data = frames_of(core, *sent)

    for start in range(0, len(data), step):
        pair[1].sendall(data[start : start + step])
        channel.ready(IN)

    assert channel.frames == [tuple(values) for values in sent]
    assert (channel.node.frames_received, channel.node.bytes_received) == (4, len(data))
    assert channel.heard


def test_a_frame_larger_than_the_buffer_arrives_and_its_memory_is_given_back(core, make, pair):
    channel = make()
    large = b"x" * (5 * READ_BYTES)
    data = memoryview(frames_of(core, [9, large], [10]))

    while data:
        data = data[pair[1].send(data[:READ_BYTES], socket.MSG_DONTWAIT) :]
        channel.ready(IN)
    grown = len(channel._buffer)
    channel._shrink()

    assert channel.frames == [(9, large), (10,)]
    assert grown > 5 * READ_BYTES
    assert len(channel._buffer) == READ_BYTES


# Nobody takes the interpreter away, as the interval is long. A thread that the machine does not let run in time gets
# another chance.
def test_another_thread_runs_while_a_large_frame_arrives(core, make, pair):
    channel, ran, over, may_run = make(), [], [], threading.Semaphore(0)
    frame = frames_of(core, [9, b"x" * 3_000_000])

    def run():
        while may_run.acquire() and not over:
            ran.append(True)

    def has_turn():
        data = memoryview(frame)
        while data:
            data = data[pair[1].send(data[:READ_BYTES], socket.MSG_DONTWAIT) :]
            ran.clear()
            may_run.release()
            channel.ready(IN)
            if ran:
                return True
        channel._shrink()
        return False

    thread, interval = threading.Thread(target=run), sys.getswitchinterval()
    thread.start()
    sys.setswitchinterval(1_000)
    try:
        had_turn = any(has_turn() for _ in range(100))
    finally:
        sys.setswitchinterval(interval)
        over.append(True)
        may_run.release()
        thread.join()

    assert had_turn


@pytest.mark.parametrize(
    ("hostile", "complaint"),
    [
        (b"\0\0\0\0", "got 0 bytes"),
        (b"\xff\xff\xff\xff", "got 4294967295 bytes"),
        (b"\0\0\0\1\xc0", "no array"),
        (b"\0\0\0\2\x92\1", "cut short"),
        (b"\0\0\0\2\x90\1", "after its last value"),
    ],
)
def test_what_is_no_frame_is_told_after_what_came_before_and_nothing_after_it_is_served(
    core, make, pair, hostile, complaint
):
    channel = make()

    pair[1].sendall(frames_of(core, [8, "before"]) + hostile + frames_of(core, [9, "after"]))
    channel.ready(IN)
    channel.ready(IN)

    assert channel.frames == [(8, "before")]
    assert complaint in str(channel.broken)


def test_no_frame_is_served_after_the_one_that_broke_the_connection(core, make, pair):
    channel = make()
    type(channel)._serve = lambda self, frame: (self.frames.append(frame), self.break_(OSError("enough")))

    pair[1].sendall(frames_of(core, [8], [9]))
    channel.ready(IN)

    assert channel.frames == [(8,)]
    assert channel.asked[-1] == "_close"


def test_the_end_is_told_behind_what_was_sent_last(core, make, pair):
    channel = make()

    pair[1].sendall(frames_of(core, [8]))
    pair[1].shutdown(socket.SHUT_WR)
    channel.ready(IN | select.EPOLLRDHUP)

    assert channel.frames == [(8,)]
    assert channel.asked[0] == "_end_here"


def test_who_comes_to_read_while_another_does_leaves_a_mark(core, make, pair):
    channel = make()
    pair[1].sendall(frames_of(core, [8]))

    assert channel._begin_reading()
    channel.ready(IN)
    marked, read = channel._unread, list(channel.frames)
    channel._end_reading()
    channel.read()

    assert (marked, read) == (True, [])
    assert channel.frames == [(8,)]


def test_an_error_of_the_socket_breaks_it(core, make, pair):
    channel = make()
    pair[1].close()
    channel.ready(OUT)

    channel.sent(put(core, channel, 1), True)

    assert isinstance(channel.broken, BrokenPipeError)
    assert channel.asked[-1] == "_go_on"


def test_an_interrupt_while_a_frame_is_served_passes_and_others_can_read(core, make, pair):
    channel = make()
    serve = type(channel)._serve

    def interrupt(self, frame):
        type(channel)._serve = serve
        raise KeyboardInterrupt

    type(channel)._serve = interrupt
    pair[1].sendall(frames_of(core, [8]))

    with pytest.raises(KeyboardInterrupt):
        channel.ready(IN)
    pair[1].sendall(frames_of(core, [9]))
    channel.ready(IN)

    assert channel.frames == [(9,)]


@pytest.mark.parametrize("direct", [True, False])
def test_what_an_interrupt_leaves_is_served_by_who_reads_next(core, make, pair, direct):
    channel = make(direct)
    serve = type(channel)._serve

    def interrupt(self, frame):
        type(channel)._serve = serve
        raise KeyboardInterrupt

    type(channel)._serve = interrupt
    pair[1].sendall(frames_of(core, [8], [9], [10]) + b"\0\0\0\0")
    with pytest.raises(KeyboardInterrupt):
        channel.ready(IN)
    served_at_once, behind = list(channel.frames), channel._behind
    channel.read()

    assert (served_at_once, behind) == ([], True)
    assert channel.frames == [(9,), (10,)]
    assert not channel._behind
    assert "got 0 bytes" in str(channel.broken)


def test_what_fails_while_it_is_read_is_told(core, make, pair):
    channel = make()
    told = []
    type(channel)._fail = lambda self, error: told.append((error, self._reads))
    type(channel)._end_here = lambda self: 1 / 0

    pair[1].close()
    channel.ready(IN)

    assert [(type(error), reads) for error, reads in told] == [(ZeroDivisionError, False)]


@pytest.mark.parametrize("operation", ["send", "recv_into"])
def test_an_oserror_without_a_number_is_no_error_of_the_socket(core, make, pair, operation):
    class Socket:
        def __init__(self, sock):
            self.fileno, self.send, self.recv_into = sock.fileno, sock.send, sock.recv_into

    def fail(*_):
        raise TimeoutError("by a signal's handler")

    sock = Socket(pair[0])
    setattr(sock, operation, fail)
    channel = make(False, sock)
    put(core, channel, 1)

    with pytest.raises(TimeoutError, match="handler"):
        channel.ready(OUT) if operation == "send" else channel._read_once(0)

    assert channel.broken is None


@pytest.mark.real
def test_what_a_signal_s_handler_raises_while_a_thread_waits_to_read_is_no_error_of_the_socket(make):
    channel = make()

    def fail(*_):
        raise TimeoutError("by a signal's handler")

    def read():
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        channel._read_once(0)

    before = signal.signal(signal.SIGALRM, fail)
    try:
        with pytest.raises(TimeoutError, match="handler"):
            read()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert channel.broken is None


def test_before_it_is_open_bytes_are_for_the_greeting(core, make, pair):
    channel = make()
    channel.open = False
    taken = []

    def greet(self):
        taken.append(self._take_arrived())
        self._put_arrived(frames_of(core, [8]))
        self.open = True

    type(channel)._greet = greet
    pair[1].sendall(b"hello")
    channel.ready(IN)

    assert taken == [b"hello"]
    assert channel.frames == [(8,)]
