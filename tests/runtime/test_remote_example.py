"""The example of an actor in another process does what it says."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.real
def test_remote_counter_counts_and_misses_its_counter():
    command = [sys.executable, "-W", "error", EXAMPLES / "remote_counter.py"]

    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [
        "2 + 3 = 5",
        "and 4 more, asked by an actor: 9",
        "the counter is Disconnected",
    ]
