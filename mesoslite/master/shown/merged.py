"""Merged: which ranges and items many hold, each once, as they come and go."""

# Who calls: frames.py, for what a framework uses and is offered on all agents. Scalars are summed up in the books.
# Ports of thousands of agents would be thousands of copies of the same numbers; readers see that they are held, as in
#   Mesos, whose sums swallow what is there already.
# Kept as the points at which the count of holders changes, so that to come or go costs the same with one holder and
#   with 100,000. Rejected: to add up all holders when something has changed.

from __future__ import annotations

from collections import Counter
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, TypeVar

from mesoslite.model import NOTHING, Portion, Resources
from mesoslite.model.ranges import coalesced

if TYPE_CHECKING:
    from collections.abc import Hashable

    from mesoslite.model import Kind

T = TypeVar("T", int, str)


class Merged:
    """What is held by anybody; of each holder the newest."""

    __slots__ = ("_held", "_items", "_steps", "_total")

    def __init__(self) -> None:
        self._held: dict[Hashable, Resources] = {}  # by holder
        self._steps: dict[Kind, Counter[int]] = {}  # by number: how many more hold it than the one before
        self._items: dict[Kind, Counter[str]] = {}
        self._total: Resources | None = NOTHING

    def __contains__(self, holder: Hashable) -> bool:
        return holder in self._held

    def set(self, holder: Hashable, resources: Resources) -> None:
        """Take note of what ``holder`` holds now."""
        before = self._held.pop(holder, NOTHING)
        if resources.others:
            self._held[holder] = resources
        if before != resources and (before.others or resources.others):
            self._count(before, -1)
            self._count(resources, 1)
            self._total = None

    @property
    def total(self) -> Resources:
        """What is held, without scalars."""
        if self._total is None:
            ranges = [Portion(kind, ranges=_held_ranges(steps)) for kind, steps in self._steps.items() if steps]
            items = [Portion(kind, items=tuple(sorted(held))) for kind, held in self._items.items() if held]
            self._total = Resources.from_portions([*ranges, *items])
        return self._total

    def _count(self, resources: Resources, sign: int) -> None:
        for portion in resources.others:
            if portion.ranges:
                steps = self._steps.setdefault(portion.kind, Counter())
                for first, last in portion.ranges:
                    _add(steps, first, sign)
                    _add(steps, last + 1, -sign)
            elif portion.items:
                items = self._items.setdefault(portion.kind, Counter())
                for item in portion.items:
                    _add(items, item, sign)


def _add(counter: Counter[T], key: T, count: int) -> None:
    counter[key] += count
    if not counter[key]:
        del counter[key]


def _held_ranges(steps: Counter[int]) -> tuple[tuple[int, int], ...]:
    points = sorted(steps)
    held = accumulate([steps[point] for point in points])
    return coalesced(
        [(first, after - 1) for (first, after), count in zip(pairwise(points), held, strict=False) if count]
    )
