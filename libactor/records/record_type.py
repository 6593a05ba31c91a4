"""RecordType: a struct class as records, which are kept as bytes and read where somebody looks."""

# Who calls: whoever keeps many messages of one class.
# A record is made from bytes that were checked against the class when they arrived, so that neither reading a field,
#   nor decoding, nor rendering finds them wrong later. docs/records.md has the format, and who owns and copies what.

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import msgspec

from libactor._core._impl import Record, RecordKind
from libactor._core._shapes import ANY, CHOICE, FIELDS_MAX, HOT_MAX, STRUCT, RecordError, describe
from libactor._core._shapes import BYTES_MAX as BYTES_MOST
from libactor._core.layouts import is_struct
from libactor.records.shapes import Table, table_of

T = TypeVar("T", bound=msgspec.Struct)

_encode = msgspec.msgpack.Encoder().encode

BYTES_MAX = 64 * 1024 * 1024
RESERVED = (
    "decode",
    "kind",
    "replace",
    "_bytes",
    "_offsets",
    "_is_protocol",
)  # what a record itself has, be it in C or in Python


class RecordType(RecordKind[T]):
    """Records of the struct class ``kind``; ``hot`` are the fields that are found without a search.

    ``kind`` is array_like, as are the structs in it. It may grow at its end by fields with defaults: records of an
    older or newer version are read alike, and keep what is not known.
    Cost: a record is its bytes, about 70 more, and 4 for each hot field. Reading a field that is not hot passes over
    those before it.
    Raises: TypeError for a class that will not do, with the path of the field.
    """

    struct: type[T]
    table: Table

    def __new__(cls, kind: type[T], *, hot: Sequence[str] = (), bytes_max: int = BYTES_MAX) -> RecordType[T]:
        """Compile the class."""
        if not (isinstance(cast(Any, kind), type) and is_struct(kind)):
            raise TypeError(f"RecordType: got {kind!r}, expected a struct class of msgspec")
        table = table_of(kind)
        names = kind.__struct_fields__
        _check_names(kind, names, hot)
        if not isinstance(cast(Any, bytes_max), int) or not 0 < bytes_max <= BYTES_MOST:
            raise ValueError(f"RecordType: got bytes_max {bytes_max!r}, expected 1 to {BYTES_MOST}")
        fields = msgspec.structs.fields(kind)
        shapes, choices = table.pack()
        self: RecordType[T] = super().__new__(
            cls,
            kind.__name__,
            names,
            shapes,
            choices,
            tuple(sorted(names.index(name) for name in hot)),
            tuple(_reader(table, n, field.type) for n, field in enumerate(fields)),
            tuple(map(_default, fields)),
            msgspec.msgpack.Decoder(kind).decode,
            _encode,
            _Refusal(kind.__name__, table, bytes_max),
            bytes_max,
        )
        self.struct = kind
        self.table = table
        return self

    def __init__(self, kind: type[T], *, hot: Sequence[str] = (), bytes_max: int = BYTES_MAX) -> None:
        """See __new__."""

    def pack(self, value: T) -> Record[T]:
        """The record of a struct.

        Raises: TypeError for one of another class; RecordError for contents of other types; what msgspec raises for
        those that have no msgpack, such as OverflowError for a number of more than 64 bits.
        """
        if type(value) is not self.struct:
            raise TypeError(f"RecordType.pack: got {type(value).__name__}, expected {self.name}")
        return self.read(_encode(value))

    def __repr__(self) -> str:
        return f"RecordType({self.name})"


def _check_names(kind: type[Any], names: tuple[str, ...], hot: Sequence[str]) -> None:
    if not 0 < len(names) <= FIELDS_MAX:
        raise TypeError(f"RecordType: {kind.__name__} has {len(names)} fields, expected 1 to {FIELDS_MAX}")
    if not isinstance(cast(Any, hot), tuple | list) or len(hot) > HOT_MAX:
        raise TypeError(f"RecordType: got hot fields {hot!r}, expected a tuple of at most {HOT_MAX} names")
    for name in names:
        if name in RESERVED or name.startswith("__"):
            raise TypeError(
                f"RecordType: {kind.__name__}.{name} has the name of something that records have; rename it"
            )
    for name in hot:
        if name not in names or list(hot).count(name) > 1:
            raise TypeError(f"RecordType: got hot field {name!r}, expected fields of {kind.__name__}, each once")


def _reader(table: Table, number: int, kind: Any) -> Callable[[bytes], Any] | None:
    """What makes the value of a field from its bytes; None for those that the core knows."""
    shape = table.shapes[table.shapes[0].first + number]
    if shape.kind == ANY or shape.kind >= CHOICE:
        decode: Callable[[bytes], Any] = msgspec.msgpack.Decoder(kind).decode
        return decode
    return None


def _default(field: msgspec.structs.FieldInfo) -> Callable[[], Any]:
    """What makes the value of a field that was left out."""
    if callable(field.default_factory):
        factory: Callable[[], Any] = field.default_factory
        return factory
    value = field.default
    return lambda: value


class _Refusal:
    """Makes the error for bytes that are no record."""

    def __init__(self, name: str, table: Table, bytes_max: int) -> None:
        self._name = name
        self._table = table
        self._bytes_max = bytes_max

    def __call__(self, fault: int, offset: int, steps: tuple[int, ...]) -> RecordError:
        path, shape = self._name, self._table.shapes[0]
        known = True
        for step in steps:
            if known and shape.kind == STRUCT and step < shape.count:
                path += f".{shape.names[step]}"
                shape = self._table.shapes[shape.first + step]
            else:
                path += f"[{step}]"
                known = known and shape.kind not in (STRUCT, ANY)
                shape = self._table.shapes[shape.first] if known else shape
        return RecordError(path, offset, describe(fault, shape if known else None, self._bytes_max))
