"""Projection: a table that says what a record looks like in JSON, compiled once for a record type."""

# Who calls: whoever shows records to the world, once for each form that a record has there.
# The values and members that a table is made of are in tables.py, conditions.py, groups.py and tally.py;
#   all can be had from here.

from __future__ import annotations

from collections.abc import Iterator

from libactor._core._impl import Snapshot, Transcoder
from libactor.records.conditions import IfDiffers, IfEquals, IfFilled, IfOnly, IfThere, IfTrue
from libactor.records.groups import Groups
from libactor.records.program import ITEM, finish
from libactor.records.record_type import RecordType, T
from libactor.records.tables import (
    Base64,
    Choice,
    Const,
    Each,
    Field,
    Float,
    ForEach,
    Items,
    Key,
    Member,
    Named,
    Nest,
    Object,
    Pairs,
    Ranges,
    Scaled,
    Value,
    Within,
)
from libactor.records.tally import Tally

__all__ = [
    "ITEM",
    "Base64",
    "Choice",
    "Const",
    "Each",
    "Field",
    "Float",
    "ForEach",
    "Groups",
    "IfDiffers",
    "IfEquals",
    "IfFilled",
    "IfOnly",
    "IfThere",
    "IfTrue",
    "Items",
    "Key",
    "Member",
    "Named",
    "Nest",
    "Object",
    "Pairs",
    "Projection",
    "Ranges",
    "Scaled",
    "Tally",
    "Value",
    "Within",
]

PIECE_BYTES = 128 * 1024  # of larger ones malloc gives the memory back each time, in threads other than the main one


class Projection(Transcoder[T]):
    """JSON texts of the records of one type, as ``table`` says.

    Compiled once; rendering makes no Python object but the text. Any number of threads may use it at once.
    Raises: TypeError for a table that does not fit the type, with the path of the field.
    """

    def __new__(cls, kind: RecordType[T], table: Value) -> Projection[T]:
        """Compile the table."""
        if not isinstance(kind, RecordType):
            raise TypeError(f"Projection: got {kind!r}, expected a RecordType")
        if not isinstance(table, Value):
            raise TypeError(f"Projection: got {table!r}, expected a value such as Object(Key(...), ...)")
        code, words, layout, pool = finish(kind.struct, table.write)
        projection: Projection[T] = super().__new__(cls, kind, code, words, layout, pool)
        return projection

    def __init__(self, kind: RecordType[T], table: Value) -> None:
        """See __new__."""

    def pieces(
        self,
        snapshot: Snapshot[T],
        *,
        part: int = 0,
        parts: int = 1,
        bytes_max: int = PIECE_BYTES,
        keep: bool = True,
    ) -> Iterator[bytes]:
        """The JSON texts of a snapshot's records, commas between them, in pieces of at most ``bytes_max`` bytes.

        Each is made when it is asked for, in the calling thread, without the interpreter's lock. ``part`` of ``parts``
        is for several threads: each renders one part, and those that are not empty, in order and with a comma between
        them, are the whole. What was rendered is kept for as long as it is right, if there is room; unless
        ``keep``, only what was kept before is used. See docs/records.md.
        """
        count = self.chunk_count(snapshot)
        if any(type(number) is not int for number in (part, parts, bytes_max)):
            raise TypeError(f"Projection.pieces: got {part!r}, {parts!r}, {bytes_max!r}, expected whole numbers")
        if not 0 <= part < parts or bytes_max < 1:
            raise ValueError(
                f"Projection.pieces: got part {part} of {parts} and {bytes_max} bytes, "
                "expected part 0 to parts - 1 and 1 or more"
            )
        at, stop = count * part // parts, count * (part + 1) // parts
        begun = False
        while at < stop:
            text, at = self.render_chunks(snapshot, at, stop, bytes_max, begun, bool(keep))
            begun = begun or len(text) > 0
            for start in range(0, len(text), bytes_max):
                yield text if len(text) <= bytes_max else text[start : start + bytes_max]

    def __repr__(self) -> str:
        return f"Projection({self.kind!r})"
