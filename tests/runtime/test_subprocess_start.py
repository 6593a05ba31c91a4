"""Programs of a runtime: their streams, their surroundings, their ends, and what is left of them: nothing."""

import errno
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import libactor as la
from libactor import io
from libactor.subprocess import PIPE, STDOUT, Append, Child, Identity, children, reap, start

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("pipe", "runtime")]  # nothing of the runtime is left

BOUND_SECONDS = 120  # a bound on failure: no test waits this long
PIPE_BYTES = 65_536  # what a pipe holds

Pipe = Callable[[], tuple[int, int]]


def output_of(*arguments, **options) -> bytes:
    """What a program writes; it must end with status 0."""
    child = start(*arguments, stdout=PIPE, **options)
    assert child.stdout is not None
    output = child.stdout.read_all().get(BOUND_SECONDS)
    assert child.status.get(BOUND_SECONDS) == 0
    return output


# LP SubprocessTest.Status
def test_the_status_is_the_exit_code_or_the_signal(pipe: Pipe):
    assert [start(["sh", "-c", f"exit {code}"]).status.get(BOUND_SECONDS) for code in (0, 1, 255)] == [0, 1, 255]
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGABRT):
        child = start(["cat"], stdin=pipe()[0])
        assert child.send_signal(number)
        assert child.status.get(BOUND_SECONDS) == -number
        assert not child.send_signal(number)


# LP SubprocessTest.PipeOutput
def test_output_and_errors_come_by_pipes_of_their_own():
    child = start("echo out; echo err >&2", stdout=PIPE, stderr=PIPE)

    assert child.stdin is None
    assert child.stdout.read_all().get(BOUND_SECONDS) == b"out\n"
    assert child.stderr.read_all().get(BOUND_SECONDS) == b"err\n"


def test_errors_can_go_the_way_of_the_output():
    assert output_of("echo out; echo err >&2", stderr=STDOUT) == b"out\nerr\n"


# LP SubprocessTest.PipeLargeOutput
def test_a_large_output_comes_whole_and_waits_until_it_is_read():
    child = start(["head", "-c", str(20 * PIPE_BYTES), "/dev/zero"], stdout=PIPE)

    first = child.stdout.read().get(BOUND_SECONDS)
    assert child.status.is_pending()
    rest = child.stdout.read_all().get(BOUND_SECONDS)

    assert len(first) + len(rest) == 20 * PIPE_BYTES
    assert child.status.get(BOUND_SECONDS) == 0


# LP SubprocessTest.PipeInput
def test_input_is_written_to_a_pipe():
    child = start("read word; echo $word", stdin=PIPE, stdout=PIPE)

    child.stdin.write(b"hello\n")

    assert child.stdout.read_all().get(BOUND_SECONDS) == b"hello\n"
    assert child.status.get(BOUND_SECONDS) == 0


def test_a_program_that_never_reads_holds_up_the_writer_and_nobody_else():
    child = start(["sleep", "1000"], stdin=PIPE)
    written = child.stdin.write(bytes(10 * PIPE_BYTES))
    assert written.is_pending()

    assert la.run(lambda: 7).get(BOUND_SECONDS) == 7
    child.send_signal(signal.SIGKILL)

    with pytest.raises(BrokenPipeError):
        written.get(BOUND_SECONDS)


def test_a_program_that_closes_its_pipes_is_not_at_its_end(pipe: Pipe):
    gate, opened = pipe()
    child = start(f"exec 0<&- 1>&-; read word < /proc/self/fd/{gate}", stdin=PIPE, stdout=PIPE, pass_fds=[gate])

    assert child.stdout.read_all().get(BOUND_SECONDS) == b""
    assert child.status.is_pending()
    with pytest.raises(BrokenPipeError):
        child.stdin.write(b"x").get(BOUND_SECONDS)
    os.write(opened, b"\n")
    assert child.status.get(BOUND_SECONDS) == 0


# LP SubprocessTest.PipeRedirect
def test_what_comes_by_a_pipe_can_be_redirected(tmp_path: Path):
    child = start("echo hello", stdout=PIPE)

    with (tmp_path / "out").open("wb") as target:
        copied = io.redirect(child.stdout, target)

    copied.get(BOUND_SECONDS)
    assert (tmp_path / "out").read_bytes() == b"hello\n"


