"""Programs: how a table of projections becomes words that the core runs."""

# Who calls: projection.py, whose values and members write themselves into blocks.
# A program is words: operations with operands, which csrc/transcode.h lists, then tables: layouts of structs, names of
#   choices, what to sum up. Constants lie in a pool beside it.
# Where an object stands is known while compiling, mostly: the first member needs no comma, one behind a member that is
#   always there needs one; only behind those that may be missing the core has to look. Constants that follow one
#   another are one.

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, NoReturn

import msgspec
import msgspec.inspect as inspect

from libactor._core._projection import (
    DO_EACH,
    DO_EACH_ROW,
    DO_MEMBER,
    DO_PART,
    DO_RAW,
    DO_RAW_VALUE,
    DO_SKIP,
    DO_VALUE,
    FIELDS_MAX,
)
from libactor.records.rows import constants_of

ITEM = ""  # the name of an item in itself
WORDS = range(-(1 << 31), 1 << 31)  # what a word of a program holds


class Filling(Enum):
    """What stands before the next member, as far as is known."""

    NOTHING = auto()
    SOMETHING = auto()
    UNKNOWN = auto()


class Table:
    """Words behind the program; where they are is known at its end."""

    __slots__ = ("words",)

    def __init__(self, words: list[Any]) -> None:
        self.words = words


class FieldOf:
    """A field of the struct at hand, or the item at hand: its number, and its type."""

    __slots__ = ("info", "nullable", "number", "path", "program")

    def __init__(self, program: Program, path: str, number: int, info: inspect.Type) -> None:
        self.program, self.path, self.number = program, path, number
        self.info, self.nullable = _without_nil(info)

    def of(self, kinds: tuple[type, ...], expected: str) -> Any:
        """Itself. Raises: TypeError unless it is of one of these types."""
        if not isinstance(self.info, kinds):
            self.refuse(expected)
        return self

    def filled(self) -> FieldOf:
        """Itself. Raises: TypeError if it may be nil."""
        if self.nullable:
            self.refuse("a field that is never None")
        return self

    def refuse(self, expected: str) -> NoReturn:
        """Raise the error for a field of the wrong type."""
        name = type(self.info).__name__.removesuffix("Type")
        raise TypeError(f"Projection: {self.path} is {name}{' or None' if self.nullable else ''}; expected {expected}")

    def item(self) -> Scope:
        """What is at hand in each item of an array, or value of a map."""
        info: Any = self.info
        mapped = isinstance(info, inspect.DictType)
        inner = info.value_type if mapped else info.item_type
        bare, nullable = _without_nil(inner)
        if nullable and isinstance(bare, inspect.StructType):
            self.refuse("structs that are never None")
        return Scope(self.program, self.path + ("{}" if mapped else "[]"), inner)

    def struct(self) -> Scope:
        """What is at hand in the struct."""
        return Scope(self.program, self.path, self.info)


class Scope:
    """What is at hand: the fields of a struct, or an item that is none."""

    def __init__(self, program: Program, path: str, info: inspect.Type) -> None:
        self.program, self.path = program, path
        self._info = info
        inner = _without_nil(info)[0]
        self.is_struct = isinstance(inner, inspect.StructType)
        self._fields = inner.fields if isinstance(inner, inspect.StructType) else ()
        self.layout: Any = program.table([0]) if self.is_struct else 0

    def field(self, name: str) -> Any:
        """The field of this name. Raises: TypeError if there is none."""
        if not self.is_struct and name == ITEM:
            return FieldOf(self.program, self.path, 0, self._info)
        for number, field in enumerate(self._fields):
            if field.name == name:
                self._look_at(number)
                return FieldOf(self.program, f"{self.path}.{name}", number, field.type)
        known = ", ".join(field.name for field in self._fields) if self.is_struct else "ITEM"
        raise TypeError(f"Projection: {self.path} has no field {name!r}; it has {known}")

    @property
    def size(self) -> int:
        """How many fields there are."""
        return len(self._fields)

    def is_of_texts(self) -> bool:
        """Whether it is a struct of nothing but texts."""
        return self.is_struct and all(isinstance(_without_nil(one.type)[0], inspect.StrType) for one in self._fields)

    def _look_at(self, number: int) -> None:
        if number >= FIELDS_MAX:
            raise TypeError(
                f"Projection: {self.path}.{self._fields[number].name} is field {number}, "
                f"expected one of the first {FIELDS_MAX}; nest some of them in a struct"
            )
        words = self.layout.words
        for field in self._fields[len(words) - 1 : number + 1]:
            words.append(self.program.default(field))
        words[0] = len(words) - 1


class Program:
    """What the blocks of one projection have in common: constants and tables."""

    def __init__(self) -> None:
        self.pool = bytearray()
        self.tables: list[Table] = []
        self._known: dict[bytes, int] = {}

    def constant(self, text: bytes) -> list[int]:
        """Where a constant is, and how long it is."""
        at = self._known.get(text)
        if at is None:
            at = self._known[text] = len(self.pool)
            self.pool += text
        return [at, len(text)]

    def table(self, words: list[Any]) -> Any:
        """A new table, in the place of its own address."""
        table = Table(words)
        self.tables.append(table)
        return table

    def default(self, field: inspect.Field) -> int:
        """Where the default of a field is; -1 if that is nil, or if it is always there."""
        factory: Any = field.default_factory
        value = factory() if callable(factory) else field.default
        if field.required or value is None:
            return -1
        return self.constant(msgspec.msgpack.encode(value))[0]


