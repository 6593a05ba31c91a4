"""Disk: what an actor keeps beyond its end: a few operations on files, and when their effect is durable."""

# Who calls: actors that keep state; they get a Disk when they are made, a LocalDisk in earnest, a FakeDisk of
#   libactor.testing in tests, which loses what a machine may lose. Both pass tests/runtime/test_disk.py.
# Rules: 1. paths are relative, with "/" between folder and name; "." is the folder of the disk itself.
#   2. what a file holds is durable once sync(file) has returned; that it is there, under its name, once sync(folder)
#   has, as POSIX has it: who makes a file syncs both.    3. of what was not synced a crash leaves any part: of an
#   append its beginning, of a write any of its blocks, zeros for others.    4. rename is atomic: after a crash the new
#   name has the old file or the new one; durable once the folder is synced.    5. a write that raises may have left a
#   part.
# Every call blocks until it is done: whoever calls from an actor that others wait for goes through a thread pool.
# Rejected: rename from folder to folder (two folders to sync, and a crash between them), open files (who closes them?).

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol, runtime_checkable


@runtime_checkable
class Disk(Protocol):
    """Files in folders. Errors are those of the operating system: FileNotFoundError, IsADirectoryError and so on;
    ValueError for a path that leaves the folder."""

    def read(self, path: str, /) -> bytes:
        """What the file holds."""

    def write(self, path: str, data: bytes, /) -> None:
        """Let the file, which is made if need be, hold ``data`` and nothing else. Not atomic: see rename."""

    def append(self, path: str, data: bytes, /) -> None:
        """Add ``data`` to the end of the file, which is made if need be."""

    def sync(self, path: str, /) -> None:
        """Return once what the file holds, or which names the folder has, is durable."""

    def rename(self, old: str, new: str, /) -> None:
        """Give a file another name in the same folder; a file of that name goes, in the same step."""

    def remove(self, path: str, /) -> None:
        """Take the file away."""

    def make_folder(self, path: str, /) -> None:
        """Make an empty folder. Raises: FileExistsError."""

    def list(self, path: str = ".", /) -> tuple[str, ...]:
        """The names in the folder, sorted."""

    def exists(self, path: str, /) -> bool:
        """Whether there is a file or a folder at ``path``."""


def split_path(path: object) -> tuple[str, ...]:
    """The names in ``path``, those of its folders first; none of ".".

    Raises: TypeError; ValueError for a path that leaves the folder of the disk, or is not written in the shortest way.
    """
    if not isinstance(path, str):
        raise TypeError(f"disk: got the path {path!r}, expected text such as 'log/1'")
    names = tuple(path.split("/")) if path != "." else ()
    if not all(name not in ("", ".", "..") and "\0" not in name for name in names):
        raise ValueError(f"disk: got the path {path!r}, expected one inside the folder, such as 'log/1', or '.'")
    return names


def split_file(path: object) -> tuple[tuple[str, ...], str]:
    """As split_path, of a path to a file: its folder and its name. Raises: IsADirectoryError for "." as well."""
    names = split_path(path)
    if not names:
        raise IsADirectoryError(f"disk: '{path}' is the folder of the disk, expected the path of a file")
    return names[:-1], names[-1]


def check_data(data: object) -> bytes:
    """``data``, if it is bytes or alike."""
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"disk: got {type(data).__qualname__} to write, expected bytes")
    return bytes(data)


def check_rename(old: object, new: object) -> tuple[tuple[str, ...], str, str]:
    """The folder of both paths and the two names. Raises: ValueError if they are in different folders."""
    (folder, before), (other, after) = split_file(old), split_file(new)
    if folder != other:
        raise ValueError(f"disk: rename from {old!r} to {new!r}, expected two paths in the same folder")
    return folder, before, after


class LocalDisk:
    """The files below ``folder`` of the machine, which must be there. A symbolic link that leaves it is refused."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._root = Path(folder).resolve(strict=True)
        if not self._root.is_dir():
            raise NotADirectoryError(f"LocalDisk: got {str(folder)!r}, expected a folder")

    def read(self, path: str, /) -> bytes:
        """What the file holds."""
        return self._place(*split_path(path)).read_bytes()

    def write(self, path: str, data: bytes, /) -> None:
        """See Disk.write."""
        self._put(path, data, os.O_TRUNC)

    def append(self, path: str, data: bytes, /) -> None:
        """See Disk.append."""
        self._put(path, data, os.O_APPEND)

    def sync(self, path: str, /) -> None:
        """fsync of the file or folder."""
        descriptor = os.open(self._place(*split_path(path)), os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, old: str, new: str, /) -> None:
        """See Disk.rename."""
        folder, before, after = check_rename(old, new)
        source, target = self._file((*folder, before)), self._file((*folder, after))
        os.replace(source, target)

    def remove(self, path: str, /) -> None:
        """See Disk.remove."""
        folder, name = split_file(path)
        self._file((*folder, name)).unlink()

    def make_folder(self, path: str, /) -> None:
        """See Disk.make_folder."""
        self._place(*split_path(path)).mkdir()

    def list(self, path: str = ".", /) -> tuple[str, ...]:
        """See Disk.list."""
        return tuple(sorted(os.listdir(self._place(*split_path(path)))))

    def exists(self, path: str, /) -> bool:
        """See Disk.exists."""
        return self._place(*split_path(path)).exists()

    def __repr__(self) -> str:
        return f"<LocalDisk {self._root}>"

    def _put(self, path: str, data: object, how: int) -> None:
        folder, name = split_file(path)
        rest = memoryview(check_data(data))
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | how
        descriptor = os.open(self._place(*folder, name), flags, 0o666)
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)

    def _place(self, *names: str) -> Path:
        """Where that is on the machine. Raises: ValueError if a symbolic link leads out of the folder."""
        place = self._root.joinpath(*names)
        if not place.resolve().is_relative_to(self._root):
            raise ValueError(f"disk: {'/'.join(names)!r} leads out of {self._root}, expected a path that stays inside")
        return place

    def _file(self, names: tuple[str, ...]) -> Path:
        """As _place. Raises: IsADirectoryError for a folder."""
        place = self._place(*names)
        if place.is_dir():
            raise IsADirectoryError(f"disk: {'/'.join(names)!r} is a folder, expected the path of a file")
        return place
