"""Deltas and plans: what an allocator is told, and what it answers."""

# Who calls: the master sends deltas, in the order things happened, to the actor around the allocator; the allocator
#   and that actor live in packages that may not import each other, so what they exchange is part of the vocabulary.
# Invariants: 1. a delta says what happened, never what to do about it.
#   2. time is outside: the actor numbers its filters, keeps their timers, and tells when one expires.
# Offering and launching are no deltas: a grant counts as allocated until it is recovered, whatever becomes of
#   it.
# Source: Mesos include/mesos/allocator/allocator.hpp, src/master/allocator/mesos/hierarchical.cpp.

from typing import TypeAlias

import msgspec

from .ids import AgentID, FrameworkID
from .resources import Resources


class Usage(msgspec.Struct, frozen=True, gc=False):
    """What a framework holds on an agent, under one of its roles."""

    framework_id: FrameworkID
    role: str
    resources: Resources


class AgentAdded(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """An agent has registered, active, maybe with tasks, whose frameworks may not be known yet."""

    agent_id: AgentID
    hostname: str
    total: Resources
    used: tuple[Usage, ...] = ()


class AgentRemoved(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An agent is gone, with all that is held on it."""

    agent_id: AgentID


class AgentActivated(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An agent may be offered again."""

    agent_id: AgentID


class AgentDeactivated(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An agent must not be offered; what is held on it stays held."""

    agent_id: AgentID


class FrameworkAdded(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A framework has subscribed to these roles."""

    framework_id: FrameworkID
    roles: tuple[str, ...]
    active: bool = True
    suppressed_roles: tuple[str, ...] = ()


class FrameworkRemoved(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A framework is gone; all that it holds is free."""

    framework_id: FrameworkID


class FrameworkActivated(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A framework is connected again."""

    framework_id: FrameworkID


class FrameworkDeactivated(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A framework is not connected: it gets nothing and keeps what it holds; its filters are dropped."""

    framework_id: FrameworkID


class ResourcesRecovered(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A framework has given back part of what it holds.

    With a ``filter_id``, which must be new, the framework is not offered the like of it on that agent until
    FilterExpired names that id.
    """

    framework_id: FrameworkID
    role: str
    agent_id: AgentID
    resources: Resources
    filter_id: int | None = None


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
    """A role is entitled to ``weight`` times what a role of weight 1.0, the default, is."""

    role: str
    weight: float


Delta: TypeAlias = (
    AgentAdded
    | AgentRemoved
    | AgentActivated
    | AgentDeactivated
    | FrameworkAdded
    | FrameworkRemoved
    | FrameworkActivated
    | FrameworkDeactivated
    | ResourcesRecovered
    | FilterExpired
    | Suppressed
    | Revived
    | WeightChanged
)


class Grant(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Resources of one agent for one framework to be offered; they already count as allocated to it."""

    framework_id: FrameworkID
    role: str
    agent_id: AgentID
    resources: Resources


class Plan(msgspec.Struct, frozen=True, gc=False):
    """What one allocation run decided, in the order it was decided."""

    grants: tuple[Grant, ...] = ()
