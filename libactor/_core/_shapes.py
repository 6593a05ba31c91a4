"""Shapes: what the bytes of a record have to look like, and what is said of those that do not. Twin: csrc/shape.h."""

# Who calls: libactor/records compiles the shapes of a struct class; _shape_check.py goes by them.
# A shape is a row: kind, whether nil will do, and where the rows of its parts are. Numbers as in csrc/shape.h.

from __future__ import annotations

import struct
from typing import NamedTuple

ANY, BOOL, INT, FLOAT, TEXT, BYTES, CHOICE, ARRAY, STRUCT, MAP = range(10)
NONE, CUT, KIND, UTF8, OTHER_CHOICE, SHORT, DEEP, KEY, BEHIND, LARGE, NO_ARRAY = range(11)  # faults

NESTING_MAX = 64  # of shapes in one another
ANY_NESTING_MAX = 32  # of what may be anything
HOT_MAX = 16  # fields of a record whose places are kept
FIELDS_MAX = 254
BYTES_MAX = 2**31 - 1  # of a record, whatever its kind

ROW = struct.Struct("=BBHII")  # kind, nullable, least, first, count
NUMBER = struct.Struct("=q")  # of a choice

_EXPECTED = {
    ANY: "a value of msgpack without extensions",
    BOOL: "a bool",
    INT: "an int",
    FLOAT: "a number",
    TEXT: "a text",
    BYTES: "bytes",
    CHOICE: "the number of an enumeration's member",
    ARRAY: "an array",
    STRUCT: "a struct, as an array",
    MAP: "a map",
}


class Shape(NamedTuple):
    """What a value has to look like."""

    kind: int
    nullable: bool = False  # nil will do as well
    least: int = 0  # of a STRUCT: fields that are there in every one
    first: int = 0  # STRUCT: the row of its first field; ARRAY, MAP: that of the items; CHOICE: among the choices
    # STRUCT: fields; CHOICE: how many numbers
    count: int = 0  # type: ignore[assignment]  # nobody asks how often something is in a row
    names: tuple[str, ...] = ()  # of the fields of a struct


class RecordError(ValueError):
    """Bytes that are no record: what is wrong with them, and where.

    ``path`` is that of the value, such as ``Task.statuses[3].state``; ``offset`` is where it is in the bytes.
    """

    def __init__(self, path: str, offset: int, reason: str) -> None:
        super().__init__(f"record: {path}, at byte {offset}: {reason}")
        self.path = path
        self.offset = offset
        self._reason = reason

    def __reduce__(self) -> tuple[type[RecordError], tuple[str, int, str]]:
        """As an exception of three arguments: it is copied and pickled."""
        return type(self), (self.path, self.offset, self._reason)


def describe(fault: int, shape: Shape | None, bytes_max: int) -> str:
    """What is wrong, and what was expected there."""
    expected = _EXPECTED[ANY if shape is None else shape.kind]
    if shape is not None and shape.nullable:
        expected += " or nil"
    return {
        CUT: f"the bytes end before {expected} does",
        KIND: f"expected {expected}",
        UTF8: "got a text that is no UTF-8",
        OTHER_CHOICE: "got a number of no member of the enumeration",
        SHORT: f"got too few fields, expected {shape.least if shape else 0} at least",
        DEEP: f"is nested more than {ANY_NESTING_MAX} deep",
        KEY: "got a key that is no text",
        BEHIND: "bytes follow the end of the record",
        LARGE: f"is larger than {bytes_max} bytes",
        NO_ARRAY: "expected an array of records",
    }[fault]
