"""The example that runs programs, and those of the page on programs, do what they say, as programs of their own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "run_programs.py"
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "subprocess.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.real
def test_run_programs_runs_feeds_and_supervises_programs():
    ran = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", EXAMPLE], capture_output=True, text=True, timeout=60, check=False
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.splitlines() == [
        "echo hello: hello, status 0",
        "echo oops; exit 3: oops, status 3",
        "sleep 1000: nothing, status -9",
        "sorted: apple pear plum",
        "supervised: 3 runs",
    ]


def test_run_programs_fits_on_a_page():
    assert len(EXAMPLE.read_text().splitlines()) <= 80


@pytest.mark.real
@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_what_the_page_on_programs_shows_runs(program, block: str):
    assert program(block) == ""
