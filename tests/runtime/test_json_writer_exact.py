"""JsonWriter to the byte: every character, doubles of every exponent, wide integers, against json and rapidjson.

Both cores are given the same steps, fitting or not, and have to do and refuse the same.
"""

import itertools
import json
import math
import os
import random
import struct
import sys
from typing import Any

import msgspec
import pytest
import rapidjson
from hypothesis import given
from hypothesis import strategies as st

from libactor._core import _impl
from libactor._core import _json as twin
from libactor.records.json_writer import JsonWriter, _expand

CORES = {"python": twin.JsonWriterCell, _impl.CORE: _impl.JsonWriterCell}
UNDER_TEST = [_impl.CORE] if os.environ.get("ONE_CORE") == "1" else sorted(CORES)  # see conftest.py
LAST = sys.maxunicode + 1
SURROGATES = range(0xD800, 0xE000)


@pytest.fixture(params=UNDER_TEST)
def cell(request) -> Any:
    """The writer of one of the cores."""
    return CORES[request.param]


def written(cell: Any, value: Any, call: str = "value") -> bytes:
    writer = cell(2**30, None, _expand)
    getattr(writer, call)(value)
    writer.finish()
    return bytes(writer.take())


def test_every_character_is_written_as_rapidjson_writes_it(cell):
    text = "".join(map(chr, itertools.chain(range(SURROGATES.start), range(SURROGATES.stop, LAST))))

    got = written(cell, text)

    assert got == rapidjson.dumps(text, ensure_ascii=False).encode()
    assert json.loads(got) == text


# Goal: where a text is looked at 16 bytes at once, what is escaped is found in each place. Method: each ASCII character
# at each place of texts of every length around that.
def test_what_is_escaped_is_found_in_each_place(cell):
    texts = [
        "a" * before + chr(code) + "b" * behind
        for code in (*range(0x20), 0x22, 0x5C, 0x7F, 0xE9, 0x2028)
        for before in (0, 1, 14, 15, 16, 17, 31, 32)
        for behind in (0, 1, 15, 16)
    ]

    assert written(cell, texts) == rapidjson.dumps(texts, ensure_ascii=False).encode()
    assert written(cell, dict.fromkeys(texts)) == rapidjson.dumps(dict.fromkeys(texts), ensure_ascii=False).encode()


def test_each_half_of_a_surrogate_pair_is_refused(cell):
    for code in (*SURROGATES[::97], SURROGATES[-1]):
        for value in (chr(code), ["a" + chr(code)], {chr(code): 1}):
            with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
                written(cell, value)


def test_every_byte_and_pair_of_bytes_has_its_form_as_a_text(cell):
    for data in (*map(bytes, zip(range(256))), *map(bytes, itertools.product(range(0x78, 0x100), repeat=2))):
        parts = []
        rest = data
        while rest:
            size = next((n for n in range(1, 5) if is_text(rest[:n])), 0)
            parts.append(rest[:size].decode() if size else chr(rest[0]))
            rest = rest[size or 1 :]

        assert json.loads(written(cell, data, "text")) == "".join(parts)


def is_text(data: bytes) -> bool:
    try:
        return len(data.decode()) == 1
    except UnicodeDecodeError:
        return False


# --- numbers ---


def doubles() -> list[float]:
    """Of each exponent the first, the last, those next to them and some between; halves between two decimals."""
    rng = random.Random(3)
    numbers = [0.0, -0.0, math.inf, -math.inf, 9007199254740993.0, 2**63 + 0.0, 1e23, 8.41e21, 2.2250738585072011e-308]
    for exponent in range(2047):
        significands = (0, 1, 2, 2**51, 2**52 - 1, 2**52 - 2, *[rng.getrandbits(52) for _ in range(4)])
        bits = [exponent << 52 | significand for significand in significands]
        numbers += struct.unpack(f"={len(bits)}d", struct.pack(f"={len(bits)}Q", *bits))
    for power in range(-30, 31):
        for digits in (1, 5, 25, 125, 9, 99, 999999999999999, 123456789012345678):
            numbers += [float(f"{digits}e{power}"), math.nextafter(float(f"{digits}e{power}"), math.inf)]
    return [*numbers, *[-number for number in numbers[::7]]]


