"""Fixtures of the registry's tests."""

from pathlib import Path

import pytest

from .house import Storages, storages_of


@pytest.fixture(params=["memory", "sqlite"])
def storages(request: pytest.FixtureRequest, tmp_path: Path) -> Storages:
    """What makes storages of one registry, of each kind there is."""
    return storages_of(request.param, tmp_path)
