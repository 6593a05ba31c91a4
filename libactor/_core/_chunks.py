"""Chunks of records, which collections and their snapshots share, and what was rendered of them. Twin: csrc/chunk.c."""

# Who calls: _collection.py; what renders snapshots finds and keeps fragments (csrc/fragments.c).
# A chunk that a snapshot has is never changed again: a copy is changed instead. (The twin in C counts who holds a
#   chunk, and changes it again once the snapshots are gone; and it frees what nobody holds in slices.)
# What was rendered of a chunk is kept, one text for each projection, until the chunk changes or goes, or others need
#   room. Several threads may render: the pool has a lock, which a chunk that goes may take again in the same thread.

from __future__ import annotations

import operator
import sys
import threading
from collections import OrderedDict
from typing import Any, cast

from libactor._core._record import Record

CHUNK_RECORDS = 32
FRAGMENT_BYTES_MAX = 256 * 1024 * 1024  # unless fragments_bound says another
FRAGMENT_STALE = 4  # see _Pool.has_room
TEXT_BLOCK = 4096  # a text takes whole blocks of memory


class Chunk:
    """Places for some records; None: nothing is there."""

    __slots__ = ("__weakref__", "is_shared", "projections", "records")

    def __init__(self, records: list[Record[Any] | None]) -> None:
        self.records = records
        self.is_shared = False  # with a snapshot
        self.projections: set[int] = set()  # for which the pool has a text

    def __del__(self) -> None:
        fragments_drop(self)


def chunk_own(chunk: Chunk) -> Chunk:
    """The chunk to change in the place of ``chunk``: itself, or a copy if a snapshot has it."""
    if chunk.is_shared:
        return Chunk(chunk.records.copy())
    fragments_drop(chunk)
    return chunk


def _memory_of(text: bytes) -> int:
    return -(-len(text) // TEXT_BLOCK) * TEXT_BLOCK


class _Pool:
    """What is cached, by chunk and projection, the last used last."""

    def __init__(self) -> None:
        self.texts: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self.used: dict[tuple[int, int], int] = {}  # how many uses, hits and misses, there had been by its last one
        self.bytes = self.hits = self.misses = self.evictions = 0
        self.bytes_max = FRAGMENT_BYTES_MAX
        self.owners: dict[tuple[int, int], set[int]] = {}  # what says in the chunk that it is cached
        self.lock = threading.RLock()

    def drop(self, key: tuple[int, int]) -> None:
        self.bytes -= _memory_of(self.texts.pop(key))
        self.owners.pop(key).discard(key[1])
        del self.used[key]

    def evict_oldest(self) -> None:
        self.drop(next(iter(self.texts)))
        self.evictions += 1

    def has_room(self, memory: int) -> bool:
        """Whether there is room for so much memory, or some that nobody uses any more.

        So of what is read from end to end, time and again, as much is found as there is room for.
        """
        if memory > self.bytes_max or self.bytes + memory <= self.bytes_max:
            return memory <= self.bytes_max
        oldest = self.used[next(iter(self.texts))]
        return self.hits + self.misses - oldest > FRAGMENT_STALE * len(self.texts)


_pool = _Pool()


def fragment_find(chunk: Chunk, projection: int) -> bytes | None:
    """What a projection, which is a number, has made of a chunk, if it is cached. Counts a hit or a miss."""
    key = (id(chunk), projection)
    with _pool.lock:
        if projection not in chunk.projections:
            _pool.misses += 1
            return None
        _pool.hits += 1
        _pool.texts.move_to_end(key)
        _pool.used[key] = _pool.hits + _pool.misses
        return _pool.texts[key]


def fragment_keep(chunk: Chunk, projection: int, text: bytes) -> None:
    """Cache a text, if there is room. If there is one already, that one stays."""
    key, memory = (id(chunk), projection), _memory_of(text)
    with _pool.lock:
        if projection in chunk.projections:
            return
        while (has_room := _pool.has_room(memory)) and _pool.bytes + memory > _pool.bytes_max:
            _pool.evict_oldest()
        if not has_room:
            return
        chunk.projections.add(projection)
        _pool.texts[key] = text
        _pool.owners[key] = chunk.projections
        _pool.used[key] = _pool.hits + _pool.misses
        _pool.bytes += memory


def fragments_drop(chunk: Chunk) -> None:
    """Forget what was rendered of a chunk: it changes, or goes."""
    with _pool.lock:
        for projection in tuple(chunk.projections):
            _pool.drop((id(chunk), projection))


def fragments_bound(bytes_max: int, /) -> int:
    """Keep at most so many bytes of what was rendered of chunks; how many it were until now."""
    if type(cast(Any, bytes_max)) is not int:
        raise TypeError(f"fragments_bound: got {bytes_max!r:.200}, expected a whole number of bytes; 0 keeps nothing")
    if not 0 <= bytes_max <= sys.maxsize:
        raise ValueError(
            f"fragments_bound: got a number of bytes that is too {'small' if bytes_max < 0 else 'large'}, "
            f"expected 0 to {sys.maxsize}; 0 keeps nothing"
        )
    with _pool.lock:
        _pool.bytes_max, before = bytes_max, _pool.bytes_max
        while _pool.bytes > bytes_max:
            _pool.evict_oldest()
    return before


def fragments_counts() -> tuple[int, int, int, int]:
    """Of what was rendered of chunks: (found again, rendered anew, dropped for want of room, bytes that are kept)."""
    return _pool.hits, _pool.misses, _pool.evictions, _pool.bytes


def records_free(records: int = 4096, /) -> int:
    """Free so many records of those that went with snapshots and collections; how many chunks are left: none."""
    return 0 * operator.index(records)
