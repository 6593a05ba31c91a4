"""Deltas and plans: what an allocator is told, and what it answers."""

# Who calls: the master sends deltas, in the order things happened, to the actor around the allocator; the allocator
#   and that actor live in packages that may not import each other, so what they exchange is part of the vocabulary.
# Invariants: 1. a delta says what happened, never what to do about it.
#   2. time is outside: the actor numbers its filters, keeps their timers, and tells when one expires.
# A grant counts as allocated until it is recovered, whatever becomes of it; that part of an offer is used changes
#   nothing of that, and is told because who uses offers is served before who hands them back.
# Amounts that may be zero or unlimited (quota) are pairs of name and thousandths, as ``Resources.quantities`` is.
# Source: Mesos include/mesos/allocator/allocator.hpp, src/master/allocator/mesos/hierarchical.cpp.

from typing import TypeAlias

import msgspec

from .agents import AGENT_CAPABILITIES, Attribute
from .constraints import RoleConstraints
from .frameworks import RoleMinimum
from .ids import AgentID, FrameworkID
from .offers import Unavailability
from .resources import Resources

Quantities: TypeAlias = tuple[tuple[str, int], ...]  # thousandths by name


class Usage(msgspec.Struct, frozen=True, gc=False):
    """What a framework holds on an agent, under one of its roles."""

    framework_id: FrameworkID
    role: str
    resources: Resources


