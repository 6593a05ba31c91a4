"""ValueCopier: one value as its receiver gets it; the walk through containers and objects."""

# Who calls: libactor/_core/values.py, which decides what is shared and what the objects of a class consist of.
# A plan says how values of one type pass: SHARED, by reference; MOVED, what stands in the attribute `value`; REFUSED;
#   a Layout, part by part; or a function from the value to its copy. Built-in containers have no plan.
# Invariants: 1. two references to one object inside a value, or among the arguments of one call, become two references
#   to one copy.    2. an original is held until the pass is over, so that no later object can have its address.
#   3. a container that can change is first copied as it stands, since hostile code may run during the walk: a plan's
#   function, the __hash__ of a key, a thread.    4. no code of a class runs to copy an object by its layout: state goes
#   from where it lies in the original to the same places in the copy.
# Twin: csrc/values.c; both pass tests/runtime/test_values.py.

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Iterable
from types import MemberDescriptorType
from typing import Any, TypeAlias, cast, final

from libactor._core.layouts import Layout

SHARED, MOVED, REFUSED = range(3)  # plans
TOO_DEEP, CYCLE, UNKNOWN = range(3)  # reasons of a refusal

_SCALARS = (str, int, type(None), float, bool, bytes)  # debug mode is not told of these

Plan: TypeAlias = int | Layout | Callable[[Any], Any]


@final
class ValueCopier:
    """Passes values by the plans of their types: shared, moved, copied or refused."""

    __slots__ = ("_delivered", "_depth_max", "_find_plan", "_passed", "_plans", "_refuse")

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
        self._passed: Callable[[tuple[Any, ...], tuple[str, ...]], object] | None = None
        self._delivered: Callable[[tuple[Any, ...]], object] | None = None

    def by_value(self, value: Any, where: str, /, *details: object) -> Any:
        """What the receiver gets for ``value``; ``where % details`` names it in an error."""
        if self._passed is not None and type(value) not in _SCALARS:
            self._passed((value,), (where % details,))
        if self._plans.get(type(value)) == SHARED:
            return value
        return _Pass(self, where, details).copy(value, 0)

    def all_by_value(self, values: tuple[Any, ...], name: str, keywords: tuple[str, ...] = (), /) -> tuple[Any, ...]:
        """The arguments of a call of ``name`` as its receiver gets them; ``keywords`` name the last of them."""
        numbers = range(1, len(values) - len(keywords) + 1)
        if self._passed is not None and not all(type(value) in _SCALARS for value in values):
            self._passed(values, tuple([f"argument {place} of {name}" for place in (*numbers, *keywords)]))
        if self._shares_all(values):
            return values
        walk = _Pass(self, "argument %s of %s", ())
        return tuple(
            [walk.argument(value, place, name) for place, value in zip((*numbers, *keywords), values, strict=True)]
        )

    def moves(self, kind: type, /) -> bool:
        """Whether values of this type hand over what they hold: those that move() makes."""
        return self._plans.get(kind) == MOVED

    def watch(
        self,
        passed: Callable[[tuple[Any, ...], tuple[str, ...]], object] | None,
        delivered: Callable[[tuple[Any, ...]], object] | None,
        /,
    ) -> None:
        """Call ``passed(values, places)`` before values pass, ``delivered(values)`` before their receiver gets them.

        None and None: no more. What they raise, the sender gets, and the receiver.
        """
        self._passed, self._delivered = passed, delivered

    def _deliver(self, values: tuple[Any, ...]) -> None:
        """Tell who watches of ``values``, which their receiver is about to get."""
        if self._delivered is not None:
            self._delivered(values)

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
        made = self._copy_planned(value, depth + 1, plan) if walk is None else walk(self, value, depth + 1)
        self._memo[id(value)] = value, made
        return made

    def copies(self, values: Iterable[Any], depth: int) -> list[Any]:
        """The copies of what stands in ``values``, which nothing else can change."""
        return [self.copy(value, depth) for value in values]

    def shares_all(self, values: Iterable[Any]) -> bool:
        return self._copier._shares_all(values)

    def _copy_planned(self, value: Any, depth: int, plan: Any) -> Any:
        if callable(plan):
            return plan(value)
        if not isinstance(plan, Layout):
            raise TypeError(f"got the plan {plan!r}, expected SHARED, MOVED, REFUSED, a Layout or a function")
        if type(value) is not plan.kind:
            raise TypeError(
                f"a {plan.kind.__name__} turned into a {type(value).__name__} while it was copied; "
                "let objects keep their class"
            )
        return _walk_tuple_of(self, value, depth, plan) if plan.items else _walk_slots(self, value, depth, plan)

    def _refusal(self, reason: int, kind: type) -> Exception:
        return self._copier._refuse(reason, kind, self._where, self._details)


_OPEN = object()
_UNKNOWN = None, None


_UNSET = object()  # of a slot


def _walk_slots(walk: _Pass, value: Any, depth: int, layout: Layout) -> Any:
    parts = [_read_slot(slot, value) for slot in layout.slots]
    copies = [_UNSET if part is _UNSET else walk.copy(part, depth) for part in parts]
    state, changed = _walk_state(walk, value, depth, layout)
    if layout.frozen and not changed and all(map(operator.is_, copies, parts)):
        return value
    made = object.__new__(layout.kind) if layout.shallow is None else layout.shallow(value)
    for slot, copy in zip(layout.slots, copies, strict=True):
        if copy is not _UNSET:
            slot.__set__(made, copy)
    return _with_state(made, state, layout)


def _walk_tuple_of(walk: _Pass, value: Any, depth: int, layout: Layout) -> Any:
    parts = list(tuple.__iter__(value))
    copies = walk.copies(parts, depth)
    state, changed = _walk_state(walk, value, depth, layout)
    if layout.frozen and not changed and all(map(operator.is_, copies, parts)):
        return value
    return _with_state(cast(Any, tuple).__new__(layout.kind, copies), state, layout)


def _read_slot(slot: MemberDescriptorType, value: Any) -> Any:
    try:
        return slot.__get__(value)
    except AttributeError:
        return _UNSET


def _walk_state(walk: _Pass, value: Any, depth: int, layout: Layout) -> tuple[dict[str, Any], bool]:
    """A copy of the ``__dict__`` of ``value``, and whether it holds anything else than the original."""
    if layout.state is None:
        return {}, False
    state = layout.state.__get__(value)
    copy = _walk_dict(walk, state, depth)
    return copy, len(copy) != len(state) or any(state.get(key, _UNSET) is not copy[key] for key in copy)


def _with_state(made: Any, state: dict[str, Any], layout: Layout) -> Any:
    if layout.state is not None:
        layout.state.__set__(made, state)
    return made


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
