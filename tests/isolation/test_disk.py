"""What a sandbox takes is counted as du counts, and bounded where that is wanted."""

import os
import queue
import subprocess

import pytest

from mesoslite.containment.isolators.disk import DiskUsage, disk_usage
from mesoslite.containment.script import Script
from mesoslite.model import CommandInfo, ContainerConfig, ContainerID, Reason, Resources

C = ContainerID("c")


@pytest.fixture
def disk():
    made = DiskUsage(3600.0, enforces=True)
    yield made
    made.close()


def prepare(disk, sandbox, resources="disk:1"):
    command, given = CommandInfo(value="x"), Resources.parse(resources)
    disk.prepare(
        ContainerConfig(container_id=C, user="", command=command, sandbox=str(sandbox), resources=given), Script()
    )


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

    du = subprocess.run(["du", "-s", "-B1", tmp_path], capture_output=True, text=True, check=True).stdout

    assert disk_usage(str(tmp_path)) == int(du.split()[0])


def test_what_is_not_there_takes_nothing(tmp_path):
    assert disk_usage(str(tmp_path / "gone")) == 0


# Source: Mesos DiskUsageCollectorTest, DiskQuotaTest
def test_a_container_beyond_its_quota_is_told_of(disk, tmp_path):
    told = queue.Queue()
    disk.watch(lambda container_id, limitation: told.put((container_id, limitation)))
    prepare(disk, tmp_path)
    disk.look()
    assert disk.limitation(C) is None
    fill(tmp_path / "file", 2)

    disk.look()

    container_id, limitation = told.get_nowait()
    assert (container_id, limitation.reason) == (C, Reason.REASON_CONTAINER_LIMITATION_DISK)
    assert limitation.message.endswith("exceeds quota (1MB)")
    assert limitation.limited.get("disk") >= 2
    assert disk.limitation(C) == limitation


def test_a_larger_quota_counts_from_the_next_look_on(disk, tmp_path):
    told = queue.Queue()
    disk.watch(lambda *limited: told.put(limited))
    prepare(disk, tmp_path)
    fill(tmp_path / "file", 2)

    disk.update(C, Resources.parse("disk:10"), ())
    disk.look()

    assert told.empty()
    assert disk.usage([C])[C]["disk_limit_bytes"] == 10 << 20
    assert disk.usage([C])[C]["disk_used_bytes"] > 2 << 20


def test_without_enforcement_or_quota_nothing_is_ended(tmp_path):
    for disk, resources in ((DiskUsage(3600.0), "disk:1"), (DiskUsage(3600.0, enforces=True), "cpus:1")):
        prepare(disk, tmp_path, resources)
        fill(tmp_path / "file", 2)
        disk.look()
        disk.close()

        assert disk.limitation(C) is None
        assert disk.usage([C])[C]["disk_used_bytes"] > 0


def test_what_has_ended_is_looked_at_no_more(disk, tmp_path):
    prepare(disk, tmp_path)
    disk.look()
    disk.cleanup(C)
    disk.look()
    disk.update(C, Resources.parse("disk:1"), ())

    assert disk.usage([C]) == {}
