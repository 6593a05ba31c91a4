"""Validation of offers that are named together: each rule, and their order."""

import pytest

from mesoslite.model import AgentID, FrameworkID, Offer, OfferID, Resources, offers_problem

CONNECTED = {AgentID("m-S0"), AgentID("m-S1")}


def offer(number: int, framework: str = "f", agent: str = "m-S0", role: str = "*") -> Offer:
    return Offer(
        id=OfferID(f"o{number}"),
        framework_id=FrameworkID(framework),
        agent_id=AgentID(agent),
        hostname="h",
        resources=Resources.parse("cpus:2;mem:64"),
        role=role,
        port=5051,
    )


OUTSTANDING = {
    made.id: made
    for made in [
        offer(0),
        offer(1),
        offer(2, framework="g"),
        offer(3, role="ads"),
        offer(4, agent="m-S1"),
        offer(5, agent="m-S9"),
        offer(6, agent="m-S1", role="ads"),
        offer(8, framework="g", agent="m-S1", role="ads"),
    ]
}


@pytest.mark.parametrize(
    ("offer_ids", "problem"),
    [
        ("", "no offers"),
        ("o0 o0", "o0 is named twice"),
        ("o0 o7", "o7 is no longer valid"),
        ("o7", "o7 is no longer valid"),
        ("o0 o2", "o2 is not held by framework f"),
        ("o0 o3", "roles '*' and 'ads'"),
        ("o0 o4", "agents m-S0 and m-S1"),
        ("o5", "agent m-S9 of offer o5 is not connected"),
    ],
)
def test_offers_that_cannot_be_used_together_are_refused_with_the_reason(offer_ids: str, problem: str) -> None:
    named = [OfferID(text) for text in offer_ids.split()]

    got = offers_problem(FrameworkID("f"), named, OUTSTANDING, CONNECTED)

    assert got is not None
    assert problem in got


# Goal: each rule is asked of all offers before the next one is. Method: two rules broken, the later one by the first.
@pytest.mark.parametrize(
    ("offer_ids", "problem"),
    [
        ("o7 o0 o0", "named twice"),
        ("o2 o7", "no longer valid"),
        ("o0 o3 o2", "not held by"),
        ("o5 o3", "the roles"),
        ("o6 o0", "the roles"),
    ],
)
def test_the_earlier_rule_is_reported_whichever_offer_breaks_it(offer_ids: str, problem: str) -> None:
    named = [OfferID(text) for text in offer_ids.split()]

    assert problem in (offers_problem(FrameworkID("f"), named, OUTSTANDING, CONNECTED) or "")


# Mesos: MasterTest.LaunchCombinedOfferTest
def test_offers_of_one_agent_and_role_may_be_used_together() -> None:
    named = [OfferID("o0"), OfferID("o1")]

    assert offers_problem(FrameworkID("f"), named, OUTSTANDING, {AgentID("m-S0")}) is None
