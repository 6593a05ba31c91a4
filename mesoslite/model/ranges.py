"""Ranges: sets of whole numbers as sorted, disjoint pairs (first, last), both included; what ports are."""

# Who calls: portions.py for arithmetic, resource_text.py and resource_json.py to read what people and clients wrote.
# Invariant of every Ranges: first <= last, and each begins at least two above the end of the one before. So a set of
#   numbers has exactly one form, and equal sets are equal tuples.
# Cost: joining is one sort of two sorted runs, taking away a bisection a range; an agent's ports in 16 pieces take
#   two microseconds. Rejected: a bit map of 65,536 ports (8 kB an agent, and numbers go to 2**64 - 1).
# Source: Mesos src/common/values.cpp (coalesce, Value::Ranges operators).

from bisect import bisect_right
from collections.abc import Iterable
from typing import TypeAlias

Range: TypeAlias = tuple[int, int]
Ranges: TypeAlias = tuple[Range, ...]

NUMBER_MAX = 2**64 - 1

_BEYOND = NUMBER_MAX + 1


def is_canonical(ranges: Ranges) -> bool:
    """Return whether the invariant holds and all numbers fit into 64 bits."""
    end = -2
    for first, last in ranges:
        if not end + 1 < first <= last:
            return False
        end = last
    return not ranges or (ranges[0][0] >= 0 and end <= NUMBER_MAX)


def coalesced(ranges: Iterable[Range]) -> Ranges:
    """Return the numbers that are in any of ``ranges``, each with first <= last; the order does not matter."""
    merged: list[Range] = []
    begin, end = 0, -2
    for first, last in sorted(ranges):
        if first > end + 1:
            if end >= 0:
                merged.append((begin, end))
            begin, end = first, last
        elif last > end:
            end = last
    if end >= 0:
        merged.append((begin, end))
    return tuple(merged)


def joined(left: Ranges, right: Ranges) -> Ranges | None:
    """Return the numbers of both; None if they have a number in common."""
    merged: list[Range] = []
    begin, end = 0, -2
    for first, last in sorted(left + right):
        if first <= end:
            return None
        if first == end + 1:
            end = last
        else:
            if end >= 0:
                merged.append((begin, end))
            begin, end = first, last
    merged.append((begin, end))
    return tuple(merged)


def without(left: Ranges, right: Ranges) -> Ranges | None:
    """Return the numbers of ``left`` that are not in ``right``; None if ``right`` is not all in ``left``."""
    if not right:
        return left
    rest: list[Range] = []
    at = -1  # the range of `left` that is being cut; what is left of it begins at `begin`
    begin = 0
    for first, last in right:
        index = bisect_right(left, (first, _BEYOND)) - 1
        if index < 0 or left[index][1] < last:
            return None
        if index > at:
            _close(rest, left, at, begin)
            rest += left[at + 1 : index]
            at, begin = index, left[index][0]
        if first > begin:
            rest.append((begin, first - 1))
        begin = last + 1
    _close(rest, left, at, begin)
    rest += left[at + 1 :]
    return tuple(rest)


def _close(rest: list[Range], left: Ranges, at: int, begin: int) -> None:
    if at >= 0 and begin <= left[at][1]:
        rest.append((begin, left[at][1]))


def holds(left: Ranges, right: Ranges) -> bool:
    """Return whether every number of ``right`` is in ``left``."""
    for first, last in right:
        index = bisect_right(left, (first, _BEYOND)) - 1
        if index < 0 or left[index][1] < last:
            return False
    return True