# LP SubprocessTest.PipeOutputToFileDescriptor
def test_two_streams_may_lead_to_one_descriptor(tmp_path: Path):
    with (tmp_path / "out").open("wb") as target:
        child = start("echo out; echo err >&2", stdout=target, stderr=target.fileno())
        assert child.status.get(BOUND_SECONDS) == 0
        assert not target.closed

    assert (tmp_path / "out").read_bytes() == b"out\nerr\n"


# LP SubprocessTest.PathOutput
# LP SubprocessTest.PipeOutputToPath
def test_a_path_is_emptied_and_written_to(tmp_path: Path):
    for _ in range(2):
        child = start("echo out; echo err >&2", stdout=tmp_path / "out", stderr=os.fspath(tmp_path / "err"))
        assert child.status.get(BOUND_SECONDS) == 0

    assert (tmp_path / "out").read_bytes() == b"out\n"
    assert (tmp_path / "err").read_bytes() == b"err\n"


def test_append_writes_behind_what_is_there(tmp_path: Path):
    for _ in range(2):
        assert start("echo out", stdout=Append(tmp_path / "out")).status.get(BOUND_SECONDS) == 0

    assert (tmp_path / "out").read_bytes() == b"out\nout\n"


# LP SubprocessTest.PathInput
def test_a_path_is_read_from(tmp_path: Path):
    (tmp_path / "in").write_bytes(b"hello")

    assert output_of(["cat"], stdin=tmp_path / "in") == b"hello"


# LP SubprocessTest.FdOutput
def test_a_descriptor_is_written_to_and_stays_open(pipe: Pipe):
    read, write = pipe()

    assert start("echo hello", stdout=write).status.get(BOUND_SECONDS) == 0

    os.write(write, b"more")
    assert os.read(read, 100) == b"hello\nmore"


# LP SubprocessTest.FdInput
def test_a_descriptor_is_read_from(pipe: Pipe):
    read, write = pipe()
    os.write(write, b"hello\n")

    assert output_of("read word; echo $word", stdin=read) == b"hello\n"


# LP SubprocessTest.Default
def test_what_is_not_said_is_inherited(program):
    text = """
        import libactor as la
        from libactor.subprocess import start
        with la.Runtime():
            assert start("echo hello").status.get(30) == 0
    """

    assert program(text) == "hello\n"


# LP SubprocessTest.Flags
def test_arguments_arrive_as_they_were_given():
    arguments = ["--flag=value", "with space", "quo\"te'd", "", "$HOME", "ä€", "\n", "*"]

    output = output_of([sys.executable, "-c", "import sys; print(ascii(sys.argv[1:]))", *arguments])

    assert output.decode().strip() == ascii(arguments)


# LP SubprocessTest.Environment
# LP SubprocessTest.EnvironmentEcho
# LP SubprocessTest.EnvironmentOverride
def test_an_environment_that_is_given_is_all_there_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MESSAGE", "mine")

    assert output_of(["/bin/sh", "-c", "echo $MESSAGE"]) == b"mine\n"
    assert output_of(["/bin/sh", "-c", "echo $MESSAGE"], environment={"MESSAGE": "hello"}) == b"hello\n"
    assert output_of(["/usr/bin/env"], environment={"A": "1", "B": "2"}) == b"A=1\nB=2\n"


# LP SubprocessTest.EnvironmentWithSpaces
# LP SubprocessTest.EnvironmentWithSpacesAndQuotes
def test_values_of_the_environment_arrive_as_they_were_given():
    environment = {"SPACED": "hello world", "QUOTED": "\"hello\" 'world'"}

    output = output_of('echo "$SPACED"; echo "$QUOTED"', environment=environment)

    assert output == b"hello world\n\"hello\" 'world'\n"


# LP SubprocessTest.WhiteListFds
def test_descriptors_of_the_list_are_passed_under_their_numbers_and_no_others(pipe: Pipe):
    passed, other = pipe(), pipe()
    os.write(passed[1], b"hello\n")
    os.set_inheritable(other[0], True)
    script = f"read word < /proc/self/fd/{passed[0]}; echo $word; ls /proc/self/fd"

    words = output_of(script, pass_fds=[passed[0], passed[0]]).split()

    assert words[0] == b"hello"
    assert str(passed[0]).encode() in words[1:]
    assert not {str(number).encode() for number in (passed[1], *other)} & set(words[1:])


