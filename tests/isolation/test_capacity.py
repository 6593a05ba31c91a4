"""Agents offer what their machine has, as far as they are not told otherwise."""

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from mesoslite.cluster.resources import completed_resources
from mesoslite.containment import capacity
from mesoslite.containment.capacity import capacity_texts
from mesoslite.model import InvalidResources, Resources

GIB = 1 << 30


@pytest.fixture
def machine(monkeypatch):
    """Says how much memory and disk there is, in GiB."""

    def have(memory, disk):
        monkeypatch.setattr(capacity.os, "cpu_count", lambda: 3)
        monkeypatch.setattr(capacity.os, "sysconf", {"SC_PAGE_SIZE": 1, "SC_PHYS_PAGES": int(memory * GIB)}.get)
        monkeypatch.setattr(capacity.shutil, "disk_usage", lambda path: SimpleNamespace(total=int(disk * GIB)))

    return have


# Source: Mesos ContainerizerTest / SlaveTest, facts of Containerizer::resources
@pytest.mark.parametrize(
    ("memory", "disk", "mem_offered", "disk_offered"),
    [(16, 100, 15 * 1024, 95 * 1024), (2, 10, 1024, 5 * 1024), (1.5, 8, 768, 4 * 1024)],
)
def test_something_is_left_for_the_machine(machine, memory, disk, mem_offered, disk_offered):
    machine(memory, disk)

    found = completed_resources("", Path("/"))

    assert found == Resources.parse(f"cpus:3;mem:{mem_offered};disk:{disk_offered};ports:[31000-32000]")


def test_what_is_said_counts_and_only_the_rest_is_looked_up(machine):
    machine(16, 100)

    found = completed_resources("cpus(ads):2;disk:7;ports:[5-6];zones:{a}", Path("/"))

    assert found == Resources.parse("cpus(ads):2;disk:7;ports:[5-6];zones:{a};mem:15360")


def test_a_work_directory_need_not_be_there(tmp_path):
    assert capacity_texts(tmp_path / "no" / "such")["disk"] == capacity_texts(tmp_path)["disk"]
    assert int(capacity_texts(tmp_path)["cpus"].partition(":")[2]) == os.cpu_count()


def test_a_work_directory_that_may_not_be_looked_at_is_for_the_agent_to_refuse(tmp_path, monkeypatch):
    def refused(path, **how):
        if Path(path) == tmp_path / "no":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return looked(path, **how)

    looked = os.stat
    monkeypatch.setattr(os, "stat", refused)

    assert capacity_texts(tmp_path / "no")["disk"] == capacity_texts(tmp_path)["disk"]


def test_what_cannot_be_offered_is_refused_as_before(tmp_path):
    with pytest.raises(InvalidResources, match="agent: "):
        completed_resources('[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1}, "revocable": {}}]', tmp_path)
