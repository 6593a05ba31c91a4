"""Fixtures of the tests of isolators."""

import os
import tempfile
import threading
from pathlib import Path

import pytest

from .contained import Contained
from .machine import own_root


@pytest.fixture
def contain():
    """Makes a containerizer with isolators; its directories are where any user can reach them."""
    made = []
    with tempfile.TemporaryDirectory(dir="/var/tmp") as place, own_root() as root:
        os.chmod(place, 0o711)

        def make(isolation, where=Path(place), **options):
            made.append(Contained(where, isolation, cgroups_root=root, **options))
            return made[-1]

        yield make
        for each in made:
            each.close()
        assert not [thread for thread in threading.enumerate() if thread.name in ("cgroups", "disk-usage")]
