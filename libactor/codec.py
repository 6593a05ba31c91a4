"""The wire codec: one value to bytes and back, with its types and its aliases."""

# Who calls: libactor/debugging.py, which sends every value through it to show what would not arrive elsewhere; the
#   network of libactor.testing, with what crosses from host to host.
# A value is written as a tree that msgpack knows: scalars as they are, everything else as [code, part, ...]. Whoever
#   reads gets the types that were written, where msgspec's own forms keep none: a tuple is no list, a set no list.
# Aliases: containers and objects are numbered in the order in which they are finished, the same for writer and reader;
#   one met again is ["again", number]. There are no cycles: what is written was passed by value before.
# Classes are written by name and looked up in modules that are imported already; reading imports nothing, and makes
#   instances of dataclasses, structs, named tuples, enums and exceptions only.
# What only works here, in this process (futures, Shared and classes declared immutable), is written as its place in
#   `local`, and whoever calls decides what to say about it.
# Rejected: msgspec's enc_hook and ext_hook: it never asks about types that it knows, tuples and dates among them.

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import pathlib
import sys
import uuid
import zoneinfo
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MemberDescriptorType
from typing import Any, TypeAlias, cast

import msgspec

from libactor._core.errors import NotPassable
from libactor._core.exceptions import build_exception, exception_parts
from libactor._core.layouts import Layout, find_layout, is_struct
from libactor.pid import PID

INTEGERS = range(-(2**63), 2**64)  # those that msgpack has
# Code, what a value consists of, and how it is made of that.
Form: TypeAlias = tuple[str, Callable[[Any], Iterable[Any]], Callable[[list[Any]], Any]]
SCALARS = (str, bytes, float, bool, type(None))


class NotEncodable(Exception):
    """The text says what cannot be encoded, and what to do; the caller puts before it where that stands."""


class Writer:
    """Writes values, each of which was passed by value before. ``pids`` and ``local`` gather what is not written."""

    def __init__(self) -> None:
        self.pids: dict[tuple[str, str], PID[Any]] = {}
        self.local: list[Any] = []
        self._numbers: dict[int, tuple[int, Any]] = {}  # id -> number, and the object, so that the id stays its own

    def encode(self, value: Any) -> bytes:
        """The bytes of ``value``. Raises: NotEncodable."""
        try:
            return msgspec.msgpack.encode(self.tree(value))
        except UnicodeEncodeError:
            raise NotEncodable("a str holds half a surrogate pair, which UTF-8 has not; pass it as bytes") from None

    def tree(self, value: Any) -> Any:
        """``value`` in the types of msgpack."""
        kind = type(value)
        if kind in SCALARS or (kind is int and value in INTEGERS):
            return value
        if id(value) in self._numbers:
            return ["again", self._numbers[id(value)][0]]
        if kind in _PLAIN:
            code, apart, _ = _PLAIN[kind]
            return [code, *map(self.tree, apart(value))]
        tree = self._tree_of_compound(kind, value)
        self._numbers[id(value)] = len(self._numbers), value
        return tree

    def _tree_of_compound(self, kind: type, value: Any) -> list[Any]:
        if kind in _CONTAINERS:
            code, apart, _ = _CONTAINERS[kind]
            return [code, *map(self.tree, apart(value))]
        if kind is PID:
            self.pids[value.id, value.address] = value
            return ["pid", value.id, value.address]
        if issubclass(kind, type):
            return ["class", *name_of(value)]
        if isinstance(value, enum.Enum):
            return ["enum", *name_of(kind), self.tree(value.value if isinstance(value, enum.Flag) else value.name)]
        if isinstance(value, BaseException):
            return ["exception", *name_of(kind), *map(self.tree, exception_parts(value))]
        layout = find_layout(kind)
        return self._tree_of_local(value) if layout is None else self._tree_of_object(value, layout)

    def _tree_of_object(self, value: Any, layout: Layout) -> list[Any]:
        name = name_of(layout.kind)
        return ["object", *name, *map(self.tree, parts_of(value, layout))]

    def _tree_of_local(self, value: Any) -> list[Any]:
        self.local.append(value)
        return ["local", len(self.local) - 1]


