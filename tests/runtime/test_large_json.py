"""Large JSON in parts: both cores find the same, and the parts together are the document."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from libactor._core import _json_parts
from libactor.http import json_parts

BYTES = st.binary(max_size=40) | st.lists(st.sampled_from(list(b'[]{},:"\\ \n1a')), max_size=40).map(bytes)
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=30,
)
DOCUMENTS = st.lists(VALUES, max_size=8) | st.dictionaries(st.text(max_size=5), VALUES, max_size=8)
SIZES = st.integers(min_value=1, max_value=40)


def outcome(find, *arguments):
    try:
        return find(*arguments)
    except (TypeError, ValueError) as error:
        return type(error).__name__, str(error)


@pytest.mark.twins
@given(BYTES, SIZES)
@example(b'["\\"]"', 9)
@example(b"[ ]", 1)
@example(b"[1 , ]", 1)
@example(b"{,}", 1)
@example(b'{"a" "b"}', 1)
@example(b"[1] 2", 1)
@example(b"[}", 1)
@example(b'["\\', 1)
def test_both_cores_find_the_same_in_any_bytes(data, size):
    assert outcome(json_parts, data, 0, len(data), size) == outcome(_json_parts.json_parts, data, 0, len(data), size)


@pytest.mark.twins
@given(DOCUMENTS, SIZES, st.sampled_from([None, 1]))
def test_the_parts_are_the_document(document, size, indent):
    data = json.dumps(document, indent=indent).encode()
    opening, closing = ("[", "]") if isinstance(document, list) else ("{", "}")
    found = []

    for start, stop, value in json_parts(b" " + data + b"\n", 0, len(data) + 2, size):
        text = (b" " + data)[start:stop].decode()
        assert (len(text.encode()) > size) == (value >= 0)
        part = json.loads(opening + text + closing)
        if value >= 0:
            assert json.loads((b" " + data)[value:stop]) in (part if isinstance(part, list) else part.values())
            assert len(part) == 1
        found += part if isinstance(part, list) else part.items()

    assert found == (document if isinstance(document, list) else list(document.items()))
    assert json_parts(data, 0, len(data), size) == _json_parts.json_parts(data, 0, len(data), size)


@pytest.mark.twins
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "expected an array or an object (byte 0)"),
        (b"7", "expected an array or an object (byte 0)"),
        (b'["a', "a string does not end (byte 1)"),
        (b"[[]", "an array or an object does not end (byte 3)"),
        (b"[1}", "the bracket closes nothing (byte 2)"),
        (b"[1,,2]", "expected a value (byte 3)"),
        (b"[1,]", "expected a value (byte 3)"),
        (b'{"aaaa"}', "expected a name, a colon and a value (byte 7)"),
        (b"[1]]", "expected the end (byte 3)"),
    ],
)
def test_what_does_not_end_or_is_not_there_is_said_with_its_place(text, problem):
    for find in (json_parts, _json_parts.json_parts):
        with pytest.raises(ValueError, match="byte") as caught:
            find(text, 0, len(text), 4)
        assert str(caught.value) == problem


@pytest.mark.twins
@pytest.mark.parametrize(
    "arguments",
    [
        (b"[]", 0, 3, 1),
        (b"[]", -1, 2, 1),
        (b"[]", 2, 1, 1),
        (b"[]", 0, 2, 0),
        (bytearray(b"[]"), 0, 2, 1),
        ("[]", 0, 2, 1),
    ],
)
def test_wrong_arguments_are_refused_alike(arguments):
    refused = outcome(json_parts, *arguments)

    assert refused[0] in ("TypeError", "ValueError")
    assert refused == outcome(_json_parts.json_parts, *arguments)


def test_nesting_costs_nothing():
    deep = b"[" * 100_000 + b"]" * 100_000

    assert json_parts(deep, 0, len(deep), 10) == [(1, len(deep) - 1, 1)]
