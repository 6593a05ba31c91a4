"""Objects of dataclasses, structs and named tuples: a copy has the same state, and no code of the class has run."""

import copy
import dataclasses
import gc
import typing

import msgspec
import pytest

import libactor as la
from libactor._core.values import make_copier


@pytest.fixture
def copied(core):
    copier = make_copier(core.ValueCopier)
    return lambda value: copier.by_value(value, "argument")


@dataclasses.dataclass
class Open:
    first: object
    second: object = None


@dataclasses.dataclass(slots=True)
class Slotted:
    first: object
    second: object = None


@dataclasses.dataclass
class SlottedAndMore(Slotted):
    """Has both slots and a __dict__."""

    third: object = None


@dataclasses.dataclass(frozen=True)
class Fixed:
    first: object
    second: object = None


@dataclasses.dataclass(frozen=True, slots=True)
class FixedSlotted:
    first: object
    second: object = None


class Struct(msgspec.Struct):
    first: object
    second: object = None


class Frozen(msgspec.Struct, frozen=True):
    first: object
    second: object = None


class FrozenHashed(msgspec.Struct, frozen=True, cache_hash=True):
    first: object
    second: object = None


class Untracked(msgspec.Struct, gc=False):
    first: object
    second: object = None


class SubStruct(Struct, dict=True, weakref=True):
    third: object = None


class Pair(typing.NamedTuple):
    first: object
    second: object = None


class PairAndMore(Pair):
    """A named tuple with a __dict__."""


KINDS = [
    Open, Slotted, SlottedAndMore, Fixed, FixedSlotted, Struct, Frozen, FrozenHashed, Untracked, SubStruct, Pair,
    PairAndMore,
]  # fmt: skip
IMMUTABLE_IF_THEIR_PARTS_ARE = [Fixed, FixedSlotted, Frozen, FrozenHashed, Pair]
WITH_DICT = [Open, SlottedAndMore, SubStruct, PairAndMore]


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_is_an_equal_object_of_the_class_that_shares_nothing_that_can_change(copied, kind):
    value = kind([1], (2, [3]))

    made = copied(value)

    assert type(made) is kind
    assert (made.first, made.second) == ([1], (2, [3]))
    assert made is not value
    assert made.first is not value.first
    assert made.second[1] is not value.second[1]


@pytest.mark.parametrize("kind", KINDS)
def test_with_shared_parts_what_is_frozen_passes_itself_and_the_rest_is_copied(copied, kind):
    value = kind(1, ("a", (2,)))

    made = copied(value)

    assert (made is value) is (kind in IMMUTABLE_IF_THEIR_PARTS_ARE)
    assert made.second is value.second


# Goal: an alias is found though only the two objects hold it. Method: both are made from a fresh list.
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", [Open, Struct, Pair])
def test_a_part_of_two_objects_stays_one(copied, kind, other):
    one, two = (lambda part: copied([kind(part), other(1, part)]))([1])

    assert one.first is two.second


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_met_twice_is_copied_once(copied, kind):
    value = kind([1])

    one, two = copied([value, (value,)])

    assert one is two[0] is not value


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in IMMUTABLE_IF_THEIR_PARTS_ARE])
def test_an_object_that_contains_itself_is_refused(copied, kind):
    inner = []
    value = kind(inner)
    inner.append(value)

    with pytest.raises(la.NotPassable, match="contains itself"):
        copied(value)


@pytest.mark.parametrize("kind", WITH_DICT)
def test_what_stands_beside_the_fields_is_copied_with_its_aliases(copied, kind):
    value = kind([1])
    value.extra = {"first": value.first}

    made = copied(value)

    assert made.extra == {"first": [1]}
    assert made.extra["first"] is made.first is not value.first


def test_what_stands_beside_the_fields_of_a_frozen_object_is_copied(copied):
    value = Fixed(1)
    vars(value)["cache"] = [2]

    made = copied(value)

    assert made.cache == [2]
    assert made.cache is not value.cache


@pytest.mark.parametrize("kind", [Slotted, SlottedAndMore, Open])
def test_an_attribute_that_is_not_set_stays_so(copied, kind):
    value = kind([1])
    del value.first

    made = copied(value)

    assert not hasattr(made, "first")
    assert made.second is None


def test_a_struct_with_a_field_that_is_not_set_is_an_error(copied):
    value = Struct([1])
    del value.first

    with pytest.raises(AttributeError):
        copied(value)


