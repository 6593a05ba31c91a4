"""State: what a reader gets to see of a cluster at one moment."""

# Who calls: the master builds it; api/, cli/ and tests read it.
# Invariants: 1. per agent ``used + offered + free == info.resources``.
#   2. over agents and over frameworks, used and offered sum to the same.
# Units: times are seconds since the epoch.

import msgspec

from .agents import AgentInfo
from .frameworks import FrameworkInfo
from .ids import FrameworkID
from .offers import Offer
from .resources import Resources
from .states import TaskState
from .tasks import TaskInfo, TaskStatus


class TaskRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task, its newest state, and its statuses, oldest first, one for each run of equal states."""

    info: TaskInfo
    framework_id: FrameworkID
    state: TaskState
    statuses: tuple[TaskStatus, ...] = ()


class AgentState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An agent; only an active one is offered. ``pid`` is its actor's address."""

    info: AgentInfo
    pid: str
    active: bool
    registered_time: float
    used: Resources
    offered: Resources
    free: Resources


class FrameworkState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A framework; ``dominant_share`` is its largest share of the cluster in any one resource."""

    info: FrameworkInfo
    active: bool
    connected: bool
    registered_time: float
    roles: tuple[str, ...]
    dominant_share: float
    used: Resources
    offered: Resources
    tasks: tuple[TaskRecord, ...] = ()
    completed_tasks: tuple[TaskRecord, ...] = ()
    offers: tuple[Offer, ...] = ()


class ClusterState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The whole cluster, as its master knows it."""

    master_id: str
    pid: str
    hostname: str
    port: int
    start_time: float
    version: str
    agents: tuple[AgentState, ...] = ()
    frameworks: tuple[FrameworkState, ...] = ()
    completed_frameworks: tuple[FrameworkState, ...] = ()