class AgentAdded(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """An agent has registered, active, maybe with tasks, whose frameworks may not be known yet.

    They may use more than its ``total``, as after AgentUpdated.
    """

    agent_id: AgentID
    hostname: str
    total: Resources
    used: tuple[Usage, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    capabilities: tuple[str, ...] = AGENT_CAPABILITIES
    region: str | None = None
    zone: str | None = None
    unavailability: Unavailability | None = None


class AgentUpdated(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """An agent has changed what it has or is; None stays as it was.

    ``total`` may be less than what is held on it: then what of each resource is left beyond that is free, and what is
    held cannot be converted, until enough was given back.
    New ``attributes`` end all filters about the agent, and so does a new ``region`` or ``zone``.
    """

    agent_id: AgentID
    total: Resources | None = None
    attributes: tuple[Attribute, ...] | None = None
    capabilities: tuple[str, ...] | None = None
    region: str | None = None
    zone: str | None = None


class AgentRemoved(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An agent is gone, with all that is held on it."""

    agent_id: AgentID


class AgentActivated(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An agent may be offered again."""

    agent_id: AgentID


class AgentDeactivated(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An agent must not be offered; what is held on it stays held."""

    agent_id: AgentID


class AgentUnavailable(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An agent is to be serviced, at another time than known so far, or, with None, no longer."""

    agent_id: AgentID
    unavailability: Unavailability | None


class AgentsWhitelisted(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Only agents on these hosts are to be offered from now on; None: all."""

    hostnames: tuple[str, ...] | None


class FrameworkAdded(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A framework has subscribed to these roles.

    ``constraints`` and ``min_allocatable`` name a role at most once; a role they do not name has none of its own.
    """

    framework_id: FrameworkID
    roles: tuple[str, ...]
    active: bool = True
    suppressed_roles: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    constraints: tuple[RoleConstraints, ...] = ()
    min_allocatable: tuple[RoleMinimum, ...] = ()


class FrameworkUpdated(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A framework has subscribed anew, and this is all that it wants now; what it holds stays held."""

    framework_id: FrameworkID
    roles: tuple[str, ...]
    suppressed_roles: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    constraints: tuple[RoleConstraints, ...] = ()
    min_allocatable: tuple[RoleMinimum, ...] = ()


class FrameworkRemoved(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A framework is gone; all that it holds is free."""

    framework_id: FrameworkID


class FrameworkActivated(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A framework is connected again."""

    framework_id: FrameworkID


class FrameworkDeactivated(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A framework is not connected: it gets nothing and keeps what it holds; its filters are dropped."""

    framework_id: FrameworkID


class OfferUsed(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A framework runs something on part of what it was offered: from offered to allocated."""

    framework_id: FrameworkID
    role: str
    agent_id: AgentID
    resources: Resources


class ResourcesRecovered(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A framework has given back part of what it holds.

    With a ``filter_id``, which must be new, the framework is not offered the like of it on that agent until
    FilterExpired names that id.
    ``declined`` says that they are an offer of which the framework used nothing; one that was taken from it
    (rescinded) is not declined.
    """

    framework_id: FrameworkID
    role: str
    agent_id: AgentID
    resources: Resources
    filter_id: int | None = None
    declined: bool = False


class AllocationConverted(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """What a framework was offered has been reserved, unreserved, or made a volume or none: same amounts, other kind.

    The agent's total changes with it. Another copy of a shared volume is one more to hold, and changes no total.
    ``forced``: it is done although others hold a shared volume that is lost by it, or the agent is short, for grants
    on their way that will be given back.
    """

    framework_id: FrameworkID
    role: str
    agent_id: AgentID
    before: Resources
    after: Resources
    forced: bool = False


class AvailableConverted(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """What nobody holds of an agent has been reserved, unreserved, or made a volume or none, by an operator.

    ``forced``: it is done although it is not available, for grants on their way that will be given back.
    """

    agent_id: AgentID
    before: Resources
    after: Resources
    forced: bool = False


class FilterExpired(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The time of a filter is up; one that a revival say has dropped may expire all the same."""

    filter_id: int


class Suppressed(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A framework wants no offers to these roles; no role at all means each of its roles."""

    framework_id: FrameworkID
    roles: tuple[str, ...] = ()


class Revived(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A framework wants offers to these roles, filters or not; no role at all means each of its roles."""

    framework_id: FrameworkID
    roles: tuple[str, ...] = ()


class WeightChanged(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A role is entitled to ``weight`` times what its siblings of weight 1.0, the default, are."""

    role: str
    weight: float


class QuotaChanged(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A top-level role with all below it is to be able to get ``guarantees``, and gets no more than ``limits``.

    A resource that ``limits`` does not name is not limited; a limit may be zero. Neither: the role has no quota.
    """

    role: str
    guarantees: Quantities = ()
    limits: Quantities = ()


class RecoveryBegun(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A new master leads, and so many agents are expected back; quotas are known already."""

    expected_agents: int


class RecoveryOver(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Agents that are not back yet are no longer waited for."""


class Paused(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Nothing is to be offered until Resumed."""


class Resumed(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Offers may be made again."""


class InverseOfferAnswered(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A framework has answered an inverse offer; ``accepted`` is None if the offer was taken from it instead.

    With a ``filter_id``, which must be new, it is not asked about this agent again until FilterExpired names that id.
    """

    framework_id: FrameworkID
    agent_id: AgentID
    accepted: bool | None
    filter_id: int | None = None


Delta: TypeAlias = (
    AgentAdded
    | AgentUpdated
    | AgentRemoved
    | AgentActivated
    | AgentDeactivated
    | AgentUnavailable
    | AgentsWhitelisted
    | FrameworkAdded
    | FrameworkUpdated
    | FrameworkRemoved
    | FrameworkActivated
    | FrameworkDeactivated
    | OfferUsed
    | ResourcesRecovered
    | AllocationConverted
    | AvailableConverted
    | FilterExpired
    | Suppressed
    | Revived
    | WeightChanged
    | QuotaChanged
    | RecoveryBegun
    | RecoveryOver
    | Paused
    | Resumed
    | InverseOfferAnswered
)


class Grant(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Resources of one agent for one framework to be offered; they already count as allocated to it."""

    framework_id: FrameworkID
    role: str
    agent_id: AgentID
    resources: Resources


class InverseGrant(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A framework that holds something on an agent is to be asked to leave it by the time it is serviced."""

    framework_id: FrameworkID
    agent_id: AgentID
    unavailability: Unavailability


class Plan(msgspec.Struct, frozen=True, gc=False):
    """What one allocation run decided, in the order it was decided."""

    grants: tuple[Grant, ...] = ()
    inverse: tuple[InverseGrant, ...] = ()
