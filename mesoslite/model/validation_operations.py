"""Validation of operations on resources: who may do what to which."""

# Who calls: validation_accept.py for frameworks, the master for operators.
# Whether the offers hold what an operation is about is asked afterwards, by whoever knows what they still hold.
# A problem is the end of a sentence whose beginning names the operation.
# Source: Mesos src/master/validation.cpp (operation::validate).

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from typing import assert_never

from .acls import ALL_ALLOWED, Acls
from .agents import (
    AGENT_HIERARCHICAL_ROLE,
    AGENT_OPERATION_FEEDBACK,
    AGENT_RESERVATION_REFINEMENT,
    AGENT_RESIZE_VOLUME,
)
from .conversions import plain_disk
from .errors import InvalidRequest
from .frameworks import SHARED_RESOURCES
from .ids import OperationID, validate_id
from .kinds import DiskType, Kind, ReservationType, VolumeMode
from .operations import Create, Destroy, GrowVolume, Reserve, ResourceOperation, ShrinkVolume, Unreserve
from .permissions import demands_of, refusal_of
from .portions import Portion
from .resource_text import MILLI
from .resources import NOTHING, Resources
from .validation_resources import allocation_problem, resources_problem, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationSite:
    """What the master knows of who asks for operations, and of the agent they are about.

    ``role`` is that of the offers, None for an operator; ``roles`` and ``framework_capabilities`` are the framework's.
    ``named`` holds the ids of its operations that are under way. ``acls`` say what a framework may do; operators have
    been judged by then.
    ``principal`` is who was authenticated, None if nobody was. ``total`` is all that the agent has, ``used`` what tasks
    and executors of anybody hold of it.
    """

    role: str | None
    total: Resources
    used: Resources = NOTHING
    roles: tuple[str, ...] = ()
    framework_capabilities: tuple[str, ...] = ()
    principal: str | None = None
    capabilities: tuple[str, ...] = ()
    named: Container[OperationID] = ()
    acls: Acls = ALL_ALLOWED


def operation_problem(operation: ResourceOperation, site: OperationSite) -> str | None:
    """Return the first rule that an operation breaks, None if it breaks none."""
    if operation.unfit:
        return unfit_problem(operation.unfit)
    if operation.id is not None:
        try:
            validate_id("operation", operation.id)
        except InvalidRequest as error:
            return f"is named wrongly: {error}"
        if operation.id in site.named:
            return f"has the id {operation.id} of another that is under way; give each operation an id of its own"
        if site.role is not None and AGENT_OPERATION_FEEDBACK not in site.capabilities:
            return "has an id, and its agent lacks the capability AGENT_OPERATION_FEEDBACK; leave it out"
    problem = _rules_problem(operation, site)
    if problem is not None:
        return problem
    denied = refusal_of(demands_of(operation), site.acls, site.principal)
    if denied is not None:
        return f"is not authorized: {denied}"
    if site.role is not None:
        return allocation_problem(operation.allocation_roles, site.role, "names")
    if operation.allocation_roles:
        return f"names resources allocated to role {operation.allocation_roles[0][:80]!r}; operators convert free ones"
    return None


def unfit_problem(unfit: str) -> str:
    """Return what is wrong with an operation whose resources can never be."""
    return f"names resources that can never be: {unfit}"


def _rules_problem(operation: ResourceOperation, site: OperationSite) -> str | None:
    match operation:
        case Reserve():
            return _reserve_problem(operation, site)
        case Unreserve():
            return _named_problem(operation.resources) or _first(operation.resources, _unreserved_problem)
        case Create():
            return _create_problem(operation.volumes, site)
        case Destroy():
            return _destroy_problem(operation.volumes, site)
        case GrowVolume():
            return _grow_problem(operation.volume, operation.addition) or _resize_problem(site)
        case ShrinkVolume():
            return _shrink_problem(operation.volume, operation.subtract) or _resize_problem(site)
        case _:
            assert_never(operation)


# ---- reservations ----


