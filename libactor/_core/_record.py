"""Record: the bytes of one message, checked once, and read where somebody looks. Twin: csrc/record.c."""

# Who calls: libactor/records, which compiles the shapes of a struct class.
# A record is msgpack: the fields of a struct as an array, in their order. What is more than we know is of a newer
#   version: checked to be well formed, kept, and never looked at.
# Invariants: 1. bytes that are a record fit its shapes, so nothing finds them wrong later.    2. it never changes.
# Rejected: structs (700 bytes and a dozen objects for the garbage collector where a record has one and none); dicts
#   (five times as much); decoding on arrival, most of which nobody ever looks at. docs/records.md has the figures.
# Layout: records (csrc/record.c, csrc/record_replace.c); their kinds (csrc/record_kind.c, csrc/record_array.c).

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NoReturn, TypeVar, final

from libactor._core import _msgpack as msgpack
from libactor._core._shape_check import Fault, ShapeCheck
from libactor._core._shapes import (
    ANY,
    ARRAY,
    BEHIND,
    BYTES_MAX,
    CHOICE,
    CUT,
    FIELDS_MAX,
    FLOAT,
    HOT_MAX,
    LARGE,
    MAP,
    NESTING_MAX,
    NO_ARRAY,
    NUMBER,
    ROW,
    STRUCT,
    Shape,
)

FIELDS_SHOWN = 16  # in an error
COLUMNS_MAX = 16
T = TypeVar("T")  # the struct class
T_co = TypeVar("T_co", covariant=True)


@final
class Record(Generic[T_co]):
    """The bytes of one message: checked when they arrived, never changed, read field by field.

    Its fields are attributes. len() is the number of its bytes. Made by the ``read`` of its kind.
    """

    __slots__ = ("_bytes", "_offsets", "kind")

    kind: RecordKind[T_co]
    _bytes: bytes
    _offsets: list[int]  # of the hot fields, 0: left out

    def __init__(self) -> None:
        raise TypeError("cannot create 'libactor.records.Record' instances")

    def __getattr__(self, name: str) -> Any:
        number = self.kind._places.get(name)
        if number is None:
            raise AttributeError(self.kind._no_field(name))
        return self.kind._value(self, number)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise _unchanged(self.kind.name, name, "set")

    def __delattr__(self, name: str) -> NoReturn:
        raise _unchanged(self.kind.name, name, "deleted")

    def __eq__(self, other: object) -> bool:
        if type(other) is not Record or other.kind is not self.kind:
            return NotImplemented
        return self._bytes == other._bytes

    def __hash__(self) -> int:
        return hash(self._bytes)

    def __len__(self) -> int:
        return len(self._bytes)

    def __bytes__(self) -> bytes:
        return self._bytes

    def __repr__(self) -> str:
        kind = self.kind
        return f"<{kind.name} record, {kind.names[0]}={kind._value(self, 0)!r}, {len(self)} bytes>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            f"a record of {self.kind.name} cannot be pickled or copied by its state; keep bytes(record), and make it "
            "again with the read() of its kind"
        )

    def __copy__(self) -> Record[T_co]:
        return self

    def __deepcopy__(self, memo: object) -> Record[T_co]:
        return self

    def decode(self) -> T_co:
        """The struct that it is the bytes of: a new one each time."""
        return self.kind._decode(self._bytes)

    def replace(self, /, *unnamed: Any, **changed: Any) -> Record[T_co]:
        """A record with these fields changed, and the others as they are, bytes of newer versions included.

        What was left out before a changed field has its default there.
        Raises: TypeError for what is no field; for values, what pack does.
        """
        if unnamed:
            raise TypeError(f"Record.replace: got {len(unnamed)} values without a name, expected field=value")
        return self.kind._replaced(self, changed) if changed else self


