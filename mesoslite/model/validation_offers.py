"""Validation of the offers that a framework names together."""

# Who calls: the master, for every Accept, before anything else of it.
# Source: Mesos src/master/validation.cpp (offer::validate).

from collections.abc import Container, Mapping, Sequence

from .ids import AgentID, FrameworkID, OfferID
from .offers import Offer


def offers_problem(
    framework_id: FrameworkID,
    offer_ids: Sequence[OfferID],
    offers: Mapping[OfferID, Offer],
    agents: Container[AgentID],
) -> str | None:
    """Return what is wrong with the offers that a framework names, or None if they can be used together.

    Shapes: ``offers`` holds all outstanding offers, of any framework; ``agents`` the registered, connected
    agents. Each rule is asked of all offers before the next one, in Mesos's order.
    """
    if not offer_ids:
        return "accept: no offers are named; name at least one offer id"
    seen: set[OfferID] = set()
    for offer_id in offer_ids:
        if offer_id in seen:
            return f"accept: offer {offer_id[:80]} is named twice; name each once"
        seen.add(offer_id)
    named: list[Offer] = []
    for offer_id in offer_ids:
        offer = offers.get(offer_id)
        if offer is None:
            return f"accept: offer {offer_id[:80]} is no longer valid; wait for the next offers"
        named.append(offer)
    for offer in named:
        if offer.framework_id != framework_id:
            return f"accept: offer {offer.id} is not held by framework {framework_id}; use its own offers"
    return _togetherness_problem(named, agents)


def _togetherness_problem(named: list[Offer], agents: Container[AgentID]) -> str | None:
    first = named[0]
    for offer in named:
        if offer.role != first.role:
            return f"accept: offers are for the roles {first.role!r} and {offer.role!r}; accept them one role at a time"
    for offer in named:
        if offer.agent_id not in agents:
            return f"accept: agent {offer.agent_id} of offer {offer.id} is not connected; wait for the next offers"
        if offer.agent_id != first.agent_id:
            return (
                f"accept: offers are of the agents {first.agent_id} and {offer.agent_id}; accept them one "
                f"agent at a time"
            )
    return None
