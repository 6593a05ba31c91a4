"""Every row of the table of docs/libactor.md that tells what crosses, and how, is as it says."""

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import io
import pathlib
import re
import threading
import types
import typing
import uuid
from collections import deque

import msgspec
import pytest

import libactor as la

PAGE = pathlib.Path(__file__).parents[2] / "docs/libactor.md"
TABLE = PAGE.read_text(encoding="utf-8").split("| what crosses | how |\n|---|---|\n")[1].split("\n\n")[0]
ROWS = dict(re.fullmatch(r"\| (.*) \| (.*) \|", line).groups() for line in TABLE.splitlines())


class Color(enum.Enum):
    RED = 1


class Point(msgspec.Struct, frozen=True):
    x: int | None
    more: tuple[frozenset[str], ...] = ()


@dataclasses.dataclass(frozen=True)
class Fixed:
    point: Point


@dataclasses.dataclass(frozen=True)
class Loose:
    x: object


class LooseStruct(msgspec.Struct, frozen=True):
    x: object


class Pair(typing.NamedTuple):
    x: object


class PairWithDict(Pair):
    pass


class Open(msgspec.Struct):
    x: object


@dataclasses.dataclass
class Account:
    x: object


class Declared:
    pass


la.register_immutable(Declared)


class Keeper(la.Actor):
    def __init__(self):
        super().__init__()
        self.kept = None

    def keep(self, value):
        self.kept = value

    def give(self):
        return la.move(self.kept)


@pytest.fixture
def crossed(runtime):
    """A function from a value to what an actor gets of it."""
    pid = la.spawn(Keeper())

    def cross(value):
        la.dispatch(pid, Keeper.keep, value).get(30)
        return la.dispatch(pid, Keeper.give).get(30)

    return cross


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def cycle():
    value = []
    value.append({"a": (value,)})
    return value


def subclasses():
    return [type("Mine", (kind,), {})() for kind in (int, str, bytes, float, list, dict, set, tuple, frozenset)]


SHARED = {
    "`int`, `float`": lambda: [1, 10**30, 1.5, 1j, True, "a", b"a", None, ..., range(3), slice(1)],
    "`Decimal`": lambda: [
        decimal.Decimal(1), fractions.Fraction(1, 2), uuid.UUID(int=1),
        datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), datetime.date(2026, 1, 1),
        datetime.time(1), datetime.timedelta(1), datetime.UTC,
        pathlib.Path("a"),
        pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("a"), msgspec.UNSET,
    ],
    "classes, members": lambda: [int, Color, Point, Color.RED],
    "PIDs, futures": lambda: [la.spawn(Keeper()), (la.ready([1]),)],  # in a tuple: a future as a result is waited for
    "frozen dataclasses": lambda: [Point(1), Point(None, (frozenset("a"),)), Fixed(Point(1))],
    "other frozen": lambda: [Loose(1), LooseStruct((1, 2)), Pair("a"), (1, (2,)), frozenset({1, (2,)}), ()],
    "classes that you gave": lambda: [Declared()],
}  # fmt: skip
COPIED = {
    "other frozen": lambda: [Loose([1]), LooseStruct(([1],)), Pair({}), (1, ([2],)), ({},)],
    "`list`, `dict`": lambda: [[1], {1: 2}, {1}, bytearray(b"a"), deque([1], 2)],
    "other dataclasses": lambda: [Account(1), Open(1), PairWithDict(1)],
}
REFUSED = {
    "anything else": lambda: [
        lambda: 1, len, threading.Lock(), io.StringIO(), memoryview(b"a"), (n for n in "a"), types, object(),
        la.Actor(), la.Promise(), la.Owned(1), collections.OrderedDict(), collections.defaultdict(int), *subclasses(),
    ],
    "what contains itself": lambda: [cycle(), nested(101)],
}  # fmt: skip
APART = ("exceptions", "`Shared(x)`", "`move(x)`", "`move(owned)`")


def test_every_row_has_a_test_here_and_every_test_a_row():
    begun = {*SHARED, *COPIED, *REFUSED, *APART}

    for start in begun:
        assert sum(row.startswith(start) for row in ROWS) == 1, start
    for row in ROWS:
        assert sum(row.startswith(start) for start in begun) == 1, row


@pytest.mark.parametrize("start", SHARED)
def test_what_goes_by_reference_is_the_very_object(crossed, start):
    for value in SHARED[start]():
        assert crossed(value) is value, value


@pytest.mark.parametrize("start", COPIED)
def test_what_is_copied_is_an_equal_object_of_its_class(crossed, start):
    for value in COPIED[start]():
        arrived = crossed(value)

        assert arrived is not value, value
        assert (type(arrived), arrived) == (type(value), value)


@pytest.mark.parametrize("start", REFUSED)
def test_what_cannot_cross_is_refused_by_its_argument(crossed, start):
    for value in REFUSED[start]():
        with pytest.raises(la.NotPassable, match=r"^argument 1 of keep: "):
            crossed(value)


def test_an_exception_is_a_fresh_one_with_shared_attributes(crossed):
    error = ValueError("text", [1])

    arrived = crossed(error)

    assert arrived is not error
    assert (type(arrived), arrived.args) == (ValueError, error.args)
    assert arrived.args[1] is error.args[1]


def test_a_shared_is_another_holder_of_the_object(crossed):
    shared = la.Shared(lock := threading.Lock())

    arrived = crossed(shared)

    assert arrived is not shared
    assert arrived.value is lock


def test_what_is_moved_is_the_very_object(crossed):
    items, owned = [1], la.Owned([2])
    held = owned.value

    assert crossed(la.move(items)) is items
    assert crossed(la.move(owned)) is held
    with pytest.raises(la.MovedError):
        owned.value
