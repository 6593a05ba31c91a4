"""Resources as Resource messages of the v1 API: both ways, in each form, and what is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesoslite.model import InvalidRequest, InvalidResources, Resources
from mesoslite.model.fields import Fields
from mesoslite.model.v1 import encode_resources

from .naive_resources import resources

SCALAR = {"name": "cpus", "type": "SCALAR", "scalar": {"value": 1.0}}
DISK = {**SCALAR, "name": "disk"}
PORTS = {"name": "ports", "type": "RANGES", "ranges": {"range": [{"begin": 1, "end": 2}]}}
ZONES = {"name": "zones", "type": "SET", "set": {"item": ["a", "b"]}}
DYNAMIC = {"type": "DYNAMIC", "role": "a/b"}


def decode(*entries: Any) -> Resources:
    return Resources.decode(Fields({"resources": list(entries)}).messages("resources"))


def once(some: Resources) -> Resources:
    """What is there several times counts once in JSON, unless it comes whole."""
    return Resources.parse(json.dumps(encode_resources(some)))


@given(resources, st.sampled_from(["old", "new", "both"]))
def test_resources_come_back_from_their_json_in_every_form(some: Resources, form: Any) -> None:
    kept = once(some)

    assert Resources.parse(json.dumps(encode_resources(kept, form=form))) == kept
    assert decode(*encode_resources(kept, "ads", form)) == kept
    assert some.contains(kept)
    assert kept.only_scalars() == some.only_scalars()


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (SCALAR, "cpus:1"),
        ({**SCALAR, "role": "*", "allocation_info": {"role": "ads"}, "unknown": [1]}, "cpus:1"),
        ({**SCALAR, "scalar": {"value": "0.25"}}, "cpus:0.25"),
        ({**SCALAR, "scalar": {"value": 0}}, ""),
        ({**SCALAR, "role": "ads"}, "cpus(ads):1"),
        ({**SCALAR, "role": "ads", "reservation": {}}, "cpus(reservations: [(DYNAMIC,ads)]):1"),
        (
            {**SCALAR, "role": "ads", "reservation": {"principal": "me", "labels": {"labels": [{"key": "k"}]}}},
            "cpus(reservations: [(DYNAMIC,ads,me,{k: None})]):1",
        ),
        ({**SCALAR, "reservations": [{"type": "STATIC", "role": "ads"}]}, "cpus(ads):1"),
        (
            {**SCALAR, "role": "a/b", "reservation": {}, "reservations": [{"type": "STATIC", "role": "a"}, DYNAMIC]},
            "cpus(reservations: [(STATIC,a),(DYNAMIC,a/b)]):1",
        ),
        ({**SCALAR, "revocable": {}}, "cpus{REV}:1"),
        ({**SCALAR, "provider_id": {"value": "p"}}, "cpus@p:1"),
        (
            {**DISK, "shared": {}, "disk": {"persistence": {"id": "v"}, "volume": {"container_path": "data"}}},
            "disk[v:data]<SHARED>:1",
        ),
        ({**DISK, "disk": {"source": {"type": "MOUNT", "mount": {"root": "/m"}}}}, "disk[MOUNT:/m]:1"),
        ({**DISK, "disk": {"source": {"type": "RAW", "id": "i", "profile": "fast"}}}, "disk[RAW:i]:1"),
        (PORTS, "ports:[1-2]"),
        ({**PORTS, "ranges": {"range": [{"begin": "1", "end": 2}, {"begin": 2, "end": 9.0}]}}, "ports:[1-9]"),
        (
            {**PORTS, "ranges": {"range": [{"begin": 2**64 - 1, "end": 2**64 - 1}]}},
            f"ports:[{2**64 - 1}-{2**64 - 1}]",
        ),
        ({**PORTS, "ranges": {}}, ""),
        (ZONES, "zones:{a, b}"),
    ],
)
def test_a_message_is_read_as_mesos_means_it(entry: Any, text: str) -> None:
    assert str(decode(entry)) == text


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({**SCALAR, "type": "TEXT"}, r"resources\[0\]\.type: got 'TEXT', expected one of SCALAR, RANGES, SET"),
        ({**SCALAR, "type": "VECTOR"}, r"type: got 'VECTOR', expected one of SCALAR"),
        ({"type": "SCALAR", "scalar": {"value": 1}}, "name: is missing"),
        ({**SCALAR, "name": ""}, "name: .*plain word"),
        ({**SCALAR, "name": "a;b"}, "name: .*plain word"),
        ({"name": "cpus", "type": "SCALAR"}, "scalar: is missing"),
        ({**SCALAR, **PORTS, "type": "SCALAR"}, "ranges: is set beside the type SCALAR"),
        ({**SCALAR, "scalar": {"value": "NaN"}}, "scalar: .*not a quantity"),
        ({**SCALAR, "scalar": {"value": 1e300}}, "scalar: .*too large"),
        ({**SCALAR, "scalar": {"value": -1}}, "scalar: .*not a quantity"),
        ({**SCALAR, "role": "a//b"}, "name: .*two slashes"),
        ({**SCALAR, "role": ""}, "name: .*is empty"),
        ({**SCALAR, "reservation": {}}, r"reservation: is set for the role '\*'"),
        ({**SCALAR, "role": "b", "reservations": [DYNAMIC]}, "role: got 'b' beside reservations for 'a/b'"),
        ({**SCALAR, "reservations": [{"type": "DYNAMIC", "role": "*"}]}, r"reserved for the role '\*'"),
        ({**SCALAR, "reservations": [{"type": "EVER", "role": "a"}]}, r"reservations\[0\]\.type: got 'EVER'"),
        ({**SCALAR, "reservations": [{"type": "UNKNOWN", "role": "a"}]}, "of no known type"),
        ({**SCALAR, "reservations": [{"role": "a"}]}, r"reservations\[0\]\.type: is missing"),
        ({**SCALAR, "reservations": [DYNAMIC, DYNAMIC]}, "for a role below it"),
        ({**SCALAR, "reservations": [{**DYNAMIC, "role": "a"}, {**DYNAMIC, "type": "STATIC"}]}, "a static reservation"),
        ({**SCALAR, "disk": {"persistence": {"id": "v"}}}, "carries a disk"),
        ({**SCALAR, "shared": {}}, "only persistent volumes"),
        ({**DISK, "revocable": {}, "disk": {"persistence": {"id": "v"}}}, "and revocable"),
        ({**DISK, "disk": {"persistence": {"id": "a/b"}}}, "named wrongly"),
        ({**DISK, "disk": {"source": {"type": "UNKNOWN"}}}, "disk of no known type"),
        ({**DISK, "disk": {"source": {"type": "PATH", "path": {"root": 7}}}}, r"disk\.source\.path\.root: got 7"),
        ({**DISK, "disk": {"persistence": {"id": "v"}, "volume": {}}}, r"disk\.volume\.container_path: is missing"),
        ({**PORTS, "ranges": {"range": [{"begin": 5, "end": 1}]}}, "ranges: .*range 5-1"),
        ({**PORTS, "ranges": {"range": [{"begin": -1, "end": 1}]}}, r"range\[0\]\.begin: got -1"),
        ({**PORTS, "ranges": {"range": [{"begin": 1.5, "end": 2}]}}, r"range\[0\]\.begin: got 1\.5"),
        ({**PORTS, "ranges": {"range": [{"begin": 1, "end": 2**64}]}}, r"range\[0\]\.end: got 18446744073709551616"),
        ({**PORTS, "ranges": {"range": [{"begin": 1, "end": "Infinity"}]}}, r"range\[0\]\.end: got 'Infinity'"),
        ({**PORTS, "ranges": {"range": [{"begin": 1, "end": True}]}}, r"range\[0\]\.end: got True"),
        ({**ZONES, "set": {"item": ["a", "a"]}}, "set: .*'a' twice"),
        ({**ZONES, "set": {"item": [""]}}, "set: .*empty item"),
        ({**ZONES, "set": {"item": [1]}}, r"item\[0\]: got 1"),
        ({**ZONES, "set": {"item": ["\ud800"]}}, "surrogate"),
        ({**SCALAR, "role": "\ud800"}, "surrogate"),
        (7, r"resources\[0\]: got 7"),
        (None, r"resources\[0\]: got null"),
    ],
)
def test_what_is_malformed_or_breaks_a_rule_is_refused_with_its_path(entry: Any, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        decode(entry)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[", "begin like JSON"),
        ("{}", r"resources\[0\].name: is missing"),
        ("[7]", r"resources\[0\]: got 7"),
        ("[" * 100_000, "begin like JSON"),
        ('[{"name": "cpus", "type": "SCALAR", "scalar": {"value": 1e999}}]', "begin like JSON|too large"),
        ('["\ud800"]', "begin like JSON"),
    ],
)
def test_text_that_begins_like_json_and_is_none_is_refused(text: str, problem: str) -> None:
    with pytest.raises(InvalidResources, match=problem):
        Resources.parse(text)


def test_a_stack_of_a_hundred_reservations_comes_back() -> None:
    roles = ["/".join(["r"] * depth) for depth in range(1, 101)]
    stack = [{"type": "DYNAMIC", "role": role, "principal": "p"} for role in roles]

    deep = decode({**SCALAR, "reservations": stack})

    assert decode(*encode_resources(deep)) == deep
    assert len(deep.others[0].kind.reservations) == 100


def test_a_shared_volume_that_is_listed_twice_is_there_twice() -> None:
    volume = {**DISK, "role": "a", "reservation": {}, "shared": {}, "disk": {"persistence": {"id": "v"}}}

    twice = decode(volume, volume)

    assert twice == decode(volume) + decode(volume)
    assert len(encode_resources(twice)) == 2