class RecordKind(Generic[T]):
    """What records of one kind look like; see libactor.records.RecordType."""

    def __new__(
        cls,
        name: str,
        names: tuple[str, ...],
        shapes: bytes,
        choices: bytes,
        hot: tuple[int, ...],
        readers: tuple[Callable[[bytes], Any] | None, ...],
        defaults: tuple[Callable[[], Any], ...],
        decode: Callable[[Any], T],
        encode: Callable[[Any], bytes],
        refuse: Callable[[int, int, tuple[int, ...]], Exception],
        bytes_max: int,
    ) -> Any:
        """Of ``readers`` None: the core makes the value. ``refuse`` makes the error of fault, offset and path."""
        if not 1 <= bytes_max <= BYTES_MAX:
            raise ValueError(f"RecordKind: bytes_max is {bytes_max}, expected 1 to {BYTES_MAX}")
        for rows, row in ((shapes, ROW), (choices, NUMBER)):
            if len(rows) % row.size:
                raise ValueError(f"RecordKind: got {len(rows)} bytes, expected a multiple of {row.size}")
        self = object.__new__(cls)
        self._shapes = [Shape(kind, bool(nil), *rest) for kind, nil, *rest in ROW.iter_unpack(shapes)]
        self._choices = [number for (number,) in NUMBER.iter_unpack(choices)]
        _check_shapes(self._shapes, len(self._choices))
        fields = self._shapes[0].count
        if not len(names) == len(readers) == len(defaults) == fields:
            raise ValueError("RecordKind: names, readers and defaults have to be as many as fields")
        if list(hot) != sorted(set(hot)) or len(hot) > HOT_MAX or not all(0 <= number < fields for number in hot):
            raise ValueError(f"RecordKind: hot is {hot}, expected at most {HOT_MAX} numbers of fields, ascending")
        self.name, self.names, self._hot, self._bytes_max = name, names, hot, bytes_max
        self._readers, self._defaults, self._refuse = readers, defaults, refuse
        self._decode, self._encode = decode, encode
        self._places = {name: number for number, name in enumerate(names)}
        return self

    name: str
    names: tuple[str, ...]
    _shapes: list[Shape]
    _choices: list[int]
    _hot: tuple[int, ...]
    _readers: tuple[Callable[[bytes], Any] | None, ...]
    _defaults: tuple[Callable[[], Any], ...]
    _decode: Callable[[Any], T]
    _encode: Callable[[Any], bytes]
    _refuse: Callable[[int, int, tuple[int, ...]], Exception]
    _bytes_max: int
    _places: dict[str, int]

    def read(self, data: Any, /) -> Record[T]:
        """The record of these bytes, which are copied: msgpack of one struct.

        Raises: RecordError, which names offset and path, for anything else; TypeError for what has no bytes.
        """
        return self._read_one(msgpack.bytes_of(data), 0, True)[0]

    def read_all(self, data: Any, /) -> list[Record[T]]:
        """The records that stand behind one another in ``data``; see read."""
        whole, at, records = msgpack.bytes_of(data), 0, []
        while at < len(whole):
            record, at = self._read_one(whole, at, False)
            records.append(record)
        return records

    def read_array(self, data: bytes, fields: tuple[str, ...] = (), /) -> tuple[list[Record[T]], tuple[list[Any], ...]]:
        """The records of an array in msgpack, and the values of ``fields`` of them: (records, a list for each field).

        Nothing is copied: a record holds ``data``, bytes, as long as it lives. A value is what the attribute is, but of
        an array, a map, a struct or Any its bytes, None if it is left out; of equal ones many are one object.
        Raises: RecordError, as read does, and for what is no such array; TypeError for what is no bytes, or no field.
        """
        if type(data) is not bytes:
            raise TypeError(f"read_array: got {type(data).__name__:.100}, expected bytes")
        numbers = self._columns(fields)
        kind, count, at = msgpack.head(data, 0, len(data))
        if kind != msgpack.ARRAY:
            raise self._refuse(CUT if kind == msgpack.CUT else NO_ARRAY, 0, ())
        records, columns = [], tuple([list[Any]() for _ in numbers])
        seen: dict[tuple[int, bytes], Any] = {}
        for _ in range(count):
            record, at = self._read_one(data, at, False)
            records.append(record)
            for number, column in zip(numbers, columns, strict=True):
                column.append(self._column_value(record, number, seen))
        if at < len(data):
            raise self._refuse(BEHIND, at, ())
        return records, columns

    def _columns(self, fields: Any) -> list[int]:
        """The numbers of fields. Raises: TypeError."""
        is_wrong = type(fields) is not tuple or len(fields) > COLUMNS_MAX
        for name in [fields] if is_wrong else fields:
            if is_wrong or type(name) is not str or name not in self._places:
                expected = f"at most {COLUMNS_MAX} names of fields of {self.name}"
                raise TypeError(f"read_array: got fields with {name!r}, expected {expected}")
        return [self._places[name] for name in fields]

    def _column(self, records: list[Record[T]], name: str) -> list[Any]:
        """The values of a field of records, as read_array gives them. Raises: TypeError."""
        if name not in self._places:
            raise TypeError(self._no_field(name))
        seen: dict[tuple[int, bytes], Any] = {}
        return [self._column_value(record, self._places[name], seen) for record in records]

    def _column_value(self, record: Record[T], number: int, seen: dict[tuple[int, bytes], Any]) -> Any:
        """The value of a field as read_array gives it; of ``seen`` if it was there before."""
        at, kind = self._place(record, number), self._shapes[self._shapes[0].first + number].kind
        is_document = kind == ANY or kind > CHOICE
        if at is None:
            return None if is_document else self._defaults[number]()
        key = (number, record._bytes[at : msgpack.skip(record._bytes, at)])
        if key not in seen:
            seen[key] = key[1] if is_document else self._value(record, number)
        return seen[key]

    def _read_one(self, data: bytes, start: int, is_last: bool) -> tuple[Record[T], int]:
        end = min(len(data), start + self._bytes_max)  # what is larger is cut there
        check = ShapeCheck(data, start, end, self._shapes, self._choices)
        try:
            offsets = check.check(self._hot, is_last)
            if is_last and check.at < len(data):
                raise Fault(BEHIND, check.at)
        except Fault as fault:
            number = LARGE if fault.fault == CUT and end < len(data) else fault.fault
            raise self._refuse(number, fault.at - start, tuple(reversed(fault.steps))) from None
        record: Record[T] = object.__new__(Record)
        object.__setattr__(record, "kind", self)
        object.__setattr__(record, "_bytes", data[start : check.at])
        object.__setattr__(record, "_offsets", offsets)
        return record, check.at

    def _replaced(self, record: Record[T], changed: dict[str, Any]) -> Record[T]:
        values = {}
        for name, value in changed.items():
            if name not in self._places:
                raise TypeError(self._no_field(name))
            values[self._places[name]] = self._encode(value)
        data = record._bytes
        _, count, at = msgpack.head(data, 0, len(data))
        for number in range(count, max(values) + 1):
            if number not in values:
                values[number] = self._encode(self._defaults[number]())
        fields = [data[:at] if max(values) < count else msgpack.array_head(max(values) + 1)]
        for number in range(max(count, max(values) + 1)):
            past = msgpack.skip(data, at) if number < count else at
            fields.append(values.get(number, data[at:past]))
            at = past
        return self.read(b"".join(fields))

    def _no_field(self, name: str) -> str:
        names, more = self.names, len(self.names) - FIELDS_SHOWN
        fields = ", ".join(names[:FIELDS_SHOWN]) + (f" and {more} more" if more > 0 else "")
        return f"a record of {self.name} has no field '{name:.100}'; it has {fields}"

    def _place(self, record: Record[T], number: int) -> int | None:
        """Where the value of a field begins; None if it is left out."""
        if number in self._hot:
            return record._offsets[self._hot.index(number)] or None
        _, count, at = msgpack.head(record._bytes, 0, len(record._bytes))
        if number >= count:
            return None
        for _ in range(number):
            at = msgpack.skip(record._bytes, at)
        return at

    def _value(self, record: Record[T], number: int) -> Any:
        at, reader = self._place(record, number), self._readers[number]
        if at is None:
            return self._defaults[number]()
        data = record._bytes
        if reader is not None and data[at] != 0xC0:
            return reader(data[at : msgpack.skip(data, at)])
        kind, value, past = msgpack.head(data, at, len(data))
        if kind in (msgpack.TEXT, msgpack.BYTES):
            content = data[past : past + value]
            return str(content, "utf-8") if kind == msgpack.TEXT else content
        is_float = self._shapes[self._shapes[0].first + number].kind == FLOAT
        return float(value) if is_float and kind == msgpack.INT else value


