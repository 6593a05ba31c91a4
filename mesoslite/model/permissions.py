"""Permissions: what somebody has to be allowed for an operation on resources, or to run a command."""

# Who calls: the validation of an ACCEPT, for frameworks; api/, for operators.
# Source: Mesos src/master/master.cpp (authorizeReserveResources and its like, authorizeTask).

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, assert_never

from .acls import ALL_ALLOWED
from .operations import Create, Destroy, GrowVolume, Reserve, ResourceOperation, ShrinkVolume, Unreserve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .acls import Acls
    from .resources import Resources

Demand: TypeAlias = "tuple[str, str | None]"
"""An action, and what it is about; None: all there is of it, or nobody knows."""


def demands_of(operation: ResourceOperation) -> Iterator[Demand]:
    """Return what an operation demands."""
    match operation:
        case Reserve():
            yield from _of_roles("reserve_resources", operation.resources)
            yield from _of_reservers(operation.source)
        case Unreserve():
            yield from _of_reservers(operation.resources)
        case Create():
            yield from _of_roles("create_volumes", operation.volumes)
        case Destroy():
            for portion in operation.volumes.portions:
                persistence = portion.kind.persistence
                yield "destroy_volumes", (persistence.principal or None) if persistence is not None else None
        case GrowVolume() | ShrinkVolume():
            yield from _of_roles("resize_volumes", operation.volume)
        case _:
            assert_never(operation)


def refusal_of(demands: Iterable[Demand], acls: Acls, principal: str | None) -> str | None:
    """Return the first of ``demands`` that ``principal`` is not allowed, as a sentence; None if all are."""
    if acls is ALL_ALLOWED:
        return None
    for action, what in demands:
        if not acls.allow(action, principal, what):
            who = f"principal {principal!r}" if principal else "who has no principal"
            return f"{who} is not allowed to {action}" + (f" of {what!r:.80}" if what is not None else "")
    return None


def _of_roles(action: str, resources: Resources) -> Iterator[Demand]:
    for portion in resources.portions:
        yield action, portion.kind.role


def _of_reservers(resources: Resources) -> Iterator[Demand]:
    for portion in resources.portions:
        if portion.kind.reservations:
            yield "unreserve_resources", portion.kind.reservations[-1].principal or None
