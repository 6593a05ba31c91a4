"""The supervisor, as a program: what it makes of scripts, good and broken, and what it gives a command."""

import errno
import os
import random
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mesoslite.containment.container_directory import ContainerDirectory, Status, make_runtime_directory
from mesoslite.containment.launch_failures import failure_message
from mesoslite.containment.script import MountFlag, Namespace, Place, Script
from mesoslite.containment.supervisors import PROGRAM
from mesoslite.model import ContainerID

pytestmark = pytest.mark.real
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do what this is about")

Run = Callable[[bytes], Status | None]

# Has a program run as on a kernel without mount_setattr(2), number 442; see seccomp(2).
OLD_KERNEL = """
import ctypes, os, struct, sys
rules = [(0x20, 0, 0, 0), (0x15, 0, 1, 442), (0x06, 0, 0, 0x50000 | 38), (0x06, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
program = struct.pack("HxxxxxxP", len(rules), ctypes.addressof(code))
assert ctypes.CDLL(None).prctl(22, 2, program, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.fixture
def starter() -> list[str]:
    """What the supervisor is started by: itself."""
    return [str(PROGRAM)]


@pytest.fixture
def run(tmp_path: Path, starter: list[str]) -> Run:
    """Carries a script out, and returns how that ended."""
    runtime = str(tmp_path / "runtime")
    make_runtime_directory(runtime)

    def run_script(script: bytes) -> Status | None:
        directory = ContainerDirectory(runtime, ContainerID("box"))
        directory.make(script)
        control = (os.POSIX_SPAWN_OPEN, 3, directory.file("control"), os.O_RDWR | os.O_NONBLOCK, 0)
        pid = os.posix_spawn(starter[0], [*starter, directory.path], {}, file_actions=[control])
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
        b"bind\0005\0/\0\0/\0\0x\0",
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


def own_mounts() -> Script:
    script = Script()
    script.namespaces(Namespace.MOUNT)
    script.mount("", "/", "", MountFlag.RECURSIVE | MountFlag.SLAVE)
    return script


# Goal: a container that may write in a directory cannot have another one, made ready there, mount what it may not see.
@as_root
@pytest.mark.parametrize(
    ("path", "error"),
    [("link/there", errno.ELOOP), ("link", errno.ELOOP), ("file-link", errno.ELOOP), ("../out", errno.EXDEV)],
)
@pytest.mark.parametrize("is_source", [False, True])
def test_nothing_is_mounted_through_a_link(run: Run, tmp_path: Path, path: str, error: int, is_source: bool):
    (tmp_path / "out" / "there").mkdir(parents=True)
    (tmp_path / "top" / "good").mkdir(parents=True)
    (tmp_path / "top" / "link").symlink_to(tmp_path / "out")
    (tmp_path / "top" / "file-link").symlink_to("/etc/hostname")
    bad, good = Place(str(tmp_path / "top"), path), Place(str(tmp_path / "top"), "good")
    script = own_mounts()
    script.bind(bad if is_source else good, good if is_source else bad)
    script.command("/bin/true", ("true",))

    status = run(script.render())

    assert status is not None
    assert (status.error, status.instruction) == (error, "bind")
    assert f"{path!r} in {str(tmp_path / 'top')!r}" in failure_message(status)


# Method: below what is mounted there is another file system, which only newer kernels can have be read only as well.
@as_root
@pytest.mark.parametrize("starter", [[str(PROGRAM)], [sys.executable, "-S", "-c", OLD_KERNEL, str(PROGRAM)]])
def test_what_is_only_read_is_so_on_old_kernels_too(
    output: Callable[[Script, str], str], tmp_path: Path, starter: list[str]
):
    source, is_old = str(tmp_path / "source"), len(starter) > 1
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    script = own_mounts()
    script.mount("tmpfs", source, "tmpfs", MountFlag.NO_EXECUTION | MountFlag.NO_SUID)
    script.make_directory(f"{source}/below")
    script.mount("tmpfs", f"{source}/below", "tmpfs")
    script.make_file(f"{source}/below/inner")
    script.bind(Place(source), Place(str(tmp_path), "target"), is_read_only=True)
    script.enter(str(tmp_path / "target"))

    told = output(script, "for at in . below; do touch $at/x || echo closed; done; ls below; grep /target /proc/mounts")

    assert told.count("closed") == 2
    assert ("inner" in told) == (not is_old)
    assert told.count(" ro,") == (1 if is_old else 2)
    assert " ro,nosuid,noexec," in told
