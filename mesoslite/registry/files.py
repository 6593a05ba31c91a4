"""Files: what stands where a registry is expected, told from its first bytes, and how a new one is made."""

# Who calls: claims.py, before SQLite touches anything, and only for a file that this process does not have open.
# Invariants: 1. a registry is made under another name and gets its own when it is whole and durable, so a file that is
#   empty or cut is never one that is just being made.    2. the link fails if another master was quicker, and then its
#   registry is the one. Whatever is killed meanwhile leaves a file that ends in .new, and nobody reads it.
# Numbers in a header: those that SQLite keeps for programs that use it (application_id, user_version).
# Source: the SQLite file format, section 1.3.

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path
from zlib import crc32

from mesoslite.model import (
    RegistryCorrupt,
    RegistryFailed,
    RegistryTooNew,
)

from .rows import FORMAT

APPLICATION = 0x6D6C7267  # "mlrg"
HEADER_BYTES = 100
_MAGIC = b"SQLite format 3\0"
_ELSE = "move it away, or name another file"

_SCHEMA = f"""
PRAGMA journal_mode = MEMORY;
PRAGMA synchronous = OFF;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {FORMAT};
CREATE TABLE leadership (epoch INTEGER, master BLOB, entries INTEGER, digest INTEGER, checksum INTEGER);
CREATE TABLE entries (kind TEXT, key TEXT, data BLOB, checksum INTEGER, PRIMARY KEY (kind, key)) WITHOUT ROWID;
"""


def inspect_file(path: Path) -> bool:
    """Return whether a registry is at ``path``; False if nothing is. Nothing is changed.

    Raises: RegistryCorrupt, RegistryTooNew, RegistryFailed, for anything else that is there.
    """
    try:
        with open(path, "rb") as file:
            header = file.read(HEADER_BYTES)
    except FileNotFoundError:
        _check_alone(path)
        return False
    except OSError as error:
        raise RegistryFailed(
            f"registry {path}: could not read it: {error.strerror}; expected a file that this user may read and write"
        ) from error
    problem = _header_problem(header)
    if problem is not None:
        raise RegistryCorrupt(f"registry {path}: {problem}")
    version = int.from_bytes(header[60:64], "big")
    if version > FORMAT:
        raise RegistryTooNew(
            f"registry {path}: it has the format {version}, this release knows {FORMAT}; start the one that wrote it"
        )
    if version < FORMAT:
        raise RegistryCorrupt(f"registry {path}: it has the format {version}, which never was; restore it from a copy")
    return True


def make_file(path: Path) -> None:
    """Put an empty registry at ``path``, durably, unless something is there by now. Raises: RegistryFailed."""
    try:
        descriptor, made = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".new", dir=path.parent)
        try:
            os.close(descriptor)
            _fill(made)
            _sync(made)
            os.link(made, path)
        except FileExistsError:
            pass  # another master was quicker
        finally:
            os.unlink(made)
        _sync(path.parent)
    except (OSError, sqlite3.Error) as error:
        raise RegistryFailed(
            f"registry {path}: could not make it: {error}; expected a folder on a local disk, with room, which "
            f"this user may write to"
        ) from error


def leadership_checksum(epoch: int, master: bytes, count: int, digest: int) -> int:
    """What the entry about who leads is checked by."""
    return crc32(master, crc32(f"{epoch} {count} {digest}".encode()))


def _check_alone(path: Path) -> None:
    log = path.with_name(f"{path.name}-wal")
    if log.exists():
        raise RegistryCorrupt(
            f"registry {path}: the file is missing, and {log.name} is there, with what was stored last; put the file "
            f"back, or move that away to begin with an empty registry"
        )


def _header_problem(header: bytes) -> str | None:
    if not header:
        return f"it is empty, which a registry never is; restore it from a copy, or {_ELSE}"
    if not header.startswith(_MAGIC[: len(header)]):
        return f"it begins with {header[:16]!r}, and is no registry; {_ELSE}"
    if len(header) < HEADER_BYTES:
        return f"it is cut off after {len(header)} bytes; restore it from a copy, or {_ELSE}"
    application = int.from_bytes(header[68:72], "big")
    if application != APPLICATION:
        return f"it is a database of another program (application_id {application:#x}); {_ELSE}"
    return None


def _fill(path: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.executescript(_SCHEMA)
        connection.execute("INSERT INTO leadership VALUES (0, x'', 0, 0, ?)", (leadership_checksum(0, b"", 0, 0),))
    finally:
        connection.close()


def _sync(path: str | Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
