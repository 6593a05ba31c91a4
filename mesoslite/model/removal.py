"""Removal of a directory with all that is in it, however deep somebody has made it."""

# Who calls: agents, for sandboxes and volumes, and isolators, for what containers have changed of their roots.
# Rejected: shutil.rmtree, which calls itself, and so fails from about a thousand levels on.
# Invariants: 1. nothing is done by a path below the directory, and no link is followed.    2. two directories are open
#   at a time: what is further down is moved up to the top, and removed from there.

import errno
import itertools
import os
from collections.abc import Iterator

_OPENED = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)


def remove_tree(path: str) -> None:
    """Remove the directory ``path``. Raises: OSError, as FileNotFoundError if there is none; some of it may be gone."""
    clear_directory(path)
    os.rmdir(path)


def clear_directory(path: str) -> None:
    """Remove all that is in the directory ``path``. Raises: as ``remove_tree``."""
    top = os.open(path, _OPENED)
    try:
        numbers = itertools.count()
        while _remove_level(top, numbers):
            pass
    finally:
        os.close(top)


def _remove_level(top: int, numbers: Iterator[int]) -> bool:
    """Remove what is in ``top``; whether directories from further down have come there meanwhile."""
    has_moved = False
    for name in _clear(top):
        below = os.open(name, _OPENED, dir_fd=top)
        try:
            for inner in _clear(below):
                try:
                    os.rmdir(inner, dir_fd=below)
                except OSError as error:
                    if error.errno not in _TAKEN:
                        raise
                    _move(inner, below, top, numbers)
                    has_moved = True
        finally:
            os.close(below)
        os.rmdir(name, dir_fd=top)
    return has_moved


def _clear(directory: int) -> list[str]:
    """Remove what is no directory; the names of those that are."""
    names = []
    with os.scandir(directory) as entries:
        found = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
    for name, is_directory in found:
        if is_directory:
            names.append(name)
        else:
            os.unlink(name, dir_fd=directory)
    return names


def _move(name: str, source: int, target: int, numbers: Iterator[int]) -> None:
    """Move a directory, under a number that is not taken."""
    for number in numbers:
        try:
            os.rename(name, f"{number}", src_dir_fd=source, dst_dir_fd=target)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
        else:
            return
