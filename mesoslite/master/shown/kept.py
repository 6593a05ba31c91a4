"""Kept: records of one type by key, of which a snapshot is taken anew only if they have changed."""

# Who calls: shown.py and frames.py.

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from libactor.records import Collection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from libactor.records import Record, RecordType, Snapshot

K = TypeVar("K", bound=str)
T = TypeVar("T", bound=msgspec.Struct)


class Kept(Generic[T]):
    """Records of ``kind`` by the field, or the fields, ``key``."""

    __slots__ = ("_collection", "_snapshot")

    def __init__(self, kind: RecordType[T], key: str | tuple[str, ...]) -> None:
        self._collection: Collection[T] = Collection(kind, key)
        self._snapshot: Snapshot[T] | None = None

    def set(self, key: str | tuple[str, ...], record: Record[T] | None) -> bool:
        """Keep ``record`` under its key, or nothing; whether that is something else than before."""
        old = self._collection.get(key)
        if record is None:
            if old is None:
                return False
            self._collection.pop(key)
        elif old == record:
            return False
        else:
            self._collection.put(record)
        self._snapshot = None
        return True

    def add(self, records: Mapping[K, Record[T]]) -> bool:
        """Keep records by their keys, but for those under whose keys there is something; whether there are others."""
        collection, before = self._collection, len(self._collection)
        for key, record in records.items():
            if key not in collection:
                collection.put(record)
        if len(collection) == before:
            return False
        self._snapshot = None
        return True

    def __contains__(self, key: str | tuple[str, ...]) -> bool:
        return key in self._collection

    def __len__(self) -> int:
        return len(self._collection)

    @property
    def snapshot(self) -> Snapshot[T]:
        """What is kept now."""
        if self._snapshot is None:
            self._snapshot = self._collection.snapshot()
        return self._snapshot
