"""The stage on which the tests of the master play; its books are checked after every test."""

from collections.abc import Iterator

import pytest

import libactor as la

from .peers import Peers
from .stage import Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    with la.Runtime() as runtime:
        made = Stage(runtime)
        yield made
        made.check_books()


@pytest.fixture
def peers() -> Iterator[Peers]:
    with la.Runtime() as runtime:
        yield Peers(runtime)
