"""The stage on which the tests of the master play; its books are checked after every test."""

from collections.abc import Iterator
from typing import Any

import pytest

import libactor as la

from .peers import Peers
from .stage import Stage, Staging


@pytest.fixture
def stage() -> Iterator[Stage]:
    with la.Runtime() as runtime:
        made = Stage(runtime)
        yield made
        made.check_books()


@pytest.fixture
def staged() -> Iterator[Staging]:
    """Makes the stage of one test, with options for its master."""
    with la.Runtime() as runtime:
        stages: list[Stage] = []

        def make(**options: Any) -> Stage:
            stages.append(Stage(runtime, **options))
            return stages[0]

        yield make
        stages[0].check_books()


@pytest.fixture
def peers() -> Iterator[Peers]:
    with la.Runtime() as runtime:
        yield Peers(runtime)
