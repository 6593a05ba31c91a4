"""A master that is killed at any instant: all that was acknowledged is there, and nothing that was not asked."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mesoslite.registry import SqliteStorage

from .house import SECOND

PROGRAM = Path(__file__).with_name("killed.py")
# After so many lines that a child has said: while it makes its file, while it recovers, and between any two answers.
INSTANTS = [1] * 8 + [2] * 4 + list(range(3, 21)) + [24, 31, 43, 60, 89, 144, 233, 377, 610]


@pytest.mark.real
def test_a_master_killed_at_any_instant_has_lost_nothing_that_it_acknowledged(tmp_path: Path):
    program = subprocess.Popen(
        [sys.executable, str(PROGRAM), str(tmp_path), str(len(INSTANTS))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with program:
        for child, instant in enumerate(INSTANTS):
            asked, acknowledged = kill_after(program, instant)
            found = numbers_in(tmp_path / f"{child}.db")

            assert acknowledged <= set(found), f"killed after {instant} lines: acknowledged, and not there"
            assert set(found) <= asked
            assert found == list(range(len(found))), "they are stored in the order in which they were asked"

    assert program.returncode == 0


def kill_after(program: subprocess.Popen, lines: int) -> tuple[set[int], set[int]]:
    """Let a child live until it has said so many lines; what it asked for, and what was acknowledged to it."""
    said: dict[str, set[int]] = {"ask": set(), "ack": set(), "recovered": set()}
    program.stdin.write("go\n")
    program.stdin.flush()
    pid = int(program.stdout.readline().split()[1])
    for number in range(2, 10_000):
        if number == lines + 1:
            os.kill(pid, signal.SIGKILL)
        word, *rest = program.stdout.readline().split()
        if word == "dead":
            assert rest == [str(-signal.SIGKILL)]
            break
        said[word].update(map(int, rest))
    return said["ask"], said["ack"]


def numbers_in(path: Path) -> list[int]:
    """The agents that the next master finds, in order."""
    storage = SqliteStorage(path)
    try:
        return sorted([int(row.info.id) for row in storage.recover(SECOND).state.agents])
    finally:
        storage.close()
