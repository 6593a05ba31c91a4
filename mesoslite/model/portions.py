"""Portions: amounts of each kind, in the one canonical order, and their exact arithmetic."""

# Who calls: resources.py only; others build Resources and ask those.
# What is counted are units: a thousandth of a scalar, a number of a range, an item of a set, a whole indivisible disk
#   or shared volume. Portions are a multiset of units: the same port on two agents is there twice. So adding and taking
#   away any number of times comes back exactly, also in sums over agents.
# Invariants of every tuple of portions: 1. sorted by kind, then scalar, then copies; no portion is empty.
#   2. one portion a kind for a scalar; one for each multiplicity (``copies``) of a range or set, without units in
#      common; one for each size of what comes only whole.
# Cost: a few portions against hundreds cost a bisection each; many against many one walk over both.
# Rejected: ranges and sets that swallow what is there already (as Mesos's do): its master cannot take an agent's ports
#   from a framework's without losing those of other agents, and leaves such sums out.
# Source: Mesos src/common/resources.cpp (operator+=, operator-=, contains; sharedCount).

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

import msgspec
from msgspec.structs import force_setattr, replace

from .errors import InvalidResources
from .kinds import Kind, ValueType, sort_key
from .ranges import Range, Ranges, coalesced, holds, is_canonical, joined, without


