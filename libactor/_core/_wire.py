"""Frames between hosts: one length and one flat msgpack array of scalars each."""

# Who calls: libactor/transport, for every frame that it sends, and with what it has received.
# A frame is four bytes of length, big-endian, and so many bytes of msgpack: an array of at most VALUES_MAX of nil,
#   bool, int, float (of 64 bits), str and bin. What is more than that crosses as the bytes libactor/codec.py makes.
# Bytes that are read are hostile: nothing in them is nested, no length is believed before so many bytes are there, and
#   whatever is not in the list above, is cut short, is no UTF-8 or is followed by more within its frame, is refused.
# Twin: csrc/wire.c and wire_read.c, with the same complaints. Source: the msgpack specification.

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, TypeAlias, cast

Buffer: TypeAlias = bytes | bytearray | memoryview
Frame: TypeAlias = tuple[Any, ...]

HEAD_BYTES = 4
VALUES_MAX = 255
FRAME_BYTES_MAX = 0xFFFFFFFF  # what four bytes can say

WIDTHS = (1, 2, 4, 8)
SIGNED = (0xD0, 0xD1, 0xD2, 0xD3)
UNSIGNED = (0xCC, 0xCD, 0xCE, 0xCF)
TEXT = (0xD9, 0xDA, 0xDB)
BYTES = (0xC4, 0xC5, 0xC6)
FLOAT = 0xCB
CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
WIDTH_OF = {
    kind: width for kinds in (SIGNED, UNSIGNED, TEXT, BYTES) for kind, width in zip(kinds, WIDTHS, strict=False)
}


class _Malformed(Exception):
    """A frame is refused; the text says why."""


def append_frame(buffer: bytearray, bytes_max: int, /, *values: Any) -> int:
    """Append a frame of these values to a bytearray; return how many bytes it takes, its length included.

    Nothing is appended, and the result is 0 if a value is no scalar that crosses as it is or there are too many of
    them, -1 if the frame would have more than ``bytes_max`` bytes behind its length.
    """
    if type(buffer) is not bytearray:
        raise TypeError("append_frame() expected a bytearray, bytes_max and values")
    _check_bytes_max("append_frame", bytes_max)
    if len(values) > VALUES_MAX:
        return 0
    count = len(values)
    try:
        parts = [put_scalar(value) for value in values]
    except UnicodeEncodeError:  # half a surrogate pair
        return 0
    if None in parts:
        return 0
    frame = b"".join([put_array(count), *cast(list[bytes], parts)])
    if len(frame) > bytes_max:
        return -1
    buffer += len(frame).to_bytes(HEAD_BYTES, "big") + frame
    return HEAD_BYTES + len(frame)


def parse_frames(data: Buffer, start: int, stop: int, bytes_max: int, /) -> tuple[list[Frame], int, str | None]:
    """Read all whole frames in ``data[start:stop]``: a list of tuples, where the rest begins, and None.

    Instead of None a text, if no frame can begin with the rest: it says why.
    """
    _check_bytes_max("parse_frames", bytes_max)
    with memoryview(data) as view:
        if not 0 <= start <= stop <= len(view):
            raise ValueError(f"parse_frames: got {start} to {stop} of {len(view)} bytes, expected a part of them")
        frames: list[Frame] = []
        while stop - start >= HEAD_BYTES:
            size = int.from_bytes(view[start : start + HEAD_BYTES], "big")
            if not 1 <= size <= bytes_max:
                return frames, start, f"frame: got {size} bytes, expected 1 to {bytes_max}"
            end = start + HEAD_BYTES + size
            if end > stop:
                break
            try:
                frames.append(_Cursor(bytes(view[start + HEAD_BYTES : end])).frame())
            except _Malformed as error:
                return frames, start, str(error)
            start = end
        return frames, start, None


def _check_bytes_max(operation: str, bytes_max: int) -> None:
    if not 1 <= bytes_max <= FRAME_BYTES_MAX:
        raise ValueError(f"{operation}: got {bytes_max} as bytes_max, expected 1 to {FRAME_BYTES_MAX}")