@pytest.mark.parametrize("size", [11, 12, 13, 300])
def test_objects_of_any_width_are_copied(copied, size):
    names = [f"field_{n}" for n in range(size)]
    kinds = [
        msgspec.defstruct("Wide", names),
        dataclasses.make_dataclass("Wide", names),
        dataclasses.make_dataclass("Wide", names, slots=True),
        typing.NamedTuple("Wide", [(name, object) for name in names]),
    ]
    values = [kind(*[[n] for n in range(size)]) for kind in kinds]

    made = copied(values)

    assert made == values
    assert not any(
        getattr(new, name) is getattr(old, name) for new, old in zip(made, values, strict=True) for name in names
    )


def test_the_hash_a_struct_keeps_is_that_of_the_copy(copied):
    class Part(msgspec.Struct, eq=False):
        x: int

    value = FrozenHashed(Part(1))
    before = hash(value)

    made = copied(value)

    assert hash(made) == hash(FrozenHashed(made.first)) != before


@pytest.mark.parametrize("kind", [Struct, SubStruct, Open, Slotted, Pair])
def test_a_copy_in_a_cycle_is_collected(copied, kind):
    class Canary:
        alive = True

        def __del__(self):
            Canary.alive = False

    cycle = [Canary()]
    made = copied(kind(1, la.move(cycle)))
    cycle.append(made)

    del cycle, made
    gc.collect()

    assert not Canary.alive


def fail(*_, **__):
    raise AssertionError("code of the class ran")


CODE = dict.fromkeys(
    [
        "__init__", "__post_init__", "__setattr__", "__delattr__", "__getattr__", "__getattribute__", "__iter__",
        "__len__", "__eq__", "__hash__", "__copy__", "__deepcopy__", "__reduce__", "__reduce_ex__", "__getstate__",
        "__setstate__", "__replace__", "__bool__", "__call__", "__getnewargs__", "__getitem__",
    ],
    fail,
) | {"first": property(fail, fail)}  # fmt: skip


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not Untracked])
def test_no_code_of_a_class_runs(copied, kind):
    hostile = type("Hostile", (kind,), {})
    value = hostile([1], 2)
    for name, code in CODE.items():
        setattr(hostile, name, code)

    made = copied(value)
    for name in CODE:
        delattr(hostile, name)

    assert type(made) is hostile
    assert made.first == [1]
    assert made.first is not value.first
    assert made.second == 2


def test_an_object_that_hides_its_state_is_refused(copied):
    @dataclasses.dataclass
    class Hider:
        x: list
        __dict__ = property(fail)

    with pytest.raises(la.NotPassable, match="Hider"):
        copied(Hider([1]))


def test_an_object_that_lies_about_its_class_is_copied_for_what_it_is(copied):
    @dataclasses.dataclass
    class Liar:
        x: list
        __class__ = property(fail)

    made = copied(Liar([1]))

    assert (type(made), made.x) == (Liar, [1])


def test_a_copy_calls_no_post_init(copied):
    calls = []

    class Counted(msgspec.Struct):
        x: list

        def __post_init__(self):
            calls.append("struct")

    @dataclasses.dataclass
    class CountedToo:
        x: list

        def __post_init__(self):
            calls.append("dataclass")

    copied([Counted([]), CountedToo([])])

    assert calls == ["struct", "dataclass"]


def test_a_descriptor_of_a_field_is_left_alone(copied):
    class Doubled:
        def __get__(self, owner, kind=None):
            return 1 if owner is None else owner._x

        def __set__(self, owner, x):
            owner._x = 2 * x

    @dataclasses.dataclass
    class Holder:
        x: Doubled = Doubled()  # noqa: RUF009

    assert copied(Holder(2))._x == 4


def test_a_plain_class_that_looks_like_a_struct_is_refused(copied):
    class Fake:
        __struct_fields__ = ("x",)
        x = 1

    with pytest.raises(la.NotPassable, match="Fake"):
        copied(Fake())


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_equals_a_deep_copy(copied, kind):
    value = [kind({"a": [1]}, (kind([2]),)) for _ in range(3)]

    made, deep = copied(value), copy.deepcopy(value)

    assert made == deep == value
    assert not any(one is two for one, two in zip(made, value, strict=True))


def test_the_unset_of_msgspec_is_shared(copied):
    assert copied([msgspec.UNSET]) == [msgspec.UNSET]
