"""Passing by value: shared if nobody can change it, copied if it is plain data, moved if asked, else refused."""

import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import threading
import types
import typing
import uuid
from collections import OrderedDict, defaultdict, deque
from collections.abc import Sequence

import msgspec
import pytest

import libactor as la
from libactor._core.values import DEPTH_MAX, make_copier

UserId = typing.NewType("UserId", int)


class Color(enum.Enum):
    RED = 1


class Flags(enum.Flag):
    A = enum.auto()


class Meta(type):
    pass


class WithMeta(metaclass=Meta):
    pass


class Point(msgspec.Struct, frozen=True):
    x: int
    name: UserId | None = None
    kind: typing.Literal["a"] = "a"
    more: tuple[int, ...] = ()


class Node(msgspec.Struct, frozen=True):
    value: Point
    following: "Node | None" = None


class Loose(msgspec.Struct, frozen=True):
    items: Sequence[int]


class Open(msgspec.Struct):
    items: list[int]
    point: Point = Point(0)


@dataclasses.dataclass(frozen=True)
class Fixed:
    x: int
    color: Color = Color.RED


@dataclasses.dataclass(frozen=True, slots=True)
class FixedOfAnything:
    x: object


@dataclasses.dataclass
class Account:
    names: list[str]
    total: int = dataclasses.field(init=False)

    def __post_init__(self):
        self._cache = {"names": self.names}


@dataclasses.dataclass(slots=True)
class Slotted:
    names: list[str]


class Opened(Fixed):
    """Derived from a frozen dataclass without being one: may have any attribute."""


class Pair(typing.NamedTuple):
    first: object
    second: int = 0


class Failure(Exception):
    pass


@pytest.fixture
def copied(core):
    """A function from a value to what its receiver gets, by either core."""
    copier = make_copier(core.ValueCopier)
    return lambda value: copier.by_value(value, "argument %d of %s", 1, "test")


SHARED = [
    1, 1.5, 1j, True, "a", b"a", None, ..., int, range(3), slice(1), decimal.Decimal(1), fractions.Fraction(1, 2),
    uuid.UUID(int=1), datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), datetime.date(2026, 1, 1), datetime.time(1),
    datetime.timedelta(1), datetime.UTC, pathlib.Path("a"), pathlib.PurePosixPath("a"), Color.RED, Flags.A, Color,
    WithMeta, Point, la.ready(1), Point(1), Node(Point(1), Node(Point(2))), Fixed(1), FixedOfAnything(1),
    FixedOfAnything((1, "a")), Loose((1, 2)),
    (), (1, ("a", (Point(1),))), frozenset({1, (2, 3)}), Pair(1), Pair((1, 2)),
]  # fmt: skip


@pytest.mark.parametrize("value", SHARED, ids=repr)
def test_what_cannot_change_is_shared(copied, value):
    assert copied(value) is value


def test_a_pid_is_shared(copied, runtime):
    pid = la.spawn(la.Actor())

    assert copied(pid) is pid


COPIED = [
    [], [1, [2]], {"a": [1]}, {1, 2}, bytearray(b"a"), deque([1, [2]], 5), ([1],), (1, ({},)),
    Open([1]), Loose([1, 2]), Slotted(["a"]), FixedOfAnything([1]), Pair([1]), {"a": Pair({})}, Opened(1),
]  # fmt: skip


@pytest.mark.parametrize("value", COPIED, ids=repr)
def test_what_can_change_is_copied(copied, value):
    copy = copied(value)

    assert copy == value
    assert copy is not value
    assert type(copy) is type(value)


def test_a_copy_shares_nothing_that_can_change(copied):
    value = {"list": [1, {"deep": deque([[2]], 3)}], "pair": Pair([3]), "open": Open([4])}

    copy = copied(value)
    copy["list"][1]["deep"][0].append(0)
    copy["pair"].first.append(0)
    copy["open"].items.append(0)

    assert value == {"list": [1, {"deep": deque([[2]], 3)}], "pair": Pair([3]), "open": Open([4])}
    assert copy["list"][1]["deep"].maxlen == 3


def test_a_frozen_part_of_a_copy_is_shared(copied):
    point = Point(1)

    assert copied([point])[0] is point
    assert copied(Open([], point)).point is point


def test_aliases_stay_aliases_within_one_value(copied):
    inner = [1]
    pair = (inner,)

    copy = copied([inner, inner, {"a": inner}, pair, pair])

    assert copy[0] is copy[1] is copy[2]["a"] is copy[3][0]
    assert copy[3] is copy[4]


def test_a_dataclass_keeps_what_stands_in_it_beside_its_fields(copied):
    account = Account(["a"])

    copy = copied(account)

    assert copy._cache == {"names": ["a"]}
    assert copy._cache["names"] is copy.names is not account.names
    assert not hasattr(copy, "total")


def test_an_undecorated_subclass_of_a_frozen_dataclass_is_copied_with_all_it_has(copied):
    opened = Opened(1)
    opened.__dict__["extra"] = [1]

    copy = copied(opened)

    assert copy.extra == [1]
    assert copy.extra is not opened.extra


def cycle(kind):
    if kind == "list":
        value = []
        value.append((value,))
    elif kind == "dict":
        value = {}
        value["self"] = [value]
    else:
        value = Account([])
        value.names.append(value)
    return value


