"""Files: what people and commands may read of an agent's disk: its sandboxes, and nothing else."""

# Who calls: agent.py for /files/*, agent_operator.py for LIST_FILES and READ_FILE; always in a thread, for a disk can
#   be slow.
# Paths: absolute ones of sandboxes, as /state shows them, and Mesos's virtual ones,
#   /frameworks/<framework>/executors/<executor>/runs/<container or latest>/...
# Invariant: what is read lies inside a sandbox at the moment it is open. A task may put any symbolic link in its
#   sandbox and may change it while we look; so the check is made on the open file, by the path the kernel knows it by.
# Rejected: checking the path before opening it (the task changes the link in between).
# Source: Mesos src/files/files.cpp; the layout is that of the agent's sandboxes, src/slave/paths.cpp.

from __future__ import annotations

import codecs
import errno
import grp
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from .exchange import Refusal

PAGE_BYTES_MAX = 16 * 4096  # of one read, however much is asked for
_SANDBOX = ("slaves", None, "frameworks", None, "executors", None, "runs", None)  # None: any name
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK  # a named pipe must not hold us up


@dataclass(frozen=True)
class Page:
    """A part of a file, and the size of the whole when it was read."""

    size: int
    data: bytes


class Sandboxes:
    """The sandboxes below an agent's work directory. Every method raises Refusal for what cannot be read."""

    def __init__(self, work_dir: Path) -> None:
        self._root = os.path.realpath(work_dir)

    def open(self, path: str) -> BinaryIO:
        """Open a regular file."""
        file = self._open(path)
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise Refusal(400, f"{path[:200]}: is not a regular file")
        return os.fdopen(file, "rb", buffering=0)

    def size(self, file: BinaryIO, path: str) -> int:
        """The present size in bytes of an open file."""
        return os.fstat(file.fileno()).st_size

    def read(self, path: str, offset: int, length: int) -> Page:
        """Read at most ``length`` bytes, -1 for as many as a page holds; nothing at an offset of -1."""
        with self.open(path) as file:
            size = self.size(file, path)
            if offset == -1 or offset >= size:
                return Page(size, b"")
            wanted = PAGE_BYTES_MAX if length == -1 else min(length, PAGE_BYTES_MAX)
            return Page(size, os.pread(file.fileno(), wanted, offset))

    def browse(self, path: str) -> list[dict[str, Any]]:
        """Describe the entries of a directory, sorted by path; of a file there are none."""
        return [_entry_document(name, status) for name, status in self._entries(path)]

    def file_infos(self, path: str) -> list[dict[str, Any]]:
        """As ``browse``, in the form of the v1 API."""
        return [_file_info(name, status) for name, status in self._entries(path)]

    def _entries(self, path: str) -> list[tuple[str, os.stat_result]]:
        directory = self._open(path)
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

    def _open(self, path: str) -> int:
        try:
            file = os.open(self._real(path), _FLAGS)
        except (OSError, ValueError) as error:  # ValueError: a zero byte or a lone surrogate in the path
            raise _refusal(path, error) from error
        if not self._is_inside(os.readlink(f"/proc/self/fd/{file}")):
            os.close(file)
            raise Refusal(404, f"{path[:200]}: is not in a sandbox of this agent")
        return file

    def _real(self, path: str) -> str:
        """Where a path leads. Only a first look, so as not to open devices and the like outside of sandboxes."""
        real = os.path.realpath(path if not path.startswith("/frameworks/") else self._virtual(path))
        if not path.startswith("/") or not self._is_inside(real):
            raise Refusal(404, f"{path[:200]}: is not in a sandbox of this agent")
        return real

    def _virtual(self, path: str) -> str:
        """The first place below the work directory that a virtual path can mean."""
        slaves = os.path.join(self._root, "slaves")
        for agent in sorted(os.listdir(slaves), reverse=True):
            candidate = os.path.join(slaves, agent, path[1:])
            if os.path.exists(candidate):
                return candidate
        raise FileNotFoundError(path)

    def _is_inside(self, real: str) -> bool:
        parts = os.path.relpath(real, self._root).split(os.sep)
        return len(parts) >= len(_SANDBOX) and all(
            wanted in (None, part) for wanted, part in zip(_SANDBOX, parts, strict=False)
        )


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
