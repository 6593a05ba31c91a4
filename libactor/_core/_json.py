"""JSON text: strings and numbers as Mesos writes them. Twin: csrc/json_out.c, json_double.c and json_writer.c."""

# Who calls: _projection.py; libactor/records/json_writer.py.
# What may be written next follows from the levels that are open; a call that does not fit raises, and writes nothing. A
#   value that cannot be written whole leaves a broken text: nothing more can be written then.

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from libactor._core._msgpack import bytes_of

_MARKED = re.compile(rb'[\x00-\x1f"\\]')
_ESCAPES = {byte: b"\\u%04X" % byte for byte in range(32)} | {
    ord('"'): b'\\"', ord("\\"): b"\\\\", 8: b"\\b", 12: b"\\f", 10: b"\\n", 13: b"\\r", 9: b"\\t",
}  # fmt: skip
DEPTH_MAX = 256
ROOT, ARRAY, OBJECT = range(3)  # what a level is
POINT_MIN, POINT_MAX = -6, 21  # where the point may stand, counted from the first digit; elsewhere there is an exponent


def escape(text: bytes) -> bytes:
    """UTF-8 as it stands between quotes."""
    return _MARKED.sub(lambda match: _ESCAPES[match[0][0]], text)


def double(number: float) -> bytes:
    """The shortest decimal that is this very double, with a fraction or an exponent; Infinity and NaN as such."""
    if math.isnan(number):
        return b"NaN"
    sign = b"-" if math.copysign(1, number) < 0 else b""
    if math.isinf(number):
        return sign + b"Infinity"
    if number == 0:
        return sign + b"0.0"
    decimal = Decimal(repr(abs(number))).normalize().as_tuple()
    digits = "".join(map(str, decimal.digits)).encode()
    point = len(digits) + int(decimal.exponent)
    if point <= POINT_MIN or point > POINT_MAX:
        return sign + digits[:1] + (b"." + digits[1:] if len(digits) > 1 else b"") + b"e%d" % (point - 1)
    if point <= 0:
        return sign + b"0." + b"0" * -point + digits
    return sign + digits[:point].ljust(point, b"0") + b"." + (digits[point:] or b"0")


def loose(data: bytes) -> bytes:
    """Bytes between quotes; those that are no UTF-8 are escaped each for itself."""
    parts = []
    while data:
        try:
            data.decode()
        except UnicodeDecodeError as error:
            parts += [escape(data[: error.start]), b"\\u%04X" % data[error.start]]
            data = data[error.start + 1 :]
        else:
            parts.append(escape(data))
            data = b""
    return b"".join(parts)


class Level:
    """An object or an array that is open, or the whole."""

    __slots__ = ("has_key", "is_filled", "kind")

    def __init__(self, kind: int) -> None:
        self.kind, self.is_filled = kind, False
        self.has_key = False  # of an object: its value comes next


