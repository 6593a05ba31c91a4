"""How many bytes a directory takes, counted a little at a time, however many files there are and however deep."""

# Who calls: disk.py, for directories that somebody writes to meanwhile who would rather not be counted.
# Invariants: 1. nothing is done by a path below the directory, so neither its length nor a link in the way matters.
#   2. of each look few descriptors are open: the first OPEN_MAX directories on the way down, and the last one; those in
#      between are entered again from below, if they are still there.    3. what goes meanwhile is passed over.
# Directories that are moved while they are counted may be counted twice, or, far down, not at all.
# Source: du(1).

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

PACE = 100
OPEN_MAX = 16
_BLOCK = 512  # what st_blocks counts in
_OPENED = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CLOSED = -1


def directory_bytes(directory: str, pace: int = PACE) -> Iterator[int]:
    """The bytes that ``directory`` takes, as du(1) counts: of a file with several names once, and no other file system.

    Yields those that are counted so far after every ``pace`` files and directories, and all of them at last.
    Cost: some two system calls for each entry, and memory for each file that has several names.
    """
    walk = _Walk(pace)
    try:
        yield from walk.count(directory)
        yield walk.blocks * _BLOCK
    finally:
        walk.close()


@dataclass(slots=True)
class _Level:
    """A directory on the way down."""

    descriptor: int
    identity: tuple[int, int]
    names: list[str]  # of the directories in it that are still to be counted


class _Walk:
    def __init__(self, pace: int) -> None:
        self.blocks = 0
        self._pace = pace
        self._entries = 0
        self._device = 0
        self._linked: set[int] = set()
        self._levels: list[_Level] = []

    def count(self, directory: str) -> Iterator[int]:
        try:
            top = os.open(directory, _OPENED)
        except OSError:
            return
        self._device = os.fstat(top).st_dev
        yield from self._enter(top)
        while self._levels:
            level = self._levels[-1]
            if not level.names:
                self._leave()
                continue
            try:
                below = os.open(level.names.pop(), _OPENED, dir_fd=level.descriptor)
            except OSError:
                continue
            yield from self._enter(below)

    def close(self) -> None:
        while self._levels:
            _close(self._levels.pop())

    def _enter(self, descriptor: int) -> Iterator[int]:
        """Count a directory and what is in it, and go on with those that are in it."""
        status = os.fstat(descriptor)
        if status.st_dev != self._device:
            os.close(descriptor)
            return
        self.blocks += status.st_blocks
        if len(self._levels) > OPEN_MAX:
            _close(self._levels[-1])
        level = _Level(descriptor, (status.st_dev, status.st_ino), [])
        self._levels.append(level)
        yield from self._tick()
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    self._add(entry, level)
                    yield from self._tick()
        except OSError:
            return

    def _tick(self) -> Iterator[int]:
        self._entries += 1
        if self._entries % self._pace == 0:
            yield self.blocks * _BLOCK

    def _add(self, entry: os.DirEntry[str], level: _Level) -> None:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError:
            return
        if stat.S_ISDIR(status.st_mode):
            level.names.append(entry.name)
        elif status.st_blocks and status.st_dev == self._device:
            if status.st_nlink > 1:
                if status.st_ino in self._linked:
                    return
                self._linked.add(status.st_ino)
            self.blocks += status.st_blocks

    def _leave(self) -> None:
        """Go up again; where what was above has been moved, to the next that is open."""
        left = self._levels.pop()
        if self._levels and self._levels[-1].descriptor == _CLOSED:
            self._reopen(self._levels[-1], left.descriptor)
        _close(left)
        while self._levels and self._levels[-1].descriptor == _CLOSED:
            self._levels.pop()

    def _reopen(self, level: _Level, below: int) -> None:
        try:
            descriptor = os.open("..", _OPENED, dir_fd=below)
        except OSError:
            return
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) == level.identity:
            level.descriptor = descriptor
        else:
            os.close(descriptor)


def _close(level: _Level) -> None:
    if level.descriptor != _CLOSED:
        os.close(level.descriptor)
        level.descriptor = _CLOSED
