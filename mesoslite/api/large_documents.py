"""Large documents: JSON bodies that are parsed a few kilobytes at a time, as they are read."""

# Who calls: exchange.py, for bodies of more than PART_BYTES.
# Invariants: 1. the parser, which holds the GIL, is given PART_BYTES at a time, or one string.    2. of an object,
#   small members take OBJECT_BYTES_MAX at most in all, so what is made of a body is little at any time.
# What nobody reads is not parsed, so it is only seen to have its brackets and strings closed.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from libactor.http import json_parts
from mesoslite.model.large import LargeArray, LargeObject

if TYPE_CHECKING:
    from collections.abc import Iterator

PART_BYTES = 8 * 1024  # at most a millisecond of the parser
OBJECT_BYTES_MAX = 1024 * 1024  # of small members; a map with some ten thousand entries


def open_document(data: bytes) -> Any:
    """Return the document; of one that is an object, a dict. Raises: ValueError for what is no JSON."""
    value = _value(data, 0, len(data))
    if isinstance(value, _Array):
        json_parts(data, 0, len(data), len(data))  # so that one which does not end is known by now
    return value.members() if isinstance(value, _Object) else value


class _Array(LargeArray):
    def __init__(self, data: bytes, start: int, stop: int) -> None:
        self._data, self._start, self._stop = data, start, stop
        self.size = stop - start

    def __iter__(self) -> Iterator[object]:
        for start, stop, value in json_parts(self._data, self._start, self._stop, PART_BYTES):
            if value >= 0:
                yield _value(self._data, value, stop)
            else:
                yield from _parsed(b"[" + self._data[start:stop] + b"]")


class _Object(LargeObject):
    def __init__(self, data: bytes, start: int, stop: int) -> None:
        self._data, self._start, self._stop = data, start, stop
        self.size = stop - start

    def members(self) -> dict[str, object]:
        parts = json_parts(self._data, self._start, self._stop, PART_BYTES)
        small = sum([stop - start for start, stop, value in parts if value < 0])
        if small > OBJECT_BYTES_MAX:
            raise ValueError(f"its small members take {small} bytes, {OBJECT_BYTES_MAX} at most are taken")
        found: dict[str, object] = {}
        for start, stop, value in parts:
            if value < 0:
                found.update(_parsed(b"{" + self._data[start:stop] + b"}"))
            else:
                [name] = _parsed(b"{" + self._data[start:value] + b"0}")
                found[name] = _value(self._data, value, stop)
        return found


def _value(data: bytes, start: int, stop: int) -> Any:
    """The value that stands there: parsed, unless it is large and has members."""
    first = _first_byte(data, start, stop)
    if first == b"[":
        return _Array(data, start, stop)
    if first == b"{":
        return _Object(data, start, stop)
    return _parsed(memoryview(data)[start:stop])


def _first_byte(data: bytes, start: int, stop: int) -> bytes:
    """The first byte of a value, however many spaces stand before it; empty if there is none."""
    for at in range(start, stop, PART_BYTES):
        text = data[at : min(at + PART_BYTES, stop)].lstrip()
        if text:
            return text[:1]
    return b""


def _parsed(text: bytes | memoryview) -> Any:
    try:
        return msgspec.json.decode(text)
    except RecursionError as error:
        raise ValueError(str(error)) from error
