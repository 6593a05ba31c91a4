"""JsonWriter: exact against json, in pieces of any size, and with clear errors for what does not fit."""

import enum
import gc
import json
import math
import os
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libactor._core import _impl
from libactor._core import _json as twin
from libactor.records.json_writer import JsonWriter, _expand

CORES = {"python": twin.JsonWriterCell, _impl.CORE: _impl.JsonWriterCell}
UNDER_TEST = [_impl.CORE] if os.environ.get("ONE_CORE") == "1" else sorted(CORES)  # see conftest.py
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
)


CALLS = (
    ("value", 1), ("key", "a"), ("text", b""), ("raw", b"1"), ("items", b"1", False), ("start_object",),
    ("end_object",), ("start_array",), ("end_array",), ("finish",),
)  # fmt: skip


@pytest.fixture(params=UNDER_TEST)
def make(request):
    """A function that makes a writer of one of the cores."""
    return lambda piece=64, sink=None: CORES[request.param](piece, sink, _expand)


def written(make: Any, value: Any, piece: int = 64) -> bytes:
    pieces: list[bytes] = []
    writer = make(piece, pieces.append)
    writer.value(value)
    writer.finish()
    assert all(len(one) == piece for one in pieces[:-1])
    return b"".join(pieces)


@pytest.mark.parametrize("core", UNDER_TEST)
@given(value=values, piece=st.integers(1, 100))
def test_what_json_reads_is_what_was_written(core, value, piece):
    text = written(lambda *given: CORES[core](*given, _expand), value, piece)

    assert json.loads(text) == value
    assert text == written(lambda *given: twin.JsonWriterCell(*given, _expand), value, 1000)


# Goal: numbers of up to three places behind the point, which C writes without looking for the shortest, are that,
#   as are those beside them. Method: both sides of where that way ends, and of each power of ten.
@pytest.mark.parametrize("core", UNDER_TEST)
def test_thousandths_and_their_neighbours_are_the_shortest_decimals(core):
    whole = [0, 1, 2, 9, 10, 11, 99, 100, 101, 125, 500, 999, 1000, 1001, 1732180000125, 2**53 // 1000]
    numbers = [number / 1000 for number in [*whole, *(10**power + one for power in range(18) for one in (-1, 0, 1))]]
    numbers += [math.nextafter(number, side) for number in numbers for side in (-math.inf, math.inf)]
    numbers += [-number for number in numbers]

    for number in numbers:
        text = written(lambda *given: CORES[core](*given, _expand), number).decode()
        assert float(text) == number
        assert len(text.strip("-").replace(".", "").split("e")[0].strip("0")) == len(
            repr(abs(number)).replace(".", "").split("e")[0].strip("0")
        )
        assert text.encode() == written(lambda *given: twin.JsonWriterCell(*given, _expand), number)


@pytest.mark.parametrize("core", UNDER_TEST)
def test_whole_numbers_of_each_length_are_written_whole(core):
    numbers = [10**power + one for power in range(25) for one in (-1, 0, 1)] + [2**64 - 1, 2**64, 2**63, -(2**63)]

    text = written(lambda *given: CORES[core](*given, _expand), numbers)

    assert text == json.dumps(numbers, separators=(",", ":")).encode()


@pytest.mark.parametrize("core", UNDER_TEST)
@given(number=st.floats(allow_nan=False))
def test_every_float_comes_back_and_shows_that_it_is_one(core, number):
    text = written(lambda *given: CORES[core](*given, _expand), number).decode()

    assert math.copysign(1, float(text)) == math.copysign(1, number)
    assert float(text) == number
    assert set(text) & set(".ei") or text.endswith("Infinity")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, b"0.0"), (-0.0, b"-0.0"), (1.0, b"1.0"), (0.1, b"0.1"), (1e21, b"1e21"),
        (1e20, b"100000000000000000000.0"),
        (1e-6, b"0.000001"), (1e-7, b"1e-7"), (5e-324, b"5e-324"), (1.7976931348623157e308, b"1.7976931348623157e308"),
        (123456789.125, b"123456789.125"), (2.0**53, b"9007199254740992.0"), (math.inf, b"Infinity"),
        (-math.inf, b"-Infinity"), (math.nan, b"NaN"),
        (2**64, b"18446744073709551616"), (-(2**63), b"-9223372036854775808"),
    ],
)  # fmt: skip
def test_numbers_are_as_mesos_writes_them(make, number, text):
    assert written(make, number) == text


