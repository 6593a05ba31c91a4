"""Sums: many resources together, and what is left of others without them."""

# Who calls: the books of a master and of its allocator, when an agent brings many tasks at once.
# Most agents bring the same number of tasks of the same size, and have the same: what these are together, and what is
#   left then, is one object for all of them.
# Rejected: lru_cache, which keeps what is large as well; to count first how often each of them is there, which takes
#   longer than to add up dozens.

from collections.abc import Sequence
from typing import TypeVar

from .portions import Portion
from .resources import NOTHING, Resources

NAMES_MAX, LENGTH_MAX = 16, 64  # of what is kept: agents call what they have as they like
KEPT_MAX = 4_096

K = TypeVar("K")
V = TypeVar("V")

_sums: dict[tuple[Resources, int], Resources] = {}
_sums_of: dict[tuple[int, int], tuple[Resources, Resources]] = {}  # the same by the part's ``id``, with the part
_rests: dict[tuple[Resources, Resources], Resources] = {}
_equal: dict[Resources, Resources] = {}


def total_of(parts: Sequence[Resources]) -> Resources:
    """Return the sum of ``parts``. Cost: of plain scalars that are all equal, as tasks of a kind are, that of one."""
    first = parts[0] if parts else NOTHING
    if len(parts) < 2:
        return first
    if not first.others and parts.count(first) == len(parts):
        return _times(first, len(parts))
    plain: dict[str, int] = {}
    others: list[Portion] = []
    for part in parts:
        for name, milli in part.quantities:
            plain[name] = plain.get(name, 0) + milli
        if part.others:
            others += part.others
    total = Resources(tuple(sorted(plain.items())))
    return total + Resources.from_portions(others) if others else total


def rest_of(total: Resources, held: Resources) -> Resources:
    """Return ``total`` without ``held``. Raises: InsufficientResources, if that is not contained."""
    if total.others or held.others:
        return total - held
    key = (total, held)
    rest = _rests.get(key)
    if rest is None:
        rest = total - held
        if _is_small(total):
            _keep(_rests, key, rest)
    return rest


def one_of_equal(resources: Resources) -> Resources:
    """Return the same object for equal resources, as far as these are kept; thousands of agents have as much."""
    known = _equal.get(resources)
    if known is not None:
        return known
    if not resources.others and _is_small(resources):
        _keep(_equal, resources, resources)
    return resources


def _times(part: Resources, count: int) -> Resources:
    """Plain scalars so many times."""
    again = _sums_of.get((id(part), count))
    if again is not None:
        return again[1]
    key = (part, count)
    found = _sums.get(key)
    if found is None:
        found = Resources(tuple([(name, milli * count) for name, milli in part.quantities]))
        if not _is_small(part):
            return found
        _keep(_sums, key, found)
    _keep(_sums_of, (id(part), count), (part, found))
    return found


def _is_small(resources: Resources) -> bool:
    return len(resources.quantities) <= NAMES_MAX and all(len(name) <= LENGTH_MAX for name, _ in resources.quantities)


def _keep(kept: dict[K, V], key: K, value: V) -> None:
    if len(kept) >= KEPT_MAX:
        kept.clear()
    kept[key] = value
