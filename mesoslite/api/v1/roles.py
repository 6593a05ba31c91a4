"""Roles: the document of GET_ROLES: each role with its weight, its frameworks, and what they hold and are offered."""

# Who calls: shown_calls.py.
# Source: Mesos include/mesos/v1/mesos.proto (Role), src/master/readonly_handler.cpp (roles).

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mesoslite.model.v1 import encode_resources

from ..role_sums import roles_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mesoslite.model.view import View

    from ..role_sums import Entitled
    from ..serving import Part
    from ..sight import Sight


def roles(view: View, sight: Sight, entitled: Entitled) -> Iterator[Part]:
    """The roles that are known."""
    weights = {each.role: each.weight for each in entitled.weights}
    before = b'{"roles":['
    for name, role in roles_of(view, sight, entitled).items():
        lists = {
            "frameworks": [{"value": framework_id} for framework_id in role.framework_ids],
            "resources": encode_resources(role.allocated.total + role.offered.total),
        }
        shown = {"name": name, "weight": weights.get(name, 1.0), **{key: each for key, each in lists.items() if each}}
        yield before + msgspec.json.encode(shown)
        before = b","
    yield b"]}" if before == b"," else b"{}"
