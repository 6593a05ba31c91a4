"""Values that are the same in many records are rendered once, and what is written is what each record by itself is."""

import random
from typing import Any

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from libactor._core import _projection as twin
from libactor.records import RecordType
from libactor.records.program import finish
from libactor.records.projection import Each, Field, ForEach, IfThere, Key, Named, Object, Projection

from .fuzzed import types

SETTINGS = hypothesis.settings(suppress_health_check=list(hypothesis.HealthCheck), deadline=None)


class Label(msgspec.Struct, array_like=True, frozen=True):
    key: str
    value: str | None = None


class Item(msgspec.Struct, array_like=True, frozen=True):
    name: str | None
    labels: tuple[Label, ...] = (Label("a", "default"),)


ITEM = RecordType(Item)


def check(projection: Projection[Any], records: list[Any]) -> None:
    assert projection.render_all(records) == b",".join(map(projection.render, records))


# Goal: what is remembered of a value is never written for another. Method: random classes and tables; records whose
# fields are drawn from few values, in one form of msgpack or another, by themselves and as parts of an array.
@pytest.mark.twins
@hypothesis.given(st.integers(0, 2**32 - 1))
@SETTINGS
def test_records_of_few_values_are_rendered_as_each_by_itself(seed):
    rng = random.Random(seed)
    node = types.struct_of(rng)
    kind = RecordType(node.type)
    table, _ = types.table_of(rng, node)
    projection, slow = Projection(kind, table), twin.Transcoder(kind, *finish(node.type, table.write))
    values = [types.value_of(rng, node) for _ in range(3)]
    data = []
    for _ in range(12):
        mixed = {name: getattr(rng.choice(values), name) for name in node.type.__struct_fields__}
        data.append(
            types.packed(rng, node, node.type(**mixed)) if rng.random() < 0.3 else kind.pack(node.type(**mixed))
        )

    check(projection, records := [kind.read(bytes(one)) for one in data])
    check(projection, kind.read_array(b"\x9c" + b"".join(map(bytes, data)))[0])
    assert projection.render_all(records) == slow.render_all(records)


# Goal: a value begins with a comma in one record and not in the next. Method: a member before it that may be missing.
def test_a_value_that_is_the_first_member_in_one_record_only_has_its_comma_where_it_is_due():
    projection = Projection(
        ITEM, Object(IfThere("name", Key("name", Field("name"))), ForEach("labels", Named("key", Field("value"))))
    )
    labels = (Label("k", "1"), Label("l"))

    text = projection.render_all([ITEM.pack(Item(name, labels)) for name in ("a", None, "b", None, None, "c", "d")])

    named, bare = b'{"name":"%c","k":"1","l":null}', b'{"k":"1","l":null}'
    assert text == b",".join([named % b"a", bare, named % b"b", bare, bare, named % b"c", named % b"d"])


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 40, 300, 5000])
def test_values_that_differ_in_their_last_byte_only_are_told_apart(length):
    label = Object(Key("key", Field("key")), Key("value", Field("value")))
    projection = Projection(ITEM, Object(Key("labels", Each("labels", label))))

    check(projection, [ITEM.pack(Item("a", (Label("k", "v" * length + end),))) for end in '121""1é\né2'])
    check(
        projection, [ITEM.pack(Item("a", tuple([Label("k", "v" * length)] * count))) for count in (1, 2, 1, 3, 2, 0, 0)]
    )


# Goal: one of the records ends where a longer value of another goes on. Method: the shorter one is the beginning of it.
def test_a_record_that_ends_sooner_is_not_read_beyond():
    projection = Projection(ITEM, Object(Key("labels", Each("labels", Object(Key("value", Field("value")))))))
    sent = [[None, [["k", "v" * 25]]], [None], [None, []], [None, [["k"]]], [None, [["k", "v" * 25]]], [None]]

    records = [ITEM.read(msgspec.msgpack.encode(one)) for one in sent]

    check(projection, records)
    check(projection, ITEM.read_array(msgspec.msgpack.encode(sent))[0])
    assert projection.render_all(records).count(b"default") == 2
