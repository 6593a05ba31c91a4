"""Validation of frameworks and subscriptions: each rule, and their order."""

import math
from typing import Any

import msgspec
import pytest

from mesoslite.model import (
    MULTI_ROLE,
    AttributeConstraint,
    FrameworkID,
    FrameworkInfo,
    InvalidRequest,
    Predicate,
    Resources,
    RoleConstraints,
    RoleMinimum,
    completed_framework,
    validate_framework,
    validate_subscription,
)

MULTI = (MULTI_ROLE,)
INFO = FrameworkInfo(
    name="f", roles=("ads", "*"), id=FrameworkID("m-0000"), failover_timeout=7.5, capabilities=MULTI, user="root"
)
RACK = AttributeConstraint("rack", Predicate.TEXT_MATCHES, "r[12]")


def test_plain_framework_is_accepted() -> None:
    validate_framework(FrameworkInfo(name="f"))
    validate_framework(INFO)
    validate_subscription(INFO, ("*",), (RoleConstraints("ads", ((RACK,),)),), allowed_roles={"ads", "*"})


# In Mesos's order; each one breaks its own rule and, by its id and timeout, two later ones.
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"roles": ()}, "no role"),
        ({"roles": ("a", "a"), "capabilities": ()}, "2 roles without the capability MULTI_ROLE"),  # MissingMultiRole...
        ({"roles": (*[f"r{n}" for n in range(1_000)], "r0")}, "1001 roles; 1000 are the most"),
        ({"roles": ("b", "a", "a")}, "names the role 'a' twice; name each once"),
        ({"roles": ("a", "/")}, "role '/'"),  # MasterTest.RejectFrameworkWithInvalidRole
        ({"roles": ("ads", "web")}, "subscribes to role 'web', which this master does not serve"),
        ({}, "runs as root"),
        ({"user": ""}, "framework id"),
        # MasterTest.RejectFrameworkWithInvalidFailoverTimeout
        ({"user": "", "id": None, "failover_timeout": -1.0}, "failover_timeout"),
        ({"user": "", "id": None, "failover_timeout": math.nan}, "failover_timeout"),
        ({"user": "", "id": None, "failover_timeout": math.inf}, "failover_timeout"),
        ({"user": "", "id": None, "failover_timeout": 1e10}, "failover_timeout"),
    ],
)
def test_framework_that_breaks_a_rule_is_refused_with_the_rule(change: dict[str, Any], problem: str) -> None:
    bad = msgspec.structs.replace(INFO, id=FrameworkID("a/b"), failover_timeout=math.nan)

    with pytest.raises(InvalidRequest, match=problem):
        validate_subscription(
            msgspec.structs.replace(bad, **change), ("away",), allowed_roles={"ads", "*"}, root_submissions=False
        )


def group(*constraints: AttributeConstraint, role: str = "ads") -> RoleConstraints:
    return RoleConstraints(role, (constraints,))


@pytest.mark.parametrize(
    ("suppressed", "constraints", "problem"),
    [
        (("*", "web"), (), "suppresses role 'web' and does not subscribe"),
        ((), (RoleConstraints("web", ((RACK,) * 501, (RACK,) * 500)),), "1001 offer constraints; 1000 are the most"),
        ((), (group(RACK, role="web"),), "for role 'web', and the framework does not subscribe"),
        ((), (group(RACK), group(RACK)), "for role 'ads', twice"),
        ((), (RoleConstraints("ads", ()),), "without a group"),
        ((), (group(),), "without a group, or with one that is empty"),
        ((), (group(AttributeConstraint("rack", Predicate.EXISTS, "x")),), "with a value for EXISTS"),
        ((), (group(AttributeConstraint("rack", Predicate.TEXT_NOT_MATCHES, "(")),), "a pattern that has no end"),
    ],
)
def test_subscription_that_breaks_a_rule_is_refused_with_the_rule(
    suppressed: tuple[str, ...], constraints: tuple[RoleConstraints, ...], problem: str
) -> None:
    def pattern_problem(pattern: str) -> str | None:
        return "has no end" if pattern == "(" else None

    with pytest.raises(InvalidRequest, match=problem):
        validate_subscription(INFO, suppressed, constraints, pattern_problem=pattern_problem)


# Goal: what one framework says does not keep others waiting. Method: as much as it may say is accepted, one more not.
def test_a_framework_may_say_so_much_and_no_more() -> None:
    roles = tuple([f"r{n}" for n in range(1_000)])
    large = FrameworkInfo(name="f", roles=roles, capabilities=MULTI)
    alternatives = (Resources.of(cpus=1),) * 500
    minimums = (RoleMinimum("r0", alternatives), RoleMinimum("r1", alternatives))

    validate_subscription(
        msgspec.structs.replace(large, min_allocatable=minimums), roles, (group(*[RACK] * 1_000, role="r0"),)
    )
    more = msgspec.structs.replace(large, min_allocatable=(*minimums, RoleMinimum("r2", alternatives[:1])))
    with pytest.raises(InvalidRequest, match="1001 offer filters; 1000 are the most"):
        validate_framework(more)


# MasterTest.FrameworkSubscribeEmptyId
def test_an_id_that_is_empty_counts_as_none() -> None:
    assert completed_framework(msgspec.structs.replace(INFO, id=FrameworkID(""))).id is None
    assert completed_framework(INFO) is INFO
