"""JsonWriter: JSON text written step by step, and given out a piece at a time."""

# Who calls: whoever makes documents that are too large for one text, or that hold records.
# Rejected: one text in the end, which is a copy of the cluster in memory; a parser's tree, which is several.

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, cast

import msgspec

from libactor._core._impl import JsonWriterCell, Record, Snapshot
from libactor._core.layouts import is_struct
from libactor.records.projection import Projection
from libactor.records.record_type import T

PIECE = 64 * 1024


class JsonWriter(JsonWriterCell):
    """Writes one JSON document: ``start_object``, ``key``, ``value``, ..., ``finish``.

    With a ``sink`` each ``piece`` bytes are given to it as soon as they are there, so it may hold the writer up;
    without one, ``take`` what is there from time to time, at most ``piece`` bytes a call, until a call returns nothing:
    ``size`` tells how much there is. What does not fit where the document stands raises ValueError, and nothing is
    written.
    Numbers are as Mesos writes them: a float has a fraction or an exponent, infinity is the bare token Infinity, and
    what is no number is NaN. Texts are UTF-8, escaped only where they must be.
    """

    __slots__ = ()

    def __new__(cls, *, sink: Callable[[bytes], object] | None = None, piece: int = PIECE) -> JsonWriter:
        """A writer of a new document. Raises: TypeError for a sink that cannot be called, or has to be awaited."""
        if type(cast(Any, piece)) is not int:
            raise TypeError(f"JsonWriter: got pieces of {piece!r:.200} bytes, expected a whole number")
        if not 1 <= piece <= sys.maxsize:
            raise ValueError(
                f"JsonWriter: got too {'small' if piece < 1 else 'large'} a piece, expected 1 to {sys.maxsize} bytes"
            )
        given: Any = sink
        if given is not None and (not callable(given) or inspect.iscoroutinefunction(sink)):
            raise TypeError(
                f"JsonWriter: got sink {sink!r}, expected a function that takes bytes; what awaits takes the pieces "
                "itself, by each_piece() and take()"
            )
        writer: JsonWriter = super().__new__(cls, piece, sink, _expand)
        return writer

    def __init__(self, *, sink: Callable[[bytes], object] | None = None, piece: int = PIECE) -> None:
        """See __new__."""

    def __repr__(self) -> str:
        return f"<JsonWriter, {self.size} bytes to be taken>"

    def record(self, record: Record[T], projection: Projection[T]) -> None:
        """A record, as a projection shows it."""
        self.raw(projection.render(record))

    def records(self, snapshot: Snapshot[T], projection: Projection[T], *, keep: bool = True) -> None:
        """All records of a snapshot, as items of the array that is open. Without a sink, better each_piece.

        Unless ``keep``, nothing is kept of what is rendered: see Projection.pieces.
        """
        for _ in self.each_piece(snapshot, projection, keep=keep):
            pass

    def each_piece(self, snapshot: Snapshot[T], projection: Projection[T], *, keep: bool = True) -> Iterator[int]:
        """As ``records``, a piece of the projection at a time: yields ``size``, so that one may take what is there.

        ``take`` gives at most the writer's ``piece``, which is less: call it until it gives nothing.
        """
        if not isinstance(cast(Any, projection), Projection):
            raise TypeError(f"JsonWriter.records: got {projection!r}, expected a Projection")
        goes_on = False
        for piece in projection.pieces(snapshot, keep=keep):
            self.items(piece, goes_on)
            goes_on = True
            yield self.size


def _expand(value: Any) -> Any:
    """What stands for a value of a type that the core does not know. Raises: TypeError if nothing does."""
    kind = type(value)
    if isinstance(value, Enum):
        return value.name
    if is_struct(kind):
        return _struct(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, dict):
        return dict(value)
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(memoryview(value))
    hint = "; use JsonWriter.record" if isinstance(value, Record) else ""
    raise TypeError(f"JsonWriter.value: got {kind.__name__}, which has no form in JSON{hint}")


def _struct(value: Any) -> Any:
    """The fields of a struct, as msgspec encodes it: by their encoded names, or in order."""
    kind = type(value)
    config = kind.__struct_config__
    fields = msgspec.structs.fields(kind)
    document = {field.encode_name: getattr(value, field.name) for field in fields}
    for field in () if config.array_like else fields:
        given = document[field.encode_name]
        if given is msgspec.UNSET or (config.omit_defaults and _is_default(given, field)):
            del document[field.encode_name]
    if config.tag is not None:
        document = {config.tag_field: config.tag, **document}
    return list(document.values()) if config.array_like else document


def _is_default(value: Any, field: msgspec.structs.FieldInfo) -> bool:
    """Whether msgspec leaves it out: the default itself, or empty as what the default's factory makes."""
    if callable(field.default_factory):
        return type(value) is field.default_factory and len(value) == 0
    return value is field.default or (type(value) in (int, float, str, bytes) and value == field.default)