def _reserve_problem(operation: Reserve, site: OperationSite) -> str | None:
    problem = _named_problem(operation.resources) or _source_problem(operation, site)
    if problem is not None:
        return problem
    return _first(
        operation.resources,
        _reserved_problem,
        lambda portion: _agent_problem(portion.kind, site.capabilities),
        lambda portion: _principal_problem(portion.kind.reservations[-1].principal, "last reservation", site.principal),
        lambda portion: _role_problem(portion.kind.role, site),
        _volume_inside_problem,
    )


def _source_problem(operation: Reserve, site: OperationSite) -> str | None:
    source = operation.source
    if source.is_empty:
        return None
    if site.role is not None:
        return "says a source; only operators may, leave it out"
    problem = resources_problem(source, "has a source that names")
    if problem is not None:
        return problem
    for resources in (source, operation.resources):
        if len({portion.kind.reservations for portion in resources.portions}) > 1:
            return f"names {resources.brief}, which are reserved in different ways; reserve them one after the other"
    if _unreserved(source) != _unreserved(operation.resources):
        return f"has a source of {source.brief}, and is to make {operation.resources.brief}; name the same amounts"
    return None


def _unreserved(resources: Resources) -> Resources:
    while resources.reserved():
        resources = resources.popped()
    return resources


def _reserved_problem(portion: Portion) -> str | None:
    if not _is_dynamic(portion.kind):
        return "whose last reservation is not DYNAMIC; add one that is"
    return None


def _unreserved_problem(portion: Portion) -> str | None:
    if not _is_dynamic(portion.kind):
        return "whose last reservation is not DYNAMIC; others stay as long as their agent is configured so"
    if portion.kind.persistence is not None:
        return "a persistent volume; destroy it first"
    return None


def _volume_inside_problem(portion: Portion) -> str | None:
    return (
        "a persistent volume; reserve disk before you make one of it" if portion.kind.persistence is not None else None
    )


def _role_problem(role: str, site: OperationSite) -> str | None:
    if site.role is None:
        return None
    if role != site.role:
        return f"reserved for role {role[:80]!r}, and its offers are for {site.role!r}; reserve for that one"
    if role not in site.roles:
        return f"reserved for role {role[:80]!r}, to which its framework no longer subscribes"
    return None


def _is_dynamic(kind: Kind) -> bool:
    return bool(kind.reservations) and kind.reservations[-1].type is ReservationType.DYNAMIC


# ---- volumes ----


def _create_problem(volumes: Resources, site: OperationSite) -> str | None:
    return _named_problem(volumes) or _first(
        volumes,
        _persistent_problem,
        _single_problem,
        lambda portion: _taken_problem(portion, site.total),
        lambda portion: _shared_problem(portion.kind, site),
        lambda portion: _agent_problem(portion.kind, site.capabilities),
        lambda portion: _principal_problem(_volume_principal(portion.kind), "disk.persistence", site.principal),
    )


def _destroy_problem(volumes: Resources, site: OperationSite) -> str | None:
    return _named_problem(volumes) or _first(
        volumes, _persistent_problem, _single_problem, lambda portion: _present_problem(portion, site)
    )


def _persistent_problem(portion: Portion) -> str | None:
    kind = portion.kind
    if kind.persistence is None:
        return "which is not a persistent volume; set disk.persistence"
    if kind.disk is not None and kind.disk.volume is not None and kind.disk.volume.mode is not VolumeMode.RW:
        return "a volume that can only be read, and so stays empty; make it RW"
    return None


def _single_problem(portion: Portion) -> str | None:
    return f"{portion.copies} times; name each volume once" if portion.copies > 1 else None


def _taken_problem(portion: Portion, total: Resources) -> str | None:
    key = _volume_key(portion.kind)
    if any(_volume_key(other.kind) == key for other in total.others if other.kind.persistence is not None):
        return "whose id a volume of that role on the agent has already; give each an id of its own"
    return None


def _volume_key(kind: Kind) -> tuple[str, str | None]:
    return kind.role, kind.persistence.id if kind.persistence is not None else None


