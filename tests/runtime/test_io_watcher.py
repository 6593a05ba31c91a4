"""A watcher tells what happens to files."""

import ctypes
import errno
import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

import libactor as la
from libactor.io import Change, Event, Watcher, inotify

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("leaves_nothing", "runtime")]  # nothing of the runtime is left

BOUND_SECONDS = 30  # a bound on failure: no test waits this long


@pytest.fixture
def watcher(runtime) -> Iterator[Watcher]:
    with Watcher() as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.touch()
    return path


def write(path: Path, text: str = "x") -> None:
    with path.open("a") as opened:
        opened.write(text)


def next_event(watcher: Watcher) -> tuple[Change, str]:
    event = watcher.events().get().get(BOUND_SECONDS)
    return event.change, event.path


# LP IOTest.WatcherWrite
def test_a_write_is_told(watcher: Watcher, file: Path):
    watcher.add(file)
    event = watcher.events().get()
    assert event.is_pending()

    write(file)

    assert event.get(BOUND_SECONDS) == Event(Change.WRITE, os.fspath(file))


# LP IOTest.WatcherRename
def test_a_rename_is_told_and_ends_the_watch(watcher: Watcher, file: Path, tmp_path: Path):
    watcher.add(file)

    file.rename(tmp_path / "other")

    assert next_event(watcher) == (Change.RENAME, os.fspath(file))
    write(tmp_path / "other")
    file.touch()
    watcher.add(file)
    write(file)
    assert next_event(watcher) == (Change.WRITE, os.fspath(file))


# LP IOTest.WatcherRm
@pytest.mark.parametrize("is_open", [False, True])
def test_a_removal_is_told_also_while_somebody_has_the_file_open(watcher: Watcher, file: Path, is_open: bool):
    watcher.add(file)
    descriptor = os.open(file if is_open else "/dev/null", os.O_RDONLY)

    file.unlink()

    assert next_event(watcher) == (Change.REMOVE, os.fspath(file))
    os.close(descriptor)


def test_a_file_that_another_takes_the_place_of_is_removed(watcher: Watcher, file: Path, tmp_path: Path):
    watcher.add(file)
    with file.open():
        (tmp_path / "new").touch()

        (tmp_path / "new").replace(file)

        assert next_event(watcher) == (Change.REMOVE, os.fspath(file))


# LP IOTest.WatcherAddMultipleFiles
def test_several_files_are_told_apart(watcher: Watcher, tmp_path: Path):
    files = [tmp_path / name for name in "abc"]
    for path in files:
        path.touch()
        watcher.add(path)

    for path in files:
        write(path)

    assert [next_event(watcher) for _ in files] == [(Change.WRITE, os.fspath(path)) for path in files]


def test_two_paths_to_one_file_are_both_told(watcher: Watcher, file: Path, tmp_path: Path):
    other = tmp_path / "other"
    os.link(file, other)
    watcher.add(file)
    watcher.add(other)

    write(file)
    assert {next_event(watcher) for _ in range(2)} == {(Change.WRITE, os.fspath(path)) for path in (file, other)}
    watcher.remove(file)
    write(file)
    assert next_event(watcher) == (Change.WRITE, os.fspath(other))


# LP IOTest.WatcherAlreadyAddAddedFile
def test_a_path_is_added_once(watcher: Watcher, file: Path):
    watcher.add(file)

    with pytest.raises(ValueError, match="is watched already"):
        watcher.add(os.fspath(file))


# LP IOTest.WatcherAddDirectory
def test_a_directory_is_refused(watcher: Watcher, tmp_path: Path):
    with pytest.raises(IsADirectoryError, match="expected a file"):
        watcher.add(tmp_path)


# LP IOTest.WatcherRemove
def test_nothing_is_told_of_a_path_after_its_removal_from_the_list(watcher: Watcher, file: Path, tmp_path: Path):
    other = tmp_path / "other"
    other.touch()
    watcher.add(file)
    watcher.add(other)

    watcher.remove(file)
    watcher.remove(file)
    write(file)
    write(other)

    assert next_event(watcher) == (Change.WRITE, os.fspath(other))


