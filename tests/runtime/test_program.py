"""A program as an actor: it lives and ends with it, and a supervisor keeps it running."""

import logging
import os
import signal
from collections.abc import Callable
from subprocess import CalledProcessError

import pytest

import libactor as la
from libactor import io
from libactor.subprocess import PIPE, Program, reap

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("pipe", "runtime")]  # nothing of the runtime is left

BOUND_SECONDS = 120  # a bound on failure: no test waits this long

Pipe = Callable[[], tuple[int, int]]


class Watch(la.Actor):
    """Links to another actor and tells of its end."""

    def __init__(self) -> None:
        super().__init__()
        self.ended: la.Promise[BaseException | None] = la.Promise()

    def watch(self, pid: la.PID) -> la.Future[BaseException | None]:
        la.link(pid)
        return self.ended.future

    def on_exited(self, pid: la.PID, reason: BaseException | None) -> None:
        self.ended.set(la.ready([reason]).then(lambda reasons: reasons[0]))


def end_of(program: Program) -> BaseException | None:
    """Why it stops."""
    watch = la.spawn(Watch())
    return la.dispatch(watch, Watch.watch, la.spawn(program)).get(BOUND_SECONDS)


def test_status_zero_stops_the_actor_without_a_reason():
    assert end_of(Program(["true"])) is None


@pytest.mark.parametrize(("command", "status"), [("exit 3", 3), ("kill -KILL $$", -signal.SIGKILL)])
def test_another_status_is_the_reason(command: str, status: int):
    reason = end_of(Program(command))

    assert isinstance(reason, CalledProcessError)
    assert (reason.returncode, reason.cmd) == (status, command)


def test_a_program_that_is_not_there_is_the_reason():
    reason = end_of(Program(["no-such-program"]))

    assert isinstance(reason, FileNotFoundError)
    assert "no-such-program" in str(reason)


def test_a_subclass_may_judge_the_status_otherwise():
    class Grep(Program):
        def on_ended(self, status: int) -> None:
            super().on_ended(0 if status == 1 else status)

    assert end_of(Grep(["grep", "x", "/dev/null"])) is None


def test_the_program_ends_when_its_actor_is_stopped(pipe: Pipe, runtime: la.Runtime):
    read, write = pipe()
    script = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 1000 & wait; done"
    pid = la.spawn(Program(script, stdout=write, grace=BOUND_SECONDS))
    process = la.dispatch(pid, Program.process_id).get(BOUND_SECONDS)
    os.close(write)
    assert os.read(read, 100) == b"ready\n"

    la.terminate(pid)

    assert la.wait(pid, BOUND_SECONDS)
    assert runtime.dead_letters == 0
    assert reap(process).get(BOUND_SECONDS) is None  # it is gone
    assert io.read_all(read).get(BOUND_SECONDS) == b"bye\n"  # and the sleep that it has left too


def test_another_signal_may_ask_the_program_to_stop(pipe: Pipe):
    read, write = pipe()
    script = "trap 'echo asked; exit 0' USR1; echo ready; while :; do sleep 1000 & wait; done"
    pid = la.spawn(Program(script, stdout=write, stop_signal=signal.SIGUSR1, grace=BOUND_SECONDS))
    assert os.read(read, 100) == b"ready\n"

    la.terminate(pid)

    assert la.wait(pid, BOUND_SECONDS)
    assert io.read(read).get(BOUND_SECONDS) == b"asked\n"


def test_a_program_that_does_not_listen_is_killed_after_its_grace(pipe: Pipe):
    read, write = pipe()
    script = "trap '' TERM; echo ready; while :; do sleep 1000; done"
    pid = la.spawn(Program(script, stdout=write, grace=0.05))
    assert os.read(read, 100) == b"ready\n"
    os.close(write)

    la.terminate(pid)

    assert la.wait(pid, BOUND_SECONDS)
    assert io.read_all(read).get(BOUND_SECONDS) == b""


def test_the_end_of_the_runtime_ends_its_programs():
    with la.Runtime() as inner:
        pid = inner.spawn(Program(["sleep", "1000"]))
        process = la.dispatch(pid, Program.process_id).get(BOUND_SECONDS)

    assert reap(process).get(BOUND_SECONDS) is None


def test_a_program_takes_signals():
    pid = la.spawn(Program(["sleep", "1000"]))

    assert la.dispatch(pid, Program.send_signal, signal.SIGKILL).get(BOUND_SECONDS)

    la.wait(pid, BOUND_SECONDS)


def test_a_subclass_may_speak_to_its_program():
    class Echo(Program):
        def __init__(self) -> None:
            super().__init__(["cat"], stdin=PIPE, stdout=PIPE)

        async def ask(self, text: str) -> str:
            await self.child.stdin.write(text.encode())
            return (await self.child.stdout.read()).decode()

    pid = la.spawn(Echo())

    assert la.dispatch(pid, Echo.ask, "hello").get(BOUND_SECONDS) == "hello"


class Recorded(Program):
    """Tells the process id of each of its programs."""

    def __init__(self, command: str, starts: la.Shared) -> None:
        super().__init__(command)
        self._starts = starts

    def on_start(self) -> None:
        super().on_start()
        self._starts.value.put(self.process_id())