# Writing.


def put_scalar(value: Any) -> bytes | None:
    """The bytes of a scalar; None for what is none, or an int that msgpack has not. Raises: UnicodeEncodeError."""
    put = _PUT.get(type(value))
    return None if put is None else put(value)


def put_int(value: int) -> bytes:
    """The bytes of an int that msgpack has."""
    if -32 <= value <= 0x7F:
        return (value & 0xFF).to_bytes(1, "big")
    if value >= 0:
        return _put_length(UNSIGNED, value)
    place = next(place for place, width in enumerate(WIDTHS) if -value <= 1 << (8 * width - 1))
    return bytes([SIGNED[place]]) + value.to_bytes(WIDTHS[place], "big", signed=True)


def _put_length(kinds: tuple[int, ...], value: int) -> bytes:
    for kind, width in zip(kinds, WIDTHS, strict=False):
        if value < 1 << (8 * width):
            return bytes([kind]) + value.to_bytes(width, "big")
    raise ValueError(f"{value} bytes are more than four billion; send them in parts")


def put_text(value: str) -> bytes:
    """The bytes of a text. Raises: UnicodeEncodeError."""
    data = value.encode()
    return (bytes([0xA0 | len(data)]) if len(data) < 32 else _put_length(TEXT, len(data))) + data


def put_array(count: int) -> bytes:
    """How an array of ``count`` values begins."""
    if count < 16:
        return bytes([0x90 | count])
    return struct.pack(">BH", 0xDC, count) if count <= 0xFFFF else struct.pack(">BI", 0xDD, count)


_PUT: dict[type, Callable[[Any], bytes | None]] = {
    type(None): lambda value: b"\xc0",
    bool: lambda value: b"\xc3" if value else b"\xc2",
    int: lambda value: put_int(value) if -(2**63) <= value < 2**64 else None,
    float: lambda value: struct.pack(">Bd", FLOAT, value),
    str: put_text,
    bytes: lambda value: _put_length(BYTES, len(value)) + value,
}

# Reading.


class _Cursor:
    """One whole frame, and how much of it was read."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def frame(self) -> Frame:
        """All of it."""
        values = tuple([self._value() for _ in range(self._count())])
        if self._at < len(self._data):
            raise _Malformed(f"frame: got {len(self._data) - self._at} bytes after its last value")
        return values

    def _count(self) -> int:
        kind = self._data[0]
        count = kind & 0x0F if kind & 0xF0 == 0x90 else VALUES_MAX + 1
        self._at = 1
        if kind == 0xDC and len(self._data) >= 3:
            count = self._number(2)
        if count > VALUES_MAX:
            raise _Malformed(f"frame: got no array of at most {VALUES_MAX} values")
        return count

    def _value(self) -> Any:
        kind = self._number(1)
        if kind < 0x80 or kind >= 0xE0:
            return kind if kind < 0x80 else kind - 0x100
        if kind & 0xE0 == 0xA0:
            return self._text(kind & 0x1F)
        if kind in CONSTANTS:
            return CONSTANTS[kind]
        if kind == FLOAT:
            return struct.unpack(">d", self._take(8))[0]
        if kind not in WIDTH_OF:
            raise _Malformed(f"frame: got the type 0x{kind:02x}, expected nil, bool, int, float, str or bin")
        number = self._number(WIDTH_OF[kind], signed=kind in SIGNED)
        if kind in TEXT:
            return self._text(number)
        return self._take(number) if kind in BYTES else number

    def _text(self, size: int) -> str:
        data = self._take(size)
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise _Malformed("frame: got a str that is not UTF-8") from None

    def _number(self, size: int, signed: bool = False) -> int:
        return int.from_bytes(self._take(size), "big", signed=signed)

    def _take(self, size: int) -> bytes:
        if len(self._data) - self._at < size:
            raise _Malformed("frame: got a value that is cut short")
        self._at += size
        return self._data[self._at - size : self._at]