def test_a_directory_a_name_and_a_session_are_as_given(tmp_path: Path):
    assert output_of("pwd", cwd=tmp_path) == os.fspath(tmp_path).encode() + b"\n"
    assert output_of(["me", "-c", "echo $0"], executable="/bin/sh") == b"me\n"
    inner = start(["cat"], stdin=PIPE)
    outer = start(["cat"], stdin=PIPE, session=False)
    assert os.getsid(inner.pid) == os.getpgid(inner.pid) == inner.pid
    assert (os.getsid(outer.pid), os.getpgid(outer.pid)) == (os.getsid(0), os.getpgid(0))
    with pytest.raises(RuntimeError, match="is in our own group"):
        outer.signal_group(signal.SIGTERM)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs as another user")
def test_a_program_runs_as_whom_it_is_told():
    assert output_of("id -u; id -g; id -G", identity=Identity(1234, 1235, (1236,))) == b"1234\n1235\n1235 1236\n"


# Goal: the ends of a program and of its pipe are told apart. Method: what it leaves in the background has the pipe.
def test_a_grandchild_may_hold_the_pipe_of_a_program_that_has_ended():
    child = start("sleep 1000 & echo $!", stdout=PIPE)
    grandchild = int(child.stdout.read().get(BOUND_SECONDS))

    rest = child.stdout.read_all()
    assert child.status.get(BOUND_SECONDS) == 0
    assert rest.is_pending()

    os.kill(grandchild, signal.SIGKILL)
    assert rest.get(BOUND_SECONDS) == b""


def test_what_is_left_of_a_group_is_killed_if_so_ordered():
    child = start("sleep 1000 & echo", stdout=PIPE, end_group=True)

    assert child.stdout.read_all().get(BOUND_SECONDS) == b"\n"
    assert child.status.get(BOUND_SECONDS) == 0


def test_a_signal_to_the_group_reaches_all_of_it():
    child = start("sleep 1000; echo never", stdout=PIPE)

    assert child.signal_group(signal.SIGTERM)

    assert child.status.get(BOUND_SECONDS) == -signal.SIGTERM
    assert child.stdout.read_all().get(BOUND_SECONDS) == b""
    assert not child.signal_group(signal.SIGTERM)


def test_a_program_whose_child_was_forgotten_finds_its_pipes_closed(pipe: Pipe):
    read, write = pipe()

    start("cat; echo end", stdin=PIPE, stdout=write)

    assert os.read(read, 100) == b"end\n"


def test_the_end_of_the_runtime_ends_what_runs_and_those_who_wait(pipe: Pipe):
    read, write = pipe()
    with la.Runtime():
        child = start("sleep 1000 & sleep 1000", stdin=PIPE, stdout=PIPE, stderr=write)
        rest = child.stdout.read_all()
        tree = start(["cat"], stdin=PIPE)

    os.close(write)
    assert child.status.get(0) == tree.status.get(0) == -signal.SIGKILL
    assert rest.is_abandoned()
    assert child.stdin.closed
    assert io.read_all(read).get(BOUND_SECONDS) == b""  # nobody of the group has it open any more


def test_a_program_that_is_killed_with_its_runtime_finds_no_end_of_its_input(monkeypatch: pytest.MonkeyPatch):
    seen: list[tuple[bool, bool]] = []
    kill = children.ManagedProcess.signal_all

    def look_and_kill(process: children.ManagedProcess, number: int):
        seen.append((child.stdin.closed, child.stdout.closed))
        kill(process, number)

    monkeypatch.setattr(children.ManagedProcess, "signal_all", look_and_kill)
    with la.Runtime():
        child = start(["cat"], stdin=PIPE, stdout=PIPE)

    assert seen == [(False, True)]
    assert child.status.get(0) == -signal.SIGKILL
    assert child.stdin.closed


@pytest.mark.parametrize("timeout", [BOUND_SECONDS, 1e7])
def test_any_time_may_be_given_to_the_end(pipe: Pipe, timeout: float):
    inner = la.Runtime()
    child = start(["cat"], stdin=pipe()[0], runtime=inner)

    inner.close(timeout)

    assert child.status.get(0) == -signal.SIGKILL


def test_a_detached_program_outlives_its_runtime_and_is_reaped_later(pipe: Pipe):
    gate, opened = pipe()
    read, write = pipe()
    with la.Runtime():
        child = start("read word; echo done", stdin=gate, stdout=write, detached=True)

    assert child.status.is_abandoned()
    os.write(opened, b"\n")
    os.close(write)
    assert io.read_all(read).get(BOUND_SECONDS) == b"done\n"
    assert reap(child.pid).get(BOUND_SECONDS) == 0
    start(["true"]).status.get(BOUND_SECONDS)


