"""FakeDisk: a disk in memory that loses, tears and refuses what a machine may lose, tear and refuse."""

# Who calls: tests, in the place of a LocalDisk; a deterministic runtime, which gives each host one.
# What is durable: of a file what it held at its last sync; of a folder the names it had at its last sync. All later
#   operations are kept in order, and a crash takes the last ones away, as many as are drawn. Of what stays of a file
#   since its sync a crash may cut off an end and make zeros of any block. What is durable is never touched.
# Invariant: every decision is drawn from `choices`, 0 being the tame one: nothing lost, nothing torn, no error. So a
#   run without draws is that of a good disk, and a tape that is made smaller leads to the fewest losses.
# Rejected: names that come back in another order than they were made in: a journal keeps it, and recovery that does
#   not rely on it cannot be told from one that does by any file system in use.

from __future__ import annotations

import errno
from typing import Protocol, TypeAlias

from libactor.disk import check_data, check_rename, split_file, split_path

BLOCK = 512  # what a disk writes whole or not at all, in bytes


class Choices(Protocol):
    """Where the decisions are drawn: a stream of a deterministic runtime."""

    def choose(self, count: int, /) -> int:
        """A number from 0, the tame one, to less than ``count``."""

    def chance(self, probability: float, /) -> bool:
        """True with this probability."""


class _File:
    """What a file holds, what of it is durable, and what was done in between."""

    __slots__ = ("data", "durable", "steps")

    # steps: each puts its bytes at an offset, where the file ends then.

    def __init__(self) -> None:
        self.data = bytearray()
        self.durable = b""
        self.steps: list[tuple[int, bytes]] = []

    def put(self, offset: int, data: bytes) -> None:
        self.steps.append((offset, data))
        self.data[offset:] = data

    def after(self, count: int) -> bytearray:
        """What it held after the first ``count`` steps."""
        data = bytearray(self.durable)
        for offset, added in self.steps[:count]:
            data[offset:] = added
        return data

    def settle(self, data: bytearray) -> None:
        self.data = data
        self.durable = bytes(data)
        self.steps.clear()


class _Folder:
    """The names in a folder, those that are durable, and what was done in between."""

    __slots__ = ("durable", "names", "steps")

    # steps: each of one name or two, with what stands there from then on; None: nothing.

    def __init__(self) -> None:
        self.names: dict[str, _Entry] = {}
        self.durable: dict[str, _Entry] = {}
        self.steps: list[dict[str, _Entry | None]] = []

    def put(self, step: dict[str, _Entry | None]) -> None:
        self.steps.append(step)
        _apply(self.names, step)

    def after(self, count: int) -> dict[str, _Entry]:
        """The names after the first ``count`` steps."""
        names = dict(self.durable)
        for step in self.steps[:count]:
            _apply(names, step)
        return names

    def settle(self, names: dict[str, _Entry]) -> None:
        self.names = names
        self.durable = dict(names)
        self.steps.clear()


def _apply(names: dict[str, _Entry], step: dict[str, _Entry | None]) -> None:
    for name, entry in step.items():
        if entry is None:
            del names[name]
        else:
            names[name] = entry


_Entry: TypeAlias = "_File | _Folder"


