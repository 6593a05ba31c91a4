"""Chunks of records, which collections and their snapshots share, and what was rendered of them. Twin: csrc/chunk.c."""

# Who calls: _collection.py; what renders snapshots finds and keeps fragments (csrc/fragments.c).
# A chunk that a snapshot has is never changed again: a copy is changed instead. (The twin in C counts who holds a
#   chunk, and changes it again once the snapshots are gone; and it frees what nobody holds in slices.)
# What was rendered of a chunk is kept, one text for each projection, until it goes or others need room; when a record
#   changes, what is of the others. Several threads may render: the pool has a lock, which a chunk that goes may take
#   again in the same thread.

from __future__ import annotations

import operator
import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, cast

from libactor._core._record import Record

CHUNK_RECORDS = 32
FRAGMENT_BYTES_MAX = 256 * 1024 * 1024  # unless fragments_bound says another
FRAGMENT_STALE = 4  # see _Pool.has_room
TEXT_BLOCK = 4096  # a text takes whole blocks of memory
ALL_PLACES = (1 << CHUNK_RECORDS) - 1  # a bit for each


class Chunk:
    """Places for some records; None: nothing is there."""

    __slots__ = ("__weakref__", "fragments", "is_shared", "records")

    def __init__(self, records: list[Record[Any] | None]) -> None:
        self.records = records
        self.is_shared = False  # with a snapshot
        self.fragments: dict[int, Fragment] = {}  # by projection

    def __del__(self) -> None:
        fragments_drop(self)


def chunk_own(chunk: Chunk) -> Chunk:
    """The chunk to change in the place of ``chunk``: itself, or a copy if a snapshot has it."""
    if not chunk.is_shared:
        return chunk
    copy = Chunk(chunk.records.copy())
    _fragments_share(chunk, copy)
    return copy


def chunk_put(chunk: Chunk, place: int, record: Record[Any] | None) -> None:
    """Put a record, or None, at a place of a chunk that no snapshot has."""
    chunk.records[place] = record
    _fragments_forget(chunk, place)


class Text:
    """What a projection has made of the records of a chunk; of none, nothing."""

    def __init__(self, parts: tuple[bytes, ...]) -> None:
        self.parts = parts
        size = len(b",".join(filter(None, parts)))
        self.memory = -(-size // TEXT_BLOCK) * TEXT_BLOCK
        self.fragments = 0  # that are of it


@dataclass(eq=False, slots=True)
class Fragment:
    """What of a text is still what its projection makes of a chunk; it is cached."""

    text: Text
    used: int  # how many uses, hits and misses, there had been by its last one
    projection: int
    owners: dict[int, Fragment]  # those of its chunk
    valid: int = ALL_PLACES  # a bit for each place that is as the text has it: never none


class _Pool:
    """What is cached, the last used last."""

    def __init__(self) -> None:
        self.fragments: OrderedDict[Fragment, None] = OrderedDict()
        self.bytes = self.hits = self.misses = self.evictions = 0
        self.bytes_max = FRAGMENT_BYTES_MAX
        self.lock = threading.RLock()

    def add(self, fragment: Fragment) -> None:
        self.fragments[fragment] = None
        fragment.owners[fragment.projection] = fragment
        self.bytes += fragment.text.memory if not fragment.text.fragments else 0
        fragment.text.fragments += 1

    def drop(self, fragment: Fragment) -> None:
        del self.fragments[fragment]
        del fragment.owners[fragment.projection]
        fragment.text.fragments -= 1
        self.bytes -= fragment.text.memory if not fragment.text.fragments else 0

    def evict_oldest(self) -> None:
        self.drop(next(iter(self.fragments)))
        self.evictions += 1

    def has_room(self, memory: int) -> bool:
        """Whether there is room for so much memory, or some that nobody uses any more.

        So of what is read from end to end, time and again, as much is found as there is room for.
        """
        if memory > self.bytes_max or self.bytes + memory <= self.bytes_max:
            return memory <= self.bytes_max
        oldest = next(iter(self.fragments)).used
        return self.hits + self.misses - oldest > FRAGMENT_STALE * len(self.fragments)


_pool = _Pool()


def fragment_find(chunk: Chunk, projection: int) -> list[bytes | None]:
    """What is cached of what a projection, which is a number, has made of a chunk; None: not of the record there.

    Counts a hit, if all is there, or a miss.
    """
    with _pool.lock:
        fragment = chunk.fragments.get(projection)
        is_whole = fragment is not None and fragment.valid == ALL_PLACES
        _pool.hits += is_whole
        _pool.misses += not is_whole
        if fragment is None:
            return [None] * CHUNK_RECORDS
        _pool.fragments.move_to_end(fragment)
        fragment.used = _pool.hits + _pool.misses
        return [part if fragment.valid >> place & 1 else None for place, part in enumerate(fragment.text.parts)]


def fragment_keep(chunk: Chunk, projection: int, parts: list[bytes]) -> None:
    """Cache what a projection has made of each record, if there is room. If it is there already, that stays."""
    with _pool.lock:
        found = chunk.fragments.get(projection)
        if found is not None:
            if found.valid == ALL_PLACES:
                return
            _pool.drop(found)
        text = Text(tuple(parts))
        while _pool.has_room(text.memory):
            if _pool.bytes + text.memory <= _pool.bytes_max:
                _pool.add(Fragment(text, _pool.hits + _pool.misses, projection, chunk.fragments))
                return
            _pool.evict_oldest()


def _fragments_share(chunk: Chunk, copy: Chunk) -> None:
    """What was rendered of a chunk was rendered of its copy."""
    with _pool.lock:
        for fragment in chunk.fragments.values():
            shared = Fragment(fragment.text, fragment.used, fragment.projection, copy.fragments, fragment.valid)
            _pool.add(shared)


def _fragments_forget(chunk: Chunk, place: int) -> None:
    """What was rendered of the record at a place holds no more: it changes."""
    with _pool.lock:
        for fragment in tuple(chunk.fragments.values()):
            fragment.valid &= ~(1 << place)
            if not fragment.valid:
                _pool.drop(fragment)


def fragments_drop(chunk: Chunk) -> None:
    """Forget what was rendered of a chunk: it goes."""
    with _pool.lock:
        for fragment in tuple(chunk.fragments.values()):
            _pool.drop(fragment)


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