def _volume_principal(kind: Kind) -> str | None:
    return kind.persistence.principal if kind.persistence is not None else None


def _shared_problem(kind: Kind, site: OperationSite) -> str | None:
    if kind.shared and site.role is not None and SHARED_RESOURCES not in site.framework_capabilities:
        return "a shared volume, and its framework lacks the capability SHARED_RESOURCES"
    return None


def _present_problem(portion: Portion, site: OperationSite) -> str | None:
    volume = Resources.from_portions([portion])
    if portion.kind.provider_id is None and not site.total.contains(volume):
        return "a volume that the agent does not have; name one of an offer, as it is there"
    if site.used.contains(volume):
        return "a volume that tasks use; end them first"
    return None


def _grow_problem(volume: Resources, addition: Resources) -> str | None:
    problem = _one_problem(volume, "volume") or _one_problem(addition, "addition")
    if problem is not None:
        return problem
    kind = volume.portions[0].kind
    if kind.provider_id is not None:
        return "names a volume of a resource provider; those cannot be resized"
    return _resizable_problem(kind) or _addition_problem(plain_disk(kind), addition.portions[0])


def _addition_problem(disk: Kind, addition: Portion) -> str | None:
    if addition.kind != disk or disk.is_indivisible:
        return f"adds {shown(addition)}, which is not disk of the kind that the volume is on; add such disk"
    return None


def _shrink_problem(volume: Resources, subtract: int) -> str | None:
    problem = _one_problem(volume, "volume")
    if problem is not None:
        return problem
    [portion] = volume.portions
    if not 0 < subtract < portion.scalar:
        size = portion.scalar / MILLI
        return f"takes {subtract / MILLI} of a volume of {size}; take more than nothing and less than all"
    if portion.kind.provider_id is not None:
        return "names a volume of a resource provider; those cannot be resized"
    source = portion.kind.disk.source if portion.kind.disk is not None else None
    if source is not None and source.type is DiskType.MOUNT:
        return "names a volume on a MOUNT disk; those come only whole"
    return _resizable_problem(portion.kind)


def _one_problem(resources: Resources, what: str) -> str | None:
    portions = resources.portions
    if len(portions) != 1 or portions[0].copies != 1:
        return f"names {resources.brief} as its {what}; name one resource of more than nothing"
    return resources_problem(resources, f"has a {what} that names")


def _resizable_problem(kind: Kind) -> str | None:
    if kind.persistence is None:
        return "names as its volume what is no persistent one; name it as it is offered"
    if kind.shared:
        return "names a shared volume; those cannot be resized"
    return None


def _resize_problem(site: OperationSite) -> str | None:
    if AGENT_RESIZE_VOLUME not in site.capabilities:
        return "is about an agent without the capability RESIZE_VOLUME; make another volume"
    return None


# ---- of several operations ----


def _named_problem(resources: Resources) -> str | None:
    if resources.is_empty:
        return "names no resources; name some"
    return resources_problem(resources, "names")


def _agent_problem(kind: Kind, capabilities: Iterable[str]) -> str | None:
    if "/" in kind.role and AGENT_HIERARCHICAL_ROLE not in capabilities:
        return "for a role below another, and the agent lacks the capability HIERARCHICAL_ROLE"
    if len(kind.reservations) > 1 and AGENT_RESERVATION_REFINEMENT not in capabilities:
        return "reserved more than once, and the agent lacks the capability RESERVATION_REFINEMENT"
    return None


def _principal_problem(named: str | None, where: str, principal: str | None) -> str | None:
    if principal is None or named == principal:
        return None
    said = "no principal" if named is None else f"principal {named[:80]!r}"
    return f"with {said} in its {where}, and it is {principal!r} who asks; name that one"


def _first(resources: Resources, *rules: Callable[[Portion], str | None]) -> str | None:
    """The first rule that the first portion breaks which breaks one."""
    for portion in resources.portions:
        for rule in rules:
            problem = rule(portion)
            if problem is not None:
                return f"names {shown(portion)}, {problem}"
    return None
