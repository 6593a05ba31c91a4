"""What a record is: its fields, its bytes, its equals, its cost, and what older and newer versions make of it."""

import copy
import gc
import pickle
import sys
import threading
import weakref
from typing import Any

import msgspec
import pytest

import libactor

PER_RECORD = 120  # bytes beside those of the message


def test_each_field_is_what_was_packed(task_type, make_task):
    task = make_task(3)

    record = task_type.pack(task)

    assert {name: getattr(record, name) for name in task.__struct_fields__} == msgspec.structs.asdict(task)
    assert record.decode() == task
    assert bytes(record) == msgspec.msgpack.encode(task)
    assert len(record) == len(bytes(record))
    assert record.kind is task_type


# Goal: a hot field is the same field. Method: each set of hot fields, against none.
def test_hot_fields_read_as_the_others_do(core, model, make_task):
    data = msgspec.msgpack.encode(make_task(5))
    names = model.Task.__struct_fields__
    plain = core.RecordType(model.Task).read(data)

    for hot in (names, names[::-1], names[:1], names[-1:], names[::2]):
        record = core.RecordType(model.Task, hot=hot).read(data)
        assert [getattr(record, name) for name in names] == [getattr(plain, name) for name in names], hot


def test_a_field_that_is_none_is_no_attribute(task_type, make_task):
    record = task_type.pack(make_task())

    with pytest.raises(AttributeError, match=r"^a record of Task has no field 'task'; it has task_id, .*, user$"):
        record.task
    with pytest.raises(AttributeError, match=r"has no field 'x{100}'; it has task_id"):
        getattr(record, "x" * 1_000)
    assert not hasattr(record, "__array__")


def test_a_record_with_many_fields_names_some_that_it_has(core):
    names = [f"f{number}" for number in range(18)]
    kind = core.RecordType(msgspec.defstruct("Wide", [(name, int) for name in names], array_like=True))

    with pytest.raises(AttributeError) as caught:
        kind.read(msgspec.msgpack.encode([0] * 18)).nope

    assert str(caught.value) == f"a record of Wide has no field 'nope'; it has {', '.join(names[:16])} and 2 more"


def test_what_sets_or_deletes_a_field_is_told_that_records_never_change(task_type, make_task):
    record = task_type.pack(make_task())

    for name in ("cpus", "decode", "kind", "nope"):
        expected = f"^a record of Task never changes: '{name}' cannot be set; replace.. gives a changed copy"
        with pytest.raises(AttributeError, match=expected):
            setattr(record, name, 5)
    with pytest.raises(AttributeError, match="'cpus' cannot be deleted"):
        del record.cpus
    assert record.cpus == 0


def test_a_whole_number_in_the_place_of_a_float_reads_as_a_float(core, model):
    kind = msgspec.defstruct("Point", [("x", float)], array_like=True)

    record = core.RecordType(kind).read(b"\x91\x05")

    assert (record.x, type(record.x), record.decode()) == (5.0, float, kind(5.0))
    assert core.RecordType(kind).pack(kind(2**63 - 1)).x == 2.0**63
    with pytest.raises(core.RecordError, match=r"Point.x, at byte 1: expected a number"):
        core.RecordType(kind).pack(kind(2**63))


def test_all_that_a_record_accepts_of_numbers_is_decoded(core):
    kind = msgspec.defstruct("Number", [("number", int), ("real", float)], array_like=True)
    numbers = core.RecordType(kind)

    for number in (-(2**63), -(2**31) - 1, -129, -33, -1, 0, 127, 128, 65_536, 2**32, 2**63 - 1, 2**63, 2**64 - 1):
        data = msgspec.msgpack.encode([number, 0])
        assert (numbers.read(data).number, numbers.read(data).decode().number) == (number, number)


def test_a_choice_is_one_of_its_numbers(core, model, task_type, make_task):
    record = task_type.pack(make_task(state=model.State.LOST))

    assert record.state is model.State.LOST
    with pytest.raises(core.RecordError, match=r"Task.state, at byte 5: got a number of no member of the enumeration"):
        task_type.read(msgspec.msgpack.encode(["a", "b", 5, 0]))
    with pytest.raises(
        core.RecordError, match=r"Task.state, at byte 5: expected the number of an enumeration's member"
    ):
        task_type.read(msgspec.msgpack.encode(["a", "b", 2**64 + model.State.LOST.value, 0]))  # the same 64 bits


def test_the_error_of_bytes_that_are_no_record_is_copied_and_pickled(core, task_type):
    with pytest.raises(core.RecordError) as caught:
        task_type.read(b"")

    others = [copy.deepcopy(caught.value), pickle.loads(pickle.dumps(caught.value))]

    assert [(str(other), other.path, other.offset) for other in others] == [(str(caught.value), "Task", 0)] * 2


