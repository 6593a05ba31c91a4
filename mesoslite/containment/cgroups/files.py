"""Files: the system calls on control groups, which tests replace by a faithful fake of trees this machine lacks."""

# Who calls: tree.py.
# Every call raises what the kernel says, as OSError; tree.py says what it means.

import fcntl
import os
from typing import Protocol

_READ_BYTES = 64 * 1024
_WHOLE_BYTES = 2048  # the kernel gives long lists a page at a time, and what is shorter than this as a whole


class Files(Protocol):
    """Directories and files of control groups."""

    def make(self, path: str) -> None:
        """Make a group."""
        ...

    def remove(self, path: str) -> None:
        """Remove a group without processes and groups below it."""
        ...

    def read(self, path: str) -> bytes:
        """What a file says."""
        ...

    def write(self, path: str, value: str) -> None:
        """Give a file a value, in one call."""
        ...

    def groups(self, path: str) -> list[str]:
        """The names of the groups below one."""
        ...

    def claim(self, path: str) -> int:
        """Keep others from claiming a group as well, until the descriptor is closed, or this process has ended."""
        ...


class KernelFiles:
    """Those of this machine."""

    def make(self, path: str) -> None:
        """See Files."""
        os.mkdir(path, 0o755)

    def remove(self, path: str) -> None:
        """See Files."""
        os.rmdir(path)

    def read(self, path: str) -> bytes:
        """See Files."""
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = part = os.read(descriptor, _READ_BYTES)
            while len(part) >= _WHOLE_BYTES and (part := os.read(descriptor, _READ_BYTES)):
                data += part
            return data
        finally:
            os.close(descriptor)

    def write(self, path: str, value: str) -> None:
        """See Files."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, value.encode())
        finally:
            os.close(descriptor)

    def groups(self, path: str) -> list[str]:
        """See Files."""
        with os.scandir(path) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]

    def claim(self, path: str) -> int:
        """See Files."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor
