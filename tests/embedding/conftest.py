"""A running cluster, and the check that it leaves nothing behind."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import mesoslite
from tests import ready


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[mesoslite.Cluster]:
    with mesoslite.Cluster(agents=2, resources="cpus:2;mem:256", work_dir=tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def warmed_up() -> None:
    """Have what is kept for good: libuv has a pipe of its own, once it was used; so have the origins of programs."""
    mesoslite.Cluster().start().close()
    for module in ("libactor", "mesoslite"):
        ready.origin(module, "-W", "error")


@pytest.fixture(autouse=True)
def nothing_left(warmed_up: None) -> Iterator[None]:
    """No thread, child process or open file outlives a test."""
    threads = set(threading.enumerate())
    files = open_files()

    yield

    assert set(threading.enumerate()) <= threads
    assert children() == []
    assert open_files() <= files


def open_files() -> set[tuple[str, str]]:
    """Descriptors of this process and what they refer to, but for those of the test runner itself."""
    found = set()
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            found.add((descriptor, os.readlink(f"/proc/self/fd/{descriptor}")))
        except FileNotFoundError:  # the descriptor of the listing itself
            continue
    return found


def children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
