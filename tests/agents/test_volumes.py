"""Persistent volumes of an agent: where they are, and that nothing of them is lost or left but by an operation."""

import os

import pytest
from msgspec import structs

from mesoslite.agent import RecoveryOptions
from mesoslite.model import (
    Create,
    Destroy,
    GrowVolume,
    OperationState,
    PersistentVolume,
    Reservation,
    ReservationType,
    Resources,
    ShrinkVolume,
)
from mesoslite.model.kinds import Disk, DiskSource, DiskType, Kind, Persistence, Volume, VolumeMode
from mesoslite.model.portions import Portion
from mesoslite.model.tasks import VolumePlace

from .executors import launch, make_executor
from .house import House, make_task
from .test_operations import UUID, apply


def reservation(role):
    return Reservation(ReservationType.DYNAMIC, role)


def plain(mebibytes, role="ads", source=None):
    disk = Disk(source) if source is not None else None
    return Resources.from_portions(
        [Portion(Kind("disk", reservations=(reservation(role),), disk=disk), mebibytes * 1000)]
    )


def volume(name="v", mebibytes=64, role="ads", source=None, path="data", shared=False):
    disk = Disk(source, Persistence(name), Volume(path))
    return Resources.from_portions(
        [Portion(Kind("disk", reservations=(reservation(role),), disk=disk, shared=shared), mebibytes * 1000)]
    )


@pytest.fixture
def house(closed_house: House) -> House:
    open_with(closed_house, plain(128))
    return closed_house


def open_with(house, disk):
    total = Resources.parse("cpus:4;mem:1024") + disk
    house.resources = total
    house.open(recovery=RecoveryOptions(), resources=total, id="slave(1)")


def come_back(house, **options):
    house.come_back(RecoveryOptions(**options), resources=house.resources)


def directory(house, role="ads", name="v"):
    return house.work_directory / "volumes" / "roles" / role / name


def removed(house):
    return house.work_directory / "volumes" / "removed"


def wait_until_removed(house):
    house.settle()
    assert not removed(house).exists() or not list(removed(house).iterdir())


def state(update):
    return update.status.state.name.removeprefix("OPERATION_")


# Source: Mesos PersistentVolumeTest.CreateAndDestroyPersistentVolumes
def test_a_volume_is_a_directory_from_its_making_to_its_destruction(house):
    assert state(apply(house, Create(volume()))) == "FINISHED"
    assert directory(house).is_dir()
    (directory(house) / "kept").write_text("x")

    assert state(apply(house, Destroy(volume()), b"1" * 16)) == "FINISHED"

    assert not directory(house).exists()
    wait_until_removed(house)


def test_the_slashes_of_a_role_are_spaces(closed_house):
    open_with(closed_house, plain(64, "ads/batch"))

    apply(closed_house, Create(volume(role="ads/batch")))

    assert directory(closed_house, "ads batch").is_dir()


# Source: Mesos PersistentVolumeTest.GrowVolume, ShrinkVolume
def test_a_volume_keeps_what_is_in_it_as_it_grows_and_shrinks(house):
    apply(house, Create(volume()))
    (directory(house) / "kept").write_text("x")

    assert state(apply(house, GrowVolume(volume(), plain(32)), b"1" * 16)) == "FINISHED"
    assert state(apply(house, ShrinkVolume(volume(mebibytes=96), 16_000), b"2" * 16)) == "FINISHED"

    assert (directory(house) / "kept").read_text() == "x"


def test_a_volume_that_is_made_again_at_once_is_empty(house):
    apply(house, Create(volume()))
    (directory(house) / "old").write_text("x")

    apply(house, Destroy(volume()), b"1" * 16)
    apply(house, Create(volume()), b"2" * 16)

    assert list(directory(house).iterdir()) == []


def test_a_volume_is_not_made_over_what_somebody_has_left_there(house):
    directory(house).mkdir(parents=True)
    (directory(house) / "other").write_text("x")

    update = apply(house, Create(volume()))

    assert state(update) == "DROPPED"
    assert "not empty" in update.status.message
    assert house.snapshot().info.resources == house.resources
    assert (directory(house) / "other").exists()


def test_of_several_volumes_all_are_made_or_none(house):
    directory(house, name="b").mkdir(parents=True)
    (directory(house, name="b") / "other").write_text("x")

    update = apply(house, Create(volume("a") + volume("b")))

    assert state(update) == "DROPPED"
    assert not directory(house, name="a").exists()


# Source: Mesos PersistentVolumeTest.DestroyPersistentVolumeInUse, master's validation aside
def test_a_volume_that_a_task_uses_is_not_destroyed(house):
    apply(house, Create(volume()))
    (directory(house) / "kept").write_text("x")
    house.run(make_task(resources="cpus:1", more=volume()))

    update = apply(house, Destroy(volume()), b"1" * 16)

    assert state(update) == "DROPPED"
    assert (directory(house) / "kept").exists()


