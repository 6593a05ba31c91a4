"""Programs are started and their end is heard of, with nothing left behind."""

import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

import libactor as la
from libactor.subprocess import Identity, Reaper

pytestmark = pytest.mark.real

BOUND_SECONDS = 120  # a bound on failure: no test waits this long
CAT = ("cat",)  # runs until its input ends


@pytest.fixture
def reaper() -> Iterator[Reaper]:
    with Reaper() as made:
        yield made


@pytest.fixture
def pipe() -> Iterator[Callable[[], tuple[int, int]]]:
    """Make pipes that are closed after the test."""
    made: list[int] = []

    def make() -> tuple[int, int]:
        made.extend(ends := os.pipe())
        return ends

    yield make
    for descriptor in made:
        os.close(descriptor)


def open_descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


def has_children() -> bool:
    """Whether this process has any child, zombies included."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


@pytest.mark.parametrize("code", [0, 1, 3, 127, 255])
def test_an_exit_code_is_the_status(reaper: Reaper, code: int):
    child = reaper.launch(["sh", "-c", f"exit {code}"])

    assert child.status.get(BOUND_SECONDS) == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGABRT, signal.SIGRTMIN + 1])
def test_death_by_a_signal_is_a_negative_status(reaper: Reaper, pipe, number: int):
    child = reaper.launch(CAT, stdin=pipe()[0])

    assert child.send_signal(number)

    assert child.status.get(BOUND_SECONDS) == -number


def test_a_signal_after_the_end_reaches_nobody(reaper: Reaper):
    child = reaper.launch(["true"])
    child.status.get(BOUND_SECONDS)

    assert not child.send_signal(signal.SIGKILL)


def test_streams_directory_and_environment_are_those_given(reaper: Reaper, pipe, tmp_path: Path):
    read, write = pipe()
    script = 'echo "$NAME $(pwd) $(env | grep -c HOME=)"; echo oops >&2'

    child = reaper.launch(
        ["sh", "-c", script],
        cwd=tmp_path,
        environment={"NAME": "ä€", "PATH": os.defpath},
        stdout=write,
        stderr=write,
    )

    assert child.status.get(BOUND_SECONDS) == 0
    assert os.read(read, 4096).decode() == f"ä€ {tmp_path} 0\noops\n"


def test_a_child_leads_a_session_and_a_group_of_its_own(reaper: Reaper, pipe):
    child = reaper.launch(CAT, stdin=pipe()[0])

    assert os.getsid(child.pid) == os.getpgid(child.pid) == child.pid


def test_no_other_descriptor_is_inherited(reaper: Reaper, pipe):
    read, write = pipe()
    os.set_inheritable(read, True)

    child = reaper.launch(["sh", "-c", "ls /proc/$$/fd | wc -l"], stdout=write)

    assert child.status.get(BOUND_SECONDS) == 0
    assert int(os.read(read, 100)) <= 4  # the streams, and what the shell itself has open


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs as another user")
def test_a_child_runs_as_whom_it_is_told(reaper: Reaper, pipe):
    read, write = pipe()

    child = reaper.launch(["sh", "-c", "id -u; id -g; id -G"], stdout=write, identity=Identity(1234, 1235, (1236,)))

    assert child.status.get(BOUND_SECONDS) == 0
    assert os.read(read, 100) == b"1234\n1235\n1235 1236\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root can take on any identity")
def test_an_identity_that_cannot_be_taken_on_is_an_error(reaper: Reaper):
    with pytest.raises(PermissionError, match="only root"):
        reaper.launch(["true"], identity=Identity(0, 0, ()))


def test_the_program_may_differ_from_its_name(reaper: Reaper, pipe):
    read, write = pipe()

    child = reaper.launch(["me", "-c", "echo $0"], executable="sh", stdout=write)

    assert child.status.get(BOUND_SECONDS) == 0
    assert os.read(read, 100) == b"me\n"


@pytest.mark.parametrize(
    ("argv", "options", "error", "words"),
    [
        (["no-such-program"], {}, FileNotFoundError, ["no-such-program", "No such file", "PATH"]),
        (["/dev/null"], {}, PermissionError, ["/dev/null", "Permission denied"]),
        (["true"], {"cwd": "/no/such"}, FileNotFoundError, ["directory '/no/such'", "No such file"]),
        (["true"], {"cwd": "/dev/null"}, NotADirectoryError, ["directory '/dev/null'"]),
        (["true", "x" * 10_000_000], {}, OSError, ["'true'", "too long"]),
        (["true", "a\0b"], {}, OSError, ["'true'", "null byte"]),
        (["true", "\ud800"], {}, OSError, ["'true'", "surrogates"]),
        (["true"], {"environment": {"A=B": "c"}}, OSError, ["'true'", "environment variable"]),
        ([], {"executable": "true"}, OSError, ["'true'", "no arguments"]),
    ],
)
def test_what_cannot_start_says_why(reaper: Reaper, argv: list[str], options, error: type[OSError], words: list[str]):
    with pytest.raises(error) as caught:
        reaper.launch(argv, **options)

    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_failed_start_leaves_nothing(reaper: Reaper):
    reaper.launch(["true"]).status.get(BOUND_SECONDS)
    before = open_descriptors()

    for _ in range(20):
        with pytest.raises(FileNotFoundError):
            reaper.launch(["no-such-program"])

    assert open_descriptors() == before
    assert not has_children()


def test_many_children_at_once_are_all_heard_of(reaper: Reaper):
    statuses = [reaper.launch(["sh", "-c", f"exit {number % 7}"]).status for number in range(100)]

    assert [status.get(BOUND_SECONDS) for status in statuses] == [number % 7 for number in range(100)]


def test_threads_may_launch_side_by_side(reaper: Reaper, together):
    def launch() -> list[int]:
        return [reaper.launch(["true"]).status.get(BOUND_SECONDS) for _ in range(10)]

    assert together(launch, launch, launch, launch) == [[0] * 10] * 4


def test_no_thread_no_descriptor_and_no_zombie_is_left(pipe):
    stdin = pipe()[0]
    threads, descriptors = set(threading.enumerate()), open_descriptors()

    with Reaper() as reaper:
        ended = reaper.launch(["true"])
        ended.status.get(BOUND_SECONDS)
        running = reaper.launch(CAT, stdin=stdin)
        assert len(threading.enumerate()) == len(threads) + 1
        assert has_children()

    assert (ended.status.get(0), running.status.get(0)) == (0, -signal.SIGKILL)
    assert (set(threading.enumerate()), open_descriptors()) == (threads, descriptors)
    assert not has_children()


def test_a_reaper_without_children_has_no_thread():
    before = (set(threading.enumerate()), open_descriptors())
    reaper = Reaper()

    assert (set(threading.enumerate()), open_descriptors()) == before
    reaper.close()


def test_a_closed_reaper_launches_nothing_and_closes_again_in_peace(reaper: Reaper):
    reaper.launch(["true"])
    reaper.close()

    reaper.close()

    with pytest.raises(RuntimeError, match="is closed"):
        reaper.launch(["true"])


def test_a_child_is_a_zombie_until_before_reap_has_returned():
    seen: list[tuple[int, int]] = []

    def look(pids: Sequence[int]) -> None:
        seen.extend((pid, os.getsid(pid)) for pid in pids)

    with Reaper("r", look) as reaper:
        child = reaper.launch(["true"])
        child.status.get(BOUND_SECONDS)

    assert seen == [(child.pid, child.pid)]


def test_an_error_in_before_reap_is_logged_and_holds_up_nobody(caplog: pytest.LogCaptureFixture):
    with Reaper("r", lambda pids: 1 // 0) as reaper:
        assert reaper.launch(["true"]).status.get(BOUND_SECONDS) == 0
        assert reaper.launch(["false"]).status.get(BOUND_SECONDS) == 1

    assert "before_reap failed" in caplog.text


def test_calls_are_made_in_order_in_the_reapers_thread_and_their_errors_are_logged(
    reaper: Reaper, caplog: pytest.LogCaptureFixture
):
    seen: list[tuple[int, str]] = []

    def call(number: int) -> None:
        seen.append((number, threading.current_thread().name))
        if number == 0:
            raise ValueError("call 0")

    for number in range(3):
        reaper.call(lambda number=number: call(number))
    reaper.close()
    reaper.call(lambda: call(3))

    assert seen == [(0, "reaper"), (1, "reaper"), (2, "reaper")]
    assert "call 0" in caplog.text


# Goal: nobody waits for the reaper's thread but close(). Method: the thread is held up until all of it was used.
def test_calls_and_launches_do_not_wait_for_the_reapers_thread(reaper: Reaper):
    gate = threading.Event()
    reaper.call(lambda: gate.wait(BOUND_SECONDS))

    reaper.call(gate.is_set)
    child = reaper.launch(["true"])

    assert not gate.is_set()
    gate.set()
    assert child.status.get(BOUND_SECONDS) == 0


# Goal: a handler that closes a reaper does not hold up other actors. Method: the thread can only end, and with it the
#   handler, once another actor of the same runtime has run.
def test_other_actors_run_while_a_handler_closes_a_reaper():
    gate = threading.Event()

    reaper = Reaper()
    reaper.call(lambda: gate.wait(BOUND_SECONDS))

    class Closer(la.Actor):
        def close(self) -> None:
            reaper.close(BOUND_SECONDS)

    class Opener(la.Actor):
        def open(self) -> None:
            gate.set()

    with la.Runtime() as runtime:
        closer, opener = runtime.spawn(Closer()), runtime.spawn(Opener())

        closed = la.dispatch(closer, Closer.close)
        la.dispatch(opener, Opener.open).get(BOUND_SECONDS / 3)

        closed.get(BOUND_SECONDS)


def test_close_is_refused_in_the_reapers_own_thread():
    errors: list[str] = []

    with Reaper() as reaper:

        def close(_: int) -> None:
            try:
                reaper.close()
            except RuntimeError as error:
                errors.append(str(error))

        reaper.launch(["true"]).status.on_ready(close)

    assert errors == [] or "thread of reaper" in errors[0]


# Goal: a status somebody else took is an error, not a guess. Method: wait for the child before it is reaped.
def test_a_status_taken_by_other_code_fails_the_future():
    with Reaper("r", lambda pids: [os.waitpid(pid, 0) for pid in pids]) as reaper:
        child = reaper.launch(["true"])

        with pytest.raises(ChildProcessError, match="taken by other code"):
            child.status.get(BOUND_SECONDS)


def test_children_of_others_are_left_to_them(reaper: Reaper):
    stranger = subprocess.Popen(["sh", "-c", "exit 5"])

    reaper.launch(["true"]).status.get(BOUND_SECONDS)

    assert stranger.wait(BOUND_SECONDS) == 5


# Goal: nothing warns when the program ends, even with children that run. Method: a program of its own.
def test_a_program_that_forgets_to_close_ends_quietly():
    script = (
        "from libactor.subprocess import Reaper\nr = Reaper()\nr.launch(['true']).status.get(30)\nr.launch(['true'])"
    )

    result = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script],
        capture_output=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "LIBACTOR_PURE": "1"},
    )

    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def test_the_end_is_heard_of_without_anybody_waiting(reaper: Reaper, pipe):
    read, write = pipe()
    reaper.launch(["true"]).status.on_ready(lambda status: os.write(write, b"heard"))

    assert select.select([read], [], [], BOUND_SECONDS)[0] == [read]
