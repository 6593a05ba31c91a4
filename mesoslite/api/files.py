"""Files: what people and commands may read of a master's or an agent's disk: logs and sandboxes, and nothing else."""

# Who calls: file_pages.py for /files/*, LIST_FILES and READ_FILE; always in a thread, for a disk can be slow.
# Paths are virtual ones that a file of ours is attached to, such as /master/log, and those of sandboxes.
# Source: Mesos src/files/files.cpp.

from __future__ import annotations

import codecs
import errno
import grp
import os
import pwd
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from .exchange import Refusal
from .file_judges import Judge, allow
from .sandboxes import OPEN_FLAGS, Sandboxes

PAGE_BYTES_MAX = 16 * 4096  # of one read, however much is asked for


@dataclass(frozen=True)
class Page:
    """A part of a file, and the size of the whole when it was read."""

    size: int
    data: bytes


class Files:
    """Files that are ``attached`` to a path, and what is in ``sandboxes``, if there are any.

    Every method raises Refusal for what cannot be read, and what ``judge`` raises of a sandbox.
    """

    def __init__(self, attached: Mapping[str, str], sandboxes: Sandboxes | None = None) -> None:
        self.attached = attached
        self._sandboxes = sandboxes

    def open(self, path: str, judge: Judge = allow) -> BinaryIO:
        """Open a regular file."""
        file = self._open(path, judge)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise Refusal(400, f"{path[:200]}: is not a regular file")
        return os.fdopen(file, "rb", buffering=0)

    def size(self, file: BinaryIO, path: str) -> int:
        """The present size in bytes of an open file."""
        return os.fstat(file.fileno()).st_size

    def read(self, path: str, offset: int, length: int, judge: Judge = allow) -> Page:
        """Read at most ``length`` bytes, -1 for as many as a page holds; nothing at an offset of -1."""
        with self.open(path, judge) as file:
            size = self.size(file, path)
            if offset == -1 or offset >= size:
                return Page(size, b"")
            wanted = PAGE_BYTES_MAX if length == -1 else min(length, PAGE_BYTES_MAX)
            return Page(size, os.pread(file.fileno(), wanted, offset))

    def browse(self, path: str, judge: Judge = allow) -> list[dict[str, Any]]:
        """Describe the entries of a directory, sorted by path; of a file there are none."""
        return [_entry_document(name, status) for name, status in self._entries(path, judge)]

    def file_infos(self, path: str, judge: Judge = allow) -> list[dict[str, Any]]:
        """As ``browse``, in the form of the v1 API."""
        return [_file_info(name, status) for name, status in self._entries(path, judge)]

    def _entries(self, path: str, judge: Judge) -> list[tuple[str, os.stat_result]]:
        directory = self._open(path, judge)
        try:
            if not stat.S_ISDIR(os.fstat(directory).st_mode):
                return []
            base = path.rstrip("/")
            entries = [(name, _status(name, directory)) for name in sorted(os.listdir(directory))]
            return [
                (f"{base}/{readable_text(os.fsencode(name))}", status) for name, status in entries if status is not None
            ]
        except OSError as error:
            raise _refusal(path, error) from error
        finally:
            os.close(directory)

    def _open(self, path: str, judge: Judge) -> int:
        try:
            if path in self.attached:
                return os.open(self.attached[path], OPEN_FLAGS)
            if self._sandboxes is not None:
                return self._sandboxes.open(path, judge)
        except (OSError, ValueError) as error:  # ValueError: a zero byte or a lone surrogate in the path
            raise _refusal(path, error) from error
        raise Refusal(404, f"{path[:200]}: no such file or directory")


def readable_text(data: bytes) -> str:
    """Return bytes as text for JSON; each byte that is no UTF-8 becomes the character of that number."""
    return data.decode("utf-8", "mesoslite.bytewise")


def _bytewise(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("mesoslite.bytewise", _bytewise)


def _status(name: str, directory: int) -> os.stat_result | None:
    """What there is under a name in an open directory; None if it has just been removed."""
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _entry_document(path: str, status: os.stat_result) -> dict[str, Any]:
    return {
        "path": path,
        "nlink": status.st_nlink,
        "size": status.st_size,
        "mtime": int(status.st_mtime),
        "mode": stat.filemode(status.st_mode),
        "uid": _name(pwd.getpwuid, status.st_uid),
        "gid": _name(grp.getgrgid, status.st_gid),
    }


def _file_info(path: str, status: os.stat_result) -> dict[str, Any]:
    return {
        **_entry_document(path, status),
        "mtime": {"nanoseconds": status.st_mtime_ns},
        "mode": status.st_mode,
    }


def _name(find: Any, number: int) -> str:
    try:
        return str(find(number)[0])
    except KeyError:
        return str(number)


def _refusal(path: str, error: OSError | ValueError) -> Refusal:
    if isinstance(error, PermissionError):
        return Refusal(403, f"{path[:200]}: permission denied")
    if isinstance(error, FileNotFoundError | NotADirectoryError | ValueError):
        return Refusal(404, f"{path[:200]}: no such file or directory")
    if error.errno == errno.ENXIO:  # a socket, or a device that is not there
        return Refusal(400, f"{path[:200]}: is not a regular file")
    if error.errno in (errno.ELOOP, errno.ENAMETOOLONG):
        return Refusal(404, f"{path[:200]}: leads nowhere ({error.strerror})")
    return Refusal(500, f"{path[:200]}: cannot be read ({error.strerror})")
