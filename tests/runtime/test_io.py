"""Descriptors are waited for, read and written by futures: pipes, sockets, files and terminals."""

import os
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import libactor as la
from libactor import io

pytestmark = pytest.mark.real

BOUND_SECONDS = 30  # a bound on failure: no test waits this long
PIPE_BYTES = 65_536  # what a pipe holds

Pipe = Callable[[], tuple[int, int]]


@pytest.fixture(autouse=True)
def runtime(pipe) -> Iterator[la.Runtime]:
    """Current while the test runs; afterwards nothing of it is left."""
    with la.Runtime() as current:
        assert current.poller  # made here, so that it takes no number that a test has just closed
        yield current


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    first, second = socket.socketpair()
    with first, second:
        yield first, second


def fill(descriptor: int) -> int:
    """Write until nothing more goes in; how much that was."""
    os.set_blocking(descriptor, False)
    count = 0
    try:
        while True:
            count += os.write(descriptor, bytes(4096))
    except BlockingIOError:
        return count


# LP IOTest.PollRead
def test_poll_waits_until_there_is_something_to_read(pipe: Pipe):
    read, write = pipe()
    ready = io.poll(read, io.READ)
    assert ready.is_pending()

    os.write(write, b"hi")

    assert ready.get(BOUND_SECONDS) == io.READ
    assert io.poll(read, io.READ).get(0) == io.READ


# LP IOTest.PollWrite
def test_poll_waits_until_there_is_room_to_write(pipe: Pipe):
    read, write = pipe()
    assert io.poll(write, io.WRITE).get(0) == io.WRITE
    fill(write)
    ready = io.poll(write, io.WRITE)
    assert ready.is_pending()

    os.read(read, PIPE_BYTES)

    assert ready.get(BOUND_SECONDS) == io.WRITE


def test_poll_tells_of_several_events_which_have_come(sockets):
    first, second = sockets

    assert io.poll(first, io.READ | io.WRITE).get(BOUND_SECONDS) == io.WRITE
    second.send(b"x")
    assert io.poll(first, io.READ | io.WRITE).get(BOUND_SECONDS) == io.READ | io.WRITE


def test_the_other_side_that_closes_ends_a_poll(pipe: Pipe):
    read, write = pipe()
    ready = io.poll(read)

    os.close(write)

    assert ready.get(BOUND_SECONDS) == io.READ


@pytest.mark.parametrize("begin", [io.poll, io.read, io.read_all], ids=lambda function: function.__name__)
def test_a_discard_gives_up_waiting_and_takes_nothing(pipe: Pipe, begin):
    read, write = pipe()
    future = begin(read)

    future.discard()
    os.write(write, b"left")

    assert future.is_discarded()
    assert os.read(read, 10) == b"left"


# LP IOTest.Read
def test_read_gives_what_is_there_and_nothing_at_the_end(pipe: Pipe):
    read, write = pipe()
    early = io.read(read, 3)
    assert early.is_pending()

    os.write(write, b"hello")

    assert early.get(BOUND_SECONDS) == b"hel"
    assert io.read(read, 3).get(BOUND_SECONDS) == b"lo"
    os.close(write)
    assert io.read(read, 3).get(BOUND_SECONDS) == b""


# LP IOTest.BufferedRead
@pytest.mark.parametrize("size", [0, 1, PIPE_BYTES - 1, PIPE_BYTES, 3_000_000])
def test_read_all_gives_everything_up_to_the_end(pipe: Pipe, tmp_path: Path, size: int):
    data = os.urandom(size)
    path = tmp_path / "data"
    path.write_bytes(data)
    read, write = pipe()

    everything = io.read_all(read)
    io.write(write, data).on_any(lambda _: os.close(write))

    assert everything.get(BOUND_SECONDS) == data
    with path.open("rb") as file:
        assert io.read_all(file).get(BOUND_SECONDS) == data


