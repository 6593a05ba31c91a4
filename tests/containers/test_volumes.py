"""Containers see the persistent volumes that they were given by links in their sandbox."""

import os
import pwd
from pathlib import Path

import msgspec
import pytest

from mesoslite.containment.isolators.places import make_link
from mesoslite.model import InvalidRequest, PersistentVolume

from .bench import Bench

pytestmark = pytest.mark.real
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs as another user")


def make_volume(bench: Bench, name: str = "v", path: str = "data", **fields: bool) -> PersistentVolume:
    directory = bench.sandbox.parent / "volumes" / name
    directory.mkdir(parents=True)
    return PersistentVolume(str(directory), path, **fields)


# Source: Mesos PersistentVolumeTest.AccessPersistentVolume, and again by a second task
@pytest.mark.parametrize("path", ["data", "./deep/er//data/"])
def test_what_one_container_writes_to_its_volume_another_reads(bench: Bench, path: str):
    volume = make_volume(bench, path=path)
    bench.launch(f"echo kept > {path}/file", volumes=(volume,))
    assert bench.exit_status() == 0, bench.output("stderr")
    bench.sandbox = bench.sandbox.parent / "second"
    bench.sandbox.mkdir()

    bench.launch(f"cat {path}/file", volumes=(volume,))

    assert bench.exit_status() == 0, bench.output("stderr")
    assert bench.output() == "kept\n"


def test_what_runs_is_given_volumes_and_loses_those_that_it_has_no_more(bench: Bench):
    first, second = make_volume(bench, "a"), make_volume(bench, "b")
    os.mkfifo(bench.sandbox / "go")
    bench.launch("read x < go; echo kept > data/file", volumes=(first,))

    bench.containerizer.update(msgspec.structs.replace(bench.launched_config, volumes=()))
    assert not (bench.sandbox / "data").is_symlink()
    bench.containerizer.update(msgspec.structs.replace(bench.launched_config, volumes=(second,)))
    (bench.sandbox / "go").write_text("\n")

    assert bench.exit_status() == 0, bench.output("stderr")
    assert Path(second.source, "file").read_text() == "kept\n"
    assert os.listdir(first.source) == []


@pytest.mark.parametrize(
    ("path", "fields", "text"),
    [
        ("/data", {}, "filesystem/linux"),
        ("data", {"is_read_only": True}, "filesystem/linux"),
        ("../data", {}, "without '..'"),
        ("a/../../data", {}, "without '..'"),
        ("", {}, "without '..'"),
        (".", {}, "without '..'"),
        ("data\0", {}, "without '..' or NUL"),
    ],
)
def test_what_a_link_cannot_promise_is_refused(bench: Bench, path: str, fields: dict[str, bool], text: str):
    volume = make_volume(bench, path=path, **fields)

    with pytest.raises(InvalidRequest, match=text):
        bench.launch("true", volumes=(volume,))

    assert os.listdir(bench.sandbox.parent / "volumes") == ["v"]


def test_a_volume_of_a_later_task_takes_the_place_of_nothing_else(bench: Bench):
    ready, go = bench.make_fifo(), bench.make_fifo("go")
    bench.launch(f"mkdir data; echo $$ > {ready}; read x < go")
    bench.pids(ready, 1)

    with pytest.raises(InvalidRequest, match="in the sandbox already"):
        bench.containerizer.update(msgspec.structs.replace(bench.launched_config, volumes=(make_volume(bench),)))

    go.write_text("\n")
    assert bench.exit_status() == 0


def test_a_volume_that_is_not_there_fails_the_launch(bench: Bench):
    with pytest.raises(FileNotFoundError):
        bench.launch("true", volumes=(PersistentVolume(str(bench.sandbox / "gone"), "data"),))


# Goal: a container whose sandbox leads elsewhere cannot have root make anything there.
def test_links_are_made_without_a_step_through_a_link(tmp_path: Path):
    (tmp_path / "sandbox").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "sandbox" / "out").symlink_to(tmp_path / "other")

    with pytest.raises(InvalidRequest, match="no directory"):
        make_link(str(tmp_path / "sandbox"), "out/data", "/v")

    assert os.listdir(tmp_path / "other") == []


@as_root
def test_a_volume_becomes_its_users_own_and_what_is_in_it_does_not(open_bench: Bench):
    volume = make_volume(open_bench)
    Path(volume.source, "old").write_text("root's")
    nobody = pwd.getpwnam("nobody")

    open_bench.launch("echo mine > data/new", user="nobody", volumes=(volume,))

    assert open_bench.exit_status() == 0, open_bench.output("stderr")
    assert os.stat(volume.source).st_uid == os.stat(f"{volume.source}/new").st_uid == nobody.pw_uid
    assert os.stat(f"{volume.source}/old").st_uid == 0


@as_root
def test_a_shared_volume_stays_its_first_users(open_bench: Bench):
    volume = make_volume(open_bench, is_shared=True)
    open_bench.launch("true", user="nobody", volumes=(volume,))
    assert open_bench.exit_status() == 0
    open_bench.sandbox = open_bench.sandbox.parent / "second"
    open_bench.sandbox.mkdir()

    open_bench.launch("echo too > data/file", volumes=(volume,))

    assert open_bench.exit_status() == 0, open_bench.output("stderr")
    assert os.stat(volume.source).st_uid == pwd.getpwnam("nobody").pw_uid
