"""Packed: a look at bytes from a stranger, before anything is made of them: are they msgpack as we write it?"""

# Who calls: whoever decodes what another host has sent, with all that is not small.
# Refused: 1. what is nested deeper than anything we write: a decoder goes down the stack with it.    2. arrays of more
#   values than there are bytes.    3. maps and extensions, which we never write. Keys of a map may be arrays, which
#   become tuples, and whoever chooses numbers well gets any count of tuples with one hash: a map of them takes the
#   square of its size in time.    4. what ends too early or too late.
# Nothing is allocated. What is made of the rest takes at most about a hundred bytes for each byte (empty deques).
# Twin: csrc/packed.c.

from __future__ import annotations

NESTING_MAX = 1024
_SIZED = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}  # bytes and texts: how long their length is
_ARRAYS = {0xDC: 2, 0xDD: 4}
_FIXED = {
    0xC0: 0, 0xC2: 0, 0xC3: 0, 0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8,
}  # fmt: skip


def check_packed(data: bytes | bytearray | memoryview, depth_max: int, /) -> None:
    """Raise ValueError unless ``data`` is one value of arrays, texts, bytes and numbers, nested ``depth_max`` deep."""
    if not 0 <= depth_max <= NESTING_MAX:
        raise ValueError(f"check_packed() got depth_max {depth_max}, expected 0 to {NESTING_MAX}")
    left = [1]  # values that are still to come, of the whole and of each array around `at`
    at, end = 0, len(data)
    while left:
        if left[-1] == 0:
            left.pop()
            continue
        left[-1] -= 1
        if at >= end:
            raise ValueError("msgpack that ends too early")
        code = data[at]
        at, count = _past(data, at + 1, code)
        if at + (count or 0) > end:
            raise ValueError("msgpack that ends too early")
        if count is not None:
            if len(left) > depth_max:
                raise ValueError(f"msgpack that is nested more than {depth_max} deep")
            left.append(count)
    if at < end:
        raise ValueError(f"msgpack with {end - at} bytes behind its end")


def _past(data: bytes | bytearray | memoryview, at: int, code: int) -> tuple[int, int | None]:
    """Where the value that begins with ``code`` ends, or the head of an array, and how many values that has."""
    if code <= 0x7F or code >= 0xE0:
        return at, None
    if 0x90 <= code <= 0x9F:
        return at, code & 0x0F
    if 0xA0 <= code <= 0xBF:
        return at + (code & 0x1F), None
    if code in _FIXED:
        return at + _FIXED[code], None
    size = _SIZED.get(code) or _ARRAYS.get(code)
    if size is None:
        raise ValueError(f"msgpack with the byte {code} at {at - 1}, where no array, text, bytes or number begins")
    if at + size > len(data):
        raise ValueError("msgpack that ends too early")
    number = int.from_bytes(data[at : at + size], "big")
    return (at + size, number) if code in _ARRAYS else (at + size + number, None)