def test_doubles_of_every_exponent_are_the_shortest_decimal(cell):
    numbers = doubles()

    texts = written(cell, numbers)[1:-1].decode().split(",")

    for number, text in zip(numbers, texts, strict=True):
        assert repr(float(text)) == repr(number)
        digits = text.lstrip("-").partition("e")[0].replace(".", "").strip("0")
        wanted = repr(number).lstrip("-").partition("e")[0].replace(".", "").strip("0")
        assert len(digits) == len(wanted) or math.isinf(number), (text, repr(number))
        assert set(text) & set(".e") or math.isinf(number)


def test_rapidjson_and_json_read_each_double_as_what_it_was(cell):
    numbers = [number for number in doubles() if math.isfinite(number)]
    same = [number for number in numbers if 1e-4 <= abs(number) < 1e16]  # rapidjson writes no exponent there either

    text = written(cell, numbers).decode()

    assert repr(rapidjson.loads(text)) == repr(json.loads(text)) == repr(numbers)
    assert written(cell, same) == rapidjson.dumps(same).encode()


def test_integers_of_every_width_are_written_whole(cell):
    near = [*[2**power for power in range(200)], *[10**power for power in range(70)]]
    numbers = [sign * (number + step) for number in near for step in (-1, 0, 1) for sign in (1, -1)]

    assert written(cell, numbers) == json.dumps(numbers, separators=(",", ":")).encode()
    assert written(cell, 10**4000) == str(10**4000).encode()


def test_an_integer_that_python_itself_does_not_write_breaks_the_text(cell):
    writer = cell(100, None, _expand)

    with pytest.raises(ValueError, match="4300 digits"):
        writer.value(10**5000)
    with pytest.raises(RuntimeError, match="the text is broken"):
        writer.value(1)


# --- documents ---

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=30,
)


@given(documents)
def test_what_rapidjson_and_json_read_is_what_was_written(document):
    for core in CORES.values():
        text = written(core, document).decode()

        assert json.loads(text) == document
        assert rapidjson.loads(text) == document
        assert json.dumps(json.loads(text)) == json.dumps(document)


@pytest.mark.parametrize("depth", [1, 255, 256, 257, 258, 100_000])
@pytest.mark.parametrize("is_object", [False, True])
def test_values_are_nested_as_deep_as_the_bound(cell, depth, is_object):
    value: Any = 1
    for _ in range(depth):
        value = {"a": value} if is_object else [value]

    if depth <= 256:
        before, behind = (b'{"a":', b"}") if is_object else (b"[", b"]")
        assert written(cell, value) == before * depth + b"1" + behind * depth
    else:
        with pytest.raises(ValueError, match="nested more than 256 deep"):
            written(cell, value)


@pytest.mark.parametrize("depth", [256, 257])
def test_steps_are_nested_as_deep_as_the_bound(cell, depth):
    writer = cell(10_000, None, _expand)
    for _ in range(256):
        writer.start_array()

    if depth == 256:
        writer.value(1)
    else:
        with pytest.raises(ValueError, match="nested more than 256 deep"):
            writer.start_object()


