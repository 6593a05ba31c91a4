"""Which struct classes can be records; what cannot be checked on arrival is refused, with the path of the field."""

import datetime
import enum
import typing
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta


class Texts(enum.StrEnum):
    A = "a"


class Mapping(msgspec.Struct):
    a: int


class Tagged(msgspec.Struct, array_like=True, tag=1):
    a: int


class OtherTagged(msgspec.Struct, array_like=True, tag=2):
    a: int


class Node(msgspec.Struct, array_like=True):
    left: "Node | None" = None
    right: "Node | None" = None


class Choosy(msgspec.Struct, array_like=True):
    a: int

    def __post_init__(self):
        raise ValueError("never")


class Strict(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    a: int


class Huge(enum.Enum):
    A = 2**63


def struct_of(*kinds, **options):
    fields = [(f"field{n}", kind) for n, kind in enumerate(kinds)]
    return msgspec.defstruct("Outer", fields, array_like=True, frozen=True, **options)


REFUSED = {
    "a constraint": (Annotated[int, Meta(gt=0)], "Outer.field0 has the constraint gt"),
    "a constraint beside nil": (Annotated[int, Meta(le=5)] | None, "Outer.field0 has the constraint le"),
    "a constraint of an item": (tuple[Annotated[str, Meta(max_length=3)], ...], r"Outer.field0\[\] has the constraint"),
    "a constraint of a key": (dict[Annotated[str, Meta(pattern="a")], int], "Outer.field0 has the constraint pattern"),
    "a constraint of a map": (
        Annotated[dict[str, int], Meta(min_length=1)],
        "Outer.field0 has the constraint min_length",
    ),
    "texts as choices": (Texts, "Outer.field0 is a Texts; expected an enumeration of whole numbers"),
    "choices of more than 64 bits": (Huge, "Outer is no type that msgspec can decode: Integer values"),
    "a tagged union": (Tagged | OtherTagged, "Outer.field0 is a union"),
    "a tagged struct": (Tagged, "Outer.field0 is a Tagged; expected a struct that is array_like, without a tag"),
    "a union": (int | str, "Outer.field0 is a union"),
    "itself": (Node, "Outer.field0.left is a Node within a Node; a record cannot hold itself"),
    "a struct that refuses": (Choosy, "Outer.field0 is a Choosy, which may refuse what fits it"),
    "a struct that refuses fields": (
        tuple[Strict, ...],
        r"Outer.field0\[\] is a Strict, which may refuse what",
    ),
    "a struct with keys": (Mapping, "Outer.field0 is a Mapping; expected a struct that is array_like"),
    "a set": (frozenset[int], "Outer.field0 is of a type with no one form in msgpack: FrozenSet"),
    "a time": (datetime.datetime, "Outer.field0 is of a type with no one form in msgpack: DateTime"),
    "a tuple of some length": (tuple[int, str], "Outer.field0 is of a type with no one form in msgpack: Tuple"),
    "literals": (dict[str, Literal[1, 2]], "Outer.field0{} is of a type with no one form in msgpack: Literal"),
    "keys that are no texts": (dict[int, int], "Outer.field0 is of a type with no one form in msgpack: Dict"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_checked_on_arrival_is_refused_with_its_path(core, name):
    kind, message = REFUSED[name]

    with pytest.raises(TypeError, match=message):
        core.RecordType(struct_of(kind))


class Colour(enum.Enum):
    RED = 1


class Inner(msgspec.Struct, array_like=True, frozen=True):
    name: str = None  # type: ignore[assignment]


UNFIT = {
    "nil where none may be": (str, None, "None"),
    "another type": (Colour, "a text", "'a text'"),
    "a number that no member has": (Colour, 7, "7"),
    "a number of more than 64 bits": (int, 2**64, "18446744073709551616"),
    "an item": (tuple[int, ...], ("a",), r"\('a',\)"),
    "what a factory makes": (tuple[int, ...], msgspec.field(default_factory=dict), "{}"),
    "an extension": (Any, msgspec.msgpack.Ext(1, b""), ".*Ext"),
    "half a pair": (str, "\ud800", r"'\\ud800'"),
    "nothing at all": (int, msgspec.UNSET, "NODEFAULT"),
    "what is large": (int, "x" * 10_000, "'x{10,99}"),
}


# A projection writes the default of a field that was left out, and does not look at it any more than at a record.
@pytest.mark.parametrize("name", UNFIT)
def test_a_default_that_does_not_fit_is_refused(core, name):
    kind, default, said = UNFIT[name]
    outer = msgspec.defstruct("Outer", [("id", str), ("field", kind, default)], array_like=True, frozen=True)

    with pytest.raises(TypeError, match=f"^RecordType: Outer.field has the default {said}.*no value of its type"):
        core.RecordType(outer)


def test_a_default_that_does_not_fit_is_refused_in_a_struct_within(core):
    with pytest.raises(TypeError, match=r"Outer.field0\[\].name has the default None"):
        core.RecordType(struct_of(tuple[Inner, ...]))


def test_notes_on_a_type_are_no_constraint(core):
    kind = struct_of(Annotated[int, Meta(description="a number")] | None, Annotated[Any, Meta(title="x")])

    record = core.RecordType(kind).pack(kind(5, [1]))

    assert (record.field0, record.field1) == (5, [1])


# Goal: compiling ends, whatever the class. Method: structs that hold the one before twice, 30 times; arrays 70 deep.
def test_what_is_huge_or_deep_is_refused(core):
    wide, deep = struct_of(int), int
    for _ in range(30):
        wide = struct_of(wide, wide)
    for _ in range(70):
        deep = tuple[deep, ...]

    for kind in (wide, struct_of(deep)):
        with pytest.raises(TypeError, match="is nested more than 64 deep, or there are more than"):
            core.RecordType(kind)


def test_as_deep_as_is_allowed_is_checked_and_decoded(core):
    deep = int
    for _ in range(62):
        deep = tuple[deep, ...]
    kind = struct_of(deep)
    records = core.RecordType(kind)
    value: Any = 7
    for _ in range(62):
        value = (value,)

    assert records.pack(kind(value)).decode() == kind(value)
    with pytest.raises(core.RecordError) as caught:
        records.read(b"\x91" * 63 + b"\xa1a")
    assert caught.value.path == "Outer.field0" + "[0]" * 62
    assert caught.value.offset == 63


@pytest.mark.parametrize("name", ["decode", "kind", "replace", "_bytes", "_offsets", "_is_protocol", "__bytes__"])
def test_a_field_with_the_name_of_something_that_records_have_is_refused(core, name):
    with pytest.raises(TypeError, match=f"Taken.{name} has the name of something that records have; rename it"):
        core.RecordType(msgspec.defstruct("Taken", [(name, int)], array_like=True))


def test_what_is_no_struct_class_is_refused(core, model):
    for kind in (int, dict, None, 5, model.Task("a", "b", model.State.LOST, 1)):
        with pytest.raises(TypeError, match="expected a struct class of msgspec"):
            core.RecordType(kind)
    for kind in (struct_of(), struct_of(*[int] * 255)):
        with pytest.raises(TypeError, match="fields, expected 1 to 254"):
            core.RecordType(kind)


def test_hot_fields_that_are_none_are_refused(core, model):
    for hot in (("nothing",), ("user", "user"), "user", tuple(f"f{n}" for n in range(17))):
        with pytest.raises(TypeError, match="hot field"):
            core.RecordType(model.Task, hot=hot)


def test_a_size_that_is_none_is_refused(core, model):
    for size in (0, -1, 2**31, 2**32 + 5, 1.5):
        with pytest.raises(ValueError, match="expected 1 to 2147483647"):
            core.RecordType(model.Task, bytes_max=size)


# Goal: the core believes no table either. Method: rows that name what is not there, themselves, or nest too deep.
def test_the_core_refuses_shapes_that_would_lead_a_check_astray(core):
    from libactor.records.shapes import ROW

    def kind(*rows, hot=(), fields=1):
        shapes = b"".join(ROW.pack(*row) for row in rows)
        nothing = (None,) * fields
        return core.RecordKind("K", ("a",) * fields, shapes, b"", hot, nothing, nothing, bytes, bytes, ValueError, 100)

    struct, leaf = (8, 0, 0, 1, 1), (2, 0, 0, 0, 0)
    for rows in (
        [],
        [leaf],
        [(8, 0, 0, 0, 1)],
        [(8, 0, 0, 2, 1), leaf],
        [(8, 0, 0, 1, 2**32 - 1), leaf],
        [struct, (7, 0, 0, 1, 0)],
        [struct, (9, 0, 0, 2, 0)],
        [struct, (6, 0, 0, 0, 1)],
        [struct, (10, 0, 0, 0, 0)],
        [struct, *[(7, 0, 0, n, 0) for n in range(2, 70)], leaf],
    ):
        with pytest.raises(ValueError, match="RecordKind: "):
            kind(*rows)
    for hot in ((1,), (-1,), (0, 0)):
        with pytest.raises(ValueError, match="RecordKind: hot is"):
            kind(struct, leaf, hot=hot)
    with pytest.raises(ValueError, match="RecordKind: hot is"):
        kind((8, 0, 0, 1, 20), *[leaf] * 20, hot=tuple(range(17)), fields=20)
    assert kind(struct, leaf).read(b"\x91\x05").a == 5


@pytest.mark.parametrize("name", ["Record", "RecordType", "Collection", "Snapshot", "Projection"])
def test_each_of_a_struct_class_is_a_name_for_annotations_at_run_time(core, model, name):
    kind = getattr(core, name)

    alias = kind[model.Task]

    assert typing.get_origin(alias) is kind
    assert typing.get_args(alias) == (model.Task,)


def test_what_is_called_by_such_a_name_makes_the_same(core, model, make_task):
    kind = core.RecordType[model.Task](model.Task)
    collection = core.Collection[model.Task](kind, key="task_id")

    collection.put(kind.pack(make_task(1)))

    assert type(kind) is core.RecordType
    assert type(collection) is core.Collection
    assert [one.decode() for one in collection] == [make_task(1)]
    with pytest.raises(TypeError, match=r"cannot create '.*Record' instances"):
        core.Record[model.Task]()
