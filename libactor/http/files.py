"""Files: a directory, or one file, whose content is handed out as it lies on disk."""

# Who calls: provide (provided.py) makes one for each path; the application sends what `open` returns, piece by piece.
# Invariants: 1. what is read lies inside the directory at the moment it is open: links that lead out of it are refused,
#   also where somebody changes them while we look, because the check is made on the open file, by the path the kernel
#   knows it by.    2. no file is in memory as a whole.    3. only regular files are opened for good: a named pipe or a
#   device holds nobody up.
# Rejected: checking the path before opening it (it may change in between); listing directories (nobody asked for it).
# Everything here blocks, and runs in a thread, never on the event loop.
# Source: libprocess process.hpp (provide), http.cpp (PATH responses); RFC 9110, 14 for ranges.

from __future__ import annotations

import errno
import mimetypes
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import BinaryIO

PIECE_BYTES = 256 * 1024  # of a file, read and sent at a time

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.ASCII)
_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO, errno.ENODEV)
_MEDIA = mimetypes.MimeTypes().types_map[True] | {  # not the machine's table: the same everywhere
    ".js": "text/javascript",  # what older versions of Python have otherwise or not at all
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
_PACKED = {".gz": "application/gzip", ".bz2": "application/x-bzip2", ".xz": "application/x-xz"}


class Unsatisfiable(Exception):
    """The range that was asked for lies behind the end of a file of ``size`` bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A regular file that is open: its size, and what the headers of an answer say of it."""

    file: BinaryIO
    size: int
    tag: str  # changes with the content
    modified: str
    media: str

    def read(self, offset: int, most: int) -> bytes:
        """At most ``most`` bytes from ``offset`` on, a piece of them; empty behind the end."""
        return os.pread(self.file.fileno(), min(PIECE_BYTES, most), offset)

    def close(self) -> None:
        self.file.close()


class Files:
    """What lies at ``path``: a file, or a directory with all below it.

    ``types`` maps suffixes such as ``.js`` to media types, ahead of the usual ones.
    Raises: ValueError if there is nothing at ``path``.
    """

    def __init__(self, path: str | Path, types: Mapping[str, str] | None = None) -> None:
        self._root = os.path.realpath(path)
        self._types = dict(types or {})
        if not os.path.exists(self._root):
            raise ValueError(f"provide: there is nothing at {os.fspath(path)!r}, expected a file or a directory")

    def open(self, rest: str) -> OpenFile | None:
        """The file at ``rest``, which is a path below the directory with slashes, or empty; None if there is none.

        Raises: OSError for one that is there and cannot be read.
        """
        parts = [part for part in rest.split("/") if part]
        if ".." in parts:
            return None
        path = os.path.join(self._root, *parts)
        try:
            if not self._is_inside(os.path.realpath(path)):  # a first look, so as not to open what lies elsewhere
                return None
            number = os.open(path, _FLAGS)
        except ValueError:  # a zero byte or a lone surrogate in the path
            return None
        except OSError as error:
            if error.errno in _NOTHING:
                return None
            raise
        status = os.fstat(number)
        real = os.readlink(f"/proc/self/fd/{number}")
        if not stat.S_ISREG(status.st_mode) or not self._is_inside(real):
            os.close(number)
            return None
        tag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
        modified = formatdate(status.st_mtime, usegmt=True)
        return OpenFile(os.fdopen(number, "rb", buffering=0), status.st_size, tag, modified, self._media(real))

    def _is_inside(self, real: str) -> bool:
        return real == self._root or real.startswith(self._root.rstrip("/") + "/")

    def _media(self, path: str) -> str:
        suffix = os.path.splitext(path)[1]
        if suffix in self._types:
            return self._types[suffix]
        media = _PACKED.get(suffix.lower()) or _MEDIA.get(suffix.lower(), "application/octet-stream")
        return f"{media}; charset=utf-8" if media.startswith("text/") else media


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and number of bytes that a Range of ``header`` asks for, of a file of ``size``; None for all of it:
    without the header, with one that is malformed, and with several ranges at once.

    Raises: Unsatisfiable for one that lies behind the end.
    """
    found = _RANGE.fullmatch(header) if header is not None else None
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:  # the last bytes
        start, end = max(size - int(found[2]), 0), size
    else:
        start, end = int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
        if found[2] and int(found[2]) < start:
            return None
    if start >= end:
        raise Unsatisfiable(size)
    return start, end - start
