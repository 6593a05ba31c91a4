"""Who attaches to a container hears what it puts out, and gives it its input, over pipes or a terminal."""

import fcntl
import os
import queue
import signal
import sys
import termios
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mesoslite.model import Conflict, ContainerID, FrozenDocument, InvalidRequest, NotFound

from .bench import BOUND_SECONDS, MAKE, Bench

pytestmark = pytest.mark.real

SMALL = {"type": "MESOS", "tty_info": {"window_size": {"rows": 7, "columns": 33}}}


class Follower:
    """Hears output, until it has heard ``most`` pieces."""

    def __init__(self, most: int | None = None) -> None:
        self.out, self.error = bytearray(), bytearray()
        self.news: queue.Queue[bytes] = queue.Queue()
        self.over = threading.Event()
        self.pieces, self.most = 0, most

    def output(self, is_stderr: bool, data: bytes) -> bool:
        (self.error if is_stderr else self.out).extend(data)
        self.news.put(data)
        self.pieces += 1
        return self.pieces != self.most

    def ended(self) -> None:
        self.over.set()

    def until(self, text: bytes) -> None:
        """Wait until it was put out."""
        while text not in self.out + self.error:
            self.news.get(timeout=BOUND_SECONDS)

    def wait(self) -> bytes:
        assert self.over.wait(BOUND_SECONDS)
        return bytes(self.out)


class Answers:
    """What became of input."""

    def __init__(self) -> None:
        self.come: queue.Queue[bool] = queue.Queue()

    def __call__(self, taken: bool) -> None:
        self.come.put(taken)

    def next(self) -> bool:
        return self.come.get(timeout=BOUND_SECONDS)


