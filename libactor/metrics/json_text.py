"""The text of a snapshot in JSON, in order of names: an object, or a list of names and values."""

# Who calls: the registry's snapshot_json and snapshot_pieces, which import it then: it needs msgspec, and most programs
#   never ask.
# Of a text of 40 MB more time goes into memory that nobody has used before than into writing it: hence the pieces, of
#   which each may have the place of the one before.
# The text of a table is put together from the texts of its columns, which are the same for all rows that have the same
#   ones, without a dictionary entry with a name of its own for each number on the way.

from __future__ import annotations

from bisect import bisect_left
from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple, final

import msgspec

from libactor._core._impl import join_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from libactor.metrics.rows import Rows

PIECE_BYTES = 256 * 1024

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


def as_json(form: Form, values: Mapping[str, float], tables: Mapping[str, Rows]) -> bytes:
    """All numbers by name, in that form."""
    text = BytesIO()  # grows without being copied, as what is joined from pieces would be
    for piece in Pieces(form, values, tables):
        text.write(piece)
    return text.getvalue()


@final
class Pieces:
    """The same, a piece at a time, of PIECE_BYTES or a row more."""

    __slots__ = ("_form", "_tables", "_values")

    def __init__(self, form: Form, values: Mapping[str, float], tables: Mapping[str, Rows]) -> None:
        self._form = form
        self._values = values
        self._tables = tables

    def __iter__(self) -> Iterator[bytes]:
        form = self._form
        parts, size, comma = [form.begin], 0, b""
        for members in self._members():
            parts += (comma, members)
            size += len(members)
            comma = b","
            if size >= PIECE_BYTES:
                yield b"".join(parts)
                parts, size = [], 0
        parts.append(form.end)
        yield b"".join(parts)

    def _members(self) -> Iterator[bytes]:
        """Some after the others, in order of their names: those of a row, or what comes between tables."""
        names, done = sorted(self._values), 0
        for table in sorted(self._tables):
            begin = bisect_left(names, f"{table}/")
            yield from self._single(names[done:begin])
            yield from _of_rows(self._form, table, self._tables[table])
            done = begin
        yield from self._single(names[done:])

    def _single(self, names: Sequence[str]) -> Iterator[bytes]:
        _, before, between, after, _ = self._form
        return (before + _encode(name) + between + _encode(self._values[name]) + after for name in names)


def _of_rows(form: Form, table: str, rows: Rows) -> Iterator[bytes]:
    known: dict[int, tuple[bytes, ...]] = {}  # by identity of the columns, which the rows keep alive
    for name, columns, numbers in rows:
        labels = known.get(id(columns))
        if labels is None:
            labels = known[id(columns)] = tuple([_encode(column)[1:] + form.between for column in columns])
        prefix = form.before + _encode(f"{table}/{name}/")[:-1]
        yield b"".join((prefix, join_numbers(form.after + b"," + prefix, labels, numbers), form.after))