def test_equal_are_records_of_one_type_with_the_same_bytes(core, model, task_type, make_task):
    one, same, other = (task_type.pack(make_task(n)) for n in (1, 1, 2))
    foreign = core.RecordType(model.Task, hot=("task_id",)).pack(make_task(1))

    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != foreign
    assert one != bytes(one)
    assert len({one, same, other}) == 2
    with pytest.raises(TypeError):
        sorted([one, other])


def test_a_record_is_not_pickled_and_is_its_own_copy(task_type, make_task):
    record = task_type.pack(make_task())

    assert copy.copy(record) is copy.deepcopy(record) is record
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match=r"a record of Task cannot be pickled.*; keep bytes\(record\)"):
            pickle.dumps(record, protocol)
    with pytest.raises(TypeError, match="cannot create"):
        type(record)()


def test_a_record_names_itself_by_its_first_field(task_type, make_task):
    record = task_type.pack(make_task(7))

    assert repr(record) == f"<Task record, task_id='task-7', {len(record)} bytes>"


def test_a_record_keeps_nothing_of_what_it_came_in(task_type, make_task):
    data = msgspec.msgpack.encode(make_task())
    buffer = bytearray(data)

    record = task_type.read(memoryview(buffer))
    buffer[:] = b"\xff" * len(buffer)
    buffer.append(0)

    assert bytes(record) == data


def test_records_behind_one_another_are_read(core, task_type, make_task):
    tasks = [make_task(n) for n in range(5)]
    data = b"".join(map(msgspec.msgpack.encode, tasks))

    assert [record.decode() for record in task_type.read_all(data)] == tasks
    assert task_type.read_all(b"") == []
    with pytest.raises(core.RecordError, match="bytes end before"):
        task_type.read_all(data[:-1])
    with pytest.raises(core.RecordError, match="bytes follow the end of the record"):
        task_type.read(data)


def test_what_has_no_bytes_is_no_record(task_type):
    for data in ("text", 5, None, [1]):
        with pytest.raises(TypeError):
            task_type.read(data)
        with pytest.raises(TypeError):
            task_type.read_all(data)


def test_only_its_own_struct_is_packed(core, model, task_type, make_task):
    with pytest.raises(TypeError, match="got Label, expected Task"):
        task_type.pack(model.Label("a"))
    with pytest.raises(core.RecordError, match=r"Task.cpus, at byte .*: expected an int"):
        task_type.pack(make_task(cpus="many"))


# Goal: bytes_max is a bound on one record and not on what it comes in. Method: one byte less, all, others behind.
def test_a_record_is_no_larger_than_allowed(core, model, make_task):
    data = msgspec.msgpack.encode(make_task())
    exact = core.RecordType(model.Task, bytes_max=len(data))
    short = core.RecordType(model.Task, bytes_max=len(data) - 1)

    assert bytes(exact.read(data)) == data
    assert len(exact.read_all(data * 3)) == 3
    for read in (short.read, short.read_all):
        with pytest.raises(core.RecordError, match=f"Task.user.*is larger than {len(data) - 1} bytes"):
            read(data)
    for behind in (b"\x00", data):
        with pytest.raises(core.RecordError, match=f"at byte {len(data)}: bytes follow the end of the record"):
            exact.read(data + behind)


class Version1(msgspec.Struct, array_like=True, frozen=True):
    name: str
    size: int = 5
    tags: list[str] = []


class Version2(msgspec.Struct, array_like=True, frozen=True):
    name: str
    size: int = 5
    tags: list[str] = []
    extra: dict[str, Any] | None = None
    level: float = 0.5


@pytest.mark.parametrize("hot", [(), ("size",), ("name", "size", "tags")])
def test_what_an_older_version_left_out_has_its_default(core, hot):
    old, new = core.RecordType(Version1, hot=hot), core.RecordType(Version2, hot=(*hot, "level"))

    record = new.read(bytes(old.pack(Version1("a", 1, ["t"]))))
    least = new.read(msgspec.msgpack.encode(["a"]))

    assert (record.name, record.tags, record.extra, record.level) == ("a", ["t"], None, 0.5)
    assert (least.size, least.tags, least.level) == (5, [], 0.5)
    assert least.tags is not least.tags
    assert least.decode() == Version2("a")
    with pytest.raises(core.RecordError, match=r"Version2, at byte 0: got too few fields, expected 1 at least"):
        new.read(b"\x90")


