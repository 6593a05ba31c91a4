"""Sandboxes of what is over: removed when they are old enough, sooner when the disk is full, and never while in use."""

import os
import subprocess
import sys

import pytest

from mesoslite.agent import GarbageOptions, RecoveryOptions, parts
from mesoslite.agent.garbage import Garbage
from mesoslite.model import InvalidRequest

from .executors import Program, launch, make_executor, task_of
from .house import Box, House, make_framework, make_task

DAY = 24 * 60 * 60
OPTIONS = GarbageOptions(delay_seconds=10 * DAY, disk_headroom=0.1, watch_seconds=60)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """How full the disk is."""
    full = {"use": 0.0}
    monkeypatch.setattr(parts, "disk_use", lambda path: full["use"])
    return full


@pytest.fixture
def house(closed_house: House, disk: dict[str, float]) -> House:
    """A house whose agent removes sandboxes after nine days, as long as the disk is empty."""
    closed_house.open(garbage=OPTIONS, recovery=RecoveryOptions(), id="slave(1)")
    return closed_house


def run_to_its_end(house: House, name: str = "t1") -> Box:
    box = house.run(make_task(name))
    (box.sandbox / "stdout").write_text("done")
    house.exit(box, 0)
    house.acknowledge_all()
    return box


def test_a_sandbox_goes_with_what_is_empty_above_it_when_it_is_old(house):
    box = run_to_its_end(house)

    house.advance(9 * DAY - 120)
    assert (box.sandbox / "stdout").read_text() == "done"
    house.advance(200)

    assert not box.sandbox.exists()
    assert [path for path in house.work_directory.iterdir() if path.name != "meta"] == []


def test_a_full_disk_has_it_go_sooner(house, disk):
    box = run_to_its_end(house)
    disk["use"] = 0.8

    house.advance(DAY - 120)
    assert box.sandbox.exists()
    house.advance(200)
    assert not box.sandbox.exists()

    disk["use"] = 0.95
    box = run_to_its_end(house, "t2")
    house.advance(61)
    assert not box.sandbox.exists()


def test_what_runs_and_what_is_not_acknowledged_stays(house, disk):
    disk["use"] = 1.0
    running, ended = house.run(make_task("a")), house.run(make_task("b"))
    house.exit(ended, 0)

    house.advance(DAY)

    assert running.sandbox.exists()
    assert ended.sandbox.exists()


def test_the_sandbox_of_an_executor_goes_when_all_of_its_tasks_are_over(house, disk):
    disk["use"] = 1.0
    box = launch(house, task_of(make_executor()))
    Program(house).subscribe()
    house.exit(box, 0)
    house.advance(61)
    assert box.sandbox.exists()

    house.acknowledge_all()
    house.advance(61)
    assert not box.sandbox.exists()


def test_others_of_that_name_stay(house, disk):
    first = run_to_its_end(house)
    second = house.run()
    disk["use"] = 1.0

    house.advance(61)

    assert not first.sandbox.exists()
    assert second.sandbox.exists()
    assert (second.sandbox.parent / "latest").resolve() == second.sandbox


def test_nothing_goes_that_a_link_leads_to(house, disk, tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").write_text("gold")
    box = house.run()
    (box.sandbox / "link").symlink_to(tmp_path / "precious")
    house.exit(box, 0)
    house.acknowledge_all()
    disk["use"] = 1.0

    house.advance(61)

    assert not box.sandbox.exists()
    assert (tmp_path / "precious/file").read_text() == "gold"


def test_what_earlier_lives_have_left_goes_by_its_age(house, disk):
    old = run_to_its_end(house)
    kept = house.run(make_task("t2"), framework=make_framework())
    stranger = house.work_directory / "slaves/other-S9/frameworks/f/executors/e/runs/c"
    stranger.mkdir(parents=True)
    house.fall()
    now = house.runtime.clock.now()
    for path, days in ((old.sandbox, 8), (kept.sandbox, 8), (stranger, 1)):
        os.utime(path, (now - days * DAY, now - days * DAY))
    house.advance(60)

    house.come_back(garbage=OPTIONS)
    house.advance(61)
    assert old.sandbox.exists()
    house.advance(DAY + 60)

    assert not old.sandbox.exists()
    assert not kept.sandbox.exists()  # it was of a framework that does not checkpoint, and is over
    assert stranger.exists()
    house.advance(8 * DAY)
    assert not stranger.exists()
    assert not (house.work_directory / "slaves").exists()


# Goal: no task can have its sandbox stay by how deep it is. Method: names that the removal itself makes are in it.
def test_a_sandbox_goes_however_deep_it_is(house, disk, tmp_path):
    (tmp_path / "precious").write_text("gold")
    box = house.run()
    for name in ("0", "1/0", "1/1/0/0"):
        (box.sandbox / name).mkdir(parents=True)
    directory = os.open(box.sandbox, os.O_RDONLY)
    for _ in range(sys.getrecursionlimit() + 100):
        os.mkdir("d", dir_fd=directory)
        os.symlink(tmp_path, "link", dir_fd=directory)
        above, directory = directory, os.open("d", os.O_RDONLY, dir_fd=directory)
        os.close(above)
    os.close(directory)
    house.exit(box, 0)
    house.acknowledge_all()
    disk["use"] = 1.0

    house.advance(61)
    is_left = box.sandbox.exists()
    subprocess.run(["rm", "-rf", str(box.sandbox)], check=True)  # or it would stay for ever, if the test has failed

    assert not is_left
    assert (tmp_path / "precious").read_text() == "gold"


# Goal: a task that sets the time of its sandbox neither keeps it for ever, nor has one go that is newer than the agent.
@pytest.mark.parametrize(("set_to", "age", "goes"), [(2**32, 1.0, True), (0, -0.001, False)])
def test_a_time_that_a_task_has_set_is_not_believed(tmp_path, set_to, age, goes):
    sandbox = tmp_path / "slaves/s/frameworks/f/executors/e/runs/c"
    sandbox.mkdir(parents=True)
    os.utime(sandbox, (set_to, set_to))
    asked = []
    garbage = Garbage(
        GarbageOptions(delay_seconds=0),
        str(tmp_path),
        now=lambda: sandbox.stat().st_ctime + age,
        look_later=lambda seconds: None,
        do=lambda function, then: asked.append((function, then)),
        use=lambda path: 0.0,
    )

    garbage.begin([])
    find, found = asked.pop()
    found(find())
    garbage.look()

    assert bool(asked) == goes


@pytest.mark.parametrize(
    "options", [{"disk_headroom": 1.1}, {"delay_seconds": -1}, {"watch_seconds": 0}, {"delay_seconds": float("nan")}]
)
def test_options_that_cannot_be_are_refused(options):
    with pytest.raises(InvalidRequest):
        GarbageOptions(**options)
