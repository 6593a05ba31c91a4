"""Records, snapshots and writers in hands that do what nobody should: liars, threads, a busy collector."""

import gc
import importlib.util
import subprocess
import sys
import textwrap
import threading
from typing import Any

import msgspec
import pytest

import libactor
from libactor._core import _impl
from libactor.records import Collection, JsonWriter, Record, RecordError, RecordType
from libactor.records.projection import Field, Key, Object, Projection

SECONDS = 100  # a bound on failure
NATIVE = _impl.CORE == "c"


class Item(msgspec.Struct, array_like=True, frozen=True):
    name: str
    value: int = 0
    more: dict[str, float] = {}


ITEM = RecordType(Item, hot=("value",))
JSON = Projection(ITEM, Object(Key("name", Field("name")), Key("value", Field("value"))))


class Liar:
    """Says that it is a record."""

    __class__ = Record  # type: ignore[assignment]
    kind = None

    def __bytes__(self) -> bytes:
        return b"\x91\xa1a"


class Bytes(bytes):
    """Says that it is other bytes."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, _: Any) -> Any:
        return 0


def run_together(*works: Any) -> list[BaseException]:
    """What was raised by works that run in a thread each, at turns as short as they get."""
    errors: list[BaseException] = []

    def run(work: Any) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    turn = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
    finally:
        sys.setswitchinterval(turn)
    assert not any(thread.is_alive() for thread in threads)
    return errors


def filled(count: int) -> Any:
    collection = Collection(ITEM, "name")
    for number in range(count):
        collection.put(ITEM.pack(Item(str(number), number)))
    return collection


def test_bytes_are_what_they_hold_and_not_what_they_say():
    data = msgspec.msgpack.encode(Item("a", 1))

    assert bytes(ITEM.read(Bytes(data))) == data


def test_what_only_says_that_it_is_a_record_is_refused():
    collection, snapshot = filled(1), filled(1).snapshot()

    with pytest.raises(TypeError, match="expected a record of Item"):
        collection.put(Liar())
    with pytest.raises(TypeError, match="expected a record of Item"):
        JSON.render(Liar())
    for given in (Liar(), collection, iter(snapshot), None):
        with pytest.raises(TypeError, match="expected a snapshot of Item records"):
            list(JSON.pieces(given))


def test_a_record_is_not_made_from_nothing_and_does_not_change():
    record = ITEM.pack(Item("a", 1))

    with pytest.raises(TypeError):
        Record()
    with pytest.raises(AttributeError):
        record.name = "b"
    with pytest.raises(AttributeError):
        del record.name
    assert record.name == "a"


# Goal: what was accepted is right, though the memory that it came in changes. Method: one thread writes other bytes
# into it, another reads; a record can be read again, and its struct is one of those that were there.
def test_a_buffer_that_changes_meanwhile_makes_no_wrong_record():
    whole = [msgspec.msgpack.encode(Item(name, 5, {"a": 0.5})) for name in ("aaaa", "bbbb")]
    data, is_over = bytearray(whole[0]), threading.Event()

    def write() -> None:
        while not is_over.is_set():
            data[:] = whole[1]
            data[0] = 0xC1
            data[0], data[2:4] = 0x93, b"\xff\xff"
            data[:] = whole[0]

    def read() -> None:
        try:
            for _ in range(20_000 if NATIVE else 500):
                try:
                    record = ITEM.read(memoryview(data))
                except RecordError:
                    continue
                assert bytes(record) in whole
                assert JSON.render(record) in (b'{"name":"aaaa","value":5}', b'{"name":"bbbb","value":5}')
        finally:
            is_over.set()

    assert run_together(write, read) == []


# Goal: threads that write with one writer at once spoil nothing. Method: each call writes a whole value or is refused.
@pytest.mark.skipif(not NATIVE, reason="writers of the Python core are for one thread at a time")
def test_threads_that_share_a_writer_write_whole_values_or_none():
    pieces: list[bytes] = []
    written: list[int] = []
    writer = JsonWriter(piece=10, sink=pieces.append)
    writer.start_array()

    def write(number: int) -> None:
        for _ in range(300):
            try:
                writer.value({"number": number, "text": "é" * 30})
            except RuntimeError as refused:
                if "another call is writing" not in str(refused):
                    raise
            else:
                written.append(number)

    errors = run_together(*[lambda number=number: write(number) for number in range(4)])
    writer.end_array()
    writer.finish()

    assert errors == []
    decoded = msgspec.json.decode(b"".join(pieces))
    assert sorted(one["number"] for one in decoded) == sorted(written)


def test_a_collector_that_runs_all_the_time_takes_nothing_away():
    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        kind = RecordType(Item, hot=("value",))
        projection = Projection(kind, Object(Key("name", Field("name"))))
        collection = Collection(kind, "name")
        for number in range(100):
            collection.put(kind.pack(Item(str(number), number)))
        text = b"".join(projection.pieces(collection.snapshot(), bytes_max=50))
        pieces: list[bytes] = []
        writer = JsonWriter(piece=5, sink=lambda piece: (gc.collect(), pieces.append(piece)))
        writer.value([{"a": [Item("b")] * 3}, 2**70])
        writer.finish()
        for _ in kind.read_all(b"".join([bytes(record) for record in collection])):
            pass
    finally:
        gc.set_threshold(*before)

    assert [one["name"] for one in msgspec.json.decode(b"[" + text + b"]")] == [str(number) for number in range(100)]
    assert b"".join(pieces) == b'[{"a":[["b",0,{}],["b",0,{}],["b",0,{}]]},1180591620717411303424]'


def test_a_type_and_its_writers_that_lead_to_themselves_are_collected():
    gone: list[int] = []

    class Witness:
        def __del__(self) -> None:
            gone.append(1)

    for _ in range(3):
        witness = Witness()
        kind: Any = RecordType(Item)
        kind.itself = kind, witness
        parts: list[Any] = [witness]
        writer = JsonWriter(piece=5, sink=parts.append)
        parts.append(writer)
        projection: Any = Projection(kind, Field("name"))
        projection.itself = projection, witness
    del kind, witness, parts, writer, projection
    gc.collect()

    assert len(gone) == 3


INSIDE = """
    import msgspec
    from libactor.records import Collection, RecordType
    from libactor.records.projection import Field, Projection

    class Item(msgspec.Struct, array_like=True, frozen=True):
        name: str
        value: int = 0

    ITEM = RecordType(Item)
    collection = Collection(ITEM, "name")
    for number in range(500):
        collection.put(ITEM.pack(Item(str(number), number)))
    text = b"".join(Projection(ITEM, Field("value")).pieces(collection.snapshot()))
    assert text.count(b",") == 499
"""


@pytest.mark.real
def test_each_interpreter_of_a_process_has_records_of_its_own():
    if libactor.CORE == "python" or importlib.util.find_spec("_testcapi") is None:
        pytest.skip("it is the C core that has state of each interpreter; and it takes _testcapi")
    if sys.version_info[:2] == (3, 12):
        pytest.skip("msgspec ends a process of 3.12 by a signal when a second interpreter imports it")
    inside = textwrap.dedent(INSIDE)
    program = f"{inside}\nimport _testcapi\nprint(_testcapi.run_in_subinterp({inside!r}))\n{inside}"

    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=SECONDS, check=False
    )

    assert (result.stdout, result.stderr, result.returncode) == ("0\n", "", 0)
