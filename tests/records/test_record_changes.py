"""Record.replace gives what packing a changed struct gives, and copies the rest as it is."""

import random
from typing import Any

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from .fuzzed import types

SETTINGS = hypothesis.settings(suppress_health_check=list(hypothesis.HealthCheck), deadline=None)
seeds = st.integers(0, 2**32 - 1)
ANYTHING: list[Any] = [None, True, -1, 2**63, 1.5, "text", b"bytes", [], [1, "a"], {"a": 1}, {1: 2}, (), object()]
RAW = [b"", b"\x01", b"\x01\x02", b"\xc1", b"\xa5abc", b"\x91", b"\xc0\xc0", b"\xdc\x00"]


def some_fields(rng: random.Random, node: Any, source: Any) -> dict[str, Any]:
    names = node.type.__struct_fields__
    return {name: getattr(source, name) for name in rng.sample(names, rng.randint(0, len(names)))}


def outcome(make: Any, *arguments: Any, **named: Any) -> tuple[Any, ...]:
    """The bytes and all fields of a record, or the error."""
    try:
        record = make(*arguments, **named)
    except (TypeError, ValueError, OverflowError) as error:
        return type(error).__name__, str(error)
    return bytes(record), repr([getattr(record, name) for name in record.kind.names]), repr(record.decode())


@hypothesis.given(seeds)
@SETTINGS
def test_a_changed_record_is_the_packed_changed_struct(both, seed):
    rng = random.Random(seed)
    node = types.struct_of(rng)
    hot = tuple(field.name for field in node.fields if rng.random() < 0.5)
    value = types.value_of(rng, node)
    changed = some_fields(rng, node, types.value_of(rng, node))

    for core in both:
        kind = core.RecordType(node.type, hot=hot)
        record = kind.pack(value)

        after = outcome(record.replace, **changed)

        assert after == outcome(kind.pack, msgspec.structs.replace(value, **changed))
        assert record == kind.pack(value)


# Goal: what others have sent stays as they wrote it. Method: any form of msgpack, fields left out at the end, more of
# a newer version; records that own their bytes, and parts of an array.
@hypothesis.given(seeds)
@SETTINGS
def test_what_does_not_change_stays_as_its_sender_wrote_it(both, seed):
    rng = random.Random(seed)
    node = types.struct_of(rng)
    hot = tuple(field.name for field in node.fields if rng.random() < 0.5)
    value = types.value_of(rng, node)
    data = types.packed(rng, node, value)
    changed = some_fields(rng, node, types.value_of(rng, node))

    outcomes = []
    for core in both:
        kind = core.RecordType(node.type, hot=hot)
        for record in (kind.read(data), kind.read_array(b"\x92" + data + data)[0][0]):
            after = record.replace(**changed)

            assert repr(after.decode()) == repr(msgspec.structs.replace(value, **changed))
            assert kind.read(bytes(after)) == after
            outcomes.append(outcome(after.replace))
    assert len(set(outcomes)) == 1


@hypothesis.given(seeds)
@SETTINGS
def test_a_value_that_does_not_fit_is_refused_as_pack_refuses_it(both, seed):
    rng = random.Random(seed)
    node = types.struct_of(rng)
    value = types.value_of(rng, node)
    names = node.type.__struct_fields__
    given_ = [*ANYTHING, *map(msgspec.Raw, RAW)]
    changed = {name: rng.choice(given_) for name in rng.sample(names, rng.randint(1, len(names)))}

    bytes_max = len(msgspec.msgpack.encode(value)) + rng.choice([0, 10_000])

    outcomes = []
    for core in both:
        kind = core.RecordType(node.type, hot=names[:2], bytes_max=bytes_max)
        record = kind.pack(value)
        outcomes.append(outcome(record.replace, **changed))
        assert outcomes[-1] == outcome(kind.pack, msgspec.structs.replace(value, **changed))
    assert outcomes[0] == outcomes[1]


def test_what_was_left_out_before_a_changed_field_has_its_default(core, task_type):
    short = task_type.read(msgspec.msgpack.encode(["a", "b", 1, 1]))

    after = short.replace(data=b"x")

    assert msgspec.msgpack.decode(bytes(after)) == ["a", "b", 1, 1, [], {}, b"x"]
    assert (after.task_id, after.data, after.user) == ("a", b"x", "nobody")
    assert msgspec.msgpack.decode(bytes(short.replace(user="root"))) == ["a", "b", 1, 1, [], {}, b"", None, "root"]


def test_what_a_newer_version_has_sent_is_kept(core, task_type, make_task):
    sent = [*msgspec.msgpack.decode(msgspec.msgpack.encode(make_task(1))), "more", {"and": [1]}]
    record = task_type.read(msgspec.msgpack.encode(sent))

    after = record.replace(cpus=7, user=None)

    assert msgspec.msgpack.decode(bytes(after))[-3:] == [None, "more", {"and": [1]}]
    assert (after.cpus, after.user, after.state) == (7, None, record.state)


# Goal: the head of the array grows from one byte to three. Method: 14 fields, of which 1 to 14 are there, and one more
# is changed after another.
def test_a_head_that_grows_moves_all_behind_it(core):
    names = [f"f{number}" for number in range(20)]
    kind = core.RecordType(
        msgspec.defstruct("Wide", [(name, int, 0) for name in names], array_like=True, frozen=True),
        hot=("f0", "f7", "f14", "f15", "f19"),
    )
    for sent in range(20):
        for changed in range(20):
            record = kind.read(msgspec.msgpack.encode([1000 + number for number in range(sent)]))

            after = record.replace(**{f"f{changed}": -5})

            wanted = [1000 + number if number < sent else 0 for number in range(20)]
            wanted[changed] = -5
            assert [getattr(after, name) for name in names] == wanted
            assert after.replace() is after


@pytest.mark.parametrize(
    ("positional", "changed", "problem"),
    [
        ((5,), {}, "^Record.replace: got 1 values without a name, expected field=value"),
        ((), {"nothing": 5}, "^a record of Task has no field 'nothing'; it has task_id, framework_id"),
        ((), {"cpus": 5, "kind": 5}, "^a record of Task has no field 'kind'; it has task_id, framework_id"),
        ((), {"cpus": object()}, "Encoding objects of type object is unsupported"),
    ],
)
def test_only_fields_are_replaced(core, task_type, make_task, positional, changed, problem):
    with pytest.raises(TypeError, match=problem):
        task_type.pack(make_task()).replace(*positional, **changed)


def test_a_wrong_value_is_named_by_its_path(core, task_type, make_task):
    with pytest.raises(core.RecordError, match=r"^record: Task.cpus, at byte \d+: expected an int"):
        task_type.pack(make_task()).replace(cpus="many")
