"""The wire codec brings back what was written: value, types, aliases; or says what it cannot encode."""

import dataclasses
import datetime
import decimal
import enum
import fractions
import pathlib
import typing
import uuid
import zoneinfo
from collections import deque

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import libactor as la
from libactor.codec import NotDecodable, NotEncodable, Reader, Writer


class Color(enum.Enum):
    RED = (1, "red")


class Flags(enum.Flag):
    A = enum.auto()
    B = enum.auto()


class Point(msgspec.Struct, frozen=True):
    x: object
    more: object = ()


class Wide(msgspec.Struct, dict=True):
    x: object


@dataclasses.dataclass
class Account:
    names: object
    total: int = dataclasses.field(init=False)


@dataclasses.dataclass(slots=True)
class Slotted:
    first: object
    second: int = dataclasses.field(init=False)


@dataclasses.dataclass(eq=False)
class Key:
    x: int


class Pair(typing.NamedTuple):
    first: object
    second: object = 0


class Failure(Exception):
    def __init__(self, number):
        super().__init__(f"failed with {number}")
        self.number = number


def sent(value):
    """What arrives of ``value`` elsewhere."""
    writer = Writer()
    data = writer.encode(value)
    assert type(data) is bytes
    return Reader(writer.pids, writer.local).decode(data)


ZONE = zoneinfo.ZoneInfo("Etc/GMT+3")
WEST = datetime.timezone(datetime.timedelta(hours=-3), "west")
VALUES = [
    None, True, 0, -1, 2**63, -(2**63), 2**64, -(2**200), 1.5, float("inf"), 1 - 2j, "é", "", b"\0", ..., msgspec.UNSET,
    [], [1, [2]], (), (1, (2,)), {}, {"a": 1, (1, 2): [3], None: {}}, set(), {1, (2, 3)}, frozenset({"a"}),
    frozenset({1, 97}),
    deque([1, [2]], 3), deque(), bytearray(b"a"), range(1, 9, 2), slice(None, 3), decimal.Decimal("1.10"),
    fractions.Fraction(1, 3), uuid.UUID(int=5), datetime.datetime(2026, 1, 2, 3, 4, 5, 6, WEST, fold=1),
    datetime.datetime(2026, 1, 2, tzinfo=ZONE), datetime.date(1, 2, 3), datetime.time(1, 2, fold=1),
    datetime.timedelta(-1, 2, 3), datetime.UTC, WEST, pathlib.PurePosixPath("/a/b"), pathlib.Path("c"),
    pathlib.PureWindowsPath("c:\\d"), int, Point, Color, Color.RED, Flags.A | Flags.B, Flags(0),
    Point(1), Point([1], {"a": (2,)}), Pair(1, [2]), [Point({1: Pair([])})],
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_with_its_types(value):
    arrived = sent(value)

    assert arrived == value
    assert type(arrived) is type(value)
    assert isinstance(value, (set, frozenset)) or repr(arrived) == repr(value)


def test_objects_come_back_with_what_stands_in_them_and_nothing_else():
    account, slotted, wide = Account(["a"]), Slotted([1]), Wide(1)
    account.extra = {"names": account.names}
    wide.extra = [2]

    one, two, three = sent((account, slotted, wide))

    assert one.extra["names"] is one.names
    assert one.names == ["a"]
    assert not hasattr(one, "total")
    assert two.first == [1]
    assert not hasattr(two, "second")
    assert (three.x, three.extra) == (1, [2])


def test_an_exception_comes_back_with_its_attributes_and_notes():
    errors = [Failure(3), OSError(2, "no such file", "a"), KeyError("k"), ImportError("text", name="module")]
    errors[0].add_note("note")

    arrived = sent(errors)

    assert [(type(error), error.args, str(error)) for error in arrived] == [
        (type(error), error.args, str(error)) for error in errors
    ]
    assert (arrived[0].number, arrived[0].__notes__) == (3, ["note"])
    assert (arrived[1].filename, arrived[3].name) == ("a", "module")


def test_aliases_come_back_as_aliases():
    inner, pair = [1], ([2],)

    arrived = sent([inner, {"a": inner}, Point(inner), pair, pair])

    assert arrived[0] is arrived[1]["a"] is arrived[2].x
    assert arrived[3] is arrived[4]


def test_aliases_among_the_keys_of_a_set_come_back():
    keys = [Key(n) for n in (3, 1, 2)]

    arrived_set, arrived_keys = sent([set(keys), keys])

    assert arrived_set == set(arrived_keys)
    assert [key.x for key in arrived_keys] == [3, 1, 2]


def test_a_pid_comes_back_as_the_one_of_its_address(runtime):
    pid = la.spawn(la.Actor())

    assert sent([pid, pid]) == [pid, pid]


def test_what_works_only_here_is_noted_and_comes_back_itself():
    shared, future = la.Shared(1), la.ready(1)
    writer = Writer()

    data = writer.encode([shared, (future, shared)])

    assert writer.local == [shared, future]
    assert Reader({}, writer.local).decode(data) == [shared, (future, shared)]


def test_equal_sets_are_written_alike():
    one, other = set(), set()
    one.update((0, 8))
    other.update((8, 0))
    assert list(one) != list(other), "they have the same order, so nothing is shown"

    assert Writer().encode(one) == Writer().encode(other)


def local_class():
    class Local(msgspec.Struct):
        x: int = 0

    return Local


@pytest.mark.parametrize(
    "value", [local_class()(), local_class(), [local_class()()]], ids=["object", "class", "inside"]
)
def test_a_class_that_is_not_found_by_its_name_is_not_encodable(value):
    with pytest.raises(NotEncodable, match="not found by its name; define it at the top"):
        Writer().encode(value)


def test_half_a_surrogate_pair_is_not_encodable():
    with pytest.raises(NotEncodable, match="surrogate"):
        Writer().encode(["\ud800"])


NAMES = [("os", "system"), ("no_such_module", "X"), ("builtins", "object.x")]


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_a_name_that_is_no_class_of_an_imported_module_is_refused(module, name):
    data = msgspec.msgpack.encode(["object", module, name, ["list"], ["dict"]])

    with pytest.raises(NotDecodable, match="is no class of an imported module; import it where it is read"):
        Reader({}, []).decode(data)


@pytest.mark.parametrize("name", ["object", "list", "type"])
def test_a_class_that_is_no_dataclass_struct_or_named_tuple_is_not_made(name):
    data = msgspec.msgpack.encode(["object", "builtins", name, ["list"], ["dict"]])

    with pytest.raises(NotDecodable, match="no dataclass"):
        Reader({}, []).decode(data)


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary(), st.uuids(),
    st.decimals(allow_nan=False), st.fractions(), st.dates(), st.timedeltas(), st.datetimes(timezones=st.timezones()),
)  # fmt: skip
ANY = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner), st.tuples(inner, inner), st.dictionaries(SCALARS, inner), st.sets(SCALARS),
        st.frozensets(SCALARS), st.builds(Point, inner), st.builds(Pair, inner, inner),
    ),
)  # fmt: skip


@given(ANY)
def test_any_value_comes_back_and_is_written_alike_again(value):
    arrived = sent(value)

    assert arrived == value
    assert Writer().encode(arrived) == Writer().encode(value)
