"""Pipes to programs: those of our own hold more once they were full; named ones keep nobody waiting."""

import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import libactor as la
from libactor.io import operations
from libactor.io.operations import WIDE_BYTES
from libactor.subprocess import PIPE, Append, start

pytestmark = pytest.mark.real

BOUND_SECONDS = 120  # a bound on failure: no test waits this long
PIPE_BYTES = 65_536  # what a pipe holds

# It writes so much and then says on the other pipe that it has.
FULL = f"head -c {PIPE_BYTES} /dev/zero; echo full >&2; head -c {PIPE_BYTES} /dev/zero"


@pytest.fixture(autouse=True)
def runtime() -> Iterator[la.Runtime]:
    with la.Runtime() as current:
        assert current.poller  # made here, so that tests may count descriptors
        yield current


def room(stream) -> int:
    """How many bytes its pipe holds."""
    return fcntl.fcntl(stream.fileno(), fcntl.F_GETPIPE_SZ)


def test_a_pipe_that_was_full_of_output_is_widened():
    child = start(FULL, stdout=PIPE, stderr=PIPE)
    assert child.stderr.read().get(BOUND_SECONDS) == b"full\n"

    first = child.stdout.read().get(BOUND_SECONDS)

    assert len(first) == PIPE_BYTES
    assert room(child.stdout) == WIDE_BYTES
    assert room(child.stderr) == PIPE_BYTES
    assert len(child.stdout.read_all().get(BOUND_SECONDS)) == PIPE_BYTES


def test_a_pipe_for_input_that_is_full_is_widened():
    child = start(["sleep", "1000"], stdin=PIPE)

    taken = child.stdin.write(bytes(WIDE_BYTES))
    more = child.stdin.write(b"x")

    assert taken.get(BOUND_SECONDS) is None
    assert room(child.stdin) == WIDE_BYTES
    assert more.is_pending()


# Goal: the system bounds what the pipes of a user hold; who may have no more does with what he has. Method: it says so.
def test_where_no_pipe_may_be_widened_everything_comes_all_the_same(monkeypatch: pytest.MonkeyPatch):
    real, refused = fcntl.fcntl, []

    def refuse(descriptor, operation, *argument):
        if operation == fcntl.F_SETPIPE_SZ:
            refused.append(argument)
            raise PermissionError(errno.EPERM, "Operation not permitted")
        return real(descriptor, operation, *argument)

    monkeypatch.setattr(operations.fcntl, "fcntl", refuse)
    child = start(FULL, stdout=PIPE, stderr=PIPE)
    child.stderr.read().get(BOUND_SECONDS)

    first = child.stdout.read().get(BOUND_SECONDS)
    rest = child.stdout.read_all().get(BOUND_SECONDS)

    assert refused == [(WIDE_BYTES,)]
    assert len(first) + len(rest) == 2 * PIPE_BYTES


def test_errors_of_a_pipe_say_which_stream_of_the_program_it_is():
    child = start("echo four; echo five >&2", stdout=PIPE, stderr=PIPE)

    with pytest.raises(OSError, match="read_all: stdout: more than the limit of 4 bytes came; allow more"):
        child.stdout.read_all(limit=4).get(BOUND_SECONDS)
    with pytest.raises(OSError, match="read_all: stderr: more than the limit of 0 bytes"):
        child.stderr.read_all(limit=0).get(BOUND_SECONDS)
    assert repr(child.stderr) == "<Stream stderr, 0 reading, 0 writing>"


@pytest.fixture
def named(tmp_path: Path) -> Path:
    path = tmp_path / "named"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("stream", ["stdin", "stdout", "stderr"])
def test_a_named_pipe_that_nobody_has_open_is_refused_at_once(named: Path, stream: str):
    before = set(os.listdir("/proc/self/fd"))

    with pytest.raises(OSError, match=f"as {stream}: nobody has the other side of this named pipe open") as refused:
        start(["cat"], **{stream: named if stream != "stderr" else Append(named)})

    assert refused.value.errno == errno.ENXIO
    assert set(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("early", [b"", b"early "])
def test_a_named_pipe_is_read_from_until_its_writer_has_gone(named: Path, early: bytes):
    writer = os.open(named, os.O_RDWR)
    os.write(writer, early)

    child = start(["cat"], stdin=named, stdout=PIPE)
    os.write(writer, b"late")
    os.close(writer)

    assert child.stdout.read_all().get(BOUND_SECONDS) == early + b"late"


def test_a_named_pipe_that_somebody_reads_is_written_to(named: Path):
    reader = os.open(named, os.O_RDONLY | os.O_NONBLOCK)

    child = start("echo written", stdout=named)

    assert child.status.get(BOUND_SECONDS) == 0
    assert os.read(reader, 100) == b"written\n"
    os.close(reader)


# Goal: programs expect that reading and writing wait. Method: a program that looks.
@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_a_named_pipe_blocks_in_the_program(named: Path, stream: str):
    other = os.open(named, os.O_RDWR)
    flags = f"grep flags /proc/self/fdinfo/{0 if stream == 'stdin' else 1} >&2"

    child = start(flags, stderr=PIPE, **{stream: named})

    seen = int(child.stderr.read_all().get(BOUND_SECONDS).split()[1], 8)
    assert not seen & os.O_NONBLOCK
    os.close(other)
