"""Whether bytes are a record of some shape: one pass over all of them, which makes nothing. Twin: csrc/shape.c."""

# Who calls: RecordKind, with what arrives. The bytes may be a stranger's: no length is believed before so many bytes
#   are there; nesting is bounded, by the shapes and by ANY_NESTING_MAX; texts are UTF-8, since nobody checks later.
# What follows the fields that are known is from a newer version: it is to be well formed, and is kept.
# The twin in C finds the same fault at the same byte of the same value.

from __future__ import annotations

from collections.abc import Sequence

from libactor._core import _msgpack as msgpack
from libactor._core._shapes import (
    ANY,
    ANY_NESTING_MAX,
    ARRAY,
    BEHIND,
    BOOL,
    BYTES,
    CHOICE,
    CUT,
    DEEP,
    FLOAT,
    INT,
    KEY,
    KIND,
    MAP,
    OTHER_CHOICE,
    SHORT,
    STRUCT,
    TEXT,
    UTF8,
    Shape,
)

_EXPECTED = {
    BOOL: (msgpack.BOOL,),
    INT: (msgpack.INT, msgpack.UINT),
    FLOAT: (msgpack.FLOAT, msgpack.INT),
    TEXT: (msgpack.TEXT,),
    BYTES: (msgpack.BYTES,),
    CHOICE: (msgpack.INT,),
    ARRAY: (msgpack.ARRAY,),
    STRUCT: (msgpack.ARRAY,),
    MAP: (msgpack.MAP,),
}


class Fault(Exception):
    """Bytes are no record: which fault, at which byte, and the steps to the value, innermost first."""

    def __init__(self, fault: int, at: int) -> None:
        super().__init__(fault, at)
        self.fault = fault
        self.at = at
        self.steps: list[int] = []


class ShapeCheck:
    """A look at bytes from ``at`` to ``end``; shapes and choices are those of a record kind."""

    def __init__(self, data: bytes, at: int, end: int, shapes: Sequence[Shape], choices: Sequence[int]) -> None:
        self.data = data
        self.at = at
        self.end = end
        self.shapes = shapes
        self.choices = choices

    def check(self, hot: Sequence[int], is_last: bool) -> list[int]:
        """Where the hot fields begin, counted from the start; 0 for one left out. Raises: Fault.

        What follows the value is a fault if it is the last.
        """
        start, shape, offsets = self.at, self.shapes[0], [0] * len(hot)
        kind, count, past = msgpack.head(self.data, start, self.end)
        if kind != msgpack.ARRAY:
            raise Fault(CUT if kind == msgpack.CUT else KIND, start)
        if count < shape.least:
            raise Fault(SHORT, start)
        self.at = past
        for index in range(count):
            if index in hot:
                offsets[hot.index(index)] = self.at - start
            self._field(shape, index)
        if is_last and self.at != self.end:
            raise Fault(BEHIND, self.at)
        return offsets

    def _value(self, shape: Shape) -> None:
        if shape.kind == ANY:
            self._any(0)
            return
        began = self.at
        kind, count, past = msgpack.head(self.data, began, self.end)
        if kind not in _EXPECTED[shape.kind]:
            if kind != msgpack.NIL or not shape.nullable:
                raise Fault(CUT if kind == msgpack.CUT else KIND, began)
            self.at = past
            return
        self.at = past
        if shape.kind in (TEXT, BYTES):
            self._content(count, shape.kind == TEXT)
        elif shape.kind == CHOICE:
            if count not in self.choices[shape.first : shape.first + shape.count]:
                raise Fault(OTHER_CHOICE, began)
        elif shape.kind == STRUCT:
            if count < shape.least:
                raise Fault(SHORT, began)
            for index in range(count):
                self._field(shape, index)
        elif shape.kind in (ARRAY, MAP):
            self._items(shape, count)

    def _field(self, shape: Shape, index: int) -> None:
        try:
            if index < shape.count:
                self._value(self.shapes[shape.first + index])
            else:
                self._any(0)
        except Fault as fault:
            fault.steps.append(index)
            raise

    def _items(self, shape: Shape, count: int) -> None:
        if self.end - self.at < count:
            raise Fault(CUT, self.at)
        for index in range(count):
            try:
                if shape.kind == MAP:
                    self._key()
                self._value(self.shapes[shape.first])
            except Fault as fault:
                fault.steps.append(index)
                raise

    def _any(self, nesting: int) -> None:
        kind, count, self.at = msgpack.head(self.data, self.at, self.end)
        if kind in (msgpack.TEXT, msgpack.BYTES):
            self._content(count, kind == msgpack.TEXT)
        elif kind in (msgpack.ARRAY, msgpack.MAP):
            self._any_items(count, kind == msgpack.MAP, nesting)
        elif kind in (msgpack.CUT, msgpack.OTHER):
            raise Fault(CUT if kind == msgpack.CUT else KIND, self.at)

    def _any_items(self, count: int, is_map: bool, nesting: int) -> None:
        if self.end - self.at < count:
            raise Fault(CUT, self.at)
        if nesting == ANY_NESTING_MAX:
            raise Fault(DEEP, self.at)
        for index in range(count):
            try:
                if is_map:
                    self._key()
                self._any(nesting + 1)
            except Fault as fault:
                fault.steps.append(index)
                raise

    def _key(self) -> None:
        kind, count, past = msgpack.head(self.data, self.at, self.end)
        if kind != msgpack.TEXT:
            raise Fault(CUT if kind == msgpack.CUT else KEY, self.at)
        self.at = past
        self._content(count, True)

    def _content(self, count: int, is_text: bool) -> None:
        if self.end - self.at < count:
            raise Fault(CUT, self.at)
        if is_text:
            try:
                str(self.data[self.at : self.at + count], "utf-8")
            except UnicodeDecodeError:
                raise Fault(UTF8, self.at) from None
        self.at += count
