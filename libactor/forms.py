"""Forms: how the wire codec takes values apart that are no classes of users, and makes them again."""

# Who calls: libactor/codec.py, for each such value.
# What makes a value is given parts that a stranger may have chosen: each has to be of the very type that it is written
#   with, as in bytearray(b"..."), since bytearray(10**12) means something else. Any exception refuses the value.
# Traps that are shut: keys that were chosen to have one hash; fractions that take long to reduce.

from __future__ import annotations

import datetime
import decimal
import fractions
import pathlib
import uuid
import zoneinfo
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

import msgspec

# Code, what a value consists of, and how it is made of that.
Form: TypeAlias = tuple[str, Callable[[Any], Iterable[Any]], Callable[[list[Any]], Any]]
Part = TypeVar("Part")
COLLISIONS_MAX = 16  # keys with one hash, in one dict or set
FRACTION_BITS_MAX = 4096


class NotEncodable(Exception):
    """The text says what cannot be encoded, and what to do; the caller puts before it where that stands."""


class NotDecodable(Exception):
    """What was sent cannot be made into a value here: the text says why."""


def _items_of(value: Mapping[Any, Any]) -> Iterator[Any]:
    for pair in value.items():
        yield from pair


def _dict_of(parts: list[Any]) -> Any:
    keys = parts[::2]
    return _distinct(dict(zip(_spread(keys), parts[1::2], strict=True)), keys)


def set_of(kind: Any) -> Callable[[list[Any]], Any]:
    """What makes a set or frozenset of its items."""
    return lambda parts: _distinct(kind(_spread(parts)), parts)


def _spread(keys: list[Any]) -> list[Any]:
    """``keys``, if no more than a few of them have the same hash: or else looking them up takes the square of time."""
    if len(keys) > COLLISIONS_MAX and max(Counter(map(hash, keys)).values()) > COLLISIONS_MAX:
        raise ValueError(f"more than {COLLISIONS_MAX} keys have one hash")
    return keys


def _distinct(made: Any, keys: list[Any]) -> Any:
    if len(made) != len(keys):
        raise ValueError("the same key comes twice")
    return made


def _key_of_zone(zone: zoneinfo.ZoneInfo) -> list[str]:
    if zone.key is None:
        raise NotEncodable("a ZoneInfo has no key; make it by its name")
    return [zone.key]


def _fields(kind: Any, *names: str) -> Form:
    """How a class is written that is made by the fields it has."""

    def make(parts: list[Any]) -> Any:
        if len(parts) != len(names):
            raise ValueError(f"expected {len(names)} parts")
        if kind is not slice and not all(type(part) in (int, float) or isinstance(part, _FIELDS) for part in parts):
            raise TypeError("expected numbers")
        fold = {"fold": parts[-1]} if names[-1] == "fold" else {}  # only by name
        return kind(*parts[: len(parts) - len(fold)], **fold)

    return kind.__name__, lambda value: [getattr(value, name) for name in names], make


def _texts(kind: Any) -> Form:
    """How a class is written whose str() makes an equal one."""
    return kind.__name__, lambda value: [str(value)], lambda parts: kind(_only(parts, str))


def _only(parts: list[Any], kind: type[Part]) -> Part:
    """The one part that there is to be: of that very class, since others mean something else to who takes it."""
    if len(parts) != 1 or type(parts[0]) is not kind:
        raise TypeError(f"expected one {kind.__name__}")
    return parts[0]


def _terms_of(fraction: fractions.Fraction) -> list[int]:
    """Numerator and denominator. Large ones are refused on both sides, for who reads has to reduce what he is sent."""
    if max(fraction.numerator.bit_length(), fraction.denominator.bit_length()) > FRACTION_BITS_MAX:
        raise NotEncodable(f"a Fraction has terms of more than {FRACTION_BITS_MAX} bits; round it")
    return [fraction.numerator, fraction.denominator]


def _fraction_of(parts: list[Any]) -> fractions.Fraction:
    numerator, denominator = parts
    if type(numerator) is not int or type(denominator) is not int:
        raise TypeError("expected two int")
    if max(numerator.bit_length(), denominator.bit_length()) > FRACTION_BITS_MAX:
        raise ValueError(f"a Fraction has terms of more than {FRACTION_BITS_MAX} bits")
    return fractions.Fraction(numerator, denominator)


_FIELDS = (datetime.tzinfo, type(None))  # what may stand among the numbers
_DATE, _TIME = ("year", "month", "day"), ("hour", "minute", "second", "microsecond", "tzinfo", "fold")

# Never an alias: nobody can tell two equal ones apart.
PLAIN: dict[type, Form] = {
    int: ("int", lambda value: [hex(value)], lambda parts: int(_only(parts, str), 16)),
    decimal.Decimal: _texts(decimal.Decimal),
    datetime.timezone: ("timezone", lambda value: value.__getinitargs__(), lambda parts: datetime.timezone(*parts)),
    type(Ellipsis): ("ellipsis", lambda value: [], lambda parts: ...),
    type(msgspec.UNSET): ("unset", lambda value: [], lambda parts: msgspec.UNSET),
    pathlib.PurePosixPath: _texts(pathlib.PurePosixPath),
    pathlib.PosixPath: _texts(pathlib.PosixPath),
    pathlib.PureWindowsPath: _texts(pathlib.PureWindowsPath),
    uuid.UUID: ("uuid", lambda value: [value.bytes], lambda parts: uuid.UUID(bytes=_only(parts, bytes))),
    zoneinfo.ZoneInfo: ("zone", _key_of_zone, lambda parts: zoneinfo.ZoneInfo(_only(parts, str))),
    datetime.datetime: _fields(datetime.datetime, *_DATE, *_TIME),
    datetime.date: _fields(datetime.date, *_DATE),
    datetime.time: _fields(datetime.time, *_TIME),
    datetime.timedelta: _fields(datetime.timedelta, "days", "seconds", "microseconds"),
    range: _fields(range, "start", "stop", "step"),
    slice: _fields(slice, "start", "stop", "step"),
    complex: _fields(complex, "real", "imag"),
    fractions.Fraction: ("Fraction", _terms_of, _fraction_of),
}

# As PLAIN, of what may be met again. Sets are in codec.py, which brings them into an order.
CONTAINERS: dict[type, Form] = {
    list: ("list", list, list),
    tuple: ("tuple", list, tuple),
    dict: ("dict", _items_of, _dict_of),
    deque: ("deque", lambda value: [value.maxlen, *value], lambda parts: deque(parts[1:], parts[0])),
    bytearray: ("bytearray", lambda value: [bytes(value)], lambda parts: bytearray(_only(parts, bytes))),
}
