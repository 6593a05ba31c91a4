"""For lack of memory an operation fails as a whole: a collection is what it was, or what it was to become."""

# Memory is taken away one allocation at a time, in a program of its own, where nothing else allocates.

import importlib.util
import subprocess
import sys
import textwrap

import pytest

import libactor

SECONDS = 100  # a bound on failure

PROGRAM = """
    import _testcapi
    import msgspec
    from libactor.records import Collection, RecordType

    class Item(msgspec.Struct, array_like=True):
        name: str
        value: int = 0

    ITEM = RecordType(Item, hot=("value",))
    records = [ITEM.pack(Item(str(number), number)) for number in range(120)]
    failures = 0
    for number in range(1, 60):
        collection = Collection(ITEM, "name")
        for record in records[:40]:
            collection.put(record)
        snapshot, last = collection.snapshot(), None
        _testcapi.set_nomemory(number, number + 1)
        try:
            for record in records:
                collection.put(record)
                last = record
        except MemoryError:
            failures += 1
        finally:
            _testcapi.remove_mem_hooks()
        done = [] if last is None else records[: records.index(last) + 1]
        expected = {record.name: record for record in [*records[:40], *done]}
        assert {record.name: record for record in collection} == expected, number
        assert len(collection) == len(expected)
        assert all(collection[name] is record for name, record in expected.items())
        assert sorted(record.value for record in snapshot) == list(range(40))
        for name in expected:
            collection.pop(name)
        assert len(collection) == 0
    kept = 0
    for number in range(8):
        collection = Collection(ITEM, "name")
        for record in records[:40]:
            collection.put(record)
        snapshot = collection.snapshot()
        _testcapi.set_nomemory(number, number + 1)
        try:
            collection.pop("5")
        except MemoryError:
            kept += 1
        finally:
            _testcapi.remove_mem_hooks()
        left = {record.name for record in collection}
        assert ("5" in collection) == ("5" in left) == (len(left) == 40)
        assert len(collection) == len(left) and all(name in collection for name in left)
        assert len(snapshot) == len(list(snapshot)) == 40
    print(failures > 3 and kept > 0)
"""


# Each step, without the memory of its first allocation, then of its second: it fails or does what it should, and what
# comes afterwards is as if it had not been.
STEPS = """
    import sys
    import _testcapi
    import msgspec
    from libactor.records import Collection, JsonWriter, RecordError, RecordType
    from libactor.records.projection import Each, Field, Key, Object, Projection, Tally

    class Part(msgspec.Struct, array_like=True):
        name: str
        value: int = 0

    class Item(msgspec.Struct, array_like=True):
        name: str
        value: int = 0
        parts: tuple[Part, ...] = ()
        more: dict[str, float] = {}

    TABLE = Object(
        Key("name", Field("name")),
        Key("parts", Each("parts", Object(Key("v", Field("value"))))),
        Key("sum", Tally("parts", name="name", scalar="value", first=("a",))),
    )
    ITEM = RecordType(Item, hot=("value",))
    records = [ITEM.pack(Item(str(n), n, tuple(Part(str(i % 5), i) for i in range(n % 50)))) for n in range(100)]
    last, data = records[49], bytes(records[49])
    projection, collection = Projection(ITEM, TABLE), Collection(ITEM, "name")
    for record in records:
        collection.put(record)
    snapshot = collection.snapshot()
    whole = b"".join(projection.pieces(snapshot))

    def write():
        parts = []
        writer = JsonWriter(piece=64, sink=parts.append)
        writer.start_object()
        writer.key("a" * 100)
        writer.value({"x": [1, 2.5, "\\xe9" * 50, None, b"ab", Part("a", 2)], "y": 2**70})
        writer.key("r")
        writer.start_array()
        writer.records(snapshot, projection)
        writer.end_array()
        writer.end_object()
        writer.finish()
        return b"".join(parts)

    def refuse():
        try:
            ITEM.read(data[:-1])
        except RecordError as error:
            return str(error)

    works = [
        lambda: bytes(ITEM.read(data)),
        lambda: len(ITEM.read_all(data * 3)),
        lambda: repr(ITEM.read_array(b"\\x93" + data * 3, ("name", "value", "parts", "more"))),
        refuse,
        lambda: (last.name, last.parts, last.more, last.decode()),
        lambda: (repr(last), repr(snapshot), hash(last)),
        lambda: projection.render(last),
        lambda: projection.render_all(records),
        lambda: projection.render_chunks(collection.snapshot(), 0, projection.chunk_count(snapshot), 500, False, True),
        lambda: len(list(collection)),
        lambda: len(Collection(ITEM, "name")),
    ]
    if sys.version_info < (3, 12):  # later ones end by a signal where there is no memory for any generator
        works += [
            lambda: b"".join(projection.pieces(collection.snapshot(), bytes_max=500)),
            write,
            lambda: RecordType(Item, hot=("value",)).read(data).name,
            lambda: Projection(ITEM, TABLE).render(last),
        ]
    failures = 0
    for place, work in enumerate(works):
        wanted = work()
        for number in range(1, 100):
            _testcapi.set_nomemory(number, number + 1)
            try:
                got = work()
            except MemoryError:
                failures += 1
                continue
            finally:
                _testcapi.remove_mem_hooks()
            assert got == wanted, (place, number, got)
        assert work() == wanted, place
        assert b"".join(projection.pieces(snapshot)) == whole, place
    print(failures > 100)
"""


@pytest.mark.real
@pytest.mark.parametrize("program", [PROGRAM, STEPS], ids=["change", "steps"])
def test_what_fails_for_lack_of_memory_changes_nothing(program):
    if libactor.CORE == "python" or importlib.util.find_spec("_testcapi") is None:
        pytest.skip("the Python core is for reading; and it takes _testcapi")

    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=SECONDS, check=False
    )

    assert (result.stdout, result.stderr, result.returncode) == ("True\n", "", 0)
