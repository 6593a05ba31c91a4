"""The first `make` says what the machine lacks, or makes an environment; later ones find nothing left to do."""

# Method: the real .ci/environment and Makefile, in a small checkout with a PATH of its own. Python is a script that
#   tells what it was asked to do (fake_python.sh), so nothing is installed and each run takes milliseconds.
# That a second run starts at once is told by what it does (nothing), not by a watch.

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BOUND = 120.0  # seconds after which a test has failed; never waited for when all is well
TOOLS = ["bash", "sh", "cat", "cp", "mkdir", "mv", "rm", "flock", "make"]

pytestmark = pytest.mark.real


class Checkout:
    """What an environment is made from, on a machine that has nothing but TOOLS, a compiler and a Python."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("bin", "include", "csrc", ".ci"):
            (folder / name).mkdir(parents=True)
        for name in ("setup.cfg", "pyproject.toml", "setup.py", "csrc/one.c", "csrc/two.c", "include/Python.h", "log"):
            (folder / name).touch()
        for name in (".ci/environment", "Makefile"):
            shutil.copy(ROOT / name, folder / name)
        for tool in TOOLS:
            (folder / "bin" / tool).symlink_to(shutil.which(tool))
        (folder / "bin" / "gcc").symlink_to(shutil.which("true"))
        shutil.copy(Path(__file__).with_name("fake_python.sh"), folder / "bin" / "python3")
        (folder / "bin" / "python3").chmod(0o755)

    def start(self, *command, **variables):
        environment = {"PATH": str(self.folder / "bin"), **variables}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        path = str(self.folder / "bin" / command[0])
        return subprocess.Popen([path, *command[1:]], cwd=self.folder, env=environment, **pipes)

    def make_environment(self, **variables):
        """Run .ci/environment; its exit status and what it printed."""
        return finish(self.start("bash", ".ci/environment", **variables))

    def make(self, *arguments):
        """Run make; its exit status and what it printed."""
        return finish(self.start("make", "--no-print-directory", *arguments))

    def done(self):
        """What Python was told to do since the last call."""
        log = self.folder / "log"
        lines = log.read_text().splitlines()
        log.write_text("")
        return lines

    def edit(self, name):
        """Make a file newer than everything."""
        later = max(path.stat().st_mtime_ns for path in self.folder.rglob("*")) + 10**9
        os.utime(self.folder / name, ns=(later, later))


def finish(process):
    try:
        output, _ = process.communicate(timeout=BOUND)
    finally:
        process.kill()
    return process.returncode, output


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path / "checkout")


@pytest.fixture
def installed(checkout):
    """A checkout whose environment has been made."""
    assert checkout.make_environment() == (0, "making .venv with python3 (Python 3.12)\n")
    assert checkout.done() == ["venv", "pip"]
    return checkout


def take_compiler(checkout):
    (checkout.folder / "bin" / "gcc").unlink()


def take_headers(checkout):
    (checkout.folder / "include" / "Python.h").unlink()


def take_venv(checkout):
    (checkout.folder / "lacks-venv").touch()


LACKS = {
    take_compiler: ("no C compiler (gcc) was found", "apt-get install build-essential"),
    take_headers: ("lacks its C header Python.h", "apt-get install python3.12-dev"),
    take_venv: ("lacks the venv and ensurepip modules", "apt-get install python3.12-venv"),
}


@pytest.mark.parametrize("take", LACKS)
def test_what_the_machine_lacks_is_named_with_its_package_before_anything_is_made(checkout, take):
    take(checkout)

    status, output = checkout.make_environment()

    assert status == 1
    [line] = output.splitlines()
    assert all(part in line for part in LACKS[take])
    assert checkout.done() == []
    assert not (checkout.folder / ".venv").exists()


def test_all_that_is_missing_is_named_at_once(checkout):
    for take in LACKS:
        take(checkout)

    status, output = checkout.make_environment()

    assert status == 1
    assert len(output.splitlines()) == len(LACKS)
    assert all(package in output for _, package in LACKS.values())


def test_a_machine_without_python_is_told_the_packages(checkout):
    (checkout.folder / "bin" / "python3").unlink()

    status, output = checkout.make_environment()

    assert status == 1
    assert output.splitlines() == [
        "make: no Python 3.11 or newer was found; install it: apt-get install python3 python3-venv python3-dev"
    ]


def test_a_python_that_is_too_old_does_not_count(checkout):
    (checkout.folder / "python-is-old").touch()

    status, output = checkout.make_environment(PYTHON="python3")

    assert status == 1
    assert "PYTHON=python3 is no Python 3.11 or newer; install python3.11 or newer" in output
    assert checkout.done() == []


def test_another_name_for_the_compiler_serves(checkout):
    (checkout.folder / "bin" / "gcc").rename(checkout.folder / "bin" / "clang")

    assert checkout.make_environment()[0] == 1
    assert checkout.make_environment(CC="clang")[0] == 0


def test_what_is_missing_is_named_by_make_too(checkout):
    take_compiler(checkout)

    status, output = checkout.make("test-native")

    assert status == 2
    assert "apt-get install build-essential" in output
    assert checkout.done() == []


# Goal: a second run loses no time. Method: it would fail if it installed, compiled or made anything.
def test_a_second_run_has_nothing_left_to_do(installed):
    for name in ("pip-fails", "build-fails", "lacks-venv"):
        (installed.folder / name).touch()

    assert installed.make_environment() == (0, "")
    assert installed.done() == []


def test_a_second_make_runs_its_command_and_nothing_else(checkout):
    command = "-m pytest --numprocesses auto --dist worksteal tests --ignore=tests/tidy"
    checkout.make("test-native")
    assert checkout.done() == ["venv", "pip", command]

    assert checkout.make("test-native") == (0, f".venv/bin/python {command} \n")
    assert checkout.done() == [command]


def test_an_interrupted_install_is_begun_anew(checkout):
    (checkout.folder / "pip-fails").touch()
    assert checkout.make_environment()[0] == 1
    assert checkout.done() == ["venv", "pip"]
    half = checkout.folder / ".venv" / "half"
    half.touch()

    (checkout.folder / "pip-fails").unlink()

    assert checkout.make_environment()[0] == 0
    assert checkout.done() == ["venv", "pip"]
    assert not half.exists()


def test_after_an_interrupted_compilation_only_that_is_begun_anew(installed):
    installed.edit("csrc/one.c")
    (installed.folder / "build-fails").touch()
    assert installed.make_environment()[0] == 1
    assert installed.done() == ["build"]

    (installed.folder / "build-fails").unlink()

    assert installed.make_environment()[0] == 0
    assert installed.done() == ["build"]


@pytest.mark.parametrize("name", ["setup.cfg", "pyproject.toml", "setup.py"])
def test_a_change_of_the_dependencies_installs_again_in_the_same_environment(installed, name):
    installed.edit(name)

    assert installed.make_environment()[0] == 0
    assert installed.done() == ["pip"]


def test_a_change_of_the_core_compiles_and_does_not_install(installed):
    installed.edit("csrc/two.c")

    assert installed.make_environment()[0] == 0
    assert installed.done() == ["build"]


@pytest.mark.parametrize("command", [["make", "test-native"], ["bash", ".ci/environment"]])
def test_a_checkout_that_has_moved_makes_its_environment_anew(installed, command):
    installed.folder = installed.folder.rename(installed.folder.with_name("moved"))

    assert finish(installed.start(*command))[0] == 0
    assert installed.done()[:2] == ["venv", "pip"]


# Goal: two at once do not get into each other's way. Method: the first stands in pip until the second has started; a
# second pip would wait for a line that does not come.
def test_of_two_runs_at_once_one_installs_and_the_other_waits(checkout):
    pipe = checkout.folder / "pip-waits"
    os.mkfifo(pipe)
    with open(pipe, "r+b", buffering=0) as lines:
        runs = [checkout.start("bash", ".ci/environment") for _ in range(2)]
        lines.write(b"go on\n")
        statuses = [finish(run)[0] for run in runs]

    assert statuses == [0, 0]
    assert checkout.done() == ["venv", "pip"]


def test_every_target_is_listed_by_make_and_explained_to_contributors(checkout):
    text = (ROOT / "Makefile").read_text()
    targets = set(text.partition(".PHONY: ")[2].splitlines()[0].split()) - {"help"}
    (checkout.folder / "bin" / "awk").symlink_to(shutil.which("awk"))

    listed = {line.split()[1] for line in checkout.make()[1].splitlines() if line.startswith("  make ")}
    explained = set(re.findall(r"`make ([a-z-]+)`", (ROOT / "CONTRIBUTING.md").read_text()))

    assert listed == {"help", *targets}
    assert explained >= targets
