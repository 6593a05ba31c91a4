"""Fixtures of the command tests: how to start a command, and a cluster to run things on."""

import logging
import os
import signal
import subprocess

import pytest
from typer.testing import CliRunner

from mesoslite.cli.main import app
from tests.ready import Program

BOUND = 120.0  # seconds after which a test has failed; never waited for when all is well
MAIN = "from mesoslite.cli.main import main; main()"
STARTED = []  # every process, in order


def start(*arguments, program=MAIN, **options):
    """Start a command, or a program in its place; its output comes by pipes."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MESOSLITE_")}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment}
    words = [str(argument) for argument in arguments]
    process = Program("mesoslite.cli.main", ["-c", program, *words], **{**pipes, **options})
    STARTED.append(process)
    return process


def finish(process):
    """Wait for a command and return its exit status, output and error output."""
    output, errors = process.communicate(timeout=BOUND)
    return process.returncode, output, errors.decode()


def mesoslite(*arguments, **options):
    """Run a command to its end."""
    return finish(start(*arguments, **options))


def mesoslite_here(*arguments):
    """As ``mesoslite``, in this process: for what is refused, or asks a master and ends."""
    environment = {name: None for name in os.environ if name.startswith("MESOSLITE_")}
    result = CliRunner().invoke(app, [str(one) for one in arguments], env=environment, catch_exceptions=False)
    return result.exit_code, result.stdout_bytes, result.stderr


def start_dev(*arguments):
    """Start `mesoslite dev` on a free port; the process and its URL, once it is ready."""
    process = start("dev", "--port", 0, *arguments)
    greeting = process.stdout.readline().decode()
    assert greeting.startswith("Master at http://"), (greeting, process.stderr.read())
    return process, greeting.split()[2]


def stop_dev(process, number=signal.SIGINT):
    """Ask `mesoslite dev` to end, and return as ``finish``."""
    process.send_signal(number)
    return finish(process)


@pytest.fixture(autouse=True)
def end_what_is_left():
    """A test that fails half-way leaves no process behind."""
    before = len(STARTED)
    yield
    for process in STARTED[before:]:
        with process:  # closes its pipes and waits for it
            process.kill()


@pytest.fixture(autouse=True)
def keep_logging():
    """What a command in this process sets for all of it is put back: tests that read the log may come later."""
    root, transport = logging.getLogger(), logging.getLogger("libactor.transport")
    handlers, levels = root.handlers[:], (root.level, transport.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    transport.setLevel(levels[1])


@pytest.fixture(scope="module")
def url():
    process, url = start_dev("--agents", 2)
    yield url
    status, _, errors = stop_dev(process)
    assert (status, errors) == (0, "")
