"""Delta checks: whether each field of a delta is what it says it is, looked at before anything is changed."""

# Who calls: hierarchical.py, with every delta.
# Invariant: a delta that passes can be entered to the end. Whether it fits what was before (added twice, not known,
#   more than is held) is for those who enter it, who look before they change anything.
# The frequent deltas are judged by one expression (``is_frequent_and_right``), and field by field only if that fails.
# Rejected: to have the types checked as deltas are made. msgspec does that as it decodes only, and a master that sends
#   ten thousand in a step has better to do.

from __future__ import annotations

from collections.abc import Callable
from types import NoneType
from typing import TypeAlias

from mesoslite.model import (
    AGENT_CAPABILITIES,
    AgentActivated,
    AgentAdded,
    AgentDeactivated,
    AgentRemoved,
    AgentsWhitelisted,
    AgentUnavailable,
    AgentUpdated,
    AllocationConverted,
    Attribute,
    AttributeConstraint,
    AttributeItems,
    AttributeRanges,
    AvailableConverted,
    Delta,
    FilterExpired,
    FrameworkActivated,
    FrameworkAdded,
    FrameworkDeactivated,
    FrameworkRemoved,
    FrameworkUpdated,
    InvalidRequest,
    InverseOfferAnswered,
    OfferUsed,
    Paused,
    Predicate,
    PseudoAttribute,
    QuotaChanged,
    RecoveryBegun,
    RecoveryOver,
    Resources,
    ResourcesRecovered,
    Resumed,
    Revived,
    RoleConstraints,
    RoleMinimum,
    Suppressed,
    Unavailability,
    Usage,
    WeightChanged,
    is_plain,
    validate_role,
    weight_problem,
)

Check: TypeAlias = Callable[[object], str | None]  # what was expected instead; None: it is right


PLAIN = (ResourcesRecovered, OfferUsed)  # there are most of these


def check_delta(delta: Delta) -> None:
    """Refuse a delta of which a field is not what it is said to be. Raises: InvalidRequest, which names the field."""
    if is_frequent_and_right(delta):
        return
    checks = next((CHECKS[kind] for kind in type(delta).__mro__ if kind in CHECKS), None)
    if checks is None:
        raise InvalidRequest(
            f"allocator: apply got {_brief(delta)}, expected a delta, such as AgentAdded(agent_id=..., hostname=..., "
            f"total=...)"
        )
    for field, check in checks.items():
        value = getattr(delta, field)
        expected = check(value)
        if expected is not None:
            raise InvalidRequest(
                f"allocator: {_subject(delta, field)}got {_brief(value)} as {field}, expected {expected}"
            )


def is_frequent_and_right(delta: Delta) -> bool:
    """Whether it is one of those that there are most of, and of the right types."""
    if type(delta) is AgentAdded:
        return _is_plain_agent(delta)
    if type(delta) is FrameworkAdded:
        return _is_plain_framework(delta)
    return type(delta) in PLAIN and is_plain(delta)


def _is_plain_agent(delta: AgentAdded) -> bool:
    """Whether it has what it says of itself right, and says no more than most agents."""
    return (
        type(delta.total) is Resources
        and type(delta.agent_id) is type(delta.hostname) is str
        and delta.capabilities == AGENT_CAPABILITIES
        and delta.region is delta.zone is None
        and delta.unavailability is None
        and type(delta.used) is tuple
        and type(delta.attributes) is tuple
        and _are_plain_usages(delta.used)
        and not any(map(_attribute, delta.attributes))
    )


def _is_plain_framework(delta: FrameworkAdded) -> bool:
    """Whether it has what it says of itself right, and wants what most want: offers of one role, of any kind."""
    return (
        _text(delta.framework_id) is _flag(delta.active) is None
        and type(delta.roles) is tuple
        and len(delta.roles) == 1
        and _role(delta.roles[0]) is None
        and type(delta.capabilities) is tuple
        and not any(map(_text, delta.capabilities))
        and delta.suppressed_roles == ()
        and delta.constraints == ()
        and delta.min_allocatable == ()
    )


def _are_plain_usages(used: tuple[Usage, ...]) -> bool:
    for one in used:
        is_plain = type(one) is Usage and type(one.framework_id) is type(one.role) is str
        if not is_plain or type(one.resources) is not Resources:
            return False
    return not any(map(_role, {one.role for one in used}))


def _subject(delta: object, field: str) -> str:
    """The delta, and whom it is about."""
    about = [
        f"{name.removesuffix('_id')} {_brief(getattr(delta, name))}"
        for name in ("framework_id", "agent_id", "role")
        if name != field and hasattr(delta, name)
    ]
    return " of ".join([type(delta).__name__, ", ".join(about)] if about else [type(delta).__name__]) + ": "


