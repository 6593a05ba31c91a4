"""Bytes are looked at before anything is made of them: both cores let the same through, in the same words."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libactor._core import _packed
from libactor._core._impl import check_packed

GOOD = {
    "nil": b"\xc0", "false": b"\xc2", "small": b"\x7f", "negative": b"\xe0", "float": b"\xcb" + b"\0" * 8,
    "short float": b"\xca" + b"\0" * 4, "unsigned": b"\xcf" + b"\xff" * 8, "signed": b"\xd3" + b"\xff" * 8,
    "empty text": b"\xa0", "text": b"\xd9\x02ab", "long text": b"\xda\0\x02ab", "longer text": b"\xdb\0\0\0\x02ab",
    "bytes": b"\xc4\x02ab", "long bytes": b"\xc5\0\x02ab", "longer bytes": b"\xc6\0\0\0\x02ab", "empty array": b"\x90",
    "array": b"\x92\x01\x02", "long array": b"\xdc\0\x02\x01\x02", "longer array": b"\xdd\0\0\0\x02\x01\x02",
    "arrays in arrays": b"\x92\x91\x90\x90",
}  # fmt: skip


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_what_we_write_is_let_through(load_core, data, kind):
    for check in (check_packed, _packed.check_packed):
        assert check(kind(data), 3) is None


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_what_is_cut_off_is_refused_at_each_place(data):
    for check in (check_packed, _packed.check_packed):
        for size in range(len(data)):
            with pytest.raises(ValueError, match="ends too early"):
                check(data[:size], 3)


def test_nesting_is_bounded_on_both_sides_of_the_bound():
    for check in (check_packed, _packed.check_packed):
        check(b"\x91" * 7 + b"\xc0", 7)

        with pytest.raises(ValueError, match="nested more than 7 deep"):
            check(b"\x91" * 8 + b"\xc0", 7)


@pytest.mark.parametrize("depth", [-1, 1025, 2**80])
def test_a_bound_that_is_none_is_refused(depth):
    for check in (check_packed, _packed.check_packed):
        with pytest.raises((ValueError, OverflowError)):
            check(b"\xc0", depth)


def test_what_is_no_bytes_is_refused():
    for check in (check_packed, _packed.check_packed):
        with pytest.raises(TypeError):
            check(5, 1)


def told(check, data, depth):
    try:
        return check(data, depth)
    except ValueError as error:
        return str(error)


BYTE = st.sampled_from([0x90, 0x91, 0x92, 0xDC, 0xDD, 0xC0, 0xC4, 0xD9, 0xA1, 0xCB, 0, 1, 2, 0xFF, 0x80, 0xC1, 0xD4])


@given(st.one_of(st.binary(max_size=40), st.lists(BYTE, max_size=40).map(bytes)), st.integers(0, 5))
def test_both_cores_say_the_same_of_any_bytes(data, depth):
    assert told(check_packed, data, depth) == told(_packed.check_packed, data, depth)


@given(st.one_of(st.binary(max_size=40), st.lists(BYTE, max_size=40).map(bytes)))
def test_what_is_let_through_can_be_decoded_but_for_its_texts(data):
    if told(check_packed, data, 100) is None:
        try:
            msgspec.msgpack.decode(data)
        except UnicodeDecodeError:
            return