# Goal: what is gathered is not copied once more at the end. Method: twice its size is never allocated.
def test_read_all_holds_what_it_has_gathered_once(tmp_path: Path):
    size = 16_000_000
    path = tmp_path / "data"
    path.write_bytes(bytes(size))

    with path.open("rb") as file:
        tracemalloc.start()
        data = io.read_all(file).get(BOUND_SECONDS)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert len(data) == size
    assert peak < 1.5 * size


# Goal: a sender without end is not stored without end. Method: as many bytes as allowed, and one more.
def test_read_all_takes_as_much_as_the_limit_and_no_more(pipe: Pipe):
    read, write = pipe()
    os.write(write, b"1234")
    os.close(write)
    other, more = pipe()
    os.write(more, b"12345")

    assert io.read_all(read, 4).get(BOUND_SECONDS) == b"1234"
    with pytest.raises(OSError, match="more than the limit of 4 bytes"):
        io.read_all(other, limit=4).get(BOUND_SECONDS)


# LP IOTest.Write
def test_write_is_ready_once_everything_was_taken(pipe: Pipe):
    read, write = pipe()

    io.write(write, b"hello").get(BOUND_SECONDS)

    assert os.read(read, 10) == b"hello"
    os.close(read)
    with pytest.raises(BrokenPipeError, match="nobody reads the other end"):
        io.write(write, b"hello").get(BOUND_SECONDS)


# LP IOTest.BlockingWrite
@pytest.mark.parametrize("blocking", [True, False])
def test_write_goes_no_faster_than_the_other_side_reads(pipe: Pipe, blocking: bool):
    read, write = pipe()
    os.set_blocking(write, blocking)
    data = os.urandom(5 * PIPE_BYTES)

    written = io.write(write, data)
    assert written.is_pending()
    first = os.read(read, PIPE_BYTES)
    assert written.is_pending()
    rest = io.read_all(read)
    written.get(BOUND_SECONDS)
    os.close(write)

    assert first + rest.get(BOUND_SECONDS) == data
    assert os.get_blocking(read)


def test_a_write_that_was_begun_can_be_discarded(pipe: Pipe):
    read, write = pipe()
    written = io.write(write, bytes(2 * PIPE_BYTES))

    written.discard()
    os.close(write)

    assert written.is_discarded()
    assert len(io.read_all(read).get(BOUND_SECONDS)) <= PIPE_BYTES


def test_what_was_changed_after_a_write_is_written_as_it_was(pipe: Pipe):
    read, write = pipe()
    data = bytearray(2 * PIPE_BYTES)

    written = io.write(write, data)
    data[:] = b"x" * len(data)
    everything = io.read_all(read)
    written.on_any(lambda _: os.close(write)).get(BOUND_SECONDS)

    assert everything.get(BOUND_SECONDS) == bytes(2 * PIPE_BYTES)


# LP IOTest.Redirect
def test_redirect_copies_until_the_end_and_shows_each_piece_to_the_hooks(pipe: Pipe, tmp_path: Path):
    read, write = pipe()
    data = os.urandom(1_000_000)
    seen: list[bytes] = []

    with (tmp_path / "copy").open("wb") as target:
        copied = io.redirect(read, target, hooks=[seen.append])
    io.write(write, data).on_any(lambda _: os.close(write))
    copied.get(BOUND_SECONDS)

    assert (tmp_path / "copy").read_bytes() == data == b"".join(seen)


def test_redirect_to_nowhere_takes_everything(pipe: Pipe):
    read, write = pipe()
    copied = io.redirect(read, None)

    io.write(write, bytes(5 * PIPE_BYTES)).get(BOUND_SECONDS)
    os.close(write)

    assert copied.get(BOUND_SECONDS) is None


def test_redirect_reads_no_more_than_it_can_write(pipe: Pipe):
    read, write = pipe()
    other, full = pipe()
    fill(full)
    copied = io.redirect(read, full)

    io.write(write, b"one").get(BOUND_SECONDS)
    stuck = io.write(write, bytes(4 * PIPE_BYTES))
    assert stuck.is_pending()

    copied.discard()
    with pytest.raises(la.Discarded):
        copied.get(BOUND_SECONDS)
    stuck.discard()
    os.read(other, 1)


