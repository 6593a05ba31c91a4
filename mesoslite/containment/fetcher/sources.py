"""Sources: where a URI leads, opened to be read."""

# Who calls: main.py.
# Source: Mesos src/launcher/fetcher.cpp (downloadWithoutCache), src/slave/containerizer/fetcher.cpp (basename).

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from .problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

WEB = ("http", "https", "ftp")
_FILE = "file://"


def is_web(uri: str) -> bool:
    """Whether a server is asked for it."""
    return "://" in uri and not uri.startswith(_FILE)


def shown(uri: str) -> str:
    """A URI without what only its server is to know."""
    scheme, separator, rest = uri.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"[:400]


def name_of(uri: str) -> str:
    """The name that a file has in its sandbox unless one is given. Raises: Problem, if there is none."""
    _, separator, rest = uri.partition("://")
    name = (rest if separator else uri).rpartition("/")[2]
    if not name or name in (".", "..") or (separator and "/" not in rest):
        raise Problem("the URI ends in no name of a file; give it an output_file")
    return name


@contextmanager
def opened(uri: str, frameworks_home: str, stall_seconds: float) -> Iterator[tuple[BinaryIO, int | None]]:
    """What to read a file from, and how many bytes it is to have, as far as that is known. Raises: Problem, OSError."""
    if is_web(uri):
        scheme = uri.partition("://")[0].lower()
        if scheme not in WEB:
            raise Problem(f"nobody here knows the scheme {scheme[:40]!r}; there are file, {', '.join(WEB)}, and paths")
        from . import web  # which takes longer than all the rest where files are local

        with web.opened(uri, stall_seconds) as source:
            yield source
        return
    with plain_file(_local_path(uri, frameworks_home)) as file:
        yield file, os.fstat(file.fileno()).st_size


def _local_path(uri: str, frameworks_home: str) -> str:
    path = uri.removeprefix(_FILE)
    if path is not uri and not path.startswith("/"):
        path = path.removeprefix("localhost")
    if path.startswith("/"):
        return path
    if uri.startswith(_FILE):
        raise Problem("a file of another host cannot be read; say file:///path")
    if not frameworks_home:
        raise Problem("a relative path is below --frameworks-home, which this agent has not; give a whole one")
    return os.path.join(frameworks_home, path)


@contextmanager
def plain_file(path: str) -> Iterator[BinaryIO]:
    """A file to read that is nothing but a file. Raises: Problem, OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with open(descriptor, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Problem("it is no plain file")
        yield file