def test_what_a_newer_version_adds_is_kept_and_not_looked_at(core):
    old, new = core.RecordType(Version1), core.RecordType(Version2)
    sent = Version2("a", 1, ["t"], {"deep": [1, {"b": b"\x00"}]}, 2.5)

    record = old.read(bytes(new.pack(sent)))

    assert record.decode() == Version1("a", 1, ["t"])
    assert new.read(bytes(record)).decode() == sent


def test_what_a_newer_version_adds_has_to_be_well_formed(core):
    old = core.RecordType(Version1)
    head = msgspec.msgpack.encode(["a", 1, [], 0])[:-1]

    for end, path in (
        (b"\xc1", "Version1[3]"),
        (b"\x81\x01\x02", "Version1[3][0]"),
        (b"\x92\x01\xd4\x01\x02", "Version1[3][1]"),
        (b"\x91" * 33 + b"\x01", "Version1[3]" + "[0]" * 32),
    ):
        with pytest.raises(core.RecordError) as caught:
            old.read(head + end)
        assert caught.value.path == path
    assert old.read(head + b"\x91" * 32 + b"\x01").name == "a"


def test_a_record_is_its_bytes_and_little_more(core, model, make_task):
    if core.name == "python":
        pytest.skip("the Python core is for reading")
    data = msgspec.msgpack.encode(make_task())

    for hot in ((), ("task_id",), model.Task.__struct_fields__):
        record = core.RecordType(model.Task, hot=hot).read(data)
        assert sys.getsizeof(record) <= len(data) + PER_RECORD


# Goal: the same, as the allocator sees it, in collections. Method: 20,000 tasks, and what is allocated for them.
def test_a_record_in_a_collection_costs_its_bytes_and_little_more(core, task_type, make_task, traced_memory):
    if core.name == "python":
        pytest.skip("the Python core is for reading")
    datas = [msgspec.msgpack.encode(make_task(n)) for n in range(20_000)]
    tasks = core.Collection(task_type, "task_id")

    before = traced_memory()
    for data in datas:
        tasks.put(task_type.read(data))
    used = traced_memory() - before

    assert used <= sum(map(len, datas)) + PER_RECORD * len(datas)


def test_the_collector_does_not_look_at_records(core, task_type, make_task):
    if core.name == "python":
        pytest.skip("the Python core is for reading")
    tasks = core.Collection(task_type, "task_id")
    tasks.put(task_type.pack(make_task()))

    for thing in (tasks["task-0"], tasks.snapshot(), iter(tasks)):
        assert not gc.is_tracked(thing), thing


def test_a_type_goes_with_its_last_record(core, model, make_task):
    kind = core.RecordType(model.Task)
    record = kind.pack(make_task(1))
    kind.itself = kind
    kind.decoders = [kind.read]

    del kind
    gc.collect()
    assert record.task_id == "task-1"

    before = sum(isinstance(thing, core.RecordKind) for thing in gc.get_objects())
    del record
    gc.collect()
    after = sum(isinstance(thing, core.RecordKind) for thing in gc.get_objects())
    assert after == before - 1


def test_records_and_snapshots_pass_between_actors_as_they_are():
    from libactor import records

    class Item(msgspec.Struct, array_like=True, frozen=True):
        name: str

    class Keeper(libactor.Actor):
        def keep(self, record, snapshot):
            return record, snapshot

    kind = records.RecordType(Item)
    items = records.Collection(kind, "name")
    items.put(kind.pack(Item("a")))
    snapshot = items.snapshot()
    record = items["a"]

    with libactor.Runtime():
        pid = libactor.spawn(Keeper())
        kept = libactor.dispatch(pid, Keeper.keep, record, snapshot).get(30)

    assert kept[0] is record
    assert kept[1] is snapshot


# Goal: a worker with nothing to do frees what waits, however much. Method: the type of the records goes with the last.
def test_an_idle_worker_frees_what_was_let_go_of():
    from libactor import records

    class Keeper(libactor.Actor):
        def __init__(self, collection):
            super().__init__()
            self.kept = collection.snapshot()

        def let_go(self):
            self.kept = None

    kind = records.RecordType(Version1)
    collection = records.Collection(kind, "name")
    for number in range(50_000 if libactor.CORE == "c" else 500):
        collection.put(kind.pack(Version1(str(number))))
    freed = threading.Event()
    weakref.finalize(kind, freed.set)

    with libactor.Runtime():
        pid = libactor.spawn(Keeper(collection))
        del kind, collection
        gc.collect()
        assert not freed.is_set()
        libactor.tell(pid, Keeper.let_go)
        assert freed.wait(60)
