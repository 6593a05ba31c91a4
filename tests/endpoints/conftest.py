"""Fixtures of the HTTP tests."""

import pytest

import libactor as la
from libactor.http import HttpServer

from .live import Live


@pytest.fixture
def runtime():
    with la.Runtime() as runtime:
        yield runtime


@pytest.fixture
def server():
    with HttpServer() as server:
        yield server


@pytest.fixture
def live(runtime):
    return Live(runtime)