def _brief(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 200 else f"{shown[:200]}..."


# ---- kinds of fields ----


def _of(*types: type, expected: str) -> Check:
    def check(value: object) -> str | None:
        right = isinstance(value, types) and not (isinstance(value, bool) and bool not in types)
        return None if right else expected

    return check


def _many(one: Check, example: str) -> Check:
    def check(value: object) -> str | None:
        if not isinstance(value, tuple):
            return f"a tuple, such as {example}"
        problem = next((problem for problem in map(one, value) if problem is not None), None)
        return None if problem is None else f"in it {problem}"

    return check


def _or_none(check: Check) -> Check:
    def checked(value: object) -> str | None:
        expected = None if value is None else check(value)
        return None if expected is None else f"{expected}, or None"

    return checked


def _role(value: object) -> str | None:
    if not isinstance(value, str):
        return "a role, such as 'web' or 'ads/batch'"
    try:
        validate_role(value)
    except InvalidRequest as error:
        return f"a role: {error}"
    return None


def _roles(value: object) -> str | None:
    problem = _many(_role, "('web',)")(value)
    if problem is None and isinstance(value, tuple) and len(set(value)) < len(value):
        return "each role once"
    return problem


def _unavailability(value: object) -> str | None:
    expected = "an Unavailability of nanoseconds since the epoch, zero or more, such as Unavailability(start=10**18)"
    if not isinstance(value, Unavailability) or _count(value.start) is not None:
        return expected
    return None if value.duration is None or _count(value.duration) is None else expected


def _count(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return "a whole number, zero or more"
    return None


def _usage(value: object) -> str | None:
    if not isinstance(value, Usage):
        return "a Usage, such as Usage(framework_id, 'web', Resources.of(cpus=1))"
    return _text(value.framework_id) or _role(value.role) or _resources(value.resources)


_VALUES_OF_ATTRIBUTES = (str, float, int, AttributeRanges, AttributeItems)


def _attribute(value: object) -> str | None:
    is_right = (
        isinstance(value, Attribute) and _has(value, "name", str) and _has(value, "value", *_VALUES_OF_ATTRIBUTES)
    )
    return None if is_right else "an Attribute, such as Attribute('rack', 'r1')"


def _constraints(value: object) -> str | None:
    expected = "RoleConstraints(role, ((AttributeConstraint('rack', Predicate.EXISTS),),))"
    if not isinstance(value, RoleConstraints) or not _has(value, "groups", tuple):
        return expected
    groups: tuple[object, ...] = value.groups
    for group in groups:
        if not isinstance(group, tuple) or not all(_is_constraint(one) for one in group):
            return expected
    return _role(value.role)


def _is_constraint(one: object) -> bool:
    return isinstance(one, AttributeConstraint) and (
        _has(one, "predicate", Predicate) and _has(one, "selector", str, PseudoAttribute) and _has(one, "value", str)
    )


def _has(value: object, field: str, *types: type) -> bool:
    found: object = getattr(value, field)
    return isinstance(found, types) and not isinstance(found, bool)


def _minimum(value: object) -> str | None:
    if not isinstance(value, RoleMinimum):
        return "RoleMinimum(role, (Resources.of(cpus=1),))"
    return _role(value.role) or _many(_resources, "(Resources.of(cpus=1),)")(value.alternatives)


def _each_role_once(check: Check) -> Check:
    def checked(value: object) -> str | None:
        problem = check(value)
        if problem is None and isinstance(value, tuple) and len({each.role for each in value}) < len(value):
            return "each role once"
        return problem

    return checked


_text = _of(str, expected="a text")
_resources = _of(Resources, expected="Resources, such as Resources.of(cpus=1) or Resources.parse('cpus:1')")
_flag = _of(bool, expected="True or False")
_texts = _many(_text, "('a', 'b')")
_agent = {"agent_id": _text}
_framework = {"framework_id": _text}
_holding = {**_framework, **_agent, "role": _text}
_wants = {
    **_framework,
    "roles": _roles,
    "suppressed_roles": _roles,
    "capabilities": _texts,
    "constraints": _each_role_once(_many(_constraints, "(RoleConstraints('web', groups),)")),
    "min_allocatable": _each_role_once(_many(_minimum, "(RoleMinimum('web', alternatives),)")),
}
_machine = {
    **_agent,
    "attributes": _many(_attribute, "(Attribute('rack', 'r1'),)"),
    "capabilities": _texts,
}

CHECKS: dict[type, dict[str, Check]] = {
    ResourcesRecovered: {**_holding, "resources": _resources, "filter_id": _or_none(_count), "declined": _flag},
    OfferUsed: {**_holding, "resources": _resources},
    FilterExpired: {"filter_id": _count},
    Suppressed: {**_framework, "roles": _roles},
    Revived: {**_framework, "roles": _roles},
    FrameworkAdded: {**_wants, "active": _flag},
    FrameworkUpdated: _wants,
    FrameworkRemoved: _framework,
    FrameworkActivated: _framework,
    FrameworkDeactivated: _framework,
    WeightChanged: {"role": _role, "weight": weight_problem},
    QuotaChanged: {},  # quota.py
    RecoveryBegun: {"expected_agents": _count},
    RecoveryOver: {},
    Paused: {},
    Resumed: {},
    AllocationConverted: {**_holding, "before": _resources, "after": _resources, "forced": _flag},
    AvailableConverted: {**_agent, "before": _resources, "after": _resources, "forced": _flag},
    AgentAdded: {
        **_machine,
        "hostname": _text,
        "total": _resources,
        "used": _many(_usage, "(Usage(framework_id, 'web', Resources.of(cpus=1)),)"),
        "region": _or_none(_text),
        "zone": _or_none(_text),
        "unavailability": _or_none(_unavailability),
    },
    AgentUpdated: {
        **_agent,
        "total": _or_none(_resources),
        "attributes": _or_none(_machine["attributes"]),
        "capabilities": _or_none(_texts),
        "region": _or_none(_text),
        "zone": _or_none(_text),
    },
    AgentRemoved: _agent,
    AgentActivated: _agent,
    AgentDeactivated: _agent,
    AgentUnavailable: {**_agent, "unavailability": _or_none(_unavailability)},
    AgentsWhitelisted: {"hostnames": _or_none(_many(_text, "('host-1', 'host-2')"))},
    InverseOfferAnswered: {
        **_framework,
        **_agent,
        "accepted": _of(bool, NoneType, expected="True, False or None"),
        "filter_id": _or_none(_count),
    },
}
