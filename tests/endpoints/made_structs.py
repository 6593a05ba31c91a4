"""Structs of any class: random ones, and ones with something in each field."""

# Who calls: test_projections.py. What a struct may hold is read from its class; only amounts, whose fields go together,
#   are told about here.

from __future__ import annotations

from typing import Any

import msgspec
import msgspec.inspect as inspect
from hypothesis import strategies as st

from mesoslite.model.records import Attribute, Range, Resource

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
documents = st.none() | st.dictionaries(
    texts, texts | st.booleans() | st.integers(0, 9) | st.lists(texts, max_size=2), max_size=2
)
NAMES = st.sampled_from(["cpus", "mem", "disk", "ports", "gpus", "zones"])
SIMPLE = {
    inspect.StrType: texts,
    inspect.IntType: st.integers(0, 2**62),
    inspect.FloatType: st.floats(0, 1e12) | st.just(float("inf")),
    inspect.BoolType: st.booleans(),
    inspect.BytesType: st.binary(max_size=16),
    inspect.AnyType: documents,
}


def strategy_of(info: Any) -> st.SearchStrategy[Any]:
    if isinstance(info, inspect.UnionType):
        return st.one_of([strategy_of(one) for one in info.types])
    if isinstance(info, inspect.NoneType):
        return st.none()
    if isinstance(info, inspect.EnumType):
        return st.sampled_from(list(info.cls))
    if isinstance(info, inspect.VarTupleType):
        return st.lists(strategy_of(info.item_type), max_size=2).map(tuple)
    if isinstance(info, inspect.DictType):
        return st.dictionaries(NAMES, strategy_of(info.value_type), max_size=2)
    if isinstance(info, inspect.StructType):
        fields = {field.name: strategy_of(field.type) for field in info.fields}
        if info.cls is Resource:
            fields |= {
                "name": NAMES,
                "role": st.sampled_from(["*", "web", "ops/db"]),
                "scalar": st.none() | st.integers(0, 2**40),
            }
            fields |= {
                "ranges": st.lists(st.builds(Range, st.integers(0, 50), st.integers(0, 50)), max_size=2).map(tuple)
            }
        if info.cls is Attribute:
            fields |= {"name": texts, "scalar": st.none() | st.integers(0, 2**40)}
        return st.builds(info.cls, **fields)
    return SIMPLE[type(info)]


def random(kind: type) -> st.SearchStrategy[Any]:
    return strategy_of(inspect.type_info(kind))


FILLED = {
    inspect.StrType: ("text", "other"),
    inspect.IntType: (3, 4),
    inspect.FloatType: (1.5, 2.5),
    inspect.BoolType: (True, False),
    inspect.BytesType: (b"data", b"more"),
    inspect.AnyType: ({"a": 1}, {"a": 2}),
}


def versions(info: Any) -> list[tuple[str, Any]]:
    """A value with something in each field, and behind it others that differ in the field, or struct's field, named."""
    if isinstance(info, inspect.UnionType):
        return versions(next(one for one in info.types if not isinstance(one, inspect.NoneType)))
    if isinstance(info, inspect.EnumType):
        return [("", member) for member in list(info.cls)[-1:-3:-1]]
    if isinstance(info, inspect.VarTupleType):
        return [(path, (value,)) for path, value in versions(info.item_type)]
    if isinstance(info, inspect.DictType):
        return [(path, {"cpus": value}) for path, value in versions(info.value_type)]
    if isinstance(info, inspect.StructType):
        found = {field.name: versions(field.type) for field in info.fields}
        if info.cls is Range:
            found["end"] = [("", 5), ("", 6)]
        whole = info.cls(**{name: values[0][1] for name, values in found.items()})
        changed = [
            (f"{name}.{path}".removesuffix("."), msgspec.structs.replace(whole, **{name: value}))
            for name, values in found.items()
            for path, value in values[1:]
        ]
        return [("", whole), *changed]
    return [("", value) for value in FILLED[type(info)]]
