"""Bytes that are no record: both cores find the same fault at the same byte of the same value, and nothing else."""

import enum
import random
import sys
from typing import Any

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st


def outcome(kind: Any, data: bytes) -> tuple[Any, ...]:
    """What comes of reading: the bytes and all fields of the record, or where it was refused and why."""
    try:
        record = kind.read(data)
    except ValueError as error:
        return type(error).__name__, error.path, error.offset, str(error)
    decoded = record.decode()
    fields = [getattr(record, name) for name in record.kind.names]
    assert repr(fields) == repr([getattr(decoded, name) for name in record.kind.names])
    assert bytes(record) == data
    return "record", repr(decoded)


@pytest.fixture(scope="session")
def pair(both, model) -> Any:
    """The same type on both cores."""
    return [core.RecordType(model.Task, hot=("task_id", "state", "user"), bytes_max=900) for core in both]


def all_outcomes(kinds: Any, data: bytes) -> list[tuple[Any, ...]]:
    outcomes = [outcome(kind, data) for kind in kinds]
    assert outcomes[0] == outcomes[1], data
    return outcomes


def test_a_record_that_is_cut_is_refused_wherever_it_is_cut(pair, make_task):
    data = msgspec.msgpack.encode(make_task())

    for size in range(len(data)):
        name, _, offset, text = all_outcomes(pair, data[:size])[1]
        assert name == "RecordError"
        assert offset <= size
        assert "the bytes end before" in text


def test_each_byte_may_be_any_other(pair, make_task):
    data = msgspec.msgpack.encode(make_task(1, data=b"\x00\x01"))
    generator = random.Random(5)

    for place in range(len(data)):
        for value in generator.sample(range(256), 24):
            all_outcomes(pair, data[:place] + bytes([value]) + data[place + 1 :])


HEADS = [b"\xc4\xff", b"\xc5\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xd9\xff", b"\xda\xff\xff", b"\xdb\xff\xff\xff\xff"]
HEADS += [b"\xdc\xff\xff", b"\xdd\xff\xff\xff\xff", b"\xde\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdf\x80\x00\x00\x00"]
HEADS += [
    b"\xc7\xff\x00",
    b"\xc8\xff\xff\x00",
    b"\xc9\xff\xff\xff\xff\x00",
    b"\xd4",
    b"\xd8",
    b"\xc1",
    b"\x8f",
    b"\xbf",
]


# Goal: no length is believed. Method: each head that claims more than there is, in the place of each field.
def test_a_length_beyond_the_end_is_refused(pair, make_task):
    fields = msgspec.msgpack.decode(msgspec.msgpack.encode(make_task()))

    for number in range(len(fields)):
        before = b"".join(map(msgspec.msgpack.encode, fields[:number]))
        for head in HEADS:
            for behind in (b"", b"\x00" * 40):
                data = bytes([0x90 | len(fields)]) + before + head + behind
                assert all_outcomes(pair, data)[1][0] == "RecordError", (number, head)


def test_what_is_nested_deep_is_refused_and_not_followed(both, pair, model):
    head = msgspec.msgpack.encode(["a", "b", 1, 1, [], {}, b"", 0])[:-1]

    for inside in (b"\x91", b"\x81\xa0"):
        for depth in (31, 32, 33, 250):
            name, *rest = all_outcomes(pair, head + inside * depth + b"\xc0")[1]
            assert name == ("record" if depth <= 32 else "RecordError"), (depth, rest)
    for size in (100_000, 1_000_000):
        for core in both:
            with pytest.raises(core.RecordError, match="deep"):
                core.RecordType(model.Task).read(head + b"\x91" * size)


@pytest.mark.parametrize(
    "text",
    [b"\x80", b"\xc0\x80", b"\xc1\xbf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf0\x80\x80\x80",
     b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\xff", b"abcdefgh\xc3", b"abcdefg\xc3\x28", b"\xe2\x82",
     b"\xf0\x9f\x98"],
)  # fmt: skip
def test_a_text_that_is_no_utf8_is_refused(pair, text):
    for before in (b"", b"x" * 7, b"\xc3\xa9", b"y" * 8):
        content = before + text
        data = b"\x94" + bytes([0xA0 | len(content)]) + content + b"\xa0\x01\x01"
        name, path, offset, reason = all_outcomes(pair, data)[1]
        assert (name, path, offset) == ("RecordError", "Task.task_id", 2)
        assert "no UTF-8" in reason


# Goal: no byte of a text goes unseen, though some are looked at several at a time. Method: texts of each size with one
# stray byte in each place, or a letter of two bytes there, under the shortest head and under a longer one.
def test_a_byte_is_seen_in_each_place_of_a_text_of_any_size(core, model):
    kind = core.RecordType(model.Task)

    for size in range(1, 41):
        for head in [b"\xd9" + bytes([size])] + [bytes([0xA0 | size])] * (size < 32):
            for place in range(size):
                stray = b"x" * place + b"\x80" + b"y" * (size - place - 1)
                with pytest.raises(core.RecordError, match="no UTF-8"):
                    kind.read(b"\x94" + head + stray + b"\xa0\x01\x01")
            for place in range(size - 1):
                text = "x" * place + "\xe9" + "y" * (size - place - 2)
                assert kind.read(b"\x94" + head + text.encode() + b"\xa0\x01\x01").task_id == text


@hypothesis.given(st.binary(max_size=40))
def test_texts_are_utf8_exactly_if_python_says_so(both, pair, content):
    data = b"\x94\xd9" + bytes([len(content)]) + content + b"\xa0\x01\x01"

    name = all_outcomes(pair, data)[1][0]

    assert (name == "record") == (content.decode("utf-8", "ignore").encode() == content)


