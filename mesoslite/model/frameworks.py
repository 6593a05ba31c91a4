"""Frameworks: what one says of itself when it subscribes."""

# Who calls: frameworks build FrameworkInfo; validation_frameworks.py judges it.
# Not checked on construction: a master must be able to decode a bad description in order to answer it.
# Source: Mesos include/mesos/v1/mesos.proto (FrameworkInfo, OfferFilters).

import msgspec

from .ids import FrameworkID
from .labels import Label
from .resources import Resources
from .roles import DEFAULT_ROLE

# Capabilities that this code acts on; a framework may name others.
MULTI_ROLE = "MULTI_ROLE"  # its roles are a list, and its offers say their role
PARTITION_AWARE = "PARTITION_AWARE"  # it tells TASK_DROPPED, _UNKNOWN, _GONE and the like apart; else all are TASK_LOST
TASK_KILLING_STATE = "TASK_KILLING_STATE"  # it knows the state TASK_KILLING
GPU_RESOURCES = "GPU_RESOURCES"  # it is offered agents with gpus
REGION_AWARE = "REGION_AWARE"  # it is offered agents of other regions than the master's
RESERVATION_REFINEMENT = "RESERVATION_REFINEMENT"  # it is offered what is reserved more than once
REVOCABLE_RESOURCES = "REVOCABLE_RESOURCES"  # it is offered what may be taken from it again
SHARED_RESOURCES = "SHARED_RESOURCES"  # it is offered volumes that others use at the same time


class RoleMinimum(msgspec.Struct, frozen=True, gc=False):
    """What a framework wants to be offered at least under a role: one of these; no alternatives: anything."""

    role: str
    alternatives: tuple[Resources, ...]


class FrameworkInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A framework's description of itself.

    Units: ``failover_timeout`` is the seconds its tasks outlive a lost connection; 0.0 ends them at once.
    ``id`` is None until the master has given one; ``user`` is the account its tasks run as, "" for the
    agent's own. An agent that does not run as root cannot switch: there all tasks run as the agent's user.
    ``principal`` is who it says it is, "" if it does not. ``min_allocatable`` names a role at most once; a role that it
    does not name has the master's minimum.
    """

    name: str
    user: str = ""
    roles: tuple[str, ...] = (DEFAULT_ROLE,)
    id: FrameworkID | None = None
    failover_timeout: float = 0.0
    checkpoint: bool = False
    hostname: str = ""
    webui_url: str = ""
    capabilities: tuple[str, ...] = ()
    labels: tuple[Label, ...] = ()
    principal: str = ""
    min_allocatable: tuple[RoleMinimum, ...] = ()
