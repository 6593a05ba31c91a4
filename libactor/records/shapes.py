"""Shapes: what the bytes of a struct class look like, as a table that the core checks records against."""

# Who calls: RecordType, once for each struct class.
# A shape is a row: kind, whether nil will do, and where the rows of its parts are; parts come behind what they are
#   parts of, so a check that follows them ends. Rows of a struct's fields lie together, in the order of the fields.
# Refused, with the field's path: what msgpack has no one form for, what could be nested without end, what the decoder
#   checks beyond the shape (constraints, __post_init__): decoding never fails on what was accepted; and defaults that
#   do not fit, since projections write them unlooked at where a field was left out.
# Structs are arrays (array_like=True): keys in every record would be most of its bytes.
# Source: msgspec.inspect.

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Any, NamedTuple

import msgspec
import msgspec.inspect as inspect

from libactor._core._shape_check import Fault, ShapeCheck
from libactor._core._shapes import (
    ANY,
    ARRAY,
    BOOL,
    BYTES,
    CHOICE,
    FLOAT,
    INT,
    MAP,
    NESTING_MAX,
    NUMBER,
    ROW,
    STRUCT,
    TEXT,
    Shape,
)

ROWS_MAX = 65_536
CONSTRAINTS = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern")
SCALARS = {
    inspect.AnyType: ANY,
    inspect.BoolType: BOOL,
    inspect.IntType: INT,
    inspect.FloatType: FLOAT,
    inspect.StrType: TEXT,
    inspect.BytesType: BYTES,
}


class Table(NamedTuple):
    """The shapes of a struct class, and the numbers that its enumerations have."""

    shapes: tuple[Shape, ...]
    choices: tuple[int, ...]

    def pack(self) -> tuple[bytes, bytes]:
        """Both as the C core takes them."""
        rows = [ROW.pack(row.kind, row.nullable, row.least, row.first, row.count) for row in self.shapes]
        return b"".join(rows), b"".join(map(NUMBER.pack, self.choices))


class _Open(NamedTuple):
    """A row that is still to be filled in."""

    number: int
    info: inspect.Type
    path: str
    within: tuple[type, ...]  # the structs that it is a part of
    nesting: int


def table_of(kind: type) -> Table:
    """The shapes of ``kind``, a struct class. Raises: TypeError, with the path of the field that will not do."""
    rows: list[Shape] = [Shape(ANY)]
    choices: list[int] = []
    optional: list[tuple[_Open, inspect.Field]] = []
    try:
        info = inspect.type_info(kind)
    except (TypeError, NameError, NotImplementedError) as error:
        raise TypeError(f"RecordType: {kind.__name__} is no type that msgspec can decode: {error}") from None
    open_rows = deque([_Open(0, info, kind.__name__, (), 1)])
    while open_rows:
        row = open_rows.popleft()
        info, nullable = _without_nil(row)
        if row.nesting > NESTING_MAX or len(rows) > ROWS_MAX:
            raise _refusal(row, f"is nested more than {NESTING_MAX} deep, or there are more than {ROWS_MAX} fields")
        rows[row.number] = shape = _shape(row, info, nullable, len(rows), choices)
        parts = _parts(row, info, shape)
        rows += [Shape(ANY)] * len(parts)
        open_rows.extend(parts)
        if isinstance(info, inspect.StructType):
            optional += [one for one in zip(parts, info.fields, strict=True) if not one[1].required]
    table = Table(tuple(rows), tuple(choices))
    for part, field in optional:
        _check_default(part, field, table)
    return table


def _refusal(row: _Open, reason: str) -> TypeError:
    path = row.path if len(row.path) <= 200 else f"{row.path[:200]}..."
    return TypeError(f"RecordType: {path} {reason}")


def bare(info: inspect.Type) -> inspect.Type:
    """A type without the annotations around it that are not for us."""
    while isinstance(info, inspect.Metadata):
        info = info.type
    return info


def _without_nil(row: _Open) -> tuple[inspect.Type, bool]:
    info = bare(row.info)
    if not isinstance(info, inspect.UnionType):
        return info, False
    others = [bare(one) for one in info.types if not isinstance(one, inspect.NoneType)]
    if len(others) != 1:
        raise _refusal(row, "is a union; expected one type, or one and None")
    return others[0], len(others) < len(info.types)


