"""TypeCheck: whether a value that somebody else has made is what its struct class declares, all in it included."""

# Who calls: whoever gets structs from others and would rely on their types: a struct does not look at its fields when
#   it is made, and what comes from another program was not compared with them either.
# The class is compiled to rows, which the core goes by. What msgspec would make of a value by its encoder and its
#   decoder is, where it fits, the value itself, in a tenth of the time. It does not fit where the decoder has more to
#   say: types that it makes anew (lists, dicts, Any), constraints; and structs that can be changed later.
# A class that checks itself when it is made (__post_init__) has done so.

from __future__ import annotations

import enum
from collections import deque
from typing import Any, Generic, TypeVar, cast

import msgspec
import msgspec.inspect as inspect

from libactor._core._impl import TypeCheckCell
from libactor._core._type_check import BOOL, BYTES, FLOAT, INT, ITEMS, MEMBER, NEVER, STRUCT, TEXT, TUPLE, UNION, Row
from libactor._core.layouts import find_layout, is_struct
from libactor.records.shapes import CONSTRAINTS, bare

T = TypeVar("T", bound=msgspec.Struct)

_SCALARS = {
    inspect.BoolType: BOOL,
    inspect.IntType: INT,
    inspect.FloatType: FLOAT,
    inspect.StrType: TEXT,
    inspect.BytesType: BYTES,
}


class TypeCheck(TypeCheckCell, Generic[T]):
    """Looks at values of the struct class ``kind``: ``fits(value)`` is whether all is of exactly the declared types.

    Exactly: no instances of subclasses, no int for a float. Texts are UTF-8, ints have 64 bits. So what fits can be
    encoded, and comes back the same. False means that it is not so, or that it cannot be told: of lists, dicts,
    what may be anything, structs that are not frozen, and fields with constraints.
    Cost: some 10 ns a field.
    Raises: TypeError for no struct class, or one whose types are not known.
    """

    def __new__(cls, kind: type[T]) -> TypeCheck[T]:
        """Compile the class."""
        if not (isinstance(cast(Any, kind), type) and is_struct(kind)):
            raise TypeError(f"TypeCheck: got {kind!r}, expected a struct class of msgspec")
        try:
            info = inspect.type_info(kind)
        except (NameError, NotImplementedError) as error:
            raise TypeError(f"TypeCheck: {kind.__name__} is no type that msgspec can decode: {error}") from None
        return cast("TypeCheck[T]", super().__new__(cls, _rows_of(info)))

    def __init__(self, kind: type[T]) -> None:
        """See __new__."""


def _rows_of(info: inspect.Type) -> tuple[Row, ...]:
    """The rows of a type; those of the fields of a class are there once, however often it is met."""
    rows = [Row(NEVER)]
    known: dict[type, Row] = {}
    waiting = deque([(0, info)])
    while waiting:
        number, info = waiting.popleft()
        kinds, nullable = _without_none(info)
        row, parts = _row(kinds, len(rows))
        if row.kind == STRUCT:
            if row.of in known:
                row, parts = known[row.of], []
            known[row.of] = row
        rows[number] = row._replace(nullable=nullable)
        waiting.extend(enumerate(parts, len(rows)))
        rows += [Row(NEVER)] * len(parts)
    return tuple(rows)


def _without_none(info: inspect.Type) -> tuple[list[inspect.Type], bool]:
    """The types that a value may be of, and whether it may be None."""
    info = bare(info)
    kinds = [bare(kind) for kind in info.types] if isinstance(info, inspect.UnionType) else [info]
    others = [kind for kind in kinds if not isinstance(kind, inspect.NoneType)]
    return others, len(others) < len(kinds)


def _row(kinds: list[inspect.Type], first: int) -> tuple[Row, list[inspect.Type]]:
    """The row of what is of one of these types, and the types of its parts, whose rows will begin at ``first``."""
    if len(kinds) != 1:
        return Row(UNION, first=first, parts=len(kinds)), kinds
    info = kinds[0]
    if any(getattr(info, name, None) is not None for name in CONSTRAINTS):
        return Row(NEVER), []
    if isinstance(info, inspect.EnumType) and not issubclass(info.cls, enum.Flag):
        return Row(MEMBER, of=tuple(info.cls)), []
    if isinstance(info, inspect.VarTupleType):
        return Row(ITEMS, first=first), [info.item_type]
    if isinstance(info, inspect.TupleType):
        return Row(TUPLE, first=first, parts=len(info.item_types)), list(info.item_types)
    if isinstance(info, inspect.StructType):
        return _struct_row(info, first)
    return Row(_SCALARS.get(type(info), NEVER)), []


def _struct_row(info: inspect.StructType, first: int) -> tuple[Row, list[inspect.Type]]:
    layout = find_layout(info.cls)
    if layout is None or layout.state is not None or not layout.frozen:
        return Row(NEVER), []
    places = {slot.__name__: slot for slot in layout.slots}
    slots = tuple([places[field.name] for field in info.fields])
    return Row(STRUCT, of=info.cls, first=first, parts=len(slots), slots=slots), [field.type for field in info.fields]
