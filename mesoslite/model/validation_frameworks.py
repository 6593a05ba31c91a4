"""Validation of frameworks: what one may say of itself, and what it may ask for when it subscribes."""

# Who calls: the master, before it accepts a subscription; framework/ before it asks for one.
# Patterns of offer constraints are judged by whoever has the engine for them (``pattern_problem``).
# Source: Mesos src/master/validation.cpp (framework::validate), src/master/master.cpp (validateFrameworkSubscription),
#   src/common/offer_constraints_filter.cpp.

from collections import Counter
from collections.abc import Callable, Container, Sequence

import msgspec

from .constants import ALTERNATIVES_MAX, ROLES_MAX, SECONDS_MAX
from .constraints import Predicate, RoleConstraints
from .errors import InvalidRequest
from .frameworks import MULTI_ROLE, FrameworkInfo
from .ids import validate_id
from .roles import validate_role

_PATTERNS = (Predicate.TEXT_MATCHES, Predicate.TEXT_NOT_MATCHES)
_WITHOUT_VALUE = (Predicate.EXISTS, Predicate.NOT_EXISTS)


def completed_framework(info: FrameworkInfo) -> FrameworkInfo:
    """Return the description as a master takes it: an id that is empty counts as none."""
    return msgspec.structs.replace(info, id=None) if info.id == "" else info


def validate_framework(
    info: FrameworkInfo, *, allowed_roles: Container[str] | None = None, root_submissions: bool = True
) -> None:
    """Refuse a description that no master can accept, or not this one.

    ``allowed_roles`` are those that the master serves, None for any; ``root_submissions``: tasks may run as root.
    Raises: InvalidRequest, for the first rule that is broken, in Mesos's order.
    """
    _validate_roles(info, allowed_roles)
    if info.user == "root" and not root_submissions:
        raise InvalidRequest(f"framework {info.name[:80]!r} runs as root, which this master refuses; name another user")
    if info.id is not None:
        validate_id("framework", info.id)
    if not 0 <= info.failover_timeout <= SECONDS_MAX:
        raise InvalidRequest(
            f"framework {info.name[:80]!r} has a failover_timeout of {info.failover_timeout}; "
            f"give a finite number of seconds, 0 to {SECONDS_MAX}"
        )
    _validate_minimums(info)


def validate_change(old: FrameworkInfo, new: FrameworkInfo) -> None:
    """Refuse an update of ``old`` that changes what stays as it was said first.

    Raises: InvalidRequest, in Mesos's order.
    """
    for name in ("principal", "user", "checkpoint"):
        was, wanted = getattr(old, name), getattr(new, name)
        if was != wanted:
            raise InvalidRequest(
                f"framework {old.id} changes its {name} from {was!r:.80} to {wanted!r:.80}, which cannot be changed; "
                f"say what it was, or subscribe anew"
            )


def preserved(old: FrameworkInfo, new: FrameworkInfo) -> FrameworkInfo:
    """Return ``new`` with what of ``old`` a subscription under a known id leaves as it was, whatever it says."""
    return msgspec.structs.replace(new, id=old.id, user=old.user, checkpoint=old.checkpoint)


def validate_subscription(
    info: FrameworkInfo,
    suppressed_roles: Sequence[str] = (),
    constraints: Sequence[RoleConstraints] = (),
    *,
    allowed_roles: Container[str] | None = None,
    root_submissions: bool = True,
    pattern_problem: Callable[[str], str | None] | None = None,
) -> None:
    """Refuse a subscription that no master can accept, or not this one; ``pattern_problem`` judges a pattern.

    Raises: InvalidRequest, for the first rule that is broken, those of the framework itself first.
    """
    validate_framework(info, allowed_roles=allowed_roles, root_submissions=root_submissions)
    own = frozenset(info.roles)
    for role in suppressed_roles:
        if role not in own:
            raise InvalidRequest(
                f"framework {info.name[:80]!r} suppresses role {role[:80]!r} and does not subscribe to it; name roles "
                f"of its own"
            )
    _validate_count(info, "offer constraints", sum(len(group) for each in constraints for group in each.groups))
    named: set[str] = set()
    for each in constraints:
        if each.role not in own:
            raise _invalid(each.role, "and the framework does not subscribe to it; name roles of its own")
        if each.role in named:
            raise _invalid(each.role, "twice; put the groups of a role together")
        named.add(each.role)
        _validate_groups(each, pattern_problem)


def _validate_roles(info: FrameworkInfo, allowed: Container[str] | None) -> None:
    name = f"framework {info.name[:80]!r}"
    if not info.roles:
        raise InvalidRequest(f"{name} subscribes to no role; name at least one, '*' is the default")
    if len(info.roles) > 1 and MULTI_ROLE not in info.capabilities:
        raise InvalidRequest(
            f"{name} subscribes to {len(info.roles)} roles without the capability MULTI_ROLE; declare it, or name one "
            f"role"
        )
    if len(info.roles) > ROLES_MAX:
        raise InvalidRequest(f"{name} subscribes to {len(info.roles)} roles; {ROLES_MAX} are the most, split it up")
    if len(set(info.roles)) < len(info.roles):
        [(role, _)] = Counter(info.roles).most_common(1)
        raise InvalidRequest(f"{name} names the role {role[:80]!r} twice; name each once")
    for role in info.roles:
        validate_role(role)
    for role in info.roles:
        if allowed is not None and role not in allowed:
            raise InvalidRequest(f"{name} subscribes to role {role!r}, which this master does not serve; name another")


def _validate_minimums(info: FrameworkInfo) -> None:
    _validate_count(info, "offer filters", sum(len(minimum.alternatives) for minimum in info.min_allocatable))
    own, named = frozenset(info.roles), set[str]()
    for minimum in info.min_allocatable:
        role = f"role {minimum.role[:80]!r}"
        if minimum.role not in own:
            raise InvalidRequest(
                f"offer filters are for {role}, and the framework does not subscribe to it; name roles of its own"
            )
        if minimum.role in named:
            raise InvalidRequest(f"offer filters are for {role} twice; put the alternatives of a role together")
        named.add(minimum.role)
        for alternative in minimum.alternatives:
            if not alternative or alternative.others:
                raise InvalidRequest(
                    f"offer filters for {role} ask for at least {str(alternative)[:80]!r}; name plain scalars"
                )


def _validate_count(info: FrameworkInfo, what: str, count: int) -> None:
    if count > ALTERNATIVES_MAX:
        raise InvalidRequest(
            f"framework {info.name[:80]!r} has {count} {what}; {ALTERNATIVES_MAX} are the most, say it in fewer"
        )


def _validate_groups(each: RoleConstraints, pattern_problem: Callable[[str], str | None] | None) -> None:
    if not each.groups or not all(each.groups):
        raise _invalid(each.role, "without a group, or with one that is empty; leave the role out to get all offers")
    for group in each.groups:
        for constraint in group:
            if constraint.predicate in _WITHOUT_VALUE and constraint.value:
                raise _invalid(each.role, f"with a value for {constraint.predicate}; it compares with none")
            if constraint.predicate in _PATTERNS and pattern_problem is not None:
                problem = pattern_problem(constraint.value)
                if problem is not None:
                    raise _invalid(each.role, f"with a pattern that {problem}")


def _invalid(role: str, problem: str) -> InvalidRequest:
    return InvalidRequest(f"offer constraints are for role {role[:80]!r}, {problem}")
