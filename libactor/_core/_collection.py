"""Collection: records by key, of which a snapshot costs next to nothing; and Snapshot. Twin: csrc/collection.c."""

# Who calls: the one actor that owns a collection; any actor reads snapshots (csrc/snapshot.c).
# Records lie in chunks, at places that stay theirs; a place that was left is given to a later record. The order is that
#   of the places: neither of keys nor of time, and the same as long as nothing changes.
# A snapshot has the chunks themselves: whoever changes the collection afterwards changes copies.

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any, Generic, NoReturn, TypeVar, cast, final, overload

from libactor._core._chunks import CHUNK_RECORDS, Chunk, chunk_own, chunk_put
from libactor._core._record import Record, RecordKind, T, T_co, refused_other
from libactor._core._shapes import TEXT

OtherT = TypeVar("OtherT")
KEY_FIELDS_MAX = 4
COLUMN_PARTS_MAX = 1 << 20
_REQUIRED = object()


class CollectionCell(Generic[T]):
    """Records by key; see libactor.records.Collection."""

    __slots__ = ("_chunks", "_free_slots", "_key_fields", "_kind", "_slots")

    def __new__(cls, kind: RecordKind[T], key_fields: tuple[int, ...]) -> Any:
        """``key_fields``: numbers of the fields that are the key."""
        if not isinstance(kind, RecordKind):
            raise TypeError(f"CollectionCell: got {kind!r}, expected a RecordKind")
        if not 1 <= len(key_fields) <= KEY_FIELDS_MAX:
            raise ValueError(f"Collection: got {len(key_fields)} key fields, expected 1 to {KEY_FIELDS_MAX}")
        whole = kind._shapes[0]
        for number in key_fields:
            shape = kind._shapes[whole.first + number] if 0 <= number < min(whole.least, whole.count) else None
            if shape is None or shape.kind != TEXT or shape.nullable:
                name = kind.names[number] if 0 <= number < len(kind.names) else number
                raise ValueError(
                    f"Collection: field {name!r} cannot be a key, expected a text that every record has: not None, and "
                    "no default"
                )
        self = object.__new__(cls)
        self._kind = kind
        self._key_fields = key_fields
        self.clear()
        return self

    _kind: RecordKind[T]
    _key_fields: tuple[int, ...]
    _chunks: list[Chunk]
    _free_slots: list[int]  # a stack of the places without a record
    _slots: dict[tuple[str, ...], int]  # by key

    @property
    def kind(self) -> RecordKind[T]:
        """The kind of its records."""
        return self._kind

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, key: Any) -> bool:
        return self._key(key) in self._slots

    def __getitem__(self, key: Any) -> Record[T]:
        slot = self._slots.get(self._key(key))
        if slot is None:
            raise KeyError(key)
        return self._at(slot)

    def __iter__(self) -> Iterator[Record[T]]:
        return iter(self.snapshot())

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a collection cannot be pickled or copied; put the records of a snapshot into another")

    @overload
    def get(self, key: Any, default: None = None, /) -> Record[T] | None: ...
    @overload
    def get(self, key: Any, default: OtherT, /) -> Record[T] | OtherT: ...
    def get(self, key: Any, default: Any = None, /) -> Any:
        """The record with this key, or ``default``."""
        slot = self._slots.get(self._key(key))
        return default if slot is None else self._at(slot)

    def put(self, record: Record[T], /) -> None:
        """Put a record in, in the place of the one with the same key if there is one."""
        if type(cast(Any, record)) is not Record or record.kind is not self._kind:
            raise refused_other(self._kind, "Collection.put", record)
        key = tuple([self._kind._value(record, number) for number in self._key_fields])
        slot = self._slots.get(key)
        if slot is None:
            if not self._free_slots:
                first = len(self._chunks) * CHUNK_RECORDS
                self._chunks.append(Chunk([None] * CHUNK_RECORDS))
                self._free_slots.extend(range(first + CHUNK_RECORDS - 1, first - 1, -1))
            self._slots[key] = slot = self._free_slots.pop()
        self._put_at(slot, record)

    @overload
    def pop(self, key: Any, /) -> Record[T]: ...
    @overload
    def pop(self, key: Any, default: OtherT, /) -> Record[T] | OtherT: ...
    def pop(self, key: Any, default: Any = _REQUIRED, /) -> Any:
        """Take the record with this key out and return it.

        Raises: KeyError if there is none, and no ``default``.
        """
        slot = self._slots.pop(self._key(key), None)
        if slot is None:
            if default is _REQUIRED:
                raise KeyError(key)
            return default
        record = self._at(slot)
        self._put_at(slot, None)
        self._free_slots.append(slot)
        return record

    def clear(self) -> None:
        """Take all records out."""
        self._chunks = []
        self._free_slots = []
        self._slots = {}

    def snapshot(self) -> Snapshot[T]:
        """What the collection is now, for good. Cost: some 20 ns for each 32 records."""
        for chunk in self._chunks:
            chunk.is_shared = True
        snapshot: Snapshot[T] = object.__new__(Snapshot)
        snapshot._kind, snapshot._chunks, snapshot._count = self._kind, tuple(self._chunks), len(self)
        return snapshot

    def _key(self, given: Any) -> tuple[str, ...]:
        count = len(self._key_fields)
        key = given if count > 1 else (given,)
        if not isinstance(key, tuple) or len(key) != count or not all(isinstance(part, str) for part in key):
            raise TypeError(
                f"Collection: got key {given!r:.200}, expected {count} text{'s, as a tuple' if count > 1 else ''}"
            )
        for part in key:
            part.encode()  # a key that is no UTF-8 is refused alike
        return key

    def _at(self, slot: int) -> Record[T]:
        record = self._chunks[slot // CHUNK_RECORDS].records[slot % CHUNK_RECORDS]
        assert record is not None, slot
        return record

    def _put_at(self, slot: int, record: Record[T] | None) -> None:
        chunk = chunk_own(self._chunks[slot // CHUNK_RECORDS])
        self._chunks[slot // CHUNK_RECORDS] = chunk
        chunk_put(chunk, slot % CHUNK_RECORDS, record)


@final
class Snapshot(Generic[T_co]):
    """What a collection was at one moment: it stays so, whatever becomes of the collection.

    len() is the number of records; iterate over them. Made by Collection.snapshot.
    """

    __slots__ = ("_chunks", "_count", "_kind")

    _kind: RecordKind[T_co]
    _chunks: tuple[Chunk, ...]
    _count: int

    def __init__(self) -> None:
        raise TypeError("cannot create 'libactor.records.Snapshot' instances")

    @property
    def kind(self) -> RecordKind[T_co]:
        """The kind of its records."""
        return self._kind

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Record[T_co]]:
        for chunk in self._chunks:
            yield from [record for record in chunk.records if record is not None]

    def column(self, field: str, /, *, part: int = 0, parts: int = 1) -> list[Any]:
        """The values of a field of all records, in the order in which they are iterated over.

        A value is what the attribute is, but of an array, a map, a struct or Any its bytes, None if it is left out; of
        equal ones many are one object. ``part`` of ``parts`` is for who wants to do something else in between: all of
        them together are the whole, as of Projection.pieces.
        Raises: TypeError for what is no field; ValueError for a part that there is not.
        """
        if not isinstance(cast(Any, field), str):
            raise TypeError(f"Snapshot.column() argument 1 must be str, not {type(field).__name__}")
        part, parts = operator.index(part), operator.index(parts)
        if not 0 <= part < parts <= COLUMN_PARTS_MAX:
            expected = f"part 0 to parts - 1 of at most {COLUMN_PARTS_MAX}"
            raise ValueError(f"Snapshot.column: got part {part} of {parts}, expected {expected}")
        count = len(self._chunks)
        records = [
            record
            for chunk in self._chunks[count * part // parts : count * (part + 1) // parts]
            for record in chunk.records
            if record is not None
        ]
        return self._kind._column(records, field)

    def __repr__(self) -> str:
        return f"<snapshot of {self._count} {self._kind.name} records>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a snapshot cannot be pickled; keep bytes(record) of each of its records")

    def __copy__(self) -> Snapshot[T_co]:
        return self

    def __deepcopy__(self, memo: object) -> Snapshot[T_co]:
        return self
