"""Tables of projections: the values and members that say what a record looks like in JSON."""

# Who calls: whoever shows records to the world, through libactor.records.projection.
# A table is made of values (what stands in a place) and members (what an object has). Each knows how to write itself
#   into a program (libactor/records/program.py), and checks against the struct class that it can: whatever compiles
#   cannot fail on a record.
# Names are those of fields of the struct at hand; Nest, Within, Each, Pairs and ForEach go into another one. In Each
#   and Pairs the item itself has the name ITEM.
# Rejected: dotted names (what they mean in a condition is not plain); functions in tables (no program could run them).

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import msgspec.inspect as inspect

from libactor._core._projection import (
    DO_BASE64,
    DO_CHOICE,
    DO_EACH,
    DO_EACH_PAIR,
    DO_ENTER,
    DO_FLOAT,
    DO_KEY,
    DO_RANGES,
    DO_SCALED,
    DO_SET,
    DO_UNLESS_TEXT,
    DO_UNLESS_THERE,
    DO_VALUE,
    POWER_MAX,
)
from libactor.records.program import ITEM, WORDS, Block, FieldOf, Scope, field_and_text, json_of

NUMBERS = (inspect.IntType, inspect.FloatType)
SCALARS = (inspect.BoolType, inspect.IntType, inspect.StrType, inspect.BytesType, inspect.AnyType)
LISTS = (inspect.ListType, inspect.VarTupleType)
CHOICES_MAX = 4096


class Value:
    """What stands in a place of a JSON text."""

    __slots__ = ()

    def write(self, block: Block) -> None:
        """Append to the program what writes it."""
        raise NotImplementedError