def test_a_task_is_told_of_its_volumes(house):
    apply(house, Create(volume(path="here")))
    apply(house, Create(volume("w", shared=True)), b"1" * 16)

    box = house.run(make_task(resources="cpus:1", more=volume(path="here") + volume("w", shared=True)))

    assert set(box.config.volumes) == {
        PersistentVolume(str(directory(house)), "here"),
        PersistentVolume(str(directory(house, name="w")), "data", is_shared=True),
    }


@pytest.mark.parametrize("is_executors", [False, True])
def test_a_task_sees_a_volume_where_it_says(house, is_executors):
    made, said = volume(shared=True), Volume("/elsewhere", VolumeMode.RO)
    apply(house, Create(made))
    task = make_task(resources="cpus:1;mem:32", more=made)
    task = structs.replace(task, volume_places=(VolumePlace("ads", "v", said),))
    if is_executors:
        launch(house, structs.replace(task, command=None, executor=make_executor()))
        [box] = house.boxes.made
    else:
        box = house.run(task)

    assert box.config.volumes == (PersistentVolume(str(directory(house)), "/elsewhere", True, True),)
    assert box.config.resources.shared() == made


# Source: Mesos PersistentVolumeTest.SharedPersistentVolumeMultipleTasks
def test_tasks_share_a_shared_volume(house):
    shared = volume(shared=True)
    apply(house, Create(shared))

    boxes = [house.run(make_task(name, more=shared)) for name in ("t1", "t2")]
    update = apply(house, Destroy(shared), b"1" * 16)

    assert boxes[0].config.volumes == boxes[1].config.volumes != ()
    assert state(update) == "DROPPED"


# Source: Mesos PersistentVolumeTest.SlaveRecovery
def test_what_is_in_a_volume_outlives_the_agent(house):
    apply(house, Create(volume()))
    (directory(house) / "kept").write_text("x")
    house.fall()

    come_back(house)

    assert (directory(house) / "kept").read_text() == "x"


# Goal: an agent that is killed at any point of a DESTROY either still has the volume with its data, or nothing of it.
def test_a_volume_whose_destruction_was_not_written_down_is_there_with_its_data(house):
    apply(house, Create(volume()))
    (directory(house) / "kept").write_text("x")
    house.fall()
    aside = removed(house) / "1" / "ads"
    aside.mkdir(parents=True)
    directory(house).rename(aside / "v")

    come_back(house)

    assert (directory(house) / "kept").read_text() == "x"
    wait_until_removed(house)


def test_what_was_left_of_a_destroyed_volume_is_removed_by_the_next_agent(house):
    aside = removed(house) / "1" / "ads" / "v"
    aside.mkdir(parents=True)
    (aside / "data").write_text("x")
    house.fall()

    come_back(house)

    wait_until_removed(house)
    assert not directory(house).exists()


def test_links_in_a_volume_lead_nowhere_when_it_is_removed(house, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "kept").write_text("x")
    apply(house, Create(volume()))
    (directory(house) / "link").symlink_to(tmp_path / "other")

    apply(house, Destroy(volume()), b"1" * 16)

    wait_until_removed(house)
    assert (tmp_path / "other" / "kept").exists()


def test_volumes_of_a_disk_of_type_path_are_below_its_root(closed_house, tmp_path):
    source = DiskSource(DiskType.PATH, str(tmp_path / "disk"))
    open_with(closed_house, plain(64, source=source))

    apply(closed_house, Create(volume(source=source)))
    assert (tmp_path / "disk/volumes/roles/ads/v").is_dir()
    apply(closed_house, Destroy(volume(source=source)), b"1" * 16)

    assert not (tmp_path / "disk/volumes/roles/ads/v").exists()
    assert not directory(closed_house).exists()


# Source: Mesos PersistentVolumeTest with MOUNT disks: the root stays
def test_a_volume_of_a_disk_of_type_mount_is_the_disk(closed_house, tmp_path):
    source = DiskSource(DiskType.MOUNT, str(tmp_path / "disk"))
    (tmp_path / "disk").mkdir()
    open_with(closed_house, plain(64, source=source))

    apply(closed_house, Create(volume(source=source)))
    (tmp_path / "disk" / "data").write_text("x")
    apply(closed_house, Destroy(volume(source=source)), b"1" * 16)

    assert list((tmp_path / "disk").iterdir()) == []


def test_a_disk_without_a_directory_has_no_volumes(closed_house):
    source = DiskSource(DiskType.RAW, id="r")
    open_with(closed_house, plain(64, source=source))

    update = apply(closed_house, Create(volume(source=source)))

    assert update.status.state is OperationState.OPERATION_DROPPED
    assert "PATH or MOUNT" in update.status.message


def test_a_disk_that_takes_no_directory_refuses_the_volume(house):
    house.work_directory.joinpath("volumes").write_text("in the way")

    update = apply(house, Create(volume()), UUID)

    assert state(update) == "DROPPED"
    assert os.strerror(20) in update.status.message
