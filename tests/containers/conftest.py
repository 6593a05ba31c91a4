"""Fixtures of the tests of containers."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .bench import MAKE, Bench
from .desk import Desk


@pytest.fixture(params=sorted(MAKE))
def kind(request: pytest.FixtureRequest) -> str:
    """Which containerizer."""
    return str(request.param)


@pytest.fixture
def containerizer(kind: str, tmp_path: Path) -> Iterator[Any]:
    """One of each kind."""
    made = MAKE[kind](tmp_path / "runtime")
    yield made
    made.close()


@pytest.fixture
def bench(containerizer: Any, tmp_path: Path) -> Bench:
    """A bench for each kind."""
    sandbox = tmp_path / "sandbox"
    sandbox.mkdir()
    return Bench(containerizer, sandbox)


@pytest.fixture
def open_bench(containerizer: Any) -> Iterator[Bench]:
    """A bench at a place that every user can enter, unlike those of `tmp_path`."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o711)
        sandbox = Path(place, "sandbox")
        sandbox.mkdir()
        yield Bench(containerizer, sandbox)
        containerizer.close()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A sandbox to fetch into."""
    return Desk(tmp_path)
