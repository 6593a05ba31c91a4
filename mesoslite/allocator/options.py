"""Options: what a caller of HierarchicalAllocator may give, checked, also in the form of Mesos's flags."""

# Who calls: hierarchical.py, once for each allocator.
# Source: Mesos src/master/flags.cpp (min_allocatable_resources, fair_sharing_excluded_resource_names).

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from mesoslite.model import InvalidRequest, InvalidResources, Resources


def checked_minimum(alternatives: str | Sequence[Resources]) -> Sequence[Resources]:
    """Return what is worth an offer: alternatives, or a text of them such as "cpus:0.01|mem:32"; "" means anything.

    Raises: InvalidResources, for what is neither, and for an alternative that asks for nothing.
    """
    if isinstance(alternatives, str):
        alternatives = [Resources.parse(text) for text in alternatives.split("|")] if alternatives else []
    given: object = alternatives
    if not isinstance(given, Sequence):
        raise InvalidResources(
            f"allocator: got {given!r} for min_allocatable, expected a text such as cpus:0.01|mem:32, or a list of "
            f"Resources"
        )
    for least in alternatives:
        if not isinstance(least, Resources):
            raise InvalidResources(f"allocator: got {least!r} as minimum of an offer, expected Resources")
        if not least.quantities or least.others:
            raise InvalidResources(
                f"allocator: {str(least) or 'nothing'!r} can be no minimum of an offer; name amounts "
                f"that are reserved for nobody, such as cpus:0.01|mem:32"
            )
    return alternatives


def checked_names(names: str | Collection[str]) -> Collection[str]:
    """Return names of resources: these, or those in a text such as "gpus,disk". Raises: InvalidRequest."""
    if isinstance(names, str):
        names = [name.strip() for name in names.split(",")] if names else []
    given: object = names
    if not isinstance(given, Collection) or isinstance(given, (bytes, Resources)):
        raise InvalidRequest(f"allocator: got {given!r} for fairness_excluded, expected names, such as 'gpus,disk'")
    listed: Collection[object] = names
    for each in listed:
        if not isinstance(each, str) or not re.fullmatch(r"[^\s,;:|(){}\[\]]+", each):
            raise InvalidRequest(
                f"allocator: got {each!r} as the name of a resource; give names parted by commas, such as gpus,disk"
            )
    if {"cpus", "mem"} <= set(names):
        raise InvalidRequest(
            f"allocator: without {', '.join(names)} nothing is left that every task has, to share by; let cpus or mem "
            f"count"
        )
    return names


def checked_flag(name: str, value: object) -> bool:
    """Return a flag. Raises: InvalidRequest, for what is neither True nor False."""
    if not isinstance(value, bool):
        raise InvalidRequest(f"allocator: got {value!r} for {name}, expected True or False")
    return value


def checked_region(region: object) -> str | None:
    """Return the master's region. Raises: InvalidRequest, for what is no text."""
    if region is not None and (not isinstance(region, str) or not region):
        raise InvalidRequest(f"allocator: got {region!r} for region, expected a text, or None")
    return region


def checked_probe_every(every: object) -> int:
    """Return in one of how many grants those that pass are asked first. Raises: InvalidRequest."""
    if isinstance(every, bool) or not isinstance(every, int) or every < 0:
        raise InvalidRequest(f"allocator: got {every!r} for probe_every, expected a number of grants, or 0 for never")
    if every == 1:
        raise InvalidRequest(
            "allocator: probe_every of 1 would always ask those first that hand everything back; give 2 or more, or 0 "
            "for never"
        )
    return every


def checked_patience(times: object) -> int:
    """Return how many offers are handed back before it counts. Raises: InvalidRequest, for what is no such number."""
    if isinstance(times, bool) or not isinstance(times, int) or times < 1:
        raise InvalidRequest(f"allocator: got {times!r} for patience, expected a number of offers above zero")
    return times
