"""Resources: an immutable vector of named quantities, counted in whole thousandths."""

# Who calls: everyone; the allocator in its inner loop.
# Invariants: 1. ``quantities`` is sorted by name, names are unique and not empty, every quantity is above
#   zero; so equal resources are equal structs with equal hashes, and nothing is stored for what is not there.
#   2. all arithmetic is on integers, so that adding and taking away any number of times comes back exactly.
# Rejected: floats (0.1 + 0.2, and the drift of a million recoveries); a dict inside (mutable, no hash, needs
#   the garbage collector); skipping the check on construction (it costs 0.2 us and is what makes decoded
#   bytes trustworthy).
# Only scalars for now: ranges, sets, roles, reservations and revocable resources are refused with a message.
# Source: Mesos src/common/resources.cpp, src/common/values.cpp (three decimals, half away from zero).

import math
import re
from collections.abc import Iterator, Mapping

import msgspec

from .errors import InsufficientResources, InvalidResources

MILLI = 1_000  # units in one cpu, in one MiB
MEGABYTES_MAX = 1 << 40  # one exabyte in MiB, the most mem or disk of one entry
QUANTITY_MAX = 10**12  # the most of any other resource in one entry

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NAME = re.compile(r"[^\s:;(){}\[\]\x00-\x1f\x7f]+")


class Resources(msgspec.Struct, frozen=True, gc=False):
    """What an agent has, an offer holds or a task wants, such as ``cpus:0.5; mem:32`` (mem and disk in MiB).

    Shape: ``quantities`` is ((name, milli-units), ...), sorted by name, every entry above zero.
    Raises: InvalidResources, on construction from anything else; use ``parse``, ``of`` or ``from_mapping``
    instead.
    Cost: sums, differences and comparisons are O(names), about one microsecond for three names.
    """

    quantities: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        last = ""
        for name, milli in self.quantities:
            if name <= last or milli <= 0:
                raise InvalidResources(
                    f"resources: entry {name!r} of {milli} thousandths is out of order, unnamed or not above "
                    f"zero; "
                    f"build resources with parse, of or from_mapping"
                )
            last = name

    @classmethod
    def parse(cls, text: str) -> "Resources":
        """Read Mesos's text form, ``name:scalar`` entries parted by semicolons; entries of one name add up.

        Spaces around names, numbers and entries do not matter; quantities are rounded to the nearest
        thousandth.
        Raises: InvalidResources, for anything but non-negative finite scalars within the limits above.
        """
        if text.lstrip()[:1] in ("[", "{"):
            raise InvalidResources(
                f"resources {text!r} look like JSON; only scalars such as 'cpus:2;mem:1024' are read"
            )
        totals: dict[str, int] = {}
        for entry in text.split(";"):
            if entry.strip():
                name, milli = _parse_entry(entry.strip())
                totals[name] = totals.get(name, 0) + milli
        return cls.from_milli(totals)

    @classmethod
    def of(cls, cpus: float = 0, mem: float = 0, **others: float) -> "Resources":
        """Return resources of so many cpus, MiB of memory and units of what else is named.

        Raises: InvalidResources, if a quantity is negative, not finite or too large.
        """
        return cls.from_mapping({"cpus": cpus, "mem": mem, **others})

    @classmethod
    def from_mapping(cls, quantities: Mapping[str, float]) -> "Resources":
        """Return resources of the given units per name; the reverse of ``to_dict``.

        Raises: InvalidResources, if a name cannot be written in text form, or a quantity is negative, not
        finite or too large.
        """
        return cls.from_milli({_checked_name(name): _to_milli(name, units) for name, units in quantities.items()})

    @classmethod
    def from_milli(cls, quantities: Mapping[str, int]) -> "Resources":
        """Return resources of the given thousandths per name; zero entries are dropped.

        Raises: InvalidResources, if a quantity is negative.
        """
        return cls(tuple(sorted([entry for entry in quantities.items() if entry[1]])))

    def __add__(self, other: "Resources") -> "Resources":
        """Return both together."""
        if not self.quantities:
            return other
        if not other.quantities:
            return self
        totals = dict(self.quantities)
        for name, milli in other.quantities:
            totals[name] = totals.get(name, 0) + milli
        return Resources(tuple(sorted(totals.items())))

    def __sub__(self, other: "Resources") -> "Resources":
        """Return what is left when ``other`` is taken away.

        Raises: InsufficientResources, naming what is lacking and how much, if ``other`` is not contained.
        """
        if not other.quantities:
            return self
        if self.quantities == other.quantities:
            return NOTHING
        left = dict(self.quantities)
        for name, milli in other.quantities:
            rest = left.get(name, 0) - milli
            if rest < 0:
                raise InsufficientResources(
                    f"resources: cannot take {other} from {self or 'nothing'}, {self.shortfall(other)} is "
                    f"lacking; "
                    f"take less or wait for more"
                )
            left[name] = rest
        return Resources(tuple([entry for entry in left.items() if entry[1]]))

    def contains(self, other: "Resources") -> bool:
        """Return whether there is at least as much of everything as in ``other``."""
        if self.quantities == other.quantities:
            return True
        mine = dict(self.quantities)
        for name, milli in other.quantities:  # noqa: SIM110, a generator takes twice as long in this hot place
            if mine.get(name, 0) < milli:
                return False
        return True

    def shortfall(self, other: "Resources") -> "Resources":
        """Return what ``other`` wants above what is here: empty exactly if ``other`` is contained."""
        mine = dict(self.quantities)
        return Resources.from_milli({name: max(0, milli - mine.get(name, 0)) for name, milli in other.quantities})

    def get(self, name: str) -> float:
        """Return the units of ``name``; 0.0 if there is none."""
        return self.milli(name) / MILLI

    def milli(self, name: str) -> int:
        """Return the thousandths of ``name``; 0 if there is none."""
        for own, milli in self.quantities:
            if own == name:
                return milli
        return 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what there is any of, in alphabetical order."""
        return tuple([name for name, _ in self.quantities])

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing of anything."""
        return not self.quantities

    def __bool__(self) -> bool:
        return bool(self.quantities)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        """Yield (name, units) in alphabetical order."""
        for name, milli in self.quantities:
            yield name, milli / MILLI

    def to_dict(self) -> dict[str, float]:
        """Return units per name, always floats, as Mesos's JSON writes them."""
        return dict(self)

    def __str__(self) -> str:
        return "; ".join([f"{name}:{_milli_text(milli)}" for name, milli in self.quantities])

    def __repr__(self) -> str:
        return f"Resources.parse({str(self)!r})"


