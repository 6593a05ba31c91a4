"""Records of an array are read where they lie, and fields of all of them at once."""

import random
import sys
from typing import Any

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from libactor._core._shapes import ANY, CHOICE
from libactor.records import RecordType
from libactor.records.projection import Field, Key, Object, Projection

from .fuzzed import types

SETTINGS = hypothesis.settings(suppress_health_check=list(hypothesis.HealthCheck), deadline=None)
PIECES = [b"\xc0", b"\x91", b"\xdc\0\1", b"\x90", b"\xa1a", b"\x81\xa1a\x90"]


def head(count: int) -> bytes:
    return bytes([0x90 + count]) if count < 16 else b"\xdc" + count.to_bytes(2, "big")


def is_document(kind: Any, field: str) -> bool:
    """Whether a column gives the bytes of that field."""
    shape = kind.table.shapes[kind.table.shapes[0].first + kind.names.index(field)].kind
    return shape == ANY or shape > CHOICE


# Goal: what is read at once is what is read one by one. Method: random classes, any fields hot, any fields wanted;
# documents decoded, and those left out as their default.
@hypothesis.given(st.integers(0, 2**32 - 1))
@SETTINGS
def test_records_and_columns_are_those_that_are_read_one_by_one(both, seed):
    rng = random.Random(seed)
    node = types.struct_of(rng)
    names = node.type.__struct_fields__
    hot = tuple(name for name in names if rng.random() < 0.4)
    wanted = tuple(rng.choices(names, k=rng.randint(0, 16)))
    some = [types.packed(rng, node, types.value_of(rng, node)) for _ in range(rng.randint(1, 3))]
    data = [rng.choice(some) for _ in range(rng.randint(0, 20))]
    whole = head(len(data)) + b"".join(data)

    for core in both:
        kind = core.RecordType(node.type, hot=hot)
        records, columns = kind.read_array(whole, wanted)

        assert records == kind.read_all(b"".join(data))
        assert [bytes(record) for record in records] == data
        assert len(columns) == len(wanted)
        for name, values in zip(wanted, columns, strict=True):
            expected = [getattr(record, name) for record in records]
            if is_document(kind, name):
                of_type = msgspec.structs.fields(node.type)[names.index(name)].type
                decode = msgspec.msgpack.Decoder(of_type).decode
                values = [one if got is None else decode(got) for got, one in zip(values, expected, strict=True)]
            assert repr(values) == repr(expected), name


@hypothesis.given(st.integers(0, 2**32 - 1))
@SETTINGS
def test_bytes_that_were_changed_have_the_same_fault_in_both_cores(both, seed):
    rng = random.Random(seed)
    node = types.struct_of(rng)
    names = node.type.__struct_fields__
    kinds = [core.RecordType(node.type, hot=names[:1]) for core in both]
    whole = head(3) + b"".join([types.packed(rng, node, types.value_of(rng, node)) for _ in range(3)])

    for _ in range(20):
        data = bytearray(whole)
        at = rng.randrange(len(data) + 1)
        data[at : at + rng.randint(0, 3)] = rng.choice([rng.randbytes(rng.randint(0, 3)), *PIECES])
        outcomes = []
        for kind in kinds:
            try:
                records, columns = kind.read_array(bytes(data), names[:16])
                outcomes.append(repr(([record.decode() for record in records], columns)))
            except ValueError as error:
                outcomes.append((error.path, error.offset, str(error)))
        assert outcomes[0] == outcomes[1], bytes(data)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", r"Task, at byte 0: the bytes end before"),
        (b"\x80", r"Task, at byte 0: expected an array of records"),
        (b"\xc1", r"Task, at byte 0: expected an array of records"),
        (b"\x91", r"Task, at byte 0: the bytes end before"),
        (b"\xdd\xff\xff\xff\xff", r"Task, at byte 0: the bytes end before"),
        (b"\x90\x90", r"Task, at byte 1: bytes follow"),
        (b"\x91\x90", r"Task, at byte 0: got too few fields"),
    ],
)
def test_what_is_no_array_of_records_is_refused(core, task_type, data, problem):
    with pytest.raises(core.RecordError, match=problem):
        task_type.read_array(data)


