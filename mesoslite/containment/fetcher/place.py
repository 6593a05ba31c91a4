"""Place: a directory in which files are made, and outside of which nothing can be."""

# Who calls: main.py for what is fetched, archives.py for what is in that.
# Invariants: 1. each step of a path is taken from a descriptor and follows no link, so that nothing planted there, by
#   an archive before or by somebody meanwhile, leads out.    2. a link that is made here leads to somewhere in here:
#   its `..` come first, so that no other link can be passed before them.    3. nothing is made that is not a plain
#   file, a directory or such a link, nothing is setuid, and others than the owner can write nothing.
# Rejected: tarfile's filter `data`, which judges names by looking at what they lead to, and was got around several
#   times; chroot, which takes root.

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from .problem import Problem, TooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH_BYTES_MAX = 2_048  # of a path within the place, so that whoever removes it can name it
ENTRIES_MAX = 1_000_000
FREE_PART = 100  # of the file system one in so many bytes stays free
CHUNK_BYTES = 1 << 20
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class Room:
    """What may still be written, to the file system that ``descriptor`` is of, which others fill as well."""

    descriptor: int
    bytes_left: int
    entries_left: int = ENTRIES_MAX

    def take(self, count: int) -> None:
        """Use ``count`` bytes of it. Raises: TooLarge."""
        if not self.has(count):
            raise TooLarge("it is more than there is room for")
        self.bytes_left -= count

    def has(self, count: int) -> bool:
        """Whether there is room for ``count`` bytes now."""
        system = os.fstatvfs(self.descriptor)
        free = system.f_bavail - system.f_blocks // FREE_PART
        return count <= min(self.bytes_left, free * system.f_frsize)

    def take_entry(self) -> None:
        """Use one of the files, directories and links. Raises: TooLarge."""
        self.entries_left -= 1
        if self.entries_left < 0:
            raise TooLarge(f"it has more than {ENTRIES_MAX} files")


def parts_of(path: str) -> tuple[str, ...]:
    """The steps of a path that is taken as relative. Raises: Problem, if it leads up, or is too long."""
    steps = tuple([step for step in path.split("/") if step not in ("", ".")])
    if ".." in steps:
        raise Problem(f"the path {path[:200]!r} leads out of the sandbox")
    if len(os.fsencode(path)) > PATH_BYTES_MAX:
        raise Problem(f"the path {path[:200]!r}... has more than {PATH_BYTES_MAX} bytes")
    return steps


class Place:
    """The directory that the descriptor ``root`` is of; ``room`` bounds what is made there."""

    def __init__(self, root: int, room: Room) -> None:
        self._root = root
        self.room = room

    def copy(self, reader: BinaryIO, path: tuple[str, ...], mode: int) -> int:
        """Make a file of what ``reader`` has, in place of what file or link is there; its bytes. Raises: Problem."""
        with self._parent(path) as (parent, name):
            descriptor = os.open(name, _NEW, 0o600, dir_fd=parent)
        with open(descriptor, "wb", buffering=0) as file:
            count = copy_bytes(reader, file, self.room)
            os.fchmod(descriptor, mode & 0o755 | 0o600)
        return count

    @contextmanager
    def read(self, path: tuple[str, ...]) -> Iterator[BinaryIO]:
        """A file that was made here."""
        with self._directory(path[:-1]) as parent:
            descriptor = os.open(path[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        with open(descriptor, "rb") as file:
            yield file

    def make_directory(self, path: tuple[str, ...], mode: int) -> None:
        """Make a directory, unless it is there, or is the place itself. Raises: Problem."""
        if not path:
            return
        with self._directory(path) as descriptor:
            os.fchmod(descriptor, mode & 0o755 | 0o700)

    def link(self, path: tuple[str, ...], target: str) -> None:
        """Make a symbolic link to ``target``. Raises: Problem, if that may be outside."""
        steps = target.split("/")
        ups = next((at for at, step in enumerate(steps) if step not in ("", ".", "..")), len(steps))
        leads_out = steps[:ups].count("..") > len(path) - 1 or ".." in steps[ups:]
        if target.startswith("/") or not target or leads_out:
            raise Problem(f"the link {'/'.join(path)[:200]!r} to {target[:200]!r} may lead out of the sandbox")
        with self._parent(path) as (parent, name):
            os.symlink(target, name, dir_fd=parent)

    def hard_link(self, path: tuple[str, ...], target: tuple[str, ...]) -> None:
        """Give the plain file ``target`` of the place another name. Raises: Problem."""
        if not target:
            raise Problem("a link leads to the sandbox itself")
        with self._directory(target[:-1]) as directory:
            if not stat.S_ISREG(os.lstat(target[-1], dir_fd=directory).st_mode):
                raise Problem(f"the link {'/'.join(path)[:200]!r} leads to what is no plain file")
            if path == target:
                return
            with self._parent(path) as (parent, name):
                os.link(target[-1], name, src_dir_fd=directory, dst_dir_fd=parent, follow_symlinks=False)

    @contextmanager
    def _parent(self, path: tuple[str, ...]) -> Iterator[tuple[int, str]]:
        """The directory that ``path`` is in, and its name there, which is free."""
        if not path:
            raise Problem("it has no name")
        self.room.take_entry()
        with self._directory(path[:-1]) as parent:
            try:
                os.unlink(path[-1], dir_fd=parent)
            except FileNotFoundError:
                pass
            except IsADirectoryError as error:
                raise Problem(f"{'/'.join(path)[:200]!r} is a directory already") from error
            yield parent, path[-1]

    @contextmanager
    def _directory(self, path: tuple[str, ...]) -> Iterator[int]:
        """A descriptor of a directory, which is made with those above it."""
        current = os.dup(self._root)
        try:
            for step in path:
                try:
                    below = self._enter(current, step)
                except OSError as error:
                    if error.errno not in (errno.ELOOP, errno.ENOTDIR):
                        raise
                    raise Problem(f"{'/'.join(path)[:200]!r} leads through {step!r}, which is no directory") from error
                os.close(current)
                current = below
            yield current
        finally:
            os.close(current)

    def _enter(self, directory: int, step: str) -> int:
        try:
            return os.open(step, _DIRECTORY, dir_fd=directory)
        except FileNotFoundError:
            self.room.take_entry()
            os.mkdir(step, 0o755, dir_fd=directory)
            return os.open(step, _DIRECTORY, dir_fd=directory)


def copy_bytes(reader: BinaryIO, file: BinaryIO, room: Room) -> int:
    """Write all that ``reader`` has into an unbuffered file; how much it was. Raises: TooLarge."""
    count = 0
    while chunk := reader.read(CHUNK_BYTES):
        room.take(len(chunk))
        count += len(chunk)
        rest = memoryview(chunk)
        while rest:
            rest = rest[file.write(rest) :]
    return count
