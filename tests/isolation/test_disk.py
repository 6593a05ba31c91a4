"""What a sandbox takes is counted as du counts, and bounded where that is wanted."""

import contextlib
import os
import queue
import subprocess

import pytest

from mesoslite.containment.isolators.directory_bytes import OPEN_MAX, directory_bytes
from mesoslite.containment.isolators.disk import MEBIBYTE, DiskUsage
from mesoslite.containment.script import Script
from mesoslite.model import CommandInfo, ContainerConfig, ContainerID, Reason, Resources
from mesoslite.model.fields import Fields
from mesoslite.model.removal import remove_tree

C = ContainerID("c")


@contextlib.contextmanager
def disk_usage(changes="/no/such", *, enforces=True):
    made = DiskUsage(3600.0, changes=lambda container_id: str(changes), enforces=enforces)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def disk():
    with disk_usage() as made:
        yield made


def prepare(disk, sandbox, resources="disk:1", container_id=C, parent=None):
    command, given = CommandInfo(value="x"), resources
    if isinstance(resources, str):
        given = Resources.parse(resources)
    disk.prepare(
        ContainerConfig(
            container_id=container_id, user="", command=command, sandbox=str(sandbox), resources=given, parent=parent
        ),
        Script(),
    )


def look(disk):
    disk.begin()
    while disk.go_on():
        pass


def told(disk):
    heard = queue.Queue()
    disk.watch(lambda container_id, limitation: heard.put((container_id, limitation)))
    return heard


def du(path):
    return int(subprocess.run(["du", "-s", "-B1", path], capture_output=True, text=True, check=True).stdout.split()[0])


def make_deep(top, count, name):
    """``count`` directories of that name, each in the one before; the descriptor of the last."""
    directory = os.open(top, os.O_RDONLY)
    for _ in range(count):
        os.mkdir(name, dir_fd=directory)
        above, directory = directory, os.open(name, os.O_RDONLY, dir_fd=directory)
        os.close(above)
    return directory


def fill(path, mebibytes):
    path.write_bytes(os.urandom(mebibytes << 20))


def test_usage_is_what_du_says(tmp_path):
    fill(tmp_path / "file", 1)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "small").write_text("x")
    (tmp_path / "sparse").touch()
    os.truncate(tmp_path / "sparse", 1 << 30)
    os.link(tmp_path / "file", tmp_path / "again")
    (tmp_path / "out").symlink_to("/usr")

    assert [*directory_bytes(str(tmp_path))][-1] == du(tmp_path)
    assert len([*directory_bytes(str(tmp_path), pace=1)]) == 9


def test_what_is_not_there_takes_nothing(tmp_path):
    (tmp_path / "file").write_text("x")

    assert [*directory_bytes(str(tmp_path / "gone"))] == [*directory_bytes(str(tmp_path / "file"))] == [0]


# Method: a path of 60 kB, which no system call takes, with a file at its end, and others beside the way.
def test_no_path_is_too_long_to_be_counted(tmp_path):
    (tmp_path / "top").mkdir()
    directory = make_deep(tmp_path / "top", 300, "d" * 200)
    try:
        for name in ("end", "another"):
            os.mkdir(f"{name} directory", dir_fd=directory)
            file = os.open(name, os.O_WRONLY | os.O_CREAT, dir_fd=directory)
            os.write(file, bytes(1 << 20))
            os.close(file)
        for up in range(1, 40):
            os.mkdir("../" * up + "beside", dir_fd=directory)
        before = len(os.listdir("/proc/self/fd"))

        assert [*directory_bytes(str(tmp_path / "top"))][-1] == du(tmp_path / "top") > 2 << 20
        assert len(os.listdir("/proc/self/fd")) == before
    finally:
        os.close(directory)
        remove_tree(str(tmp_path / "top"))


@pytest.mark.parametrize("depth", [2, OPEN_MAX + 5])
def test_what_is_moved_meanwhile_ends_no_look(tmp_path, depth):
    (tmp_path / "top").mkdir()
    (tmp_path / "elsewhere").mkdir()
    directory = make_deep(tmp_path / "top", depth, "d")
    for name in range(5):
        os.mkdir(f"{name}", dir_fd=directory)
    os.close(directory)
    before = len(os.listdir("/proc/self/fd"))
    counting = directory_bytes(str(tmp_path / "top"), pace=1)
    for _ in range(depth + 2):
        next(counting)

    (tmp_path / "top" / "/".join(["d"] * depth)).rename(tmp_path / "elsewhere" / "moved")

    assert [*counting][-1] >= du(tmp_path / "top")
    assert len(os.listdir("/proc/self/fd")) == before


# Source: Mesos DiskUsageCollectorTest, DiskQuotaTest
def test_a_container_beyond_its_quota_is_told_of(disk, tmp_path):
    heard = told(disk)
    prepare(disk, tmp_path)
    look(disk)
    assert disk.limitation(C) is None
    fill(tmp_path / "file", 2)

    look(disk)

    container_id, limitation = heard.get_nowait()
    assert (container_id, limitation.reason) == (C, Reason.REASON_CONTAINER_LIMITATION_DISK)
    assert limitation.message.endswith("exceeds quota (1MB)")
    assert limitation.limited.get("disk") >= 2
    assert disk.limitation(C) == limitation


