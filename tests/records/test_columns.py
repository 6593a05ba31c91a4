"""A column of a snapshot has the values of one field of all its records, as reading them one by one gives them."""

import msgspec
import pytest

CHUNK = 32


@pytest.fixture
def collection(core, task_type, make_task):
    tasks = core.Collection(task_type, "task_id")
    for number in range(5 * CHUNK):
        tasks.put(task_type.pack(make_task(number, user=None if number % 3 else f"user-{number % 40}")))
    for number in range(0, 5 * CHUNK, 7):
        tasks.pop(f"task-{number}")
    tasks.put(task_type.read(msgspec.msgpack.encode(["short", "framework-1", 1, 1])))
    return tasks


@pytest.mark.parametrize("field", ["task_id", "framework_id", "state", "cpus", "data", "user"])
def test_a_column_has_what_the_attributes_are(collection, field):
    snapshot = collection.snapshot()

    values = snapshot.column(field)

    assert values == [getattr(record, field) for record in snapshot]
    assert len(values) == len(snapshot)


@pytest.mark.parametrize(("field", "kind"), [("statuses", "statuses"), ("resources", "resources"), ("container", None)])
def test_a_column_of_documents_has_their_bytes_and_none_for_one_that_was_left_out(collection, model, field, kind):
    snapshot = collection.snapshot()
    of_type = msgspec.structs.fields(model.Task)[model.Task.__struct_fields__.index(field)].type
    decode = msgspec.msgpack.Decoder(of_type).decode

    for record, value in zip(snapshot, snapshot.column(field), strict=True):
        if record.task_id == "short":
            assert value is None
        else:
            assert decode(value) == getattr(record, field)


def test_equal_values_are_one_object(collection):
    values = collection.snapshot().column("framework_id")

    assert len(set(map(id, values))) == len(set(values)) == 6


def test_a_column_stays_while_the_collection_changes(collection, task_type, make_task):
    snapshot = collection.snapshot()
    before = snapshot.column("cpus")

    collection.put(task_type.pack(make_task(1, cpus=10**6)))
    collection.pop("task-2")

    assert snapshot.column("cpus") == before
    assert 10**6 in collection.snapshot().column("cpus")


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 1000])
def test_the_parts_are_the_whole(collection, parts):
    snapshot = collection.snapshot()

    columns = [snapshot.column("task_id", part=part, parts=parts) for part in range(parts)]

    assert [value for column in columns for value in column] == snapshot.column("task_id")
    assert max(map(len, columns)) <= (5 * CHUNK // parts // CHUNK + 1) * CHUNK


def test_of_nothing_there_is_nothing(core, task_type):
    assert core.Collection(task_type, "task_id").snapshot().column("task_id") == []


def test_what_is_no_field_is_refused(collection):
    snapshot = collection.snapshot()

    with pytest.raises(TypeError, match=r"^a record of Task has no field 'nothing'; it has task_id, framework_id"):
        snapshot.column("nothing")
    with pytest.raises(TypeError, match=r"must be str, not int"):
        snapshot.column(5)
    with pytest.raises(TypeError):
        snapshot.column("task_id", part=0.5)


@pytest.mark.parametrize(("part", "parts"), [(-1, 1), (1, 1), (0, 0), (0, -1), (0, 1 << 21), (2**40, 2**41)])
def test_a_part_that_there_is_not_is_refused(collection, part, parts):
    with pytest.raises(ValueError, match=rf"^Snapshot.column: got part {part} of {parts}, expected part 0 to"):
        collection.snapshot().column("task_id", part=part, parts=parts)
