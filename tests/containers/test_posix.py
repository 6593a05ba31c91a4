"""What holds of containers that are plain processes only."""

import signal
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from mesoslite.containment import processes
from mesoslite.containment.processes import Family, ProcessName, ProcessTable
from mesoslite.model import ContainerID

from .bench import BOUND_SECONDS, Bench

pytestmark = pytest.mark.real


@pytest.fixture
def kind() -> str:
    """The one that this is about."""
    return "posix"


def test_terminate_asks_the_first_process_before_the_others_and_then_the_oldest(monkeypatch: pytest.MonkeyPatch):
    found = {ProcessName(pid, ticks) for pid, ticks in ((40, 7), (41, 7), (30, 8), (50, 7), (60, 6))}  # pids begin anew
    table = SimpleNamespace(find_family=lambda _: found)
    sent: list[tuple[signal.Signals, int]] = []
    monkeypatch.setattr(processes, "ProcessTable", lambda: table)
    monkeypatch.setattr(processes, "send_signal", lambda name, number: sent.append((number, name.pid)))

    processes.terminate_families([Family(50, ContainerID("box"))])

    assert [pid for number, pid in sent if number is signal.SIGTERM] == [50, 60, 40, 41, 30]
    assert sent[5:] == [(signal.SIGCONT, pid) for _, pid in sent[:5]]


# Goal: an agent's handler never waits for a look at /proc. Method: each look notes the thread it is made in, and the
#   reaper's thread is held up until all has been asked for.
def test_only_the_reapers_thread_looks_at_processes(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    looks: list[str] = []

    class NotedTable(ProcessTable):
        def __init__(self) -> None:
            looks.append(threading.current_thread().name)
            super().__init__()

    monkeypatch.setattr("mesoslite.containment.processes.ProcessTable", NotedTable)
    gate = threading.Event()
    containers = [bench.launch(f"read x < {bench.make_fifo(name)}") for name in "ab"]
    bench.containerizer._reaper.call(lambda: gate.wait(BOUND_SECONDS))

    for container in containers:
        container.terminate(0)
        container.kill()
    asked = list(looks)
    gate.set()

    assert all(bench.exit_status() in (-signal.SIGTERM, -signal.SIGKILL) for _ in containers)
    assert asked == []
    assert set(looks) == {"containers"}


def test_a_lost_exit_status_is_told_as_none(bench: Bench, caplog: pytest.LogCaptureFixture):
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        bench.launch("exit 3")
        status = bench.exit_status()
    finally:
        signal.signal(signal.SIGCHLD, before)

    assert status is None
    assert "SIGCHLD" in caplog.text


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ({"script": "no-such-program", "shell": False}, ["no-such-program", "No such file"]),
        ({"script": "/dev/null", "shell": False}, ["/dev/null", "Permission denied"]),
        ({"script": "x" * 3_000_000}, ["too long"]),
        ({"script": "a\0b"}, ["null byte"]),
    ],
)
def test_a_command_that_cannot_start_is_named(bench: Bench, command: dict[str, Any], words: list[str]):
    with pytest.raises(OSError, match="launch: cannot start") as caught:
        bench.launch(**command)

    assert all(word in str(caught.value) for word in words)
    assert bench.ends.empty()
