"""What holds of containers with a supervisor: they are told how they fare by files, and nothing of them escapes."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from mesoslite.containment import SupervisedContainerizer, supervisors
from mesoslite.model import Conflict, InvalidRequest, Reason

from .bench import BOUND_SECONDS, Bench, has_ended

pytestmark = pytest.mark.real
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs as another user")


@pytest.fixture
def kind() -> str:
    """The one that this is about."""
    return "supervised"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ({"script": "no-such-program", "shell": False}, ["cannot start 'no-such-program'", "No such file", "install"]),
        ({"script": "no such one", "shell": False, "arguments": ("a", "b")}, ["cannot start 'no such one': No such"]),
        ({"script": "/dev/null", "shell": False}, ["cannot start '/dev/null'", "Permission denied"]),
        ({"script": "x" * 3_000_000}, ["cannot start '/bin/sh'", "too long"]),
    ],
)
def test_a_command_that_cannot_start_ends_with_the_reason(bench: Bench, command: dict[str, Any], words: list[str]):
    bench.launch(**command)

    end = bench.end()

    assert (end.exit_status, end.reason) == (None, Reason.REASON_CONTAINER_LAUNCH_FAILED)
    assert all(word in end.message for word in words), end.message
    assert not bench.starts.acquire(blocking=False)


def test_a_command_that_can_never_be_told_is_refused(bench: Bench):
    with pytest.raises(OSError, match="cannot start '/bin/sh': embedded null byte"):
        bench.launch("a\0b")

    assert bench.ends.empty()


def test_a_sandbox_that_is_gone_is_named(bench: Bench):
    bench.sandbox.rmdir()

    bench.launch("true")

    assert f"cannot open '{bench.sandbox}/stdout' for its output: No such file" in bench.end().message


def test_a_command_has_started_before_it_has_ended(bench: Bench):
    container = bench.launch("true")

    assert bench.exit_status() == 0
    assert bench.starts.acquire(blocking=False)
    assert container.has_started


def test_terminate_kills_when_the_grace_is_over(bench: Bench):
    fifo, told = bench.make_fifo(), bench.make_fifo("told")
    container = bench.launch(f"trap 'echo asked > {told}' TERM; echo $$ > {fifo}; while :; do read x < {fifo}; done")
    bench.pids(fifo, 1)

    container.terminate(BOUND_SECONDS)
    asked = told.read_text()
    container.terminate(0.05)

    assert asked == "asked\n"
    assert bench.exit_status() == -signal.SIGKILL


def test_a_later_grace_does_not_extend_the_first(bench: Bench):
    fifo = bench.make_fifo()
    container = bench.launch(f"trap '' TERM; echo $$ > {fifo}; while :; do read x < {fifo}; done")
    bench.pids(fifo, 1)

    container.terminate(0.05)
    container.terminate(BOUND_SECONDS)

    assert bench.exit_status() == -signal.SIGKILL


# A process that has left parent, session and environment behind leaves no trace but this: it descends from us.
def test_kill_reaches_what_has_left_everything_behind(bench: Bench):
    told, fifo = bench.make_fifo("told"), bench.make_fifo()
    child = f"trap : TERM; echo $PPID $$ > {told}; while :; do read x < {fifo}; done"
    container = bench.launch(f"(setsid env -i $(command -v sh) -c '{child}' &); while :; do read x < {fifo}; done")
    with open(told) as line:
        _, pid = (int(word) for word in next(line).split())

    container.terminate(BOUND_SECONDS)
    ended = bench.exit_status()

    assert ended == -signal.SIGTERM
    assert has_ended(pid)


# Method: processes each of which starts two others in sessions of their own, which their user may have no more of than
#   other tests can bear.
@as_root
def test_processes_that_fork_on_and_on_in_sessions_of_their_own_are_killed(open_bench: Bench):
    spawn = open_bench.sandbox / "spawn"
    spawn.write_text("#!/bin/bash\nsetsid $0 & setsid $0 & wait\n")
    spawn.chmod(0o755)
    told = open_bench.make_fifo("told")
    told.chmod(0o666)
    script = f"ulimit -u 200; {spawn} & sleep 0.2; echo $$ > {told}; exec {spawn}"
    container = open_bench.launch("bash", shell=False, arguments=("bash", "-c", script), user="nobody")
    open_bench.pids(told, 1)

    container.kill()

    assert open_bench.exit_status() == -signal.SIGKILL
    assert not processes_of(spawn)


def test_a_command_that_closes_its_streams_is_held_all_the_same(bench: Bench):
    fifo, told = bench.make_fifo(), bench.make_fifo("told")
    container = bench.launch(f"exec <&- >&- 2>&-; echo $$ > {told}; read x < {fifo}")
    bench.pids(told, 1)

    container.kill()

    assert bench.exit_status() == -signal.SIGKILL


def test_variables_may_hold_any_text(bench: Bench):
    bench.launch('printf %s "$A"; printf %s "$B"', {"A": "two\nlines = =\n", "B": "\udcff€"})

    assert bench.exit_status() == 0
    assert (bench.sandbox / "stdout").read_bytes() == b"two\nlines = =\n\xff" + "€".encode()


def test_thousands_of_arguments_arrive(bench: Bench):
    words = tuple(f"{number}" for number in range(20_000))

    bench.launch("sh", shell=False, arguments=("sh", "-c", "echo $# ${20000}", "sh", *words))

    assert bench.exit_status() == 0
    assert bench.output() == "20000 19999\n"


def test_nothing_is_left_of_a_container_that_has_ended(bench: Bench, tmp_path: Path):
    bench.launch("true")

    bench.end()

    assert os.listdir(tmp_path / "runtime" / "containers") == []


def test_a_command_has_no_descriptors_and_no_signals_that_are_not_its_own(bench: Bench):
    bench.launch("ls /proc/self/fd; grep -E 'Sig(Blk|Ign)' /proc/self/status")

    assert bench.exit_status() == 0
    *descriptors, blocked, ignored = bench.output().splitlines()
    assert descriptors == ["0", "1", "2", "3"]  # the last one is of ls itself
    assert [line.split()[1] for line in (blocked, ignored)] == ["0" * 16] * 2


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\nb", "x" * 300])
def test_an_id_that_is_no_name_of_a_file_is_refused(bench: Bench, name: str):
    config = bench.config("true")

    with pytest.raises(InvalidRequest, match="id"):
        bench.containerizer.launch(type(config)(**{**_fields(config), "container_id": name}), bench)


def test_an_id_is_used_once(bench: Bench, tmp_path: Path):
    config = bench.config(f"read x < {bench.make_fifo()}")
    bench.containerizer.launch(config, bench)

    with pytest.raises(Conflict, match="already"):
        bench.containerizer.launch(config, bench)

    assert os.listdir(tmp_path / "runtime" / "containers") == [config.container_id]


# Method: limits as those of the command line, which raises its own for the descriptors that containers take.
def test_a_command_has_the_limits_of_open_files_that_it_is_given(tmp_path: Path):
    (tmp_path / "sandbox").mkdir()
    containerizer = SupervisedContainerizer(str(tmp_path / "runtime"), open_files=(77, 99))
    bench = Bench(containerizer, tmp_path / "sandbox")

    bench.launch("ulimit -S -n; ulimit -H -n")

    assert bench.exit_status() == 0
    containerizer.close()
    assert bench.output() == "77\n99\n"


def test_a_runtime_directory_is_one_containerizers(bench: Bench, tmp_path: Path):
    bench.launch(f"read x < {bench.make_fifo()}")
    second = SupervisedContainerizer(str(tmp_path / "runtime"))

    with pytest.raises(BlockingIOError, match="another agent"):
        second.recover([], lambda _: bench)

    bench.containerizer.close()
    second.recover([], lambda _: bench)
    second.close()


@pytest.mark.parametrize("name", ["PROGRAM", "_CHILDREN"])
def test_what_supervisors_need_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str):
    assert supervisors.supervisor_problem() is None

    monkeypatch.setattr(supervisors, name, tmp_path / "missing")

    assert supervisors.supervisor_problem() is not None


def test_what_supervisors_write_is_closed_to_others(tmp_path: Path):
    SupervisedContainerizer(str(tmp_path / "runtime")).close()

    assert (tmp_path / "runtime" / "containers").stat().st_mode & 0o777 == 0o700


def processes_of(program: Path) -> list[int]:
    """Whoever runs ``program`` at this moment; a zombie does not."""
    found = []
    for pid in (int(name) for name in os.listdir("/proc") if name.isdecimal()):
        try:
            if os.fsencode(program) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                found.append(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def _fields(config: Any) -> dict[str, Any]:
    return {name: getattr(config, name) for name in config.__struct_fields__}
