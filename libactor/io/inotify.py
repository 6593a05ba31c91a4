"""Inotify: the kernel's news of changed files. The one door to three calls that Python has no names for."""

# Who calls: libactor/io/watcher.py.
# By ctypes, which is part of Python: a call is made once for each file that is watched, so its cost does not matter,
#   and nothing has to be compiled. Source: inotify(7).

from __future__ import annotations

import ctypes
import errno
import os
import struct
from collections.abc import Iterator

MODIFY, ATTRIB, DELETE_SELF, MOVE_SELF = 0x2, 0x4, 0x400, 0x800
OVERFLOW, IGNORED = 0x4000, 0x8000
BUFFER_BYTES = 65_536  # room for more events than can wait for one look

_ADVICE = {
    errno.EMFILE: "; close watchers or descriptors, or allow more (sysctl fs.inotify.max_user_instances)",
    errno.ENOSPC: "; watch fewer files, or allow more (sysctl fs.inotify.max_user_watches)",
}
_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC
_HEAD = struct.Struct("iIII")  # watch, mask, cookie, bytes of the name that follows
_system = ctypes.CDLL(None, use_errno=True)


def open_inotify() -> int:
    """A new descriptor, which does not block. Raises: OSError if the user has too many."""
    return _checked(_system.inotify_init1(_NONBLOCK_CLOEXEC), "inotify")


def add_watch(descriptor: int, path: str, mask: int) -> int:
    """The number of the watch on what ``path`` leads to now; the same one for the same file. Raises: OSError."""
    return _checked(_system.inotify_add_watch(descriptor, os.fsencode(path), mask), path)


def remove_watch(descriptor: int, watch: int) -> None:
    """End a watch, if it is there."""
    _system.inotify_rm_watch(descriptor, watch)


def parse(data: bytes) -> Iterator[tuple[int, int]]:
    """Watch and mask of each event in what was read."""
    at = 0
    while at < len(data):
        watch, mask, _, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size + length
        yield watch, mask


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Watcher: {os.strerror(number)}{_ADVICE.get(number, '')}", what)
    return result
