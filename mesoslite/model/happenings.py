"""Happenings: all that happens in a master, one frozen struct each, with the time by the master's clock."""

# Who calls: master/chronicle.py makes them; what wants to know what happened reads these and nothing else: the stream
#   of events of the operator API, `mesoslite why`, the checkers of the simulator.
# Imported from here, and spoken of by the module's name (``happenings.AgentAdded``): some names are those of deltas,
#   which tell the allocator the same things.
# Invariants: 1. the books had changed when it was told, and have not changed further: who reads it in the master's own
#   actor sees them as it left them.    2. ``time`` never goes back from one to the next.    3. a task is launched or
#   returned before anything else is told of it, and removed last; a framework is added before its tasks, an agent too.
# What Mesos tells its operators is in here: TASK_ADDED is TaskLaunched and TaskReturned, TASK_UPDATED is TaskUpdated
#   where ``old`` is not ``new``, AGENT_ADDED is AgentAdded, and AgentReturned if ``entered``; AGENT_REMOVED is
#   AgentRemoved and AgentGone; the three of frameworks bear Mesos's names.
# Source: Mesos include/mesos/v1/master/master.proto (Event), src/master/master.cpp (subscribers.send).

from typing import TypeAlias

import msgspec

from .agents import AgentInfo
from .frameworks import FrameworkInfo
from .ids import AgentID, ExecutorID, FrameworkID, OfferID, OperationID, TaskID
from .offers import InverseOffer, Offer
from .operations import OperationState, OperationStatus, ResourceOperation
from .registry import MachineID, QuotaConfig, Schedule, Weight
from .resources import Resources
from .states import Reason, TaskState
from .tasks import TaskInfo, TaskStatus


