"""The example of two programs does what it says: the client waits for the server, and misses it when it goes."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
ADDRESS = f"127.{77 + os.getpid() // 62_500 % 100}.{os.getpid() // 250 % 250}.{1 + os.getpid() % 250}:5047"  # our own
LIMIT = 60

pytestmark = pytest.mark.real

Program = subprocess.Popen[str]


@pytest.fixture
def start() -> Iterator[Callable[..., Program]]:
    """Start one of the programs; who reads its output waits no longer than LIMIT."""
    programs: list[Program] = []

    def kill_all() -> None:
        for program in programs:
            program.kill()

    alarm = threading.Timer(LIMIT, kill_all)

    def start(name: str, *arguments: str, **environment: str) -> Program:
        command = [sys.executable, "-X", "dev", "-W", "error", str(EXAMPLES / name), *arguments]
        program = subprocess.Popen(
            command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        programs.append(program)
        return program

    alarm.start()
    yield start
    alarm.cancel()
    alarm.join()
    for program in programs:
        program.kill()
        with program:  # closes its pipes, and waits
            pass


def line_after(program: Program, passed_over: str) -> str:
    """The next line of another text. A program that ends before it, by the alarm perhaps, fails the test."""
    assert program.stdout is not None
    for line in program.stdout:
        if line.rstrip() != passed_over:
            return line.rstrip()
    pytest.fail(
        f"{program.args} ended with {program.wait(LIMIT)} and no line but {passed_over!r}; the alarm is {LIMIT} s"
    )


def ended(program: Program, number: int) -> tuple[int, str, str]:
    """Exit status and the rest of the output, after a signal."""
    program.send_signal(number)
    out, err = program.communicate(timeout=LIMIT)
    return program.returncode, out, err


GONE = "the board has gone"


def test_the_client_finds_the_board_whenever_there_is_one(start: Callable[..., Program]) -> None:
    secret = {"BOARD_SECRET": "a secret of this test"}
    client = start("board_client.py", "Buy milk", ADDRESS, **secret)
    assert line_after(client, "") == GONE

    server = start("board_server.py", ADDRESS, **secret)

    assert line_after(server, "") == f"board@{ADDRESS}"
    assert line_after(client, GONE) == "pinned: Buy milk"
    assert ended(server, signal.SIGTERM) == (0, "the board stops with 1 notes\n", "")
    assert line_after(client, "") == "the board has stopped"

    server = start("board_server.py", ADDRESS, **secret)

    assert line_after(client, GONE) == "pinned: Buy milk"
    server.kill()
    assert line_after(client, "") == GONE
    status, _, log = ended(client, signal.SIGINT)
    assert status == 0
    assert "Traceback" not in log


def test_a_server_is_for_this_machine_unless_there_is_a_secret(start: Callable[..., Program]) -> None:
    server = start("board_server.py", "10.0.0.6:5050", BOARD_SECRET="")

    _, err = server.communicate(timeout=LIMIT)

    assert server.returncode == 1
    assert "ValueError: Remote: listens on 10.0.0.6:5050, where anybody could send to its actors; give secret=" in err


@pytest.mark.parametrize("name", ["board.py", "board_server.py", "board_client.py"])
def test_the_programs_fit_on_a_page(name: str) -> None:
    assert len((EXAMPLES / name).read_text().splitlines()) <= 80
