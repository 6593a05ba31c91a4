"""Explanations: why a framework got, or did not get, an offer of an agent."""

# Who calls: allocators make them (allocator/explain.py); the API and the command line show them.

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from .ids import AgentID, FrameworkID
from .offers import Offer


class OfferReason(StrEnum):
    """What stood, or stands, between a framework in a role and an agent; GRANTED and NEXT: nothing."""

    GRANTED = "GRANTED"  # it got an offer in one of the last runs
    NEXT = "NEXT"  # nothing: the next run may offer it the agent
    SHARE = "SHARE"  # it may have the agent, but another was served with it
    HANDED_BACK = "HANDED_BACK"  # it handed back as much again and again, so others come first
    UNKNOWN_FRAMEWORK = "UNKNOWN_FRAMEWORK"
    UNKNOWN_AGENT = "UNKNOWN_AGENT"
    FRAMEWORK_INACTIVE = "FRAMEWORK_INACTIVE"
    SUPPRESSED = "SUPPRESSED"
    HELD_OFF = "HELD_OFF"  # nobody is offered anything
    AGENT_INACTIVE = "AGENT_INACTIVE"
    NOT_WHITELISTED = "NOT_WHITELISTED"
    CAPABILITY = "CAPABILITY"
    REGION = "REGION"
    CONSTRAINT = "CONSTRAINT"
    HELD = "HELD"  # too little of the agent is free, as it or others hold the rest
    OFFERED = "OFFERED"  # an offer of the agent is out that it has not answered
    OFFERED_TO_OTHER = "OFFERED_TO_OTHER"  # one that another framework has not answered
    RESERVED = "RESERVED"  # of what is free, something is reserved for other roles
    TOO_SMALL = "TOO_SMALL"  # what is free for it is worth no offer
    QUOTA_LIMIT = "QUOTA_LIMIT"
    HEADROOM = "HEADROOM"  # what is free is held back for guarantees of others
    FILTER = "FILTER"


ADVICE = {
    OfferReason.GRANTED: "nothing to do; if it let the offer pass, it may decline with a shorter refuse_seconds",
    OfferReason.NEXT: "nothing to do: the next run may offer it the agent",
    OfferReason.SHARE: "wait for its turn; to be served before others, give its role a larger weight or a guarantee",
    OfferReason.HANDED_BACK: "revive if it could use that now; suppress while it wants nothing",
    OfferReason.UNKNOWN_FRAMEWORK: "subscribe it; /state lists those that are",
    OfferReason.UNKNOWN_AGENT: "start the agent, or name another; /state lists those that are registered",
    OfferReason.FRAMEWORK_INACTIVE: "let it subscribe again, with its id",
    OfferReason.SUPPRESSED: "revive that role",
    OfferReason.HELD_OFF: "wait until agents are back, or 10 minutes after a failover; else resume the allocator",
    OfferReason.AGENT_INACTIVE: "activate or restart the agent",
    OfferReason.NOT_WHITELISTED: "put the host on the whitelist",
    OfferReason.CAPABILITY: "add the capability to whom lacks it, if it can do what that says",
    OfferReason.REGION: "add the capability REGION_AWARE to the framework, or use agents of the master's region",
    OfferReason.CONSTRAINT: "loosen the framework's offer constraints, or give the agent the attribute",
    OfferReason.HELD: "wait until tasks end or offers are answered; or add agents",
    OfferReason.OFFERED: "accept or decline it",
    OfferReason.OFFERED_TO_OTHER: "wait until it is answered: nothing takes it back by itself; or end that framework",
    OfferReason.RESERVED: "subscribe to that role, or unreserve it",
    OfferReason.TOO_SMALL: "use larger agents, or lower the minimum of an offer",
    OfferReason.QUOTA_LIMIT: "raise the limit of the role, or end tasks in it",
    OfferReason.HEADROOM: "add agents, lower guarantees of other roles, or give this one a guarantee",
    OfferReason.FILTER: "wait until the filter ends, or revive; decline with a shorter refuse_seconds",
}
"""What to do if it is not as wanted, by reason."""

assert ADVICE.keys() == set(OfferReason), "each reason has an advice"


class Finding(msgspec.Struct, frozen=True, gc=False):
    """One reason, about one role of the framework ("" for all), and the same in words with the amounts.

    ``other`` is another framework of which the text speaks, by its id; who shows it to people may know its name.
    ``filter_id`` is the filter of which it speaks; who keeps the timers knows when it ends.
    """

    role: str
    reason: OfferReason
    text: str
    other: FrameworkID | None = None
    filter_id: int | None = None


class Explanation(msgspec.Struct, frozen=True, gc=False):
    """All that is known; ``run`` is the number of the last run that made offers, so that findings can be dated."""

    framework_id: FrameworkID
    agent_id: AgentID
    run: int
    findings: tuple[Finding, ...]


def with_offers(explanation: Explanation, offers: Iterable[Offer]) -> Explanation:
    """Return an explanation that also says which offers of the agent nobody has answered yet; one's own first."""
    findings: list[Finding] = []
    for offer in sorted(offers, key=lambda each: each.framework_id != explanation.framework_id):
        if offer.framework_id == explanation.framework_id:
            text = f"it has not answered offer {offer.id} of {offer.resources}"
            findings.append(Finding(offer.role, OfferReason.OFFERED, text))
        else:
            other = offer.framework_id
            text = f"framework {other} has not answered an offer of {offer.resources} in role {offer.role!r}"
            findings.append(Finding("", OfferReason.OFFERED_TO_OTHER, text, other))
    return (
        msgspec.structs.replace(explanation, findings=(*explanation.findings, *findings)) if findings else explanation
    )
