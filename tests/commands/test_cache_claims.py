"""The directory of fetched files is one agent's, and nobody else writes to it."""

import os
from pathlib import Path

import pytest

from mesoslite.cluster.claims import claimed_cache


def test_a_second_agent_is_refused_as_long_as_the_first_has_it(tmp_path: Path):
    with (
        claimed_cache(tmp_path),
        pytest.raises(BlockingIOError, match="another agent has this directory of fetched files"),
        claimed_cache(tmp_path),
    ):
        pass
    with claimed_cache(tmp_path):
        pass


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_one_that_others_may_write_to_is_refused(tmp_path: Path, mode: int):
    tmp_path.chmod(mode)

    with pytest.raises(PermissionError, match="others may write to this directory"), claimed_cache(tmp_path):
        pass


def test_one_that_is_made_is_the_agents_alone_whatever_the_umask(tmp_path: Path):
    before = os.umask(0)
    try:
        with claimed_cache(tmp_path / "new"):
            assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)
