"""The registry's vocabulary: what outlives a master, and the operations that change it."""

# Who calls: the master sends operations to the registrar (ports.RegistrarPort) and goes on when the answer comes;
#   registry/ decides what they change and keeps it; whoever follows a failed master begins with a RegistryState.
# Frameworks and tasks are not in it: those who have them tell the next master.
# Invariants: 1. an agent's id is in at most one of agents, unreachable and gone.
#   2. a master that lacks a capability of ``minimum_capabilities`` must not touch the registry: it would not understand
#   it. AGENT_DRAINING is there exactly while an agent is deactivated, QUOTA_V2 exactly while there is a quota.
# Times are nanoseconds since the epoch.
# Source: Mesos src/master/registry.proto, src/master/registry_operations.hpp, maintenance.hpp, quota.hpp, weights.hpp.

from enum import Enum
from typing import TypeAlias

import msgspec

from .agents import AgentInfo
from .deltas import Quantities
from .ids import AgentID
from .masters import MasterInfo
from .offers import Unavailability


class DrainState(Enum):
    """How far an agent's draining is."""

    DRAINING = "DRAINING"
    DRAINED = "DRAINED"


class DrainInfo(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """That an agent is to be emptied: tasks get at most ``max_grace_seconds``, then it may be marked gone."""

    state: DrainState
    max_grace_seconds: float | None = None
    mark_gone: bool = False


class RegistryAgent(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An agent that is admitted; ``info.id`` is set."""

    info: AgentInfo
    drain: DrainInfo | None = None
    deactivated: bool = False


class UnreachableAgent(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """An agent that was admitted and has not been heard of; it may come back."""

    id: AgentID
    since_ns: int
    drain: DrainInfo | None = None
    deactivated: bool = False


class GoneAgent(msgspec.Struct, frozen=True, gc=False):
    """An agent that an operator declared gone; it must not come back."""

    id: AgentID
    since_ns: int


class MachineID(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A machine, by at least one of its names; the case of a host's name does not count."""

    hostname: str = ""
    ip: str = ""


class MachineMode(Enum):
    """What is done with a machine; one that the registry does not know is up."""

    DRAINING = "DRAINING"  # it is to be serviced
    DOWN = "DOWN"  # it is being serviced, and its agents may not register


class Machine(msgspec.Struct, frozen=True, gc=False):
    """A machine that is in the schedule."""

    id: MachineID
    mode: MachineMode
    unavailability: Unavailability


class Window(msgspec.Struct, frozen=True, gc=False):
    """Machines that are to be serviced together."""

    machines: tuple[MachineID, ...]
    unavailability: Unavailability


class Schedule(msgspec.Struct, frozen=True, gc=False):
    """All that is to be serviced."""

    windows: tuple[Window, ...] = ()


class QuotaConfig(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a role is sure of and what it may have at most; with neither, it has no quota."""

    role: str
    guarantees: Quantities = ()
    limits: Quantities = ()


class Weight(msgspec.Struct, frozen=True, gc=False):
    """How much of the cluster a role is to have, beside others of 1.0."""

    role: str
    weight: float


class MinimumCapability(msgspec.Struct, frozen=True, gc=False):
    """What a master must be able to do, or it may not use the registry."""

    name: str


RegistryRow: TypeAlias = (
    RegistryAgent | UnreachableAgent | GoneAgent | Machine | Schedule | QuotaConfig | Weight | MinimumCapability
)


class RegistryState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All that is stored; ``master`` is whoever wrote last, None in a new registry."""

    master: MasterInfo | None = None
    agents: tuple[RegistryAgent, ...] = ()
    unreachable: tuple[UnreachableAgent, ...] = ()
    gone: tuple[GoneAgent, ...] = ()
    machines: tuple[Machine, ...] = ()
    schedule: Schedule = Schedule()
    quotas: tuple[QuotaConfig, ...] = ()
    weights: tuple[Weight, ...] = ()
    minimum_capabilities: tuple[str, ...] = ()


class Recovered(msgspec.Struct, frozen=True, gc=False):
    """What a master that begins to lead finds, and its epoch: higher than that of any before it."""

    state: RegistryState
    epoch: int


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A row as it is stored: what kind of row, its key among those, and its bytes; without ``data`` it is taken out."""

    kind: str
    key: str
    data: bytes | None


# ---- operations: each is answered with whether the registry has changed, once that is durable ----


class AdmitAgent(msgspec.Struct, frozen=True, gc=False):
    """An agent has registered. Refused, if the registry knows its id."""

    info: AgentInfo


class UpdateAgent(msgspec.Struct, frozen=True, gc=False):
    """An admitted agent describes itself otherwise. Refused, if it is not admitted."""

    info: AgentInfo


class MarkAgentUnreachable(msgspec.Struct, frozen=True, gc=False):
    """An admitted agent was not heard of. Refused, if it is not admitted."""

    id: AgentID
    since_ns: int


class MarkAgentReachable(msgspec.Struct, frozen=True, gc=False):
    """An agent is back; one that nobody knows is admitted, for it may have been forgotten. Refused, if it is gone."""

    info: AgentInfo


class RemoveAgent(msgspec.Struct, frozen=True, gc=False):
    """An admitted agent has left for good. Refused, if it is not admitted."""

    id: AgentID


class MarkAgentGone(msgspec.Struct, frozen=True, gc=False):
    """An operator says that an admitted or unreachable agent will never be back. Refused, if it is neither."""

    id: AgentID
    since_ns: int


class Prune(msgspec.Struct, frozen=True, gc=False):
    """Forget unreachable and gone agents; those that are not so any more stay."""

    unreachable: tuple[AgentID, ...] = ()
    gone: tuple[AgentID, ...] = ()


class DrainAgent(msgspec.Struct, frozen=True, gc=False):
    """Deactivate an agent and empty it. A grace that is left out stays as it was. No change, if nobody knows it."""

    id: AgentID
    max_grace_seconds: float | None = None
    mark_gone: bool = False


class MarkAgentDrained(msgspec.Struct, frozen=True, gc=False):
    """A draining agent is empty. Refused, if it is known and not draining."""

    id: AgentID


class DeactivateAgent(msgspec.Struct, frozen=True, gc=False):
    """Offer an agent no more; its tasks go on. No change, if nobody knows it."""

    id: AgentID


class ReactivateAgent(msgspec.Struct, frozen=True, gc=False):
    """Offer an agent again, and drain it no more. No change, if nobody knows it."""

    id: AgentID


class UpdateSchedule(msgspec.Struct, frozen=True, gc=False):
    """Service these machines and no others; what is new in it begins to drain."""

    schedule: Schedule


class StartMaintenance(msgspec.Struct, frozen=True, gc=False):
    """These machines are down; those that are not in the schedule are passed over."""

    machines: tuple[MachineID, ...]


class StopMaintenance(msgspec.Struct, frozen=True, gc=False):
    """These machines are up, and out of the schedule."""

    machines: tuple[MachineID, ...]


class UpdateQuota(msgspec.Struct, frozen=True, gc=False):
    """Give each of these roles its quota, or, without guarantees and limits, none."""

    configs: tuple[QuotaConfig, ...]


class UpdateWeights(msgspec.Struct, frozen=True, gc=False):
    """Give each of these roles its weight."""

    weights: tuple[Weight, ...]


RegistryOperation: TypeAlias = (
    AdmitAgent
    | UpdateAgent
    | MarkAgentUnreachable
    | MarkAgentReachable
    | RemoveAgent
    | MarkAgentGone
    | Prune
    | DrainAgent
    | MarkAgentDrained
    | DeactivateAgent
    | ReactivateAgent
    | UpdateSchedule
    | StartMaintenance
    | StopMaintenance
    | UpdateQuota
    | UpdateWeights
)