def test_every_character_that_must_be_escaped_is(make):
    text = "".join(map(chr, range(0x100))) + "\u2028\uffff\U0010ffff"

    assert json.loads(written(make, text)) == text
    assert written(make, '\x00\x1f"\\/\b\f\n\r\t\x7fé') == '"\\u0000\\u001F\\"\\\\/\\b\\f\\n\\r\\t\x7fé"'.encode()


def test_half_a_surrogate_pair_is_refused_with_its_position(make):
    writer = make()

    with pytest.raises(UnicodeEncodeError, match="position 2: surrogates not allowed"):
        writer.value("ab\ud800")
    with pytest.raises(RuntimeError, match="the text is broken"):
        writer.value(1)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", '""'),
        (b"a\xff\xfeb", '"a\\u00FF\\u00FEb"'),
        ("é".encode() + b"\xc3", '"é\\u00C3"'),
        (b"\xed\xa0\x80", '"\\u00ED\\u00A0\\u0080"'),
        (b"\xc0\x80", '"\\u00C0\\u0080"'),
        (b"\xf0\x9f\x98\x80\xf0\x9f", '"😀\\u00F0\\u009F"'),
    ],
)
def test_bytes_that_are_no_text_are_escaped_one_by_one(make, data, text):
    writer = make()
    writer.text(data)

    assert writer.take() == text.encode()


@pytest.mark.parametrize("core", UNDER_TEST)
@given(data=st.binary(max_size=60), piece=st.integers(1, 20))
def test_bytes_as_a_text_are_the_same_in_pieces_of_any_size(core, data, piece):
    pieces: list[bytes] = []
    writer = CORES[core](piece, pieces.append, _expand)
    writer.text(data)
    writer.finish()

    assert b"".join(pieces) == b'"' + twin.loose(data) + b'"'


def test_a_document_is_made_step_by_step(make):
    writer = make(1000)
    writer.start_object()
    writer.key("tasks")
    writer.start_array()
    writer.value({"a": ()})
    writer.raw(b'{"b":1}')
    writer.items(b"", False)
    writer.items(b"1,2", False)
    writer.items(b",3", True)
    writer.end_array()
    writer.key("none")
    writer.value(None)
    writer.end_object()
    writer.finish()

    assert writer.take() == b'{"tasks":[{"a":[]},{"b":1},1,2,3],"none":null}'
    assert writer.take() == b""
    assert writer.size == 0


def opened(make: Any, steps: str) -> Any:
    writer = make()
    for step in steps:
        {
            "{": writer.start_object,
            "[": writer.start_array,
            "}": writer.end_object,
            "]": writer.end_array,
            "k": lambda: writer.key("k"),
            "v": lambda: writer.value(1),
        }[step]()
    return writer


@pytest.mark.parametrize(
    ("steps", "call", "given", "complaint"),
    [
        ("", "end_object", (), "end_object: nothing is open"),
        ("", "key", ("a",), "key: no object is open"),
        ("[", "key", ("a",), "key: no object is open"),
        ("[", "end_object", (), "end_object: an array is open"),
        ("{", "end_array", (), "end_array: an object is open"),
        ("{", "value", (1,), "value: an object is open and expects key"),
        ("{", "start_array", (), "start_array: an object is open and expects key"),
        ("{", "raw", (b"1",), "raw: an object is open and expects key"),
        ("{", "items", (b"1", False), "items: no array is open"),
        ("{k", "key", ("b",), "key: the key before expects its value"),
        ("{k", "end_object", (), "end_object: a key was written, and expects its value"),
        ("v", "value", (1,), "value: the document is complete"),
        ("{}", "start_object", (), "start_object: the document is complete"),
        ("[", "raw", (b"",), "raw: got nothing"),
        ("[", "finish", (), "finish: an object or an array is open"),
        ("", "finish", (), "finish: nothing was written"),
    ],
)
def test_a_step_that_does_not_fit_is_refused_and_writes_nothing(make, steps, call, given, complaint):
    writer = opened(make, steps)
    size = writer.size

    with pytest.raises(ValueError, match=complaint):
        getattr(writer, call)(*given)

    assert writer.size == size


@pytest.mark.parametrize("value", [object(), {1: 2}, {None: 1}, {1, 2}, 1j, [b"x", {"a": print}]])
def test_what_has_no_form_in_json_is_refused(make, value):
    with pytest.raises(TypeError, match=r"JsonWriter(\.value)?: got"):
        make().value(value)


