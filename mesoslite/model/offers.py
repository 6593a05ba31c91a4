"""Offers: resources of one agent held out to one framework, and how long a refusal lasts."""

# Who calls: the master makes offers of what the allocator grants; frameworks send Filters when they give some
#   back.
# Invariant: an offer is of one agent and for one role; its resources count as the framework's until it
#   answers.
# Source: Mesos include/mesos/v1/mesos.proto (Offer, Filters), src/master/allocator/mesos/hierarchical.cpp.

import math

import msgspec

from .constants import REFUSE_SECONDS, REFUSE_SECONDS_MAX
from .ids import AgentID, FrameworkID, OfferID
from .resources import Resources


class Offer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Resources of one agent that a framework may launch tasks with; ``port`` is the agent's own."""

    id: OfferID
    framework_id: FrameworkID
    agent_id: AgentID
    hostname: str
    resources: Resources
    role: str
    port: int


class Filters(msgspec.Struct, frozen=True, gc=False):
    """For how long a framework does not want to see again what it gave back."""

    refuse_seconds: float = float(REFUSE_SECONDS)

    def duration_seconds(self) -> float:
        """Return how many seconds a refusal lasts; 0.0 means that nothing is filtered.

        Negative and not-a-number count as the default of 5 s; more than 365 days counts as 365 days. The allocator
        makes it outlast one interval between its runs, else it would never keep an offer away.
        """
        if self.refuse_seconds == 0:
            return 0.0
        if math.isnan(self.refuse_seconds) or self.refuse_seconds < 0:
            return float(REFUSE_SECONDS)
        return min(self.refuse_seconds, float(REFUSE_SECONDS_MAX))
