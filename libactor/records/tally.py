"""Tally: sums of named amounts, as a value of a projection's table."""

# Who calls: as libactor/records/tables.py. The words that it compiles to are listed in csrc/tally.c.

from __future__ import annotations

import msgspec.inspect as inspect

from libactor._core._projection import DO_TALLY
from libactor.records.program import Block, Scope, field_and_text
from libactor.records.tables import LISTS, NUMBERS, Value, check_power, ranges_field, shown, text_field, texts_field


class Tally(Value):
    """An object with the sums of amounts by name: items of an array of structs, each with a name and an amount.

    ``scalar`` is the field of a number in units of 10^-``power``, ``ranges`` and ``texts`` those of what Ranges and
    Items write; the first that is neither nil nor empty is an item's amount. ``first`` are names of numbers that are
    always there, and stand first; the others follow by the order of their bytes. ``suffix`` = (field, text) appends a
    text to the name of items with that field; ``only`` and ``but`` = (field, text) leave out items whose field is
    another text, or that one. ``group`` is a field: the object has an object of sums for each text in it.
    """

    __slots__ = ("_fields", "_first", "_group", "_items", "_power", "_suffix", "_where")

    def __init__(
        self,
        items: str,
        *,
        name: str,
        scalar: str,
        power: int = 0,
        ranges: str | None = None,
        texts: str | None = None,
        first: tuple[str, ...] = (),
        suffix: tuple[str, str] | None = None,
        only: tuple[str, str] | None = None,
        but: tuple[str, str] | None = None,
        group: str | None = None,
    ) -> None:
        if only is not None and but is not None:
            raise TypeError("Tally: got `only` and `but`; give one of them")
        if len(set(first)) < len(first):
            raise TypeError(f"Tally: got first={first!r}; give each name once")
        check_power(power)
        self._items, self._power, self._first, self._suffix, self._group = items, power, first, suffix, group
        self._fields = (name, scalar, ranges, texts)
        self._where = only or but, only is not None

    def __repr__(self) -> str:
        return shown(self, self._items)

    def write(self, block: Block) -> None:
        """See Value."""
        field = block.scope.field(self._items).of(LISTS, "an array of structs").filled()
        scope = field.item()
        if not scope.is_struct:
            field.refuse("an array of structs")
        spec = [scope.layout, *self._amounts(scope), *self._suffixed(block, scope), *self._chosen(block, scope)]
        spec.append(-1 if self._group is None else text_field(scope, self._group))
        spec.append(len(self._first))
        for name in self._first:
            spec += block.program.constant(name.encode())
        block.op(DO_TALLY, field.number, block.program.table(spec))

    def _amounts(self, scope: Scope) -> list[int]:
        name, scalar, ranges, texts = self._fields
        return [
            text_field(scope, name),
            scope.field(scalar).of(NUMBERS, "a number").number,
            self._power,
            -1 if ranges is None else ranges_field(scope, ranges),
            -1 if texts is None else texts_field(scope, texts),
        ]

    def _suffixed(self, block: Block, scope: Scope) -> list[int]:
        if self._suffix is None:
            return [-1, 0, 0]
        field, text = field_and_text("suffix", self._suffix)
        return [scope.field(field).number, *block.program.constant(text.encode())]

    def _chosen(self, block: Block, scope: Scope) -> list[int]:
        where, same = self._where
        if where is None:
            return [-1, 0, 0, 0]
        field, text = field_and_text("only" if same else "but", where)
        number = scope.field(field).of((inspect.StrType,), "a text").number
        return [number, int(same), *block.program.constant(text.encode())]