# Goal: several threads may look after detached programs. Method: one looks while another has seen the end already.
def test_a_detached_program_is_reaped_once_whoever_looks(pipe: Pipe, monkeypatch: pytest.MonkeyPatch):
    with la.Runtime():
        child = start(["cat"], stdin=pipe()[0], detached=True)
    pidfd = os.pidfd_open(child.pid)
    child.send_signal(signal.SIGKILL)
    children.wait_for_end(pidfd, BOUND_SECONDS * 10**9)
    os.close(pidfd)

    def look_twice(pidfd: int) -> bool:
        monkeypatch.undo()
        children.sweep_left()
        return True

    monkeypatch.setattr(children, "has_ended", look_twice)
    children.sweep_left()

    assert not child.send_signal(signal.SIGKILL)


# Goal: the end of a runtime waits for its children by their descriptors, which are closed by nobody else meanwhile, or
# their numbers might be of others. Method: it goes on waiting only when a worker has had time to look.
def test_the_end_of_the_runtime_alone_reaps_what_it_kills(pipe: Pipe, monkeypatch: pytest.MonkeyPatch):
    inner = la.Runtime()
    child = start(["cat"], stdin=pipe()[0], runtime=inner)
    wait_for_end = children.wait_for_end

    def wait_for_workers(pidfd: int, nanoseconds: int) -> bool:
        ended = wait_for_end(pidfd, nanoseconds)
        for _ in range(10):
            passed: la.Promise[None] = la.Promise()
            inner.poller.call(partial(passed.set, None))
            passed.future.get(BOUND_SECONDS)
        open_still.append(child.send_signal(0))
        return ended

    open_still: list[bool] = []
    monkeypatch.setattr(children, "wait_for_end", wait_for_workers)
    inner.close()

    assert open_still == [True]
    assert child.status.get(0) == -signal.SIGKILL


# Goal: what came until the kill is not taken for all there is. Method: a program that has written a part, and goes on.
def test_who_waits_for_all_output_when_the_runtime_closes_is_not_given_a_part():
    with la.Runtime():
        child = start("echo part; echo >&2; exec sleep 1000", stdout=PIPE, stderr=PIPE)
        output = child.stdout.read_all()
        assert child.stderr.read().get(BOUND_SECONDS) == b"\n"  # so the part is written

    assert output.is_abandoned()


def test_a_closed_runtime_starts_nothing():
    with la.Runtime() as closed:
        start(["true"])

    with pytest.raises(RuntimeError, match="is closed"):
        start(["true"], runtime=closed)
    with pytest.raises(RuntimeError, match="is closed"):
        reap(1, runtime=closed)


def test_a_deterministic_runtime_says_that_it_starts_nothing():
    with la.testing.DeterministicRuntime(1):
        for call in (lambda: start(["true"]), lambda: reap(1)):
            with pytest.raises(RuntimeError, match="deterministic"):
                call()


