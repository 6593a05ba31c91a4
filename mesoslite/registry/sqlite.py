"""SQLite: a registry in one file of the machine, made durable with one fsync a store."""

# Who calls: the registrar, from a thread of its own, one call at a time.
# Durable: SQLite's log beside the file (-wal) is synced in each commit (synchronous=FULL), so that neither a killed
#   process nor a machine that loses power loses what was answered. A disk that lies about syncs does.
# Never a guess: 1. a file that is no registry of ours is not touched (files.py); 2. what is read is compared with the
#   checksum of its row, of all rows together and of the entry about leadership, after SQLite has looked at its pages;
#   a page that the disk forgot to write is found out, too; 3. after an error nothing more is stored: whether a failed
#   fsync left anything nobody can say.
# Fence: each store begins with reading the epoch, inside of its transaction, which no other master can enter.
# Not on network file systems: SQLite's locks and its log need one machine.
# Rejected: one document, as Mesos has it (each store would write the whole registry); a log of our own beside snapshots
#   (SQLite's is older and better tested than any that we would write).

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import msgspec

from mesoslite.model import (
    MasterInfo,
    RegistryCorrupt,
    RegistryFailed,
    RegistryLocked,
)
from mesoslite.model.registry import (
    Entry,
    Recovered,
)

from .claims import claim_file, release_file
from .files import leadership_checksum
from .rows import assemble
from .storage import fenced, not_recovered

LOCK_WAIT_SECONDS = 5.0  # what another program may keep the file locked for
CACHE_KIBIBYTES = 32_768
LOG_BYTES = 64 * 2**20  # what the log is cut to after it was written back

_PUT = "INSERT OR REPLACE INTO entries (kind, key, data, checksum) VALUES (?, ?, ?, ?)"
_DELETE = "DELETE FROM entries WHERE kind = ? AND key = ?"
_LEAD = "UPDATE leadership SET epoch = ?, master = ?, entries = ?, digest = ?, checksum = ?"
_RESTORE = "restore it from a copy, or move it away to begin with an empty one"

# What SQLite says -> what that means: see _translated.
_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_REMEDIES = {
    sqlite3.SQLITE_FULL: "make room on its disk",
    sqlite3.SQLITE_READONLY: "let this user write to the file and its folder",
    sqlite3.SQLITE_PERM: "let this user write to the file and its folder",
    sqlite3.SQLITE_CANTOPEN: "let this user read and write the file and its folder",
    sqlite3.SQLITE_IOERR: "look what the system says of its disk, and whether that is full",
}

_encode_master = msgspec.json.Encoder().encode
_decode_master = msgspec.json.Decoder(MasterInfo).decode


