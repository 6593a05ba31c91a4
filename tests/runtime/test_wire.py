"""Frames between hosts: what is written can be read, and nothing else can."""

# The oracle is msgspec, which knows all of msgpack. Both cores are held against it and against each other.

import math
import struct

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MANY = 1 << 26
INTEGERS = st.integers(-(2**63), 2**64 - 1) | st.sampled_from(
    [sign * 2**bits + off for bits in (5, 7, 8, 15, 16, 31, 32, 63) for sign in (1, -1) for off in (-1, 0)
     if sign * 2**bits + off >= -(2**63)]
)  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | INTEGERS | st.floats() | st.text(max_size=40) | st.binary(max_size=40)
    | st.sampled_from([31, 32, 255, 256, 65_535, 65_536]).map("x".__mul__)
    | st.sampled_from([255, 256, 65_535, 65_536]).map(bytes)
)  # fmt: skip


NO_SUCH_TYPE = "frame: got the type 0x{:02x}, expected nil, bool, int, float, str or bin"
WITH_CORES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # they keep nothing


class Text(str):
    """A str that is more than that."""


def frame(*values):
    """A frame as msgspec writes it."""
    packed = msgspec.msgpack.encode(values)
    return len(packed).to_bytes(4, "big") + packed


def raw(payload):
    return len(payload).to_bytes(4, "big") + payload


def alike(frames):
    """What is compared: types too, and NaN is like itself."""
    return [[(type(value), "nan" if value != value else value) for value in values] for values in frames]


@pytest.fixture
def twins(load_core):
    return load_core("python"), load_core("c")


@given(values=st.lists(SCALARS, max_size=20))
@WITH_CORES
def test_scalars_are_written_as_msgspec_writes_them_and_read_as_they_were(core, values):
    buffer = bytearray(b"before")

    size = core.append_frame(buffer, MANY, *values)

    frames, end, complaint = core.parse_frames(buffer, 6, len(buffer), MANY)
    assert buffer == b"before" + frame(*values)
    assert size == len(buffer) - 6
    assert (alike(frames), end, complaint) == (alike([values]), len(buffer), None)


@pytest.mark.parametrize(
    "value",
    [2**64, -(2**63) - 1, 10**400, "\ud800", [], (), {}, Text("x"), bytearray(b"x"), object(), 1j],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_scalar_is_not_written(core, value):
    buffer = bytearray(b"before")

    size = core.append_frame(buffer, MANY, 1, "call", value)

    assert (size, buffer) == (0, b"before")


def test_as_many_values_as_are_read_are_written_and_no_more(core):
    buffer = bytearray()

    assert core.append_frame(buffer, MANY, *range(256)) == 0
    assert buffer == b""
    assert core.append_frame(buffer, MANY, *range(255)) == len(buffer)
    assert core.parse_frames(buffer, 0, len(buffer), MANY) == ([tuple(range(255))], len(buffer), None)


@pytest.mark.parametrize("value", ["", "x" * 100, b"y" * 100_000, 7])
def test_a_frame_has_at_most_as_many_bytes_as_it_may(core, value):
    buffer, size = bytearray(b"before"), len(frame("call", value)) - 4

    assert core.append_frame(buffer, size - 1, "call", value) == -1
    assert buffer == b"before"
    assert core.append_frame(buffer, size, "call", value) == 4 + size
    assert core.parse_frames(buffer, 6, len(buffer), size)[0] == [("call", value)]


def test_frames_are_read_as_far_as_they_are_whole(core):
    first, second = frame(1, "one"), frame(2, "two")
    data = b"before" + first + second + b"behind"

    for stop in range(6, 6 + len(first + second) + 1):
        whole = [(1, "one"), (2, "two")][: (stop >= 6 + len(first)) + (stop == 6 + len(first + second))]
        end = 6 + len(b"".join([first, second][: len(whole)]))
        for given_as in (bytes, bytearray, memoryview):
            assert core.parse_frames(given_as(data), 6, stop, MANY) == (whole, end, None)


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"\xc0", "frame: got no array of at most 255 values"),
        (b"\x80", "frame: got no array of at most 255 values"),
        (b"\xdc", "frame: got no array of at most 255 values"),
        (b"\xdc\x00", "frame: got no array of at most 255 values"),
        (b"\xdc\x01\x00" + b"\xc0" * 256, "frame: got no array of at most 255 values"),
        (b"\xdd\x00\x00\x00\x00", "frame: got no array of at most 255 values"),
        (b"\x91", "frame: got a value that is cut short"),
        (b"\xdc\x00\xff", "frame: got a value that is cut short"),
        *[(b"\x91" + bytes([kind]), "frame: got a value that is cut short") for kind in b"\xc4\xcb\xcc\xd3\xd9\xa1"],
        (b"\x91\xa2x", "frame: got a value that is cut short"),
        (b"\x91\xc6\xff\xff\xff\xff", "frame: got a value that is cut short"),
        (b"\x91\xdb\xff\xff\xff\xffxx", "frame: got a value that is cut short"),
        (b"\x91\xa2\xff\xfe", "frame: got a str that is not UTF-8"),
        (b"\x91\xa3\xed\xa0\x80", "frame: got a str that is not UTF-8"),
        (b"\x90\x00", "frame: got 1 bytes after its last value"),
        (b"\x91\x01\x91\x01", "frame: got 2 bytes after its last value"),
        *[
            (b"\x91" + bytes([kind]) + bytes(20), NO_SUCH_TYPE.format(kind))
            for kind in b"\x80\x8f\x90\x9f\xc1\xc7\xc8\xc9\xca\xd4\xd5\xd6\xd7\xd8\xdc\xdd\xde\xdf"
        ],
    ],
)  # fmt: skip
def test_what_is_malformed_is_refused_and_what_came_before_it_is_not(core, payload, complaint):
    good = frame(1, "good")

    answer = core.parse_frames(good + raw(payload) + good, 0, len(good) * 2 + 4 + len(payload), MANY)

    assert answer == ([(1, "good")], len(good), complaint)


