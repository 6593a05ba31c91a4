"""Resources: what there is of everything: scalars counted in whole thousandths, ranges, sets, reserved or not."""

# Who calls: everyone; the allocator in its inner loop.
# Invariants: 1. ``quantities`` is sorted by name, names are unique and not empty, every quantity is above
#   zero; so equal resources are equal structs with equal hashes, and nothing is stored for what is not there.
#   ``others`` is in the canonical form of portions.py and holds no plain scalar, which all are in ``quantities``.
#   2. all arithmetic is on integers, so that adding and taking away any number of times comes back exactly.
# Rejected: floats (0.1 + 0.2, and the drift of a million recoveries); a dict inside (mutable, no hash, needs garbage
#   collection); no check on construction, which is what makes decoded bytes trustworthy (arithmetic does without it).
# Two parts, because plain scalars are most of it and go through the allocator's inner loop: what has no ``others``
#   costs what a vector of names and numbers costs.
# Source: Mesos src/common/resources.cpp (Resources, its filters and its shrink).

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

import msgspec
from msgspec.structs import force_setattr, replace

from .errors import InsufficientResources, InvalidResources
from .fields import Fields
from .kinds import Kind, Reservation, ValueType, plain_kind
from .portions import Portion, Portions, added, are_canonical, contained, cut, gathered, lacking, taken, united
from .resource_json import decode_portions, parse_json
from .resource_text import MILLI, checked_name, has_text, parse_text, portion_text, scalar_text, to_milli

_BRIEF = 200  # characters