@pytest.mark.parametrize(
    ("argv", "options", "error", "words"),
    [
        (["no-such-program"], {}, FileNotFoundError, ["'no-such-program'", "No such file", "PATH"]),
        (["/dev/null"], {}, PermissionError, ["'/dev/null'", "Permission denied"]),
        (["true"], {"cwd": "/no/such"}, FileNotFoundError, ["directory '/no/such'"]),
        (["true", "x" * 10_000_000], {}, OSError, ["'true'", "too long"]),
        (["true", "a\0b"], {}, ValueError, ["'true'", "null byte"]),
        ("echo a\0b", {}, ValueError, ["/bin/sh", "null byte"]),
        (["a\0b"], {}, ValueError, ["null byte"]),
        ([], {}, ValueError, ["no arguments;", "expected at least the program"]),
        (["true"], {"environment": {"A=B": "c"}}, ValueError, ["'true'", "environment variable"]),
        (["true"], {"environment": {"A": "b\0c"}}, ValueError, ["'true'", "null byte"]),
        (["true"], {"cwd": 5}, TypeError, ["cwd got 5", "expected a path"]),
        (["true"], {"executable": 5}, TypeError, ["executable got 5", "expected a path"]),
        (["true"], {"identity": "root"}, TypeError, ["identity got 'root'", "expected an Identity"]),
        (["true"], {"environment": {"A": 1}}, TypeError, ["'A'", "expected text"]),
        (["true"], {"environment": ["A=1"]}, TypeError, ["expected a mapping"]),
        (["true"], {"stdin": "/no/such/file"}, FileNotFoundError, ["'/no/such/file' as stdin", "No such file"]),
        (["true"], {"stdout": "/no/such/file"}, FileNotFoundError, ["'/no/such/file' as stdout"]),
        (["true"], {"stdout": Append("/no/such/file")}, FileNotFoundError, ["'/no/such/file' as stdout"]),
        (["true"], {"stdout": "/"}, IsADirectoryError, ["'/' as stdout"]),
        (["true"], {"stdin": "a\0b"}, ValueError, ["as stdin", "null"]),
        (["true"], {"stdin": Append("x")}, ValueError, ["stdin", "expected a path to read from"]),
        (["true"], {"stdin": STDOUT}, ValueError, ["stdin got STDOUT"]),
        (["true"], {"stdout": -1}, ValueError, ["stdout", "-1", "expected 0 or more"]),
        (["true"], {"stdout": 1.5}, TypeError, ["stdout", "expected a descriptor"]),
        (["true"], {"stdin": b"x" * 10_000_000}, TypeError, ["stdin", "xxx...", "PIPE", "a path"]),
        (["true"], {"stdout": 5000}, OSError, ["Bad file descriptor"]),
        (["true"], {"pass_fds": [5000]}, OSError, ["5000", "closed"]),
        (["true"], {"pass_fds": [1]}, ValueError, ["expected 3 or more"]),
        (["true"], {"pass_fds": 7}, TypeError, ["expected several"]),
        (["true", 7], {}, TypeError, ["got 7 among the arguments"]),
        (b"true", {}, TypeError, ["expected a list of words"]),
        (None, {}, TypeError, ["expected a list of words"]),
        (["true"], {"end_group": True, "session": False}, ValueError, ["expected session=True"]),
    ],
)  # fmt: skip
def test_what_cannot_start_says_why_and_leaves_nothing(runtime, argv, options, error, words: list[str]):
    streams = {"stdin": PIPE, "stdout": PIPE, "stderr": PIPE} | options
    assert runtime.poller
    before = set(os.listdir("/proc/self/fd"))

    with pytest.raises(error) as caught:
        start(argv, **streams)

    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert set(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("ids", "error"),
    [
        ((-1, 0, ()), ValueError),
        ((0, 2**32 - 1, ()), ValueError),
        ((0, 0, (2**40,)), ValueError),
        (("root", 0, ()), TypeError),
        ((0, True, ()), TypeError),
    ],
)
def test_an_identity_is_made_of_numbers(ids, error: type[Exception]):
    with pytest.raises(error, match="expected the number of a user or a group"):
        Identity(*ids)


# Goal: a start that fails for want of descriptors leaves nothing. Method: allow more and more of them.
def test_a_lack_of_descriptors_is_an_error_and_leaves_nothing(program):
    text = """
        import os, resource
        import libactor as la
        from libactor.subprocess import PIPE, start

        def outcome(room):
            resource.setrlimit(resource.RLIMIT_NOFILE, (len(before) + room, hard))
            try:
                child = start(["cat"], stdin=PIPE, stdout=PIPE, stderr=PIPE)
            except OSError as error:
                return str(error)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            child.close()
            return child.status.get(30)

        with la.Runtime() as runtime:
            start(["true"]).status.get(30)
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            before = os.listdir("/proc/self/fd")
            outcomes = [outcome(room) for room in range(12)]
            assert outcomes[-1] == 0
            assert all("Too many open files; " in text for text in outcomes if text != 0), outcomes
            assert any("cannot make a pipe" in str(text) for text in outcomes)
            assert any("cannot start 'cat'" in str(text) for text in outcomes)
            assert sorted(os.listdir("/proc/self/fd")) == sorted(before)
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            print("no child")
    """

    assert program(text) == "no child\n"


