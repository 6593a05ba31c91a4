"""Whether all in a value is of exactly the types that a struct class declares. Twin: csrc/type_check.c."""

# Who calls: libactor/records/type_check.py makes the rows of a class; whoever gets values from others asks `fits`.
# No code of any class runs: fields are read by their descriptors.

from __future__ import annotations

from types import MemberDescriptorType
from typing import Any, NamedTuple

NEVER, BOOL, INT, FLOAT, TEXT, BYTES, MEMBER, ITEMS, TUPLE, STRUCT, UNION = range(11)  # as in csrc/type_check.c
NESTING_MAX = 64  # of values in one another

_EXACT = {BOOL: bool, INT: int, FLOAT: float, TEXT: str, BYTES: bytes, ITEMS: tuple, TUPLE: tuple}


class Row(NamedTuple):
    """What a value has to be. Rows of its parts lie together, from ``first`` on."""

    kind: int
    nullable: bool = False  # None will do as well
    of: Any = None  # of a STRUCT its class, of a MEMBER a tuple of all there are
    first: int = 0  # of ITEMS one row for all of them
    parts: int = 0  # how many; of TUPLE, STRUCT and UNION
    slots: tuple[MemberDescriptorType, ...] = ()  # of a STRUCT those of its fields


class TypeCheckCell:
    """Looks at values of one type; see libactor.records.TypeCheck."""

    def __new__(cls, rows: tuple[Row, ...]) -> Any:
        """Go by ``rows``, the first of which is that of the whole."""
        self = super().__new__(cls)
        self._rows = rows
        return self

    _rows: tuple[Row, ...]

    def fits(self, value: Any, /) -> bool:
        """Whether a value, and all in it, is of exactly the types that are declared."""
        return self._fits(self._rows[0], value, 0)

    def _fits(self, row: Row, value: Any, nesting: int) -> bool:
        if value is None:
            return row.nullable
        kind: Any = type(value)
        if row.kind == NEVER or nesting > NESTING_MAX or kind is not _EXACT.get(row.kind, kind):
            return False
        if row.kind == INT:
            return -(2**63) <= int(value) < 2**63
        if row.kind == TEXT:
            return not any("\ud800" <= character <= "\udfff" for character in value)
        if row.kind == MEMBER:
            return any(value is member for member in row.of)
        return row.kind < ITEMS or self._parts_fit(row, value, nesting + 1)

    def _parts_fit(self, row: Row, value: Any, nesting: int) -> bool:
        if row.kind == ITEMS:
            return all(self._fits(self._rows[row.first], item, nesting) for item in value)
        parts = self._rows[row.first : row.first + row.parts]
        if row.kind == UNION:
            return any(self._fits(part, value, nesting) for part in parts)
        if row.kind == STRUCT:
            if type(value) is not row.of:
                return False
            try:
                value = [slot.__get__(value) for slot in row.slots]
            except AttributeError:  # one is not set
                return False
        return len(value) == row.parts and all(map(self._fits, parts, value, [nesting] * row.parts))