class Resources(msgspec.Struct, frozen=True, gc=False):
    """What an agent has, an offer holds or a task wants, such as ``cpus:0.5; mem:32`` (mem and disk in MiB).

    Shape: ``quantities`` is ((name, milli-units), ...), sorted by name, every entry above zero: the plain scalars,
    which are not reserved, revocable or on a disk of their own. ``others`` is all else, in canonical order.
    Raises: InvalidResources, on construction from anything else; use ``parse``, ``of``, ``from_mapping`` or
    ``from_portions`` instead.
    Cost: sums, differences and comparisons are O(names), about one microsecond for three names; one of ``others``
    among hundreds is found by bisection.
    """

    quantities: tuple[tuple[str, int], ...] = ()
    others: Portions = ()

    def __post_init__(self) -> None:
        last = ""
        for name, milli in self.quantities:
            if name <= last or milli <= 0:
                raise InvalidResources(
                    f"resources: entry {name!r} of {milli} thousandths is out of order, unnamed or not above zero; "
                    f"build resources with parse, of or from_mapping"
                )
            last = name
        if self.others and not are_canonical(self.others):
            raise InvalidResources(
                f"resources: {len(self.others)} portions are out of order, not merged or plain scalars among them; "
                f"build resources with parse or from_portions"
            )

    @classmethod
    def parse(cls, text: str) -> "Resources":
        """Read Mesos's text form, ``cpus:2; ports:[31000-32000]; zones:{a,b}; mem(role):64``, or a JSON array.

        Entries are parted by semicolons; scalars of one name and role add up, ranges and sets are joined. Spaces around
        names and values do not matter; scalars are rounded to the nearest thousandth.
        Raises: InvalidResources, for anything else, and for values beyond their limits.
        """
        portions = parse_json(text) if text.lstrip()[:1] in ("[", "{") else parse_text(text)
        quantities, others = _parted(portions)
        return _made(quantities, united(others))

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
        return cls.from_milli({checked_name(name): to_milli(name, units) for name, units in quantities.items()})

    @classmethod
    def from_milli(cls, quantities: Mapping[str, int]) -> "Resources":
        """Return resources of the given thousandths per name; zero entries are dropped.

        Raises: InvalidResources, if a quantity is negative.
        """
        return cls(tuple(sorted([entry for entry in quantities.items() if entry[1]])))

    @classmethod
    def decode(cls, entries: Iterable[Fields], *, lenient: bool = False) -> "Resources":
        """Return what Resource messages say; with ``lenient`` without what breaks a rule or is of an unknown sort.

        Raises: InvalidRequest.
        """
        quantities, others = _parted(decode_portions(entries, lenient=lenient))
        return _made(quantities, united(others))

    @classmethod
    def from_portions(cls, portions: Iterable[Portion]) -> "Resources":
        """Return the sum of portions of any kinds, in any order; the reverse of ``portions``."""
        quantities, others = _parted(portions)
        return _made(quantities, gathered(others))

    # ---- arithmetic: the part about plain scalars is the allocator's inner loop ----

    def __add__(self, other: "Resources") -> "Resources":
        """Return both together."""
        if self.others or other.others:
            return _made(_joint(self.quantities, other.quantities), added(self.others, other.others))
        if not self.quantities or not other.quantities:
            return self if self.quantities else other
        return _made(_joint(self.quantities, other.quantities), ())

    def __sub__(self, other: "Resources") -> "Resources":
        """Return what is left when ``other`` is taken away.

        Raises: InsufficientResources, naming what is lacking and how much, if ``other`` is not contained.
        """
        if other.others:
            others = taken(self.others, other.others)
            if others is None:
                raise self._insufficient(other)
            return _made((self if not other.quantities else self._without_plain(other)).quantities, others)
        if not other.quantities:
            return self
        if self.others:
            return _made(self._without_plain(other).quantities, self.others)
        return NOTHING if self.quantities == other.quantities else self._without_plain(other)

    def _without_plain(self, other: "Resources") -> "Resources":
        if self.quantities == other.quantities:
            return NOTHING
        left = dict(self.quantities)
        for name, milli in other.quantities:
            rest = left.get(name, 0) - milli
            if rest < 0:
                raise self._insufficient(other)
            left[name] = rest
        return _made(tuple([entry for entry in left.items() if entry[1]]), ())

    def _insufficient(self, other: "Resources") -> InsufficientResources:
        return InsufficientResources(
            f"resources: cannot take {other.brief} from {self.brief}, {self.shortfall(other).brief} is lacking; "
            f"take less or wait for more"
        )

    def contains(self, other: "Resources") -> bool:
        """Return whether there is at least as much of everything as in ``other``."""
        if other.others and self.others != other.others and not contained(self.others, other.others):
            return False
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
        plain = Resources.from_milli({name: max(0, milli - mine.get(name, 0)) for name, milli in other.quantities})
        return _made(plain.quantities, lacking(self.others, other.others)) if other.others else plain

    # ---- questions ----

    def get(self, name: str) -> float:
        """Return the units of the scalar ``name``, reserved or not; 0.0 if there is none."""
        return self.milli(name) / MILLI

    def milli(self, name: str) -> int:
        """Return the thousandths of the scalar ``name``, reserved or not; 0 if there is none."""
        if self.others:
            return self.scalars().get(name, 0)
        for own, milli in self.quantities:
            if own == name:
                return milli
        return 0

    def scalars(self) -> dict[str, int]:
        """Return thousandths by name of all scalars, reserved, revocable or not; shared ones count once."""
        totals = dict(self.quantities)
        for portion in self.others:
            if portion.scalar:
                kind = portion.kind
                milli = portion.scalar if kind.shared else portion.scalar * portion.copies
                totals[kind.name] = totals.get(kind.name, 0) + milli
        return totals

    @property
    def portions(self) -> Portions:
        """All there is, also the plain scalars, as portions."""
        return tuple([Portion(plain_kind(name), milli) for name, milli in self.quantities]) + self.others

    @property
    def names(self) -> tuple[str, ...]:
        """The names of what there is any of, in alphabetical order."""
        if self.others:
            return tuple(sorted({*dict(self.quantities), *[portion.kind.name for portion in self.others]}))
        return tuple([name for name, _ in self.quantities])

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing of anything."""
        return not self.quantities and not self.others

    @property
    def is_plain(self) -> bool:
        """Whether there are only scalars, and nothing special to any of them."""
        return not self.others

    def allocatable_to(self, role: str) -> "Resources":
        """Return what a framework in ``role`` may use: the unreserved, and what is reserved for it or a role above."""
        if not self.others:
            return self
        roles = {role, *[role[:end] for end, letter in enumerate(role) if letter == "/"]}
        return self._kept(lambda kind: not kind.reservations or kind.reservations[-1].role in roles)

    def unreserved(self) -> "Resources":
        """Return what is reserved for nobody."""
        return self._kept(lambda kind: not kind.reservations)

    def reserved(self) -> "Resources":
        """Return what is reserved for anybody."""
        return self._found(lambda kind: bool(kind.reservations))

    def reserved_to(self, role: str) -> "Resources":
        """Return what is reserved for exactly that role."""
        return self._found(lambda kind: bool(kind.reservations) and kind.role == role)

    def reserved_by_role(self) -> dict[str, "Resources"]:
        """Return what is reserved, by the role it is reserved for."""
        roles: dict[str, list[Portion]] = {}
        for portion in self.others:
            if portion.kind.reservations:
                roles.setdefault(portion.kind.role, []).append(portion)
        return {role: _made((), tuple(portions)) for role, portions in roles.items()}

    def refined(self) -> "Resources":
        """Return what has a reservation within a reservation."""
        return self._found(lambda kind: len(kind.reservations) > 1)

    def not_refined(self) -> "Resources":
        """Return what has no reservation within a reservation."""
        return self._kept(lambda kind: len(kind.reservations) <= 1)

    def revocable(self) -> "Resources":
        """Return what may be taken back at any time."""
        return self._found(lambda kind: kind.revocable)

    def not_revocable(self) -> "Resources":
        """Return what is not revocable."""
        return self._kept(lambda kind: not kind.revocable)

    def shared(self) -> "Resources":
        """Return the volumes that several may use at once."""
        return self._found(lambda kind: kind.shared)

    def not_shared(self) -> "Resources":
        """Return all but the shared volumes."""
        return self._kept(lambda kind: not kind.shared)

    def only_scalars(self) -> "Resources":
        """Return the scalars of every kind."""
        return self._kept(lambda kind: kind.type is ValueType.SCALAR)

    def without_scalars(self) -> "Resources":
        """Return the ranges and sets."""
        return self._found(lambda kind: kind.type is not ValueType.SCALAR)

    def shrunk(self, limits: Mapping[str, int]) -> "Resources":
        """Return as much as the limits allow: of each name in ``limits`` at most so many thousandths.

        Only scalars are cut. What is plain goes first, then in canonical order; what comes only whole is in if it
        fits, in as many copies as fit. Names without a limit stay as they are.
        """
        quantities = [(name, min(milli, max(0, limits.get(name, milli)))) for name, milli in self.quantities]
        plain = tuple([entry for entry in quantities if entry[1]])
        if not self.others:
            return self if plain == self.quantities else Resources(plain)
        room = {name: limit - dict(plain).get(name, 0) for name, limit in limits.items()}
        return _made(plain, tuple([part for portion in self.others if (part := cut(portion, room)) is not None]))

    def picked(self, wanted: "Resources") -> "Resources":
        """Return as much as ``wanted``, whose plain scalars are taken from what is reserved first; volumes are left.

        Raises: InsufficientResources, if there is not as much.
        """
        limits = dict(wanted.quantities)
        fitting = self.reserved().not_revocable()._found(lambda kind: kind.name in limits and kind.disk is None)
        reserved = fitting.shrunk(limits)
        found = reserved + Resources.from_milli(reserved.scalars()).shortfall(wanted)
        if not self.contains(found):
            raise self._insufficient(found)
        return found

    def pushed(self, reservation: Reservation) -> "Resources":
        """Return all of it with one more reservation. Raises: InvalidResources, if it does not refine the last one."""
        return self._changed(lambda kind: (*kind.reservations, reservation))

    def popped(self) -> "Resources":
        """Return all of it with its last reservation taken off; unreserved ones stay as they are."""
        return self._changed(lambda kind: kind.reservations[:-1])

    def _changed(self, stack: Callable[[Kind], tuple[Reservation, ...]]) -> "Resources":
        return Resources.from_portions(
            [
                replace(portion, kind=replace(portion.kind, reservations=stack(portion.kind)))
                for portion in self.portions
            ]
        )

    def _kept(self, keep: Callable[[Kind], bool]) -> "Resources":
        """All that is plain, and the others that are to be kept; itself, mostly."""
        if not self.others:
            return self
        kept = [portion for portion in self.others if keep(portion.kind)]
        return self if len(kept) == len(self.others) else _made(self.quantities, tuple(kept))

    def _found(self, keep: Callable[[Kind], bool]) -> "Resources":
        """Of the others, those that are to be kept; nothing, mostly."""
        found = [portion for portion in self.others if keep(portion.kind)]
        return _made((), tuple(found)) if found else NOTHING

    # ---- forms ----

    def __bool__(self) -> bool:
        return bool(self.quantities) or bool(self.others)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        """Yield (name, units) of all scalars, in alphabetical order."""
        for name, milli in sorted(self.scalars().items()) if self.others else self.quantities:
            yield name, milli / MILLI

    def to_dict(self) -> dict[str, float]:
        """Return units per name of all scalars, always floats, as Mesos's JSON writes them."""
        return dict(self)

    def __str__(self) -> str:
        entries = [(name, scalar_text(name, milli)) for name, milli in self.quantities]
        entries += [(portion.kind.name, portion_text(portion)) for portion in self.others]
        return "; ".join([text for _, text in sorted(entries)])

    @property
    def brief(self) -> str:
        """The text of it as errors say it: cut where it gets long, "nothing" if there is none."""
        text = str(self) or "nothing"
        return text if len(text) <= _BRIEF else f"{text[:_BRIEF]}..."

    def __repr__(self) -> str:
        if all(has_text(portion) for portion in self.others):
            return f"Resources.parse({str(self)!r})"
        return f"Resources(quantities={self.quantities!r}, others={self.others!r})"