class JsonWriterCell:
    """Writes JSON step by step; see libactor.records.JsonWriter."""

    __slots__ = ("_expand", "_has_sink_raised", "_is_broken", "_is_busy", "_levels", "_out", "_piece", "_sink")

    def __new__(cls, piece: int, sink: Callable[[bytes], object] | None, expand: Callable[[Any], Any]) -> Any:
        """``expand`` makes something else of a value of another type, or raises."""
        if piece < 1:
            raise ValueError(f"JsonWriter: got pieces of {piece} bytes, expected 1 or more")
        self = super().__new__(cls)
        self._piece, self._sink, self._expand = piece, sink, expand
        self._out = bytearray()
        self._levels = [Level(ROOT)]
        self._is_busy = self._is_broken = self._has_sink_raised = False
        return self

    _piece: int
    _sink: Callable[[bytes], object] | None
    _expand: Callable[[Any], Any]
    _out: bytearray
    _levels: list[Level]
    _is_busy: bool
    _is_broken: bool
    _has_sink_raised: bool  # which broke the text

    @property
    def size(self) -> int:
        """How many bytes were written and not taken."""
        return len(self._out)

    def start_object(self) -> None:
        """Begin an object, as a value."""
        with self._step("start_object"):
            self._open(OBJECT, "start_object")

    def start_array(self) -> None:
        """Begin an array, as a value."""
        with self._step("start_array"):
            self._open(ARRAY, "start_array")

    def end_object(self) -> None:
        """End the object that was begun last."""
        self._end(OBJECT, "end_object")

    def end_array(self) -> None:
        """End the array that was begun last."""
        self._end(ARRAY, "end_array")

    def key(self, name: str, /) -> None:
        """The name of the next member of an object; its value follows."""
        self._enter("key")
        level = self._levels[-1]
        if not isinstance(name, str):
            raise TypeError(f"JsonWriter.key: got {name!r:.200}, expected a text")
        if level.has_key:
            raise ValueError("JsonWriter.key: the key before expects its value")
        if level.kind != OBJECT:
            raise ValueError("JsonWriter.key: no object is open; begin one with start_object()")
        with self._writing():
            self._key(name)

    def value(self, value: Any, /) -> None:
        """A value with all that is in it."""
        with self._step("value"):
            self._value(value)

    def text(self, data: bytes, /) -> None:
        """Bytes as a text. Those that are no UTF-8 are escaped each for itself, as Mesos does."""
        data = self._enter_with("text", data)
        with self._step("text"):
            self._out += b'"' + loose(data) + b'"'

    def raw(self, json: bytes, /) -> None:
        """A value that is JSON already, which is not checked."""
        json = self._enter_with("raw", json)
        if not json:
            raise ValueError("JsonWriter.raw: got nothing, expected one JSON value")
        with self._step("raw"):
            self._out += json

    def items(self, json: bytes, goes_on: bool, /) -> None:
        """Items of an array that are JSON already, commas between them; none is fine."""
        json = self._enter_with("items", json)
        if self._levels[-1].kind != ARRAY:
            raise ValueError("JsonWriter.items: no array is open; begin one with start_array()")
        with self._writing():
            if json and goes_on is not True:
                self._begin_value("items")
            self._out += json

    def take(self) -> bytes:
        """The next piece of what was written, empty if there is none."""
        piece = bytes(self._out[: self._piece])
        del self._out[: self._piece]
        return piece

    def finish(self) -> None:
        """Give the rest to the sink, if there is one. Raises: ValueError if the document is not complete."""
        self._enter("finish")
        if len(self._levels) > 1:
            raise ValueError("JsonWriter.finish: an object or an array is open")
        if not self._levels[0].is_filled:
            raise ValueError("JsonWriter.finish: nothing was written")
        with self._writing():
            self._give(1)

    def _enter(self, call: str) -> None:
        if self._is_broken:
            reason = "the sink raised" if self._has_sink_raised else "a value before could not be written"
            raise RuntimeError(f"JsonWriter.{call}: the text is broken, because {reason}; make another writer")
        if self._is_busy:
            raise RuntimeError(f"JsonWriter.{call}: another call is writing")

    def _enter_with(self, call: str, given: Any) -> bytes:
        self._enter(call)
        return bytes_of(given)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        self._is_busy = True
        try:
            yield
            self._give(self._piece)
        except BaseException:
            self._is_broken = True
            raise
        finally:
            self._is_busy = False

    @contextmanager
    def _step(self, call: str) -> Iterator[None]:
        self._enter(call)
        self._begin_value(call)
        with self._writing():
            yield

    def _give(self, least: int) -> None:
        while self._sink is not None and len(self._out) >= least:
            try:
                self._sink(self.take())
            except BaseException:
                self._has_sink_raised = True
                raise

    def _begin_value(self, call: str) -> None:
        level = self._levels[-1]
        if level.kind == OBJECT and not level.has_key:
            raise ValueError(f"JsonWriter.{call}: an object is open and expects key() or end_object()")
        if level.kind == ROOT and level.is_filled:
            raise ValueError(f"JsonWriter.{call}: the document is complete; make another writer")
        if level.kind == ARRAY and level.is_filled:
            self._out += b","
        level.is_filled, level.has_key = True, False

    def _open(self, kind: int, call: str) -> None:
        if len(self._levels) > DEPTH_MAX:
            raise ValueError(f"JsonWriter.{call}: nested more than {DEPTH_MAX} deep; does a value hold itself?")
        self._out += b"{" if kind == OBJECT else b"["
        self._levels.append(Level(kind))

    def _close(self) -> None:
        self._out += b"}" if self._levels.pop().kind == OBJECT else b"]"

    def _end(self, kind: int, call: str) -> None:
        self._enter(call)
        level = self._levels[-1]
        if level.kind == kind and not level.has_key:
            with self._writing():
                self._close()
            return
        reason = {ROOT: "nothing is open", OBJECT: "an object is open", ARRAY: "an array is open"}[level.kind]
        raise ValueError(
            f"JsonWriter.{call}: {'a key was written, and expects its value' if level.kind == kind else reason}"
        )

    def _key(self, name: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"JsonWriter: got key {name!r:.200}, expected a text")
        level = self._levels[-1]
        self._out += b"," if level.is_filled else b""
        level.is_filled = level.has_key = True
        self._out += b'"' + escape(str.encode(name)) + b'":'

    def _value(self, value: Any) -> None:
        kind = type(value)
        if kind is str:
            self._out += b'"' + escape(value.encode()) + b'"'
        elif kind is int:
            self._out += str(value).encode()
        elif kind is float:
            self._out += double(value)
        elif value is None or kind is bool:
            self._out += {None: b"null", True: b"true", False: b"false"}[value]
        elif kind is bytes:
            self._out += b'"' + base64.b64encode(value) + b'"'
        elif kind in (dict, list, tuple):
            self._parts(value, kind is dict)
        else:
            self._value(self._expand(value))

    def _parts(self, whole: Any, is_dict: bool) -> None:
        self._open(OBJECT if is_dict else ARRAY, "value")
        size = len(whole)
        for part in whole:
            if is_dict:
                self._key(part)
            self._begin_value("value")
            self._value(whole[part] if is_dict else part)
            self._give(self._piece)
            if len(whole) != size:
                name = "dict" if is_dict else "list"
                raise RuntimeError(f"JsonWriter.value: a {name} changed its size while it was written")
        self._close()
