"""Agents: what a machine says of itself when it registers."""

# Who calls: the agent builds AgentInfo; the master returns it with the id set.
# Source: Mesos include/mesos/v1/mesos.proto (AgentInfo, Attribute).

import msgspec

from .ids import AgentID
from .resources import Resources

# Capabilities of agents that are acted on here; an agent may name others.
AGENT_MULTI_ROLE = "MULTI_ROLE"  # it runs tasks of frameworks with several roles
AGENT_HIERARCHICAL_ROLE = "HIERARCHICAL_ROLE"  # it knows roles such as ads/batch
AGENT_TASK_RESOURCE_LIMITS = "TASK_RESOURCE_LIMITS"  # it keeps tasks within limits above what they asked for
AGENT_RESERVATION_REFINEMENT = "RESERVATION_REFINEMENT"  # it knows reservations within reservations
AGENT_RESIZE_VOLUME = "RESIZE_VOLUME"  # it grows and shrinks volumes
AGENT_OPERATION_FEEDBACK = "AGENT_OPERATION_FEEDBACK"  # it tells how operations with an id went
AGENT_CAPABILITIES = (  # what every agent of ours has
    AGENT_MULTI_ROLE,
    AGENT_HIERARCHICAL_ROLE,
    AGENT_RESERVATION_REFINEMENT,
    AGENT_RESIZE_VOLUME,
    AGENT_OPERATION_FEEDBACK,
)


class Attribute(msgspec.Struct, frozen=True, gc=False):
    """A property of a machine that frameworks choose by, such as its rack; numbers are floats."""

    name: str
    value: str | float


class AgentInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An agent's description of itself; ``id`` is None until the master has given one."""

    hostname: str
    port: int
    resources: Resources
    attributes: tuple[Attribute, ...] = ()
    id: AgentID | None = None