# LP IOTest.WatcherRemoveRemovedFile
def test_a_file_that_is_gone_can_be_taken_off_the_list(watcher: Watcher, file: Path):
    watcher.add(file)
    file.unlink()
    assert next_event(watcher) == (Change.REMOVE, os.fspath(file))

    watcher.remove(file)


# LP IOTest.WatcherDestruction
@pytest.mark.parametrize("how", ["closed", "forgotten"])
def test_the_end_of_a_watcher_is_its_last_event(file: Path, how: str):
    watcher = Watcher()
    watcher.add(file)
    events = watcher.events()
    last = events.get()

    if how == "closed":
        watcher.close()
        with pytest.raises(ValueError, match="it is closed"):
            watcher.add(file)
    del watcher

    assert last.get(BOUND_SECONDS) == Event(Change.FAILURE, "", "the watcher was closed")
    write(file)
    assert events.get().is_pending()


def test_the_end_of_the_runtime_is_its_last_event(file: Path):
    with la.Runtime():
        watcher = Watcher()
        watcher.add(file)

    assert next_event(watcher) == (Change.FAILURE, "")


# Goal: what is watched is the file that the path leads to. Method: another one takes its place just after the kernel
# has begun to watch, and the one before is kept open, so that the kernel does not tell of its end.
def test_a_file_that_is_replaced_while_it_is_added_is_not_the_one_that_is_watched(
    watcher: Watcher, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    begin = inotify.add_watch

    def replace(descriptor: int, path: str, mask: int) -> int:
        monkeypatch.undo()
        watch = begin(descriptor, path, mask)
        (tmp_path / "next").touch()
        os.replace(tmp_path / "next", file)
        return watch

    monkeypatch.setattr(inotify, "add_watch", replace)
    with file.open():
        watcher.add(file)
        write(file)

        assert next_event(watcher) == (Change.WRITE, os.fspath(file))
    file.unlink()
    assert next_event(watcher) == (Change.REMOVE, os.fspath(file))


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/no/such/file", FileNotFoundError),
        ("", FileNotFoundError),
        ("a\0b", ValueError),
        (7, TypeError),
        (b"x", TypeError),
    ],
)
def test_what_cannot_be_watched_is_an_error(watcher: Watcher, path, error: type[Exception]):
    with pytest.raises(error, match=r"Watcher|expected str"):
        watcher.add(path)


# Goal: whoever has no watches left hears what to do. Method: the kernel's answer is made up.
def test_a_lack_of_watches_is_an_error_that_says_what_to_do(watcher: Watcher, file: Path, monkeypatch):
    def refuse(*_) -> int:
        ctypes.set_errno(errno.ENOSPC)
        return -1

    monkeypatch.setattr(inotify, "_system", SimpleNamespace(inotify_add_watch=refuse))

    with pytest.raises(OSError, match="No space left on device; watch fewer files, or allow more"):
        watcher.add(file)
    monkeypatch.undo()


# Goal: a flood that the kernel does not remember is told as such. Method: two files in turn, so that nothing is merged,
# and whoever reads is kept at the first changes that he finds, however many threads there are to go on.
def test_events_that_the_kernel_has_lost_are_told(watcher: Watcher, tmp_path: Path, monkeypatch):
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    flooded, parse = threading.Event(), inotify.parse

    def parse_later(data: bytes) -> Iterator[tuple[int, int]]:
        assert flooded.wait(BOUND_SECONDS)
        return parse(data)

    monkeypatch.setattr(inotify, "parse", parse_later)
    paths = tmp_path / "first", tmp_path / "second"
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("wb", buffering=0)) for path in paths]
        for path in paths:
            watcher.add(path)
        for _ in range(limit):
            for file in files:
                file.write(b"x")
    flooded.set()

    changes = iter(lambda: next_event(watcher)[0], Change.FAILURE)
    assert limit <= sum(change is Change.WRITE for change in changes) < 2 * limit