class Reader:
    """Reads what a Writer wrote; ``pids`` and ``local`` are as the Writer gathered them, or stand for that."""

    def __init__(self, pids: Mapping[tuple[str, str], PID[Any]], local: list[Any]) -> None:
        self._pids = pids
        self._local = local
        self._made: list[Any] = []

    def decode(self, data: bytes) -> Any:
        """The value whose bytes are ``data``."""
        return self.value(msgspec.msgpack.decode(data))

    def value(self, tree: Any) -> Any:
        """The value that was written as ``tree``."""
        if not isinstance(tree, list):
            return tree
        code, *parts = tree
        if code == "again":
            return self._made[parts[0]]
        made = self._value_of_compound(code, parts)
        if code not in _PLAIN_CODES:
            self._made.append(made)
        return made

    def _value_of_compound(self, code: str, parts: list[Any]) -> Any:
        if code in _READ:
            return _READ[code](list(map(self.value, parts)))
        if code == "pid":
            return self._pids[parts[0], parts[1]]
        if code == "local":
            return self._local[parts[0]]
        kind = find_class(parts[0], parts[1])
        values = list(map(self.value, parts[2:]))
        if code == "class":
            return kind
        if code == "enum":
            return kind(values[0]) if issubclass(kind, enum.Flag) else cast(Any, kind)[values[0]]
        if code == "exception":
            return build_exception(kind, *values)
        return _build_object(kind, *values)


def round_trip(value: Any, place: str, remedy: str) -> tuple[Any, list[Any]]:
    """``value`` as it comes back from the wire, and what of it went by reference, since it only works here.

    Raises: NotPassable, naming ``place`` and ending with ``remedy``, if it cannot be encoded or comes back different.
    """
    writer = Writer()
    try:
        data = writer.encode(value)
        made = Reader(writer.pids, writer.local).decode(data)
        again = Writer().encode(made)
    except NotEncodable as error:
        raise NotPassable(f"{place}: {error}, {remedy}") from error
    except Exception as error:
        raise NotPassable(
            f"{place}: cannot be made from what was encoded ({type(error).__name__}: {error}); let the class take "
            f"back what its objects hold, {remedy}"
        ) from error
    if again != data:
        raise NotPassable(
            f"{place}: comes back from the wire as something else; let a __post_init__ keep what it is given, {remedy}"
        )
    return made, writer.local


def name_of(kind: type) -> tuple[str, str]:
    """Module and name of a class. Raises: NotEncodable if the class is not what is found there."""
    try:
        found = find_class(kind.__module__, kind.__qualname__)
    except LookupError:
        found = None
    if found is not kind:
        raise NotEncodable(
            f"the class {kind.__module__}.{kind.__qualname__} is not found by its name; define it at the top of its "
            "module"
        )
    return kind.__module__, kind.__qualname__