def test_a_key_that_is_no_text_is_shown_by_its_beginning(make):
    writer = make()
    writer.start_object()

    for act in (writer.key, lambda key: make().value({key: 1})):
        with pytest.raises(TypeError, match=r"got.* b'xxx.*, expected a text") as caught:
            act(b"x" * 100_000)
        assert len(str(caught.value)) < 300


def test_a_value_that_holds_itself_is_refused(make):
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(ValueError, match="nested more than 256 deep"):
        make().value(endless)


def test_256_levels_are_written(make):
    value: Any = 1
    for _ in range(256):
        value = [value]

    assert written(make, value) == b"[" * 256 + b"1" + b"]" * 256


def test_a_sink_that_fails_stops_the_writer(make):
    def sink(piece: bytes) -> None:
        raise OSError("gone")

    writer = make(4, sink)

    with pytest.raises(OSError, match="gone"):
        writer.value("a long text")
    for call, *arguments in CALLS:
        expected = f"^JsonWriter.{call}: the text is broken, because the sink raised; make another writer$"
        with pytest.raises(RuntimeError, match=expected):
            getattr(writer, call)(*arguments)


def test_a_value_that_fails_stops_the_writer_and_the_sink_is_not_blamed(make):
    writer = make(1, len)

    with pytest.raises(TypeError):
        writer.value(["x", object()])
    with pytest.raises(RuntimeError, match=r"^JsonWriter.key: .* because a value before could not be written; make"):
        writer.key("a")


@pytest.mark.parametrize("call", ["start_array", "start_object"])
def test_a_level_too_many_is_refused_by_the_name_of_its_call(make, call):
    writer = make()
    for _ in range(255):
        writer.start_array()
    writer.start_object()
    writer.key("a")

    with pytest.raises(ValueError, match=f"^JsonWriter.{call}: nested more than 256 deep"):
        getattr(writer, call)()


@pytest.mark.parametrize("value", [[1, 2, 3], {"a": 1, "b": 2}])
def test_what_changes_its_size_while_it_is_written_is_noticed(make, value):
    value = value.copy()
    writer = make(1, lambda piece: value.clear())

    with pytest.raises(RuntimeError, match=r"changed its size|changed size during iteration"):
        writer.value(value)


def test_a_sink_that_writes_itself_is_refused(make):
    errors: list[str] = []

    def sink(piece: bytes) -> None:
        try:
            writer.value(1)
        except RuntimeError as error:
            errors.append(str(error))

    writer = make(2, sink)
    writer.value([1, 2])

    assert "another call is writing" in errors[0]


def test_a_large_text_goes_out_in_pieces(make):
    pieces: list[bytes] = []
    writer = make(1000, pieces.append)
    writer.value("ä" * 100_000)

    assert len(pieces) == 200
    assert writer.size < 1000


def test_taking_pieces_one_by_one_gives_all(make):
    writer = make(3)
    writer.value(list(range(100)))
    pieces = iter(writer.take, b"")

    assert json.loads(b"".join(pieces)) == list(range(100))


class State(enum.Enum):
    RUNNING = 1


class Label(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    the_key: str
    value: str = ""
    extra: tuple[int, ...] = ()


class Pair(msgspec.Struct, array_like=True, tag="p"):
    a: int
    state: State


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Label("k"), b'{"theKey":"k"}'),
        (Label("k", "v", (1,)), b'{"theKey":"k","value":"v","extra":[1]}'),
        (Pair(1, State.RUNNING), b'["p",1,"RUNNING"]'),
        ({"b": b"\x00\xff"}, b'{"b":"AP8="}'),
        ({"b": bytearray(b"\x00\xff")}, b'{"b":"AP8="}'),
    ],
)
def test_structs_enumerations_and_bytes_have_their_form(make, value, text):
    assert written(make, value) == text


def test_writers_leak_nothing(make):
    value = {"a": [1, 2.5, "text", Label("k")], "b": 2**70}
    counts = []
    for _ in range(3):
        for _ in range(50):
            written(make, value, 7)
            opened(make, "[{k")
        gc.collect()
        counts.append(sys.getallocatedblocks())

    assert counts[2] - counts[1] < 50


def test_the_public_writer_takes_pieces_of_64_kilobytes():
    writer = JsonWriter()
    writer.value("x" * 200_000)

    assert len(writer.take()) == 64 * 1024
