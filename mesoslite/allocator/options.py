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
        texts = alternatives.split("|") if alternatives.strip() else []
        alternatives = [Resources.parse(text) for text in texts]
    for least in alternatives:
        if not isinstance(least, Resources):
            raise InvalidResources(f"allocator: got {least!r} as minimum of an offer, expected Resources")
        if not least.scalars() or any(not portion.scalar for portion in least.others):
            raise InvalidResources(
                f"allocator: {str(least) or 'nothing'!r} can be no minimum of an offer; name amounts, such as "
                f"cpus:0.01|mem:32"
            )
    return alternatives


def checked_names(names: str | Collection[str]) -> Collection[str]:
    """Return names of resources: these, or those in a text such as "gpus,disk". Raises: InvalidRequest."""
    if isinstance(names, str):
        names = [name.strip() for name in names.split(",")] if names.strip() else []
    for name in names:
        if not re.fullmatch(r"[^\s,]+", str(name)) or name != str(name):
            raise InvalidRequest(f"allocator: got {name!r} as the name of a resource; give names, such as gpus,disk")
    return names


def checked_probe_every(every: object) -> int:
    """Return how often the idle are asked first. Raises: InvalidRequest, for what no number of grants can be."""
    if isinstance(every, bool) or not isinstance(every, int) or every < 0:
        raise InvalidRequest(f"allocator: got {every!r} for probe_every, expected a number of grants, or 0 for never")
    if every == 1:
        raise InvalidRequest("allocator: probe_every of 1 would ask the idle always; give 2 or more, or 0 for never")
    return every
