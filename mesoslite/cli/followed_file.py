"""FollowedFile: one file of a sandbox, read on and on, also when it is put aside for a new one."""

# Who calls: sandbox_output.py, for stdout and stderr, once in each look.
# `--container-logger=logrotate` makes `stdout` to `stdout.1`, that to `stdout.2` and so on. A name does not tell which
#   file it is, so each of those put aside is known by when it was last written, which does not change any more.
# What was read counts only if nothing was put aside meanwhile: else it may be of another file, and is read again.
# A sandbox is listed only once there is a `stdout.1`: it may hold many files.

from __future__ import annotations

from typing import Protocol

from .failure import warn

PAGES_MAX = 16  # read in one look, so that a busy task does not keep us from anything else
REMEMBERED_BYTES = 256


class Sandbox(Protocol):
    """What is asked of a sandbox."""

    def read(self, name: str, offset: int) -> tuple[bytes, int]:
        """The bytes of a file from ``offset`` on, and its size; nothing and -1 while it is not there."""

    def written(self, name: str) -> tuple[int, ...]:
        """When ``name.1``, ``name.2`` and so on were last written, in nanoseconds."""


class FollowedFile:
    """Where we are in a file: at an offset in the one that is written, or in one of those put aside."""

    def __init__(self, sandbox: Sandbox, name: str) -> None:
        self._sandbox = sandbox
        self._name = name
        self._age = 0  # how many files are newer than ours
        self._offset = 0
        self._aside: tuple[int, ...] = ()  # when those put aside were written, the newest first
        self._last = b""  # the end of what we have read of ours
        self._begun = False
        self._told_loss = False

    def look(self) -> tuple[bytes, bool]:
        """What is new, and whether there is more."""
        data, ended = self._pages()
        aside = self._sandbox.written(self._name)
        if aside != self._aside:
            self._find_ours(aside)
            return b"", True
        self._begun = self._begun or bool(data)
        self._offset += len(data)
        self._last = (self._last + data)[-REMEMBERED_BYTES:]
        if not ended or self._age == 0:
            return data, not ended
        self._age, self._offset, self._last = self._age - 1, 0, b""
        return data, True

    def _path(self) -> str:
        return f"{self._name}.{self._age}" if self._age else self._name

    def _pages(self) -> tuple[bytes, bool]:
        """What our file has from our offset on, and whether that is all."""
        name = self._path()
        pages = []
        offset = self._offset
        for _ in range(PAGES_MAX):
            page, size = self._sandbox.read(name, offset)
            pages.append(page)
            offset += len(page)
            if not page or offset >= size:
                return b"".join(pages), True
        return b"".join(pages), False

    def _find_ours(self, aside: tuple[int, ...]) -> None:
        """Which of the files is ours, now that others are put aside: the oldest, if we have not begun."""
        newer = range(1, len(aside) + 1)
        if self._begun and self._aside:
            self._age += next((each for each in newer if _overlap(self._aside, aside[each:])), len(aside))
        else:
            self._age = len(aside)
        self._aside = aside
        if self._age < len(aside) or (self._age == len(aside) and self._is_ours()):
            return
        self._age, self._offset, self._last = len(aside), 0, b""
        if not self._told_loss:
            self._told_loss = True
            warn(f"{self._name} of the task is written faster than it can be read: some of it is not shown")

    def _is_ours(self) -> bool:
        """Whether the file of our age has what we have read last where we have read it; else it is a later one."""
        start = self._offset - len(self._last)
        return not self._last or self._sandbox.read(self._path(), start)[0].startswith(self._last)


def _overlap(before: tuple[int, ...], after: tuple[int, ...]) -> bool:
    """Whether ``after`` begins as ``before`` does, as far as there is any of it."""
    return bool(after) and after == before[: len(after)]
