"""Validation of resources that tasks, executors and operations name: what can never be granted, whoever asks."""

# Who calls: the other validation modules, and v1/containers.py.
# A problem is the end of a sentence, "wants ...", whose beginning says who does.
# What breaks a rule of one resource alone (names, amounts, roles) cannot be built: see kinds.py and portions.py.
# Source: Mesos src/master/validation.cpp (resource::validate, validateDiskInfo, validateDynamicReservationInfo,
#   validateUniquePersistenceID, validateRevocableAndNonRevocableResources, detectOverlappingSetAndRangeResources).

from collections import Counter
from collections.abc import Iterable

from .kinds import Kind, ReservationType
from .portions import Portion
from .resource_text import MILLI, portion_text
from .resources import Resources

_SHOWN = 120  # characters of a portion, 80 of a role
_LIMITED = ("cpus", "mem")


def resources_problem(resources: Resources, verb: str = "wants") -> str | None:
    """Return the first rule that resources break together or alone, None if they break none."""
    gpus = resources.milli("gpus")
    if gpus % MILLI:
        return f"{verb} {gpus / MILLI} gpus; ask for whole ones"
    if not resources.others:
        return None
    for portion in resources.others:
        problem = _kind_problem(portion.kind)
        if problem is not None:
            return f"{verb} {shown(portion)}, {problem}"
    return joint_problem(resources, verb) or _provider_problem(resources, verb)


def joint_problem(resources: Resources, verb: str = "wants") -> str | None:
    """Return what is wrong with resources that are each right: persistence ids twice, or a name revocable and not."""
    if not resources.others:
        return None
    repeated = repeated_volume(resources)
    if repeated is not None:
        return f"{verb} the volume {repeated} twice; ids of volumes are unique within a role"
    mixed = set(resources.revocable().names) & set(resources.not_revocable().names)
    if mixed:
        name = min(mixed)
        return f"{verb} {name} that is revocable and {name} that is not; ask for one or the other"
    return None


def repeated_volume(resources: Resources) -> str | None:
    """Return the role and id of a persistent volume that is there more than once; shared ones may be."""
    counts: Counter[tuple[str, str]] = Counter()
    for portion in resources.others:
        persistence = portion.kind.persistence
        if persistence is not None:
            counts[portion.kind.role, persistence.id] += 1 if portion.kind.shared else portion.copies
    return next((f"{name!r} of role {role[:80]!r}" for (role, name), count in counts.items() if count > 1), None)


def overlap_problem(resources: Resources) -> str | None:
    """Return which numbers or items a sum holds twice; None if each is there once."""
    for portion in resources.others:
        if portion.copies > 1 and not portion.kind.is_indivisible:
            return f"want {shown(portion)} of what is there once; share out ranges and sets among them"
    return None


def allocation_problem(roles: tuple[str, ...], role: str, verb: str = "wants") -> str | None:
    """Return what is wrong with the roles that resources are said to be allocated to, where offers are for ``role``."""
    if len(roles) > 1:
        names = " and ".join([repr(name[:80]) for name in roles[:2]])
        return f"{verb} resources that are allocated to the roles {names}; name one role"
    if roles and roles[0] != role:
        return f"{verb} resources that are allocated to role {roles[0][:80]!r}, its offers are for {role!r}; name that"
    return None


def limits_problem(limits: Iterable[tuple[str, float]], resources: Resources) -> str | None:
    """Return what is wrong with the limits of what has ``resources``."""
    for name, limit in limits:
        if name not in _LIMITED:
            return f"has a limit of {name[:80]!r}; only cpus and mem can be limited"
        wanted = resources.milli(name)
        if not wanted:
            return f"has a limit of {name} and wants none; ask for some {name} as well"
        if not limit >= (wanted - 0.5) / MILLI:
            return f"has a limit of {limit} {name} and wants {wanted / MILLI}; limits are not below what is wanted"
    return None


def shown(portion: Portion) -> str:
    """The text of a portion as errors say it, cut where it gets long."""
    text = portion_text(portion)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _kind_problem(kind: Kind) -> str | None:
    disk = kind.disk
    if disk is not None:
        if disk.persistence is not None:
            if not kind.reservations:
                return "a volume that nobody has reserved; reserve the disk first"
            if disk.volume is None:
                return "a volume without a place in the container; set disk.volume.container_path"
            if disk.volume.host_path is not None:
                return "a volume with a host_path; agents choose where volumes are, leave it out"
        elif disk.volume is not None:
            return "a volume that is not persistent; set disk.persistence, or leave disk.volume out"
        elif disk.source is None:
            return "whose disk says nothing; leave it out"
    if kind.revocable and any(layer.type is ReservationType.DYNAMIC for layer in kind.reservations):
        return "which is revocable and reserved by a call; only what is not revocable can be"
    return None


def _provider_problem(resources: Resources, verb: str) -> str | None:
    providers = _providers(resources.portions)
    if len(providers) > 1:
        names = " and ".join([repr(name[:80]) if name else "the agent itself" for name in sorted(providers)[:2]])
        return f"{verb} what comes from {names} together; ask for what one of them gives"
    return None


def _providers(portions: Iterable[Portion]) -> set[str]:
    return {portion.kind.provider_id or "" for portion in portions}
