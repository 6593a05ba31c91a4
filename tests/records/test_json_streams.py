"""Documents of any size go out in pieces: in bounded memory, and while others use what is written."""

import json
import os
import subprocess
import sys
import threading

import msgspec
import pytest

from libactor.records import Collection, JsonWriter, RecordType, fragments_bound
from libactor.records.projection import Field, Key, Object, Projection

BOUND_S = 60
PIECE = 64 * 1024
needs_c = pytest.mark.skipif(os.environ.get("LIBACTOR_PURE") == "1", reason="the Python core is for reading")


class Item(msgspec.Struct, array_like=True, frozen=True):
    name: str
    text: str


ITEM = RecordType(Item)
ITEM_JSON = Projection(ITEM, Object(Key("name", Field("name")), Key("text", Field("text"))))


def filled(count: int) -> Collection:
    collection = Collection(ITEM, "name")
    for number in range(count):
        collection.put(ITEM.pack(Item(f"{number:06}", "x" * 900)))
    return collection


# Method: a program of its own, whose peak of resident memory is set back before it writes 100 MB; a sink that counts.
PROGRAM = """
import sys
import msgspec
from libactor.records import Collection, JsonWriter, RecordType, fragments_bound
from libactor.records.projection import Field, Key, Object, Projection

class Item(msgspec.Struct, array_like=True, frozen=True):
    name: str
    text: str

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

fragments_bound(0)
KIND = RecordType(Item)
SHOWN = Projection(KIND, Object(Key("name", Field("name")), Key("text", Field("text"))))
items = Collection(KIND, "name")
for number in range(100_000 if sys.argv[1] == "records" else 1):
    items.put(KIND.pack(Item(str(number), "x" * 980)))
values = {
    "list": lambda: ["x" * 1_000_000] * 100,
    "text": lambda: "x" * 100_000_000,
    "other text": lambda: "\u00e9" * 50_000_000,
    "bytes": lambda: b"x" * 75_000_000,
    "records": lambda: items.snapshot(),
}
value, count = values[sys.argv[1]](), 0

def sink(piece):
    global count
    assert len(piece) <= 65536
    count += len(piece)

writer = JsonWriter(sink=sink)
with open("/proc/self/clear_refs", "w") as refs:
    refs.write("5")
before = peak()
if sys.argv[1] == "records":
    writer.start_array()
    writer.records(value, SHOWN)
    writer.end_array()
else:
    writer.value(value)
writer.finish()
print(count, peak() - before)
"""


@needs_c
@pytest.mark.real
@pytest.mark.parametrize("kind", ["list", "text", "other text", "bytes", "records"])
def test_a_document_of_100_mb_is_written_in_a_few(kind):
    options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"  # what is freed counts no more
    command, environment = [sys.executable, "-c", PROGRAM, kind], {**os.environ, "ASAN_OPTIONS": options}
    ran = subprocess.run(command, capture_output=True, text=True, timeout=BOUND_S, check=False, env=environment)

    assert ran.stderr == ""
    count, growth_kb = map(int, ran.stdout.split())
    assert count >= 100_000_000
    assert growth_kb < 6_000


# Goal: a sink that does not go on holds up nobody but who writes to it. Method: it waits in the middle of a snapshot,
# while another thread changes the collection, renders it and lets go of all.
def test_who_waits_in_a_sink_holds_nobody_up():
    collection, entered, opened = filled(2_000), threading.Event(), threading.Event()
    whole = b"[" + ITEM_JSON.render_all(list(collection)) + b"]"
    parts: list[bytes] = []

    def sink(piece: bytes) -> None:
        parts.append(piece)
        entered.set()
        assert opened.wait(BOUND_S)

    def write() -> None:
        writer = JsonWriter(sink=sink)
        writer.start_array()
        writer.records(collection.snapshot(), ITEM_JSON)
        writer.end_array()
        writer.finish()

    thread = threading.Thread(target=write)
    thread.start()
    assert entered.wait(BOUND_S)
    for number in range(0, 2_000, 3):
        collection.put(ITEM.pack(Item(f"{number:06}", "new")))
    others = b"".join(ITEM_JSON.pieces(collection.snapshot()))
    bound = fragments_bound(0)
    fragments_bound(bound)
    collection.clear()
    opened.set()
    thread.join(BOUND_S)

    assert b"".join(parts) == whole
    assert others.count(b'"new"') == 667
    assert max(map(len, parts)) <= PIECE


def test_pieces_of_a_value_are_taken_as_they_come():
    writer = JsonWriter()

    writer.value(["é" * 100_000, b"\x00" * 100_001, "x" * 100_000])
    parts = []
    while part := writer.take():
        parts.append(part)

    assert max(map(len, parts)) == PIECE
    assert writer.size == 0
    text, data, last = json.loads(b"".join(parts))
    assert (text, last) == ("é" * 100_000, "x" * 100_000)
    assert data == "AAAA" * 33_333 + "AAA="


@pytest.mark.parametrize("size", [0, 1, 2, 3, 49_151, 49_152, 49_153, 98_304, 98_305])
def test_long_bytes_are_one_base64(size):
    data, writer = bytes(range(256)) * 400, JsonWriter()

    writer.value(data[:size])

    text = b""
    while part := writer.take():
        text += part
    assert msgspec.json.decode(text, type=bytes) == data[:size]


@pytest.mark.parametrize("size", [16_383, 16_384, 16_385, 40_000])
def test_long_texts_are_whole_and_half_a_pair_is_found_anywhere(size):
    text, writer = "é😀" * size, JsonWriter(sink=list)

    parts: list[bytes] = []
    other = JsonWriter(sink=parts.append)
    other.value(text)
    other.finish()

    assert json.loads(b"".join(parts)) == text
    with pytest.raises(UnicodeEncodeError):
        writer.value(text + "\ud800")


async def no_sink(piece: bytes) -> None:
    """Nobody would await it."""


@pytest.mark.parametrize("sink", [no_sink, 5, b"file"])
def test_what_is_no_sink_is_refused(sink):
    with pytest.raises(TypeError, match="expected a function that takes bytes; what awaits takes the pieces"):
        JsonWriter(sink=sink)
