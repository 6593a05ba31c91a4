"""Removal of what containers have changed of their roots, beside what goes on."""

import threading

import pytest

from mesoslite.containment.isolators.filesystem import FilesystemLinux
from mesoslite.containment.isolators.removals import Removals
from mesoslite.containment.script import Script
from mesoslite.model import CommandInfo, ContainerConfig, ContainerID, FrozenDocument

BOUND_SECONDS = 120  # a bound on failure: no test waits this long


class Slow:
    """Removals that wait for a disk, each until it is let go on; those of ``quick`` do not."""

    def __init__(self, *quick):
        self.quick = quick
        self.begun = threading.Semaphore(0)
        self.disk = threading.Semaphore(0)
        self.removed = []

    def remove(self, path):
        if path not in self.quick:
            self.begun.release()
            assert self.disk.acquire(timeout=BOUND_SECONDS)
        self.removed.append((path, threading.current_thread().name))


def paths(slow):
    return [path for path, _ in slow.removed]


def test_what_is_added_is_not_waited_for_and_removed_in_order():
    slow = Slow()
    removals = Removals(slow.remove)
    for path in ("a", "b", "c"):
        removals.add(path)
    assert slow.begun.acquire(timeout=BOUND_SECONDS)
    assert slow.removed == []

    slow.disk.release(3)
    removals.close()

    assert slow.removed == [(path, "removals") for path in ("a", "b", "c")]
    assert "removals" not in [thread.name for thread in threading.enumerate()]


def test_a_path_is_awaited_without_those_before_it():
    slow = Slow("c")
    removals = Removals(slow.remove)
    for path in ("a", "b", "c"):
        removals.add(path)
    assert slow.begun.acquire(timeout=BOUND_SECONDS)

    removals.await_gone("c")
    removals.await_gone("nobody's")

    assert paths(slow) == ["c"]
    slow.disk.release(2)
    removals.close()
    assert paths(slow) == ["c", "a", "b"]


def test_a_path_whose_removal_has_begun_is_awaited():
    slow = Slow()
    removals = Removals(slow.remove)
    removals.add("a")
    assert slow.begun.acquire(timeout=BOUND_SECONDS)
    threading.Timer(0.0, slow.disk.release).start()

    removals.await_gone("a")

    assert paths(slow) == ["a"]
    removals.close()


def test_after_close_it_is_removed_at_once():
    slow = Slow("a")
    removals = Removals(slow.remove)
    removals.close()
    removals.close()

    removals.add("a")

    assert slow.removed == [("a", threading.current_thread().name)]


@pytest.fixture
def config(tmp_path):
    (tmp_path / "images" / "small" / "etc").mkdir(parents=True)
    (tmp_path / "sandbox").mkdir()
    document = FrozenDocument.of({"type": "MESOS", "mesos": {"image": {"type": "APPC", "appc": {"name": "small"}}}})
    return ContainerConfig(
        container_id=ContainerID("c"),
        user="",
        command=CommandInfo(value="true"),
        sandbox=str(tmp_path / "sandbox"),
        container=document,
    )


def test_a_container_of_the_same_id_has_a_root_of_its_own(tmp_path, config):
    filesystem = FilesystemLinux(tmp_path / "roots", tmp_path / "images")
    changed = tmp_path / "roots" / "c" / "upper" / "changed"
    for _ in range(20):
        filesystem.prepare(config, Script())
        assert not changed.exists()
        changed.write_text("")
        filesystem.cleanup(config.container_id)

    filesystem.close()

    assert list((tmp_path / "roots").iterdir()) == []
