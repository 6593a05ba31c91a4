"""Resources seen: which amounts, and which operations on some, are shown to who may see some roles only."""

# Who calls: seen.py for operations, seen_agents.py for agents, agent_state.py and agent_reads.py for one of itself.
# An amount is seen if each role is that it is reserved for, one below the other, and the one it is allocated to.
# Source: Mesos src/common/authorization.hpp (approved<VIEW_ROLE>), src/common/protobuf_utils.cpp
#   (getConsumedResources).

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from mesoslite.model import (
    DEFAULT_ROLE,
    NOTHING,
    Create,
    Destroy,
    GrowVolume,
    InvalidRequest,
    Reserve,
    Resources,
    ShrinkVolume,
    Unreserve,
)
from mesoslite.model.fields import Fields
from mesoslite.model.v1 import decode_operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mesoslite.model import Rights
    from mesoslite.model.operations import Operation
    from mesoslite.model.records import Resource


T = TypeVar("T")


def sees_resource(roles: Rights, resource: Resource) -> bool:
    """Whether an amount is seen by who sees ``roles``."""
    named = [each.role for each in resource.reservations]
    named += [resource.role] if resource.role != DEFAULT_ROLE else []
    named += [resource.allocation_role] if resource.allocation_role is not None else []
    return all(map(roles.allow, named))


def seen_resources(roles: Rights, resources: Resources) -> Resources:
    """What is seen of resources by who sees ``roles``."""
    if roles.is_all:
        return resources
    portions = resources.portions
    return Resources.from_portions(
        [each for each in portions if all(roles.allow(layer.role) for layer in each.kind.reservations)]
    )


def seen_roles(roles: Rights, reserved: Mapping[str, T]) -> dict[str, T]:
    """What is reserved by role, of ``roles``."""
    return {role: each for role, each in reserved.items() if roles.allow(role)}


def sees_operation(roles: Rights, info: Any) -> bool:
    """Whether an operation, a document of the v1 API, is on resources that are seen by who sees ``roles``."""
    try:
        operation = decode_operation(Fields(info))
    except InvalidRequest:
        return False
    reserved = [each.role for portion in _consumed(operation).portions for each in portion.kind.reservations]
    return all(map(roles.allow, (*reserved, *getattr(operation, "allocation_roles", ()))))


def _consumed(operation: Operation) -> Resources:
    """What an operation is done to."""
    match operation:
        case Reserve():
            return operation.source or operation.resources.popped()
        case Unreserve():
            return operation.resources
        case Create() | Destroy():
            return operation.volumes
        case GrowVolume():
            return operation.volume + operation.addition
        case ShrinkVolume():
            return operation.volume
        case _:
            return NOTHING
