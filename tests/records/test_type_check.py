"""A TypeCheck says of which values each part is of exactly its declared type, alike in both cores."""

import enum
import gc
import sys
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st


class Color(enum.Enum):
    RED = 1
    GREEN = 2


class Number(enum.IntEnum):
    ONE = 1


class Flags(enum.Flag):
    A = 1
    B = 2


class Leaf(msgspec.Struct, frozen=True):
    name: str
    color: Color = Color.RED


class Other(msgspec.Struct, frozen=True, tag="other"):
    number: int


class Another(msgspec.Struct, frozen=True, tag="another"):
    leaf: Leaf | None = None


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    data: bytes = b""
    flag: bool = False
    number: int = 0
    real: float = 0.0
    kind: Number = Number.ONE
    leaf: Leaf | None = None
    leaves: tuple[Leaf, ...] = ()
    pairs: tuple[tuple[str, int], ...] = ()
    either: Other | Another | None = None
    loose: int | str = 0


class Endless(msgspec.Struct, frozen=True):
    inner: "Endless | None" = None


class Opened(msgspec.Struct):
    name: str


class SubLeaf(Leaf, frozen=True):
    pass


class Text(str):
    __slots__ = ()


# Of each its field, and a value of that which fits, or does not.
FITS: list[tuple[str, Any]] = [
    ("text", ""), ("text", "é\U0001f600"), ("text", "\uffff"), ("data", b"\xff"), ("flag", True),
    ("number", -(2**63)), ("number", 2**63 - 1), ("real", float("inf")), ("kind", Number.ONE), ("leaf", None),
    ("leaf", Leaf("a", Color.GREEN)), ("leaves", (Leaf("a"), Leaf("b"))), ("pairs", (("a", 1), ("b", 2))),
    ("either", Other(1)), ("either", Another(Leaf("a"))), ("either", None), ("loose", 5), ("loose", "a"),
]  # fmt: skip
MISFITS: list[tuple[str, Any]] = [
    ("text", None), ("text", 5), ("text", b"a"), ("text", "\ud800"), ("text", "a\U0001f600\udfff"), ("text", Text("a")),
    ("data", "a"), ("data", bytearray(b"a")), ("flag", 1), ("flag", None), ("number", 2**63), ("number", -(2**63) - 1),
    ("number", True), ("number", 1.0), ("number", Number.ONE), ("real", 1), ("kind", 1), ("kind", Color.RED),
    ("leaf", Leaf("a", Number.ONE)), ("leaf", Leaf(5)), ("leaf", SubLeaf("a")), ("leaf", Other(1)),
    ("leaf", ("a", Color.RED)),
    ("leaves", [Leaf("a")]), ("leaves", (Leaf("a"), None)), ("leaves", (Leaf("a"), Leaf(None))), ("leaves", None),
    ("pairs", (("a", 1, 2),)), ("pairs", (("a",),)), ("pairs", (["a", 1],)), ("pairs", (("a", "b"),)),
    ("either", Leaf("a")), ("either", Other("1")), ("either", Another(Leaf(1))), ("loose", 1.5), ("loose", None),
]  # fmt: skip


def whole(field: str, value: Any) -> Whole:
    return Whole(**{"text": "t", field: value})


@pytest.mark.parametrize(("field", "value"), FITS)
def test_what_is_as_declared_fits_and_is_what_its_bytes_are_read_as(core, field, value):
    made = whole(field, value)

    assert core.TypeCheck(Whole).fits(made) is True
    assert repr(msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=Whole)) == repr(made)


@pytest.mark.parametrize(("field", "value"), MISFITS, ids=repr)
def test_what_is_of_another_type_anywhere_does_not_fit(core, field, value):
    assert core.TypeCheck(Whole).fits(whole(field, value)) is False


# Goal: no false yes, whatever stands where. Method: any values in any fields; what fits comes back the same.
PARTS = (
    st.sampled_from([value for _, value in (*FITS, *MISFITS)]) | st.text() | st.integers() | st.floats(allow_nan=False)
)
VALUES = PARTS | st.lists(PARTS, max_size=2).map(tuple) | st.tuples(st.text(), st.integers()).map(lambda one: (one,))