def _shape(row: _Open, info: inspect.Type, nullable: bool, first: int, choices: list[int]) -> Shape:
    """The row of ``info``, whose parts will begin at ``first``."""
    _check_unconstrained(row, info)
    if type(info) in SCALARS:
        return Shape(SCALARS[type(info)], nullable)
    if isinstance(info, inspect.EnumType):
        return Shape(CHOICE, nullable, 0, _add_choices(row, info.cls, choices), len(info.cls))
    if isinstance(info, inspect.StructType):
        _check_struct(row, info)
        least = max((n for n, field in enumerate(info.fields, 1) if field.required), default=0)
        return Shape(STRUCT, nullable, least, first, len(info.fields), tuple([field.name for field in info.fields]))
    if isinstance(info, inspect.ListType | inspect.VarTupleType):
        return Shape(ARRAY, nullable, 0, first)
    if isinstance(info, inspect.DictType) and isinstance(bare(info.key_type), inspect.StrType):
        _check_unconstrained(row, bare(info.key_type))
        return Shape(MAP, nullable, 0, first)
    raise _refusal(
        row,
        f"is of a type with no one form in msgpack: {_name_of(info)}; expected numbers, "
        "texts, bytes, enumerations of numbers, structs, tuple[X, ...], list[X], dict[str, X] or Any",
    )


def _name_of(info: inspect.Type) -> str:
    return info.cls.__name__ if isinstance(info, inspect.CustomType) else type(info).__name__.removesuffix("Type")


def _check_unconstrained(row: _Open, info: inspect.Type) -> None:
    found = [name for name in CONSTRAINTS if getattr(info, name, None) is not None]
    if found:
        raise _refusal(
            row, f"has the constraint {found[0]}, which is not checked on arrival; check it where it is used"
        )


def _check_struct(row: _Open, info: inspect.StructType) -> None:
    name = info.cls.__name__
    if not info.array_like or info.tag is not None:
        raise _refusal(row, f"is a {name}; expected a struct that is array_like, without a tag: array_like=True")
    if info.forbid_unknown_fields or hasattr(info.cls, "__post_init__"):
        raise _refusal(row, f"is a {name}, which may refuse what fits it: by forbid_unknown_fields or __post_init__")
    if info.cls in row.within:
        raise _refusal(row, f"is a {name} within a {name}; a record cannot hold itself")


def _check_default(row: _Open, field: inspect.Field, table: Table) -> None:
    factory: Any = field.default_factory
    default = factory() if callable(factory) else field.default
    shapes = (Shape(STRUCT, least=1, first=row.number, count=1), *table.shapes[1:])
    try:
        data = msgspec.msgpack.encode([default])
        ShapeCheck(data, 0, len(data), shapes, table.choices).check((), True)
    except (Fault, TypeError, ValueError, OverflowError, RecursionError):
        raise _refusal(row, f"has the default {default!r:.100}, which is no value of its type") from None


def _parts(row: _Open, info: inspect.Type, shape: Shape) -> list[_Open]:
    """The rows that follow, of the fields of a struct or of the items of others."""
    within, nesting = row.within, row.nesting + 1
    if isinstance(info, inspect.StructType):
        return [
            _Open(shape.first + n, field.type, f"{row.path}.{field.name}", (*within, info.cls), nesting)
            for n, field in enumerate(info.fields)
        ]
    if isinstance(info, inspect.DictType):
        return [_Open(shape.first, info.value_type, f"{row.path}{{}}", within, nesting)]
    if isinstance(info, inspect.ListType | inspect.VarTupleType):
        return [_Open(shape.first, info.item_type, f"{row.path}[]", within, nesting)]
    return []


def _add_choices(row: _Open, kind: type[Enum], choices: list[int]) -> int:
    numbers: list[Any] = [member.value for member in kind]
    if not all(type(number) is int and -(2**63) <= number < 2**63 for number in numbers):
        raise _refusal(row, f"is a {kind.__name__}; expected an enumeration of whole numbers of 64 bits")
    choices += numbers
    return len(choices) - len(numbers)