class Word(str):
    """A text that says something else when asked."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b'"'

    def __str__(self) -> str:
        return "other"

    __repr__ = __str__


class Number(int):
    def __str__(self) -> str:
        return "x"

    __repr__ = __str__


class Many(dict[str, Any]):
    def __iter__(self) -> Any:
        return iter(["x"])

    def __len__(self) -> int:
        return 100


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Word("a"), b'"a"'),
        ({Word("a"): 1}, b'{"a":1}'),
        (Number(5), b"5"),
        ([Number(2**70)], b"[1180591620717411303424]"),
        (Many(a=1), b'{"a":1}'),
        (memoryview(bytearray(b"abcdef"))[::2], b'"YWNl"'),
        (range(0), None),
        (frozenset(), None),
    ],
)
def test_subclasses_are_what_they_hold_and_not_what_they_say(cell, value, text):
    if text is None:
        with pytest.raises(TypeError, match="which has no form in JSON"):
            written(cell, value)
    else:
        assert written(cell, value) == text


def test_a_key_that_says_something_else_is_what_it_holds(cell):
    writer = cell(100, None, _expand)
    writer.start_object()
    writer.key(Word("a"))
    writer.value(1)
    writer.end_object()

    assert writer.take() == b'{"a":1}'


class Point(msgspec.Struct, omit_defaults=True, rename="camel", tag="point", tag_field="kind"):
    the_x: int
    the_y: float | msgspec.UnsetType = msgspec.UNSET
    names: list[str] = []
    more: dict[str, int] = msgspec.field(default_factory=lambda: {"a": 1})
    note: str | None = None


class Line(msgspec.Struct, array_like=True, tag=3):
    points: tuple[Point, ...]
    width: float = 1.5


class Open(msgspec.Struct):
    a: int | msgspec.UnsetType = msgspec.UNSET
    b: Line | None = None


@pytest.mark.parametrize(
    "value",
    [
        Point(1), Point(1, 2.5), Point(1, names=["a"]), Point(1, more={"a": 1}), Point(1, more={}), Point(1, note="n"),
        Line((Point(1), Point(2, 0.5))), Line(()), Open(), Open(1), Open(b=Line((Point(1),), 2.5)),
        [Open(), {"a": Open()}],
    ],
)  # fmt: skip
def test_structs_are_written_as_msgspec_writes_them(cell, value):
    assert written(cell, value) == msgspec.json.encode(value)


# --- the same steps on both cores ---

GIVEN = {
    "key": ["a", "", "é\n", "\ud800", 1, None, Word("w")],
    "value": [None, 1, "x", [1, {"a": {}}], [], {}, 1e300, 2**80, {1: 2}, {"a": "\udfff"}, object, b"ab", ["x" * 90]],
    "raw": [b"1", b"", b"[1,2]", bytearray(b"{}"), memoryview(b"12")[::2], "text", None],
    "text": [b"a\xff", b"", "x", memoryview(b"abc")],
    "items": [(b"", False), (b"1", False), (b",2", True), ("x", False)],
}
PLAIN = ["start_object", "end_object", "start_array", "end_array", "take", "finish"]
steps = st.lists(
    st.sampled_from(PLAIN).map(lambda name: (name, ()))
    | st.sampled_from(sorted(GIVEN)).flatmap(lambda name: st.sampled_from(GIVEN[name]).map(lambda one: (name, one))),
    max_size=40,
)


# How much of a text is out when it breaks is the core's own affair.
@pytest.mark.twins
@given(steps, st.integers(1, 40), st.booleans())
def test_any_steps_do_the_same_on_both_cores(given_steps, piece, has_sink):
    outcomes = []
    for core in CORES.values():
        outcome: list[Any] = []
        pieces: list[bytes] = []
        writer = core(piece, pieces.append if has_sink else None, _expand)
        is_broken = False
        for name, argument in given_steps:
            arguments = argument if isinstance(argument, tuple) else (argument,)
            try:
                answer = getattr(writer, name)(*arguments)
                outcome += [] if is_broken else [answer, writer.size]
            except Exception as error:
                text = str(error) if str(error).startswith("JsonWriter.") else ""
                is_broken = is_broken or isinstance(error, UnicodeEncodeError) or "got" in text
                outcome += [type(error), text]
        outcomes.append([*outcome, b"" if is_broken else b"".join(pieces)])

    assert outcomes[0] == outcomes[-1]


def test_a_sink_may_take_look_and_fail_but_not_write(cell):
    outcomes: list[Any] = []

    def sink(piece: bytes) -> None:
        outcomes.append(writer.size)
        for call in (writer.finish, writer.start_array, lambda: writer.text(b""), lambda: writer.raw(b"1")):
            with pytest.raises(RuntimeError, match="another call is writing"):
                call()
        writer.take()

    writer = cell(4, sink, _expand)
    writer.value(["x" * 50, {"a": list(range(20))}])

    assert outcomes


def test_what_expands_a_value_may_change_what_holds_it(cell):
    class Other:
        pass

    def expand(value: Any) -> Any:
        holder.clear()
        return 1

    holder: Any = [Other(), 2, 3]
    with pytest.raises(RuntimeError, match="changed its size"):
        cell(10, None, expand).value(holder)
    holder = {"a": Other(), "b": 1}
    with pytest.raises(RuntimeError, match=r"changed its size|changed size during iteration"):
        cell(10, None, expand).value(holder)


def test_what_expands_to_itself_ends_with_an_error(cell):
    with pytest.raises(RecursionError):
        cell(10, None, lambda value: value).value(object())


def test_the_public_writer_refuses_what_is_no_size_of_a_piece():
    wrong: Any
    for wrong in (0, -1, -(2**70), 2**70, 10**5000):
        with pytest.raises(ValueError, match=r"^JsonWriter: got too (small|large) a piece, expected 1 to \d+ bytes$"):
            JsonWriter(piece=wrong)
    for wrong in ("4", None, 1.5, True, b"x" * 1_000):
        with pytest.raises(TypeError, match=r"^JsonWriter: got pieces of .{1,200} bytes, expected a whole number$"):
            JsonWriter(piece=wrong)
