"""Explanations: why a framework got, or did not get, an offer of an agent."""

# Who calls: allocators make them (allocator/explain.py); the API and the command line show them.

from enum import StrEnum

import msgspec

from .ids import AgentID, FrameworkID


class OfferReason(StrEnum):
    """What stood, or stands, between a framework in a role and an agent; GRANTED and NEXT: nothing."""

    GRANTED = "GRANTED"  # it got an offer in one of the last runs
    NEXT = "NEXT"  # nothing: the next run may offer it the agent
    SHARE = "SHARE"  # it may have the agent, but another was served with it
    IDLE = "IDLE"  # it handed its last offer back, so it is served after those that use theirs
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
    TOO_SMALL = "TOO_SMALL"  # what is free for it is worth no offer
    QUOTA_LIMIT = "QUOTA_LIMIT"
    HEADROOM = "HEADROOM"  # what is free is held back for guarantees of others
    FILTER = "FILTER"


class Finding(msgspec.Struct, frozen=True, gc=False):
    """One reason, about one role of the framework ("" for all), and the same in words with the amounts."""

    role: str
    reason: OfferReason
    text: str


class Explanation(msgspec.Struct, frozen=True, gc=False):
    """All that is known; ``run`` is the number of the last run that made offers, so that findings can be dated."""

    framework_id: FrameworkID
    agent_id: AgentID
    run: int
    findings: tuple[Finding, ...]
