"""The text of a snapshot in JSON, in order of names: an object, or a list of names and values."""

# Who calls: the registry's snapshot_json, which imports it then: it needs msgspec, and most programs never ask.
# The text of a table is put together from the texts of its columns, which are the same for all rows that have the same
#   ones, and in which a zero, as most counts of most things are, is there already: a fifth of what the dictionary
#   costs, which has an entry with a name of its own for each number.

from __future__ import annotations

from bisect import bisect_left
from io import BytesIO
from itertools import compress
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from libactor.metrics.table import Row

_encode = msgspec.json.encode


class Form(NamedTuple):
    """What stands around all numbers and between them: before each name, behind it, and behind its number."""

    begin: bytes
    before: bytes
    between: bytes
    after: bytes
    end: bytes


OBJECT = Form(b"{", b"", b":", b"", b"}")
LIST = Form(b"[", b'{"name":', b',"value":', b"}", b"]")


def as_json(form: Form, values: Mapping[str, float], tables: Mapping[str, Sequence[Row]]) -> bytes:
    """All numbers by name, in that form."""
    names = sorted(values)
    text = BytesIO()  # grows without being copied, as what is joined from rows would be
    done = 0
    for table in sorted(tables):
        begin = bisect_left(names, f"{table}/")
        _write(text, form, _members(form, values, names[done:begin]))
        _write_rows(text, form, table, tables[table])
        done = begin
    _write(text, form, _members(form, values, names[done:]))
    text.write(form.end if text.tell() else form.begin + form.end)
    return text.getvalue()


def _members(form: Form, values: Mapping[str, float], names: Sequence[str]) -> bytes:
    _, before, between, after, _ = form
    return b",".join([before + _encode(name) + between + _encode(values[name]) + after for name in names])


def _write(text: BytesIO, form: Form, members: bytes) -> None:
    if members:
        text.write(b"," if text.tell() else form.begin)
        text.write(members)


def _write_rows(text: BytesIO, form: Form, table: str, rows: Sequence[Row]) -> None:
    known: dict[int, tuple[list[bytes], list[bytes]]] = {}  # by identity of the columns, which the rows keep alive
    for row in sorted([row for row in rows if row.columns], key=itemgetter(0)):
        labels_and_zeros = known.get(id(row.columns))
        if labels_and_zeros is None:
            labels_and_zeros = known[id(row.columns)] = _texts(form, row.columns)
        labels, zeros = labels_and_zeros
        members, values = zeros.copy(), row.values
        for place in compress(range(len(values)), values):
            value = values[place]
            members[place] = labels[place] + (b"%d.0" % value if type(value) is int else repr(float(value)).encode())
        prefix = form.before + _encode(f"{table}/{row.name}/")[:-1]
        _write(text, form, prefix)
        text.write((form.after + b"," + prefix).join(members))
        text.write(form.after)


def _texts(form: Form, columns: tuple[str, ...]) -> tuple[list[bytes], list[bytes]]:
    """The rest of each name with what stands before its number, and that with a zero."""
    labels = [_encode(column)[1:] + form.between for column in columns]
    return labels, [label + b"0.0" for label in labels]