class Block:
    """Operations on one scope that follow one another."""

    def __init__(self, program: Program, scope: Scope, filling: Filling) -> None:
        self.program, self.scope = program, scope
        self.code: list[Any] = []
        self._filling = filling
        self._text: bytes | None = None  # the constant that was written last, if nothing follows

    def op(self, *words: Any) -> None:
        """Append an operation."""
        if words[0] == DO_VALUE and self._text is not None:
            words = (DO_RAW_VALUE, *self.program.constant(self._text), words[1])
            self._text = None
        self._flush()
        self.code += words

    def raw(self, text: bytes) -> None:
        """Append a constant."""
        self._text = (self._text or b"") + text

    def part(self) -> None:
        """Append the comma before an item."""
        self.op(DO_PART)

    def member(self, name: bytes) -> None:
        """Append the constant name of a member, and the comma before it."""
        if self._filling is Filling.UNKNOWN:
            self._flush()
            self.op(DO_MEMBER, *self.program.constant(name))
        else:
            self.raw(name if self._filling is Filling.NOTHING else b"," + name)
        self._filling = Filling.SOMETHING

    def named(self, operation: int, number: int) -> None:
        """Append an operation that writes the name of a member, and looks itself for the comma before it."""
        self.op(operation, number)
        self._filling = Filling.SOMETHING

    def begin_object(self) -> Filling:
        """Members from now on are those of another object; what to give to end_object."""
        outer, self._filling = self._filling, Filling.NOTHING
        return outer

    def end_object(self, outer: Filling) -> None:
        """Members from now on are those of the outer object again."""
        self._filling = outer

    def nested(self, scope: Scope) -> Block:
        """A new block for another scope."""
        return Block(self.program, scope, Filling.UNKNOWN)

    def branch(self) -> Block:
        """A new block for what may be done here."""
        return Block(self.program, self.scope, self._filling)

    def run(self, operation: int, field: Any, inner: Block) -> None:
        """Append a block that runs on what is in a field."""
        code = inner.finished()
        is_row = operation == DO_EACH and inner.scope.is_of_texts()
        row = constants_of(code, self.program.pool, inner.scope.size) if is_row else None
        if row is None:
            self.op(operation, field.number, inner.scope.layout, len(code), *code)
        else:
            self.op(DO_EACH_ROW, field.number, inner.scope.layout, len(code), self._row(row), *code)
        self._unsettle()

    def run_groups(self, operation: int, field: Any, group: int, but: list[int], inner: Block) -> None:
        """Append a block that runs on each item of an array, by groups."""
        code = inner.finished()
        self.op(operation, field.number, inner.scope.layout, group, *but, len(code), *code)

    def choose(self, test: list[int], there: Block, missing: Block) -> None:
        """Append a block behind a test that skips it, and another one, which may be empty, for then."""
        code, otherwise = there.finished(), missing.finished()
        if otherwise:
            code += [DO_SKIP, len(otherwise)]
        self.op(*test, len(code), *code, *otherwise)
        self._unsettle()

    def finished(self) -> list[Any]:
        """All its words."""
        self._flush()
        return self.code

    def _row(self, constants: list[bytes]) -> Any:
        words = [len(constants) - 1, sum(map(len, constants))]
        for constant in constants:
            words += self.program.constant(constant)
        return self.program.table(words)

    def _unsettle(self) -> None:
        if self._filling is Filling.NOTHING:
            self._filling = Filling.UNKNOWN

    def _flush(self) -> None:
        text, self._text = self._text, None
        if text is not None:
            self.code += [DO_RAW, *self.program.constant(text)]


def finish(kind: type[msgspec.Struct], write: Callable[[Block], None]) -> tuple[bytes, int, int, bytes]:
    """The program that ``write`` writes for records of ``kind``: words, how many are no tables, layout, constants."""
    program = Program()
    scope = Scope(program, kind.__name__, inspect.type_info(kind))
    block = Block(program, scope, Filling.UNKNOWN)
    write(block)
    code = block.finished()
    words = len(code)
    places: dict[int, int] = {}
    for table in program.tables:
        places[id(table)] = len(code)
        code = code + table.words
    numbers = [places[id(word)] if isinstance(word, Table) else word for word in code]
    return struct.pack(f"={len(numbers)}i", *numbers), words, places[id(scope.layout)], bytes(program.pool)


def field_and_text(option: str, given: Any) -> tuple[str, str]:
    """The pair that an option is. Raises: TypeError for anything else."""
    if not isinstance(given, tuple) or [type(one) for one in given] != [str, str]:
        raise TypeError(f"Projection: got {option}={given!r}, expected a pair of texts: (field, text)")
    return given[0], given[1]


def json_of(constant: Any) -> bytes:
    """A constant as it is written. Raises: TypeError for what has no form in JSON."""
    try:
        return json.dumps(constant, separators=(",", ":"), ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"Projection: got constant {constant!r}, which has no form in JSON: {error}") from None


def _without_nil(info: inspect.Type) -> tuple[inspect.Type, bool]:
    """A type without None and annotations, and whether None was one of it; a RecordType has no other unions."""
    if isinstance(info, inspect.Metadata):
        return _without_nil(info.type)
    if not isinstance(info, inspect.UnionType):
        return info, isinstance(info, inspect.AnyType)
    others = [one for one in info.types if not isinstance(one, inspect.NoneType)]
    return _without_nil(others[0])[0], len(others) < len(info.types)