@pytest.mark.parametrize(("size", "most"), [(0, MANY), (MANY + 1, MANY), (0xFFFFFFFF, MANY), (6, 5)])
def test_a_length_that_no_frame_has_is_refused_before_the_frame_has_come(core, size, most):
    answer = core.parse_frames(size.to_bytes(4, "big"), 0, 4, most)

    assert answer == ([], 0, f"frame: got {size} bytes, expected 1 to {most}")


def test_every_type_byte_is_read_as_by_msgspec_or_refused(core):
    values = [bytes([kind]) + bytes([byte]) * size for kind in range(256) for byte in (0, 1, 255) for size in range(12)]
    read = 0

    for value in values:
        frames, _, complaint = core.parse_frames(raw(b"\x91" + value), 0, 5 + len(value), MANY)

        assert bool(frames) != bool(complaint)
        if frames:
            assert alike(frames) == alike([msgspec.msgpack.decode(b"\x91" + value, type=tuple)])
            read += 1
    assert read > 3 * 163  # each byte that is a value by itself, and more


# Goal: no bytes of a peer do what one core does and not the other. Method: frames with some bytes changed or gone.
@given(
    values=st.lists(st.lists(SCALARS, max_size=5), min_size=1, max_size=3),
    changes=st.lists(st.tuples(st.integers(0, 60), st.integers(-1, 255)), max_size=4),
    stop=st.integers(0, 80),
)
@WITH_CORES
def test_both_cores_read_and_refuse_the_same(twins, values, changes, stop):
    data = bytearray(b"".join([frame(*some) for some in values]))
    for place, byte in changes:
        data[place : place + 1] = b"" if byte < 0 else bytes([byte])
    stop = len(data) if stop > 60 else min(stop, len(data))

    (first, *rest), (second, *other) = [core.parse_frames(data, 0, stop, 100_000) for core in twins]

    assert (alike(first), rest) == (alike(second), other)


@given(payload=st.binary(max_size=60))
@WITH_CORES
def test_both_cores_read_and_refuse_the_same_in_bytes_of_no_sense(twins, payload):
    first, second = [core.parse_frames(raw(payload), 0, 4 + len(payload), MANY) for core in twins]

    assert (alike(first[0]), first[1:]) == (alike(second[0]), second[1:])


def test_a_float_keeps_all_of_its_bits(core):
    values = (math.pi, -0.0, math.inf, -math.inf, 5e-324, -1.0)
    buffer = bytearray()

    core.append_frame(buffer, MANY, *values)

    (read,), _, _ = core.parse_frames(buffer, 0, len(buffer), MANY)
    assert struct.pack("6d", *read) == struct.pack("6d", *values)


def test_arguments_that_will_not_do_are_refused(core):
    buffer = bytearray(8)

    with pytest.raises(TypeError, match="expected a bytearray"):
        core.append_frame(b"", MANY, 1)
    for most in (0, -1, 2**32):
        with pytest.raises(ValueError, match=f"append_frame: got {most} as bytes_max, expected 1 to 4294967295"):
            core.append_frame(buffer, most, 1)
        with pytest.raises(ValueError, match=f"parse_frames: got {most} as bytes_max, expected 1 to 4294967295"):
            core.parse_frames(buffer, 0, 8, most)
    for start, stop in ((-1, 4), (5, 4), (0, 9)):
        with pytest.raises(
            ValueError, match=f"parse_frames: got {start} to {stop} of 8 bytes, expected a part of them"
        ):
            core.parse_frames(buffer, start, stop, MANY)
    with pytest.raises(TypeError):
        core.parse_frames(buffer, 0, 8)
    with pytest.raises(TypeError):
        core.parse_frames("text", 0, 0, MANY)
    assert buffer == bytes(8)


def test_a_buffer_that_somebody_reads_is_left_as_it_is(core):
    buffer = bytearray(b"before")

    with memoryview(buffer), pytest.raises(BufferError):
        core.append_frame(buffer, MANY, 1)

    assert buffer == b"before"