@pytest.mark.parametrize(("restart", "command"), [("transient", "exit 3"), ("permanent", "exit 0")])
def test_a_supervisor_starts_a_program_anew(restart, command: str):
    starts: la.Queue[int] = la.Queue()
    child = la.Child(
        lambda: Recorded(f"read word < /dev/null; {command}", la.Shared(starts)), "worker", restart=restart, intensity=2
    )

    supervisor = la.spawn(la.Supervisor([child]))

    pids = [starts.get().get(BOUND_SECONDS) for _ in range(3)]  # the first, and as many as it may be started anew
    la.wait(supervisor, BOUND_SECONDS)
    assert len(set(pids)) == 3


# Goal: what a program does wrong is no mistake of ours, and said once. Method: unwatched, linked and supervised.
def test_a_program_that_fails_is_one_line_in_the_log(caplog, pipe: Pipe):
    read, write = pipe()
    watch = la.spawn(Watch())
    with caplog.at_level(logging.WARNING, logger="libactor"):
        assert la.wait(la.spawn(Program("exit 3", id="alone")), BOUND_SECONDS)
        alone = [(record.getMessage(), record.exc_info) for record in caplog.records]
        caplog.clear()
        ended = la.dispatch(watch, Watch.watch, la.spawn(Program("read _; exit 3", stdin=read)))
        la.execute(watch, lambda: None).get(BOUND_SECONDS)  # it is linked by now
        os.close(write)
        assert isinstance(ended.get(BOUND_SECONDS), CalledProcessError)
        linked = list(caplog.records)
        la.wait(la.spawn(la.Supervisor([la.Child(lambda: Program("exit 3"), "crasher")])), BOUND_SECONDS)

    assert len(alone) == 1
    assert "alone@" in alone[0][0]
    assert "exit status 3" in alone[0][0]
    assert not alone[0][1]
    assert linked == []
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3 + ["ERROR"]  # who gives up in the end


# Goal: nor is a program that is not there. Method: the same, without a link.
@pytest.mark.parametrize(
    ("program", "said"),
    [
        (lambda: Program(["no-such-program"], id="absent"), "cannot start 'no-such-program'"),
        (lambda: Program(["true"], cwd="/no/such/directory", id="absent"), "cannot enter the directory"),
    ],
)
def test_a_program_that_cannot_start_is_one_line_in_the_log(caplog, program: Callable[[], Program], said: str):
    with caplog.at_level(logging.WARNING, logger="libactor"):
        assert la.wait(la.spawn(program()), BOUND_SECONDS)
        alone = [(record.levelname, record.getMessage(), record.exc_info) for record in caplog.records]
        caplog.clear()
        la.wait(la.spawn(la.Supervisor([la.Child(program, "absent")])), BOUND_SECONDS)

    assert [(level, said in text, trace) for level, text, trace in alone] == [("ERROR", True, None)]
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3 + ["ERROR"]  # who gives up in the end


# Goal: the end of a program is told to the actor that ran it. Method: it is told once more, when the next one runs.
def test_the_end_of_a_program_does_not_stop_the_one_after_it():
    starts: la.Queue[int] = la.Queue()
    supervisor = la.spawn(la.Supervisor([la.Child(lambda: Recorded("sleep 1000", la.Shared(starts)), "worker")]))
    first = starts.get().get(BOUND_SECONDS)
    os.kill(first, signal.SIGKILL)
    second = starts.get().get(BOUND_SECONDS)
    [child] = la.dispatch(supervisor, la.Supervisor.children).get(BOUND_SECONDS)

    la.dispatch(child.pid, Program._libactor_ended, first, -signal.SIGKILL).get(BOUND_SECONDS)

    assert la.dispatch(child.pid, Program.process_id).get(BOUND_SECONDS) == second


def test_a_supervisor_lets_a_transient_program_be_that_has_done_its_work():
    supervisor = la.spawn(la.Supervisor([la.Child(lambda: Program(["true"]), "worker", restart="transient")]))
    [child] = la.dispatch(supervisor, la.Supervisor.children).get(BOUND_SECONDS)

    la.dispatch(supervisor, la.Supervisor.started).get(BOUND_SECONDS)
    la.wait(child.pid, BOUND_SECONDS) if child.pid is not None else None

    [child] = la.dispatch(supervisor, la.Supervisor.children).get(BOUND_SECONDS)
    assert (child.restarts, child.reason) == (0, None)


def test_a_supervisor_stops_its_programs(pipe: Pipe):
    starts: la.Queue[int] = la.Queue()
    children = [la.Child(lambda: Recorded("sleep 1000", la.Shared(starts)), f"worker-{n}") for n in range(3)]
    supervisor = la.spawn(la.Supervisor(children))
    pids = [starts.get().get(BOUND_SECONDS) for _ in children]

    la.terminate(supervisor)

    assert la.wait(supervisor, BOUND_SECONDS)
    assert [reap(pid).get(BOUND_SECONDS) for pid in pids] == [None] * 3


@pytest.mark.parametrize(
    ("options", "error"),
    [({"grace": -1}, ValueError), ({"grace": float("nan")}, ValueError), ({"grace": "1"}, TypeError),
     ({"stop_signal": 0}, ValueError), ({"stop_signal": 1000}, ValueError), ({"stop_signal": "TERM"}, TypeError)],
)  # fmt: skip
def test_wrong_arguments_are_refused_at_once(options, error: type[Exception]):
    with pytest.raises(error, match="Program: "):
        Program(["true"], **options)


def test_a_deterministic_runtime_has_no_programs():
    with la.testing.DeterministicRuntime(1) as deterministic:
        pid = deterministic.spawn(Program(["true"]))
        deterministic.clock.settle()

        with pytest.raises(la.Abandoned, match="deterministic"):
            la.dispatch(pid, Program.process_id).get(1)
