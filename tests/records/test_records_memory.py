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
    print(failures > 3)
"""


@pytest.mark.real
def test_a_change_that_fails_for_lack_of_memory_changes_nothing():
    if libactor.CORE == "python" or importlib.util.find_spec("_testcapi") is None:
        pytest.skip("the Python core is for reading; and it takes _testcapi")

    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM)], capture_output=True, text=True, timeout=SECONDS, check=False
    )

    assert (result.stdout, result.stderr, result.returncode) == ("True\n", "", 0)
