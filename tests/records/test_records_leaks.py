"""Operations on records and collections, repeated many times, leave no memory and no references behind."""

import gc
import sys

import msgspec
import pytest

REPEATS = 300
WINDOWS = 3
SLACK_BYTES = REPEATS * 4  # less than any leak of one object for each repeat
SLACK_REFERENCES = REPEATS // 10


def refused(function, *arguments):
    try:
        function(*arguments)
    except (TypeError, ValueError, KeyError, AttributeError):
        return
    raise AssertionError(f"{function} should have raised")


def read(core, kind, task):
    data = msgspec.msgpack.encode(task)
    kind.read(data)
    kind.read_all(data * 3)


def read_array(core, kind, task):
    data, names = msgspec.msgpack.encode([task, msgspec.structs.replace(task, user="other"), task]), tuple(kind.names)
    records, columns = kind.read_array(data, names)
    del records[0], columns
    kind.read_array(data)
    kind.read_array(msgspec.msgpack.encode([["a", "b", 1, 1]]), names)
    for bad in (b"", b"\x80", data[:-1], data + b"\x00", data.replace(b"task", b"\xff\xff\xff\xff"), "text"):
        refused(kind.read_array, bad, names)
    refused(kind.read_array, data, ("task_id", "nothing"))


def refuse(core, kind, task):
    data = msgspec.msgpack.encode(task)
    for bad in (b"", data[:-1], data + b"\x00", data.replace(b"task", b"\xff\xff\xff\xff"), b"\xc1", "text"):
        refused(kind.read, bad)
        refused(kind.read_all, data + (bad or b"\x90") if isinstance(bad, bytes) and bad != data + b"\x00" else 5)


def look(core, kind, task):
    record = kind.pack(task)
    for name in kind.names:
        getattr(record, name)
    short = kind.read(msgspec.msgpack.encode(["a", "b", 1, 1]))
    for name in kind.names:
        getattr(short, name)
    refused(getattr, record, "nothing")
    record.decode()
    repr(record)
    hash(record)
    bytes(record)
    assert record != short
    refused(record.__reduce_ex__, 2)


def replace(core, kind, task):
    record, short = kind.pack(task), kind.read(msgspec.msgpack.encode(["a", "b", 1, 1]))
    record.replace(cpus=3, user=None, statuses=())
    short.replace(user="other")
    record.replace(container=msgspec.Raw(b"\x01"))
    for wrong in ({"cpus": "many"}, {"cpus": 1, "nothing": 2}, {"data": b"", "cpus": object()}, {"user": 5, "cpus": 1}):
        refused(lambda wrong=wrong: record.replace(**wrong))
        refused(lambda wrong=wrong: short.replace(**wrong))
    refused(record.replace, 5)


def make_kinds(core, kind, task):
    core.RecordType(kind.struct, hot=("state",)).pack(task)
    refused(core.RecordKind, "K", (), b"", b"", (), (), (), bytes, bytes, ValueError, 5)
    refused(core.RecordKind, "K", (), b"x", b"", (), (), (), bytes, bytes, ValueError, 5)
    refused(core.RecordKind, "K", (), b"", b"", (), (), (), bytes, bytes, ValueError, 0)


def collect(core, kind, task):
    collection = core.Collection(kind, "task_id")
    collection.put(kind.pack(task))
    snapshot = collection.snapshot()
    collection.put(kind.pack(task))
    list(snapshot)
    for name in kind.names:
        snapshot.column(name)
    refused(snapshot.column, "nothing")
    refused(lambda: snapshot.column("state", part=1, parts=1))
    next(iter(collection))
    collection.get("nothing")
    collection.get("nothing", task)
    refused(collection.get, 5)
    refused(collection.pop, "nothing")
    collection.pop("nothing", task)
    collection.pop(task.task_id)
    refused(collection.put, task)
    refused(core.Collection, kind, "cpus")
    collection.put(kind.pack(task))
    collection.clear()
    core.records_free(10**9)


def collect_by_two(core, kind, task):
    collection = core.Collection(kind, ("task_id", "framework_id"))
    record = kind.pack(task)
    for _ in range(3):
        collection.put(record)
    collection[task.task_id, task.framework_id]
    refused(collection.get, ("a",))
    core.records_free(10**9)


OPERATIONS = [read, read_array, refuse, look, replace, make_kinds, collect, collect_by_two]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.__name__)
def test_an_operation_leaves_nothing_behind(core, task_type, make_task, traced_memory, operation):
    repeats = REPEATS if core.name == "c" else REPEATS // 10
    task, growths, references = make_task(), [], []
    for _ in range(20):
        operation(core, task_type, task)

    for _ in range(WINDOWS):
        gc.collect()
        before, held = traced_memory(), sys.getrefcount(task_type) + sys.getrefcount(task)
        for _ in range(repeats):
            operation(core, task_type, task)
        gc.collect()
        growths.append(traced_memory() - before)
        references.append(sys.getrefcount(task_type) + sys.getrefcount(task) - held)

    assert min(growths) < SLACK_BYTES, growths
    assert min(references) < SLACK_REFERENCES, references