class FakeDisk:
    """A Disk in memory whose faults are drawn from ``choices``. Each is a probability, and can be changed at any time:

    ``lose_syncs``: that a sync returns and makes nothing durable.    ``full``: that a write or append fails with
    ENOSPC, having written some of it.    ``fail_reads``: that a read fails with EIO.    ``tear``: that a crash makes
    zeros of a block that was not synced, where it tears a file at all.
    """

    def __init__(
        self,
        choices: Choices,
        *,
        lose_syncs: float = 0.0,
        full: float = 0.0,
        fail_reads: float = 0.0,
        tear: float = 0.5,
    ) -> None:
        for name, chance in (("lose_syncs", lose_syncs), ("full", full), ("fail_reads", fail_reads), ("tear", tear)):
            if not 0.0 <= chance <= 1.0:
                raise ValueError(f"FakeDisk: got {name}={chance!r}, expected a probability, 0 to 1")
        self._choices = choices
        self.lose_syncs = lose_syncs
        self.full = full
        self.fail_reads = fail_reads
        self.tear = tear
        self._root = _Folder()
        self.crashes = 0
        self.down = False  # every operation fails with EIO

    def read(self, path: str, /) -> bytes:
        """What the file holds. Raises: OSError with EIO, if one is drawn."""
        data = bytes(self._file(path).data)
        if self._choices.chance(self.fail_reads):
            raise OSError(errno.EIO, "the disk cannot read", path)
        return data

    def write(self, path: str, data: bytes, /) -> None:
        """See Disk.write. Raises: OSError with ENOSPC, if one is drawn."""
        self._put(path, check_data(data), False)

    def append(self, path: str, data: bytes, /) -> None:
        """See Disk.append. Raises: OSError with ENOSPC, if one is drawn."""
        self._put(path, check_data(data), True)

    def sync(self, path: str, /) -> None:
        """Make durable what the file holds, or which names the folder has, unless a lie is drawn."""
        entry = self._find(split_path(path))
        if self._choices.chance(self.lose_syncs):
            return
        if isinstance(entry, _File):
            entry.settle(entry.data)
        else:
            entry.settle(entry.names)

    def rename(self, old: str, new: str, /) -> None:
        """See Disk.rename."""
        names, before, after = check_rename(old, new)
        folder = self._folder(names)
        for name in (before, after):
            if isinstance(folder.names.get(name), _Folder):
                raise IsADirectoryError(errno.EISDIR, "it is a folder, expected a file", "/".join((*names, name)))
        if before not in folder.names:
            raise FileNotFoundError(errno.ENOENT, "there is no such file", old)
        if before != after:
            folder.put({after: folder.names[before], before: None})

    def remove(self, path: str, /) -> None:
        """See Disk.remove."""
        self._file(path)
        names, name = split_file(path)
        self._folder(names).put({name: None})

    def make_folder(self, path: str, /) -> None:
        """See Disk.make_folder."""
        names = split_path(path)
        folder = self._folder(names[:-1])
        if not names or names[-1] in folder.names:
            raise FileExistsError(errno.EEXIST, "it is there already", path)
        folder.put({names[-1]: _Folder()})

    def list(self, path: str = ".", /) -> tuple[str, ...]:
        """See Disk.list."""
        return tuple(sorted(self._folder(split_path(path)).names))

    def exists(self, path: str, /) -> bool:
        """See Disk.exists."""
        try:
            self._find(split_path(path))
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def crash(self) -> None:
        """The machine goes down and comes up again: what was not synced is lost, torn or there."""
        self.crashes += 1
        self._crash_folder(self._root)

    def __repr__(self) -> str:
        return f"<FakeDisk of {len(self._root.names)} entries, {self.crashes} crashes>"

    def _crash_folder(self, folder: _Folder) -> None:
        names = folder.after(len(folder.steps) - self._choices.choose(len(folder.steps) + 1))
        folder.settle(names)
        for name in sorted(names):  # in an order that does not depend on how they came here
            entry = names[name]
            if isinstance(entry, _File):
                self._crash_file(entry)
            else:
                self._crash_folder(entry)

    def _crash_file(self, file: _File) -> None:
        kept = len(file.steps) - self._choices.choose(len(file.steps) + 1)
        data = file.after(kept)
        first = min([offset for offset, _ in file.steps[:kept]], default=len(data))  # what is before it is durable
        del data[len(data) - self._choices.choose(len(data) - first + 1) :]
        if first < len(data) and self._choices.chance(self.tear):
            self._tear(data, first)
        file.settle(data)

    def _tear(self, data: bytearray, first: int) -> None:
        """Make zeros of some of the blocks of ``data`` from the byte ``first`` on."""
        for block in range(first // BLOCK, (len(data) - 1) // BLOCK + 1):
            begin, end = max(first, block * BLOCK), min(len(data), (block + 1) * BLOCK)
            if self._choices.chance(self.tear):
                data[begin:end] = bytes(end - begin)

    def _put(self, path: str, data: bytes, appends: bool) -> None:
        names, name = split_file(path)
        folder = self._folder(names)
        file = folder.names.get(name)
        if isinstance(file, _Folder):
            raise IsADirectoryError(errno.EISDIR, "it is a folder, expected a file", path)
        if file is None:
            file = _File()
            folder.put({name: file})
        full = self._choices.chance(self.full)
        if full:
            data = data[: self._choices.choose(len(data) + 1)]
        file.put(len(file.data) if appends else 0, data)
        if full:
            raise OSError(errno.ENOSPC, "the disk is full", path)

    def _find(self, names: tuple[str, ...]) -> _Entry:
        if self.down:
            raise OSError(errno.EIO, "the machine is down", "/".join(names))
        entry: _Entry = self._root
        for number, name in enumerate(names):
            if isinstance(entry, _File):
                raise NotADirectoryError(errno.ENOTDIR, "it is a file, expected a folder", "/".join(names[:number]))
            found = entry.names.get(name)
            if found is None:
                raise FileNotFoundError(errno.ENOENT, "there is no such file or folder", "/".join(names))
            entry = found
        return entry

    def _folder(self, names: tuple[str, ...]) -> _Folder:
        entry = self._find(names)
        if isinstance(entry, _File):
            raise NotADirectoryError(errno.ENOTDIR, "it is a file, expected a folder", "/".join(names))
        return entry

    def _file(self, path: str) -> _File:
        entry = self._find(split_path(path))
        if isinstance(entry, _Folder):
            raise IsADirectoryError(errno.EISDIR, "it is a folder, expected a file", path)
        return entry