# Goal: both cores agree on what is nearly a record. Method: bytes of a real one cut, put in, replaced.
@hypothesis.given(st.data())
def test_what_is_nearly_a_record_has_the_same_fault_in_both_cores(pair, make_task, data):
    parts = bytearray(msgspec.msgpack.encode(make_task(2, data=b"12")))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(parts)))
        stop = data.draw(st.integers(start, min(len(parts), start + 6)))
        parts[start:stop] = data.draw(st.one_of(st.binary(max_size=6), st.sampled_from(HEADS)))

    all_outcomes(pair, bytes(parts))


@hypothesis.given(st.binary(max_size=64))
def test_any_bytes_have_the_same_fault_in_both_cores(pair, data):
    all_outcomes(pair, data)


# Goal: what does not fail in arriving fails nowhere. Method: any msgpack in the place of any field; if it is accepted,
# each field and the struct are what msgspec makes of it; if not, msgspec refuses it too, or it is a number for a float.
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@hypothesis.given(st.integers(0, 8), ANYTHING)
def test_a_record_accepts_what_msgspec_accepts(pair, model, make_task, number, value):
    fields = msgspec.msgpack.decode(msgspec.msgpack.encode(make_task(data=b"")))
    fields[number] = value
    data = msgspec.msgpack.encode(fields)

    outcomes = all_outcomes(pair, data)

    try:
        expected = ("record", repr(msgspec.msgpack.decode(data, type=model.Task)))
    except msgspec.ValidationError:
        expected = ("RecordError",)
    is_float_of_2_63 = "expected a number" in outcomes[1][-1]
    assert outcomes[1][: len(expected)] == expected or is_float_of_2_63


class Small(enum.IntEnum):
    ZERO = 0
    TOP = 2**63 - 1


# Goal: the same for any type. Method: random struct classes, a value of each, and changes of its bytes.
SCALARS = {
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**64 - 1),
    float: st.floats(allow_nan=False),
    str: st.text(max_size=12),
    bytes: st.binary(max_size=12),
    Small: st.sampled_from(Small),
    Any: st.none() | st.integers(-5, 300) | st.lists(st.text(max_size=3), max_size=2),
}


@st.composite
def kinds(draw: Any, depth: int = 0) -> tuple[Any, Any]:
    """A type, and a strategy for values of it."""
    form = draw(st.sampled_from(["scalar", "scalar", "nil", "array", "map", "struct"])) if depth < 3 else "scalar"
    if form == "struct":
        return draw(structs(depth + 1))
    if form == "scalar":
        kind = draw(st.sampled_from(list(SCALARS)))
        return kind, SCALARS[kind]
    kind, values = draw(kinds(depth + 1))
    if form == "array":
        return tuple[kind, ...], st.lists(values, max_size=4).map(tuple)
    if form == "map":
        return dict[str, kind], st.dictionaries(st.text(max_size=4), values, max_size=3)
    return (kind, values) if kind is Any else (kind | None, st.none() | values)


@st.composite
def structs(draw: Any, depth: int = 0) -> tuple[Any, Any]:
    """A struct class, and a strategy for instances."""
    fields = draw(st.lists(kinds(depth), min_size=1, max_size=5))
    kind = msgspec.defstruct(
        "Struct", [(f"f{n}", one) for n, (one, _) in enumerate(fields)], array_like=True, frozen=True
    )
    return kind, st.tuples(*[values for _, values in fields]).map(lambda values: kind(*values))


@hypothesis.given(st.data())
def test_any_type_comes_back_as_it_was_and_both_cores_agree_on_what_does_not(both, data):
    kind, values = data.draw(structs())
    value = data.draw(values)
    hot = data.draw(st.sets(st.sampled_from(kind.__struct_fields__)))
    types = [core.RecordType(kind, hot=tuple(hot)) for core in both]
    packed = msgspec.msgpack.encode(value)

    for records in types:
        record = records.pack(value)
        assert record.decode() == value
        assert [getattr(record, name) for name in kind.__struct_fields__] == list(msgspec.structs.astuple(value))

    changed = bytearray(packed)
    place = data.draw(st.integers(0, len(changed) - 1))
    changed[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    outcomes = [outcome(records, bytes(changed)) for records in types]
    assert outcomes[0] == outcomes[1]


def test_many_errors_leave_nothing_behind(core, model, make_task):
    kind = core.RecordType(model.Task)
    data = msgspec.msgpack.encode(make_task())[:-1]
    error: Any = None

    def references() -> int:
        return sys.getrefcount(kind)

    before = references()
    for _ in range(100):
        try:
            kind.read(data)
        except core.RecordError as refused:
            error = refused
    assert error.path == "Task.user"
    del error
    assert references() == before


@pytest.mark.parametrize("given", ["text", None, 5, [1], object()])
def test_what_has_no_bytes_is_refused(core, model, given):
    kind = core.RecordType(model.Task)

    for read in (kind.read, kind.read_all):
        with pytest.raises(TypeError, match="a bytes-like object is required"):
            read(given)


def test_bytes_that_do_not_lie_together_are_refused(core, model, make_task):
    data = msgspec.msgpack.encode(make_task())
    wide = bytearray(2 * len(data))
    wide[::2] = data
    kind = core.RecordType(model.Task)

    for read in (kind.read, kind.read_all):
        with pytest.raises(BufferError, match="not C-contiguous"):
            read(memoryview(wide)[::2])
    assert bytes(kind.read(memoryview(data).cast("B", (1, len(data))))) == data
