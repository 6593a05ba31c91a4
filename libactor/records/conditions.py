"""Conditions: members of a projection's table that are there or not, as a field says."""

# Who calls: as libactor/records/tables.py. What is chosen between is compiled into two blocks, of which one runs.

from __future__ import annotations

from enum import Enum
from typing import Any, cast

import msgspec.inspect as inspect

from libactor._core._projection import (
    DO_ONLY,
    DO_UNLESS_DIFFERENT,
    DO_UNLESS_FILLED,
    DO_UNLESS_NUMBER,
    DO_UNLESS_TEXT,
    DO_UNLESS_THERE,
    DO_UNLESS_TRUE,
)
from libactor.records.program import WORDS, Block
from libactor.records.tables import Inside, Member, shown, write_members


class _If(Member):
    __slots__ = ("members", "name", "otherwise")
    operation = DO_UNLESS_THERE

    def __init__(self, name: str, *members: Member, otherwise: tuple[Member, ...] = ()) -> None:
        if not isinstance(cast(Any, otherwise), tuple):
            raise TypeError(f"{type(self).__name__}: got otherwise={otherwise!r}, expected a tuple of members")
        self.name, self.members, self.otherwise = name, members, otherwise

    def __repr__(self) -> str:
        return shown(self, self.name, *self.members)

    def write(self, block: Block) -> None:
        """See Member."""
        there, missing = block.branch(), block.branch()
        write_members(there, self.members)
        write_members(missing, self.otherwise)
        block.choose(self._test(block), there, missing)

    def _test(self, block: Block) -> list[Any]:
        return [self.operation, block.scope.field(self.name).number]


class IfThere(_If):
    """Members if a field is not nil; ``otherwise`` are those if it is."""

    __slots__ = ()


class IfFilled(_If):
    """Members if a field is neither nil nor empty."""

    __slots__ = ()
    operation = DO_UNLESS_FILLED


class IfTrue(_If):
    """Members if a field is neither nil nor false."""

    __slots__ = ()
    operation = DO_UNLESS_TRUE


class IfDiffers(_If):
    """Members if two fields of the same type hold different values; maps are the same only in the same order."""

    __slots__ = ("other",)

    def __init__(self, name: str, other: str, *members: Member, otherwise: tuple[Member, ...] = ()) -> None:
        super().__init__(name, *members, otherwise=otherwise)
        self.other = other

    def _test(self, block: Block) -> list[Any]:
        one, other = block.scope.field(self.name), block.scope.field(self.other)
        if one.info != other.info:
            other.refuse(f"the type of {self.name}")
        return [DO_UNLESS_DIFFERENT, one.number, other.number]


class IfEquals(_If):
    """Members if a field holds this text, number, truth value or member of an enumeration."""

    __slots__ = ("constant",)

    def __init__(
        self, name: str, constant: str | int | Enum, *members: Member, otherwise: tuple[Member, ...] = ()
    ) -> None:
        super().__init__(name, *members, otherwise=otherwise)
        self.constant = constant

    def _test(self, block: Block) -> list[Any]:
        field, constant = block.scope.field(self.name), self.constant
        if isinstance(constant, str):
            number = field.of((inspect.StrType,), f"a text, to be compared with {constant!r}").number
            return [DO_UNLESS_TEXT, number, *block.program.constant(constant.encode())]
        if isinstance(constant, Enum):
            fits, known = isinstance(field.info, inspect.EnumType) and type(constant) is field.info.cls, constant.value
        else:
            fits = isinstance(field.info, inspect.BoolType if isinstance(constant, bool) else inspect.IntType)
            known = int(constant)
        if not fits:
            field.refuse(f"a field of the type of {constant!r}")
        if known not in WORDS:
            field.refuse(f"to be compared with a number of 32 bits, not {known}")
        return [DO_UNLESS_NUMBER, field.number, known]


class IfOnly(Inside):
    """Members from the one item of an array of structs, if it has no more and no less."""

    __slots__ = ()
    operation = DO_ONLY
