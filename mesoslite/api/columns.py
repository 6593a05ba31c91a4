"""Columns: fields of a great many records, some thousands at a time, so that others run in between."""

# Who calls: documents that sort, count or choose records. A column is made under the interpreter's lock, 0.1 to 0.3 us
#   a record.

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, compress
from typing import TYPE_CHECKING, Any, TypeVar

from libactor.records import Snapshot

if TYPE_CHECKING:
    from libactor.records import Record

T = TypeVar("T")
SLICE = 4096


def columns(snapshot: Snapshot[Any], *fields: str) -> Iterator[tuple[list[Any], ...]]:
    """The values of these fields, lists of some thousands, in the order of the records."""
    parts = len(snapshot) // SLICE + 1
    for part in range(parts):
        yield tuple([snapshot.column(field, part=part, parts=parts) for field in fields])


def chosen(snapshots: Iterable[Snapshot[T]], field: str, value: str) -> list[Record[T]]:
    """The records that have that value in a field of texts."""
    found: list[Record[T]] = []
    for snapshot in snapshots:
        values = chain.from_iterable([text == value for text in texts] for (texts,) in columns(snapshot, field))
        found += compress(snapshot, values)
    return found
