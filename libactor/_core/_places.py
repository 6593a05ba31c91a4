"""Places: values in the bytes of records, and what they look like in JSON. Twin: csrc/transcode.c and tally.c."""

# Who calls: _projection.py, on records that were checked and on constants: nothing is checked again.

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from libactor._core import _msgpack
from libactor._core._json import double, escape
from libactor._core._msgpack import ARRAY, BOOL, BYTES, FLOAT, MAP, NIL, TEXT, skip

Place = tuple[bytes, int]  # where a value begins, in which bytes


def head(data: bytes, at: int) -> tuple[int, Any, int]:
    """The head of a value that was checked."""
    return _msgpack.head(data, at, len(data))


def write_value(out: bytearray, data: bytes, at: int) -> int:
    """Write the value at ``at``, whatever it is; where it ends."""
    kind, value, at = head(data, at)
    if kind in (TEXT, BYTES):
        stop: int = at + value
        out += b'"' + (escape(data[at:stop]) if kind == TEXT else base64.b64encode(data[at:stop])) + b'"'
        return stop
    if kind == FLOAT:
        out += double(value)
    elif kind == BOOL:
        out += b"true" if value else b"false"
    elif kind == NIL:
        out += b"null"
    elif kind in (ARRAY, MAP):
        return _write_parts(out, data, at, value, kind == MAP)
    else:
        out += b"%d" % value
    return at


def _write_parts(out: bytearray, data: bytes, at: int, count: int, is_map: bool) -> int:
    out += b"{" if is_map else b"["
    for number in range(count):
        if number:
            out += b","
        if is_map:
            at = write_value(out, data, at)
            out += b":"
        at = write_value(out, data, at)
    out += b"}" if is_map else b"]"
    return at


def write_comma(out: bytearray) -> None:
    """Write a comma, unless what follows is the first in its object or array."""
    if out and out[-1] not in b"{[":
        out += b","


def text_at(place: Place) -> bytes:
    data, at = place
    _, count, at = head(data, at)
    return data[at : at + count]


def items_at(place: Place) -> Iterable[Place]:
    """Where the items of an array begin."""
    data, at = place
    _, count, at = head(data, at)
    for _ in range(count):
        yield data, at
        at = skip(data, at)


def is_empty(place: Place) -> bool:
    kind, count, _ = head(*place)
    return bool(kind >= TEXT and count == 0)


def number_at(place: Place) -> float:
    return float(head(*place)[1])


def pairs_at(place: Place) -> Iterable[tuple[int, int]]:
    """The ranges there, but for those that end before they begin."""
    for data, at in items_at(place):
        kind, _, at = head(data, at)
        if kind == ARRAY:
            _, begin, at = head(data, at)
            end = head(data, at)[1]
            if begin <= end:
                yield begin, end


def ranges_text(pairs: Iterable[tuple[int, int]]) -> bytes:
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(pairs):
        if merged and begin <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((begin, end))
    return b'"[' + b", ".join([b"%d-%d" % pair for pair in merged]) + b']"'


def set_text(places: Iterable[Place]) -> bytes:
    return b'"{' + b", ".join([escape(text_at(item)) for place in places for item in items_at(place)]) + b'}"'