def test_a_larger_quota_counts_from_the_next_look_on(disk, tmp_path):
    heard = told(disk)
    prepare(disk, tmp_path)
    fill(tmp_path / "file", 2)

    disk.update(C, Resources.parse("disk:10"), ())
    look(disk)

    assert heard.empty()
    assert disk.usage([C])[C]["disk_limit_bytes"] == 10 << 20
    assert disk.usage([C])[C]["disk_used_bytes"] > 2 << 20


def test_without_enforcement_or_quota_nothing_is_ended(tmp_path):
    for enforces, resources in ((False, "disk:1"), (True, "cpus:1")):
        with disk_usage(enforces=enforces) as disk:
            prepare(disk, tmp_path, resources)
            fill(tmp_path / "file", 2)
            look(disk)

            assert disk.limitation(C) is None
            assert disk.usage([C])[C]["disk_used_bytes"] > 0


def test_what_has_ended_is_looked_at_no_more(disk, tmp_path):
    prepare(disk, tmp_path)
    look(disk)
    disk.cleanup(C)
    look(disk)
    disk.update(C, Resources.parse("disk:1"), ())

    assert disk.usage([C]) == {}


def test_what_a_container_changes_of_its_root_counts(tmp_path):
    for name in ("sandbox", "upper"):
        (tmp_path / name).mkdir()
    with disk_usage(tmp_path / "upper") as disk:
        heard = told(disk)
        prepare(disk, tmp_path / "sandbox")
        fill(tmp_path / "upper" / "file", 2)

        look(disk)

        assert disk.usage([C])[C]["disk_used_bytes"] == du(tmp_path / "upper") + du(tmp_path / "sandbox")
        assert heard.get_nowait()[0] == C


def test_a_volume_that_outlives_its_task_is_no_part_of_its_quota(disk, tmp_path):
    volume = {
        "name": "disk",
        "type": "SCALAR",
        "scalar": {"value": 50},
        "reservations": [{"type": "DYNAMIC", "role": "r"}],
        "disk": {"persistence": {"id": "v"}, "volume": {"container_path": "v", "mode": "RW"}},
    }
    with_volume = Resources.decode([Fields(volume, "resources")]) + Resources.parse("disk:3")

    prepare(disk, tmp_path, with_volume)
    look(disk)

    assert disk.usage([C])[C]["disk_limit_bytes"] == 3 << 20


def test_what_checks_a_task_counts_with_it(disk, tmp_path):
    check = ContainerID("check")
    prepare(disk, tmp_path)
    prepare(disk, tmp_path, "", check, parent=C)

    look(disk)

    assert disk.usage([C, check]).keys() == {C}


# Method: what was moved during the first look is counted twice in it.
def test_what_is_moved_meanwhile_ends_no_container(tmp_path):
    for name in ("sandbox", "twice"):
        (tmp_path / name).mkdir()
    fill(tmp_path / "twice" / "file", 2)
    places = [tmp_path / "twice", tmp_path / "gone"]
    disk = DiskUsage(3600.0, changes=lambda container_id: str(places.pop(0)), enforces=True)
    heard = told(disk)
    prepare(disk, tmp_path / "sandbox")

    look(disk)

    assert heard.empty()
    assert disk.limitation(C) is None
    assert places == []
    disk.close()


# Goal: a task with a million files holds up neither the agent nor the looks at others, nor is it ended any later.
def test_many_files_are_counted_little_by_little(disk, tmp_path):
    large, small = ContainerID("large"), ContainerID("small")
    for name in (large, small):
        (tmp_path / name).mkdir()
    for number in range(3000):
        (tmp_path / large / f"{number}").write_text("")
    prepare(disk, tmp_path / large, container_id=large)
    prepare(disk, tmp_path / small, container_id=small)
    disk.begin()

    assert disk.go_on()

    assert disk.usage([large, small]).keys() == {small}
    disk.cleanup(large)
    assert not disk.go_on()


def test_a_look_ends_with_the_quota(disk, tmp_path):
    heard = told(disk)
    (tmp_path / "file").write_bytes(bytes(2 << 20))
    for number in range(300):
        (tmp_path / f"{number}").mkdir()
    prepare(disk, tmp_path)

    look(disk)

    assert heard.get_nowait()[1].limited.get("disk") < 3


def test_what_is_nested_counts_with_what_it_is_in(tmp_path):
    """Its sandbox is not below that of the outermost container, and stays when it has ended."""
    for name in ("c", "c.containers/inner", "changes/c", "changes/c.inner"):
        (tmp_path / name).mkdir(parents=True)
        fill(tmp_path / name / "file", 1)
    with disk_usage(enforces=False) as disk:
        disk._changes = lambda container_id: f"{tmp_path}/changes/{container_id}"
        prepare(disk, tmp_path / "c")
        prepare(disk, tmp_path / "c.containers/inner", "", ContainerID("c.inner"), parent=C)

        look(disk)
        living = disk.usage([C, ContainerID("c.inner")])
        disk.cleanup(ContainerID("c.inner"))
        look(disk)
        ended = disk.usage([C])[C]["disk_used_bytes"]

        assert living.keys() == {C}
        assert living[C]["disk_used_bytes"] // MEBIBYTE == 4
        assert ended // MEBIBYTE == 3
        with disk_usage(enforces=False) as later:  # of another life, which has nothing to recover but C
            prepare(later, tmp_path / "c")
            look(later)
            assert later.usage([C])[C]["disk_used_bytes"] // MEBIBYTE == 2
        disk.cleanup(C)
        assert not disk._nested
