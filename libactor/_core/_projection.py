"""Projections: programs that write JSON from the bytes of records. Twin: csrc/transcode.c, tally.c and projection.c."""

# Who calls: libactor/records/projection.py, which compiles them.
# The operations are listed in csrc/transcode.h, with their operands. A frame is where the fields of a struct begin: in
#   the record, or in the constants if the field was left out, or None for nil.
# Invariant: to the byte the same as the C core, on every record that was checked and every program that was compiled.
# Layout: 1 amounts  2 programs

from __future__ import annotations

import base64
import itertools
from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, cast

from libactor._core._chunks import Chunk, fragment_find, fragment_keep
from libactor._core._collection import Snapshot
from libactor._core._json import double, escape
from libactor._core._msgpack import ARRAY, BOOL, is_same, skip
from libactor._core._places import (
    Place,
    head,
    is_empty,
    items_at,
    number_at,
    pairs_at,
    ranges_text,
    set_text,
    text_at,
    write_comma,
    write_value,
)
from libactor._core._record import Record, RecordKind, T, refused_other

(
    DO_RAW, DO_MEMBER, DO_PART, DO_KEY, DO_VALUE, DO_FLOAT, DO_SCALED, DO_CHOICE, DO_BASE64, DO_RANGES, DO_SET,
    DO_ENTER, DO_EACH, DO_EACH_PAIR, DO_UNLESS_THERE, DO_UNLESS_FILLED, DO_UNLESS_TRUE, DO_UNLESS_DIFFERENT, DO_SKIP,
    DO_TALLY, DO_RAW_VALUE, DO_EACH_ROW, DO_UNLESS_TEXT, DO_UNLESS_NUMBER, DO_ONLY, DO_GROUPS,
) = range(26)  # fmt: skip

SIZES = (
    3,
    3,
    1,
    2,
    2,
    2,
    3,
    4,
    2,
    2,
    2,
    4,
    4,
    4,
    3,
    3,
    3,
    4,
    2,
    3,
    4,
    5,
    5,
    4,
    4,
    7,
)  # words of each, with its operands
UNLESS = (
    DO_UNLESS_THERE, DO_UNLESS_FILLED, DO_UNLESS_TRUE, DO_UNLESS_DIFFERENT, DO_UNLESS_TEXT, DO_UNLESS_NUMBER,
)  # fmt: skip
FIELDS_MAX = 64  # of a struct that are looked at
POWER_MAX = 9

# ---- 1 amounts ----


class Spec(NamedTuple):
    """What to sum up; see csrc/tally.c."""

    layout: int
    name: int
    scalar: int
    power: int
    ranges: int
    texts: int
    suffix_if: int
    suffix: int
    suffix_count: int
    where: int
    where_same: int
    where_text: int
    where_count: int
    group: int
    first_count: int


class Item(NamedTuple):
    """An amount, with what it is sorted by before it."""

    group: bytes
    rank: int  # among the names that are always there; behind them the others
    name: bytes
    is_suffixed: bool
    at: int
    sort: int  # the field that its value is in
    value: Place


Frame = list[Place | None]


def _there(frame: Frame, number: int) -> Place | None:
    """A field that is neither nil, false nor empty."""
    place = frame[number] if number >= 0 else None
    if place is None or is_empty(place) or head(*place)[:2] == (BOOL, False):
        return None
    return place


# ---- 2 programs ----

_numbers = itertools.count(1)


