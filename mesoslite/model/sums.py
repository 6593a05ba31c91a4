"""Sums: many resources together, and what is left of others without them."""

# Who calls: the books of a master and of its allocator, when an agent brings many tasks at once.
# Most agents bring the same number of tasks of the same size, and have the same: what these are together, and what is
#   left then, is one object for all of them.

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from .portions import Portion
from .resources import NOTHING, Resources


def total_of(parts: Sequence[Resources]) -> Resources:
    """Return the sum of ``parts``. Cost: of those that are one object, as tasks of a kind are, that of one."""
    first = parts[0] if parts else NOTHING
    if len(parts) < 2:
        return first
    if not first.others and parts.count(first) == len(parts):
        return _times(first, len(parts))
    distinct = {id(part): part for part in parts}
    plain: dict[str, int] = {}
    others: list[Portion] = []
    for key, times in Counter(map(id, parts)).items():
        part = distinct[key]
        for name, milli in part.quantities:
            plain[name] = plain.get(name, 0) + milli * times
        if part.others:
            others += part.others * times
    total = Resources(tuple(sorted(plain.items())))
    return total + Resources.from_portions(others) if others else total


def rest_of(total: Resources, held: Resources) -> Resources:
    """Return ``total`` without ``held``. Raises: InsufficientResources, if that is not contained."""
    return total - held if total.others or held.others else _rest(total, held)


@lru_cache(maxsize=4_096)
def _rest(total: Resources, held: Resources) -> Resources:
    """As ``rest_of``, of plain scalars."""
    return total - held


@lru_cache(maxsize=4_096)
def _times(part: Resources, count: int) -> Resources:
    """Plain scalars so many times."""
    return Resources(tuple([(name, milli * count) for name, milli in part.quantities]))
