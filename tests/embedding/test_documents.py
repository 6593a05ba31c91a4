"""What the documents show works: each block of Python in them is run as a program of its own, or as a file of tests."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ready

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL))
]


@pytest.mark.real
@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_of_python_in_the_documents_runs(block: str, tmp_path: Path) -> None:
    program = tmp_path / "shown.py"
    program.write_text(block)

    if re.search(r"^def test_", block, re.MULTILINE):
        command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", program]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    else:
        package = "mesoslite" if re.search(r"^(import|from) mesoslite\b", block, re.MULTILINE) else "libactor"
        ran = ready.run(package, [program], python=("-W", "error"), cwd=tmp_path)

    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