class Transcoder(Generic[T]):
    """Writes JSON from the bytes of records; see libactor.records.Projection."""

    __slots__ = ("_code", "_layout", "_number", "_pool", "_words", "kind")

    def __new__(cls, kind: RecordKind[T], code: bytes, words: int, layout: int, pool: bytes) -> Any:
        """Hold a program of ``words`` words, and the tables behind it."""
        self = super().__new__(cls)
        self.kind = kind
        self._code = memoryview(code).cast("i").tolist()
        self._words, self._layout, self._pool = words, layout, bytes(pool)
        self._number = next(_numbers)
        return self

    kind: RecordKind[T]
    _code: list[int]
    _words: int
    _layout: int
    _pool: bytes
    _number: int

    def render(self, record: Record[T], /) -> bytes:
        """The JSON text of a record, UTF-8. Raises: TypeError unless it is of the projection's own record type."""
        return self.render_all((record,))

    def render_all(self, records: Sequence[Record[T]], /) -> bytes:
        """The JSON texts of records, with commas between them; see render."""
        records = tuple(records)
        for record in records:
            if getattr(record, "kind", None) is not self.kind:
                raise refused_other(self.kind, "Projection.render", record)
        out = bytearray()
        for record in records:
            if out:
                out += b","
            self._run(out, 0, self._words, self._frame(bytes(record), 0, self._layout)[0])
        return bytes(out)

    def chunk_count(self, snapshot: Snapshot[T], /) -> int:
        """How many chunks a snapshot of the projection's record type has."""
        if type(cast(Any, snapshot)) is not Snapshot or snapshot.kind is not self.kind:
            raise TypeError(
                f"Projection.pieces: got {snapshot!r:.200}, expected a snapshot of {self.kind.name} records"
            )
        return len(snapshot._chunks)

    def render_chunks(
        self, snapshot: Snapshot[T], start: int, stop: int, bytes_max: int, comma: bool, keep: bool, /
    ) -> tuple[bytes, int]:
        """The texts of chunks of a snapshot from ``start`` on, and which chunk is next; see Projection.pieces."""
        if not 0 <= start <= stop <= self.chunk_count(snapshot):
            raise ValueError(f"Projection.pieces: the snapshot has no chunks {start} to {stop}")
        texts: list[bytes] = []
        size = 0
        while start < stop and size < max(bytes_max, 1):
            chunk = snapshot._chunks[start]
            text = self._chunk(chunk, keep) if any(chunk.records) else b""
            size += len(text)
            texts += [text] if text else []
            start += 1
        return (b"," if comma and texts else b"") + b",".join(texts), start

    def _chunk(self, chunk: Chunk, keep: bool) -> bytes:
        found = fragment_find(chunk, self._number)
        parts = [
            (b"" if record is None else self.render(record)) if part is None else part
            for part, record in zip(found, chunk.records, strict=True)
        ]
        if keep:
            fragment_keep(chunk, self._number, parts)
        return b",".join(filter(None, parts))

    def _frame(self, data: bytes, at: int, layout: int) -> tuple[Frame, int]:
        """Where the fields of the struct at ``at`` begin, and where it ends."""
        kind, count, at = head(data, at)
        count = count if kind == ARRAY else 0
        frame: Frame = []
        known = self._code[layout]
        for number in range(count):
            if number < known:
                frame.append(None if data[at] == 0xC0 else (data, at))
            at = skip(data, at)
        for default in self._code[layout + 1 + len(frame) : layout + 1 + known]:
            frame.append(None if default < 0 else (self._pool, default))
        return frame, at

    def _run(self, out: bytearray, at: int, words: int, frame: Frame) -> None:
        stop = at + words
        while at < stop:
            code = self._code[at : at + 7]
            size = SIZES[code[0]]
            at += size
            if code[0] <= DO_PART:
                if code[0] != DO_RAW:
                    write_comma(out)
                if code[0] != DO_PART:
                    out += self._pool[code[1] : code[1] + code[2]]
            elif code[0] == DO_SKIP:
                at += code[1]
            elif code[0] == DO_RAW_VALUE:
                field = frame[code[3]]
                text = b"null" if field is None else self._value(code, field)
                out += self._pool[code[1] : code[1] + code[2]] + text
            elif DO_ENTER <= code[0] <= DO_EACH_PAIR or code[0] in (DO_EACH_ROW, DO_ONLY):  # a row is a shortcut, in C
                self._run_inside(out, code, at, frame[code[1]])
                at += code[3]
            elif code[0] in UNLESS:
                at += code[size - 1] if self._is_unless(code, frame) else 0
            elif code[0] == DO_GROUPS:
                out += b"{"
                self._run_groups(out, code, at, frame[code[1]])
                out += b"}"
                at += code[6]
            elif code[0] == DO_KEY:
                write_comma(out)
                field = frame[code[1]]
                assert field is not None
                out += b'"' + escape(text_at(field)) + b'":'
            else:
                field = frame[code[1]]
                out += b"null" if field is None else self._value(code, field)

    def _run_inside(self, out: bytearray, code: list[int], at: int, field: Place | None) -> None:
        if field is None:
            return
        if code[0] == DO_ENTER:
            self._run(out, at, code[3], self._frame(*field, code[2])[0])
            return
        data, item = field
        _, count, item = head(data, item)
        if code[0] == DO_ONLY and count != 1:
            return
        for _ in range(count):
            if code[0] == DO_EACH_PAIR:
                write_comma(out)
                item = write_value(out, data, item)
                out += b":"
            if code[2] == 0:
                frame: Frame = [None if data[item] == 0xC0 else (data, item)]
                item = skip(data, item)
            else:
                frame, item = self._frame(data, item, code[2])
            self._run(out, at, code[3], frame)

    def _run_groups(self, out: bytearray, code: list[int], at: int, field: Place | None) -> None:
        groups: dict[bytes, list[Frame]] = {}
        for data, item in items_at(field) if field is not None else ():
            if data[item] != 0xC0:
                frame = self._frame(data, item, code[2])[0]
                groups.setdefault(self._text_of(frame, code[3]), []).append(frame)
        if code[4] >= 0:
            groups.pop(self._pool[code[4] : code[4] + code[5]], None)
        for name in sorted(groups):
            write_comma(out)
            out += b'"' + escape(name) + b'":['
            for frame in groups[name]:
                self._run(out, at, code[6], frame)
            out += b"]"

    def _is_unless(self, code: list[int], frame: Frame) -> bool:
        field = frame[code[1]]
        if code[0] == DO_UNLESS_DIFFERENT:
            other = frame[code[2]]
            if field is None or other is None:
                return field is other
            return is_same(*field, *other)
        if field is not None and code[0] == DO_UNLESS_TEXT:
            return text_at(field) != self._pool[code[2] : code[2] + code[3]]
        if field is not None and code[0] == DO_UNLESS_NUMBER:
            return bool(head(*field)[1] != code[2])
        if field is None or (code[0] == DO_UNLESS_TRUE and field[0][field[1]] == 0xC2):
            return True
        return code[0] == DO_UNLESS_FILLED and is_empty(field)

    def _value(self, code: list[int], field: Place) -> bytes:
        """What is written for a field that is there."""
        operation = code[0]
        if operation in (DO_FLOAT, DO_SCALED):
            return double(number_at(field) / 10.0 ** (code[2] if operation == DO_SCALED else 0))
        if operation == DO_CHOICE:
            name = code[3] + 2 * (head(*field)[1] - code[2])
            at, count = self._code[name : name + 2]
            return self._pool[at : at + count]
        if operation == DO_BASE64:
            return b'"' + base64.b64encode(text_at(field)) + b'"'
        if operation == DO_RANGES:
            return ranges_text(pairs_at(field))
        if operation == DO_SET:
            return set_text([field])
        if operation == DO_TALLY:
            return self._tally(field, code[2])
        write_value(out := bytearray(), *field)
        return bytes(out)

    def _tally(self, field: Place, at: int) -> bytes:
        stop = at + len(Spec._fields)
        spec = Spec(*self._code[at:stop])
        names = self._code[stop : stop + 2 * spec.first_count]
        first = [self._pool[at : at + count] for at, count in zip(names[::2], names[1::2], strict=True)]
        items = sorted(filter(None, [self._item(spec, first, place) for place in items_at(field)]))
        if spec.group < 0:
            return self._sums(spec, first, items)
        groups = itertools.groupby(items, key=lambda item: item.group)
        return b"{" + b",".join([b'"%b":%b' % (escape(name), self._sums(spec, first, list(group)))
                                 for name, group in groups]) + b"}"  # fmt: skip

    def _item(self, spec: Spec, first: list[bytes], place: Place) -> Item | None:
        data, at = place
        if data[at] == 0xC0:
            return None
        frame = self._frame(data, at, spec.layout)[0]
        if spec.where >= 0:
            chosen = frame[spec.where]
            text = self._pool[spec.where_text : spec.where_text + spec.where_count]
            if (chosen is not None and text_at(chosen) == text) != spec.where_same:
                return None
        sort, value = next(
            ((sort, value) for sort in (spec.scalar, spec.ranges, spec.texts) if (value := _there(frame, sort))),
            (-1, None),
        )
        if value is None:
            return None
        is_suffixed = _there(frame, spec.suffix_if) is not None
        name = self._text_of(frame, spec.name)
        rank = first.index(name) if name in first and not is_suffixed else len(first)
        if rank < len(first) and sort != spec.scalar:
            return None
        group = self._text_of(frame, spec.group) if spec.group >= 0 else b""
        return Item(group, rank, name, is_suffixed, at, sort, value)

    def _text_of(self, frame: Frame, number: int) -> bytes:
        place = frame[number]
        assert place is not None
        return text_at(place)

    def _sums(self, spec: Spec, first: list[bytes], items: list[Item]) -> bytes:
        """The object of items of one group, which are sorted."""
        suffix = self._pool[spec.suffix : spec.suffix + spec.suffix_count]
        found = {
            name: self._sum(spec, [item for item in items if item.rank == rank]) for rank, name in enumerate(first)
        }
        members = [b'"%b":%b' % (escape(name), amount) for name, amount in found.items()]
        others = [item for item in items if item.rank == len(first)]
        for (name, is_suffixed), group in itertools.groupby(others, key=lambda item: (item.name, item.is_suffixed)):
            key = escape(name) + (escape(suffix) if is_suffixed else b"")
            members.append(b'"%b":%b' % (key, self._sum(spec, list(group))))
        return b"{" + b",".join(members) + b"}"

    def _sum(self, spec: Spec, items: list[Item]) -> bytes:
        """What items with the same name are together, in the sort of the first."""
        values = [item.value for item in items if item.sort == items[0].sort]
        if not items or items[0].sort == spec.scalar:
            total = 0.0
            for value in values:  # one after the other, as the C core does
                total += number_at(value)
            return double(total / 10.0**spec.power)
        if items[0].sort == spec.ranges:
            return ranges_text([pair for value in values for pair in pairs_at(value)])
        return set_text(values)