@pytest.mark.parametrize("data", [bytearray(b"\x90"), memoryview(b"\x90"), "text", None, type("B", (bytes,), {})()])
def test_only_bytes_are_held(task_type, data):
    with pytest.raises(TypeError, match=r"read_array: got [a-zA-Z]+, expected bytes"):
        task_type.read_array(data)


@pytest.mark.parametrize(
    "fields", [("nope",), (5,), "state", ["state"], ("state",) * 17, (type("S", (str,), {})("state"),)]
)
def test_fields_that_are_none_are_refused(task_type, fields):
    with pytest.raises(TypeError, match=r"read_array: got fields with .*, expected at most 16 names of fields of Task"):
        task_type.read_array(b"\x90", fields)


def test_an_empty_array_has_no_records(task_type):
    assert task_type.read_array(b"\x90", ("state", "user")) == ([], ([], []))
    assert task_type.read_array(b"\xdc\0\0") == ([], ())


def test_what_is_left_out_is_the_default_and_none_for_documents(core, model):
    kind = core.RecordType(model.Task)

    _, columns = kind.read_array(msgspec.msgpack.encode([["a", "f", 1, 2]]), ("user", "data", "statuses", "container"))

    assert columns == (["nobody"], [b""], [None], [None])


# Goal: tasks of a kind share what is equal in them. Method: three values in turn, and a text that is different in each.
def test_equal_values_are_one_object(task_type, make_task):
    tasks = [make_task(number, framework_id=f"framework-{number % 3}") for number in range(60)]

    _, columns = task_type.read_array(msgspec.msgpack.encode(tasks), ("task_id", "framework_id", "statuses", "user"))

    assert [len(set(map(id, values))) for values in columns] == [60, 3, 1, 1]
    assert columns[2][0] == msgspec.msgpack.encode(tasks[0].statuses)


# Goal: records hold the bytes that they came in, and let go of them. Method: count who holds them; of C only: the twin
# copies.
def test_the_bytes_live_as_long_as_a_record_of_them(both, model, make_task):
    kind = both[1].RecordType(model.Task, hot=("task_id",))
    data = msgspec.msgpack.encode([make_task(number) for number in range(20)])
    size, before = len(msgspec.msgpack.encode(make_task(1))), sys.getrefcount(data)

    records, _ = kind.read_array(data, ("state",))

    assert sys.getrefcount(data) == before + 19  # the last one is copied, since nothing may be read behind all
    assert [sys.getsizeof(record) for record in records[:-1]] == [sys.getsizeof(records[0])] * 19
    assert sys.getsizeof(records[0]) + size < sys.getsizeof(records[-1]) + 2
    assert [record.decode() for record in records] == [make_task(number) for number in range(20)]
    kept = records[7]
    del records
    assert sys.getrefcount(data) == before + 1
    del data
    assert kept.decode() == make_task(7)
    assert kept == kind.pack(make_task(7))


# Goal: who reads on behind a text sees nothing of the record that follows. Method: short texts, in which what follows
# would have to be escaped; whole, and from a collection.
def test_records_that_lie_beside_one_another_are_rendered_each_for_itself():
    class Word(msgspec.Struct, array_like=True):
        name: str
        text: str

    kind: Any = RecordType(Word, hot=("name",))
    table: Any = Projection(kind, Object(Key("n", Field("name")), Key("t", Field("text"))))
    words = [
        Word(str(n), text) for n, text in enumerate(['"', "", "a", "\n", "\x01é", '"\\' * 9, "b" * 15, "c" * 16] * 9)
    ]

    records, _ = kind.read_array(msgspec.msgpack.encode(words))

    shown = [msgspec.json.decode(table.render(record)) for record in records]
    assert shown == [{"n": word.name, "t": word.text} for word in words]
    assert [table.render(record) for record in records] == [table.render(kind.pack(word)) for word in words]
