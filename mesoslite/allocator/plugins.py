"""Plug-ins: sorters and whole policies by name, ours or those that an installed package offers as entry points."""

# Who calls: hierarchical.py for sorters; the composition root for policies.
# Groups: ``mesoslite.sorters``, each entry what makes a Sorter of a ClusterTotal and a StandingOf;
#   ``mesoslite.allocators``, each entry what makes an AllocationPolicy without arguments.

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, TypeAlias, cast

from mesoslite.model import AllocationPolicy, InvalidRequest

from .drf import DRFSorter
from .lottery import LotterySorter
from .plugged_sorter import PluggedSorter, made_sorter, no_standing
from .sorter import ClusterTotal

if TYPE_CHECKING:
    from .sorter import SorterFactory

PolicyFactory: TypeAlias = Callable[[], AllocationPolicy]

SORTERS: dict[str, SorterFactory] = {"drf": DRFSorter, "random": LotterySorter}
SORTER_GROUP = "mesoslite.sorters"
POLICY_GROUP = "mesoslite.allocators"
DEFAULT_POLICY = "hierarchical"


def named_sorter(name: str | SorterFactory) -> SorterFactory:
    """Return what makes sorters of that name, or by that call. Raises: InvalidRequest, if there is none, or it cannot.

    One that is not ours is tried out now, and checked whenever it is used (plugged_sorter.py).
    """
    if isinstance(name, str) and name in SORTERS:
        return SORTERS[name]
    if name in SORTERS.values():
        return cast("SorterFactory", name)
    if isinstance(name, str):
        make, title = _load(SORTER_GROUP, name, SORTERS), f"allocator: sorter {name!r} of the group {SORTER_GROUP}"
    else:
        make, title = name, f"allocator: sorter {getattr(name, '__qualname__', None) or repr(name)}"
    if not callable(make):
        raise InvalidRequest(
            f"{title} is {make!r}, expected what makes a sorter of a ClusterTotal and a function that gives a client's "
            f"Standing, such as a class; the names of ours are {', '.join(SORTERS)}"
        )
    made_sorter(title, make, ClusterTotal(), no_standing)
    return partial(PluggedSorter, title, make)


def named_policy(name: str) -> PolicyFactory:
    """Return what makes the allocation policy of that name. Raises: InvalidRequest, if there is none."""
    from .hierarchical import HierarchicalAllocator

    if name == DEFAULT_POLICY:
        return HierarchicalAllocator
    return cast("PolicyFactory", _load(POLICY_GROUP, name, {DEFAULT_POLICY: None}))


class PolicySource:
    """Gives a policy to each who needs one: of that name, by that call, or, once, that object.

    Raises: InvalidRequest, for what is none of these.
    """

    def __init__(self, source: str | PolicyFactory | AllocationPolicy) -> None:
        self._given: AllocationPolicy | None = None
        self._make: PolicyFactory | None = None
        if isinstance(source, str):
            self._make = named_policy(source)
        elif callable(source):
            self._make = source
        else:
            self._given = _checked(source)

    def take(self) -> AllocationPolicy:
        """Return a policy that nobody else has. Raises: InvalidRequest, if there is none, or none can be made."""
        if self._make is not None:
            try:
                made = self._make()
            except Exception as error:
                raise InvalidRequest(
                    f"allocator: {self._make!r} cannot make a policy: {error!r}; it is called without arguments"
                ) from error
            return _checked(made)
        policy, self._given = self._given, None
        if policy is None:
            raise InvalidRequest("allocator: this policy has served a cluster already; give its class, to start again")
        return policy


def _checked(policy: object) -> AllocationPolicy:
    if not isinstance(policy, AllocationPolicy):
        raise InvalidRequest(
            f"allocator: {policy!r} is no allocation policy; it needs the methods apply, begin, dominant_share and "
            f"available"
        )
    return policy


def _load(group: str, name: str, ours: dict[str, SorterFactory] | dict[str, None]) -> object:
    found = entry_points(group=group)
    if name not in found.names:
        raise InvalidRequest(
            f"allocator: nothing named {name!r}; there are {', '.join(sorted({*ours, *found.names}))}; install the "
            f"package that offers it as an entry point of the group {group}"
        )
    try:
        return found[name].load()
    except Exception as error:
        raise InvalidRequest(
            f"allocator: {name!r} of the group {group} cannot be loaded from {found[name].value}: {error!r}; mend or "
            f"remove the package that offers it"
        ) from error
