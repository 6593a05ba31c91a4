"""Constraints: the document of ``/hierarchical-allocator(1)/offer_constraints_debug``."""

# Whichever policy allocates: these are what frameworks have asked for, by which it goes (allocator/constraints.py).
# The form is that of /state for each framework; Mesos documents none, for it is there for its developers.
# Source: Mesos src/master/allocator/mesos/hierarchical.cpp (the endpoint).

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ..seen import seen_frameworks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mesoslite.model.view import View

    from ..serving import Part
    from ..sight import Sight


def constraints_parts(view: View, sight: Sight) -> Iterator[Part]:
    """The offer constraints of each framework that has some, by its id."""
    seen = seen_frameworks(view.frameworks, sight)
    found = [(each.framework.id, each.framework.offer_constraints) for each in seen]
    yield msgspec.json.encode({framework_id: constraints for framework_id, constraints in found if constraints})
