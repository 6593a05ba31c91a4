"""Fixtures of the agent's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import libactor as la

from .house import House


@pytest.fixture
def closed_house(tmp_path: Path) -> Iterator[House]:
    """A house whose agent has not started yet."""
    with la.Runtime() as runtime:
        yield House(runtime, tmp_path / "agent")


@pytest.fixture
def house(closed_house: House) -> House:
    """A house whose agent has registered."""
    closed_house.open()
    return closed_house
