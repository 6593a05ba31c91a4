"""What a container puts out is in files of a bounded size, in order and complete, whatever it does to them."""

import os
import pwd
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mesoslite.containment import SupervisedContainerizer
from mesoslite.containment.log_rotation import LogRotation, Rotation, parse_options, parse_size
from mesoslite.model import InvalidRequest, Reason
from tests.thoroughness import usually

from .bench import Bench

pytestmark = pytest.mark.real
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs as another user")
LARGE = 10_000


@pytest.fixture
def containerizer(tmp_path: Path) -> Iterator[Any]:
    """One that keeps three older files of 10,000 bytes."""
    made = SupervisedContainerizer(
        str(tmp_path / "runtime"), rotation=LogRotation(Rotation(LARGE, 3), Rotation(LARGE, 0))
    )
    yield made
    made.close()


def numbers(count: int) -> str:
    return "".join([f"{number}\n" for number in range(1, count + 1)])


def files(bench: Bench, name: str = "stdout") -> dict[str, int]:
    return {path.name: path.stat().st_size for path in bench.sandbox.iterdir() if path.name.startswith(name)}


def joined(bench: Bench, name: str = "stdout") -> str:
    """All that there is of an output, the oldest first."""
    older = sorted(bench.sandbox.glob(f"{name}.*"), key=lambda path: -int(path.suffix[1:]))
    return "".join([path.read_text() for path in (*older, bench.sandbox / name)])


def test_output_that_is_small_is_one_file(bench: Bench):
    bench.launch("echo out; echo wrong >&2")

    assert bench.exit_status() == 0
    assert (bench.output(), bench.output("stderr")) == ("out\n", "wrong\n")
    assert files(bench) == {"stdout": 4}


def test_nothing_is_lost_until_a_file_is_too_old(bench: Bench):
    bench.launch("seq 7000")

    assert bench.exit_status() == 0
    assert joined(bench) == numbers(7000)
    assert files(bench) == {
        "stdout.3": LARGE,
        "stdout.2": LARGE,
        "stdout.1": LARGE,
        "stdout": len(numbers(7000)) - 3 * LARGE,
    }


def test_a_container_that_prints_on_and_on_is_bounded(bench: Bench):
    bench.launch(f"head -c {usually(3_000_000, 1_000_000_000)} /dev/zero; seq 7000 >&2")

    assert bench.exit_status() == 0
    assert files(bench) == {"stdout": LARGE, "stdout.1": LARGE, "stdout.2": LARGE, "stdout.3": LARGE}
    assert files(bench, "stderr") == {"stderr": len(numbers(7000)) % LARGE}
    assert numbers(7000).endswith(bench.output("stderr"))


# What is in a pipe when the last process is killed was written by it.
def test_what_was_written_before_the_end_is_there_when_that_is_told(bench: Bench):
    bench.launch("seq 5000; kill -9 $$")

    assert bench.exit_status() == -9
    assert joined(bench) == numbers(5000)


def test_what_daemonises_writes_on_until_it_is_ended(bench: Bench):
    fifo = bench.make_fifo()
    bench.launch(f"(setsid sh -c 'echo child; echo done > {fifo}' &); read x < {fifo}; echo parent")

    assert bench.exit_status() == 0
    assert bench.output() == "child\nparent\n"


# Goal: neither root's files nor the bound can be had by what a task puts in the place of its output.
@pytest.mark.parametrize(
    "trap",
    [
        "rm stdout; ln -s $PWD/../secret stdout",
        "ln -s $PWD/../secret stdout.1",
        "mkdir -p stdout.1/full stdout.2/full stdout.3/full",
        "rm stdout; mkdir -p stdout/full",
        "rm stdout; mkfifo stdout",
        "rm stdout; ln $PWD/../secret stdout",
        "rm stdout",
        "chmod 0 stdout; : > stdout",
    ],
)
def test_what_a_task_puts_in_the_way_is_not_written_to_and_holds_nothing_up(bench: Bench, trap: str):
    secret = bench.sandbox.parent / "secret"
    secret.write_text("root's")
    bench.launch(f"{trap}; head -c 1000000 /dev/zero")

    assert bench.exit_status() == 0
    assert secret.read_text() == "root's"
    plain = [path for path in bench.sandbox.iterdir() if path.is_file() and path.stat().st_ino != secret.stat().st_ino]
    assert all(path.stat().st_size <= LARGE for path in plain)


