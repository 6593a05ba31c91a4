"""FilePart: an open file, or a part of one, as the body of a response."""

# Who calls: files.py opens what it hands out; sending.py reads it, piece by piece, and closes it.
# Invariants: 1. the file is closed by close(), or when nobody has the part any more: a response that is dropped on its
#   way leaves no descriptor.    2. it is read by place, so that nothing but the descriptor is shared.
# Not a file object: one that is forgotten warns of itself, and here being forgotten is one of the ways to end.

from __future__ import annotations

import errno
import os
import stat
from typing import final

from libactor._core.values import register_immutable

PIECE_BYTES = 256 * 1024  # read and sent at a time

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY  # what is no regular file holds nobody up
_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO, errno.ENODEV)


@final
class FilePart:
    """``length`` bytes from ``start`` on of the file that is open as ``descriptor``, which it takes over."""

    __slots__ = ("_descriptor", "length", "start")

    def __init__(self, descriptor: int, start: int, length: int) -> None:
        self._descriptor = descriptor
        self.start = start
        self.length = length

    def read(self, done: int) -> bytes:
        """The next piece after ``done`` bytes of it; empty at its end, and if the file has become shorter.

        Raises: OSError for what cannot be read.
        """
        return os.pread(self._descriptor, min(PIECE_BYTES, self.length - done), self.start + done)

    def narrow(self, start: int, length: int) -> None:
        """Be that part of the file only."""
        self.start, self.length = start, length

    def status(self) -> os.stat_result:
        """What the system knows of the file."""
        return os.fstat(self._descriptor)

    def path(self) -> str:
        """Where the system knows the file to be."""
        return os.readlink(f"/proc/self/fd/{self._descriptor}")

    def close(self) -> None:
        """Let go of the file; a second time, nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __del__(self) -> None:
        self.close()


register_immutable(FilePart)


def open_part(path: str | os.PathLike[str]) -> FilePart | None:
    """The whole of the regular file at ``path``; None if there is none.

    Raises: OSError for one that is there and cannot be opened.
    """
    try:
        part = FilePart(os.open(path, _FLAGS), 0, 0)
    except ValueError:  # a zero byte or a lone surrogate in the path
        return None
    except OSError as error:
        if error.errno in _NOTHING:
            return None
        raise
    status = part.status()
    if not stat.S_ISREG(status.st_mode):
        part.close()
        return None
    part.narrow(0, status.st_size)
    return part
