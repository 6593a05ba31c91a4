"""Offer constraints: the agents a framework wants, by attribute, name of host, region and zone."""

import time

import pytest

from mesoslite.model import (
    AgentID,
    AgentUpdated,
    Attribute,
    AttributeConstraint,
    AttributeRanges,
    FrameworkAdded,
    FrameworkID,
    InvalidRequest,
    Predicate,
    PseudoAttribute,
    RoleConstraints,
)

from .cluster import Cluster

P = Predicate
ATTRIBUTES = (
    Attribute("rack", "r1"),
    Attribute("rack", "r2"),
    Attribute("cores", 8.0),
    Attribute("ids", AttributeRanges(((1, 3),))),
)


def wanting(*groups: tuple[AttributeConstraint, ...]) -> dict[str, object]:
    return {"constraints": (RoleConstraints("x", groups),)}


def count_of(*groups: tuple[AttributeConstraint, ...]) -> int:
    """How often one agent with ATTRIBUTES is granted to a framework that wants agents of these groups."""
    cluster = Cluster()
    cluster.add_agent("host1", attributes=ATTRIBUTES, region="eu", zone="eu1")
    cluster.add_framework("a", "x", **wanting(*groups))
    return len(cluster.plan())


@pytest.mark.parametrize(
    ("selector", "predicate", "value", "count"),
    [
        ("rack", P.EXISTS, "", 1),
        ("row", P.EXISTS, "", 0),
        ("rack", P.NOT_EXISTS, "", 0),
        ("row", P.NOT_EXISTS, "", 1),
        ("rack", P.TEXT_EQUALS, "r1", 1),
        ("rack", P.TEXT_EQUALS, "r2", 0),  # only the first of that name counts
        ("row", P.TEXT_EQUALS, "r1", 0),
        ("rack", P.TEXT_NOT_EQUALS, "r1", 0),
        ("row", P.TEXT_NOT_EQUALS, "r1", 1),
        ("rack", P.TEXT_MATCHES, "r[0-9]", 1),
        ("rack", P.TEXT_MATCHES, "r", 0),  # the whole text must match
        ("row", P.TEXT_MATCHES, ".*", 0),
        ("rack", P.TEXT_NOT_MATCHES, "r.", 0),
        ("row", P.TEXT_NOT_MATCHES, ".*", 1),
        ("cores", P.TEXT_EQUALS, "x", 1),  # what is no text fits every predicate about texts
        ("cores", P.TEXT_NOT_EQUALS, "8", 1),
        ("cores", P.TEXT_MATCHES, "x", 1),
        ("cores", P.TEXT_NOT_MATCHES, ".*", 1),
        ("ids", P.EXISTS, "", 1),
        ("ids", P.TEXT_EQUALS, "[1-3]", 1),
        ("ids", P.TEXT_NOT_EQUALS, "[1-3]", 1),
        (PseudoAttribute.HOSTNAME, P.TEXT_EQUALS, "host1", 1),
        (PseudoAttribute.REGION, P.TEXT_EQUALS, "us", 0),
        (PseudoAttribute.ZONE, P.TEXT_MATCHES, "eu.", 1),
        ("HOSTNAME", P.EXISTS, "", 0),  # an attribute of that name, which there is not
    ],
)
def test_predicates_mean_what_they_say(
    selector: str | PseudoAttribute, predicate: Predicate, value: str, count: int
) -> None:
    assert count_of((AttributeConstraint(selector, predicate, value),)) == count


def test_all_of_a_group_must_hold_and_one_group_is_enough() -> None:
    yes, no = AttributeConstraint("rack", P.EXISTS), AttributeConstraint("row", P.EXISTS)

    assert [count_of((yes, no)), count_of((yes, no), (yes,)), count_of((no,), (no, yes))] == [0, 1, 0]


def test_role_without_constraints_is_not_constrained() -> None:
    cluster = Cluster(agents=1)
    cluster.add_framework("a", "x", "y", **wanting((AttributeConstraint("rack", P.EXISTS),)))

    assert [grant.role for grant in cluster.plan()] == ["y"]


def test_agent_whose_attributes_change_is_looked_at_again_and_its_filters_end() -> None:
    cluster = Cluster(agents=2)
    cluster.add_framework("a", "x", **wanting((AttributeConstraint("rack", P.EXISTS),)))
    cluster.add_framework("b", "x")
    filters = [cluster.recover(grant, filtered=True) for grant in cluster.plan()]

    ended = cluster.allocator.apply(AgentUpdated(agent_id=AgentID("agent0"), attributes=(Attribute("rack", "r1"),)))

    assert len(ended) == 1
    assert set(ended) < set(filters)
    assert [grant.agent_id for grant in cluster.plan()] == ["agent0"]


@pytest.mark.parametrize(
    ("groups", "problem"),
    [
        ((), "no group"),
        (((),), "one without constraints"),
        (((AttributeConstraint("a", P.TEXT_MATCHES, "(" * 9),),), "that RE2 does not take"),
        (((AttributeConstraint("a", P.TEXT_MATCHES, "x" * 5000),),), "longer than 4096 bytes"),
        (((AttributeConstraint("a", P.TEXT_MATCHES, "(x{1000}){1000}"),),), "does not take"),
        (((AttributeConstraint("a", P.TEXT_MATCHES, r"(a)\1"),),), "does not take"),
    ],
)
def test_constraints_that_cannot_be_judged_are_refused_and_change_nothing(
    groups: tuple[tuple[AttributeConstraint, ...], ...], problem: str
) -> None:
    cluster = Cluster(agents=1)

    with pytest.raises(InvalidRequest, match=problem):
        cluster.add_framework("a", "x", **wanting(*groups))

    cluster.allocator.apply(FrameworkAdded(framework_id=FrameworkID("a"), roles=("x",)))
    assert cluster.served() == ["a"]


# Goal: a hostile pattern costs no more than a friendly one. Method: one that takes Python's engine for ever.
def test_pattern_takes_time_linear_in_the_text() -> None:
    cluster = Cluster()
    cluster.add_agent("agent", attributes=(Attribute("a", "a" * 5_000 + "!"),))
    cluster.add_framework("a", "x", **wanting((AttributeConstraint("a", P.TEXT_MATCHES, "(a*)*(a|a)*b"),)))

    begin = time.process_time()
    assert cluster.plan() == []

    assert time.process_time() - begin < 5.0