@pytest.fixture(params=["posix", "supervised"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def room(bench: Bench) -> "Room":
    return Room(bench)


class Room:
    """A task, and what is started in it."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.containerizer = bench.containerizer
        self.task = bench.launch(f"read x < {bench.make_fifo('never')}")
        bench.leader(self.task)
        self.task_id = bench.launched

    def launch(self, script: str, name: str = "debug", *, is_debug: bool = True, **config: Any) -> Bench:
        sandbox = self.bench.sandbox / name
        sandbox.mkdir(exist_ok=True)
        made = Bench(self.containerizer, sandbox)
        made.launched = ContainerID(f"{self.task_id}.{name}")
        fields = {"has_streams": True, "parent": self.task_id, "is_debug": is_debug, **config}
        made.container = self.containerizer.launch(
            replace(made.config(script), container_id=made.launched, **fields), made
        )
        return made

    def attach(self, bench: Bench, most: int | None = None) -> tuple[Any, Follower]:
        attachment, follower = self.containerizer.attach(bench.launched), Follower(most)
        attachment.follow(follower)
        return attachment, follower


def test_a_session_hears_all_of_it_and_sandboxes_have_it_too(room: Room):
    session = room.launch("echo well; echo wrong >&2; cat; exit 3")

    attachment, follower = room.attach(session)
    taken = Answers()
    attachment.write(b"first\n", taken)
    attachment.write(b"", taken)
    attachment.write(b"second\n" * 10_000, taken)
    attachment.end_input()

    text = b"well\nfirst\n" + b"second\n" * 10_000
    assert follower.wait() == text
    assert follower.error == b"wrong\n"
    assert session.exit_status() == 3
    assert [taken.next() for _ in range(3)] == [True] * 3
    assert session.output() == text.decode()
    assert session.output("stderr") == "wrong\n"
    assert not attachment.has_tty
    with pytest.raises(Conflict, match="terminal"):
        attachment.resize(1, 1)


def test_what_has_ended_before_anybody_follows_is_heard(room: Room):
    session = room.launch("echo well")
    assert session.exit_status() == 0

    attachment, follower = room.attach(session)

    assert follower.wait() == b"well\n"
    late = Follower()
    attachment.follow(late)
    assert late.wait() == b""
    with pytest.raises(NotFound):
        room.containerizer.attach(session.launched)


def test_what_was_attached_to_before_its_end_and_heard_after_it_is_heard_once(room: Room):
    go = room.bench.make_fifo("go")
    session = room.launch(f"read x < {go}; echo well")
    attachment = room.containerizer.attach(session.launched)
    go.write_text("\n")
    assert session.exit_status() == 0

    follower = Follower()
    attachment.follow(follower)

    assert follower.wait() == b"well\n"
    with pytest.raises(NotFound):
        room.containerizer.attach(session.launched)


def test_much_output_comes_whole_to_all(room: Room):
    session = room.launch("seq 200000")

    attachment, first = room.attach(session, most=1)
    second = Follower()
    attachment.follow(second)

    assert session.exit_status() == 0
    assert second.wait().decode().splitlines()[-1] == "200000"
    assert session.output().splitlines() == [str(number) for number in range(1, 200_001)]
    assert first.pieces == 1
    assert not first.over.is_set()


def wait_until_held_up(leader: int, kind: str) -> None:
    """Its pipe is full, and its supervisor sleeps all the same, which it would not if it were to read from that."""
    with open(f"/proc/{leader}/fd/1", "rb", opener=lambda path, flags: os.open(path, flags | os.O_NONBLOCK)) as pipe:
        size = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
        while int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder) < size:
            os.sched_yield()
        parent = stat_of(leader)[1]
        while kind == "supervised" and stat_of(int(parent))[0] != "S":
            os.sched_yield()


def stat_of(pid: int) -> list[str]:
    """Its state, its parent ..."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()


# Goal: the end of neither it nor the task that it is in waits for somebody to take what it has put out.
@pytest.mark.parametrize("end", [lambda container: container.kill(), lambda container: container.terminate(0.0)])
def test_a_session_that_nobody_follows_waits_and_can_be_killed(room: Room, kind: str, end: Callable[[Any], None]):
    session = room.launch("exec yes")
    wait_until_held_up(session.leader(session.container), kind)

    end(session.container)

    assert -session.exit_status() in (signal.SIGKILL, signal.SIGTERM)


def test_what_nobody_is_attached_to_goes_on(room: Room):
    task = room.launch("seq 100000; exit 5", is_debug=False)

    assert task.exit_status() == 5
    assert task.output().endswith("\n100000\n")


def test_who_attaches_later_hears_what_comes_from_then_on(room: Room):
    go = room.bench.make_fifo("go")
    task = room.launch(f"echo before; echo; read x < {go}; echo after; read y; echo got $y", is_debug=False)
    task.leader(task.container)

    attachment, follower = room.attach(task)
    again, same = room.attach(task)
    go.write_text("\n")
    follower.until(b"after\n")
    attachment.write(b"this\n", Answers())

    assert follower.wait().endswith(b"after\ngot this\n")
    assert again is attachment
    assert same.wait().endswith(b"got this\n")
    assert task.exit_status() == 0


def test_input_that_nobody_reads_is_held_and_then_refused(room: Room):
    session = room.launch("echo ready; exec sleep 1000")
    attachment, follower = room.attach(session)
    follower.until(b"ready")
    taken, rest = Answers(), Answers()
    attachment.write(b"x" * (1 << 22), taken)
    attachment.write(b"y", rest)
    assert taken.come.empty()

    session.container.kill()

    assert [taken.next(), rest.next()] == [False, False]
    attachment.write(b"z", rest)
    assert not rest.next()
    assert follower.wait() == b"ready\n"
    assert session.exit_status() == -signal.SIGKILL


def test_input_that_was_closed_is_refused(room: Room):
    session = room.launch("exec < /dev/null; echo ready; read x < $PWD/../never; exit 1")
    attachment, follower = room.attach(session)
    follower.until(b"ready")
    taken = Answers()

    attachment.write(b"x", taken)
    attachment.write(b"x", taken)

    assert [taken.next(), taken.next()] == [False, False]
    session.container.kill()
    session.end()


def test_a_terminal_is_one(room: Room):
    script = "test -t 0 && test -t 2 && stty size; stty -echo; trap 'stty size' WINCH; echo ready >&2; "
    script += 'until test -n "$x"; do read x; done; echo got $x'
    session = room.launch(script, has_streams=False, container=FrozenDocument.of(SMALL))
    attachment, follower = room.attach(session)
    follower.until(b"ready")
    assert b"7 33\r\n" in follower.out

    attachment.resize(50, 132)
    follower.until(b"50 132")
    attachment.write(b"this\n", Answers())

    assert follower.wait().endswith(b"got this\r\n")
    assert attachment.has_tty
    assert session.exit_status() == 0
    assert session.output("stderr") == ""


def test_a_terminal_ends_its_input_and_hangs_up(room: Room):
    script = "stty -echo; echo ready; cat; echo over; exec cat"
    session = room.launch(script, has_streams=False, container=FrozenDocument.of(SMALL))
    attachment, follower = room.attach(session)

    follower.until(b"ready")
    attachment.write(b"line\n", Answers())
    follower.until(b"line")
    attachment.end_input()
    follower.until(b"over")
    attachment.write(b"\x03", Answers())

    assert b"line\r\nover\r\n" in follower.wait()
    assert session.exit_status() == -signal.SIGINT


def test_a_size_that_no_terminal_has_is_refused(room: Room):
    huge = {"type": "MESOS", "tty_info": {"window_size": {"rows": 70_000, "columns": 1}}}
    with pytest.raises(InvalidRequest, match="rows"):
        room.launch("true", container=FrozenDocument.of(huge))


def test_who_is_attached_is_told_when_the_containerizer_ends(kind: str, tmp_path: Path):
    containerizer = MAKE[kind](tmp_path / "runtime")
    (tmp_path / "sandbox").mkdir()
    room = Room(Bench(containerizer, tmp_path / "sandbox"))
    session = room.launch("echo ready; exec sleep 1000")
    _, follower = room.attach(session)
    follower.until(b"ready")

    containerizer.close()

    assert follower.wait() == b"ready\n"
    for pump in [thread for thread in threading.enumerate() if thread.name == "pump"]:
        pump.join(BOUND_SECONDS)
    assert not [thread for thread in threading.enumerate() if thread.name in ("streams", "pump")]
