"""Claims: which registries this process has open, so that nothing but SQLite opens a file that it has open."""

# Who calls: sqlite.py, before each connection and after it. Two masters of one program share a file: the next one reads
#   it while the last one still lets go of it.
# Why: POSIX locks belong to the process and the file. Whoever opens the file past SQLite and closes it drops the locks
#   of every connection of the process, unnoticed; then another program that closes the file is taken for the last one
#   and deletes the log (-wal) under the master, which goes on storing in it: what it acknowledges then is lost.
# Source: SQLite, "How To Corrupt An SQLite Database File", section 2.2.

from __future__ import annotations

import threading
from pathlib import Path
from weakref import WeakKeyDictionary

from .files import inspect_file, make_file

_lock = threading.RLock()  # re-entrant: a storage that is freed lets go of its file, wherever that happens
_open: WeakKeyDictionary[object, tuple[int, int]] = WeakKeyDictionary()  # by who has it: device and number of the file


def claim_file(path: Path, owner: object) -> None:
    """Look at the registry at ``path``, made if nothing is there, and note that ``owner`` opens it; see files.py.

    One that the process has open was looked at then.
    """
    with _lock:
        if _identity(path) not in set(_open.values()) and not inspect_file(path):
            make_file(path)
        identity = _identity(path)
        if identity is not None:  # else somebody has taken it away this moment, which SQLite will say
            _open[owner] = identity


def release_file(owner: object) -> None:
    """``owner`` has closed what it had open; a second time does nothing."""
    with _lock:
        _open.pop(owner, None)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