class Happening(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Something that happened; ``time`` is seconds since the epoch."""

    time: float


# ---- the master ----


class LeadershipBegun(Happening, frozen=True, gc=False, tag=True):
    """The registry is read, and the master serves: so many agents are expected, unreachable and gone."""

    master_id: str
    epoch: int
    expected: int
    unreachable: int
    gone: int


class RecoveryEnded(Happening, frozen=True, gc=False, tag=True):
    """The time to come back after a failover is over; so many agents have not, and are given up from now on."""

    missing: int


class LeadershipEnded(Happening, frozen=True, gc=False, tag=True):
    """The master ends; nothing more is told."""

    master_id: str


# ---- agents ----


class AgentAdded(Happening, frozen=True, gc=False, tag=True):
    """A new agent has registered; ``pid`` is where."""

    agent_id: AgentID
    info: AgentInfo
    pid: str


class AgentReturned(Happening, frozen=True, gc=False, tag=True):
    """An agent has registered again, with the id that it had; ``entered``: this master did not have it in its books."""

    agent_id: AgentID
    info: AgentInfo
    pid: str
    entered: bool


class AgentUpdated(Happening, frozen=True, gc=False, tag=True):
    """An agent says something else of itself than before, or has other resources."""

    agent_id: AgentID
    info: AgentInfo
    total: Resources


class AgentDisconnected(Happening, frozen=True, gc=False, tag=True):
    """The connection of an agent is broken; it has some time to come back."""

    agent_id: AgentID
    why: str


class AgentDeactivated(Happening, frozen=True, gc=False, tag=True):
    """A registered agent is offered no more, until it is reactivated; its tasks go on."""

    agent_id: AgentID


class AgentReactivated(Happening, frozen=True, gc=False, tag=True):
    """A registered agent that was deactivated may be offered again."""

    agent_id: AgentID


class AgentDraining(Happening, frozen=True, gc=False, tag=True):
    """An agent, deactivated with it, is to end its tasks; ``mark_gone``: and is gone once it is empty."""

    agent_id: AgentID
    mark_gone: bool


class AgentDrained(Happening, frozen=True, gc=False, tag=True):
    """A draining agent is empty, and stays deactivated."""

    agent_id: AgentID


class AgentUnreachable(Happening, frozen=True, gc=False, tag=True):
    """An agent is given up for now, with its tasks; it may come back all the same."""

    agent_id: AgentID
    why: str


class AgentGone(Happening, frozen=True, gc=False, tag=True):
    """An operator has declared an agent gone; it will not come back."""

    agent_id: AgentID


class AgentRemoved(Happening, frozen=True, gc=False, tag=True):
    """An agent has left for good."""

    agent_id: AgentID
    why: str


class AgentsForgotten(Happening, frozen=True, gc=False, tag=True):
    """The registry has forgotten agents that were unreachable or gone for too long, or were too many."""

    unreachable: tuple[AgentID, ...]
    gone: tuple[AgentID, ...]


# ---- machines ----


class ScheduleUpdated(Happening, frozen=True, gc=False, tag=True):
    """An operator has said which machines are to be serviced when, and that no others are."""

    schedule: Schedule


class MachinesDown(Happening, frozen=True, gc=False, tag=True):
    """Machines are being serviced; the agents there are removed next."""

    machines: tuple[MachineID, ...]


class MachinesUp(Happening, frozen=True, gc=False, tag=True):
    """Machines are back, and out of the schedule."""

    machines: tuple[MachineID, ...]


# ---- roles ----


class QuotaUpdated(Happening, frozen=True, gc=False, tag=True):
    """Roles have these quotas from now on; those without guarantees and limits have none any more."""

    quotas: tuple[QuotaConfig, ...]


class WeightsUpdated(Happening, frozen=True, gc=False, tag=True):
    """Roles have these weights from now on."""

    weights: tuple[Weight, ...]


# ---- frameworks ----


class FrameworkAdded(Happening, frozen=True, gc=False, tag=True):
    """A framework has subscribed for the first time; ``recovered``: an agent has told of it, it is yet to come."""

    framework_id: FrameworkID
    info: FrameworkInfo
    suppressed_roles: tuple[str, ...]
    recovered: bool


class FrameworkUpdated(Happening, frozen=True, gc=False, tag=True):
    """A framework has said anew what it is: by an update, or by subscribing again."""

    framework_id: FrameworkID
    info: FrameworkInfo
    suppressed_roles: tuple[str, ...]


class FrameworkConnected(Happening, frozen=True, gc=False, tag=True):
    """A framework that was away has subscribed again."""

    framework_id: FrameworkID


class FrameworkDisconnected(Happening, frozen=True, gc=False, tag=True):
    """The scheduler of a framework is gone; it has so many seconds to come back, by what it said of itself."""

    framework_id: FrameworkID
    failover_timeout: float


class FrameworkRemoved(Happening, frozen=True, gc=False, tag=True):
    """A framework is gone for good, with its tasks."""

    framework_id: FrameworkID
    info: FrameworkInfo


class FrameworkSuppressed(Happening, frozen=True, gc=False, tag=True):
    """A framework wants no offers for these roles; none named: for all of its roles."""

    framework_id: FrameworkID
    roles: tuple[str, ...]


class FrameworkRevived(Happening, frozen=True, gc=False, tag=True):
    """A framework wants offers for these roles again, filters or not; none named: for all of its roles."""

    framework_id: FrameworkID
    roles: tuple[str, ...]


# ---- offers ----


class OfferMade(Happening, frozen=True, gc=False, tag=True):
    """An offer stands; its framework hears of it with all others of the same plan."""

    offer: Offer


class OffersAccepted(Happening, frozen=True, gc=False, tag=True):
    """A framework has accepted offers of one agent; what becomes of that follows."""

    framework_id: FrameworkID
    offers: tuple[Offer, ...]


class OffersDeclined(Happening, frozen=True, gc=False, tag=True):
    """A framework has declined offers, and does not want to see them again for so long."""

    framework_id: FrameworkID
    offers: tuple[Offer, ...]
    refuse_seconds: float


class OfferRescinded(Happening, frozen=True, gc=False, tag=True):
    """An offer does not stand any more, by no doing of its framework."""

    offer: Offer


class OfferExpired(Happening, frozen=True, gc=False, tag=True):
    """An offer does not stand any more, because its framework has not answered it in time."""

    offer: Offer


class InverseOfferMade(Happening, frozen=True, gc=False, tag=True):
    """A framework is asked to leave an agent; it hears of it with all others of the same plan."""

    inverse_offer: InverseOffer


class InverseOfferAnswered(Happening, frozen=True, gc=False, tag=True):
    """A framework has agreed to leave an agent, or not, and is not asked again for so long."""

    inverse_offer: InverseOffer
    accepted: bool
    refuse_seconds: float


class InverseOfferRescinded(Happening, frozen=True, gc=False, tag=True):
    """An inverse offer does not stand any more, by no doing of its framework."""

    inverse_offer: InverseOffer


class InverseOfferExpired(Happening, frozen=True, gc=False, tag=True):
    """An inverse offer does not stand any more, because its framework has not answered it in time."""

    inverse_offer: InverseOffer


# ---- tasks ----


class TaskLaunched(Happening, frozen=True, gc=False, tag=True):
    """A task was accepted and sent to its agent, in state TASK_STAGING; ``offer_id`` is the first offer it was of."""

    framework_id: FrameworkID
    task: TaskInfo
    role: str
    offer_id: OfferID


class TaskRefused(Happening, frozen=True, gc=False, tag=True):
    """A task was not launched; its framework was told this state, with this reason."""

    framework_id: FrameworkID
    task_id: TaskID
    state: TaskState
    reason: Reason | None
    message: str


class TaskReturned(Happening, frozen=True, gc=False, tag=True):
    """An agent has brought along a task that was not in the books, or that was given up.

    ``task`` has no command; ``user`` is whom that was said to run as, None: nobody said.
    """

    framework_id: FrameworkID
    task: TaskInfo
    role: str
    state: TaskState
    statuses: tuple[TaskStatus, ...]
    user: str | None = None


class TaskKillAsked(Happening, frozen=True, gc=False, tag=True):
    """The framework of a task has asked to kill it, and the agent was told."""

    framework_id: FrameworkID
    agent_id: AgentID
    task_id: TaskID


class TaskUpdated(Happening, frozen=True, gc=False, tag=True):
    """A status of a task has come, or was made; the task was in state ``old`` and is in ``new``, which may be the same.

    ``new`` is the newest state that its agent knows, and may be further than ``status.state``. A repetition of the
    status before it is not told.
    """

    framework_id: FrameworkID
    agent_id: AgentID
    task_id: TaskID
    old: TaskState
    new: TaskState
    status: TaskStatus


class TaskAcknowledged(Happening, frozen=True, gc=False, tag=True):
    """The framework has acknowledged a status of a task, and its agent was told."""

    framework_id: FrameworkID
    agent_id: AgentID
    task_id: TaskID
    uuid: bytes


class TaskRemoved(Happening, frozen=True, gc=False, tag=True):
    """A task is history; ``lost_sight``: its agent is out of reach, and may bring it back."""

    framework_id: FrameworkID
    agent_id: AgentID
    task_id: TaskID
    state: TaskState
    lost_sight: bool


class ExecutorEnded(Happening, frozen=True, gc=False, tag=True):
    """The executor of a framework has ended, or was never started; what it held is free. None: nobody knows how."""

    framework_id: FrameworkID
    agent_id: AgentID
    executor_id: ExecutorID
    exit_status: int | None


# ---- operations ----


class OperationBegun(Happening, frozen=True, gc=False, tag=True):
    """An operation on resources was accepted and sent to its agent; ``uuid`` names it from now on."""

    framework_id: FrameworkID
    agent_id: AgentID
    uuid: bytes
    operation: ResourceOperation


class OperationRefused(Happening, frozen=True, gc=False, tag=True):
    """An operation on resources was not begun."""

    framework_id: FrameworkID
    operation: ResourceOperation
    message: str


class OperationUpdated(Happening, frozen=True, gc=False, tag=True):
    """A status of an operation has come, or was made; it was in state ``old`` and is in ``new``."""

    framework_id: FrameworkID
    agent_id: AgentID
    uuid: bytes
    operation_id: OperationID | None
    old: OperationState
    new: OperationState
    status: OperationStatus


AnyHappening: TypeAlias = (
    LeadershipBegun
    | RecoveryEnded
    | LeadershipEnded
    | AgentAdded
    | AgentReturned
    | AgentUpdated
    | AgentDisconnected
    | AgentDeactivated
    | AgentReactivated
    | AgentDraining
    | AgentDrained
    | AgentUnreachable
    | AgentGone
    | AgentRemoved
    | AgentsForgotten
    | ScheduleUpdated
    | MachinesDown
    | MachinesUp
    | QuotaUpdated
    | WeightsUpdated
    | FrameworkAdded
    | FrameworkUpdated
    | FrameworkConnected
    | FrameworkDisconnected
    | FrameworkRemoved
    | FrameworkSuppressed
    | FrameworkRevived
    | OfferMade
    | OffersAccepted
    | OffersDeclined
    | OfferRescinded
    | OfferExpired
    | InverseOfferMade
    | InverseOfferAnswered
    | InverseOfferRescinded
    | InverseOfferExpired
    | TaskLaunched
    | TaskRefused
    | TaskReturned
    | TaskKillAsked
    | TaskUpdated
    | TaskAcknowledged
    | TaskRemoved
    | ExecutorEnded
    | OperationBegun
    | OperationRefused
    | OperationUpdated
)

KINDS: frozenset[type[Happening]] = frozenset(Happening.__subclasses__())
"""Every kind there is."""