def test_a_hook_that_raises_ends_the_redirect(pipe: Pipe):
    read, write = pipe()
    copied = io.redirect(read, None, hooks=[lambda data: 1 // 0])

    os.write(write, b"x")

    with pytest.raises(ZeroDivisionError):
        copied.get(BOUND_SECONDS)


# Goal: what is always ready takes turns with the actors. Method: an endless copy, and an actor that is asked meanwhile.
def test_an_endless_redirect_holds_up_nobody_and_can_be_discarded():
    with open("/dev/zero", "rb") as source:
        copied = io.redirect(source, None)

    assert la.run(lambda: 7).get(BOUND_SECONDS) == 7
    copied.discard()
    with pytest.raises(la.Discarded):
        copied.get(BOUND_SECONDS)


def test_a_regular_file_and_a_device_are_always_ready(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(b"abc")

    with path.open("r+b") as file:
        assert io.poll(file, io.READ | io.WRITE).get(0) == io.READ | io.WRITE
        assert io.read(file, 2).get(0) == b"ab"
        assert io.write(file, b"X").get(0) is None
    with open("/dev/null", "r+b", buffering=0) as null:
        assert io.read_all(null).get(0) == b""
        assert io.write(null, b"x" * 100_000).get(0) is None
    assert path.read_bytes() == b"abX"


def test_a_terminal_gives_lines_and_its_other_side_an_end():
    master, slave = os.openpty()
    line = io.read(slave)
    assert line.is_pending()

    io.write(master, b"hello\n").get(BOUND_SECONDS)

    assert line.get(BOUND_SECONDS) == b"hello\n"
    os.close(slave)
    assert io.read_all(master).get(BOUND_SECONDS) == b"hello\r\n"  # its echo
    os.close(master)


# LP SocketTest.Unix
def test_a_socket_in_the_file_system_is_accepted_and_answers(tmp_path: Path):
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as client:
        listening.bind(os.fspath(tmp_path / "socket"))
        listening.listen()
        accepted = io.poll(listening, io.READ).then(lambda _: listening.accept()[0])
        client.connect(os.fspath(tmp_path / "socket"))
        with accepted.get(BOUND_SECONDS) as server, io.Stream(server) as stream:
            io.write(client, b"question").get(BOUND_SECONDS)
            assert stream.read().get(BOUND_SECONDS) == b"question"
            stream.write(b"answer").get(BOUND_SECONDS)
        assert io.read_all(client).get(BOUND_SECONDS) == b"answer"


# LP NetSocketTest.EOFBeforeRecv
def test_a_socket_that_was_closed_before_reads_as_its_end(sockets):
    first, second = sockets
    second.close()

    assert io.read(first).get(BOUND_SECONDS) == b""


# LP NetSocketTest.EOFAfterRecv
def test_a_socket_that_is_closed_while_somebody_reads_reads_as_its_end(sockets):
    first, second = sockets
    data = io.read(first)
    assert data.is_pending()

    second.close()

    assert data.get(BOUND_SECONDS) == b""


def test_a_stream_serves_several_readers_and_writers_in_order(sockets):
    first, second = sockets
    with io.Stream(first) as near, io.Stream(second) as far:
        pieces = [far.read(2) for _ in range(3)]
        sent = [near.write(bytes([number]) * 500_000) for number in range(4)]
        assert all(piece.is_pending() for piece in pieces[1:]) or pieces[0].is_ready()

        everything = far.read_all(limit=10_000_000)
        sent[3].get(BOUND_SECONDS)
        first.shutdown(socket.SHUT_WR)

        data = b"".join(piece.get(BOUND_SECONDS) for piece in pieces) + everything.get(BOUND_SECONDS)
        assert data == b"".join(bytes([number]) * 500_000 for number in range(4))


def test_a_reader_that_gives_up_leaves_its_turn_to_the_next(pipe: Pipe):
    read, write = pipe()
    with io.Stream(read) as stream:
        first, second = stream.read(), stream.read()

        first.discard()
        os.write(write, b"x")

        assert second.get(BOUND_SECONDS) == b"x"
        assert first.is_discarded()


def test_close_fails_those_who_wait_and_those_who_come_later(pipe: Pipe):
    read, _ = pipe()
    stream = io.Stream(read)
    waits = stream.read()

    stream.close()
    stream.close()

    with pytest.raises(OSError, match="closed while somebody waited"):
        waits.get(BOUND_SECONDS)
    with pytest.raises(OSError, match="the stream is closed"):
        stream.write(b"x").get(BOUND_SECONDS)
    assert stream.closed
    assert os.get_blocking(read)


def test_a_stream_that_nobody_holds_closes_its_descriptor(pipe: Pipe):
    read, write = pipe()
    stream = io.Stream(write)
    os.close(write)

    del stream

    assert os.read(read, 1) == b""


# Goal: who waits keeps a stream, holder or not. Method: only the answer to what was read is kept.
def test_a_stream_that_is_waited_for_lives(pipe: Pipe):
    read, write = pipe()
    length = io.Stream(read).read().then(len)

    os.write(write, b"four")

    assert length.get(BOUND_SECONDS) == 4


def test_the_last_write_closes_the_stream_when_it_is_through(pipe: Pipe):
    read, write = pipe()
    stream = io.Stream(write)
    os.close(write)

    stream.write(bytes(3 * PIPE_BYTES), last=True)

    assert len(io.read_all(read).get(BOUND_SECONDS)) == 3 * PIPE_BYTES


def test_a_closed_runtime_abandons_who_waits_and_lets_go_of_descriptors(pipe: Pipe):
    read, write = pipe()
    with la.Runtime():
        data, stream = io.read(read), io.Stream(read)
        also, copied = stream.read(), io.redirect(read, None)

    for future in (data, also, copied):
        with pytest.raises(la.Abandoned, match="the runtime was closed"):
            future.get(BOUND_SECONDS)
    assert stream.closed
    os.write(write, b"left")
    assert os.read(read, 10) == b"left"


def test_a_closed_runtime_takes_nothing_new(pipe: Pipe):
    read, _ = pipe()
    with la.Runtime() as closed:
        io.Stream(read).close()

    with pytest.raises(RuntimeError, match="is closed"):
        io.read(read, runtime=closed)
    with pytest.raises(RuntimeError, match="is closed"):
        io.Stream(read, runtime=closed)


# Goal: the number of a descriptor may stand for another file soon. Method: close and reopen under the same number.
def test_a_descriptor_that_is_closed_while_it_is_waited_for_confuses_nobody(pipe: Pipe, tmp_path: Path):
    read, write = pipe()
    data = io.read(read)
    os.close(read)
    (tmp_path / "other").write_bytes(b"other")
    other = os.open(tmp_path / "other", os.O_RDONLY)

    os.write(write, b"mine")

    assert data.get(BOUND_SECONDS) == b"mine"
    assert io.read(other).get(BOUND_SECONDS) == b"other"
    os.close(other)


@pytest.mark.parametrize("begin", [io.poll, io.read, io.read_all, lambda file: io.write(file, b"x")])
def test_a_closed_descriptor_fails_the_future(pipe: Pipe, begin):
    read, _ = pipe()
    os.close(read)

    with pytest.raises(OSError, match=f"descriptor {read}: Bad file descriptor; it is closed"):
        begin(read).get(BOUND_SECONDS)


def test_a_stream_of_a_closed_descriptor_is_an_error(pipe: Pipe):
    read, _ = pipe()
    os.close(read)

    with pytest.raises(OSError, match=f"Stream: cannot use descriptor {read}: Bad file descriptor"):
        io.Stream(read)
    with pytest.raises(OSError, match=f"redirect: cannot use descriptor {read}"):
        io.redirect(read, None)


def test_a_directory_cannot_be_read(tmp_path: Path):
    descriptor = os.open(tmp_path, os.O_RDONLY)

    with pytest.raises(IsADirectoryError, match="expected a file, a pipe"):
        io.read(descriptor).get(BOUND_SECONDS)
    os.close(descriptor)


def test_the_wrong_end_of_a_pipe_fails(pipe: Pipe):
    read, write = pipe()

    with pytest.raises(OSError, match="not open for that"):
        io.write(read, b"x").get(BOUND_SECONDS)
    with pytest.raises(OSError, match="not open for that"):
        io.read(write).get(BOUND_SECONDS)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: io.read("file"), TypeError, "expected a descriptor"),
        (lambda: io.read(True), TypeError, "expected a descriptor"),
        (lambda: io.read(-1), ValueError, "expected 0 or more"),
        (lambda: io.read(2**40), ValueError, "expected 0 or more"),
        (lambda: io.read(0, 0), ValueError, "expected 1 or more"),
        (lambda: io.read(0, "9"), TypeError, "expected a whole number"),
        (lambda: io.read_all(0, -1), ValueError, "expected 0 or more"),
        (lambda: io.write(1, "text"), TypeError, "expected bytes; encode"),
        (lambda: io.write(1, None), TypeError, "expected bytes"),
        (lambda: io.poll(0, 0), ValueError, "expected io.READ"),
        (lambda: io.poll(0, 64), ValueError, "expected io.READ"),
        (lambda: io.redirect(0, None, hooks=[7]), TypeError, "expected a function"),
    ],
)
def test_wrong_arguments_are_refused_at_once(call, error, words: str):
    with pytest.raises(error, match=words):
        call()