class SqliteStorage:
    """The registry in the file ``path``, which is made if nothing is there; implements RegistryStorage."""

    def __init__(self, path: str | Path, *, lock_wait_seconds: float = LOCK_WAIT_SECONDS) -> None:
        self._path = Path(path)
        self._lock_wait_seconds = lock_wait_seconds
        self._connection: sqlite3.Connection | None = None
        self._epoch: int | None = None
        self._master = b""
        self._checksums: dict[tuple[str, str], int] = {}
        self._digest = 0

    def recover(self, master: MasterInfo, epoch_least: int = 1) -> Recovered:
        """See RegistryStorage."""
        self.close()
        claim_file(self._path, self)
        try:
            with self._translated("open it"):
                connection = self._connect()
                with self._transaction(connection):
                    return self._take_over(connection, master, epoch_least)
        except BaseException:
            self.close()
            raise

    def store(self, entries: Sequence[Entry], /) -> None:
        """See RegistryStorage."""
        connection = self._connection
        if connection is None or self._epoch is None:
            raise not_recovered(str(self._path))
        try:
            with self._translated("store"), self._transaction(connection):
                self._check_epoch(connection, self._epoch)
                self._write(connection, entries)
                self._lead(connection)
        except BaseException:
            self._epoch = None
            raise

    def size_bytes(self) -> int:
        """See RegistryStorage."""
        if self._connection is None:
            return 0
        [(size,)] = self._connection.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        return int(size)

    def close(self) -> None:
        """See RegistryStorage."""
        connection, self._connection = self._connection, None
        self._epoch = None
        try:
            if connection is not None:
                with self._translated("close it"):
                    connection.close()
        finally:
            release_file(self)

    def _connect(self) -> sqlite3.Connection:
        connection = self._connection = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=self._lock_wait_seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        [(mode,)] = connection.execute("PRAGMA journal_mode = WAL")
        if mode != "wal":
            raise RegistryFailed(
                f"registry {self._path}: SQLite keeps its log as {mode!r} here, expected 'wal'; use a local disk"
            )
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIBIBYTES}")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
        return connection

    def _take_over(self, connection: sqlite3.Connection, master: MasterInfo, epoch_least: int) -> Recovered:
        problems = [row[0] for row in connection.execute("PRAGMA quick_check(1)")]
        if problems != ["ok"]:
            raise self._corrupt(f"SQLite finds: {problems[0]}")
        epoch, previous, count, digest = self._read_leadership(connection)
        state = assemble(self._read_entries(connection), previous, master)
        if (len(self._checksums), self._digest) != (count, digest):
            raise self._corrupt(
                f"it has {len(self._checksums)} entries with the digest {self._digest}, and says that it has "
                f"{count} with {digest}"
            )
        self._epoch = max(epoch + 1, epoch_least)
        self._master = _encode_master(master)
        self._lead(connection)
        return Recovered(state, self._epoch)

    def _read_leadership(self, connection: sqlite3.Connection) -> tuple[int, MasterInfo | None, int, int]:
        found = connection.execute("SELECT epoch, master, entries, digest, checksum FROM leadership").fetchall()
        if len(found) != 1:
            raise self._corrupt(f"it has {len(found)} entries about who leads, expected one")
        epoch, master, count, digest, checksum = found[0]
        if not isinstance(master, bytes) or checksum != leadership_checksum(epoch, master, count, digest):
            raise self._corrupt("its entry about who leads is not what was stored")
        return epoch, _decode_master(master) if master else None, count, digest

    def _read_entries(self, connection: sqlite3.Connection) -> Iterator[tuple[str, str, bytes]]:
        self._checksums, self._digest = {}, 0
        for kind, key, data, checksum in connection.execute("SELECT kind, key, data, checksum FROM entries"):
            if not isinstance(data, bytes) or checksum != _entry_checksum(kind, key, data):
                raise self._corrupt(f"its {kind!s:.20} {key!s:.80} is not what was stored")
            self._checksums[kind, key] = checksum
            self._digest ^= checksum
            yield kind, key, data

    def _check_epoch(self, connection: sqlite3.Connection, own: int) -> None:
        epoch, master, _, _ = self._read_leadership(connection)
        if epoch != own:
            raise fenced(str(self._path), own, epoch, master)

    def _write(self, connection: sqlite3.Connection, entries: Iterable[Entry]) -> None:
        puts, deletes = [], []
        for entry in entries:
            place = (entry.kind, entry.key)
            if entry.data is None:
                deletes.append(place)
                self._digest ^= self._checksums.pop(place, 0)
            else:
                checksum = _entry_checksum(entry.kind, entry.key, entry.data)
                self._digest ^= self._checksums.get(place, 0) ^ checksum
                self._checksums[place] = checksum
                puts.append((entry.kind, entry.key, entry.data, checksum))
        connection.executemany(_DELETE, deletes)
        connection.executemany(_PUT, puts)

    def _lead(self, connection: sqlite3.Connection) -> None:
        assert self._epoch is not None
        values = (self._epoch, self._master, len(self._checksums), self._digest)
        connection.execute(_LEAD, (*values, leadership_checksum(*values)))

    @contextmanager
    def _transaction(self, connection: sqlite3.Connection) -> Iterator[None]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if connection.in_transaction:  # SQLite may have ended it by itself
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    @contextmanager
    def _translated(self, verb: str) -> Iterator[None]:
        """Let what SQLite raises be an error that says what to do."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF  # none: a text that is no UTF-8
            if code in _CORRUPT:
                raise self._corrupt(f"SQLite could not {verb}: {error}") from error
            if code in _LOCKED:
                raise RegistryLocked(
                    f"registry {self._path}: could not {verb}: another program has kept it locked for "
                    f"{self._lock_wait_seconds:g} s; end that, then start again"
                ) from error
            remedy = _REMEDIES.get(code, "look what SQLite means by that")
            name = getattr(error, "sqlite_errorname", "unknown")
            raise RegistryFailed(f"registry {self._path}: could not {verb}: {error} ({name}); {remedy}") from error

    def _corrupt(self, finding: str) -> RegistryCorrupt:
        return RegistryCorrupt(f"registry {self._path}: {finding}; {_RESTORE}")


def _entry_checksum(kind: object, key: object, data: bytes) -> int:
    return crc32(data, crc32(f"{kind}\0{key}\0".encode()))