class Member:
    """What an object has, or, as a condition, what it may have."""

    __slots__ = ()

    def write(self, block: Block) -> None:
        """Append to the program what writes it."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Field(Value):
    """A field as it is; nil is null, bytes are base64, what may be anything is written with all that is in it."""

    name: str = ITEM

    def write(self, block: Block) -> None:
        """See Value."""
        field = block.scope.field(self.name)
        if isinstance(field.info, inspect.FloatType):
            block.op(DO_FLOAT, field.number)
            return
        inner = getattr(field.info, "value_type" if isinstance(field.info, inspect.DictType) else "item_type", None)
        if not isinstance(field.info, SCALARS) and not (
            isinstance(field.info, (*LISTS, inspect.DictType)) and isinstance(inner, SCALARS)
        ):
            field.refuse("a scalar, or an array or a map of scalars; use Choice, Nest, Each or Pairs")
        block.op(DO_VALUE, field.number)


@dataclass(frozen=True, slots=True)
class Float(Value):
    """A number, always with a fraction or an exponent."""

    name: str = ITEM

    def write(self, block: Block) -> None:
        """See Value."""
        block.op(DO_FLOAT, block.scope.field(self.name).of(NUMBERS, "a number").number)


@dataclass(frozen=True, slots=True)
class Scaled(Value):
    """A number that counts units of 10^-``power``, as a number with a fraction: 1500 of power 3 is 1.5."""

    name: str
    power: int

    def write(self, block: Block) -> None:
        """See Value."""
        check_power(self.power)
        block.op(DO_SCALED, block.scope.field(self.name).of(NUMBERS, "a number").number, self.power)


@dataclass(frozen=True, slots=True)
class Choice(Value):
    """The name of an enumeration's member; ``names`` gives other ones, by the member's own: {"DONE": "finished"}."""

    name: str
    names: Mapping[str, str] | None = None

    def write(self, block: Block) -> None:
        """See Value."""
        field = block.scope.field(self.name).of((inspect.EnumType,), "an enumeration")
        kind = field.info.cls
        own: Any = {} if self.names is None else self.names
        if not isinstance(own, Mapping):
            field.refuse(f"names as a mapping from members' names, not {own!r}")
        names = {member.value: own.get(name, name) for name, member in kind.__members__.items()}
        names |= {member.value: own.get(member.name, member.name) for member in kind}  # not the aliases
        wrong = [name for name, text in own.items() if not isinstance(cast(Any, text), str)]
        if wrong:
            field.refuse(f"names that are texts; that of {wrong[0]!r} is {own[wrong[0]]!r}")
        unknown = [name for name in own if name not in kind.__members__]
        least = min(names)
        if unknown:
            field.refuse(f"names of {kind.__name__} only, not {unknown}; they are {list(kind.__members__)}")
        if max(names) - least >= CHOICES_MAX:
            field.refuse(f"an enumeration with numbers less than {CHOICES_MAX} apart")
        if least not in WORDS:
            field.refuse("an enumeration whose least number is one of 32 bits")
        table: list[int] = []
        for number in range(least, max(names) + 1):
            table += block.program.constant(json.dumps(names[number]).encode() if number in names else b"")
        block.op(DO_CHOICE, field.number, least, block.program.table(table))


@dataclass(frozen=True, slots=True)
class Base64(Value):
    """Bytes, in base64 with padding."""

    name: str = ITEM

    def write(self, block: Block) -> None:
        """See Value."""
        block.op(DO_BASE64, block.scope.field(self.name).of((inspect.BytesType,), "bytes").number)


@dataclass(frozen=True, slots=True)
class Ranges(Value):
    """An array of structs whose first two fields are whole numbers, as "[1-5, 7-9]"; those that touch are one."""

    name: str = ITEM

    def write(self, block: Block) -> None:
        """See Value."""
        block.op(DO_RANGES, ranges_field(block.scope, self.name))


@dataclass(frozen=True, slots=True)
class Items(Value):
    """An array of texts, as the text "{a, b}"."""

    name: str = ITEM

    def write(self, block: Block) -> None:
        """See Value."""
        block.op(DO_SET, texts_field(block.scope, self.name))


@dataclass(frozen=True, slots=True)
class Const(Value):
    """A value that is always the same: whatever JSON can say."""

    value: Any

    def write(self, block: Block) -> None:
        """See Value."""
        block.raw(json_of(self.value))


class Object(Value):
    """An object with these members, in this order."""

    __slots__ = ("members",)

    def __init__(self, *members: Member) -> None:
        self.members = members

    def __repr__(self) -> str:
        return shown(self, *self.members)

    def write(self, block: Block) -> None:
        """See Value."""
        block.raw(b"{")
        outer = block.begin_object()
        write_members(block, self.members)
        block.end_object(outer)
        block.raw(b"}")


@dataclass(frozen=True, slots=True)
class Each(Value):
    """An array with ``value`` for each item of one, or an empty one for nil.

    ``only`` = (field, text) leaves out the items whose field is not this text.
    """

    name: str
    value: Value
    only: tuple[str, str] | None = None

    def write(self, block: Block) -> None:
        """See Value."""
        field = block.scope.field(self.name).of(LISTS, "an array")
        inner = block.nested(field.item())
        chosen = inner if self.only is None else inner.branch()
        chosen.part()
        write_value(chosen, self.value)
        if self.only is not None:
            name, text = field_and_text("only", self.only)
            number = inner.scope.field(name).of((inspect.StrType,), "a text").number
            inner.choose([DO_UNLESS_TEXT, number, *block.program.constant(text.encode())], chosen, inner.branch())
        block.raw(b"[")
        block.run(DO_EACH, field, inner)
        block.raw(b"]")


@dataclass(frozen=True, slots=True)
class Pairs(Value):
    """An object with ``value`` for each value of a map, under its key; an empty one for nil."""

    name: str
    value: Value

    def write(self, block: Block) -> None:
        """See Value."""
        field = block.scope.field(self.name).of((inspect.DictType,), "a map")
        inner = block.nested(field.item())
        write_value(inner, self.value)
        block.raw(b"{")
        block.run(DO_EACH_PAIR, field, inner)
        block.raw(b"}")


@dataclass(frozen=True, slots=True)
class Nest(Value):
    """``value``, of the fields of a struct in this one; null for nil."""

    name: str
    value: Value

    def write(self, block: Block) -> None:
        """See Value."""
        field = block.scope.field(self.name).of((inspect.StructType,), "a struct")
        inner = block.nested(field.struct())
        write_value(inner, self.value)
        if not field.nullable:
            block.run(DO_ENTER, field, inner)
            return
        there, missing = block.branch(), block.branch()
        there.run(DO_ENTER, field, inner)
        missing.raw(b"null")
        block.choose([DO_UNLESS_THERE, field.number], there, missing)


@dataclass(frozen=True, slots=True)
class Key(Member):
    """A member with this name and value."""

    name: str
    value: Value

    def write(self, block: Block) -> None:
        """See Member."""
        if not isinstance(cast(Any, self.name), str):
            raise TypeError(f"Projection: got key {self.name!r} in {block.scope.path}, expected a text")
        block.member(json_of(self.name) + b":")
        write_value(block, self.value)


@dataclass(frozen=True, slots=True)
class Named(Member):
    """A member whose name is the text in a field."""

    name: str
    value: Value

    def write(self, block: Block) -> None:
        """See Member."""
        block.named(DO_KEY, text_field(block.scope, self.name))
        write_value(block, self.value)


class Inside(Member):
    """Members from what is in a field: from each item of an array, unless a subclass says otherwise."""

    __slots__ = ("members", "name")
    operation = DO_EACH

    def __init__(self, name: str, *members: Member) -> None:
        self.name, self.members = name, members

    def __repr__(self) -> str:
        return shown(self, self.name, *self.members)

    def write(self, block: Block) -> None:
        """See Member."""
        field = block.scope.field(self.name)
        inner = block.nested(self._at_hand(field))
        write_members(inner, self.members)
        block.run(self.operation, field, inner)

    def _at_hand(self, field: FieldOf) -> Scope:
        item: Scope = field.of(LISTS, "an array").item()
        return item


class ForEach(Inside):
    """Members for each item of an array of structs."""

    __slots__ = ()


class Within(Inside):
    """Members from the fields of a struct in this one; none for nil."""

    __slots__ = ()
    operation = DO_ENTER

    def _at_hand(self, field: FieldOf) -> Scope:
        struct: Scope = field.of((inspect.StructType,), "a struct").struct()
        return struct


def write_members(block: Block, members: tuple[Member, ...]) -> None:
    """Append members to the program, one after the other. Raises: TypeError for what is none."""
    for member in members:
        if not isinstance(member, Member):
            raise TypeError(f"Projection: got {member!r} in {block.scope.path}, expected a member such as Key(...)")
        member.write(block)


def write_value(block: Block, value: Value) -> None:
    """Append a value to the program. Raises: TypeError for what is none."""
    if not isinstance(cast(Any, value), Value):
        raise TypeError(f"Projection: got {value!r} in {block.scope.path}, expected a value such as Field(...)")
    value.write(block)


def shown(member: Any, *parts: object) -> str:
    """What the repr of a value or member with these parts is."""
    return f"{type(member).__name__}({', '.join(map(repr, parts))})"


def check_power(power: int) -> None:
    """Raise TypeError unless it is a power of ten that the core knows."""
    if type(power) is not int or not 0 <= power <= POWER_MAX:
        raise TypeError(f"Projection: got power {power!r}, expected 0 to {POWER_MAX}")


def text_field(scope: Scope, name: str) -> int:
    """The number of a field that is a text, never nil."""
    number: int = scope.field(name).of((inspect.StrType,), "a text").filled().number
    return number


def texts_field(scope: Scope, name: str) -> int:
    """The number of a field that is an array of texts."""
    field = scope.field(name).of(LISTS, "an array of texts")
    if not isinstance(field.info.item_type, inspect.StrType):
        field.refuse("an array of texts")
    return int(field.number)


def ranges_field(scope: Scope, name: str) -> int:
    """The number of a field that is an array of pairs of whole numbers."""
    field = scope.field(name).of(LISTS, "an array of structs")
    pair = field.info.item_type
    if not isinstance(pair, inspect.StructType) or [type(one.type) for one in pair.fields[:2]] != [inspect.IntType] * 2:
        field.refuse("an array of structs whose first two fields are whole numbers")
    if not pair.fields[1].required:
        field.refuse("structs whose first two fields have no defaults")
    return int(field.number)