NOTHING = Resources()


def _parse_entry(entry: str) -> tuple[str, int]:
    name, colon, value = entry.partition(":")
    name, value = name.strip(), value.strip()
    if not colon:
        raise InvalidResources(f"resources entry {entry!r} has no colon; write name:quantity, such as cpus:2")
    if value[:1] in ("[", "{"):
        raise InvalidResources(
            f"resources entry {entry!r} is a {'range' if value[0] == '[' else 'set'}; only scalars such as "
            f"cpus:2 are read"
        )
    if "(" in name or "{" in name:
        raise InvalidResources(
            f"resources entry {entry!r} carries a role or a property; only scalars such as cpus:2 are read"
        )
    if not _NUMBER.fullmatch(value):
        raise InvalidResources(f"resources entry {entry!r} has no number after its colon; write it as 2 or 0.5")
    return _checked_name(name), _to_milli(name, float(value))


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidResources(
            f"resource name {name!r} is empty or holds spaces, brackets, colons or semicolons; choose a plain word"
        )
    return name


def _to_milli(name: str, units: float) -> int:
    """Round to the nearest thousandth, half away from zero as Mesos does; ``round`` would go to even."""
    if math.isnan(units) or units < 0:
        raise InvalidResources(f"resource {name} of {units} is not a quantity; give a number of zero or more")
    limit = MEGABYTES_MAX if name in ("mem", "disk") else QUANTITY_MAX
    if units > limit:
        raise InvalidResources(f"resource {name} of {units} is too large; the most that counts is {limit}")
    scaled = units * MILLI
    whole = math.floor(scaled)
    return whole + 1 if scaled - whole >= 0.5 else whole


def _milli_text(milli: int) -> str:
    whole, rest = divmod(milli, MILLI)
    return f"{whole}.{rest:03d}".rstrip("0") if rest else str(whole)


def dominant_share(allocated: Mapping[str, int], total: Mapping[str, int]) -> float:
    """Return the largest share of ``total`` that ``allocated`` holds of any one resource; 0.0 if of none.

    Shapes: both map a name to thousandths. Names that the cluster has none of do not count.
    Cost: O(names in ``allocated``). Source: Ghodsi et al., Dominant Resource Fairness, NSDI 2011, section 4.
    """
    share = 0.0
    for name, milli in allocated.items():
        whole = total.get(name, 0)
        if whole and milli / whole > share:
            share = milli / whole
    return share