@as_root
def test_files_are_the_users_and_its_output_can_be_opened_by_name(tmp_path: Path, open_bench: Bench):
    nobody = pwd.getpwnam("nobody")

    open_bench.launch("echo here > /dev/stdout; seq 4000", user="nobody")

    assert open_bench.exit_status() == 0, open_bench.output("stderr")
    assert joined(open_bench) == "here\n" + numbers(4000)
    assert {path.stat().st_uid for path in open_bench.sandbox.iterdir()} == {nobody.pw_uid}


# What checks a task writes to the same files as the task, through a supervisor of its own.
def test_two_containers_in_one_sandbox_share_its_files(bench: Bench):
    fifo = bench.make_fifo()
    bench.launch(f"echo $$ > {fifo}; read x < {fifo}; seq 3000")
    bench.pids(fifo, 1)
    bench.launch("seq 3000")
    assert bench.exit_status() == 0
    fifo.write_text("\n")

    assert bench.exit_status() == 0
    assert joined(bench) == 2 * numbers(3000)


def test_a_command_says_what_its_own_output_may_be(bench: Bench):
    environment = (
        ("CONTAINER_LOGGER_MAX_STDOUT_SIZE", "32KB"),
        ("CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", "rotate 1"),
    )

    bench.launch("seq 7000", environment=environment)

    assert bench.exit_status() == 0
    assert files(bench).keys() == {"stdout", "stdout.1"}
    assert files(bench)["stdout.1"] == 32 << 10


def test_a_command_that_says_it_wrong_is_refused(bench: Bench):
    with pytest.raises(InvalidRequest, match="CONTAINER_LOGGER_MAX_STDERR_SIZE: got '1'"):
        bench.launch("true", environment=(("CONTAINER_LOGGER_MAX_STDERR_SIZE", "1"),))


@pytest.mark.parametrize(("name", "text"), [("MAX_STDOUT_SIZE", "159KB"), ("LOGROTATE_STDOUT_OPTIONS", "rotate 640")])
def test_many_small_files_are_refused(name: str, text: str):
    """To put them aside, which the supervisor does, outside of the bounds of the task, would cost more than writing."""
    with pytest.raises(InvalidRequest, match="have fewer stay by CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS"):
        LogRotation().of([(f"CONTAINER_LOGGER_{name}", text)])
    least = LogRotation().of([("CONTAINER_LOGGER_MAX_STDOUT_SIZE", "160KB")])
    assert least.stdout == Rotation(160 << 10, 9)


def test_output_that_cannot_be_opened_fails_the_launch(bench: Bench):
    (bench.sandbox / "stdout").mkdir()

    bench.launch("true")

    end = bench.end()
    assert end.reason is Reason.REASON_CONTAINER_LAUNCH_FAILED
    assert f"cannot open its output in '{bench.sandbox}'" in end.message


# Goal: output goes on without the agent that started its container.
def test_output_is_rotated_without_an_agent(bench: Bench, tmp_path: Path):
    fifo = bench.make_fifo()
    container = bench.launch(f"read x < {fifo}; seq 7000")
    bench.leader(container)
    bench.containerizer._containers[bench.launched].is_checkpointed = True
    bench.containerizer.detach()

    fifo.write_text("\n")
    ended = threading.Event()
    again = SupervisedContainerizer(str(tmp_path / "runtime"))

    class Notices:
        def started(self) -> None: ...

        def ended(self, termination: Any) -> None:
            ended.set()

    again.recover([bench.launched_config], lambda container_id: Notices())
    assert ended.wait(60)
    again.close()
    assert joined(bench) == numbers(7000)


@pytest.mark.parametrize(
    ("text", "size"), [("1B", 1), ("5KB", 5120), ("10MB", 10 << 20), (" 2GB ", 2 << 30), ("1TB", 1 << 40)]
)
def test_sizes_are_those_of_mesos(text: str, size: int):
    assert parse_size("x", text) == size


@pytest.mark.parametrize("text", ["", "0B", "1", "10 MB", "-1MB", "1.5MB", "10mb", "99999999999999999TB", "9" * 9999])
def test_other_sizes_are_refused(text: str):
    with pytest.raises(InvalidRequest, match="expected a size such as 10MB; units are B, KB"):
        parse_size("x", text)


@pytest.mark.parametrize("text", ["", "rotate", "compress", "rotate 9\ncompress", "rotate 1001", "rotate -1"])
def test_other_options_of_logrotate_are_refused(text: str):
    assert parse_options("x", " rotate 0 ") == 0
    with pytest.raises(InvalidRequest, match="'rotate 9'"):
        parse_options("x", text)
