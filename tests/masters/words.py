"""Words: messages of any class with any values of the declared types, many of them such as somebody would send."""

# Who calls: test_random_words.py. What is known by name (an id, a role, resources) is mostly taken from what there is,
# so that not everything is refused at the first look; the rest is at the edges of its type.

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from typing import Any

from msgspec import Struct, inspect
from msgspec.structs import replace

from mesoslite.model import NOTHING, FrozenDocument, Resources

TEXTS = (
    "",
    "*",
    "a",
    "ads",
    "ads/batch",
    "/",
    ".",
    "..",
    "a b",
    "é",
    "\x00",
    "x" * 300,
    "MULTI_ROLE",
    "PARTITION_AWARE",
)
INTEGERS = (0, 1, 2, -1, 1_000, 2**31, 2**63 - 1, -(2**63))
FLOATS = (0.0, 0.5, 1.0, 5.0, -1.0, 1e-9, 1e300, float("inf"), float("-inf"), float("nan"))
BYTES = (b"", b"a" * 16, b"b" * 16, b"x", b"y" * 17)
LENGTHS = (0, 0, 1, 1, 1, 2, 3)
DEPTH_MAX = 6


class Words:
    """``known`` are values by the name of a field, in the singular."""

    def __init__(self, rng: random.Random, known: dict[str, Callable[[], list[Any]]]) -> None:
        self._rng = rng
        self._known = known

    def message(self, kind: type) -> Any:
        """One of that class, or, as a struct, any that can be made."""
        return self._struct(kind, 0)

    def spoil(self, value: Any) -> Any:
        """The same struct, with something else somewhere in it."""
        if isinstance(value, Resources):
            return self._struct(Resources, 0)
        fields = _fields(type(value))
        if not fields:
            return value
        name, field_type, _ = self._rng.choice(fields)
        old = getattr(value, name)
        try:
            return replace(value, **{name: self._spoiled(name, field_type, old)})
        except (ValueError, TypeError):  # it refuses to be made so
            return value

    def _spoiled(self, name: str, of: Any, old: Any) -> Any:
        if self._rng.random() < 0.3:
            return self._value(name, of, 1)
        if isinstance(old, tuple) and old:
            at = self._rng.randrange(len(old))
            changed = self.spoil(old[at]) if isinstance(old[at], Struct) else old[at]
            return self._rng.choice([(*old, old[at]), old[:at] + old[at + 1 :], (*old[:at], changed, *old[at + 1 :])])
        return self.spoil(old) if isinstance(old, Struct) else self._value(name, of, 1)

    def _struct(self, kind: type, depth: int) -> Any:
        if kind is Resources:
            return self._rng.choice(self._known["resources"]() or [NOTHING])
        given = {}
        for name, field_type, is_required in _fields(kind):
            if is_required or self._rng.random() < 0.4:
                given[name] = self._value(name, field_type, depth + 1)
        try:
            return kind(**given)
        except (ValueError, TypeError):  # it refuses to be made so
            return kind(**{name: given[name] for name, _, is_required in _fields(kind) if is_required})

    def _value(self, name: str, of: Any, depth: int) -> Any:
        single = name.removesuffix("s")
        if isinstance(of, inspect.VarTupleType):
            few = 0 if depth > DEPTH_MAX else self._rng.choice(LENGTHS)
            items = [self._value(single, of.item_type, depth + 1) for _ in range(few)]
            return tuple(items + items[:1] if self._rng.random() < 0.3 else items)  # one of them twice
        if isinstance(of, inspect.UnionType):
            return self._value(name, self._rng.choice(of.types), depth)
        pool = self._known[single]() if single in self._known and not isinstance(of, inspect.NoneType) else []
        if pool and not isinstance(of, inspect.StructType) and self._rng.random() < 0.8:
            return self._rng.choice(pool)
        return self._plain(name, of, depth)

    def _plain(self, name: str, of: Any, depth: int) -> Any:
        choose = self._rng.choice
        match of:
            case inspect.StructType():
                return self._struct(of.cls, depth)
            case inspect.EnumType():
                return choose(list(of.cls))
            case inspect.TupleType():
                return tuple([self._value(name, item, depth + 1) for item in of.item_types])
            case inspect.BoolType():
                return choose([True, False])
            case inspect.IntType():
                return choose(INTEGERS)
            case inspect.FloatType():
                return choose(FLOATS)
            case inspect.StrType():
                return choose(TEXTS)
            case inspect.BytesType():
                return choose(BYTES)
            case inspect.NoneType():
                return None
            case inspect.DictType():
                return {}
            case inspect.CustomType() | inspect.AnyType():
                return FrozenDocument.of({})
        raise AssertionError(f"{name}: there are no words of type {of}")


@functools.cache
def _fields(kind: type) -> list[tuple[str, Any, bool]]:
    info: Any = inspect.type_info(kind)
    return [(field.name, field.type, field.required) for field in info.fields]