@given(st.dictionaries(st.sampled_from(Whole.__struct_fields__), VALUES, max_size=3))
def test_what_fits_comes_back_the_same_and_both_cores_agree(both, fields):
    made = Whole(**{"text": "t", **fields})

    answers = {core.TypeCheck(Whole).fits(made) for core in both}

    assert len(answers) == 1
    if answers == {True}:
        assert repr(msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=Whole)) == repr(made)


def test_what_the_decoder_would_make_anew_or_refuse_never_fits(core):
    for kind, value in (
        (dict[str, int], {}),
        (list[int], []),
        (Any, 5),
        (Annotated[int, msgspec.Meta(ge=0)], 5),
        (Annotated[tuple[int, ...], msgspec.Meta(max_length=5)], ()),
        (Flags, Flags.A),
        (Opened, Opened("a")),
        (object, "a"),
    ):
        struct = msgspec.defstruct("Struct", [("field", kind)], frozen=True)
        assert core.TypeCheck(struct).fits(struct(value)) is False, kind
        optional = msgspec.defstruct("Optional", [("field", kind | None if kind is not Any else Any)], frozen=True)
        assert core.TypeCheck(optional).fits(optional(None)) is (kind is not Any), kind


def test_annotations_that_constrain_nothing_do_not_matter(core):
    struct = msgspec.defstruct("Struct", [("field", Annotated[int, msgspec.Meta(description="d")])], frozen=True)

    assert core.TypeCheck(struct).fits(struct(5)) is True


def test_a_value_of_another_class_does_not_fit(core):
    check = core.TypeCheck(Leaf)

    assert not any(map(check.fits, (None, 5, "a", SubLeaf("a"), Other(1), Leaf)))


def test_a_value_that_is_nested_without_end_is_given_up(core):
    value, check = Endless(), core.TypeCheck(Endless)
    for _ in range(60):
        value = Endless(value)
    assert check.fits(value) is True
    for _ in range(100_000):
        value = Endless(value)

    assert check.fits(value) is False
    while value is not None:  # from outside, or its end would be as deep
        value = value.inner


def test_only_struct_classes_of_known_types_are_taken(core):
    nameless = msgspec.defstruct("Nameless", [("field", "NoSuchType")], frozen=True)
    for kind, text in (
        (int, "expected a struct class"),
        (Leaf("a"), "expected a struct class"),
        (nameless, "NoSuchType"),
    ):
        with pytest.raises(TypeError, match=text):
            core.TypeCheck(kind)


def test_rows_that_no_class_has_are_refused_by_the_c_core(both):
    cell = both[1].TypeCheckCell
    slot = vars(Leaf)["name"]
    for row in (
        (), (1,), 5, (-1, False, None, 0, 0, ()), (11, False, None, 0, 0, ()), (7, False, None, 1, 0, ()),
        (8, False, None, 0, 2, ()), (8, False, None, -1, 0, ()), (8, False, None, 0, -1, ()),
        (6, False, [Color.RED], 0, 0, ()), (9, False, 5, 0, 0, ()), (9, False, Leaf, 0, 1, ()),
        (9, False, Leaf, 0, 1, (5,)), (9, False, int, 0, 1, (slot,)), (9, False, Leaf, 0, 1, [slot]),
        (2**40, False, None, 0, 0, ()),
    ):  # fmt: skip
        with pytest.raises(TypeError, match="expected a row"):
            cell((row,))
    for rows in ((), [(1, False, None, 0, 0, ())]):
        with pytest.raises(TypeError):
            cell(rows)


def test_checks_keep_and_lose_no_references(core):
    def look() -> None:
        check = core.TypeCheck(Whole)
        for field, value in (*FITS, *MISFITS):
            check.fits(whole(field, value))

    look()
    gc.collect()
    before = sys.getrefcount(Leaf), sys.getrefcount(Color.RED), len(gc.get_objects())
    for _ in range(50):
        look()
    gc.collect()
    after = sys.getrefcount(Leaf), sys.getrefcount(Color.RED), len(gc.get_objects())

    assert all(now - then < 25 for now, then in zip(after, before, strict=True))