def test_a_deterministic_runtime_says_that_it_has_no_descriptors(pipe: Pipe):
    read, _ = pipe()
    with la.testing.DeterministicRuntime(1):
        for call in (io.read, io.poll, io.Stream, lambda file: io.redirect(file, None), lambda _: io.Watcher()):
            with pytest.raises(RuntimeError, match="deterministic"):
                call(read)


# Goal: readers and discards from several threads lose nothing and hang nothing. Method: all bytes are counted.
def test_threads_that_read_write_and_discard_lose_nothing(pipe: Pipe, runtime: la.Runtime, together):
    read, write = pipe()
    source, target = io.Stream(read, runtime=runtime), io.Stream(write, runtime=runtime)
    got: list[bytes] = []
    everything = threading.Event()

    def writer() -> None:
        for _ in range(200):
            target.write(b"x" * 1000).get(BOUND_SECONDS)

    def reader() -> None:
        while not everything.is_set():
            future = source.read(700)
            future.discard()
            future.on_ready(got.append)
            later = source.read(700).on_ready(got.append)
            while later.is_pending() and not everything.wait(0.001):
                later.discard()
            if sum(map(len, got)) >= 400_000:
                everything.set()

    together(writer, writer, reader, reader)

    assert sum(map(len, got)) == 400_000


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_the_child_of_a_fork_holds_no_end_of_a_pipe(pipe: Pipe, runtime: la.Runtime):
    read, write = pipe()
    gate, opened = pipe()
    stream = io.Stream(write)
    waits = stream.write(bytes(PIPE_BYTES * 2))
    os.close(write)
    child = os.fork()
    if child == 0:
        try:
            refused = False
            try:
                io.read(read, runtime=runtime)
            except la.ForkedRuntime:
                refused = True
            os.read(gate, 1)  # it lives on until the parent has seen the end
            os._exit(0 if refused and stream.closed else 1)
        finally:
            os._exit(2)

    everything = io.read_all(read)
    waits.on_any(lambda _: stream.close())

    assert len(everything.get(BOUND_SECONDS)) == PIPE_BYTES * 2
    os.write(opened, b"x")
    assert os.waitpid(child, 0)[1] == 0
