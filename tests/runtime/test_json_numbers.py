"""Numbers of tables: both cores pack the same, and write the same text, which says these very numbers."""

import json
import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from libactor._core import _impl, _json_numbers

NUMBERS = (
    st.integers(-(2**70), 2**70) | st.floats() | st.booleans() | st.sampled_from([0, 0.0, -0.0, 0.1, 1e22, 5e-324])
)
VALUES = st.lists(NUMBERS, max_size=30)


def outcome(function, *arguments):
    try:
        return function(*arguments)
    except (TypeError, ValueError, OverflowError) as error:
        return type(error).__name__


@pytest.mark.twins
@given(VALUES)
@example([1, "1"])
@example([None])
@example([10**400])
@example([math.nan])
@example([math.inf, -math.inf])
@example("12345678")
@example(b"12345678")
@example(7)
def test_both_cores_pack_the_same(values):
    packed = outcome(_impl.pack_numbers, values)

    assert packed == outcome(_json_numbers.pack_numbers, values)
    if isinstance(packed, bytes):
        assert memoryview(packed).cast("d").tolist() == [float(value) for value in values]


@pytest.mark.twins
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=30), st.binary(max_size=8), st.data())
def test_both_cores_write_the_same(values, between, data):
    labels = data.draw(st.lists(st.binary(max_size=8), min_size=len(values), max_size=len(values)).map(tuple))
    arguments = (between, labels, _impl.pack_numbers(values))

    assert _impl.join_numbers(*arguments) == _json_numbers.join_numbers(*arguments)
    listed = _impl.join_numbers(b",", (b"",) * len(values), arguments[2])
    assert [*map(repr, json.loads(b"[" + listed + b"]"))] == [*map(repr, values)]


@pytest.mark.twins
@pytest.mark.parametrize("write", [_impl.join_numbers, _json_numbers.join_numbers])
def test_what_is_longer_than_usual_is_written_whole(write):
    numbers = _impl.pack_numbers(range(1_000))

    text = write(b"," + b" " * 100, (b" " * 100,) * 1_000, numbers)

    assert json.loads(b"[" + text + b"]") == [*range(1_000)]


@pytest.mark.twins
@pytest.mark.parametrize(
    "arguments",
    [
        (b"", (b"",), b""),
        (b"", (), bytes(8)),
        (b"", (b"",), bytes(7)),
        ("", (), b""),
        (b"", [], b""),
        (b"", ("",), bytes(8)),
        (b"", (), bytearray()),
        (b"", ()),
    ],
)
def test_both_cores_refuse_the_same(arguments):
    refused = outcome(_impl.join_numbers, *arguments)

    assert refused in ("TypeError", "ValueError")
    assert refused == outcome(_json_numbers.join_numbers, *arguments)
