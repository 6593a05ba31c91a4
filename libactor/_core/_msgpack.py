"""The head of a msgpack value: what begins at some byte, and how much of it there is. Twin: csrc/packed_head.c."""

# Who calls: the twins of what looks at records. Nothing is believed: who takes so many bytes looks how many are left.
# Source: the msgpack specification.

from __future__ import annotations

import struct
from typing import Any

NIL, BOOL, INT, UINT, FLOAT, TEXT, BYTES, ARRAY, MAP, OTHER, CUT = range(11)  # UINT: from 2**63 on

# By type byte: what it is, and how the number or the length behind it is packed.
_HEADS: dict[int, tuple[int, struct.Struct]] = {
    code: (kind, struct.Struct(f">{packed}"))
    for kind, codes in {
        BYTES: {0xC4: "B", 0xC5: "H", 0xC6: "I"},
        FLOAT: {0xCA: "f", 0xCB: "d"},
        INT: {0xCC: "B", 0xCD: "H", 0xCE: "I", 0xCF: "Q", 0xD0: "b", 0xD1: "h", 0xD2: "i", 0xD3: "q"},
        TEXT: {0xD9: "B", 0xDA: "H", 0xDB: "I"},
        ARRAY: {0xDC: "H", 0xDD: "I"},
        MAP: {0xDE: "H", 0xDF: "I"},
    }.items()
    for code, packed in codes.items()
}
NUMBERS = (INT, UINT, FLOAT)
_CONSTANTS = {0xC0: (NIL, None), 0xC2: (BOOL, False), 0xC3: (BOOL, True)}


def bytes_of(given: Any) -> bytes:
    """The bytes of what has a buffer. Raises: TypeError if it has none; BufferError if they do not lie together."""
    view = memoryview(given)
    if not view.c_contiguous:
        raise BufferError("memoryview: underlying buffer is not C-contiguous")
    return bytes(view)


def head(data: bytes, at: int, end: int) -> tuple[int, Any, int]:
    """Kind, value or count of the value at ``at``, and where what is behind its head begins; CUT and OTHER: ``at``."""
    if at == end:
        return CUT, None, at
    code = data[at]
    if code <= 0x7F or code >= 0xE0:
        return INT, code if code <= 0x7F else code - 256, at + 1
    if code < 0xC0:
        kind, mask = (MAP, 0x0F) if code < 0x90 else (ARRAY, 0x0F) if code < 0xA0 else (TEXT, 0x1F)
        return kind, code & mask, at + 1
    if code in _CONSTANTS:
        return *_CONSTANTS[code], at + 1
    if code not in _HEADS:
        return OTHER, None, at
    kind, packed = _HEADS[code]
    if end - at <= packed.size:
        return CUT, None, at
    value = packed.unpack_from(data, at + 1)[0]
    return UINT if kind == INT and value >= 2**63 else kind, value, at + 1 + packed.size


def array_head(count: int) -> bytes:
    """The head of an array of less than 65536 items."""
    return bytes([0x90 | count]) if count < 16 else b"\xdc" + count.to_bytes(2, "big")


def skip(data: bytes, at: int) -> int:
    """Where the value at ``at`` ends, which was checked before."""
    left = 1
    while left:
        kind, count, at = head(data, at, len(data))
        if kind in (TEXT, BYTES):
            at += count
        left += {ARRAY: count, MAP: 2 * count}[kind] - 1 if kind in (ARRAY, MAP) else -1
    return at


def is_same(one: bytes, at: int, other: bytes, other_at: int) -> bool:
    """Whether two values that were checked are the same, in whatever form: a number is, be it whole or not."""
    left = 1
    while left:
        kind, value, at = head(one, at, len(one))
        other_kind, other_value, other_at = head(other, other_at, len(other))
        if FLOAT in (kind, other_kind) and kind in NUMBERS and other_kind in NUMBERS:
            kind, value, other_kind, other_value = FLOAT, float(value), FLOAT, float(other_value)
        if (kind, value) != (other_kind, other_value):
            return False
        size = value if kind in (TEXT, BYTES) else 0
        if one[at : at + size] != other[other_at : other_at + size]:
            return False
        at, other_at = at + size, other_at + size
        left += -1 + (value if kind == ARRAY else 2 * value if kind == MAP else 0)
    return True
