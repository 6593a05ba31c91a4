"""ValueCopier: one value as its receiver gets it; the walk through built-in containers."""

# Who calls: libactor/_core/values.py, which decides what is shared and how classes are taken apart and built.
# A plan says how values of one type pass: SHARED, by reference; MOVED, what stands in the attribute `value`; REFUSED;
#   or a rule (apart, build, frozen): `apart(value)` is a list of parts, `build(value, copies)` the copy; if it is
#   frozen and every part is its own copy, value passes itself. Built-in containers have no plan.
# Invariants: 1. two references to one object inside a value, or among the arguments of one call, become two references
#   to one copy.    2. an original is held until the pass is over, so that no later object can have its address.
#   3. a container that can change is first copied as it stands, since hostile code may run during the walk: a rule,
#   the __hash__ of a key, a thread.
# Twin: csrc/values.c; both pass tests/runtime/test_values.py.

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, final

SHARED, MOVED, REFUSED = range(3)  # plans
TOO_DEEP, CYCLE, UNKNOWN = range(3)  # reasons of a refusal

Rule: TypeAlias = tuple[Callable[[Any], list[Any]], Callable[[Any, list[Any]], Any], bool]
Plan: TypeAlias = int | Rule


@final
class ValueCopier:
    """Passes values by the plans of their types: shared, moved, copied or refused."""

    __slots__ = ("_depth_max", "_find_plan", "_plans", "_refuse")

    def __init__(
        self,
        plans: dict[type, Plan],
        find_plan: Callable[[type], Plan],
        refuse: Callable[[int, type, str, tuple[object, ...]], Exception],
        depth_max: int,
    ) -> None:
        self._plans = plans
        self._find_plan = find_plan  # for a type that is not in plans
        self._refuse = refuse  # (reason, type, where, details) -> the exception to raise
        self._depth_max = depth_max

    def by_value(self, value: Any, where: str, /, *details: object) -> Any:
        """What the receiver gets for ``value``; ``where % details`` names it in an error."""
        if self._plans.get(type(value)) == SHARED:
            return value
        return _Pass(self, where, details).copy(value, 0)

    def all_by_value(self, values: tuple[Any, ...], name: str, keywords: tuple[str, ...] = (), /) -> tuple[Any, ...]:
        """The arguments of a call of ``name`` as its receiver gets them; ``keywords`` name the last of them."""
        if self._shares_all(values):
            return values
        numbers = range(1, len(values) - len(keywords) + 1)
        walk = _Pass(self, "argument %s of %s", ())
        return tuple(
            [walk.argument(value, place, name) for place, value in zip((*numbers, *keywords), values, strict=True)]
        )

    def _plan(self, kind: type) -> Plan:
        plan = self._plans.get(kind)
        return self._find_plan(kind) if plan is None else plan

    def _shares_all(self, values: Iterable[Any]) -> bool:
        for value in values:
            kind = type(value)
            if self._plans.get(kind) != SHARED and (kind in CONTAINERS or self._plan(kind) != SHARED):
                return False
        return True


class _Pass:
    """One way through one value, or through the arguments of one call."""

    __slots__ = ("_copier", "_details", "_memo", "_where")

    def __init__(self, copier: ValueCopier, where: str, details: tuple[object, ...]) -> None:
        self._copier = copier
        self._where = where
        self._details = details  # put into `where` only for an error: most values cross without one
        self._memo: dict[int, tuple[Any, Any]] = {}  # id of an original -> itself, and its copy or _OPEN

    def argument(self, value: Any, place: int | str, name: str) -> Any:
        """The copy of one argument of a call; one object among them becomes one copy."""
        self._details = place, name
        return self.copy(value, 0)

    def copy(self, value: Any, depth: int) -> Any:
        kind = type(value)
        walk, plan = CONTAINERS.get(kind), None
        if walk is None:
            plan = self._copier._plan(kind)
            if plan == SHARED:
                return value
            if plan == MOVED:
                return value.value
        if depth > self._copier._depth_max:
            raise self._refusal(TOO_DEEP, kind)
        if plan == REFUSED:
            raise self._refusal(UNKNOWN, kind)
        if kind in (tuple, frozenset) and self.shares_all(value):
            return value
        known = self._memo.get(id(value), _UNKNOWN)[1]
        if known is _OPEN:
            raise self._refusal(CYCLE, kind)
        if known is not None:
            return known
        self._memo[id(value)] = value, _OPEN
        made = _walk_rule(self, value, depth + 1, plan) if walk is None else walk(self, value, depth + 1)
        self._memo[id(value)] = value, made
        return made

    def copies(self, values: Iterable[Any], depth: int) -> list[Any]:
        """The copies of what stands in ``values``, which nothing else can change."""
        return [self.copy(value, depth) for value in values]

    def shares_all(self, values: Iterable[Any]) -> bool:
        return self._copier._shares_all(values)

    def _refusal(self, reason: int, kind: type) -> Exception:
        return self._copier._refuse(reason, kind, self._where, self._details)


_OPEN = object()
_UNKNOWN = None, None


def _walk_rule(walk: _Pass, value: Any, depth: int, rule: Any) -> Any:
    apart, build, frozen = rule
    parts = apart(value)
    copies = walk.copies(parts, depth)
    return value if frozen and all(map(operator.is_, copies, parts)) else build(value, copies)


def _walk_list(walk: _Pass, value: list[Any], depth: int) -> list[Any]:
    return walk.copies(value.copy(), depth)


def _walk_tuple(walk: _Pass, value: tuple[Any, ...], depth: int) -> tuple[Any, ...]:
    items = walk.copies(value, depth)
    return value if all(map(operator.is_, items, value)) else tuple(items)


def _walk_frozenset(walk: _Pass, value: frozenset[Any], depth: int) -> frozenset[Any]:
    items = walk.copies(value, depth)
    return value if all(map(operator.is_, items, value)) else frozenset(items)


def _walk_dict(walk: _Pass, value: dict[Any, Any], depth: int) -> dict[Any, Any]:
    made = value.copy()
    if walk.shares_all(made) and walk.shares_all(made.values()):
        return made
    return {walk.copy(key, depth): walk.copy(entry, depth) for key, entry in made.items()}


def _walk_set(walk: _Pass, value: set[Any], depth: int) -> set[Any]:
    made = value.copy()
    return made if walk.shares_all(made) else set(walk.copies(made, depth))


def _walk_deque(walk: _Pass, value: deque[Any], depth: int) -> deque[Any]:
    return deque(walk.copies(list(value), depth), value.maxlen)


def _walk_bytearray(walk: _Pass, value: bytearray, depth: int) -> bytearray:
    return bytearray(value)


CONTAINERS: dict[type, Callable[[_Pass, Any, int], Any]] = {
    dict: _walk_dict, list: _walk_list, set: _walk_set, deque: _walk_deque, bytearray: _walk_bytearray,
    tuple: _walk_tuple, frozenset: _walk_frozenset,
}  # fmt: skip
