"""Offers: resources of one agent held out to one framework, or, inverse, asked back; how long a refusal lasts."""

# Who calls: the master makes offers of what the allocator grants; frameworks send Filters when they give some
#   back.
# Invariant: an offer is of one agent and for one role; its resources count as the framework's until it
#   answers. An inverse offer holds nothing: it says that whatever the framework has there will be gone.
# Source: Mesos include/mesos/v1/mesos.proto (Offer, InverseOffer, Unavailability, Filters),
#   src/master/allocator/mesos/hierarchical.cpp.

import math

import msgspec

from .agents import Attribute
from .constants import REFUSE_SECONDS, REFUSE_SECONDS_MAX
from .domains import FaultDomain
from .ids import AgentID, ExecutorID, FrameworkID, OfferID
from .resources import NOTHING, Resources


class Unavailability(msgspec.Struct, frozen=True, gc=False):
    """When a machine is to be serviced, in nanoseconds since the epoch; without ``duration``, for good."""

    start: int
    duration: int | None = None


class Offer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Resources of one agent that a framework may launch tasks with.

    ``hostname``, ``ip`` (empty if not known) and ``port`` are where the agent's HTTP API is, below ``path``.
    ``executor_ids``: those of the framework that run there. ``unavailability``: the agent is to be serviced then.
    """

    id: OfferID
    framework_id: FrameworkID
    agent_id: AgentID
    hostname: str
    resources: Resources
    role: str
    port: int
    unavailability: Unavailability | None = None
    attributes: tuple[Attribute, ...] = ()
    executor_ids: tuple[ExecutorID, ...] = ()
    ip: str = ""
    path: str = "/slave(1)"
    domain: FaultDomain | None = None


class InverseOffer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A framework is asked to leave an agent before that is serviced.

    ``resources`` are those to be given up, none named means all that it has there, as a master always asks.
    """

    id: OfferID
    framework_id: FrameworkID
    agent_id: AgentID
    unavailability: Unavailability
    resources: Resources = NOTHING


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
