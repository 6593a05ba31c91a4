"""Roles: the document of ``/roles``: what each role is entitled to, and what it has."""

# Source: Mesos src/master/readonly_handler.cpp (roles).

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mesoslite.model.registry import QuotaConfig

from ..documents import resources_document
from ..role_sums import roles_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mesoslite.model.view import View

    from ..documents import Document
    from ..role_sums import Entitled, Role
    from ..serving import Part
    from ..sight import Sight

MILLI = 1000


def roles_parts(view: View, sight: Sight, entitled: Entitled) -> Iterator[Part]:
    """The roles that are known."""
    weights = {each.role: each.weight for each in entitled.weights}
    quotas = {each.role: each for each in entitled.quotas}
    yield b'{"roles":['
    for number, (name, role) in enumerate(roles_of(view, sight, entitled).items()):
        quota = quotas.get(name, QuotaConfig(name))
        yield b"," * (number > 0) + msgspec.json.encode(_role(name, role, weights.get(name, 1.0), quota))
    yield b"]}"


def _role(name: str, role: Role, weight: float, quota: QuotaConfig) -> Document:
    allocated, offered = role.allocated.total, role.offered.total
    return {
        "name": name,
        "weight": weight,
        "quota": {
            "role": name,
            "guarantee": _units(quota.guarantees),
            "limit": _units(quota.limits),
            "consumed": _units(role.consumed.items()),
        },
        "resources": resources_document(allocated + offered),
        "allocated": _units(allocated.scalars().items()),
        "offered": _units(offered.scalars().items()),
        "reserved": _units(role.reserved.items()),
        "frameworks": role.framework_ids,
    }


def _units(quantities: Iterable[tuple[str, int]]) -> Mapping[str, float]:
    return {name: milli / MILLI for name, milli in sorted(quantities)}
