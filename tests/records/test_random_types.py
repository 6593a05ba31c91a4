"""Random struct classes: records, older and newer versions, and projections, in both cores and as an oracle says."""

import json
import random

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from libactor._core import _projection as twin
from libactor.records import RecordType
from libactor.records.program import finish
from libactor.records.projection import Projection

from .fuzzed import types

seeds = st.integers(0, 2**32 - 1)
SETTINGS = hypothesis.settings(suppress_health_check=list(hypothesis.HealthCheck), deadline=None)


@hypothesis.given(seeds)
@SETTINGS
def test_a_record_is_read_whatever_form_its_sender_gave_it(both, seed):
    rng = random.Random(seed)
    node = types.struct_of(rng)
    hot = tuple(field.name for field in node.fields if rng.random() < 0.5)
    value = types.value_of(rng, node)
    data = types.packed(rng, node, value)

    for core in both:
        record = core.RecordType(node.type, hot=hot).read(data)

        assert bytes(record) == data
        assert repr(record.decode()) == repr(value)
        assert [repr(getattr(record, name)) for name in node.type.__struct_fields__] == [
            repr(one) for one in msgspec.structs.astuple(value)
        ]


# Goal: a struct may grow at its end. Method: the same fields with more of them behind, with defaults; each version
# reads what the other has written.
@hypothesis.given(seeds)
@SETTINGS
def test_older_and_newer_versions_read_each_other(both, seed):
    rng = random.Random(seed)
    older = types.struct_of(rng)
    more = [types.Field(f"g{n}", types.node_of(rng, 1)) for n in range(rng.randint(1, 3))]
    for field in more:
        field.default = types.value_of(rng, field.node)
    newer = types.struct_from((*older.fields, *more))
    old, new = types.value_of(rng, older), types.value_of(rng, newer)

    for core in both:
        of_new = core.RecordType(older.type).read(types.packed(rng, newer, new))
        of_old = core.RecordType(newer.type).read(types.packed(rng, older, old, more=False))

        assert [repr(getattr(of_new, field.name)) for field in older.fields] == [
            repr(getattr(new, field.name)) for field in older.fields
        ]
        assert repr(msgspec.structs.astuple(of_old.decode())) == repr(
            (*msgspec.structs.astuple(old), *[field.default for field in more])
        )


@hypothesis.given(seeds)
@SETTINGS
def test_bytes_that_were_changed_have_the_same_fault_in_both_cores(both, seed):
    rng = random.Random(seed)
    node = types.struct_of(rng)
    kinds = [core.RecordType(node.type, hot=node.type.__struct_fields__[:1]) for core in both]
    whole = types.packed(rng, node, types.value_of(rng, node))

    changes = [b"\xc0", b"\x91", b"\xdc\0\1"]
    for _ in range(20):
        data = bytearray(whole)
        at = rng.randrange(len(data) + 1)
        data[at : at + rng.randint(0, 3)] = rng.choice([rng.randbytes(rng.randint(0, 3)), *changes])
        outcomes = []
        for kind in kinds:
            try:
                outcomes.append(repr(kind.read(bytes(data)).decode()))
            except ValueError as error:
                outcomes.append((error.path, error.offset, str(error)))
        assert outcomes[0] == outcomes[1], bytes(data)
        assert isinstance(outcomes[0], str) or outcomes[0][1] <= len(data)


@pytest.mark.twins
@hypothesis.given(seeds)
@SETTINGS
def test_a_random_projection_writes_what_the_oracle_says_in_both_cores(seed):
    rng = random.Random(seed)
    node = types.struct_of(rng)
    kind = RecordType(node.type)
    table, oracle = types.table_of(rng, node)
    projection, slow = Projection(kind, table), twin.Transcoder(kind, *finish(node.type, table.write))

    for _ in range(5):
        value = types.value_of(rng, node)
        record = kind.read(types.packed(rng, node, value))

        text = projection.render(record)

        assert repr(json.loads(text, object_pairs_hook=types.Pairs)) == repr(oracle(value))
        assert text == slow.render(record)