@pytest.mark.parametrize("kind", ["list", "dict", "dataclass"])
def test_a_cycle_is_refused(copied, kind):
    with pytest.raises(la.NotPassable, match="contains itself"):
        copied(cycle(kind))


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: (v,), lambda v: {"a": v}, Pair])
def test_nesting_is_bounded_on_both_sides_of_the_bound(copied, wrap):
    def nested(depth):
        value = [1]
        for _ in range(depth):
            value = wrap(value)
        return value

    assert copied(nested(DEPTH_MAX - 1)) == nested(DEPTH_MAX - 1)
    with pytest.raises(la.NotPassable, match="nested more than"):
        copied(nested(DEPTH_MAX + 1))


# Goal: work grows with the objects, not with the paths to them. Method: 2 to the 90th paths.
@pytest.mark.parametrize("leaf", [(), []], ids=["shared", "copied"])
def test_a_tuple_that_stands_in_many_places_is_looked_at_once(copied, leaf):
    value = leaf
    for _ in range(90):
        value = (value, value)

    assert (copied(value) is value) is (leaf == ())


@dataclasses.dataclass
class ListLike(list):
    x: int = 0


class Hostile:
    """Answers every question about its attributes, and to every comparison."""

    def __getattr__(self, name):
        return ("x",)

    def __eq__(self, other):
        raise AssertionError("compared")

    __hash__ = None


REFUSED = [
    object(), lambda: 1, len, threading.Lock(), (n for n in "a"), types, memoryview(b"a"), OrderedDict(),
    defaultdict(int), type("MyInt", (int,), {})(1), type("MyStr", (str,), {})("a"), type("MyList", (list,), {})(),
    Hostile(),
    type("MyTuple", (tuple,), {})((1,)), ListLike(), types.SimpleNamespace(), la.Actor(), la.Promise(),
]  # fmt: skip


@pytest.mark.parametrize("value", REFUSED, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: (1, v), lambda v: Loose([v])])
def test_everything_else_is_refused_with_its_place_its_type_and_a_remedy(copied, value, wrap):
    with pytest.raises(la.NotPassable) as raised:
        copied(wrap(value))

    text = str(raised.value)
    assert text.startswith("argument 1 of test: ")
    assert type(value).__qualname__ in text
    assert "move()" in text


def test_hostile_objects_inside_containers_that_are_moved_are_left_alone(copied):
    hostile = Hostile()

    assert copied([la.move(hostile)])[0] is hostile
    assert copied((1, la.move(hostile)))[1] is hostile


@pytest.mark.parametrize("value", [[1], object(), Hostile(), Open([])], ids=lambda value: type(value).__name__)
def test_a_moved_value_is_handed_over_itself(copied, value):
    assert copied(la.move(value)) is value


def test_an_exception_crosses_as_a_fresh_one_with_its_traceback(copied):
    def fail():
        raise Failure("no", 3)

    with pytest.raises(Failure) as raised:
        fail()
    copy = copied(raised.value)

    assert copy is not raised.value
    assert (type(copy), copy.args) == (Failure, ("no", 3))
    assert copy.__traceback__ is raised.value.__traceback__


def test_declarations_that_cannot_be_read_are_no_obstacle(copied):
    class Unreadable(msgspec.Struct, frozen=True):
        x: "NotImported"  # noqa: F821
        y: "list[int].nothing" = None

    shared, mutable = Unreadable(1), Unreadable([1])

    assert copied(shared) is shared
    assert copied(mutable) is not mutable


def test_a_frozen_class_with_a_mutable_field_is_copied_even_behind_one_that_is_proven(copied):
    class Holder(msgspec.Struct, frozen=True):
        loose: Loose
        point: Point = Point(1)

    held, fixed = Holder(Loose([1])), Holder(Loose((1,)))

    assert copied(held).loose.items is not held.loose.items
    assert copied(fixed) is fixed


def test_a_class_that_is_declared_immutable_is_shared(copied):
    class Declared:
        pass

    value = Declared()
    la.register_immutable(Declared)

    assert copied([value])[0] is value


@pytest.mark.parametrize("kind", [list, dict, tuple, frozenset, deque])
def test_a_container_cannot_be_declared_immutable(kind):
    with pytest.raises(TypeError, match=r"built-in container.*Shared\(\)"):
        la.register_immutable(kind)


class Keeper(la.Actor):
    def __init__(self):
        super().__init__()
        self.kept = None

    def keep(self, value):
        self.kept = value
        return value

    def change(self):
        self.kept.append(2)
        return self.kept

    def give(self):
        return la.move(self.kept)


def test_neither_side_sees_what_the_other_does_to_its_own(runtime):
    pid, value = la.spawn(Keeper()), [1]

    result = la.dispatch(pid, Keeper.keep, value).get(30)
    value.append(0)
    result.append(0)

    assert la.dispatch(pid, Keeper.change).get(30) == [1, 2]


def test_a_moved_argument_and_a_moved_result_are_the_very_object(runtime):
    pid, value = la.spawn(Keeper()), [1]

    la.dispatch(pid, Keeper.keep, la.move(value)).get(30)

    assert la.dispatch(pid, Keeper.give).get(30) is value
