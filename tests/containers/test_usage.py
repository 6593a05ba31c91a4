"""What containers use is measured by their processes, wherever these are in the tree of the machine."""

from pathlib import Path
from typing import Any

import pytest

from mesoslite.containment.processes import Entry, ProcessName
from mesoslite.containment.usage import usage_of
from mesoslite.model import ContainerUsage

from .bench import Bench

COUNT = "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done"


@pytest.fixture
def two(containerizer: Any, tmp_path: Path) -> tuple[Bench, Bench]:
    """One containerizer with two sandboxes."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    return Bench(containerizer, tmp_path / "a"), Bench(containerizer, tmp_path / "b")


# Method: both wait, once what they count with has ended; nothing but the sum says that a child has used a processor.
@pytest.mark.real
def test_all_processes_of_a_container_count_and_no_others(two: tuple[Bench, Bench]) -> None:
    told = [bench.make_fifo() for bench in two]
    forever = two[0].make_fifo("forever")
    wait = f"read x < {forever}"
    for bench, started in ((two[0], f"sh -c '{wait}' & setsid sh -c '{wait}' &"), (two[1], "")):
        bench.launch(f"{started} sh -c '{COUNT}'; echo $$ > fifo; {wait}")
    for bench, fifo in zip(two, told, strict=True):
        bench.pids(fifo, 1)

    used = two[0].containerizer.measure()

    assert used.keys() == {bench.launched for bench in two}
    large, small = [used[bench.launched] for bench in two]
    assert ((large.processes, large.threads), (small.processes, small.threads)) == ((3, 3), (1, 1))
    assert large.cpus_user_time_secs + large.cpus_system_time_secs > 0
    assert large.mem_rss_bytes > small.mem_rss_bytes > 100_000


@pytest.mark.real
def test_a_container_that_has_ended_uses_nothing(two: tuple[Bench, Bench]) -> None:
    two[0].launch("exit 0")
    two[0].exit_status()

    assert two[0].containerizer.measure() == {}


# Goal: a pid that was given away is not measured as if it were the container. Method: one ends during the look.
@pytest.mark.real
@pytest.mark.parametrize("kind", ["posix"])
def test_a_container_that_ends_meanwhile_is_left_out(two: tuple[Bench, Bench], monkeypatch: pytest.MonkeyPatch) -> None:
    fifo = two[0].make_fifo()
    two[0].launch(f"read x < {fifo}")
    [family] = two[0].containerizer._families.values()

    def look(members: list[Entry]) -> ContainerUsage:
        family.has_ended = True
        return usage_of(members)

    monkeypatch.setattr("mesoslite.containment.posix.usage_of", look)
    used = two[0].containerizer.measure()
    family.has_ended = False

    assert used == {}


def test_a_zombie_has_used_time_and_holds_nothing() -> None:
    def entry(pid: int, is_zombie: bool) -> Entry:
        fields = [b"0"] * 22
        fields[11], fields[12], fields[13], fields[14], fields[17], fields[21] = (
            b"100",
            b"50",
            b"200",
            b"10",
            b"4",
            b"3",
        )
        return Entry(ProcessName(pid, 1), 1, 1, is_zombie, fields)

    living, both = usage_of([entry(1, False)]), usage_of([entry(1, False), entry(2, True)])

    assert (both.cpus_user_time_secs, both.cpus_system_time_secs) == (
        2 * living.cpus_user_time_secs,
        2 * living.cpus_system_time_secs,
    )
    assert (both.processes, both.threads, both.mem_rss_bytes) == (1, 4, living.mem_rss_bytes)
    assert living.cpus_user_time_secs == 5 * living.cpus_system_time_secs
