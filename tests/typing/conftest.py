"""What tests of types share: the fixture `judge`, which runs mypy over one module."""

# One run of mypy over one module keeps this quick. Each line of a module carries what mypy must say about it: nothing,
#   error codes after `E:`, or a revealed type after `R:`.

import re
from collections.abc import Callable
from pathlib import Path

import pytest


def said(output: str) -> dict[int, set[str]]:
    """Line number -> set of what mypy said about it: error codes, and types without their modules."""
    notes: dict[int, set[str]] = {}
    for line in output.splitlines():
        found = re.match(r"[^:]+:(\d+): (error|note): (.*)", line)
        if found is None:
            continue
        number, kind, text = int(found[1]), found[2], found[3]
        if kind == "error":
            notes.setdefault(number, set()).add("E: " + text.rpartition("[")[2].rstrip("]"))
        elif text.startswith("Revealed type"):
            notes.setdefault(number, set()).add("R: " + re.sub(r"(?:\w+\.)+(?=\w)", "", text.split('"')[1]))
    return notes


def expected(source: str) -> dict[int, set[str]]:
    """Line number -> set of what it says that mypy will say."""
    return {
        number: {f"{kind}: {text}" for text in (texts.split(", ") if kind == "E" else [texts])}
        for number, line in enumerate(source.splitlines(), 1)
        for kind, texts in re.findall(r"# ([ER]): (.*)$", line)
    }


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    """What mypy keeps from one module to the next."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def judge(tmp_path, cache) -> Callable[[str], None]:
    """A function that checks that mypy says of each line of a module what the line says."""
    api = pytest.importorskip("mypy.api", reason="mypy is part of the lint extra")

    def check(source: str) -> None:
        path = tmp_path / "module.py"
        path.write_text(source)

        output, errors, _ = api.run(["--strict", "--config-file=", f"--cache-dir={cache}", str(path)])

        assert errors == ""
        assert said(output) == expected(source), output

    return check
