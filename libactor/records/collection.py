"""Collection: records of one type by key, of which a snapshot costs next to nothing."""

# Who calls: an actor that keeps many messages, and gives snapshots of them to others that render or count them.
# One actor owns a collection and changes it; it is not passed to others, its snapshots are, by reference.
# docs/records.md says what is copied when.

from __future__ import annotations

from typing import Any, cast

from libactor._core._impl import CollectionCell
from libactor.records.record_type import RecordType, T


class Collection(CollectionCell[T]):
    """Records of the type ``kind`` by the text in the field ``key``, or by those in several, then as a tuple.

    Fields of the key are texts without a default. As a dict it has ``len``, ``in``, ``[key]``, ``get``, ``pop`` and
    ``clear``; ``put`` adds or replaces. To iterate over it is to iterate over a snapshot: it may change meanwhile. The
    order is none that means anything.
    Cost: 25 bytes a record beside the record. The first change of a chunk of 32 records after a snapshot copies 32
    references.
    Raises: TypeError for a key that is no such field.
    """

    __slots__ = ()

    def __new__(cls, kind: RecordType[T], key: str | tuple[str, ...]) -> Collection[T]:
        """An empty collection."""
        if not isinstance(kind, RecordType):
            raise TypeError(f"Collection: got {kind!r}, expected a RecordType")
        if not isinstance(cast(Any, key), str | tuple | list):
            raise TypeError(f"Collection: got key {key!r}, expected the name of a field, or a tuple of names")
        fields = (key,) if isinstance(key, str) else tuple(key)
        for field in fields:
            if field not in kind.names:
                raise TypeError(f"Collection: got key {field!r}, expected names of fields of {kind.name}: {kind.names}")
            if fields.count(field) > 1:
                raise TypeError(f"Collection: got key {key!r}, expected each field once; {field!r} is there twice")
        try:
            collection: Collection[T] = super().__new__(cls, kind, tuple(map(kind.names.index, fields)))
        except ValueError as error:
            reason = str(error).removeprefix("Collection: ")
            raise TypeError(f"Collection: {kind.name} by {key!r}: {reason}") from None
        return collection

    def __repr__(self) -> str:
        return f"<collection of {len(self)} {self.kind.name} records>"