NOTHING = Resources()

_copy: Callable[[Resources], Resources] = cast(Any, Resources).__copy__


def _made(quantities: tuple[tuple[str, int], ...], others: Portions) -> Resources:
    """Resources of parts that are known to be in form; to check hundreds of portions would cost more than adding one.

    ``__copy__`` and ``force_setattr`` are msgspec's ways around the constructor, a tenth of a microsecond.
    """
    made = _copy(NOTHING)
    force_setattr(made, "quantities", quantities)
    force_setattr(made, "others", others)
    return made


def _joint(left: tuple[tuple[str, int], ...], right: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
    """Plain scalars of both."""
    if not left or not right:
        return left or right
    totals = dict(left)
    for name, milli in right:
        totals[name] = totals.get(name, 0) + milli
    return tuple(totals.items()) if len(totals) == len(left) else tuple(sorted(totals.items()))


def _parted(portions: Iterable[Portion]) -> tuple[tuple[tuple[str, int], ...], list[Portion]]:
    """The plain scalars, added up, and all others, as they come."""
    totals: dict[str, int] = {}
    others = []
    for portion in portions:
        kind = portion.kind
        if kind.is_plain:
            totals[kind.name] = totals.get(kind.name, 0) + portion.scalar
        else:
            others.append(portion)
    return tuple(sorted(totals.items())), others
