"""The text of a snapshot: a JSON object, in order of names."""

# Who calls: the registry's snapshot_json, which imports it then: it needs msgspec, and most programs never ask.
# The text of a table is put together from the texts of its columns, which are the same for all rows that have the same
#   ones, and in which a zero, as most counts of most things are, is there already: a fifth of what the dictionary
#   costs, which has an entry with a name of its own for each number.

from __future__ import annotations

from bisect import bisect_left
from io import BytesIO
from itertools import compress
from operator import itemgetter
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from libactor.metrics.table import Row

_encode = msgspec.json.encode


def as_json(values: Mapping[str, float], tables: Mapping[str, Sequence[Row]]) -> bytes:
    """All numbers by name as a JSON object."""
    names = sorted(values)
    text = BytesIO()  # grows without being copied, as what is joined from rows would be
    done = 0
    for table in sorted(tables):
        begin = bisect_left(names, f"{table}/")
        _write(text, _members({name: values[name] for name in names[done:begin]}))
        _write_rows(text, table, tables[table])
        done = begin
    _write(text, _members({name: values[name] for name in names[done:]}))
    text.write(b"}" if text.tell() else b"{}")
    return text.getvalue()


def _members(values: Mapping[str, float]) -> bytes:
    return _encode(values)[1:-1]


def _write(text: BytesIO, members: bytes) -> None:
    if members:
        text.write(b"," if text.tell() else b"{")
        text.write(members)


def _write_rows(text: BytesIO, table: str, rows: Sequence[Row]) -> None:
    known: dict[int, tuple[list[bytes], list[bytes]]] = {}  # by identity of the columns, which the rows keep alive
    for row in sorted([row for row in rows if row.columns], key=itemgetter(0)):
        labels_and_zeros = known.get(id(row.columns))
        if labels_and_zeros is None:
            labels_and_zeros = known[id(row.columns)] = _texts(row.columns)
        labels, zeros = labels_and_zeros
        members, values = zeros.copy(), row.values
        for place in compress(range(len(values)), values):
            value = values[place]
            members[place] = labels[place] + (b"%d.0" % value if type(value) is int else repr(float(value)).encode())
        prefix = _encode(f"{table}/{row.name}/")[:-1]
        _write(text, prefix)
        text.write((b"," + prefix).join(members))


def _texts(columns: tuple[str, ...]) -> tuple[list[bytes], list[bytes]]:
    """The rest of each name with its colon, and that with a zero."""
    labels = [_encode(column)[1:] + b":" for column in columns]
    return labels, [label + b"0.0" for label in labels]