def refused_other(kind: RecordKind[Any], call: str, given: Any) -> TypeError:
    """The error of ``call``, which got something else than a record of ``kind``."""
    got = f"a record of another RecordType({given.kind.name})" if type(given) is Record else type(given).__name__
    return TypeError(
        f"{call}: got {got}, expected a record of {kind.name}; make one by the pack() of a struct, or the read() of "
        "bytes, of its RecordType"
    )


def _unchanged(kind: str, name: str, done: str) -> AttributeError:
    return AttributeError(
        f"a record of {kind} never changes: '{name:.100}' cannot be {done}; replace() gives a changed copy"
    )


def _check_shapes(shapes: list[Shape], choices: int) -> None:
    """Shapes only name shapes and choices that are there, and parts behind themselves; so that no check goes astray."""
    nesting = [1] * len(shapes)
    for number, shape in enumerate(shapes):
        parts = shape.count if shape.kind in (STRUCT, CHOICE) else 1
        is_bad = shape.kind > MAP or (shape.kind == CHOICE and shape.first + parts > choices)
        if ARRAY <= shape.kind <= MAP:
            is_bad = shape.first + parts > len(shapes) or (shape.first <= number and parts > 0)
        if is_bad:
            raise ValueError(f"RecordKind: shape {number} names what is not there, or what is before it")
        for part in range(shape.first, shape.first + parts) if shape.kind >= ARRAY else ():
            nesting[part] = max(nesting[part], nesting[number] + 1)
    if not shapes or shapes[0].kind != STRUCT or not 0 < shapes[0].count <= FIELDS_MAX:
        raise ValueError(f"RecordKind: the first shape has to be a struct of 1 to {FIELDS_MAX} fields")
    if max(nesting) > NESTING_MAX:
        raise ValueError(f"RecordKind: shapes are nested more than {NESTING_MAX} deep")
