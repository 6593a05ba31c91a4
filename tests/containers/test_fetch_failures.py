"""A fetch is over, and told of, whatever goes wrong beside it: a full disk, fetchers and containers that end early."""

import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from libactor.subprocess import Subprocess
from mesoslite.containment.fetching.cache import Cache
from mesoslite.containment.fetching.fetch import Fetch
from mesoslite.containment.fetching.options import FetcherOptions
from mesoslite.containment.fetching.programs import Outcome, Program, Programs
from mesoslite.model import CommandInfo, CommandURI, ContainerConfig, ContainerID

BOUND_SECONDS = 60.0

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="/dev/full, a disk that is full, is of Linux"),
]


class Belated(Programs):
    """Starts return when the fetcher has ended, as they may where there is much else to do."""

    def start(self, job: Mapping[str, Any], log: int | None, done: Callable[[Outcome], None]) -> Program:
        launch = self._reaper.launch

        def launch_and_wait(*arguments: Any, **options: Any) -> Subprocess:
            process = launch(*arguments, **options)
            is_over = threading.Event()
            process.status.on_any(lambda status: is_over.set())
            assert is_over.wait(BOUND_SECONDS)
            return process

        self._reaper.launch = launch_and_wait  # type: ignore[method-assign]
        try:
            return super().start(job, log, done)
        finally:
            self._reaper.launch = launch  # type: ignore[method-assign]


@pytest.fixture(params=[Programs, Belated])
def programs(request: pytest.FixtureRequest) -> Iterator[Programs]:
    made: Programs = request.param(8)
    yield made
    made.close()


def outcome(programs: Programs, place: Path, uri: str, *, is_cached: bool) -> Outcome:
    """How it goes to fetch a file, told on a disk that is full."""
    (place / "sandbox").mkdir()
    command = CommandInfo(value="true", uris=(CommandURI(value=uri, cache=is_cached),))
    told: queue.Queue[Outcome] = queue.Queue()
    options = FetcherOptions()
    fetch = Fetch(
        ContainerConfig(container_id=ContainerID("c"), user="", command=command, sandbox=str(place / "sandbox")),
        None,
        os.open("/dev/full", os.O_WRONLY | os.O_CLOEXEC),
        options=options,
        programs=programs,
        cache=Cache(str(place / "cache"), options, programs),
        done=told.put,
    )
    fetch.begin()
    return told.get(timeout=BOUND_SECONDS)


@pytest.mark.parametrize("is_cached", [False, True])
def test_a_file_is_there_also_if_that_cannot_be_written_down(programs: Programs, tmp_path: Path, is_cached: bool):
    (tmp_path / "f").write_text("text")

    assert outcome(programs, tmp_path, str(tmp_path / "f"), is_cached=is_cached) == Outcome()
    assert (tmp_path / "sandbox" / "f").read_text() == "text"


@pytest.mark.parametrize("is_cached", [False, True])
def test_what_is_wrong_is_told_also_if_it_cannot_be_written_down(programs: Programs, tmp_path: Path, is_cached: bool):
    found = outcome(programs, tmp_path, str(tmp_path / "none"), is_cached=is_cached)

    assert found.problem == f"Failed to fetch '{tmp_path}/none': No such file or directory"
