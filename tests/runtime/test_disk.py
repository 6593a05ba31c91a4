"""Disks: one suite for the one of the machine and the one in memory, which behave alike until the machine goes down."""

import os

import pytest

from libactor.disk import Disk, LocalDisk
from libactor.testing import FakeDisk

pytestmark = pytest.mark.coreless


class Calm:
    """Choices that are all tame."""

    def choose(self, count):
        return 0

    def chance(self, probability):
        return False


@pytest.fixture(params=["local", "fake"])
def disk(request, tmp_path):
    return LocalDisk(tmp_path) if request.param == "local" else FakeDisk(Calm())


def test_it_is_a_disk(disk):
    assert isinstance(disk, Disk)


def test_a_file_holds_what_was_written_last_and_what_was_appended_since(disk):
    disk.write("a", b"12345")
    disk.write("a", b"67")
    disk.append("a", b"8")
    disk.append("b", bytearray(b"new"))

    assert (disk.read("a"), disk.read("b")) == (b"678", b"new")
    assert disk.list() == ("a", "b")


def test_nothing_and_much_can_be_written(disk):
    much = bytes(range(256)) * 10_000

    disk.write("none", b"")
    disk.append("none", b"")
    disk.write("much", much)

    assert (disk.read("none"), disk.read("much")) == (b"", much)


def test_a_file_is_renamed_and_takes_the_place_of_another(disk):
    disk.write("new", b"new")
    disk.write("old", b"old")

    disk.rename("new", "old")

    assert (disk.list("."), disk.read("old")) == (("old",), b"new")


def test_renaming_a_file_to_its_own_name_changes_nothing(disk):
    disk.write("a", b"1")

    disk.rename("a", "a")

    assert disk.read("a") == b"1"


def test_a_file_is_removed_and_made_anew(disk):
    disk.write("a", b"1")
    disk.remove("a")
    assert (disk.exists("a"), disk.list()) == (False, ())

    disk.append("a", b"2")

    assert disk.read("a") == b"2"


def test_folders_hold_files_and_folders(disk):
    disk.make_folder("logs")
    disk.make_folder("logs/old")
    disk.write("logs/old/1", b"1")
    disk.rename("logs/old/1", "logs/old/2")
    for path in ("logs/old/2", "logs/old", "logs", "."):
        disk.sync(path)

    assert (disk.list("logs"), disk.list("logs/old"), disk.read("logs/old/2")) == (("old",), ("2",), b"1")
    assert [disk.exists(path) for path in (".", "logs", "logs/old/2", "logs/1", "logs/old/2/3")] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_what_is_not_there_is_not_found(disk):
    for use in (disk.read, disk.sync, disk.remove, disk.list):
        with pytest.raises(FileNotFoundError):
            use("a")
    for use in (disk.read, disk.sync, disk.remove, disk.list, disk.make_folder):
        with pytest.raises(FileNotFoundError):
            use("a/b")
    with pytest.raises(FileNotFoundError):
        disk.rename("a", "b")
    with pytest.raises(FileNotFoundError):
        disk.append("a/b", b"")

    assert disk.list() == ()


def test_a_folder_is_no_file_and_a_file_no_folder(disk):
    disk.make_folder("folder")
    disk.write("file", b"1")

    for use in (disk.read, disk.remove):
        with pytest.raises(IsADirectoryError):
            use("folder")
    for use in (disk.write, disk.append):
        for path in ("folder", "."):
            with pytest.raises(IsADirectoryError):
                use(path, b"2")
        with pytest.raises(NotADirectoryError):
            use("file/a", b"2")
    for old, new in (("folder", "other"), ("file", "folder"), ("file", "."), (".", "file")):
        with pytest.raises(IsADirectoryError):
            disk.rename(old, new)
    for use in (disk.list, disk.sync, disk.read):
        with pytest.raises(NotADirectoryError):
            use("file/a" if use != disk.list else "file")
    for path in ("folder", "file", "."):
        with pytest.raises(FileExistsError):
            disk.make_folder(path)

    assert disk.read("file") == b"1"


@pytest.mark.parametrize(
    "path", ["", "/", "/etc/passwd", "..", "../a", "a/../../b", "a//b", "a/", "./a", "a\0b", "a/."]
)
def test_a_path_that_leaves_the_folder_is_refused(disk, path):
    disk.make_folder("a")

    for use in (disk.read, disk.sync, disk.remove, disk.list, disk.exists, disk.make_folder):
        with pytest.raises(ValueError, match="expected one inside the folder"):
            use(path)
    for use in (disk.write, disk.append):
        with pytest.raises(ValueError, match="expected one inside the folder"):
            use(path, b"")
    for old, new in ((path, "b"), ("b", path)):
        with pytest.raises(ValueError, match="expected one inside the folder"):
            disk.rename(old, new)

    assert disk.list() == ("a",)


@pytest.mark.parametrize("path", [None, 1, b"a", ("a",)])
def test_what_is_no_path_is_refused(disk, path):
    with pytest.raises(TypeError, match="expected text"):
        disk.read(path)


@pytest.mark.parametrize("data", ["text", None, 5, [1, 2]])
def test_what_is_no_bytes_is_not_written(disk, data):
    disk.write("a", b"1")

    for use in (disk.write, disk.append):
        with pytest.raises(TypeError, match="expected bytes"):
            use("a", data)

    assert disk.read("a") == b"1"


def test_a_file_stays_in_its_folder_when_it_is_renamed(disk):
    disk.make_folder("a")
    disk.write("b", b"1")

    with pytest.raises(ValueError, match="expected two paths in the same folder"):
        disk.rename("b", "a/b")

    assert disk.read("b") == b"1"


def test_what_was_read_stays_as_it_was(disk):
    data = bytearray(b"12")
    disk.write("a", data)
    data[0] = 0
    read = disk.read("a")

    disk.append("a", b"3")

    assert read == b"12"


def test_a_local_disk_needs_a_folder(tmp_path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(FileNotFoundError):
        LocalDisk(tmp_path / "none")
    with pytest.raises(NotADirectoryError, match="expected a folder"):
        LocalDisk(tmp_path / "file")


def test_a_link_that_leaves_the_folder_is_refused_and_one_that_stays_is_followed(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "outside").write_bytes(b"secret")
    disk = LocalDisk(tmp_path / "inside")
    disk.write("a", b"1")
    (tmp_path / "inside" / "same").symlink_to("a")
    (tmp_path / "inside" / "out").symlink_to("../outside")
    (tmp_path / "inside" / "up").symlink_to("..")

    assert disk.read("same") == b"1"
    for use in (
        disk.read,
        disk.remove,
        disk.sync,
        lambda path: disk.write(path, b""),
        lambda path: disk.rename("a", path),
    ):
        for path in ("out", "up/outside"):
            with pytest.raises(ValueError, match=r"leads out of|same folder"):
                use(path)
    assert (tmp_path / "outside").read_bytes() == b"secret"


def test_a_file_that_may_not_be_read_is_an_error_of_the_system(tmp_path):
    disk = LocalDisk(tmp_path)
    disk.write("a" * 255, b"1")

    with pytest.raises(OSError, match="too long"):
        disk.write("a" * 256, b"1")
    assert disk.list() == ("a" * 255,)


def test_a_local_disk_leaves_no_file_open(tmp_path):
    disk, before = LocalDisk(tmp_path), len(os.listdir("/proc/self/fd"))

    for _ in range(10):
        disk.write("a", b"1")
        disk.sync("a")
        disk.sync(".")

    assert len(os.listdir("/proc/self/fd")) == before
