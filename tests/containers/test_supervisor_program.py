"""The supervisor, as a program: what it makes of scripts, good and broken, and what it gives a command."""

import os
import random
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from mesoslite.containment.container_directory import ContainerDirectory, Status, make_runtime_directory
from mesoslite.containment.launch_failures import failure_message
from mesoslite.containment.script import Script
from mesoslite.containment.supervisors import PROGRAM
from mesoslite.model import ContainerID

pytestmark = pytest.mark.real
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do what this is about")

Run = Callable[[bytes], Status | None]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Carries a script out, and returns how that ended."""
    runtime = str(tmp_path / "runtime")
    make_runtime_directory(runtime)

    def run_script(script: bytes) -> Status | None:
        directory = ContainerDirectory(runtime, ContainerID("box"))
        directory.make(script)
        control = (os.POSIX_SPAWN_OPEN, 3, directory.file("control"), os.O_RDWR | os.O_NONBLOCK, 0)
        pid = os.posix_spawn(PROGRAM, [PROGRAM.name, directory.path], {}, file_actions=[control])
        os.waitpid(pid, 0)
        status = directory.read_status()
        directory.remove()
        return status

    return run_script


@pytest.fixture
def output(run: Run, tmp_path: Path) -> Callable[[Script, str], str]:
    """Has a shell run ``command`` at the end of a script, and returns what it puts out."""

    def put_out(script: Script, command: str) -> str:
        script.append(1, str(tmp_path / "out"))
        script.append(2, str(tmp_path / "out"))
        script.environment({"PATH": os.environ["PATH"]})
        script.command("/bin/sh", ("sh", "-c", command))
        status = run(script.render())
        text = (tmp_path / "out").read_text() if (tmp_path / "out").exists() else ""
        assert status == Status(exit_status=0), (status, text)
        return text

    return put_out


def good_script() -> bytes:
    script = Script()
    script.enter("/")
    script.command("/bin/true", ("true",))
    return script.render()


def test_a_script_is_carried_out(run: Run):
    assert run(good_script()) == Status(exit_status=0)


# Goal: nothing of a script is done unless it is there as a whole.
def test_a_script_that_is_cut_short_is_refused_wherever_it_is_cut(run: Run):
    whole = good_script()

    statuses = [run(whole[:size]) for size in range(len(whole))]

    assert {(status.exit_status, status.instruction) for status in statuses if status is not None} == {(None, "script")}


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (b"", ""),
        (b"mesoslite supervisor 2\0end\0000\0", "this version"),
        (good_script() + b"x\0", "behind its end"),
        (b"mesoslite supervisor 1\0run\0", "cut short"),
        (b"mesoslite supervisor 1\0run\0x\0end\0000\0", "without a number"),
        (b"mesoslite supervisor 1\0run\00018446744073709551616\0end\0000\0", "without a number"),
        (b"mesoslite supervisor 1\0run\0004294967294\0a\0end\0000\0", "cut short"),
        (b"mesoslite supervisor 1\0run\0001\0a\0end\0000\0", "too few"),
        (b"mesoslite supervisor 1\0dance\0000\0end\0000\0", "that there is not"),
        (b"mesoslite supervisor 1\0end\0001\0a\0", "too many"),
    ],
)
def test_a_broken_script_is_refused_with_the_reason(run: Run, script: bytes, words: str):
    status = run(script)

    assert status is not None
    assert (status.exit_status, status.instruction) == (None, "script")
    assert words in failure_message(status)


def test_a_script_without_a_command_is_a_failure(run: Run):
    assert run(Script().render()) == Status(error=8, instruction="end")


@pytest.mark.parametrize(
    "instruction",
    [
        b"umask\0001\0999\0",
        b"umask\0001\0-1\0",
        b"limit\0003\000999\0001\0001\0",
        b"limit\0003\0007\0x\0001\0",
        b"append\0004\0009\0out\0-1\0-1\0",
        b"append\0004\0001\0/dev/null\0x\0-1\0",
        b"read\0002\0x\0/dev/null\0",
        b"unshare\0001\0x\0",
        b"bound\0001\0g\0",
        b"capabilities\0004\0000\0000\0x\0000\0",
        b"user\0002\0004294967295\0000\0",
        b"user\0003\0000\0000\0x\0",
        b"mount\0005\0\0/\0\0x\0\0",
        b"directory\0002\0/\0x\0",
        b"file\0002\0/dev/null\0x\0",
    ],
)
def test_an_argument_that_is_not_what_it_has_to_be_is_refused(run: Run, instruction: bytes):
    name = instruction.partition(b"\0")[0].decode()

    status = run(b"mesoslite supervisor 1\0" + instruction + b"end\0000\0")

    assert status is not None
    assert (status.error, status.instruction) == (22, name)


# Method: bytes of a good script are replaced at random; whatever comes of it, the supervisor says how it ended.
def test_a_damaged_script_ends_one_way_or_another(run: Run):
    rng, whole = random.Random(7), good_script()
    for _ in range(40):
        damaged = bytearray(whole)
        for _ in range(rng.randrange(1, 4)):
            damaged[rng.randrange(len(damaged))] = rng.choice(b"\0\xff09azAZ/")

        assert run(bytes(damaged)) is not None


def test_limits_and_umask_are_those_of_the_script(output: Callable[[Script, str], str]):
    script = Script()
    script.limit(resource.RLIMIT_CORE, 0, 0)
    script.limit(resource.RLIMIT_NOFILE, 77, 99)
    script.umask(0o027)

    assert output(script, "ulimit -n; ulimit -H -n; umask") == "77\n99\n0027\n"


def test_no_new_privileges_are_set(output: Callable[[Script, str], str]):
    script = Script()
    script.no_new_privileges()

    assert output(script, "grep NoNewPrivs /proc/self/status") == "NoNewPrivs:\t1\n"


@as_root
def test_another_user_keeps_exactly_the_capabilities_of_the_script(output: Callable[[Script, str], str]):
    kill, bind = 5, 10
    script = Script()
    script.bound_capabilities({kill, bind})
    script.keep_capabilities()
    script.user(65534, 65533, (1, 2))
    script.capabilities({kill}, {kill, bind}, {kill}, {kill})

    text = output(script, "id -u; id -g; id -G; grep -E 'Cap(Eff|Bnd|Amb)' /proc/self/status")

    sets = [f"Cap{name}:\t{mask:016x}" for name, mask in (("Eff", 0x20), ("Bnd", 0x420), ("Amb", 0x20))]
    assert text.splitlines() == ["65534", "65533", "65533 1 2", *sets]


@as_root
def test_a_pid_namespace_has_a_reaper_and_ends_with_the_command(output: Callable[[Script, str], str]):
    script = Script()
    script.pid_namespace()

    # the reaper is the first there; what the command leaves ends with it, or its end would not be told
    assert output(script, "(setsid sleep 1000 &); echo $$") == "2\n"