def find_class(module: str, name: str) -> type:
    """The class of that name. Raises: LookupError if its module was not imported or does not have it."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type):
        raise LookupError(f"{module}.{name} is no class of an imported module; import it where the value is read")
    return found


def parts_of(value: Any, layout: Layout) -> tuple[list[Any], dict[str, Any]]:
    """The items, or what stands in each slot as a list of one or none, and the ``__dict__`` of ``value``."""
    parts = list(tuple.__iter__(value)) if layout.items else [_read_slot(slot, value) for slot in layout.slots]
    return parts, dict(layout.state.__get__(value)) if layout.state is not None else {}


def _read_slot(slot: MemberDescriptorType, value: Any) -> list[Any]:
    """What stands in ``slot``, in a list that is empty if it is not set."""
    try:
        return [slot.__get__(value)]
    except AttributeError:
        return []


def _build_object(kind: type, parts: list[Any], state: dict[str, Any]) -> Any:
    layout = find_layout(kind)
    if layout is None:
        raise LookupError(f"{kind.__module__}.{kind.__qualname__} is no dataclass, struct or named tuple")
    if layout.items:
        made = cast(Any, tuple).__new__(kind, parts)
    elif is_struct(kind):  # as msgspec does when it decodes: with __post_init__
        made = kind(**{slot.__name__: part for slot, [part] in zip(layout.slots, parts, strict=True)})
    else:
        made = object.__new__(kind)
        for slot, part in zip(layout.slots, parts, strict=True):
            if part:
                slot.__set__(made, part[0])
    if layout.state is not None:
        layout.state.__get__(made).update(state)
    return made


def _items_of(value: Mapping[Any, Any]) -> Iterator[Any]:
    for pair in value.items():
        yield from pair


def _dict_of(parts: list[Any]) -> dict[Any, Any]:
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _ordered(value: Iterable[Any]) -> list[Any]:
    """The items of a set in an order that is the same for equal sets."""
    return sorted(value, key=lambda item: Writer().encode(item))


def _key_of_zone(zone: zoneinfo.ZoneInfo) -> list[str]:
    if zone.key is None:
        raise NotEncodable("a ZoneInfo has no key; make it by its name")
    return [zone.key]


def _fields(kind: Any, *names: str) -> Form:
    """How a class is written that is made by the fields it has."""

    def make(parts: list[Any]) -> Any:
        fold = {"fold": parts[-1]} if names[-1] == "fold" else {}  # only by name
        return kind(*parts[: len(parts) - len(fold)], **fold)

    return kind.__name__, lambda value: [getattr(value, name) for name in names], make


def _texts(kind: Any) -> Form:
    """How a class is written whose str() makes an equal one."""
    return kind.__name__, lambda value: [str(value)], lambda parts: kind(parts[0])


_DATE, _TIME = ("year", "month", "day"), ("hour", "minute", "second", "microsecond", "tzinfo", "fold")

# Never an alias: nobody can tell two equal ones apart.
_PLAIN: dict[type, Form] = {
    int: ("int", lambda value: [hex(value)], lambda parts: int(parts[0], 16)),
    decimal.Decimal: _texts(decimal.Decimal),
    datetime.timezone: ("timezone", lambda value: value.__getinitargs__(), lambda parts: datetime.timezone(*parts)),
    type(Ellipsis): ("ellipsis", lambda value: [], lambda parts: ...),
    type(msgspec.UNSET): ("unset", lambda value: [], lambda parts: msgspec.UNSET),
    pathlib.PurePosixPath: _texts(pathlib.PurePosixPath),
    pathlib.PosixPath: _texts(pathlib.PosixPath),
    pathlib.PureWindowsPath: _texts(pathlib.PureWindowsPath),
    uuid.UUID: ("uuid", lambda value: [value.bytes], lambda parts: uuid.UUID(bytes=parts[0])),
    zoneinfo.ZoneInfo: ("zone", _key_of_zone, lambda parts: zoneinfo.ZoneInfo(parts[0])),
    datetime.datetime: _fields(datetime.datetime, *_DATE, *_TIME),
    datetime.date: _fields(datetime.date, *_DATE),
    datetime.time: _fields(datetime.time, *_TIME),
    datetime.timedelta: _fields(datetime.timedelta, "days", "seconds", "microseconds"),
    range: _fields(range, "start", "stop", "step"),
    slice: _fields(slice, "start", "stop", "step"),
    complex: _fields(complex, "real", "imag"),
    fractions.Fraction: _fields(fractions.Fraction, "numerator", "denominator"),
}

# As _PLAIN, of what may be met again.
_CONTAINERS: dict[type, Form] = {
    list: ("list", list, list),
    tuple: ("tuple", list, tuple),
    dict: ("dict", _items_of, _dict_of),
    set: ("set", _ordered, set),
    frozenset: ("frozenset", _ordered, frozenset),
    deque: ("deque", lambda value: [value.maxlen, *value], lambda parts: deque(parts[1:], parts[0])),
    bytearray: ("bytearray", lambda value: [bytes(value)], lambda parts: bytearray(parts[0])),
}

_READ = {code: make for table in (_PLAIN, _CONTAINERS) for code, _, make in table.values()}
_PLAIN_CODES = frozenset(code for code, _, _ in _PLAIN.values())
