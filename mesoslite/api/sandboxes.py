"""Sandboxes: what of an agent's disk people and commands may open: what lies in a sandbox, and nothing else."""

# Who calls: files.py, always in a thread, for a disk can be slow.
# Paths: absolute ones of sandboxes, as /state shows them, and Mesos's virtual ones,
#   /frameworks/<framework>/executors/<executor>/runs/<container or latest>/...
# Invariant: what is read lies inside a sandbox at the moment it is open. A task may put any symbolic link in its
#   sandbox and may change it while we look; so the check is made on the open file, by the path the kernel knows it by.
# Rejected: checking the path before opening it (the task changes the link in between).
# Source: Mesos src/files/files.cpp; the layout is that of the agent's sandboxes, src/slave/paths.cpp.

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from .exchange import Refusal

if TYPE_CHECKING:
    from .file_judges import Judge

_SANDBOXES = (("slaves", None, "frameworks", None, "executors", None, "runs", None), ("containers", None))
"""None is any name; the second is that of standalone containers."""
OPEN_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK  # a named pipe must not hold us up


class Sandboxes:
    """The sandboxes below an agent's work directory."""

    def __init__(self, work_dir: Path) -> None:
        self._root = os.path.realpath(work_dir)

    def open(self, path: str, judge: Judge) -> int:
        """Open what is in a sandbox that ``judge`` lets pass; the descriptor.

        Raises: Refusal for what is not, OSError, ValueError.
        """
        file = os.open(self._real(path, judge), OPEN_FLAGS)
        try:
            self._check(path, os.readlink(f"/proc/self/fd/{file}"), judge)
        except Refusal:
            os.close(file)
            raise
        return file

    def _real(self, path: str, judge: Judge) -> str:
        """Where a path leads. Only a first look, so as not to open devices and the like outside of sandboxes.

        Who may not read what is there does not hear whether it is.
        """
        real = os.path.realpath(path if not path.startswith("/frameworks/") else self._virtual(path, judge))
        self._check(path, real if path.startswith("/") else "/", judge)
        return real

    def _check(self, path: str, real: str, judge: Judge) -> None:
        """Go on if what lies there is in a sandbox, and may be read."""
        parts = self._parts(real)
        if not _is_inside(parts):
            raise Refusal(404, f"{path[:200]}: is not in a sandbox of this agent")
        judge(*((parts[3], parts[5]) if parts[0] == "slaves" else (None, None)))

    def _virtual(self, path: str, judge: Judge) -> str:
        """The first place in a sandbox that a virtual path can mean; whether there is one elsewhere, nobody hears."""
        names = dict(enumerate(path.split("/")))  # "", frameworks, its id, executors, its id, ...
        judge(names.get(2), names.get(4))
        slaves = os.path.join(self._root, "slaves")
        for agent in sorted(os.listdir(slaves), reverse=True):
            candidate = os.path.join(slaves, agent, path[1:])
            if os.path.exists(candidate) and _is_inside(self._parts(os.path.realpath(candidate))):
                return candidate
        raise FileNotFoundError(path)

    def _parts(self, real: str) -> list[str]:
        """The names on the way to a path from the work directory."""
        return os.path.relpath(real, self._root).split(os.sep)


def _is_inside(parts: list[str]) -> bool:
    """Whether a path below the work directory is in a sandbox."""
    return any(
        len(parts) >= len(sandbox) and all(wanted in (None, part) for wanted, part in zip(sandbox, parts, strict=False))
        for sandbox in _SANDBOXES
    )
