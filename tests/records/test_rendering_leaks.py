"""Projections, pieces that are left half way and writers that break, repeated many times, leave no memory behind."""

import gc
import sys

import msgspec
import pytest

from libactor._core import _impl
from libactor.records import Collection, JsonWriter, Projection, RecordType
from libactor.records.projection import Field, Key, Object

REPEATS = 100 if _impl.CORE == "c" else 10
WINDOWS = 3
SLACK_BYTES = REPEATS * 8  # less than any leak of one object for each repeat
SLACK_REFERENCES = max(3, REPEATS // 10)


class Item(msgspec.Struct, array_like=True, frozen=True):
    name: str
    value: int = 0
    more: dict[str, float] = {}


ITEM = RecordType(Item, hot=("value",))
THING = Item("thing", 5, {"a": 0.5})
TABLE = Object(Key("name", Field("name")), Key("value", Field("value")))


def refused(function, *arguments):
    try:
        function(*arguments)
    except (TypeError, ValueError, RuntimeError):
        return
    raise AssertionError(f"{function} should have raised")


def show():
    collection = Collection(ITEM, "name")
    for number in range(40):
        collection.put(ITEM.pack(msgspec.structs.replace(THING, name=str(number))))
    projection = Projection(ITEM, TABLE)
    projection.render(ITEM.pack(THING))
    projection.render_all(collection)
    refused(projection.render, THING)
    refused(projection.render_all, [ITEM.pack(THING), None])
    refused(Projection, ITEM, Object(Key("a", Field("nothing"))))
    pieces = projection.pieces(collection.snapshot(), bytes_max=100)
    next(pieces)
    collection.clear()
    next(pieces)  # the rest is left
    del pieces
    refused(list, projection.pieces(collection))
    _impl.records_free(10**9)


def write():
    pieces: list[bytes] = []
    writer = JsonWriter(piece=7, sink=pieces.append)
    writer.start_array()
    writer.value([THING, {"a": 2**80, "b": "é" * 30}, b"\x00", (1.5, None)])
    writer.text(b"a\xff")
    writer.record(ITEM.pack(THING), Projection(ITEM, TABLE))
    writer.raw(b"[1,2,3]")
    for bad in ({1: 2}, ["\ud800"], {"a": object()}, {"\udfff": 1}):
        broken = JsonWriter(piece=3, sink=pieces.append)
        refused(broken.value, [{"b": "x" * 20}, bad])
        refused(broken.value, 1)
    refused(JsonWriter(piece=2, sink=fail).value, ["a long text", THING])
    refused(writer.end_object)
    JsonWriter().value(THING)  # nobody takes it


def fail(piece):
    raise ValueError(piece)


@pytest.mark.parametrize("operation", [show, write], ids=lambda operation: operation.__name__)
def test_rendering_and_writing_leave_nothing_behind(traced_memory, operation):
    growths, references = [], []
    for _ in range(20):
        operation()

    for _ in range(WINDOWS):
        gc.collect()
        before, held = traced_memory(), sys.getrefcount(ITEM) + sys.getrefcount(THING)
        for _ in range(REPEATS):
            operation()
        gc.collect()
        growths.append(traced_memory() - before)
        references.append(sys.getrefcount(ITEM) + sys.getrefcount(THING) - held)

    assert min(growths) < SLACK_BYTES, growths
    assert min(references) < SLACK_REFERENCES, references
