"""Plug-ins: sorters and whole policies by name, ours or those that an installed package offers as entry points."""

# Who calls: hierarchical.py for sorters; the composition root for policies.
# Groups: ``mesoslite.sorters``, each entry what makes a Sorter of a ClusterTotal and a StandingOf;
#   ``mesoslite.allocators``, each entry what makes an AllocationPolicy without arguments.

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, cast

from mesoslite.model import InvalidRequest

from .drf import DRFSorter
from .lottery import LotterySorter

if TYPE_CHECKING:
    from collections.abc import Callable

    from mesoslite.model import AllocationPolicy

    from .sorter import SorterFactory

SORTERS: dict[str, SorterFactory] = {"drf": DRFSorter, "random": LotterySorter}
SORTER_GROUP = "mesoslite.sorters"
POLICY_GROUP = "mesoslite.allocators"
DEFAULT_POLICY = "hierarchical"


def named_sorter(name: str | SorterFactory) -> SorterFactory:
    """Return what makes sorters of that name. Raises: InvalidRequest, if there is none."""
    if not isinstance(name, str):
        return name
    if name in SORTERS:
        return SORTERS[name]
    return cast("SorterFactory", _load(SORTER_GROUP, name, SORTERS))


def named_policy(name: str) -> Callable[[], AllocationPolicy]:
    """Return what makes the allocation policy of that name. Raises: InvalidRequest, if there is none."""
    from .hierarchical import HierarchicalAllocator

    if name == DEFAULT_POLICY:
        return HierarchicalAllocator
    return cast("Callable[[], AllocationPolicy]", _load(POLICY_GROUP, name, {DEFAULT_POLICY: None}))


def _load(group: str, name: str, ours: dict[str, SorterFactory] | dict[str, None]) -> object:
    found = entry_points(group=group)
    if name not in found.names:
        raise InvalidRequest(
            f"allocator: nothing named {name!r}; there are {', '.join(sorted({*ours, *found.names}))}; install the "
            f"package that offers it as an entry point of the group {group}"
        )
    return found[name].load()
