"""Claims: a work directory, and one of fetched files, is one agent's at a time."""

# Who calls: nodes.py; agents of one program (cluster.py) have directories below its own.
# A lock on a file, not a file: the system takes it back when the program ends, in whichever way. Tasks that outlive
#   their agent do not have it.
# Source: Mesos has no such lock; two of its agents at one directory recover each other's tasks.

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK_NAME = ".agent-lock"
_CACHE_LOCK_NAME = ".fetcher-lock"
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


@contextmanager
def claimed(work_dir: Path) -> Iterator[None]:
    """Have ``work_dir``, which is there, to oneself meanwhile.

    Raises: OSError, BlockingIOError if another agent has it.
    """
    with _locked(work_dir, LOCK_NAME, "work directory"):
        yield


@contextmanager
def claimed_cache(directory: Path) -> Iterator[None]:
    """Have the directory of fetched files, which is made unless it is there, to oneself meanwhile.

    Raises: OSError, BlockingIOError if another agent has it, PermissionError if others may write to it.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.stat()
    if found.st_uid != os.geteuid() or found.st_mode & _OTHERS_WRITE:
        problem = "others may write to this directory of fetched files; give one that is the agent's alone"
        raise PermissionError(errno.EPERM, problem, str(directory))
    with _locked(directory, _CACHE_LOCK_NAME, "directory of fetched files"):
        yield


@contextmanager
def _locked(directory: Path, name: str, kind: str) -> Iterator[None]:
    with (directory / name).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            problem = f"another agent has this {kind}; give each one of its own"
            raise BlockingIOError(errno.EAGAIN, problem, str(directory)) from None
        yield