class Portion(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An amount of one kind: thousandths, ranges or sorted items, whichever the kind's type asks for.

    ``copies`` is how many times it is there, more than once only for ranges, sets and what comes whole.
    Raises: InvalidResources, if it is empty, not in canonical form or not of its kind's type.
    """

    kind: Kind
    scalar: int = 0
    ranges: Ranges = ()
    items: tuple[str, ...] = ()
    copies: int = 1

    def __post_init__(self) -> None:
        kind = self.kind.type
        if kind is ValueType.RANGES:
            right = bool(self.ranges) and not self.scalar and not self.items and is_canonical(self.ranges)
        elif kind is ValueType.SET:
            right = bool(self.items) and not self.scalar and not self.ranges and _is_sorted(self.items)
        else:
            right = self.scalar > 0 and not self.ranges and not self.items
        if not right or self.copies < 1 or (self.copies > 1 and _adds_up(self.kind)):
            raise InvalidResources(
                f"resource {self.kind.name!r} is empty, out of order or not the {kind.name.lower()} that its kind asks "
                f"for; build resources with parse or from_portions"
            )

    @property
    def is_whole(self) -> bool:
        """Whether it is given away only as it is."""
        return self.kind.is_indivisible or self.kind.shared


Portions = tuple[Portion, ...]

_copy: Callable[[Portion], Portion] = cast(Any, Portion).__copy__
_MANY = 8  # from so many on, and from such a part of the whole on, it is quicker to sort than to look for each
_NEAR = 4  # places that are looked at before the whole is bisected


def are_canonical(portions: Portions) -> bool:
    """Return whether both invariants hold. Cost: O(portions), less than a microsecond each."""
    return portions == gathered(portions) and not any(portion.kind.is_plain for portion in portions)


def gathered(portions: Iterable[Portion]) -> Portions:
    """Return any portions in canonical order and form; what is there several times is counted."""
    ordered = sorted(portions, key=_order)
    result: list[Portion] = []
    for family in _families(ordered):
        result += family if len(family) == 1 else _balance(family, ())[0]
    return tuple(result)


def united(portions: Iterable[Portion]) -> Portions:
    """As gathered, but a number or item that several name is there once: what people and clients write down."""
    ranges: dict[Kind, list[Range]] = {}
    items: dict[Kind, set[str]] = {}
    scalars: list[Portion] = []
    for portion in portions:
        if portion.ranges:
            ranges.setdefault(portion.kind, []).extend(portion.ranges)
        elif portion.items:
            items.setdefault(portion.kind, set()).update(portion.items)
        else:
            scalars.append(portion)
    joint = [Portion(kind, ranges=coalesced(parts)) for kind, parts in ranges.items()]
    sets = [Portion(kind, items=tuple(sorted(parts))) for kind, parts in items.items()]
    return gathered([*scalars, *joint, *sets])


def added(left: Portions, right: Portions) -> Portions:
    """Return both together."""
    if len(left) < len(right):
        left, right = right, left
    if not right:
        return left
    if len(right) > _MANY and len(right) * _MANY > len(left):
        return gathered((*left, *right))
    result = list(left)
    at = 0
    for family in _families(right):
        at, end = _span(result, family[0].kind, at)
        mine = result[at:end]
        result[at:end] = _sum(mine, family) if mine else family
    return tuple(result)


def taken(left: Portions, right: Portions) -> Portions | None:
    """Return what is left of ``left`` without ``right``; None if that is not in it."""
    result = list(left)
    at = 0
    for family in _families(right):
        at, end = _span(result, family[0].kind, at)
        rest = _difference(tuple(result[at:end]), family)
        if rest is None:
            return None
        result[at:end] = rest
    return tuple(result)


def contained(left: Portions, right: Portions) -> bool:
    """Return whether all of ``right`` is in ``left``."""
    at = 0
    for family in _families(right):
        at, end = _span(left, family[0].kind, at)
        if not _covers(left[at:end], family):
            return False
    return True


def lacking(left: Portions, right: Portions) -> Portions:
    """Return what must be added to ``left`` to contain ``right``."""
    result: list[Portion] = []
    at = 0
    for family in _families(right):
        at, end = _span(left, family[0].kind, at)
        result += _balance(left[at:end], family)[1]
    return tuple(result)


def cut(portion: Portion, room: dict[str, int]) -> Portion | None:
    """Return as much of a portion as there is room for, in thousandths by name, and take it from ``room``."""
    kind = portion.kind
    limit = room.get(kind.name)
    if limit is None or kind.type is not ValueType.SCALAR:
        return portion
    if kind.shared:
        copies, used = (portion.copies, portion.scalar) if portion.scalar <= limit else (0, 0)
    elif kind.is_indivisible:
        copies = min(portion.copies, max(0, limit) // portion.scalar)
        used = copies * portion.scalar
    else:
        used = min(portion.scalar, max(0, limit))
        copies = 1 if used else 0
        portion = replace(portion, scalar=used) if used else portion
    room[kind.name] = limit - used
    return replace(portion, copies=copies) if copies else None


def _order(portion: Portion) -> tuple[tuple[str, bytes], int, int]:
    return sort_key(portion.kind), portion.scalar, portion.copies


def _kind_order(portion: Portion) -> tuple[str, bytes]:
    return sort_key(portion.kind)


def _span(portions: Sequence[Portion], kind: Kind, at: int) -> tuple[int, int]:
    """Where the portions of a kind stand, or belong, at or after ``at``; most often that is near."""
    for near in range(at, min(at + _NEAR, len(portions))):
        if portions[near].kind == kind:
            at = near
            break
    else:
        at = bisect_left(portions, sort_key(kind), lo=at, key=_kind_order)
    end = at
    while end < len(portions) and portions[end].kind == kind:
        end += 1
    return at, end


def _families(portions: Sequence[Portion]) -> Iterator[Sequence[Portion]]:
    """The portions kind by kind."""
    begin = 0
    for end in range(1, len(portions) + 1):
        if end == len(portions) or portions[end].kind != portions[begin].kind:
            yield portions[begin:end]
            begin = end


# ---- one kind ----


def _sum(mine: Sequence[Portion], theirs: Sequence[Portion]) -> Sequence[Portion]:
    if len(mine) == len(theirs) == 1:
        one, other = mine[0], theirs[0]
        if _adds_up(one.kind):
            return (Portion(one.kind, one.scalar + other.scalar),)
        if one.copies == other.copies and (ranges := one.ranges and joined(one.ranges, other.ranges)):
            return (_changed(one, ranges),)
    return _balance([*mine, *theirs], ())[0]


def _changed(portion: Portion, ranges: Ranges) -> Portion:
    """The portion with other ranges, which are in form; a check would cost as much as the arithmetic."""
    changed = _copy(portion)
    force_setattr(changed, "ranges", ranges)
    return changed


def _difference(mine: Sequence[Portion], theirs: Sequence[Portion]) -> Sequence[Portion] | None:
    if mine == theirs:
        return ()
    if len(mine) == len(theirs) == 1:
        one, other = mine[0], theirs[0]
        if _adds_up(one.kind):
            rest = one.scalar - other.scalar
            return None if rest < 0 else (Portion(one.kind, rest),)
        if one.ranges and one.copies == other.copies == 1:
            ranges = without(one.ranges, other.ranges)
            return None if ranges is None else (_changed(one, ranges),)
    left, lack = _balance(mine, theirs)
    return None if lack else left


def _covers(mine: Sequence[Portion], theirs: Sequence[Portion]) -> bool:
    if not mine:
        return False
    if len(mine) == len(theirs) == 1:
        one, other = mine[0], theirs[0]
        if _adds_up(one.kind):
            return one.scalar >= other.scalar
        if one.copies >= other.copies:
            if one.ranges:
                return holds(one.ranges, other.ranges)
            if one.items:
                return set(one.items).issuperset(other.items)
    return not _balance(mine, theirs)[1]


def _adds_up(kind: Kind) -> bool:
    """Whether amounts of it are one number; then there is one portion of it, in one copy."""
    return kind.type is ValueType.SCALAR and not kind.shared and not kind.is_indivisible


def _balance(mine: Sequence[Portion], theirs: Sequence[Portion]) -> tuple[list[Portion], list[Portion]]:
    """Take ``theirs`` from ``mine``, unit by unit: what is left, and what was lacking."""
    kind = (mine or theirs)[0].kind
    counted: list[tuple[int, Portion]]  # how many more there are in mine, below zero if there are less
    if kind.type is ValueType.RANGES:
        ranges = _count_ranges(mine, theirs)
        counted = [(count, Portion(kind, ranges=tuple(ranges[count]), copies=abs(count))) for count in ranges]
    elif kind.type is ValueType.SET:
        items = _count_items(mine, theirs)
        counted = [(count, Portion(kind, items=tuple(items[count]), copies=abs(count))) for count in items]
    elif _adds_up(kind):
        rest = sum([portion.scalar for portion in mine]) - sum([portion.scalar for portion in theirs])
        counted = [(rest, Portion(kind, abs(rest)))] if rest else []
    else:
        wholes = _count_wholes(mine, theirs)
        counted = [(count, Portion(kind, scalar, copies=abs(count))) for scalar, count in wholes.items() if count]
    left = [portion for count, portion in counted if count > 0]
    lack = [portion for count, portion in counted if count < 0]
    return sorted(left, key=_inner_order), sorted(lack, key=_inner_order)


def _count_wholes(mine: Sequence[Portion], theirs: Sequence[Portion]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for portion, sign in _signed(mine, theirs):
        counts[portion.scalar] += sign * portion.copies
    return counts


def _count_items(mine: Sequence[Portion], theirs: Sequence[Portion]) -> dict[int, list[str]]:
    """The items, sorted, by their count."""
    counts: Counter[str] = Counter()
    for portion, sign in _signed(mine, theirs):
        for item in portion.items:
            counts[item] += sign * portion.copies
    items: dict[int, list[str]] = {}
    for item in sorted(counts):
        if counts[item]:
            items.setdefault(counts[item], []).append(item)
    return items


def _count_ranges(mine: Sequence[Portion], theirs: Sequence[Portion]) -> dict[int, list[Range]]:
    """The numbers, as ranges, by their count: a walk over the points where it changes."""
    steps: Counter[int] = Counter()
    for portion, sign in _signed(mine, theirs):
        for first, last in portion.ranges:
            steps[first] += sign * portion.copies
            steps[last + 1] -= sign * portion.copies
    ranges: dict[int, list[Range]] = {}
    count = begin = 0
    for point, step in sorted(steps.items()):
        if step:
            if count:
                ranges.setdefault(count, []).append((begin, point - 1))
            count += step
            begin = point
    return ranges


def _signed(mine: Sequence[Portion], theirs: Sequence[Portion]) -> Iterator[tuple[Portion, int]]:
    for portion in mine:
        yield portion, 1
    for portion in theirs:
        yield portion, -1


def _inner_order(portion: Portion) -> tuple[int, int]:
    return portion.scalar, portion.copies


def _is_sorted(items: tuple[str, ...]) -> bool:
    return all(items) and list(items) == sorted(set(items))
