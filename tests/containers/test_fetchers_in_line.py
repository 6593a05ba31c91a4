"""So many fetchers run at once, and the others wait in line."""

import queue
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from libactor.subprocess import Subprocess
from mesoslite.containment.fetching.programs import Outcome, Program, Programs, job_of

pytestmark = pytest.mark.real
BOUND_SECONDS = 60.0


class Line:
    """Two fetchers run at once, each of which asks a server that never answers."""

    def __init__(self, place: Path) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.programs, self.place = Programs(2), place
        self.launched: queue.Queue[Subprocess] = queue.Queue()
        self.told: queue.Queue[tuple[str, Outcome]] = queue.Queue()
        launch = self.programs._reaper.launch

        def launch_and_tell(*arguments: Any, **options: Any) -> Subprocess:
            process = launch(*arguments, **options)
            self.launched.put(process)
            return process

        self.programs._reaper.launch = launch_and_tell  # type: ignore[method-assign]

    def start(self, name: str) -> Program:
        items = [{"uri": f"http://127.0.0.1:{self.server.getsockname()[1]}/f", "name": "", "kept": None}]
        path, home = str(self.place / name), ""
        job = job_of(items, None, file=path, bytes_max=9, stall_seconds=BOUND_SECONDS, frameworks_home=home)
        return self.programs.start(job, None, lambda outcome: self.told.put((name, outcome)))

    def close(self) -> None:
        self.programs.close()
        self.server.close()


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    made = Line(tmp_path)
    yield made
    made.close()


def test_the_next_begins_when_one_has_ended(line: Line):
    first, _, third, fourth = [line.start(name) for name in "abcd"]
    assert line.launched.qsize() == 2
    line.launched.get(), line.launched.get()

    line.programs.kill(first)

    assert line.told.get(timeout=BOUND_SECONDS)[0] == "a"
    begun = line.launched.get(timeout=BOUND_SECONDS)
    line.programs.kill(third)
    assert line.told.get(timeout=BOUND_SECONDS)[0] == "c"
    assert begun is third.process
    assert line.launched.get(timeout=BOUND_SECONDS) is not None
    line.programs.kill(fourth)
    assert line.told.get(timeout=BOUND_SECONDS)[0] == "d"


def test_who_waits_ends_at_once(line: Line):
    waiting = [line.start(name) for name in "abcd"][2]

    line.programs.kill(waiting)

    assert line.told.get_nowait() == ("c", Outcome("Failed to fetch: it is not wanted any more"))
    assert line.launched.qsize() == 2


def test_whoever_waits_is_told_of_the_end_of_all(line: Line):
    for name in "abcd":
        line.start(name)

    line.programs.close()

    assert sorted(line.told.get(timeout=BOUND_SECONDS)[0] for _ in "abcd") == ["a", "b", "c", "d"]
    assert line.launched.qsize() == 2
    with pytest.raises(RuntimeError):
        line.start("e")
