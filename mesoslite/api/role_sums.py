"""Role sums: what the frameworks of each role hold and are offered, and what is reserved to it, of a View."""

# Who calls: v0/roles.py and v1/roles.py, in the thread that renders; those who ask them, for what operators have set.
# Amounts are of the role itself; but ``consumed`` is also of the roles below, since a quota is for all of them.
# Resources come in few kinds of bytes: each is decoded once, and counted. What of ranges and sets is there several
#   times, as ports of several agents are, is shown once, as in Mesos.
# Rejected: sums in the master's books: readers are few, tasks come and go all the time.
# Source: Mesos src/master/master.cpp (RoleResourceBreakdown), readonly_handler.cpp (roles).

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

from mesoslite.model import DEFAULT_ROLE, Kind, MasterPort, Portion, Resources, TaskState
from mesoslite.model.ranges import coalesced
from mesoslite.model.registry import QuotaConfig, Weight
from mesoslite.model.resource_records import resources_of

from .asking import ask
from .columns import columns
from .seen import unseen_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import libactor as la
    from mesoslite.model.ranges import Range
    from mesoslite.model.view import FrameworkView, View

    from .sight import Sight

_TERMINAL = {id(state) for state in TaskState if state.is_terminal}  # members are hashed by their names, in Python


class Amounts:
    """Some resources, as far as documents without a version tell them: by name, revocable or not."""

    def __init__(self) -> None:
        self._scalars: Counter[Kind] = Counter()  # thousandths
        self._ranges: dict[Kind, set[Range]] = {}
        self._items: dict[Kind, set[str]] = {}

    def add(self, resources: Resources, times: int) -> None:
        """Add resources so many times."""
        for portion in resources.portions:
            kind = Kind(portion.kind.name, portion.kind.type, revocable=portion.kind.revocable)
            self._scalars[kind] += portion.scalar * portion.copies * times
            if portion.ranges:
                self._ranges.setdefault(kind, set()).update(portion.ranges)
            if portion.items:
                self._items.setdefault(kind, set()).update(portion.items)

    @property
    def total(self) -> Resources:
        """All of it."""
        return Resources.from_portions(
            [
                *[Portion(kind, milli) for kind, milli in self._scalars.items() if milli],
                *[Portion(kind, ranges=coalesced(ranges)) for kind, ranges in self._ranges.items()],
                *[Portion(kind, items=tuple(sorted(items))) for kind, items in self._items.items()],
            ]
        )


class Role:
    """What there is of one role; ``reserved`` and ``consumed`` are scalars by name, in thousandths."""

    def __init__(self) -> None:
        self.framework_ids: list[str] = []
        self.allocated, self.offered = Amounts(), Amounts()
        self.reserved: Counter[str] = Counter()
        self.consumed: Counter[str] = Counter()

    def allocate(self, resources: Resources, times: int) -> None:
        """Count what is held so many times."""
        self.allocated.add(resources, times)
        for name, milli in resources.unreserved().not_revocable().not_shared().scalars().items():
            self.consumed[name] += milli * times

    def reserve(self, resources: Resources, times: int) -> None:
        """Count what is reserved on so many agents."""
        for name, milli in resources.scalars().items():
            self.reserved[name] += milli * times
            self.consumed[name] += milli * times


class Entitled(NamedTuple):
    """What operators have set, and the roles that are served, None for any."""

    weights: tuple[Weight, ...] = ()
    quotas: tuple[QuotaConfig, ...] = ()
    served: frozenset[str] | None = None

    def form(self, name: str) -> str:
        """The name of a form that tells of it, which the number of a View does not."""
        return f"{name}-{crc32(repr(self).encode()):08x}"

    def admits(self, role: str) -> bool:
        """Whether a role is served, or above one that is."""
        return self.served is None or role in self.served or any(each.startswith(f"{role}/") for each in self.served)


async def ask_entitled(master: la.PID[MasterPort], flags: Mapping[str, str]) -> Entitled:
    """What the master at that address knows; ``flags`` are the options that its program was started with."""
    served = _named(flags["roles"]) if "roles" in flags else None
    return Entitled(await ask(master, MasterPort.weights), await ask(master, MasterPort.quotas), served)


def _named(roles: str) -> frozenset[str]:
    """The roles of that option, and the one that is always served."""
    return frozenset({DEFAULT_ROLE, *filter(None, [role.strip() for role in roles.split(",")])})


def roles_of(view: View, sight: Sight, entitled: Entitled) -> dict[str, Role]:
    """The roles that are known, and those above, as far as they are seen, in the order of their names.

    Sums are of all; frameworks that are not seen are not named.
    """
    roles: dict[str, Role] = {}
    told = [weight.role for weight in entitled.weights] + [quota.role for quota in entitled.quotas]
    for name in (*told, *(entitled.served or ())):
        _in(roles, name)
    for framework in view.frameworks:
        _add_framework(roles, framework)
    for packed, times in Counter(each for (part,) in columns(view.agents, "resources") for each in part).items():
        for name, reserved in resources_of(packed).reserved_by_role().items():
            _in(roles, name).reserve(reserved, times)
    for name, consumed in [(name, Counter(role.consumed)) for name, role in roles.items()]:
        for above in _above(name):
            _in(roles, above).consumed.update(consumed)
    unseen = unseen_ids(view, sight)
    for role in roles.values() if unseen else ():
        role.framework_ids = [each for each in role.framework_ids if each not in unseen]
    return {name: role for name, role in sorted(roles.items()) if entitled.admits(name) and sight.roles.allow(name)}


def _add_framework(roles: dict[str, Role], view: FrameworkView) -> None:
    held: Counter[tuple[str, bytes]] = Counter()
    for names, states, amounts in columns(view.tasks, "role", "state", "resources"):
        for (name, state, packed), count in Counter(zip(names, map(id, states), amounts, strict=True)).items():
            if state not in _TERMINAL:
                held[name, packed] += count
    for names, amounts in columns(view.executors, "role", "resources"):
        held.update(zip(names, amounts, strict=True))
    for (name, packed), count in held.items():
        _in(roles, name or DEFAULT_ROLE).allocate(resources_of(packed), count)
    framework = view.framework
    names_held = {name or DEFAULT_ROLE for name, _ in held}
    for names, amounts in columns(view.offers, "role", "resources"):
        names_held.update(names)
        for name, packed in zip(names, amounts, strict=True):
            _in(roles, name).offered.add(resources_of(packed), 1)
    own = (framework.role,) if framework.role is not None else framework.roles
    for name in dict.fromkeys((*own, *sorted(names_held))):
        _in(roles, name).framework_ids.append(framework.id)


def _in(roles: dict[str, Role], name: str) -> Role:
    return roles.setdefault(name, Role())


def _above(name: str) -> Iterator[str]:
    """The roles that a role is below, the nearest first."""
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name