# Goal: a program that cannot be watched does not run on unheard of. Method: watching fails, in each of two steps.
@pytest.mark.parametrize("step", ["open", "watch"])
def test_a_program_that_cannot_be_watched_is_ended(runtime: la.Runtime, monkeypatch: pytest.MonkeyPatch, step: str):
    def refuse(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    if step == "open":
        monkeypatch.setattr(os, "pidfd_open", refuse)
    else:
        monkeypatch.setattr(runtime.poller, "watch", refuse)

    with pytest.raises(OSError, match="Too many open files"):
        start(["sleep", "1000"], stdin=PIPE)


def test_where_the_end_of_a_child_is_ignored_its_status_is_an_error(program):
    text = """
        import signal
        import libactor as la
        from libactor.subprocess import start

        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        with la.Runtime():
            for _ in range(5):
                try:
                    start(["true"]).status.get(30)
                except ChildProcessError as error:
                    print("SIGCHLD is not ignored" in str(error))
    """

    assert program(text) == "True\n" * 5


def test_a_hundred_thousand_arguments_arrive():
    assert output_of(["sh", "-c", "echo $#", "sh", *map(str, range(100_000))]) == b"100000\n"


def test_two_hundred_children_at_once_answer_and_are_all_heard_of():
    children = [start("read word; echo $word; exit 3", stdin=PIPE, stdout=PIPE) for _ in range(200)]
    outputs = la.collect([child.stdout.read_all() for child in children])
    statuses = la.collect([child.status for child in children])

    for number, child in enumerate(children):
        child.stdin.write(f"{number}\n".encode())

    assert outputs.get(BOUND_SECONDS) == [f"{number}\n".encode() for number in range(200)]
    assert statuses.get(BOUND_SECONDS) == [3] * 200


def test_threads_may_start_side_by_side(runtime: la.Runtime, together):
    def run() -> list[int]:
        return [start(["true"], runtime=runtime).status.get(BOUND_SECONDS) for _ in range(10)]

    assert together(run, run, run, run) == [[0] * 10] * 4


def test_a_handler_may_wait_for_a_program():
    class Runner(la.Actor):
        def run(self) -> int:
            return start(["sh", "-c", "exit 3"]).status.get(BOUND_SECONDS)

        async def run_and_read(self) -> bytes:
            child = start("echo hello", stdout=PIPE)
            output = await child.stdout.read_all()
            return output * (1 + await child.status)

    pid = la.spawn(Runner())

    assert la.dispatch(pid, Runner.run).get(BOUND_SECONDS) == 3
    assert la.dispatch(pid, Runner.run_and_read).get(BOUND_SECONDS) == b"hello\n"


def test_a_child_may_be_handed_from_actor_to_actor():
    class Starter(la.Actor):
        def start(self) -> Child:
            return start(["cat"], stdin=PIPE, stdout=PIPE)

        def feed(self, child: Child) -> la.Future[bytes]:
            child.stdin.write(b"hello", last=True)
            return child.stdout.read_all()

    child = la.dispatch(la.spawn(Starter()), Starter.start).get(BOUND_SECONDS)

    assert la.dispatch(la.spawn(Starter()), Starter.feed, child).get(BOUND_SECONDS) == b"hello"


# Goal: a status somebody else took is an error, not a guess. Method: wait for the child before the runtime hears of it.
def test_a_status_taken_by_other_code_fails_the_future(runtime: la.Runtime):
    taken: la.Promise[Child] = la.Promise()

    def run() -> None:  # in the worker, so that it does not look before; a spare of it may, if all this takes long
        child = start(["true"], runtime=runtime)
        try:
            os.waitpid(child.pid, 0)
        except ChildProcessError:
            runtime.poller.call(run)
        else:
            taken.set([child])

    runtime.poller.call(run)

    [child] = taken.future.get(BOUND_SECONDS)
    with pytest.raises(ChildProcessError, match="taken by other code"):
        child.status.get(BOUND_SECONDS)


# Goal: a fork neither has our programs nor holds their pipes. Method: it lives on while a program waits for its end.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_the_child_of_a_fork_starts_nothing_and_holds_no_pipe(pipe: Pipe, runtime: la.Runtime):
    gate, opened = pipe()
    child = start(["cat"], stdin=PIPE, stdout=PIPE)
    fork = os.fork()
    if fork == 0:
        try:
            refused = False
            try:
                start(["true"], runtime=runtime)
            except la.ForkedRuntime:
                refused = True
            os.read(gate, 1)
            os._exit(0 if refused and not child.send_signal(signal.SIGKILL) and child.stdin.closed else 1)
        finally:
            os._exit(2)

    child.stdin.write(b"hello", last=True)

    assert child.stdout.read_all().get(BOUND_SECONDS) == b"hello"
    assert child.status.get(BOUND_SECONDS) == 0
    os.write(opened, b"x")
    assert os.waitpid(fork, 0)[1] == 0
